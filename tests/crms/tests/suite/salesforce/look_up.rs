//! What is looked up: whatever stands in it, it is found as it is, and nothing else is.

use brightsync_crms::salesforce::soql::Value;
use brightsync_crms::{Company, Crm as _, Deal, Outcome};
use brightsync_sdk::{Connector as _, Opportunity, OpportunityStatus, PageRequest, Reason};
use serde_json::json;

use super::{add, call, compared, desk, names, queries};

const NASTY: [&str; 20] = [
    "O'Brien",
    "\\",
    "\\'",
    "' OR Name != '",
    "x') OR (Id != null",
    "a\\' OR Name LIKE '%",
    "\"quoted\"",
    "100%",
    "a_b",
    "a\\_b",
    "%",
    "_",
    "a\nb",
    "a\r\n\tb",
    "a\u{0}b\u{1f}c\u{7f}\u{85}d",
    "Müller-Lüdenscheidt",
    "株式会社 😀",
    "null",
    "SELECT Id FROM Contact",
    "a&q=SELECT+Id#x%27",
];

fn literal(text: &str) -> Value {
    Value::Text(text.chars().map(|it| (it, false)).collect())
}

#[test]
fn a_name_arrives_as_it_is_whatever_stands_in_it() {
    let desk = desk();
    for name in NASTY {
        desk.crm().put("Contact", json!({"LastName": name}));
        desk.crm().put("Account", json!({"Name": name}));
    }
    for name in NASTY {
        desk.crm().office().forget();
        let page = PageRequest::first(100);
        let found = call(&desk, |it| it.get_contacts_by_name(name, page.clone())).unwrap();
        assert_eq!(names(&found.items), [name]);
        let asked = compared(&queries(&desk)[0], "Name").unwrap();
        assert_eq!(asked, literal(name));
        let found = call(&desk, |it| it.get_accounts_by_name(name, page)).unwrap();
        let found: Vec<&str> = found.items.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found, [name]);
    }
}

#[test]
fn an_address_and_a_domain_arrive_as_they_are() {
    let desk = desk();
    for name in NASTY {
        let address = format!("{name}@x.example");
        let found = call(&desk, |it| {
            it.get_contacts_by_email(std::slice::from_ref(&address), PageRequest::first(9))
        });
        assert!(found.unwrap().items.is_empty());
        let sent = queries(&desk);
        assert_eq!(
            compared(&sent[0], "Email").unwrap(),
            literal(address.trim())
        );
        let page = PageRequest::first(9);
        let found = call(&desk, |it| it.get_contacts_by_email_domain(name, page));
        assert!(found.unwrap().items.is_empty(), "{name}");
        let Some(Value::Text(pattern)) = compared(&queries(&desk)[0], "Email") else {
            panic!("no pattern was sent for {name:?}")
        };
        // One wildcard of its own, and what was asked with nothing in it that matches anything else.
        assert_eq!(pattern[0], ('%', false));
        let rest: String = pattern[1..].iter().map(|it| it.0).collect();
        assert_eq!(rest, format!("@{name}"));
        assert!(
            pattern[1..]
                .iter()
                .all(|it| it.1 || !matches!(it.0, '%' | '_'))
        );
    }
}

