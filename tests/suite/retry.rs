//! What is sent again and what is not: a read until there is an answer, a write only where it was not carried out, and nothing without end.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use brightsync_core::breaker;
use brightsync_core::retry::Options;
use brightsync_runtime::{Connection, Limits, Resolve};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{AT_ONCE, Account, World, ask, manifest};
use expect_test::{Expect, expect};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// The connection is closed instead of an answer.
fn lost() -> Answer {
    Answer::Raw(Vec::new())
}

fn status(status: u16) -> Answer {
    Answer::text(status, "")
}

fn get() -> Value {
    json!({"url": "x"})
}

fn post() -> Value {
    json!({"method": "POST", "url": "x", "body": "x"})
}

/// What each request came to, as the guest sees it.
async fn ends(connection: &Connection, orders: &[Value]) -> Vec<String> {
    let answers = ask(connection, orders).await;
    let answers = answers.as_array().unwrap();
    answers
        .iter()
        .map(|it| match it["status"].as_u64() {
            Some(status) => status.to_string(),
            None => it["message"].as_str().unwrap().to_owned(),
        })
        .collect()
}

/// What becomes of a request to a CRM that answers its attempts like this, and no more of them.
async fn run(
    world: &World,
    account: impl Fn(Account) -> Account,
    order: &Value,
    answers: &[Answer],
) -> String {
    let crm = Server::start();
    let method = order["method"].as_str().unwrap_or("GET");
    for answer in answers {
        crm.once(&format!("{method} /x"), answer.clone());
    }
    let acme = world.connect("acme", guest::ASKER, account(Account::at(&crm)));
    let ends = ends(&acme, std::slice::from_ref(order)).await;
    let doubt = if world.reports().last().unwrap().in_doubt {
        ", in doubt"
    } else {
        ""
    };
    format!("{} in {}{doubt}", ends[0], crm.asked().len())
}

async fn check(order: Value, rows: &[(&[Answer], &str)]) {
    let world = World::new();
    world.load(guest::ASKER).await;
    for (answers, expected) in rows {
        let told = run(&world, |it| it, &order, answers).await;
        assert_eq!(told, *expected, "{order} {answers:?}");
    }
}

