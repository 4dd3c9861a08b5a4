//! The file of the store: who may use it, and what is never in it or not any more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use futures::future::join_all;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::{chain, keys, line, slot};
use crate::vault::{SqliteStore, Store as _, Vault};

const CANARY: &[u8] = b"canary-of-a-secret-canary";

/// Whether a text stands in any file of a folder: the database, its log, its journal.
fn stands_in(folder: &Path, text: &[u8]) -> bool {
    assert!(!text.is_empty());
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    files.fold(false, |found, path| {
        let bytes = fs::read(path).unwrap();
        found | bytes.windows(text.len()).any(|it| it == text)
    })
}

async fn refusal(path: &Path) -> String {
    match SqliteStore::open(path).await {
        Ok(_) => panic!("{path:?} is taken"),
        Err(error) => chain(&error),
    }
}

async fn by_hand(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.unwrap()
}

#[tokio::test]
async fn no_file_holds_a_secret_or_a_key_nor_what_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("vault.db"))
        .await
        .unwrap();
    let vault = Vault::new(store.clone(), keys(&line("first", 0xc4)).await);
    let (acme, text) = (slot("acme"), slot("acme").to_string());
    let is_clean = || {
        !stands_in(folder.path(), CANARY)
            && !stands_in(folder.path(), &[0xc4; 32])
            && !stands_in(folder.path(), line("", 0xc4)[1..].trim().as_bytes())
    };
    let mut sealed = Vec::new();
    let mut version = None;
    for _ in 0..3 {
        version = vault.write(&acme, version, CANARY).await.unwrap();
        let row = store.read(&text).await.unwrap().unwrap();
        assert!(
            stands_in(folder.path(), &row.sealed),
            "it can be found at all"
        );
        sealed.push(row.sealed);
        assert!(is_clean());
    }
    vault.remove(&acme).await.unwrap();
    assert!(is_clean());
    for row in &sealed {
        assert!(!stands_in(folder.path(), &row[..32]));
        assert!(!stands_in(folder.path(), &row[row.len() - 32..]));
    }
    assert!(!stands_in(folder.path(), text.as_bytes()));
}

#[tokio::test]
async fn what_was_written_over_goes_with_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("vault.db"))
        .await
        .unwrap();
    let mut version = None;
    for serial in 1..=5 {
        let sealed = mark(serial).repeat(6 * 20 - 20 * serial as usize);
        version = store.write("a", version, sealed.as_bytes()).await.unwrap();
        assert!(stands_in(folder.path(), mark(serial).as_bytes()));
    }
    // The last to close the file empties its log.
    store.close().await;
    for serial in 1..=4 {
        assert!(
            !stands_in(folder.path(), mark(serial).as_bytes()),
            "{serial}"
        );
    }
    assert!(stands_in(folder.path(), mark(5).as_bytes()));
}

/// Rows of all lengths come and go, so that SQLite moves others from page to page; nor may a copy of one that was moved stay behind.
#[tokio::test]
async fn nothing_stays_behind_of_a_row_among_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("vault.db"))
        .await
        .unwrap();
    // Xorshift, from a state with which copies do stay behind without `VACUUM`.
    let mut state = 5_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below).unwrap()
    };
    let (mut live, mut dead) = (BTreeMap::new(), Vec::new());
    for serial in 1..=150 {
        let slot = format!("connection/t{}/crm/espocrm/api-key", random(40));
        let old = store.read(&slot).await.unwrap();
        if old.is_some() && random(3) == 0 {
            store.remove(&slot).await.unwrap();
            dead.extend(live.remove(&slot));
        } else {
            let length = [30, 200, 400, 900, 3000, 9000][random(6)] + random(100);
            let sealed = mark(serial).repeat(1 + length / 10);
            let version = old.map(|it| it.version);
            store
                .write(&slot, version, sealed.as_bytes())
                .await
                .unwrap()
                .unwrap();
            dead.extend(live.insert(slot, serial));
        }
    }
    store.remove("the last").await.unwrap();
    let is_found = |serial: &&u32| stands_in(folder.path(), mark(**serial).as_bytes());
    assert_eq!(dead.iter().filter(is_found).count(), 0, "of {}", dead.len());
    assert_eq!(live.values().filter(is_found).count(), live.len());
}

