//! What an answer changes: a throttled one stops everybody for a while, and what it says is left is believed for a while.

use std::sync::Arc;

use super::meter::Telling;
use super::signal::{Heard, Signal};
use super::window::cost;
use super::{At, Bucket, LONGEST_HOLD, Ticket, believed};
use crate::name::BucketName;

/// How long to wait where nobody says for how long, in milliseconds; doubled each time in a row.
const BACK_OFF: u64 = 1000;

impl Bucket {
    /// Takes what the answer to a request says. Its turn goes on until it is [`done`](Self::done).
    pub fn hear(&mut self, ticket: Ticket, heard: &Heard, now: At) {
        let Some(flight) = self.flights.get(&ticket) else {
            return;
        };
        let (by, since) = (flight.ask.tenant.clone(), flight.since);
        if heard.throttled {
            self.stop(&by, since, heard.wait, now);
        } else {
            if let Some(tenant) = self.tenants.get_mut(&by) {
                tenant.throttled = 0;
            }
            self.stopped.take_if(|until| *until <= since);
        }
        for signal in &heard.signals {
            self.believe(signal, ticket, &by, now);
        }
    }

    fn stop(&mut self, by: &Arc<str>, since: At, told: Option<u64>, now: At) {
        let alone = self.tenants.len() < 2;
        let back_off = self.limits.back_off_seconds;
        let back_off = back_off.map_or(BACK_OFF, |it| u64::from(it.get()) * 1000);
        let tenant = self.tenants.entry(by.clone()).or_default();
        // What was on its way before the last stop says nothing new.
        if tenant.throttled == 0 || tenant.waited <= since {
            tenant.throttled = tenant.throttled.saturating_add(1);
        }
        let doubled = back_off.saturating_mul(1 << (tenant.throttled.clamp(1, 20) - 1));
        let wait = match told {
            // Whoever is told a time and is throttled again nonetheless was told of another limit.
            Some(told) if 1 < tenant.throttled => told.max(doubled),
            Some(told) => told.max(1),
            None => doubled,
        };
        let until = now.after(believed(wait));
        tenant.waited = tenant.waited.max(until);
        let for_all = tenant.stops.extend(until, now);
        match for_all.or(alone.then_some(until)) {
            Some(until) => {
                let until = self.stopped.map_or(until, |it| it.max(until));
                self.stopped = Some(until);
            }
            None => tenant.stopped = tenant.stopped.max(Some(until)),
        }
    }

    fn believe(&mut self, signal: &Signal, ticket: Ticket, by: &Arc<str>, now: At) {
        // What is on the way has not been counted by the CRM yet.
        let under_way: u64 = self
            .flights
            .iter()
            .filter(|(it, flight)| {
                **it != ticket && self.counts(&flight.ask.bucket, &signal.bucket)
            })
            .map(|(_, flight)| cost(signal.counts, &flight.ask))
            .sum();
        let alone = self.tenants.len() < 2;
        let meter = match &signal.bucket {
            None => &mut self.general,
            Some(name) => match self.named.get_mut(name) {
                Some(meter) => meter,
                None => return,
            },
        };
        let window = meter.windows.iter_mut().find(|it| {
            Some(it.limit.seconds) == signal.window_seconds && it.limit.counts == signal.counts
        });
        // Where nobody says when, it is worth a try when a step of the window is over.
        let (length, step) = window
            .as_ref()
            .map_or((LONGEST_HOLD, 0), |it| (it.length(), it.step()));
        let wait = signal.reset.unwrap_or(step).clamp(BACK_OFF, LONGEST_HOLD);
        let until = now.after(wait.min(length));
        let tenant = self.tenants.entry(by.clone()).or_default();
        let for_all = match tenant.tells.extend(until, now) {
            Some(until) => Some(until),
            None => alone.then_some(until),
        };
        let believed = for_all.unwrap_or(until);
        if let (Some(limit), Some(window), Some(_)) = (signal.limit, window, for_all) {
            window.tell(limit, believed);
        }
        if let Some(remaining) = signal.remaining {
            meter.tell(Telling {
                rule: signal.rule,
                only: for_all.is_none().then(|| by.clone()),
                counts: signal.counts,
                left: remaining.saturating_sub(under_way),
                limit: signal.limit.unwrap_or_default(),
                until: believed,
            });
        }
    }

    /// Whether a request that names this bucket counts against that one.
    fn counts(&self, named: &Option<BucketName>, against: &Option<BucketName>) -> bool {
        let apart = |it: &BucketName| self.named.get(it).is_some_and(super::Meter::is_apart);
        match (named, against) {
            (named, Some(_)) => named == against,
            (Some(named), None) => !apart(named),
            (None, None) => true,
        }
    }
}
