//! A session is renewed before it ends, once, whoever needs it; and when nothing helps, somebody is told what to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brightsync_core::recipe::Reason;
use brightsync_runtime::{AccountStatus, ConnectError, Connection, End, Event, Refused};
use brightsync_sandbox::{Fault, Registered, Rule};
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::ways::{Time, Ways, described, who, write};
use brightsync_tests::world::{Account, World};
use expect_test::expect;
use futures::future::join_all;
use serde_json::json;

/// An account that a person has connected, with tokens that hold an hour and refresh tokens that are good once.
async fn signed_in() -> (Ways, Connection) {
    let ways = Ways::open().await;
    let client = ways.client(|_| {});
    let acme = ways.sign_in("plain-code", &client).await;
    (ways, acme)
}

/// A fault that strikes requests to a path.
fn at(path: &str, times: u32, fault: Fault) -> Rule {
    Rule {
        method: None,
        path: Some(path.to_owned()),
        times,
        fault,
    }
}

fn says(status: u16, body: serde_json::Value) -> Fault {
    Fault::Answer {
        status,
        media_type: "application/json".to_owned(),
        body: body.to_string(),
        done: false,
    }
}

/// Waits until all renewals that are under way have ended.
async fn settled(ways: &Ways, count: u64) {
    while ways.crm.counts().refreshed < count
        || ways.events().len() < 1 + usize::try_from(count).unwrap()
    {
        tokio::task::yield_now().await;
    }
}

