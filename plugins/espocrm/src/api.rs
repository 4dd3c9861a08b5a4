//! EspoCRM's REST API: requests, searches, and what its refusals mean.

use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::patch::ListEdits;
use brightsync_sdk::{
    Error, ForbiddenKind, Id, InvalidField, Page, PageRequest, Reason, Result, Token,
};
use serde_json::Value;

use crate::batch;
use crate::map::said;

/// The largest page that a site answers unless its administrator has changed it.
pub(crate) const LARGEST_PAGE: u32 = 200;

/// Requests to one site.
pub(crate) struct Api {
    client: Client,
}

/// A search for records of one entity type, all conditions together.
pub(crate) struct Search {
    pub(crate) entity: &'static str,
    pub(crate) select: Vec<String>,
    pub(crate) conditions: Vec<Value>,
    /// Only the records that the connected user is assigned to.
    pub(crate) only_mine: bool,
    /// In the order of their last change, instead of by id.
    pub(crate) by_time: bool,
    pub(crate) size: u32,
}

/// A record that is to be changed, read only where an edit needs what it has now.
pub(crate) struct Present<'a> {
    pub(crate) api: &'a Api,
    pub(crate) entity: &'static str,
    pub(crate) id: &'a str,
}

/// Makes a condition on one attribute.
pub(crate) fn is(kind: &str, attribute: &str, value: impl Into<Value>) -> Value {
    let condition = Body::new().with("type", kind).with("attribute", attribute);
    condition.with("value", value).into()
}

/// Makes a condition of which all parts are needed.
pub(crate) fn all(parts: Vec<Value>) -> Value {
    Body::new().with("type", "and").with("value", parts).into()
}

/// Makes a condition of which one part is enough.
pub(crate) fn any(parts: Vec<Value>) -> Value {
    Body::new().with("type", "or").with("value", parts).into()
}

/// Makes a text that `contains` and `like` find as it is, and maybe others too: only a backslash would escape.
pub(crate) fn pattern(text: &str) -> String {
    text.replace('\\', "_")
}

/// Makes the condition of a name, and maybe of others that contain it; one of nothing but wildcards would be all of them.
pub(crate) fn named(name: &str) -> Value {
    let is_plain = name.contains(|it: char| !matches!(it, '\\' | '%' | '_'));
    match is_plain {
        true => is("contains", "name", pattern(name)),
        false => is("equals", "name", name),
    }
}

impl Search {
    pub(crate) fn new(entity: &'static str, select: &[&str], conditions: Vec<Value>) -> Self {
        Self {
            entity,
            select: select.iter().map(|it| (*it).to_owned()).collect(),
            conditions,
            only_mine: false,
            by_time: false,
            size: LARGEST_PAGE,
        }
    }

    fn request(self, client: &Client) -> Request {
        let by = if self.by_time { "modifiedAt" } else { "id" };
        let parameters = Body::new()
            .with("select", self.select)
            .with("where", self.conditions)
            .with("orderBy", by)
            .with("maxSize", self.size)
            .with_some("boolFilterList", self.only_mine.then(|| vec!["onlyMy"]));
        // Counting is the slow part of a list.
        let request = client.get(self.entity).header("X-No-Total", "true");
        request.query("searchParams", parameters)
    }

