//! Look-ups: every text arrives as the value that was meant, and what is found is found at once.

use brightsync_crms::hubspot::Object;
use brightsync_crms::hubspot::search::{Filter, Test, parse};
use brightsync_crms::{Company, Crm as _, Deal, Outcome};
use brightsync_sdk::{Connector as _, Moment, OpportunityStatus, PageRequest, Reason};

use super::{Hub, person};

/// Names that would mean something in a query that is put together as text.
const NAMES: [(&str, &str); 14] = [
    ("Ann", "O'Brien"),
    ("Ann \"Nan\"", "Lee"),
    ("back\\slash", "\\"),
    ("*", "*"),
    ("%", "_"),
    ("Ann*", "?"),
    ("AND", "OR NOT NULL"),
    ("{\"value\":\"x\"}", "],[{"),
    ("Zoë", "Müller-Lüdenscheidt"),
    ("李", "小龙"),
    ("🦀", "👩‍👩‍👧"),
    ("a\nb", "c\td"),
    ("\u{1}", "\u{7f}\u{202e}"),
    ("a ", " b"),
];

#[track_caller]
fn check_name(given: &str, family: &str) {
    let hub = Hub::new();
    person(&hub, "Somebody", "Else", "else@x.example");
    let id = person(&hub, given, family, "");
    hub.crm().office.forget();
    let whole = format!("{given} {family}");
    let found = hub
        .all(100, |it, page| it.get_contacts_by_name(&whole, page))
        .unwrap();
    let ids: Vec<&str> = found.items.iter().map(|it| it.ref_.id.as_str()).collect();
    assert_eq!(ids, [id], "{whole:?}");
    let crm = hub.crm();
    let bodies = crm
        .office
        .seen()
        .iter()
        .filter(|it| it.path.ends_with("search"));
    let mut groups = Vec::new();
    for body in bodies {
        groups.extend(parse(Object::Contact, &body.body).unwrap().groups);
    }
    let is = |property: &str, value: &str| Filter {
        property: property.to_owned(),
        test: Test::Is(value.to_owned()),
    };
    let meant = [is("firstname", given), is("lastname", family)];
    assert!(
        groups.iter().any(|it| it[..] == meant),
        "{whole:?}: {groups:?}"
    );
}

#[test]
fn a_name_is_found_as_it_is_whatever_is_in_it() {
    for (given, family) in NAMES {
        check_name(given, family);
    }
}

#[test]
fn a_name_is_found_in_any_case_and_wherever_the_given_name_ends() {
    let hub = Hub::new();
    let ids = [
        person(&hub, "Ann Mary", "Lee Ng", ""),
        person(&hub, "Ann", "Mary Lee Ng", ""),
        person(&hub, "", "Ann Mary Lee Ng", ""),
        person(&hub, "Ann Mary Lee Ng", "", ""),
    ];
    person(&hub, "Ann Mary", "Lee", "");
    person(&hub, "Ann Mary Lee Ng", "Junior", "");
    let found = hub
        .all(100, |it, page| {
            it.get_contacts_by_name("ann mary lee NG", page)
        })
        .unwrap();
    let mut found: Vec<String> = found.items.into_iter().map(|it| it.ref_.id).collect();
    found.sort();
    assert_eq!(found, ids);
}

#[test]
fn a_name_of_many_words_takes_several_searches_and_a_longer_one_is_refused() {
    let hub = Hub::new();
    let words = vec!["word"; 40].join(" ");
    let id = person(&hub, &words, "End", "");
    let found = hub.all(100, |it, page| {
        it.get_contacts_by_name(&format!("{words} End"), page)
    });
    assert_eq!(found.unwrap().items[0].ref_.id, id);
    hub.crm().office.forget();
    for huge in [
        "a".repeat(3_000),
        "\u{1}".repeat(600),
        "x y ".repeat(250_000),
    ] {
        let error = hub
            .all(100, |it, page| it.get_contacts_by_name(&huge, page))
            .unwrap_err();
        assert!(matches!(error.reason, Reason::Invalid(_)), "{error:?}");
        let error = hub
            .all(100, |it, page| it.get_accounts_by_name(&huge, page))
            .unwrap_err();
        assert!(matches!(error.reason, Reason::Invalid(_)), "{error:?}");
    }
    let blank = hub
        .all(100, |it, page| it.get_contacts_by_name(" \n ", page))
        .unwrap();
    assert!(blank.items.is_empty());
    assert_eq!(hub.count(""), 0);
}

#[test]
fn an_account_is_found_by_its_name_as_it_is() {
    for (name, rest) in NAMES {
        let hub = Hub::new();
        let name = format!("{name}{rest}");
        let company = Company {
            name: name.trim().to_owned(),
            ..Company::default()
        };
        let id = hub.crm().add_company(&company);
        hub.crm().add_company(&Company {
            name: "Acme".to_owned(),
            ..Company::default()
        });
        let found = hub
            .all(100, |it, page| it.get_accounts_by_name(&name, page))
            .unwrap();
        let ids: Vec<&str> = found.items.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, [id], "{name:?}");
    }
}

