//! The compilation target of connectors, and how it comes onto a machine.

use std::path::Path;
use std::process::Command;

/// The target of connectors: its linker makes components without further tools.
pub const TARGET: &str = "wasm32-wasip2";

/// The target is not there and cannot be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// There is no rustup, and the toolchain has no such target.
    #[error(
        "this Rust toolchain has no {TARGET}, and rustup is not there to install it; install rustup, or the target by the means of your distribution"
    )]
    NoRustup,
    /// rustup failed.
    #[error("`rustup target add {TARGET}` failed: {output}")]
    Rustup {
        /// What it said.
        output: String,
    },
    /// rustc does not run.
    #[error("rustc does not run; is Rust installed?")]
    Rustc(#[source] std::io::Error),
}

/// Installs the target if it is missing, and says so.
pub(crate) fn ensure(progress: &mut dyn FnMut(&str)) -> Result<(), TargetError> {
    if is_installed()? {
        return Ok(());
    }
    progress(&format!("installing the target {TARGET} with rustup"));
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .output();
    let added = added.map_err(|_| TargetError::NoRustup)?;
    if added.status.success() {
        return Ok(());
    }
    Err(TargetError::Rustup {
        output: String::from_utf8_lossy(&added.stderr).trim().to_owned(),
    })
}

/// Looks for the target's libraries where rustc would.
fn is_installed() -> Result<bool, TargetError> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(TargetError::Rustc)?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}
