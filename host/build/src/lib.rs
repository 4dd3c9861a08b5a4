//! Turns the folder of a connector into one checked component with its manifest inside.
//!
//! It calls Cargo for the target `wasm32-wasip2`, with a profile for size, and reads the manifest that stands beside the source.
//! It never runs the component, and knows nothing of the engine.

mod cargo;
mod sdk;
mod target;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use brightsync_core::component::{self, Inspection};
use brightsync_core::manifest::Manifest;

pub use self::cargo::{Artifact, CargoError, Profile};
pub use self::sdk::Sdk;
pub use self::target::{TARGET, TargetError};

/// How to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cargo's target folder. Builds that share one share what they have compiled.
    pub target_dir: PathBuf,
    /// How the code is optimised.
    pub profile: Profile,
    /// Where the SDK is taken from for a folder outside of this project's workspace.
    pub sdk: Sdk,
}

/// A connector that was built.
#[derive(Debug)]
pub struct Built {
    /// The component with its manifest.
    pub component: Vec<u8>,
    /// The manifest.
    pub manifest: Manifest,
    /// What can be seen of it from outside.
    pub inspection: Inspection,
}

/// A connector that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error(
        "{path:?} cannot be read; the folder of a connector has a Cargo.toml and a connector.toml"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: io::Error,
    },
    /// The manifest is wrong.
    #[error("{path:?}: {problem}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, where, and how to mend it.
        problem: brightsync_core::manifest::Error,
    },
    /// The target is not there and cannot be installed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Cargo failed.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// The package has no library that becomes a component.
    #[error(
        "{folder:?} builds no component; its Cargo.toml needs [lib] with crate-type = [\"cdylib\", \"rlib\"]"
    )]
    NoComponent {
        /// The folder.
        folder: PathBuf,
    },
    /// The component is not one that a host would load.
    #[error("the component was built, but a host would not load it")]
    Component(#[from] component::Error),
}

/// Builds the connector in a folder. `progress` is told what happens, a line at a time.
pub fn build(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Built, Error> {
    // The manifest first: it is read in no time, and a mistake in it is the commonest one.
    let path = folder.join("connector.toml");
    let text = read(&path)?;
    let manifest = Manifest::parse(&text).map_err(|problem| Error::Manifest { path, problem })?;
    target::ensure(progress)?;
    progress(&format!(
        "building {} {}",
        manifest.name(),
        manifest.version()
    ));
    let artifacts = cargo::build(folder, &["--lib"], options, progress)?;
    let artifact = artifacts
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoComponent {
            folder: folder.to_owned(),
        })?;
    finish(&artifact.path, &text)
}

/// Builds the examples of a package, each of them a component, without looking at what they are.
///
/// This is for guests of tests, which are often not what a host would load.
pub fn build_examples(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Artifact>, Error> {
    target::ensure(progress)?;
    Ok(cargo::build(folder, &["--examples"], options, progress)?)
}

/// Builds one example of a package likewise.
pub fn build_example(
    folder: &Path,
    example: &str,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Artifact, Error> {
    target::ensure(progress)?;
    let artifacts = cargo::build(folder, &["--example", example], options, progress)?;
    artifacts
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoComponent {
            folder: folder.to_owned(),
        })
}

fn finish(path: &Path, manifest: &str) -> Result<Built, Error> {
    let bytes = fs::read(path).map_err(|problem| Error::Read {
        path: path.to_owned(),
        problem,
    })?;
    let component = component::embed(&bytes, manifest)?;
    let (manifest, inspection) = component::check(&component, &component::Caps::default())?;
    Ok(Built {
        component,
        manifest,
        inspection,
    })
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|problem| Error::Read {
        path: path.to_owned(),
        problem,
    })
}
