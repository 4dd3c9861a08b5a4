//! A CRM's limits are kept for all who share them, its answers are heeded, and nobody uses either against the others.
//!
//! Time stands still in these tests, and passes when they say so.

use std::time::{Duration, Instant};

use brightsync_core::crm::page::PageRequest;
use brightsync_core::manifest::Manifest;
use brightsync_core::quota::Priority;
use brightsync_core::retry::Options;
use brightsync_runtime::{Connection, Limits};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{Account, World, ask, manifest};
use expect_test::expect;
use serde_json::{Value, json};

/// A world whose time stands still, and a CRM of which its connector knows these limits.
struct Frozen {
    world: World,
    crm: Server,
    // The clock of a runtime would run ahead as soon as nothing but the network is waited for, if no thread were busy.
    _busy: std::sync::mpsc::Sender<()>,
}

impl Frozen {
    async fn start(limits: &str) -> Self {
        Self::with(limits, Limits::default()).await
    }

    async fn with(limits: &str, of_calls: Limits) -> Self {
        let (busy, end) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || end.recv().is_ok());
        tokio::time::pause();
        // What is repeated would wait in time that stands still.
        let retries = Options {
            repeats_per_call: 0,
            ..Options::default()
        };
        let world = World::with(|it| it.slots(8).limits(of_calls).retries(retries));
        let manifest = format!("{}\n{limits}", manifest("asker"));
        world.load_with(guest::ASKER, &manifest).await.unwrap();
        Self {
            world,
            crm: Server::start(),
            _busy: busy,
        }
    }

    /// A tenant of the organisation that shares the limits.
    fn member(&self, tenant: &str) -> Connection {
        let account = Account::at(&self.crm).member_of("umbrella");
        self.world.connect(tenant, guest::ASKER, account)
    }

    /// Announces what may be asked any number of times.
    fn serves(&self, paths: &[&str]) {
        for path in paths {
            self.crm
                .always(&format!("GET /{path}"), Answer::text(200, ""));
        }
    }

    /// Waits until so many requests wait for their turn, of each kind.
    async fn waiting(&self, interactive: usize, incremental: usize, backfill: usize) {
        until(|| {
            let quotas = self.world.host.quotas();
            let waiting = quotas.first().map(|it| it.state.waiting);
            waiting.is_some_and(|it| {
                (it.interactive, it.incremental, it.backfill)
                    == (interactive, incremental, backfill)
            })
        })
        .await;
    }

    /// The paths that were asked for, once they are so many.
    async fn asked(&self, count: usize) -> Vec<String> {
        until(|| count <= self.crm.asked().len()).await;
        let asked = self.crm.asked();
        let paths = asked.iter().map(|it| it.line.replace("GET /", ""));
        paths.collect()
    }
}

/// Waits for something that needs no time to pass.
async fn until(mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain");
        tokio::task::yield_now().await;
    }
}

/// Lets time pass, and a millisecond more: a timer goes off at the end of the one that it is set to.
async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis + 1)).await;
}

/// Has the guest make this request so many times at once.
async fn at_once(connection: &Connection, path: &str, times: usize) {
    let orders = json!([{ "url": path, "times": times }]);
    let page = PageRequest {
        extra: [("orders".to_owned(), orders)].into(),
        ..PageRequest::default()
    };
    let answered = connection.get_users_by_email(Vec::new(), page).await;
    answered.unwrap();
}

/// What the guest is told of one request: its status, or that it is limited, or the code.
async fn told(connection: &Connection, order: Value) -> String {
    let answers = ask(connection, &[order]).await;
    let answer = &answers[0];
    match (&answer["status"], &answer["limited"], &answer["code"]) {
        (Value::Number(status), ..) => status.to_string(),
        (_, Value::Bool(true), _) => "limited".to_owned(),
        (.., Value::String(code)) => code.clone(),
        (.., other) => format!("{other} {}", answer["message"]),
    }
}

async fn told_of(connection: &Connection, path: &str) -> String {
    told(connection, json!({ "url": path })).await
}

