//! One set of limits that hold together: its windows, how many at once, and what answers say is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::share::Tenant;
use super::window::{Window, cost, keeps_parts};
use super::{Ask, At, Priority, Ticket};
use crate::manifest::{self, Counts};
use crate::name::BucketName;

/// What keeps a request from going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) which: Which,
    pub(super) scope: Scope,
    /// Until when; none if it is another request that has to end.
    pub(super) until: Option<At>,
}

/// Which limits an obstacle belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them.
    Whole,
    General,
    Named(BucketName),
}

/// Whom an obstacle stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Everybody,
    /// This kind of work and those below it.
    From(Priority),
    Tenant(Arc<str>),
}

/// One set of limits, and what was used of it.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) windows: Vec<Window>,
    pub(super) tellings: Vec<Telling>,
    concurrent: Option<u64>,
    apart: bool,
    // Who is on the way; only kept where their number is limited.
    held: BTreeMap<Ticket, Arc<str>>,
}

/// What an answer said is left.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    /// Which of the manifest's rules it was read by.
    pub(super) rule: usize,
    /// The tenant that it stays with; otherwise it is for everybody.
    pub(super) only: Option<Arc<str>>,
    pub(super) counts: Counts,
    pub(super) left: u64,
    /// What the limit is, if it is known.
    pub(super) limit: u64,
    pub(super) until: At,
}

impl Meter {
    pub(super) fn new(limits: &manifest::Bucket) -> Self {
        Self {
            windows: limits.windows.iter().copied().map(Window::new).collect(),
            tellings: Vec::new(),
            concurrent: limits.concurrent.map(|it| it.get().into()),
            apart: limits.apart,
            held: BTreeMap::new(),
        }
    }

    pub(super) fn inherit(&mut self, old: Self) {
        for old in old.windows {
            let like = |it: &&mut Window| {
                (it.limit.seconds, it.limit.counts) == (old.limit.seconds, old.limit.counts)
            };
            if let Some(window) = self.windows.iter_mut().find(like) {
                window.inherit(old);
            }
        }
        self.held = old.held;
    }

    /// Whether what counts here does not count against the general limits.
    pub(super) fn is_apart(&self) -> bool {
        self.apart
    }

    pub(super) fn concurrent(&self) -> Option<u64> {
        self.concurrent
    }

    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    pub(super) fn forget_concurrent(&mut self) {
        self.concurrent = None;
    }

    pub(super) fn longest(&self) -> u64 {
        self.windows.iter().map(Window::length).max().unwrap_or(0)
    }

    pub(super) fn is_unused(&self, now: At) -> bool {
        self.windows.iter().all(|it| it.is_unused(now))
            && self.tellings.iter().all(|it| it.until <= now)
    }

    pub(super) fn obstacle(
        &self,
        ask: &Ask,
        tenants: &BTreeMap<Arc<str>, Tenant>,
        now: At,
    ) -> Option<(Scope, Option<At>)> {
        let timed = self
            .tellings
            .iter()
            .find_map(|it| it.obstacle(ask, now))
            .or_else(|| {
                let mut windows = self.windows.iter();
                windows.find_map(|it| it.obstacle(ask, tenants, now))
            });
        if let Some((scope, until)) = timed {
            return Some((scope, Some(until)));
        }
        let scope = self.crowd(ask, tenants)?;
        Some((scope, None))
    }

    /// Whom the number of those on the way stops.
    fn crowd(&self, ask: &Ask, tenants: &BTreeMap<Arc<str>, Tenant>) -> Option<Scope> {
        let most = self.concurrent?;
        let count = |fits: &dyn Fn(&Ticket, &str) -> bool| {
            let held = self.held.iter().filter(|(ticket, it)| fits(ticket, it));
            u64::try_from(held.count()).unwrap_or(u64::MAX)
        };
        if most <= count(&|_, _| true) {
            return Some(Scope::Everybody);
        }
        let kind = |ticket: &Ticket, _: &str| ask.priority <= ticket.priority;
        if most - ask.priority.reserve(most) <= count(&kind) {
            return Some(Scope::From(ask.priority));
        }
        let of = |tenant: &str| count(&|_, it| it == tenant);
        let names = tenants.keys().map(|it| &**it);
        (!keeps_parts(most, 1, &ask.tenant, names, of)).then(|| Scope::Tenant(ask.tenant.clone()))
    }

    pub(super) fn record(&mut self, ticket: Ticket, ask: &Ask, now: At) {
        for window in &mut self.windows {
            window.record(ask, now);
        }
        self.tellings.retain(|it| now < it.until);
        for telling in &mut self.tellings {
            if telling.is_for(ask) {
                telling.left = telling.left.saturating_sub(cost(telling.counts, ask));
            }
        }
        if self.concurrent.is_some() {
            self.held.insert(ticket, ask.tenant.clone());
        }
    }

    pub(super) fn release(&mut self, ticket: Ticket) {
        self.held.remove(&ticket);
    }

    /// Puts what was told last in the place of what the same rule told before.
    pub(super) fn tell(&mut self, telling: Telling) {
        let same = |it: &Telling| it.rule == telling.rule && it.only == telling.only;
        self.tellings.retain(|it| !same(it));
        self.tellings.push(telling);
    }
}

impl Telling {
    fn is_for(&self, ask: &Ask) -> bool {
        self.only.as_ref().is_none_or(|it| *it == ask.tenant)
    }

    fn obstacle(&self, ask: &Ask, now: At) -> Option<(Scope, At)> {
        if self.until <= now || !self.is_for(ask) {
            return None;
        }
        let cost = cost(self.counts, ask);
        let reserve = ask.priority.reserve(self.limit);
        let scope = match &self.only {
            Some(tenant) if self.left < cost + reserve => Scope::Tenant(tenant.clone()),
            None if self.left < cost => Scope::Everybody,
            None if self.left < cost + reserve => Scope::From(ask.priority),
            Some(_) | None => return None,
        };
        Some((scope, self.until))
    }
}
