//! What Salesforce's refusals mean.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, ForbiddenKind, Id, InvalidField, Reason};
use serde_json::Value;

/// One element of a refusal.
pub(crate) struct Said {
    code: String,
    pub(crate) message: String,
    fields: Vec<String>,
    existing: Vec<Id>,
}

/// Makes a better error of what Salesforce says in its body: a list with a code, a sentence and fields in each element.
pub(crate) fn refine(response: &Response, error: Error) -> Error {
    if response.status() == 403 && response.text().contains("Bad_OAuth_Token") {
        return Error::unauthorized("Salesforce no longer accepts the token: reconnect");
    }
    let told = response.each(said).unwrap_or_default();
    let Some(first) = told.first() else {
        return error;
    };
    let reason = match first.code.as_str() {
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => Reason::Unauthorized,
        "REQUEST_LIMIT_EXCEEDED" => Reason::RateLimited(None),
        "UNABLE_TO_LOCK_ROW" | "QUERY_TIMEOUT" | "SERVER_UNAVAILABLE" => Reason::Unavailable,
        "NOT_FOUND" | "ENTITY_IS_DELETED" => Reason::NotFound,
        "DUPLICATES_DETECTED" | "DUPLICATE_VALUE" => Reason::Duplicate(first.existing.clone()),
        "INVALID_TYPE" | "INSUFFICIENT_PERMISSIONS" => forbidden(ForbiddenKind::MissingScope),
        "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "INVALID_TYPE_FOR_OPERATION"
        | "STORAGE_LIMIT_EXCEEDED" => forbidden(ForbiddenKind::ThisOperation),
        "DELETE_FAILED" => forbidden(ForbiddenKind::ThisRecord),
        code if code.starts_with("INSUFFICIENT_ACCESS") => forbidden(ForbiddenKind::ThisRecord),
        "FUNCTIONALITY_NOT_ENABLED" => Reason::Unsupported,
        _ if matches!(error.reason, Reason::Invalid(_)) => {
            Reason::Invalid(told.iter().flat_map(Said::invalid).collect())
        }
        _ => error.reason,
    };
    let message = format!("Salesforce says: {}", first.message);
    Error::new(reason, message).with_code(first.code.as_str())
}

fn forbidden(kind: ForbiddenKind) -> Reason {
    Reason::Forbidden(kind)
}

/// Reads an element; those of a batch name the code differently.
pub(crate) fn said(it: Object<'_>) -> Said {
    let code: Option<String> = it.get("errorCode");
    let message: String = it.need("message");
    let mut fields: Vec<String> = it.list("fields");
    // "No such column 'Tier__c' on entity 'Contact'."
    let column = message.split("No such column '").nth(1);
    fields.extend(column.and_then(|it| Some(it.split_once('\'')?.0.to_owned())));
    let mut existing = it.object("duplicateResult", matches).unwrap_or_default();
    // "duplicate value found: Key__c duplicates value on record with id: 003…"
    let id = message.split("record with id: ").nth(1);
    existing.extend(id.filter(|it| crate::kind::is_id(it)).map(str::to_owned));
    Said {
        code: code.unwrap_or_else(|| it.need("statusCode")),
        message,
        fields,
        existing,
    }
}

/// The records that a duplicate rule found, as far as it names them.
fn matches(it: Object<'_>) -> Vec<Id> {
    let list = |it: &Value| it.as_array().cloned().unwrap_or_default();
    let mut ids = Vec::new();
    for found in list(it.value("matchResults")) {
        for record in list(found.get("matchRecords").unwrap_or(&Value::Null)) {
            let id = record.pointer("/record/Id").and_then(Value::as_str);
            ids.extend(id.map(str::to_owned));
        }
    }
    ids.sort();
    ids.dedup();
    ids
}

impl Said {
    fn invalid(&self) -> Vec<InvalidField> {
        let mut wrong: Vec<InvalidField> = Vec::new();
        for field in &self.fields {
            wrong.push(InvalidField::new(word(field), self.message.as_str()));
        }
        if wrong.is_empty() {
            wrong.push(InvalidField::unnamed(self.message.as_str()));
        }
        for it in &mut wrong {
            it.code = Some(self.code.clone());
        }
        wrong
    }
}

/// Names a field of Salesforce in the contract's words.
fn word(field: &str) -> String {
    let word = match field {
        "Name" => "name",
        "Website" => "domains",
        "FirstName" => "given-name",
        "LastName" => "family-name",
        "Email" => "emails",
        "Phone" | "MobilePhone" | "HomePhone" | "OtherPhone" => "phones",
        "AccountId" => "accounts",
        "Title" => "title",
        "OwnerId" => "owner",
        "Subject" => "subject",
        "Description" | "TextBody" => "text",
        "HtmlBody" => "html",
        "WhoId" | "WhatId" | "RelatedToId" | "TaskWhoIds" | "EventWhoIds" => "about",
        "StartDateTime" => "start",
        "EndDateTime" | "DurationInMinutes" => "end",
        "Location" => "location",
        "ActivityDate" | "MessageDate" => "sent-at",
        "FromAddress" => "sender",
        "ToAddress" | "ToIds" => "to",
        "CcAddress" | "CcIds" => "cc",
        "BccAddress" | "BccIds" => "bcc",
        custom => return format!("extra.{custom}"),
    };
    word.to_owned()
}
