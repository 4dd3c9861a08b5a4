//! Every request is in the audit before it leaves, once, and without a secret.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use brightsync_core::breaker;
use brightsync_core::retry::Options;
use brightsync_runtime::{Builder, Limits, Resolve, Suspension};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::story::without_ports;
use brightsync_tests::world::{AT_ONCE, Account, World, ask, manifest};
use expect_test::{Expect, expect};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// What is in the audit, as it would be in a file.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn world(&self, set_up: impl FnOnce(Builder) -> Builder) -> World {
        let lines = self.clone();
        World::with(|it| {
            set_up(it.audit(move |line| {
                let line = serde_json::to_string(line)?;
                lines.0.lock().unwrap().push(line);
                Ok(())
            }))
        })
    }

    fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn all(&self) -> Vec<Value> {
        let texts = self.texts();
        texts
            .iter()
            .map(|it| serde_json::from_str(it).unwrap())
            .collect()
    }

    fn requests(&self) -> Vec<Value> {
        let mut all = self.all();
        all.retain(|it| it["event"] == "request");
        all
    }

    /// Each request's line without what is the same for all of them.
    fn story(&self) -> String {
        let lines = self.requests().into_iter().map(|it| {
            let word = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            let why = format!("{} {}", word("layer"), word("code"));
            format!(
                "{} {}{} #{} {} {}",
                word("method"),
                without_ports(&word("origin")),
                word("path"),
                it["attempt"],
                word("decision"),
                why.trim(),
            )
        });
        lines.map(|it| it.trim_end().to_owned() + "\n").collect()
    }
}

fn get(url: &str) -> Value {
    json!({ "url": url })
}

/// The audit of requests at a CRM that answers all that it is asked.
async fn check(
    set_up: impl FnOnce(Builder) -> Builder,
    account: impl FnOnce(Account) -> Account,
    announce: impl FnOnce(&Server),
    orders: &[Value],
    expected: Expect,
) {
    let (crm, lines) = (Server::start(), Lines::default());
    announce(&crm);
    let world = lines.world(set_up);
    let acme = world.open(guest::ASKER, account(Account::at(&crm))).await;
    ask(&acme, orders).await;
    expected.assert_eq(&lines.story());
}

#[tokio::test]
async fn each_request_has_one_line_that_says_who_for_whom_and_whether_it_was_let_go() {
    let (crm, lines) = (Server::start(), Lines::default());
    crm.once("POST /me", Answer::text(201, ""));
    let world = lines.world(|it| it.clock(|| 1_700_000_000_000));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let post = json!({"method": "POST", "url": "me", "body": "four"});
    ask(&acme, &[post]).await;
    let mut all = lines.all();
    assert_eq!(all.len(), 1, "{all:?}");
    let id = world.reports()[0].id.to_string();
    assert_eq!(all[0]["call"].take(), id);
    assert_eq!(all[0]["origin"].take(), crm.origin());
    assert_eq!(
        all[0],
        json!({
            "time": 1_700_000_000_000_i64, "call": null, "tenant": "acme", "connection": "crm",
            "connector": "asker", "version": "1.0.0", "event": "request", "method": "POST", "origin": null,
            "path": "/me", "attempt": 1, "bytes": 4, "decision": "permitted",
        })
    );
}

