//! The connector against a scripted Tryton; the answers are of the form that trytond 8.2.1 gives.

mod note;
mod read;
mod write;

use brightsync_sdk::Connector;
use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::testing::Exchange;
use serde_json::{Value, json};

use crate::Tryton;

const FIELDS: [&str; 13] = [
    "name",
    "active",
    "replaced_by",
    "create_date",
    "last_modified_at",
    "categories.name",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "contact_mechanisms.name",
    "contact_mechanisms.sequence",
    "contact_mechanisms.last_modified_at",
    "relations.to",
    "relations.type.name",
];

fn exchange() -> Exchange {
    Exchange::new()
        .setting("site", "https://erp.example")
        .setting("database", "acme")
}

fn search(model: &str, domain: Value, fields: &[&str], limit: u32) -> Request {
    let search = json!({
        "domain": domain,
        "fields_names": fields,
        "order": [["id", "ASC"]],
        "limit": limit,
    });
    Client::new()
        .post(format!("{model}/search_read"))
        .json(&search)
        .repeatable()
}

/// The search for one party, whatever it is.
fn one(id: i64) -> Request {
    let domain = json!([["id", "=", id], ["active", "in", [true, false]]]);
    search("party.party", domain, &FIELDS, 1)
}

fn write(request: Request, values: &Value) -> Request {
    request.query_each("f", FIELDS).json(values)
}

fn time(second: u32) -> Value {
    json!({
        "__class__": "datetime", "year": 2026, "month": 1, "day": 31,
        "hour": 9, "minute": 30, "second": second, "microsecond": 123_456,
    })
}

fn ann() -> Value {
    json!({
        "id": 7, "name": "Ann Lee", "active": 1, "replaced_by": null,
        "create_date": time(0), "last_modified_at": time(1),
        "categories.": [{"id": 1, "name": "Person"}],
        "contact_mechanisms.": [
            {"id": 21, "type": "email", "value": "ann@b.example", "name": null, "sequence": null, "last_modified_at": time(0)},
            {"id": 20, "type": "email", "value": "Ann@a.example", "name": "work", "sequence": null, "last_modified_at": time(2)},
            {"id": 22, "type": "mobile", "value": "+1 555 0100", "name": null, "sequence": null, "last_modified_at": time(0)},
        ],
        "relations.": [
            {"id": 30, "to": 5, "type.": {"id": 3, "name": "Employee of"}},
            {"id": 32, "to": 8, "type.": {"id": 4, "name": "Friend of"}},
        ],
    })
}

#[test]
fn a_key_says_whose_it_is_and_what_that_user_may() {
    let preferences = json!({
        "applications": [4], "administrator": 0, "company.rec_name": "Acme", "password": "xxxxxxxxxx",
    });
    let user = json!({
        "id": 2, "login": "anna", "name": "Anna Keller", "email": "anna@acme.example",
        "active": 1, "company.": {"id": 1, "timezone": "Europe/Berlin"},
    });
    let fields = ["login", "name", "email", "active", "company.timezone"];
    let client = Client::new();
    let me = exchange()
        .expect(
            client
                .post("res.user/get_preferences")
                .json(&json!({}))
                .repeatable(),
        )
        .answer(200, preferences)
        .expect(
            client
                .post("sale.opportunity/search_count")
                .json(&json!({"domain": [["id", "=", 0]]}))
                .repeatable(),
        )
        .answer_text(403, "text/html", "<!doctype html>")
        .expect(search(
            "res.user",
            json!([["applications", "in", [4]]]),
            &fields,
            1,
        ))
        .answer(200, json!([user]))
        .run(|| Tryton::open()?.get_me())
        .unwrap();
    assert_eq!(me.org_id, "https://erp.example/acme");
    assert_eq!(me.org_name.as_deref(), Some("Acme"));
    let user = me.user.unwrap();
    assert_eq!(
        (user.id.as_str(), user.timezone.as_deref()),
        ("2", Some("Europe/Berlin"))
    );
    let lacks = |name: &str| {
        me.capabilities
            .iter()
            .any(|it| it.0 == name && it.1 == "forbidden")
    };
    assert!(lacks("contacts.get-my-contacts.departed"));
    assert!(lacks("emails.delete-email"));
    assert!(lacks("opportunities.get-opportunities-for-contacts"));
    assert!(!lacks("emails.create-email"));
}
