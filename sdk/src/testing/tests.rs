//! The scripted exchange is strict, and tells what happened.

use std::panic::{AssertUnwindSafe, catch_unwind};

use expect_test::{Expect, expect};
use serde_json::json;

use super::{Exchange, Failure};
use crate::http::{Client, send_all};
use crate::{log, state};

#[track_caller]
fn check_panic(exchange: Exchange, call: impl FnOnce(), expected: Expect) {
    let panic = catch_unwind(AssertUnwindSafe(|| exchange.run(call))).unwrap_err();
    expected.assert_eq(panic.downcast_ref::<String>().unwrap());
}

fn announced() -> Exchange {
    Exchange::new()
        .expect(Client::new().get("a"))
        .answer(200, json!({"x": 1}))
}

#[test]
fn a_request_that_was_not_announced_fails_the_test() {
    check_panic(
        announced(),
        || {
            drop(Client::new().get("a").send());
            drop(Client::new().delete("b").send());
        },
        expect![[r#"
            this request was not announced; the story so far:
            GET a
              200 {"x":1}
            DELETE b
        "#]],
    );
}

#[test]
fn another_request_than_the_announced_one_fails_the_test() {
    check_panic(
        announced(),
        || {
            drop(Client::new().get("b").send());
        },
        expect![[r"
            GET a was announced here; the story so far:
            GET b
        "]],
    );
}

#[test]
fn a_request_that_does_not_come_fails_the_test() {
    check_panic(
        announced(),
        || (),
        expect![[r"
        GET a was announced and did not come; the story so far:
    "]],
    );
}

#[test]
fn bodies_are_compared_as_json_and_headers_where_they_are_announced() {
    let exchange = || {
        let request = Client::new()
            .post("a")
            .header("X-A", "1")
            .json(&json!({"a": 2, "b": 1}));
        Exchange::new().expect(request).answer(201, json!(null))
    };
    let post = |body: &'static str, x_a: &'static str| {
        move || {
            let request = Client::new()
                .header("x-b", "2")
                .post("a")
                .header("x-a", x_a);
            drop(request.body(body.into(), "application/json").send());
        }
    };
    exchange().run(post(r#"{"b": 1, "a": 2}"#, "1"));
    check_panic(
        exchange(),
        post("{}", "1"),
        expect![[r#"
        this body was announced: {"a":2,"b":1}; the story so far:
        POST a
          {}
    "#]],
    );
    check_panic(
        exchange(),
        post(r#"{"a":2,"b":1}"#, "2"),
        expect![[r#"
        the header field `X-A: 1` was announced; the story so far:
        POST a
          {"a":2,"b":1}
    "#]],
    );
}

#[test]
fn the_story_has_requests_answers_lines_and_state() {
    let client = Client::new();
    let (_, story) = announced()
        .expect(client.get("b"))
        .fail(Failure::NotSent("no such name".to_owned()))
        .tell(|| {
            let answers = send_all(vec![client.get("a"), client.get("b")]);
            log::info(&format!("{} answers", answers.len()));
            state::set("seen", &[1, 2]).unwrap();
            assert_eq!(state::get::<Vec<u8>>("seen"), Some(vec![1, 2]));
            state::forget("seen");
        });
    expect![[r#"
        GET a
          200 {"x":1}
        GET b
          no answer: Failure::NotSent("no such name")
        info: 2 answers
        state seen = [1,2]
        state seen forgotten
    "#]]
    .assert_eq(&story);
}

#[test]
fn a_full_state_is_a_warning() {
    let (_, story) = Exchange::new().tell(|| state::set("big", &"x".repeat(300_000)).unwrap());
    expect![[r"
        warn: a value was not kept in the state: the connection's 64 keys or 256 KiB are used up
    "]]
    .assert_eq(&story);
}
