//! One bucket with those who wait for it, a place among them, and the turn that comes of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use brightsync_core::manifest::Limits;
use brightsync_core::quota::{Ask, At, Bucket, Heard, State, Ticket, UnknownBucket};
use brightsync_core::retry::{Meaning, Seen};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::{millis, now};
use crate::store::Call;

/// A bucket, and those who wait for it.
pub(super) struct Shared {
    inner: Mutex<Inner>,
    // Told when those who wait have to look anew: something may be sooner than they think, or much later.
    changed: watch::Sender<()>,
    used: AtomicU64,
}

struct Inner {
    bucket: Bucket,
    waiting: HashMap<Ticket, oneshot::Sender<()>>,
    wake: Option<At>,
}

/// A place in the queue. Whoever drops it has left.
pub(super) struct Place {
    turn: Turn,
    ask: Ask,
    granted: oneshot::Receiver<()>,
    changed: watch::Receiver<()>,
}

/// Leave to send one request. It is over when this is dropped, answered or not.
pub(in crate::broker) struct Turn {
    shared: Arc<Shared>,
    ticket: Ticket,
    started: Instant,
}

impl Shared {
    pub(super) fn new(limits: &Limits, now: At) -> Self {
        Self {
            inner: Mutex::new(Inner {
                bucket: Bucket::new(limits),
                waiting: HashMap::new(),
                wake: None,
            }),
            changed: watch::Sender::new(()),
            used: AtomicU64::new(now.as_millis()),
        }
    }

    /// Takes a place at the end of the queue.
    pub(super) fn enter(
        shared: &Arc<Self>,
        ask: Ask,
        limits: &Limits,
        started: Instant,
    ) -> Result<Place, UnknownBucket> {
        let changed = shared.changed.subscribe();
        let (sender, granted) = oneshot::channel();
        let mut inner = shared.inner();
        inner.bucket.adopt(limits);
        let ticket = inner.bucket.enter(ask.clone(), now(started))?;
        inner.waiting.insert(ticket, sender);
        drop(inner);
        Ok(Place {
            turn: Turn {
                shared: shared.clone(),
                ticket,
                started,
            },
            ask,
            granted,
            changed,
        })
    }

    pub(super) fn state(&self, now: At) -> State {
        self.inner().bucket.state(now)
    }

    pub(super) fn waiting(&self) -> usize {
        self.inner().waiting.len()
    }

    pub(super) fn copy(&self) -> Bucket {
        self.inner().bucket.clone()
    }

    pub(super) fn is_unused(&self, now: At) -> bool {
        self.inner().bucket.is_unused(now)
    }

    pub(super) fn used(&self, now: At) {
        self.used.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Lets everybody go whose turn it is, after something has happened.
    fn advance(&self, inner: &mut Inner, now: At) {
        let advance = inner.bucket.advance(now);
        for ticket in advance.granted {
            // Whoever has left in the meantime gives the turn back by being dropped.
            if let Some(waiting) = inner.waiting.remove(&ticket) {
                let _gone = waiting.send(());
            }
        }
        let sooner = match (advance.wake, inner.wake) {
            (Some(new), Some(old)) => new < old,
            (new, None) => new.is_some(),
            (None, Some(_)) => false,
        };
        inner.wake = advance.wake;
        if sooner {
            self.changed.send_replace(());
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Core's part of it does not panic, and leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits for the turn, so long at the most. Otherwise answers how long it would take, if that is known.
    pub(super) async fn wait(&mut self, patience: Duration) -> Result<(), Option<Duration>> {
        let (shared, started) = (self.turn.shared.clone(), self.turn.started);
        let deadline = now(started).after(millis(patience));
        loop {
            let time = now(started);
            let (wake, outlook) = {
                let mut inner = shared.inner();
                shared.advance(&mut inner, time);
                (inner.wake, inner.bucket.outlook(&self.ask, time))
            };
            if self.granted.try_recv().is_ok() {
                return Ok(());
            }
            // Waiting for what cannot come in time would help nobody.
            if deadline <= time || deadline < outlook {
                let wait = outlook.since(time);
                return Err((0 < wait).then(|| Duration::from_millis(wait)));
            }
            let wake = wake.map_or(deadline, |it| it.min(deadline));
            let until = started + Duration::from_millis(wake.as_millis());
            tokio::select! {
                biased;
                granted = &mut self.granted => return granted.map_err(|_left| None),
                _ = self.changed.changed() => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    pub(super) fn turn(self) -> Turn {
        self.turn
    }
}

impl Turn {
    /// Says what an answer means, and corrects the bucket by it; the wait is how long the CRM asks for.
    pub(in crate::broker) fn answered(
        &self,
        call: &Call,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> (Meaning, Option<Duration>) {
        let manifest = call.connector.manifest();
        let headers = headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let seen = Seen {
            status,
            headers: &headers,
            body,
        };
        let meaning = Meaning::of(seen, manifest.answers());
        let since_1970 = u64::try_from((call.shared.clock)()).unwrap_or(0);
        let date = SystemTime::UNIX_EPOCH + Duration::from_millis(since_1970);
        let heard = Heard::read(seen, meaning, manifest.limits(), date);
        let wait = heard.wait().map(Duration::from_millis);
        let mut inner = self.shared.inner();
        let time = now(self.started);
        inner.bucket.hear(self.ticket, &heard, time);
        self.shared.advance(&mut inner, time);
        drop(inner);
        if meaning == Meaning::Throttled {
            tracing::warn!(call = %call.id, connection = %call.link.key, status, ?wait, "the CRM throttles");
            self.shared.changed.send_replace(());
        }
        (meaning, wait)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut inner = self.shared.inner();
        inner.waiting.remove(&self.ticket);
        inner.bucket.done(self.ticket);
        self.shared.advance(&mut inner, now(self.started));
    }
}
