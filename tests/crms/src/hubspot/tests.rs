//! Raw requests, and what becomes of them.

use serde_json::{Value, json};

use super::search::{Filter, Side, Test, parse};
use super::{HubSpot, Object};
use crate::{Answer, Crm as _, Person, Request, serve};

/// Asks with the token of a private app.
fn ask(crm: &mut HubSpot, method: &str, target: &str, body: &Value) -> Answer {
    let token = match crm.office.tokens.first() {
        Some(token) => token.clone(),
        None => crm.private_app(),
    };
    let mut headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
    let mut bytes = Vec::new();
    if !body.is_null() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        bytes = body.to_string().into_bytes();
    }
    let request = Request::new(method, "https://api.hubapi.com", target, headers, bytes);
    serve(crm, &request).0
}

fn person(crm: &mut HubSpot, family: &str, email: &str) -> String {
    crm.add_person(&Person {
        family: family.to_owned(),
        email: Some(email.to_owned()).filter(|it| !it.is_empty()),
        ..Person::default()
    })
}

#[track_caller]
fn check_refused(method: &str, target: &str, body: &Value, status: u16) {
    let mut crm = HubSpot::new();
    let answer = ask(&mut crm, method, target, body);
    assert_eq!(answer.status, status, "{}", answer.value());
    assert_eq!(crm.office.violations().len(), 1, "{method} {target} {body}");
}

const SEARCH: &str = "/crm/v3/objects/contacts/search";
const BATCH: &str = "/crm/v3/objects/contacts/batch/read";
const LINKS: &str = "/crm/v4/associations/contacts/companies/batch";

fn filter(property: &str, operator: &str, value: &str) -> Value {
    json!({ "propertyName": property, "operator": operator, "value": value })
}

fn groups(groups: &[&[Value]]) -> Value {
    let groups: Vec<Value> = groups.iter().map(|it| json!({ "filters": it })).collect();
    json!({ "filterGroups": groups })
}

#[test]
fn a_search_beyond_what_hubspot_takes_is_refused() {
    let ann = filter("firstname", "EQ", "Ann");
    let six = &[
        ann.clone(),
        ann.clone(),
        ann.clone(),
        ann.clone(),
        ann.clone(),
        ann.clone(),
    ][..];
    let wrong = [
        groups(&[&[]]),
        groups(&[six, six, six, &six[..1]]),
        groups(&[&[six, &six[..1]].concat()]),
        groups(&[&six[..1]; 6]),
        groups(&[&[filter("no_such", "EQ", "x")]]),
        groups(&[&[filter("firstname", "EQ", "")]]),
        groups(&[&[filter("firstname", "LIKE", "x")]]),
        groups(&[&[filter("firstname", "GT", "x")]]),
        groups(&[&[filter("lastmodifieddate", "GTE", "2026-01-15T10:00:00Z")]]),
        groups(&[&[filter("hubspot_owner_id", "EQ", "me")]]),
        groups(&[&[
            json!({ "propertyName": "email", "operator": "IN", "values": ["A@x.example"] }),
        ]]),
        groups(&[&[json!({ "propertyName": "email", "operator": "IN", "value": "a@x.example" })]]),
        groups(&[&[json!({ "propertyName": "email", "operator": "EQ", "value": 1 })]]),
        groups(&[&[
            json!({ "propertyName": "email", "operator": "EQ", "value": "a", "high": "b" }),
        ]]),
        groups(&[&[filter("firstname", "EQ", &"x".repeat(3_000))]]),
        json!({ "filterGroups": [], "limit": 201 }),
        json!({ "filterGroups": [], "limit": 200, "after": "9801" }),
        json!({ "filterGroups": [], "after": 1 }),
        json!({ "filterGroups": [], "query": "ann" }),
        json!({ "filterGroups": [], "sort": "id" }),
        json!({ "sorts": [{ "propertyName": "email", "direction": "ASCENDING" }, { "propertyName": "email", "direction": "DESCENDING" }] }),
    ];
    for body in wrong {
        check_refused("POST", SEARCH, &body, 400);
    }
    check_refused("POST", SEARCH, &Value::Null, 415);
}

#[test]
fn a_search_is_read_as_a_tree_of_literals() {
    let body = groups(&[
        &[
            filter("firstname", "EQ", "a\"b\\c*"),
            filter("hs_object_id", "GT", "17"),
        ],
        &[filter("email", "CONTAINS_TOKEN", "*@x.example")],
    ]);
    let is = |property: &str, test| Filter {
        property: property.to_owned(),
        test,
    };
    let read = parse(Object::Contact, &body.to_string()).unwrap();
    let expected = [
        vec![
            is("firstname", Test::Is("a\"b\\c*".to_owned())),
            is("hs_object_id", Test::Compares(Side::Above, 17)),
        ],
        vec![is("email", Test::HasWord("*@x.example".to_owned()))],
    ];
    assert_eq!(read.groups, expected);
}

