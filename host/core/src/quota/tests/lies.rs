//! What a CRM says, true or not: the attacks on a bucket that others share.

use super::*;
use crate::quota::signal::Signal;

const TOLD: &str = "[limits]\nper-second = 100\n[[limits.told]]\nremaining = \"x-left\"";
const MINUTE: u64 = 60_000;

fn throttled(wait: u64) -> Heard {
    Heard {
        throttled: true,
        wait: Some(wait),
        signals: Vec::new(),
    }
}

fn tells(limit: Option<u64>, remaining: Option<u64>, reset: Option<u64>) -> Heard {
    Heard {
        signals: vec![Signal {
            rule: 0,
            bucket: None,
            window_seconds: std::num::NonZeroU32::new(1),
            counts: crate::manifest::Counts::Requests,
            limit,
            remaining,
            reset,
        }],
        ..Heard::default()
    }
}

impl Clocked {
    /// Sends a request if its turn comes at once, and hears this answer. Says whether it was sent.
    fn hears(&mut self, tenant: &str, heard: &Heard) -> bool {
        let ticket = self.enter(ask(tenant));
        let granted = self.advance().granted.contains(&ticket);
        if granted {
            self.bucket.hear(ticket, heard, self.now);
        }
        self.bucket.done(ticket);
        granted
    }

    /// Of how many seconds of this time another tenant can use, while one hears nothing but this.
    fn usable(&mut self, seconds: u64, lie: &Heard) -> u64 {
        let mut usable = 0;
        for _ in 0..seconds {
            self.hears("liar", lie);
            if self.hears("honest", &Heard::default()) {
                usable += 1;
            }
            self.later(1000);
        }
        usable
    }
}

#[test]
fn a_throttled_answer_stops_everybody_for_as_long_as_it_says() {
    let mut it = Clocked::new("");
    assert!(it.goes(ask("other")));
    assert!(it.hears("acme", &throttled(30_000)));
    for tenant in ["acme", "other"] {
        assert!(!it.goes(ask(tenant)), "{tenant}");
    }
    let outlook = it.bucket.outlook(&ask("other"), it.now);
    assert_eq!(outlook.since(it.now), 30_000);
    it.later(29_999);
    assert!(!it.goes(ask("other")));
    it.later(1);
    assert!(it.goes(ask("other")));
}

#[test]
fn after_a_stop_one_goes_ahead() {
    let mut it = Clocked::new("");
    assert!(it.hears("acme", &throttled(1000)));
    it.later(1000);
    let tickets: Vec<_> = (0..3).map(|_| it.enter(ask("acme"))).collect();
    assert_eq!(it.advance().granted, tickets[..1]);
    it.bucket.hear(tickets[0], &Heard::default(), it.now);
    assert_eq!(it.advance().granted, tickets[1..]);
}

#[test]
fn who_goes_ahead_and_gets_no_answer_makes_room_for_the_next() {
    let mut it = Clocked::new("");
    assert!(it.hears("acme", &throttled(1000)));
    it.later(1000);
    let tickets: Vec<_> = (0..2).map(|_| it.enter(ask("acme"))).collect();
    assert_eq!(it.advance().granted, tickets[..1]);
    it.bucket.done(tickets[0]);
    assert_eq!(it.advance().granted, tickets[1..]);
}

#[test]
fn without_a_time_the_wait_doubles_until_an_answer_is_good() {
    let mut it = Clocked::new("[limits]\nback-off-seconds = 10");
    let silent = Heard {
        throttled: true,
        ..Heard::default()
    };
    for expected in [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
        assert!(it.hears("acme", &silent));
        let wait = it.bucket.outlook(&ask("acme"), it.now).since(it.now);
        assert_eq!(wait, expected);
        it.later(wait);
    }
    assert!(it.hears("acme", &Heard::default()));
    assert!(it.hears("acme", &silent));
    let wait = it.bucket.outlook(&ask("acme"), it.now).since(it.now);
    assert_eq!(wait, 10_000);
}

#[test]
fn many_throttled_answers_at_once_are_one() {
    let mut it = Clocked::new("");
    let tickets: Vec<_> = (0..10).map(|_| it.enter(ask("acme"))).collect();
    it.advance();
    for ticket in tickets {
        it.bucket.hear(
            ticket,
            &Heard {
                throttled: true,
                ..Heard::default()
            },
            it.now,
        );
        it.bucket.done(ticket);
    }
    let wait = it.bucket.outlook(&ask("acme"), it.now).since(it.now);
    assert_eq!(wait, 1000);
}

#[test]
fn a_wait_of_years_ends_after_five_minutes() {
    let mut it = Clocked::new("");
    assert!(it.goes(ask("honest")));
    assert!(it.hears("liar", &throttled(u64::MAX)));
    it.later(5 * MINUTE - 1);
    assert!(!it.goes(ask("honest")));
    it.later(1);
    assert!(it.goes(ask("honest")));
}

