//! Registers this program at a CRM that it has started itself, as a client that keeps no secret (RFC 7591).

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Asks for a client id.
pub(super) async fn register(server: SocketAddr) -> Result<String> {
    let client = json!({
        "client_name": "BrightSync",
        // The port is free at a loopback address (RFC 8252, section 7.3).
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    let (status, answer) = post(server, "/oauth/register", &client.to_string())
        .await
        .context("the CRM that was started does not answer")?;
    ensure!(
        status == "201",
        "the CRM that was started does not register this program (status {status})"
    );
    let told: Value = serde_json::from_str(&answer)?;
    let id = told.get("client_id").and_then(Value::as_str);
    Ok(id
        .context("the CRM has registered this program without an id")?
        .to_owned())
}

async fn post(server: SocketAddr, path: &str, body: &str) -> Result<(String, String)> {
    let mut stream = TcpStream::connect(server).await?;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).await?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("its answer has no end")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    Ok((status.to_owned(), body.to_owned()))
}
