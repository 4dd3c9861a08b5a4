//! What is searched for and asked for, and what the connection is.

use std::slice;

use brightsync_crms::pipedrive::Pipedrive;
use brightsync_crms::{Company, Crm, Deal, Outcome, Person};
use brightsync_sdk::{Connector, Id, Moment, Owner, PageRequest, Reason, Scope};

use super::{NOW, all, asked, call, crowd, desk, mine, person, texts};
use crate::desk::Desk;

fn emails_found(desk: &Desk<Pipedrive>, emails: &[String]) -> Vec<Id> {
    let found = all(
        |page| call(desk, |it| it.get_contacts_by_email(emails, page)),
        200,
    );
    found.into_iter().map(|it| it.ref_.id).collect()
}

#[test]
fn whatever_is_searched_for_arrives_as_it_is() {
    let nasty = [
        "O'Brien",
        "\"quo\"te\\",
        "a&term=b#c?d/e+f%20",
        "semi;colon) OR 1 --",
        "%_*?[x]{y}",
        "null",
        "漢字 ünïcode",
        "x\ny\u{0}\u{7f}",
        "\u{202e}",
        "'",
    ];
    let desk = desk();
    let others = crowd(&desk, 3);
    for name in nasty {
        let whole = format!("Ann {name}");
        let id = desk.crm().add_person(&Person {
            given: "Ann".to_owned(),
            family: name.to_owned(),
            email: Some(format!("{name}@nasty.example")),
            ..Person::default()
        });
        desk.crm().office().forget();
        let by_name = call(&desk, |it| {
            it.get_contacts_by_name(&whole, PageRequest::first(10))
        });
        let names: Vec<_> = by_name
            .unwrap()
            .items
            .into_iter()
            .map(|it| it.ref_.id)
            .collect();
        assert_eq!(names, slice::from_ref(&id), "{name:?}");
        let emails = [format!("{name}@NASTY.example")];
        let by_email = call(&desk, |it| {
            it.get_contacts_by_email(&emails, PageRequest::first(10))
        });
        assert_eq!(by_email.unwrap().items.len(), 1, "{name:?}");
        let terms = asked(&desk, "/search", "term");
        assert_eq!(terms, [whole.trim().to_owned(), emails[0].to_lowercase()]);
        assert_eq!(asked(&desk, "/search", "fields"), ["name", "email"]);
        let account = call(&desk, |it| {
            it.get_accounts_by_name(name, PageRequest::first(10))
        });
        assert_eq!(account.unwrap().items, []);
    }
    assert_eq!(others.len(), 3);
}

#[test]
fn what_is_too_long_or_too_short_is_not_searched_for() {
    let desk = desk();
    let long = "x'%".repeat(300_000);
    let first = || PageRequest::first(10);
    let refused = call(&desk, |it| it.get_contacts_by_name(&long, first())).unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused:?}");
    let refused = call(&desk, |it| {
        it.get_contacts_by_email(slice::from_ref(&long), first())
    })
    .unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused:?}");
    for nothing in ["", " "] {
        assert!(
            call(&desk, |it| it.get_contacts_by_name(nothing, first()))
                .unwrap()
                .items
                .is_empty()
        );
        let emails = texts(&[nothing]);
        assert!(
            call(&desk, |it| it.get_contacts_by_email(&emails, first()))
                .unwrap()
                .items
                .is_empty()
        );
    }
    assert!(desk.crm().office().seen().is_empty());
}

#[test]
fn an_id_that_is_no_number_reaches_no_list() {
    let desk = desk();
    let id = person(&desk, "Lee", "ann@acme.example");
    let all = texts(&["1,2", "007", "+7", "", "../users", "1 ", "٣", &id]);
    let found = call(&desk, |it| it.get_contacts(&all)).unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(asked(&desk, "/persons", "ids"), [id]);
    for id in ["1,2", "..", "", "9999"] {
        let missing = call(&desk, |it| it.get_contact(id)).unwrap_err();
        assert_eq!(missing.reason, Reason::NotFound, "{id}");
        let missing = call(&desk, |it| it.delete_account(id)).unwrap_err();
        assert_eq!(missing.reason, Reason::NotFound, "{id}");
    }
    let owner = Owner::User("1&x=y".to_owned());
    assert!(mine(&desk, &owner, &Scope::All, 10, || ()).is_empty());
}

#[test]
fn few_addresses_are_searched_for_and_many_are_compared() {
    let desk = desk();
    let added = crowd(&desk, 1_200);
    let some = |count: usize| {
        (0..count)
            .map(|n| format!("{}@CROWD.example", n * 3))
            .collect::<Vec<_>>()
    };
    desk.crm().spent = 0;
    assert_eq!(emails_found(&desk, &some(10)).len(), 10);
    assert_eq!(desk.crm().spent, 10 * 20 + 10);
    desk.crm().spent = 0;
    let found = emails_found(&desk, &some(400));
    assert_eq!(found, added.iter().step_by(3).cloned().collect::<Vec<_>>());
    assert_eq!(desk.crm().spent, 3 * 10, "three pages of people");
}

