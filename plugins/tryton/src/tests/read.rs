//! Reading: one record, look-ups, pages, changes and departures.

use brightsync_sdk::{
    Affiliation, Change, Connector, ContactPoint, Departure, DepartureKind, OpportunityStatus,
    Owner, PageRequest, ReadRequest, Reason, Ref, Scope, Window,
};
use serde_json::{Value, json};

use super::{FIELDS, ann, exchange, one, search, time};
use crate::Tryton;

#[test]
fn a_person_is_a_party_of_the_category() {
    let contact = exchange()
        .expect(one(7))
        .answer(200, json!([ann()]))
        .run(|| Tryton::open()?.get_contact("7"))
        .unwrap();
    assert_eq!(contact.full_name.as_deref(), Some("Ann Lee"));
    let work = ContactPoint {
        label: Some("work".to_owned()),
        ..ContactPoint::primary("Ann@a.example")
    };
    assert_eq!(
        contact.emails,
        [work, ContactPoint::further("ann@b.example")]
    );
    assert_eq!(contact.phones[0].label.as_deref(), Some("mobile"));
    assert_eq!(contact.accounts, [Affiliation::primary("5")]);
    // Of the party and its addresses, the last change counts.
    assert_eq!(
        contact.version.as_deref(),
        Some("2026-01-31T09:30:02.123456")
    );
    assert_eq!(contact.modified_at, Some(1_769_851_802_123));

    let as_account = exchange()
        .expect(one(7))
        .answer(200, json!([ann()]))
        .run(|| Tryton::open()?.get_account("7"));
    assert_eq!(as_account.unwrap_err().reason, Reason::NotFound);
}

#[test]
fn a_merged_person_is_answered_as_the_survivor() {
    let mut merged = ann();
    merged["id"] = json!(6);
    merged["replaced_by"] = json!(7);
    let contact = exchange()
        .expect(one(6))
        .answer(200, json!([merged]))
        .expect(one(7))
        .answer(200, json!([ann()]))
        .run(|| Tryton::open()?.get_contact("6"));
    assert_eq!(contact.unwrap().ref_, Ref::contact("7"));
}

#[test]
fn what_cannot_be_an_id_makes_no_request() {
    for id in ["abc", "-1", "07", "1/../2"] {
        let answer = exchange().run(|| Tryton::open()?.get_contact(id));
        assert_eq!(answer.unwrap_err().reason, Reason::NotFound, "{id}");
    }
    let none = exchange().run(|| Tryton::open()?.get_contacts(&["x".to_owned()]));
    assert!(none.unwrap().items.is_empty());
    let none = exchange().run(|| Tryton::open()?.get_contacts_by_email(&[], PageRequest::first(5)));
    assert!(none.unwrap().items.is_empty());
}

#[test]
fn what_is_searched_is_in_the_body_with_its_wildcards_escaped() {
    let script = |domain: Value| {
        let people = json!([
            [
                ["categories", "where", [["name", "=", "Person"]]],
                ["active", "in", [true, false]]
            ],
            ["replaced_by", "=", null],
            domain,
        ]);
        exchange()
            .expect(search(
                "party.party",
                json!([["id", ">", 0], [people]]),
                &FIELDS,
                2,
            ))
            .answer(200, json!([ann()]))
    };
    let page = || PageRequest::first(2);
    let emails = json!([
        "contact_mechanisms",
        "where",
        [
            ["type", "=", "email"],
            [
                "OR",
                ["value", "ilike", "a\\_b@x.example"],
                ["value", "ilike", "\"]]\\%@x"]
            ]
        ],
    ]);
    let asked = ["a_b@x.example".to_owned(), "\"]]%@x".to_owned()];
    let found = script(emails).run(|| Tryton::open()?.get_contacts_by_email(&asked, page()));
    assert_eq!(found.unwrap().items.len(), 1);
    let name = json!(["name", "ilike", "%Zo_%Lee%"]);
    let found = script(name).run(|| Tryton::open()?.get_contacts_by_name(" Zoë  Lee", page()));
    assert_eq!(found.unwrap().items.len(), 1);
}

