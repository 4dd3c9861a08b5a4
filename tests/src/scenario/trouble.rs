//! What goes wrong: access is lost, a limit is hit, the CRM is down.

use std::collections::BTreeSet;

use brightsync_core::crm::error::Reason;
use brightsync_crms::Trouble;
use brightsync_runtime::JsonCallError;
use serde_json::{Value, json};

use super::reads::{Reading, overlap};
use super::{crowd, reason};
use crate::scene::Scene;

/// An administrator takes the access away: the user is asked to reconnect, whatever is called.
pub async fn revoked_credential(scene: &dyn Scene) {
    let customer = scene.customer();
    customer.ask("get-me", json!({})).await;
    scene.revoke();
    for (function, arguments) in [
        ("get-me", json!({})),
        ("get-my-contacts", json!({"request": {"owner": "anyone"}})),
        (
            "create-contact",
            json!({"contact": {"full-name": "Ann Lee"}}),
        ),
    ] {
        let error = customer.call(function, arguments).await;
        let error = error.expect_err("nobody comes in");
        let lost = match reason(&error) {
            Some(Reason::Unauthorized) => true,
            // The host knows already that only a person can mend it.
            None => {
                matches!(&error, JsonCallError::Call(it) if it.end.to_string().contains("reconnect"))
            }
            Some(_) => false,
        };
        assert!(lost, "{function}: {error:?}");
    }
}

/// A scope or a right is missing: the refusal is no lost credential, and names what is missing.
pub async fn missing_scope(scene: &dyn Scene) {
    scene.customer().ask("get-me", json!({})).await;
    let restricted = scene.restrict();
    let customer = scene.customer();
    let error = customer
        .call(restricted.function, restricted.arguments)
        .await;
    let error = error.expect_err("the right is missing");
    let Some(Reason::Forbidden(kind)) = reason(&error) else {
        panic!("{error:?}");
    };
    let JsonCallError::Call(error) = &error else {
        panic!("{error:?}");
    };
    let message = &error
        .connector_error()
        .expect("an error of the connector")
        .message;
    assert!(message.contains(&restricted.names), "{kind:?}: {message}");
    // The account is still connected.
    customer.ask("get-me", json!({})).await;
}

/// A limit is hit in the middle of a read: it is told as a limit, and the page that was refused can be asked for again.
pub async fn limit_in_the_middle(scene: &dyn Scene) {
    interrupted(scene, Trouble::Limit, |refusal| {
        refusal.contains("RateLimited")
    })
    .await;
}

/// The CRM is down in the middle of a read, and an answer breaks off: the pages that were refused can be asked for again.
pub async fn outage_in_the_middle(scene: &dyn Scene) {
    for trouble in [Trouble::Outage, Trouble::Cut] {
        interrupted(scene, trouble, |refusal| refusal.contains("Unavailable")).await;
    }
}

async fn interrupted(scene: &dyn Scene, trouble: Trouble, expected: impl Fn(&str) -> bool) {
    scene.add_people(crowd(350)).await;
    scene.pass(overlap(scene) + 1_000);
    let mut reading = Reading::of(scene, &json!("all")).sized(100);
    let mut read = Vec::new();
    let first = reading.next().await.expect("a page");
    read.extend(first.expect("nothing is wrong yet"));
    // More often than the host asks again.
    scene.trouble(50, trouble);
    let refused = reading.next().await.expect("a page");
    let refused = refused.expect_err("the trouble was not noticed");
    assert!(expected(&refused), "{trouble:?}: {refused}");
    scene.calm();
    loop {
        match reading.next().await {
            None => break,
            Some(Ok(page)) => read.extend(page),
            // The host keeps to the limit until it is over, and refuses without a request.
            Some(Err(refused)) => {
                assert!(refused.contains("RateLimited"), "{refused}");
                tokio::task::yield_now().await;
            }
        }
    }
    let ids: BTreeSet<Option<&str>> = read
        .iter()
        .map(|it| it.pointer("/present/ref/id").and_then(Value::as_str))
        .collect();
    let there = scene.people().await;
    assert_eq!((ids.len(), read.len()), (there.len(), there.len()));
}
