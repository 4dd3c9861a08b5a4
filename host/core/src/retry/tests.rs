//! What is sent again, and when.

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

#[test]
fn what_may_have_left_once_never_counts_as_not_sent() {
    let spent = Spent {
        repeats: 2,
        in_doubt: true,
        ..Spent::default()
    };
    check(Sent::Never, Repeatable::Yes, spent, Decision::NoAnswer);
}

#[test]
fn a_request_is_repeatable_by_its_method_by_a_word_or_by_a_key() {
    let of = |method, header: &str, is_marked, has_key| {
        let headers = [(header.to_owned(), "1".to_owned())];
        Repeatable::of(method, &headers, is_marked, has_key) == Repeatable::Yes
    };
    for method in [Method::Get, Method::Head, Method::Put, Method::Delete] {
        assert!(of(method, "accept", false, false), "{method:?}");
    }
    for method in [Method::Post, Method::Patch] {
        assert!(!of(method, "accept", false, false), "{method:?}");
        assert!(of(method, "accept", true, false) && of(method, "accept", false, true));
    }
    for header in ["If-Match", "if-unmodified-since", "if-none-match"] {
        assert!(of(Method::Get, header, false, false), "{header}");
        for method in [Method::Put, Method::Delete] {
            assert!(!of(method, header, false, false), "{header}");
            assert!(of(method, header, true, false) && of(method, header, false, true));
        }
    }
}

#[test]
fn the_statuses_of_a_server_that_gave_up_are_known() {
    for status in [408, 425, 502, 503, 504, 520, 521, 522, 523, 524] {
        assert_eq!(Meaning::of_status(status), Meaning::Unavailable, "{status}");
    }
    for status in [519, 525, 599] {
        assert_eq!(Meaning::of_status(status), Meaning::Final, "{status}");
    }
}

#[test]
fn the_hosts_own_wait_doubles_up_to_its_end_and_half_of_it_is_chance() {
    let options = Options {
        back_off: Duration::from_millis(100),
        longest_back_off: Duration::from_millis(350),
        ..Options::default()
    };
    let waits =
        |random| [0, 1, 2, 3, 40, u32::MAX].map(|it| back_off(it, &options, random).as_millis());
    assert_eq!(waits(0), [50, 100, 175, 175, 175, 175]);
    assert_eq!(waits(u32::MAX), [100, 200, 350, 350, 350, 350]);
    assert_eq!(back_off(0, &options, u32::MAX / 2).as_millis(), 74);
}

#[test]
fn the_longer_wait_wins_and_what_does_not_fit_into_the_call_is_not_waited_for() {
    let seconds = Duration::from_secs;
    let wait = |own, asked: Option<u64>, took, left| {
        wait(
            seconds(own),
            asked.map(seconds),
            seconds(took),
            seconds(left),
        )
        .map(|it| it.as_secs())
    };
    assert_eq!(wait(1, None, 0, 60), Some(1));
    assert_eq!(wait(1, Some(7), 0, 60), Some(7));
    assert_eq!(wait(9, Some(7), 0, 60), Some(9));
    assert_eq!(wait(1, Some(60), 0, 60), None);
    assert_eq!(wait(1, Some(59), 0, 60), Some(59));
    // A server that took half of the call's time to say nothing would take the other half, too.
    assert_eq!(wait(0, None, 30, 30), None);
    assert_eq!(wait(0, None, 10, 30), Some(0));
    assert_eq!(wait(0, Some(u64::MAX), u64::MAX, 30), None);
}

fn sent() -> impl Strategy<Value = Sent> {
    prop::sample::select(vec![
        Sent::Never,
        Sent::Maybe,
        Sent::Answered(Meaning::Final),
        Sent::Answered(Meaning::Expired),
        Sent::Answered(Meaning::Throttled),
        Sent::Answered(Meaning::Unavailable),
    ])
}

fn may_be_carried_out(sent: Sent) -> bool {
    matches!(sent, Sent::Maybe | Sent::Answered(Meaning::Unavailable))
}

/// Makes attempts until there is an end, and answers how each of them went, and the end.
fn run(attempts: &[Sent], repeatable: Repeatable, max_repeats: u32) -> (Vec<Sent>, Decision) {
    let mut spent = Spent::default();
    let mut made = Vec::new();
    let mut coming = attempts.iter().copied().cycle();
    loop {
        let sent = coming.next().unwrap();
        made.push(sent);
        spent.in_doubt |= may_be_carried_out(sent);
        match decide(sent, repeatable, spent, max_repeats) {
            Decision::Repeat => spent.repeats += 1,
            Decision::Refresh => spent.refreshed = true,
            Decision::Wait => spent.throttled = true,
            end => return (made, end),
        }
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
    fn a_write_is_repeated_only_where_it_was_not_carried_out(repeats in 0u32..4, refreshed: bool, throttled: bool, in_doubt: bool) {
        let spent = Spent { repeats, refreshed, throttled, in_doubt };
        for sent in [Sent::Maybe, Sent::Answered(Meaning::Unavailable), Sent::Answered(Meaning::Final)] {
            prop_assert!(matches!(decide(sent, Repeatable::No, spent, 3), Decision::NoAnswer | Decision::Answer));
        }
    }

    /// Of all attempts of a write but the last, each is known not to have been carried out.
    #[test]
    fn a_write_is_never_sent_twice_unless_it_was_not_carried_out(attempts in prop::collection::vec(sent(), 1..8), max_repeats in 0u32..4) {
        let (made, end) = run(&attempts, Repeatable::No, max_repeats);
        for sent in &made[..made.len() - 1] {
            prop_assert!(matches!(sent, Sent::Never | Sent::Answered(Meaning::Expired | Meaning::Throttled)), "{made:?}");
        }
        prop_assert_eq!(made.last() == Some(&Sent::Maybe), end == Decision::NoAnswer);
    }

    #[test]
    fn attempts_are_bounded_and_what_may_have_left_is_never_called_not_sent(attempts in prop::collection::vec(sent(), 1..8), max_repeats in 0u32..4) {
        let (made, end) = run(&attempts, Repeatable::Yes, max_repeats);
        // The first, the repeats, one after a refresh and one after a throttle.
        prop_assert!(made.len() <= 3 + max_repeats as usize, "{made:?}");
        if end == Decision::NotSent {
            prop_assert!(!made.iter().copied().any(may_be_carried_out), "{made:?}");
        }
    }
}
