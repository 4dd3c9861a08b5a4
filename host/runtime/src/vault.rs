//! The vault: where credentials are kept, encrypted at rest and bound to whom they belong to.
//!
//! A [`Store`] holds sealed rows and sees no secret; [`Keys`] hold the master keys; the [`Vault`] joins the two.
//! Every row has a data key of its own, which the master key seals, and both seals hold only in the row's own slot.
//! What is in a row, how keys are handled and rotated, and what the vault does not defend against is in the crate's README.
//!
//! ```
//! use brightsync_runtime::vault::{Slot, Vault};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = Vault::in_memory()?;
//! let slot = Slot::Application { connector: "espocrm".parse()?, recipe: "oauth".parse()? };
//! let first = vault.write(&slot, None, b"client id and secret").await?;
//! assert!(first.is_some());
//! assert_eq!(vault.write(&slot, None, b"of somebody who was slower").await?, None);
//! assert_eq!(vault.read(&slot).await?.unwrap().plain(), b"client id and secret");
//! # Ok(()) }
//! ```

mod core_dump;
mod error;
mod key;
mod key_command;
mod key_file;
mod memory;
mod rotation;
mod sealing;
mod secret_file;
mod slot;
mod source;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

pub use self::core_dump::{CoreDumps, keep_out_of_core_dumps};
pub use self::error::VaultError;
pub use self::key::{KeyId, LineProblem, ListError};
pub use self::key_command::CommandError;
pub use self::key_file::FileError;
pub use self::memory::MemoryStore;
pub use self::rotation::{Progress, Rotated};
pub use self::sealing::Damage;
pub use self::secret_file::Exposed;
pub use self::slot::{InvalidSlot, Slot, Slots};
pub use self::source::{KeyError, KeySource, Keys};
pub use self::sqlite::{OpenError, SqliteStore};
pub use self::store::{Answer, Clock, LONGEST_LEASE, Lease, Row, Store, StoreError};

use self::key::Ring;

/// Keeps secrets, sealed, in a store. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    store: Box<dyn Store>,
    keys: Keys,
}

/// A secret that was opened. Its memory is wiped when it goes, it does not print, and it cannot be copied:
///
/// ```
/// # fn of(opened: brightsync_runtime::vault::Opened) -> usize {
/// opened.plain().len()
/// # }
/// ```
/// ```compile_fail
/// # fn of(opened: brightsync_runtime::vault::Opened) -> usize {
/// opened.clone().plain().len()
/// # }
/// ```
pub struct Opened {
    /// What a write expects that is to follow this content and no other.
    pub version: u64,
    plain: Zeroizing<Vec<u8>>,
}

impl Vault {
    /// Keeps secrets in a store, sealed under keys.
    pub fn new(store: impl Store + 'static, keys: Keys) -> Self {
        let store = Box::new(store);
        Self(Arc::new(Inner { store, keys }))
    }

    /// Keeps secrets for as long as the process lives.
    pub fn in_memory() -> Result<Self, VaultError> {
        Ok(Self::new(MemoryStore::new(), Keys::random()?))
    }

    /// Opens what is kept in a slot.
    pub async fn read(&self, slot: &Slot) -> Result<Option<Opened>, VaultError> {
        let slot = slot.to_string();
        let Some(row) = self.0.store.read(&slot).await? else {
            return Ok(None);
        };
        let (ring, id) = self.keys_of(&slot, &row).await?;
        let key = ring
            .find(&id)
            .ok_or_else(|| VaultError::wrong_key(&slot, &id, None))?;
        let opened = sealing::open(key, &slot, &row.sealed);
        Ok(Some(Opened {
            version: row.version,
            plain: opened.map_err(|damage| VaultError::damaged(&slot, damage))?,
        }))
    }

    /// Seals a content into a slot, if what is there has still the expected version, none for an empty slot. Answers the new version; none if somebody else was first.
    pub async fn write(
        &self,
        slot: &Slot,
        expected: Option<u64>,
        plain: &[u8],
    ) -> Result<Option<u64>, VaultError> {
        let slot = slot.to_string();
        let ring = self.0.keys.to_seal().await;
        let sealed = sealing::seal(ring.newest(), &slot, plain)?;
        Ok(self.0.store.write(&slot, expected, &sealed).await?)
    }

    /// Removes what is kept in a slot, whatever its version, and answers whether there was anything.
    pub async fn remove(&self, slot: &Slot) -> Result<bool, VaultError> {
        Ok(self.0.store.remove(&slot.to_string()).await?)
    }

    /// The slots in which something is kept and that come after another one, at most so many, in order of their texts.
    pub async fn slots(
        &self,
        of: &Slots,
        after: Option<&Slot>,
        most: usize,
    ) -> Result<Vec<Slot>, VaultError> {
        let after = after.map(Slot::to_string);
        let prefix = of.prefix();
        let texts = self.0.store.slots(&prefix, after.as_deref(), most).await?;
        let slots = texts.iter().map(|it| it.parse());
        Ok(slots.collect::<Result<_, InvalidSlot>>()?)
    }

    /// Takes the lease of a slot for a time, at most [`LONGEST_LEASE`]: for what only one may do at once, as a refresh. A holder's name is for one lease, not for one process.
    pub async fn lease(
        &self,
        slot: &Slot,
        holder: &str,
        time: Duration,
    ) -> Result<Lease, VaultError> {
        let slot = slot.to_string();
        Ok(self.0.store.lease(&slot, holder, time).await?)
    }

    /// Gives a lease back, and answers whether it was still this holder's.
    pub async fn release(&self, slot: &Slot, holder: &str) -> Result<bool, VaultError> {
        Ok(self.0.store.release(&slot.to_string(), holder).await?)
    }

    /// The names of the keys as they are now, the newest first.
    pub async fn keys(&self) -> Result<Vec<KeyId>, VaultError> {
        let ring = self.0.keys.now().await.map_err(VaultError::Keys)?;
        Ok(ring.ids().cloned().collect())
    }

    /// The key that a row is sealed under, and the keys, which have been read again if that one was not among them.
    async fn keys_of(&self, slot: &str, row: &Row) -> Result<(Arc<Ring>, KeyId), VaultError> {
        let id =
            sealing::key_id(&row.sealed).map_err(|damage| VaultError::damaged(slot, damage))?;
        match self.0.keys.to_open(&id).await {
            Ok(ring) => Ok((ring, id)),
            Err(problem) => Err(VaultError::wrong_key(slot, &id, Some(problem))),
        }
    }
}

impl Opened {
    /// The secret.
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The secret, to be taken over.
    pub fn into_plain(self) -> Zeroizing<Vec<u8>> {
        self.plain
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version;
        f.debug_struct("Opened")
            .field("version", &version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}
