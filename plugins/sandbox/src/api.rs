//! The sandbox CRM's REST API: its requests, and what it says when it refuses one.

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::Cursor;
use brightsync_sdk::{Detail, Error, ForbiddenKind, Id, InvalidField, Reason, Window};

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
        request.if_match(version)
    }

    pub(crate) fn delete(&self, kind: &str, id: &str) -> Request {
        self.client.delete(kind).segment(id)
    }

    /// Lists or looks up; the body of a search has room for 1,000 values where an address has room for 100.
    pub(crate) fn search(&self, kind: &str, filters: &Body) -> Request {
        let request = self.client.post(kind).segment("search");
        request.json(filters).repeatable()
    }

    /// Asks for one page of such a search.
    pub(crate) fn list(&self, kind: &str, filters: Body, at: &Cursor) -> Request {
        let filters = filters
            .with("limit", at.size)
            .with_some("cursor", at.place.clone());
        self.search(kind, &filters)
    }

    /// Asks for one page of an owner's records, of those that changed in a window if there is one.
    pub(crate) fn owned(
        &self,
        kind: &str,
        owner: Option<Id>,
        window: Option<Window>,
        detail: Detail,
        at: &Cursor,
    ) -> Request {
        let ids = (detail == Detail::Ids).then_some("ids");
        let list = self.client.get(kind).query_some("view", ids);
        of(
            list.query_window("updated_since", "updated_until", window),
            owner,
            at,
        )
    }

    /// Asks for one page of what has left an owner's records.
    pub(crate) fn departures(
        &self,
        kind: &str,
        owner: Option<Id>,
        window: Option<Window>,
        at: &Cursor,
    ) -> Request {
        // What is given to another user has not left a read of everybody's records.
        let how: &[&str] = match owner {
            Some(_) => &[],
            None => &["deleted", "merged"],
        };
        let departures = self.client.get(kind).segment("departures");
        of(
            departures
                .query_window("since", "until", window)
                .query_each("how", how),
            owner,
            at,
        )
    }
}

/// Narrows a list down to one page of an owner's records.
fn of(list: Request, owner: Option<Id>, at: &Cursor) -> Request {
    list.query_some("owner", owner)
        .query("limit", at.size)
        .query_some("cursor", at.place.as_deref())
}

/// Says what the sandbox says in the body of a refusal.
fn refine(response: &Response, error: Error) -> Error {
    response.refine(error, |it, error| {
        it.need_object("error", |it| refusal(it, error))
    })
}

fn refusal(it: Object<'_>, error: Error) -> Error {
    let code: String = it.need("code");
    let reason = match code.as_str() {
        "missing_scope" => Reason::Forbidden(ForbiddenKind::MissingScope),
        // The departures of that time are no longer kept, so the caller has to begin anew.
        "window_expired" | "invalid_cursor" => Reason::CursorExpired,
        // A key of the organisation has no records of its own.
        "no_user" => Reason::Unsupported,
        _ => error.reason,
    };
    let message = format!("the sandbox says: {}", it.need::<String>("message"));
    Error::new(reason, message)
        .with_code(code)
        .with_existing(it.list("existing"))
        .with_fields(it.each("fields", invalid))
}

/// Gives a refused field its name in the contract.
fn invalid(it: Object<'_>) -> InvalidField {
    let place: String = it.need("field");
    let place = if place == "from" { "sender" } else { &place };
    InvalidField {
        code: it.get("code"),
        ..InvalidField::at(place, "custom.", it.need::<String>("message"))
    }
}
