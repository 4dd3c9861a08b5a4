//! The commands as their users run them: a vendor's folder outside of the repository, a CRM on this machine, and all that is written looked through.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the lints exempt only functions that are tests themselves"
)]

use std::fs;
use std::path::{Path, PathBuf};

use brightsync::{Captured, Exit, Terminal};
use brightsync_sandbox::{Options, Server};
use serde_json::Value;
use tokio::sync::OnceCell;

/// Where everything that takes long to make is kept between runs.
const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// A connector that was built by the command from a copy of its folder, far from the repository.
async fn connector() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT
        .get_or_init(|| async {
            let away = tempfile::tempdir().unwrap();
            let folder = away.path().join("my-connector");
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sandbox");
            copy(&source, &folder);
            let file = Path::new(KEPT).join("my-connector.wasm");
            let target = format!("{KEPT}/connectors");
            let (exit, captured) = brightsync(
                &["build", text(&folder), "-o", text(&file), "--json"],
                &[("CARGO_TARGET_DIR", &target)],
            )
            .await;
            assert_eq!(exit, Exit::Success, "{}", captured.err());
            let built: Value = serde_json::from_str(&captured.out()).unwrap();
            assert_eq!(built["name"], "sandbox");
            let size = fs::metadata(&file).unwrap().len();
            assert_eq!(built["size"], size);
            // What the README promises of a connector with all thirty functions.
            assert!(size < 300 * 1024, "{size} bytes");
            file
        })
        .await
}

/// Runs a command line with these variables.
async fn brightsync(arguments: &[&str], variables: &[(&str, &str)]) -> (Exit, Captured) {
    let (terminal, captured) = Terminal::captured(variables.iter().copied());
    let home = format!("{KEPT}/home");
    let line = ["brightsync", "--data-dir", &home];
    let exit = brightsync::run(line.iter().chain(arguments), &terminal).await;
    (exit, captured)
}

/// Calls a function at a server with the key of its first user.
async fn call(server: &Server, arguments: &[&str]) -> (Exit, Captured) {
    let site = format!("site={}", server.url());
    let line = ["call", text(connector().await)];
    let options = ["--set", &site, "--auth", "api-key", "--allow-private"];
    let line: Vec<_> = line
        .iter()
        .chain(arguments)
        .chain(&options)
        .copied()
        .collect();
    let key = &server.credentials().users[0].key;
    brightsync(&line, &[("BRIGHTSYNC_CREDENTIAL_KEY", key)]).await
}

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if name != "target" {
                copy(&entry.path(), &to.join(&name));
            }
        } else {
            fs::copy(entry.path(), to.join(&name)).unwrap();
        }
    }
}