#[test]
fn lists_that_are_too_long_are_given_up_for_searches_and_nobody_is_told_twice() {
    let desk = desk();
    let added = crowd(&desk, 15_000);
    // Twelve addresses cost as much as 24 pages, and there are 30.
    let emails: Vec<String> = (0..12)
        .map(|n| format!("{}@crowd.example", n * 1_300))
        .collect();
    let expected: Vec<Id> = (0..12).map(|n| added[n * 1_300].clone()).collect();
    desk.crm().spent = 0;
    assert_eq!(emails_found(&desk, &emails), expected);
    let spent = desk.crm().spent;
    assert!(spent <= 2 * (12 * 20) + 20, "{spent}");
    assert_eq!(asked(&desk, "/search", "term").len(), 12);
    assert_eq!(asked(&desk, "/persons", "sort_by").len(), 24);
}

#[test]
fn a_domain_is_the_end_of_an_address() {
    let desk = desk();
    let one = person(&desk, "One", "one@acme.example");
    person(&desk, "Two", "two@acme.example.org");
    person(&desk, "Three", "three@notacme.example");
    let found = call(&desk, |it| {
        it.get_contacts_by_email_domain("acme.example", PageRequest::first(10))
    });
    let found: Vec<Id> = found
        .unwrap()
        .items
        .into_iter()
        .map(|it| it.ref_.id)
        .collect();
    assert_eq!(found, [one]);
    assert_eq!(asked(&desk, "/search", "term"), ["@acme.example"]);
    let many = crowd(&desk, 250);
    let found = all(
        |page| {
            call(&desk, |it| {
                it.get_contacts_by_email_domain("crowd.example", page)
            })
        },
        200,
    );
    assert_eq!(found.len(), many.len());
    let refused = call(&desk, |it| {
        it.get_accounts_by_domain("acme.example", PageRequest::first(10))
    });
    assert_eq!(refused.unwrap_err().reason, Reason::Unsupported);
}

#[test]
fn deals_of_few_and_of_many_are_all_there_and_each_once() {
    let desk = desk();
    let company = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let people = crowd(&desk, 30);
    let mut deals = Vec::new();
    for n in 0..700 {
        let deal = desk.crm().add_deal(&Deal {
            name: format!("Deal {n}"),
            company: Some(company.clone()),
            person: people.get(n % 35).cloned(),
            amount: "1234567.5".to_owned(),
            outcome: [Outcome::Open, Outcome::Won, Outcome::Lost][n % 3],
        });
        if n % 7 == 0 {
            desk.crm().archive(&deal);
        }
        deals.push(deal);
    }
    let of = |people: &[Id]| {
        all(
            |page| call(&desk, |it| it.get_opportunities_for_contacts(people, page)),
            200,
        )
    };
    let mut few: Vec<Id> = of(&people[..2]).into_iter().map(|it| it.id).collect();
    few.sort_by_key(|it| it.parse::<u64>().unwrap());
    let expected = |count: usize| -> Vec<Id> {
        (0..700)
            .filter(|n| n % 35 < count)
            .map(|n| deals[n].clone())
            .collect()
    };
    assert_eq!(few, expected(2));
    desk.crm().spent = 0;
    let mut many: Vec<Id> = of(&people).into_iter().map(|it| it.id).collect();
    many.sort_by_key(|it| it.parse::<u64>().unwrap());
    assert_eq!(many, expected(30));
    assert!(desk.crm().spent <= 70, "{}", desk.crm().spent);
    let accounts = [company];
    let of_company = all(
        |page| {
            call(&desk, |it| {
                it.get_opportunities_for_accounts(&accounts, page)
            })
        },
        200,
    );
    assert_eq!(of_company.len(), 700);
    let deal = of_company.iter().find(|it| it.name == "Deal 1").unwrap();
    let amount = deal
        .amount
        .as_ref()
        .map(|it| (it.amount.as_str(), it.currency.as_deref()));
    assert_eq!(amount, Some(("1234567.5", Some("EUR"))));
    // Its number is 4, but one before it was deleted.
    assert_eq!(
        (deal.stage.as_deref(), deal.stage_order),
        (Some("Negotiation"), Some(2))
    );
    assert_eq!(
        (deal.kind.as_deref(), deal.participants.len()),
        (Some("Sales"), 1)
    );
    assert_eq!(deal.closed, Some(Moment::At(NOW)));
}

#[test]
fn the_connection_is_a_user_of_a_company() {
    let desk = desk();
    let me = call(&desk, Connector::get_me).unwrap();
    assert_eq!(
        (me.org_id.as_str(), me.org_name.as_deref()),
        ("7777", Some("Acme"))
    );
    assert_eq!(me.user.unwrap().timezone.as_deref(), Some("Europe/Tallinn"));
    let users = call(&desk, |it| it.get_users(PageRequest::first(10))).unwrap();
    assert_eq!(users.items.len(), 1);
    let emails = texts(&["ADA@acme.example", "x@acme.example"]);
    let found = call(&desk, |it| {
        it.get_users_by_email(&emails, PageRequest::first(10))
    });
    assert_eq!(found.unwrap().items[0].id, "1");
}
