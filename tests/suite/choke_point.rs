//! Nothing of the product opens a connection but the broker: by its code, and by trying every way out that there is.

use std::collections::BTreeSet;
use std::net::TcpListener;

use brightsync_core::grant::CarveOut;
use brightsync_core::origin::Scheme;
use brightsync_tests::guest;
use brightsync_tests::server::{Answer, Server};
use brightsync_tests::world::{Account, Names, World, ask, manifest};
use serde_json::json;

use crate::tidy::{file, none, rust};

/// Names that open connections or start programs, or stand for crates that do.
const OPENERS: [&str; 36] = [
    "TcpListener",
    "TcpSocket",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "SystemResolver",
    "TokioResolver",
    "attohttpc",
    "axum",
    "curl",
    "h2",
    "hickory_resolver",
    "hyper",
    "hyper_util",
    "isahc",
    "libc",
    "lookup_host",
    "mio",
    "nix",
    "process",
    "quinn",
    "reqwest",
    "rustix",
    "rustls",
    "socket2",
    "surf",
    "tonic",
    "tungstenite",
    "ureq",
    concat!("wasm", "time_wasi"),
    concat!("wasm", "time_wasi_http"),
    "web_sys",
    "include",
];

/// What of them opens nothing, wherever it stands.
const HARMLESS: [&str; 13] = [
    "brightsync_runtime::SystemResolver",
    "pub use self::broker::{Layer, PlannedRequest, Quota, Resolve, SystemResolver, TlsError}",
    "pub use self::resolve::{Resolve, SystemResolver}",
    "reqwest::header",
    "rustix::process",
    "rustix::time",
    "std::os::unix::process",
    "std::process::ExitCode",
    "std::process::ExitStatus",
    "std::process::exit",
    "std::process::id",
    concat!("wasm", "time_wasi::I32Exit"),
    concat!("use wasm", "time_wasi::{WasiCtx, WasiCtxView, WasiView}"),
];

/// What `std::net` has besides sockets.
const ADDRESSES: [&str; 5] = [
    "AddrParseError",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
];

/// The files that have one of them, each with what is tried below.
const WAYS_OUT: [(&str, Way); 13] = [
    ("host/runtime/src/broker/transport.rs", Way::Request),
    ("host/runtime/src/broker/resolve.rs", Way::Name),
    ("host/runtime/src/wasi.rs", Way::Guest),
    ("host/runtime/src/compile/worker.rs", Way::Compiler),
    ("host/runtime/src/vault/key_command.rs", Way::Keys),
    ("host/cli/src/access.rs", Way::Author),
    ("host/cli/src/traces.rs", Way::Collector),
    ("host/cli/src/connect/browser.rs", Way::Person),
    ("host/cli/src/connect/callback.rs", Way::Person),
    ("host/cli/src/connect/registration.rs", Way::Person),
    ("host/build/src/cargo.rs", Way::Author),
    ("host/build/src/target.rs", Way::Author),
    ("host/runtime/src/host.rs", Way::Name),
];

/// A way out of the process, or of one that it starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The HTTP client, for requests of connectors.
    Request,
    /// Names of servers, and what they lead to.
    Name,
    /// What a guest might open itself.
    Guest,
    /// The process that compiles: it is handed bytes and no address, and the suite's `compiling` shows that it gets no environment.
    Compiler,
    /// The operator's command that prints the vault's keys: its words are the operator's, and nothing of a connector or a CRM is among them.
    Keys,
    /// The collector of traces that the operator has named, in a program that is built for it; nothing of a connector or a CRM leads there, and a test of the command line has one.
    Collector,
    /// The browser of the person who connects an account at the terminal, its way back to this machine's loopback, and the CRM that the command has started there itself. The page that is opened is one that the person has just agreed to, and tests of the command line go the other ways.
    Person,
    /// A tool on its author's machine, which the host never runs; the command line has tests of its own.
    Author,
}

/// The lines of code in which a file names what opens a connection.
fn openers(code: &str) -> Vec<String> {
    let mut code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    for it in HARMLESS {
        code = code.replace(it, "");
    }
    let mut found = Vec::new();
    for (at, name) in names(&code) {
        let after = code[at + name.len()..].trim_start();
        let is_path = after.starts_with("::") || code[..at].trim_end().ends_with("::");
        let is_opener = match name {
            // A word of every other text, too.
            "process" | "include" | "mio" | "nix" | "curl" | "surf" => {
                is_path || after.starts_with("!(")
            }
            "net" => (is_path || is_used(&code[..at])) && !is_address(after),
            _ => OPENERS.contains(&name),
        };
        if is_opener || (is_used(&code[..at]) && OPENERS.contains(&name)) {
            let line = 1 + code[..at].matches('\n').count();
            found.push(format!("line {line}: {name}"));
        }
    }
    found
}

