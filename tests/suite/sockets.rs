//! Network connections are shared between tenants: whoever keeps slow servers busy is the only one who waits.

use std::time::Duration;

use brightsync_core::crm::page::PageRequest;
use brightsync_runtime::Limits;
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{Account, World, ask};
use expect_test::expect;
use serde_json::json;

/// A host of which two requests are under way at once, one of them a tenant's.
fn narrow(socket_wait: Duration) -> World {
    let limits = Limits {
        socket_wait,
        ..Limits::default()
    };
    World::with(|it| it.sockets(6).limits(limits))
}

#[tokio::test]
async fn a_tenant_that_keeps_slow_servers_busy_keeps_no_other_from_connecting() {
    let (slow, crm) = (Server::start(), Server::start());
    slow.once("GET /me", Answer::Never);
    crm.always("GET /me", Answer::text(200, ""));
    let world = narrow(Duration::ZERO);
    let greedy = world.open(guest::ASKER, Account::at(&slow)).await;
    let held = tokio::spawn({
        let greedy = greedy.clone();
        async move { greedy.get_me().await }
    });
    slow.was_asked().await;

    let answers = ask(&greedy, &[json!({"url": "me"})]).await;
    let modest = world.connect("modest", guest::ASKER, Account::at(&crm));
    modest.get_me().await.expect("another tenant is served");
    held.abort();
    slow.was_hung_up_on().await;
    expect!["the CRM cannot be reached for GET me: busy"]
        .assert_eq(answers[0]["message"].as_str().unwrap_or_default());
    expect![[r#"
        get-users for acme: answer
          GET http://127.0.0.1:PORT/me -> busy
        get-me for modest: answer
          GET http://127.0.0.1:PORT/me -> 200
    "#]]
    .assert_eq(&world.story());
}

#[tokio::test]
async fn who_has_to_wait_for_a_connection_says_nothing_about_the_server() {
    let (slow, gate) = (Server::start(), Gate::default());
    slow.once("GET /me", Answer::text(200, "").behind(&gate));
    slow.always("GET /x", Answer::text(200, ""));
    let world = narrow(Duration::ZERO);
    let greedy = world.open(guest::ASKER, Account::at(&slow)).await;
    let held = tokio::spawn({
        let greedy = greedy.clone();
        async move { greedy.get_me().await }
    });
    slow.was_asked().await;
    // More often than a server may fail before it is left alone.
    ask(&greedy, &[json!({"url": "x", "times": 10})]).await;
    gate.open();
    held.await.unwrap().unwrap();
    let answers = ask(&greedy, &[json!({"url": "x"})]).await;
    assert_eq!(answers[0]["status"], 200, "{answers}");
}

#[tokio::test]
async fn a_request_waits_for_a_connection_and_is_made() {
    let (crm, gate) = (Server::start(), Gate::default());
    crm.always("GET /x", Answer::text(200, "").behind(&gate));
    let world = narrow(Duration::from_secs(20));
    let acme = world.open(guest::ASKER, Account::at(&crm)).await;
    let page = PageRequest {
        extra: [("orders".to_owned(), json!([{"url": "x", "times": 5}]))].into(),
        ..PageRequest::default()
    };
    let let_go = async {
        crm.was_asked().await;
        gate.open();
    };
    let (answered, ()) = futures::join!(acme.get_users_by_email(Vec::new(), page), let_go);
    answered.unwrap();
    assert_eq!((crm.asked().len(), crm.most_in_hand()), (5, 1));
}
