//! Carries out what retry decides: waits, counts, and keeps track of whether a write is in doubt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::retry::{self, Budget, Decision, Meaning, Options, Sent, Spent};
use brightsync_core::rule::Rule;
use tokio::time::Instant;

use super::breaker::{Breakers, Health, Passage};
use super::failure::CIRCUIT_OPEN;
use super::step::Hop;
use super::{Failure, Reply, budget, inject};
use crate::custody::Held;
use crate::report::Write;
use crate::store::Call;

/// How often a request is made again because its session came to its end on the way. Only sessions of a second or so do that.
const OVERTAKEN: u32 = 3;

/// What all requests of a host share when they are repeated.
pub(super) struct Retries {
    options: Options,
    breakers: Breakers,
    /// The tenants whose budget is not as good as new.
    budgets: Mutex<HashMap<String, Budget>>,
}

/// The attempts of one request at one place.
pub(super) struct Attempts<'a> {
    retries: &'a Retries,
    call: &'a Call,
    hop: &'a Hop,
    spent: Spent,
    /// The end of the attempt before, which stands if none follows after all.
    last: Option<Result<Reply, Failure>>,
    passages: Option<[Passage; 2]>,
    /// There as long as a write is in doubt.
    write: Option<Write>,
    /// Whether an attempt got no answer at all.
    lost: bool,
    /// The secrets that the last attempt was sent with.
    held: Option<Arc<Held>>,
    /// How often a session that was renewed for it came to its end on the way.
    overtaken: u32,
}

impl Retries {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            breakers: Breakers::new(options.breaker),
            budgets: Mutex::default(),
        }
    }

    pub(super) fn begin<'a>(&'a self, call: &'a Call, hop: &'a Hop) -> Attempts<'a> {
        Attempts {
            retries: self,
            call,
            hop,
            spent: Spent::default(),
            last: None,
            passages: None,
            write: None,
            lost: false,
            held: None,
            overtaken: 0,
        }
    }

    pub(super) fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    fn budget<T>(&self, tenant: &str, act: impl FnOnce(&mut Budget) -> T) -> T {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut budget = budgets.get(tenant).copied().unwrap_or_default();
        let result = act(&mut budget);
        if budget.is_untouched() {
            budgets.remove(tenant);
        } else {
            budgets.insert(tenant.to_owned(), budget);
        }
        result
    }
}

