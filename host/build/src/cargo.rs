//! Cargo, called for another target from inside a build or a program that Cargo itself may have started.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Options, TARGET};

/// How the code of a component is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For size, and slowly: what is shipped.
    Connector,
    /// For the time that it takes: what tests try things out with.
    Guest,
}

/// A component that Cargo built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The name of the library or example.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// Cargo failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CargoError {
    /// It does not run.
    #[error("cargo does not run; is Rust installed?")]
    Run(#[source] std::io::Error),
    /// It ran and was not content.
    #[error("cargo could not build {folder:?}:\n{output}")]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// What it said.
        output: String,
    },
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Guest => "guest",
        }
    }

    /// Passed on the command line, since a vendor's package has no such profile.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Connector => &[
                r#"inherits="release""#,
                // Smaller than "s", and no slower where it was measured; see the README.
                r#"opt-level="z""#,
                "lto=true",
                "codegen-units=1",
                r#"panic="abort""#,
                r#"strip=true"#,
            ],
            Self::Guest => &[
                r#"inherits="release""#,
                "opt-level=1",
                r#"panic="abort""#,
                r#"strip=true"#,
            ],
        }
    }
}

/// Builds the libraries or examples of a package for the target of connectors.
pub(crate) fn build(
    folder: &Path,
    what: &[&str],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Artifact>, CargoError> {
    let mut command = cargo();
    command
        .arg("build")
        .args(what)
        .args(["--target", TARGET, "--profile", options.profile.name()])
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&options.target_dir)
        .args(["--message-format", "json-render-diagnostics"]);
    for setting in options.profile.settings() {
        let setting = format!("profile.{}.{setting}", options.profile.name());
        command.arg("--config").arg(setting);
    }
    if let Some(setting) = options.sdk.configuration(&workspace(folder)?) {
        command.arg("--config").arg(setting);
    }
    let messages = run(&mut command, folder, progress)?;
    Ok(messages.lines().filter_map(artifact).collect())
}

/// The folder whose Cargo.toml decides for the package.
fn workspace(folder: &Path) -> Result<PathBuf, CargoError> {
    let mut command = cargo();
    command
        .args([
            "locate-project",
            "--workspace",
            "--message-format",
            "plain",
            "--manifest-path",
        ])
        .arg(folder.join("Cargo.toml"));
    let manifest = PathBuf::from(run(&mut command, folder, &mut |_| {})?.trim());
    Ok(manifest.parent().unwrap_or(folder).to_owned())
}

/// A line of Cargo's output, if it announces a component.
fn artifact(line: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    let path = files
        .iter()
        .filter_map(Value::as_str)
        .find(|it| it.ends_with(".wasm"))?;
    Some(Artifact {
        name: message.get("target")?.get("name")?.as_str()?.to_owned(),
        path: path.into(),
    })
}

/// Runs Cargo. What it says of its progress is passed on while it works, since a first build takes a while.
fn run(
    command: &mut Command,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<String, CargoError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(CargoError::Run)?;
    let stdout = child.stdout.take();
    // Read beside standard error: Cargo would wait for ever at a pipe that nobody empties.
    let messages = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map(|mut it| it.read_to_end(&mut bytes)).transpose();
        read.map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line.map_err(CargoError::Run)?;
            let line = String::from_utf8_lossy(&line);
            progress(line.trim());
            said.push_str(&line);
            said.push('\n');
        }
    }
    let status = child.wait().map_err(CargoError::Run)?;
    let messages = messages
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("its output could not be read")))
        .map_err(CargoError::Run)?;
    if status.success() {
        return Ok(messages);
    }
    Err(CargoError::Failed {
        folder: folder.to_owned(),
        output: said.trim().to_owned(),
    })
}

/// Cargo without what an outer Cargo, or the machine's owner, has set for the machine's own target.
fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let foreign = text.starts_with("CARGO_")
            && !matches!(
                &*text,
                "CARGO_HOME" | "CARGO_NET_OFFLINE" | "CARGO_HTTP_CAINFO" | "CARGO_INCREMENTAL"
            )
            && !text.starts_with("CARGO_REGISTRIES_")
            && !text.starts_with("CARGO_REGISTRY_")
            && !text.starts_with("CARGO_SOURCE_")
            && !text.starts_with("CARGO_HTTP_")
            && !text.starts_with("CARGO_NET_");
        // Keys and credentials are this program's, and a build script is anybody's.
        let secret = text.starts_with("BRIGHTSYNC_");
        if foreign
            || secret
            || matches!(
                &*text,
                "RUSTFLAGS" | "RUSTDOCFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER"
            )
        {
            command.env_remove(&name);
        }
    }
    command
}
