//! EspoCRM's REST API: requests, searches, and what its refusals mean.

use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::page::{from_token, to_token};
use brightsync_sdk::{
    Error, ForbiddenKind, InvalidField, Page, PageRequest, Reason, Result, Token,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::batch;

/// The largest page that a site answers unless its administrator has changed it.
pub(crate) const LARGEST_PAGE: u32 = 200;

/// A record, or the part of one that is to be written.
pub(crate) type Object = Map<String, Value>;

/// Requests to one site.
pub(crate) struct Api {
    client: Client,
}

/// A search for records of one entity type, all conditions together.
#[derive(Clone)]
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

/// Where a list goes on: behind this record.
///
/// Not an offset: a record that changes or goes while the list is read would shift all others.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    id: String,
    at: Option<String>,
}

#[derive(Deserialize)]
struct List {
    list: Vec<Value>,
    /// Without a count: -1 if there is more, -2 if not.
    total: i64,
}

/// Makes a condition on one attribute.
pub(crate) fn is(kind: &str, attribute: &str, value: impl Into<Value>) -> Value {
    json!({"type": kind, "attribute": attribute, "value": value.into()})
}

/// Makes a condition of which one part is enough.
pub(crate) fn any(parts: Vec<Value>) -> Value {
    json!({"type": "or", "value": parts})
}

