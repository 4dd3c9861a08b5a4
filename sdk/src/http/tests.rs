//! Addresses as they are sent, and what becomes of answers and of their absence.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Client, Request, Response};
use crate::testing::{Exchange, Failure, START};
use crate::{Error, Reason, Window, time};

#[track_caller]
fn check_address(request: Request, expected: &str) {
    assert_eq!(request.into_contract().unwrap().url, expected);
}

/// Makes a request that is answered in some way, and writes down the error.
#[track_caller]
fn check_error(
    request: Request,
    answer: impl FnOnce(crate::testing::Expected) -> Exchange,
    expected: Expect,
) {
    let exchange = answer(Exchange::new().expect(request.clone()));
    let error = exchange
        .run(|| request.send()?.json::<Value>())
        .unwrap_err();
    expected.assert_eq(&format!("{:?}: {}", error.reason, error.message));
}

/// What a status stands for, in answer to a read and to a write.
#[track_caller]
fn check_status(status: u16, read: Reason, write: Reason) {
    let client = Client::new();
    for (request, expected) in [(client.get("a"), read), (client.post("a"), write)] {
        let exchange = Exchange::new()
            .expect(request.clone())
            .answer(status, json!(null));
        let error = exchange.run(|| request.send()).unwrap_err();
        assert_eq!(error.reason, expected, "{status}");
    }
}

#[test]
fn values_and_segments_are_encoded() {
    let client = Client::new();
    check_address(
        client.get("contacts").segment("a/b c"),
        "contacts/a%2Fb%20c",
    );
    check_address(client.get("contacts/").segment("é"), "contacts/%C3%A9");
    check_address(client.get("c").query("q", "a&b=c+d"), "c?q=a%26b%3Dc%2Bd");
    check_address(
        client
            .get("c")
            .query_each("id", [1, 2])
            .query_some("x", None::<u8>),
        "c?id=1&id=2",
    );
    check_address(
        client.get("https://x/c?page=2").query("n", 5),
        "https://x/c?page=2&n=5",
    );
}

#[test]
fn a_window_is_two_times_and_none_is_none() {
    let list = || Client::new().get("c");
    let window = |until| Some(Window { since: 0, until });
    check_address(list().query_window("a", "b", None), "c");
    let since = "c?a=1970-01-01T00%3A00%3A00.000Z";
    check_address(list().query_window("a", "b", window(None)), since);
    check_address(
        list().query_window("a", "b", window(Some(1))),
        &format!("{since}&b=1970-01-01T00%3A00%3A00.001Z"),
    );
}

#[test]
fn a_version_is_an_entity_tag() {
    let tagged = Client::new().get("c").if_match(Some("3"));
    let headers = tagged.into_contract().unwrap().headers;
    assert_eq!(headers, [("If-Match".to_owned(), "\"3\"".to_owned())]);
    let plain = Client::new().get("c").if_match(None);
    assert!(plain.into_contract().unwrap().headers.is_empty());
}

#[test]
fn an_error_stays_as_it_is_where_the_body_says_nothing() {
    fn refine(response: &Response, error: Error) -> Error {
        response.refine(error, |it, error| {
            error.with_code(it.need::<String>("code"))
        })
    }
    for (body, code) in [
        (json!({"code": "gone"}), Some("gone")),
        (json!(["gone"]), None),
        (json!({"code": 5}), None),
    ] {
        let request = Client::new().refine(refine).get("c");
        let exchange = Exchange::new().expect(request.clone()).answer(404, body);
        let error = exchange.run(|| request.send()).unwrap_err();
        assert_eq!(
            (error.reason, error.code.as_deref()),
            (Reason::NotFound, code)
        );
    }
}

#[test]
fn an_id_that_leads_elsewhere_is_no_record() {
    for id in ["", ".", ".."] {
        let refused = Client::new().delete("contacts").segment(id).into_contract();
        assert_eq!(refused.unwrap_err().reason, Reason::NotFound);
    }
}

#[test]
fn a_header_occurs_once_in_any_case() {
    let client = Client::new().header("Accept", "a/b");
    let request = client
        .get("c")
        .header("accept", "c/d")
        .into_contract()
        .unwrap();
    assert_eq!(request.headers, [("accept".to_owned(), "c/d".to_owned())]);
}

#[test]
fn every_status_has_a_reason() {
    use Reason::{
        Duplicate, InDoubt, NotFound, Other, RateLimited, Stale, Unauthorized, Unavailable,
        Unsupported,
    };
    check_status(302, Other, Other);
    check_status(401, Unauthorized, Unauthorized);
    check_status(404, NotFound, NotFound);
    check_status(405, Unsupported, Unsupported);
    check_status(409, Duplicate(vec![]), Duplicate(vec![]));
    check_status(410, NotFound, NotFound);
    check_status(412, Stale, Stale);
    check_status(418, Other, Other);
    check_status(429, RateLimited(None), RateLimited(None));
    check_status(500, Unavailable, InDoubt(vec![]));
    check_status(501, Unsupported, Unsupported);
    check_status(502, Unavailable, InDoubt(vec![]));
    check_status(503, Unavailable, Unavailable);
    check_status(504, Unavailable, InDoubt(vec![]));
}

#[test]
fn a_refused_value_has_the_words_of_the_crm() {
    check_error(
        Client::new().post("people").query("q", "secret"),
        |it| it.answer(422, json!({"error": "name is missing"})),
        expect![[
            r#"Reason::Invalid([InvalidField { field: None, code: None, reason: "the CRM answered 422 to POST people: {\"error\":\"name is missing\"}" }]): the CRM answered 422 to POST people: {"error":"name is missing"}"#
        ]],
    );
}