#[tokio::test]
async fn the_manifests_rate_is_kept() {
    let it = Frozen::start("[limits]\nper-second = 2").await;
    it.serves(&["x"]);
    let acme = it.member("acme");
    let time = async {
        for (asked, waiting) in [(2, 3), (4, 1)] {
            it.waiting(waiting, 0, 0).await;
            assert_eq!(it.asked(asked).await.len(), asked);
            pass(1100).await;
        }
    };
    futures::join!(at_once(&acme, "x", 5), time);
    assert_eq!(it.crm.asked().len(), 5);
}

#[tokio::test]
async fn no_more_requests_are_on_the_way_than_the_manifest_says() {
    let it = Frozen::start("[limits]\nconcurrent = 2").await;
    let gate = Gate::default();
    it.crm.always("GET /x", Answer::text(200, "").behind(&gate));
    let acme = it.member("acme");
    let let_go = async {
        it.waiting(4, 0, 0).await;
        it.asked(2).await;
        gate.open();
    };
    futures::join!(at_once(&acme, "x", 6), let_go);
    assert_eq!((it.crm.asked().len(), it.crm.most_in_hand()), (6, 2));
}

#[tokio::test]
async fn a_throttled_answer_stops_the_whole_organisation_for_as_long_as_it_says() {
    let it = Frozen::start("").await;
    it.serves(&["x"]);
    it.crm.once(
        "GET /slow-down",
        Answer::text(429, "").with("retry-after", "30"),
    );
    let (acme, other) = (it.member("acme"), it.member("other"));
    let outside = it
        .world
        .connect("outside", guest::ASKER, Account::at(&it.crm));
    told_of(&acme, "slow-down").await;
    assert_eq!(told_of(&acme, "x").await, "limited");
    assert_eq!(told_of(&other, "x").await, "limited");
    assert_eq!(told_of(&outside, "x").await, "200");
    pass(30_000).await;
    assert_eq!(told_of(&other, "x").await, "200");
    assert_eq!(it.asked(3).await, ["slow-down", "x", "x"]);
}

#[tokio::test]
async fn a_short_stop_is_waited_for() {
    let it = Frozen::start("").await;
    it.serves(&["x"]);
    it.crm.once(
        "GET /slow-down",
        Answer::text(429, "").with("retry-after", "5"),
    );
    let (acme, other) = (it.member("acme"), it.member("other"));
    let stop = told_of(&acme, "slow-down").await;
    assert!(["429", "limited"].contains(&&*stop), "{stop}");
    let time = async {
        it.waiting(1, 0, 0).await;
        assert_eq!(it.crm.asked().len(), 1);
        pass(5_000).await;
    };
    let (answer, ()) = futures::join!(told_of(&other, "x"), time);
    assert_eq!(answer, "200");
}

#[tokio::test]
async fn what_the_manifest_calls_throttled_stops_too() {
    let it = Frozen::start(
        r#"
        [limits]
        back-off-seconds = 60

        [[answers]]
        status = 403
        at = "/0/errorCode"
        is = "REQUEST_LIMIT_EXCEEDED"
        means = "throttled"
        "#,
    )
    .await;
    it.serves(&["x"]);
    let code = |code| Answer::json(403, &json!([{ "errorCode": code }]));
    it.crm.once("GET /forbidden", code("INSUFFICIENT_ACCESS"));
    it.crm.once("GET /over", code("REQUEST_LIMIT_EXCEEDED"));
    let acme = it.member("acme");
    told_of(&acme, "forbidden").await;
    assert_eq!(told_of(&acme, "x").await, "200");
    told_of(&acme, "over").await;
    assert_eq!(told_of(&acme, "x").await, "limited");
    pass(60_000).await;
    assert_eq!(told_of(&acme, "x").await, "200");
}

