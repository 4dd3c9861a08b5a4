//! Raw requests, and what the stand-in refuses of them.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Zoho, parse};
use crate::{Answer, Crm as _, Kind, Person, Request, serve};

fn send(crm: &mut Zoho, line: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let (method, target) = line.split_once(' ').unwrap();
    let mut all = vec![
        ("authorization", "Zoho-oauthtoken good"),
        ("content-type", "application/json"),
    ];
    all.extend_from_slice(headers);
    let all = all
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = Request::new(
        method,
        "https://www.zohoapis.eu",
        &format!("/crm/v8/{target}"),
        all.collect(),
        body,
    );
    serve(crm, &request).0
}

fn shown(answer: &Answer) -> String {
    format!(
        "{} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    )
}

/// A query that the stand-in refuses, and how.
#[track_caller]
fn refuses(query: &str, expected: Expect) {
    let answer = parse(query, true).unwrap_err();
    assert_eq!(answer.status, 400);
    let body = answer.value();
    expected.assert_eq(&format!(
        "{} {}",
        body["code"].as_str().unwrap(),
        body["details"]
    ));
}

#[test]
fn a_query_is_refused_for_what_coql_does_not_have() {
    refuses(
        "select id from Contacts",
        expect![[r#"SYNTAX_ERROR {"near":"where"}"#]],
    );
    refuses(
        "select id from Nothing where id is not null",
        expect![[r#"INVALID_QUERY {"module":"Nothing"}"#]],
    );
    refuses(
        "select Nothing from Contacts where id is not null",
        expect![[r#"INVALID_QUERY {"column_name":"Nothing"}"#]],
    );
    refuses(
        "select id from Contacts where Description = 'x'",
        expect![[r#"INVALID_QUERY {"column_name":"Description","cv_criteria":false}"#]],
    );
    refuses(
        "select id from Contacts where Owner like '1%'",
        expect![[r#"INVALID_QUERY {"column_name":"Owner","operator":"like"}"#]],
    );
    refuses(
        "select id from Contacts where Last_Name > 'a'",
        expect![[r#"INVALID_QUERY {"column_name":"Last_Name","operator":">"}"#]],
    );
    refuses(
        "select id from Contacts where Last_Name = 'O'Brien'",
        expect![[r#"SYNTAX_ERROR {"near":"a text does not end"}"#]],
    );
    refuses(
        "select id from Contacts where Last_Name = 'a\\'",
        expect![[r#"SYNTAX_ERROR {"near":"a text does not end"}"#]],
    );
    refuses(
        "select id from Contacts where Last_Name like 'a%b'",
        expect![[r#"SYNTAX_ERROR {"near":"a wildcard stands at the ends of a text only"}"#]],
    );
    refuses(
        "select id from Contacts where Modified_Time > '2026-01-01T00:00:00.000Z'",
        expect![[
            r#"INVALID_DATA {"column_name":"Modified_Time","expected_data_type":"datetime"}"#
        ]],
    );
    refuses(
        "select id from Contacts where id = 'x'",
        expect![[r#"INVALID_DATA {"column_name":"id","expected_data_type":"bigint"}"#]],
    );
    let three = "id = '1' and id = '2' and id = '3'";
    refuses(
        &format!("select id from Contacts where {three}"),
        expect![[r#"SYNTAX_ERROR {"near":"more than two criteria are not grouped in pairs"}"#]],
    );
    let values = vec!["'1'"; 51].join(",");
    refuses(
        &format!("select id from Contacts where id in ({values})"),
        expect![[r#"LIMIT_EXCEEDED {"limit":50,"of":"values"}"#]],
    );
    let many = (0..25).fold("id = '1'".to_owned(), |all, _| {
        format!("({all} or id = '1')")
    });
    refuses(
        &format!("select id from Contacts where {many}"),
        expect![[r#"LIMIT_EXCEEDED {"limit":25,"of":"criteria"}"#]],
    );
    refuses(
        "select id from Contacts where id is not null limit 2001",
        expect![[r#"INVALID_QUERY {"limit":"2001"}"#]],
    );
    refuses(
        "select id from Contacts where id is not null limit 99000,2000",
        expect![[r#"LIMIT_EXCEEDED {"limit":100000,"of":"rows"}"#]],
    );
    refuses(
        "select id from Contacts where id is not null limit 5; drop",
        expect![[r#"SYNTAX_ERROR {"near":"a text does not end"}"#]],
    );
}

#[test]
fn a_query_is_read_as_it_stands() {
    let text = "SELECT 'id', Last_Name from Contacts where ((Last_Name = 'O''B\\\\' or First_Name like '%a''%') and Owner in ('1', '2')) order by Modified_Time asc, id limit 10, 20";
    let query = parse(text, true).unwrap();
    assert_eq!(query.condition.texts(), ["O'B\\", "a'", "1", "2"]);
    assert_eq!(
        (query.by_time, query.offset, query.limit, query.module),
        (true, 10, 20, "Contacts")
    );
    let other = parse(text, false).unwrap();
    assert_eq!(other.condition.texts()[0], "O'B\\\\");
}

#[test]
fn offsets_and_more_records_are_those_of_zoho() {
    let mut crm = Zoho::with_token("good");
    for n in 0..5 {
        crm.add_person(&Person {
            family: format!("P{n}"),
            ..Person::default()
        });
    }
    let mut query = |text: &str| {
        let answer = send(&mut crm, "POST coql", &[], &json!({ "select_query": text }));
        let body = answer.value();
        (
            answer.status,
            body["data"].as_array().map(Vec::len),
            body["info"]["more_records"].as_bool(),
        )
    };
    assert_eq!(
        query("select id from Contacts where id is not null limit 3"),
        (200, Some(3), Some(true))
    );
    assert_eq!(
        query("select id from Contacts where id is not null limit 3,3"),
        (200, Some(2), Some(false))
    );
    assert_eq!(
        query("select id from Contacts where Last_Name = 'p9'"),
        (204, None, None)
    );
    assert_eq!(
        query("select id from Contacts where Last_Name = 'p4'"),
        (200, Some(1), Some(false))
    );
}

#[test]
fn what_nobody_should_ask_for_is_a_violation() {
    let mut crm = Zoho::with_token("good");
    let ann = crm.add_person(&Person {
        family: "Ann".to_owned(),
        ..Person::default()
    });
    let none = Value::Null;
    for (line, body) in [
        ("GET Leads/1", &none),
        ("GET Contacts/search", &none),
        ("GET a/b/c/d", &none),
        ("GET users?type=CurrentUser&email=x", &none),
        ("GET users", &none),
        ("GET Contacts/deleted?per_page=201", &none),
        ("POST Contacts", &json!({"Last_Name": "x"})),
        (
            "POST Contacts",
            &json!({"data": [{"Last_Name": "x", "Nothing": 1}]}),
        ),
        (
            "POST Contacts",
            &json!({"data": [{"Last_Name": "x", "Modified_Time": "2026-01-01T00:00:00+00:00"}]}),
        ),
        ("POST Events", &json!({"data": [{"Event_Title": "x"}]})),
        ("PATCH Contacts/1", &json!({"data": [{}]})),
    ] {
        let before = crm.office().violations().len();
        let answer = send(&mut crm, line, &[], body);
        assert!(answer.status >= 400, "{line}");
        assert_eq!(crm.office().violations().len(), before + 1, "{line}");
    }
    let late = [("if-modified-since", "2026-01-01T00:00:00.000Z")];
    assert_eq!(
        send(&mut crm, "GET Contacts/deleted", &late, &none).status,
        400
    );
    let body = json!({"data": [{"Title": "x"}]});
    let late = [("if-unmodified-since", "yesterday")];
    assert_eq!(
        send(&mut crm, &format!("PUT Contacts/{ann}"), &late, &body).status,
        400
    );
    assert_eq!(crm.ids(Kind::Person), [ann]);
}

#[test]
fn a_record_is_written_as_zoho_writes_it() {
    let mut crm = Zoho::with_token("good");
    let mut tell = |line: &str, headers: &[(&str, &str)], body: Value| {
        shown(&send(&mut crm, line, headers, &body))
    };
    expect![[r#"201 {"data":[{"code":"SUCCESS","details":{"Created_By":{"id":"5725767000000000001","name":"Mia Mine"},"Created_Time":"2026-01-15T02:00:00-08:00","Modified_By":{"id":"5725767000000000001","name":"Mia Mine"},"Modified_Time":"2026-01-15T02:00:00-08:00","id":"5725767000000000002"},"message":"record added","status":"success"}]}"#]]
        .assert_eq(&tell("POST Contacts", &[], json!({"data": [{"Last_Name": "Lee"}]})));
    expect![[r#"400 {"data":[{"code":"MANDATORY_NOT_FOUND","details":{"api_name":"Last_Name","json_path":"$.data[0].Last_Name"},"message":"required field not found","status":"error"}]}"#]]
        .assert_eq(&tell("POST Contacts", &[], json!({"data": [{"First_Name": "Ann"}]})));
    let old = [("if-unmodified-since", "2026-01-15T01:59:59-08:00")];
    expect![[r#"412 {"data":[{"code":"ALREADY_MODIFIED","details":{"Modified_Time":"2026-01-15T02:00:00-08:00","id":"5725767000000000002"},"message":"record updated time has already passed if-unmodified-since time","status":"error"}]}"#]]
        .assert_eq(&tell("PUT Contacts/5725767000000000002", &old, json!({"data": [{"Title": "x"}]})));
    expect![[r#"200 {"data":[{"code":"SUCCESS","details":{"id":"5725767000000000002"},"message":"record deleted","status":"success"}]}"#]]
        .assert_eq(&tell("DELETE Contacts/5725767000000000002", &[], Value::Null));
    expect![[r#"400 {"code":"INVALID_DATA","details":{"resource_path_index":1},"message":"the id given seems to be invalid","status":"error"}"#]]
        .assert_eq(&tell("DELETE Contacts/5725767000000000002", &[], Value::Null));
    assert_eq!(
        tell("GET Contacts/5725767000000000002", &[], Value::Null),
        "204 "
    );
    expect![[r#"200 {"data":[{"created_by":null,"deleted_by":null,"deleted_time":"2026-01-15T02:00:00-08:00","display_name":"Lee","id":"5725767000000000002","type":"recycle"}],"info":{"count":1,"more_records":false,"page":1,"per_page":200}}"#]]
        .assert_eq(&tell("GET Contacts/deleted?type=all", &[], Value::Null));
    assert_eq!(
        tell("GET Contacts/deleted?page=2", &[], Value::Null),
        "204 "
    );
}

#[test]
fn who_has_no_good_token_does_not_come_in() {
    let mut crm = Zoho::with_token("good");
    for header in ["Bearer good", "Zoho-oauthtoken bad", ""] {
        let headers = vec![("Authorization".to_owned(), header.to_owned())];
        let request = Request::new(
            "GET",
            "https://www.zohoapis.eu",
            "/crm/v8/org",
            headers,
            Vec::new(),
        );
        let answer = serve(&mut crm, &request).0;
        assert_eq!(
            (answer.status, answer.value()["code"].as_str()),
            (401, Some("INVALID_TOKEN"))
        );
    }
    crm.office().lacking = true;
    let answer = send(&mut crm, "POST coql", &[], &json!({}));
    assert_eq!(
        (answer.status, answer.value()["code"].as_str()),
        (401, Some("OAUTH_SCOPE_MISMATCH"))
    );
    assert_eq!(send(&mut crm, "GET org", &[], &Value::Null).status, 200);
}

#[test]
fn a_token_is_refused_with_status_200() {
    let mut crm = Zoho::default();
    let ask = |crm: &mut Zoho, body: &str| {
        let headers = vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let request = Request::new(
            "POST",
            "https://accounts.zoho.eu",
            "/oauth/v2/token",
            headers,
            body.as_bytes().to_vec(),
        );
        shown(&serve(crm, &request).0)
    };
    let app = "client_id=brightsync-app&client_secret=brightsync-app-secret-0123456789";
    assert_eq!(
        ask(&mut crm, "grant_type=refresh_token"),
        r#"200 {"error":"invalid_client"}"#
    );
    assert_eq!(
        ask(
            &mut crm,
            &format!("{app}&grant_type=refresh_token&refresh_token=old")
        ),
        r#"200 {"error":"invalid_code"}"#
    );
    let answer = ask(
        &mut crm,
        &format!("{app}&grant_type=client_credentials&scope=ZohoCRM.org.READ"),
    );
    assert!(
        answer.contains(r#""api_domain":"https://www.zohoapis.eu""#),
        "{answer}"
    );
}
