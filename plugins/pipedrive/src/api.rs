//! Pipedrive's REST API: its requests with what each costs, and what its refusals mean.
//!
//! Version 2 where there is one; of version 1 what has no successor: users and what was recently deleted.

use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason, Result};
use serde_json::Value;

use crate::read::Kind;
use crate::value::{Ids, Term};

/// The largest page of a list.
pub(crate) const LARGEST_PAGE: u32 = 500;
/// Records that can be asked for by id at once, and hits on a page of a search.
pub(crate) const AT_ONCE: u32 = 100;

pub(crate) const DEALS: &str = "v2/deals";
pub(crate) const ARCHIVED: &str = "v2/deals/archived";
pub(crate) const ACTIVITIES: &str = "v2/activities";

/// Requests to one company's Pipedrive.
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
        self.client.get("v1/users/me").cost(2, "api")
    }

    /// Asks for all users, who come at once.
    pub(crate) fn users(&self) -> Request {
        self.client.get("v1/users").cost(20, "api")
    }

    /// Asks for what has changed or was deleted since a time, in version 1's form.
    pub(crate) fn recents(&self, item: &str, since: &str) -> Request {
        let recents = self.client.get("v1/recents").cost(20, "api");
        recents.query("since_timestamp", since).query("items", item)
    }

    pub(crate) fn read(&self, path: &str, id: u64) -> Request {
        let read = self.client.get(path).segment(id.to_string());
        read.cost(1, "api")
    }

    pub(crate) fn list(&self, path: &str) -> Request {
        let cost = match path {
            ARCHIVED => 20,
            "v2/stages" | "v2/pipelines" => 5,
            _ => 10,
        };
        self.client.get(path).cost(cost, "api")
    }

    pub(crate) fn create(&self, path: &str, record: &Value) -> Request {
        self.client.post(path).json(record).cost(5, "api")
    }

    pub(crate) fn change(&self, path: &str, id: u64, changes: &Body) -> Request {
        let change = self.client.patch(path).segment(id.to_string());
        change.json(changes).cost(5, "api")
    }

    pub(crate) fn delete(&self, path: &str, id: u64) -> Request {
        let delete = self.client.delete(path).segment(id.to_string());
        delete.cost(3, "api")
    }

    /// Asks for records by id; those that are gone are left out of the answer.
    pub(crate) fn by_ids(&self, path: &str, ids: &[u64]) -> Request {
        let list = self.list(path).query("ids", Ids(ids));
        list.query("limit", AT_ONCE)
    }

    /// Searches one field, for all of it or for a part of it; case does not count.
    pub(crate) fn search<T>(
        &self,
        kind: &Kind<T>,
        field: &str,
        term: &Term,
        exact: bool,
    ) -> Request {
        let search = self.client.get(kind.path).segment("search");
        let search = search.cost(20, "search").query("term", term);
        let search = search.query("fields", field);
        search.query("exact_match", exact).query("limit", AT_ONCE)
    }
}

/// The rows of a list.
pub(crate) fn rows(answer: Object<'_>) -> Vec<Value> {
    answer.items("data").to_vec()
}

/// What a search has found, as far as it tells.
pub(crate) fn hits(answer: Object<'_>) -> Vec<Value> {
    answer.need_object("data", |it| it.each("items", |it| it.need::<Value>("item")))
}

/// Where the next page begins; nothing after the last one.
pub(crate) fn next_cursor(answer: Object<'_>) -> Option<String> {
    let cursor = answer.object("additional_data", |it| it.get("next_cursor"));
    cursor.flatten()
}

