//! What a store of a vault does, in terms of plain data: it sees names, times and sealed bytes, and no secret.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use brightsync_core::crm::Timestamp;
use futures::future::BoxFuture;

/// What a method of a store comes to.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Tells a store the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The longest that a lease lasts, whatever is asked for.
///
/// One that would end later than twice this from now was taken before the clock was set back, and counts as expired.
pub const LONGEST_LEASE: Duration = Duration::from_secs(600);

/// Keeps sealed rows by the text of their slot, for several processes at once.
///
/// Every method is one step that others see whole or not at all. A caller who drops its future does not know whether the step was made.
pub trait Store: Send + Sync {
    /// The row of a slot.
    fn read<'a>(&'a self, slot: &'a str) -> Answer<'a, Option<Row>>;

    /// Writes a row if its version is still the expected one, none if there is to be no row yet. Answers the new version; none if somebody else was first.
    ///
    /// No version is given twice to one slot, also not after its row was removed.
    fn write<'a>(
        &'a self,
        slot: &'a str,
        expected: Option<u64>,
        sealed: &'a [u8],
    ) -> Answer<'a, Option<u64>>;

    /// Puts the same content under another seal, which leaves the version as it is, and answers whether the row was still the one that is given.
    fn reseal<'a>(&'a self, slot: &'a str, from: &'a Row, sealed: &'a [u8]) -> Answer<'a, bool>;

    /// Removes a row, so that nothing of it stays in the store, and an expired lease with it. Answers whether there was a row.
    fn remove<'a>(&'a self, slot: &'a str) -> Answer<'a, bool>;

    /// The slots that begin with a prefix and come after another one, at most so many, in the order of their bytes.
    fn slots<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<String>>;

    /// Takes the lease of a slot, which need not have a row, for a time by the store's own clock. It is nobody else's until then, or until it is released; not even its holder's a second time.
    fn lease<'a>(&'a self, slot: &'a str, holder: &'a str, time: Duration) -> Answer<'a, Lease>;

    /// Gives a lease back, if it is still this holder's. Answers whether it was.
    fn release<'a>(&'a self, slot: &'a str, holder: &'a str) -> Answer<'a, bool>;
}

/// One row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Changes with the content.
    pub version: u64,
    /// The sealed content.
    pub sealed: Vec<u8>,
}

/// What comes of asking for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It is the caller's.
    Taken {
        /// When the lease before it was taken, if its holder never gave it back: what was begun then may have been done in part.
        interrupted: Option<Timestamp>,
    },
    /// It is somebody's.
    Held {
        /// When it expires.
        until: Timestamp,
    },
}

/// Why a store has not done what it was asked for, by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Others keep it busy.
    #[error("other processes keep the vault's store busy; try again")]
    Busy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not work.
    #[error("the vault's store does not work; its cause says what to mend")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A lease as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) holder: String,
    pub(super) taken: Timestamp,
    pub(super) until: Timestamp,
}

impl Held {
    pub(super) fn new(holder: &str, now: Timestamp, time: Duration) -> Self {
        Self {
            holder: holder.to_owned(),
            taken: now,
            until: now.saturating_add(milliseconds(time.min(LONGEST_LEASE))),
        }
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        now < self.until && self.until <= now.saturating_add(milliseconds(2 * LONGEST_LEASE))
    }
}

/// The clock of the system.
pub(super) fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        milliseconds(since)
    })
}

fn milliseconds(time: Duration) -> Timestamp {
    Timestamp::try_from(time.as_millis()).unwrap_or(Timestamp::MAX)
}
