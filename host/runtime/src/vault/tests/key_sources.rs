//! Where keys come from: what is taken, what is refused, and that no message holds what stands there.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};

use super::{chain, keys, line, slot};
use crate::vault::{KeySource, Keys, MemoryStore, Vault};

async fn refusal(source: KeySource) -> String {
    match Keys::read(source).await {
        Ok(_) => panic!("these keys are taken"),
        Err(error) => format!("{} / {error:?}", chain(&error)),
    }
}

async fn check(list: &str, expected: &str) {
    let text = refusal(KeySource::variable("KEYS", list)).await;
    assert!(text.starts_with(expected), "{list:?}: {text}");
}

/// Whether a vault with these keys opens what one with those has sealed.
async fn agree(one: Keys, two: Keys) -> bool {
    let store = MemoryStore::new();
    let (one, two) = (Vault::new(store.clone(), one), Vault::new(store, two));
    one.write(&slot("acme"), None, b"x").await.unwrap();
    two.read(&slot("acme")).await.is_ok()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_list_has_one_key_a_line_and_the_newest_first() {
    let list = format!(
        "# ours\r\n\n  {}\r\n{}",
        line("2026", 2).trim(),
        line("2025", 1)
    );
    assert!(agree(keys(&list).await, keys(&line("2026", 2)).await).await);
    assert!(!agree(keys(&list).await, keys(&line("2025", 1)).await).await);
    assert!(agree(keys(&line("2025", 1)).await, keys(&list).await).await);
}

#[tokio::test]
async fn a_list_that_is_none_is_refused_by_its_line() {
    let place = "the variable KEYS is no list of keys";
    let (good, long) = (line("a", 1), "x".repeat(33));
    check("", &format!("{place}: there is no key")).await;
    check("# none\n\n", &format!("{place}: there is no key")).await;
    let form = format!("{place}: line 3 is not of the form");
    check(&format!("# ours\n{good}no-colon\n"), &form).await;
    for id in ["", "a b", "a/b", "é", &long] {
        let expected = format!("{place}: line 1 has no valid id");
        check(&line(id, 1), &expected).await;
    }
    let key = format!("{place}: line 2 has no valid key");
    let bytes = good.trim().trim_start_matches("a:");
    for text in [
        "",
        "not base64 at all",
        &bytes[..bytes.len() - 1],
        &bytes[4..],
        &format!("QUFB{bytes}"),
        &format!("{bytes} # ours"),
        &format!("{bytes}{bytes}"),
    ] {
        check(&format!("{good}b:{text}"), &key).await;
    }
    let same_id = format!("{place}: line 2 has the id of an earlier line");
    check(&(good.clone() + &line("a", 2)), &same_id).await;
    let same_key = format!("{place}: line 2 has the key of an earlier line");
    check(&(good.clone() + &line("b", 1)), &same_key).await;
}

#[tokio::test]
async fn no_message_holds_what_stands_in_the_list() {
    for list in [
        "canary-canary".to_owned(),
        "canary canary:xyz".to_owned(),
        "a:canary-canary".to_owned(),
        line("a", 1) + "a:canary-canary",
        line("canary", 1) + &line("canary", 2),
        line("a", 1) + &line("canary", 1),
    ] {
        let text = refusal(KeySource::variable("KEYS", &list)).await;
        assert!(!text.contains("canary"), "{text}");
        let key = line("", 1);
        assert!(!text.contains(key[1..12].trim()), "{text}");
    }
}

#[tokio::test]
async fn a_missing_file_is_made_once_for_all_who_start_at_once() {
    for _ in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.keys");
        let begin = Arc::new(Barrier::new(8));
        let starting = (0..8).map(|_| {
            let (path, begin) = (path.clone(), Arc::clone(&begin));
            std::thread::spawn(move || {
                begin.wait();
                futures::executor::block_on(Keys::read(KeySource::file(path))).unwrap()
            })
        });
        let starting: Vec<_> = starting.collect();
        let all: Vec<_> = starting.into_iter().map(|it| it.join().unwrap()).collect();
        for one in all {
            let read = Keys::read(KeySource::file(&path)).await.unwrap();
            assert!(agree(one, read).await);
        }
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
        let left = fs::read_dir(folder.path()).unwrap();
        assert_eq!(left.count(), 1, "no draft is left behind");
    }
}