#[tokio::test]
async fn what_an_answer_says_is_left_is_all_there_is() {
    let it = Frozen::start(
        "[[limits.told]]\nremaining = \"x-left\"\nreset = \"x-reset\"\nreset-in = \"seconds\"",
    )
    .await;
    it.serves(&["x"]);
    let left = Answer::text(200, "")
        .with("x-left", "2")
        .with("x-reset", "60");
    it.crm.once("GET /first", left);
    let (acme, other) = (it.member("acme"), it.member("other"));
    told_of(&acme, "first").await;
    assert_eq!(told_of(&other, "x").await, "200");
    assert_eq!(told_of(&acme, "x").await, "200");
    assert_eq!(told_of(&other, "x").await, "limited");
    pass(60_000).await;
    assert_eq!(told_of(&other, "x").await, "200");
}

#[tokio::test]
async fn interactive_work_comes_before_a_backfill() {
    let it = Frozen::start("[limits]\nper-second = 1").await;
    it.serves(&["first", "backfill", "interactive"]);
    let acme = it.member("acme");
    let backfill = acme.with_priority(Priority::Backfill);
    told_of(&acme, "first").await;
    let interactive = async {
        it.waiting(0, 0, 1).await;
        told_of(&acme, "interactive").await;
    };
    let time = async {
        it.waiting(1, 0, 1).await;
        pass(1100).await;
        it.waiting(0, 0, 1).await;
        it.asked(2).await;
        pass(1100).await;
    };
    futures::join!(told_of(&backfill, "backfill"), interactive, time);
    assert_eq!(it.asked(3).await, ["first", "interactive", "backfill"]);
}

#[tokio::test]
async fn a_tenant_at_full_load_delays_another_by_no_more_than_the_bucket() {
    let it = Frozen::start("[limits]\nper-second = 1").await;
    it.serves(&["flood", "modest"]);
    let (greedy, modest) = (it.member("greedy"), it.member("modest"));
    let modest = async {
        it.waiting(7, 0, 0).await;
        told_of(&modest, "modest").await;
    };
    let time = async {
        it.waiting(8, 0, 0).await;
        for waiting in (0..8).rev() {
            pass(1100).await;
            it.waiting(waiting, 0, 0).await;
            it.asked(9 - waiting).await;
        }
    };
    futures::join!(at_once(&greedy, "flood", 8), modest, time);
    let asked = it.asked(9).await;
    let place = asked.iter().position(|it| it == "modest").unwrap();
    assert!(place <= 2, "behind one that was due already: {asked:?}");
}

#[tokio::test]
async fn a_guest_neither_makes_a_limit_nor_uses_one_up_by_its_word() {
    let it = Frozen::start(
        r#"
        [limits]
        largest-cost = 5
        windows = [{ most = 20, seconds = 60, counts = "points" }]

        [limits.buckets.search]
        windows = [{ most = 2, seconds = 60 }]
        "#,
    )
    .await;
    it.serves(&["x"]);
    let (acme, other) = (it.member("acme"), it.member("other"));
    let dear = |bucket: &str| json!({ "url": "x", "bucket": bucket, "cost": u32::MAX });
    for unknown in ["mine", "", "../other", "search\u{0}"] {
        assert_eq!(told(&acme, dear(unknown)).await, "bucket", "{unknown:?}");
    }
    assert_eq!(told(&acme, dear("search")).await, "200");
    assert_eq!(told(&acme, dear("search")).await, "200");
    assert_eq!(told(&acme, dear("search")).await, "limited");
    assert_eq!(told_of(&other, "x").await, "200");
    assert_eq!(it.world.host.quotas().len(), 1);
}

#[tokio::test]
async fn an_answer_that_lies_stops_the_others_for_five_minutes_at_the_most() {
    let it = Frozen::start("").await;
    it.serves(&["x"]);
    // Whoever may write a page into the CRM can have it answer this.
    let lie = Answer::text(429, "").with("retry-after", "31536000");
    it.crm.always("GET /lie", lie);
    let (liar, honest) = (it.member("liar"), it.member("honest"));
    told_of(&honest, "x").await;
    told_of(&liar, "lie").await;
    assert_eq!(told_of(&honest, "x").await, "limited");
    assert_eq!(it.world.host.quotas()[0].state.stopped_ms, 300_000);
    pass(300_000).await;
    assert_eq!(told_of(&honest, "x").await, "200");
    // The next lie stays with the one who was told it.
    told_of(&liar, "lie").await;
    assert_eq!(told_of(&honest, "x").await, "200");
    assert_eq!(told_of(&liar, "x").await, "limited");
}