fn mark(serial: u32) -> String {
    format!("<{serial:08}>")
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_with_its_versions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let first = store.write("a", None, b"one").await.unwrap().unwrap();
    let second = store.write("b", None, b"two").await.unwrap().unwrap();
    store.remove("b").await.unwrap();
    store.close().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read("a").await.unwrap().unwrap().version, first);
    let third = store.write("b", None, b"two").await.unwrap().unwrap();
    assert!(![first, second].contains(&third));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_open_a_new_file_at_once_have_one_store() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.db");
        let opening = (0..8).map(|_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStore::open(&path).await })
        });
        let stores = join_all(opening.collect::<Vec<_>>()).await;
        let stores: Vec<_> = stores.into_iter().map(|it| it.unwrap().unwrap()).collect();
        let written = join_all(stores.iter().map(|it| it.write("a", None, b"x"))).await;
        let first = written
            .into_iter()
            .filter(|it| it.as_ref().unwrap().is_some());
        assert_eq!(first.count(), 1);
        join_all(stores.iter().map(SqliteStore::close)).await;
        let mut names = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name());
        assert!(
            names.all(|it| it.to_string_lossy().starts_with("vault.db")),
            "no draft is left behind"
        );
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.db");
    SqliteStore::open(&newer).await.unwrap().close().await;
    let mut hand = by_hand(&newer).await;
    sqlx::raw_sql("PRAGMA user_version = 2")
        .execute(&mut hand)
        .await
        .unwrap();
    sqlx::Connection::close(hand).await.unwrap();
    let text = refusal(&newer).await;
    assert!(
        text.contains("has the vault's schema 2") && text.contains("newer"),
        "{text}"
    );

    let foreign = folder.path().join("foreign.db");
    let mut hand = by_hand(&foreign).await;
    sqlx::raw_sql("CREATE TABLE secret (x); PRAGMA user_version = 1")
        .execute(&mut hand)
        .await
        .unwrap();
    sqlx::Connection::close(hand).await.unwrap();
    set_mode(&foreign, 0o600);
    let before = fs::read(&foreign).unwrap();
    let text = refusal(&foreign).await;
    assert!(text.contains("no database of a vault"), "{text}");
    assert_eq!(fs::read(&foreign).unwrap(), before);
    fs::write(&foreign, "").unwrap();
    let text = refusal(&foreign).await;
    assert!(text.contains("no database of a vault"), "{text}");

    let rubbish = folder.path().join("rubbish.db");
    fs::write(&rubbish, "rubbish ".repeat(1000)).unwrap();
    set_mode(&rubbish, 0o600);
    let text = refusal(&rubbish).await;
    assert!(
        text.contains("cannot be opened as the vault's database"),
        "{text}"
    );
    assert_eq!(
        fs::read(&rubbish).unwrap(),
        "rubbish ".repeat(1000).as_bytes()
    );

    let text = refusal(&folder.path().join("nowhere/vault.db")).await;
    assert!(text.contains("check that its folder exists"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone_and_refused_if_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.write("a", None, b"x").await.unwrap();
    let modes = fs::read_dir(folder.path()).unwrap().map(|it| {
        let file = it.unwrap();
        (
            file.file_name(),
            file.metadata().unwrap().permissions().mode() & 0o777,
        )
    });
    let modes: Vec<_> = modes.collect();
    assert_eq!(modes.len(), 3, "{modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
    store.close().await;
    for bad in [0o640, 0o604] {
        set_mode(&path, bad);
        let text = refusal(&path).await;
        assert!(text.contains("chmod 600"), "{text}");
    }
    set_mode(&path, 0o600);
    set_mode(folder.path(), 0o777);
    let text = refusal(&path).await;
    assert!(text.contains("chmod go-w"), "{text}");
    set_mode(folder.path(), 0o700);
    SqliteStore::open(&path).await.unwrap();
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}
