//! Getting at secrets: of its own connection, or of another.

use std::io::Write as _;

use brightsync_core::rule::Rule;
use brightsync_runtime::Suspension;
use futures::FutureExt as _;
use serde_json::json;

use crate::arena::{OTHER_SECRET, SECRET, key};
use crate::attack::Attack;
use crate::attack::Family::Credentials;
use crate::deed::Deed;
use crate::prize::{crm_saw, crm_was_asked_more_than, nothing, shown, told, victim_saw};
use crate::scene::{Scene, ok};
use crate::server::{Answer, Asked};
use crate::told::{Told, masked};

/// The secret in base64 with a byte before it, in hexadecimal, and with an escape in it.
const IN_BASE64: &str = "Y2FuYXJ5LW9mLW1hbGxvcnktNWU5YzFm";
const IN_HEX: &str = "63616e6172792d6f662d6d616c6c6f72792d356539633166";
const ESCAPED: &str = "canary%2Dof%2Dmallory%2D5e9c1f";

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = audience();
    attacks.extend(reading_back());
    attacks.extend(places());
    attacks.extend(others());
    attacks
}

/// Where the credential goes.
fn audience() -> Vec<Attack> {
    let carries = || victim_saw(|it| it.headers.iter().any(|(_, value)| value.contains(SECRET)));
    let redirected = |asked: &Asked| match asked.line.as_str() {
        "GET /me" => Answer::text(302, "").with("location", "{victim}/x"),
        _ => ok(),
    };
    vec![
        Attack::new(
            Credentials,
            "have the credential sent to another server of its manifest",
            &[Rule::Audience],
            Deed::get("{victim}/x"),
            "status 200",
            carries(),
        )
        .at(Scene {
            trusted: vec!["{victim}"],
            ..Scene::open()
        }),
        Attack::new(
            Credentials,
            "name its own server as the place for the credential",
            &[Rule::GrantedAudience],
            Deed::get("{victim}/x"),
            "status 200",
            carries(),
        )
        .at(Scene {
            manifest: vec![(
                "audience = [\"{site}\"]",
                "audience = [\"{site}\", \"{elsewhere}\"]",
            )],
            ..Scene::open()
        }),
        Attack::new(
            Credentials,
            "have the credential follow a redirect",
            &[Rule::Audience],
            Deed::get("me"),
            "status 200",
            carries(),
        )
        .at(Scene {
            trusted: vec!["{victim}"],
            ..Scene::open()
        }
        .with_crm(redirected)),
        Attack::new(
            Credentials,
            "have the CRM's cookies kept and sent",
            &[],
            Deed::Orders(json!([{"request": {"url": "me"}}, {"request": {"url": "me"}}])),
            "status 200",
            crm_saw(|it| it.header("cookie").is_some()),
        )
        .at(Scene::crm(|_| {
            ok().with("set-cookie", "session=canary-of-a-session")
        })),
    ]
}

/// A CRM that repeats what it was sent.
fn reading_back() -> Vec<Attack> {
    let answers = |body: &'static str| Scene::crm(move |_| Answer::text(200, body));
    let echo = |name, body: &'static str, wanted: &'static str| {
        Attack::new(
            Credentials,
            name,
            &[Rule::Redaction],
            Deed::get("me"),
            "status 200",
            told(wanted),
        )
        .at(answers(body))
    };
    let packed = |_: &Asked| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(format!("you sent {SECRET}").as_bytes())
            .unwrap();
        Answer::Whole {
            status: 200,
            headers: vec![("content-encoding".to_owned(), "gzip".to_owned())],
            body: gzip.finish().unwrap(),
        }
    };
    let split = |_: &Asked| {
        let (head, tail) = SECRET.split_at(7);
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let body = format!("{}{}0\r\n\r\n", chunk(head), chunk(tail));
        Answer::Raw(
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}").into_bytes(),
        )
    };
    vec![
        echo("read its credential back", "you sent canary-of-mallory-5e9c1f", SECRET),
        echo("read it back in base64", "you sent xY2FuYXJ5LW9mLW1hbGxvcnktNWU5YzFm", IN_BASE64),
        echo("read it back in hexadecimal", "you sent 63616e6172792d6f662d6d616c6c6f72792d356539633166", IN_HEX),
        echo("read it back escaped", "you sent canary%2Dof%2Dmallory%2D5e9c1f", ESCAPED),
        Attack::new(Credentials, "read it back packed", &[Rule::Redaction], Deed::get("me"), "status 200", told(SECRET))
            .at(Scene::crm(packed)),
        Attack::new(Credentials, "read it back in two chunks", &[Rule::Redaction], Deed::get("me"), "status 200", told(SECRET))
            .at(Scene::crm(split)),
        Attack::new(Credentials, "find it in memory after it was repeated", &[Rule::Redaction],
            Deed::Orders(json!([{"request": {"url": "me"}}, {"search": masked(SECRET)}])),
            "{\"control\":1,\"copies\":0}", std::sync::Arc::new(|told: &Told, _: &crate::arena::Arena| {
                (!told.learned.contains("\"copies\":0")).then(|| told.end.clone())
            }))
            .at(answers("you sent canary-of-mallory-5e9c1f")),
        Attack::new(Credentials, "read it back in a header", &[Rule::RedactedText], Deed::get("me"), "status 200", told(SECRET))
            .at(Scene::crm(|_| ok().with("x-request-id", SECRET))),
        Attack::new(Credentials, "have a guess of it logged", &[Rule::RedactedText],
            Deed::order(json!({"log": ["is it {secret}?", 1]})), "null", shown(SECRET)),
        Attack::new(Credentials, "have a guess of it reported in a path", &[Rule::RedactedText],
            Deed::get("is-it/{secret}"), "status 200", shown(SECRET)),
        Attack::new(Credentials, "have a guess of it in its own error", &[Rule::RedactedText],
            Deed::Me, "error: other: it is [redacted]", shown(SECRET))
            .at(Scene {
                settings: vec![("deed", "error"), ("words", "it is {secret}")],
                manifest: vec![("[settings.deed]", "[settings.words]\nkind = \"text\"\ntitle = \"Words\"\noptional = true\n\n[settings.deed]")],
                ..Scene::default()
            }),
        Attack::new(Credentials, "guess until a guess is cut out", &[Rule::Guessing],
            Deed::order(json!({"request": {"url": "me", "times": 10}})), "denied: suspended", crm_was_asked_more_than(9))
            .at(answers("you sent canary-of-mallory-5e9c1f").limited(|it| it.redactions = 3)),
    ]
}

