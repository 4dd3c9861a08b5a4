//! A connector that is loaded: its manifest, what was seen of it before it ran, and its code ready to be instantiated.

use std::path::PathBuf;

use brightsync_core::component::{self, Inspection};
use brightsync_core::grant::Approval;
use brightsync_core::manifest::Manifest;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::bindings::ConnectorPre;
use crate::compile::{CompileError, Compiler, Digest};
use crate::store::Running;

/// Where a connector comes from.
#[derive(Debug)]
pub enum Source {
    /// A file.
    Path(PathBuf),
    /// Its bytes.
    Bytes(Vec<u8>),
}

/// A connector that could not be loaded. Nothing has changed: one that was loaded under its name before serves on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path:?} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: std::io::Error,
    },
    /// It is not a component that this host would run.
    #[error("this is not a connector that may be loaded")]
    Component(#[from] component::Error),
    /// Its exports or imports do not have the types of the contract.
    #[error("it does not fit the contract {contract}: {problem}")]
    Contract {
        /// The contract's version.
        contract: String,
        /// What does not fit.
        problem: String,
    },
    /// It cannot be compiled.
    #[error("it cannot be compiled")]
    Compile(#[from] CompileError),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    ShuttingDown,
}

/// A connector, ready to run.
pub(crate) struct Connector {
    manifest: Manifest,
    inspection: Inspection,
    digest: Digest,
    approval: Approval,
    pre: ConnectorPre<Running>,
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&std::path::Path> for Source {
    fn from(path: &std::path::Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl Source {
    async fn read(self) -> Result<Vec<u8>, LoadError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Path(path) => tokio::fs::read(&path)
                .await
                .map_err(|problem| LoadError::Read { path, problem }),
        }
    }
}

impl Connector {
    /// Looks at it, compiles it if it never was, and links it. No line of it runs.
    pub(crate) async fn load(
        source: Source,
        engine: &Engine,
        linker: &Linker<Running>,
        compiler: &Compiler,
    ) -> Result<Self, LoadError> {
        let bytes = source.read().await?;
        let (manifest, inspection) = component::check(&bytes, &component::Caps::default())?;
        let digest = Digest::of(&bytes);
        let component = compiler.component(bytes, digest, engine).await?;
        let fits = |problem: wasmtime::Error| LoadError::Contract {
            contract: manifest.contract().to_string(),
            problem: format!("{problem:#}"),
        };
        let pre = linker.instantiate_pre(&component).map_err(fits)?;
        let pre = ConnectorPre::new(pre).map_err(fits)?;
        Ok(Self {
            approval: Approval::after_consent_to(&manifest),
            manifest,
            inspection,
            digest,
            pre,
        })
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// The approval that a connection needs for it.
    pub(crate) fn approval(&self) -> &Approval {
        &self.approval
    }

    pub(crate) fn pre(&self) -> &ConnectorPre<Running> {
        &self.pre
    }
}
