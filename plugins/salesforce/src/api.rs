//! Salesforce's REST API: requests, and pages that hold while records change and however long a read takes.

use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{self, Cursor, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Error, Id, InvalidField, Owner, Page, PageRequest,
    ReadRequest, Reason, Result, Scope, Timestamp, Written, settings, time,
};
use serde_json::Value;

use crate::kind::{Kind, USER, is_id};
use crate::refusal;
use crate::soql::{Literal, Query, any, compare};

/// Every org has every version for years; this one is of autumn 2024.
const VERSION: &str = "v62.0";

/// The most records that Salesforce answers at once.
const LARGEST_PAGE: u32 = 2_000;

/// For how long deleted records stay in the recycle bin, in milliseconds.
const BIN: Timestamp = 15 * 24 * 3_600_000;

/// Requests to one org.
pub(crate) struct Api {
    client: Client,
    /// The address below which the API of an org is that is no production org; else nothing, since the manifest has that address.
    root: String,
    /// Where people see the org's records.
    site: String,
}

/// The last record of a page, if there are more.
struct Last {
    id: String,
    at: String,
}

impl Api {
    pub(crate) fn open() -> Result<Self> {
        let instance = settings::required("instance")?;
        let site = |part: &str| format!("https://{instance}.{part}my.salesforce.com");
        let other = settings::get("partition").map(|it| site(&format!("{it}.")));
        let client = Client::new().header("Accept", "application/json");
        Ok(Self {
            client: client.refine(refusal::refine),
            root: other
                .as_ref()
                .map_or_else(String::new, |it| format!("{it}/services/")),
            site: other.unwrap_or_else(|| site("")),
        })
    }

    /// Says where a human sees a record.
    pub(crate) fn link(&self, kind: Kind, id: &str) -> String {
        format!("{}/lightning/r/{}/{id}/view", self.site, kind.name)
    }

    /// Says who is connected: the id of the org, and that of the user.
    pub(crate) fn me(&self) -> Result<(Id, Id)> {
        let me = self.client.get(format!("{}oauth2/userinfo", self.root));
        let ids = |it: Object<'_>| Ok((it.id("organization_id"), it.id("user_id")));
        me.send()?.read(ids)
    }

    pub(crate) fn query(&self, query: &Query) -> Request {
        let resource = if query.everywhere {
            "queryAll"
        } else {
            "query"
        };
        self.client.get(self.path(resource)).query("q", query)
    }

    /// Reads on where a list ended, by the path that it names.
    pub(crate) fn follow(&self, path: &str) -> Result<Response> {
        let below = path.strip_prefix("/services/").unwrap_or(path);
        self.client.get(format!("{}{below}", self.root)).send()
    }

    /// Asks what the user may do with the records of an object.
    pub(crate) fn rights(&self, kind: Kind) -> Request {
        self.client.get(self.path("sobjects")).segment(kind.name)
    }

    /// Reads some fields of one record, which stand with commas between them.
    pub(crate) fn record(&self, kind: Kind, id: &str, fields: &str) -> Result<Response> {
        let request = self.client.get(self.path("sobjects")).segment(kind.name);
        let request = request.segment(kind.id(id)?);
        request.query("fields", fields).send()
    }

    /// Reads records by their ids in one request; those that are not there are left out.
    pub(crate) fn records<T>(
        &self,
        kind: Kind,
        ids: &[Id],
        fields: Query,
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let ids: Vec<&str> = ids.into_iter().filter(|it| kind.has(it)).collect();
        if ids.is_empty() {
            return Ok(Page::empty());
        }
        let wish = Body::new().with("ids", ids).with("fields", fields.select);
        let request = self.client.post(self.path("composite/sobjects"));
        let answer = request.segment(kind.name).json(&wish).repeatable().send()?;
        let mut records = answer.list()?;
        records.retain(|it| !it.is_null());
        Ok(Page::read(&records, "Id", map))
    }

    /// Creates a record, or changes the one with this id, and says what became of it.
    pub(crate) fn write(
        &self,
        kind: Kind,
        id: Option<&str>,
        record: &Body,
        incomplete: Vec<InvalidField>,
    ) -> Result<Written> {
        let id = match id {
            Some(id) => self.update(kind, id, record).map(|()| id.to_owned())?,
            None => self.create(kind, record)?,
        };
        Ok(Written {
            url: Some(self.link(kind, &id)),
            incomplete,
            ..Written::new(id)
        })
    }

