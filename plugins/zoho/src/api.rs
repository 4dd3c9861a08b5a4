//! Zoho CRM's REST API v8: requests, and what its refusals mean.
//!
//! Zoho answers writes record by record, so that a success may hold a refusal; both are read by the same function.

use brightsync_sdk::http::{Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{Error, ForbiddenKind, Id, InvalidField, Reason, Result, Timestamp, time};

use crate::coql::Query;
use crate::map::stamp;

/// Requests to one organisation.
pub(crate) struct Api {
    client: Client,
}

/// What Zoho says of a write that it has carried out.
pub(crate) struct Done {
    pub(crate) id: Id,
    pub(crate) modified_at: Option<Timestamp>,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new()
                .header("Accept", "application/json")
                .refine(refine),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.client.get(path)
    }

    pub(crate) fn query(&self, query: &Query) -> Request {
        let body = Body::new().with("select_query", query.text());
        let request = self.client.post("coql").json(&body).repeatable();
        request.cost(query.cost(), "queries")
    }

    pub(crate) fn users(&self, kind: &str) -> Request {
        self.client.get("users").query("type", kind)
    }

    /// Reads a record whole, where a query cannot.
    pub(crate) fn record<T>(
        &self,
        path: [&str; 2],
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<T> {
        let [module, id] = path;
        first(&self.client.get(module).segment(id).send()?, "data", map)
    }

    pub(crate) fn create(&self, module: &str, record: Body) -> Result<Done> {
        done(&self.client.post(module).json(&data(record)).send()?)
    }

    /// Changes a record, if it was not modified after this version where one is named.
    pub(crate) fn change(
        &self,
        module: &str,
        id: &str,
        changes: Body,
        version: Option<&str>,
    ) -> Result<Done> {
        let mut request = self.client.put(module).segment(id).json(&data(changes));
        if let Some(version) = version {
            request = request.header("If-Unmodified-Since", stamp(modified(version)?));
        }
        done(&request.send()?)
    }

    pub(crate) fn delete(&self, module: &str, id: &str) -> Result<()> {
        let answer = self.client.delete(module).segment(id).send()?;
        done(&answer).map(drop)
    }

    /// Asks for something to be done with a record: `Events/7/actions/cancel`.
    pub(crate) fn act(&self, module: &str, id: &str, action: &str, body: &Body) -> Request {
        let record = self.client.post(module).segment(id);
        record.segment("actions").segment(action).json(body)
    }
}

/// Reads a version, which is the time of the last change.
pub(crate) fn modified(version: &str) -> Result<Timestamp> {
    time::parse(version).map_err(|_| Error::stale("the record never had such a version"))
}

fn data(record: Body) -> Body {
    Body::new().with("data", vec![record])
}

/// Reads what became of a write of one record.
pub(crate) fn done(answer: &Response) -> Result<Done> {
    first(answer, "data", |it| {
        let details = |it: Object<'_>| Done {
            id: it.id("id"),
            modified_at: it.time("Modified_Time"),
        };
        Ok(it.need_object("details", details))
    })
}

