//! What an org refuses, by raw requests.

use serde_json::{Value, json};

use super::Salesforce;
use crate::{Answer, Crm as _, Request};

fn org() -> Salesforce {
    let mut org = Salesforce::new();
    org.office().tokens.push("token".to_owned());
    org
}

fn send(org: &mut Salesforce, method: &str, target: &str, body: &Value) -> Answer {
    let headers = vec![
        ("authorization".to_owned(), "Bearer token".to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let body = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    let target = format!("/services/data/v62.0/{target}");
    let request = Request::new(
        method,
        "https://acme.my.salesforce.com",
        &target,
        headers,
        body,
    );
    org.answer(&request)
}

fn query(org: &mut Salesforce, soql: &str) -> Answer {
    let soql = percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC);
    send(org, "GET", &format!("query?q={soql}"), &Value::Null)
}

fn code(answer: &Answer) -> (u16, String) {
    let told = answer.value();
    let first = &told.as_array().unwrap()[0];
    (
        answer.status,
        first["errorCode"].as_str().unwrap().to_owned(),
    )
}

#[track_caller]
fn check(soql: &str, expected: &str) {
    assert_eq!(
        code(&query(&mut org(), soql)),
        (400, expected.to_owned()),
        "{soql}"
    );
}

#[test]
fn a_query_that_salesforce_would_refuse_is_refused() {
    check(
        "SELECT Id FROM Contact WHERE Name = 'O'Brien'",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = 'a\\x'",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = 'a\\_b'",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = \"a\"",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = 'a\nb'",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = 'a' OR Name = 'b' AND Name = 'c'",
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE Name = 'a' LIMIT 1 WHERE",
        "MALFORMED_QUERY",
    );
    check("SELECT Id,Id FROM Contact", "MALFORMED_QUERY");
    check("SELECT * FROM Contact", "MALFORMED_QUERY");
    check(
        &format!(
            "SELECT Id FROM Contact WHERE Name = '{}'",
            "x".repeat(4_001)
        ),
        "MALFORMED_QUERY",
    );
    check("SELECT Nothing__c FROM Contact", "INVALID_FIELD");
    check("SELECT CurrencyIsoCode FROM Opportunity", "INVALID_FIELD");
    check(
        "SELECT Id FROM Contact WHERE Description = 'x'",
        "INVALID_FIELD",
    );
    check(
        "SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'",
        "INVALID_FIELD",
    );
    check(
        "SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01T00:00:00.000Z",
        "INVALID_FIELD",
    );
    check(
        "SELECT Id FROM Contact WHERE IsDeleted = 'false'",
        "INVALID_FIELD",
    );
    check(
        "SELECT Id FROM Contact WHERE Id = 'x'",
        "INVALID_QUERY_FILTER_OPERATOR",
    );
    check(
        "SELECT Id FROM Contact WHERE Id LIKE '003%'",
        "INVALID_QUERY_FILTER_OPERATOR",
    );
    check("SELECT Id FROM Person", "INVALID_TYPE");
    check("SELECT Id FROM TaskRelation", "INVALID_TYPE");
    let join = "Id IN (SELECT AccountId FROM Contact WHERE Email = 'a@b.example')";
    check(
        &format!("SELECT Id FROM Account WHERE Name = 'a' OR {join}"),
        "MALFORMED_QUERY",
    );
    check(
        "SELECT Id FROM Contact WHERE AccountId IN (SELECT AccountId FROM Contact)",
        "MALFORMED_QUERY",
    );
}

#[test]
fn a_query_finds_what_it_says() {
    let mut org = org();
    for name in ["a%b", "a_b", "AxB", "a'b", "\u{1}"] {
        org.put("Account", json!({"Name": name}));
    }
    let mut found = |condition: &str| {
        let answer = query(
            &mut org,
            &format!("SELECT Name FROM Account WHERE {condition}"),
        );
        let records = answer.value()["records"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        records
            .iter()
            .map(|it| it["Name"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("Name LIKE 'A_B'").len(), 4);
    assert_eq!(found(r"Name LIKE 'a\_b'"), ["a_b"]);
    assert_eq!(found(r"Name LIKE '%\%%'"), ["a%b"]);
    assert_eq!(found("Name = 'A%B'"), ["a%b"]);
    assert_eq!(found(r"Name = 'a\'b'"), ["a'b"]);
    assert_eq!(found(r"Name = '\u0001'"), ["\u{1}"]);
    assert_eq!(found("Name IN ('axb','nobody')"), ["AxB"]);
    // An empty text is an empty field.
    assert_eq!(found("Website = ''").len(), 5);
    assert_eq!(found("NOT (Name LIKE 'a%')"), ["\u{1}"]);
}

#[test]
fn an_answer_has_no_more_than_its_most_and_goes_on_elsewhere() {
    let mut org = org();
    org.at_once = 2;
    for name in ["a", "b", "c"] {
        org.put("Account", json!({"Name": name}));
    }
    let first = query(&mut org, "SELECT Id FROM Account").value();
    assert_eq!(
        (&first["done"], &first["totalSize"]),
        (&json!(false), &json!(3))
    );
    let next = first["nextRecordsUrl"].as_str().unwrap();
    let next = next.strip_prefix("/services/data/v62.0/").unwrap();
    let rest = send(&mut org, "GET", next, &Value::Null).value();
    assert_eq!(
        (&rest["done"], rest["records"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
    let again = send(&mut org, "GET", next, &Value::Null);
    assert_eq!(code(&again), (400, "INVALID_QUERY_LOCATOR".to_owned()));
}

#[track_caller]
fn check_write(method: &str, target: &str, body: Value, expected: (u16, &str)) {
    let answer = send(&mut org(), method, target, &body);
    assert_eq!(
        code(&answer),
        (expected.0, expected.1.to_owned()),
        "{target} {body}"
    );
}

#[test]
fn a_write_that_salesforce_would_refuse_is_refused() {
    let contact = "sobjects/Contact";
    check_write(
        "POST",
        contact,
        json!({"FirstName": "Ann"}),
        (400, "REQUIRED_FIELD_MISSING"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": "Lee", "Name": "x"}),
        (400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": "Lee", "lastname": "x"}),
        (400, "INVALID_FIELD"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": "x".repeat(81)}),
        (400, "STRING_TOO_LONG"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": "Lee", "Email": "x"}),
        (400, "INVALID_EMAIL_ADDRESS"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": "Lee", "OwnerId": "x"}),
        (400, "MALFORMED_ID"),
    );
    check_write(
        "POST",
        contact,
        json!({"LastName": 7}),
        (400, "JSON_PARSER_ERROR"),
    );
    check_write(
        "PATCH",
        "sobjects/Contact/003000000000001AAA",
        json!({}),
        (404, "NOT_FOUND"),
    );
    check_write("PATCH", "sobjects/Contact/x", json!({}), (404, "NOT_FOUND"));
    check_write(
        "POST",
        "sobjects/Task",
        json!({"TaskWhoIds": []}),
        (400, "INVALID_FIELD"),
    );
    check_write(
        "POST",
        "sobjects/Task",
        json!({"Status": "Done"}),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    );
    let event = |more: Value| {
        let mut event = json!({"StartDateTime": "2026-01-01T10:00:00Z"});
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        event
    };
    let integrity = (400, "FIELD_INTEGRITY_EXCEPTION");
    check_write(
        "POST",
        "sobjects/Event",
        event(json!({})),
        (400, "REQUIRED_FIELD_MISSING"),
    );
    check_write(
        "POST",
        "sobjects/Event",
        event(json!({"EndDateTime": "2026-01-01T09:00:00Z"})),
        integrity,
    );
    check_write(
        "POST",
        "sobjects/Event",
        event(json!({"DurationInMinutes": 20_161})),
        integrity,
    );
    check_write(
        "POST",
        "sobjects/Event",
        event(json!({"IsAllDayEvent": true, "DurationInMinutes": 1_440})),
        integrity,
    );
    check_write(
        "POST",
        "sobjects/EmailMessage",
        json!({"Status": "1"}),
        integrity,
    );
    let ids: Vec<String> = (0..2_001).map(|it| it.to_string()).collect();
    check_write(
        "POST",
        "composite/sobjects/Contact",
        json!({"ids": ids, "fields": ["Id"]}),
        (400, "LIMIT_EXCEEDED"),
    );
    check_write(
        "POST",
        "composite/sobjects/Contact",
        json!({"ids": ["x"], "fields": ["x"]}),
        (400, "INVALID_FIELD"),
    );
}

#[test]
fn what_is_deleted_is_in_the_bin() {
    let mut org = org();
    let id = org.put("Account", json!({"Name": "Acme"}));
    let target = format!("sobjects/Account/{id}");
    assert_eq!(send(&mut org, "DELETE", &target, &Value::Null).status, 204);
    let gone = (404, "ENTITY_IS_DELETED".to_owned());
    assert_eq!(code(&send(&mut org, "DELETE", &target, &Value::Null)), gone);
    assert_eq!(
        query(&mut org, "SELECT Id FROM Account").value()["totalSize"],
        0
    );
    let all = send(
        &mut org,
        "GET",
        "queryAll?q=SELECT+Id,IsDeleted+FROM+Account",
        &Value::Null,
    );
    assert_eq!(all.value()["records"][0]["IsDeleted"], true);
}

#[test]
fn what_it_does_not_know_is_written_down() {
    let mut org = org();
    assert_eq!(
        send(&mut org, "PUT", "sobjects/Contact", &Value::Null).status,
        404
    );
    assert_eq!(org.office().violations().len(), 1);
    let old = Request::new(
        "GET",
        "https://x.example",
        "/services/data/v20.0/query?q=x",
        Vec::new(),
        Vec::new(),
    );
    assert_eq!(org.answer(&old).status, 404);
    let long = format!("query?q={}", "x".repeat(17_000));
    assert_eq!(send(&mut org, "GET", &long, &Value::Null).status, 414);
    assert_eq!(org.office().violations().len(), 3);
    let strange = Request::new(
        "GET",
        "https://x.example",
        "/services/data/v62.0/query?q=x",
        Vec::new(),
        Vec::new(),
    );
    assert_eq!(
        code(&org.answer(&strange)),
        (401, "INVALID_SESSION_ID".to_owned())
    );
    let who = Request::new(
        "GET",
        "https://x.example",
        "/services/oauth2/userinfo",
        Vec::new(),
        Vec::new(),
    );
    assert_eq!(org.answer(&who).status, 403);
    assert_eq!(
        code(&send(&mut org, "GET", "query?q=x&limit=1", &Value::Null)).1,
        "INVALID_PARAMETER"
    );
}

#[test]
fn an_id_has_eighteen_characters_and_fifteen_will_do() {
    let mut org = org();
    let id = org.put("Contact", json!({"LastName": "Lee"}));
    assert_eq!(
        super::schema::whole_id("001D000000IRFma"),
        "001D000000IRFmaIAH"
    );
    let answer = send(
        &mut org,
        "GET",
        &format!("sobjects/Contact/{}?fields=Id", &id[..15]),
        &Value::Null,
    );
    assert_eq!(answer.value()["Id"], json!(id));
}
