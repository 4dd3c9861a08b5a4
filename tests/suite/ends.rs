//! However a call ends, it ends as what it is, and alone.

use std::sync::atomic::{AtomicBool, Ordering};

use brightsync_core::crm::account::NewAccount;
use brightsync_runtime::{Compartment, ConnectionKey, Limits, Refusal, StateStore};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::story;
use brightsync_tests::world::{Account, World};
use expect_test::{Expect, expect};
use serde_json::json;

/// What `get-me` of a guest comes to when it is told to do this; a bystander is served before and after.
async fn check(guest: &str, deed: &str, expected: Expect) {
    let world = World::with(|it| it.limits(Limits::default()));
    let acme = world
        .open(guest, Account::nowhere().set("deed", deed))
        .await;
    let bystander = world.connect("bystander", guest, Account::nowhere());
    let result = acme.get_me().await;
    expected.assert_eq(&story::end(&result));
    bystander.get_me().await.expect("a bystander is served");
    let outcomes: Vec<_> = world.reports().iter().map(|it| it.outcome).collect();
    let outcome = result.map_or_else(|error| error.end.kind(), |_| "answer");
    assert_eq!(outcomes, [outcome, "answer"]);
}

#[tokio::test]
async fn a_panic_is_a_trap_with_its_text() {
    check(guest::QUITTER, "panic", expect![[r#"the connector failed: wasm trap: wasm `unreachable` instruction executed; it wrote: \u{a}thread '<unnamed>' (1) panicked at tests/guests/examples/quitter.rs:9:20:\u{a}\u{1b}[31mno more of this\u{a}note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"#]]).await;
}

#[tokio::test]
async fn an_abort_is_a_trap() {
    check(
        guest::QUITTER,
        "abort",
        expect!["the connector failed: wasm trap: wasm `unreachable` instruction executed"],
    )
    .await;
}

#[tokio::test]
async fn an_exit_is_a_trap_whatever_its_status() {
    check(
        guest::QUITTER,
        "exit well",
        expect!["the connector failed: it exited with status 0"],
    )
    .await;
    check(
        guest::QUITTER,
        "exit badly",
        expect!["the connector failed: it exited with status 1"],
    )
    .await;
}

#[tokio::test]
async fn an_id_that_the_contract_does_not_allow_is_a_trap() {
    check(
        guest::BABBLER,
        "empty id",
        expect![
            "the connector failed: it answered an id or a token that is not allowed: it is empty"
        ],
    )
    .await;
    check(guest::BABBLER, "long id", expect!["the connector failed: it answered an id or a token that is not allowed: it has 2048 bytes, and at most 1024 are allowed"]).await;
    check(guest::BABBLER, "control characters in an id", expect!["the connector failed: it answered an id or a token that is not allowed: it holds a control character"]).await;
}

#[tokio::test]
async fn a_text_that_is_not_the_json_that_it_should_be_is_a_trap() {
    check(guest::BABBLER, "broken JSON", expect![[r#"the connector failed: it answered a value named "field" that is not JSON: EOF while parsing an object at line 1 column 1"#]]).await;
    check(guest::BABBLER, "deep JSON", expect![[r#"the connector failed: it answered a value named "field" that is not JSON: recursion limit exceeded at line 1 column 128"#]]).await;
}

#[tokio::test]
async fn the_end_of_a_megabyte_on_standard_error_comes_with_the_trap() {
    let world = World::new();
    let acme = world
        .open(
            guest::HOARDER,
            Account::nowhere().set("deed", "standard error"),
        )
        .await;
    let end = story::end(&acme.get_me().await);
    assert!(end.starts_with("the connector failed: "), "{end}");
    assert!(end.ends_with(r"the end\u{1b}[2J\u{202e}"), "{end}");
    assert!((4000..4400).contains(&end.len()), "{}", end.len());
}

#[tokio::test]
async fn the_connectors_own_error_is_neither_a_trap_nor_a_refusal() {
    let crm = Server::start();
    crm.once("GET /me", Answer::text(404, "no such user"));
    let world = World::new();
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    expect!["the connector answered not-found: the CRM answered 404 to GET me: no such user"]
        .assert_eq(&story::end(&acme.get_me().await));
}

#[tokio::test]
async fn a_write_that_was_cut_off_is_in_doubt() {
    let crm = Server::start();
    crm.once(
        "POST /accounts",
        Answer::Raw(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\"".to_vec()),
    );
    let world = World::new();
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    let result = acme.create_account(NewAccount::default()).await;
    expect!["the connector answered in-doubt: the CRM gave no whole answer to POST accounts: cut-off; the write may have been carried out"].assert_eq(&story::end(&result));
    expect![[r#"
        create-account for acme: error, in doubt
          POST http://127.0.0.1:PORT/accounts -> 201, cut-off
    "#]]
    .assert_eq(&world.story());
}

/// What comes of a write whose answer is lost, when the connector makes light of it.
async fn check_lost_write(deed: &str, expected: Expect) {
    let crm = Server::start();
    crm.once("POST /accounts", Answer::Raw(Vec::new()));
    let world = World::new();
    let acme = world
        .open(guest::ASKER, Account::at(&crm).set("deed", deed))
        .await;
    let orders = json!([{"method": "POST", "url": "accounts", "body": "x"}]);
    let account = NewAccount {
        extra: [("orders".to_owned(), orders)].into(),
        ..NewAccount::default()
    };
    let result = acme.create_account(account).await;
    expected.assert_eq(&format!("{}\n{}", story::end(&result), world.story()));
}

#[tokio::test]
async fn a_connector_cannot_talk_a_lost_write_away() {
    check_lost_write("excuse", expect![[r#"
        the connector answered in-doubt: a write was sent and no answer came, so it may have been carried out; the connector says: other: something else was the matter
        create-account for acme: error, in doubt
          POST http://127.0.0.1:PORT/accounts -> connection
    "#]]).await;
    check_lost_write("pretend", expect![[r#"
        answer: Written { id: Id("written"), version: None, modified_at: None, url: None, also_created: [], incomplete: [], extra: {} }
        create-account for acme: answer, in doubt
          POST http://127.0.0.1:PORT/accounts -> connection
    "#]]).await;
}

#[tokio::test]
async fn a_read_that_was_cut_off_is_not_in_doubt() {
    let crm = Server::start();
    crm.always(
        "GET /me",
        Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
    );
    let world = World::new();
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    expect!["the connector answered unavailable: the CRM gave no whole answer to GET me: cut-off"]
        .assert_eq(&story::end(&acme.get_me().await));
}

#[tokio::test]
async fn a_crm_that_is_not_there_has_carried_nothing_out() {
    let crm = Server::start();
    let account = Account::at(&crm);
    drop(crm);
    let world = World::new();
    let acme = world.open(guest::GOOD, account).await;
    let result = acme.create_account(NewAccount::default()).await;
    expect![
        "the connector answered unavailable: the CRM cannot be reached for POST accounts: connect"
    ]
    .assert_eq(&story::without_ports(&story::end(&result)));
    expect![[r#"
        create-account for acme: error
          POST http://127.0.0.1:PORT/accounts -> connect
          POST http://127.0.0.1:PORT/accounts -> connect
          POST http://127.0.0.1:PORT/accounts -> connect
    "#]]
    .assert_eq(&world.story());
}

/// Panics at the first question, and works from then on.
#[derive(Default)]
struct Faulty(AtomicBool);

impl StateStore for Faulty {
    fn get(&self, _: &Compartment, _: &str) -> Option<Vec<u8>> {
        if !self.0.swap(true, Ordering::SeqCst) {
            panic!("the store has a bug");
        }
        None
    }

    fn set(&self, _: &Compartment, _: &str, _: Option<Vec<u8>>) -> Result<(), Refusal> {
        Ok(())
    }

    fn clear(&self, _: &ConnectionKey) {}
}

#[tokio::test]
async fn a_panic_of_the_host_is_the_hosts_failure_of_one_call() {
    let world = World::with(|it| it.state(Faulty::default()));
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    expect!["the host failed: it panicked"].assert_eq(&story::end(&acme.get_me().await));
    acme.get_me().await.expect("the next call is served");
}

#[tokio::test]
async fn a_panic_of_the_observer_takes_no_answer_away() {
    let world = World::with(|it| it.on_call(|_| panic!("the observer has a bug")));
    let acme = world.open(guest::QUITTER, Account::nowhere()).await;
    for _ in 0..2 {
        acme.get_me().await.expect("the call was answered");
    }
}