fn json(captured: &Captured) -> Value {
    serde_json::from_str(&captured.out())
        .unwrap_or_else(|error| panic!("{error}: {}", captured.out()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_shown_with_all_that_it_asks_for() {
    let file = text(connector().await);
    let (exit, captured) = brightsync(&["inspect", file], &[]).await;
    assert_eq!(exit, Exit::Success);
    for part in [
        "BrightSync Sandbox CRM",
        "{site}",
        "header x-api-key",
        "find-meeting",
        "departed",
        "90 days",
    ] {
        assert!(
            captured.out().contains(part),
            "{part} in {}",
            captured.out()
        );
    }
    let (_, captured) = brightsync(&["inspect", file, "--json"], &[]).await;
    let shown = json(&captured);
    assert_eq!(shown["loadable"], true);
    assert_eq!(shown["manifest"]["name"], "sandbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connector_stays_small_and_all_are_compared() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let target = format!("{KEPT}/connectors");
    let mut files = Vec::new();
    for entry in fs::read_dir(plugins).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("connector.toml").is_file() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap();
        let file = Path::new(KEPT).join(format!("{name}.wasm"));
        let line = ["build", text(&folder), "-o", text(&file), "--json"];
        let (exit, captured) = brightsync(&line, &[("CARGO_TARGET_DIR", &target)]).await;
        assert_eq!(exit, Exit::Success, "{}", captured.err());
        let size = fs::metadata(&file).unwrap().len();
        assert!(size < 600 * 1024, "{name} has {size} bytes");
        files.push(file);
    }
    let mut line = vec!["inspect"];
    line.extend(files.iter().map(|it| text(it)));
    let (exit, captured) = brightsync(&line, &[]).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let is_there = captured.out().lines().any(|it| it.starts_with(name));
        assert!(is_there, "{name} in {}", captured.out());
    }
    let missing = "pipedrive has no get-accounts-by-domain";
    assert!(captured.out().contains(missing), "{}", captured.out());

    line.push("--json");
    let (_, captured) = brightsync(&line, &[]).await;
    let documents = json(&captured);
    assert_eq!(documents.as_array().map(Vec::len), Some(files.len()));
    line.extend(["--against", text(&files[0])]);
    let (exit, _) = brightsync(&line, &[]).await;
    assert_ne!(exit, Exit::Success, "one is compared with one");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_are_compared_by_what_they_ask_for() {
    let old = text(connector().await);
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.wasm");
    let manifest = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sandbox/connector.toml"),
    );
    let manifest = format!(
        "{}\n[[hosts]]\norigin = \"https://collect.example.net\"\nwhy = \"statistics\"\n",
        manifest.unwrap()
    );
    let component = brightsync_core::component::embed(&fs::read(old).unwrap(), &manifest).unwrap();
    fs::write(&new, component).unwrap();
    let (exit, captured) = brightsync(&["inspect", text(&new), "--against", old], &[]).await;
    assert_eq!(exit, Exit::Success);
    let added = "+ host https://collect.example.net";
    assert!(captured.out().contains(added), "{}", captured.out());
    // The other way round it is what goes; and a version asks for nothing that it asks for itself.
    let (_, captured) = brightsync(&["inspect", old, "--against", text(&new)], &[]).await;
    let gone = "- host https://collect.example.net";
    assert!(captured.out().contains(gone), "{}", captured.out());
    let (_, captured) = brightsync(&["inspect", old, "--against", old], &[]).await;
    assert!(
        !captured.out().contains("host https://"),
        "{}",
        captured.out()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_no_host_loads_is_shown_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.wasm");
    // An empty component: the magic number, and the version and layer of components.
    fs::write(&file, b"\0asm\x0d\0\x01\0").unwrap();
    let (exit, captured) = brightsync(&["inspect", text(&file)], &[]).await;
    assert_eq!(exit, Exit::Refused);
    assert!(
        captured.out().contains("A host refuses"),
        "{}",
        captured.out()
    );
    let (exit, captured) = brightsync(&["call", text(&file), "get-me", "--json"], &[]).await;
    assert_eq!(exit, Exit::Refused);
    assert_eq!(json(&captured)["failure"]["kind"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_answers_as_a_table_or_as_json() {
    let server = server().await;
    let (exit, captured) = call(&server, &["get-me"]).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    assert!(
        captured.out().contains("Example Trading"),
        "{}",
        captured.out()
    );
    assert!(captured.err().contains("1 request"), "{}", captured.err());

    let arguments = ["get-my-contacts", "--all-pages", "--json", "--verbose"];
    let (exit, captured) = call(&server, &arguments).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    assert_eq!(json(&captured)["items"].as_array().unwrap().len(), 250);
    assert!(captured.err().contains("GET    http"), "{}", captured.err());
    assert!(captured.err().contains("first-byte "), "{}", captured.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_leaves_its_audit_and_its_metrics_in_files() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let metrics = folder.path().join("metrics.prom");
    let files = ["--audit", text(&audit), "--metrics", text(&metrics)];
    for _ in 0..2 {
        let line: Vec<_> = ["get-me"].iter().chain(&files).copied().collect();
        let (exit, captured) = call(&server, &line).await;
        assert_eq!(exit, Exit::Success, "{}", captured.err());
    }
    let lines = fs::read_to_string(&audit).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert_eq!(line["event"], "request");
        assert_eq!(line["decision"], "permitted");
        assert_eq!(line["tenant"], "command-line");
    }
    let metrics = fs::read_to_string(&metrics).unwrap();
    let calls =
        r#"brightsync_calls_total{connector="sandbox",function="get-me",outcome="answer"} 1"#;
    assert!(metrics.contains(calls), "{metrics}");

    // A request that cannot be written down is not made.
    let before = server.requests().entries().len();
    let nowhere = folder.path().join("no/such/folder");
    let line = ["get-me", "--audit", text(&nowhere)];
    let (exit, captured) = call(&server, &line).await;
    assert_eq!(exit, Exit::Ours, "{}", captured.err());
    assert!(captured.err().contains("the audit"), "{}", captured.err());
    assert_eq!(server.requests().entries().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_sends_nothing() {
    let server = server().await;
    let account = r#"account={"name": "Dry Limited", "domains": ["dry.example"]}"#;
    let (exit, captured) = call(&server, &["create-account", account, "--dry-run"]).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    let out = captured.out();
    assert!(out.contains("POST") && out.contains("Dry Limited"), "{out}");
    let sent = server.requests().entries();
    assert!(sent.iter().all(|it| it.method == "GET"), "{sent:?}");

    let (exit, captured) = call(&server, &["create-account", account, "--json"]).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    let id = json(&captured)["id"].as_str().unwrap().to_owned();
    let (_, captured) = call(&server, &["get-account", &format!("id={id}"), "--json"]).await;
    assert_eq!(json(&captured)["name"], "Dry Limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_failure_has_its_exit_and_says_what_to_do() {
    let server = server().await;
    let (exit, captured) = call(&server, &["get-contact", "id=con_0", "--json"]).await;
    assert_eq!(exit, Exit::Crm, "{}", captured.err());
    assert_eq!(json(&captured)["failure"]["error"]["reason"], "not-found");

    let (exit, captured) = call(&server, &["get-contact"]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(captured.err().contains("\"id\""), "{}", captured.err());

    let (exit, captured) = call(&server, &["get-contcat"]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(
        captured.err().contains("`get-contact`"),
        "{}",
        captured.err()
    );

    let file = text(connector().await);
    let site = format!("site={}", server.url());
    let line = ["call", file, "get-me", "--set", &site, "--auth", "none"];
    let (exit, captured) = brightsync(&line, &[]).await;
    assert_eq!(exit, Exit::Refused);
    assert!(
        captured.err().contains("--allow-private"),
        "{}",
        captured.err()
    );

    let (exit, captured) = brightsync(&["call", file, "get-me", "--auth", "token"], &[]).await;
    assert_eq!(exit, Exit::Usage);
    assert!(captured.err().contains("site"), "{}", captured.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_is_in_anything_that_is_written() {
    let server = server().await;
    let login = &server.credentials().users[0];
    let file = text(connector().await);
    let site = format!("site={}", server.url());
    let ways: [(&str, &[(&str, &str)]); 3] = [
        ("api-key", &[("BRIGHTSYNC_CREDENTIAL_KEY", &login.key)]),
        (
            "password",
            &[
                ("BRIGHTSYNC_CREDENTIAL_USER", &login.email),
                ("BRIGHTSYNC_CREDENTIAL_PASSWORD", &login.password),
            ],
        ),
        ("token", &[("BRIGHTSYNC_CREDENTIAL_TOKEN", &login.token)]),
    ];
    let mut answered = 0;
    for (recipe, variables) in ways {
        for more in [
            &["--verbose"][..],
            &["--json", "--verbose"],
            &["--dry-run", "--verbose"],
        ] {
            let line = [
                "--log",
                "trace",
                "call",
                file,
                "get-me",
                "--set",
                &site,
                "--auth",
                recipe,
                "--allow-private",
            ];
            let line: Vec<_> = line.iter().chain(more).copied().collect();
            let (exit, captured) = brightsync(&line, variables).await;
            assert_eq!(exit, Exit::Success, "{}", captured.err());
            answered += 1;
            let written = captured.out() + &captured.err();
            for secret in [&login.key, &login.password, &login.token] {
                assert!(!written.contains(secret.as_str()), "{recipe}: {written}");
            }
        }
    }
    assert_eq!(answered, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_runs_until_it_is_interrupted() {
    let (terminal, captured) = Terminal::captured::<String, String>([]);
    captured.interrupt();
    let line = [
        "brightsync",
        "sandbox",
        "--json",
        "--contacts",
        "3",
        "--accounts",
        "1",
    ];
    let exit = brightsync::run(line, &terminal).await;
    assert_eq!(exit, Exit::Success);
    assert!(json(&captured)["users"][0]["key"].is_string());
    assert!(captured.err().ends_with("stopped\n"), "{}", captured.err());
}
