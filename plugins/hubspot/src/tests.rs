//! The connector against scripted answers, for what HubSpot may say in more than one way.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::testing::{Exchange, Reply};
use brightsync_sdk::{
    Connector, ContactPoint, ForbiddenKind, NewContact, Owner, PageRequest, ReadRequest, Reason,
    Result, Scope, Window,
};
use serde_json::{Value, json};

use crate::HubSpot;

const CONTACTS: &str = "crm/v3/objects/contacts";

fn run<T>(exchange: Exchange, call: impl FnOnce(&HubSpot) -> Result<T>) -> Result<T> {
    exchange.run(|| call(&HubSpot::open()?))
}

fn create() -> Request {
    Client::new()
        .post(CONTACTS)
        .json(&json!({"properties": {"email": "ann@x.example"}}))
}

fn ann() -> NewContact {
    NewContact {
        emails: vec![ContactPoint::primary("ann@x.example")],
        ..NewContact::default()
    }
}

#[track_caller]
fn check_refusal(status: u16, body: Value, expected: Reason) {
    let exchange = Exchange::new().expect(create()).answer(status, body);
    let error = run(exchange, |it| it.create_contact(ann())).unwrap_err();
    assert_eq!(error.reason, expected, "{}", error.message);
}

#[test]
fn a_duplicate_that_is_not_named_is_looked_up_by_its_address() {
    let look_up =
        json!({"idProperty": "email", "properties": [], "inputs": [{"id": "ann@x.example"}]});
    let conflict =
        || json!({"status": "error", "message": "Already there", "category": "CONFLICT"});
    let exchange = |status: u16, found: Value| {
        Exchange::new()
            .expect(create())
            .answer(409, conflict())
            .expect(
                Client::new()
                    .post(format!("{CONTACTS}/batch/read"))
                    .json(&look_up)
                    .repeatable(),
            )
            .answer(status, found)
    };
    let found = json!({"results": [{"id": "51", "properties": {}}]});
    let error = run(exchange(200, found), |it| it.create_contact(ann())).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(vec!["51".to_owned()]));
    // What the look-up says does not hide what happened.
    let error = run(exchange(500, Value::Null), |it| it.create_contact(ann())).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(Vec::new()));
    assert_eq!(error.message, "HubSpot says: Already there");
}

#[test]
fn a_refusal_is_told_by_its_category_whatever_its_status() {
    let said = |category: &str| json!({"message": "no", "category": category});
    check_refusal(403, said("RATE_LIMITS"), Reason::RateLimited(None));
    check_refusal(
        400,
        json!({"message": "no", "errorType": "RATE_LIMIT"}),
        Reason::RateLimited(None),
    );
    check_refusal(
        403,
        said("MISSING_SCOPES"),
        Reason::Forbidden(ForbiddenKind::MissingScope),
    );
    check_refusal(
        403,
        said("OTHER"),
        Reason::Forbidden(ForbiddenKind::Unknown),
    );
    check_refusal(423, said("LOCKED"), Reason::Unavailable);
    check_refusal(477, said("MIGRATION_IN_PROGRESS"), Reason::Unavailable);
    check_refusal(401, said("EXPIRED_AUTHENTICATION"), Reason::Unauthorized);
}

