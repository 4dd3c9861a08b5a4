//! The sandbox CRM's REST API: its requests and answers in its own words.

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest page.
pub(crate) const LARGEST_PAGE: u32 = 200;

/// Requests to the API.
pub(crate) struct Api {
    client: Client,
}

#[derive(Deserialize)]
pub(crate) struct Me {
    pub(crate) organisation: Organisation,
    pub(crate) user: Option<User>,
    pub(crate) scopes: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Organisation {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A page of a list.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) data: Vec<Value>,
    pub(crate) next_cursor: Option<String>,
    /// Every change before this time was visible when the page was read.
    pub(crate) as_of: String,
}

/// What the answer to a write, and the view of ids, says of a record.
#[derive(Deserialize)]
pub(crate) struct Stub {
    pub(crate) id: String,
    pub(crate) version: Option<String>,
    pub(crate) modified_at: Option<String>,
    pub(crate) url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Departure {
    pub(crate) id: String,
    pub(crate) at: String,
    pub(crate) how: String,
    pub(crate) into: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) emails: Vec<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) active: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) version: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) modified_at: Option<String>,
    pub(crate) last_activity_at: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) domains: Vec<String>,
    pub(crate) kind: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) active: Option<bool>,
    #[serde(default)]
    pub(crate) custom: Map<String, Value>,
}

#[derive(Serialize)]
pub(crate) struct NewAccount {
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) version: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) modified_at: Option<String>,
    pub(crate) last_activity_at: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) full_name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    #[serde(default)]
    pub(crate) emails: Vec<Address>,
    #[serde(default)]
    pub(crate) phones: Vec<Phone>,
    #[serde(default)]
    pub(crate) accounts: Vec<Affiliation>,
    pub(crate) title: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) active: Option<bool>,
    #[serde(default)]
    pub(crate) custom: Map<String, Value>,
}

/// A contact to be created; a `null` counts as absent.
#[derive(Serialize)]
pub(crate) struct NewContact {
    pub(crate) full_name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) emails: Vec<Address>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) accounts: Vec<Affiliation>,
    pub(crate) title: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct Opportunity {
    pub(crate) id: String,
    pub(crate) created_at: Option<String>,
    pub(crate) last_activity_at: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) stage: Option<String>,
    pub(crate) stage_order: Option<u32>,
    pub(crate) kind: Option<String>,
    pub(crate) value: Option<Amount>,
    pub(crate) closes: Option<String>,
    pub(crate) closed_at: Option<String>,
    pub(crate) owner: Option<String>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
    pub(crate) account: Option<String>,
    #[serde(default)]
    pub(crate) participants: Vec<Participant>,
    #[serde(default)]
    pub(crate) custom: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) address: String,
    #[serde(default)]
    pub(crate) primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Phone {
    pub(crate) number: String,
    #[serde(default)]
    pub(crate) primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Affiliation {
    pub(crate) account: String,
    #[serde(default)]
    pub(crate) primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Amount {
    pub(crate) amount: String,
    pub(crate) currency: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Participant {
    pub(crate) contact: String,
    pub(crate) primary: Option<bool>,
    pub(crate) role: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct NewEmail {
    pub(crate) message_id: String,
    pub(crate) thread: Option<String>,
    pub(crate) direction: &'static str,
    pub(crate) sent_at: String,
    pub(crate) subject: String,
    pub(crate) from: Option<Party>,
    pub(crate) to: Vec<Party>,
    pub(crate) cc: Vec<Party>,
    pub(crate) bcc: Vec<Party>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) about: Vec<Link>,
    pub(crate) owner: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

#[derive(Serialize)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) content: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct NewMeeting {
    pub(crate) ical_uid: String,
    pub(crate) occurrence: Option<String>,
    pub(crate) subject: String,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) timezone: Option<String>,
    pub(crate) status: String,
    pub(crate) location: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) organiser: Option<Party>,
    pub(crate) attendees: Vec<Party>,
    pub(crate) about: Vec<Link>,
    pub(crate) owner: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

/// Somebody who wrote, received or attends; only attendees have the last two.
#[derive(Serialize)]
pub(crate) struct Party {
    pub(crate) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Link {
    pub(crate) kind: String,
    pub(crate) id: String,
}

/// The body of a `PATCH`; its parts are applied in the order clear, set, remove, add.
#[derive(Default, Serialize)]
pub(crate) struct Patch {
    pub(crate) clear: Vec<String>,
    pub(crate) set: Map<String, Value>,
    pub(crate) remove: Map<String, Value>,
    pub(crate) add: Map<String, Value>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    code: String,
    message: String,
    #[serde(default)]
    fields: Vec<RefusedField>,
    #[serde(default)]
    existing: Vec<String>,
}

#[derive(Deserialize)]
struct RefusedField {
    field: String,
    code: String,
    message: String,
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

    pub(crate) fn create(&self, kind: &str, record: &impl Serialize) -> Request {
        self.client.post(kind).json(record)
    }

    /// Changes a record, if it has this version where one is named.
    pub(crate) fn change(
        &self,
        kind: &str,
        id: &str,
        patch: &Patch,
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
    pub(crate) fn search(&self, kind: &str, filters: &Map<String, Value>) -> Request {
        self.client
            .post(kind)
            .segment("search")
            .json(filters)
            .repeatable()
    }

    pub(crate) fn departures(&self, kind: &str) -> Request {
        self.client.get(kind).segment("departures")
    }
}

/// Says what the sandbox says in the body of a refusal.
fn refine(response: &Response, error: Error) -> Error {
    let Ok(Refusal { error: body }) = response.json::<Refusal>() else {
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
            Reason::Invalid(fields) if body.fields.is_empty() => Reason::Invalid(fields),
            Reason::Invalid(_) => Reason::Invalid(body.fields.into_iter().map(invalid).collect()),
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

/// Gives a refused field its name in the contract: `custom.tier` is `extra.tier`, `full_name` is `full-name`.
fn invalid(refused: RefusedField) -> InvalidField {
    let name = refused.field.split('[').next().unwrap_or(&refused.field);
    let field = match (name.strip_prefix("custom."), name) {
        (Some(custom), _) => format!("extra.{custom}"),
        (None, "from") => "sender".to_owned(),
        (None, name) => name.replace('_', "-"),
    };
    InvalidField {
        field: Some(field),
        code: Some(refused.code),
        reason: refused.message,
    }
}
