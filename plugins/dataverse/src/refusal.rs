//! What Dataverse's refusals mean.
//!
//! The codes are those of its list of web service error codes; the status alone says less, and for a duplicate is 412 or 500.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, ForbiddenKind, InvalidField, Reason};

use crate::odata::Guid;

/// Reads `{"error": {"code": "0x…", "message": "…"}}`.
pub(crate) fn refine(response: &Response, error: Error) -> Error {
    response.refine(error, |it, error| {
        it.need_object("error", |it| refusal(it, error))
    })
}

fn refusal(it: Object<'_>, error: Error) -> Error {
    let code: String = it.need("code");
    let said: String = it.need("message");
    let reason = match code.to_ascii_lowercase().as_str() {
        // Requests, execution time and concurrent requests; the wait was read already if the status is 429.
        "0x80072322" | "0x80072321" | "0x80072326" => match error.reason {
            Reason::RateLimited(wait) => Reason::RateLimited(wait),
            _ => Reason::RateLimited(None),
        },
        // A rule against duplicates, a key of the table, an index.
        "0x80040333" | "0x80060892" | "0x80040237" => Reason::Duplicate(Vec::new()),
        "0x80060882" => Reason::Stale,
        "0x80040217" => Reason::NotFound,
        // There is no such table: the app that brings it is not installed.
        "0x8006088a" => Reason::Unsupported,
        "0x80040220" => Reason::Forbidden(forbidden(&said)),
        "0x80044352" => Reason::CursorExpired,
        // Neither its code nor its status is documented.
        _ if said.to_ascii_lowercase().contains("change tracking") => Reason::Unsupported,
        _ => match error.reason {
            Reason::Forbidden(_) => Reason::Forbidden(forbidden(&said)),
            Reason::Invalid(_) => Reason::Invalid(vec![invalid(&said, &code)]),
            reason => reason,
        },
    };
    Error::new(reason, format!("Dataverse says: {said}")).with_code(code)
}

/// A privilege has a name such as `prvReadContact`; of a row that is out of reach, the check of its access is named.
fn forbidden(said: &str) -> ForbiddenKind {
    if said.contains("AccessCheck") || said.contains("AccessRights") {
        ForbiddenKind::ThisRecord
    } else if said.contains("prv") {
        ForbiddenKind::MissingScope
    } else {
        ForbiddenKind::Unknown
    }
}

/// Names the field whose column stands in `… of the 'firstname' attribute …`.
fn invalid(said: &str, code: &str) -> InvalidField {
    let mut parts = said.split('\'');
    let mut column = None;
    while let (Some(name), Some(rest)) = (parts.nth(1), parts.clone().next()) {
        if rest.starts_with(" attribute") {
            column = Some(name);
            break;
        }
    }
    InvalidField {
        field: column.map(field),
        code: Some(code.to_owned()),
        reason: said.to_owned(),
    }
}

fn field(column: &str) -> String {
    match column {
        "firstname" => "given-name",
        "lastname" => "family-name",
        "jobtitle" => "title",
        "emailaddress1" | "emailaddress2" | "emailaddress3" => "emails",
        "telephone1" | "telephone2" | "telephone3" | "mobilephone" => "phones",
        "websiteurl" => "domains",
        "scheduledstart" => "start",
        "scheduledend" => "end",
        "description" => "text",
        "name" | "subject" | "location" => column,
        custom => return format!("extra.{custom}"),
    }
    .to_owned()
}

/// Tells a row that is missing from one that it should lead to: that is a wrong value, and not a row that is gone.
pub(crate) fn of_a_link(error: Error, id: Option<&Guid>) -> Error {
    let said = error.message.to_ascii_lowercase();
    let is_own = match id {
        // Dataverse names the id; where it does not, it can only be told by what was asked.
        Some(id) => !said.contains("with id = ") || said.contains(id.as_str()),
        None => false,
    };
    match error.reason {
        Reason::NotFound if !is_own => Error {
            reason: Reason::Invalid(vec![InvalidField::unnamed(error.message.clone())]),
            ..error
        },
        _ => error,
    }
}