#[tokio::test]
async fn a_request_that_waits_leaves_the_queue_with_its_call() {
    let it = Frozen::start("[limits]\nconcurrent = 1").await;
    it.serves(&["x"]);
    it.crm.once("GET /silent", Answer::Never);
    let acme = it.member("acme");
    let spawn = |path: &'static str| {
        let acme = acme.clone();
        tokio::spawn(async move { told_of(&acme, path).await })
    };
    let silent = spawn("silent");
    it.crm.was_asked().await;
    let waits = spawn("x");
    it.waiting(1, 0, 0).await;
    waits.abort();
    it.waiting(0, 0, 0).await;
    // And one that is on the way makes room when its call ends.
    silent.abort();
    it.crm.was_hung_up_on().await;
    assert_eq!(told_of(&acme, "x").await, "200");
    assert_eq!(it.world.host.quotas()[0].state.in_flight, 0);
}

#[tokio::test]
async fn who_waits_for_others_is_told_after_a_while() {
    let it = Frozen::with(
        "[limits]\nconcurrent = 1",
        Limits {
            quota_wait: Duration::from_secs(5),
            ..Limits::default()
        },
    )
    .await;
    let gate = Gate::default();
    it.crm
        .once("GET /slow", Answer::text(200, "").behind(&gate));
    let acme = it.member("acme");
    let second = async {
        it.crm.was_asked().await;
        told_of(&acme, "x").await
    };
    let time = async {
        it.waiting(1, 0, 0).await;
        pass(5_000).await;
        it.waiting(0, 0, 0).await;
        gate.open();
    };
    let (first, second, ()) = futures::join!(told_of(&acme, "slow"), second, time);
    assert_eq!((&*first, &*second), ("200", "limited"));
}

#[tokio::test]
async fn the_state_and_a_forecast_can_be_read() {
    let it = Frozen::start("[limits]\nper-ten-seconds = 10").await;
    it.serves(&["x"]);
    let acme = it.member("acme");
    assert!(it.world.host.quotas().is_empty());
    for _ in 0..10 {
        told_of(&acme, "x").await;
    }
    let quotas = serde_json::to_string_pretty(&it.world.host.quotas()).unwrap();
    expect![[r#"
        [
          {
            "organisation": "umbrella",
            "connection": null,
            "connector": "asker",
            "origin": "http://127.0.0.1:PORT",
            "stopped-ms": 0,
            "in-flight": 0,
            "waiting": {
              "interactive": 0,
              "incremental": 0,
              "backfill": 0
            },
            "tenants": 1,
            "limits": [
              {
                "bucket": null,
                "counts": "requests",
                "seconds": 10,
                "most": 10,
                "used": 10,
                "told-left": null
              }
            ],
            "one-more-ms": {
              "interactive": 10313,
              "incremental": 10313,
              "backfill": 10313
            }
          }
        ]"#]]
    .assert_eq(&brightsync_tests::story::without_ports(&quotas));
    let backfill = acme.with_priority(Priority::Backfill);
    let forecast = backfill.forecast(100).unwrap();
    assert_eq!(forecast.requests, 100);
    // Seven in ten seconds, since three are left to the others.
    assert!(
        (140_000..160_000).contains(&forecast.last_ms),
        "{forecast:?}"
    );
    assert!(acme.forecast(100).unwrap().last_ms < forecast.last_ms);
}

#[test]
fn the_examples_in_the_sdks_readme_are_manifests() {
    let example = |heading: &str| {
        let readme = include_str!("../../sdk/README.md");
        let (_, section) = readme.split_once(heading).unwrap();
        let (_, example) = section.split_once("```toml\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        Manifest::parse(&format!("{}\n{example}", manifest("acme"))).unwrap()
    };
    let of_limits = example("## The CRM's limits");
    assert!(!of_limits.limits().told.is_empty() && !of_limits.answers().is_empty());
    let of_secrets = example("## Secrets in answers");
    assert_eq!(of_secrets.redact()[0].pointers().len(), 2);
}