#[tokio::test]
async fn what_is_refused_is_in_the_audit_with_the_layer_that_refused_it() {
    let elsewhere = Server::start();
    let origin = elsewhere.origin();
    check(
        |it| it,
        |it| it.set("elsewhere", &origin).reach(&elsewhere),
        |crm| crm.once("GET /me", Answer::text(200, "")),
        &[
            get("https://evil.example.com/x"),
            get(&format!("{origin}/x")),
            get("https://u:p@crm.example.com/x"),
            json!({"url": "x", "headers": [["Host", "evil.example.com"]]}),
            json!({"method": "POST", "url": "x", "bucket": "no such", "cost": 1}),
            get("me"),
        ],
        expect![[r#"
            GET https://evil.example.com/x #1 refused manifest not-in-manifest
            GET http://127.0.0.1:PORT/x #1 refused tenant not-granted
            GET  #1 refused request user-info
            GET  #1 refused request header
            POST http://127.0.0.1:PORT/x #1 refused manifest bucket
            GET http://127.0.0.1:PORT/me #1 permitted
        "#]],
    )
    .await;
    let ceiling = r#"allow = ["*.example.com"]"#;
    check(
        |it| it.ceiling(toml::from_str(ceiling).unwrap()),
        |it| it,
        |_| (),
        &[get("me")],
        expect![[r#"
            GET http://127.0.0.1:PORT/me #1 refused operator not-allowed
        "#]],
    )
    .await;
}

#[tokio::test]
async fn attempts_and_redirects_are_lines_of_their_own() {
    let impatient = Options {
        breaker: breaker::Options {
            failures: 3,
            ..AT_ONCE.breaker
        },
        ..AT_ONCE
    };
    check(
        |it| it.retries(impatient),
        |it| it,
        |crm| {
            let away = |to| Answer::text(302, "").with("location", to);
            crm.once("GET /a", away("/b"));
            crm.once("GET /b", away("http://127.0.0.1:1/c?q=canary"));
            crm.once("GET /loop", away("/loop"));
            for _ in 0..3 {
                crm.once("GET /x", Answer::text(503, ""));
            }
        },
        &[get("a"), get("loop"), get("x"), get("x")],
        expect![[r#"
            GET http://127.0.0.1:PORT/a #1 permitted
            GET http://127.0.0.1:PORT/b #1 permitted
            GET http://127.0.0.1:PORT/c #1 refused manifest not-in-manifest
            GET http://127.0.0.1:PORT/loop #1 permitted
            GET http://127.0.0.1:PORT/loop #1 refused redirect redirect-loop
            GET http://127.0.0.1:PORT/x #1 permitted
            GET http://127.0.0.1:PORT/x #2 permitted
            GET http://127.0.0.1:PORT/x #3 permitted
            GET http://127.0.0.1:PORT/x #1 refused breaker circuit-open
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_dry_run_leaves_its_trace_and_nothing_else() {
    let (crm, lines) = (Server::start(), Lines::default());
    let world = lines.world(|it| it);
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let post = json!({"method": "POST", "url": "x", "body": "canary"});
    let page = json!({"page": {"extra": {"orders": [post]}}});
    let Value::Object(arguments) = page else {
        unreachable!()
    };
    let dry = acme.dry_run("get-users".parse().unwrap(), arguments).await;
    assert_eq!(dry.planned.len(), 1);
    expect![[r#"
        POST http://127.0.0.1:PORT/x #1 refused dry-run dry-run
    "#]]
    .assert_eq(&lines.story());
}

#[tokio::test]
async fn what_is_suspended_under_way_is_in_the_audit() {
    let (crm, lines) = (Server::start(), Lines::default());
    let world = lines.world(|it| it);
    world.load(guest::ASKER).await;
    let host = world.host.clone();
    let suspended = Suspension::Tenant("acme".to_owned());
    let hook = suspended.clone();
    // The CRM's answer to the first request comes when the operator has suspended the tenant.
    let gate = brightsync_tests::server::Gate::default();
    crm.once("GET /x", Answer::text(200, "").behind(&gate));
    let acme = world.connect("acme", guest::ASKER, Account::at(&crm));
    let orders = [get("x"), get("x")];
    let asking = ask(&acme, &orders);
    let suspending = async {
        crm.was_asked().await;
        host.suspend(hook);
        gate.open();
    };
    tokio::join!(asking, suspending);
    world.host.resume(&suspended);
    expect![[r#"
        GET http://127.0.0.1:PORT/x #1 permitted
        GET http://127.0.0.1:PORT/x #1 refused suspension suspended
    "#]]
    .assert_eq(&lines.story());
}

#[tokio::test]
async fn no_canary_is_in_the_audit_and_each_attempt_is_in_it_once() {
    for (recipe, field) in [("bearer", "token"), ("key", "key"), ("parameter", "key")] {
        let (crm, lines) = (Server::start(), Lines::default());
        let parameter = match recipe {
            "parameter" => "&api_token=canary-credential-1f",
            _ => "",
        };
        let line = format!("POST /x?q=canary-query-2e{parameter}");
        for answer in [Answer::Raw(Vec::new()), Answer::Echo] {
            crm.once(&line, answer);
        }
        let guess = format!("POST /canary-credential-1f{}", parameter.replace('&', "?"));
        crm.once(&guess, Answer::text(200, ""));
        let world = lines.world(|it| it);
        let account = Account::at(&crm).credential(recipe, &[(field, "canary-credential-1f")]);
        let acme = world.open(guest::ASKER, account).await;
        let loaded = |url: &str, more: &[(&str, &str)]| {
            let mut headers = vec![("X-Note", "canary-header-3d")];
            headers.extend(more);
            json!({
                "method": "POST", "url": url, "headers": headers, "body": "canary-body-4c", "repeatable": true,
            })
        };
        ask(
            &acme,
            &[
                loaded("x?q=canary-query-2e", &[]),
                // The same, denied in every way that there is.
                loaded("https://evil.example.com/x?q=canary-query-2e", &[]),
                loaded("https://crm.example.com/x?q=canary-query-2e", &[]),
                loaded(
                    "https://canary-user-5b:canary-user-5b@crm.example.com/",
                    &[],
                ),
                loaded("x?q=canary-query-2e#canary-query-2e", &[]),
                loaded("x", &[("Authorization", "Bearer canary-header-3d")]),
                loaded("x", &[("Cookie", "canary-header-3d")]),
                loaded(
                    "x?api_token=canary-query-2e",
                    &[("X-Api-Key", "canary-header-3d")],
                ),
                // And a guess that is right, in the only place from which the audit takes words of a guest.
                loaded("canary-credential-1f", &[]),
                loaded("https://evil.example.com/canary-credential-1f", &[]),
            ],
        )
        .await;
        let texts = lines.texts();
        assert!(texts.iter().all(|it| !it.contains("canary")), "{texts:#?}");
        let report = &world.reports()[0];
        assert!(10 <= report.requests.len(), "{report:?}");
        assert_eq!(lines.requests().len(), report.requests.len(), "{texts:#?}");
        // In the same order, and each said to be what it was.
        for (line, request) in lines.requests().iter().zip(&report.requests) {
            assert_eq!(line["path"], request.path);
            assert_eq!(line["attempt"], request.attempt);
            let was_sent = request.status.is_some() || request.failure == Some("connection");
            assert_eq!(
                line["decision"] == "permitted",
                was_sent,
                "{line} {request:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_is_in_the_audit_even_if_the_crm_never_answers() {
    let (crm, lines) = (Server::start(), Lines::default());
    crm.once("GET /me", Answer::Never);
    let world = lines.world(|it| it);
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let waiting = tokio::spawn(async move { acme.get_me().await.map(drop) });
    crm.was_asked().await;
    let story = "GET http://127.0.0.1:PORT/me #1 permitted\n";
    assert_eq!(lines.story(), story);
    waiting.abort();
    crm.was_hung_up_on().await;
    assert_eq!(lines.story(), story);
    // Nobody waited for a report, so there is none; the audit knows of it all the same.
    assert!(world.reports().is_empty());
}

/// A resolver that writes down what is in the audit when it is asked, and knows nothing.
struct Witness(Lines, Arc<Mutex<Vec<String>>>);

impl Resolve for Witness {
    fn resolve<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        self.1.lock().unwrap().push(self.0.story());
        Box::pin(std::future::ready(Err("never heard of it".to_owned())))
    }
}

#[tokio::test]
async fn a_line_is_written_before_so_much_as_a_name_is_resolved() {
    let (crm, lines, seen) = (Server::start(), Lines::default(), Arc::default());
    let witness = Witness(lines.clone(), Arc::clone(&seen));
    let once = Options {
        repeats: 0,
        ..AT_ONCE
    };
    let world = lines.world(|it| it.resolver(witness).retries(once));
    let acme = world.open(guest::ASKER, Account::named(&crm)).await;
    ask(&acme, &[get("me")]).await;
    let line = format!(
        "GET http://crm.internal:{}/me #1 permitted\n",
        crm.address().port()
    );
    assert_eq!(*seen.lock().unwrap(), [line]);
}

#[tokio::test]
async fn nothing_leaves_that_cannot_be_written_into_the_audit() {
    for panics in [false, true] {
        let crm = Server::start();
        let world = World::with(|it| {
            it.audit(move |_| {
                assert!(!panics, "the audit has a bug");
                Err(io::Error::other("the disk is full"))
            })
        });
        let acme = world.open(guest::ASKER, Account::at(&crm)).await;
        ask(&acme, &[get("me"), get("https://evil.example.com/")]).await;
        assert_eq!(crm.connections(), 0);
        expect![[r#"
            get-users for acme: answer
              GET http://127.0.0.1:PORT/me -> audit
              GET https://evil.example.com/ -> not-in-manifest
        "#]]
        .assert_eq(&world.story());
        assert_eq!(world.reports()[0].refusals["audit"], 1);
    }
}

#[tokio::test]
async fn a_guest_cannot_fill_the_audit_by_asking_on() {
    let crm = Server::start();
    crm.always("GET /me", Answer::text(200, ""));
    let lines = Lines::default();
    let limits = Limits {
        requests: 3,
        ..Limits::default()
    };
    let world = lines.world(|it| it.limits(limits));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    ask(&acme, &[json!({"url": "me", "times": 500})]).await;
    expect![[r#"
        GET http://127.0.0.1:PORT/me #1 permitted
        GET http://127.0.0.1:PORT/me #1 permitted
        GET http://127.0.0.1:PORT/me #1 permitted
        GET  #1 refused limits too-many-requests
    "#]]
    .assert_eq(&lines.story());
    assert_eq!(world.reports()[0].refusals["too-many-requests"], 497);
}

#[tokio::test]
async fn what_is_cut_out_of_an_answer_is_in_the_audit_and_not_what_it_was() {
    let (crm, lines) = (Server::start(), Lines::default());
    crm.once(
        "GET /x",
        Answer::text(200, "canary-token-1f, and again canary-token-1f"),
    );
    let world = lines.world(|it| it);
    let account = Account::at(&crm).bearer("canary-token-1f");
    let manifest = manifest("asker");
    world.load_with(guest::ASKER, &manifest).await.unwrap();
    let acme = world.connect("acme", guest::ASKER, account);
    ask(&acme, &[get("x")]).await;
    let all = lines.all();
    assert_eq!(all[1]["event"], "redaction");
    assert_eq!(
        (&all[1]["path"], &all[1]["secrets"]),
        (&json!("/x"), &json!(2))
    );
    assert!(lines.texts().iter().all(|it| !it.contains("canary")));
}
