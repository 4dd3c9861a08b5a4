//! Whatever the host comes by to authenticate, it keeps to itself: tokens, refresh tokens, sessions, codes, verifiers and the keys of signatures are planted, and looked for in everything that can be read afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brightsync_core::crm::page::PageRequest;
use brightsync_core::grant::Approval;
use brightsync_core::manifest::Manifest;
use brightsync_runtime::vault::{KeySource, Keys, SqliteStore};
use brightsync_runtime::{
    Connected, Connecting, ConnectionKey, ConnectionOptions, Limits, Secret, Vault,
};
use brightsync_tests::guest;
use brightsync_tests::logs::{self, Search};
use brightsync_tests::server::{Answer, Asked, Server};
use brightsync_tests::ways::{RECIPES, REDIRECT, Time};
use brightsync_tests::world::{Account, World, manifest};
use serde_json::{Value, json};

/// With this each byte of a needle is changed for the guest that looks for it.
const MASK: u8 = 0x55;

/// What the CRM issues; each is told apart.
const ISSUED: [&str; 6] = [
    "canary-access-token-41c9",
    "canary-refresh-token-5b02",
    "canary-session-token-d7e6",
    "canary-cookie-0f3a8c2e",
    "canary-csrf-token-9d41",
    "canary-code-7e5b10aa",
];

/// A CRM that issues whatever it is asked for, and repeats all that it gets.
fn issuing() -> Server {
    let crm = Server::start();
    crm.otherwise(|asked: &Asked| {
        let json = |body: Value| Answer::json(200, &body);
        match asked.line.as_str() {
            "POST /oauth/token" => json(json!({
                "access_token": ISSUED[0], "refresh_token": ISSUED[1], "expires_in": 3600,
            })),
            "POST /session/token" => json(json!({"token": ISSUED[2], "expires_in": 3600})),
            "POST /session/login" => json(json!({"csrf_token": ISSUED[4]}))
                .with("set-cookie", &format!("sid={}; HttpOnly", ISSUED[3])),
            _ => Answer::text(200, &asked.to_string())
                .with("x-request-id", &asked.to_string().replace('\n', " ")),
        }
    });
    crm
}

