//! The connector to Zoho CRM against its stand-in.

mod deal;
mod email;
mod meeting;
mod query;
mod reading;
mod writing;

use brightsync_crms::zoho::{Ways, Zoho};
use brightsync_crms::{Crm as _, Person};
use brightsync_sdk::{Connector as _, Edit, Error, Page, PageRequest, Patch, Reason, Result};

use crate::desk::Desk;

type Connected = ::zoho::Zoho;

fn desk(crm: Zoho) -> Desk<Zoho> {
    let token = ("authorization", "Zoho-oauthtoken good");
    let desk = Desk::new(crm, "https://www.zohoapis.eu/crm/v8/", token);
    desk.setting("api", "https://www.zohoapis.eu")
}

fn with(ways: Ways) -> Zoho {
    let mut crm = Zoho::with_token("good");
    crm.ways = ways;
    crm
}

fn open() -> Desk<Zoho> {
    desk(Zoho::with_token("good"))
}

fn call<T>(desk: &Desk<Zoho>, call: impl FnOnce(&Connected) -> Result<T>) -> Result<T> {
    desk.run(|| call(&Connected::open()?))
}

fn person(given: &str, family: &str, email: &str) -> Person {
    Person {
        given: given.to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()),
        ..Person::default()
    }
}

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn set(value: serde_json::Value) -> Edit {
    Edit::Set(value.to_string())
}

fn fields(error: &Error) -> Vec<&str> {
    match &error.reason {
        Reason::Invalid(fields) => fields.iter().filter_map(|it| it.field.as_deref()).collect(),
        _ => Vec::new(),
    }
}

/// The last query that was made.
fn last_query(desk: &Desk<Zoho>) -> String {
    let mut crm = desk.crm();
    let mut queries = crm.office().seen().iter();
    let last = queries.rfind(|it| it.path == "/crm/v8/coql").unwrap();
    let body: serde_json::Value = serde_json::from_str(&last.body).unwrap();
    body["select_query"].as_str().unwrap().to_owned()
}

fn queries(desk: &Desk<Zoho>) -> usize {
    let mut crm = desk.crm();
    crm.office()
        .seen()
        .iter()
        .filter(|it| it.path == "/crm/v8/coql")
        .count()
}

#[track_caller]
fn assert_sound(desk: &Desk<Zoho>) {
    assert_eq!(desk.crm().office().violations(), Vec::<String>::new());
}

/// Reads all pages; after each one, something happens.
fn all<T>(
    desk: &Desk<Zoho>,
    size: u32,
    mut read: impl FnMut(&Connected, PageRequest) -> Result<Page<T>>,
    mut between: impl FnMut(&mut Zoho),
) -> (Vec<T>, Vec<Page<T>>) {
    let (mut items, mut pages) = (Vec::new(), Vec::new());
    let mut request = PageRequest::first(size);
    loop {
        let mut page = call(desk, |it| read(it, request.clone())).unwrap();
        assert!(page.items.len() <= size as usize);
        items.append(&mut page.items);
        let next = page.end.next.clone();
        pages.push(page);
        between(&mut desk.crm());
        match next {
            None => return (items, pages),
            token => request.token = token,
        }
    }
}
