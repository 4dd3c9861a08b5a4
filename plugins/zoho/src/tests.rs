//! What Zoho answers rarely, or answers in more than one way; everything else is tested against its stand-in.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::testing::{Exchange, START};
use brightsync_sdk::{
    Connector, Error, ForbiddenKind, NewAccount, OpportunityStatus, Owner, PageRequest,
    ReadRequest, Reason, Result, Scope, Window,
};
use serde_json::{Value, json};

use crate::Zoho;

fn query(text: &str) -> Request {
    let body = json!({ "select_query": text });
    Client::new().post("coql").json(&body).repeatable()
}

fn create() -> Request {
    Client::new()
        .post("Accounts")
        .json(&json!({"data": [{"Account_Name": "Acme"}]}))
}

#[track_caller]
fn refused(status: u16, body: Value) -> Error {
    let exchange = Exchange::new().expect(create()).answer(status, body);
    let end = exchange.run(|| Zoho::open()?.create_account(NewAccount::new("Acme")));
    end.unwrap_err()
}

fn top(code: &str, details: Value) -> Value {
    json!({"code": code, "message": "no", "details": details, "status": "error"})
}

fn entry(code: &str, details: Value) -> Value {
    json!({"data": [top(code, details)]})
}

#[test]
fn a_refusal_is_one_whatever_its_status_and_wherever_it_stands() {
    for status in [200, 201, 207, 400, 202] {
        let error = refused(
            status,
            entry("INVALID_DATA", json!({"api_name": "Website"})),
        );
        let Reason::Invalid(fields) = error.reason else {
            panic!("{status}: {error:?}")
        };
        assert_eq!(fields[0].field.as_deref(), Some("domains"));
    }
    let duplicate = json!({"api_name": "Account_Name", "duplicate_record": {"id": "7"}});
    let errors = json!({"errors": [top("DUPLICATE_DATA", duplicate)]});
    let error = refused(207, entry("MULTIPLE_OR_MULTI_ERRORS", errors));
    assert_eq!(error.reason, Reason::Duplicate(vec!["7".to_owned()]));
    let none = || json!({});
    for (status, code, reason) in [
        (
            403,
            "OAUTH_SCOPE_MISMATCH",
            Reason::Forbidden(ForbiddenKind::MissingScope),
        ),
        (
            401,
            "OAUTH_SCOPE_MISMATCH",
            Reason::Forbidden(ForbiddenKind::MissingScope),
        ),
        (401, "AUTHENTICATION_FAILURE", Reason::Unauthorized),
        (
            403,
            "NO_PERMISSION",
            Reason::Forbidden(ForbiddenKind::ThisOperation),
        ),
        (
            400,
            "AUTHORIZATION_FAILED",
            Reason::Forbidden(ForbiddenKind::ThisOperation),
        ),
        (
            400,
            "RECORD_LOCKED",
            Reason::Forbidden(ForbiddenKind::ThisRecord),
        ),
        (403, "TOO_MANY_REQUESTS", Reason::RateLimited(None)),
        (400, "INVALID_MODULE", Reason::Unsupported),
        (404, "INVALID_URL_PATTERN", Reason::Unsupported),
        (500, "INTERNAL_ERROR", Reason::InDoubt(Vec::new())),
    ] {
        let error = refused(status, top(code, none()));
        assert_eq!(error.reason, reason, "{code}");
        assert_eq!(error.code.as_deref(), Some(code));
    }
    let permissions = json!({"permissions": ["Crm_Implied_Create_Accounts"]});
    let error = refused(403, top("NO_PERMISSION", permissions));
    assert!(error.message.contains("Crm_Implied_Create_Accounts"));
    let scope = refused(401, top("OAUTH_SCOPE_MISMATCH", none()));
    assert!(scope.message.contains("ZohoCRM.modules.accounts.ALL"));
    // An answer that nobody can read leaves a write in doubt.
    for body in [json!({}), json!({"data": [{"code": "SUCCESS"}]})] {
        assert_eq!(refused(201, body).reason, Reason::InDoubt(Vec::new()));
    }
}

#[test]
fn a_change_of_another_version_is_stale_even_without_a_word() {
    let change = Client::new()
        .put("Accounts/7")
        .header("If-Unmodified-Since", "2025-12-31T23:00:00+00:00")
        .json(&json!({"data": [{"Account_Name": "Acme"}]}));
    let edits = vec![(
        "name".to_owned(),
        brightsync_sdk::Edit::Set("\"Acme\"".to_owned()),
    )];
    let patch = |version: &str| brightsync_sdk::Patch {
        if_version: Some(version.to_owned()),
        ..brightsync_sdk::Patch::new(edits.clone())
    };
    let exchange = Exchange::new().expect(change).answer(412, Value::Null);
    let end =
        exchange.run(|| Zoho::open()?.update_account("7", patch("2026-01-01T00:00:00+01:00")));
    assert_eq!(end.unwrap_err().reason, Reason::Stale);
    let end = Exchange::new().run(|| Zoho::open()?.update_account("7", patch("3")));
    assert_eq!(end.unwrap_err().reason, Reason::Stale);
}

