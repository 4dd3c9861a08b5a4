//! Tryton's REST API: its requests and answers in its own words.

use std::fmt;

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason, Result, Timestamp, time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::html;

/// The largest page. Tryton has no limit; this many whole records are about half a megabyte.
pub(crate) const LARGEST_PAGE: u32 = 500;

pub(crate) const PARTY: &str = "party.party";

/// Requests to the API.
pub(crate) struct Api {
    client: Client,
}

/// A search: the records of a domain, in the order of their ids.
#[derive(Serialize)]
pub(crate) struct Search {
    domain: Value,
    fields_names: Vec<String>,
    order: [[&'static str; 2]; 1],
    limit: u32,
}

/// What Tryton says of the user whose key it is.
#[derive(Deserialize)]
pub(crate) struct Preferences {
    /// The ids of the user's keys: the only thing here that leads to the user's own id.
    pub(crate) applications: Vec<i64>,
    pub(crate) administrator: Flag,
    #[serde(rename = "company.rec_name")]
    pub(crate) company: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) login: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) active: Option<Flag>,
    #[serde(rename = "company.")]
    pub(crate) company: Option<Company>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Company {
    pub(crate) timezone: Option<String>,
}

/// A company or a person.
///
/// A search puts a dot behind the names of what it reads from other records, and the answer to a write does not.
#[derive(Deserialize)]
pub(crate) struct Party {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) active: Option<Flag>,
    pub(crate) replaced_by: Option<i64>,
    pub(crate) create_date: Option<Instant>,
    pub(crate) last_modified_at: Option<Instant>,
    #[serde(rename = "categories.", alias = "categories", default)]
    pub(crate) categories: Vec<Named>,
    #[serde(rename = "contact_mechanisms.", alias = "contact_mechanisms", default)]
    pub(crate) mechanisms: Vec<Mechanism>,
    #[serde(rename = "relations.", alias = "relations", default)]
    pub(crate) relations: Vec<Relation>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// An e-mail address, a telephone number, a web site.
#[derive(Clone, Deserialize)]
pub(crate) struct Mechanism {
    pub(crate) id: i64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What people call it.
    pub(crate) name: Option<String>,
    pub(crate) sequence: Option<i64>,
    pub(crate) last_modified_at: Option<Instant>,
}

/// That a party is something to another one.
#[derive(Deserialize)]
pub(crate) struct Relation {
    pub(crate) id: i64,
    pub(crate) to: i64,
    #[serde(rename = "type.", alias = "type")]
    pub(crate) kind: Option<Named>,
}

#[derive(Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct Opportunity {
    pub(crate) id: i64,
    pub(crate) rec_name: String,
    pub(crate) description: Option<String>,
    pub(crate) state: String,
    pub(crate) amount: Option<Decimal>,
    pub(crate) create_date: Option<Instant>,
    pub(crate) end_date: Option<Day>,
    pub(crate) employee: Option<i64>,
    #[serde(rename = "currency.")]
    pub(crate) currency: Option<Currency>,
    #[serde(rename = "party.")]
    pub(crate) party: Option<Partner>,
    #[serde(rename = "contact.")]
    pub(crate) contact: Option<Point>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Currency {
    pub(crate) code: String,
}

/// The party of an opportunity.
#[derive(Deserialize)]
pub(crate) struct Partner {
    pub(crate) id: i64,
    #[serde(rename = "categories.", default)]
    pub(crate) categories: Vec<Named>,
}

/// The address or number that an opportunity names, which belongs to somebody.
#[derive(Deserialize)]
pub(crate) struct Point {
    pub(crate) party: i64,
}

/// A user with all employees that the user may act as.
#[derive(Deserialize)]
pub(crate) struct Acting {
    pub(crate) id: i64,
    pub(crate) employee: Option<i64>,
    pub(crate) employees: Vec<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Note {
    pub(crate) id: i64,
    pub(crate) message: Option<String>,
    pub(crate) resource: String,
}

/// An entry of the log of deletions.
#[derive(Deserialize)]
pub(crate) struct Deletion {
    pub(crate) id: i64,
    pub(crate) create_date: Option<Instant>,
}

#[derive(Deserialize)]
pub(crate) struct Stub {
    pub(crate) id: i64,
}

/// A truth value, which SQLite gives as a number and PostgreSQL as what it is.
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "RawFlag")]
pub(crate) struct Flag(pub(crate) bool);

#[derive(Deserialize)]
#[serde(untagged)]
enum RawFlag {
    Truth(bool),
    Number(i64),
}

/// A time in UTC; it is written as a version with all its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Instant {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
}

#[derive(Deserialize)]
pub(crate) struct Day {
    year: u16,
    month: u8,
    day: u8,
}

#[derive(Deserialize)]
pub(crate) struct Decimal {
    pub(crate) decimal: String,
}

/// What Tryton answers when its own rules are broken.
#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    description: String,
}

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
        self.act("res.user", "get_preferences", &json!({}))
            .repeatable()
    }

    /// Searches by `POST`, so that a thousand ids fit and no address of a person stands in a log of requests.
    pub(crate) fn search(&self, model: &str, search: &Search) -> Request {
        self.act(model, "search_read", search).repeatable()
    }

    /// Counts records that cannot exist, which fails where the user may not read the model or it is not there.
    pub(crate) fn probe(&self, model: &str) -> Request {
        let nothing = json!({ "domain": [["id", "=", 0]] });
        self.act(model, "search_count", &nothing).repeatable()
    }

    /// Creates a party, and asks for these fields of it.
    pub(crate) fn create(&self, values: &Map<String, Value>, fields: &[&str]) -> Request {
        self.client.post(PARTY).query_each("f", fields).json(values)
    }

    /// Creates several records, all or none.
    pub(crate) fn create_all(&self, model: &str, records: &[Value]) -> Request {
        self.act(model, "create", &json!({ "vlist": records }))
    }

    /// Changes a party, and asks for these fields of it.
    pub(crate) fn change(&self, id: i64, values: &Map<String, Value>, fields: &[&str]) -> Request {
        self.client
            .put(PARTY)
            .segment(id.to_string())
            .query_each("f", fields)
            .json(values)
    }

    pub(crate) fn delete(&self, model: &str, id: i64) -> Request {
        self.client.delete(model).segment(id.to_string())
    }

    fn act(&self, model: &str, method: &str, arguments: &impl Serialize) -> Request {
        self.client.post(model).segment(method).json(arguments)
    }
}

impl Search {
    pub(crate) fn new(domain: impl Into<Value>, fields: &[&str], limit: u32) -> Self {
        Self {
            domain: domain.into(),
            fields_names: fields.iter().map(|it| (*it).to_owned()).collect(),
            order: [["id", "ASC"]],
            limit,
        }
    }

    /// Reads the tenant's own fields too; one that is no plain name would be a path into other records.
    pub(crate) fn with(mut self, fields: &[String]) -> Self {
        let plain = |it: &&String| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        self.fields_names
            .extend(fields.iter().filter(plain).cloned());
        self
    }
}

impl From<RawFlag> for Flag {
    fn from(raw: RawFlag) -> Self {
        match raw {
            RawFlag::Truth(it) => Self(it),
            RawFlag::Number(it) => Self(it != 0),
        }
    }
}

impl Instant {
    pub(crate) fn millis(self) -> Result<Timestamp> {
        time::parse_local(&self.to_string(), 0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            microsecond,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}"
        )
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
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
    let Ok(Refusal {
        message,
        description,
    }) = response.json()
    else {
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