#[tokio::test]
async fn every_file_that_is_made_has_a_key_of_its_own() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = async |folder: &tempfile::TempDir| {
        let path = folder.path().join("vault.keys");
        Keys::read(KeySource::file(path)).await.unwrap()
    };
    assert!(!agree(made(&one).await, made(&two).await).await);
    assert!(agree(made(&one).await, made(&one).await).await);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_read_or_replace_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.keys");
    fs::write(&path, line("a", 1)).unwrap();
    for bad in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
        set_mode(&path, bad);
        let text = refusal(KeySource::file(&path)).await;
        assert!(text.contains("chmod 600"), "{text}");
        assert!(Keys::add_to_file(&path).is_err());
    }
    for good in [0o600, 0o400] {
        set_mode(&path, good);
        Keys::read(KeySource::file(&path)).await.unwrap();
    }
    for bad in [0o770, 0o702, 0o1777] {
        set_mode(folder.path(), bad);
        let text = refusal(KeySource::file(&path)).await;
        assert!(text.contains("chmod go-w"), "{text}");
    }
    set_mode(folder.path(), 0o755);
    Keys::read(KeySource::file(&path)).await.unwrap();

    // By another name it is the same file, in the same folder.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    Keys::read(KeySource::file(&link)).await.unwrap();
    set_mode(folder.path(), 0o777);
    let text = refusal(KeySource::file(&link)).await;
    assert!(text.contains("chmod go-w"), "{text}");
    set_mode(folder.path(), 0o700);
}

#[tokio::test]
async fn a_file_without_a_folder_or_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere/vault.keys");
    let text = refusal(KeySource::file(missing)).await;
    assert!(text.contains("check that its folder exists"), "{text}");
    let path = folder.path().join("vault.keys");
    fs::write(&path, [b'#'; (64 << 10) + 1]).unwrap();
    #[cfg(unix)]
    set_mode(&path, 0o600);
    let text = refusal(KeySource::file(&path)).await;
    assert!(text.contains("more than 64 KiB"), "{text}");
    fs::write(&path, b"\xff\xfe").unwrap();
    let text = refusal(KeySource::file(&path)).await;
    assert!(text.contains("not UTF-8"), "{text}");
}

#[tokio::test]
async fn a_key_is_added_in_front_and_all_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.keys");
    assert!(Keys::add_to_file(&path).is_err(), "it is not there yet");
    assert!(!path.exists());
    let first = Keys::read(KeySource::file(&path)).await.unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let adding = (0..8).map(|_| {
        let path = path.clone();
        std::thread::spawn(move || Keys::add_to_file(&path).unwrap())
    });
    let adding: Vec<_> = adding.collect();
    let ids: Vec<_> = adding.into_iter().map(|it| it.join().unwrap()).collect();
    let after = fs::read_to_string(&path).unwrap();
    assert!(after.ends_with(&before));
    for id in &ids {
        let lines = after
            .lines()
            .filter(|it| it.split(':').next() == Some(id.as_str()));
        assert_eq!(lines.count(), 1, "of two who add at once none loses a key");
    }
    assert_eq!(after.lines().count(), 9);
    let last = Keys::add_to_file(&path).unwrap();
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with(&format!("{last}:"))
    );
    assert!(agree(first, Keys::read(KeySource::file(&path)).await.unwrap()).await);
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
mod command {
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str, limit: Duration) -> KeySource {
        KeySource::command("/bin/sh", ["-c".into(), script.into()], limit)
    }

    #[tokio::test]
    async fn what_a_command_prints_is_the_list() {
        let list = line("a", 1);
        let script = format!("echo noise >&2; cat; printf '%s' '{list}'");
        let printed = Keys::read(shell(&script, LIMIT)).await.unwrap();
        assert!(agree(printed, keys(&list).await).await);
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_without_its_words() {
        let failing = "echo canary; echo canary >&2; exit 7";
        let text = refusal(shell(failing, LIMIT)).await;
        assert!(
            text.contains("/bin/sh") && text.contains("exit status: 7"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
        let text = refusal(shell("kill -9 $$", LIMIT)).await;
        assert!(text.contains("signal: 9"), "{text}");
        let text = refusal(shell("echo canary", LIMIT)).await;
        assert!(
            text.contains("line 1") && !text.contains("canary"),
            "{text}"
        );
        let missing = KeySource::command("/nowhere/at-all", [], LIMIT);
        let text = refusal(missing).await;
        assert!(text.contains("cannot be started"), "{text}");
    }

    #[tokio::test]
    async fn a_command_that_never_ends_or_prints_without_end_is_ended() {
        // The shell becomes the program, which holds its output open.
        let text = refusal(shell("exec tail -f /dev/null", Duration::from_millis(50))).await;
        assert!(text.contains("has not ended within 50ms"), "{text}");
        let text = refusal(shell("exec yes '#'", LIMIT)).await;
        assert!(text.contains("more than 64 KiB"), "{text}");
    }
}
