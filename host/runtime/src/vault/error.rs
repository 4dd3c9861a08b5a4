//! Why the vault has not done what it was asked for, by what to do next.

use super::key::KeyId;
use super::sealing::Damage;
use super::slot::InvalidSlot;
use super::source::KeyError;
use super::store::StoreError;

/// Why the vault has not done what it was asked for, by what to do next. No text of it holds anything secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Others keep the store busy; the same call may succeed a little later.
    #[error("the vault is busy; try again")]
    Busy(#[source] StoreError),
    /// Others wrote to the row each time that it was to be sealed anew; the rotation is to be begun again.
    #[error("{slot:?} was written to by others all the time; rotate again")]
    Contended {
        /// The slot's text.
        slot: String,
    },
    /// The vault has not got the key; the row is as good as ever.
    #[error(
        "the vault has no key {id:?}, which {slot:?} is sealed under; add that key to the vault's keys again"
    )]
    WrongKey {
        /// The slot's text.
        slot: String,
        /// The key that is asked for.
        id: String,
        /// Why the keys could not be read again, if they could not.
        #[source]
        problem: Option<KeyError>,
    },
    /// The row cannot be opened by anybody any more, or not where it stands; whoever it belongs to has to connect again, or a backup has it.
    #[error(
        "what the vault keeps for {slot:?} cannot be opened; connect it again, or restore it from a backup"
    )]
    Damaged {
        /// The slot's text.
        slot: String,
        /// What is wrong with the row.
        #[source]
        damage: Damage,
    },
    /// The vault's keys could not be read.
    #[error("the vault's keys cannot be read")]
    Keys(#[source] KeyError),
    /// The store does not work, and an operator has to see to it.
    #[error("the vault cannot use its store")]
    Store(#[source] StoreError),
    /// Something else has written to the store.
    #[error("the vault's store has rows that are none of a vault's")]
    Foreign(#[from] InvalidSlot),
    /// The content is larger than anything that a connection authenticates with.
    #[error("the vault keeps at most 1 MiB under one name; what was to be kept is no credential")]
    TooLarge,
    /// The system gives no random bytes.
    #[error("the vault gets no random bytes from the system")]
    Random(#[source] getrandom::Error),
}

impl VaultError {
    pub(super) fn wrong_key(slot: &str, id: &KeyId, problem: Option<KeyError>) -> Self {
        Self::WrongKey {
            slot: slot.to_owned(),
            id: id.to_string(),
            problem,
        }
    }

    pub(super) fn damaged(slot: &str, damage: Damage) -> Self {
        Self::Damaged {
            slot: slot.to_owned(),
            damage,
        }
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) => Self::Busy(error),
            StoreError::Broken(_) => Self::Store(error),
        }
    }
}

impl From<getrandom::Error> for VaultError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
