//! Where the master keys come from, and how a vault that runs learns of new ones.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::key::{KeyId, ListError, Ring};
use super::key_command::{CommandError, KeyCommand};
use super::key_file::{self, FileError};

/// How old a reading is at least when a row is sealed under a key that it has not got, before the source is read again.
const AFTER_UNKNOWN: Duration = Duration::from_secs(10);

/// How old a reading may be when something is sealed: the newest key may be another one by now.
const BEFORE_SEALING: Duration = Duration::from_secs(60);

/// Where the master keys come from: a list of lines `ID:KEY`, the newest first, each key the base64 of 32 random bytes. Empty lines and lines that begin with `#` are left out.
///
/// It has no `Debug` and cannot be copied:
///
/// ```
/// # use brightsync_runtime::vault::KeySource;
/// let source = KeySource::file("/etc/brightsync/vault.keys");
/// ```
/// ```compile_fail
/// # use brightsync_runtime::vault::KeySource;
/// let source = KeySource::file("/etc/brightsync/vault.keys");
/// println!("{source:?}");
/// ```
pub struct KeySource(Place);

enum Place {
    Text {
        name: String,
        list: Zeroizing<String>,
    },
    File(PathBuf),
    Command(KeyCommand),
}

/// The master keys of a vault, as they were read last.
pub struct Keys {
    source: KeySource,
    ring: RwLock<Arc<Ring>>,
    /// When they were read last. Held while they are read again, so that they are read once for all who wait.
    read_at: Mutex<Instant>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The variable is no list of keys.
    #[error("the variable {name} is no list of keys")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong.
        #[source]
        problem: ListError,
    },
    /// The file is not used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The command has given none.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl KeySource {
    /// The value of a variable, with its name for messages. What was given does not change, so new keys need a restart.
    pub fn variable(name: &str, value: &str) -> Self {
        Self(Place::Text {
            name: name.to_owned(),
            list: Zeroizing::new(value.to_owned()),
        })
    }

    /// A file, which nobody but its owner may be able to read, in a folder that nobody else can write to. If it is missing it is made, with one fresh key.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into()))
    }

    /// A program with its arguments, which prints the list within a time. It runs in the environment of this process, without a shell, and again about once a minute while secrets are written: one of the writes waits for it.
    pub fn command(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = OsString>,
        limit: Duration,
    ) -> Self {
        Self(Place::Command(KeyCommand {
            program: program.into(),
            arguments: arguments.into_iter().collect(),
            limit,
        }))
    }

    async fn read(&self) -> Result<Ring, KeyError> {
        match &self.0 {
            Place::Text { name, list } => {
                Ring::parse(list.as_bytes()).map_err(|problem| KeyError::Variable {
                    name: name.clone(),
                    problem,
                })
            }
            Place::File(path) => Ok(key_file::read(path)?),
            Place::Command(command) => {
                let list = command.run().await?;
                let ring = Ring::parse(&list).map_err(|problem| CommandError::List {
                    program: command.name(),
                    problem,
                })?;
                Ok(ring)
            }
        }
    }
}

impl Keys {
    /// Reads the keys.
    pub async fn read(source: KeySource) -> Result<Self, KeyError> {
        // Only here: a file that is missing later was lost, and a fresh key would open nothing.
        if let Place::File(path) = &source.0 {
            key_file::make_if_missing(path)?;
        }
        let ring = source.read().await?;
        Ok(Self::of(source, ring))
    }

    /// One fresh key, which is gone with the process.
    pub fn random() -> Result<Self, getrandom::Error> {
        let ring = Ring::random()?;
        let source = KeySource::variable("(none)", &ring.newest().line());
        Ok(Self::of(source, ring))
    }

    /// Puts a fresh key before the others of a file, whole or not at all, and answers its name: the first step of a rotation.
    pub fn add_to_file(path: &Path) -> Result<KeyId, KeyError> {
        Ok(key_file::add(path)?)
    }

    fn of(source: KeySource, ring: Ring) -> Self {
        Self {
            source,
            ring: RwLock::new(Arc::new(ring)),
            read_at: Mutex::new(Instant::now()),
        }
    }

    /// The keys to open a row with that is sealed under this one, which they have if anybody gave it.
    pub(super) async fn to_open(&self, id: &KeyId) -> Result<Arc<Ring>, KeyError> {
        let ring = self.ring();
        if ring.find(id).is_some() {
            return Ok(ring);
        }
        let mut read_at = self.read_at.lock().await;
        if AFTER_UNKNOWN < read_at.elapsed() {
            self.read_again(&mut read_at).await?;
        }
        Ok(self.ring())
    }

    /// The keys to seal with. If they cannot be read again, what was read before will do, and so it will for others while one reads.
    pub(super) async fn to_seal(&self) -> Arc<Ring> {
        if let Ok(mut read_at) = self.read_at.try_lock()
            && BEFORE_SEALING < read_at.elapsed()
            && let Err(error) = self.read_again(&mut read_at).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the vault's keys cannot be read again; it seals with the newest one that it has"
            );
        }
        self.ring()
    }

    /// The keys as they are now.
    pub(super) async fn now(&self) -> Result<Arc<Ring>, KeyError> {
        self.read_again(&mut *self.read_at.lock().await).await?;
        Ok(self.ring())
    }

    async fn read_again(&self, read_at: &mut Instant) -> Result<(), KeyError> {
        // Also an attempt that fails counts, or a broken source would be read for every row.
        *read_at = Instant::now();
        let ring = Arc::new(self.source.read().await?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    fn ring(&self) -> Arc<Ring> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn only_who_needs_another_key_waits_while_keys_are_read() {
        let keys = Keys::random().unwrap();
        let known = keys.ring().newest().id.clone();
        let unknown = "unknown".parse().unwrap();
        let reading = keys.read_at.lock().await;
        assert!(keys.to_open(&known).now_or_never().is_some());
        assert!(keys.to_seal().now_or_never().is_some());
        assert!(keys.to_open(&unknown).now_or_never().is_none());
        drop(reading);
        assert!(keys.to_open(&unknown).now_or_never().is_some());
    }
}
