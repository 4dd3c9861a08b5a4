//! The store of compiled code: what was compiled once is loaded from here, and only if this installation made it.
//!
//! A file is 32 bytes of HMAC-SHA-256 under the installation's key, which lies outside the store, and then the code.
//! The MAC covers the component's digest, the engine's compatibility hash and the code, so that a file cannot stand in for another one.
//! The bytes that were authenticated are the bytes that are used: one owned buffer, not a mapped file.
//! A missing, stale or forged file is a miss.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use brightsync_core::rule::Rule;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a component.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// Compiled code on disk.
pub(crate) struct Store {
    folder: PathBuf,
    key: [u8; 32],
    compatibility: u64,
}

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store of compiled connectors cannot use {path:?}; check that the folder can be written and that the key is a file of 32 bytes"
)]
pub struct OpenError {
    path: PathBuf,
    #[source]
    problem: io::Error,
}

const MAC: usize = 32;

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl Store {
    /// Opens the store below `data`, making its folder and its key when they are missing.
    pub(crate) fn open(data: &Path, compatibility: u64) -> Result<Self, OpenError> {
        let folder = data.join("compiled");
        let key_file = data.join("installation.key");
        fs::create_dir_all(&folder).map_err(|problem| OpenError {
            path: folder.clone(),
            problem,
        })?;
        let key = installation_key(&key_file).map_err(|problem| OpenError {
            path: key_file,
            problem,
        })?;
        Ok(Self {
            folder,
            key,
            compatibility,
        })
    }

    /// The code of a component, if it is here and ours.
    pub(crate) fn get(&self, digest: Digest) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.path(digest)).ok()?;
        if bytes.len() < MAC {
            return None;
        }
        let code = bytes.split_off(MAC);
        let is_forged = self.mac(digest, &code)?.verify_slice(&bytes).is_err();
        if Rule::CodeSeal.refuses(is_forged) {
            tracing::warn!(%digest, "compiled code has a wrong MAC and is not used");
            return None;
        }
        Some(code)
    }

    /// Keeps the code of a component. A reader sees the whole file or none.
    pub(crate) fn put(&self, digest: Digest, code: &[u8]) -> io::Result<()> {
        let Some(mac) = self.mac(digest, code) else {
            return Ok(());
        };
        let path = self.path(digest);
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        let mut file = private_file(&draft)?;
        file.write_all(&mac.finalize().into_bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder
            .join(format!("{digest}-{:016x}.cwasm", self.compatibility))
    }

    fn mac(&self, digest: Digest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(&digest.0);
        mac.update(&self.compatibility.to_be_bytes());
        mac.update(code);
        Some(mac)
    }
}

fn installation_key(path: &Path) -> io::Result<[u8; 32]> {
    let parse = |bytes: Vec<u8>| {
        <[u8; 32]>::try_from(bytes).map_err(|bytes| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the key has {} bytes instead of 32", bytes.len()),
            )
        })
    };
    match fs::read(path) {
        Ok(bytes) => return parse(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    // Written aside and linked into place: of two processes that start at once one wins, and both use its key.
    // Several hosts of one process may start at once, so its number is not enough.
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(io::Error::other)?;
    let draft = path.with_extension(format!("{:016x}.draft", u64::from_be_bytes(number)));
    private_file(&draft)?.write_all(&key)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => parse(fs::read(path)?),
        Err(error) => Err(error),
    }
}

/// Makes a file that only its owner may read.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(data: &Path) -> Store {
        Store::open(data, 7).unwrap()
    }

    #[test]
    fn what_was_put_is_found_again_by_another_process_of_the_installation() {
        let data = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"component");
        assert_eq!(store(data.path()).get(digest), None);
        store(data.path()).put(digest, b"code").unwrap();
        assert_eq!(
            store(data.path()).get(digest).as_deref(),
            Some(&b"code"[..])
        );
    }

    #[test]
    fn a_changed_byte_a_swapped_file_and_a_foreign_key_are_misses() {
        let data = tempfile::tempdir().unwrap();
        let ours = store(data.path());
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        ours.put(one, b"code").unwrap();

        fs::copy(ours.path(one), ours.path(two)).unwrap();
        assert_eq!(
            ours.get(two),
            None,
            "a file that stands under another digest"
        );

        let mut bytes = fs::read(ours.path(one)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(ours.path(one), &bytes).unwrap();
        assert_eq!(ours.get(one), None, "a changed byte");

        fs::write(ours.path(one), b"short").unwrap();
        assert_eq!(ours.get(one), None, "a file without room for a MAC");

        ours.put(one, b"code").unwrap();
        fs::write(data.path().join("installation.key"), [9; 32]).unwrap();
        assert_eq!(
            store(data.path()).get(one),
            None,
            "another installation's key"
        );
    }

    #[test]
    fn other_settings_of_the_engine_do_not_find_it() {
        let data = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"component");
        store(data.path()).put(digest, b"code").unwrap();
        assert_eq!(Store::open(data.path(), 8).unwrap().get(digest), None);
    }

    #[test]
    fn hosts_that_start_at_once_agree_on_one_key() {
        let data = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let path = || data.path().join("installation.key");
            let start = || scope.spawn(move || installation_key(&path()).unwrap());
            let starting: Vec<_> = std::iter::repeat_with(start).take(16).collect();
            starting.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|it| *it == keys[0]));
    }

    #[test]
    fn a_broken_key_is_an_error_and_is_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        let key = data.path().join("installation.key");
        fs::write(&key, b"short").unwrap();
        assert!(Store::open(data.path(), 7).is_err());
        assert_eq!(fs::read(&key).unwrap(), b"short");
    }
}
