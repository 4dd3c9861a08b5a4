//! How programs register themselves, and what the server says of itself.

use brightsync_sandbox::{Client as Program, RegistrationError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, expect, header};
use crate::flow::{program, same, short};

#[tokio::test]
async fn a_program_registers_itself_and_gets_tokens() {
    let client = Client::empty().await;
    let body = json!({
        "client_name": "Sync", "grant_types": ["client_credentials"], "response_types": [],
        "token_endpoint_auth_method": "client_secret_post", "scope": "read",
        "access_token_lifetime": 60, "software_id": "is ignored",
    });
    let request = client.bare(Method::POST, "/oauth/register").json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "pragma"), "no-cache");
    let mut answer: Value = response.json().await.unwrap();
    let members = answer.as_object_mut().unwrap();
    let id = members.remove("client_id").unwrap();
    let secret = members.remove("client_secret").unwrap();
    assert!(members.remove("client_id_issued_at").is_some());
    assert_eq!(
        answer,
        json!({
            "client_name": "Sync", "redirect_uris": [], "grant_types": ["client_credentials"],
            "response_types": [], "token_endpoint_auth_method": "client_secret_post",
            "scope": "read", "client_secret_expires_at": 0, "access_token_lifetime": 60,
            "refresh_token_rotation": true, "json_bodies": false, "omit_expires_in": false,
            "token_type": "Bearer", "callback_extras": false,
        })
    );
    let form =
        json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
    let request = client.bare(Method::POST, "/oauth/token").form(&form);
    let token = expect(request, 200).await;
    assert_eq!(token["expires_in"], 60);
}

#[tokio::test]
async fn what_does_not_fit_together_is_not_registered() {
    let client = Client::empty().await;
    let mut got = Vec::new();
    for body in [
        r#"{"redirect_uris": ["https://a.example/"]}"#,
        r#"{"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none"}"#,
        "[]",
        "{",
        r#"{}"#,
        r#"{"redirect_uris": ["http://a.example/"]}"#,
        r#"{"redirect_uris": ["https://a.example/#x"]}"#,
        r#"{"redirect_uris": "https://a.example/"}"#,
        r#"{"redirect_uris": ["https://a.example/"], "response_types": ["token"]}"#,
        r#"{"redirect_uris": ["https://a.example/"], "grant_types": ["implicit"]}"#,
        r#"{"redirect_uris": ["https://a.example/"], "scope": "admin"}"#,
        r#"{"redirect_uris": ["https://a.example/"], "token_type": "Basic"}"#,
        r#"{"redirect_uris": ["https://a.example/"], "token_type": "two words"}"#,
        r#"{"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "private_key_jwt"}"#,
        r#"{"redirect_uris": ["https://a.example/"], "jwks_uri": "https://a.example/"}"#,
        r#"{"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}"#,
        r#"{"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}"#,
    ] {
        let request = client.bare(Method::POST, "/oauth/register");
        let request = request.header("Content-Type", "application/json");
        got.push(format!("{body} {}", short(request.body(body)).await));
    }
    same(
        &got,
        r#"{"redirect_uris": ["https://a.example/"]} 201
        {"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "none"} 201
        [] 400 invalid_client_metadata
        { 400 invalid_client_metadata
        {} 400 invalid_client_metadata
        {"redirect_uris": ["http://a.example/"]} 400 invalid_redirect_uri
        {"redirect_uris": ["https://a.example/#x"]} 400 invalid_redirect_uri
        {"redirect_uris": "https://a.example/"} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "response_types": ["token"]} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "grant_types": ["implicit"]} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "scope": "admin"} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "token_type": "Basic"} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "token_type": "two words"} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "private_key_jwt"} 400 invalid_client_metadata
        {"redirect_uris": ["https://a.example/"], "jwks_uri": "https://a.example/"} 400 invalid_client_metadata
        {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"} 400 invalid_client_metadata
        {"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]} 400 invalid_client_metadata"#,
    );
    let error = client.server.register(Program::default()).unwrap_err();
    assert!(matches!(error, RegistrationError::Metadata(_)), "{error}");
    let plain = client
        .bare(Method::POST, "/oauth/register")
        .header("Content-Type", "text/plain")
        .body(r#"{"redirect_uris": ["https://a.example/"]}"#);
    assert_eq!(short(plain).await, "400 invalid_client_metadata");
    let long = json!({"grant_types": ["password"], "client_name": "x".repeat(64 * 1024)});
    let long = client.bare(Method::POST, "/oauth/register").json(&long);
    assert_eq!(short(long).await, "400 invalid_client_metadata");
}

#[tokio::test]
async fn a_key_is_public_and_strong() {
    let client = Client::empty().await;
    // The example of RFC 7515, appendix A.3.
    let ec = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let with = |name: &str, value: &str| {
        let mut key = ec.clone();
        key[name] = json!(value);
        key
    };
    let rsa = |length| json!({"kty": "RSA", "e": "AQAB", "n": "____".repeat(length)});
    let mut got = Vec::new();
    for (what, key) in [
        ("P-256", ec.clone()),
        (
            "private",
            with("d", "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"),
        ),
        ("P-384", with("crv", "P-384")),
        ("short", with("x", "f83O")),
        ("oct", json!({"kty": "oct", "k": "AAAA"})),
        ("2064 bits", rsa(86)),
        ("2040 bits", rsa(85)),
        ("8208 bits", rsa(342)),
        (
            "zero in front",
            json!({"kty": "RSA", "e": "AQAB", "n": "AAAA".repeat(86)}),
        ),
    ] {
        let body = json!({"grant_types": ["password"], "jwks": {"keys": [key]}});
        let request = client.bare(Method::POST, "/oauth/register").json(&body);
        got.push(format!("{what}: {}", short(request).await));
    }
    same(
        &got,
        "P-256: 201
        private: 400 invalid_client_metadata
        P-384: 400 invalid_client_metadata
        short: 400 invalid_client_metadata
        oct: 400 invalid_client_metadata
        2064 bits: 201
        2040 bits: 400 invalid_client_metadata
        8208 bits: 400 invalid_client_metadata
        zero in front: 400 invalid_client_metadata",
    );
}

#[tokio::test]
async fn the_metadata_leads_to_every_endpoint() {
    let client = Client::empty().await;
    let path = "/.well-known/oauth-authorization-server";
    let metadata = expect(client.bare(Method::GET, path), 200).await;
    let url = client.server.url();
    assert_eq!(metadata["issuer"], url);
    assert_eq!(
        metadata["code_challenge_methods_supported"],
        json!(["S256"])
    );
    let mut got = Vec::new();
    for (name, address) in metadata.as_object().unwrap() {
        if name.ends_with("_endpoint") {
            let path = address.as_str().unwrap().strip_prefix(url).unwrap();
            let told = short(client.bare(Method::POST, path)).await;
            got.push(format!("{name} {told}"));
        }
    }
    got.sort();
    same(
        &got,
        "authorization_endpoint 400 page
        introspection_endpoint 400 invalid_request
        registration_endpoint 400 invalid_client_metadata
        revocation_endpoint 400 invalid_request
        token_endpoint 400 invalid_request",
    );
}

#[tokio::test]
async fn a_secret_is_told_once_and_never_shown() {
    let client = Client::empty().await;
    let program = client.server.register(program()).unwrap();
    let secret = program.secret.as_deref().unwrap();
    assert!(!format!("{program:?} {:?}", client.server).contains(secret));
}
