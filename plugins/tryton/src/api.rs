//! Tryton's REST API: its requests and answers in its own words.

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::json::{Body, FromJson, Notes, Object};
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason, Result, Timestamp, time};
use serde_json::Value;

use crate::html;
use crate::query::is;

/// The largest page. Tryton has no limit; this many whole records are about half a megabyte.
pub(crate) const LARGEST_PAGE: u32 = 500;

pub(crate) const PARTY: &str = "party.party";

/// Requests to the API.
pub(crate) struct Api {
    client: Client,
}

/// A search: the records of a domain, in the order of their ids.
pub(crate) struct Search {
    domain: Value,
    fields: Vec<String>,
    limit: u32,
}

/// A company or a person.
pub(crate) struct Party {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) created: Option<Instant>,
    /// When it or an address of it was last changed, which Tryton keeps apart.
    ///
    /// The times of relations cannot be read, only searched: read, they are always now (trytond 8.2).
    pub(crate) changed: Option<Instant>,
    /// In the order in which Tryton shows them.
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) relations: Vec<Relation>,
}

/// An e-mail address, a telephone number, a web site.
pub(crate) struct Mechanism {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What people call it.
    pub(crate) name: Option<String>,
    pub(crate) sequence: Option<i64>,
    changed: Option<Instant>,
}

/// That a party is something to another one.
pub(crate) struct Relation {
    pub(crate) id: i64,
    pub(crate) to: i64,
    pub(crate) kind: Option<String>,
}

/// A truth value, which SQLite gives as a number and PostgreSQL as what it is.
pub(crate) struct Flag(pub(crate) bool);

/// A time in UTC with all its digits, which is a version too.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(pub(crate) String);

impl Api {
    pub(crate) fn new() -> Self {
        let client = Client::new()
            .header("Accept", "application/json")
            // Refusals have no codes, so they are told apart by their words, which are translated.
            .header("Accept-Language", "en")
            .refine(refine);
        Self { client }
    }

    pub(crate) fn preferences(&self) -> Request {
        let preferences = self.act("res.user", "get_preferences", &Body::new());
        preferences.repeatable()
    }

    /// Searches by `POST`, so that a thousand ids fit and no address of a person stands in a log of requests.
    pub(crate) fn search(&self, model: &str, search: Search) -> Request {
        let search = Body::new()
            .with("domain", search.domain)
            .with("fields_names", search.fields)
            .with("order", vec![vec!["id", "ASC"]])
            .with("limit", search.limit);
        self.act(model, "search_read", &search).repeatable()
    }

    /// Counts records that cannot exist, which fails where the user may not read the model or it is not there.
    pub(crate) fn probe(&self, model: &str) -> Request {
        let nothing = Body::new().with("domain", vec![is("id", "=", 0)]);
        self.act(model, "search_count", &nothing).repeatable()
    }

    /// Creates a party, and asks for these fields of it.
    pub(crate) fn create(&self, values: &Body, fields: &[&str]) -> Request {
        self.client.post(PARTY).query_each("f", fields).json(values)
    }

    /// Creates several records, all or none.
    pub(crate) fn create_all(&self, model: &str, records: Vec<Value>) -> Request {
        self.act(model, "create", &Body::new().with("vlist", records))
    }

    /// Changes a party, and asks for these fields of it.
    pub(crate) fn change(&self, id: i64, values: &Body, fields: &[&str]) -> Request {
        let request = self.client.put(PARTY).segment(id.to_string());
        request.query_each("f", fields).json(values)
    }

    pub(crate) fn delete(&self, model: &str, id: i64) -> Request {
        self.client.delete(model).segment(id.to_string())
    }

    fn act(&self, model: &str, method: &str, arguments: &Body) -> Request {
        self.client.post(model).segment(method).json(arguments)
    }
}

impl Search {
    pub(crate) fn new(domain: Value, fields: &[&str], limit: u32) -> Self {
        Self {
            domain,
            fields: fields.iter().map(|it| (*it).to_owned()).collect(),
            limit,
        }
    }

    /// Reads the tenant's own fields too; one that is no plain name would be a path into other records.
    pub(crate) fn with(mut self, fields: &[String]) -> Self {
        let is_plain = |it: &&String| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        self.fields.extend(fields.iter().filter(is_plain).cloned());
        self
    }
}