    fn create(&self, kind: Kind, record: &Body) -> Result<Id> {
        let request = self.client.post(self.path("sobjects")).segment(kind.name);
        let created = request.json(record).send();
        created.map_err(names_gone)?.read(|it| Ok(it.id("id")))
    }

    fn update(&self, kind: Kind, id: &str, changes: &Body) -> Result<()> {
        if changes.is_empty() {
            return self.record(kind, id, "Id").map(drop);
        }
        let request = self.client.patch(self.path("sobjects")).segment(kind.name);
        let request = request.segment(kind.id(id)?).json(changes);
        request.send().map(drop).map_err(|error| {
            let gone = error.reason == Reason::NotFound;
            match gone && self.record(kind, id, "Id").is_ok() {
                true => names_gone(error),
                false => error,
            }
        })
    }

    /// Creates up to 200 records, each for itself, and answers what is wrong with those that were not.
    pub(crate) fn create_all(&self, records: Vec<Value>) -> Result<Vec<String>> {
        let wish = (Body::new().with("allOrNone", false)).with("records", records);
        let request = self.client.post(self.path("composite/sobjects"));
        let wrong = |it: Object<'_>| it.each("errors", |it| refusal::said(it).message);
        Ok(request.json(&wish).send()?.each(wrong)?.concat())
    }

    pub(crate) fn delete(&self, kind: Kind, id: &str) -> Result<()> {
        let request = self.client.delete(self.path("sobjects"));
        let request = request.segment(kind.name).segment(kind.id(id)?);
        request.send().map(drop)
    }

