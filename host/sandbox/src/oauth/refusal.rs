//! The errors of the endpoints that clients call: JSON with `error` and `error_description` (RFC 6749, section 5.2).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal of the token, revocation, introspection or registration endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: &'static str,
    /// Without quotes and backslashes, which RFC 6749 leaves out; so it never repeats what was sent.
    description: &'static str,
}

impl Refusal {
    pub(crate) fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    pub(crate) fn request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    pub(crate) fn client(description: &'static str) -> Self {
        Self::new("invalid_client", description)
    }

    pub(crate) fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(crate) fn description(&self) -> &'static str {
        self.description
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        if self.error == "invalid_client" {
            let challenge = [(header::WWW_AUTHENTICATE, r#"Basic realm="sandbox""#)];
            return private((StatusCode::UNAUTHORIZED, challenge, Json(body)));
        }
        private((StatusCode::BAD_REQUEST, Json(body)))
    }
}

/// An answer that nobody on the way may keep; `Cache-Control` is set for every answer of the server.
pub(crate) fn private(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let value = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::PRAGMA, value);
    response
}
