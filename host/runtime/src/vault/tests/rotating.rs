//! A rotation moves every row to the newest key, whatever happens meanwhile, and nobody loses a secret or a version by it.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;

use super::{chain, keys, line, slot};
use crate::vault::{
    Answer, KeySource, Keys, Lease, MemoryStore, Opened, Progress, Row, Slot, Store, Vault,
    VaultError,
};

/// A store in which somebody else writes to a row just before it is sealed anew, so many times.
struct Contended {
    store: MemoryStore,
    other: Vault,
    times: AtomicU32,
}

impl Store for Contended {
    fn reseal<'a>(&'a self, text: &'a str, from: &'a Row, sealed: &'a [u8]) -> Answer<'a, bool> {
        async move {
            let times = self.times.load(Ordering::SeqCst);
            if let Some(rest) = times.checked_sub(1) {
                self.times.store(rest, Ordering::SeqCst);
                let content = times.to_string();
                let slot = text.parse().unwrap();
                let written = self
                    .other
                    .write(&slot, Some(from.version), content.as_bytes());
                written.await.unwrap().unwrap();
            }
            self.store.reseal(text, from, sealed).await
        }
        .boxed()
    }

    fn read<'a>(&'a self, slot: &'a str) -> Answer<'a, Option<Row>> {
        self.store.read(slot)
    }

    fn slots<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<String>> {
        self.store.slots(prefix, after, most)
    }

    fn write<'a>(&'a self, _: &'a str, _: Option<u64>, _: &'a [u8]) -> Answer<'a, Option<u64>> {
        panic!("a rotation writes nothing")
    }

    fn remove<'a>(&'a self, _: &'a str) -> Answer<'a, bool> {
        panic!("a rotation removes nothing")
    }

    fn lease<'a>(&'a self, _: &'a str, _: &'a str, _: Duration) -> Answer<'a, Lease> {
        panic!("a rotation takes no lease")
    }

    fn release<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, bool> {
        panic!("a rotation takes no lease")
    }
}

/// A file of keys in a folder of its own.
struct KeyFile(tempfile::TempDir);

impl KeyFile {
    fn new(list: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(list);
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("vault.keys")
    }