#[test]
fn who_is_always_told_to_wait_holds_the_others_up_for_about_half_the_time_at_the_most() {
    for wait in [1_000, 30_000, u64::MAX] {
        let mut it = Clocked::new("");
        assert!(it.goes(ask("honest")));
        let usable = it.usable(3600, &throttled(wait));
        assert!(1650 < usable, "{wait}: {usable} of 3600 seconds");
    }
}

#[test]
fn who_is_always_told_that_nothing_is_left_holds_the_others_up_for_about_half_the_time_at_the_most()
{
    for (seconds, limits) in [(1, TOLD), (86_400, "[limits]\nper-day = 90000")] {
        for reset in [None, Some(1_000), Some(u64::MAX)] {
            let mut it = Clocked::new(limits);
            assert!(it.goes(ask("honest")));
            let mut lie = tells(None, Some(0), reset);
            lie.signals[0].window_seconds = std::num::NonZeroU32::new(seconds);
            let usable = it.usable(3600, &lie);
            assert!(1650 < usable, "{reset:?}: {usable} of 3600 seconds");
        }
    }
}

#[test]
fn the_one_who_is_told_keeps_to_it() {
    let mut it = Clocked::new("");
    assert!(it.goes(ask("honest")));
    assert!(it.hears("liar", &throttled(10_000)));
    it.later(10_000);
    assert!(it.hears("honest", &Heard::default()));
    assert!(it.hears("liar", &throttled(20_000)));
    assert!(it.goes(ask("honest")));
    it.later(19_999);
    assert!(!it.goes(ask("liar")));
    it.later(1);
    assert!(it.goes(ask("liar")));
}

#[test]
fn what_is_left_is_believed_until_it_is_fresh() {
    let mut it =
        Clocked::new("[limits]\nper-ten-seconds = 100\n[[limits.told]]\nremaining = \"x-left\"");
    let mut left = tells(None, Some(5), Some(4_000));
    left.signals[0].window_seconds = None;
    assert!(it.hears("acme", &left));
    assert_eq!(it.count(&ask("acme")), 5);
    it.later(4_000);
    assert_eq!(it.count(&ask("acme")), 94);
}

#[test]
fn what_is_on_the_way_is_not_counted_twice() {
    let mut it = Clocked::new("[[limits.told]]\nremaining = \"x-left\"");
    let tickets: Vec<_> = (0..4).map(|_| it.enter(ask("acme"))).collect();
    it.advance();
    let mut left = tells(None, Some(5), Some(4_000));
    left.signals[0].window_seconds = None;
    it.bucket.hear(tickets[0], &left, it.now);
    assert_eq!(it.count(&ask("acme")), 2);
}

#[test]
fn of_what_is_left_lower_kinds_of_work_leave_a_reserve_too() {
    let mut it = Clocked::new("[limits]\nper-day = 1000\n[[limits.told]]\nremaining = \"x-left\"");
    let mut left = tells(Some(1000), Some(200), None);
    left.signals[0].window_seconds = None;
    assert!(it.hears("acme", &left));
    assert_eq!(it.count(&of("acme", Priority::Backfill)), 0);
    assert_eq!(it.count(&of("acme", Priority::Incremental)), 100);
    assert_eq!(it.count(&ask("acme")), 100);
}

#[test]
fn a_larger_plan_raises_the_limit_and_a_lie_within_reason_and_for_a_time() {
    let mut it = Clocked::new("[limits]\nper-second = 10");
    assert!(it.hears("acme", &tells(Some(25), None, None)));
    assert_eq!(it.count(&ask("acme")), 24);
    it.later(1100);
    assert_eq!(it.count(&ask("acme")), 10);
    it.later(1100);
    assert!(it.hears("acme", &tells(Some(u64::MAX), None, None)));
    assert_eq!(it.count(&ask("acme")), 99);
    it.later(1100);
    assert!(it.hears("acme", &tells(Some(0), None, None)));
    it.later(1100);
    assert_eq!(it.count(&ask("acme")), 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_answers_stop_the_others_for_longer_than_five_minutes(
        lies in prop::collection::vec((any::<bool>(), 0u64..1_000_000, prop::option::of(0u64..3), 0u64..400_000), 1..60),
    ) {
        let mut it = Clocked::new(TOLD);
        prop_assert!(it.goes(ask("honest")));
        for (throttled, wait, remaining, millis) in lies {
            let lie = Heard { throttled, wait: Some(wait), ..tells(None, remaining, Some(wait)) };
            it.hears("liar", &lie);
            let outlook = it.bucket.outlook(&ask("honest"), it.now);
            prop_assert!(outlook.since(it.now) <= LONGEST_HOLD);
            it.later(millis);
        }
    }
}
