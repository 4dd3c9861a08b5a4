//! What the stand-in answers and refuses, by requests as they come.

use serde_json::{Value, json};

use super::{Pipedrive, TOKEN};
use crate::{Answer, Company, Crm, Person, Request};

fn crm() -> Pipedrive {
    let mut crm = Pipedrive::new();
    let company = Company {
        name: "Acme".to_owned(),
        ..Company::default()
    };
    let company = Some(crm.add_company(&company));
    for (given, email) in [
        ("Ann", "ann@acme.example"),
        ("Bob", "bob@acme.example"),
        ("Carl", "carl@other.example"),
    ] {
        let person = Person {
            given: given.to_owned(),
            family: "Lee".to_owned(),
            email: Some(email.to_owned()),
            company: company.clone(),
            owner: None,
        };
        crm.add_person(&person);
        crm.office().pass(1_000);
    }
    crm
}

fn ask(crm: &mut Pipedrive, method: &str, target: &str, body: Option<Value>) -> Answer {
    let mut headers = vec![("X-Api-Token".to_owned(), TOKEN.to_owned())];
    let body = body.map(|it| it.to_string().into_bytes());
    if body.is_some() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    let target = format!("/api/{target}");
    let body = body.unwrap_or_default();
    crm.answer(&Request::new(method, "http://x", &target, headers, body))
}

/// The ids that a list or a search answers, and whether more come.
#[track_caller]
fn check_list(target: &str, ids: &[u64], more: bool) {
    let answer = ask(&mut crm(), "GET", target, None);
    assert_eq!(answer.status, 200, "{}", answer.value());
    let body = answer.value();
    let items = body["data"].as_array().or(body["data"]["items"].as_array());
    let items = items.cloned().unwrap_or_default();
    let found = items.iter().map(|it| {
        let id = it["id"].as_u64().or(it["item"]["id"].as_u64());
        id.unwrap_or_default()
    });
    assert_eq!(found.collect::<Vec<_>>(), ids, "{target}");
    assert_eq!(body["additional_data"]["next_cursor"].is_string(), more);
}

/// A status and what the body says; whether it is a violation, which no connector may cause.
#[track_caller]
fn check_refusal(method: &str, target: &str, body: Option<Value>, expected: (u16, &str, bool)) {
    let mut crm = crm();
    let answer = ask(&mut crm, method, target, body);
    let said = answer.value()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let violated = !crm.office().violations().is_empty();
    assert_eq!(
        (answer.status, violated),
        (expected.0, expected.2),
        "{target}: {said}"
    );
    assert!(said.contains(expected.1), "{target}: {said}");
}

#[test]
fn lists_are_narrowed_down_and_paged() {
    check_list("v2/persons", &[3, 4, 5], false);
    check_list("v2/persons?ids=5,3,99", &[3, 5], false);
    check_list("v2/persons?owner_id=9", &[], false);
    check_list("v2/persons?limit=2", &[3, 4], true);
    check_list("v2/persons?limit=2&sort_by=update_time", &[3, 4], true);
    check_list(
        "v2/persons?updated_since=2026-01-15T10:00:01Z",
        &[4, 5],
        false,
    );
    check_list("v2/persons?updated_until=2026-01-15T10:00:01Z", &[3], false);
    check_list(
        "v2/persons/search?term=acme.example&fields=email",
        &[3, 4],
        false,
    );
    check_list(
        "v2/persons/search?term=ANN%20lee&fields=name&exact_match=true",
        &[3],
        false,
    );
    check_list(
        "v2/persons/search?term=ann&fields=name&exact_match=true",
        &[],
        false,
    );
    check_list(
        "v2/persons/search?term=lee&fields=name&limit=2",
        &[3, 4],
        true,
    );
    check_list(
        "v1/recents?since_timestamp=2026-01-15%2010:00:01&items=person",
        &[4, 5],
        false,
    );
}

