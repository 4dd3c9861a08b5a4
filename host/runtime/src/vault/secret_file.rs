//! Files that hold secrets: who else can get at one or put another in its place, and that one that was put in its place stays there.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub enum Exposed {
    /// Others can read or write the file.
    #[error(
        "{path:?} can be read or written by other users (mode {mode:03o}); run `chmod 600` on it, and replace what others may have read there"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others can replace the file.
    #[error(
        "the folder {path:?} can be written by other users (mode {mode:03o}), who could put another file in place of the vault's; run `chmod go-w` on it, or use another folder"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Somebody else owns it.
    #[error(
        "{path:?} belongs to the user of number {owner}; run `chown` on it, so that it belongs to the user that this program runs as"
    )]
    Owner {
        /// The file or the folder.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
}

/// The path of a file without symbolic links, whether or not the file is there, and its folder.
pub(super) fn resolve(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
            let name = path.file_name().ok_or_else(no_file)?;
            let folder = match path.parent() {
                Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
                Some(folder) => folder,
                None => return Err(error),
            };
            folder.canonicalize()?.join(name)
        }
        Err(error) => return Err(error),
    };
    let folder = real.parent().unwrap_or(&real).to_owned();
    Ok((real, folder))
}

/// Whether a file is its owner's alone, and its owner the user of this process or root.
#[cfg(unix)]
pub(super) fn check_file(path: &Path, file: &Metadata) -> Result<(), Exposed> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = file.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Exposed::File {
            path: path.to_owned(),
            mode,
        });
    }
    check_owner(path, file.uid())
}

/// Whether only the user of this process and root can put files into a folder.
#[cfg(unix)]
pub(super) fn check_folder(path: &Path, folder: &Metadata) -> Result<(), Exposed> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = folder.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(Exposed::Folder {
            path: path.to_owned(),
            mode,
        });
    }
    check_owner(path, folder.uid())
}

#[cfg(unix)]
fn check_owner(path: &Path, owner: u32) -> Result<(), Exposed> {
    let own = rustix::process::geteuid().as_raw();
    if owner != own && owner != 0 {
        return Err(Exposed::Owner {
            path: path.to_owned(),
            owner,
        });
    }
    Ok(())
}

/// Elsewhere access lists decide, which the operator sets.
#[cfg(not(unix))]
pub(super) fn check_file(_: &Path, _: &Metadata) -> Result<(), Exposed> {
    Ok(())
}

/// Elsewhere access lists decide, which the operator sets.
#[cfg(not(unix))]
pub(super) fn check_folder(_: &Path, _: &Metadata) -> Result<(), Exposed> {
    Ok(())
}

/// Makes a new name in a folder outlast a loss of power.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
