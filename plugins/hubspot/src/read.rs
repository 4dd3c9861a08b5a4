//! Reads of many records: by the list, which misses nothing, and by the search, which is quicker and lags behind.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{Cursor, member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Detail, Error, Id, Page, PageRequest, ReadRequest, Result,
    Scope, Timestamp, Window, time,
};
use serde_json::Value;

use crate::HubSpot;
use crate::api::{self, Kind, List, is_id};
use crate::link::next;
use crate::record::{Table, fit_address, ids_of, property};
use crate::search::{self, Group, Search};

const OWNER: &str = "hubspot_owner_id";

/// How long archived records are listed.
const KEPT: i64 = 90 * 86_400_000;

impl HubSpot {
    /// Reads records of an owner: all, those that have changed, or those that were archived.
    pub(crate) fn read<T>(
        &self,
        table: &Table<T>,
        request: ReadRequest,
    ) -> Result<Page<Change<T>>> {
        let window = request.scope.window()?;
        let departed = matches!(request.scope, Scope::Departed(_));
        let first = request.page.token.is_none();
        if departed && first && window.is_some_and(|it| it.since < time::now() - KEPT) {
            return Err(Error::cursor_expired(
                "HubSpot lists archived records for 90 days, and this window begins before",
            ));
        }
        let owner = self.owner(request.owner.clone())?;
        if owner.as_ref().is_some_and(|it| !is_id(it)) {
            return Ok(Page::empty());
        }
        let everything = owner.is_none() && window.is_none();
        if departed || everything || request.complete {
            self.read_list(table, &request, owner, window, departed)
        } else {
            self.read_index(table, &request, owner, window)
        }
    }

    /// Reads by the search, in the order of ids: a change on the way moves no record to another page.
    fn read_index<T>(
        &self,
        table: &Table<T>,
        request: &ReadRequest,
        owner: Option<Id>,
        window: Option<Window>,
    ) -> Result<Page<Change<T>>> {
        let at = Cursor::of(&request.page, search::PAGE)?.within(window);
        let mut group = Group::default();
        if let Some(owner) = &owner {
            group = group.is(OWNER, owner);
        }
        if let Some(window) = window {
            group = group.changed_in(table.kind, window);
        }
        let search = Search::new(vec![group]).page(at.place.clone(), at.size);
        let before = time::now();
        let answer = self.api.search(table.kind, &search).send()?;
        let (ids, last) = answer.read(|it| Ok(found(it)))?;
        let end = at.end(last, began(&answer, before));
        let page = match request.detail {
            Detail::Ids => Page::last(ids.into_iter().map(Change::IdOnly).collect()),
            Detail::Full => {
                let (mut records, skipped) = self.current(table, &ids)?;
                // Some may have been given away since the index saw them.
                records.retain(|it| is_owned(it, owner.as_deref()));
                let mut page = self.rows_without_links(table, &records)?;
                page.end.skipped.extend(skipped);
                page.map(Change::Present)
            }
        };
        Ok(page.with_end(end))
    }

    /// Reads by the list, of which records that are not asked for are dropped here.
    fn read_list<T>(
        &self,
        table: &Table<T>,
        request: &ReadRequest,
        owner: Option<Id>,
        window: Option<Window>,
        departed: bool,
    ) -> Result<Page<Change<T>>> {
        let at = Cursor::of(&request.page, api::PAGE)?.within(window);
        let mut properties = table.all_properties();
        let whole = !departed && request.detail == Detail::Full && fit_address(&properties);
        if !whole {
            properties = vec![OWNER.to_owned(), table.kind.modified.to_owned()];
        }
        let list = List {
            properties: &properties,
            linked: table.linked.filter(|_| whole),
            archived: departed,
            size: at.size,
            after: at.place.as_deref(),
        };
        let before = time::now();
        let answer = self.api.list(table.kind, &list).send()?;
        let (mut records, after): (Vec<Value>, _) =
            answer.read(|it| Ok((it.need("results"), next(it))))?;
        let end = at.end(after, began(&answer, before));
        records.retain(|it| {
            is_owned(it, owner.as_deref()) && is_within(it, table.kind, window, departed)
        });
        let page = match (departed, request.detail) {
            (true, _) => Page::read(&records, "id", |it| Ok(Change::Departed(departure(it)))),
            (false, Detail::Ids) => {
                Page::read(&records, "id", |it| Ok(Change::IdOnly(it.id("id"))))
            }
            (false, Detail::Full) if !whole => {
                self.get_all(table, &ids_of(&records))?.map(Change::Present)
            }
            (false, Detail::Full) => self.rows_with_links(table, &records)?.map(Change::Present),
        };
        Ok(page.with_end(end))
    }

