//! The sandbox CRM's REST API: its requests, and what it says when it refuses one.

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason, Result};

/// The largest page.
pub(crate) const LARGEST_PAGE: u32 = 200;

/// Requests to the API.
pub(crate) struct Api {
    client: Client,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new()
                .header("Accept", "application/json")
                .refine(refine),
        }
    }

    pub(crate) fn me(&self) -> Request {
        self.client.get("users/me")
    }

    pub(crate) fn read(&self, kind: &str, id: &str) -> Request {
        self.client.get(kind).segment(id)
    }

    pub(crate) fn create(&self, kind: &str, record: &Body) -> Request {
        self.client.post(kind).json(record)
    }

    /// Changes a record, if it has this version where one is named.
    pub(crate) fn change(
        &self,
        kind: &str,
        id: &str,
        patch: &Body,
        version: Option<&str>,
    ) -> Request {
        let request = self.client.patch(kind).segment(id).json(patch);
        match version {
            Some(version) => request.header("If-Match", format!("\"{version}\"")),
            None => request,
        }
    }

    pub(crate) fn delete(&self, kind: &str, id: &str) -> Request {
        self.client.delete(kind).segment(id)
    }

    /// Lists or looks up; the body of a search has room for 1,000 values where an address has room for 100.
    pub(crate) fn search(&self, kind: &str, filters: &Body) -> Request {
        let request = self.client.post(kind).segment("search");
        request.json(filters).repeatable()
    }

    pub(crate) fn departures(&self, kind: &str) -> Request {
        self.client.get(kind).segment("departures")
    }
}

/// What the body of a refusal says.
struct Refusal {
    code: String,
    message: String,
    fields: Vec<InvalidField>,
    existing: Vec<String>,
}

/// Says what the sandbox says in the body of a refusal.
fn refine(response: &Response, error: Error) -> Error {
    let Ok(body) = response.read(refusal) else {
        return error;
    };
    let reason = match body.code.as_str() {
        "missing_scope" => Reason::Forbidden(ForbiddenKind::MissingScope),
        // The departures of that time are no longer kept, so the caller has to begin anew.
        "window_expired" | "invalid_cursor" => Reason::CursorExpired,
        // A key of the organisation has no records of its own.
        "no_user" => Reason::Unsupported,
        _ => match error.reason {
            Reason::Duplicate(_) => Reason::Duplicate(body.existing),
            Reason::Invalid(_) if !body.fields.is_empty() => Reason::Invalid(body.fields),
            reason => reason,
        },
    };
    Error {
        reason,
        message: format!("the sandbox says: {}", body.message),
        ..error
    }
    .with_code(body.code)
}

fn refusal(it: Object<'_>) -> Result<Refusal> {
    Ok(it.need_object("error", |it| Refusal {
        code: it.need("code"),
        message: it.need("message"),
        fields: it.each("fields", invalid),
        existing: it.list("existing"),
    }))
}

/// Gives a refused field its name in the contract: `custom.tier` is `extra.tier`, `full_name` is `full-name`.
fn invalid(it: Object<'_>) -> InvalidField {
    let field: String = it.need("field");
    let name = field.split('[').next().unwrap_or(&field);
    let field = match (name.strip_prefix("custom."), name) {
        (Some(custom), _) => format!("extra.{custom}"),
        (None, "from") => "sender".to_owned(),
        (None, name) => name.replace('_', "-"),
    };
    InvalidField {
        field: Some(field),
        code: it.get("code"),
        reason: it.need("message"),
    }
}
