//! What is kept between calls is kept apart, in bounds, and nowhere but in the state.

use brightsync_runtime::{Connection, ConnectionKey};
use brightsync_tests::guest;
use brightsync_tests::world::{Account, World};
use expect_test::expect;

async fn told(connection: &Connection) -> String {
    connection.get_me().await.unwrap().org_name.unwrap()
}

fn with_deed(deed: &str) -> Account {
    Account::nowhere().set("deed", deed)
}

#[tokio::test]
async fn memory_is_fresh_in_every_call_and_the_state_is_not() {
    let world = World::new();
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    assert_eq!(
        told(&acme).await,
        "in memory 1, in the state 1, keys 0, much false"
    );
    assert_eq!(
        told(&acme).await,
        "in memory 1, in the state 2, keys 0, much false"
    );
}

#[tokio::test]
async fn no_tenant_sees_the_state_of_another() {
    let world = World::new();
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    let other = world.connect("other", guest::KEEPER, Account::nowhere());
    told(&acme).await;
    assert_eq!(
        told(&other).await,
        "in memory 1, in the state 1, keys 0, much false"
    );
}

#[tokio::test]
async fn the_state_goes_with_its_connection() {
    let world = World::new();
    let acme = world.open(guest::KEEPER, Account::nowhere()).await;
    told(&acme).await;
    world
        .host
        .disconnect(&ConnectionKey::new("acme", "crm").unwrap());
    assert_eq!(
        told(&acme).await,
        "in memory 1, in the state 1, keys 0, much false"
    );
}

#[tokio::test]
async fn a_full_state_refuses_more_and_ends_nothing() {
    let world = World::new();
    let acme = world.open(guest::KEEPER, with_deed("fill up")).await;
    expect!["in memory 1, in the state 1, keys 64, much false"].assert_eq(&told(&acme).await);
    let much = world.connect("much", guest::KEEPER, with_deed("keep much"));
    expect!["in memory 1, in the state 1, keys 0, much false"].assert_eq(&told(&much).await);
}
