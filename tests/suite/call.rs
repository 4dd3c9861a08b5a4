//! The way of one call through everything, from the embedder to the CRM and back.

use brightsync_core::crm::account::NewAccount;
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::story::without_ports;
use brightsync_tests::world::{Account, World};
use expect_test::expect;
use serde_json::json;

#[tokio::test]
async fn a_call_reaches_the_crm_with_the_credential_and_comes_back_with_its_answer() {
    let crm = Server::start();
    crm.once(
        "GET /me",
        Answer::json(200, &json!({"id": "7", "name": "Ann"})),
    );
    crm.once("POST /accounts", Answer::json(201, &json!({"id": "42"})));
    let world = World::new();
    let acme = world
        .open(guest::GOOD, Account::at(&crm).bearer("a-token-of-acme"))
        .await;

    let me = acme.get_me().await.unwrap();
    let written = acme
        .create_account(NewAccount {
            name: "Umbrella".to_owned(),
            ..NewAccount::default()
        })
        .await
        .unwrap();

    assert_eq!(me.user.unwrap().name, "Ann");
    assert_eq!(written.id.as_str(), "42");
    expect![[r#"
        get-me for acme: answer
          GET http://127.0.0.1:PORT/me -> 200
        create-account for acme: answer
          POST http://127.0.0.1:PORT/accounts -> 201
    "#]]
    .assert_eq(&world.story());
    expect![[r#"
        GET /me
        accept: application/json
        authorization: Bearer a-token-of-acme

        POST /accounts
        accept: application/json
        authorization: Bearer a-token-of-acme
        content-type: application/json

        {"name":"Umbrella"}
    "#]]
    .assert_eq(&without_ports(&crm.transcript()));
}