    fn write(&self, list: &str) {
        fs::write(self.path(), list).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(self.path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    async fn keys(&self) -> Keys {
        Keys::read(KeySource::file(self.path())).await.unwrap()
    }
}

async fn opened(vault: &Vault, slot: &Slot) -> Opened {
    vault.read(slot).await.unwrap().unwrap()
}

async fn is_under(store: &MemoryStore, slot: &Slot, id: &str) -> bool {
    let row = store.read(&slot.to_string()).await.unwrap().unwrap();
    row.sealed[2..].starts_with(id.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn keys_are_rotated_without_a_restart() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let serving = Vault::new(store.clone(), file.keys().await);
    let version = serving
        .write(&slot("acme"), None, b"of acme")
        .await
        .unwrap();
    let many: Vec<_> = (0..300).map(|n| slot(&format!("tenant-{n}"))).collect();
    for slot in &many {
        serving
            .write(slot, None, slot.to_string().as_bytes())
            .await
            .unwrap();
    }

    file.write(&(line("new", 2) + &line("old", 1)));
    let operator = Vault::new(store.clone(), file.keys().await);
    let mut told = Vec::new();
    let rotated = operator.rotate(|it| told.push(it)).await.unwrap();
    assert_eq!((told.len(), told.last()), (301, Some(&rotated.progress)));
    let Progress {
        seen,
        resealed,
        failed,
        ..
    } = rotated.progress;
    assert_eq!((seen, resealed, failed), (301, 301, 0));
    assert_eq!(rotated.newest, "new");
    assert!(rotated.failures.is_empty());
    let again = operator.rotate(|_| ()).await.unwrap();
    assert_eq!((again.progress.seen, again.progress.resealed), (301, 0));

    // The one that has served all the time reads its keys again, once.
    tokio::time::advance(Duration::from_secs(11)).await;
    let acme = opened(&serving, &slot("acme")).await;
    assert_eq!(
        (acme.plain(), Some(acme.version)),
        (&b"of acme"[..], version)
    );
    for slot in &many {
        assert_eq!(
            opened(&serving, slot).await.plain(),
            slot.to_string().as_bytes()
        );
    }
    let next = serving
        .write(&slot("acme"), version, b"next")
        .await
        .unwrap();
    assert!(next.is_some(), "a rotation takes nobody's version away");
    assert!(is_under(&store, &slot("acme"), "new").await);

    file.write(&line("new", 2));
    let fresh = Vault::new(store, file.keys().await);
    assert_eq!(opened(&fresh, &slot("acme")).await.plain(), b"next");
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_again_for_an_unknown_one_but_not_for_every_row() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let serving = Vault::new(store.clone(), file.keys().await);
    let other = Vault::new(store, keys(&line("new", 2)).await);
    other.write(&slot("acme"), None, b"x").await.unwrap();
    let id_asked_for = async || match serving.read(&slot("acme")).await {
        Err(VaultError::WrongKey { id, problem, .. }) => {
            assert_eq!(id, "new");
            problem.is_some()
        }
        other => panic!("{other:?}"),
    };

    file.write("broken");
    assert!(!id_asked_for().await, "the first reading is too fresh");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(id_asked_for().await, "it is read again, and is broken");
    file.write(&(line("new", 2) + &line("old", 1)));
    assert!(!id_asked_for().await, "an attempt that failed counts, too");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(opened(&serving, &slot("acme")).await.plain(), b"x");
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_only_writes_learns_of_the_newest_key_too() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let serving = Vault::new(store.clone(), file.keys().await);
    file.write(&(line("new", 2) + &line("old", 1)));
    serving.write(&slot("a"), None, b"x").await.unwrap();
    assert!(is_under(&store, &slot("a"), "old").await);
    tokio::time::advance(Duration::from_secs(61)).await;
    serving.write(&slot("b"), None, b"x").await.unwrap();
    assert!(is_under(&store, &slot("b"), "new").await);

    fs::remove_file(file.path()).unwrap();
    tokio::time::advance(Duration::from_secs(61)).await;
    serving.write(&slot("c"), None, b"x").await.unwrap();
    assert!(
        is_under(&store, &slot("c"), "new").await,
        "it goes on with what it has"
    );
    assert!(!file.path().exists(), "a lost file is not made anew");
}

#[tokio::test]
async fn a_rotation_that_was_stopped_goes_on_where_it_was() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let vault = Vault::new(store.clone(), file.keys().await);
    for n in 0..5 {
        vault
            .write(&slot(&n.to_string()), None, b"x")
            .await
            .unwrap();
    }
    file.write(&(line("new", 2) + &line("old", 1)));
    let stopped = std::panic::AssertUnwindSafe(vault.rotate(|it| assert!(it.seen < 3)));
    assert!(stopped.catch_unwind().await.is_err());
    assert!(is_under(&store, &slot("2"), "new").await);
    assert!(is_under(&store, &slot("3"), "old").await);
    let rest = vault.rotate(|_| ()).await.unwrap();
    assert_eq!((rest.progress.seen, rest.progress.resealed), (5, 2));
}

#[tokio::test]
async fn a_row_that_cannot_be_moved_is_told_and_holds_up_no_other() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let vault = Vault::new(store.clone(), file.keys().await);
    for n in 0..3 {
        vault
            .write(&slot(&n.to_string()), None, b"x")
            .await
            .unwrap();
    }
    let stranger = Vault::new(store.clone(), keys(&line("lost", 9)).await);
    stranger.write(&slot("stranger"), None, b"x").await.unwrap();
    let text = slot("1").to_string();
    let row = store.read(&text).await.unwrap().unwrap();
    store
        .write(&text, Some(row.version), &row.sealed[..60])
        .await
        .unwrap();
    store.write("rubbish", None, b"rubbish").await.unwrap();

    file.write(&(line("new", 2) + &line("old", 1)));
    let rotated = vault.rotate(|_| ()).await.unwrap();
    assert_eq!((rotated.progress.resealed, rotated.progress.failed), (2, 3));
    let failures: Vec<_> = rotated.failures.iter().map(|it| chain(it)).collect();
    assert!(
        failures[0].contains("connection/1/crm/espocrm/api-key"),
        "{failures:?}"
    );
    assert!(failures[1].contains("no key \"lost\""), "{failures:?}");
    assert!(failures[2].contains("rubbish"), "{failures:?}");
    assert_eq!(opened(&vault, &slot("2")).await.plain(), b"x");
}

#[tokio::test]
async fn a_row_that_others_write_to_is_tried_again_but_not_for_ever() {
    let (acme, both) = (slot("acme"), line("new", 2) + &line("old", 1));
    let rotate = async |times: u32| {
        let store = MemoryStore::new();
        let other = Vault::new(store.clone(), keys(&line("old", 1)).await);
        other.write(&acme, None, b"first").await.unwrap();
        let contended = Contended {
            store: store.clone(),
            other,
            times: AtomicU32::new(times),
        };
        let vault = Vault::new(contended, keys(&both).await);
        let rotated = vault.rotate(|_| ()).await.unwrap();
        let plain = opened(&vault, &acme).await.into_plain();
        (rotated, plain, is_under(&store, &acme, "new").await)
    };
    let (rotated, plain, is_new) = rotate(5).await;
    assert_eq!((rotated.progress.resealed, rotated.progress.failed), (1, 0));
    assert_eq!((&**plain, is_new), (&b"1"[..], true));
    let (rotated, plain, is_new) = rotate(100).await;
    assert_eq!((rotated.progress.resealed, rotated.progress.failed), (0, 1));
    assert!(matches!(
        rotated.failures[..],
        [VaultError::Contended { .. }]
    ));
    assert_eq!((&**plain, is_new), (&b"85"[..], false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_that_change_during_a_rotation_are_moved_as_they_are_then() {
    let (store, file) = (MemoryStore::new(), KeyFile::new(&line("old", 1)));
    let serving = Vault::new(store.clone(), file.keys().await);
    let slots: Vec<_> = (0..20).map(|n| slot(&n.to_string())).collect();
    for slot in &slots {
        serving.write(slot, None, b"0").await.unwrap();
    }
    file.write(&(line("new", 2) + &line("old", 1)));
    let operator = Vault::new(store.clone(), file.keys().await);
    // A writer who still seals under the old key.
    let old = Vault::new(
        store.clone(),
        keys(&(line("old", 1) + &line("new", 2))).await,
    );
    let writing = tokio::spawn({
        let slots = slots.clone();
        async move {
            for round in 1..=50_u32 {
                for slot in &slots {
                    let version = opened(&old, slot).await.version;
                    let content = round.to_string();
                    let written = old.write(slot, Some(version), content.as_bytes()).await;
                    assert!(
                        written.unwrap().is_some(),
                        "nobody else changes the content"
                    );
                }
            }
        }
    });
    while !writing.is_finished() {
        operator.rotate(|_| ()).await.unwrap();
    }
    writing.await.unwrap();
    let last = operator.rotate(|_| ()).await.unwrap();
    assert_eq!(last.progress.failed, 0);
    for slot in &slots {
        assert_eq!(opened(&operator, slot).await.plain(), b"50");
        assert!(is_under(&store, slot, "new").await);
    }
}
