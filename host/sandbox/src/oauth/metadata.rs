//! The metadata of the authorization server (RFC 8414), where clients find its endpoints.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::oauth::client::Grant;
use crate::server::App;

/// Answers with the metadata; the issuer is the server's address.
pub(crate) async fn metadata(State(app): State<App>) -> Json<Value> {
    let at = |path: &str| format!("{}/oauth/{path}", app.address);
    let secrets = ["client_secret_basic", "client_secret_post"];
    let all = ["client_secret_basic", "client_secret_post", "none"];
    Json(json!({
        "issuer": app.address,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "registration_endpoint": at("register"),
        "scopes_supported": ["read", "write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": Grant::ALL,
        "token_endpoint_auth_methods_supported": all,
        "revocation_endpoint_auth_methods_supported": all,
        "introspection_endpoint_auth_methods_supported": secrets,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}