    /// Answers one page of what several queries find, all of them asked at once; a record is mapped with the number of its query.
    pub(crate) fn page<T>(
        &self,
        queries: Vec<Query>,
        page: &PageRequest,
        map: impl Fn(u32, Object<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let size = page.size_within(LARGEST_PAGE);
        let (start, mut after) = match &page.token {
            Some(token) => (page::member(token, "query")?, page::member(token, "after")?),
            None => (0_u32, None::<String>),
        };
        let token = |query: u32, after: Option<String>| {
            Some(to_token(
                &Body::new().with("query", query).with("after", after),
            ))
        };
        let mut requests = Vec::new();
        for mut query in queries.into_iter().skip(start as usize) {
            query.size = size;
            if let Some(id) = after.take() {
                query = query.and(compare("Id", ">", &known(&id)?));
            }
            requests.push(self.query(&query));
        }
        let mut found = Page::empty();
        for (number, answer) in (start..).zip(http::send_all(requests)) {
            let (part, last) = rows(&answer?, size, |it| map(number, it))?;
            let count = |it: &Page<T>| it.items.len() + it.end.skipped.len();
            if start < number && (size as usize) < count(&found) + count(&part) {
                return Ok(found.with_next(token(number, None)));
            }
            found.append(part);
            if let Some(last) = last {
                return Ok(found.with_next(token(number, Some(last.id))));
            }
        }
        Ok(found)
    }

    /// Answers one page of the records of an object, by id or by time and id.
    ///
    /// A place in that order holds while records change; a cursor of Salesforce's ends after two days.
    pub(crate) fn changes<T>(
        &self,
        mut query: Query,
        request: &ReadRequest,
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        let window = request.scope.window()?;
        let departed = matches!(request.scope, Scope::Departed(_));
        let at = Cursor::of(&request.page, LARGEST_PAGE)?.within(window);
        let mut place = at.place.iter().flat_map(|it| it.split('/'));
        let (me, last, id) = (place.next(), place.next(), place.next());
        let owner = match (&request.owner, me) {
            (Owner::Anyone, _) => None,
            (Owner::Me, None) => Some(self.me()?.1),
            (Owner::Me, Some(me)) => Some(me.to_owned()),
            (Owner::User(id), _) => Some(USER.value("owner", id)?.to_owned()),
        };
        if let Some(owner) = &owner {
            query = query.and(compare("OwnerId", "=", &known(owner)?));
        }
        if at.place.is_some() && id.is_none() {
            return Err(expired());
        }
        let id = id.map(known).transpose()?;
        let behind = id.map(|id| compare("Id", ">", &id));
        if let Some(window) = window {
            if departed && window.since < time::now() - BIN {
                let reason = "Salesforce keeps deleted records for 15 days only";
                return Err(Error::cursor_expired(reason));
            }
            let time = |operator, at| compare("SystemModstamp", operator, &Literal::time(at));
            // The rest begins in the second of the last record.
            let last = last.map(time::parse).transpose().map_err(|_| expired())?;
            query = query.and(time(">=", last.unwrap_or(window.since)));
            query = match window.until {
                Some(until) => query.and(time("<", time::ceil_to_second(until))),
                None => query,
            };
            if let Some((last, behind)) = last.zip(behind) {
                query = query.and(any(&[time(">", last), behind]));
            }
            query.order = "SystemModstamp,Id";
        } else if let Some(behind) = behind {
            query = query.and(behind);
        }
        if departed {
            query.everywhere = true;
            query = query.and(compare("IsDeleted", "=", &Literal::truth(true)));
        }
        query.size = at.size;
        let asked = time::now();
        let answer = self.query(&query).send()?;
        let (rows, last) = rows(&answer, at.size, |it| match departed {
            true => Ok(Change::Departed(departure(it))),
            false => Change::read(it, "Id", request.detail, &map),
        })?;
        let owner = owner.unwrap_or_default();
        let place = last.map(|it| format!("{owner}/{}/{}", it.at, it.id));
        // By Salesforce's clock, and when it was asked: what changed later may be missing.
        let date = answer.header("date").map(time::parse_http_date);
        let took = time::now().saturating_sub(asked);
        let now = date.and_then(Result::ok).map_or(asked, |it| it - took);
        Ok(rows.with_end(at.end(place, now)))
    }

    fn path(&self, resource: &str) -> String {
        format!("{}data/{VERSION}/{resource}", self.root)
    }
}

/// Says that a record which is there names one that is gone, where Salesforce says that something is gone.
fn names_gone(error: Error) -> Error {
    if error.reason != Reason::NotFound {
        return error;
    }
    let field = InvalidField::unnamed(error.message.as_str());
    let reason = Reason::Invalid(vec![field]);
    Error { reason, ..error }
}

/// Leaves out what a map has left out.
pub(crate) fn some<T>(page: Page<Option<T>>) -> Page<T> {
    let Page { items, end } = page;
    let items = items.into_iter().flatten().collect();
    Page { items, end }
}

/// Reads a time, such as `2026-05-07T22:07:19.000+0000`.
pub(crate) fn instant(it: Object<'_>, name: &str) -> Option<Timestamp> {
    let text: String = it.get(name)?;
    it.fit(name, time::parse(&with_colon(&text)))
}

/// Reads a day as its first instant.
pub(crate) fn midnight(it: Object<'_>, name: &str) -> Option<Timestamp> {
    let day: String = it.get(name)?;
    it.fit(name, time::parse(&format!("{day}T00:00:00Z")))
}

/// Reads the records of an answer, and which one the next page begins behind.
fn rows<T>(
    answer: &Response,
    size: u32,
    map: impl Fn(Object<'_>) -> Result<T>,
) -> Result<(Page<T>, Option<Last>)> {
    answer.read(|it| {
        let records = it.items("records");
        // Of wide records Salesforce answers fewer than were asked for.
        let more = !it.need::<bool>("done") || size as usize <= records.len();
        let text = |it: &Value, name: &str| it.get(name).and_then(Value::as_str).map(with_colon);
        let last = records.last().filter(|_| more).map(|it| Last {
            id: text(it, "Id").unwrap_or_default(),
            at: text(it, "SystemModstamp").unwrap_or_default(),
        });
        Ok((Page::read(records, "Id", &map), last))
    })
}

fn departure(it: Object<'_>) -> Departure {
    let survivor = it.get("MasterRecordId");
    Departure {
        id: it.id("Id"),
        at: instant(it, "SystemModstamp"),
        how: survivor.map_or(DepartureKind::Deleted, DepartureKind::Merged),
    }
}

/// An id that came from Salesforce, or from a token that may have come from anywhere.
fn known(id: &str) -> Result<Literal> {
    let literal = Literal::text(id).filter(|_| is_id(id));
    literal.ok_or_else(expired)
}

fn expired() -> Error {
    Error::cursor_expired("this token is not one of this connector: begin the read again")
}

/// Writes an offset as `+00:00`, of which Salesforce leaves the colon out.
fn with_colon(time: &str) -> String {
    let offset = time
        .len()
        .checked_sub(5)
        .and_then(|it| time.split_at_checked(it));
    match offset.and_then(|(_, it)| it.split_at_checked(3)) {
        Some((hours, minutes)) if hours.starts_with(['+', '-']) && time.contains('T') => {
            let local = time.len() - 5;
            format!("{}{hours}:{minutes}", time.get(..local).unwrap_or_default())
        }
        _ => time.to_owned(),
    }
}
