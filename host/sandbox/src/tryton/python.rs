//! Finds a Python that Tryton 8.2 runs on.

use std::io;
use std::process::{Command, Stdio};

use super::command::isolated;

/// What may be called Python, the likeliest first.
const NAMES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];
/// The oldest Python with a `trytond` of the series 8.2.
const OLDEST: (u32, u32) = (3, 11);
/// Says the version, and on further lines what decides which packages fit.
const ASK: &str = "import sys, sysconfig
print('%d.%d' % sys.version_info[:2])
print(sys.version, sysconfig.get_platform(), sys.base_prefix)";

/// A Python that is new enough and can make virtual environments.
#[derive(Debug)]
pub(super) struct Python {
    /// The name that starts it.
    pub(super) name: &'static str,
    /// Its version, as in `3.11`.
    pub(super) version: String,
    /// What an environment that was built with another Python differs in.
    pub(super) identity: String,
}

/// Why there is no Python to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PythonError {
    /// There is none at all.
    #[error(
        "Tryton needs Python 3.11 or newer, and there is no python3: install it (on Debian and \
         Ubuntu: apt install python3 python3-venv)"
    )]
    Missing,
    /// There are only old ones.
    #[error(
        "Tryton needs Python 3.11 or newer, and `{name}` is {version}: install a newer one beside \
         it, so that `python3` or `python3.11` to `python3.14` starts it"
    )]
    Old {
        /// The newest Python that was found.
        name: &'static str,
        /// Its version.
        version: String,
    },
    /// Python was installed without the part that makes virtual environments.
    #[error(
        "`{name}` {version} cannot make virtual environments: install its modules venv and \
         ensurepip (on Debian and Ubuntu: apt install python{version}-venv)"
    )]
    NoVenv {
        /// The Python that was found.
        name: &'static str,
        /// Its version.
        version: String,
    },
    /// It is there and cannot be started.
    #[error("`{name}` cannot be started")]
    Start {
        /// The Python that was found.
        name: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Python {
    /// Finds the first Python on the path that will do.
    pub(super) fn find() -> Result<Self, PythonError> {
        let mut old: Option<(&'static str, String)> = None;
        for name in NAMES {
            let Some((version, identity)) = ask(name)? else {
                continue;
            };
            if parse(&version).is_none_or(|it| it < OLDEST) {
                if old
                    .as_ref()
                    .is_none_or(|(_, it)| parse(it) < parse(&version))
                {
                    old = Some((name, version));
                }
                continue;
            }
            return if succeeds(name, "import ensurepip, venv")? {
                Ok(Self {
                    name,
                    version,
                    identity,
                })
            } else {
                Err(PythonError::NoVenv { name, version })
            };
        }
        Err(match old {
            Some((name, version)) => PythonError::Old { name, version },
            None => PythonError::Missing,
        })
    }
}

/// Returns the version and the identity of a Python, or nothing if there is none of that name.
fn ask(name: &'static str) -> Result<Option<(String, String)>, PythonError> {
    let output = match isolated(name).args(["-I", "-c", ASK]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(PythonError::Start { name, source }),
    };
    // A shim of a version manager exists for versions that are not installed, and fails.
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text
        .split_once('\n')
        .map(|(version, identity)| (version.trim().to_owned(), identity.to_owned())))
}

fn succeeds(name: &'static str, code: &str) -> Result<bool, PythonError> {
    let mut command: Command = isolated(name);
    command
        .args(["-I", "-c", code])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command
        .status()
        .map_err(|source| PythonError::Start { name, source })?;
    Ok(status.success())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, expected: Option<(u32, u32)>) {
        assert_eq!(parse(version), expected, "{version}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        check("3.9", Some((3, 9)));
        check("3.11", Some((3, 11)));
        check("three", None);
        assert!(parse("3.9") < parse("3.11"));
    }

    #[test]
    fn a_missing_python_is_no_error_until_all_are_missing() {
        assert!(ask("python-that-nobody-has").unwrap().is_none());
    }

    #[test]
    fn the_message_says_what_to_install() {
        let error = PythonError::NoVenv {
            name: "python3",
            version: "3.12".to_owned(),
        };
        assert!(error.to_string().contains("apt install python3.12-venv"));
    }
}
