//! What every store has to do, tried on each of them: through several handles, as several processes would have them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::TestClock;
use crate::vault::{LONGEST_LEASE, Lease, MemoryStore, Row, SqliteStore, Store};

type Handles = Vec<Arc<dyn Store>>;

const SLOT: &str = "connection/acme/crm/espocrm/api-key";
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_memory_keeps_the_contract() {
    let clock = TestClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(clock.clock()));
    check(&vec![store; 4], &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_store_in_a_file_keeps_the_contract_for_several_processes() {
    let (clock, folder) = (TestClock::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("vault.db");
    let opening = (0..4).map(|_| {
        let (path, clock) = (path.clone(), clock.clock());
        tokio::spawn(async move { SqliteStore::open_with_clock(&path, clock).await })
    });
    let mut handles = Handles::new();
    for store in opening.collect::<Vec<_>>() {
        handles.push(Arc::new(store.await.unwrap().unwrap()));
    }
    check(&handles, &clock).await;
}

async fn check(handles: &Handles, clock: &TestClock) {
    a_write_follows_just_the_version_that_it_expects(&handles[0], &handles[1]).await;
    no_version_comes_twice(&handles[0]).await;
    another_seal_leaves_the_version(&handles[0], &handles[1]).await;
    slots_are_paged_in_the_order_of_their_bytes(&handles[0]).await;
    a_lease_is_one_holders_until_it_ends(&handles[0], &handles[1], clock).await;
    a_lease_ends_when_the_clock_is_set_back_far(&handles[0], clock).await;
    an_expired_lease_goes_with_its_row(&handles[0], clock).await;
    no_update_is_lost(handles).await;
    one_of_many_has_the_lease(handles).await;
}

async fn a_write_follows_just_the_version_that_it_expects(
    one: &Arc<dyn Store>,
    two: &Arc<dyn Store>,
) {
    assert_eq!(one.read(SLOT).await.unwrap(), None);
    assert_eq!(one.write(SLOT, Some(0), b"a").await.unwrap(), None);
    assert_eq!(one.write(SLOT, Some(1), b"a").await.unwrap(), None);
    assert_eq!(two.read(SLOT).await.unwrap(), None);
    let first = one.write(SLOT, None, b"a").await.unwrap().unwrap();
    assert_eq!(two.write(SLOT, None, b"b").await.unwrap(), None);
    let second = two.write(SLOT, Some(first), b"b").await.unwrap().unwrap();
    assert_eq!(one.write(SLOT, Some(first), b"c").await.unwrap(), None);
    let row = Row {
        version: second,
        sealed: b"b".to_vec(),
    };
    assert_eq!(one.read(SLOT).await.unwrap(), Some(row));
    assert_eq!(one.read("connection/acme").await.unwrap(), None);
    assert!(!one.remove("connection/acme").await.unwrap());
    assert!(one.remove(SLOT).await.unwrap());
    assert!(!two.remove(SLOT).await.unwrap());
    assert_eq!(two.read(SLOT).await.unwrap(), None);
    assert_eq!(two.write(SLOT, Some(second), b"c").await.unwrap(), None);
}

async fn no_version_comes_twice(store: &Arc<dyn Store>) {
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let first = store.write(SLOT, None, b"a").await.unwrap().unwrap();
        let second = store.write(SLOT, Some(first), b"a").await.unwrap().unwrap();
        assert!(seen.insert(first) && seen.insert(second), "{seen:?}");
        store.remove(SLOT).await.unwrap();
    }
}

async fn another_seal_leaves_the_version(one: &Arc<dyn Store>, two: &Arc<dyn Store>) {
    let first = one.write(SLOT, None, b"old").await.unwrap().unwrap();
    let row = one.read(SLOT).await.unwrap().unwrap();
    assert!(two.reseal(SLOT, &row, b"new").await.unwrap());
    assert!(
        !one.reseal(SLOT, &row, b"newer").await.unwrap(),
        "its seal is another"
    );
    let row = one.read(SLOT).await.unwrap().unwrap();
    assert_eq!((row.version, &*row.sealed), (first, &b"new"[..]));
    one.write(SLOT, Some(first), b"new").await.unwrap().unwrap();
    assert!(
        !two.reseal(SLOT, &row, b"newer").await.unwrap(),
        "its version is another"
    );
    one.remove(SLOT).await.unwrap();
    assert!(!two.reseal(SLOT, &row, b"newer").await.unwrap());
    assert_eq!(one.read(SLOT).await.unwrap(), None);
}

async fn slots_are_paged_in_the_order_of_their_bytes(store: &Arc<dyn Store>) {
    let all = [
        "a/", "a/B", "a/_x", "a/b", "a/bx", "a/c", "a0", "a_/b", "ab/b", "b",
    ];
    for slot in all.iter().rev() {
        store.write(slot, None, b"x").await.unwrap();
    }
    let slots = async |prefix, after, most| store.slots(prefix, after, most).await.unwrap();
    assert_eq!(slots("", None, 99).await, all);
    assert_eq!(slots("", None, 0).await, [""; 0]);
    assert_eq!(slots("", Some("a/b"), 2).await, ["a/bx", "a/c"]);
    assert_eq!(slots("", Some("a/bb"), 1).await, ["a/bx"]);
    assert_eq!(slots("a/", None, 99).await, all[..6]);
    assert_eq!(slots("a/", Some("a/bx"), 99).await, ["a/c"]);
    assert_eq!(slots("a/b", None, 99).await, ["a/b", "a/bx"]);
    assert_eq!(slots("a_/", None, 99).await, ["a_/b"]);
    assert_eq!(slots("b", Some("b"), 99).await, [""; 0]);
    assert_eq!(slots("%", None, 99).await, [""; 0]);
    for slot in all {
        store.remove(slot).await.unwrap();
    }
}

async fn a_lease_is_one_holders_until_it_ends(
    one: &Arc<dyn Store>,
    two: &Arc<dyn Store>,
    clock: &TestClock,
) {
    let (fresh, begun) = (Lease::Taken { interrupted: None }, clock.now());
    let until = begun + 60_000;
    assert_eq!(one.lease(SLOT, "one", MINUTE).await.unwrap(), fresh);
    assert_eq!(
        two.lease(SLOT, "two", MINUTE).await.unwrap(),
        Lease::Held { until }
    );
    assert_eq!(
        one.lease(SLOT, "one", MINUTE).await.unwrap(),
        Lease::Held { until }
    );
    assert_eq!(two.lease("another", "two", MINUTE).await.unwrap(), fresh);
    assert!(two.release("another", "two").await.unwrap());

    assert!(
        !two.release(SLOT, "two").await.unwrap(),
        "it is not its own"
    );
    assert!(one.release(SLOT, "one").await.unwrap());
    assert!(!one.release(SLOT, "one").await.unwrap());
    assert_eq!(two.lease(SLOT, "two", MINUTE).await.unwrap(), fresh);

    clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(
        one.lease(SLOT, "one", MINUTE).await.unwrap(),
        Lease::Held { until }
    );
    clock.advance(Duration::from_millis(1));
    let interrupted = Lease::Taken {
        interrupted: Some(begun),
    };
    assert_eq!(one.lease(SLOT, "one", MINUTE).await.unwrap(), interrupted);
    assert!(
        !two.release(SLOT, "two").await.unwrap(),
        "it has expired and is another's"
    );
    assert!(one.release(SLOT, "one").await.unwrap());
    assert_eq!(
        two.lease(SLOT, "two", MINUTE).await.unwrap(),
        fresh,
        "it was told once"
    );
    assert!(two.release(SLOT, "two").await.unwrap());
}

async fn a_lease_ends_when_the_clock_is_set_back_far(store: &Arc<dyn Store>, clock: &TestClock) {
    let begun = clock.now();
    store.lease(SLOT, "one", LONGEST_LEASE * 9).await.unwrap();
    let until = begun + i64::try_from(LONGEST_LEASE.as_millis()).unwrap();
    assert_eq!(
        store.lease(SLOT, "two", MINUTE).await.unwrap(),
        Lease::Held { until }
    );
    clock.set_back(LONGEST_LEASE);
    assert_eq!(
        store.lease(SLOT, "two", MINUTE).await.unwrap(),
        Lease::Held { until }
    );
    clock.set_back(Duration::from_millis(1));
    let interrupted = Lease::Taken {
        interrupted: Some(begun),
    };
    assert_eq!(store.lease(SLOT, "two", MINUTE).await.unwrap(), interrupted);
    store.release(SLOT, "two").await.unwrap();
}

async fn an_expired_lease_goes_with_its_row(store: &Arc<dyn Store>, clock: &TestClock) {
    let fresh = Lease::Taken { interrupted: None };
    store.lease(SLOT, "one", MINUTE).await.unwrap();
    store.lease("another", "one", MINUTE).await.unwrap();
    store.remove(SLOT).await.unwrap();
    let held = store.lease(SLOT, "two", MINUTE).await.unwrap();
    assert!(matches!(held, Lease::Held { .. }), "{held:?}");
    clock.advance(MINUTE);
    store.remove(SLOT).await.unwrap();
    assert_eq!(store.lease(SLOT, "two", MINUTE).await.unwrap(), fresh);
    let other = store.lease("another", "two", MINUTE).await.unwrap();
    assert!(matches!(
        other,
        Lease::Taken {
            interrupted: Some(_)
        }
    ));
    store.release(SLOT, "two").await.unwrap();
    store.release("another", "two").await.unwrap();
}

/// Many count up one row by compare-and-set, while others seal it anew.
async fn no_update_is_lost(handles: &Handles) {
    const ROUNDS: u32 = 15;
    handles[0].write(SLOT, None, b"0").await.unwrap();
    let count = |row: &Row| {
        String::from_utf8(row.sealed.clone())
            .unwrap()
            .trim()
            .parse::<u32>()
    };
    let writers = handles.iter().chain(handles).cloned().map(|store| {
        tokio::spawn(async move {
            let mut done = 0;
            while done < ROUNDS {
                let row = store.read(SLOT).await.unwrap().unwrap();
                let next = (count(&row).unwrap() + 1).to_string();
                let written = store.write(SLOT, Some(row.version), next.as_bytes()).await;
                done += u32::from(written.unwrap().is_some());
            }
        })
    });
    let resealing = handles.iter().cloned().map(|store| {
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let row = store.read(SLOT).await.unwrap().unwrap();
                let mut sealed = row.sealed.clone();
                sealed.push(b' ');
                store.reseal(SLOT, &row, &sealed).await.unwrap();
            }
        })
    });
    for task in writers.chain(resealing).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let row = handles[0].read(SLOT).await.unwrap().unwrap();
    let writers = u32::try_from(2 * handles.len()).unwrap();
    assert_eq!(count(&row), Ok(writers * ROUNDS));
    handles[0].remove(SLOT).await.unwrap();
}

/// Many take the lease in turns, and none finds another inside.
async fn one_of_many_has_the_lease(handles: &Handles) {
    const ROUNDS: u32 = 10;
    let (inside, taken) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let tasks = handles
        .iter()
        .chain(handles)
        .cloned()
        .enumerate()
        .map(|(number, store)| {
            let (inside, taken) = (Arc::clone(&inside), Arc::clone(&taken));
            tokio::spawn(async move {
                let (holder, mut done) = (number.to_string(), 0);
                while done < ROUNDS {
                    match store.lease(SLOT, &holder, MINUTE).await.unwrap() {
                        Lease::Taken { interrupted } => {
                            assert_eq!(interrupted, None);
                            assert!(!inside.swap(true, Ordering::SeqCst), "two hold it");
                            tokio::task::yield_now().await;
                            inside.store(false, Ordering::SeqCst);
                            assert!(store.release(SLOT, &holder).await.unwrap());
                            taken.fetch_add(1, Ordering::SeqCst);
                            done += 1;
                        }
                        Lease::Held { .. } => tokio::task::yield_now().await,
                    }
                }
            })
        });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let tasks = u32::try_from(2 * handles.len()).unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), tasks * ROUNDS);
}
