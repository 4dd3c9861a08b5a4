//! Look-ups: by id, by name, by e-mail address and by its domain.
//!
//! A search tells too little of what it finds, and of deleted records too for a while, so all of it is read by id.

use std::collections::BTreeSet;

use brightsync_sdk::http;
use brightsync_sdk::json::Object;
use brightsync_sdk::page::Cursor;
use brightsync_sdk::{Contact, Id, Page, PageRequest, Result, User};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{AT_ONCE, Kind, LARGEST_PAGE, PERSON, hits, next_cursor, to_the_end};
use crate::mine::kept;
use crate::read::{self, View, is_deleted};
use crate::route::Route;
use crate::value::{Term, number};

/// A search costs as much as two pages of a list.
const PAGES_PER_SEARCH: usize = 2;

impl Pipedrive {
    /// Reads all records of these ids in one page.
    pub(crate) fn by_ids<T>(
        &self,
        kind: &Kind,
        ids: &[Id],
        map: fn(Object<'_>, &View) -> T,
    ) -> Result<Page<T>> {
        let ids: BTreeSet<u64> = ids.iter().filter_map(|it| number(it)).collect();
        self.by_numbers(kind, &Vec::from_iter(ids), map)
    }

    fn by_numbers<T>(
        &self,
        kind: &Kind,
        ids: &[u64],
        map: fn(Object<'_>, &View) -> T,
    ) -> Result<Page<T>> {
        let view = self.view(kind.object);
        let custom_fields = view.custom_fields();
        let request = |ids: &[u64]| {
            let list = self.api.by_ids(kind.path, ids);
            list.query_some("custom_fields", custom_fields.as_deref())
        };
        let mut all = Page::empty();
        for answer in http::send_batches(ids, AT_ONCE as usize, request)? {
            all.append(answer.read(|it| Ok(present(it, &view, map)))?);
        }
        Ok(all)
    }

    /// Finds records by all or a part of one field.
    pub(crate) fn found<T>(
        &self,
        kind: &Kind,
        (field, term, exact): (&str, &Term, bool),
        page: &PageRequest,
        map: fn(Object<'_>, &View) -> T,
    ) -> Result<Page<T>> {
        let at = Cursor::of(page, AT_ONCE)?;
        let search = self.api.search(kind, field, term, exact);
        let answer = search.query_some("cursor", at.place).send()?;
        let (hits, next) = answer.read(|it| Ok((hits(it), next_cursor(it))))?;
        let found = self.by_numbers(kind, &numbers(&hits), map)?;
        Ok(found.with_next(Cursor::next(next)))
    }

    /// Finds records of exactly this name.
    pub(crate) fn by_name<T>(
        &self,
        kind: &Kind,
        name: &str,
        page: &PageRequest,
        map: fn(Object<'_>, &View) -> T,
    ) -> Result<Page<T>> {
        match Term::read("name", name, 1)? {
            Some(term) => self.found(kind, ("name", &term, true), page, map),
            None => Ok(Page::empty()),
        }
    }

    /// Finds people by a part of their addresses, which is the domain unless it stands in the middle of one.
    pub(crate) fn by_domain(&self, domain: &str, page: &PageRequest) -> Result<Page<Contact>> {
        let domain = format!("@{}", domain.trim().to_lowercase());
        let Some(term) = Term::read("domain", &domain, 2)? else {
            return Ok(Page::empty());
        };
        let mut found = self.found(&PERSON, ("email", &term, false), page, read::contact)?;
        let is_at = |it: &Contact| addresses(it).any(|it| it.ends_with(&domain));
        found.items.retain(is_at);
        Ok(found)
    }

    pub(crate) fn by_emails(&self, emails: &[String], page: &PageRequest) -> Result<Page<Contact>> {
        let wanted: BTreeSet<String> = emails.iter().map(|it| lower(it)).collect();
        let wanted: Vec<String> = wanted.into_iter().filter(|it| !it.is_empty()).collect();
        if wanted.is_empty() {
            return Ok(Page::empty());
        }
        let route = Route::of(page, wanted.len())?;
        match route.asked {
            Some(asked) => self.search_emails(route, asked, &wanted),
            None => self.compare_emails(route, &wanted, page),
        }
    }

    fn search_emails(&self, route: Route, asked: u64, wanted: &[String]) -> Result<Page<Contact>> {
        let mut searches = Vec::new();
        for email in Route::batch(asked, wanted) {
            if let Some(term) = Term::read("emails", email, 1)? {
                searches.push(self.api.search(&PERSON, "email", &term, true));
            }
        }
        let mut ids = numbers(&to_the_end(searches, hits)?);
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| route.is_new(0, *id));
        let found = self.by_numbers(&PERSON, &ids, read::contact)?;
        Ok(found.with_next(route.after_asking(asked, wanted.len())))
    }

    fn compare_emails(
        &self,
        route: Route,
        wanted: &[String],
        page: &PageRequest,
    ) -> Result<Page<Contact>> {
        let view = self.view(PERSON.object);
        let list = self.api.list(PERSON.path).query("sort_by", "id");
        let list = list.query("limit", page.size_within(LARGEST_PAGE).max(AT_ONCE));
        let list = list.query_some("custom_fields", view.custom_fields());
        let answer = list.query_some("cursor", route.cursor.as_deref()).send()?;
        let (mut found, last, next) = answer.read(|it| {
            let last = it.items("data").last().and_then(id_of);
            Ok((present(it, &view, read::contact), last, next_cursor(it)))
        })?;
        let is_wanted = |it: &Contact| addresses(it).any(|it| wanted.binary_search(&it).is_ok());
        found.items.retain(is_wanted);
        let most = wanted.len() * PAGES_PER_SEARCH;
        Ok(found.with_next(route.after_reading(next, last, 1, most)))
    }

    /// Reads all users, who come at once.
    pub(crate) fn users(&self) -> Result<Page<User>> {
        let wanted = self.view("user").wanted;
        self.api.users().send()?.read(|it| {
            let user = |it: Object<'_>| Ok(read::user(it, &wanted));
            Ok(Page::read(it.items("data"), "id", user))
        })
    }
}

/// Reads the rows of a list, but no deleted ones.
fn present<T>(answer: Object<'_>, view: &View, map: fn(Object<'_>, &View) -> T) -> Page<T> {
    kept(Page::read(answer.items("data"), "id", |it| {
        Ok((!is_deleted(it)).then(|| map(it, view)))
    }))
}

/// A person's addresses as they are compared.
fn addresses(contact: &Contact) -> impl Iterator<Item = String> {
    contact.emails.iter().map(|it| lower(&it.value))
}

pub(crate) fn lower(address: &str) -> String {
    address.trim().to_lowercase()
}

fn numbers(rows: &[Value]) -> Vec<u64> {
    rows.iter().filter_map(id_of).collect()
}

pub(crate) fn id_of(row: &Value) -> Option<u64> {
    row.get("id")?.as_u64()
}
