//! What a manifest may say of its CRM's limits and answers.

use expect_test::{Expect, expect};

use super::FULL;
use crate::manifest::Manifest;

/// What is answered to a manifest with this in place of its limits.
#[track_caller]
fn check(limits: &str, expected: Expect) {
    let (begin, _) = FULL.split_once("[limits]").unwrap();
    let manifest = Manifest::parse(&format!("{begin}{limits}"));
    let text = match manifest {
        Ok(_) => "fine".to_owned(),
        Err(error) => {
            let key = if error.key().is_empty() { "" } else { ": " };
            format!("{}{key}{}", error.key(), error.problem())
        }
    };
    expected.assert_eq(&text);
}

#[test]
fn limits_are_read_in_full() {
    check(
        r#"
        [limits]
        per-second = 10
        per-ten-seconds = 80
        per-day = 50000
        windows = [{ most = 20, seconds = 2 }, { most = 30000, seconds = 86400, counts = "points" }]
        concurrent = 5
        page-size = 200
        largest-cost = 40
        back-off-seconds = 60

        [limits.buckets.search]
        windows = [{ most = 10, seconds = 2 }]
        concurrent = 2
        apart = true

        [[limits.told]]
        bucket = "search"
        window-seconds = 2
        limit = "X-RateLimit-Limit"
        remaining = { header = "RateLimit", key = "remaining" }
        usage = { header = "sforce-limit-info", key = "api-usage" }
        reset = "x-ratelimit-reset"
        reset-in = "seconds"

        [[answers]]
        status = 403
        header = "content-type"
        begins = "text/html"
        means = "throttled"
        "#,
        expect!["fine"],
    );
}

#[test]
fn a_limit_that_would_stop_everything_is_refused() {
    check(
        "[limits]\nper-second = 0",
        expect!["invalid value: integer `0`, expected a nonzero u32"],
    );
    check(
        "[limits]\nlargest-cost = 40\nwindows = [{ most = 30, seconds = 2, counts = \"points\" }]",
        expect![
            "limits.largest-cost: a request of this cost would never fit the window of 30 points; lower it"
        ],
    );
    check(
        "[limits]\nwindows = [{ most = 30, seconds = 2, counts = \"points\" }]",
        expect![
            "limits.largest-cost: a window counts points, but not what a request may cost; add largest-cost = 10 or what the dearest request costs"
        ],
    );
    check(
        "[limits]\nback-off-seconds = 4000",
        expect!["limits.back-off-seconds: write at most 300"],
    );
}

#[test]
fn a_limit_is_said_once_and_limits_something() {
    check(
        "[limits]\nper-second = 1\nwindows = [{ most = 2, seconds = 1 }]",
        expect!["limits.windows: there are two limits for 1 seconds; remove one"],
    );
    check(
        "[limits]\nwindows = [{ most = 2, seconds = 4000000 }]",
        expect!["limits.windows: write at most 2678400 seconds, which is a month"],
    );
    check(
        "[limits.buckets.search]\napart = true",
        expect![
            "limits.buckets.search: it limits nothing; add windows = [{ most = 10, seconds = 2 }] or concurrent"
        ],
    );
    check(
        "[limits.buckets.Search]\nconcurrent = 1",
        expect![[
            r#"limits.buckets: "Search" is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"#
        ]],
    );
}

#[test]
fn what_is_told_is_of_a_limit_that_is_there() {
    check(
        "[[limits.told]]\nremaining = \"x-left\"\nbucket = \"search\"",
        expect!["limits.told[0]: there is no such bucket; add [limits.buckets.NAME], or remove it"],
    );
    check(
        "[[limits.told]]\nremaining = \"x-left\"\nwindow-seconds = 10",
        expect![
            "limits.told[0].window-seconds: there is no window of 10 seconds that counts requests; add it, or remove this"
        ],
    );
    check(
        "[[limits.told]]\nreset = \"x-reset\"\nreset-in = \"seconds\"",
        expect![
            "limits.told[0]: it tells nothing; add `remaining`, `limit` or `usage` with the name of a header"
        ],
    );
    check(
        "[[limits.told]]\nremaining = \"x-left\"\nreset = \"x-reset\"",
        expect![[
            r#"limits.told[0]: `reset` and `reset-in` belong together; write reset = "x-ratelimit-reset" and reset-in = "seconds""#
        ]],
    );
    check(
        "[[limits.told]]\nremaining = \"x-left\"\nreset = \"x-reset\"\nreset-in = \"hours\"",
        expect![[
            r#"limits.told[0].reset-in: "hours" is not known here; write one of seconds, milliseconds, epoch-seconds, epoch-milliseconds, date"#
        ]],
    );
    check(
        "[[limits.told]]\nremaining = \"Set-Cookie\"",
        expect![[
            r#"limits.told[0].remaining: the header "Set-Cookie" carries credentials; use another"#
        ]],
    );
    check(
        "[[limits.told]]\nremaining = { header = \"ratelimit\", key = \"a=b\" }",
        expect![[
            r#"limits.told[0].remaining: "a=b" is no key of a member; write it as "remaining""#
        ]],
    );
}

#[test]
fn no_rule_has_a_request_sent_again_that_may_have_been_carried_out() {
    for status in [200, 201, 204, 302, 500, 502, 504, 599] {
        for means in ["throttled", "expired"] {
            let (begin, _) = FULL.split_once("[limits]").unwrap();
            let rule = format!("{begin}[[answers]]\nstatus = {status}\nmeans = \"{means}\"");
            assert!(Manifest::parse(&rule).is_err(), "{status} {means}");
        }
    }
    check(
        "[[answers]]\nstatus = 200\nmeans = \"throttled\"",
        expect![
            "answers[0].status: an answer of status 200 may have been carried out, so it cannot mean throttled; only 400 to 499 and 503 can"
        ],
    );
}

#[test]
fn a_rule_about_an_answer_says_where_and_what() {
    check(
        "[[answers]]\nstatus = 403\nmeans = \"throttled\"\nheader = \"x-code\"",
        expect!["answers[0]: it says where to look and not for what; add `is` or `begins`"],
    );
    check(
        "[[answers]]\nstatus = 403\nmeans = \"throttled\"\nis = \"a\"",
        expect![
            "answers[0]: it says what to look for and not where; add `header`, or `at` with a JSON pointer into the body"
        ],
    );
    check(
        "[[answers]]\nstatus = 403\nmeans = \"throttled\"\nis = \"a\"\nat = \"code\"",
        expect![[
            r#"answers[0].at: "code" is no JSON pointer; write it as "/0/errorCode" or "/error/code""#
        ]],
    );
    check(
        "[[answers]]\nstatus = 403\nmeans = \"throttled\"\nis = \"a\"\nheader = \"set-cookie\"",
        expect![[r#"answers[0].header: the header "set-cookie" carries credentials; use another"#]],
    );
    check(
        "[[answers]]\nstatus = 403\nmeans = \"done\"",
        expect![[
            r#"answers[0].means: "done" is not known here; write one of throttled, expired, unavailable, final"#
        ]],
    );
}
