//! What a CRM's server may do to the host and to a connector: be slow, be endless, lie about lengths, or answer twice. Each ends in time and as what the connector is told.

use std::net::TcpListener;
use std::time::Duration;

use brightsync_core::grant::CarveOut;
use brightsync_core::origin::Scheme;
use brightsync_runtime::Limits;
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const SHORT: Duration = Duration::from_millis(200);

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

/// What the guest `asker` is told of answers to `GET /x`, after which the next request is served.
async fn told(limits: Limits, answer: Answer) -> String {
    let crm = Server::start();
    crm.always("GET /x", answer);
    // However slow this machine is just now: it may be asked again.
    crm.always("GET /next", Answer::text(200, "the next answer"));
    let world = World::with(|it| it.limits(limits));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let answers = ask(&acme, &[json!({"url": "x"}), json!({"url": "next"})]).await;
    assert_eq!(answers[1]["body"], "the next answer", "{answers}");
    shown(&answers[0])
}

fn shown(answer: &Value) -> String {
    match (&answer["status"], &answer["code"]) {
        (Value::Null, Value::Null) => answer["message"].as_str().unwrap().to_owned(),
        (Value::Null, code) => code.as_str().unwrap().to_owned(),
        (status, _) => format!("{status} {}", answer["body"].as_str().unwrap()),
    }
}

#[track_caller]
fn check(told: &str, expected: Expect) {
    expected.assert_eq(told);
}

/// What is told of an answer that is sent as it is here.
async fn raw(head: &str, body: &str) -> String {
    let bytes = format!("{HEAD}{head}\r\n{body}");
    told(Limits::default(), Answer::Raw(bytes.into())).await
}

