//! Each limit of a call ends it, or what it did, in the way that the table in the runtime says; and other calls do not notice.

use std::time::Duration;

use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::{End, Limit, Limits};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{Account, World, ask};
use brightsync_tests::{logs, story};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

/// A host with these limits.
fn world(limits: Limits) -> World {
    World::with(|it| it.limits(limits))
}

/// Limits under which a guest can hold more than it may pass on.
fn roomy() -> Limits {
    Limits {
        memory: 256 * MIB,
        ..Limits::default()
    }
}

/// A guest that is told to do this runs into this limit, and a bystander is served beside it.
async fn check(limits: Limits, guest: &str, deed: &str, expected: Limit) {
    let world = world(limits);
    let acme = world
        .open(guest, Account::nowhere().set("deed", deed))
        .await;
    let bystander = world.connect("bystander", guest, Account::nowhere());
    let (result, beside) = futures::join!(acme.get_me(), bystander.get_me());
    beside.expect("a bystander is served");
    assert_limit(&result, expected);
    bystander.get_me().await.expect("a bystander is served");
    let outcomes: Vec<_> = world.reports().iter().map(|it| it.outcome).collect();
    assert!(outcomes.contains(&"limit"), "{outcomes:?}");
}

#[track_caller]
fn assert_limit<T: std::fmt::Debug>(
    result: &Result<T, brightsync_runtime::CallError>,
    expected: Limit,
) {
    match result {
        Err(error) if matches!(*error.end, End::Limit(limit) if limit == expected) => {}
        other => panic!("{expected:?} was due, not {}", story::end(other)),
    }
}

/// What the guest `asker` is told of its requests under these limits.
async fn answers(limits: Limits, orders: &[Value], announce: impl FnOnce(&Server)) -> Value {
    answers_with("", limits, orders, announce).await
}

/// The same with more in the guest's manifest.
async fn answers_with(
    manifest: &str,
    limits: Limits,
    orders: &[Value],
    announce: impl FnOnce(&Server),
) -> Value {
    let crm = Server::start();
    announce(&crm);
    let world = world(limits);
    let manifest = format!("{}\n{manifest}", brightsync_tests::world::manifest("asker"));
    world.load_with(guest::ASKER, &manifest).await.unwrap();
    let acme = world.connect("acme", guest::ASKER, Account::at(&crm));
    let answers = ask(&acme, orders).await;
    acme.get_users(PageRequest::default())
        .await
        .expect("the next call is served");
    answers
}

fn records(size: u32) -> PageRequest {
    PageRequest {
        size,
        ..PageRequest::default()
    }
}

#[track_caller]
fn codes(answers: &Value, expected: Expect) {
    let codes: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|it| match (&it["status"], &it["code"]) {
            (Value::Null, Value::Null) => it["message"].as_str().unwrap().to_owned(),
            (Value::Null, code) => code.to_string(),
            (status, _) => status.to_string(),
        })
        .collect();
    expected.assert_eq(&codes.join("\n"));
}

#[tokio::test]
async fn guest_time_ends_a_guest_that_computes_for_ever() {
    let limits = || Limits {
        guest_time: Duration::from_millis(300),
        ..Limits::default()
    };
    check(limits(), guest::SPINNER, "compute", Limit::GuestTime).await;
    // Waiting for the host does not count, but the guest's share of many cheap calls does.
    let limits = Limits {
        host_calls: u32::MAX,
        ..limits()
    };
    check(limits, guest::SPINNER, "call the host", Limit::GuestTime).await;
}

#[tokio::test]
async fn wall_time_ends_a_guest_that_sleeps() {
    let limits = Limits {
        wall_time: Duration::from_secs(1),
        ..Limits::default()
    };
    check(limits, guest::SPINNER, "sleep", Limit::WallTime).await;
}

#[tokio::test]
async fn wall_time_ends_a_guest_that_waits_for_a_silent_crm() {
    let crm = Server::start();
    crm.once("GET /me", Answer::Never);
    let limits = Limits {
        wall_time: Duration::from_secs(1),
        ..Limits::default()
    };
    let world = world(limits);
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    assert_limit(&acme.get_me().await, Limit::WallTime);
    crm.was_hung_up_on().await;
}

#[tokio::test]
async fn a_write_that_was_answered_too_late_is_reported_in_doubt() {
    let crm = Server::start();
    crm.once("POST /accounts", Answer::Never);
    let limits = Limits {
        wall_time: Duration::from_secs(1),
        ..Limits::default()
    };
    let world = world(limits);
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    let result = acme
        .create_account(brightsync_core::crm::account::NewAccount::default())
        .await;
    assert_limit(&result, Limit::WallTime);
    assert!(result.unwrap_err().report.in_doubt);
}

#[tokio::test]
async fn memory_ends_a_guest_that_grows() {
    let limits = Limits {
        memory: 8 * MIB,
        ..Limits::default()
    };
    check(limits, guest::HOARDER, "grow", Limit::Memory).await;
}