impl Party {
    pub(crate) fn read(it: Object<'_>) -> Self {
        let mut mechanisms = joined(it, "contact_mechanisms", |it| Mechanism {
            id: it.need("id"),
            kind: it.need("type"),
            value: it.need("value"),
            name: it.get("name"),
            sequence: it.get("sequence"),
            changed: it.get("last_modified_at"),
        });
        mechanisms.sort_by_key(|it| (it.sequence.is_none(), it.sequence, it.id));
        let mut changed = it.get("last_modified_at");
        for mechanism in &mechanisms {
            changed = changed.max(mechanism.changed.clone());
        }
        let kind = |it: Object<'_>, name: &str| it.object(name, |it| it.need("name"));
        let mut relations = joined(it, "relations", |it| Relation {
            id: it.need("id"),
            to: it.need("to"),
            kind: kind(it, "type.").or_else(|| kind(it, "type")),
        });
        relations.sort_by_key(|it| it.id);
        Self {
            id: it.need("id"),
            name: it.get("name"),
            active: flag(it, "active"),
            created: it.get("create_date"),
            changed,
            mechanisms,
            relations,
        }
    }
}

impl Instant {
    pub(crate) fn millis(&self) -> Result<Timestamp> {
        time::parse_local(&self.0, 0)
    }
}

impl FromJson for Flag {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        Self(match value {
            Value::Bool(it) => *it,
            number => i64::from_json(number, notes) != 0,
        })
    }
}

impl FromJson for Instant {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let it = notes.object(value);
        let [hour, minute, second, micro] =
            ["hour", "minute", "second", "microsecond"].map(|name| it.need::<u32>(name));
        let day = day(it);
        Self(format!(
            "{day}T{hour:02}:{minute:02}:{second:02}.{micro:06}"
        ))
    }
}

/// Reads a day.
pub(crate) fn day(it: Object<'_>) -> String {
    let [year, month, day] = ["year", "month", "day"].map(|name| it.need::<u32>(name));
    format!("{year:04}-{month:02}-{day:02}")
}

pub(crate) fn flag(it: Object<'_>, name: &str) -> Option<bool> {
    it.get(name).map(|it: Flag| it.0)
}

/// Reads other records that belong to one: a search puts a dot behind their name, and the answer to a write does not.
pub(crate) fn joined<'a, T>(it: Object<'a>, name: &str, map: impl Fn(Object<'a>) -> T) -> Vec<T> {
    let dotted = format!("{name}.");
    let is_written = it.value(&dotted).is_null();
    it.each(if is_written { name } else { &dotted }, map)
}

/// Says what Tryton says.
///
/// It answers every breach of a rule with 400 and a sentence, rights included, and every surprise (a field that is
/// not there) with 500 and a page, after it has rolled the transaction back (`with_transaction`, trytond 8.2).
fn refine(response: &Response, error: Error) -> Error {
    match response.status() {
        400 => refused(response, error),
        // Methods that are called by name answer so where the user lacks a right, and say nothing more.
        403 => Error {
            reason: Reason::Forbidden(ForbiddenKind::ThisOperation),
            message: format!("{}: the user of this key lacks a right", error.message),
            ..error
        },
        500 => failed(response, error),
        _ => error,
    }
}

fn refused(response: &Response, error: Error) -> Error {
    let said = |it: Object<'_>| {
        let description: Option<String> = it.get("description");
        Ok((
            it.need::<String>("message"),
            description.unwrap_or_default(),
        ))
    };
    let Ok((message, description)) = response.read(said) else {
        return error;
    };
    let field = message.starts_with("You are not allowed to modify the field");
    let reason = if message.starts_with("You are not allowed to") && !field {
        Reason::Forbidden(ForbiddenKind::ThisOperation)
    } else if message.contains("could not be deleted because they are used") {
        Reason::Forbidden(ForbiddenKind::ThisRecord)
    } else {
        Reason::Invalid(vec![InvalidField::unnamed(message.clone())])
    };
    let text = format!("Tryton says: {message} {description}");
    Error {
        reason,
        message: text.trim_end().to_owned(),
        ..error
    }
}

fn failed(response: &Response, error: Error) -> Error {
    let text = response.text();
    // The page of Tryton itself; a proxy's page says nothing of what became of the request.
    let own = text
        .split_once("<h1>Internal Server Error</h1>")
        .and_then(|(_, rest)| rest.trim().strip_prefix("<p>"))
        .and_then(|rest| rest.split_once("</p>"));
    match own {
        Some((cause, _)) => Error::other(format!(
            "Tryton did not understand the request, and nothing was written: {}",
            html::to_text(cause)
        )),
        None => error,
    }
}