/// What a CRM gives away by itself.
fn places() -> Vec<Attack> {
    let marked = "\n[[redact]]\npath = \"App/user\"\npointers = [\"/token\"]\n\n[functions]";
    vec![
        Attack::new(
            Credentials,
            "read a token that the CRM makes",
            &[Rule::RedactedPlace],
            Deed::get("App/user"),
            "status 200",
            told("minted-by-the-crm"),
        )
        .at(Scene {
            manifest: vec![("[functions]", marked)],
            ..Scene::crm(|_| Answer::text(200, r#"{"token": "minted-by-the-crm", "name": "Ann"}"#))
        }),
        Attack::new(
            Credentials,
            "read the CRM's cookie",
            &[Rule::AnswerHeader],
            Deed::get("me"),
            "status 200",
            told("canary-of-a-session"),
        )
        .at(Scene::crm(|_| {
            ok().with("set-cookie", "session=canary-of-a-session")
        })),
        Attack::new(
            Credentials,
            "read what a gateway adds",
            &[Rule::AnswerHeader],
            Deed::get("me"),
            "status 200",
            told("10.0.0.7"),
        )
        .at(Scene::crm(|_| ok().with("x-internal-address", "10.0.0.7"))),
        Attack::new(
            Credentials,
            "read a code in the address of a login page",
            &[Rule::AnswerLocation],
            Deed::order(json!({"request": {"method": "POST", "url": "me", "body": "{}"}})),
            "status 302",
            told("code=canary"),
        )
        .at(Scene::crm(|_| {
            Answer::text(302, "").with("location", "https://login.example.com/?code=canary")
        })),
        Attack::new(
            Credentials,
            "find something in its surroundings",
            &[],
            Deed::order(json!("surroundings")),
            "[]",
            nothing(),
        ),
    ]
}

/// What belongs to other connections.
fn others() -> Vec<Attack> {
    vec![
        Attack::new(
            Credentials,
            "read what another tenant's connector keeps",
            &[Rule::StateOwner],
            Deed::other(|arena| {
                async move {
                    let keep = json!([{"keep": ["note", "canary-of-the-neighbour's-state"]}]);
                    arena.order(&arena.neighbour(), &keep).await;
                    arena
                        .order(&arena.mallory(), &json!([{"kept": "note"}]))
                        .await
                }
                .boxed()
            }),
            "null",
            told("canary-of-the-neighbour's-state"),
        ),
        Attack::new(
            Credentials,
            "go over another tenant's network connection",
            &[Rule::PoolOwner],
            Deed::other(|arena| {
                async move {
                    let ask = json!([{"request": {"url": "me"}}]);
                    arena.order(&arena.neighbour(), &ask).await;
                    arena.order(&arena.mallory(), &ask).await
                }
                .boxed()
            }),
            "status 200",
            std::sync::Arc::new(|_: &Told, arena: &crate::arena::Arena| {
                let asked = arena.crm.asked();
                let carries = |it: &Asked, secret: &str| {
                    it.headers.iter().any(|(_, value)| value.contains(secret))
                };
                let theirs = asked.iter().find(|it| carries(it, OTHER_SECRET))?;
                let mut mine = asked.iter().filter(|it| carries(it, SECRET));
                mine.any(|it| it.connection == theirs.connection)
                    .then(|| "one connection carried both tenants' requests".to_owned())
            }),
        ),
        Attack::new(
            Credentials,
            "go on after its connection was suspended",
            &[Rule::Suspension],
            Deed::other(|arena| {
                async move {
                    arena.host.suspend(Suspension::Connection(key("mallory")));
                    arena
                        .order(&arena.mallory(), &json!([{"request": {"url": "me"}}]))
                        .await
                }
                .boxed()
            }),
            "refused: connection mallory/crm is suspended by an operator",
            crm_saw(|_| true),
        ),
    ]
}