#[test]
fn wrong_properties_are_named_wherever_they_stand() {
    let errors = json!([{"message": "bad", "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]);
    let beside = json!({"message": "no", "category": "VALIDATION_ERROR", "errors": errors});
    let behind = json!({
        "category": "VALIDATION_ERROR",
        "message": "Property values were not valid: [{\"name\":\"email\",\"error\":\"INVALID_EMAIL\",\"message\":\"bad\"}]",
    });
    for body in [beside, behind] {
        let exchange = Exchange::new().expect(create()).answer(400, body);
        let error = run(exchange, |it| it.create_contact(ann())).unwrap_err();
        let Reason::Invalid(fields) = error.reason else {
            panic!("{error:?}")
        };
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].field.as_deref(), Some("emails"));
        assert_eq!(
            (fields[0].code.as_deref(), fields[0].reason.as_str()),
            (Some("INVALID_EMAIL"), "bad")
        );
    }
}

#[test]
fn a_batch_of_nobody_may_be_not_found_as_a_whole() {
    let properties = crate::contact::TABLE.properties;
    let body = json!({"properties": properties, "inputs": [{"id": "17"}]});
    let request = Client::new()
        .post(format!("{CONTACTS}/batch/read"))
        .json(&body)
        .repeatable();
    let exchange = Exchange::new()
        .expect(request)
        .answer(404, json!({"message": "none"}));
    let page = run(exchange, |it| it.get_contacts(&["17".to_owned()])).unwrap();
    assert_eq!((page.items, page.end.skipped), (Vec::new(), Vec::new()));
}

#[test]
fn a_read_is_complete_up_to_hubspots_own_time_if_that_is_earlier() {
    let list = Client::new()
        .get(CONTACTS)
        .query("limit", 10)
        .query("properties", "hubspot_owner_id,lastmodifieddate")
        .query("archived", true);
    let now = 1_768_471_200_000;
    for (date, expected) in [
        ("Thu, 15 Jan 2026 09:59:50 GMT", now - 10_000),
        ("Thu, 15 Jan 2026 10:00:10 GMT", now),
    ] {
        let exchange = Exchange::new().now(now).expect(list.clone());
        let exchange = exchange
            .answer(200, json!({"results": []}))
            .with_header("Date", date);
        let scope = Scope::Departed(Window::since(now - 1));
        let request = ReadRequest::first(Owner::Anyone, scope, 10);
        let page = run(exchange, |it| it.get_my_contacts(request)).unwrap();
        assert_eq!(page.end.complete_until, Some(expected));
    }
}

#[test]
fn a_record_that_does_not_read_is_skipped_and_named() {
    let list = Client::new()
        .get(CONTACTS)
        .query("limit", 10)
        .query("properties", crate::contact::TABLE.properties.join(","))
        .query("associations", "companies")
        .query("archived", false);
    let broken = json!({"id": "2", "createdAt": "yesterday", "properties": {"lastname": "Lee"}});
    let exchange = Exchange::new()
        .state("account", &json!({"portalId": 1}))
        .expect(list)
        .answer(
            200,
            json!({"results": [{"id": "1", "properties": {"lastname": "Ng"}}, broken]}),
        );
    let request = ReadRequest::first(Owner::Anyone, Scope::All, 10);
    let page = run(exchange, |it| it.get_my_contacts(request)).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.end.skipped[0].id.as_deref(), Some("2"));
}

#[test]
fn a_search_counts_against_the_limit_of_searches_and_can_be_repeated() {
    let exchange = Exchange::new().played_by(|sent| {
        assert_eq!(sent.url, "crm/v3/objects/companies/search");
        assert_eq!(sent.bucket.as_deref(), Some("search"));
        assert!(sent.repeatable);
        Ok(Reply {
            status: 200,
            url: sent.url.clone(),
            headers: Vec::new(),
            body: br#"{"total": 0, "results": []}"#.to_vec(),
        })
    });
    let first = PageRequest::first(10);
    let page = run(exchange, |it| it.get_accounts_by_name("Acme", first)).unwrap();
    assert_eq!(page.items, []);
}

#[test]
fn a_record_that_was_given_away_since_the_index_saw_it_is_not_its_former_owners() {
    let search = json!({
        "filterGroups": [{"filters": [{"propertyName": "hubspot_owner_id", "operator": "EQ", "value": "7"}]}],
        "limit": 10, "properties": ["hs_object_id"],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
    });
    let properties = crate::account::TABLE.properties;
    let batch = json!({"properties": properties, "inputs": [{"id": "1"}, {"id": "2"}]});
    let of = |id: &str, owner: &str| json!({"id": id, "properties": {"name": id, "hubspot_owner_id": owner}});
    let post = |path: &str, body: &Value| {
        Client::new()
            .post(format!("crm/v3/objects/companies/{path}"))
            .json(body)
            .repeatable()
    };
    let exchange = Exchange::new()
        .state("account", &json!({"portalId": 1}))
        .expect(post("search", &search).cost(1, "search"))
        .answer(200, json!({"results": [{"id": "1"}, {"id": "2"}]}))
        .expect(post("batch/read", &batch))
        .answer(200, json!({"results": [of("1", "7"), of("2", "8")]}));
    let request = ReadRequest {
        complete: false,
        ..ReadRequest::first(Owner::User("7".to_owned()), Scope::All, 10)
    };
    let page = run(exchange, |it| it.get_my_accounts(request)).unwrap();
    assert_eq!(page.items.len(), 1);
}
