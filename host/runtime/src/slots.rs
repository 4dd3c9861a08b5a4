//! Places for calls, and for their network connections: so many at once, and of those no tenant may take more than half.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use brightsync_core::rule::Rule;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All places.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    total: u32,
    patience: Duration,
    tenants: Mutex<HashMap<String, Weak<Semaphore>>>,
    waiting: AtomicUsize,
}

/// Somebody who waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

/// A place that is taken. It is free again when this goes.
pub(crate) struct Slot {
    // The order matters: the share first, so that whoever gets the place finds the share free as well.
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _tenant: Arc<Semaphore>,
}

impl Slots {
    /// So many places, for which nobody waits longer than this.
    pub(crate) fn new(total: u32, patience: Duration) -> Self {
        Self {
            all: Arc::new(Semaphore::new(places(total))),
            total,
            patience,
            tenants: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A place for this tenant; none if it took too long. Who waits longest is next.
    pub(crate) async fn take(&self, tenant: &str) -> Option<Slot> {
        let share = self.share(tenant);
        let _waiting = Waiting::begin(&self.waiting);
        let both = async {
            // The share first: a tenant that waits for its own holds no place that others could use.
            let held = share.clone().acquire_owned().await.ok()?;
            let place = self.all.clone().acquire_owned().await.ok()?;
            Some(Slot {
                _share: held,
                _place: place,
                _tenant: share.clone(),
            })
        };
        tokio::time::timeout(self.patience, both)
            .await
            .ok()
            .flatten()
    }

    /// Waits until every place is free.
    pub(crate) async fn drain(&self) {
        // An error means that the semaphore was closed, which nobody does.
        drop(self.all.acquire_many(self.total).await);
    }

    /// How many places are taken, and free, and how many calls wait for one.
    pub(crate) fn standing(&self) -> [(&'static str, usize); 3] {
        let free = self.all.available_permits();
        [
            ("taken", places(self.total).saturating_sub(free)),
            ("free", free),
            ("waiting", self.waiting.load(Ordering::Relaxed)),
        ]
    }

    fn share(&self, tenant: &str) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = tenants.get(tenant).and_then(Weak::upgrade) {
            return share;
        }
        // Tenants that have no place and wait for none are forgotten.
        tenants.retain(|_, share| 0 < share.strong_count());
        let most = if Rule::Share.holds() {
            (self.total / 2).max(1)
        } else {
            self.total
        };
        let share = Arc::new(Semaphore::new(places(most)));
        tenants.insert(tenant.to_owned(), Arc::downgrade(&share));
        share
    }
}

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn places(count: u32) -> usize {
    usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tenant_at_full_load_leaves_places_for_others() {
        let slots = Slots::new(4, Duration::from_secs(10));
        let _one = slots.take("greedy").await.unwrap();
        let _two = slots.take("greedy").await.unwrap();
        assert!(slots.take("greedy").await.is_none(), "its share is used up");
        assert!(slots.take("modest").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_and_who_waits_is_counted() {
        let slots = Slots::new(2, Duration::from_secs(10));
        let held = slots.take("acme").await.unwrap();
        let mut waiting = Box::pin(slots.take("acme"));
        assert!(futures::poll!(&mut waiting).is_pending());
        let standing = [("taken", 1), ("free", 1), ("waiting", 1)];
        assert_eq!(slots.standing(), standing);
        drop(waiting);
        drop(held);
        let standing = [("taken", 0), ("free", 2), ("waiting", 0)];
        assert_eq!(slots.standing(), standing);
    }

    #[tokio::test]
    async fn a_tenant_that_waits_for_its_own_places_is_in_nobodys_way() {
        let slots = Slots::new(4, Duration::from_secs(60));
        let _one = slots.take("greedy").await.unwrap();
        let _two = slots.take("greedy").await.unwrap();
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(slots.take("greedy"))).collect();
        for it in &mut waiting {
            assert!(futures::poll!(it).is_pending());
        }
        let other = Box::pin(slots.take("modest"));
        assert!(futures::poll!(other).is_ready(), "nobody is before it");
    }

    #[tokio::test]
    async fn draining_waits_for_the_last_call() {
        let slots = Arc::new(Slots::new(2, Duration::ZERO));
        let held = slots.take("acme").await.unwrap();
        let mut drained = Box::pin(slots.drain());
        assert!(futures::poll!(&mut drained).is_pending());
        drop(held);
        drained.await;
    }
}
