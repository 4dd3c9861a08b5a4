//! What an operator sees of a bucket, and when more requests would go.

use serde::Serialize;

use super::share::Kinds;
use super::{Ask, At, Bucket, Meter, Priority};
use crate::manifest::Counts;
use crate::name::BucketName;

/// The most requests that a forecast looks at.
const MOST_AHEAD: u32 = 10_000;

/// Where a bucket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct State {
    /// For how many milliseconds nobody may send, because the CRM said so.
    pub stopped_ms: u64,
    /// Requests on the way.
    pub in_flight: usize,
    /// Requests that wait.
    pub waiting: Kinds<usize>,
    /// Tenants that it remembers.
    pub tenants: usize,
    /// Each limit, with what is used of it.
    pub limits: Vec<LimitState>,
    /// In how many milliseconds one more request would go.
    pub one_more_ms: Kinds<Option<u64>>,
}

/// Where one limit stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LimitState {
    /// Which of the manifest's named limits; none for the general ones.
    pub bucket: Option<BucketName>,
    /// What it counts.
    pub counts: Counts,
    /// In how many seconds; none for a limit of requests at once.
    pub seconds: Option<u32>,
    /// How many there are.
    pub most: u64,
    /// How many are used.
    pub used: u64,
    /// How many are left by the CRM's word, if it has told lately.
    pub told_left: Option<u64>,
}

/// When requests would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Forecast {
    /// Requests that were looked at: those that were asked for, up to 10,000.
    pub requests: u32,
    /// In how many milliseconds the last of them would go.
    pub last_ms: u64,
}

impl Bucket {
    /// Returns where the bucket stands.
    pub fn state(&self, now: At) -> State {
        let mut limits = Vec::new();
        self.general.states(None, now, &mut limits);
        for (name, meter) in &self.named {
            meter.states(Some(name), now, &mut limits);
        }
        let each = |of: &dyn Fn(Priority) -> usize| Kinds {
            interactive: of(Priority::Interactive),
            incremental: of(Priority::Incremental),
            backfill: of(Priority::Backfill),
        };
        let one_more = |priority| {
            let ask = Ask {
                tenant: "".into(),
                priority,
                bucket: None,
                cost: 1,
            };
            self.forecast(&ask, 1, now).map(|it| it.last_ms)
        };
        State {
            stopped_ms: self.stopped.map_or(0, |it| it.since(now)),
            in_flight: self.flights.len(),
            waiting: each(&|priority| self.waiting(priority).count()),
            tenants: self.tenants.len(),
            limits,
            one_more_ms: Kinds {
                interactive: one_more(Priority::Interactive),
                incremental: one_more(Priority::Incremental),
                backfill: one_more(Priority::Backfill),
            },
        }
    }

    /// Foretells when so many requests like this one would go, behind those that wait already.
    ///
    /// It goes by what is known now: that nobody else comes, and that requests take no time. None if it cannot be told.
    pub fn forecast(&self, ask: &Ask, requests: u32, now: At) -> Option<Forecast> {
        let requests = requests.clamp(1, MOST_AHEAD);
        let mut ahead = self.clone();
        ahead.general.forget_concurrent();
        for meter in ahead.named.values_mut() {
            meter.forget_concurrent();
        }
        let mut own = Vec::new();
        for _ in 0..requests {
            own.push(ahead.enter(ask.clone(), now).ok()?);
        }
        let mut at = now;
        loop {
            // Nobody is on the way for long, so nobody has to be waited for.
            for ticket in ahead.flights.keys().copied().collect::<Vec<_>>() {
                ahead.done(ticket);
            }
            ahead.stopped.take_if(|until| *until <= at);
            let advance = ahead.advance(at);
            own.retain(|it| ahead.queue.contains_key(it));
            if own.is_empty() {
                return Some(Forecast {
                    requests,
                    last_ms: at.since(now),
                });
            }
            if advance.granted.is_empty() {
                at = advance.wake.filter(|it| at < *it)?;
            }
        }
    }
}

impl Meter {
    fn states(&self, bucket: Option<&BucketName>, now: At, states: &mut Vec<LimitState>) {
        let left = |counts: Counts| {
            let told = self.tellings.iter();
            let told = told.filter(|it| it.counts == counts && it.only.is_none() && now < it.until);
            told.map(|it| it.left).min()
        };
        for window in &self.windows {
            states.push(LimitState {
                bucket: bucket.cloned(),
                counts: window.limit.counts,
                seconds: Some(window.limit.seconds.get()),
                most: window.most(now),
                used: window.used(Priority::Interactive, now),
                told_left: left(window.limit.counts),
            });
        }
        if let Some(most) = self.concurrent() {
            states.push(LimitState {
                bucket: bucket.cloned(),
                counts: Counts::Requests,
                seconds: None,
                most,
                used: u64::try_from(self.held()).unwrap_or(u64::MAX),
                told_left: None,
            });
        }
    }
}
