//! A data folder, a CRM and a connector to it, and the program at work on them.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use brightsync::Terminal;
use brightsync_runtime::Vault;
use brightsync_runtime::vault::{KeySource, Keys, Slots, SqliteStore};
use brightsync_sandbox::{Client, ClientAuthentication, Options, Registered, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{OnceCell, mpsc};
use url::form_urlencoded::Serializer;

/// Where what takes long to make is kept between runs.
const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// A way in for an application that has a secret.
const RECIPE: &str = r#"
[auth.sign-in-with-secret]
title = "Sign in, for an application with a secret"
kind = "oauth2"
audience = ["{site}"]

[auth.sign-in-with-secret.oauth2]
grant = "authorization-code"
authorize = "{site}/oauth/authorize"
token = "{site}/oauth/token"
revoke = "{site}/oauth/revoke"
scopes = ["read", "write"]
"#;

/// A data folder of its own, a CRM, and a connector to it.
pub(crate) struct Office {
    home: TempDir,
    pub(crate) crm: Server,
}

/// The program, while it runs.
pub(crate) struct Running {
    child: Child,
    input: ChildStdin,
    /// What it writes to standard error. It is read all the time, so that a full pipe stops nothing.
    lines: mpsc::UnboundedReceiver<String>,
    err: String,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let office = Self {
            home: tempfile::tempdir().unwrap(),
            crm: Server::start(Options::empty(7, 2)).await.unwrap(),
        };
        office.write(built().await, &(manifest() + RECIPE));
        office
    }

    fn write(&self, from: &Path, manifest: &str) {
        let bytes = fs::read(from).unwrap();
        let bytes = brightsync_core::component::embed(&bytes, manifest).unwrap();
        fs::write(self.component(), bytes).unwrap();
    }

    /// The connector's file.
    pub(crate) fn component(&self) -> PathBuf {
        self.home.path().join("connector.wasm")
    }

    /// Has the connector ask for one more server.
    pub(crate) fn ask_for(&self, origin: &str) {
        let more = format!("\n[[hosts]]\norigin = \"{origin}\"\nwhy = \"statistics\"\n");
        self.write(&self.component(), &(manifest() + RECIPE + &more));
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Writes a file outside of the data folder.
    pub(crate) fn away(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A list with one key.
    pub(crate) fn key_list(&self) -> String {
        let digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP";
        format!("of-a-test:{digits}A=\n")
    }

    /// A client of the CRM that has a secret.
    pub(crate) fn client(&self) -> Registered {
        let client = Client {
            redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
            authentication: ClientAuthentication::ClientSecretPost,
            ..Client::default()
        };
        self.crm.register(client).unwrap()
    }

    /// Begins to connect `acme/crm`, with the id and the secret of a client.
    pub(crate) fn connect(&self, options: &[&str], client: &Registered) -> Running {
        self.connect_with(options, &of(client))
    }

    /// Begins to connect `acme/crm`, with these variables.
    pub(crate) fn connect_with(&self, options: &[&str], variables: &[(&str, &str)]) -> Running {
        let site = format!("site={}", self.crm.url());
        let file = self.component();
        let line = [
            "connect",
            file.to_str().unwrap(),
            "--tenant",
            "acme",
            "--set",
            &site,
        ];
        let more = ["--allow-private", "--no-browser"];
        let line: Vec<_> = line.iter().chain(&more).chain(options).copied().collect();
        self.begin(&line, variables, false)
    }

    /// Begins to connect to a CRM that the program starts itself, from the repository.
    pub(crate) fn own_crm(&self, variables: &[(&str, &str)]) -> Running {
        let line = ["connect", "sandbox", "--tenant", "acme", "--no-browser"];
        let variables = [variables, &[("CARGO_TARGET_DIR", KEPT)]].concat();
        self.begin(&line, &variables, true)
    }

    /// Starts the program, with the id and the secret of a client.
    pub(crate) fn start(&self, line: &[&str], client: &Registered) -> Running {
        self.begin(line, &of(client), false)
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, line: &[&str], variables: &[(&str, &str)]) -> Ended {
        self.begin(line, variables, false).end().await
    }

    fn begin(&self, line: &[&str], variables: &[(&str, &str)], inherits: bool) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brightsync"));
        if !inherits {
            command
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap());
        }
        let mut child = command
            .envs(variables.iter().copied())
            .args(["--log", "trace", "--data-dir"])
            .arg(self.data())
            .args(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut written = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = written.next_line().await {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running {
            input: child.stdin.take().unwrap(),
            lines,
            child,
            err: String::new(),
        }
    }

    /// Opens an address as a browser does, and answers the page.
    pub(crate) async fn browse(&self, address: &str) -> String {
        let (host, target) = address
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let request =
            format!("GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        send(host, &request).await
    }

    /// Is a person at the page of any CRM: signs in, agrees, and answers where that leads.
    pub(crate) async fn agree(&self, address: &str, email: &str, password: &str) -> String {
        let page = self.browse(address).await;
        let nonce = page.split("name=\"nonce\" value=\"").nth(1).unwrap();
        let nonce = nonce.split('"').next().unwrap();
        let form = Serializer::new(String::new())
            .append_pair("nonce", nonce)
            .append_pair("email", email)
            .append_pair("password", password)
            .append_pair("decision", "allow")
            .finish();
        let (host, _) = address
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let answer = post(host, "/oauth/authorize", &form).await;
        let location = answer.lines().find_map(|it| it.strip_prefix("location: "));
        location.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn vault(&self) -> Vault {
        let keys = KeySource::file(self.data().join("vault.keys"));
        let store = SqliteStore::open(&self.data().join("vault.sqlite")).await;
        Vault::new(store.unwrap(), Keys::read(keys).await.unwrap())
    }

    /// The values that the vault keeps and that are secret.
    pub(crate) async fn kept(&self) -> Vec<String> {
        let values = self.values().await.into_iter();
        values.map(|(_, value)| value).collect()
    }

    /// The same, with their names.
    async fn values(&self) -> Vec<(String, String)> {
        fn texts(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
            match value {
                Value::Object(members) => {
                    for (name, value) in members.iter().filter(|(name, _)| *name != "client-id") {
                        texts(name, value, found);
                    }
                }
                Value::String(text) => found.push((name.to_owned(), text.clone())),
                _ => {}
            }
        }
        let vault = self.vault().await;
        let mut found = Vec::new();
        for slot in vault.slots(&Slots::All, None, 100).await.unwrap() {
            let opened = vault.read(&slot).await.unwrap().unwrap();
            texts(
                "",
                &serde_json::from_slice(opened.plain()).unwrap(),
                &mut found,
            );
        }
        found
    }

    /// Has the CRM take back what it has issued to a client, as its administrator would.
    pub(crate) async fn take_back(&self, client: &Registered) {
        let values = self.values().await;
        let (_, token) = values
            .iter()
            .find(|(name, _)| name == "refresh-token")
            .unwrap();
        let form = Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("client_id", &client.id)
            .append_pair("client_secret", client.secret.as_deref().unwrap())
            .finish();
        let answer = post(&self.crm.address().to_string(), "/oauth/revoke", &form).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// Makes all sessions a minute older: one that is refused when it is young is left alone for a while.
    pub(crate) async fn age(&self) {
        let vault = self.vault().await;
        for slot in vault.slots(&Slots::All, None, 100).await.unwrap() {
            let opened = vault.read(&slot).await.unwrap().unwrap();
            let mut record: Value = serde_json::from_slice(opened.plain()).unwrap();
            let obtained = record["session"]["obtained"].as_i64().unwrap();
            record["session"]["obtained"] = (obtained - 60_000).into();
            let record = serde_json::to_vec(&record).unwrap();
            let written = vault.write(&slot, Some(opened.version), &record).await;
            assert!(written.unwrap().is_some());
        }
    }

    /// A program to be taken for Cargo, which writes its variables into a file and then is Cargo.
    pub(crate) fn spy(&self) -> (PathBuf, PathBuf) {
        let seen = self.home.path().join("seen");
        let real = std::env::var("CARGO").unwrap();
        let text = format!("#!/bin/sh\nenv >> {}\nexec {real} \"$@\"\n", seen.display());
        let spy = PathBuf::from(self.away("spy.sh", &text));
        fs::set_permissions(&spy, fs::Permissions::from_mode(0o700)).unwrap();
        (spy, seen)
    }

    /// Takes a key out of the file of keys.
    pub(crate) fn drop_key(&self, id: &str) {
        let path = self.data().join("vault.keys");
        let text = fs::read_to_string(&path).unwrap();
        let left: Vec<_> = text.lines().filter(|it| !it.starts_with(id)).collect();
        assert_eq!(left.len() + 1, text.lines().count());
        fs::write(&path, left.join("\n")).unwrap();
    }

    /// Finds nothing that is secret in what was written, in the data folder and among what processes were started with; answers what the vault keeps.
    pub(crate) async fn tell_all(&self, ended: &[&Ended]) -> Vec<String> {
        let kept = self.kept().await;
        let keys = fs::read_to_string(self.data().join("vault.keys")).unwrap();
        let keys = keys.lines().filter_map(|it| it.split_once(':'));
        let mut secrets: Vec<String> = keys.map(|(_, key)| key.to_owned()).collect();
        secrets.extend(kept.iter().cloned());
        self.nothing_of(&secrets, ended);
        kept
    }

    /// Finds none of these secrets anywhere.
    #[track_caller]
    pub(crate) fn nothing_of(&self, secrets: &[String], ended: &[&Ended]) {
        let login = &self.crm.credentials().users[0];
        let planted = [&login.password, &login.key, &login.token, &login.secret];
        let secrets: Vec<&String> = secrets.iter().chain(planted).collect();
        let written = ended
            .iter()
            .map(|it| ("the output".to_owned(), it.to_string().into_bytes()));
        let mut places: Vec<(String, Vec<u8>)> = written.collect();
        walk(&self.data(), &mut places);
        for process in fs::read_dir("/proc").unwrap() {
            let path = process.unwrap().path().join("cmdline");
            // One that ends just now has none.
            if let Ok(line) = fs::read(&path) {
                places.push((path.display().to_string(), line));
            }
        }
        for (place, bytes) in &places {
            for secret in &secrets {
                assert!(8 <= secret.len(), "{secret:?} is found anywhere");
                let found = bytes
                    .windows(secret.len())
                    .any(|it| it == secret.as_bytes());
                assert!(!found, "{secret:?} is in {place}");
            }
        }
    }
}

fn of(client: &Registered) -> [(&str, &str); 2] {
    let secret = client.secret.as_deref().unwrap();
    [
        ("BRIGHTSYNC_CREDENTIAL_CLIENT_ID", &client.id),
        ("BRIGHTSYNC_CREDENTIAL_CLIENT_SECRET", secret),
    ]
}

/// All files below a folder but the one that keys belong into.
fn walk(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if !path.ends_with("vault.keys") {
            // SQLite's own files come and go.
            if let Ok(bytes) = fs::read(&path) {
                found.push((path.display().to_string(), bytes));
            }
        }
    }
}

impl Running {
    /// Waits for a line with a text in it.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        while let Some(line) = self.lines.recv().await {
            self.err.push_str(&line);
            self.err.push('\n');
            if line.contains(text) {
                return line;
            }
        }
        panic!("it never said {text:?}:\n{}", self.err);
    }

    /// Waits for the address to open.
    pub(crate) async fn address(&mut self) -> String {
        let line = self.says("/oauth/authorize?").await;
        self.says("paste that address here").await;
        line.trim().to_owned()
    }

    /// The address and the password that it said to sign in with.
    pub(crate) fn login(&self) -> (String, String) {
        let after = self.err.split("Sign in there as").nth(1).unwrap();
        let mut words = after.split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    }

    pub(crate) async fn paste(&mut self, text: &str) {
        let line = format!("{text}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let mut out = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        let read = async {
            stdout.read_to_string(&mut out).await.unwrap();
        };
        let lines = async {
            while let Some(line) = self.lines.recv().await {
                self.err.push_str(&line);
                self.err.push('\n');
            }
        };
        tokio::join!(read, lines);
        let status = self.child.wait().await.unwrap();
        Ended {
            code: status.code().unwrap(),
            out,
            err: self.err,
        }
    }
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.out, self.err)
    }
}

/// Sends a request as it is written, and answers all that comes back.
pub(crate) async fn send(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn post(host: &str, path: &str, form: &str) -> String {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    send(host, &request).await
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifest() -> String {
    fs::read_to_string(repository().join("plugins/sandbox/connector.toml")).unwrap()
}

/// The sandbox connector.
async fn built() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT
        .get_or_init(|| async {
            let target = format!("{KEPT}/connectors");
            let (terminal, captured) = Terminal::captured([("CARGO_TARGET_DIR", target)]);
            let file = Path::new(KEPT).join("to-connect.wasm");
            let folder = repository().join("plugins/sandbox");
            let home = format!("{KEPT}/home");
            let line = ["brightsync", "--data-dir", &home, "build"];
            let line = line.iter().map(Path::new);
            let line = line.chain([&*folder, Path::new("-o"), &*file]);
            let exit = brightsync::run(line, &terminal).await;
            assert_eq!(exit, brightsync::Exit::Success, "{}", captured.err());
            file
        })
        .await
}