/// All names in a text, and where they begin.
fn names(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |it: char| it.is_alphanumeric() || it == '_';
    let mut at = 0;
    code.split_inclusive(move |it| !part(it))
        .filter_map(move |piece| {
            let begin = at;
            at += piece.len();
            let name = piece.trim_end_matches(|it| !part(it));
            (!name.is_empty()).then_some((begin, name))
        })
}

/// Whether a text ends within a `use`.
fn is_used(before: &str) -> bool {
    let statement = before.rsplit(';').next().unwrap_or_default();
    let mut lines = statement.lines().map(str::trim_start);
    lines.any(|it| {
        it.starts_with("use ")
            || it.starts_with("pub") && it.contains(" use ")
            || it.starts_with("extern crate ")
    })
}

/// Whether what follows `net` names addresses only.
fn is_address(after: &str) -> bool {
    let Some(rest) = after.strip_prefix("::") else {
        return false;
    };
    let list = match rest.strip_prefix('{') {
        Some(rest) => rest.split('}').next().unwrap_or_default(),
        None => rest
            .split(|it: char| !it.is_alphanumeric())
            .next()
            .unwrap_or_default(),
    };
    list.split(',')
        .map(str::trim)
        .all(|it| ADDRESSES.contains(&it))
}

#[test]
fn only_known_files_name_what_opens_a_connection() {
    let hosts = rust().into_iter().filter(|it| {
        // The sandbox is a server, and no part of the host.
        it.below(&["host/"]) && !it.below(&["host/sandbox/"]) && !it.path.contains("/tests/")
    });
    let known: BTreeSet<_> = WAYS_OUT.iter().map(|(path, _)| *path).collect();
    let naming: Vec<_> = hosts
        .map(|it| (openers(&it.text), it.path))
        .filter(|(lines, _)| !lines.is_empty())
        .collect();
    none(
        naming
            .iter()
            .filter(|(_, path)| !known.contains(path.as_str()))
            .map(|(lines, path)| format!("{path}: {}", lines.join(", "))),
        "only the broker's transport opens connections; go through the broker, or list the file with what is tried against it",
    );
    none(
        known
            .iter()
            .filter(|known| naming.iter().all(|(_, path)| path != *known)),
        "these open nothing any more; take them out of the list",
    );
}

#[test]
fn no_spelling_hides_what_opens_a_connection() {
    for attack in [
        "std::net::TcpStream::connect(a)",
        "use std::net::TcpStream as Harmless;",
        "use std::net;",
        "use std::net as n;",
        "use std::{fmt, net as n};",
        "use std::{fmt, net};",
        "use std::{\n    fmt,\n    net::{IpAddr, TcpStream},\n};",
        "use std::net::{self, IpAddr};",
        "use std::net::*;",
        "use tokio::net;",
        "tokio :: net :: TcpStream",
        "use tokio::net::lookup_host;",
        "use std::os::unix::net::UnixStream;",
        "socket2::Socket::new(a, b, None)",
        "rustix::net::socket(a, b, None)",
        "unsafe { libc::socket(a, b, c) }",
        "extern crate reqwest as r;",
        "use reqwest as r;",
        "pub(crate) use hyper::client;",
        "use hyper_util::client::legacy::Client;",
        "std::process::Command::new(\"curl\")",
        "use std::process as p;",
        "use std::process::{Command as C, ExitCode};",
        "use tokio::process::Command;",
        "include!(\"hidden.txt\");",
        concat!("wasm", "time_wasi_http::types::default_send_request(a, b)"),
    ] {
        assert!(!openers(attack).is_empty(), "{attack}");
    }
    for harmless in [
        "use std::net::IpAddr;",
        "use std::net::{IpAddr, Ipv4Addr, SocketAddr};",
        "found.sort_by_key(std::net::IpAddr::is_ipv6);",
        "let net = net.trunc();",
        "// std::net::TcpStream",
        "std::process::exit(1)",
        "use reqwest::header::HeaderName;",
        "/// in a process of its own",
    ] {
        assert_eq!(openers(harmless), Vec::<String>::new(), "{harmless}");
    }
}

