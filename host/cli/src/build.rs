//! `brightsync build`: from the folder of a connector to one `.wasm` file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use brightsync_build::{Built, Options, Profile, Sdk};
use clap::Args;
use serde_json::json;

use crate::arguments::Setting;
use crate::exit::Exit;
use crate::progress::Step;
use crate::table::Columns;
use crate::{sdk, text};

const EXAMPLES: &str = "\
Examples:
  brightsync build                        the connector in this folder, to NAME.wasm beside its source
  brightsync build acme -o acme.wasm      the one in the folder acme, to acme.wasm

The folder has a Cargo.toml, a connector.toml and the source. The SDK comes with this program, unless the folder's
workspace says where to take it from.";

/// Make one .wasm file of a connector's folder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Build {
    /// The folder of the connector
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The file to write [default: NAME.wasm in the folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Build {
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let terminal = &setting.terminal;
        let options = Options {
            target_dir: match terminal.variable("CARGO_TARGET_DIR") {
                Some(folder) => folder.into(),
                None => self.folder.join("target"),
            },
            profile: Profile::Connector,
            sdk: Sdk::Folder(sdk::unpack(&setting.data()?)?),
        };
        let step = Step::begin(terminal, "building");
        let (step, built) = self.build(options, step).await?;
        let name = built.manifest.name();
        let path = self
            .output
            .clone()
            .unwrap_or_else(|| self.folder.join(format!("{name}.wasm")));
        write(&path, &built.component)?;
        step.done(path.display());
        if self.json {
            terminal.line(json!({
                "file": path,
                "name": name,
                "version": built.manifest.version(),
                "size": built.inspection.size(),
                "digest": built.inspection.digest(),
                "pure": built.inspection.is_pure(),
                "imports-beyond-the-contract": beyond(&built),
            }));
            return Ok(Exit::Success);
        }
        let mut table = Columns::plain();
        table.row(["connector", &format!("{name} {}", built.manifest.version())]);
        table.row(["file", &path.display().to_string()]);
        table.row(["size", &size(&built)]);
        table.row(["sha256", built.inspection.digest()]);
        table.row(["imports beyond the contract", &imports(&built)]);
        table.show(0, terminal);
        Ok(Exit::Success)
    }

    async fn build(&self, options: Options, step: Step) -> Result<(Step, Built)> {
        let folder = self.folder.clone();
        let work = move || {
            let built = brightsync_build::build(&folder, &options, &mut |line| {
                step.say(text::outside(line).into_owned());
            });
            built.map(|built| (step, built))
        };
        let built = tokio::task::spawn_blocking(work)
            .await
            .context("the build was given up")?;
        built.with_context(|| format!("{:?} was not built", self.folder))
    }
}

fn write(path: &Path, component: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {folder:?} cannot be made"))?;
    }
    fs::write(path, component)
        .with_context(|| format!("{path:?} cannot be written; name another file with --output"))
}

fn size(built: &Built) -> String {
    let bytes = u64::try_from(built.inspection.size()).unwrap_or(u64::MAX);
    format!("{} ({} bytes)", text::size(bytes), text::number(bytes))
}

fn imports(built: &Built) -> String {
    if built.inspection.is_pure() {
        return "none (pure)".to_owned();
    }
    let names: Vec<_> = beyond(built).into_iter().map(text::outside).collect();
    names.join(", ")
}

/// The imports that are not the contract's.
fn beyond(built: &Built) -> Vec<&str> {
    crate::inspect::beyond_the_contract(&built.inspection)
}