async fn check(recipe: &str, fields: &[(&str, &str)], composed: &[String]) {
    let given = fields
        .iter()
        .map(|it| it.1)
        .filter(|it| it.starts_with("canary"));
    let mut needles: Vec<String> = given.chain(ISSUED).map(str::to_owned).collect();
    needles.extend_from_slice(composed);
    let searched = Search::begin(&needles);
    let data = tempfile::tempdir().unwrap();
    let (time, lines) = (Time::new(), Arc::new(Mutex::new(String::new())));
    let store = SqliteStore::open(&data.path().join("vault.sqlite"))
        .await
        .unwrap();
    let keys = Keys::read(KeySource::file(data.path().join("keys")))
        .await
        .unwrap();
    let (told, audit, events) = (time.clone(), lines.clone(), lines.clone());
    let world = World::with(|it| {
        it.vault(Vault::new(store, keys))
            .limits(Limits {
                redactions: 1000,
                guest_time: std::time::Duration::from_secs(20),
                wall_time: std::time::Duration::from_secs(60),
                ..Limits::default()
            })
            .clock(move || told.now())
            .audit(move |line| {
                *audit.lock().unwrap() += &format!("{line:?}{}", json!(line));
                Ok(())
            })
            .on_credential(move |event| {
                *events.lock().unwrap() += &format!("{event:?}{}", json!(event));
            })
    });
    let crm = issuing();
    let manifest = manifest("seeker") + RECIPES;
    world.load_with(guest::SEEKER, &manifest).await.unwrap();
    let key = ConnectionKey::new("acme", "crm").unwrap();
    let account = Account::at(&crm);
    for carve_out in account.carve_outs {
        world.host.carve_out(key.clone(), carve_out);
    }
    let secret = |(name, it): &(&str, &str)| ((*name).to_owned(), Secret::new((*it).to_owned()));
    let connecting = || Connecting {
        key: key.clone(),
        connector: "seeker".parse().unwrap(),
        recipe: recipe.parse().unwrap(),
        settings: BTreeMap::from([("site".to_owned(), crm.origin())]),
        fields: fields.iter().map(secret).collect(),
        approved: Approval::after_consent_to(&Manifest::parse(&manifest).unwrap()),
    };
    let mut seen = format!("{:?}", connecting());
    let connected: Connected = if recipe.ends_with("code") {
        let begun = world.host.authorize(connecting(), REDIRECT).await.unwrap();
        let query = format!("code={}&state={}", ISSUED[5], begun.state);
        let connected = world.host.finish(&key, &query).await.unwrap();
        let body = String::from_utf8(crm.asked()[0].body.clone()).unwrap();
        let parameters: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).collect();
        needles.push(parameters["code_verifier"].to_string());
        assert!(!begun.url.as_str().contains(&needles[needles.len() - 1]));
        connected
    } else {
        world.host.connect_account(connecting()).await.unwrap()
    };
    seen += &format!("{connected:?}");
    let acme = world.host.connect(
        key,
        ConnectionOptions {
            connector: "seeker".parse().unwrap(),
            settings: connected.settings,
            wanted_fields: BTreeMap::new(),
            credential: Some(connected.credential),
            grant: connected.grant,
            approved: connected.approved,
            organisation: None,
        },
    );

    // Once as it is, and once with all of it renewed.
    let masked = |it: &String| it.bytes().map(|byte| byte ^ MASK).collect::<Vec<_>>();
    let control = crm.origin();
    for _ in 0..2 {
        let wanted: Vec<_> = needles.iter().chain([&control]).map(masked).collect();
        let page = PageRequest {
            extra: [("masked".to_owned(), json!(wanted))].into(),
            ..PageRequest::default()
        };
        let answer = acme.get_users(page).await.unwrap();
        let places: Vec<u64> = serde_json::from_value(answer.end.extra["places"].clone()).unwrap();
        let (found, canaries) = places.split_last().unwrap();
        assert!(0 < *found, "the guest finds what it was given");
        assert!(
            canaries.iter().all(|it| *it == 0),
            "{recipe}: in memory at {places:?}"
        );
        seen += &json!(answer.end.extra).to_string();
        time.pass(3601);
    }
    let requests = crm.asked();
    let carried = |it: &Asked| {
        needles
            .iter()
            .any(|canary| it.to_string().contains(canary.as_str()))
    };
    let signed = recipe == "espo" || recipe == "timed";
    assert!(
        signed || requests.iter().any(carried),
        "{recipe}: the CRM got nothing that could leak"
    );

    seen += &format!("{:?}", acme.account().await.unwrap());
    let removed = acme.remove_account().await.unwrap();
    seen += &format!(
        "{removed:?}{}{acme:?}{:?}",
        json!(removed),
        world.host.metrics()
    );
    seen += &world.story();
    for report in world.reports() {
        seen += &format!("{report:?}{}", json!(report));
    }
    seen += &lines.lock().unwrap();
    for file in std::fs::read_dir(data.path()).unwrap() {
        seen += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }
    for canary in &needles {
        assert!(
            !seen.contains(canary.as_str()),
            "{recipe}: {canary} can be read"
        );
        assert_eq!(logs::with(canary), Vec::<String>::new(), "{recipe}");
    }
    assert_eq!(searched.found(), Vec::<String>::new(), "{recipe}");
}

const CLIENT: [(&str, &str); 2] = [
    ("client-id", "the-application"),
    ("client-secret", "canary-client-secret-66f0"),
];

#[tokio::test]
async fn what_an_authorization_code_brings_is_nowhere_to_be_read() {
    check("plain-code", &CLIENT, &[]).await;
}

#[tokio::test]
async fn what_a_client_credential_brings_is_nowhere_to_be_read() {
    check(
        "application",
        &CLIENT,
        &[STANDARD.encode("the-application:canary-client-secret-66f0")],
    )
    .await;
}

#[tokio::test]
async fn a_password_that_is_given_for_a_token_is_nowhere_to_be_read() {
    let user = [("user", "ann"), ("password", "canary-password-8e1d")];
    check("owner", &[CLIENT.as_slice(), user.as_slice()].concat(), &[]).await;
}

#[tokio::test]
async fn the_session_of_a_login_is_nowhere_to_be_read() {
    let fields = [("user", "ann"), ("password", "canary-password-8e1d")];
    check("session", &fields, &[]).await;
    check("cookie", &fields, &[]).await;
}

#[tokio::test]
async fn the_key_of_a_signature_is_nowhere_to_be_read() {
    let fields = [
        ("key", "canary-signing-key-27b9"),
        ("secret", "canary-signing-secret-f4c8"),
    ];
    check("espo", &fields, &[]).await;
    check("timed", &fields, &[]).await;
}

#[tokio::test]
async fn keys_in_other_forms_are_nowhere_to_be_read() {
    let pair = [
        ("key", "canary-key-of-a-pair-31aa"),
        ("secret", "canary-secret-of-a-pair-c0d9"),
    ];
    check("pair", &pair, &[]).await;
    check(
        "key-as-user",
        &[("key", "canary-key-as-user-e2f7")],
        &[STANDARD.encode("canary-key-as-user-e2f7:")],
    )
    .await;
    check(
        "key-as-password",
        &[("key", "canary-key-as-password-19bd")],
        &[STANDARD.encode("token:canary-key-as-password-19bd")],
    )
    .await;
}