/// Follows several lists to their ends, all of them at once.
pub(crate) fn to_the_end(
    lists: Vec<Request>,
    rows: fn(Object<'_>) -> Vec<Value>,
) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut open: Vec<(Request, Option<String>)> = lists.into_iter().map(|it| (it, None)).collect();
    while !open.is_empty() {
        let page = |(list, cursor): &(Request, Option<String>)| {
            list.clone().query_some("cursor", cursor.as_deref())
        };
        let answers = http::send_all(open.iter().map(page).collect());
        let mut rest = Vec::new();
        for ((list, _), answer) in open.into_iter().zip(answers) {
            let (found, next) = answer?.read(|it| Ok((rows(it), next_cursor(it))))?;
            all.extend(found);
            rest.extend(next.map(|next| (list, Some(next))));
        }
        open = rest;
    }
    Ok(all)
}

/// Says what Pipedrive says, and what a status means where it is not what it is elsewhere.
fn refine(response: &Response, error: Error) -> Error {
    let is_page = response
        .header("content-type")
        .is_some_and(|it| it.starts_with("text/html"));
    if response.status() == 403 && is_page {
        let message =
            "Pipedrive's front shuts this connection out for a while, since too many requests came";
        return Error::rate_limited(reset(response), message);
    }
    let said = response.read(|it| {
        // Version 1 has numbers, and version 2 names.
        let code = it.value("code").as_str().map(str::to_owned);
        let number = || Some(it.value("errorCode").as_u64()?.to_string());
        Ok((it.need::<String>("error"), code.or_else(number)))
    });
    // A body without them says nothing that the status has not said.
    let Ok((said, code)) = said else {
        return error;
    };
    let message = format!("Pipedrive says: {said}");
    let reason = match (response.status(), error.reason) {
        (400, _) if said.contains("cursor") && response.url().contains("cursor=") => {
            Reason::CursorExpired
        }
        (400, _) => Reason::Invalid(vec![invalid(&said)]),
        (402, _) => Reason::Forbidden(ForbiddenKind::Unknown),
        (403, _) if said.contains("cope") => Reason::Forbidden(ForbiddenKind::MissingScope),
        (403, _) => Reason::Forbidden(ForbiddenKind::ThisOperation),
        (429, Reason::RateLimited(None)) => Reason::RateLimited(reset(response)),
        (_, reason) => reason,
    };
    let message = match reason {
        Reason::Forbidden(ForbiddenKind::MissingScope) => {
            let scope = scope(response.url());
            format!(
                "{message}; the app lacks the scope {scope}: add it in the Developer Hub, and sign in again"
            )
        }
        _ => message,
    };
    Error {
        reason,
        message,
        code,
        ..error
    }
}

/// The wait until the limit is fresh again, in milliseconds.
fn reset(response: &Response) -> Option<u64> {
    let seconds: u64 = response.header("x-ratelimit-reset")?.parse().ok()?;
    Some(seconds.saturating_mul(1_000))
}

/// The scope that an address needs.
fn scope(url: &str) -> &'static str {
    const SCOPES: [(&str, &str); 5] = [
        ("v1/users", "users:read"),
        ("v1/recents", "recents:read"),
        ("v2/activities", "activities:full"),
        ("v2/persons", "contacts:full"),
        ("v2/organizations", "contacts:full"),
    ];
    let needed = SCOPES.iter().find(|it| url.contains(it.0));
    needed.map_or("deals:read", |it| it.1)
}

/// Gives the field that a refusal is about its name in the contract.
fn invalid(said: &str) -> InvalidField {
    const NAMES: [(&str, &str); 14] = [
        ("owner_id", "owner"),
        ("org_id", "accounts"),
        ("deal_id", "about"),
        ("participants", "about"),
        ("emails", "emails"),
        ("phones", "phones"),
        ("job_title", "title"),
        ("due_date", "start"),
        ("due_time", "start"),
        ("duration", "end"),
        ("location", "location"),
        ("subject", "subject"),
        ("note", "text"),
        ("name", "name"),
    ];
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let mut words = said.split(|it| !is_word(it));
    let name = words.find_map(|word| NAMES.iter().find(|it| it.0 == word));
    match name {
        Some((_, field)) => InvalidField::new(*field, said),
        None => InvalidField::unnamed(said),
    }
}