fn departed() -> Result<brightsync_sdk::Page<brightsync_sdk::Change<brightsync_sdk::Account>>> {
    let window = Window {
        since: START - 2_500,
        until: Some(START),
    };
    Zoho::open()?.get_my_accounts(ReadRequest::first(
        Owner::Anyone,
        Scope::Departed(window),
        10,
    ))
}

#[test]
fn nothing_deleted_is_an_empty_page_and_too_much_of_it_begins_anew() {
    let deleted = || {
        let deleted = Client::new().get("Accounts/deleted?type=all&page=1&per_page=10");
        deleted.header("If-Modified-Since", "2025-12-31T23:59:56+00:00")
    };
    for status in [204, 304] {
        let page = Exchange::new()
            .expect(deleted())
            .answer(status, Value::Null)
            .run(departed)
            .unwrap();
        assert_eq!(
            (page.items.len(), page.end.complete_until),
            (0, Some(START))
        );
    }
    let body = top("DISCRETE_PAGINATION_LIMIT_EXCEEDED", json!({"limit": 2000}));
    let error = Exchange::new()
        .expect(deleted())
        .answer(400, body)
        .run(departed)
        .unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
}

#[test]
fn deals_are_read_without_what_the_connection_may_not_see() {
    let forbidden = || top("NO_PERMISSION", json!({}));
    let rows = json!([
        {"id": "1", "Deal_Name": "A", "Stage": "Closed Won", "Amount": 1},
        {"id": "2", "Deal_Name": "B", "Stage": "Closed Lost to Competition"},
        {"id": "3", "Deal_Name": "C", "Stage": "Ours", "Probability": 100},
        {"id": "4", "Deal_Name": "D", "Stage": "Ours", "Probability": 40},
        {"id": "5", "Deal_Name": "E"},
    ]);
    let columns = "id','Deal_Name','Stage','Probability','Amount','Closing_Date','Account_Name','Contact_Name','Owner','Created_Time','Last_Activity_Time";
    let text = format!(
        "select '{columns}' from Deals where Account_Name in ('7') order by id asc limit 10"
    );
    let mut exchange = Exchange::new()
        .setting("api", "https://www.zohoapis.ca")
        .expect(Client::new().get("org"))
        .answer(403, forbidden())
        .expect(Client::new().get("settings/fields?module=Deals"))
        .answer(403, forbidden())
        .expect(query(&text))
        .answer(200, json!({"data": rows, "info": {"more_records": false}}));
    for id in 1..=5 {
        let roles = format!("Deals/{id}/Contact_Roles?fields=id%2CFull_Name&per_page=200");
        exchange = exchange
            .expect(Client::new().get(roles))
            .answer(403, forbidden());
    }
    let accounts = ["7".to_owned()];
    let page = exchange
        .run(|| Zoho::open()?.get_opportunities_for_accounts(&accounts, PageRequest::first(10)))
        .unwrap();
    let statuses: Vec<_> = page.items.iter().map(|it| it.status).collect();
    use OpportunityStatus::{Lost, Open, Unknown, Won};
    assert_eq!(statuses, [Won, Lost, Won, Open, Unknown]);
    assert_eq!(
        (
            page.items[0].amount.as_ref().unwrap().currency.as_deref(),
            page.items[0].url.as_deref()
        ),
        (None, None)
    );
}

#[test]
fn a_page_that_does_not_say_whether_there_is_more_is_the_last_one_only_if_it_is_not_full() {
    let columns = "id','Account_Name','Website','Account_Type','Parent_Account','Owner','Created_Time','Modified_Time','Last_Activity_Time";
    let text = format!(
        "select '{columns}' from Accounts where Account_Name = 'Acme' order by id asc limit 2"
    );
    for (count, more) in [(2, true), (1, false)] {
        let rows: Vec<Value> = (0..count)
            .map(|n| json!({"id": n.to_string(), "Account_Name": "Acme"}))
            .collect();
        let page = Exchange::new()
            .state("org", &json!({"zgid": "42"}))
            .setting("api", "https://sandbox.zohoapis.com.au")
            .expect(query(&text))
            .answer(200, json!({ "data": rows }))
            .run(|| Zoho::open()?.get_accounts_by_name("Acme", PageRequest::first(2)))
            .unwrap();
        assert_eq!(page.end.next.is_some(), more);
        assert_eq!(
            page.items[0].url.as_deref(),
            Some("https://crmsandbox.zoho.com.au/crm/org42/tab/Accounts/0")
        );
    }
}
