//! A read over pages comes to an end, whatever the connector answers as its next page.

use brightsync_core::crm::page::{PageRequest, ReadRequest};
use brightsync_core::function::Function;
use brightsync_runtime::{CallError, Limits};
use brightsync_tests::world::{Account, World};
use brightsync_tests::{guest, story};
use expect_test::{Expect, expect};
use futures::StreamExt as _;

/// Reads all accounts of a guest that is told to do this: how many pages there were, and how it ended.
async fn check(limits: Limits, deed: &str, expected: Expect) {
    let world = World::with(|it| it.limits(limits));
    let acme = world
        .open(guest::BABBLER, Account::nowhere().set("deed", deed))
        .await;
    let pages: Vec<Result<_, CallError>> = acme.my_accounts(ReadRequest::default()).collect().await;
    let read = pages.iter().filter(|it| it.is_ok()).count();
    let end = story::end(&pages.into_iter().last().unwrap().map(|_| ()));
    expected.assert_eq(&format!("{read} pages, {end}"));
}

#[tokio::test]
async fn the_same_token_twice_ends_the_read() {
    check(Limits::default(), "the same token", expect!["1 pages, the connector failed: it answered the same page token twice, so the read would never end"]).await;
}

#[tokio::test]
async fn pages_without_end_end_at_the_limit() {
    check(
        Limits {
            pages: 5,
            ..Limits::default()
        },
        "pages without end",
        expect!["5 pages, the connector went beyond its limit of pages"],
    )
    .await;
}

#[tokio::test]
async fn a_token_that_is_too_long_or_empty_breaks_the_contract() {
    let world = World::new();
    for (deed, expected) in [
        (
            "long token",
            expect![
                "the connector failed: it answered an id or a token that is not allowed: it has 17408 bytes, and at most 16384 are allowed"
            ],
        ),
        ("empty token", expect![[r#"answer: Some(Token(""))"#]]),
    ] {
        let acme = world
            .open(guest::BABBLER, Account::nowhere().set("deed", deed))
            .await;
        let result = acme
            .get_users(PageRequest::default())
            .await
            .map(|page| page.end.next);
        expected.assert_eq(&story::end(&result));
    }
}

#[tokio::test]
async fn a_token_that_the_connector_never_gave_begins_the_read_again() {
    let world = World::new();
    let acme = world.open(guest::BABBLER, Account::nowhere()).await;
    let page = PageRequest {
        token: Some("made up".parse().unwrap()),
        ..PageRequest::default()
    };
    let result = acme.get_users_by_email(Vec::new(), page).await.map(|_| ());
    expect!["the connector answered cursor-expired: this token is not one of this connector: begin the read again"].assert_eq(&story::end(&result));
}

#[tokio::test]
async fn what_the_manifest_does_not_list_is_refused_without_running_anything() {
    let world = World::new();
    let text = brightsync_tests::world::manifest("babbler");
    let manifest = text.replace("\"get-users\", ", "");
    assert_ne!(text, manifest);
    world.load_with(guest::BABBLER, &manifest).await.unwrap();
    let acme = world.connect("acme", guest::BABBLER, Account::nowhere());
    let error = acme.get_users(PageRequest::default()).await.unwrap_err();
    expect!["refused: the connector does not have get-users; its manifest does not list it"]
        .assert_eq(&error.end.to_string());
    assert!(error.is_unsupported());
    assert_eq!(
        (error.report.memory, error.report.host_calls),
        (0, 0),
        "no instance was made"
    );
}

#[tokio::test]
async fn a_manifest_may_list_what_the_connector_then_does_not_have() {
    let world = World::new();
    let acme = world.open(guest::BABBLER, Account::nowhere()).await;
    let delete = acme.delete_contact("1".parse().unwrap()).await;
    let error = delete.unwrap_err();
    expect!["the connector answered unsupported: this connector does not have delete-contact"]
        .assert_eq(&error.end.to_string());
    assert!(error.is_unsupported());
    assert_eq!(error.report.function, Function::DeleteContact);
}