impl Attempts<'_> {
    /// Begins an attempt, unless the server is being left alone.
    pub(super) fn enter(&mut self) -> Result<(), Failure> {
        let passages = self.retries.breakers.admit(self.call, self.hop);
        let passages = passages.map_err(|open| {
            tracing::debug!(call = %self.call.id, origin = %self.hop.permit.origin, %open, "not sent");
            Failure::NotSent(CIRCUIT_OPEN)
        })?;
        self.passages = Some(passages);
        Ok(())
    }

    /// Whether there was an attempt before, and a wait.
    pub(super) fn has_waited(&self) -> bool {
        self.last.is_some()
    }

    /// Notes with which secrets an attempt is sent.
    pub(super) fn sent_with(&mut self, held: Arc<Held>) {
        self.held = Some(held);
    }

    /// After an answer that the credential is no longer good: waits for a new one, so that the request is made again; once, and any request, since it was not carried out.
    async fn renewed(&mut self, result: Result<Reply, Failure>) -> Option<Result<Reply, Failure>> {
        let call = self.call;
        let custody = call.link.custody.as_ref();
        let (Some(custody), Some(who), Some(held)) = (custody, call.principal(), self.held.take())
        else {
            return Some(result);
        };
        self.spent.refreshed = true;
        match custody.after(&who, &held).await {
            Ok(Some(_)) if self.may_repeat() => {
                self.last = Some(result);
                None
            }
            Ok(Some(_) | None) => Some(result),
            Err(trouble) => {
                tracing::debug!(call = %call.id, %trouble, "no new credential");
                Some(Err(inject::failure(&trouble)))
            }
        }
    }

    /// Whether the session that the CRM refuses was good when it was sent, and has ended since: that says nothing against another one.
    fn was_overtaken(&mut self) -> bool {
        let now = (self.call.shared.clock)();
        let has_ended = |it: &Arc<Held>| it.times().1.is_some_and(|expires| expires <= now);
        let is_it = self.held.as_ref().is_some_and(has_ended) && self.overtaken < OVERTAKEN;
        if is_it {
            self.overtaken += 1;
        }
        is_it
    }

    /// Notes that the request is about to leave.
    pub(super) fn leave(&mut self) {
        if self.hop.changes && self.write.is_none() {
            self.write = Some(self.call.meter.write());
        }
    }

    /// Answers how the request has ended with an attempt that took so long; or nothing, when it has waited and is to be made again.
    pub(super) async fn next(
        &mut self,
        result: Result<Reply, Failure>,
        took: Duration,
    ) -> Option<Result<Reply, Failure>> {
        // Without one, the server was left alone, and so it is.
        let Some(passages) = self.passages.take() else {
            return Some(self.last.take().unwrap_or(result));
        };
        self.settle(&result);
        if self.spent.refreshed
            && let (Ok(reply), Some(custody)) = (&result, &self.call.link.custody)
        {
            custody.was_accepted(reply.meaning != Meaning::Expired);
        }
        let Some(sent) = sent(&result) else {
            return Some(self.conclude(result));
        };
        for passage in passages {
            passage.end(health(sent));
        }
        let (tenant, options) = (self.call.link.key.tenant(), &self.retries.options);
        if sent == Sent::Answered(Meaning::Final) {
            self.retries.budget(tenant, Budget::answered);
        }
        if sent == Sent::Answered(Meaning::Expired) && self.was_overtaken() {
            self.spent.refreshed = false;
        }
        let asked = result.as_ref().ok().and_then(|reply| reply.wait);
        let made = self.spent.repeats;
        match retry::decide(sent, self.hop.repeatable, self.spent, options.repeats) {
            Decision::Repeat => self.spent.repeats += 1,
            Decision::Wait => self.spent.throttled = true,
            Decision::Refresh => return self.renewed(result).await,
            // The status tells a connector what there is to know.
            Decision::Answer | Decision::Credential | Decision::Limited => return Some(result),
            Decision::NotSent | Decision::NoAnswer => return Some(self.conclude(result)),
        }
        let result = self.conclude(result);
        if !self.wait(made, asked, took).await {
            return Some(result);
        }
        self.last = Some(result);
        None
    }

    /// Waits for a repeat, if there is one left and the time for it.
    async fn wait(&self, made: u32, asked: Option<Duration>, took: Duration) -> bool {
        let (call, options) = (self.call, &self.retries.options);
        // Without chance all wait equally long, which is worse for the CRM and no worse for this call.
        let random = getrandom::u32().unwrap_or_default();
        let left = call.deadline.saturating_duration_since(Instant::now());
        let back_off = retry::back_off(made, options, random);
        let Some(wait) = retry::wait(back_off, asked, took, left) else {
            return false;
        };
        let is_granted = !Rule::RepeatsPerCall
            .refuses(!call.meter.repeat(options.repeats_per_call))
            && self.retries.budget(call.link.key.tenant(), |it| {
                it.take(options.repeats_per_tenant)
            })
            && self.may_repeat();
        if is_granted {
            tracing::debug!(call = %call.id, origin = %self.hop.permit.origin, ?wait, "repeat");
            tokio::time::sleep(wait).await;
        }
        is_granted
    }

    /// Asks the call's own budget for the request once more.
    fn may_repeat(&self) -> bool {
        let length = self.hop.body.as_ref().map_or(0, bytes::Bytes::len);
        budget(self.call, u64::try_from(length).unwrap_or(u64::MAX)).is_ok()
    }

    /// Notes what an attempt says of a write: carried out, not carried out, or nobody knows.
    fn settle(&mut self, result: &Result<Reply, Failure>) {
        match result {
            Ok(reply) => match reply.meaning {
                // Also for all attempts before: twice is as good as once.
                Meaning::Final => {
                    (self.spent.in_doubt, self.lost) = (false, false);
                    self.answered();
                }
                Meaning::Expired | Meaning::Throttled => self.not_carried_out(),
                Meaning::Unavailable => {
                    self.spent.in_doubt = true;
                    if !self.lost {
                        self.answered();
                    }
                }
            },
            Err(failure) if is_unsent(failure) => self.not_carried_out(),
            Err(_) => (self.spent.in_doubt, self.lost) = (true, true),
        }
    }

    fn answered(&mut self) {
        if let Some(write) = self.write.take() {
            write.answered();
        }
    }

    fn not_carried_out(&mut self) {
        if !self.spent.in_doubt
            && let Some(write) = self.write.take()
        {
            write.not_sent();
        }
    }

    /// The end of a request whose last attempt did not leave is that of an earlier one that may have been carried out.
    fn conclude(&mut self, result: Result<Reply, Failure>) -> Result<Reply, Failure> {
        match result {
            Err(Failure::NotSent(code)) if self.spent.in_doubt => Err(Failure::NoAnswer(code)),
            Err(failure) if self.spent.in_doubt && is_unsent(&failure) => {
                self.last.take().unwrap_or(Err(failure))
            }
            result => result,
        }
    }
}

/// How far an attempt got, if it says anything about another one.
fn sent(result: &Result<Reply, Failure>) -> Option<Sent> {
    match result {
        Ok(reply) => Some(Sent::Answered(reply.meaning)),
        Err(Failure::NotSent(_)) => Some(Sent::Never),
        Err(Failure::NoAnswer(_)) => Some(Sent::Maybe),
        Err(
            Failure::Denied(_)
            | Failure::Limited(_)
            | Failure::TooLarge
            | Failure::Credential
            | Failure::Busy
            | Failure::NoToken
            | Failure::Other(_),
        ) => None,
    }
}

/// Whether nothing has left the host.
fn is_unsent(failure: &Failure) -> bool {
    match failure {
        Failure::NotSent(_)
        | Failure::Denied(_)
        | Failure::Limited(_)
        | Failure::Credential
        | Failure::Busy
        | Failure::NoToken => true,
        Failure::NoAnswer(_) | Failure::TooLarge | Failure::Other(_) => false,
    }
}

/// What an attempt says of the server.
fn health(sent: Sent) -> Health {
    match sent {
        Sent::Never => Health::Unreachable,
        Sent::Maybe | Sent::Answered(Meaning::Unavailable) => Health::Ails,
        Sent::Answered(Meaning::Final | Meaning::Expired | Meaning::Throttled) => Health::Works,
    }
}
