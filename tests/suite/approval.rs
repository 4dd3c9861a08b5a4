//! Grants and credentials are for what somebody has approved: a version that asks for something else, or comes from somebody else, does not get them by itself.

use brightsync_core::grant::Approval;
use brightsync_core::manifest::Manifest;
use brightsync_runtime::Connection;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask, manifest};
use brightsync_tests::{guest, story};
use expect_test::{Expect, expect};
use serde_json::json;

const TOKEN: &str = "a-token-that-acme-has-given";

/// The second version of a guest, with one text of its manifest put in place of another.
fn second(guest: &str, from: &str, to: &str) -> String {
    let text = manifest(guest).replace("1.0.0", "2.0.0");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// The versions that the calls so far ran on.
fn versions(world: &World) -> Vec<String> {
    world.reports().into_iter().map(|it| it.version).collect()
}

fn approval(manifest: &str) -> Approval {
    Approval::after_consent_to(&Manifest::parse(manifest).unwrap())
}

async fn get_me(connection: &Connection) -> String {
    match connection.get_me().await {
        Ok(_) => "answer".to_owned(),
        refused => story::end(&refused),
    }
}

#[tokio::test]
async fn a_version_that_asks_for_the_same_takes_over_at_once() {
    let crm = Server::start();
    crm.always("GET /me", Answer::text(200, ""));
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    get_me(&acme).await;
    let same = second("asker", "Guest asker", "Another title");
    let loaded = world.load_with(guest::ASKER, &same).await.unwrap();
    assert!(loaded.replaced.is_some() && loaded.difference.is_none());
    get_me(&acme).await;
    assert_eq!(versions(&world), ["1.0.0", "2.0.0"]);
    assert!(acme.pending().is_none());
}

#[tokio::test]
async fn a_version_that_asks_for_more_waits_and_the_old_one_serves_on() {
    let crm = Server::start();
    crm.always("GET /me", Answer::text(200, ""));
    let world = World::new();
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let text = second(
        "asker",
        "https://crm.example.com",
        "https://collect.example.net",
    );
    let loaded = world.load_with(guest::ASKER, &text).await.unwrap();
    assert!(loaded.replaced.is_none());
    let difference = loaded.difference.unwrap();
    expect![[r#"
        + host https://collect.example.net: all requests
        - host https://crm.example.com: all requests
    "#]]
    .assert_eq(&difference.to_string());

    assert_eq!(get_me(&acme).await, "answer");
    let pending = acme.pending().unwrap();
    assert_eq!(pending.difference, Some(difference));
    let late = world.connect("late", guest::ASKER, Account::at(&crm));
    assert_eq!(get_me(&late).await, "answer");
    acme.approve(pending.approval).unwrap();
    assert_eq!(get_me(&acme).await, "answer");
    assert_eq!(versions(&world), ["1.0.0", "2.0.0", "2.0.0"]);
    assert!(acme.pending().is_none());
}

#[tokio::test]
async fn a_version_with_another_audience_gets_no_credential_before_it_is_approved() {
    let (crm, elsewhere) = (Server::start(), Server::start());
    let world = World::new();
    // The tenant has granted both servers to both, as one does who means well.
    let account = Account::at(&crm)
        .set("elsewhere", &elsewhere.origin())
        .grant(&elsewhere.origin())
        .trust(&elsewhere.origin())
        .reach(&elsewhere)
        .bearer(TOKEN);
    let acme = world.open(guest::ASKER, account).await;
    let text = second(
        "asker",
        "audience = [\"{site}\"]",
        "audience = [\"{site}\", \"{elsewhere}\"]",
    );
    let loaded = world.load_with(guest::ASKER, &text).await.unwrap();
    expect![[r#"
        + audience bearer: {elsewhere}
    "#]]
    .assert_eq(&loaded.difference.unwrap().to_string());
    let order = json!({"url": format!("{}/collect", elsewhere.origin())});
    elsewhere.always("GET /collect", Answer::text(200, ""));
    ask(&acme, std::slice::from_ref(&order)).await;
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);

    acme.approve(approval(&text)).unwrap();
    ask(&acme, &[order]).await;
    let sent = format!("Bearer {TOKEN}");
    assert_eq!(
        elsewhere.asked()[1].header("authorization"),
        Some(sent.as_str())
    );
}

#[tokio::test]
async fn the_same_version_number_is_no_approval() {
    let world = World::new();
    let acme = world
        .open(guest::KEEPER, Account::nowhere().set("deed", "x"))
        .await;
    let text = manifest("keeper").replacen("X-Api-Key", "X-Other-Key", 1);
    let loaded = world.load_with(guest::KEEPER, &text).await.unwrap();
    assert!(loaded.difference.is_some());
    world.host.retire(&"keeper".parse().unwrap());
    expect![[r#"refused: connector "keeper" 1.0.0 asks for something else than was approved for this connection; compare the two with `brightsync inspect --against`, and approve it or load the version that was approved"#]].assert_eq(&get_me(&acme).await);
}

#[tokio::test]
async fn the_connector_of_another_publisher_is_another_and_its_state_begins_empty() {
    let told = |connection: &Connection| {
        let connection = connection.clone();
        async move { connection.get_me().await.unwrap().org_name.unwrap() }
    };
    let world = World::new();
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    told(&acme).await;
    let text = manifest("keeper").replace("publisher = \"Tests\"", "publisher = \"Impostor\"");
    let loaded = world.load_with(guest::KEEPER, &text).await.unwrap();
    expect![[r#"
        - publisher: Tests
        + publisher: Impostor
    "#]]
    .assert_eq(&loaded.difference.unwrap().to_string());
    // The old one serves on, and keeps what it has.
    expect!["in memory 1, in the state 2, keys 0, much false"].assert_eq(&told(&acme).await);

    acme.approve(approval(&text)).unwrap();
    expect!["in memory 1, in the state 1, keys 0, much false"].assert_eq(&told(&acme).await);
    // What the first publisher's connector had kept is gone for good.
    acme.approve(approval(&manifest("keeper"))).unwrap();
    expect!["in memory 1, in the state 1, keys 0, much false"].assert_eq(&told(&acme).await);

    world.host.retire(&"keeper".parse().unwrap());
    expect![[r#"refused: connector "keeper" 1.0.0 comes from another publisher than was approved for this connection; compare the two with `brightsync inspect --against`, and approve it or load the version that was approved"#]].assert_eq(&get_me(&acme).await);
}

#[tokio::test]
async fn what_is_not_loaded_cannot_be_approved() {
    let world = World::new();
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    let text = second("keeper", "X-Api-Key", "X-Other-Key");
    let error = acme.approve(approval(&text)).unwrap_err();
    expect![[
        r#"no version of connector "keeper" that is loaded asks for just this; load it first"#
    ]]
    .assert_eq(&error.to_string());
    assert_eq!(get_me(&acme).await, "answer");
}

#[tokio::test]
async fn a_connection_that_was_approved_before_a_restart_is_not_served_by_what_came_since() {
    let before = World::new();
    before.load(guest::KEEPER).await;
    let world = World::new();
    let text = second("keeper", "X-Api-Key", "X-Other-Key");
    world.load_with(guest::KEEPER, &text).await.unwrap();
    let mut account = Account::nowhere();
    account.approved = Some(approval(&manifest("keeper")));
    let acme = world.connect("acme", guest::KEEPER, account);
    expect![[r#"refused: connector "keeper" 2.0.0 asks for something else than was approved for this connection; compare the two with `brightsync inspect --against`, and approve it or load the version that was approved"#]].assert_eq(&get_me(&acme).await);
    let pending = acme.pending().unwrap();
    assert_eq!(pending.difference, None, "there is nothing to compare with");
    acme.approve(pending.approval).unwrap();
    assert_eq!(get_me(&acme).await, "answer");
}

/// The difference between the manifest of a guest and one with a text put in place of another.
#[track_caller]
fn check(from: &str, to: &str, expected: Expect) {
    let (old, new) = (manifest("asker"), second("asker", from, to));
    let (old, new) = (
        Manifest::parse(&old).unwrap(),
        Manifest::parse(&new).unwrap(),
    );
    let difference = brightsync_core::manifest::Difference::between(&old, &new);
    let same = Approval::after_consent_to(&old) == Approval::after_consent_to(&new);
    assert_eq!(difference.is_none(), same);
    expected.assert_eq(&difference.to_string());
}

#[test]
fn a_difference_names_every_piece_of_authority() {
    check("title = \"Guest", "title = \"Other", expect![[""]]);
    check(
        "why = \"the CRM\"",
        "why = \"the CRM\"\nmethods = [\"GET\"]",
        expect![[r#"
            - host {site}: all requests
            + host {site}: GET
        "#]],
    );
    check(
        "kind = \"text\"\n",
        "kind = \"text\"\npattern = \"[a-z]\"\n",
        expect![[r#"
            - setting deed: any text
            + setting deed: text like [a-z]
        "#]],
    );
    check(
        "[auth.key]",
        "[auth.other]",
        expect![[r#"
            - recipe key: asks for key
            - recipe key: header x-api-key: {key}
            + recipe other: asks for key
            + recipe other: header x-api-key: {key}
            - audience key: {site}
            + audience other: {site}
        "#]],
    );
    check(
        "[functions]",
        "[[redact]]\npath = \"me\"\npointers = [\"/token\"]\n[functions]",
        expect![[r#"
            + redaction me: /token
        "#]],
    );
    check(
        "publisher = \"Tests\"",
        "publisher = \"Others\"",
        expect![[r#"
            - publisher: Tests
            + publisher: Others
        "#]],
    );
}
