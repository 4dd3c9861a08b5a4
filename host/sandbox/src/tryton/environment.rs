//! Tryton's packages and a database to copy, built once and shared.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use sha2::{Digest, Sha256};

use super::command::{Failed, isolated, run};
use super::login::{Login, Logins};
use super::python::{Python, PythonError};

const LOCK: &str = include_str!("../../tryton/requirements.txt");
const PREPARE: &str = include_str!("../../tryton/prepare.py");
const SECRETS: &str = "logins.json";
/// What a folder that is still being built begins with.
const UNFINISHED: &str = "building-";
/// The name of the database, which is a part of every address.
pub(super) const DATABASE: &str = "tryton";
pub(super) const DATABASE_FILE: &str = "tryton.sqlite";

/// An installed Tryton with a database that servers start as copies of.
#[derive(Clone, Debug)]
pub struct Environment {
    folder: PathBuf,
    logins: Logins,
}

/// Why there is no Tryton to start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// There is no Python for it.
    #[error("no Python for Tryton")]
    Python(#[from] PythonError),
    /// The folder cannot be used.
    #[error("cannot write to {path}: choose a folder that can be written to, with 200 MB free")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A step did not start.
    #[error("cannot start {step}")]
    Start {
        /// What was tried.
        step: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A step failed.
    #[error("{step} failed ({status}):\n{complaint}")]
    Step {
        /// What was tried.
        step: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to standard error.
        complaint: String,
    },
    /// The list of users is not what the preparation writes.
    #[error("{path} cannot be understood: delete its folder, it is built anew")]
    Logins {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl Environment {
    /// Returns the environment in `target/tryton/`, and builds it first if it is not there.
    ///
    /// Building takes about half a minute, 200 MB and an index of Python packages; `progress` gets
    /// a line for each step of it. Everything that goes into an environment is a part of its name,
    /// so that another version of it is another folder. Processes that ask at the same time wait for
    /// the one that builds.
    ///
    /// # Errors
    ///
    /// If there is no Python 3.11, or a step of the building fails; then nothing is left behind.
    pub fn prepare(target: &Path, progress: &mut dyn FnMut(&str)) -> Result<Self, PrepareError> {
        let python = Python::find()?;
        let parent = target.join("tryton");
        fs::create_dir_all(&parent).map_err(unwritable(&parent))?;
        // Python changes into other folders, and virtual environments know where they are.
        let parent = parent.canonicalize().map_err(unwritable(&parent))?;
        let folder = parent.join(stamp(&python));
        if !folder.exists() {
            let path = parent.join("lock");
            let lock = File::create(&path).map_err(unwritable(&path))?;
            if lock.try_lock().is_err() {
                progress("waiting for another process that prepares Tryton");
                lock.lock().map_err(unwritable(&path))?;
            }
            // Another process may have built it while this one waited.
            if !folder.exists() {
                clear(&parent)?;
                build(&python, &parent, &folder, progress)?;
            }
        }
        Self::open(folder)
    }

    /// Returns who may log in, and with which key.
    pub fn logins(&self) -> &[Login] {
        &self.logins.users
    }

    /// Returns the id of the company, which requests about opportunities must name.
    pub fn company(&self) -> i64 {
        self.logins.company
    }

    /// Returns the Python that has Tryton's packages.
    pub(super) fn python(&self) -> PathBuf {
        interpreter(&self.folder)
    }

    /// Returns the database to copy.
    pub(super) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE_FILE)
    }

    fn open(folder: PathBuf) -> Result<Self, PrepareError> {
        let path = folder.join(SECRETS);
        let text = fs::read(&path).map_err(unwritable(&path))?;
        let logins = serde_json::from_slice(&text)
            .map_err(|source| PrepareError::Logins { path, source })?;
        Ok(Self { folder, logins })
    }
}

/// Returns a name that changes with everything that the environment is made of.
fn stamp(python: &Python) -> String {
    let mut hash = Sha256::new();
    for part in [LOCK, PREPARE, &python.identity] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let digits: String = digest
        .iter()
        .take(8)
        .map(|it| format!("{it:02x}"))
        .collect();
    format!("python{}-{digits}", python.version)
}

/// Removes what a build left that was killed; the caller holds the lock, so that none is under way.
fn clear(parent: &Path) -> Result<(), PrepareError> {
    for entry in fs::read_dir(parent).map_err(unwritable(parent))? {
        let path = entry.map_err(unwritable(parent))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(UNFINISHED) {
            fs::remove_dir_all(&path).map_err(unwritable(&path))?;
        }
    }
    Ok(())
}

fn build(
    python: &Python,
    parent: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), PrepareError> {
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(parent)
        .map_err(unwritable(parent))?;
    let inside = unfinished.path();
    let place = |name: &str, text: &str| {
        let path = inside.join(name);
        fs::write(&path, text)
            .map(|()| path.clone())
            .map_err(unwritable(&path))
    };

    progress(&format!(
        "making a virtual environment with Python {}",
        python.version
    ));
    let mut venv = isolated(python.name);
    venv.args(["-I", "-m", "venv"]).arg(inside.join("venv"));
    step("making the virtual environment", &mut venv, progress)?;

    let lock = place("requirements.txt", LOCK)?;
    let packages = LOCK.lines().filter(|it| it.contains("==")).count();
    progress(&format!("installing {packages} Python packages"));
    let mut pip = isolated(interpreter(inside));
    // Wheels only: an archive of sources would run code of its own and need a compiler.
    pip.args(["-I", "-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        .args(["--no-deps", "--require-hashes", "--requirement"])
        .arg(lock);
    step("installing the Python packages", &mut pip, progress)?;

    let script = place("prepare.py", PREPARE)?;
    let mut prepare = isolated(interpreter(inside));
    prepare.arg("-I").arg(script).arg(inside);
    step("preparing the database", &mut prepare, progress)?;

    // Invariant: a folder with its final name is whole, since it gets the name last.
    fs::rename(inside, folder).map_err(unwritable(folder))?;
    // The temporary folder is gone under its old name, and must not be looked for.
    let _moved = unfinished.keep();
    Ok(())
}

fn step(
    step: &'static str,
    command: &mut std::process::Command,
    progress: &mut dyn FnMut(&str),
) -> Result<(), PrepareError> {
    run(command, progress).map_err(|failed| match failed {
        Failed::System(source) => PrepareError::Start { step, source },
        Failed::Ended(status, complaint) => PrepareError::Step {
            step,
            status,
            complaint,
        },
    })
}

fn interpreter(folder: &Path) -> PathBuf {
    let inside = if cfg!(windows) {
        "venv/Scripts/python.exe"
    } else {
        "venv/bin/python"
    };
    folder.join(inside)
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> PrepareError + use<> {
    let path = path.to_owned();
    move |source| PrepareError::Folder { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    impl Environment {
        /// Returns an environment with the same packages and this text for a database.
        pub(in super::super) fn with_database(&self, folder: &Path, text: &str) -> Self {
            std::os::unix::fs::symlink(self.folder.join("venv"), folder.join("venv")).unwrap();
            fs::write(folder.join(DATABASE_FILE), text).unwrap();
            Self {
                folder: folder.to_owned(),
                logins: self.logins.clone(),
            }
        }
    }

    fn python(identity: &str) -> Python {
        Python {
            name: "python3",
            version: "3.11".to_owned(),
            identity: identity.to_owned(),
        }
    }

    #[test]
    fn another_python_is_another_environment() {
        assert_eq!(stamp(&python("a")), stamp(&python("a")));
        assert_ne!(stamp(&python("a")), stamp(&python("b")));
        assert!(stamp(&python("a")).starts_with("python3.11-"));
    }

    #[test]
    fn what_a_killed_build_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["building-abc", "python3.11-0123456789abcdef"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        clear(parent.path()).unwrap();
        let left: Vec<_> = fs::read_dir(parent.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(left, ["python3.11-0123456789abcdef"]);
    }
}
