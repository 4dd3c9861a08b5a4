//! When a server that fails is left alone, so that an outage is not made worse by those who suffer from it.
//!
//! A breaker is closed as long as its server works. After a number of failures in a row it opens, and nothing is sent for a
//! while; then one request may try, and what becomes of it closes the breaker or opens it for twice as long.
//! It is told the time as what has passed since some moment that is the same for all of its calls.

use std::time::Duration;

use crate::rule::Rule;

/// When a breaker opens, and for how long. Every setting has a safe default.
///
/// | option | default | what happens |
/// |---|---|---|
/// | `failures` | 5 | after so many in a row the guest is answered `not-sent`, with the code `circuit-open` |
/// | `wait` | 5 s | after it one request may try; if that fails, too, the next wait is twice as long |
/// | `longest_wait` | 60 s | the wait does not double any more |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long nothing is sent after it has opened for the first time.
    pub wait: Duration,
    /// How long nothing is sent at the most.
    pub longest_wait: Duration,
}

/// The breaker of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker(State);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Duration, wait: Duration },
    // One request is trying.
    HalfOpen { wait: Duration },
}

/// Lets one request pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// As any other.
    Usual,
    /// As the one that tries whether the server works again.
    Trial,
}

/// What has become of a request that was let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server works.
    Worked,
    /// It does not.
    Failed,
    /// Nobody waited for it, so that it says nothing.
    Abandoned,
}

/// Tells that nothing is sent at this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server has failed too often in a row; it may be tried again in {} ms", wait.as_millis())]
pub struct Open {
    /// How long it stays so; nothing, if a request is just trying.
    pub wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            failures: 5,
            wait: Duration::from_secs(5),
            longest_wait: Duration::from_secs(60),
        }
    }
}

impl Default for Breaker {
    /// A closed one.
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Breaker {
    /// Decides whether a request may be sent now.
    pub fn admit(&mut self, now: Duration) -> Result<Pass, Open> {
        match self.0 {
            State::Closed { .. } => Ok(Pass::Usual),
            State::Open { until, .. } if Rule::Breaker.refuses(now < until) => {
                Err(Open { wait: until - now })
            }
            State::Open { wait, .. } => {
                self.0 = State::HalfOpen { wait };
                Ok(Pass::Trial)
            }
            State::HalfOpen { .. } => Err(Open {
                wait: Duration::ZERO,
            }),
        }
    }

    /// Is told what has become of a request. Each pass is reported once, or the breaker would wait for a trial for ever.
    pub fn report(&mut self, pass: Pass, outcome: Outcome, now: Duration, options: &Options) {
        let open = |wait: Duration| State::Open {
            until: now.saturating_add(wait),
            wait,
        };
        self.0 = match (self.0, pass, outcome) {
            (State::Closed { .. }, _, Outcome::Worked) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, Outcome::Failed) => {
                let failures = failures.saturating_add(1);
                if failures < options.failures {
                    State::Closed { failures }
                } else {
                    open(options.wait)
                }
            }
            (State::HalfOpen { .. }, Pass::Trial, Outcome::Worked) => State::Closed { failures: 0 },
            (State::HalfOpen { wait }, Pass::Trial, Outcome::Failed) => {
                open(wait.saturating_mul(2).min(options.longest_wait))
            }
            // The next one tries in its place.
            (State::HalfOpen { wait }, Pass::Trial, Outcome::Abandoned) => {
                State::Open { until: now, wait }
            }
            // What was sent before it opened says nothing new.
            (state, _, _) => state,
        };
    }