/// Why the host does not make a call.
async fn refusal(connection: &Connection) -> (Reason, String) {
    let error = connection.get_me().await.unwrap_err();
    match error.end.as_ref() {
        End::Refused(it @ Refused::Credential { trouble, .. }) => {
            (trouble.reason(), it.to_string())
        }
        end => panic!("{end}"),
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_time_and_nobody_waits_for_it() {
    let (ways, acme) = signed_in().await;
    ways.time.pass(3299);
    assert!(who(&acme).await.starts_with("200 "));
    assert_eq!(ways.crm.counts().refreshed, 0, "it is not time yet");
    ways.time.pass(1);
    assert!(who(&acme).await.starts_with("200 "));
    settled(&ways, 1).await;
    // By now the first one is over.
    ways.time.pass(300);
    assert!(who(&acme).await.starts_with("200 "));
    assert_eq!(ways.crm.counts().refreshed, 1);
    assert_eq!(ways.events(), ["connected", "refreshed"]);
}

#[tokio::test]
async fn many_calls_at_the_end_of_a_token_renew_it_once() {
    let (ways, acme) = signed_in().await;
    ways.time.pass(3601);
    let told = join_all((0..16).map(|_| who(&acme))).await;
    assert!(told.iter().all(|it| it.starts_with("200 ")), "{told:?}");
    let counts = ways.crm.counts();
    assert_eq!((counts.refreshed, counts.reused), (1, 0));
}

#[tokio::test]
async fn hosts_on_one_vault_renew_once_and_use_each_others_tokens() {
    let (ways, acme) = signed_in().await;
    let other = Ways::beside(&ways).await;
    let there = other.same();
    for round in 1..=5 {
        ways.time.pass(3601);
        let calls = (0..8).map(|it| who(if it % 2 == 0 { &acme } else { &there }));
        let told = join_all(calls).await;
        assert!(told.iter().all(|it| it.starts_with("200 ")), "{told:?}");
        let counts = ways.crm.counts();
        assert_eq!((counts.refreshed, counts.reused), (round, 0));
    }
}

#[tokio::test]
async fn an_answer_that_the_token_is_no_longer_good_renews_it_and_repeats_any_request_once() {
    let (ways, acme) = signed_in().await;
    ways.time.pass(60);
    ways.crm
        .faults()
        .add(at("/accounts", 1, Fault::Unauthorized));
    assert_eq!(write(&acme).await, "201");
    assert_eq!(ways.crm.counts().refreshed, 1);
    let made = ways.crm.requests().entries();
    let made = made.iter().filter(|it| it.path == "/accounts").count();
    assert_eq!(made, 2, "once refused, once carried out");
}

#[tokio::test]
async fn an_answer_that_only_the_manifest_knows_as_the_end_of_a_token_renews_it_too() {
    let (ways, acme) = signed_in().await;
    ways.time.pass(60);
    let over = |code: &str| says(403, json!({"error": {"code": code}}));
    ways.crm.faults().add(at("/users", 1, over("session_over")));
    assert!(who(&acme).await.starts_with("200 "));
    ways.time.pass(60);
    ways.crm
        .faults()
        .add(at("/users", 1, over("missing_scope")));
    assert!(who(&acme).await.starts_with("403"));
    assert_eq!(ways.crm.counts().refreshed, 1);
}

#[tokio::test]
async fn a_crm_that_refuses_every_token_is_not_asked_for_more_and_more() {
    let (ways, acme) = signed_in().await;
    ways.crm
        .faults()
        .add(at("/users", 1000, Fault::Unauthorized));
    // It was issued just now.
    assert!(who(&acme).await.starts_with("401"));
    assert_eq!(ways.crm.counts().refreshed, 0);
    for expected in [1, 1, 2, 2] {
        ways.time.pass(12);
        assert!(who(&acme).await.starts_with("401"));
        assert_eq!(ways.crm.counts().refreshed, expected);
    }
}

#[tokio::test]
async fn an_access_that_was_taken_back_is_told_once_and_lasts_until_somebody_connects_again() {
    let (ways, acme) = signed_in().await;
    let gone = json!({"error": "invalid_grant", "error_description": "the token was revoked"});
    ways.crm
        .faults()
        .add(at("/oauth/token", 1, says(400, gone)));
    ways.time.pass(3601);
    assert!(!who(&acme).await.starts_with("200"));
    for _ in 0..3 {
        let (reason, told) = refusal(&acme).await;
        assert_eq!(reason, Reason::Revoked);
        expect!["since Mon, 21 Sep 2026 15:13:21 GMT, the access to the CRM was taken back (invalid_grant: the token was revoked); connect the account again"].assert_eq(&told);
    }
    let AccountStatus::NeedsReconnecting(broken) = acme.account().await.unwrap() else {
        panic!("it works");
    };
    assert_eq!(broken.since, ways.time.now());
    assert_eq!(ways.events(), ["connected", "revoked"]);

    // Connected again by another process, this connection works without anybody touching it.
    let client = ways.client(|_| {});
    let elsewhere = Ways::beside(&ways).await;
    elsewhere.sign_in("plain-code", &client).await;
    ways.time.pass(2);
    assert!(who(&acme).await.starts_with("200 "));
}

#[tokio::test]
async fn a_server_that_cannot_answer_is_left_alone_for_a_while_and_tried_again() {
    let (ways, acme) = signed_in().await;
    let ill = || says(503, json!({}));
    ways.crm.faults().add(at("/oauth/token", 1, ill()));
    ways.time.pass(3601);
    assert!(!who(&acme).await.starts_with("200"));
    let asked = |ways: &Ways| {
        let entries = ways.crm.requests().entries();
        entries
            .iter()
            .filter(|it| it.path == "/oauth/token")
            .count()
    };
    let before = asked(&ways);
    assert!(!who(&acme).await.starts_with("200"));
    assert_eq!(asked(&ways), before, "within a second nothing is asked");
    ways.time.pass(2);
    assert!(who(&acme).await.starts_with("200 "));
    assert_eq!(ways.events(), ["connected", "refreshed"]);
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_says_that_it_was_interrupted_and_when() {
    let (ways, acme) = signed_in().await;
    // The server has replaced the refresh token, and nobody has the new one.
    ways.crm
        .faults()
        .add(at("/oauth/token", 1, Fault::CutAfter));
    ways.time.pass(3601);
    let lost = ways.time.now();
    assert!(!who(&acme).await.starts_with("200"));
    ways.time.pass(60);
    assert!(!who(&acme).await.starts_with("200"));
    let (reason, told) = refusal(&acme).await;
    assert_eq!(reason, Reason::Interrupted);
    assert!(
        told.contains("a renewal was cut off in its middle"),
        "{told}"
    );
    let AccountStatus::NeedsReconnecting(broken) = acme.account().await.unwrap() else {
        panic!("it works");
    };
    assert_eq!(broken.since, lost);
}

#[tokio::test]
async fn a_lost_answer_of_a_server_that_does_not_rotate_is_no_loss() {
    let ways = Ways::open().await;
    let client = ways.client(|it| it.rotation = false);
    let acme = ways.sign_in("plain-code", &client).await;
    ways.crm
        .faults()
        .add(at("/oauth/token", 1, Fault::CutAfter));
    ways.time.pass(3601);
    assert!(!who(&acme).await.starts_with("200"));
    ways.time.pass(60);
    assert!(who(&acme).await.starts_with("200 "));
}

#[tokio::test]
async fn a_call_that_is_given_up_does_not_lose_the_token_that_it_asked_for() {
    let (ways, acme) = signed_in().await;
    ways.crm
        .faults()
        .add(at("/oauth/token", 1, Fault::Slow { pause: 1 }));
    ways.time.pass(3601);
    let call = who(&acme);
    // The token is asked for, and whoever wanted it goes.
    let asked = async {
        while ways.crm.counts().refreshed == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = call => panic!("it is slow"),
        () = asked => {}
    }
    ways.world.host.shut_down().await;
    assert_eq!(ways.events(), ["connected", "refreshed"]);
    let other = Ways::beside(&ways).await;
    assert!(who(&other.same()).await.starts_with("200 "));
    let counts = ways.crm.counts();
    assert_eq!((counts.refreshed, counts.reused), (1, 0));
}

#[tokio::test]
async fn an_account_that_is_removed_is_given_back_and_wiped() {
    let (ways, acme) = signed_in().await;
    let removed = acme.remove_account().await.unwrap();
    expect![[r#"{"wiped":["client-id","client-secret","refresh-token","token"],"revoked":true}"#]]
        .assert_eq(&serde_json::to_string(&removed).unwrap());
    assert_eq!(ways.crm.counts().revoked, 1);
    assert_eq!(acme.account().await.unwrap(), AccountStatus::NotConnected);
    let (reason, _) = refusal(&acme).await;
    assert_eq!(reason, Reason::NotConnected);
    assert_eq!(ways.events(), ["connected", "removed"]);
}

#[tokio::test]
async fn a_callback_is_good_once_for_its_own_connection_and_for_ten_minutes() {
    let ways = Ways::open().await;
    let client: Registered = ways.client(|_| {});
    let ann = ways.crm.credentials().users[0].clone();
    let unknown = |told: Result<_, ConnectError>| matches!(told, Err(ConnectError::UnknownAttempt));

    let begun = ways.begin("plain-code", &client).await;
    let sent_to = ways.crm.allow(begun.url.as_str(), &ann).await.unwrap();
    let query = sent_to.split_once('?').unwrap().1;
    let mallory = brightsync_runtime::ConnectionKey::new("mallory", "crm").unwrap();
    assert!(
        unknown(ways.world.host.finish(&mallory, query).await),
        "somebody else's"
    );
    let other = sent_to.replace(&begun.state, "another-state");
    assert!(unknown(ways.finish(&other).await), "of another state");
    assert!(unknown(ways.finish("http://x/?code=c").await), "of none");
    ways.finish(&sent_to).await.unwrap();
    assert!(unknown(ways.finish(&sent_to).await), "a second time");

    let begun = ways.begin("plain-code", &client).await;
    let sent_to = ways.crm.allow(begun.url.as_str(), &ann).await.unwrap();
    ways.time.pass(600);
    assert!(unknown(ways.finish(&sent_to).await), "too late");

    let begun = ways.begin("plain-code", &client).await;
    let sent_to = ways.crm.deny(begun.url.as_str()).await.unwrap();
    let told = ways.finish(&sent_to).await.unwrap_err().to_string();
    assert!(
        told.starts_with("the consent was not given, or was withdrawn (access_denied"),
        "{told}"
    );
}

#[tokio::test]
async fn the_same_event_tells_an_embedder_what_a_message_tells_a_person() {
    let (ways, acme) = signed_in().await;
    let gone = json!({"error": "invalid_grant", "error_description": "it has expired"});
    ways.crm
        .faults()
        .add(at("/oauth/token", 1, says(400, gone)));
    ways.time.pass(3601);
    who(&acme).await;
    let told = ways.told();
    let Some(Event::NeedsReconnecting(trouble)) = told.last() else {
        panic!("{told:?}");
    };
    assert_eq!(trouble.reason(), Reason::Expired);
}

/// A CRM by whose time an hour has passed at each of the first requests, so that it refuses what was good when it was sent.
async fn slow_to_arrive(late: usize) -> (String, usize, usize) {
    let time = Time::new();
    let crm = Server::start();
    let (passes, asked) = (time.clone(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    crm.otherwise(move |it| match it.line.as_str() {
        "POST /oauth/token" => Answer::json(
            200,
            &json!({"access_token": "a-token-of-an-hour", "expires_in": 3600}),
        ),
        _ if count.fetch_add(1, Ordering::Relaxed) < late => {
            passes.pass(3601);
            Answer::json(401, &json!({}))
        }
        _ => Answer::json(200, &json!({})),
    });
    let world = World::with(|it| it.clock(move || time.now()));
    world.load_with(guest::ASKER, &described()).await.unwrap();
    let fields = [
        ("client-id", "i"),
        ("client-secret", "s"),
        ("user", "ann"),
        ("password", "p"),
    ];
    let account = Account::at(&crm).credential("owner", &fields);
    let acme = world.connect("acme", guest::ASKER, account);
    let told = who(&acme).await;
    let tokens = crm
        .asked()
        .iter()
        .filter(|it| it.line == "POST /oauth/token")
        .count();
    (told, asked.load(Ordering::Relaxed), tokens)
}

#[tokio::test]
async fn a_token_that_ended_on_its_way_is_no_refusal_of_the_next_one() {
    assert_eq!(slow_to_arrive(0).await, ("200 nobody".to_owned(), 1, 1));
    assert_eq!(slow_to_arrive(1).await, ("200 nobody".to_owned(), 2, 2));
    assert_eq!(slow_to_arrive(3).await, ("200 nobody".to_owned(), 4, 4));
    // But not for ever.
    assert_eq!(slow_to_arrive(1000).await, ("401 nobody".to_owned(), 4, 4));
}
