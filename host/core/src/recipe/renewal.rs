//! When a session is renewed: ahead of time, and how often when that does not help.

use std::time::Duration;

use crate::crm::Timestamp;

/// How long before its end a session is renewed: five minutes, in milliseconds.
const MARGIN: i64 = 5 * 60 * 1000;

/// How long a session is left alone that the CRM refused when it was young: ten seconds, in milliseconds.
const YOUNG: i64 = 10 * 1000;

/// The longest pause between renewals that do not help: an hour, in milliseconds.
const LONGEST_PAUSE: i64 = 60 * 60 * 1000;

/// How good a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Good for a while.
    Not,
    /// Good, but to be renewed before long.
    Soon,
    /// At its end.
    Now,
}

/// Says whether it is time to renew a session: from five minutes before its end on, or from the half of its life, whichever is later.
#[must_use]
pub fn due(obtained: Timestamp, expires: Option<Timestamp>, now: Timestamp) -> Due {
    let Some(expires) = expires else {
        return Due::Not;
    };
    let life = expires.saturating_sub(obtained).max(0);
    let margin = MARGIN.min(life / 2);
    // A clock that was set back makes a session look as if it came from the future; its life is over no later for that.
    if expires <= now {
        Due::Now
    } else if expires.saturating_sub(margin) <= now {
        Due::Soon
    } else {
        Due::Not
    }
}

/// Says whether it is of no use to renew a session because the CRM has refused it: so young is it, or so often has that not helped.
#[must_use]
pub fn is_forced_in_vain(
    obtained: Timestamp,
    expires: Option<Timestamp>,
    now: Timestamp,
    in_vain: u32,
) -> bool {
    let half = expires.map_or(i64::MAX, |it| it.saturating_sub(obtained).max(0) / 2);
    let pause = YOUNG
        .saturating_mul(1_i64.checked_shl(in_vain.min(16)).unwrap_or(i64::MAX))
        .min(LONGEST_PAUSE);
    let least = if in_vain == 0 { pause.min(half) } else { pause };
    // Against a clock that was set back: what seems to come from the future counts as old.
    let age = now.saturating_sub(obtained);
    (0..least).contains(&age)
}

/// Returns how long nothing is asked of an authorization server that has failed so often in a row: a second, then twice as long each time, at most five minutes; longer only if it asks for that, and then at most an hour.
#[must_use]
pub fn back_off(failures: u32, asked: Option<u32>) -> Duration {
    let own = Duration::from_secs(1_u64 << failures.saturating_sub(1).min(8));
    let own = own.min(Duration::from_secs(300));
    let asked = Duration::from_secs(u64::from(asked.unwrap_or_default()));
    own.max(asked.min(Duration::from_secs(3600)))
}

#[cfg(test)]
mod tests {
    use super::{Due, back_off, due, is_forced_in_vain};

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_session_is_renewed_five_minutes_ahead_or_at_half_of_a_short_life() {
        for (life, at, expected) in [
            (HOUR, 0, Due::Not),
            (HOUR, HOUR - 300_001, Due::Not),
            (HOUR, HOUR - 300_000, Due::Soon),
            (HOUR, HOUR - 1, Due::Soon),
            (HOUR, HOUR, Due::Now),
            (1000, 499, Due::Not),
            (1000, 500, Due::Soon),
            (1000, 1000, Due::Now),
            (0, 0, Due::Now),
            (-5, 0, Due::Now),
        ] {
            assert_eq!(due(0, Some(life), at), expected, "{life} at {at}");
        }
        assert_eq!(due(0, None, i64::MAX), Due::Not);
        assert_eq!(due(i64::MIN, Some(i64::MAX), 0), Due::Not);
    }

    #[test]
    fn a_session_that_is_refused_when_it_is_young_is_not_renewed_over_and_over() {
        assert!(is_forced_in_vain(0, Some(HOUR), 9_999, 0));
        assert!(!is_forced_in_vain(0, Some(HOUR), 10_000, 0));
        assert!(!is_forced_in_vain(0, Some(1_000), 500, 0));
        assert!(is_forced_in_vain(0, None, 19_999, 1));
        assert!(!is_forced_in_vain(0, None, 20_000, 1));
        assert!(is_forced_in_vain(0, None, HOUR - 1, 60));
        assert!(!is_forced_in_vain(0, None, HOUR, 60));
        assert!(!is_forced_in_vain(HOUR, None, 0, 0));
    }

    #[test]
    fn a_server_that_fails_is_asked_less_and_less() {
        let seconds: Vec<u64> = (1..=10).map(|it| back_off(it, None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 256]);
        assert_eq!(back_off(1, Some(120)).as_secs(), 120);
        assert_eq!(back_off(1, Some(u32::MAX)).as_secs(), 3600);
    }
}
