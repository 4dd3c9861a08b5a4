//! Whose turn it is: who is looked at first, and what keeps them from going.

use std::sync::Arc;

use super::meter::{Meter, Obstacle, Scope, Which};
use super::share::Priority;
use super::{Ask, At, Bucket, Ticket};

/// How many turns may pass over a kind of work that waits.
const PASSED_OVER: u32 = 10;

/// What is known to be closed during one look at the queue.
#[derive(Debug, Default)]
struct Closed {
    tenants: Vec<(Which, Arc<str>)>,
    kinds: Vec<(Which, Priority)>,
    wake: Option<At>,
}

impl Bucket {
    /// The kinds of work in the order in which they are looked at: first those that were passed over for too long.
    fn order(&self) -> impl Iterator<Item = Priority> + use<> {
        let mut order = Priority::ALL.map(|it| (*self.passed_over.of(it) < PASSED_OVER, it));
        order.sort();
        order.into_iter().map(|(_, it)| it)
    }

    /// The first request in the order that may go; or when one may.
    pub(super) fn pick(&self, now: At) -> Result<Ticket, Option<At>> {
        let mut closed = Closed::default();
        for priority in self.order() {
            for (ticket, ask) in self.waiting(priority) {
                if closed.to(ask, self) {
                    continue;
                }
                let Some(obstacle) = self.obstacle(ask, now) else {
                    return Ok(*ticket);
                };
                let is_general = self.named.is_empty() || obstacle.which == Which::Whole;
                let is_all = is_general && obstacle.scope == Scope::Everybody;
                closed.by(obstacle);
                if is_all {
                    return Err(closed.wake);
                }
            }
        }
        Err(closed.wake)
    }

    /// What keeps a request from going now.
    pub(super) fn obstacle(&self, ask: &Ask, now: At) -> Option<Obstacle> {
        let everybody = |until| Obstacle {
            which: Which::Whole,
            scope: Scope::Everybody,
            until,
        };
        if let Some(until) = self.stopped {
            if now < until {
                return Some(everybody(Some(until)));
            }
            // One goes ahead; if it is throttled again, the others need not be told so each by itself.
            if self.flights.values().any(|it| until <= it.since) {
                return Some(everybody(None));
            }
        }
        if let Some(until) = self.tenants.get(&ask.tenant).and_then(|it| it.stopped)
            && now < until
        {
            return Some(Obstacle {
                which: Which::Whole,
                scope: Scope::Tenant(ask.tenant.clone()),
                until: Some(until),
            });
        }
        let named = ask.bucket.as_ref();
        let named = named.and_then(|it| Some((it, self.named.get(it)?)));
        if let Some((name, meter)) = named {
            if let Some((scope, until)) = meter.obstacle(ask, &self.tenants, now) {
                return Some(Obstacle {
                    which: Which::Named(name.clone()),
                    scope,
                    until,
                });
            }
            if meter.is_apart() {
                return None;
            }
        }
        let (scope, until) = self.general.obstacle(ask, &self.tenants, now)?;
        Some(Obstacle {
            which: Which::General,
            scope,
            until,
        })
    }
}

impl Closed {
    /// Whether it is known already that a request cannot go.
    fn to(&self, ask: &Ask, bucket: &Bucket) -> bool {
        let named = ask.bucket.as_ref();
        let apart = named.and_then(|it| bucket.named.get(it));
        let apart = apart.is_some_and(Meter::is_apart);
        let uses = |which: &Which| match which {
            Which::Whole => true,
            Which::General => !apart,
            Which::Named(name) => named == Some(name),
        };
        let mut kinds = self.kinds.iter();
        let mut tenants = self.tenants.iter();
        kinds.any(|(it, from)| *from <= ask.priority && uses(it))
            || tenants.any(|(it, tenant)| *tenant == ask.tenant && uses(it))
    }

    fn by(&mut self, obstacle: Obstacle) {
        self.wake = match (self.wake, obstacle.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        match obstacle.scope {
            Scope::Tenant(tenant) => self.tenants.push((obstacle.which, tenant)),
            Scope::From(priority) => self.kinds.push((obstacle.which, priority)),
            // Nobody overtakes who is next here, or a dear request would never go.
            Scope::Everybody => self.kinds.push((obstacle.which, Priority::Interactive)),
        }
    }
}
