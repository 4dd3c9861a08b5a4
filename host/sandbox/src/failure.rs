//! What the API answers when it refuses: one JSON form for every status.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::oauth::Scopes;

/// A refusal, as it goes out on the wire below `error`.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<FieldFailure>,
    existing: Vec<String>,
    #[serde(skip)]
    challenge: Option<Challenge>,
}

/// What `WWW-Authenticate` says of a token (RFC 6750, section 3).
#[derive(Debug)]
pub(crate) struct Challenge(String);

/// What is wrong with one field of a body.
#[derive(Debug, Serialize)]
pub(crate) struct FieldFailure {
    pub(crate) field: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Envelope {
    error: Failure,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            fields: Vec::new(),
            existing: Vec::new(),
            challenge: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn stale(version: i64) -> Self {
        let message = format!("the record has changed: its version is \"{version}\" now");
        Self::new(StatusCode::PRECONDITION_FAILED, "stale", message)
    }

    pub(crate) fn duplicate(existing: Vec<String>) -> Self {
        let failure = Self::new(
            StatusCode::CONFLICT,
            "duplicate",
            "such a record exists already: update it instead",
        );
        Self {
            existing,
            ..failure
        }
    }

    pub(crate) fn invalid(fields: Vec<FieldFailure>) -> Self {
        let failure = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            "some fields cannot be accepted: see `fields`",
        );
        Self { fields, ..failure }
    }

    pub(crate) fn with_challenge(self, challenge: Challenge) -> Self {
        Self {
            challenge: Some(challenge),
            ..self
        }
    }

    pub(crate) fn with_existing(self, existing: Vec<String>) -> Self {
        Self { existing, ..self }
    }
}

impl Challenge {
    /// The token is worth nothing.
    pub(crate) fn token(scheme: &str, why: &str) -> Self {
        Self(format!(
            r#"{scheme} realm="sandbox", error="invalid_token", error_description="{why}""#
        ))
    }

    /// The token lacks a scope.
    pub(crate) fn scope(scheme: &str, scope: Scopes) -> Self {
        Self(format!(
            r#"{scheme} realm="sandbox", error="insufficient_scope", scope="{scope}""#
        ))
    }

    /// The request has more than one credential.
    pub(crate) fn request() -> Self {
        Self(r#"Bearer realm="sandbox", error="invalid_request""#.to_owned())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, challenge) = (self.status, self.challenge.as_ref().map(|it| it.0.clone()));
        let mut response = (status, Json(Envelope { error: self })).into_response();
        let ways = if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: a 401 names at least one way to authenticate.
            let tokens = challenge.unwrap_or_else(|| r#"Bearer realm="sandbox""#.to_owned());
            Some(format!(
                r#"Basic realm="sandbox", charset="UTF-8", {tokens}"#
            ))
        } else {
            challenge
        };
        if let Some(value) = ways.and_then(|it| HeaderValue::try_from(it).ok()) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        // A failing database is an operator's matter: the message names what SQLite said.
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database",
            format!("the sandbox's database failed: {error}"),
        )
    }
}