    /// Answers one page of what these searches find, one after the other.
    pub(crate) fn find<T>(
        &self,
        table: &Table<T>,
        searches: Vec<Search>,
        page: &PageRequest,
    ) -> Result<Page<T>> {
        let (part, after) = match &page.token {
            Some(token) => (member::<u32>(token, "part")?, member(token, "after")?),
            None => (0, None),
        };
        let count = searches.len();
        let Some(search) = searches.into_iter().nth(part as usize) else {
            return Ok(Page::empty());
        };
        let search = search.page(after, page.size_within(search::PAGE));
        let answer = self.api.search(table.kind, &search).send()?;
        let (ids, last) = answer.read(|it| Ok(found(it)))?;
        let next = match last {
            Some(last) => Some((part, Some(last))),
            None if (part as usize) + 1 < count => Some((part + 1, None)),
            None => None,
        };
        let next = next
            .map(|(part, after)| to_token(&Body::new().with("part", part).with("after", after)));
        Ok(self.get_all(table, &ids)?.with_next(next))
    }
}

impl HubSpot {
    /// Answers all records that a search finds, with the properties that it asks for.
    pub(crate) fn all_found(&self, kind: &Kind, mut search: Search) -> Result<Vec<Value>> {
        let mut records: Vec<Value> = Vec::new();
        loop {
            let answer = self.api.search(kind, &search).send()?;
            let (page, (_, last)) =
                answer.read(|it| Ok((it.items("results").to_vec(), found(it))))?;
            records.extend(page);
            if last.is_none() {
                return Ok(records);
            }
            search = search.page(last, search::PAGE);
        }
    }
}

/// The ids that a search found, and the last of them if there are more behind it.
fn found(it: Object<'_>) -> (Vec<Id>, Option<Id>) {
    let results: Vec<Value> = it.need("results");
    let ids = ids_of(&results);
    let last = ids.last().cloned().filter(|_| next(it).is_some());
    (ids, last)
}

/// When a read began: by HubSpot's clock if it tells it, and never after the request was made.
fn began(answer: &Response, before: Timestamp) -> Timestamp {
    let told = answer.header("date").map(time::parse_http_date);
    told.and_then(Result::ok).unwrap_or(before).min(before)
}

fn is_owned(record: &Value, owner: Option<&str>) -> bool {
    owner.is_none() || property(record, OWNER) == owner
}

/// Whether a record was changed or archived in the window; one that does not say when stays, to be reported.
fn is_within(record: &Value, kind: &Kind, window: Option<Window>, departed: bool) -> bool {
    let member = |name: &str| record.get(name).and_then(Value::as_str);
    let time = match departed {
        true => member("archivedAt"),
        false => property(record, kind.modified).or_else(|| member("updatedAt")),
    };
    match (window, time.map(time::parse)) {
        (Some(window), Some(Ok(time))) => {
            window.since <= time && window.until.is_none_or(|until| time < until)
        }
        (None, _) | (_, Some(Err(_)) | None) => true,
    }
}

fn departure(it: Object<'_>) -> Departure {
    Departure {
        id: it.id("id"),
        at: Some(it.need_time("archivedAt")),
        how: DepartureKind::Deleted,
    }
}
