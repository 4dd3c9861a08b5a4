//! Each vendor's headers, as its documentation states them, read by what its manifest would say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Heard, number};
use crate::manifest::tests::with;
use crate::quota::LONGEST_HOLD;
use crate::retry::{Meaning, Seen};

/// 1994-11-06T08:49:37Z, the example of RFC 9110.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

#[track_caller]
fn read(manifest: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Heard {
    let manifest = with(manifest);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let seen = Seen {
        status,
        headers: &headers,
        body: body.as_bytes(),
    };
    let meaning = Meaning::of(seen, manifest.answers());
    Heard::read(seen, meaning, manifest.limits(), now())
}

/// What is read of an answer: whether it was throttled and how long to wait, then each limit.
#[track_caller]
fn check(manifest: &str, status: u16, headers: &[(&str, &str)], body: &str, expected: Expect) {
    let heard = read(manifest, status, headers, body);
    let mut text = match (heard.throttled, heard.wait) {
        (false, _) => "fine".to_owned(),
        (true, None) => "throttled".to_owned(),
        (true, Some(wait)) => format!("throttled for {wait} ms"),
    };
    for signal in heard.signals {
        let bucket = signal
            .bucket
            .map_or("general".to_owned(), |it| it.to_string());
        let show = |it: Option<u64>| it.map_or("?".to_owned(), |it| it.to_string());
        text.push_str(&format!(
            "; {bucket}: {} of {} left, reset in {} ms",
            show(signal.remaining),
            show(signal.limit),
            show(signal.reset),
        ));
    }
    expected.assert_eq(&text);
}

/// A window of ten seconds whose length is told, and a day's budget beside it.
const HUBSPOT: &str = r#"
    [limits]
    per-ten-seconds = 110
    per-day = 250000
    back-off-seconds = 10
    page-size = 100

    [limits.buckets.search]
    windows = [{ most = 5, seconds = 1 }]
    apart = true

    [[limits.told]]
    window-seconds = 10
    limit = "X-HubSpot-RateLimit-Max"
    remaining = "X-HubSpot-RateLimit-Remaining"
    reset = "X-HubSpot-RateLimit-Interval-Milliseconds"
    reset-in = "milliseconds"

    [[limits.told]]
    window-seconds = 86400
    limit = "X-HubSpot-RateLimit-Daily"
    remaining = "X-HubSpot-RateLimit-Daily-Remaining"

    [[answers]]
    status = 423
    means = "throttled"

    [[answers]]
    status = 477
    means = "throttled"
"#;

#[test]
fn hubspots_headers_are_read() {
    let headers = [
        ("x-hubspot-ratelimit-max", "190"),
        ("x-hubspot-ratelimit-remaining", "188"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
        ("x-hubspot-ratelimit-daily", "625000"),
        ("x-hubspot-ratelimit-daily-remaining", "624999"),
        ("x-hubspot-ratelimit-secondly", "19"),
    ];
    check(
        HUBSPOT,
        200,
        &headers,
        "{}",
        expect![
            "fine; general: 188 of 190 left, reset in 10000 ms; general: 624999 of 625000 left, reset in ? ms"
        ],
    );
    // The daily ones are absent for OAuth, and answers to a search have none at all.
    check(
        HUBSPOT,
        200,
        &headers[..3],
        "{}",
        expect!["fine; general: 188 of 190 left, reset in 10000 ms"],
    );
    check(HUBSPOT, 200, &[], "{}", expect!["fine"]);
    let over = r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#;
    let none_left = [
        ("x-hubspot-ratelimit-max", "110"),
        ("x-hubspot-ratelimit-remaining", "0"),
        ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
    ];
    check(
        HUBSPOT,
        429,
        &none_left,
        over,
        expect!["throttled for 10000 ms; general: 0 of 110 left, reset in 10000 ms"],
    );
    check(
        HUBSPOT,
        477,
        &[("Retry-After", "60")],
        "",
        expect!["throttled for 60000 ms"],
    );
}

#[test]
fn pipedrives_headers_are_read() {
    let manifest = r#"
        [limits]
        windows = [
          { most = 20, seconds = 2 },
          { most = 30000, seconds = 86400, counts = "points" },
        ]
        largest-cost = 40

        [limits.buckets.search]
        windows = [{ most = 10, seconds = 2 }]

        [[limits.told]]
        window-seconds = 2
        limit = "x-ratelimit-limit"
        remaining = "x-ratelimit-remaining"
        reset = "x-ratelimit-reset"
        reset-in = "seconds"

        [[limits.told]]
        window-seconds = 86400
        counts = "points"
        limit = "x-daily-ratelimit-token-limit"
        remaining = "x-daily-ratelimit-token-remaining"

        [[answers]]
        status = 403
        header = "content-type"
        begins = "text/html"
        means = "throttled"
    "#;
    let headers = [
        ("x-ratelimit-limit", "80"),
        ("x-ratelimit-remaining", "79"),
        ("x-ratelimit-reset", "2"),
        ("x-daily-ratelimit-token-limit", "30000"),
        ("x-daily-ratelimit-token-remaining", "29990"),
    ];
    check(
        manifest,
        200,
        &headers,
        "{}",
        expect![
            "fine; general: 79 of 80 left, reset in 2000 ms; general: 29990 of 30000 left, reset in ? ms"
        ],
    );
    check(
        manifest,
        429,
        &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")],
        "",
        expect!["throttled for 1000 ms; general: 0 of ? left, reset in 1000 ms"],
    );
    check(
        manifest,
        403,
        &[("content-type", "text/html; charset=UTF-8")],
        "<!DOCTYPE html>",
        expect!["throttled"],
    );
}

#[test]
fn salesforces_header_and_code_are_read() {
    let manifest = r#"
        [limits]
        per-day = 15000
        concurrent = 5
        back-off-seconds = 120

        [[limits.told]]
        window-seconds = 86400
        usage = { header = "Sforce-Limit-Info", key = "api-usage" }

        [[answers]]
        status = 403
        at = "/0/errorCode"
        is = "REQUEST_LIMIT_EXCEEDED"
        means = "throttled"
    "#;
    check(
        manifest,
        200,
        &[("Sforce-Limit-Info", "api-usage=18/5000")],
        "{}",
        expect!["fine; general: 4982 of 5000 left, reset in ? ms"],
    );
    check(
        manifest,
        200,
        &[(
            "Sforce-Limit-Info",
            "api-usage=896/15000, per-app-api-usage=17/250(appName=sample-app)",
        )],
        "{}",
        expect!["fine; general: 14104 of 15000 left, reset in ? ms"],
    );
    let over =
        r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    check(
        manifest,
        403,
        &[("Sforce-Limit-Info", "api-usage=15001/15000")],
        over,
        expect!["throttled; general: 0 of 15000 left, reset in ? ms"],
    );
    check(manifest, 403, &[], "[]", expect!["fine"]);
}

#[test]
fn zohos_header_is_read() {
    let manifest = r#"
        [limits]
        windows = [{ most = 5000, seconds = 86400, counts = "points" }]
        largest-cost = 10
        concurrent = 5

        [[limits.told]]
        window-seconds = 86400
        counts = "points"
        remaining = "X-API-CREDITS-REMAINING"
    "#;
    check(
        manifest,
        200,
        &[("x-api-credits-remaining", "2499")],
        "{}",
        expect!["fine; general: 2499 of ? left, reset in ? ms"],
    );
    let over = r#"{"code":"TOO_MANY_REQUESTS","status":"error"}"#;
    check(manifest, 429, &[], over, expect!["throttled"]);
}

#[test]
fn dataverses_headers_are_read() {
    let manifest = r#"
        [limits]
        windows = [{ most = 6000, seconds = 300 }]
        concurrent = 52

        [[limits.told]]
        window-seconds = 300
        remaining = "x-ms-ratelimit-burst-remaining-xrm-requests"
    "#;
    let headers = [
        ("x-ms-ratelimit-burst-remaining-xrm-requests", "5999"),
        ("x-ms-ratelimit-time-remaining-xrm-requests", "1,200.00"),
    ];
    check(
        manifest,
        200,
        &headers,
        "{}",
        expect!["fine; general: 5999 of ? left, reset in ? ms"],
    );
    check(
        manifest,
        429,
        &[("Retry-After", "37")],
        r#"{"error":{"code":"0x80072322","message":"…"}}"#,
        expect!["throttled for 37000 ms"],
    );
}

#[test]
fn closes_header_is_read() {
    let manifest = r#"
        [[limits.told]]
        limit = { header = "RateLimit", key = "limit" }
        remaining = { header = "RateLimit", key = "remaining" }
        reset = { header = "RateLimit", key = "reset" }
        reset-in = "seconds"
    "#;
    check(
        manifest,
        200,
        &[("RateLimit", "limit=100, remaining=50, reset=30")],
        "{}",
        expect!["fine; general: 50 of 100 left, reset in 30000 ms"],
    );
    check(
        manifest,
        429,
        &[
            ("RateLimit", "limit=100, remaining=0, reset=0.5"),
            ("Retry-After", "Sun, 06 Nov 1994 08:49:41 GMT"),
        ],
        "{}",
        expect!["throttled for 4000 ms; general: 0 of 100 left, reset in 0 ms"],
    );
}

#[test]
fn a_reset_is_read_in_every_form() {
    for (form, value, expected) in [
        ("seconds", "7", Some(7_000)),
        ("milliseconds", "7000", Some(7_000)),
        ("epoch-seconds", "784111784", Some(7_000)),
        ("epoch-milliseconds", "784111784000", Some(7_000)),
        ("date", "Sun, 06 Nov 1994 08:49:44 GMT", Some(7_000)),
        ("epoch-seconds", "784111700", Some(0)),
        ("date", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
        ("seconds", "soon", None),
        ("seconds", "-7", None),
        ("date", "7", None),
    ] {
        let manifest = format!(
            "[[limits.told]]\nremaining = \"x-left\"\nreset = \"x-reset\"\nreset-in = \"{form}\""
        );
        let headers = [("x-left", "0"), ("x-reset", value)];
        let heard = read(&manifest, 200, &headers, "");
        assert_eq!(heard.signals[0].reset, expected, "{form} {value}");
    }
}

#[test]
fn a_newer_draft_of_the_same_header_is_read_too() {
    let manifest = r#"
        [[limits.told]]
        remaining = { header = "ratelimit", key = "r" }
        reset = { header = "ratelimit", key = "t" }
        reset-in = "seconds"
    "#;
    check(
        manifest,
        200,
        &[("RateLimit", "\"default\";r=50;t=30")],
        "",
        expect!["fine; general: 50 of ? left, reset in 30000 ms"],
    );
}

#[test]
fn no_time_is_longer_than_the_cap() {
    for (form, value) in [
        ("seconds", "99999999999999999999999999"),
        ("milliseconds", "18446744073709551615"),
        ("epoch-seconds", "18446744073709551615"),
        ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let manifest = format!(
            "[[limits.told]]\nremaining = \"x-left\"\nreset = \"x-reset\"\nreset-in = \"{form}\""
        );
        let headers = [("x-left", "0"), ("x-reset", value)];
        let heard = read(&manifest, 429, &headers, "");
        assert_eq!(heard.wait, Some(LONGEST_HOLD), "{form} {value}");
    }
    let heard = read("", 429, &[("retry-after", "31536000")], "");
    assert_eq!(heard.wait, Some(LONGEST_HOLD));
}

#[test]
fn what_is_no_number_says_nothing() {
    for text in [
        "", " ", "-1", "+1", "1e3", "0x10", "٣", "1,000", "1.2.3", ".5",
    ] {
        assert_eq!(number(text), None, "{text}");
    }
    assert_eq!(number(" 12 "), Some(12));
    assert_eq!(number("12.9"), Some(12));
    assert_eq!(number("99999999999999999999999999"), Some(u64::MAX));
}

proptest! {
    #[test]
    fn no_header_makes_it_panic_or_wait_longer_than_the_cap(status in 200u16..600, value in "[ -~]{0,40}|[0-9]{0,30}|[a-z]{1,8}=[0-9]{0,30}(/[0-9]{0,30})?") {
        let names = ["x-hubspot-ratelimit-remaining", "x-hubspot-ratelimit-interval-milliseconds", "retry-after", "x-hubspot-ratelimit-max"];
        let headers = names.map(|it| (it, value.as_str()));
        let heard = read(HUBSPOT, status, &headers, &value);
        prop_assert!(heard.wait.is_none_or(|it| it <= LONGEST_HOLD));
        prop_assert!(heard.signals.iter().all(|it| it.reset.is_none_or(|it| it <= LONGEST_HOLD)));
    }
}