#[tokio::test]
async fn memory_is_reported() {
    let world = World::new();
    let acme = world
        .open(guest::HOARDER, Account::nowhere().set("deed", "grow"))
        .await;
    assert_limit(&acme.get_me().await, Limit::Memory);
    let grown = world.reports()[0].memory;
    assert!((60 * MIB..=64 * MIB).contains(&grown), "{grown}");
}

#[tokio::test]
async fn handles_end_a_guest_that_gives_none_back() {
    let limits = Limits {
        handles: 100,
        ..Limits::default()
    };
    check(limits, guest::HOARDER, "handles", Limit::Handles).await;
}

#[tokio::test]
async fn host_calls_end_a_guest_that_calls_too_often() {
    let limits = Limits {
        host_calls: 100,
        ..Limits::default()
    };
    check(limits, guest::SPINNER, "call the host", Limit::HostCalls).await;
}

#[tokio::test]
async fn result_size_ends_a_guest_that_answers_too_much() {
    // A text of 100 MB, which a guest has no memory for unless it is given some.
    check(roomy(), guest::HOARDER, "long answer", Limit::ResultSize).await;
    check(
        Limits::default(),
        guest::HOARDER,
        "long answer",
        Limit::Memory,
    )
    .await;
    let world = world(Limits {
        result_size: 4 * MIB,
        ..Limits::default()
    });
    let acme = world.open(guest::HOARDER, Account::nowhere()).await;
    assert_limit(&acme.get_users(records(50_000)).await, Limit::ResultSize);
}

#[tokio::test]
async fn result_size_ends_a_guest_that_passes_too_much_to_the_host() {
    check(roomy(), guest::HOARDER, "pass much", Limit::ResultSize).await;
}

#[tokio::test]
async fn the_defaults_end_a_list_of_a_million_records() {
    let world = World::new();
    let acme = world.open(guest::HOARDER, Account::nowhere()).await;
    let result = acme.get_users(records(1_000_000)).await;
    let error = result.expect_err("a million records are too many");
    assert!(matches!(*error.end, End::Limit(_)), "{}", error.end);
    acme.get_me().await.expect("the next call is served");
}

#[tokio::test]
async fn the_stack_ends_a_guest_that_goes_too_deep() {
    check(Limits::default(), guest::SPINNER, "go deeper", Limit::Stack).await;
}

#[tokio::test]
async fn a_guest_that_overruns_its_own_stack_traps() {
    let world = World::new();
    let account = Account::nowhere().set("deed", "go deeper with luggage");
    let acme = world.open(guest::SPINNER, account).await;
    let error = acme.get_me().await.expect_err("it goes deeper for ever");
    expect!["the connector failed: wasm trap: out of bounds memory access"]
        .assert_eq(&error.end.to_string());
}

