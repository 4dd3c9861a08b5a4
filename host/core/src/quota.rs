//! Who may send a request to a CRM next, and when: its limits, shared between tenants and kinds of work.
//!
//! A [`Bucket`] is what one CRM organisation allows at one server. Whoever wants to send asks it and gets a ticket;
//! [`Bucket::advance`] says whose turn it is, [`Bucket::hear`] takes what an answer tells, and [`Bucket::done`] ends a turn.
//! Nothing here waits or knows a clock: it is told the time.
//!
//! - Never more than a limit in any window of its length, wherever that begins.
//! - Interactive work comes first, and lower kinds leave it a reserve; but ten turns at the most pass a kind over.
//! - Within a kind, tenants take turns by what they cost. Of limits that nobody outwaits, half is kept for tenants in equal parts.
//! - What a CRM says holds for everybody who shares the bucket, for five minutes at the most. What answers to one tenant
//!   say holds up the others for no longer than that at a time, and then not for as long again: a CRM can be made to say
//!   anything to one of its users.

mod hear;
mod meter;
mod pick;
mod share;
mod signal;
mod state;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::meter::Meter;
use self::share::Tenant;
pub use self::share::{Kinds, Priority};
pub use self::signal::Heard;
pub use self::state::{Forecast, LimitState, State};
use crate::manifest::Limits;
use crate::name::BucketName;
use crate::rule::Rule;

/// How long what a CRM says may hold at the most, in milliseconds.
pub const LONGEST_HOLD: u64 = 5 * 60 * 1000;

/// How long what a CRM says is believed, of what it says.
fn believed(wait: u64) -> u64 {
    if Rule::QuotaClaim.holds() {
        wait.min(LONGEST_HOLD)
    } else {
        wait
    }
}

/// How long a tenant is remembered at the least, in milliseconds.
const REMEMBERED: u64 = 60_000;

/// A point in time: milliseconds since whoever tells the time began to count. It never goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(u64);

/// What one request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// For whom.
    pub tenant: Arc<str>,
    /// How urgent it is.
    pub priority: Priority,
    /// Which of the named limits it counts against too.
    pub bucket: Option<BucketName>,
    /// What it costs in points; the manifest says how much that may be.
    pub cost: u32,
}

/// A place in the queue, and then a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    priority: Priority,
    // When the tenant's turn is due, in what was granted to others until then.
    start: u64,
    number: u64,
}

/// The manifest names no such limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest has no limit called {0}; add [limits.buckets.{0}]")]
pub struct UnknownBucket(pub BucketName);

/// What came of a look at the queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advance {
    /// Whose turn it is now.
    pub granted: Vec<Ticket>,
    /// When to look again, if nothing else happens before.
    pub wake: Option<At>,
}

/// What one CRM organisation allows at one server, and who uses it.
#[derive(Debug, Clone)]
pub struct Bucket {
    limits: Limits,
    general: Meter,
    named: BTreeMap<BucketName, Meter>,
    queue: BTreeMap<Ticket, Ask>,
    flights: BTreeMap<Ticket, Flight>,
    tenants: BTreeMap<Arc<str>, Tenant>,
    // How many turns have gone to other kinds while this one waited.
    passed_over: Kinds<u32>,
    // The start of the last turn of each kind.
    reached: Kinds<u64>,
    // Until when nobody sends; after it, one at a time until an answer is good.
    stopped: Option<At>,
    number: u64,
    tidied: At,
}

/// A turn that has begun.
#[derive(Debug, Clone)]
struct Flight {
    ask: Ask,
    since: At,
}