#[test]
fn a_cursor_is_the_place_of_a_record() {
    let mut crm = crm();
    let first = ask(&mut crm, "GET", "v2/persons?limit=1", None).value();
    let cursor = first["additional_data"]["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    crm.edit("4", json!({"name": "Changed"}));
    let second = ask(
        &mut crm,
        "GET",
        &format!("v2/persons?limit=1&cursor={cursor}"),
        None,
    );
    assert_eq!(second.value()["data"][0]["name"], "Changed");
    let wrong = format!("v2/persons?sort_by=update_time&cursor={cursor}");
    assert_eq!(ask(&mut crm, "GET", &wrong, None).status, 400);
}

#[test]
fn parameters_are_strict() {
    let bad = |target: &str| check_refusal("GET", target, None, (400, "Invalid value", false));
    bad("v2/persons?updated_since=2026-01-15T10:00:01.000Z");
    bad("v2/persons?updated_since=yesterday");
    bad("v2/persons?limit=501");
    bad("v2/persons?limit=0");
    bad("v2/persons?owner_id=x");
    bad("v2/persons?ids=1,x");
    bad("v2/persons?sort_by=name");
    let many: Vec<String> = (0..101).map(|it| it.to_string()).collect();
    bad(&format!("v2/persons?ids={}", many.join(",")));
    check_refusal(
        "GET",
        "v2/persons?start=1",
        None,
        (400, "unknown parameter", true),
    );
    check_refusal(
        "GET",
        "v2/organizations?org_id=1",
        None,
        (400, "unknown parameter", true),
    );
    check_refusal(
        "GET",
        "v2/persons?limit=1&limit=2",
        None,
        (400, "twice", true),
    );
    check_refusal("GET", "v2/persons?cursor=x", None, (400, "cursor", false));
    check_refusal(
        "GET",
        "v2/persons/search?term=a&fields=name",
        None,
        (400, "2 characters", false),
    );
    check_refusal(
        "GET",
        "v2/persons/search?term=ann&fields=name&limit=101",
        None,
        (400, "limit", false),
    );
    check_refusal(
        "GET",
        "v2/persons/..%2Fusers",
        None,
        (400, "no number", true),
    );
    check_refusal("GET", "v1/persons", None, (404, "unknown method", true));
    check_refusal(
        "GET",
        "v1/recents?since_timestamp=2026-01-15T10:00:00Z&items=person",
        None,
        (400, "since_timestamp", false),
    );
}

#[test]
fn bodies_are_strict() {
    let refused =
        |path: &str, body: Value, expected| check_refusal("POST", path, Some(body), expected);
    refused(
        "v2/persons",
        json!({"email": "x"}),
        (400, "unrecognized key", true),
    );
    refused("v2/persons", json!({}), (400, "required", false));
    refused(
        "v2/persons",
        json!({"name": "Ann", "owner_id": "1"}),
        (400, "owner_id", false),
    );
    refused(
        "v2/persons",
        json!({"name": "Ann", "org_id": 99}),
        (400, "no such record", false),
    );
    refused(
        "v2/persons",
        json!({"name": "Ann", "org_id": null}),
        (400, "org_id", false),
    );
    refused(
        "v2/persons",
        json!({"name": "Ann", "emails": ["a@b.example"]}),
        (400, "emails", false),
    );
    let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    refused(
        "v2/persons",
        json!({"name": "Ann", "emails": two}),
        (400, "emails", false),
    );
    refused(
        "v2/persons",
        json!({"name": "Ann", "custom_fields": {"tier": 1}}),
        (400, "custom_fields", false),
    );
    refused(
        "v2/persons",
        json!({"name": "Ann", "job_title": "x"}),
        (403, "contact sync", false),
    );
    refused(
        "v2/activities",
        json!({"subject": "x", "person_id": 3}),
        (400, "read-only", true),
    );
    refused(
        "v2/activities",
        json!({"subject": "x", "due_time": "9:00"}),
        (400, "due_time", false),
    );
    refused(
        "v2/activities",
        json!({"subject": "x", "type": "fax"}),
        (400, "activity type", false),
    );
    check_refusal(
        "PATCH",
        "v2/persons/99",
        Some(json!({"name": "x"})),
        (404, "not found", false),
    );
    check_refusal("POST", "v2/persons", None, (400, "JSON", true));
}

#[test]
fn who_does_not_come_in_is_told_so_and_limits_are_told() {
    let mut crm = crm();
    let answer = crm.answer(&Request::new(
        "GET",
        "http://x",
        "/api/v1/users",
        Vec::new(),
        Vec::new(),
    ));
    assert_eq!(
        (answer.status, &answer.value()["errorCode"]),
        (401, &json!(401))
    );
    let query = Request::new(
        "GET",
        "http://x",
        &format!("/api/v1/users?api_token={TOKEN}"),
        Vec::new(),
        Vec::new(),
    );
    assert_eq!(crm.answer(&query).status, 401);
    crm.budget = crm.spent + 10;
    assert_eq!(ask(&mut crm, "GET", "v2/persons", None).status, 200);
    let limited = ask(&mut crm, "GET", "v2/persons/3", None);
    let reset = limited
        .headers
        .iter()
        .find(|it| it.0 == "x-ratelimit-reset");
    assert_eq!(
        (limited.status, reset.map(|it| it.1.as_str())),
        (429, Some("2"))
    );
}

#[test]
fn a_deleted_record_is_read_by_id_and_marked_among_recent_changes() {
    let mut crm = crm();
    assert_eq!(ask(&mut crm, "DELETE", "v2/persons/4", None).status, 200);
    assert_eq!(ask(&mut crm, "DELETE", "v2/persons/4", None).status, 404);
    let one = ask(&mut crm, "GET", "v2/persons/4", None);
    assert_eq!(one.value()["data"]["is_deleted"], true);
    let recents = ask(
        &mut crm,
        "GET",
        "v1/recents?since_timestamp=2025-01-01%2000:00:00&items=person",
        None,
    );
    let body = recents.value();
    let flags: Vec<_> = body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["data"]["active_flag"])
        .collect();
    assert_eq!(flags, [true, true, false]);
    // A time further back than a month was moved.
    assert_eq!(
        body["additional_data"]["since_timestamp"],
        "2025-12-16 10:00:03"
    );
}
