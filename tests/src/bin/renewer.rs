//! One process of several on one vault: it makes calls over a connection whose token has to be renewed again and again, or dies in the middle of a renewal.
//!
//! `renewer VAULT KEYS SITE AHEAD_MS TASKS CALLS SECONDS STEP`: `TASKS` side by side make `CALLS` each, or go on for `SECONDS` if that is not 0, by a clock that is `AHEAD_MS` ahead; at `STEP` (`leased`, `issued`, `stored`, or `none`) the process ends at once.
//! It prints one line of JSON: how many calls were made, how many failed and with what, and how many renewals it made.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever started it reads the panic"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use brightsync_runtime::vault::{
    Answer, KeySource, Keys, Lease, Row, SqliteStore, Store, StoreError,
};
use brightsync_runtime::{Event, Vault};
use brightsync_tests::guest;
use brightsync_tests::ways::{ahead, connection, described, who};
use brightsync_tests::world::World;
use serde_json::json;

/// A store that ends the process at a step of a renewal.
struct Deadly {
    store: SqliteStore,
    step: String,
}

impl Deadly {
    fn reach(&self, step: &str) {
        if self.step == step {
            std::process::abort();
        }
    }
}

impl Store for Deadly {
    fn read<'a>(&'a self, slot: &'a str) -> Answer<'a, Option<Row>> {
        self.store.read(slot)
    }

    fn write<'a>(
        &'a self,
        slot: &'a str,
        expected: Option<u64>,
        sealed: &'a [u8],
    ) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            self.reach("issued");
            let written = self.store.write(slot, expected, sealed).await;
            self.reach("stored");
            written
        })
    }

    fn reseal<'a>(&'a self, slot: &'a str, from: &'a Row, sealed: &'a [u8]) -> Answer<'a, bool> {
        self.store.reseal(slot, from, sealed)
    }

    fn remove<'a>(&'a self, slot: &'a str) -> Answer<'a, bool> {
        self.store.remove(slot)
    }

    fn slots<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<String>> {
        self.store.slots(prefix, after, most)
    }

    fn lease<'a>(&'a self, slot: &'a str, holder: &'a str, time: Duration) -> Answer<'a, Lease> {
        Box::pin(async move {
            let lease: Result<Lease, StoreError> = self.store.lease(slot, holder, time).await;
            if matches!(lease, Ok(Lease::Taken { .. })) {
                self.reach("leased");
            }
            lease
        })
    }

    fn release<'a>(&'a self, slot: &'a str, holder: &'a str) -> Answer<'a, bool> {
        self.store.release(slot, holder)
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vault, keys, site, milliseconds, tasks, calls, seconds, step] = arguments.as_slice()
    else {
        panic!("renewer VAULT KEYS SITE AHEAD_MS TASKS CALLS SECONDS STEP");
    };
    let store = SqliteStore::open(Path::new(vault)).await.unwrap();
    let keys = Keys::read(KeySource::file(keys)).await.unwrap();
    let store = Deadly {
        store,
        step: step.clone(),
    };
    let (vault, renewed) = (Vault::new(store, keys), Arc::new(AtomicU64::new(0)));
    let (told, milliseconds) = (renewed.clone(), milliseconds.parse().unwrap());
    let world = World::with(|it| {
        it.vault(vault)
            .slots(64)
            .clock(move || ahead(milliseconds))
            .on_credential(move |event| {
                if matches!(event.event, Event::Refreshed { .. }) {
                    told.fetch_add(1, Ordering::Relaxed);
                }
            })
    });
    world.load_with(guest::ASKER, &described()).await.unwrap();
    let acme = connection(&world, site);
    let (calls, seconds): (u64, u64) = (calls.parse().unwrap(), seconds.parse().unwrap());
    let began = Instant::now();
    let tasks = (0..tasks.parse::<u64>().unwrap()).map(|_| {
        let acme = acme.clone();
        tokio::spawn(async move {
            let (mut made, mut failed) = (0, Vec::new());
            while made < calls || began.elapsed().as_secs() < seconds {
                let told = who(&acme).await;
                made += 1;
                if !told.starts_with("200 ") {
                    failed.push(told);
                }
            }
            (made, failed)
        })
    });
    let (mut made, mut failed) = (0, Vec::new());
    for task in futures::future::join_all(tasks).await {
        let (more, wrong) = task.unwrap();
        made += more;
        failed.extend(wrong);
    }
    world.host.shut_down().await;
    let renewed = renewed.load(Ordering::Relaxed);
    // The one thing that this program is for.
    #[expect(
        clippy::print_stdout,
        reason = "it is read by the program that started this one"
    )]
    {
        println!(
            "{}",
            json!({"calls": made, "failed": failed, "renewed": renewed})
        );
    }
}