#[test]
fn pages_follow_the_ids_and_say_up_to_when_they_are_complete() {
    let second = |after: i64, rows: Value| {
        let domain = json!([
            ["id", ">", after],
            [[
                [
                    ["categories", "not where", [["name", "=", "Person"]]],
                    ["active", "in", [true, false]]
                ],
                ["replaced_by", "=", null],
                [
                    "OR",
                    [
                        ["last_modified_at", ">=", moment(1)],
                        ["last_modified_at", "<", moment(5)]
                    ],
                    [
                        "contact_mechanisms",
                        "where",
                        [
                            [
                                ["last_modified_at", ">=", moment(1)],
                                ["last_modified_at", "<", moment(5)]
                            ],
                            ["active", "in", [true, false]],
                        ]
                    ],
                ],
            ]],
        ]);
        exchange()
            .expect(search("party.party", domain, &FIELDS, 1))
            .answer(200, rows)
            .with_header("date", "Sat, 31 Jan 2026 09:30:03 GMT")
    };
    let window = Window {
        since: 1_769_851_801_000,
        until: Some(1_769_851_805_000),
    };
    let request = ReadRequest::first(Owner::Me, Scope::Updated(window), 1);
    let acme = json!([{"id": 5, "name": "Acme"}]);
    let page = second(0, acme)
        .run(|| Tryton::open()?.get_my_accounts(request.clone()))
        .unwrap();
    assert_eq!(page.end.complete_until, Some(1_769_851_803_000));
    let next = ReadRequest {
        page: PageRequest {
            token: page.end.next,
            ..PageRequest::first(1)
        },
        ..request
    };
    let page = second(5, json!([]))
        .run(|| Tryton::open()?.get_my_accounts(next))
        .unwrap();
    assert_eq!((page.items.len(), page.end.next), (0, None));
}

/// Times of windows have no part of a second here.
fn moment(second: u32) -> Value {
    let mut moment = time(second);
    moment["microsecond"] = json!(0);
    moment
}

#[test]
fn owners_and_tokens_that_tryton_does_not_have_are_unsupported() {
    for (owner, scope) in [
        (Owner::User("2".to_owned()), Scope::All),
        (Owner::Me, Scope::ChangedSince("x".to_owned())),
    ] {
        let request = ReadRequest::first(owner, scope, 5);
        let answer = exchange().run(|| Tryton::open()?.get_my_contacts(request));
        assert_eq!(answer.unwrap_err().reason, Reason::Unsupported);
    }
}

