//! The connector to Salesforce against an org: its queries, its pages, and what becomes of refusals.

mod log;
mod look_up;
mod message;
mod read;
mod write;

use ::salesforce::Salesforce as Connector;
use brightsync_crms::salesforce::soql::{self, Condition};
use brightsync_crms::salesforce::{INSTANCE, Salesforce};
use brightsync_crms::{Crm as _, Person};
use brightsync_sdk::{Change, Connector as _, Contact, PageRequest, ReadRequest, Result};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::desk::Desk;

fn desk() -> Desk<Salesforce> {
    let mut org = Salesforce::new();
    org.office().tokens.push("token".to_owned());
    let base = format!("https://{INSTANCE}.my.salesforce.com/services/");
    Desk::new(org, &base, ("authorization", "Bearer token")).setting("instance", INSTANCE)
}

fn call<T>(desk: &Desk<Salesforce>, call: impl FnOnce(&Connector) -> Result<T>) -> Result<T> {
    let answer = desk.run(|| call(&Connector::open()?));
    assert_eq!(desk.crm().office().violations(), [""; 0]);
    answer
}

fn add(desk: &Desk<Salesforce>, family: &str, email: Option<&str>) -> String {
    desk.crm().add_person(&Person {
        given: "Ann".to_owned(),
        family: family.to_owned(),
        email: email.map(str::to_owned),
        ..Person::default()
    })
}

/// The queries that were sent since they were last forgotten.
fn queries(desk: &Desk<Salesforce>) -> Vec<soql::Query> {
    let mut crm = desk.crm();
    let seen = crm.office().seen().iter();
    let texts = seen.filter_map(|it| it.query.strip_prefix("q="));
    let texts = texts.map(|it| percent_decode_str(it).decode_utf8().unwrap());
    let queries = texts.map(|it| soql::parse(&it).unwrap()).collect();
    crm.office().forget();
    queries
}

/// The first comparison of a field in a query.
fn compared(query: &soql::Query, name: &str) -> Option<soql::Value> {
    fn find(condition: &Condition, name: &str) -> Option<soql::Value> {
        match condition {
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().find_map(|it| find(it, name))
            }
            Condition::Compare(field, _, value) if field == name => Some(value.clone()),
            Condition::In(field, values) if field == name => values.first().cloned(),
            Condition::Join(_, query) => find(query.condition.as_ref()?, name),
            _ => None,
        }
    }
    find(query.condition.as_ref()?, name)
}

/// Reads all pages, and answers the ids in their order and how many pages there were.
fn read_all(
    desk: &Desk<Salesforce>,
    request: &ReadRequest,
    mut between: impl FnMut(usize),
) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut request) = (Vec::new(), 0, request.clone());
    loop {
        let page = call(desk, |it| it.get_my_contacts(request.clone())).unwrap();
        assert!(page.end.skipped.is_empty());
        pages += 1;
        for change in page.items {
            ids.push(match change {
                Change::Present(it) => it.ref_.id,
                Change::IdOnly(id) => id,
                Change::Departed(it) => it.id,
            });
        }
        if page.end.next.is_none() {
            return (ids, pages);
        }
        request.page.token = page.end.next;
        between(pages);
    }
}

fn names(contacts: &[Contact]) -> Vec<&str> {
    let names = contacts.iter().map(|it| it.family_name.as_deref());
    names.map(Option::unwrap_or_default).collect()
}

#[test]
fn a_connection_knows_who_it_is() {
    let desk = desk().wanted("user", &["Username"]);
    let me = call(&desk, brightsync_sdk::Connector::get_me).unwrap();
    assert_eq!(me.org_name.as_deref(), Some("Acme Sales"));
    let user = me.user.unwrap();
    assert_eq!(user.id, desk.crm().me());
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(
        user.extra,
        [(
            "Username".to_owned(),
            "\"ada@brightsync.example\"".to_owned()
        )]
    );
}

#[test]
fn a_connection_knows_what_it_may_not() {
    let desk = desk();
    let may_not = || {
        let me = call(&desk, brightsync_sdk::Connector::get_me).unwrap();
        let names = me
            .capabilities
            .into_iter()
            .map(|it| format!("{} {}", it.0, it.1));
        names.collect::<Vec<_>>()
    };
    assert_eq!(may_not(), [""; 0]);
    desk.crm().read_only = vec!["Task", "Opportunity"];
    let emails = ["create", "update", "delete"].map(|it| format!("emails.{it}-email forbidden"));
    assert_eq!(may_not(), emails);
    desk.crm().read_only.clear();
    desk.crm().office().lacking = true;
    let contacts = [
        "create-contact",
        "update-contact",
        "delete-contact",
        "get-my-contacts",
    ];
    let contacts = contacts.map(|it| format!("contacts.{it} forbidden"));
    assert_eq!(may_not(), contacts);
}

#[test]
fn customers_who_log_in_are_no_colleagues() {
    let desk = desk();
    desk.crm().put(
        "User",
        json!({"Name": "Cara", "Email": "cara@acme.example", "UserType": "CspLitePortal", "IsActive": true}),
    );
    let users = call(&desk, |it| it.get_users(PageRequest::first(10))).unwrap();
    assert_eq!(users.items.len(), 1);
    let emails = ["ADA@brightsync.example", "cara@acme.example"].map(str::to_owned);
    let users = call(&desk, |it| {
        it.get_users_by_email(&emails, PageRequest::first(10))
    })
    .unwrap();
    let names: Vec<&str> = users.items.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["Ada Admin"]);
}