#[tokio::test]
async fn a_read_is_sent_again_until_there_is_an_answer_and_at_most_three_times() {
    check(
        get(),
        &[
            (&[lost(), status(200)], "200 in 2"),
            (&[lost(), lost(), status(200)], "200 in 3"),
            (
                &[lost(), lost(), lost()],
                "the CRM gave no whole answer to GET x: connection in 3",
            ),
            (&[status(503), status(200)], "200 in 2"),
            (&[status(503), status(503), status(503)], "503 in 3"),
            (&[status(408), status(425), status(200)], "200 in 3"),
            (&[status(502), status(504), status(200)], "200 in 3"),
            (&[status(429), status(200)], "200 in 2"),
            (&[status(429), status(429)], "429 in 2"),
            (&[status(500)], "500 in 1"),
            (&[status(404)], "404 in 1"),
            (&[status(401)], "401 in 1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_it_was_not_carried_out() {
    let no_answer = "the CRM gave no whole answer to POST x: connection; the write may have been carried out in 1, in doubt";
    check(
        post(),
        &[
            (&[lost()], no_answer),
            (&[status(503)], "503 in 1"),
            (&[status(502)], "502 in 1"),
            (&[status(408)], "408 in 1"),
            (&[status(425)], "425 in 1"),
            (&[status(500)], "500 in 1"),
            (&[status(401)], "401 in 1"),
            (&[status(429), status(201)], "201 in 2"),
            (&[status(429), status(429)], "429 in 2"),
            (&[status(429), lost()], &no_answer.replace("in 1", "in 2")),
            (&[status(201)], "201 in 1"),
        ],
    )
    .await;
    check(
        json!({"method": "PATCH", "url": "x", "body": "x"}),
        &[(&[lost()], &no_answer.replace("POST", "PATCH"))],
    )
    .await;
}

#[tokio::test]
async fn what_is_repeatable_by_its_method_or_by_the_connectors_word_is_sent_again() {
    let search = json!({"method": "POST", "url": "x", "body": "x", "repeatable": true});
    check(search, &[(&[lost(), status(200)], "200 in 2")]).await;
    for method in ["PUT", "DELETE"] {
        check(
            json!({"method": method, "url": "x"}),
            &[
                (&[lost(), status(200)], "200 in 2"),
                (&[status(503), status(200)], "200 in 2"),
                // The first attempt may have been carried out, whatever the last ones say.
                (&[lost(), status(503), status(503)], "503 in 3, in doubt"),
                (&[status(503), status(503), status(503)], "503 in 3"),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn a_write_with_a_precondition_is_not_sent_again_blindly() {
    let put = json!({"method": "PUT", "url": "x", "body": "x", "headers": [["If-Match", "1"]]});
    let end = "the CRM gave no whole answer to PUT x: connection; the write may have been carried out in 1, in doubt";
    check(put, &[(&[lost()], end), (&[status(503)], "503 in 1")]).await;
}

/// Answers so many questions in one way, and all others in another.
struct Turning {
    asked: Arc<AtomicUsize>,
    first: (usize, Vec<IpAddr>),
    then: Vec<IpAddr>,
}

impl Resolve for Turning {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let (times, first) = &self.first;
        let answer = if asked < *times { first } else { &self.then };
        Box::pin(std::future::ready(Ok(answer.clone())))
    }
}

fn here() -> Vec<IpAddr> {
    vec![IpAddr::from([127, 0, 0, 1])]
}

/// A name that has no address at first.
fn later(asked: &Arc<AtomicUsize>, times: usize) -> Turning {
    Turning {
        asked: asked.clone(),
        first: (times, Vec::new()),
        then: here(),
    }
}

#[tokio::test]
async fn what_never_left_is_sent_again_even_if_it_is_a_write() {
    for (failures, expected) in [
        (2, "201 in 3 attempts"),
        (
            3,
            "the CRM cannot be reached for POST x: connect in 3 attempts",
        ),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let world = World::with(|it| it.resolver(later(&asked, failures)));
        let crm = Server::start();
        if failures < 3 {
            crm.once("POST /x", status(201));
        }
        let acme = world.open(guest::ASKER, Account::named(&crm)).await;
        let ends = ends(&acme, &[post()]).await;
        let report = &world.reports()[0];
        assert_eq!(
            format!("{} in {} attempts", ends[0], report.requests.len()),
            expected
        );
        assert!(!report.in_doubt);
        assert_eq!(crm.asked().len(), usize::from(failures < 3));
    }
}

#[tokio::test]
async fn a_write_that_may_have_left_is_in_doubt_even_if_its_repeat_is_denied() {
    let world = World::with(|it| {
        it.resolver(Turning {
            asked: Arc::default(),
            first: (1, here()),
            then: vec![IpAddr::from([10, 0, 0, 1])],
        })
    });
    let crm = Server::start();
    crm.once("PUT /x", lost());
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    let ends = ends(&acme, &[json!({"method": "PUT", "url": "x", "body": "x"})]).await;
    assert_eq!(
        ends,
        ["the CRM gave no whole answer to PUT x: connection; the write may have been carried out"]
    );
    expect![[r#"
        get-users for acme: answer, in doubt
          PUT http://crm.internal:PORT/x -> connection
          PUT http://crm.internal:PORT/x -> address
    "#]]
    .assert_eq(
        &world
            .story()
            .replace(&crm.address().port().to_string(), "PORT"),
    );
}

#[tokio::test]
async fn a_repeat_asks_the_policy_again() {
    let (crm, gate) = (Server::start(), Gate::default());
    crm.once("GET /x", status(503).behind(&gate));
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let take_back = async {
        crm.was_asked().await;
        world.host.disconnect(acme.key());
        gate.open();
    };
    let orders = [get()];
    futures::join!(ask(&acme, &orders), take_back);
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/x -> 503
          GET http://127.0.0.1:PORT/x -> not-https
    "#]]
    .assert_eq(&world.story());
}

#[tokio::test]
async fn a_crm_that_asks_for_more_time_than_a_call_has_is_not_waited_for() {
    let limits = || Limits {
        wall_time: Duration::from_secs(20),
        ..Limits::default()
    };
    for (after, expected) in [
        ("0", "200 in 2"),
        ("20", "429 in 1"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "429 in 1"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "200 in 2"),
    ] {
        let world = World::with(|it| it.limits(limits()));
        world.load(guest::ASKER).await;
        let throttled = status(429).with("retry-after", after);
        let mut answers = vec![throttled];
        if expected.ends_with('2') {
            answers.push(status(200));
        }
        let told = run(&world, |it| it, &get(), &answers).await;
        assert_eq!(told, expected, "{after}");
    }
}

#[tokio::test]
async fn repeats_are_counted_for_a_call_and_for_a_tenant() {
    let crm = Server::start();
    crm.always("GET /x", status(503));
    let open = |options: Options| {
        let world = World::with(|it| it.retries(options));
        let account = || Account::at(&crm);
        async move {
            world.load(guest::ASKER).await;
            for tenant in ["acme", "acme", "bystander"] {
                ask(
                    &world.connect(tenant, guest::ASKER, account()),
                    &[get(), get()],
                )
                .await;
            }
            let reports = world.reports();
            reports
                .iter()
                .map(|it| it.requests.len())
                .collect::<Vec<_>>()
        }
    };
    let patient = breaker::Options {
        failures: 100,
        ..breaker::Options::default()
    };
    let options = Options {
        breaker: patient,
        ..AT_ONCE
    };
    assert_eq!(open(options).await, [6, 6, 6]);
    let for_a_call = Options {
        repeats_per_call: 1,
        ..options
    };
    assert_eq!(open(for_a_call).await, [3, 3, 3]);
    let for_a_tenant = Options {
        repeats_per_tenant: 3,
        ..options
    };
    assert_eq!(open(for_a_tenant).await, [5, 2, 5]);
    let none = Options {
        repeats: 0,
        ..options
    };
    assert_eq!(open(none).await, [2, 2, 2]);
}

#[tokio::test]
async fn repeats_count_against_the_calls_own_limits() {
    let world = World::with(|it| {
        it.limits(Limits {
            requests: 2,
            ..Limits::default()
        })
    });
    world.load(guest::ASKER).await;
    let told = run(&world, |it| it, &get(), &[status(503), status(503)]).await;
    assert_eq!(told, "503 in 2");
    let world = World::with(|it| {
        it.limits(Limits {
            bytes_out: 1,
            ..Limits::default()
        })
    });
    world.load(guest::ASKER).await;
    let put = json!({"method": "PUT", "url": "x", "body": "x"});
    assert_eq!(run(&world, |it| it, &put, &[status(503)]).await, "503 in 1");
}

/// A breaker that opens soon, and for long.
fn impatient(wait: Duration) -> Options {
    Options {
        repeats: 0,
        breaker: breaker::Options {
            failures: 2,
            wait,
            longest_wait: wait,
        },
        ..AT_ONCE
    }
}

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_server_that_fails_is_left_alone_and_the_guest_is_told_that_nothing_was_sent() {
    let crm = Server::start();
    for _ in 0..2 {
        crm.once("GET /x", status(503));
    }
    let world = World::with(|it| it.retries(impatient(LONG)));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &[get(), get(), post()]).await;
    ask(&acme, &[get()]).await;
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/x -> 503
          GET http://127.0.0.1:PORT/x -> 503
          POST http://127.0.0.1:PORT/x -> circuit-open
        get-users for acme: answer
          GET http://127.0.0.1:PORT/x -> circuit-open
    "#]]
    .assert_eq(&world.story());
    assert!(world.reports().iter().all(|it| !it.in_doubt));
}

#[tokio::test]
async fn an_answer_stands_if_the_server_is_left_alone_before_the_repeat() {
    let world = World::with(|it| {
        it.retries(Options {
            repeats: 2,
            ..impatient(LONG)
        })
    });
    world.load(guest::ASKER).await;
    let put = json!({"method": "PUT", "url": "x", "body": "x"});
    let told = run(&world, |it| it, &put, &[status(502), status(503)]).await;
    assert_eq!(told, "503 in 2");
    let told = run(&world, |it| it, &put, &[status(502), lost()]).await;
    let end =
        "the CRM gave no whole answer to PUT x: connection; the write may have been carried out";
    assert_eq!(told, format!("{end} in 2, in doubt"));
    assert_eq!(world.reports()[1].requests.len(), 3);
}

#[tokio::test]
async fn one_tenant_cannot_shut_a_server_for_another_by_what_it_is_answered() {
    let crm = Server::start();
    for answer in [lost(), status(503), status(200)] {
        crm.once("GET /x", answer);
    }
    let world = World::with(|it| it.retries(impatient(LONG)));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let bystander = world.connect("bystander", guest::ASKER, Account::at(&crm));
    assert_eq!(
        ends(&acme, &[get(), get(), get()]).await[2],
        "the CRM cannot be reached for GET x: circuit-open"
    );
    assert_eq!(ends(&bystander, &[get()]).await, ["200"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_left_alone_by_all_tenants_of_a_connector() {
    let asked = Arc::new(AtomicUsize::new(0));
    let world = World::with(|it| {
        it.retries(impatient(LONG))
            .resolver(later(&asked, usize::MAX))
    });
    let crm = Server::start();
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    let other = world.connect("other", guest::ASKER, Account::named(&crm));
    ask(&acme, &[get(), get()]).await;
    assert_eq!(
        ends(&other, &[get()]).await,
        ["the CRM cannot be reached for GET x: circuit-open"]
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    // Another connector has other reasons to fail.
    let good = world.open(guest::GOOD, Account::named(&crm)).await;
    drop(good.get_me().await);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_server_that_works_again_is_found_to() {
    let crm = Server::start();
    for answer in [lost(), lost(), lost(), status(200), lost(), status(200)] {
        crm.once("GET /x", answer);
    }
    let world = World::with(|it| it.retries(impatient(Duration::ZERO)));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let orders: Vec<_> = (0..6).map(|_| get()).collect();
    let ends = ends(&acme, &orders).await;
    let lost = "the CRM gave no whole answer to GET x: connection";
    assert_eq!(ends, [lost, lost, lost, "200", lost, "200"]);
}

/// A guest whose CRM knows requests again by a key.
async fn keyed(world: &World) {
    let keyed = manifest("asker").replace(
        "base = \"{site}/\"",
        "base = \"{site}/\"\nidempotency-header = \"Idempotency-Key\"",
    );
    world.load_with(guest::ASKER, &keyed).await.unwrap();
}

#[tokio::test]
async fn a_write_that_the_crm_knows_again_by_its_key_is_sent_again_with_the_same_key() {
    let crm = Server::start();
    for answer in [lost(), status(503), status(201), status(201)] {
        crm.once("POST /x", answer);
    }
    crm.once("POST /x", status(201));
    crm.once("GET /x", status(200));
    let world = World::new();
    keyed(&world).await;
    let acme = world.connect("acme", guest::ASKER, Account::at(&crm));
    let own = json!({"method": "POST", "url": "x", "body": "x", "headers": [["idempotency-KEY", "the-guests-own"]]});
    assert_eq!(
        ends(&acme, &[post(), post(), own, get()]).await,
        ["201", "201", "201", "200"]
    );
    let asked = crm.asked();
    let keys: Vec<_> = asked
        .iter()
        .map(|it| it.header("idempotency-key"))
        .collect();
    assert_eq!(
        (keys[0], keys[1]),
        (keys[2], keys[2]),
        "the same for all attempts"
    );
    assert_ne!(keys[2], keys[3], "another for another request");
    assert_eq!(keys[3].unwrap().len(), 36);
    assert_eq!((keys[4], keys[5]), (Some("the-guests-own"), None));
    let names = asked[4]
        .headers
        .iter()
        .filter(|(name, _)| name == "idempotency-key");
    assert_eq!(names.count(), 1);
    assert!(!world.reports()[0].in_doubt);
}

/// What is in the report of a call whose request was repeated.
async fn check_story(order: Value, answers: &[Answer], expected: Expect) {
    let world = World::new();
    world.load(guest::ASKER).await;
    run(&world, |it| it, &order, answers).await;
    expected.assert_eq(&world.story());
}

#[tokio::test]
async fn each_attempt_is_a_line_of_the_report() {
    check_story(
        get(),
        &[lost(), status(503), status(200)],
        expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/x -> connection
          GET http://127.0.0.1:PORT/x -> 503
          GET http://127.0.0.1:PORT/x -> 200
    "#]],
    )
    .await;
    check_story(
        post(),
        &[status(429), lost()],
        expect![[r#"
        get-users for acme: answer, in doubt
          POST http://127.0.0.1:PORT/x -> 429
          POST http://127.0.0.1:PORT/x -> connection
    "#]],
    )
    .await;
}
