//! Reading many records, page by page.
//!
//! Everything is read by queries, and each page begins behind the last row of the page before: rows that change, come or go meanwhile shift nothing, and no limit on how many can be paged over applies.
//! The list of records that Zoho has besides takes no owner, has a tenth of the rows on a page and costs more; the search takes both, and lags behind.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Detail, Error, Id, Owner, Page, PageEnd, PageRequest,
    ReadRequest, Result, Scope, Timestamp, Window, http, time,
};

use crate::api::{self, Api};
use crate::coql::{Condition, MOST_ROWS, Query};
use crate::map::{ids, is_id, linked, stamp};
use crate::org::Scene;

/// For how long Zoho tells what was deleted: as long as it stays in the recycle bin.
const KEPT: i64 = 60 * 86_400_000;
/// The largest page of what was deleted.
const DELETED: u32 = 200;

/// A kind of record, and how it is read.
pub(crate) struct Kind<T> {
    pub(crate) module: &'static str,
    /// What the contract calls it.
    pub(crate) object: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) read: fn(Object<'_>, &Scene) -> T,
}

/// The values of a look-up that one page is about, where they do not all fit into one query.
pub(crate) struct Batch<'a> {
    pub(crate) values: &'a [&'a str],
    start: usize,
    next: Option<usize>,
}

impl<'a> Batch<'a> {
    /// Returns the batch that a page is in; none if there are no values.
    pub(crate) fn of(
        values: &'a [&'a str],
        most: usize,
        page: &PageRequest,
    ) -> Result<Option<Self>> {
        let start = match &page.token {
            Some(token) => member::<u32>(token, "start")? as usize,
            None => 0,
        };
        let rest = values.get(start..).unwrap_or_default();
        let (values, further) = rest.split_at(most.min(rest.len()));
        Ok((!values.is_empty()).then_some(Self {
            values,
            start,
            next: (!further.is_empty()).then_some(start + most),
        }))
    }

    /// What the token of the next page within this batch says besides its place.
    pub(crate) fn carried(&self) -> Body {
        Body::new().with("start", self.start)
    }

    /// Goes on with the next batch behind the last page of this one.
    pub(crate) fn end<T>(&self, mut page: Page<T>) -> Page<T> {
        // Before the first row.
        let next = |start| to_token(&Body::new().with("start", start).with("id", "0"));
        page.end.next = page.end.next.or_else(|| self.next.map(next));
        page
    }
}

