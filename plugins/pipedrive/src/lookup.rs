//! Look-ups: by id, by name, by e-mail address and by its domain, and of many values at once.
//!
//! A search tells too little of what it finds, so all of it is read by id.
//!
//! Pipedrive is asked for one value at a time, and a request for one costs as much as two or three pages of a list with 500 records each.
//! So many values are looked up faster and for less by reading lists and comparing.
//! Only where these have cost as much as asking would have, Pipedrive is asked for what remains, so that no look-up costs more than twice the least.

use std::collections::BTreeSet;

use brightsync_sdk::http::{self, Request};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{Cursor, member, to_token};
use brightsync_sdk::{Contact, Error, Id, Page, PageRequest, Result, Token, User, settings};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{AT_ONCE, LARGEST_PAGE, hits, next_cursor, rows, to_the_end};
use crate::mine::kept;
use crate::read::{self, Kind, PERSON, is_deleted};
use crate::value::{Term, number};

/// Values that are asked for at once: as many searches as Pipedrive takes in two seconds.
const ASKED_AT_ONCE: usize = 10;

/// How values are looked up.
pub(crate) struct Plan<'a> {
    /// The lists that have all records.
    pub(crate) lists: &'a [&'static str],
    /// Makes the request for one value, for each list.
    pub(crate) ask: &'a dyn Fn(&str, &str) -> Result<Request>,
    /// Reads what such a request answers.
    pub(crate) rows: fn(Object<'_>) -> Vec<Value>,
    /// How many pages of lists cost as much.
    pub(crate) pages: usize,
    /// Whether a record has one of the values.
    pub(crate) is_match: &'a dyn Fn(&Value) -> bool,
}

/// Where such a look-up stands: up to which record of which list all are answered, and how many values were asked for.
#[derive(Default)]
struct Place {
    list: u64,
    last: u64,
    cursor: Option<String>,
    pages: u64,
    asked: Option<u64>,
}

impl Pipedrive {
    /// Reads all records of these ids in one page.
    pub(crate) fn by_ids<T>(&self, kind: &Kind<T>, ids: &[Id]) -> Result<Page<T>> {
        let ids: BTreeSet<u64> = ids.iter().filter_map(|it| number(it)).collect();
        self.by_numbers(kind, ids)
    }

    fn by_numbers<T>(&self, kind: &Kind<T>, ids: BTreeSet<u64>) -> Result<Page<T>> {
        let request = |ids: &[u64]| self.api.by_ids(kind.path, ids);
        let mut all = Page::empty();
        for answer in http::send_batches(&Vec::from_iter(ids), AT_ONCE as usize, request)? {
            all.append(answer.read(|it| Ok(self.present(kind, it.items("data"))))?);
        }
        Ok(all)
    }

    /// Finds records by all or a part of one field.
    fn found<T>(&self, kind: &Kind<T>, search: Request, page: &PageRequest) -> Result<Page<T>> {
        let at = Cursor::of(page, AT_ONCE)?;
        let answer = search.query_some("cursor", at.place).send()?;
        let (hits, next) = answer.read(|it| Ok((hits(it), next_cursor(it))))?;
        let found = self.by_numbers(kind, hits.iter().filter_map(id_of).collect())?;
        Ok(found.with_next(Cursor::next(next)))
    }

