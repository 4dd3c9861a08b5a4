//! Runs a program to its end, line by line, and keeps what it complained about.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::process::{Command, ExitStatus, Stdio};

/// How much of a program's complaint is worth showing, in bytes.
const COMPLAINT: usize = 4000;

/// How a program can fail us.
#[derive(Debug)]
pub(super) enum Failed {
    /// It could not be started or listened to.
    System(io::Error),
    /// It ended with an error, and this is the end of what it wrote to standard error.
    Ended(ExitStatus, String),
}

/// Returns a command that this machine's settings for Tryton and Python do not reach.
///
/// The settings of pip are left: how to reach its index is the machine's matter.
pub(super) fn isolated(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let prefix = name.to_string_lossy().to_ascii_uppercase();
        if prefix.starts_with("TRYTON") || prefix.starts_with("PYTHON") {
            command.env_remove(name);
        }
    }
    command.env("PYTHONUTF8", "1").stdin(Stdio::null());
    command
}

/// Runs a command, and passes on each line of its standard output.
pub(super) fn run(command: &mut Command, line: &mut dyn FnMut(&str)) -> Result<(), Failed> {
    let mut complaints = tempfile::tempfile().map_err(Failed::System)?;
    let stderr = complaints.try_clone().map_err(Failed::System)?;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(Failed::System)?;
    let read = child.stdout.take().map_or(Ok(()), |stdout| {
        BufReader::new(stdout)
            .lines()
            .try_for_each(|it| it.map(|it| line(&it)))
    });
    let status = child.wait().map_err(Failed::System)?;
    read.map_err(Failed::System)?;
    if status.success() {
        Ok(())
    } else {
        Err(Failed::Ended(status, tail(&mut complaints)))
    }
}

/// Returns the end of a file as text; what cannot be read is left out.
pub(super) fn tail(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    let start = bytes.len().saturating_sub(COMPLAINT);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default())
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: &[&str], complaint: Option<&str>) {
        let mut lines = Vec::new();
        let result = run(isolated("python3").args(["-c", code]), &mut |it| {
            lines.push(it.to_owned());
        });
        assert_eq!(lines, expected);
        match (result, complaint) {
            (Ok(()), None) => {}
            (Err(Failed::Ended(_, text)), Some(expected)) => assert_eq!(text, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_passed_on_and_complaints_kept() {
        check("print('one'); print('two')", &["one", "two"], None);
        check(
            "import sys; print('one'); sys.exit('no disk')",
            &["one"],
            Some("no disk"),
        );
    }

    #[test]
    fn settings_of_the_machine_do_not_reach_tryton() {
        let names: Vec<_> = isolated("python3")
            .get_envs()
            .filter_map(|(name, value)| value.map(|_| name.to_owned()))
            .collect();
        assert_eq!(names, ["PYTHONUTF8"]);
    }
}