#[test]
fn a_domain_has_no_wildcards() {
    let hub = Hub::new();
    person(&hub, "Ann", "Lee", "ann@acme.example");
    for domain in [
        "*",
        "*.example",
        "acme.example*",
        "a b",
        "\"",
        "",
        "x@y",
        "a\nb",
    ] {
        let error = hub
            .all(100, |it, page| {
                it.get_contacts_by_email_domain(domain, page)
            })
            .unwrap_err();
        assert!(
            matches!(error.reason, Reason::Invalid(_)),
            "{domain:?}: {error:?}"
        );
        let error = hub
            .all(100, |it, page| it.get_accounts_by_domain(domain, page))
            .unwrap_err();
        assert!(
            matches!(error.reason, Reason::Invalid(_)),
            "{domain:?}: {error:?}"
        );
    }
    assert_eq!(hub.count(""), 0);
}

#[test]
fn a_domain_is_found_in_every_place_that_has_one() {
    let hub = Hub::new();
    let main = person(&hub, "Ann", "Lee", "ann@acme.example");
    let further = person(&hub, "Bob", "Lee", "bob@home.example");
    hub.crm().edit(
        &further,
        "hs_additional_emails",
        "b@x.example;bob@acme.example",
    );
    person(&hub, "Cid", "Lee", "cid@notacme.example");
    let found = hub
        .all(1, |it, page| {
            it.get_contacts_by_email_domain("acme.example", page)
        })
        .unwrap();
    let ids: Vec<String> = found.items.into_iter().map(|it| it.ref_.id).collect();
    assert_eq!(ids, [main, further]);

    let put = |fields: &[(&str, &str)]| hub.crm().put(Object::Company, fields);
    let ids = [
        put(&[("name", "A"), ("domain", "acme.example")]),
        put(&[
            ("name", "B"),
            ("domain", "b.example"),
            ("hs_additional_domains", "c.example;acme.example"),
        ]),
        put(&[("name", "C"), ("website", "https://www.acme.example/about")]),
    ];
    put(&[("name", "D"), ("domain", "b.example")]);
    let found = hub
        .all(100, |it, page| {
            it.get_accounts_by_domain("acme.example", page)
        })
        .unwrap();
    let found: Vec<String> = found.items.into_iter().map(|it| it.id).collect();
    assert_eq!(found, ids);
}

#[test]
fn addresses_are_found_at_once_and_by_hundreds() {
    let hub = Hub::new();
    hub.crm().office.lag = 60_000;
    let ids: Vec<String> = (0..250)
        .map(|it| person(&hub, "P", &it.to_string(), &format!("p{it}@acme.example")))
        .collect();
    let mut emails: Vec<String> = (0..1_000).map(|it| format!("P{it}@Acme.example")).collect();
    // Two of one, and what is no address at all.
    emails[999] = "p0@acme.example".to_owned();
    for (at, odd) in [
        "",
        "no address",
        "a@b c",
        "a,b@x.example",
        "\"x\"@y.example",
        "*@acme.example",
        "a@\u{1}",
        "ü@x.example",
    ]
    .iter()
    .enumerate()
    {
        emails[990 + at] = (*odd).to_owned();
    }
    emails[998] = format!("{}@x.example", "a".repeat(1_000_000));
    hub.crm().office.forget();
    let found = hub
        .all(1_000, |it, page| it.get_contacts_by_email(&emails, page))
        .unwrap();
    let mut found: Vec<String> = found.items.into_iter().map(|it| it.ref_.id).collect();
    found.sort();
    found.dedup();
    assert_eq!(found, ids);
    assert!(hub.count("") <= 60);
    let nobody = hub
        .call(|it| it.get_contacts_by_email(&[], PageRequest::first(10)))
        .unwrap();
    assert!(nobody.items.is_empty());
    assert_eq!(hub.count(""), 0);
}

#[test]
fn a_further_address_is_found_whether_or_not_the_batch_knows_it() {
    for knows in [false, true] {
        let hub = Hub::new();
        hub.crm().knows_further_addresses = knows;
        let id = person(&hub, "Ann", "Lee", "ann@acme.example");
        hub.crm().edit(
            &id,
            "hs_additional_emails",
            "a@home.example;ann.lee@acme.example",
        );
        hub.crm().office.forget();
        let emails = [
            "Ann.Lee@acme.example",
            "ann@acme.example",
            "nobody@x.example",
        ]
        .map(str::to_owned);
        let found = hub
            .all(100, |it, page| it.get_contacts_by_email(&emails, page))
            .unwrap();
        let [ann] = &found.items[..] else {
            panic!("{found:?}")
        };
        let addresses: Vec<&str> = ann.emails.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(
            addresses,
            ["ann@acme.example", "a@home.example", "ann.lee@acme.example"]
        );
    }
}