fn found(crm: &mut HubSpot, body: &Value) -> Vec<String> {
    let answer = ask(crm, "POST", SEARCH, body).value();
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_search_finds_what_its_words_say_and_only_what_its_index_has_seen() {
    let mut crm = HubSpot::new();
    let ann = person(&mut crm, "O'Brien", "ann@acme.example");
    let bob = person(&mut crm, "Lee", "");
    crm.edit(&bob, "hs_additional_emails", "b@x.example;bob@acme.example");
    let gone = person(&mut crm, "Lee", "");
    crm.archive(Object::Contact, &gone);
    let cases = [
        (filter("lastname", "EQ", "o'brien"), vec![ann.clone()]),
        (filter("lastname", "EQ", "O"), vec![]),
        (
            filter("email", "CONTAINS_TOKEN", "*@acme.example"),
            vec![ann.clone()],
        ),
        (filter("email", "CONTAINS_TOKEN", "acme.example"), vec![]),
        (
            filter("hs_additional_emails", "EQ", "bob@acme.example"),
            vec![bob.clone()],
        ),
        (
            json!({ "propertyName": "email", "operator": "NOT_HAS_PROPERTY" }),
            vec![bob.clone()],
        ),
        (filter("hs_object_id", "GT", &ann), vec![bob.clone()]),
        (filter("lastmodifieddate", "LT", "1"), vec![]),
        // The property that all other kinds have is empty on contacts.
        (filter("hs_lastmodifieddate", "GTE", "0"), vec![]),
    ];
    for (filter, ids) in cases {
        assert_eq!(
            found(&mut crm, &groups(&[std::slice::from_ref(&filter)])),
            ids,
            "{filter}"
        );
    }
    crm.office.lag = 1_000;
    let late = person(&mut crm, "Late", "");
    let all = json!({ "filterGroups": [] });
    assert_eq!(found(&mut crm, &all), [ann.clone(), bob.clone()]);
    crm.office.now += 1_000;
    assert_eq!(found(&mut crm, &all), [ann, bob, late]);
    let answer = ask(
        &mut crm,
        "POST",
        SEARCH,
        &json!({ "filterGroups": [], "limit": 1 }),
    );
    assert_eq!(answer.value()["paging"]["next"]["after"], json!("1"));
    assert!(
        !answer
            .headers
            .iter()
            .any(|it| it.0.starts_with("x-hubspot"))
    );
}

#[test]
fn lists_and_batches_beyond_what_hubspot_takes_are_refused() {
    let inputs =
        |count: usize| Value::from_iter((0..count).map(|it| json!({ "id": it.to_string() })));
    for target in [
        "?limit=101",
        "?limit=0",
        "?after=x",
        "?archived=yes",
        "?since=1",
        "?associations=people",
    ] {
        check_refused(
            "GET",
            &format!("/crm/v3/objects/contacts{target}"),
            &Value::Null,
            400,
        );
    }
    let wrong = [
        json!({ "inputs": inputs(101) }),
        json!({ "inputs": [] }),
        json!({ "inputs": [{ "id": "x" }] }),
        json!({ "inputs": [{ "id": 1 }] }),
        json!({ "inputs": [{ "id": "1" }, { "id": "1" }] }),
        json!({ "inputs": inputs(1), "idProperty": "lastname" }),
        json!({ "inputs": inputs(1), "archived": true }),
    ];
    for body in wrong {
        check_refused("POST", BATCH, &body, 400);
    }
    check_refused(
        "POST",
        &format!("{LINKS}/read"),
        &json!({ "inputs": inputs(1_001) }),
        400,
    );
    check_refused(
        "POST",
        &format!("{LINKS}/archive"),
        &json!({ "inputs": inputs(101) }),
        400,
    );
    check_refused("GET", "/crm/v3/objects/people", &Value::Null, 404);
    check_refused("GET", "/crm/v2/objects/contacts", &Value::Null, 404);
    check_refused("PUT", "/crm/v3/objects/contacts/1", &json!({}), 404);
    check_refused("GET", "/crm/v3/owners?limit=101", &Value::Null, 400);
}

#[test]
fn a_batch_tells_what_it_has_not_found() {
    let mut crm = HubSpot::new();
    let ann = person(&mut crm, "Lee", "ann@acme.example");
    let body = json!({ "inputs": [{ "id": ann }, { "id": "17" }], "properties": ["lastname", "no_such", "fax"] });
    let answer = ask(&mut crm, "POST", BATCH, &body);
    assert_eq!(answer.status, 207);
    let value = answer.value();
    assert_eq!(value["errors"][0]["context"]["ids"], json!(["17"]));
    let properties = &value["results"][0]["properties"];
    assert_eq!(
        (&properties["lastname"], &properties["fax"]),
        (&json!("Lee"), &Value::Null)
    );
    assert!(properties.get("no_such").is_none());
    let by_email = json!({ "idProperty": "email", "inputs": [{ "id": "ann@acme.example" }] });
    assert_eq!(ask(&mut crm, "POST", BATCH, &by_email).status, 200);
    let links = ask(
        &mut crm,
        "POST",
        &format!("{LINKS}/read"),
        &json!({ "inputs": [{ "id": ann }] }),
    );
    assert_eq!(links.status, 207);
    assert_eq!(
        links.value()["errors"][0]["subCategory"],
        json!("crm.associations.NO_ASSOCIATIONS_FOUND")
    );
    assert_eq!(crm.office.violations(), [] as [String; 0]);
}

#[test]
fn a_write_of_what_hubspot_does_not_take_is_refused() {
    let mut crm = HubSpot::new();
    let mut refused = |properties: Value| {
        let body = json!({ "properties": properties });
        let answer = ask(&mut crm, "POST", "/crm/v3/objects/contacts", &body);
        assert_eq!(answer.status, 400, "{properties}");
        answer.value()["message"].as_str().unwrap().to_owned()
    };
    let cases = [
        (json!({ "no_such": "x" }), "PROPERTY_DOESNT_EXIST"),
        (json!({ "hs_object_id": "1" }), "READ_ONLY_VALUE"),
        (
            json!({ "hs_additional_emails": "a@x.example" }),
            "READ_ONLY_VALUE",
        ),
        (json!({ "email": "no address" }), "INVALID_EMAIL"),
        (json!({ "is_vip": "yes" }), "INVALID_OPTION"),
        (json!({ "hubspot_owner_id": "1" }), "INVALID_OWNER_ID"),
        (json!({ "lastname": "x".repeat(65_537) }), "VALUE_TOO_LONG"),
        (json!({}), "is required"),
    ];
    for (properties, code) in cases {
        let said = refused(properties);
        assert!(said.contains(code), "{said}");
    }
    assert_eq!(crm.office.violations(), [] as [String; 0]);
    check_refused(
        "POST",
        "/crm/v3/objects/contacts",
        &json!({ "properties": { "lastname": 1 } }),
        400,
    );
    check_refused(
        "POST",
        "/crm/v3/objects/contacts",
        &json!({ "properties": { "lastname": null } }),
        400,
    );
    let wrong_type = json!({ "to": { "id": "1" }, "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 198 }] });
    let body = json!({ "properties": { "lastname": "Lee" }, "associations": [wrong_type] });
    check_refused("POST", "/crm/v3/objects/contacts", &body, 400);
}

#[test]
fn a_contact_is_there_once_for_each_address_until_it_is_archived() {
    let mut crm = HubSpot::new();
    let body = json!({ "properties": { "email": "Ann@acme.example" } });
    let first = ask(&mut crm, "POST", "/crm/v3/objects/contacts", &body).value();
    assert_eq!(first["properties"]["email"], json!("ann@acme.example"));
    let second = ask(&mut crm, "POST", "/crm/v3/objects/contacts", &body);
    assert_eq!(
        (second.status, &second.value()["category"]),
        (409, &json!("CONFLICT"))
    );
    let at = format!("/crm/v3/objects/contacts/{}", first["id"].as_str().unwrap());
    assert_eq!(
        ask(
            &mut crm,
            "PATCH",
            &at,
            &json!({ "properties": { "email": "" } })
        )
        .status,
        200
    );
    let read = ask(
        &mut crm,
        "GET",
        &format!("{at}?properties=email"),
        &Value::Null,
    )
    .value();
    assert_eq!(read["properties"]["email"], Value::Null);
    assert_eq!(ask(&mut crm, "DELETE", &at, &Value::Null).status, 204);
    assert_eq!(ask(&mut crm, "GET", &at, &Value::Null).status, 404);
    // Again, as if it had been there.
    assert_eq!(ask(&mut crm, "DELETE", &at, &Value::Null).status, 204);
    let archive = ask(
        &mut crm,
        "GET",
        "/crm/v3/objects/contacts?archived=true",
        &Value::Null,
    )
    .value();
    assert_eq!(
        archive["results"][0]["archivedAt"],
        json!("2026-01-15T10:00:00.000Z")
    );
}

#[test]
fn nobody_comes_in_without_a_good_token() {
    let mut crm = HubSpot::new();
    let target = "/crm/v3/objects/contacts";
    let nobody = Request::new(
        "GET",
        "https://api.hubapi.com",
        target,
        Vec::new(),
        Vec::new(),
    );
    assert_eq!(serve(&mut crm, &nobody).0.status, 401);
    assert_eq!(ask(&mut crm, "GET", target, &Value::Null).status, 200);
    crm.office.lacking = true;
    let lacking = ask(&mut crm, "GET", target, &Value::Null);
    assert_eq!(
        (lacking.status, &lacking.value()["category"]),
        (403, &json!("MISSING_SCOPES"))
    );
    assert_eq!(
        ask(&mut crm, "GET", "/account-info/v3/details", &Value::Null).status,
        200
    );
    crm.office.revoked = true;
    assert_eq!(ask(&mut crm, "GET", target, &Value::Null).status, 401);
}
