//! Signed requests: by EspoCRM's HMAC, and by one that binds time, query and body as well.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::auth::credential::{Credentials, Login};
use crate::failure::Failure;

/// How far the time of a signature may be off, in seconds.
const LEEWAY: i64 = 300;

/// Returns the user whose secret signed a message: `base64(KEY + ":" + hex(hmac_sha256(message)))`.
pub(super) fn hmac<'a>(
    credentials: &'a Credentials,
    value: &str,
    message: &str,
) -> Result<&'a Login, Failure> {
    let pair = STANDARD.decode(value).ok();
    let pair = pair.and_then(|it| String::from_utf8(it).ok());
    let pair = pair.as_deref().and_then(|it| it.split_once(':'));
    let (key, signature) = pair.ok_or_else(wrong)?;
    signer(credentials, key, message, signature)
}

/// Returns the user whose secret signed a whole request: `t=SECONDS,v1=HEX`.
pub(super) fn timed<'a>(
    credentials: &'a Credentials,
    key: &str,
    value: &str,
    request: &Parts,
    body: &[u8],
    now: i64,
) -> Result<&'a Login, Failure> {
    let parts = value
        .strip_prefix("t=")
        .and_then(|it| it.split_once(",v1="))
        .filter(|it| it.0.bytes().all(|it| it.is_ascii_digit()));
    let (time, signature) = parts.ok_or_else(wrong)?;
    let off = time.parse::<i64>().ok().map(|it| it.abs_diff(now));
    if off.is_none_or(|it| LEEWAY.unsigned_abs() < it) {
        let message = "the time of the signature is more than 300 seconds off the server's clock";
        let status = StatusCode::UNAUTHORIZED;
        return Err(Failure::new(status, "stale_signature", message));
    }
    let address = request.uri.path_and_query().map_or("/", |it| it.as_str());
    let digest = hex(&Sha256::digest(body));
    let message = format!("{time}.{}.{address}.{digest}", request.method);
    signer(credentials, key, &message, signature)
}

fn signer<'a>(
    credentials: &'a Credentials,
    key: &str,
    message: &str,
    signature: &str,
) -> Result<&'a Login, Failure> {
    let login = credentials.users.iter().find(|it| it.hmac_key == key);
    let login = login.ok_or_else(wrong)?;
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, login.hmac_secret.as_bytes());
    let expected = hex(ring::hmac::sign(&secret, message.as_bytes()).as_ref());
    (signature == expected).then_some(login).ok_or_else(wrong)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn wrong() -> Failure {
    let message = "the signature does not fit its key and this request";
    Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
}