/// Reads the first entry of an answer, which is a refusal if it says so; Zoho answers nothing at all for a record that it does not have.
pub(crate) fn first<T>(
    answer: &Response,
    list: &str,
    map: impl Fn(Object<'_>) -> Result<T>,
) -> Result<T> {
    if answer.status() == 204 {
        return Err(Error::not_found("Zoho has no such record"));
    }
    // A refusal within the answer is no error of reading it, which would leave the write in doubt.
    answer.read(|it| {
        let mut entries = it.each(list, |it| match it.value("status") == "error" {
            true => Err(refusal(it, answer.url(), Error::other("Zoho refused it"))),
            false => Ok(map(it)),
        });
        match entries.is_empty() {
            true => Err(Error::other("the answer has no entry")),
            false => Ok(entries.swap_remove(0)),
        }
    })??
}

/// Reads an answer, if it is one: nothing at all means that there is nothing.
pub(crate) fn unless_empty<T>(
    answer: &Response,
    map: impl Fn(Object<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match answer.status() {
        204 | 304 => Ok(None),
        _ => answer.read(map).map(Some),
    }
}

/// Says what Zoho says in the body of a refusal: at its top, or in its first entry.
fn refine(response: &Response, error: Error) -> Error {
    response.refine(error, |it, error| {
        let refused = |it: Object<'_>| refusal(it, response.url(), error.clone());
        for list in ["data", "Emails", "users", "org"] {
            if let Some(error) = it.each(list, refused).into_iter().next() {
                return error;
            }
        }
        refused(it)
    })
}

fn refusal(it: Object<'_>, url: &str, error: Error) -> Error {
    let Some(code) = it.get::<String>("code") else {
        return error;
    };
    let path = path(url);
    let said = it.get::<String>("message").unwrap_or_default();
    let mut message = format!("Zoho says: {said} ({code})");
    let read = |it: Object<'_>| {
        let permissions = it.list::<String>("permissions").join(", ");
        (is_lost(it, &said), existing(it), permissions)
    };
    let (lost, existing, permissions) = it.object("details", read).unwrap_or_default();
    if !permissions.is_empty() {
        message = format!("{message}; it needs the permission {permissions}");
    }
    let reason = match code.as_str() {
        "OAUTH_SCOPE_MISMATCH" => {
            message = format!("{message}; {path} needs the scopes {}", scopes(path));
            Reason::Forbidden(ForbiddenKind::MissingScope)
        }
        "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" | "INVALID_OAUTHTOKEN" => Reason::Unauthorized,
        "NO_PERMISSION" | "PERMISSION_DENIED" | "AUTHORIZATION_FAILED" => {
            Reason::Forbidden(ForbiddenKind::ThisOperation)
        }
        "RECORD_LOCKED" | "NOT_APPROVED" | "NOT_REVIEWED" => {
            Reason::Forbidden(ForbiddenKind::ThisRecord)
        }
        "ALREADY_MODIFIED" | "RECORD_MODIFIED" => Reason::Stale,
        "TOO_MANY_REQUESTS" if matches!(error.reason, Reason::RateLimited(_)) => error.reason,
        "TOO_MANY_REQUESTS" => Reason::RateLimited(None),
        // Records that do not exist are never told so.
        "INVALID_MODULE" | "INVALID_URL_PATTERN" | "NOT_SUPPORTED" => Reason::Unsupported,
        // Further pages of what was deleted cannot be had: the caller compares ids instead.
        "DISCRETE_PAGINATION_LIMIT_EXCEEDED" | "PAGINATION_LIMIT_EXCEEDED" => Reason::CursorExpired,
        "INVALID_DATA" if lost => Reason::NotFound,
        "DUPLICATE_DATA" => Reason::Duplicate(existing),
        "MULTIPLE_OR_MULTI_ERRORS" if !existing.is_empty() => Reason::Duplicate(existing),
        "INTERNAL_ERROR" => error.reason,
        _ if matches!(error.reason, Reason::Invalid(_) | Reason::Other) => {
            Reason::Invalid(invalid(it, path, &code, &said))
        }
        _ => error.reason,
    };
    Error::new(reason, message).with_code(code)
}

/// The address behind that of the API: `Contacts/7`.
fn path(url: &str) -> &str {
    let path = url.split_once("/v8/").map_or(url, |(_, path)| path);
    path.split('?').next().unwrap_or(path)
}

/// The scopes without which Zoho does not answer such a request; it does not say itself which is missing.
fn scopes(path: &str) -> String {
    let module = path.split('/').next().unwrap_or_default();
    let emails = if path.contains("mail") {
        ", ZohoCRM.modules.emails.ALL"
    } else {
        ""
    };
    match module {
        "users" | "org" => format!("ZohoCRM.{module}.READ"),
        "settings" => "ZohoCRM.settings.fields.READ".to_owned(),
        "coql" => "ZohoCRM.coql.READ, ZohoCRM.settings.fields.READ and that of the records, such as ZohoCRM.modules.contacts.ALL".to_owned(),
        "Deals" => format!("ZohoCRM.modules.deals.READ{emails}"),
        module => format!("ZohoCRM.modules.{}.ALL{emails}", module.to_lowercase()),
    }
}

/// Whether it is the record itself that does not exist, and not one that it is to be linked with.
fn is_lost(details: Object<'_>, said: &str) -> bool {
    let at = details.get::<String>("json_path").unwrap_or_default();
    let field = details.get::<String>("api_name");
    let itself = field.as_deref() == Some("id") && (at.is_empty() || at.ends_with("[0].id"));
    let unnamed = field.is_none() && said.contains("id given seems to be invalid");
    itself || unnamed || !details.value("resource_path_index").is_null()
}

/// The records that are there already.
fn existing(details: Object<'_>) -> Vec<Id> {
    let errors = details.each("errors", |it| it.object("details", duplicate));
    let mut ids: Vec<Id> = errors.into_iter().flatten().flatten().collect();
    ids.extend(duplicate(details));
    ids
}

fn duplicate(details: Object<'_>) -> Option<Id> {
    let record = details.object("duplicate_record", |it| it.id("id"));
    let id = || (!details.value("id").is_null()).then(|| details.id("id"));
    record.or_else(id)
}

fn invalid(it: Object<'_>, path: &str, code: &str, said: &str) -> Vec<InvalidField> {
    let one = |it: Object<'_>| InvalidField {
        field: field(it, path),
        code: Some(code.to_owned()),
        reason: match it.get::<u32>("maximum_length") {
            Some(most) => format!("{said}; at most {most} are allowed"),
            None => said.to_owned(),
        },
    };
    let all = it.object("details", |it| {
        let errors = it.each("errors", |it| it.object("details", one));
        match errors.is_empty() {
            true => vec![one(it)],
            false => errors.into_iter().flatten().collect(),
        }
    });
    all.unwrap_or_else(|| vec![InvalidField::unnamed(said)])
}

/// The contract's name of the field that a refusal is about.
fn field(details: Object<'_>, path: &str) -> Option<String> {
    let at: Option<String> = details.get("json_path");
    let at = at
        .as_deref()
        .and_then(|it| it.split_once("].")?.1.split(['.', '[']).next());
    let name = at.map(str::to_owned);
    let name = name
        .or_else(|| details.get("api_name"))
        .or_else(|| details.get("column_name"))?;
    let named = match name.as_str() {
        "Account_Name" if path.starts_with("Contacts") => "accounts",
        "Account_Name" => "name",
        "First_Name" => "given-name",
        "Last_Name" => "family-name",
        "Email" | "Secondary_Email" => "emails",
        "Phone" | "Mobile" | "Home_Phone" | "Other_Phone" => "phones",
        "Title" => "title",
        "Website" => "domains",
        "Owner" | "owner" => "owner",
        "Event_Title" | "subject" => "subject",
        "Start_DateTime" => "start",
        "End_DateTime" => "end",
        "Participants" => "attendees",
        "What_Id" | "Who_Id" | "$se_module" => "about",
        "Venue" => "location",
        "Description" | "content" | "Note_Content" => "text",
        "from" => "sender",
        "date_time" => "sent-at",
        "to" | "cc" | "bcc" => &name,
        custom => &format!("extra.{custom}"),
    };
    Some(named.to_owned())
}
