//! Whether a request that did not end well may be sent again, and when.
//!
//! A write is repeated only where it is known not to have been carried out: it never left, or the CRM says so. Anything
//! else could put the same e-mail into a CRM twice.

mod meaning;

use std::time::{Duration, SystemTime};

pub use meaning::Seen;

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
            408 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Final,
        }
    }
}

/// Whether it does no harm to carry out a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// It reads, or the connector says so.
    Yes,
    /// It writes.
    No,
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
        Sent::Never => Decision::NotSent,
        Sent::Maybe if left && repeatable == Repeatable::Yes => Decision::Repeat,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[track_caller]
    fn check(sent: Sent, repeatable: Repeatable, spent: Spent, expected: Decision) {
        assert_eq!(decide(sent, repeatable, spent, 2), expected);
    }

    #[test]
    fn a_write_whose_answer_was_lost_is_never_repeated() {
        check(
            Sent::Maybe,
            Repeatable::No,
            Spent::default(),
            Decision::NoAnswer,
        );
        check(
            Sent::Answered(Meaning::Unavailable),
            Repeatable::No,
            Spent::default(),
            Decision::Answer,
        );
    }

    #[test]
    fn what_never_left_is_sent_again_whatever_it_is() {
        check(
            Sent::Never,
            Repeatable::No,
            Spent::default(),
            Decision::Repeat,
        );
        check(
            Sent::Never,
            Repeatable::Yes,
            Spent {
                repeats: 1,
                ..Spent::default()
            },
            Decision::Repeat,
        );
        check(
            Sent::Never,
            Repeatable::Yes,
            Spent {
                repeats: 2,
                ..Spent::default()
            },
            Decision::NotSent,
        );
    }

    #[test]
    fn a_read_is_repeated_until_the_attempts_are_spent() {
        check(
            Sent::Maybe,
            Repeatable::Yes,
            Spent::default(),
            Decision::Repeat,
        );
        check(
            Sent::Maybe,
            Repeatable::Yes,
            Spent {
                repeats: 2,
                ..Spent::default()
            },
            Decision::NoAnswer,
        );
        check(
            Sent::Answered(Meaning::Unavailable),
            Repeatable::Yes,
            Spent::default(),
            Decision::Repeat,
        );
        check(
            Sent::Answered(Meaning::Unavailable),
            Repeatable::Yes,
            Spent {
                repeats: 2,
                ..Spent::default()
            },
            Decision::Answer,
        );
    }

    #[test]
    fn a_refusal_is_repeated_once_for_any_method() {
        for repeatable in [Repeatable::Yes, Repeatable::No] {
            let spent = Spent {
                repeats: 2,
                ..Spent::default()
            };
            check(
                Sent::Answered(Meaning::Expired),
                repeatable,
                spent,
                Decision::Refresh,
            );
            check(
                Sent::Answered(Meaning::Expired),
                repeatable,
                Spent {
                    refreshed: true,
                    ..spent
                },
                Decision::Credential,
            );
            check(
                Sent::Answered(Meaning::Throttled),
                repeatable,
                spent,
                Decision::Wait,
            );
            check(
                Sent::Answered(Meaning::Throttled),
                repeatable,
                Spent {
                    throttled: true,
                    ..spent
                },
                Decision::Limited,
            );
        }
    }

    #[test]
    fn an_answer_is_an_answer() {
        for status in [200, 201, 204, 304, 400, 403, 404, 409, 412, 422, 500, 501] {
            assert_eq!(Meaning::of_status(status), Meaning::Final, "{status}");
        }
        check(
            Sent::Answered(Meaning::Final),
            Repeatable::Yes,
            Spent::default(),
            Decision::Answer,
        );
        assert_eq!(Meaning::of_status(401), Meaning::Expired);
        assert_eq!(Meaning::of_status(429), Meaning::Throttled);
        assert_eq!(Meaning::of_status(503), Meaning::Unavailable);
    }

    #[track_caller]
    fn check_after(value: &str, expected: Option<u64>) {
        // 1994-11-06T08:49:37Z, the example of RFC 9110.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(
            retry_after(value, now, HOUR),
            expected.map(Duration::from_secs),
            "{value}"
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        check_after("0", Some(0));
        check_after(" 120 ", Some(120));
        check_after("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check_after("Sunday, 06-Nov-94 08:50:37 GMT", Some(60));
        check_after("Sun Nov  6 08:50:37 1994", Some(60));
        check_after("Sun, 06 Nov 1994 08:49:37 GMT", Some(0));
    }

    #[test]
    fn a_wait_of_years_is_capped_and_one_in_the_past_is_none() {
        check_after("3601", Some(3600));
        check_after("99999999999999999999999999999", Some(3600));
        check_after("Fri, 31 Dec 9999 23:59:59 GMT", Some(3600));
        check_after("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for value in [
            "",
            " ",
            "-1",
            "+5",
            "1.5",
            "1e3",
            "0x10",
            "٣",
            "soon",
            "5 seconds",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "1,2",
        ] {
            check_after(value, None);
        }
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic_or_wait_longer_than_the_cap(value in "[\\PC]{0,40}|[0-9]{0,40}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
            if let Some(it) = retry_after(&value, SystemTime::UNIX_EPOCH, HOUR) {
                prop_assert!(it <= HOUR);
            }
        }

        #[test]
        fn a_write_is_repeated_only_where_it_was_not_carried_out(repeats in 0u32..4, refreshed: bool, throttled: bool) {
            let spent = Spent { repeats, refreshed, throttled };
            for sent in [Sent::Maybe, Sent::Answered(Meaning::Unavailable), Sent::Answered(Meaning::Final)] {
                prop_assert!(matches!(decide(sent, Repeatable::No, spent, 3), Decision::NoAnswer | Decision::Answer));
            }
        }
    }
}
