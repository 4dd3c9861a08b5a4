//! What the stand-in does not show: refusals in other forms, and orgs that are not for production.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::testing::{Exchange, Failure};
use brightsync_sdk::{
    Connector, ContactPoint, Edit, Error, ForbiddenKind, NewAccount, NewContact, Patch, Reason,
    Result,
};
use serde_json::{Value, json};

use crate::Salesforce;

const ANN: &str = "0035g00000000A1AAA";

fn org() -> Exchange {
    Exchange::new().setting("instance", "acme")
}

fn run<T>(exchange: Exchange, call: impl FnOnce(&Salesforce) -> Result<T>) -> Result<T> {
    exchange.run(|| call(&Salesforce::open()?))
}

fn client() -> Client {
    Client::new().header("Accept", "application/json")
}

fn query(soql: &str) -> Request {
    client().get("data/v62.0/query").query("q", soql)
}

fn refusal(code: &str, message: &str) -> Value {
    json!([{"message": message, "errorCode": code, "fields": []}])
}

#[track_caller]
fn refused(status: u16, body: Value) -> Error {
    let request = client().delete(format!("data/v62.0/sobjects/Contact/{ANN}"));
    let exchange = org().expect(request).answer(status, body);
    run(exchange, |it| it.delete_contact(ANN)).unwrap_err()
}

#[track_caller]
fn check(status: u16, code: &str, expected: Reason) {
    let error = refused(status, refusal(code, "told so"));
    assert_eq!(error.reason, expected, "{code}");
    assert_eq!(error.code.as_deref(), Some(code));
    assert_eq!(error.message, "Salesforce says: told so");
}

#[test]
fn every_refusal_has_its_reason() {
    let forbidden = Reason::Forbidden;
    check(401, "INVALID_SESSION_ID", Reason::Unauthorized);
    check(403, "REQUEST_LIMIT_EXCEEDED", Reason::RateLimited(None));
    check(400, "UNABLE_TO_LOCK_ROW", Reason::Unavailable);
    check(404, "ENTITY_IS_DELETED", Reason::NotFound);
    check(400, "ENTITY_IS_DELETED", Reason::NotFound);
    check(404, "INVALID_CROSS_REFERENCE_KEY", Reason::NotFound);
    check(
        400,
        "INSUFFICIENT_ACCESS_OR_READONLY",
        forbidden(ForbiddenKind::ThisRecord),
    );
    check(
        403,
        "INSUFFICIENT_ACCESS",
        forbidden(ForbiddenKind::ThisRecord),
    );
    check(400, "DELETE_FAILED", forbidden(ForbiddenKind::ThisRecord));
    check(
        403,
        "API_DISABLED_FOR_ORG",
        forbidden(ForbiddenKind::ThisOperation),
    );
    check(400, "INVALID_TYPE", forbidden(ForbiddenKind::MissingScope));
    // What nobody knows keeps the reason of its status.
    check(403, "SOMETHING_NEW", forbidden(ForbiddenKind::Unknown));
    let error = refused(
        500,
        refusal("UNKNOWN_EXCEPTION", "An unexpected error occurred"),
    );
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
    let error = refused(403, json!({"error": "x"}));
    assert_eq!(error.reason, forbidden(ForbiddenKind::Unknown));
}

fn new_account(answer: Value) -> Exchange {
    let request = client().post("data/v62.0/sobjects/Account");
    org()
        .expect(request.json(&json!({"Name": "Acme"})))
        .answer(400, answer)
}

#[test]
fn a_duplicate_is_named_however_it_is_told() {
    let value = "duplicate value found: Key__c duplicates value on record with id: 0015g00000000A1";
    let exchange = new_account(refusal("DUPLICATE_VALUE", value));
    let error = run(exchange, |it| it.create_account(NewAccount::new("Acme"))).unwrap_err();
    assert_eq!(
        error.reason,
        Reason::Duplicate(vec!["0015g00000000A1".to_owned()])
    );

    // A rule that does not show what it found: the connector looks.
    let mut told = refusal("DUPLICATES_DETECTED", "Use one of these records?");
    told[0]["duplicateResult"] = json!({"matchResults": [{"matchRecords": [{"record": null}]}]});
    let look = query("SELECT Id FROM Account WHERE Name = 'Acme' ORDER BY Id LIMIT 100");
    let found = json!({"done": true, "records": [{"Id": "0015g00000000A2AAA"}]});
    let exchange = new_account(told.clone())
        .expect(look.clone())
        .answer(200, found);
    let error = run(exchange, |it| it.create_account(NewAccount::new("Acme"))).unwrap_err();
    assert_eq!(
        error.reason,
        Reason::Duplicate(vec!["0015g00000000A2AAA".to_owned()])
    );

    // If it cannot look, the refusal is what it was.
    let exchange = new_account(told)
        .expect(look)
        .fail(Failure::NoAnswer("closed".to_owned()));
    let error = run(exchange, |it| it.create_account(NewAccount::new("Acme"))).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(Vec::new()));
}

