//! The connector to Pipedrive against its stand-in: what each function asks, and what becomes of the answers.

mod asking;
mod logging;
mod people;
mod reads;

use brightsync_crms::pipedrive::{Pipedrive, TOKEN};
use brightsync_crms::{Crm, Person, Request};
use brightsync_sdk::{
    Change, Connector, Edit, Id, Owner, Page, PageRequest, Patch, ReadRequest, Result, Scope,
};
use serde_json::Value;

use crate::desk::Desk;

/// The stand-in's clock at the beginning: 2026-01-15T10:00:00Z.
const NOW: i64 = brightsync_crms::START;
const DAY: i64 = 24 * 3_600_000;

fn desk() -> Desk<Pipedrive> {
    let base = "https://acme.pipedrive.com/api/";
    Desk::new(Pipedrive::new(), base, ("x-api-token", TOKEN)).setting("company", "acme")
}

fn call<T>(
    desk: &Desk<Pipedrive>,
    call: impl FnOnce(&pipedrive::Pipedrive) -> Result<T>,
) -> Result<T> {
    let answer = desk.run(|| call(&pipedrive::Pipedrive::open()?));
    let mut crm = desk.crm();
    assert_eq!(crm.office().violations(), [] as [&str; 0]);
    answer
}

fn person(desk: &Desk<Pipedrive>, family: &str, email: &str) -> Id {
    desk.crm().add_person(&Person {
        given: "Ann".to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()),
        ..Person::default()
    })
}

fn crowd(desk: &Desk<Pipedrive>, count: usize) -> Vec<Id> {
    let one = |n| person(desk, &format!("Of {n}"), &format!("{n}@crowd.example"));
    (0..count).map(one).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(name, edit)| ((*name).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn set(value: Value) -> Edit {
    Edit::Set(value.to_string())
}

/// Reads all pages of a list.
fn all<T>(mut next: impl FnMut(PageRequest) -> Result<Page<T>>, size: u32) -> Vec<T> {
    let mut items = Vec::new();
    let mut page = PageRequest::first(size);
    loop {
        let read = next(page.clone()).unwrap();
        assert!(read.end.skipped.is_empty(), "{:?}", read.end.skipped);
        items.extend(read.items);
        if read.end.next.is_none() {
            return items;
        }
        assert_ne!(read.end.next, page.token, "a token came twice");
        page.token = read.end.next;
    }
}

fn mine(
    desk: &Desk<Pipedrive>,
    owner: &Owner,
    scope: &Scope,
    size: u32,
    mut between: impl FnMut(),
) -> Vec<Change<brightsync_sdk::Contact>> {
    let read = |page| {
        between();
        let request = ReadRequest {
            page,
            ..ReadRequest::first(owner.clone(), scope.clone(), size)
        };
        call(desk, |it| it.get_my_contacts(request))
    };
    all(read, size)
}

fn ids(changes: &[Change<brightsync_sdk::Contact>]) -> Vec<Id> {
    let id = |it: &Change<brightsync_sdk::Contact>| match it {
        Change::Present(it) => it.ref_.id.clone(),
        Change::IdOnly(id) => id.clone(),
        Change::Departed(it) => format!("-{}", it.id),
    };
    changes.iter().map(id).collect()
}

/// The parameters of the requests to a path, by name.
fn asked(desk: &Desk<Pipedrive>, path: &str, name: &str) -> Vec<String> {
    let mut crm = desk.crm();
    let seen = crm
        .office()
        .seen()
        .iter()
        .filter(|it| it.path.ends_with(path));
    let asked = seen.filter_map(|it| {
        let request = Request::new("GET", "", &format!("?{}", it.query), Vec::new(), Vec::new());
        request.param(name).map(str::to_owned)
    });
    asked.collect()
}
