//! The repository that the program was built from, and what is built in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use brightsync_build::{Options, Profile, Sdk};
use brightsync_core::component;

use crate::progress::Step;
use crate::terminal::Terminal;
use crate::text;

/// The folder of the repository, and where compiled code goes.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    folder: PathBuf,
    target: PathBuf,
}

impl Repository {
    /// Finds it where it was when the program was built.
    pub(crate) fn find(terminal: &Terminal) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let here = ["plugins", "sdk", "tests/guests"];
        ensure!(
            here.iter().all(|it| folder.join(it).is_dir()),
            "this command builds a connector from the repository, and {} is there no more; build the program in a clone of it, and run that",
            folder.display()
        );
        let folder = folder
            .canonicalize()
            .with_context(|| format!("{folder:?} cannot be used"))?;
        let target = terminal
            .variable("CARGO_TARGET_DIR")
            .map_or_else(|| folder.join("target"), PathBuf::from);
        Ok(Self { folder, target })
    }

    /// Where compiled code goes.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Builds a connector of the repository.
    pub(crate) async fn connector(&self, name: &str, terminal: &Terminal) -> Result<Vec<u8>> {
        let folder = self.folder.join("plugins").join(name);
        let options = self.options(Profile::Connector);
        let step = Step::begin(terminal, "the connector");
        let work = move || {
            let built = brightsync_build::build(&folder, &options, &mut |line| {
                step.say(text::outside(line).into_owned());
            })?;
            let size = text::size(u64::try_from(built.component.len()).unwrap_or(u64::MAX));
            let name = built.manifest.name();
            step.done(format!(
                "{name} {}, built, {size}",
                built.manifest.version()
            ));
            anyhow::Ok(built.component)
        };
        let built = tokio::task::spawn_blocking(work).await?;
        built.with_context(|| format!("the connector {name} was not built"))
    }

    /// Builds a guest of the tests and gives it a manifest.
    pub(crate) async fn guest(
        &self,
        name: &'static str,
        manifest: &'static str,
        terminal: &Terminal,
    ) -> Result<Vec<u8>> {
        let bytes = self.bare_guest(name, terminal).await?;
        Ok(component::embed(&bytes, manifest)?)
    }

    /// Builds a guest of the tests.
    pub(crate) async fn bare_guest(
        &self,
        name: &'static str,
        terminal: &Terminal,
    ) -> Result<Vec<u8>> {
        let folder = self.folder.join("tests/guests");
        let options = self.options(Profile::Guest);
        let step = Step::begin(terminal, "a hostile connector");
        let work = move || {
            let built = brightsync_build::build_example(&folder, name, &options, &mut |line| {
                step.say(text::outside(line).into_owned());
            })?;
            let component = std::fs::read(&built.path)?;
            let size = text::size(u64::try_from(component.len()).unwrap_or(u64::MAX));
            step.done(format!("{name}, built, {size}"));
            anyhow::Ok(component)
        };
        let built = tokio::task::spawn_blocking(work).await?;
        built.with_context(|| format!("the guest {name} was not built"))
    }

    fn options(&self, profile: Profile) -> Options {
        Options {
            // A folder of its own: Cargo holds the other one while it runs this program's tests.
            target_dir: self.target.join("connectors"),
            profile,
            sdk: Sdk::AsStated,
        }
    }
}