impl At {
    /// Returns the time so many milliseconds after the beginning.
    pub fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the beginning.
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the time so many milliseconds later.
    #[must_use]
    pub fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Returns the milliseconds from another time until this one; 0 if it is past.
    pub fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl Bucket {
    /// Makes a bucket that nobody has used yet.
    pub fn new(limits: &Limits) -> Self {
        let named = limits.buckets.iter();
        Self {
            general: Meter::new(&limits.general),
            named: named
                .map(|(name, it)| (name.clone(), Meter::new(it)))
                .collect(),
            limits: limits.clone(),
            queue: BTreeMap::new(),
            flights: BTreeMap::new(),
            tenants: BTreeMap::new(),
            passed_over: Kinds::default(),
            reached: Kinds::default(),
            stopped: None,
            number: 0,
            tidied: At::default(),
        }
    }

    /// Takes the limits of another version of the manifest over; what was used stays used.
    pub fn adopt(&mut self, limits: &Limits) {
        if self.limits == *limits {
            return;
        }
        let Self { general, named, .. } = Self::new(limits);
        let old = std::mem::replace(&mut self.general, general);
        self.general.inherit(old);
        let mut olds = std::mem::replace(&mut self.named, named);
        for (name, meter) in &mut self.named {
            if let Some(old) = olds.remove(name) {
                meter.inherit(old);
            }
        }
        self.limits = limits.clone();
        // Whoever waits for a limit that is gone waits for the general ones.
        for ask in self.queue.values_mut() {
            ask.bucket.take_if(|it| !self.named.contains_key(it));
        }
    }

    /// Queues a request.
    pub fn enter(&mut self, mut ask: Ask, now: At) -> Result<Ticket, UnknownBucket> {
        if let Some(name) = &ask.bucket
            && !self.named.contains_key(name)
        {
            return Err(UnknownBucket(name.clone()));
        }
        self.tidy(now);
        ask.cost = ask.cost.clamp(1, self.limits.largest_cost());
        let priority = ask.priority;
        let reached = *self.reached.of(priority);
        if !self.waits(priority) {
            // A tenant owes nothing for what it had while nobody waited.
            for tenant in self.tenants.values_mut() {
                *tenant.due.of_mut(priority) = reached;
            }
        }
        let tenant = self.tenants.entry(ask.tenant.clone()).or_default();
        tenant.seen = now;
        let due = tenant.due.of_mut(priority);
        let start = (*due).max(reached);
        *due = start.saturating_add(ask.cost.into());
        self.number += 1;
        let ticket = Ticket {
            priority,
            start,
            number: self.number,
        };
        self.queue.insert(ticket, ask);
        Ok(ticket)
    }

    /// Takes a request out of the queue, or ends its turn if it has begun.
    pub fn done(&mut self, ticket: Ticket) {
        self.queue.remove(&ticket);
        if let Some(flight) = self.flights.remove(&ticket) {
            self.general.release(ticket);
            if let Some(meter) = flight.ask.bucket.and_then(|it| self.named.get_mut(&it)) {
                meter.release(ticket);
            }
        }
    }

    /// Says whose turn it is, and when to look again.
    pub fn advance(&mut self, now: At) -> Advance {
        let mut advance = Advance::default();
        loop {
            match self.pick(now) {
                Ok(ticket) => {
                    self.grant(ticket, now);
                    advance.granted.push(ticket);
                }
                Err(wake) => {
                    advance.wake = wake;
                    return advance;
                }
            }
        }
    }

    /// Returns when a request could go at the earliest, were it alone.
    pub fn outlook(&self, ask: &Ask, now: At) -> At {
        // Each obstacle is later than the one before; a request has few of them.
        let mut at = now;
        for _ in 0..64 {
            match self.obstacle(ask, at).and_then(|it| it.until) {
                Some(until) => at = until,
                None => break,
            }
        }
        at
    }

    /// Says whether nothing would be lost if the bucket were made anew.
    pub fn is_unused(&self, now: At) -> bool {
        let stopped = |until: Option<At>| until.is_some_and(|it| now < it);
        self.queue.is_empty()
            && self.flights.is_empty()
            && !stopped(self.stopped)
            && !self.tenants.values().any(|it| stopped(it.stopped))
            && self.meters().all(|it| it.is_unused(now))
    }

    fn meters(&self) -> impl Iterator<Item = &Meter> {
        self.named.values().chain([&self.general])
    }

    fn waits(&self, priority: Priority) -> bool {
        self.waiting(priority).next().is_some()
    }

    fn waiting(&self, priority: Priority) -> impl Iterator<Item = (&Ticket, &Ask)> {
        self.queue
            .range(Ticket::first(priority)..=Ticket::last(priority))
    }

    fn grant(&mut self, ticket: Ticket, now: At) {
        let Some(ask) = self.queue.remove(&ticket) else {
            return;
        };
        for kind in Priority::ALL {
            let waits = kind != ticket.priority && self.waits(kind);
            let passed = self.passed_over.of_mut(kind);
            *passed = if waits { *passed + 1 } else { 0 };
        }
        let reached = self.reached.of_mut(ticket.priority);
        *reached = ticket.start.max(*reached);
        let mut apart = false;
        if let Some(meter) = ask.bucket.as_ref().and_then(|it| self.named.get_mut(it)) {
            meter.record(ticket, &ask, now);
            apart = meter.is_apart();
        }
        if !apart {
            self.general.record(ticket, &ask, now);
        }
        self.flights.insert(ticket, Flight { ask, since: now });
    }

    /// Forgets tenants that have been away for longer than any limit remembers.
    fn tidy(&mut self, now: At) {
        if now.since(self.tidied) < REMEMBERED {
            return;
        }
        self.tidied = now;
        let longest = self.meters().map(Meter::longest).max().unwrap_or_default();
        let longest = longest.max(LONGEST_HOLD * 2);
        let busy: Vec<_> = self
            .queue
            .values()
            .chain(self.flights.values().map(|it| &it.ask))
            .map(|it| it.tenant.clone())
            .collect();
        self.tenants
            .retain(|name, it| now.since(it.seen) <= longest || busy.contains(name));
    }
}

impl Ticket {
    fn first(priority: Priority) -> Self {
        Self {
            priority,
            start: 0,
            number: 0,
        }
    }

    fn last(priority: Priority) -> Self {
        Self {
            priority,
            start: u64::MAX,
            number: u64::MAX,
        }
    }
}

#[cfg(test)]
mod tests;