#[test]
fn a_wait_comes_as_seconds_or_as_a_date() {
    let now = time::rfc3339(START);
    assert_eq!(now, "2026-01-01T00:00:00.000Z");
    for (value, wait) in [
        ("7", Some(7_000)),
        ("Thu, 01 Jan 2026 00:01:00 GMT", Some(60_000)),
        ("Wed, 31 Dec 2025 00:00:00 GMT", Some(0)),
        ("soon", None),
        ("-1", None),
    ] {
        let exchange = Exchange::new()
            .expect(Client::new().get("a"))
            .answer(429, json!(null))
            .with_header("Retry-After", value);
        let error = exchange.run(|| Client::new().get("a").send()).unwrap_err();
        assert_eq!(error.reason, Reason::RateLimited(wait), "{value}");
    }
}

#[test]
fn a_web_page_is_no_answer() {
    let login = "\n<!doctype html><title>Log in</title>";
    check_error(
        Client::new().get("people"),
        |it| it.answer_text(200, "text/html", login),
        expect![
            "Reason::Other: the answer to GET people is not what was due: a web page came where JSON was due: is the address in the settings right?"
        ],
    );
    check_error(
        Client::new().get("people"),
        |it| it.answer_text(502, "text/html", login),
        expect!["Reason::Unavailable: the CRM answered 502 to GET people"],
    );
}

#[test]
fn a_write_with_an_unreadable_answer_is_in_doubt() {
    check_error(
        Client::new().post("people"),
        |it| it.answer_text(201, "application/json", "{\"id\":"),
        expect![
            "Reason::InDoubt([]): the answer to POST people is not what was due: EOF while parsing a value at line 1 column 6; the write may have been carried out"
        ],
    );
    check_error(
        Client::new().post("search").repeatable(),
        |it| it.answer(200, json!(null)),
        expect![
            "Reason::Other: the answer to POST search is not what was due: nothing came where JSON was due"
        ],
    );
}

#[test]
fn a_lost_answer_is_in_doubt_only_where_something_may_have_been_written() {
    let lost = || Failure::NoAnswer("the connection was closed".to_owned());
    check_error(
        Client::new().get("people"),
        |it| it.fail(lost()),
        expect![
            "Reason::Unavailable: the CRM gave no whole answer to GET people: the connection was closed"
        ],
    );
    check_error(
        Client::new().put("people").segment("7"),
        |it| it.fail(lost()),
        expect![
            "Reason::InDoubt([]): the CRM gave no whole answer to PUT people/7: the connection was closed; the write may have been carried out"
        ],
    );
    check_error(
        Client::new().post("people"),
        |it| it.fail(Failure::NotSent("no such name".to_owned())),
        expect!["Reason::Unavailable: the CRM cannot be reached for POST people: no such name"],
    );
}

#[test]
fn other_failures_say_what_to_do() {
    let get = || Client::new().get("people");
    check_error(
        get(),
        |it| it.fail(Failure::Denied("host".to_owned())),
        expect![
            "Reason::Other: the host does not make the request GET people (host); its operator sees what would permit it"
        ],
    );
    check_error(
        get().query("name", "a very long one"),
        |it| it.fail(Failure::Denied("too-large".to_owned())),
        expect![[
            r#"Reason::Invalid([InvalidField { field: None, code: None, reason: "GET people would be a larger request than the host makes" }]): GET people would be a larger request than the host makes"#
        ]],
    );
    check_error(
        get(),
        |it| it.fail(Failure::Credential),
        expect![
            "Reason::Unauthorized: there is no usable credential for GET people: reconnect to the CRM"
        ],
    );
    check_error(
        get(),
        |it| it.fail(Failure::Limited(Some(5))),
        expect!["Reason::RateLimited(Some(5)): the rate limit is used up before GET people"],
    );
    check_error(
        get(),
        |it| it.fail(Failure::TooLarge),
        expect![
            "Reason::Other: the answer to GET people is larger than the host passes on: ask for smaller pages"
        ],
    );
}

#[test]
fn the_crm_has_the_last_word_on_its_errors() {
    fn refine(response: &Response, error: Error) -> Error {
        assert_eq!(
            (response.status(), response.header("X-CODE")),
            (403, Some("LIMIT"))
        );
        Error {
            reason: Reason::RateLimited(None),
            ..error
        }
    }
    let request = Client::new().refine(refine).get("a");
    let exchange = Exchange::new()
        .expect(request.clone())
        .answer(403, json!(null))
        .with_header("X-Code", "LIMIT");
    let error = exchange.run(|| request.send()).unwrap_err();
    assert_eq!(error.reason, Reason::RateLimited(None));
}

#[test]
fn a_list_is_read_as_a_whole_or_not_at_all() {
    let ids = |answer: Value| {
        let request = Client::new().get("people");
        let exchange = Exchange::new().expect(request.clone()).answer(200, answer);
        exchange.run(|| request.send()?.each(|it| it.id("id")))
    };
    assert_eq!(ids(json!([{"id": 1}, {"id": "b"}])).unwrap(), ["1", "b"]);
    let error = ids(json!([{"id": 1}, {}])).unwrap_err();
    let expected =
        "the answer to GET people is not what was due: 1: id: an id was due, and there is none";
    assert_eq!(error.message, expected);
    assert_eq!(ids(json!({"id": 1})).unwrap_err().reason, Reason::Other);
}