/// Answers one page of a query; the token of the next one carries these members on.
pub(crate) fn page<T>(
    api: &Api,
    mut query: Query,
    request: &PageRequest,
    carried: &Body,
    map: &dyn Fn(Object<'_>) -> Result<T>,
) -> Result<Page<T>> {
    query.limit = request.size_within(query.limit);
    if let Some(token) = &request.token {
        let at = query.by_time.then(|| member(token, "at")).transpose()?;
        let behind = Condition::behind(&member::<Id>(token, "id")?, at);
        query.condition = Condition::all(vec![query.condition, behind]);
    }
    let answer = api.query(&query).send()?;
    let read = api::unless_empty(&answer, |it| {
        let rows = it.items("data");
        let more = has_more(it).unwrap_or(rows.len() >= query.limit as usize);
        let text = |name: &str| rows.last()?.get(name)?.as_str();
        let at = text("Modified_Time").and_then(|it| time::parse(it).ok());
        let next = match text("id") {
            _ if !more => None,
            Some(id) => Some(to_token(&carried.clone().with("id", id).with("at", at))),
            None => return Err(Error::other("there is more, and the last row has no id")),
        };
        Ok(Page::read(rows, "id", map).with_next(next))
    })?;
    Ok(read.unwrap_or_else(Page::empty))
}

/// Whether there are further pages, if Zoho says so.
fn has_more(answer: Object<'_>) -> Option<bool> {
    answer.object("info", |it| it.get("more_records")).flatten()
}

impl<T> Kind<T> {
    /// A query for whole records.
    pub(crate) fn query(&self, condition: Condition, wanted: &[String]) -> Query {
        let mut query = self.bare(condition);
        query
            .columns
            .extend(self.columns.iter().map(|it| (*it).to_owned()));
        query.columns.extend_from_slice(wanted);
        query
    }

    /// A query for ids.
    fn bare(&self, condition: Condition) -> Query {
        Query {
            module: self.module,
            columns: vec!["id".to_owned()],
            condition,
            by_time: false,
            limit: MOST_ROWS,
        }
    }

    /// Finds records, page by page.
    pub(crate) fn find(
        &self,
        api: &Api,
        condition: Condition,
        request: &PageRequest,
        carried: &Body,
    ) -> Result<Page<T>> {
        let scene = Scene::of(api, self.object)?;
        let query = self.query(condition, &scene.wanted);
        page(api, query, request, carried, &|it| {
            Ok((self.read)(it, &scene))
        })
    }

    /// Reads the records of these ids in one page.
    pub(crate) fn get_all(&self, api: &Api, wanted: &[Id]) -> Result<Page<T>> {
        let wanted = ids(wanted);
        if wanted.is_empty() {
            return Ok(Page::empty());
        }
        let scene = Scene::of(api, self.object)?;
        let request = |ids: &[&str]| {
            let mut query = self.query(Condition::is_in("id", ids), &scene.wanted);
            query.limit = u32::try_from(ids.len()).unwrap_or(MOST_ROWS);
            api.query(&query)
        };
        let mut all = Page::empty();
        for answer in http::send_batches(&wanted, 1_000, request)? {
            let read = |it: Object<'_>| Ok((self.read)(it, &scene));
            let rows = |it: Object<'_>| Ok(Page::read(it.items("data"), "id", read));
            all.append(api::unless_empty(&answer, rows)?.unwrap_or_else(Page::empty));
        }
        Ok(all)
    }

    /// Reads one record.
    pub(crate) fn get(&self, api: &Api, id: &str) -> Result<T> {
        let mut page = self.get_all(api, &[id.to_owned()])?;
        match (page.items.pop(), page.end.skipped.pop()) {
            (Some(record), _) => Ok(record),
            (None, Some(skipped)) => Err(Error::other(skipped.reason)),
            (None, None) => Err(Error::not_found(
                "Zoho has no such record, or it is deleted",
            )),
        }
    }

    /// Reads records of an owner: all, those that have changed, or those that are gone.
    pub(crate) fn mine(&self, api: &Api, request: &ReadRequest) -> Result<Page<Change<T>>> {
        let window = match &request.scope {
            Scope::All => None,
            Scope::Updated(window) => Some(*window),
            Scope::Departed(window) => return self.departed(api, *window, &request.page),
            Scope::ChangedSince(_) | Scope::DepartedSince(_) => {
                return Err(Error::unsupported("Zoho has no tokens for changes"));
            }
        };
        let token = request.page.token.as_deref();
        let began = began(token)?;
        let mut carried = Body::new().with("began", began);
        let mut parts = vec![Condition::any()];
        let owner = match (&request.owner, token) {
            (Owner::Anyone, _) => None,
            (Owner::User(id), _) => Some(id.clone()),
            (Owner::Me, Some(token)) => Some(member(token, "me")?),
            (Owner::Me, None) => Some(me(api)?),
        };
        if let Some(owner) = owner {
            if !is_id(&owner) {
                return Ok(Page::empty());
            }
            parts.push(Condition::is_in("Owner", &[owner.as_str()]));
            carried.set("me", owner.into());
        }
        if let Some(window) = window {
            parts.push(Condition::from("Modified_Time", window.since));
            let until = window
                .until
                .map(|it| Condition::before("Modified_Time", it));
            parts.extend(until);
        }
        // One that is always met is needed only where there is no other.
        if parts.len() > 1 {
            parts.remove(0);
        }
        let (scene, mut query) = match request.detail {
            Detail::Ids => (Scene::default(), self.bare(Condition::all(parts))),
            Detail::Full => {
                let scene = Scene::of(api, self.object)?;
                let query = self.query(Condition::all(parts), &scene.wanted);
                (scene, query)
            }
        };
        if window.is_some() {
            query.by_time = true;
            query.columns.push("Modified_Time".to_owned());
        }
        let page = page(api, query, &request.page, &carried, &|it| {
            Change::read(it, "id", request.detail, |it| Ok((self.read)(it, &scene)))
        })?;
        Ok(page.with_complete_until(window.map(|it| complete(it, began))))
    }

    /// Reads what was deleted; Zoho does not say whose it was.
    fn departed(
        &self,
        api: &Api,
        window: Window,
        request: &PageRequest,
    ) -> Result<Page<Change<T>>> {
        let token = request.token.as_deref();
        let began = began(token)?;
        if window.since < began.saturating_sub(KEPT) {
            let message = "Zoho tells of deletions for 60 days, and this window begins earlier";
            return Err(Error::cursor_expired(message));
        }
        let (number, size) = match token {
            Some(token) => (member(token, "page")?, member(token, "size")?),
            None => (1_u32, request.size_within(DELETED)),
        };
        // "After" this time, so that a second earlier includes it.
        let since = time::floor_to_second(window.since).saturating_sub(1_000);
        let deleted = api.get(self.module).segment("deleted").query("type", "all");
        let deleted = deleted.query("page", number).query("per_page", size);
        let answer = deleted
            .header("If-Modified-Since", stamp(since))
            .send_any()?;
        // Nothing has changed since then.
        let answer = if answer.status() == 304 {
            answer
        } else {
            answer.ok()?
        };
        let read = api::unless_empty(&answer, |it| {
            let more = has_more(it).unwrap_or_default();
            Ok((Page::read(it.items("data"), "id", departure), more))
        })?;
        let (mut page, more) = read.unwrap_or_else(|| (Page::empty(), false));
        page.items.retain(|it| within(window, it.at));
        let place = Body::new().with("page", number.saturating_add(1));
        let place = place.with("size", size).with("began", began);
        let end = PageEnd {
            next: more.then(|| to_token(&place)),
            complete_until: Some(complete(window, began)),
            ..PageEnd::default()
        };
        Ok(page.map(Change::Departed).with_end(end))
    }
}

fn departure(it: Object<'_>) -> Result<Departure> {
    Ok(Departure {
        id: it.id("id"),
        at: it.time("deleted_time"),
        how: DepartureKind::Deleted,
    })
}

fn within(window: Window, at: Option<Timestamp>) -> bool {
    // Of its last second too: times are whole seconds.
    let begun = |at: Timestamp| time::floor_to_second(window.since) <= at;
    at.is_none_or(|at| begun(at) && window.until.is_none_or(|until| at < until))
}

/// When a read began: what changes after that may be missing on its later pages.
fn began(token: Option<&str>) -> Result<Timestamp> {
    token.map_or_else(|| Ok(time::now()), |it| member(it, "began"))
}

fn complete(window: Window, began: Timestamp) -> Timestamp {
    window.until.map_or(began, |until| until.min(began))
}

/// The id of the connected user.
pub(crate) fn me(api: &Api) -> Result<Id> {
    let answer = api.users("CurrentUser").send()?;
    api::first(&answer, "users", |it| Ok(it.id("id")))
}

/// The owner of a record.
pub(crate) fn owner(it: Object<'_>) -> Option<Id> {
    linked(it, "Owner")
}
