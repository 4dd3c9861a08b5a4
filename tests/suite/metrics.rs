//! What all calls come to in numbers, under labels of which there are only so many.

use std::collections::BTreeSet;

use brightsync_core::retry::Options;
use brightsync_runtime::{ConnectionKey, ConnectionOptions, Suspension};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{AT_ONCE, Account, World, approval, ask};
use expect_test::expect;
use serde_json::{Value, json};

fn get(url: &str) -> Value {
    json!({ "url": url })
}

/// The samples of a metric, or of all, without the buckets of histograms.
fn samples(world: &World, name: &str) -> String {
    let text = world.host.metrics();
    let lines = text.lines().filter(|it| {
        !it.starts_with('#')
            && it.starts_with(&format!("brightsync_{name}"))
            && !it.contains("_bucket")
    });
    let lines: BTreeSet<_> = lines.map(|it| it.to_owned() + "\n").collect();
    lines.into_iter().collect()
}

#[tokio::test]
async fn calls_requests_and_refusals_are_counted() {
    let crm = Server::start();
    for answer in [Answer::text(200, ""), Answer::text(404, "")] {
        crm.once("GET /me", answer);
    }
    let world = World::new();
    let acme = world
        .open(guest::ASKER, Account::at(&crm).bearer("a-token-of-acme"))
        .await;
    ask(
        &acme,
        &[get("me"), get("me"), get("https://evil.example.com/")],
    )
    .await;
    let broken = Account::nowhere().set("deed", "panic");
    let broken = world.open(guest::QUITTER, broken).await;
    broken.get_me().await.unwrap_err();
    expect![[r#"
        brightsync_calls_total{connector="asker",function="get-users",outcome="answer"} 1
        brightsync_calls_total{connector="quitter",function="get-me",outcome="trap"} 1
    "#]]
    .assert_eq(&samples(&world, "calls"));
    expect![[r#"
        brightsync_requests_total{connector="asker",status="2xx",failure="none"} 1
        brightsync_requests_total{connector="asker",status="4xx",failure="none"} 1
        brightsync_requests_total{connector="asker",status="none",failure="not-in-manifest"} 1
    "#]]
    .assert_eq(&samples(&world, "requests"));
    expect![[r#"
        brightsync_refusals_total{code="not-in-manifest"} 1
    "#]]
    .assert_eq(&samples(&world, "refusals"));
    let stages = samples(&world, "request_stage_seconds_count");
    for (stage, count) in [
        ("policy", 3),
        ("quota", 2),
        ("connect", 1),
        ("first-byte", 2),
    ] {
        let line = format!("brightsync_request_stage_seconds_count{{stage=\"{stage}\"}} {count}\n");
        assert!(stages.contains(&line), "{line} in {stages}");
    }
    for name in ["call_seconds", "guest_seconds", "guest_memory_bytes"] {
        let line = format!("brightsync_{name}_count{{connector=\"asker\"}} 1\n");
        let found = samples(&world, name);
        assert!(found.contains(&line), "{line} in {found}");
    }
}

#[tokio::test]
async fn how_the_host_stands_is_told_at_the_moment_of_asking() {
    let crm = Server::start();
    let gate = Gate::default();
    crm.once("GET /me", Answer::text(200, "").behind(&gate));
    let world = World::with(|it| {
        it.retries(Options {
            repeats: 0,
            ..AT_ONCE
        })
    });
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let call = acme.get_me();
    let looking = async {
        crm.was_asked().await;
        let slots = samples(&world, "slots");
        gate.open();
        slots
    };
    let (call, slots) = tokio::join!(call, looking);
    call.unwrap();
    expect![[r#"
        brightsync_slots{state="free"} 3
        brightsync_slots{state="taken"} 1
        brightsync_slots{state="waiting"} 0
    "#]]
    .assert_eq(&slots);
    assert_eq!(
        samples(&world, "slots{state=\"taken\"}"),
        "brightsync_slots{state=\"taken\"} 0\n"
    );
    assert_eq!(samples(&world, "connectors"), "brightsync_connectors 1\n");

    let what = Suspension::Connection(ConnectionKey::new("acme", "crm").unwrap());
    world.host.suspend(what.clone());
    let suspended = "brightsync_suspended{state=\"connection\"} ";
    assert!(samples(&world, "suspended").contains(&format!("{suspended}1\n")));
    world.host.resume(&what);
    assert!(samples(&world, "suspended").contains(&format!("{suspended}0\n")));

    for _ in 0..5 {
        crm.once("GET /me", Answer::text(503, ""));
    }
    ask(&acme, &vec![get("me"); 5]).await;
    let open = "brightsync_breakers{state=\"open\"} 1\n";
    assert!(samples(&world, "breakers").contains(open));
    let jobs = samples(&world, "compile_jobs");
    assert!(
        jobs.contains("brightsync_compile_jobs_under_way 0\n"),
        "{jobs}"
    );
    assert!(jobs.contains("brightsync_compile_jobs_total"), "{jobs}");
}

#[tokio::test]
async fn nothing_that_others_write_makes_a_new_series() {
    let crm = Server::start();
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let series = || {
        let text = world.host.metrics();
        text.lines().filter(|it| !it.starts_with('#')).count()
    };
    let odd = |n: usize| {
        crm.once(
            &format!("GET /{n}"),
            Answer::text(u16::try_from(600 + n % 399).unwrap(), ""),
        );
        let header = format!("x-{n}");
        [
            get(&format!("{n}")),
            get(&format!("https://{n}.evil.example.com/{n}?{n}=\u{1b}[31m")),
            json!({"url": format!("{n}"), "headers": [["Host", &header]]}),
            json!({"url": format!("{n}"), "bucket": format!("b{n}"), "cost": 1}),
        ]
    };
    ask(&acme, &odd(0)).await;
    let approved = approval("asker");
    let unknown = |n: usize| {
        let options = ConnectionOptions {
            connector: format!("unknown-{n}").parse().unwrap(),
            approved: approved.clone(),
            settings: Default::default(),
            wanted_fields: Default::default(),
            credential: None,
            grant: Default::default(),
            organisation: None,
        };
        let key = ConnectionKey::new(&format!("tenant-{n}"), "crm").unwrap();
        world.host.connect(key, options)
    };
    unknown(0).get_me().await.unwrap_err();
    let before = series();
    for chunk in (1..200).collect::<Vec<_>>().chunks(50) {
        let orders: Vec<_> = chunk.iter().flat_map(|n| odd(*n)).collect();
        ask(&acme, &orders).await;
    }
    for n in 1..5_000 {
        unknown(n).get_me().await.unwrap_err();
    }
    assert_eq!(series(), before, "{}", world.host.metrics());
    let text = world.host.metrics();
    for foreign in ["unknown", "tenant-", "acme", "evil", "crm", "[31m"] {
        assert!(!text.contains(foreign), "{foreign} in {text}");
    }
}
