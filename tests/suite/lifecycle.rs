//! Connectors come, change and go, hosts stop and callers leave, while calls run.

use std::sync::Arc;

use brightsync_runtime::{ConnectionKey, Host, Suspension};
use brightsync_tests::server::{Answer, Gate, Server};
use brightsync_tests::world::{Account, World, manifest};
use brightsync_tests::{guest, story};
use expect_test::expect;
use futures::poll;
use serde_json::json;

/// A host with the good connector, and a CRM that holds its answer to the first `get-me` back.
struct Held {
    world: World,
    crm: Server,
    gate: Gate,
}

impl Held {
    async fn start() -> Self {
        let (crm, gate) = (Server::start(), Gate::default());
        crm.once("GET /me", me().behind(&gate));
        let world = World::new();
        world.load(guest::GOOD).await;
        Self { world, crm, gate }
    }

    fn acme(&self) -> brightsync_runtime::Connection {
        self.world
            .connect("acme", guest::GOOD, Account::at(&self.crm))
    }

    /// The versions of the connector that the calls so far ran on, and how they ended.
    fn versions(&self) -> Vec<(String, &'static str)> {
        let reports = self.world.reports();
        reports
            .into_iter()
            .map(|it| (it.version, it.outcome))
            .collect()
    }
}

fn me() -> Answer {
    Answer::json(200, &json!({"id": "7", "name": "Ann"}))
}

fn version(number: &str) -> String {
    manifest("good").replace("1.0.0", number)
}

#[tokio::test]
async fn a_call_in_flight_ends_on_the_version_that_it_began_with() {
    let held = Held::start().await;
    let acme = held.acme();
    let call = tokio::spawn({
        let acme = acme.clone();
        async move { acme.get_me().await }
    });
    held.crm.was_asked().await;

    let loaded = held
        .world
        .load_with(guest::GOOD, &version("2.0.0"))
        .await
        .unwrap();
    assert!(loaded.replaced.is_some());
    held.crm.once("GET /me", me());
    acme.get_me().await.unwrap();
    held.gate.open();
    call.await.unwrap().unwrap();

    assert_eq!(
        held.versions(),
        [
            ("2.0.0".to_owned(), "answer"),
            ("1.0.0".to_owned(), "answer")
        ]
    );
}

#[tokio::test]
async fn a_version_that_does_not_load_changes_nothing() {
    let world = World::new();
    let crm = Server::start();
    crm.always("GET /me", me());
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    let mut broken = brightsync_tests::world::with_manifest(guest::GOOD, &version("2.0.0"));
    broken.truncate(broken.len() / 2);
    world.host.load(broken).await.unwrap_err();
    acme.get_me().await.unwrap();
    assert_eq!(world.reports()[0].version, "1.0.0");
}

#[tokio::test]
async fn a_connector_that_is_unloaded_ends_its_calls_and_gets_no_more() {
    let held = Held::start().await;
    let acme = held.acme();
    let call = tokio::spawn({
        let acme = acme.clone();
        async move { acme.get_me().await }
    });
    held.crm.was_asked().await;

    assert!(held.world.host.unload(&"good".parse().unwrap()));
    assert!(
        !held.world.host.unload(&"good".parse().unwrap()),
        "it is gone already"
    );
    expect![[r#"refused: no connector "good" is loaded"#]]
        .assert_eq(&story::end(&acme.get_me().await));
    held.gate.open();
    call.await.unwrap().unwrap();
    assert!(held.world.host.connectors().is_empty());
}

#[tokio::test]
async fn shutting_down_waits_for_calls_in_flight_and_refuses_new_ones() {
    let held = Held::start().await;
    let acme = held.acme();
    let call = tokio::spawn({
        let acme = acme.clone();
        async move { acme.get_me().await }
    });
    held.crm.was_asked().await;

    let mut down = Box::pin(held.world.host.shut_down());
    assert!(poll!(&mut down).is_pending());
    expect!["refused: the host is shutting down"].assert_eq(&story::end(&acme.get_me().await));
    let load = held.world.load_with(guest::GOOD, &version("2.0.0")).await;
    expect!["the host is shutting down"].assert_eq(&load.unwrap_err().to_string());
    assert!(poll!(&mut down).is_pending());
    held.gate.open();
    down.await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_request_along() {
    let crm = Server::start();
    crm.once("GET /me", Answer::Never);
    let world = World::new();
    let acme = world.open(guest::GOOD, Account::at(&crm)).await;
    let call = tokio::spawn(async move { acme.get_me().await });
    crm.was_asked().await;
    call.abort();
    crm.was_hung_up_on().await;
    assert!(call.await.unwrap_err().is_cancelled());
    world.host.shut_down().await;
}

async fn check_suspension(
    host: &Host,
    what: Suspension,
    acme: &brightsync_runtime::Connection,
) -> String {
    host.suspend(what.clone());
    let refused = acme.get_me().await;
    host.resume(&what);
    acme.get_me().await.expect("the suspension is taken back");
    story::end(&refused)
}

#[tokio::test]
async fn an_operator_suspends_a_connector_a_tenant_or_a_connection_at_once() {
    let world = World::new();
    let acme = world.open(guest::QUITTER, Account::nowhere()).await;
    let key = ConnectionKey::new("acme", "crm").unwrap();
    for (what, expected) in [
        (
            Suspension::Connector("quitter".parse().unwrap()),
            expect!["refused: connector quitter is suspended by an operator"],
        ),
        (
            Suspension::Tenant("acme".to_owned()),
            expect!["refused: tenant acme is suspended by an operator"],
        ),
        (
            Suspension::Connection(key),
            expect!["refused: connection acme/crm is suspended by an operator"],
        ),
    ] {
        expected.assert_eq(&check_suspension(&world.host, what, &acme).await);
    }
    let other = world.connect("other", guest::QUITTER, Account::nowhere());
    world.host.suspend(Suspension::Tenant("acme".to_owned()));
    other
        .get_me()
        .await
        .expect("another tenant is not suspended");
}

#[tokio::test]
async fn a_tenant_waits_for_its_own_calls_and_not_for_the_places_of_others() {
    let (crm, gate) = (Server::start(), Gate::default());
    crm.once("GET /me", me().behind(&gate));
    let world = World::with(|it| it.slots(2));
    let acme = Arc::new(world.open(guest::GOOD, Account::at(&crm)).await);
    let mut first = Box::pin(acme.get_me());
    let mut second = Box::pin(acme.get_me());
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    let busy = async {
        crm.was_asked().await;
        let bystander = Server::start();
        bystander.once("GET /me", me());
        let other = world.connect("other", guest::GOOD, Account::at(&bystander));
        other.get_me().await.expect("another tenant has a place");
        assert_eq!(crm.asked().len(), 1, "the second call waits for the first");
        crm.once("GET /me", me());
        gate.open();
    };
    let (first, second, ()) = futures::join!(first, second, busy);
    first.unwrap();
    second.unwrap();
}
