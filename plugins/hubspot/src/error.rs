//! What HubSpot's refusals mean.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason};
use serde_json::Value;

use crate::api::is_id;

/// The contract's names of properties.
const FIELDS: [(&str, &str); 21] = [
    ("domain", "domains"),
    ("email", "emails"),
    ("fax", "phones"),
    ("firstname", "given-name"),
    ("hs_attendee_owner_ids", "attendees"),
    ("hs_email_direction", "direction"),
    ("hs_email_headers", "to"),
    ("hs_email_html", "html"),
    ("hs_email_subject", "subject"),
    ("hs_email_text", "text"),
    ("hs_meeting_body", "text"),
    ("hs_meeting_end_time", "end"),
    ("hs_meeting_location", "location"),
    ("hs_meeting_outcome", "status"),
    ("hs_meeting_start_time", "start"),
    ("hs_meeting_title", "subject"),
    ("hubspot_owner_id", "owner"),
    ("jobtitle", "title"),
    ("lastname", "family-name"),
    ("mobilephone", "phones"),
    ("phone", "phones"),
];

/// Says what HubSpot says: a category, a sentence and details, of which only the sentence is always there.
pub(crate) fn refine(response: &Response, error: Error) -> Error {
    response.refine(error, |it, error| refusal(response.status(), it, error))
}

fn refusal(status: u16, it: Object<'_>, error: Error) -> Error {
    let said: String = it.need("message");
    let category: Option<String> = it.get("category").or_else(|| it.get("errorType"));
    let mut message = format!("HubSpot says: {said}");
    let reason = match (status, category.as_deref()) {
        // Whatever the status: a limit is one.
        (400 | 403, Some("RATE_LIMITS" | "RATE_LIMIT")) => Reason::RateLimited(None),
        (403, Some("MISSING_SCOPES")) => {
            let scopes = scopes(it);
            if !scopes.is_empty() {
                message = format!("{message} The scopes: {}", scopes.join(", "));
            }
            Reason::Forbidden(ForbiddenKind::MissingScope)
        }
        (409, _) => Reason::Duplicate(Vec::from_iter(existing(&said))),
        // Locked by another change, and an account on its way to another data centre.
        (423 | 477, _) => Reason::Unavailable,
        _ => error.reason,
    };
    let reason = match reason {
        Reason::Invalid(_) => Reason::Invalid(invalid(it, &said)),
        other => other,
    };
    Error {
        reason,
        message,
        code: category,
        ..error
    }
}

/// The record that a conflict names at the end of its sentence: `Contact already exists. Existing ID: 51`.
fn existing(said: &str) -> Option<String> {
    let (_, id) = said.rsplit_once("ID: ")?;
    Some(id.to_owned()).filter(|it| is_id(it))
}

fn scopes(it: Object<'_>) -> Vec<String> {
    let mut scopes = Vec::new();
    for error in it.items("errors") {
        let Some(Value::Object(context)) = error.get("context") else {
            continue;
        };
        for scope in context.values().flat_map(texts) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
    scopes
}

/// What is wrong with which property: HubSpot writes it as JSON behind its sentence, or lists it beside.
fn invalid(it: Object<'_>, said: &str) -> Vec<InvalidField> {
    let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut fields = Vec::new();
    let told = said.find('[').and_then(|at| said.get(at..));
    let told: Option<Vec<Value>> = told.and_then(|it| serde_json::from_str(it).ok());
    for problem in told.iter().flatten() {
        fields.push(InvalidField {
            field: text(problem, "name").map(|it| field(&it)),
            code: text(problem, "error"),
            reason: text(problem, "message").unwrap_or_else(|| said.to_owned()),
        });
    }
    if fields.is_empty() {
        for problem in it.items("errors") {
            let context = problem.get("context");
            let property = context.and_then(|it| it.get("propertyName"));
            let name = property.map(texts).unwrap_or_default().pop();
            fields.push(InvalidField {
                field: name.map(|it| field(&it)),
                code: text(problem, "code"),
                reason: text(problem, "message").unwrap_or_else(|| said.to_owned()),
            });
        }
    }
    if fields.is_empty() {
        fields.push(InvalidField::unnamed(said));
    }
    fields
}

/// A text or a list of texts, as HubSpot has either in contexts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn field(property: &str) -> String {
    match FIELDS.iter().find(|it| it.0 == property) {
        Some((_, field)) => (*field).to_owned(),
        None if property == "name" => property.to_owned(),
        None => format!("extra.{property}"),
    }
}