#[test]
fn deleted_parties_are_found_digit_by_digit_and_then_the_merged_ones() {
    let window = Window {
        since: 1_769_851_801_000,
        until: None,
    };
    let log =
        |domain: Value, fields: &[&str], limit: u32| search("ir.model.log", domain, fields, limit);
    let entries = json!([
        ["event", "=", "delete"],
        ["resource", "like", "party.party,%"],
        [["create_date", ">=", moment(1)]],
        ["id", ">", 0],
    ]);
    let mut script = exchange()
        .expect(log(entries, &["create_date"], 50))
        .answer(
            200,
            json!([{"id": 90, "create_date": time(2)}, {"id": 91, "create_date": time(3)}]),
        );
    // The deleted parties: 90 is about 6, and 91 about 305.
    let parties = [(90, "6"), (91, "305")];
    for place in 0..=3 {
        let open: Vec<i64> = parties
            .iter()
            .filter(|it| it.1.len() >= place)
            .map(|it| it.0)
            .collect();
        let sets = ["0123456789", "13579", "2367", "4567", "89"];
        for digits in sets {
            let pattern = |digit: char| {
                json!([
                    "resource",
                    "like",
                    format!("party.party,{}{digit}%", "_".repeat(place))
                ])
            };
            let mut any = vec![json!("OR")];
            any.extend(digits.chars().map(pattern));
            let there = |it: &&(i64, &str)| {
                it.1.chars()
                    .nth(place)
                    .is_some_and(|it| digits.contains(it))
            };
            let found: Vec<Value> = parties
                .iter()
                .filter(there)
                .map(|it| json!({"id": it.0}))
                .collect();
            script = script
                .expect(log(json!([["id", "in", open], any]), &["id"], 500))
                .answer(200, found.into());
        }
    }
    let request = ReadRequest::first(Owner::Anyone, Scope::Departed(window), 50);
    let page = script
        .run(|| Tryton::open()?.get_my_contacts(request.clone()))
        .unwrap();
    let departed = |id: &str, at: i64, how: DepartureKind| {
        Change::Departed(Departure {
            id: id.to_owned(),
            at: Some(at),
            how,
        })
    };
    let deleted = DepartureKind::Deleted;
    let expected = [
        departed("6", 1_769_851_802_123, deleted.clone()),
        departed("305", 1_769_851_803_123, deleted),
    ];
    assert_eq!(page.items, expected);

    let merged = json!([
        [
            ["categories", "where", [["name", "=", "Person"]]],
            ["active", "in", [true, false]]
        ],
        ["replaced_by", "!=", null],
        [["last_modified_at", ">=", moment(1)]],
        ["id", ">", 0],
    ]);
    let request = ReadRequest {
        page: PageRequest {
            token: page.end.next,
            ..PageRequest::first(50)
        },
        ..request
    };
    let page = exchange()
        .expect(search(
            "party.party",
            merged,
            &["replaced_by", "last_modified_at"],
            50,
        ))
        .answer(
            200,
            json!([{"id": 6, "replaced_by": 7, "last_modified_at": time(2)}]),
        )
        .run(|| Tryton::open()?.get_my_contacts(request))
        .unwrap();
    let survivor = DepartureKind::Merged("7".to_owned());
    assert_eq!(page.items, [departed("6", 1_769_851_802_123, survivor)]);
    assert_eq!(page.end.next, None);
}

#[test]
fn an_opportunity_has_people_an_account_and_the_user_of_its_employee() {
    let opportunity = json!({
        "id": 3, "rec_name": "3 [R]", "description": null, "state": "lost", "employee": 9,
        "amount": {"__class__": "Decimal", "decimal": "1.5E+3"}, "create_date": time(0),
        "end_date": {"__class__": "date", "year": 2026, "month": 2, "day": 1},
        "currency.": {"id": 1, "code": "EUR"},
        "party.": {"id": 5, "categories.": []},
        "contact.": {"id": 20, "party": 7},
    });
    let fields = [
        "rec_name",
        "description",
        "state",
        "amount",
        "create_date",
        "end_date",
        "employee",
        "currency.code",
        "party.categories.name",
        "contact.party",
    ];
    let domain = json!([
        ["id", ">", 0],
        [["OR", ["party", "in", [7]], ["contact.party", "in", [7]]]]
    ]);
    let users = json!([["employees", "in", [9]], ["active", "in", [true, false]]]);
    let page = exchange()
        .expect(search("sale.opportunity", domain, &fields, 10))
        .answer(200, json!([opportunity]))
        .expect(search("res.user", users, &["employee", "employees"], 1000))
        .answer(
            200,
            json!([
                {"id": 2, "employee": null, "employees": [9]},
                {"id": 4, "employee": 9, "employees": [9]},
            ]),
        )
        .run(|| {
            Tryton::open()?
                .get_opportunities_for_contacts(&["7".to_owned()], PageRequest::first(10))
        })
        .unwrap();
    let found = &page.items[0];
    assert_eq!(
        (found.name.as_str(), found.status),
        ("3 [R]", OpportunityStatus::Lost)
    );
    assert_eq!(found.amount.as_ref().unwrap().amount, "1500");
    assert_eq!(found.owner.as_deref(), Some("4"));
    assert_eq!(found.account.as_deref(), Some("5"));
    assert_eq!(found.participants[0].contact, "7");
    assert!(found.closed.is_some() && found.closes.is_none());
}
