//! Whether a request that did not end well may be sent again, and when.
//!
//! A write is repeated only where it is known not to have been carried out: it never left, or the CRM says so. Anything
//! else could put the same e-mail into a CRM twice.

mod budget;
mod meaning;

use std::time::{Duration, SystemTime};

pub use budget::Budget;
pub use meaning::Seen;

use crate::breaker;
use crate::request::Method;
use crate::rule::Rule;

/// What is repeated, and how patiently. Every setting has a safe default.
///
/// | option | default | what happens beyond it |
/// |---|---|---|
/// | `repeats` | 2 | the request ends as its last attempt did |
/// | `repeats_per_call` | 10 | nothing more is repeated in this call |
/// | `repeats_per_tenant` | 20 | nothing is repeated for this tenant until answers have come: ten give back one repeat |
/// | `longest_back_off` | 8 s | the wait does not double any more |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Repeats of one request; the one after a throttle does not count.
    pub repeats: u32,
    /// Repeats of all requests of one call.
    pub repeats_per_call: u32,
    /// Repeats that a tenant may have made for which no answers have made up yet.
    pub repeats_per_tenant: u32,
    /// The wait before the first repeat; it doubles with each further one.
    pub back_off: Duration,
    /// The longest wait of the host's own. A CRM may ask for a longer one.
    pub longest_back_off: Duration,
    /// When a server is left alone.
    pub breaker: breaker::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            repeats: 2,
            repeats_per_call: 10,
            repeats_per_tenant: 20,
            back_off: Duration::from_millis(250),
            longest_back_off: Duration::from_secs(8),
            breaker: breaker::Options::default(),
        }
    }
}

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// No byte of it left the host.
    Never,
    /// Some of it left, and no whole answer came back.
    Maybe,
    /// The CRM answered.
    Answered(Meaning),
}

/// What an answer says about whether the request was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is the answer, good or bad.
    Final,
    /// The credential is no longer good; nothing was carried out.
    Expired,
    /// Too many requests; nothing was carried out.
    Throttled,
    /// A server on the way gave up, and nobody knows what became of the request.
    Unavailable,
}

impl Meaning {
    /// Returns what a status means where a manifest says nothing else.
    ///
    /// Salesforce throttles with 403 and BottleCRM rejects a token with it, which only their manifests can say.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Expired,
            429 => Self::Throttled,
            // 425 is RFC 8470's "too early"; from 520 on they are Cloudflare's, of which HubSpot says to come back.
            408 | 425 | 502 | 503 | 504 | 520..=524 => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// Whether it does no harm to carry out a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// Its method or the connector says so, or the CRM knows it again by its key.
    Yes,
    /// It writes.
    No,
}

impl Repeatable {
    /// Decides by the method, the headers, the connector's word, and whether the CRM knows the request again by a key.
    ///
    /// A write with a precondition is not repeatable by its method: the first attempt may be what makes the second one
    /// fail, and that would look as if somebody else had changed the record.
    #[must_use]
    pub fn of(
        method: Method,
        headers: &[(String, String)],
        is_marked: bool,
        has_key: bool,
    ) -> Self {
        let is_conditional = headers.iter().any(|(name, _)| {
            ["if-match", "if-none-match", "if-unmodified-since"]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it))
        });
        let by_method = method.is_safe() || method.is_idempotent() && !is_conditional;
        if is_marked || has_key || by_method {
            Self::Yes
        } else {
            Self::No
        }
    }
}

/// What has been tried for a request already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Repeats after no answer, an unavailable server, or a dial that failed.
    pub repeats: u32,
    /// Whether the credential was renewed for it.
    pub refreshed: bool,
    /// Whether it waited for a throttle to end.
    pub throttled: bool,
    /// Whether one of its attempts may have been carried out.
    pub in_doubt: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Give the connector the answer.
    Answer,
    /// Back off and send it again.
    Repeat,
    /// Renew the credential and send it again.
    Refresh,
    /// Wait as long as the CRM asks and send it again.
    Wait,
    /// Report that the credential is refused even when new.
    Credential,
    /// Report that the CRM's limit is reached.
    Limited,
    /// Report that nothing was sent.
    NotSent,
    /// Report that it may have been carried out.
    NoAnswer,
}

/// Decides what to do after an attempt, of which at most `max_repeats` more are made blindly.
#[must_use]
pub fn decide(sent: Sent, repeatable: Repeatable, spent: Spent, max_repeats: u32) -> Decision {
    let left = spent.repeats < max_repeats;
    match sent {
        Sent::Never if left => Decision::Repeat,
        // The last attempt has not left; an earlier one has.
        Sent::Never if spent.in_doubt => Decision::NoAnswer,
        Sent::Never => Decision::NotSent,
        Sent::Maybe if left && !Rule::BlindRepeat.refuses(repeatable == Repeatable::No) => {
            Decision::Repeat
        }
        Sent::Maybe => Decision::NoAnswer,
        Sent::Answered(Meaning::Final) => Decision::Answer,
        Sent::Answered(Meaning::Expired) if spent.refreshed => Decision::Credential,
        Sent::Answered(Meaning::Expired) => Decision::Refresh,
        Sent::Answered(Meaning::Throttled) if spent.throttled => Decision::Limited,
        Sent::Answered(Meaning::Throttled) => Decision::Wait,
        Sent::Answered(Meaning::Unavailable) if left && repeatable == Repeatable::Yes => {
            Decision::Repeat
        }
        // The status tells a connector as much as the host knows.
        Sent::Answered(Meaning::Unavailable) => Decision::Answer,
    }
}

/// Returns how long a `Retry-After` asks to wait from `now`, at most `cap`, or nothing if it cannot be read.
///
/// Both forms of RFC 9110, section 10.2.3, are read. A date that is past asks for no wait. The cap keeps a CRM, or
/// whoever answers in its place, from stopping a connection for years.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime, cap: Duration) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    // `parse` alone would also take `+5`, which RFC 9110 does not.
    if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) {
        // Too many digits for a number are a wait longer than any cap.
        return Some(value.parse().map_or(cap, Duration::from_secs).min(cap));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(now).unwrap_or_default().min(cap))
}

/// Returns the host's own wait before a repeat, of which `made` were made already.
///
/// It doubles each time. Half of it is chance, so that those who failed together do not come back together; `random` is
/// any number.
#[must_use]
pub fn back_off(made: u32, options: &Options, random: u32) -> Duration {
    let doubled = options.back_off.saturating_mul(2_u32.saturating_pow(made));
    let half = doubled.min(options.longest_back_off) / 2;
    half + half.saturating_mul(random) / u32::MAX
}

/// Returns how long to wait for a repeat: the host's own wait or what the CRM asks for, whichever is longer.
///
/// Nothing, if the wait and an attempt as long as the one that `took` so long do not fit into what is `left` of the call:
/// an answer is worth more to a connector than a repeat in which its time runs out.
#[must_use]
pub fn wait(
    back_off: Duration,
    asked: Option<Duration>,
    took: Duration,
    left: Duration,
) -> Option<Duration> {
    let wait = back_off.max(asked.unwrap_or_default());
    (wait.saturating_add(took) < left).then_some(wait)
}

#[cfg(test)]
mod tests;
