//! The file of master keys: read only if nobody else can, made when it is missing, and replaced whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::{KeyId, ListError, MasterKey, Ring};
use super::secret_file::{Exposed, check_file, check_folder, resolve, sync_folder};

/// The most bytes that a list of keys may have, wherever it comes from.
pub(super) const LARGEST_LIST: usize = 64 << 10;

/// Why a file of keys is not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Others can get at it.
    #[error("the file of the vault's keys is not safe")]
    Exposed(#[from] Exposed),
    /// What stands in it is no list of keys.
    #[error("{path:?} is no list of keys")]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        problem: ListError,
    },
    /// It cannot be read or written.
    #[error(
        "{path:?} cannot be used as the file of the vault's keys; check that its folder exists and that this program may use both"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<Ring, FileError> {
    let (path, _folder) = locate(path)?;
    parse(&path, &text(&path)?)
}

/// Makes the file with one fresh key if there is none. Of several that do so at once one makes it, and all use it.
pub(super) fn make_if_missing(path: &Path) -> Result<(), FileError> {
    let (path, folder) = locate(path)?;
    if path.exists() {
        return Ok(());
    }
    let key = fresh(&path)?;
    let made = draft(&folder, &[key.line().as_bytes()]).and_then(|draft| {
        match draft.persist_noclobber(&path) {
            Ok(_file) => sync_folder(&folder),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(lost) => Err(lost.error),
        }
    });
    made.map_err(|problem| io_error(&path, problem))
}

/// Puts a fresh key before the others of a file that is there, and answers its name. A reader sees the file before or after.
pub(super) fn add(path: &Path) -> Result<KeyId, FileError> {
    let (path, folder) = locate(path)?;
    // Two that add at once would each write the file without the other's key.
    let _lock = lock(&folder).map_err(|problem| io_error(&path, problem))?;
    let old = text(&path)?;
    let ring = parse(&path, &old)?;
    let mut key = fresh(&path)?;
    while ring.find(&key.id).is_some() {
        key = fresh(&path)?;
    }
    let replaced = draft(&folder, &[key.line().as_bytes(), &old]).and_then(|draft| {
        let _file = draft.persist(&path).map_err(|lost| lost.error)?;
        sync_folder(&folder)
    });
    replaced.map_err(|problem| io_error(&path, problem))?;
    Ok(key.id)
}

/// Where the file is or will be, and its folder, which nobody else can write to.
fn locate(path: &Path) -> Result<(PathBuf, PathBuf), FileError> {
    let failed = |problem| io_error(path, problem);
    let (path, folder) = resolve(path).map_err(failed)?;
    check_folder(&folder, &fs::metadata(&folder).map_err(failed)?)?;
    Ok((path, folder))
}

fn text(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = |problem| io_error(path, problem);
    let file = File::open(path).map_err(failed)?;
    check_file(path, &file.metadata().map_err(failed)?)?;
    let mut text = Zeroizing::new(Vec::with_capacity(LARGEST_LIST + 1));
    let mut file = file.take(LARGEST_LIST as u64 + 1);
    file.read_to_end(&mut text).map_err(failed)?;
    if LARGEST_LIST < text.len() {
        let problem = "it has more than 64 KiB, which is no list of keys";
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, problem)));
    }
    Ok(text)
}

fn parse(path: &Path, text: &[u8]) -> Result<Ring, FileError> {
    Ring::parse(text).map_err(|problem| FileError::List {
        path: path.to_owned(),
        problem,
    })
}

/// A file beside the real one, which only its owner can read and which is gone if it is not kept.
fn draft(folder: &Path, pieces: &[&[u8]]) -> io::Result<tempfile::NamedTempFile> {
    let mut draft = tempfile::Builder::new()
        .prefix(".keys-")
        .tempfile_in(folder)?;
    for piece in pieces {
        draft.write_all(piece)?;
    }
    draft.as_file().sync_all()?;
    Ok(draft)
}

fn fresh(path: &Path) -> Result<MasterKey, FileError> {
    MasterKey::random().map_err(|problem| io_error(path, io::Error::other(problem)))
}

/// Waits until nobody else changes files of this folder; let go when it is dropped. The file itself will not do, since it is replaced.
#[cfg(unix)]
fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// Folders cannot be locked elsewhere; the operator adds one key at a time.
#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<()> {
    Ok(())
}

fn io_error(path: &Path, problem: io::Error) -> FileError {
    FileError::Io {
        path: path.to_owned(),
        problem,
    }
}
