//! What an operator is told of a call: where its time went, what was refused, what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::{Exchange, Limits, Report, Stage};
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{Account, Names, World, ask};
use brightsync_tests::{guest, logs};
use expect_test::expect;
use serde_json::{Value, json};

fn get(url: &str) -> Value {
    json!({ "url": url })
}

/// The stages of each request, and how it ended.
fn stages(report: &Report) -> String {
    let lines = report.requests.iter().map(|it| {
        let end = it.status.map(|status| status.to_string());
        let end = end.or(it.failure.map(ToOwned::to_owned));
        let names: Vec<_> = it.stages.iter().map(|(stage, _)| stage.name()).collect();
        format!("{}: {}\n", end.unwrap(), names.join(" "))
    });
    lines.collect()
}

/// A host at which the name of a server is known.
fn world(crm: &Server) -> World {
    let here = Names(vec![crm.address().ip()]);
    World::with(|it| it.resolver(here))
}

#[tokio::test]
async fn a_request_tells_how_long_it_was_in_each_stage() {
    let crm = Server::start();
    for answer in [Answer::text(200, "a"), Answer::text(200, "b")] {
        crm.once("GET /me", answer);
    }
    let world = world(&crm);
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    let orders = [get("me"), get("me"), get("https://evil.example.com/")];
    ask(&acme, &orders).await;
    let report = &world.reports()[0];
    // The second request has the network connection of the first.
    expect![[r#"
        200: policy quota inject resolve connect first-byte body redact
        200: policy quota inject first-byte body redact
        not-in-manifest: policy
    "#]]
    .assert_eq(&stages(report));
    // No time is in two of them.
    for request in &report.requests {
        let sum: Duration = request.stages.iter().map(|(_, time)| time).sum();
        assert!(sum <= request.took, "{request:?}");
    }
    let json = serde_json::to_value(&report.requests[0]).unwrap();
    assert!(json["stages"]["first-byte"].is_u64(), "{json}");
}

#[tokio::test]
async fn a_stage_is_told_by_the_request_that_was_in_it() {
    let crm = Server::start();
    let gate = Gate::default();
    crm.always("GET /slow", Answer::text(200, "").behind(&gate));
    crm.once("GET /me", Answer::text(200, ""));
    let world = world(&crm);
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    ask(&acme, &[get("me")]).await;
    // One has the connection of before, and the other needs another one.
    let page = PageRequest {
        extra: [("orders".to_owned(), json!([get("slow"), get("slow")]))].into(),
        ..PageRequest::default()
    };
    let both = acme.get_users_by_email(Vec::new(), page);
    let opening = async {
        for _ in 0..3 {
            crm.was_asked().await;
        }
        gate.open();
    };
    let (both, ()) = tokio::join!(both, opening);
    both.unwrap();
    let report = &world.reports()[1];
    let dialled = |it: &&Exchange| it.stages.get(Stage::Connect).is_some();
    assert_eq!(report.requests.iter().filter(dialled).count(), 1);
    assert_eq!(crm.connections(), 2);
}

#[tokio::test]
async fn a_repeat_has_its_own_stages_and_its_number() {
    let crm = Server::start();
    for answer in [Answer::Raw(Vec::new()), Answer::text(200, "")] {
        crm.once("GET /me", answer);
    }
    let world = world(&crm);
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    ask(&acme, &[get("me")]).await;
    let report = &world.reports()[0];
    expect![[r#"
        connection: policy quota inject resolve connect first-byte
        200: policy quota inject resolve connect first-byte body redact
    "#]]
    .assert_eq(&stages(report));
    let attempts: Vec<_> = report.requests.iter().map(|it| it.attempt).collect();
    assert_eq!(attempts, [1, 2]);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_costs_time_to_resolve_and_no_first_byte() {
    let world = World::new();
    let crm = Server::start();
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    ask(&acme, &[get("me")]).await;
    for request in &world.reports()[0].requests {
        assert_eq!(request.failure, Some("connect"));
        assert!(request.stages.get(Stage::Resolve).is_some());
        assert_eq!(request.stages.get(Stage::FirstByte), None);
    }
}

#[tokio::test]
async fn a_request_on_which_a_call_has_run_out_of_time_is_in_its_report() {
    let crm = Server::start();
    crm.once("GET /me", Answer::Never);
    let limits = Limits {
        wall_time: Duration::from_secs(1),
        ..Limits::default()
    };
    let world = World::with(|it| it.limits(limits));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    acme.get_me().await.unwrap_err();
    expect![[r#"
        get-me for acme: limit
          GET http://127.0.0.1:PORT/me -> abandoned
    "#]]
    .assert_eq(&world.story());
}

#[tokio::test]
async fn refusals_are_counted_by_their_code() {
    let crm = Server::start();
    crm.always("GET /me", Answer::text(200, ""));
    let limits = Limits {
        requests: 6,
        ..Limits::default()
    };
    let world = World::with(|it| it.limits(limits));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let mut orders = vec![
        get("https://evil.example.com/"),
        get("https://evil.example.com/again"),
        get("https://crm.example.com/"),
        json!({"url": "me", "headers": [["Host", "evil.example.com"]]}),
    ];
    orders.extend((0..4).map(|_| get("me")));
    ask(&acme, &orders).await;
    let report = &world.reports()[0];
    let json = serde_json::to_value(&report.refusals).unwrap();
    let expected =
        json!({"header": 1, "not-granted": 1, "not-in-manifest": 2, "too-many-requests": 2});
    assert_eq!(json, expected);
    assert_eq!(report.outcome, "answer");
}

#[tokio::test]
async fn a_guest_that_computes_is_told_by_its_epochs_and_its_time() {
    let limits = Limits {
        guest_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let world = World::with(|it| it.limits(limits));
    let account = Account::nowhere().set("deed", "compute");
    let acme = world.open(guest::SPINNER, account).await;
    acme.get_me().await.unwrap_err();
    let report = &world.reports()[0];
    assert_eq!(report.epochs, 31);
    assert!(report.guest_time > Duration::ZERO);
    // Not even a guest that does nothing computes for no time at all, which ticks could not tell.
    let idle = world.open(guest::QUITTER, Account::nowhere()).await;
    drop(idle.get_me().await);
    assert!(world.reports()[1].guest_time > Duration::ZERO);
}

#[tokio::test]
async fn what_the_host_computes_for_a_guest_is_not_the_guests_time() {
    let asked = Arc::new(AtomicBool::new(false));
    let told = asked.clone();
    let clock = move || {
        // The host's own looks at its clock are outside of the call's task.
        if told.load(Ordering::Relaxed) {
            // A fixed amount of work, of about a second, and not a fixed time: a busy machine would leave little of that to this thread.
            for n in 0..100_000_000_u32 {
                std::hint::black_box(n);
            }
        }
        0
    };
    let limits = Limits {
        host_calls: 2,
        ..Limits::default()
    };
    let world = World::with(|it| it.clock(clock).limits(limits));
    let account = Account::nowhere().set("deed", "call the host");
    let acme = world.open(guest::SPINNER, account).await;
    asked.store(true, Ordering::Relaxed);
    acme.get_me().await.unwrap_err();
    let report = &world.reports()[0];
    assert_eq!(
        report.host_calls, 3,
        "the setting, the time, and one too many"
    );
    let little = Duration::from_millis(100);
    assert!(report.guest_time < little, "{:?}", report.guest_time);
}

#[tokio::test]
async fn a_call_and_each_of_its_requests_is_a_span_without_a_word_of_what_was_sent() {
    logs::listen();
    let crm = Server::start();
    crm.once(
        "POST /me?q=canary-of-a-query",
        Answer::text(201, "canary-of-an-answer"),
    );
    let world = World::new();
    let account = Account::at(&crm).bearer("canary-of-a-token");
    let acme = world.open(guest::ASKER, account).await;
    let post = json!({
        "method": "POST", "url": "me?q=canary-of-a-query", "body": "canary-of-a-body",
        "headers": [["X-Note", "canary-of-a-header"]],
    });
    ask(
        &acme,
        &[post, get("https://evil.example.com/?q=canary-of-a-query")],
    )
    .await;
    let id = world.reports()[0].id.to_string();
    let lines = logs::with(&id);
    assert!(lines.iter().all(|it| !it.contains("canary")), "{lines:#?}");
    let spans: Vec<_> = lines.iter().filter(|it| it.starts_with("SPAN")).collect();
    let find = |parts: &[&str]| {
        let mut found = spans
            .iter()
            .filter(|it| parts.iter().all(|part| it.contains(part)));
        assert!(
            found.next().is_some() && found.next().is_none(),
            "{parts:?} in {spans:#?}"
        );
    };
    assert_eq!(spans.len(), 3, "{spans:#?}");
    find(&[
        "call call=",
        "tenant=\"acme\"",
        "connector=\"asker\"",
        "function=get-users",
        "outcome=\"answer\"",
        "guest_time=",
        "epochs=",
        "memory=",
        "requests=2",
        "refusals=1",
    ]);
    find(&[
        "request call=",
        "path=\"/me\"",
        "attempt=1",
        "status=201",
        "policy=",
        "quota=",
        "first-byte=",
        "redact=",
    ]);
    find(&[
        "request call=",
        "origin=\"https://evil.example.com\"",
        "failure=\"not-in-manifest\"",
        "policy=",
    ]);
}
