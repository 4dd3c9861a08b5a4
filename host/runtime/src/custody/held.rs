//! A connection's secrets as they are held in memory at one time.

use std::collections::BTreeMap;

use brightsync_core::crm::Timestamp;
use brightsync_core::recipe::Due;

use super::record::{Broken, Record};

/// One version of a connection's secrets. It does not change.
pub(crate) struct Held {
    // Of the row in the vault; none before it is written there for the first time.
    version: Option<u64>,
    record: Record,
}

impl Held {
    pub(crate) fn new(version: Option<u64>, record: Record) -> Self {
        Self { version, record }
    }

    pub(crate) fn version(&self) -> Option<u64> {
        self.version
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Whether it came into the vault after another one.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        other.version < self.version
    }

    pub(crate) fn broken(&self) -> Option<&Broken> {
        self.record.broken.as_ref()
    }

    pub(crate) fn due(&self, now: Timestamp) -> Due {
        self.record.due(now)
    }

    /// When the session was obtained, and when it ends, if that is known.
    pub(crate) fn times(&self) -> (Timestamp, Option<Timestamp>) {
        let session = self.record.session.as_ref();
        session.map_or((Timestamp::MIN, None), |it| (it.obtained, it.expires))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.record.value(name)
    }

    pub(crate) fn values(&self) -> BTreeMap<&str, &str> {
        self.record.values()
    }
}