/// Makes a text that `contains` and `like` find as it is, and maybe others too: only a backslash would escape.
pub(crate) fn pattern(text: &str) -> String {
    text.replace('\\', "_")
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

    fn parameters(&self) -> Value {
        let by = if self.by_time { "modifiedAt" } else { "id" };
        let mut all = json!({
            "select": self.select, "where": self.conditions, "orderBy": by, "maxSize": self.size,
        });
        if let (true, Some(all)) = (self.only_mine, all.as_object_mut()) {
            all.insert("boolFilterList".to_owned(), json!(["onlyMy"]));
        }
        all
    }

    fn begin_behind(&mut self, place: Place) {
        let by_id = is("greaterThan", "id", place.id);
        self.conditions.push(match place.at {
            None => by_id,
            Some(at) => any(vec![
                is("after", "modifiedAt", at.clone()),
                json!({"type": "and", "value": [is("equals", "modifiedAt", at), by_id]}),
            ]),
        });
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

    pub(crate) fn me<T: DeserializeOwned>(&self) -> Result<T> {
        self.client.get("App/user").send()?.json()
    }

    pub(crate) fn read(&self, entity: &str, id: &str) -> Result<Object> {
        live(self.client.get(entity).segment(id).send()?.json()?)
    }

    pub(crate) fn create(&self, entity: &str, record: &Object) -> Result<Object> {
        self.client.post(entity).json(record).send()?.json()
    }

    /// Changes a record; the version counts only where EspoCRM keeps one.
    pub(crate) fn change(
        &self,
        entity: &str,
        id: &str,
        changes: &Object,
        version: Option<&str>,
    ) -> Result<Object> {
        if changes.is_empty() {
            return self.read(entity, id);
        }
        let request = self.client.put(entity).segment(id).json(changes);
        match version {
            Some(version) => request.header("X-Version-Number", version),
            None => request,
        }
        .send()?
        .json()
    }

    pub(crate) fn delete(&self, entity: &str, id: &str) -> Result<()> {
        self.client.delete(entity).segment(id).send().map(drop)
    }

    /// Answers one page of a search.
    pub(crate) fn page(
        &self,
        search: Search,
        page: &PageRequest,
    ) -> Result<(Vec<Value>, Option<Token>)> {
        let mut search = Search {
            size: page.size_within(search.size),
            ..search
        };
        if let Some(token) = &page.token {
            search.begin_behind(from_token(token)?);
        }
        let list: List = self.search(&search).send()?.json()?;
        let more =
            list.total == -1 || usize::try_from(list.total).is_ok_and(|it| it > list.list.len());
        let next = list.list.last().filter(|_| more).map(|it| {
            let text = |name: &str| it.get(name).and_then(Value::as_str).map(str::to_owned);
            let at = text("modifiedAt").filter(|_| search.by_time);
            to_token(&Place {
                id: text("id").unwrap_or_default(),
                at,
            })
        });
        Ok((list.list, next))
    }

    /// Looks values up, all batches of them at once; what a batch finds must fit on one page.
    pub(crate) fn batches(
        &self,
        values: &[String],
        search: impl Fn(&[String]) -> Search,
    ) -> Result<Vec<Value>> {
        let requests = batch::split(values)
            .into_iter()
            .map(|it| self.search(&search(it)));
        let answers = http::send_all(requests.collect()).into_iter();
        let lists = answers.map(|it| Ok(it?.json::<List>()?.list));
        Ok(lists.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Reads records one by one, at once, as only then they come with all their addresses; those that are gone are left out.
    pub(crate) fn details<T>(
        &self,
        entity: &str,
        ids: &[String],
        map: impl Fn(Object) -> Result<T>,
    ) -> Result<Page<T>> {
        let requests = ids.iter().map(|id| self.client.get(entity).segment(id));
        let mut page = Page::empty();
        for (id, answer) in ids.iter().zip(http::send_all(requests.collect())) {
            match answer.and_then(|it| live(it.json()?)) {
                Ok(record) => page.push(Some(id.clone()), map(record)),
                Err(Error {
                    reason: Reason::NotFound,
                    ..
                }) => {}
                Err(error) if matches!(error.reason, Reason::Forbidden(_) | Reason::Other) => {
                    page.push(Some(id.clone()), Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    fn search(&self, search: &Search) -> Request {
        // Counting is the slow part of a list.
        let request = self.client.get(search.entity).header("X-No-Total", "true");
        request.query("searchParams", search.parameters())
    }
}

/// Refuses a deleted record, which EspoCRM shows to administrators.
fn live(record: Object) -> Result<Object> {
    if record.get("deleted") == Some(&Value::Bool(true)) {
        return Err(Error::not_found("the record is deleted"));
    }
    Ok(record)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    message_translation: Translation,
}

#[derive(Deserialize)]
struct Translation {
    label: String,
    #[serde(default)]
    data: Value,
}

/// Says what EspoCRM says: most refusals have an empty body and a header.
fn refine(response: &Response, error: Error) -> Error {
    let said = response
        .header("x-status-reason")
        .unwrap_or_default()
        .to_owned();
    let told = response
        .json::<Refusal>()
        .ok()
        .map(|it| it.message_translation);
    let label = told
        .as_ref()
        .map(|it| it.label.as_str())
        .unwrap_or_default();
    let reason = match (response.status(), said.as_str()) {
        (409, "modified") => Reason::Stale,
        (409, _) => Reason::Duplicate(existing(response)),
        (403, _) if label.starts_with("cannotRelate") => {
            Reason::Invalid(vec![InvalidField::unnamed(
                "a record that it is to be linked with does not exist, or may not be seen",
            )])
        }
        (403, "Not allowed 'from' address.") => Reason::Forbidden(ForbiddenKind::MissingScope),
        (403, said) if said.starts_with("No ") && said.ends_with(" access.") => {
            Reason::Forbidden(ForbiddenKind::ThisOperation)
        }
        (400, _) if label == "validationFailure" => {
            Reason::Invalid(told.iter().map(|it| invalid(&it.data)).collect())
        }
        _ => error.reason,
    };
    let message = match said.as_str() {
        "" => error.message,
        "Not allowed 'from' address." => "EspoCRM lets this user log only e-mails from its own addresses: give its role access to Import".to_owned(),
        said => format!("EspoCRM says: {said}"),
    };
    Error {
        reason,
        message,
        ..error
    }
}

fn existing(response: &Response) -> Vec<String> {
    let records = response.json::<Vec<Object>>().unwrap_or_default();
    let id = |it: &Object| Some(it.get("id")?.as_str()?.to_owned());
    records.iter().filter_map(id).collect()
}

fn invalid(data: &Value) -> InvalidField {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
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
