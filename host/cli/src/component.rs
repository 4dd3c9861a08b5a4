//! A connector as a command takes it: a file, or the sandbox connector of this repository, which is built first.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use brightsync_core::component::{self, Caps};
use brightsync_core::manifest::Manifest;
use brightsync_runtime::Digest;

use crate::arguments::Setting;
use crate::connections::make;
use crate::repository::Repository;

/// The word that stands for the sandbox connector.
pub(crate) const SANDBOX: &str = "sandbox";

/// A connector that may be loaded.
pub(crate) struct Component {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Manifest,
}

impl Component {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)
            .with_context(|| format!("{path:?} cannot be read; `brightsync build` writes it"))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("{path:?} cannot be found again"))?;
        Self::check(path, bytes)
    }

    /// Builds the sandbox connector. Where it is kept, if it is, is in the data folder.
    pub(crate) async fn sandbox(setting: &Setting) -> Result<Self> {
        let repository = Repository::find(&setting.terminal)?;
        let bytes = repository.connector(SANDBOX, &setting.terminal).await?;
        let path = setting.data()?.join("connectors").join("sandbox.wasm");
        Self::check(path, bytes)
    }

    fn check(path: PathBuf, bytes: Vec<u8>) -> Result<Self> {
        let (manifest, _) = component::check(&bytes, &Caps::default())
            .with_context(|| format!("{path:?} is no connector that may be loaded"))?;
        Ok(Self {
            path,
            bytes,
            manifest,
        })
    }

    /// Writes what was built, since a connection needs it again.
    pub(crate) fn keep(&self) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            make(folder)?;
        }
        fs::write(&self.path, &self.bytes)
            .with_context(|| format!("{:?} cannot be written", self.path))
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}
