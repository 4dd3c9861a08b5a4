//! The connector to Dataverse: its query language, its pages and tokens, its writes, and what becomes of refusals.

mod log;
mod read;
mod write;

use brightsync_crms::dataverse::{Condition, Dataverse, Literal};
use brightsync_crms::{Colleague, Company, Crm as _, Deal, Outcome, Person};
use brightsync_sdk::{Connector as _, Contact, Edit, Page, PageRequest, Patch, Reason, Result};
use serde_json::json;

use crate::desk::Desk;

const BASE: &str = "https://contoso.crm4.dynamics.com/api/data/v9.2/";
const DAY: i64 = 86_400_000;

/// Texts that mean something in addresses, in OData, in JSON, or in `LIKE`.
const NASTY: [&str; 14] = [
    "O'Brien",
    "''",
    "x' or fullname ne 'y",
    "') or contains(fullname,'",
    "100% [a-z] _under",
    "back\\slash \"quoted\"",
    "a&b=c#d?e/f+g;h,i",
    "@values",
    "null",
    "%27 or 1 eq 1",
    "line\nbreak\ttab",
    "\u{202e}ünïcode 漢字 🦀",
    "-- /* */",
    "(and) [not] {or}",
];

fn desk() -> Desk<Dataverse> {
    let mut crm = Dataverse::new();
    crm.office().tokens.push("t0ken".to_owned());
    Desk::new(crm, BASE, ("Authorization", "Bearer t0ken"))
        .setting("organisation", "contoso")
        .setting("region", "crm4")
        .wanted("contact", &["new_tier", "no,column"])
}

fn run<T>(
    desk: &Desk<Dataverse>,
    call: impl FnOnce(&dataverse::Dataverse) -> Result<T>,
) -> Result<T> {
    let answer = desk.run(|| call(&dataverse::Dataverse::open()?));
    assert_eq!(desk.crm().office().violations(), &[] as &[String]);
    answer
}

/// An organisation with the column that the tenant wants, and people with these addresses.
fn with_people(addresses: &[&str]) -> (Desk<Dataverse>, Vec<String>) {
    let desk = desk();
    desk.crm().add_column("contacts", "new_tier");
    let add = |address: &&str| desk.crm().add_person(&person(address));
    let ids = addresses.iter().map(add).collect();
    (desk, ids)
}

fn person(address: &str) -> Person {
    Person {
        given: "Ann".to_owned(),
        family: address.to_owned(),
        email: Some(address.to_owned()),
        ..Person::default()
    }
}

fn requests(desk: &Desk<Dataverse>) -> usize {
    desk.crm().office().seen().len()
}

fn asked(desk: &Desk<Dataverse>) -> Vec<String> {
    let seen = desk.crm().office().seen().to_vec();
    let line = |it: &brightsync_crms::Seen| format!("{} {} {}", it.method, it.path, it.body);
    seen.iter().map(line).collect()
}

/// Reads all pages.
fn all<T>(mut read: impl FnMut(PageRequest) -> Result<Page<T>>, size: u32) -> Vec<T> {
    let mut items = Vec::new();
    let mut page = PageRequest::first(size);
    loop {
        let read = read(page).unwrap();
        assert!(read.items.len() <= size as usize, "{}", read.items.len());
        assert_eq!(read.end.skipped, []);
        items.extend(read.items);
        match read.end.next {
            None => return items,
            token => {
                page = PageRequest {
                    token,
                    ..PageRequest::first(size)
                }
            }
        }
    }
}

