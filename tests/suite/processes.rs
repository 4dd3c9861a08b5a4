//! Several processes on one vault: one renewal at a time, and a process that dies in the middle of one leaves a token that works or a clear word.

use std::time::Duration;

use brightsync_core::recipe::Reason;
use brightsync_runtime::{AccountStatus, Connection};
use brightsync_sandbox::{Fault, Rule};
use brightsync_tests::renewers::{Renewers, Work};
use brightsync_tests::ways::{Ways, who};

const PROGRAM: &str = env!("CARGO_BIN_EXE_renewer");

/// By how much the clock of a process is ahead that takes an hour's token for over.
const OVER: i64 = 3_601_000;

/// Beyond every lease that was taken before.
const LATER: i64 = OVER + 60_000;

const ONE_CALL: Work<'_> = Work {
    ahead: OVER,
    tasks: 1,
    calls: 1,
    seconds: 0,
    step: "none",
};

/// An account whose tokens hold an hour.
async fn an_hour() -> Renewers {
    Renewers::connect(PROGRAM, Duration::from_secs(3600)).await
}

/// A host that comes after a process that has died at a step.
async fn after(renewers: &Renewers, step: &str) -> (Ways, Connection) {
    let work = Work { step, ..ONE_CALL };
    let died = renewers.start(work).wait_with_output().await.unwrap();
    assert!(!died.status.success(), "it got past {step}");
    let ways = renewers.host(LATER).await;
    let acme = ways.same();
    (ways, acme)
}

#[tokio::test]
async fn tokens_that_hold_a_second_are_renewed_once_each_by_all_processes_together() {
    let renewers = Renewers::connect(PROGRAM, Duration::from_secs(1)).await;
    let work = Work {
        ahead: 0,
        tasks: 10,
        calls: 20,
        seconds: 3,
        step: "none",
    };
    let done = renewers.all(4, work).await;
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    assert!(800 <= done.calls, "{}", done.calls);
    let counts = renewers.crm.counts();
    assert_eq!((counts.reused, counts.revoked), (0, 0));
    // Nobody renewed what somebody else had renewed already.
    assert_eq!(counts.refreshed, done.renewed);
    assert!(0 < done.renewed);
}

#[tokio::test]
async fn a_process_that_dies_before_it_asks_leaves_the_token_as_it_was() {
    let renewers = an_hour().await;
    let (ways, acme) = after(&renewers, "leased").await;
    assert_eq!(renewers.crm.counts().refreshed, 0);
    let told = who(&acme).await;
    assert!(told.starts_with("200 "), "{told}");
    assert_eq!(ways.events(), ["refreshed"]);
}

#[tokio::test]
async fn a_process_that_dies_when_it_has_asked_is_told_as_an_interrupted_renewal() {
    let renewers = an_hour().await;
    renewers.crm.faults().add(Rule {
        method: None,
        path: Some("/oauth/token".to_owned()),
        times: 1,
        fault: Fault::Slow { pause: 1000 },
    });
    let mut asking = renewers.start(ONE_CALL);
    while renewers.crm.counts().refreshed == 0 {
        assert!(asking.try_wait().unwrap().is_none(), "it has ended");
        tokio::task::yield_now().await;
    }
    asking.kill().await.unwrap();
    let ways = renewers.host(LATER).await;
    interrupted(&ways, &ways.same()).await;
}

#[tokio::test]
async fn a_process_that_dies_with_a_token_in_its_hands_is_told_as_an_interrupted_renewal() {
    let renewers = an_hour().await;
    let (ways, acme) = after(&renewers, "issued").await;
    assert_eq!(renewers.crm.counts().refreshed, 1);
    interrupted(&ways, &acme).await;
}

/// The refresh token was used by a process that is gone; the CRM takes it for stolen, and the connection says why it needs a person.
async fn interrupted(ways: &Ways, acme: &Connection) {
    assert!(!who(acme).await.starts_with("200"));
    let AccountStatus::NeedsReconnecting(broken) = acme.account().await.unwrap() else {
        panic!("it works");
    };
    assert_eq!(broken.trouble.reason(), Reason::Interrupted);
    // When the dead process began, by the store's clock.
    assert!(broken.since <= ways.time.now() - OVER);
    assert_eq!(ways.events(), ["needs-reconnecting"]);
}

#[tokio::test]
async fn a_process_that_dies_when_the_token_is_stored_leaves_the_new_one() {
    let renewers = an_hour().await;
    let (ways, acme) = after(&renewers, "stored").await;
    let told = who(&acme).await;
    assert!(told.starts_with("200 "), "{told}");
    let counts = renewers.crm.counts();
    assert_eq!((counts.refreshed, counts.reused), (1, 0));
    assert!(ways.events().is_empty());
}
