//! Traces, as a collector on this machine gets them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the lints exempt only functions that are tests themselves"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use brightsync::{Exit, Terminal};
use brightsync_sandbox::{Options, Server};
use serde_json::Value;

/// Where everything that takes long to make is kept between runs.
const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// A collector that takes whatever comes: its address, and the path and body of each request.
fn collector() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|it| 0 < it) {
                let path = line.split(' ').nth(1).unwrap().to_owned();
                let mut length = 0;
                loop {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    match line.trim_end().split_once(": ") {
                        Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                            length = value.parse().unwrap();
                        }
                        Some(_) => {}
                        None => break,
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).unwrap();
                let body = serde_json::from_slice(&body).unwrap();
                if sender.send((path, body)).is_err() {
                    return;
                }
                line.clear();
            }
        }
    });
    (address, received)
}

async fn brightsync(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let (terminal, captured) = Terminal::captured(variables.iter().copied());
    let home = format!("{KEPT}/home");
    let line = ["brightsync", "--data-dir", &home];
    let exit = brightsync::run(line.iter().chain(arguments), &terminal).await;
    assert_eq!(exit, Exit::Success, "{}", captured.err());
    captured.err()
}

/// The attributes of a span as names and values.
fn attributes(span: &Value) -> Vec<(&str, String)> {
    let all = span["attributes"].as_array().unwrap().iter();
    all.map(|it| {
        let value = it["value"].as_object().unwrap().values().next().unwrap();
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned);
        (it["key"].as_str().unwrap(), value)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_its_requests_reach_the_collector_that_the_operator_names() {
    let (collector, received) = collector();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sandbox");
    let file = format!("{KEPT}/traced.wasm");
    let target = format!("{KEPT}/connectors");
    brightsync(
        &["build", source.to_str().unwrap(), "-o", &file],
        &[("CARGO_TARGET_DIR", &target)],
    )
    .await;
    let server = Server::start(Options::default()).await.unwrap();
    let site = format!("site={}", server.url());
    let key = &server.credentials().users[0].key;
    brightsync(
        &[
            "--traces",
            &collector,
            "call",
            &file,
            "get-me",
            "--set",
            &site,
            "--auth",
            "api-key",
            "--allow-private",
        ],
        &[("BRIGHTSYNC_CREDENTIAL_KEY", key)],
    )
    .await;

    let (path, body) = received.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(path, "/v1/traces");
    assert!(!body.to_string().contains(key.as_str()), "{body}");
    let resource = &body["resourceSpans"][0];
    assert!(
        resource["resource"].to_string().contains("\"brightsync\""),
        "{resource}"
    );
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let find = |name: &str| spans.iter().find(|it| it["name"] == name).unwrap();
    let (call, request) = (find("call"), find("request"));
    assert_eq!(request["parentSpanId"], call["spanId"]);
    assert_eq!(request["traceId"], call["traceId"]);
    let has = |span: &Value, name: &str, value: Option<&str>| {
        let found = attributes(span);
        let is_there = found
            .iter()
            .any(|(it, told)| *it == name && value.is_none_or(|value| told == value));
        assert!(is_there, "{name} in {found:?}");
    };
    has(call, "outcome", Some("answer"));
    has(call, "function", Some("get-me"));
    has(call, "guest_time", None);
    has(request, "status", Some("200"));
    has(request, "method", Some("GET"));
    for stage in ["policy", "quota", "connect", "first-byte", "body", "redact"] {
        has(request, stage, None);
    }
}
