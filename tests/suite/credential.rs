//! A credential goes where its audience is, in the way that the recipe names, and nowhere else.

use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, World, ask};
use expect_test::{Expect, expect};
use serde_json::json;

/// One request with this credential, as the CRM saw it.
async fn check(line: &str, recipe: &str, fields: &[(&str, &str)], expected: Expect) {
    let crm = Server::start();
    crm.once(line, Answer::text(200, ""));
    let world = World::new();
    let acme = world
        .open(guest::ASKER, Account::at(&crm).credential(recipe, fields))
        .await;
    acme.get_me().await.unwrap();
    expected.assert_eq(&crm.transcript());
}

#[tokio::test]
async fn each_recipe_puts_the_credential_where_it_says() {
    check(
        "GET /me",
        "bearer",
        &[("token", "secret-of-acme")],
        expect![[r#"
        GET /me
        accept: */*
        authorization: Bearer secret-of-acme
    "#]],
    )
    .await;
    check(
        "GET /me",
        "basic",
        &[("user", "ann"), ("password", "secret-of-acme")],
        expect![[r#"
        GET /me
        accept: */*
        authorization: Basic YW5uOnNlY3JldC1vZi1hY21l
    "#]],
    )
    .await;
    check(
        "GET /me",
        "key",
        &[("key", "secret-of-acme")],
        expect![[r#"
        GET /me
        accept: */*
        x-api-key: secret-of-acme
    "#]],
    )
    .await;
    check(
        "GET /me?api_token=secret-of-acme",
        "parameter",
        &[("key", "secret-of-acme")],
        expect![[r#"
        GET /me?api_token=secret-of-acme
        accept: */*
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_second_granted_host_gets_no_credential() {
    let (crm, elsewhere) = (Server::start(), Server::start());
    crm.once("GET /me", Answer::text(200, ""));
    elsewhere.once("GET /me", Answer::text(200, ""));
    let world = World::new();
    let account = Account::at(&crm)
        .bearer("secret-of-acme")
        .set("elsewhere", &elsewhere.origin())
        .grant(&elsewhere.origin())
        // Granted as an audience as well, but the recipe does not ask for it.
        .trust(&elsewhere.origin())
        .reach(&elsewhere);
    let acme = world.open(guest::ASKER, account).await;
    let there = format!("{}/me", elsewhere.origin());
    ask(&acme, &[json!({"url": "me"}), json!({"url": there})]).await;
    assert_eq!(
        crm.asked()[0].header("authorization"),
        Some("Bearer secret-of-acme")
    );
    assert_eq!(elsewhere.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_grant_without_an_audience_sends_no_credential() {
    let crm = Server::start();
    crm.once("GET /me", Answer::text(200, ""));
    let world = World::new();
    let account = Account::default()
        .set("site", &crm.origin())
        .grant(&crm.origin())
        .reach(&crm)
        .bearer("secret-of-acme");
    let acme = world.open(guest::ASKER, account).await;
    acme.get_me().await.unwrap();
    assert_eq!(crm.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_credential_for_no_recipe_of_the_connector_is_a_refusal() {
    let world = World::new();
    for (recipe, fields, expected) in [
        (
            "oauth",
            [("token", "x")],
            expect![
                "refused: the connection does not fit the connector: it has no way to authenticate that is called oauth"
            ],
        ),
        (
            "basic",
            [("user", "ann")],
            expect![
                "refused: the connection does not fit the connector: the credential lacks the field password"
            ],
        ),
    ] {
        let account = Account::nowhere().credential(recipe, &fields);
        let acme = world.open(guest::ASKER, account).await;
        expected.assert_eq(&brightsync_tests::story::end(&acme.get_me().await));
    }
}