#[test]
fn what_the_host_depends_on_is_known() {
    // A crate that opens connections under a name that nobody looks for begins as a line in one of these.
    let known = [
        (
            "host/runtime",
            "base64 brightsync-core brotli-decompressor bytes chacha20poly1305 flate2 futures getrandom hickory-resolver hmac httpdate prometheus-client reqwest ring rustls rustls-pki-types rustls-platform-verifier serde serde_json sha2 sqlx tempfile thiserror tokio tower-layer tower-service tracing url uuid zeroize zstd libc rlimit rustix",
        ),
        (
            "host/cli",
            "anyhow axum brightsync-attacks brightsync-build brightsync-core brightsync-runtime brightsync-sandbox chrono clap comfy-table console etcetera futures include_dir indicatif open opentelemetry opentelemetry-otlp opentelemetry_sdk rustls serde serde_json tempfile thiserror tokio toml tracing tracing-opentelemetry tracing-subscriber url",
        ),
        ("host/build", "brightsync-core serde_json thiserror toml"),
    ];
    for (folder, known) in known {
        let manifest: toml::Table = file(&format!("{folder}/Cargo.toml")).parse().unwrap();
        let targets = manifest.get("target").and_then(|it| it.as_table());
        let targets = targets.into_iter().flatten().map(|(_, it)| it);
        let tables = std::iter::once(&toml::Value::Table(manifest.clone()))
            .chain(targets)
            .flat_map(|it| ["dependencies", "build-dependencies"].map(|key| it.get(key)))
            .flatten()
            .filter_map(|it| it.as_table())
            .flatten()
            .map(
                |(name, it)| match it.get("package").and_then(|it| it.as_str()) {
                    Some(renamed) => renamed.to_owned(),
                    None => name.clone(),
                },
            )
            // The engine has a rule of its own.
            .filter(|it| !it.starts_with(concat!("wasm", "time")))
            .collect::<Vec<_>>();
        let known: Vec<_> = known.split(' ').collect();
        none(
            tables.iter().filter(|it| !known.contains(&it.as_str())),
            "see whether these open connections; if not, list them here, and if they do, list the files that may name them",
        );
    }
}

/// A server at a forbidden address, to which nobody may come.
struct Forbidden(TcpListener);

impl Forbidden {
    fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    #[track_caller]
    fn was_left_alone(&self, way: &str) {
        let came = self.0.accept();
        assert!(came.is_err(), "{way} has reached {:?}", came.unwrap().1);
    }
}

#[tokio::test]
async fn every_way_out_is_tried_against_a_forbidden_address() {
    for way in WAYS_OUT
        .iter()
        .map(|(_, way)| *way)
        .collect::<BTreeSet<_>>()
    {
        let forbidden = Forbidden::new();
        let tried = match way {
            Way::Request => request(forbidden.port()).await,
            Way::Name => name(forbidden.port()).await,
            Way::Guest => guest(forbidden.port()).await,
            Way::Compiler | Way::Keys | Way::Collector | Way::Person | Way::Author => continue,
        };
        forbidden.was_left_alone(tried);
    }
}

/// Requests to the address itself, granted as it may be: at once, by redirects, and side by side with what is carved out.
async fn request(port: u16) -> &'static str {
    let crm = Server::start();
    let literals = [
        format!("http://127.0.0.1:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
    ];
    for literal in &literals {
        let world = World::new();
        let account = Account::at(&crm)
            .set("elsewhere", literal)
            .grant(literal)
            .trust(literal)
            .bearer("a-token-of-acme");
        let acme = world.open(guest::ASKER, account).await;
        let away = Answer::text(307, "").with("location", &format!("{literal}/x"));
        crm.once("GET /away", away.clone());
        crm.once("POST /away", away);
        let urls = [format!("{literal}/x"), "away".to_owned()];
        for url in urls {
            let get = json!({ "url": url });
            let post = json!({"method": "POST", "url": url, "repeatable": true});
            for answer in ask(&acme, &[get, post]).await.as_array().unwrap() {
                assert!(answer["status"].is_null(), "{literal} {url}: {answer}");
            }
        }
    }
    "a request"
}

/// A granted name that leads there, by whoever resolves it, and one that is carved out for another port.
async fn name(port: u16) -> &'static str {
    let origin = format!("https://crm.example.com:{port}");
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"] {
        let world = World::with(|it| it.resolver(Names(vec![address.parse().unwrap()])));
        let mut account = Account::default().set("site", &origin).grant(&origin);
        account.carve_outs.push(
            CarveOut::new(
                Scheme::Https,
                "crm.example.com",
                "127.0.0.1".parse().unwrap(),
                443,
            )
            .unwrap(),
        );
        let acme = world.open(guest::ASKER, account).await;
        let answers = ask(&acme, &[json!({"url": "x"})]).await;
        assert!(answers[0]["status"].is_null(), "{answers}");
    }
    "a name"
}

/// A guest with sockets of its own, and one that asks what WASI it has for more.
async fn guest(_port: u16) -> &'static str {
    let world = World::new();
    for guest in [guest::CALLER, guest::READER] {
        let loaded = world.load_with(guest, &manifest("program")).await;
        assert!(loaded.is_err(), "{guest} is not even loaded");
    }
    "a guest"
}