#[test]
fn users_are_found_by_address_those_who_left_included() {
    let hub = Hub::new();
    let left = hub.crm().add_user(&brightsync_crms::Colleague {
        name: "Bob Gone".to_owned(),
        email: "bob@our.example".to_owned(),
    });
    hub.crm().dismiss(&left);
    let all = hub.all(100, |it, page| it.get_users(page)).unwrap().items;
    assert_eq!(all.len(), 2);
    let emails = ["BOB@our.example".to_owned()];
    let found = hub
        .all(100, |it, page| it.get_users_by_email(&emails, page))
        .unwrap()
        .items;
    assert_eq!(
        (found.len(), &found[0].id, found[0].active),
        (1, &left, Some(false))
    );
    assert_eq!(found[0].name, "Bob Gone");
}

fn deal(hub: &Hub, name: &str, company: &str, person: &str, outcome: Outcome) -> String {
    hub.crm().add_deal(&Deal {
        name: name.to_owned(),
        company: Some(company.to_owned()),
        person: Some(person.to_owned()),
        amount: "1234.50".to_owned(),
        outcome,
    })
}

#[test]
fn opportunities_come_with_stage_money_and_all_who_take_part() {
    let hub = Hub::new();
    let company = hub.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let (ann, bob) = (
        person(&hub, "Ann", "Lee", ""),
        person(&hub, "Bob", "Lee", ""),
    );
    let open = deal(&hub, "Open", &company, &ann, Outcome::Open);
    let won = deal(&hub, "Won", &company, &ann, Outcome::Won);
    let lost = deal(&hub, "Lost", &company, &bob, Outcome::Lost);
    hub.crm()
        .link((Object::Deal, &open), (Object::Contact, &bob), 3);
    hub.crm().label(
        (Object::Deal, &open),
        (Object::Contact, &bob),
        "Decision maker",
    );
    let main = hub.crm().add_company(&Company {
        name: "Main".to_owned(),
        ..Company::default()
    });
    hub.crm()
        .link((Object::Deal, &open), (Object::Company, &main), 5);
    let ids = [
        ann.clone(),
        bob.clone(),
        "99".to_owned(),
        "no id".to_owned(),
    ];
    let found = hub
        .all(2, |it, page| it.get_opportunities_for_contacts(&ids, page))
        .unwrap()
        .items;
    let statuses: Vec<_> = found.iter().map(|it| (it.id.as_str(), it.status)).collect();
    let expected = [
        (open.as_str(), OpportunityStatus::Open),
        (&won, OpportunityStatus::Won),
        (&lost, OpportunityStatus::Lost),
    ];
    assert_eq!(statuses, expected);
    let first = &found[0];
    assert_eq!(
        (first.stage.as_deref(), first.stage_order),
        (Some("Appointment scheduled"), Some(0))
    );
    assert_eq!(first.kind.as_deref(), Some("Sales Pipeline"));
    assert_eq!(first.account.as_ref(), Some(&main));
    let money = first.amount.as_ref().unwrap();
    assert_eq!(
        (money.amount.as_str(), money.currency.as_deref()),
        ("1234.50", Some("EUR"))
    );
    let roles: Vec<_> = first
        .participants
        .iter()
        .map(|it| (it.contact.as_str(), it.role.as_deref()))
        .collect();
    assert_eq!(
        roles,
        [(ann.as_str(), None), (&bob, Some("Decision maker"))]
    );
    assert!(matches!(first.closes, Some(Moment::At(_))) && first.closed.is_none());
    let orders: Vec<_> = found.iter().map(|it| it.stage_order).collect();
    assert_eq!(orders, [Some(0), Some(2), Some(3)]);
    assert!(found[1].closes.is_none() && found[1].closed.is_some());
    let found = hub.all(100, |it, page| {
        it.get_opportunities_for_accounts(std::slice::from_ref(&company), page)
    });
    assert_eq!(found.unwrap().items.len(), 3);
}

#[test]
fn many_opportunities_of_one_account_come_each_once() {
    let hub = Hub::new();
    let company = hub.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let ann = person(&hub, "Ann", "Lee", "");
    let ids: Vec<String> = (0..1_201)
        .map(|it| deal(&hub, &it.to_string(), &company, &ann, Outcome::Open))
        .collect();
    let found = hub.all(1_000, |it, page| {
        it.get_opportunities_for_accounts(std::slice::from_ref(&company), page)
    });
    let found: Vec<String> = found.unwrap().items.into_iter().map(|it| it.id).collect();
    assert_eq!(found, ids);
}