#[tokio::test]
async fn a_server_that_takes_no_connection_is_given_up() {
    // The kernel takes the connection, and nobody ever begins with TLS.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = silent.local_addr().unwrap();
    let origin = format!("https://{address}");
    let world = World::with(|it| {
        it.limits(Limits {
            connect_time: SHORT,
            ..Limits::default()
        })
    });
    let mut account = Account::default().set("site", &origin).grant(&origin);
    account
        .carve_outs
        .push(CarveOut::new(Scheme::Https, "127.0.0.1", address.ip(), address.port()).unwrap());
    let acme = world.open(guest::ASKER, account).await;
    let answers = ask(&acme, &[json!({"url": "x"})]).await;
    check(
        &shown(&answers[0]),
        expect!["the CRM cannot be reached for GET x: connect-timeout"],
    );
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_given_up() {
    let limits = || Limits {
        connect_time: SHORT,
        first_byte_time: SHORT,
        ..Limits::default()
    };
    check(
        &told(limits(), Answer::Never).await,
        expect!["the CRM gave no whole answer to GET x: first-byte-timeout"],
    );
    // A head that goes on and on has not come.
    let head = format!("{HEAD}x-slow: ");
    let dripping = Answer::Dripping(head.clone().into());
    check(
        &told(limits(), dripping).await,
        expect!["the CRM gave no whole answer to GET x: first-byte-timeout"],
    );
    let stuck = Answer::Stuck(head.into());
    check(
        &told(limits(), stuck).await,
        expect!["the CRM gave no whole answer to GET x: first-byte-timeout"],
    );
    // Nor has one behind any number of others that say to wait.
    let early = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(1000);
    check(
        &told(limits(), Answer::Stuck(early.into())).await,
        expect!["the CRM gave no whole answer to GET x: first-byte-timeout"],
    );
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let limits = Limits {
        silence: SHORT,
        ..Limits::default()
    };
    let stuck = format!("{HEAD}content-length: 100\r\n\r\nhalf");
    check(
        &told(limits, Answer::Stuck(stuck.into())).await,
        expect!["the CRM gave no whole answer to GET x: silence-timeout"],
    );
}

#[tokio::test]
async fn a_server_that_sends_a_byte_now_and_then_is_given_up() {
    let limits = Limits {
        answer_time: 3 * SHORT,
        ..Limits::default()
    };
    let slow = format!("{HEAD}content-length: 1000000\r\n\r\n");
    check(
        &told(limits, Answer::Dripping(slow.into())).await,
        expect!["the CRM gave no whole answer to GET x: answer-timeout"],
    );
}

#[tokio::test]
async fn a_write_to_a_slow_server_is_in_doubt_and_made_once() {
    let crm = Server::start();
    crm.once("POST /x", Answer::Stuck(HEAD.into()));
    let world = World::with(|it| {
        it.limits(Limits {
            connect_time: SHORT,
            first_byte_time: SHORT,
            ..Limits::default()
        })
    });
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &[json!({"method": "POST", "url": "x"})]).await;
    expect![[r#"
        get-users for acme: answer, in doubt
          POST http://127.0.0.1:PORT/x -> first-byte-timeout
    "#]]
    .assert_eq(&world.story());
}

#[tokio::test]
async fn headers_are_counted_and_measured() {
    let many = |count: usize| "x-many: 1\r\n".repeat(count) + "content-length: 0\r\n";
    check(&raw(&many(99), "").await, expect!["200 "]);
    check(
        &raw(&many(100), "").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    let long = |size: usize| format!("x-long: {}\r\ncontent-length: 0\r\n", "x".repeat(size));
    check(&raw(&long(60 << 10), "").await, expect!["200 "]);
    check(
        &raw(&long(70 << 10), "").await,
        expect!["the answer to GET x is larger than the host passes on: ask for smaller pages"],
    );
    // A megabyte of one header, of which no end is in sight.
    check(
        &raw(&long(1 << 20), "").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    let limits = Limits {
        answer_headers: 3,
        answer_header_size: 40,
        ..Limits::default()
    };
    let answer = |head: &str| Answer::Raw(format!("{HEAD}{head}content-length: 0\r\n\r\n").into());
    check(
        &told(limits.clone(), answer("a: 1\r\nb: 1\r\n")).await,
        expect!["200 "],
    );
    check(
        &told(limits.clone(), answer("a: 1\r\nb: 1\r\nc: 1\r\n")).await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    let long = format!("a: {}\r\n", "1".repeat(30));
    check(
        &told(limits, answer(&long)).await,
        expect!["the answer to GET x is larger than the host passes on: ask for smaller pages"],
    );
}

#[tokio::test]
async fn a_length_that_is_not_true_is_no_answer_or_no_more_than_it_says() {
    check(
        &raw("content-length: 10\r\n", "short").await,
        expect!["the CRM gave no whole answer to GET x: cut-off"],
    );
    check(
        &raw("content-length: 4\r\n", "long, and more").await,
        expect!["200 long"],
    );
    check(
        &raw("content-length: -1\r\n", "x").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    check(
        &raw("content-length: +1\r\n", "x").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    check(
        &raw("content-length: 0x1\r\n", "x").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    check(
        &raw("content-length: 99999999999999999999999\r\n", "x").await,
        expect!["the CRM gave no whole answer to GET x: connection"],
    );
    check(
        &raw("transfer-encoding: chunked\r\n", "5\r\nhalf").await,
        expect!["the CRM gave no whole answer to GET x: cut-off"],
    );
}

#[tokio::test]
async fn an_answer_whose_end_two_readers_see_in_two_places_is_none() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for (head, body) in [
        ("content-length: 5\r\ncontent-length: 6\r\n", "hello!"),
        ("content-length: 5\r\ncontent-length: 5\r\n", "hello"),
        ("content-length: 5, 6\r\n", "hello!"),
        (
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            chunks,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            chunks,
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            chunks,
        ),
        ("transfer-encoding: gzip, chunked\r\n", chunks),
        ("transfer-encoding: identity\r\n", chunks),
        ("transfer-encoding: xchunked\r\n", chunks),
        ("transfer-encoding:\u{b}chunked\r\n", chunks),
        ("transfer-encoding : chunked\r\n", chunks),
        ("x-folded: a\r\n b\r\ncontent-length: 5\r\n", "hello"),
        ("x-bare: a\nb\r\ncontent-length: 5\r\n", "hello"),
        ("x-bare: a\rb\r\ncontent-length: 5\r\n", "hello"),
        ("x-null: a\0b\r\ncontent-length: 5\r\n", "hello"),
        ("transfer-encoding: chunked\r\n", "5\nhello\n0\n\n"),
        ("transfer-encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n"),
        (
            "transfer-encoding: chunked\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked\r\n",
            "5 5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked\r\n",
            "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        ),
        ("transfer-encoding: chunked\r\n", "5\r\nhello!\r\n0\r\n\r\n"),
        (
            "transfer-encoding: chunked\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
        ),
    ] {
        let told = raw(head, body).await;
        assert!(!told.starts_with("200"), "{head:?} {body:?}: {told}");
    }
    // The same answer, of which there is one reading.
    check(
        &raw("transfer-encoding: chunked\r\n", chunks).await,
        expect!["200 hello"],
    );
}

#[tokio::test]
async fn what_chunks_carry_besides_the_body_is_bounded_and_not_passed_on() {
    let head = "transfer-encoding: chunked\r\n";
    let extended = |size: usize| format!("5;a={}\r\nhello\r\n0\r\n\r\n", "x".repeat(size));
    check(&raw(head, &extended(10)).await, expect!["200 hello"]);
    check(
        &raw(head, &extended(20 << 10)).await,
        expect!["the CRM gave no whole answer to GET x: cut-off"],
    );
    let trailed =
        |size: usize| format!("5\r\nhello\r\n0\r\nx-trailer: {}\r\n\r\n", "x".repeat(size));
    check(&raw(head, &trailed(10)).await, expect!["200 hello"]);
    check(
        &raw(head, &trailed(70 << 10)).await,
        expect!["the CRM gave no whole answer to GET x: cut-off"],
    );
}

#[tokio::test]
async fn a_second_answer_is_never_taken_for_that_to_the_next_request() {
    let second = format!("{HEAD}content-length: 6\r\n\r\nforged");
    for first in [
        "content-length: 5\r\n\r\nhello",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let answer = Answer::Loose(format!("{HEAD}{first}{second}").into());
        check(&told(Limits::default(), answer).await, expect!["200 hello"]);
    }
    let nothing = Answer::Loose(format!("HTTP/1.1 204 X\r\n\r\n{second}").into());
    check(&told(Limits::default(), nothing).await, expect!["204 "]);
}

#[tokio::test]
async fn a_login_page_in_place_of_json_is_told_as_what_it_is() {
    let crm = Server::start();
    let page = "<!DOCTYPE html><html><body>Sign in to continue</body></html>";
    crm.once(
        "GET /me",
        Answer::text(200, page).with("content-type", "text/html; charset=utf-8"),
    );
    let world = World::new();
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    let error = acme.get_me().await.unwrap_err();
    expect!["the connector answered other: the answer to GET me is not what was due: a web page came where JSON was due: is the address in the settings right?"].assert_eq(&error.end.to_string());
    let error = error.connector_error().unwrap();
    expect!["Other None"].assert_eq(&format!("{:?} {:?}", error.reason, error.code));
}
