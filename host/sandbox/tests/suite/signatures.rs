//! Signed requests: the secret stays with the program, and what is signed cannot be changed.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use ring::hmac;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::client::{Client, START, expect, standing};
use crate::flow::{at, same, short};

const NOW: i64 = START / 1000;
const BODY: &str = r#"{"full_name": "A"}"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn sign(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// The published example of HMAC-SHA-256, RFC 4231, section 4.3.
#[test]
fn the_signature_is_the_one_of_the_rfc() {
    assert_eq!(
        sign("Jefe", "what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[tokio::test]
async fn the_method_and_the_path_are_signed_by_hmac() {
    let client = Client::empty().await;
    let login = &client.server.credentials().users[0];
    let (key, secret) = (&login.hmac_key, &login.hmac_secret);
    let ask = |method, path: &str, value: String| {
        let request = client.bare(method, path).body(BODY);
        let request = request.header("Content-Type", "application/json");
        request.header("X-Hmac-Authorization", value)
    };
    let value = |key: &str, secret: &str, message: &str| {
        STANDARD.encode(format!("{key}:{}", sign(secret, message)))
    };
    let get = |value| ask(Method::GET, "/contacts?limit=1", value);
    let upper = STANDARD.encode(format!(
        "{key}:{}",
        sign(secret, "GET /contacts").to_uppercase()
    ));
    let raw = format!("{key}:{}", sign(secret, "GET /contacts"));
    let mut got = Vec::new();
    for request in [
        get(value(key, secret, "GET /contacts")),
        ask(
            Method::POST,
            "/contacts",
            value(key, secret, "POST /contacts"),
        ),
        ask(
            Method::POST,
            "/contacts",
            value(key, secret, "GET /contacts"),
        ),
        get(value(key, secret, "GET /accounts")),
        get(value(key, secret, "GET /contacts?limit=1")),
        get(value(key, secret, "GET contacts")),
        get(value(key, key, "GET /contacts")),
        get(value("hmac-key-0", secret, "GET /contacts")),
        get(value(&login.key, secret, "GET /contacts")),
        get(upper),
        get(raw),
        get(String::new()),
    ] {
        got.push(short(request).await);
    }
    same(
        &got,
        "200
        201
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized",
    );
    let me = ask(
        Method::GET,
        "/users/me",
        value(key, secret, "GET /users/me"),
    );
    assert_eq!(expect(me, 200).await["user"]["id"], login.id.as_str());
}

#[tokio::test]
async fn a_timed_signature_holds_for_one_request_and_five_minutes() {
    let (clock, time) = standing(START);
    let client = at(clock).await;
    let login = &client.server.credentials().users[0];
    let (path, right) = ("/contacts?duplicates=allow", NOW.to_string());
    let value = |time: &str, method: &str, path: &str, body: &str| {
        let digest = hex(&Sha256::digest(body));
        let message = format!("{time}.{method}.{path}.{digest}");
        format!("t={time},v1={}", sign(&login.hmac_secret, &message))
    };
    let ask = |value: String| -> RequestBuilder {
        let request = client.bare(Method::POST, path).body(BODY);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("X-Key", &login.hmac_key);
        request.header("X-Signature", value)
    };
    let valid = value(&right, "POST", path, BODY);
    let at = |time: i64| value(&time.to_string(), "POST", path, BODY);
    let mut got = Vec::new();
    for request in [
        ask(valid.clone()),
        ask(at(NOW - 300)),
        ask(at(NOW + 300)),
        ask(at(NOW - 301)),
        ask(at(NOW + 301)),
        ask(value(&right, "PATCH", path, BODY)),
        ask(value(&right, "POST", "/contacts", BODY)),
        ask(value(&right, "POST", path, "{}")),
        ask(valid.clone()).body("{}"),
        ask(valid.replacen("t=1", "t=+1", 1)),
        ask(value(&format!("+{right}"), "POST", path, BODY)),
        ask(valid.replace(",v1=", ",v2=")),
        ask(format!("{valid},v1=x")),
        ask(String::new()),
        client
            .bare(Method::POST, path)
            .header("X-Key", &login.hmac_key),
        client
            .bare(Method::POST, path)
            .header("X-Signature", &valid),
        client
            .bare(Method::POST, path)
            .header("X-Signature", &valid)
            .header("X-Key", &login.key),
    ] {
        got.push(short(request).await);
    }
    time.fetch_add(301_000, Ordering::Relaxed);
    got.push(short(ask(valid)).await);
    same(
        &got,
        "201
        201
        201
        401 stale_signature
        401 stale_signature
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 unauthorized
        401 stale_signature",
    );
    let contacts = client.request(Method::GET, "/contacts");
    let body = expect(contacts, 200).await;
    assert_eq!(body["data"][0]["full_name"], json!("A"));
}
