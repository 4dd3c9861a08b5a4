//! Tests of the vault, and what they share.

mod contract;
mod key_sources;
mod rotating;
mod seals;
mod sqlite_file;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::*;
use crate::connection::ConnectionKey;

/// A clock that moves when it is told to.
#[derive(Clone)]
struct TestClock(Arc<AtomicI64>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_000_000_000_000)))
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn advance(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(time, Ordering::SeqCst);
    }

    fn set_back(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap();
        self.0.fetch_sub(time, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let time = Arc::clone(&self.0);
        Arc::new(move || time.load(Ordering::SeqCst))
    }
}

fn slot(tenant: &str) -> Slot {
    Slot::Connection {
        key: ConnectionKey::new(tenant, "crm").unwrap(),
        connector: "espocrm".parse().unwrap(),
        recipe: "api-key".parse().unwrap(),
    }
}

/// A list with one key of this name, always of the same bytes.
fn line(id: &str, byte: u8) -> String {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
    format!("{id}:{key}\n")
}

async fn keys(list: &str) -> Keys {
    Keys::read(KeySource::variable("KEYS", list)).await.unwrap()
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    let texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

#[test]
fn the_text_of_a_slot_names_it_and_no_other() {
    let key = |tenant, name| ConnectionKey::new(tenant, name).unwrap();
    let connection = |key, connector: &str, recipe: &str| Slot::Connection {
        key,
        connector: connector.parse().unwrap(),
        recipe: recipe.parse().unwrap(),
    };
    let application = |connector: &str, recipe: &str| Slot::Application {
        connector: connector.parse().unwrap(),
        recipe: recipe.parse().unwrap(),
    };
    let slots = [
        connection(key("a", "b-c"), "d", "e"),
        connection(key("a-b", "c"), "d", "e"),
        connection(key("a", "b"), "c-d", "e"),
        connection(key("a", "b"), "c", "d-e"),
        connection(key("A", "b"), "c", "d-e"),
        connection(key("application", "x"), "y", "z"),
        application("y", "z"),
        application("connection", "z"),
    ];
    let texts: std::collections::BTreeSet<_> = slots.iter().map(Slot::to_string).collect();
    assert_eq!(texts.len(), slots.len());
    for slot in slots {
        assert_eq!(slot.to_string().parse(), Ok(slot));
    }
    for foreign in [
        "",
        "application",
        "application/x",
        "application/x/y/z",
        "connection/a/b/c",
        "connection/a/b/c/d/e",
        "connection//b/c/d",
        "connection/a/b/C/d",
        "connection/a b/b/c/d",
        "Connection/a/b/c/d",
        " application/x/y",
        "application/x/y\n",
    ] {
        assert!(foreign.parse::<Slot>().is_err(), "{foreign:?}");
    }
}

#[tokio::test]
async fn the_slots_of_a_connection_are_not_those_of_one_whose_name_begins_alike() {
    let vault = Vault::in_memory().unwrap();
    for tenant in ["acme", "acme2", "acm", "Acme"] {
        vault.write(&slot(tenant), None, b"x").await.unwrap();
    }
    let application = Slot::Application {
        connector: "espocrm".parse().unwrap(),
        recipe: "oauth".parse().unwrap(),
    };
    vault.write(&application, None, b"x").await.unwrap();
    let of = Slots::Connection(ConnectionKey::new("acme", "crm").unwrap());
    let found = vault.slots(&of, None, 10).await.unwrap();
    assert_eq!(found, [slot("acme")]);
    let all = vault.slots(&Slots::All, None, 10).await.unwrap();
    assert_eq!(all.len(), 5);
    let rest = vault.slots(&Slots::All, Some(&all[2]), 10).await.unwrap();
    assert_eq!(rest, all[3..]);
}

#[tokio::test]
async fn what_is_opened_does_not_print() {
    let vault = Vault::in_memory().unwrap();
    vault
        .write(&slot("acme"), None, b"hunter2-hunter2")
        .await
        .unwrap();
    let opened = vault.read(&slot("acme")).await.unwrap().unwrap();
    let printed = format!("{opened:?} {vault:?}");
    assert!(printed.contains("version"), "{printed}");
    let as_numbers = format!("{:?}", b"hunter2");
    let as_numbers = as_numbers.trim_matches(['[', ']']);
    assert!(!printed.contains("hunter2") && !printed.contains(as_numbers));
    assert_eq!(&**opened.into_plain(), b"hunter2-hunter2");
}

#[tokio::test]
async fn the_vault_hands_a_lease_to_one_holder() {
    let vault = Vault::in_memory().unwrap();
    let (acme, time) = (slot("acme"), Duration::from_secs(30));
    let taken = vault.lease(&acme, "one", time).await.unwrap();
    assert_eq!(taken, Lease::Taken { interrupted: None });
    let held = vault.lease(&acme, "two", time).await.unwrap();
    assert!(matches!(held, Lease::Held { .. }));
    assert!(!vault.release(&acme, "two").await.unwrap());
    assert!(vault.release(&acme, "one").await.unwrap());
}

#[test]
fn this_process_leaves_no_core_dump() {
    let answer = keep_out_of_core_dumps().unwrap();
    if cfg!(unix) {
        assert_eq!(answer, CoreDumps::Off);
    }
    #[cfg(unix)]
    assert_eq!(rlimit::getrlimit(rlimit::Resource::CORE).unwrap(), (0, 0));
    #[cfg(target_os = "linux")]
    assert_eq!(
        rustix::process::dumpable_behavior().unwrap(),
        rustix::process::DumpableBehavior::NotDumpable
    );
    // What a host needs to find itself for the process that compiles.
    assert!(std::env::current_exe().is_ok());
}