    /// Begins behind a record of the page before.
    ///
    /// Not at an offset: a record that changes or goes while the list is read would shift all others.
    fn begin_behind(&mut self, token: &str) -> Result<()> {
        let by_id = is("greaterThan", "id", member::<String>(token, "id")?);
        self.conditions
            .push(match member::<Option<String>>(token, "at")? {
                None => by_id,
                Some(at) => any(vec![
                    is("after", "modifiedAt", at.as_str()),
                    all(vec![is("equals", "modifiedAt", at), by_id]),
                ]),
            });
        Ok(())
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new()
                .header("Accept", "application/json")
                .refine(refine),
        }
    }

    pub(crate) fn me<T>(&self, map: impl Fn(Object<'_>) -> T) -> Result<T> {
        let answer = self.client.get("App/user").send()?;
        answer.read(|it| Ok(map(it)))
    }

    pub(crate) fn read<T>(
        &self,
        entity: &str,
        id: &str,
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<T> {
        live(&self.client.get(entity).segment(id).send()?, map)
    }

    pub(crate) fn create(&self, entity: &str, record: &Body) -> Result<Response> {
        self.client.post(entity).json(record).send()
    }

    /// Changes a record; the version counts only where EspoCRM keeps one.
    pub(crate) fn change(
        &self,
        entity: &str,
        id: &str,
        changes: &Body,
        version: Option<&str>,
    ) -> Result<Response> {
        if changes.is_empty() {
            let answer = self.client.get(entity).segment(id).send()?;
            return live(&answer, |_| Ok(())).map(|()| answer);
        }
        let request = self.client.put(entity).segment(id).json(changes);
        match version {
            Some(version) => request.header("X-Version-Number", version),
            None => request,
        }
        .send()
    }

    pub(crate) fn delete(&self, entity: &str, id: &str) -> Result<()> {
        self.client.delete(entity).segment(id).send().map(drop)
    }

    /// Answers one page of a search.
    pub(crate) fn page<T>(
        &self,
        mut search: Search,
        page: &PageRequest,
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Page<T>> {
        search.size = page.size_within(search.size);
        if let Some(token) = &page.token {
            search.begin_behind(token)?;
        }
        let by_time = search.by_time;
        search.request(&self.client).send()?.read(|it| {
            let rows = Page::read(it.items("list"), "id", |it| Ok(map(it)));
            Ok(rows.with_next(next(it, by_time)))
        })
    }

    /// Looks values up, all batches of them at once; what a batch finds must fit on one page.
    pub(crate) fn batches<T>(
        &self,
        values: &[String],
        search: impl Fn(&[String]) -> Search,
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Page<T>> {
        let mut requests = Vec::new();
        for values in batch::split(values) {
            requests.push(search(values).request(&self.client));
        }
        let mut all = Page::empty();
        for answer in http::send_all(requests) {
            let map = |it: Object<'_>| Ok(map(it));
            all.append(answer?.read(|it| Ok(Page::read(it.items("list"), "id", map)))?);
        }
        Ok(all)
    }

    /// Reads records one by one, at once, as only then they come with all their addresses; those that are gone are left out.
    pub(crate) fn details<T>(
        &self,
        entity: &str,
        ids: &[Id],
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Page<T>> {
        let mut requests = Vec::new();
        for id in ids {
            requests.push(self.client.get(entity).segment(id));
        }
        let mut page = Page::empty();
        for (id, answer) in ids.iter().zip(http::send_all(requests)) {
            let read = answer.and_then(|it| live(&it, |it| Ok(map(it))));
            match read.as_ref().map_err(|it| &it.reason) {
                Err(Reason::NotFound) => {}
                Ok(_) | Err(Reason::Forbidden(_) | Reason::Other) => {
                    page.push(Some(id.clone()), read);
                }
                Err(_) => return read.map(|_| page),
            }
        }
        Ok(page)
    }
}

impl Present<'_> {
    pub(crate) fn read<T>(&self, map: impl Fn(Object<'_>) -> Result<T>) -> Result<T> {
        self.api.read(self.entity, self.id, map)
    }

    /// Reads the list that edits are applied to; none if nothing of it stays.
    pub(crate) fn list<T>(
        &self,
        edits: &ListEdits<T>,
        map: impl Fn(Object<'_>) -> Vec<T>,
    ) -> Result<Vec<T>> {
        if edits.is_whole() {
            return Ok(Vec::new());
        }
        self.read(|it| Ok(map(it)))
    }
}

/// The token of the page behind an answer: without a count, its total is -1 if there is more and -2 if not.
fn next(answer: Object<'_>, by_time: bool) -> Option<Token> {
    let rows = answer.items("list");
    let total: i64 = answer.need("total");
    let more = total == -1 || usize::try_from(total).is_ok_and(|it| it > rows.len());
    let last = rows.last().filter(|_| more)?;
    let text = |name: &str| last.get(name).and_then(Value::as_str);
    let at = text("modifiedAt").filter(|_| by_time);
    let place = Body::new().with("id", text("id").unwrap_or_default());
    Some(to_token(&place.with("at", at)))
}

/// Reads a record, but no deleted one, which EspoCRM shows to administrators.
fn live<T>(answer: &Response, map: impl Fn(Object<'_>) -> Result<T>) -> Result<T> {
    answer.read(|it| {
        if *it.value("deleted") == true {
            return Err(Error::not_found("the record is deleted"));
        }
        map(it)
    })
}

/// Says what EspoCRM says: most refusals have an empty body and a header.
fn refine(response: &Response, error: Error) -> Error {
    let said = response.header("x-status-reason").unwrap_or_default();
    let told = response.read(|it| {
        let told = |it: Object<'_>| (it.need::<String>("label"), invalid(it.value("data")));
        Ok(it.need_object("messageTranslation", told))
    });
    let (label, field) = told.ok().unzip();
    let label = label.unwrap_or_default();
    let reason = match (response.status(), said) {
        (409, "modified") => Reason::Stale,
        (409, _) => Reason::Duplicate(existing(response)),
        (403, _) if label.starts_with("cannotRelate") => {
            Reason::Invalid(vec![InvalidField::unnamed(
                "a record that it is to be linked with does not exist, or may not be seen",
            )])
        }
        (403, FOREIGN_SENDER) => Reason::Forbidden(ForbiddenKind::MissingScope),
        (403, said) if said.starts_with("No ") && said.ends_with(" access.") => {
            Reason::Forbidden(ForbiddenKind::ThisOperation)
        }
        (400, _) if label == "validationFailure" => Reason::Invalid(Vec::from_iter(field)),
        _ => error.reason,
    };
    let message = match said {
        "" => error.message,
        FOREIGN_SENDER => "EspoCRM lets this user log only e-mails from its own addresses: give its role access to Import".to_owned(),
        said => format!("EspoCRM says: {said}"),
    };
    Error {
        reason,
        message,
        ..error
    }
}

const FOREIGN_SENDER: &str = "Not allowed 'from' address.";

fn existing(response: &Response) -> Vec<Id> {
    let records = response.each(|it| crate::map::owned(it, "id"));
    records.unwrap_or_default().into_iter().flatten().collect()
}

fn invalid(data: &Value) -> InvalidField {
    let text = |name: &str| data.get(name).and_then(said).unwrap_or_default();
    let (field, kind) = (text("field"), text("type"));
    let named = match field {
        "firstName" => "given-name",
        "lastName" => "family-name",
        "emailAddress" | "emailAddressData" => "emails",
        "phoneNumber" | "phoneNumberData" => "phones",
        "account" | "accounts" => "accounts",
        "assignedUser" => "owner",
        "website" => "domains",
        "from" => "sender",
        "dateStart" => "start",
        "dateEnd" => "end",
        "name" | "title" | "to" | "cc" | "bcc" => field,
        custom => &format!("extra.{custom}"),
    };
    let reason = format!("EspoCRM does not accept it ({kind})");
    InvalidField {
        code: Some(kind.to_owned()),
        ..InvalidField::new(named, reason)
    }
}