#[test]
fn a_new_record_that_names_a_deleted_one_is_not_itself_missing() {
    let request = client().post("data/v62.0/sobjects/Contact");
    let exchange = org()
        .expect(request.json(&json!({"LastName": "ann@a.example", "Email": "ann@a.example"})))
        .answer(404, refusal("ENTITY_IS_DELETED", "entity is deleted"));
    let contact = NewContact {
        emails: vec![ContactPoint::primary("ann@a.example")],
        ..NewContact::default()
    };
    let error = run(exchange, |it| it.create_contact(contact)).unwrap_err();
    assert!(matches!(error.reason, Reason::Invalid(_)));
    assert_eq!(error.code.as_deref(), Some("ENTITY_IS_DELETED"));
}

#[track_caller]
fn check_update(there: (u16, Value), expected: impl Fn(&Reason) -> bool) {
    let address = format!("data/v62.0/sobjects/Contact/{ANN}");
    let change = client().patch(address.as_str());
    let look = client().get(address).query("fields", "Id");
    let exchange = org()
        .expect(change.json(&json!({"Other__c": "0015g00000000A1AAA"})))
        .answer(400, refusal("ENTITY_IS_DELETED", "entity is deleted"))
        .expect(look)
        .answer(there.0, there.1);
    let edit = Edit::Set(json!("0015g00000000A1AAA").to_string());
    let patch = Patch::new(vec![("extra.Other__c".to_owned(), edit)]);
    let error = run(exchange, |it| it.update_contact(ANN, patch)).unwrap_err();
    assert!(expected(&error.reason), "{error:?}");
}

#[test]
fn a_changed_record_that_names_a_deleted_one_is_not_itself_missing() {
    check_update((200, json!({"Id": ANN})), |it| {
        matches!(it, Reason::Invalid(_))
    });
    let gone = (
        404,
        refusal("NOT_FOUND", "The requested resource does not exist"),
    );
    check_update(gone, |it| *it == Reason::NotFound);
}

#[test]
fn an_org_that_is_not_for_production_has_its_own_address() {
    let root = "https://acme--uat.sandbox.my.salesforce.com";
    let request = client().get(format!("{root}/services/data/v62.0/sobjects/Contact/{ANN}"));
    let exchange = Exchange::new()
        .setting("instance", "acme--uat")
        .setting("partition", "sandbox")
        .expect(request.query("fields", "Id"))
        .answer(200, json!({"Id": ANN}));
    // An empty patch says whether the record is there.
    let written = run(exchange, |it| {
        it.update_contact(ANN, Patch::new(Vec::new()))
    })
    .unwrap();
    let url = written.url.unwrap();
    assert_eq!(url, format!("{root}/lightning/r/Contact/{ANN}/view"));
}

#[test]
fn a_record_that_does_not_read_is_named_and_the_others_are_delivered() {
    let records = json!([
        {"Id": ANN, "Name": "Ann", "SystemModstamp": "2026-05-07T22:07:19.000+0200"},
        {"Id": "0035g00000000A2AAA", "Name": "Bea", "SystemModstamp": "yesterday"},
    ]);
    let soql = format!(
        "SELECT {} FROM Contact WHERE Name = 'Ann' ORDER BY Id LIMIT 10",
        crate::contact::FIELDS
    );
    let exchange = org()
        .expect(query(&soql))
        .answer(200, json!({"done": true, "records": records}));
    let page = brightsync_sdk::PageRequest::first(10);
    let found = run(exchange, |it| it.get_contacts_by_name("Ann", page)).unwrap();
    assert_eq!(found.items[0].modified_at, Some(1_778_184_439_000));
    assert_eq!(
        found.end.skipped[0].id.as_deref(),
        Some("0035g00000000A2AAA")
    );
}
