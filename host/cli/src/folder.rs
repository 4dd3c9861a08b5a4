//! The folder in which the installation keeps what it needs again: compiled connectors, its key, the unpacked SDK.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use etcetera::base_strategy::{BaseStrategy as _, Xdg};

use crate::terminal::Terminal;

/// Finds the data folder: the argument, else `BRIGHTSYNC_HOME`, else `brightsync` in the XDG data folder.
pub(crate) fn data(argument: Option<&Path>, terminal: &Terminal) -> Result<PathBuf> {
    if let Some(folder) = argument {
        return Ok(folder.to_owned());
    }
    if let Some(folder) = terminal.variable("BRIGHTSYNC_HOME") {
        return Ok(folder.into());
    }
    let xdg = Xdg::new()
        .context("there is no home folder to keep data in; give one with --data-dir FOLDER")?;
    Ok(xdg.data_dir().join("brightsync"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_comes_before_the_variable() {
        let (terminal, _) = Terminal::captured([("BRIGHTSYNC_HOME", "/from/variable")]);
        let folder = |argument: Option<&str>| data(argument.map(Path::new), &terminal).unwrap();
        assert_eq!(folder(Some("/given")), Path::new("/given"));
        assert_eq!(folder(None), Path::new("/from/variable"));
    }
}