#[test]
fn what_no_record_can_hold_is_not_asked_for() {
    let desk = desk();
    let long = "x".repeat(1_000_000);
    let page = || PageRequest::first(10);
    assert!(
        call(&desk, |it| it.get_contacts_by_name(&long, page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_contacts_by_name("  ", page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_accounts_by_domain(&long, page()))
            .unwrap()
            .items
            .is_empty()
    );
    let emails = [String::new(), long.clone(), "ann@a.example".to_owned()];
    add(&desk, "Lee", None);
    let ann = add(&desk, "Low", Some("ann@a.example"));
    assert_eq!(queries(&desk), []);
    // An empty address would find those who have none.
    let found = call(&desk, |it| it.get_contacts_by_email(&emails, page())).unwrap();
    assert_eq!(found.items[0].ref_.id, ann);
    assert_eq!(found.items.len(), 1);
    desk.crm().office().forget();
    let none = call(&desk, |it| it.get_contacts(&["x".to_owned(), long.clone()])).unwrap();
    assert!(none.items.is_empty());
    let error = call(&desk, |it| it.get_contact("003' OR Name != '")).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert!(desk.crm().office().seen().is_empty());
}

#[test]
fn a_thousand_addresses_are_one_page_of_a_few_requests() {
    let desk = desk();
    let emails: Vec<String> = (0..1_000)
        .map(|it| format!("a.person.with.a.name+{it:04}@a-long-domain.example"))
        .collect();
    for email in &emails {
        add(&desk, "Lee", Some(&email.to_uppercase()));
    }
    let page = PageRequest::first(2_000);
    let found = call(&desk, |it| it.get_contacts_by_email(&emails, page)).unwrap();
    assert_eq!((found.items.len(), found.end.next), (1_000, None));
    assert_eq!(queries(&desk).len(), 7);

    // Small pages: every contact once, whatever batch it is of.
    let mut page = PageRequest::first(150);
    let mut ids = Vec::new();
    loop {
        let found = call(&desk, |it| it.get_contacts_by_email(&emails, page.clone())).unwrap();
        assert!(found.items.len() <= 150);
        ids.extend(found.items.into_iter().map(|it| it.ref_.id));
        page.token = found.end.next;
        if page.token.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 1_000);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
}

#[test]
fn a_domain_is_found_by_web_site_and_by_people() {
    let desk = desk();
    let site = Company {
        name: "Site".to_owned(),
        domain: Some("acme.example".to_owned()),
        ..Company::default()
    };
    let site = desk.crm().add_company(&site);
    let mail = desk.crm().put("Account", json!({"Name": "Mail"}));
    let other = desk.crm().put(
        "Account",
        json!({"Name": "Other", "Website": "acmexexample.org"}),
    );
    for (account, email) in [
        (&site, "a@acme.example"),
        (&mail, "b@acme.example"),
        (&other, "c@notacme.example"),
    ] {
        desk.crm().put(
            "Contact",
            json!({"LastName": "Lee", "Email": email, "AccountId": account}),
        );
    }
    let found = call(&desk, |it| {
        it.get_accounts_by_domain("acme.example", PageRequest::first(10))
    })
    .unwrap();
    let ids: Vec<&String> = found.items.iter().map(|it| &it.id).collect();
    assert_eq!(ids, [&site, &mail]);
    assert_eq!(found.items[0].domains, ["https://www.acme.example"]);
    let found = call(&desk, |it| {
        it.get_contacts_by_email_domain("acme.example", PageRequest::first(10))
    })
    .unwrap();
    assert_eq!(found.items.len(), 2);
    let found = call(&desk, |it| {
        it.get_contacts_by_email_domain("a_me.example", PageRequest::first(10))
    })
    .unwrap();
    assert!(found.items.is_empty());
}

#[test]
fn records_are_read_by_their_ids_in_one_request() {
    let desk = desk().wanted("contact", &["Tier__c", "title"]);
    let mut ids: Vec<String> = (0..998).map(|_| add(&desk, "Lee", None)).collect();
    desk.crm().remove(brightsync_crms::Kind::Person, &ids[0]);
    ids.push(desk.crm().me());
    ids.push("0030000000000XXAAA".to_owned());
    desk.crm().office().forget();
    let found = call(&desk, |it| it.get_contacts(&ids)).unwrap();
    assert_eq!((found.items.len(), found.end.next), (997, None));
    assert_eq!(desk.crm().office().seen().len(), 1);
    assert_eq!(
        found.items[0].extra[0],
        ("Tier__c".to_owned(), "null".to_owned())
    );
    let error = call(&desk, |it| it.get_contact(&ids[0])).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    let url = found.items[0].url.clone().unwrap();
    assert_eq!(
        url,
        format!(
            "https://acme.my.salesforce.com/lightning/r/Contact/{}/view",
            ids[1]
        )
    );
}

#[test]
fn a_wanted_field_that_is_not_there_is_named() {
    for name in ["Tear__c", "Name FROM Contact", "Id,Name", ""] {
        let desk = desk().wanted("contact", &[name]);
        let error = call(&desk, |it| {
            it.get_contacts_by_name("Lee", PageRequest::first(9))
        })
        .unwrap_err();
        let Reason::Invalid(fields) = error.reason else {
            panic!("{name}: {error:?}")
        };
        assert_eq!(fields[0].field, Some(format!("extra.{name}")));
    }
}

fn deal(name: &str, company: Option<&str>, person: Option<&str>, outcome: Outcome) -> Deal {
    Deal {
        name: name.to_owned(),
        company: company.map(str::to_owned),
        person: person.map(str::to_owned),
        amount: "1234.50".to_owned(),
        outcome,
    }
}

#[test]
fn opportunities_are_found_once_with_everybody_in_them() {
    let desk = desk().setting("currency", "EUR");
    desk.crm().children_at_once(3);
    let people: Vec<String> = (0..1_000).map(|_| add(&desk, "Lee", None)).collect();
    let first = desk
        .crm()
        .add_deal(&deal("First", None, Some(&people[0]), Outcome::Won));
    for person in &people[1..] {
        let role = json!({"OpportunityId": first, "ContactId": person});
        if [Some(&people[1]), Some(&people[500]), people.last()].contains(&Some(person)) {
            desk.crm().put("OpportunityContactRole", role);
        }
    }
    let last = desk.crm().add_deal(&deal(
        "Last",
        None,
        people.last().map(String::as_str),
        Outcome::Lost,
    ));
    desk.crm().office().forget();
    let page = PageRequest::first(100);
    let found = call(&desk, |it| it.get_opportunities_for_contacts(&people, page)).unwrap();
    let ids: Vec<&String> = found.items.iter().map(|it| &it.id).collect();
    assert_eq!(ids, [&first, &last]);
    let Opportunity {
        participants,
        amount,
        status,
        stage_order,
        closed,
        ..
    } = &found.items[0];
    assert_eq!(participants.len(), 4);
    assert_eq!(
        (participants[0].primary, participants[0].role.as_deref()),
        (Some(true), Some("Decision Maker"))
    );
    let amount = amount.as_ref().unwrap();
    assert_eq!(
        (amount.amount.as_str(), amount.currency.as_deref()),
        ("1234.5", Some("EUR"))
    );
    assert_eq!((status, stage_order), (&OpportunityStatus::Won, &Some(2)));
    assert!(closed.is_some());
    assert_eq!(found.items[1].status, OpportunityStatus::Lost);
}

#[test]
fn an_org_with_currencies_says_which() {
    let desk = desk().setting("currency", "EUR");
    desk.crm().use_currencies();
    let company = Company {
        name: "Acme".to_owned(),
        ..Company::default()
    };
    let company = desk.crm().add_company(&company);
    desk.crm().put(
        "Opportunity",
        json!({
            "Name": "Big", "StageName": "Prospecting", "Amount": 12, "CurrencyIsoCode": "CHF",
            "CloseDate": "2026-02-01", "AccountId": company,
        }),
    );
    let page = PageRequest::first(100);
    let found = call(&desk, |it| {
        it.get_opportunities_for_accounts(std::slice::from_ref(&company), page)
    })
    .unwrap();
    let amount = found.items[0].amount.as_ref().unwrap();
    assert_eq!(
        (amount.amount.as_str(), amount.currency.as_deref()),
        ("12", Some("CHF"))
    );
    assert_eq!(found.items[0].account.as_deref(), Some(&*company));
    assert_eq!(
        (found.items[0].stage_order, found.items[0].closed.is_some()),
        (Some(0), false)
    );
}