    /// Finds records of exactly this name.
    pub(crate) fn by_name<T>(
        &self,
        kind: &Kind<T>,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<T>> {
        match Term::read("name", name, 1)? {
            Some(term) => self.found(kind, self.api.search(kind, "name", &term, true), page),
            None => Ok(Page::empty()),
        }
    }

    /// Finds people by a part of their addresses, of which those stay that end with it.
    pub(crate) fn by_domain(&self, domain: &str, page: &PageRequest) -> Result<Page<Contact>> {
        let domain = format!("@{}", lower(domain));
        let Some(term) = Term::read("domain", &domain, 2)? else {
            return Ok(Page::empty());
        };
        let search = self.api.search(&PERSON, "email", &term, false);
        let mut found = self.found(&PERSON, search, page)?;
        let is_at = |it: &Contact| {
            it.emails
                .iter()
                .any(|it| lower(&it.value).ends_with(&domain))
        };
        found.items.retain(is_at);
        Ok(found)
    }

    pub(crate) fn by_emails(&self, emails: &[String], page: &PageRequest) -> Result<Page<Contact>> {
        let wanted: BTreeSet<String> = emails.iter().map(|it| lower(it)).collect();
        let wanted: Vec<String> = wanted.into_iter().filter(|it| !it.is_empty()).collect();
        let plan = Plan {
            lists: &[PERSON.path],
            ask: &|_, email| {
                // No address is empty here.
                let term = Term::read("emails", email, 0)?.unwrap_or_default();
                Ok(self.api.search(&PERSON, "email", &term, true))
            },
            rows: hits,
            pages: 2,
            is_match: &|person| {
                let emails = person.get("emails").and_then(Value::as_array);
                let emails = emails
                    .into_iter()
                    .flatten()
                    .filter_map(|it| it.get("value")?.as_str());
                emails
                    .map(lower)
                    .any(|it| wanted.binary_search(&it).is_ok())
            },
        };
        let (found, is_whole, next) = self.look_up(&plan, &wanted, page)?;
        let people = match is_whole {
            true => self.present(&PERSON, &found),
            false => {
                let ids = found.iter().filter_map(id_of).collect();
                self.by_numbers(&PERSON, ids)?
            }
        };
        Ok(people.with_next(next))
    }

    /// Looks values up in the cheaper way; says whether the records come from a list, and not from having asked.
    pub(crate) fn look_up(
        &self,
        plan: &Plan<'_>,
        values: &[String],
        page: &PageRequest,
    ) -> Result<(Vec<Value>, bool, Option<Token>)> {
        if values.is_empty() {
            return Ok((Vec::new(), true, None));
        }
        let place = Place::of(page, values.len())?;
        if let Some(asked) = place.asked {
            let (found, next) = ask(plan, values, place, asked)?;
            return Ok((found, false, next));
        }
        let path = usize::try_from(place.list)
            .ok()
            .and_then(|it| plan.lists.get(it));
        let path = path.ok_or_else(|| Error::cursor_expired("there is no such list"))?;
        let list = self.api.list(path).query("sort_by", "id");
        let list = list.query("limit", LARGEST_PAGE);
        let answer = list.query_some("cursor", place.cursor.as_deref()).send()?;
        let (mut found, cursor) = answer.read(|it| Ok((rows(it), next_cursor(it))))?;
        let next = place.after(found.last().and_then(id_of), cursor, plan, values.len());
        found.retain(plan.is_match);
        Ok((found, true, next))
    }

    /// Reads the rows of a list, but no deleted ones.
    fn present<T>(&self, kind: &Kind<T>, rows: &[Value]) -> Page<T> {
        let view = self.view(kind.object);
        kept(Page::read(rows, "id", |it| {
            Ok((!is_deleted(it)).then(|| (kind.map)(it, &view)))
        }))
    }

    /// Reads all users, who come at once.
    pub(crate) fn users(&self) -> Result<Page<User>> {
        let wanted = settings::wanted_fields("user");
        self.api.users().send()?.read(|it| {
            let user = |it: Object<'_>| Ok(read::user(it, &wanted));
            Ok(Page::read(it.items("data"), "id", user))
        })
    }
}

impl Place {
    fn of(page: &PageRequest, values: usize) -> Result<Self> {
        let Some(token) = &page.token else {
            return Ok(Self {
                asked: (values <= ASKED_AT_ONCE).then_some(0),
                ..Self::default()
            });
        };
        Ok(Self {
            list: member(token, "list")?,
            last: member(token, "last")?,
            cursor: member(token, "cursor")?,
            pages: member(token, "pages")?,
            asked: member(token, "asked")?,
        })
    }

    /// The place after a page of a list.
    fn after(
        self,
        last: Option<u64>,
        cursor: Option<String>,
        plan: &Plan<'_>,
        values: usize,
    ) -> Option<Token> {
        let pages = self.pages.saturating_add(1);
        let asked = (pages >= (values * plan.pages) as u64).then_some(0);
        let (list, last) = match cursor {
            Some(_) => (self.list, last.unwrap_or(self.last)),
            None => (self.list + 1, 0),
        };
        let place = Self {
            list,
            last,
            cursor,
            pages,
            asked,
        };
        (list < plan.lists.len() as u64).then(|| place.token())
    }

    fn token(&self) -> Token {
        let place = Body::new()
            .with("list", self.list)
            .with("last", self.last)
            .with("cursor", self.cursor.as_deref())
            .with("pages", self.pages);
        to_token(&place.with("asked", self.asked))
    }
}

/// Asks for some of the values, and leaves out what lists have answered.
fn ask(
    plan: &Plan<'_>,
    values: &[String],
    place: Place,
    asked: u64,
) -> Result<(Vec<Value>, Option<Token>)> {
    let start = usize::try_from(asked).unwrap_or_default().min(values.len());
    let (_, rest) = values.split_at(start);
    let batch = rest.get(..ASKED_AT_ONCE).unwrap_or(rest);
    let mut found = Vec::new();
    for (list, path) in (0..).zip(plan.lists) {
        let requests: Result<_> = batch.iter().map(|it| (plan.ask)(path, it)).collect();
        let mut rows = to_the_end(requests?, plan.rows)?;
        rows.retain(|it| id_of(it).is_none_or(|id| (place.list, place.last) < (list, id)));
        found.extend(rows);
    }
    let next = Place {
        asked: Some(asked + batch.len() as u64),
        ..place
    };
    let has_more = batch.len() < rest.len();
    Ok((found, has_more.then(|| next.token())))
}

pub(crate) fn lower(address: &str) -> String {
    address.trim().to_lowercase()
}

pub(crate) fn id_of(row: &Value) -> Option<u64> {
    row.get("id")?.as_u64()
}