fn edits(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

#[test]
fn every_text_arrives_as_the_literal_that_was_meant() {
    for text in NASTY {
        let (desk, ids) = with_people(&["bystander@a.example"]);
        let mallory = Person {
            given: String::new(),
            family: text.to_owned(),
            email: Some(text.to_owned()),
            ..Person::default()
        };
        let mallory = desk.crm().add_person(&mallory);
        let found = |page: Page<Contact>| -> Vec<String> {
            page.items.into_iter().map(|it| it.ref_.id).collect()
        };
        let page = || PageRequest::first(10);

        let by_name = run(&desk, |it| it.get_contacts_by_name(text, page())).unwrap();
        let literal = Literal::Text(text.to_owned());
        let meant = Condition::Compare("fullname".to_owned(), "eq".to_owned(), literal);
        assert_eq!(desk.crm().last_filter, Some(meant), "{text}");
        assert_eq!(found(by_name), [mallory.as_str()], "{text}");

        let emails = [text.to_owned()];
        let by_email = run(&desk, |it| it.get_contacts_by_email(&emails, page())).unwrap();
        let values = [text.to_lowercase()].into_iter().collect();
        match desk.crm().last_filter.clone() {
            Some(Condition::Any(parts)) => {
                let first = Condition::In("emailaddress1".to_owned(), values);
                assert_eq!((parts.len(), &parts[0]), (3, &first), "{text}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(found(by_email), [mallory.as_str()], "{text}");

        // Here a wildcard would find the bystander too.
        let address = json!(format!("x@{text}"));
        desk.crm()
            .set("contacts", &mallory, "emailaddress2", address);
        let by_domain = run(&desk, |it| it.get_contacts_by_email_domain(text, page())).unwrap();
        assert_eq!(found(by_domain), [mallory.as_str()], "{text}");
        assert_eq!(ids.len(), 1);
    }
}

#[test]
fn a_wildcard_in_a_domain_stands_for_itself() {
    let (desk, _) = with_people(&["a@a_b.example", "a@axb.example", "a@%.example"]);
    for (domain, expected) in [
        ("a_b.example", vec!["a@a_b.example"]),
        ("%.example", vec!["a@%.example"]),
        ("[a]xb.example", vec![]),
    ] {
        let page = run(&desk, |it| {
            it.get_contacts_by_email_domain(domain, PageRequest::first(10))
        });
        let names = page
            .unwrap()
            .items
            .into_iter()
            .filter_map(|it| it.family_name);
        assert_eq!(names.collect::<Vec<_>>(), expected, "{domain}");
    }
}

#[test]
fn what_no_column_can_hold_is_found_nowhere_without_a_request() {
    let (desk, _) = with_people(&["a@a.example"]);
    let million = "x'%\\\"".repeat(200_000);
    for text in ["", "a\0b", million.as_str()] {
        let page = || PageRequest::first(10);
        let texts = [text.to_owned()];
        assert_eq!(
            run(&desk, |it| it.get_contacts_by_name(text, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(
            run(&desk, |it| it.get_accounts_by_domain(text, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(
            run(&desk, |it| it.get_contacts_by_email(&texts, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(run(&desk, |it| it.get_contacts(&texts)).unwrap().items, []);
        assert_eq!(
            run(&desk, |it| it
                .get_opportunities_for_contacts(&texts, page()))
            .unwrap()
            .items,
            []
        );
        let error = run(&desk, |it| it.get_contact(text)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
        let error = run(&desk, |it| it.delete_contact(text)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
    }
    assert_eq!(requests(&desk), 0);
}

#[test]
fn the_connection_says_who_it_is_and_what_it_may_read() {
    let desk = desk();
    let me = run(&desk, |it| it.get_me()).unwrap();
    let user = me.user.unwrap();
    assert_eq!(user.id, desk.crm().me());
    assert_eq!(user.emails, ["mia@contoso.example"]);
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(me.org_name.as_deref(), Some("Contoso"));
    assert_eq!(me.capabilities, []);

    desk.crm().tracking = false;
    let me = run(&desk, |it| it.get_me()).unwrap();
    let names: Vec<&str> = me.capabilities.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names[0], "contacts.get-my-contacts.changed-since");
}

#[test]
fn users_are_listed_and_found_by_any_of_their_addresses() {
    let desk = desk();
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga Other".to_owned(),
        email: "olga@contoso.example".to_owned(),
    });
    let home = json!("olga@home.example");
    desk.crm()
        .set("systemusers", &olga, "personalemailaddress", home);
    let users = all(|page| run(&desk, |it| it.get_users(page)), 1);
    assert_eq!(users.len(), 2);
    let emails = ["OLGA@home.example".to_owned()];
    let found = run(&desk, |it| {
        it.get_users_by_email(&emails, PageRequest::first(9))
    })
    .unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(
        found.items[0].emails,
        ["olga@contoso.example", "olga@home.example"]
    );
}

#[test]
fn a_thousand_addresses_are_looked_up_in_a_few_requests_and_found_once() {
    let addresses: Vec<String> = (0..1_000).map(|n| format!("{n}@crowd.example")).collect();
    let few: Vec<&str> = addresses.iter().step_by(10).map(String::as_str).collect();
    let (desk, ids) = with_people(&few);
    // In the first part of the addresses and in the last one.
    let last = json!(addresses[999]);
    desk.crm().set("contacts", &ids[0], "emailaddress3", last);
    desk.crm().office().forget();
    let found = all(
        |page| run(&desk, |it| it.get_contacts_by_email(&addresses, page)),
        500,
    );
    assert_eq!(found.len(), 100);
    assert_eq!(requests(&desk), 4);
    let found = run(&desk, |it| it.get_contacts(&ids)).unwrap();
    assert_eq!(found.items.len(), 100);
}

#[test]
fn opportunities_are_found_by_contact_and_by_account_and_each_once() {
    let (desk, ids) = with_people(&["ann@x", "bob@x"]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let deal = desk.crm().add_deal(&Deal {
        name: "Big".to_owned(),
        company: Some(acme.clone()),
        person: Some(ids[0].clone()),
        amount: "1234.50".to_owned(),
        outcome: Outcome::Won,
    });
    // The customer is another contact, who is in the last of several parts.
    desk.crm()
        .set("opportunities", &deal, "_customerid_value", json!(ids[1]));
    desk.crm().customer_is_a_contact(&deal);
    let strangers = (0..500).map(|n| format!("00000000-0000-0000-0000-{n:012}"));
    let contacts: Vec<String> = [ids[0].clone()]
        .into_iter()
        .chain(strangers)
        .chain([ids[1].clone()])
        .collect();
    let found = all(
        |page| {
            run(&desk, |it| {
                it.get_opportunities_for_contacts(&contacts, page)
            })
        },
        50,
    );
    assert_eq!(found.len(), 1);
    let amount = found[0].amount.clone().unwrap();
    assert_eq!(
        (amount.amount.as_str(), amount.currency.as_deref()),
        ("1234.5", Some("EUR"))
    );
    let participants: Vec<&str> = found[0]
        .participants
        .iter()
        .map(|it| it.contact.as_str())
        .collect();
    assert_eq!(participants, [&ids[0], &ids[1]]);
    assert_eq!(found[0].account.as_ref(), Some(&acme));
    let accounts = [acme];
    let found = run(&desk, |it| {
        it.get_opportunities_for_accounts(&accounts, PageRequest::first(9))
    });
    assert_eq!(found.unwrap().items.len(), 1);
}

#[test]
fn accounts_are_found_by_domain_and_by_name() {
    let (desk, _) = with_people(&[]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme % Co".to_owned(),
        domain: Some("acme.example".to_owned()),
        owner: None,
    });
    desk.crm().add_company(&Company {
        name: "Acme and Co".to_owned(),
        ..Company::default()
    });
    let page = || PageRequest::first(9);
    let by_name = run(&desk, |it| it.get_accounts_by_name("ACME % co", page())).unwrap();
    let by_domain = run(&desk, |it| {
        it.get_accounts_by_domain("acme.example", page())
    })
    .unwrap();
    assert_eq!((by_name.items.len(), by_domain.items.len()), (1, 1));
    assert_eq!(by_name.items[0].id, acme);
    let patch = edits(&[(
        "domains",
        Edit::Set(json!(["new.example", "b.example"]).to_string()),
    )]);
    let written = run(&desk, |it| it.update_account(&acme, patch)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("domains"));
    let account = run(&desk, |it| it.get_account(&acme)).unwrap();
    assert_eq!(account.domains, ["new.example"]);
    run(&desk, |it| it.delete_account(&acme)).unwrap();
    assert_eq!(
        run(&desk, |it| it.get_account(&acme)).unwrap_err().reason,
        Reason::NotFound
    );
}