#[tokio::test]
async fn requests_beyond_their_number_are_denied() {
    let limits = Limits {
        requests: 3,
        ..Limits::default()
    };
    let flood = json!({"url": "me", "times": 5});
    let answers = answers(limits, &[flood], |crm| {
        crm.always("GET /me", Answer::text(200, ""));
    })
    .await;
    codes(
        &answers,
        expect![[r#"
        200
        200
        200
        "too-many-requests"
        "too-many-requests""#]],
    );
}

#[tokio::test]
async fn a_turn_that_comes_later_than_quota_wait_is_answered_limited() {
    let limits = Limits {
        quota_wait: Duration::from_secs(5),
        ..Limits::default()
    };
    let answers = answers_with(
        "[limits]\nper-day = 2",
        limits,
        &[json!({"url": "x", "times": 3})],
        |crm| crm.always("GET /x", Answer::text(200, "")),
    )
    .await;
    codes(
        &answers,
        expect![[r#"
        200
        200
        the rate limit is used up before GET x"#]],
    );
}

#[tokio::test]
async fn bytes_out_beyond_their_number_are_denied() {
    let limits = Limits {
        bytes_out: 1000,
        ..Limits::default()
    };
    let order = json!({"method": "POST", "url": "x", "zeros": 400, "times": 3});
    let answers = answers(limits, &[order], |crm| {
        crm.always("POST /x", Answer::text(200, ""));
    })
    .await;
    codes(
        &answers,
        expect![[r#"
        200
        200
        "too-many-bytes""#]],
    );
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_denied() {
    let order = json!({"method": "POST", "url": "x", "zeros": 10 * MIB});
    codes(
        &answers(Limits::default(), &[order], |_| ()).await,
        expect![[r#""too-large""#]],
    );
}

#[tokio::test]
async fn answer_size_holds_for_announced_and_for_endless_answers() {
    let limits = Limits {
        answer_size: 100_000,
        ..Limits::default()
    };
    let orders = [
        json!({"url": "announced"}),
        json!({"url": "endless"}),
        json!({"url": "small"}),
    ];
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
    let answers = answers(limits, &orders, |crm| {
        crm.once("GET /announced", Answer::Raw(head.into()));
        crm.once("GET /endless", Answer::Endless);
        crm.once("GET /small", Answer::text(200, "small"));
    })
    .await;
    codes(
        &answers,
        expect![[r#"
        the answer to GET announced is larger than the host passes on: ask for smaller pages
        the answer to GET endless is larger than the host passes on: ask for smaller pages
        200"#]],
    );
}

#[tokio::test]
async fn bytes_in_are_those_of_all_answers_together() {
    let limits = Limits {
        bytes_in: 2500,
        ..Limits::default()
    };
    let kilobyte = "x".repeat(1000);
    let answers = answers(limits, &[json!({"url": "x", "times": 4})], |crm| {
        crm.always("GET /x", Answer::text(200, &kilobyte));
    })
    .await;
    codes(
        &answers,
        expect![[r#"
        200
        200
        the answer to GET x is larger than the host passes on: ask for smaller pages
        the answer to GET x is larger than the host passes on: ask for smaller pages"#]],
    );
}

#[tokio::test]
async fn side_by_side_run_no_more_requests_than_allowed() {
    let (crm, gate) = (Server::start(), Gate::default());
    crm.always("GET /x", Answer::text(200, "").behind(&gate));
    let world = world(Limits {
        side_by_side: 3,
        ..Limits::default()
    });
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let page = PageRequest {
        extra: [("orders".to_owned(), json!([{"url": "x", "times": 12}]))].into(),
        ..PageRequest::default()
    };
    let let_go = async {
        for _ in 0..3 {
            crm.was_asked().await;
        }
        gate.open();
    };
    let (answered, ()) = futures::join!(acme.get_users_by_email(Vec::new(), page), let_go);
    answered.unwrap();
    assert_eq!((crm.asked().len(), crm.most_in_hand()), (12, 3));
}

#[tokio::test]
async fn log_lines_beyond_their_number_are_dropped_and_that_is_logged_once() {
    logs::listen();
    let world = world(Limits {
        log_lines: 10,
        ..Limits::default()
    });
    let acme = world
        .open(guest::CHATTERER, Account::nowhere().set("deed", "flood"))
        .await;
    acme.get_me().await.unwrap();
    let report = &world.reports()[0];
    let lines = logs::with(&report.id.to_string());
    let count = |text: &str| lines.iter().filter(|it| it.contains(text)).count();
    assert_eq!((count("text=line "), count("logs too much")), (10, 1));
    assert_eq!(report.log_lines, 5_000);
}

#[tokio::test]
async fn a_log_line_is_cut_and_what_a_terminal_would_obey_is_shown() {
    logs::listen();
    let world = World::new();
    let acme = world.open(guest::CHATTERER, Account::nowhere()).await;
    acme.get_me().await.unwrap();
    let id = world.reports()[0].id.to_string();
    let lines: Vec<_> = logs::with(&id)
        .into_iter()
        .filter(|it| it.starts_with("ERROR"))
        .collect();
    expect![[r#"ERROR brightsync_runtime::imports::log message=connector call=ID connection=acme/crm connector=chatterer text=red \u{1b}[31m, back \u{202e}txt.exe\u{202c}\u{a}level=ERROR forged=true"#]].assert_eq(&lines.join("\n").replace(&id, "ID"));

    let long = world.connect(
        "long",
        guest::CHATTERER,
        Account::nowhere().set("deed", "long line"),
    );
    long.get_me().await.unwrap();
    let lines = logs::with(&world.reports()[1].id.to_string());
    let line = lines.iter().find(|it| it.contains("xxx")).unwrap();
    assert!((4000..4400).contains(&line.len()), "{}", line.len());
}

/// The fields of `Limits`, each with a function above; what an answer may take is in `caps.rs`, `pages` in `reads.rs`, `redirects` in `redirect.rs`, `socket_wait` in `sockets.rs`, and what unpacking and guessing may use in `redact.rs`.
#[test]
fn every_limit_has_a_test() {
    let limits = include_str!("../../host/runtime/src/limits.rs");
    let fields = limits
        .split("pub struct Limits {")
        .nth(1)
        .unwrap()
        .split("\n}")
        .next()
        .unwrap();
    let tests = concat!(
        include_str!("limits.rs"),
        include_str!("caps.rs"),
        include_str!("reads.rs"),
        include_str!("redirect.rs"),
        include_str!("redact.rs"),
        include_str!("sockets.rs"),
        include_str!("tables.rs")
    );
    for field in fields
        .lines()
        .filter_map(|it| it.trim().strip_prefix("pub "))
    {
        let name = field.split(':').next().unwrap();
        assert!(
            tests.contains(&format!("{name}: ")),
            "no test sets the limit {name}; write one"
        );
    }
}
