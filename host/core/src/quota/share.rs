//! Who shares a bucket: kinds of work, and tenants.

use serde::{Deserialize, Serialize};

use super::{At, LONGEST_HOLD};
use crate::rule::Rule;

/// How urgent a request is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// It keeps up with what changes.
    Incremental,
    /// It reads everything, some time.
    Backfill,
}

/// One value for each kind of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kinds<T> {
    /// For interactive work.
    pub interactive: T,
    /// For incremental work.
    pub incremental: T,
    /// For backfills.
    pub backfill: T,
}

/// What is remembered of a tenant.
#[derive(Debug, Clone, Default)]
pub(super) struct Tenant {
    pub(super) seen: At,
    // When its next turn of each kind is due.
    pub(super) due: Kinds<u64>,
    // Until when it alone sends nothing.
    pub(super) stopped: Option<At>,
    // Answers in a row that were throttled, and until when the last of them stopped it.
    pub(super) throttled: u32,
    pub(super) waited: At,
    pub(super) stops: Hold,
    pub(super) tells: Hold,
}

/// For how long answers to one tenant have held the others up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold {
    since: At,
    until: At,
}

impl Priority {
    pub(super) const ALL: [Self; 3] = [Self::Interactive, Self::Incremental, Self::Backfill];

    /// Returns how many of so many this kind leaves to those above it.
    pub(super) fn reserve(self, most: u64) -> u64 {
        match self {
            Self::Interactive => 0,
            Self::Incremental => most / 10,
            Self::Backfill => most.saturating_mul(3) / 10,
        }
    }
}

impl<T> Kinds<T> {
    pub(super) fn of(&self, priority: Priority) -> &T {
        match priority {
            Priority::Interactive => &self.interactive,
            Priority::Incremental => &self.incremental,
            Priority::Backfill => &self.backfill,
        }
    }

    pub(super) fn of_mut(&mut self, priority: Priority) -> &mut T {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Incremental => &mut self.incremental,
            Priority::Backfill => &mut self.backfill,
        }
    }
}

impl Kinds<u64> {
    /// What this kind and those below it have together.
    pub(super) fn from(&self, priority: Priority) -> u64 {
        let kinds = Priority::ALL.into_iter().filter(|it| priority <= *it);
        kinds.map(|it| *self.of(it)).sum()
    }
}

impl Hold {
    /// Returns until when a claim, of five minutes at the most, may hold the others up; none if it has to stay with the tenant whose answer made it.
    pub(super) fn extend(&mut self, until: At, now: At) -> Option<At> {
        if !Rule::QuotaForAll.holds() {
            return Some(until);
        }
        let span = self.until.since(self.since);
        if now < self.until {
            let until = until.min(self.since.after(LONGEST_HOLD));
            self.until = self.until.max(until);
            return (now < until).then_some(until);
        }
        if now < self.until.after(span) {
            return None;
        }
        *self = Self { since: now, until };
        Some(until)
    }
}
