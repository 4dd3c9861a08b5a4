//! A store that lasts as long as the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::ready;

use super::store::{Answer, Clock, Held, Lease, Row, Store, system_clock};

/// Keeps rows for as long as the process lives. Cheap to clone; clones share what they keep.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    rows: BTreeMap<String, Row>,
    leases: BTreeMap<String, Held>,
    last_version: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(system_clock())
    }

    /// An empty store with a clock of its own.
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            clock,
            kept: Arc::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Kept {
    fn write(&mut self, slot: &str, expected: Option<u64>, sealed: &[u8]) -> Option<u64> {
        if self.rows.get(slot).map(|row| row.version) != expected {
            return None;
        }
        self.last_version += 1;
        let row = Row {
            version: self.last_version,
            sealed: sealed.to_vec(),
        };
        self.rows.insert(slot.to_owned(), row);
        Some(self.last_version)
    }

    fn reseal(&mut self, slot: &str, from: &Row, sealed: &[u8]) -> bool {
        match self.rows.get_mut(slot) {
            Some(row) if row == from => {
                row.sealed = sealed.to_vec();
                true
            }
            _ => false,
        }
    }
}

/// Does it when it is polled, as a real store would, and not when it is asked for.
fn answer<'a, T: Send + 'a>(step: impl FnOnce() -> T + Send + 'a) -> Answer<'a, T> {
    ready(()).map(move |()| Ok(step())).boxed()
}

impl Store for MemoryStore {
    fn read<'a>(&'a self, slot: &'a str) -> Answer<'a, Option<Row>> {
        answer(|| self.kept().rows.get(slot).cloned())
    }

    fn write<'a>(
        &'a self,
        slot: &'a str,
        expected: Option<u64>,
        sealed: &'a [u8],
    ) -> Answer<'a, Option<u64>> {
        answer(move || self.kept().write(slot, expected, sealed))
    }

    fn reseal<'a>(&'a self, slot: &'a str, from: &'a Row, sealed: &'a [u8]) -> Answer<'a, bool> {
        answer(|| self.kept().reseal(slot, from, sealed))
    }

    fn remove<'a>(&'a self, slot: &'a str) -> Answer<'a, bool> {
        answer(move || {
            let (now, mut kept) = ((self.clock)(), self.kept());
            kept.leases
                .retain(|it, held| it != slot || held.is_live(now));
            kept.rows.remove(slot).is_some()
        })
    }

    fn slots<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<String>> {
        answer(move || {
            let kept = self.kept();
            let slots = kept.rows.keys().filter(|it| it.starts_with(prefix));
            slots
                .filter(|it| after.is_none_or(|after| after < it.as_str()))
                .take(most)
                .cloned()
                .collect()
        })
    }

    fn lease<'a>(&'a self, slot: &'a str, holder: &'a str, time: Duration) -> Answer<'a, Lease> {
        answer(move || {
            let (now, mut kept) = ((self.clock)(), self.kept());
            let before = kept.leases.get(slot);
            if let Some(held) = before.filter(|it| it.is_live(now)) {
                return Lease::Held { until: held.until };
            }
            let interrupted = before.map(|it| it.taken);
            let held = Held::new(holder, now, time);
            kept.leases.insert(slot.to_owned(), held);
            Lease::Taken { interrupted }
        })
    }

    fn release<'a>(&'a self, slot: &'a str, holder: &'a str) -> Answer<'a, bool> {
        answer(move || {
            let mut kept = self.kept();
            let is_own = kept.leases.get(slot).is_some_and(|it| it.holder == holder);
            if is_own {
                kept.leases.remove(slot);
            }
            is_own
        })
    }
}