    /// Returns whether nothing is sent, or nothing but one request that has yet to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.0, State::Open { .. })
    }

    /// Returns whether one request is trying.
    #[must_use]
    pub fn is_half_open(&self) -> bool {
        matches!(self.0, State::HalfOpen { .. })
    }

    /// Returns whether it is as good as new, so that nobody has to remember it.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPTIONS: Options = Options {
        failures: 2,
        wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(3),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A breaker that has just opened at second 0.
    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..OPTIONS.failures {
            let pass = breaker.admit(at(0)).unwrap();
            breaker.report(pass, Outcome::Failed, at(0), &OPTIONS);
        }
        breaker
    }

    /// The second at which a request is let pass at last.
    fn passes_at(breaker: &mut Breaker, from: u64) -> u64 {
        (from..100)
            .find(|it| breaker.admit(at(*it)).is_ok())
            .unwrap()
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::default();
        for outcome in [Outcome::Failed, Outcome::Worked, Outcome::Failed] {
            let pass = breaker.admit(at(0)).unwrap();
            breaker.report(pass, outcome, at(0), &OPTIONS);
        }
        assert_eq!(breaker.admit(at(0)), Ok(Pass::Usual));
        breaker.report(Pass::Usual, Outcome::Abandoned, at(0), &OPTIONS);
        assert_eq!(breaker.admit(at(0)), Ok(Pass::Usual));
        breaker.report(Pass::Usual, Outcome::Failed, at(0), &OPTIONS);
        assert_eq!(breaker.admit(at(0)), Err(Open { wait: at(1) }));
    }

    #[test]
    fn one_request_tries_and_the_others_wait_for_it() {
        let mut breaker = opened();
        assert!(breaker.admit(Duration::from_millis(999)).is_err());
        assert!(breaker.is_open() && !breaker.is_half_open());
        assert_eq!(breaker.admit(at(1)), Ok(Pass::Trial));
        assert!(breaker.is_half_open() && !breaker.is_open());
        assert_eq!(breaker.admit(at(50)), Err(Open { wait: at(0) }));
        breaker.report(Pass::Trial, Outcome::Worked, at(50), &OPTIONS);
        assert_eq!(breaker.admit(at(50)), Ok(Pass::Usual));
        assert!(breaker.is_untouched());
    }

    #[test]
    fn each_trial_that_fails_doubles_the_wait_up_to_its_end() {
        let mut breaker = opened();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let next = passes_at(&mut breaker, now);
            waits.push(next - now);
            now = next;
            breaker.report(Pass::Trial, Outcome::Failed, at(now), &OPTIONS);
        }
        assert_eq!(waits, [1, 2, 3, 3]);
    }

    #[test]
    fn a_trial_that_nobody_waits_for_is_made_again() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(1)), Ok(Pass::Trial));
        breaker.report(Pass::Trial, Outcome::Abandoned, at(2), &OPTIONS);
        assert_eq!(breaker.admit(at(2)), Ok(Pass::Trial));
    }

    #[test]
    fn what_was_sent_before_it_opened_neither_closes_nor_prolongs_it() {
        for outcome in [Outcome::Worked, Outcome::Failed, Outcome::Abandoned] {
            let mut breaker = opened();
            breaker.report(Pass::Usual, outcome, at(0), &OPTIONS);
            assert_eq!(breaker, opened());
            assert_eq!(breaker.admit(at(1)), Ok(Pass::Trial));
            let trying = breaker;
            breaker.report(Pass::Usual, outcome, at(1), &OPTIONS);
            assert_eq!(breaker, trying);
        }
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Worked),
            Just(Outcome::Failed),
            Just(Outcome::Abandoned)
        ]
    }

    proptest! {
        /// Whatever happens, once all requests are reported the breaker lets one pass in the end, and while it is not closed at most one is on its way.
        #[test]
        fn it_never_stays_open_for_ever_and_tries_with_one(steps in prop::collection::vec((0u64..5, outcome(), any::<bool>()), 0..100)) {
            let mut breaker = Breaker::default();
            let mut now = 0;
            let mut under_way: Vec<(Pass, Outcome)> = Vec::new();
            for (later, outcome, is_reported) in steps {
                now += later;
                if let Ok(pass) = breaker.admit(at(now)) {
                    under_way.push((pass, outcome));
                }
                prop_assert!(under_way.iter().filter(|(pass, _)| *pass == Pass::Trial).count() <= 1);
                if is_reported && let Some((pass, outcome)) = under_way.pop() {
                    breaker.report(pass, outcome, at(now), &OPTIONS);
                }
            }
            for (pass, outcome) in under_way {
                breaker.report(pass, outcome, at(now), &OPTIONS);
            }
            prop_assert!(breaker.admit(at(now) + OPTIONS.longest_wait).is_ok());
        }
    }
}
