//! Getting at secrets through the requests that the host itself makes for them.

use brightsync_core::grant::Approval;
use brightsync_core::manifest::Manifest;
use brightsync_core::rule::Rule;
use brightsync_runtime::{Connecting, Secret};
use futures::FutureExt as _;
use serde_json::json;

use crate::arena::{Arena, HOSTILE, SECRET, key};
use crate::attack::Attack;
use crate::attack::Family::Credentials;
use crate::deed::Deed;
use crate::prize::{told, victim_saw};
use crate::scene::{CarvedOut, Scene, ok};
use crate::server::{Answer, Asked};
use crate::told::Told;

/// A recipe that logs in with a password at `{site}/session`, put before the others of the manifest.
const LOGIN: (&str, &str) = (
    "[auth.bearer]",
    r#"[settings.nickname]
kind = "text"
title = "What the CRM calls the user"
pattern = "[a-z]{1,20}"
optional = true
set-by = "token-answer"

[auth.session]
title = "Log in"
kind = "login"
headers = { Authorization = "Session {session}" }
audience = ["{site}"]

[auth.session.login]
takes = { session = { at = "/token" } }

[auth.session.login.request]
url = "{site}/session"
json = { password = "{password}" }

[[auth.session.sets]]
setting = "nickname"
at = "/name"
like = "user {}"

[auth.bearer]"#,
);

/// A CRM that gives a session to whoever has the password, and another one to whoever is logged in.
fn issues(asked: &Asked) -> Answer {
    let body = String::from_utf8_lossy(&asked.body);
    let token = match (asked.line.as_str(), body.contains(SECRET)) {
        (_, true) => "session-of-the-host",
        (line, false) if line.to_lowercase().contains("session") => "canary-of-a-session",
        _ => return ok(),
    };
    let answer = json!({"token": token, "name": "<script>"});
    Answer::text(200, &answer.to_string())
}

pub(super) fn attacks() -> Vec<Attack> {
    let scene = || Scene {
        manifest: vec![LOGIN],
        credential: Some(("session", "password")),
        ..Scene::crm(issues)
    };
    let login = |name: &'static str, url: &str| {
        let order = json!({"request": {"method": "POST", "url": url, "body": "{}"}});
        Attack::new(
            Credentials,
            name,
            &[Rule::RecipeEndpoint],
            Deed::order(order),
            "denied: not-in-manifest",
            told("canary-of-a-session"),
        )
        .at(scene())
    };
    vec![
        login("ask for a session where the host does", "session"),
        login("ask for it in capitals", "Session"),
        login("ask for it in another format", "session.json"),
        login("ask for it one part further down", "session/refresh"),
        Attack::new(
            Credentials,
            "have the host log in at its own server",
            &[Rule::TokenAudience],
            Deed::get("me"),
            "told: there is no usable credential for GET me: reconnect to the CRM",
            victim_saw(|it| String::from_utf8_lossy(&it.body).contains(SECRET)),
        )
        .at(Scene {
            manifest: vec![
                LOGIN,
                ("url = \"{site}/session\"", "url = \"{elsewhere}/session\""),
                (
                    "headers = { Authorization = \"Session {session}\" }\naudience = [\"{site}\"]",
                    "headers = { Authorization = \"Session {session}\" }\naudience = [\"{site}\", \"{elsewhere}\"]",
                ),
            ],
            settings: vec![("elsewhere", "{victim}")],
            carved_out: CarvedOut::Mallory,
            ..scene()
        }),
        Attack::new(
            Credentials,
            "have an answer set what the manifest does not let it",
            &[Rule::LearnedSetting, Rule::Pattern],
            Deed::other(|arena| connect(arena).boxed()),
            "not connected",
            told("<script>"),
        )
        .at(scene()),
    ]
}

/// Connects mallory's account, which asks the CRM for a session.
async fn connect(arena: &Arena) -> Told {
    let connecting = Connecting {
        key: key("mallory"),
        connector: HOSTILE.parse().unwrap(),
        recipe: "session".parse().unwrap(),
        settings: [("site".to_owned(), arena.crm.origin())].into(),
        fields: vec![("password".to_owned(), Secret::new(SECRET.to_owned()))],
        approved: Approval::after_consent_to(&Manifest::parse(&arena.manifest()).unwrap()),
    };
    match arena.host.connect_account(connecting).await {
        Ok(connected) => {
            let mut told = Told::done("connected");
            told.learned = format!("{:?}", connected.settings);
            told
        }
        Err(_) => Told::ended("not connected"),
    }
}
