//! So many in so much time, wherever that time begins.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::meter::Scope;
use super::share::{Kinds, Tenant};
use super::{Ask, At, Priority};
use crate::manifest::{self, Counts};

/// In how many steps the time is remembered. A step is forgotten as a whole, when its last moment is out of the window: this costs a thirty-second of the rate, and no window ever has more than its limit.
const STEPS: u64 = 32;

/// A window that is longer than anybody waits for, in milliseconds: its limit is shared out beforehand.
const LONG: u64 = 20_000;

/// How far an answer may raise a limit: manifests state the smallest plan.
const RAISE: u64 = 10;

/// One window, and what was used in it.
#[derive(Debug, Clone)]
pub(super) struct Window {
    pub(super) limit: manifest::Window,
    length: u64,
    step: u64,
    steps: VecDeque<Step>,
    // What answers say the limit is, and until when that holds.
    told: Option<(u64, At)>,
}

#[derive(Debug, Clone, Default)]
struct Step {
    number: u64,
    used: Kinds<u64>,
    // Only where tenants have their parts.
    tenants: BTreeMap<Arc<str>, u64>,
}

impl Window {
    pub(super) fn new(limit: manifest::Window) -> Self {
        let length = u64::from(limit.seconds.get()) * 1000;
        Self {
            limit,
            length,
            step: length.div_ceil(STEPS),
            steps: VecDeque::new(),
            told: None,
        }
    }

    /// Takes over what was used in a window of the same length.
    pub(super) fn inherit(&mut self, old: Self) {
        self.steps = old.steps;
        self.told = old.told;
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The time after which something may have changed, where nobody says when.
    pub(super) fn step(&self) -> u64 {
        self.step
    }

    pub(super) fn most(&self, now: At) -> u64 {
        match self.told {
            Some((most, until)) if now < until => most,
            Some(_) | None => self.limit.most.get().into(),
        }
    }

    /// Believes an answer about the limit, within reason and for a time.
    pub(super) fn tell(&mut self, most: u64, until: At) {
        let stated = u64::from(self.limit.most.get());
        self.told = Some((most.clamp(1, stated * RAISE), until));
    }

    pub(super) fn used(&self, from: Priority, now: At) -> u64 {
        self.live(now).map(|it| it.used.from(from)).sum()
    }

    pub(super) fn is_unused(&self, now: At) -> bool {
        self.live(now).next().is_none()
    }

    /// What keeps a request out, and until when.
    pub(super) fn obstacle(
        &self,
        ask: &Ask,
        tenants: &BTreeMap<Arc<str>, Tenant>,
        now: At,
    ) -> Option<(Scope, At)> {
        let most = self.most(now);
        let cost = cost(self.limit.counts, ask).min(most);
        if let Some(until) = self.full(Priority::Interactive, most - cost, now) {
            return Some((Scope::Everybody, until));
        }
        let open = most - ask.priority.reserve(most);
        if let Some(until) = self.full(ask.priority, open.max(cost) - cost, now) {
            return Some((Scope::From(ask.priority), until));
        }
        if self.has_parts() && !self.leaves_parts(ask, cost, tenants, now) {
            let until = self.live(now).map(|it| self.end(it)).next()?;
            return Some((Scope::Tenant(ask.tenant.clone()), until));
        }
        None
    }

    pub(super) fn record(&mut self, ask: &Ask, now: At) {
        while let Some(oldest) = self.steps.front() {
            if now < self.end(oldest) {
                break;
            }
            self.steps.pop_front();
        }
        let number = now.as_millis() / self.step.max(1);
        if self.steps.back().is_none_or(|it| it.number < number) {
            self.steps.push_back(Step {
                number,
                ..Step::default()
            });
        }
        let has_parts = self.has_parts();
        let cost = cost(self.limit.counts, ask);
        if let Some(step) = self.steps.back_mut() {
            *step.used.of_mut(ask.priority) += cost;
            if has_parts {
                *step.tenants.entry(ask.tenant.clone()).or_default() += cost;
            }
        }
    }

    fn live(&self, now: At) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |it| now < self.end(it))
    }

    /// When the last moment of a step is out of the window. A millisecond more than that, since moments are cut to one.
    fn end(&self, step: &Step) -> At {
        At::from_millis((step.number + 1) * self.step).after(self.length)
    }

    /// Until when more than so many are used by these kinds of work.
    fn full(&self, from: Priority, allowed: u64, now: At) -> Option<At> {
        let mut used = self.used(from, now);
        let mut until = None;
        for step in self.live(now) {
            if used <= allowed {
                break;
            }
            used -= step.used.from(from);
            until = Some(self.end(step));
        }
        until
    }

    fn has_parts(&self) -> bool {
        LONG < self.length
    }

    /// Whether what is kept for the other tenants stays untouched.
    fn leaves_parts(
        &self,
        ask: &Ask,
        cost: u64,
        tenants: &BTreeMap<Arc<str>, Tenant>,
        now: At,
    ) -> bool {
        let mut used: BTreeMap<&str, u64> = BTreeMap::new();
        for step in self.live(now) {
            for (tenant, count) in &step.tenants {
                *used.entry(tenant).or_default() += count;
            }
        }
        let of = |tenant: &str| used.get(tenant).copied().unwrap_or_default();
        let names = tenants.keys().map(|it| &**it);
        keeps_parts(self.most(now), cost, &ask.tenant, names, of)
    }
}

/// What a request counts for.
pub(super) fn cost(counts: Counts, ask: &Ask) -> u64 {
    match counts {
        Counts::Requests => 1,
        Counts::Points => ask.cost.into(),
    }
}

/// Whether a tenant may have so many more: half of all is kept in equal parts, and the other half is for whoever comes first.
pub(super) fn keeps_parts<'a>(
    most: u64,
    more: u64,
    tenant: &str,
    tenants: impl Iterator<Item = &'a str> + Clone,
    used: impl Fn(&str) -> u64,
) -> bool {
    let count = u64::try_from(tenants.clone().count()).unwrap_or(u64::MAX);
    if count < 2 {
        return true;
    }
    let part = most / 2 / count;
    if used(tenant) + more <= part {
        return true;
    }
    let kept: u64 = tenants
        .clone()
        .filter(|it| *it != tenant)
        .map(|it| part.saturating_sub(used(it)))
        .sum();
    let total: u64 = tenants.map(&used).sum();
    total + more + kept <= most
}
