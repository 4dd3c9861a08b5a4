//! What the stand-in answers, and what it refuses.

use serde_json::{Value, json};

use super::Dataverse;
use crate::{Answer, Crm as _, Kind, Office, Person, Request, serve};

const ORIGIN: &str = "https://contoso.crm4.dynamics.com";

fn office() -> (Dataverse, String) {
    let mut crm = Dataverse::new();
    crm.office().tokens.push("good".to_owned());
    let ann = crm.add_person(&Person {
        given: "Ann".to_owned(),
        family: "O'Lee".to_owned(),
        email: Some("ann@a.example".to_owned()),
        ..Person::default()
    });
    (crm, ann)
}

fn ask(
    crm: &mut Dataverse,
    method: &str,
    target: &str,
    more: &[(&str, &str)],
    body: Value,
) -> Answer {
    let mut headers = vec![
        ("Authorization", "Bearer good"),
        ("Accept", "application/json"),
        ("OData-Version", "4.0"),
        ("OData-MaxVersion", "4.0"),
        ("If-None-Match", "null"),
        ("Content-Type", "application/json"),
    ];
    // An empty value takes a header away.
    headers.retain(|(name, _)| !more.iter().any(|it| it.0 == *name));
    headers.extend(more.iter().filter(|it| !it.1.is_empty()));
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let target = format!("/api/data/v9.2/{target}");
    let request = Request::new(method, ORIGIN, &target, headers.collect(), body);
    serve(crm, &request).0
}

fn get(crm: &mut Dataverse, target: &str) -> Answer {
    ask(crm, "GET", target, &[], Value::Null)
}

/// Asks with a condition and says what was found, or the refusal.
#[track_caller]
fn check(filter: &str, expected: &str) {
    let (mut crm, _) = office();
    let filter = percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC);
    let answer = get(
        &mut crm,
        &format!("contacts?$select=lastname&$filter={filter}"),
    );
    let body = answer.value();
    let told = match body.pointer("/error/message").and_then(Value::as_str) {
        Some(said) => format!("{}: {said}", answer.status),
        None => format!("{}", body["value"].as_array().map_or(0, Vec::len)),
    };
    assert!(told.starts_with(expected), "{filter}: {told}");
}

#[test]
fn conditions_mean_what_the_guide_says() {
    check("lastname eq 'o''lee'", "1");
    check("lastname eq 'O''Lee ' and firstname ne 'Bob'", "1");
    check("lastname eq '%'", "0");
    check("contains(lastname,'%')", "1");
    check("contains(lastname,'[%]')", "0");
    check("contains(lastname,'O_Lee')", "1");
    check("endswith(emailaddress1,'@[a-z].example')", "1");
    check("endswith(emailaddress1,'@[b-z].example')", "0");
    check("startswith(lastname,'[^x]')", "1");
    check("not (firstname eq 'Ann' or firstname eq 'Bob')", "0");
    check("emailaddress2 eq null", "1");
    check("modifiedon ge 2026-01-15T10:00:00Z", "1");
    check("modifiedon lt 2026-01-15T10:00:00Z", "0");
    check("merged eq false", "1");
}

#[test]
fn what_is_no_condition_is_refused() {
    check("lastname eq 'O'Lee'", "400: ");
    check("lastname eq 'O", "400: There is an unterminated literal");
    check("lastname eq", "400: Syntax error: the expression ends");
    check(
        "nickname eq 'x'",
        "400: Could not find a property named 'nickname'",
    );
    check("parentcustomerid eq null", "400: Could not find a property");
    check(
        "contactid eq 'x'",
        "400: A binary operator with incompatible types",
    );
    check(
        "contactid gt 00000000-0000-0000-0000-000000000000",
        "400: A binary operator",
    );
    check(
        "_ownerid_value eq 7",
        "400: A binary operator with incompatible types",
    );
    check("lastname like 'x'", "400: Syntax error at 'like'");
    check("endswith(lastname,'x%')", "400: Trailing wildcards");
    check("(lastname eq 'x'", "400: Syntax error: ')' was expected");
    check("lastname eq 'x' lastname eq 'y'", "400: Syntax error");
    check("contactid eq {x}", "400: Syntax error: character '{'");
    let many = vec!["lastname eq 'x'"; 501].join(" or ");
    check(&many, "400: Number of conditions");
}

#[test]
fn lists_of_values_stand_in_a_parameter_of_their_own() {
    let (mut crm, ann) = office();
    let mut check = |name: &str, values: &str, expected: &str| {
        let values =
            percent_encoding::utf8_percent_encode(values, percent_encoding::NON_ALPHANUMERIC);
        let filter = format!("Microsoft.Dynamics.CRM.In(PropertyName='{name}',PropertyValues=@v)");
        let target = format!("contacts?$select=lastname&$filter={filter}&@v={values}");
        let body = get(&mut crm, &target).value();
        let told = match body.pointer("/error/message").and_then(Value::as_str) {
            Some(said) => said.to_owned(),
            None => format!("{}", body["value"].as_array().map_or(0, Vec::len)),
        };
        assert!(told.starts_with(expected), "{told}");
    };
    check("lastname", r#"["O'LEE","x\"y"]"#, "1");
    check("contactid", &json!([ann]).to_string(), "1");
    check("lastname", "['x']", "Invalid JSON");
    check("lastname", "[]", "0 values are not supported");
    check("contactid", r#"["x"]"#, "Expected Guid");
    check(
        "_ownerid_value",
        r#"["x"]"#,
        "'contact' entity doesn't contain attribute",
    );
}

#[test]
fn what_nobody_should_ask_is_written_down() {
    let list = "contacts?$select=lastname";
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 9] = [
        ("GET", list, &[("OData-Version", "")]),
        ("GET", list, &[("If-None-Match", "")]),
        ("GET", list, &[("Prefer", "odata.allow-upsert=true")]),
        ("GET", "contacts", &[]),
        ("GET", "contacts?$select=lastname&$orderby=lastname", &[]),
        ("GET", "contacts?$select=lastname&$skip=5", &[]),
        ("GET", "leads?$select=lastname", &[]),
        ("GET", "contacts(x)?$select=lastname", &[]),
        ("DELETE", "contacts", &[]),
    ];
    for (method, target, headers) in cases {
        let (mut crm, _) = office();
        let answer = ask(&mut crm, method, target, headers, Value::Null);
        assert!((400..405).contains(&answer.status), "{target}: {answer:?}");
        assert_eq!(crm.office().violations().len(), 1, "{target}");
    }
    // What the service refuses itself is no violation.
    let (mut crm, _) = office();
    let too_large = [("Prefer", "odata.maxpagesize=5001")];
    assert_eq!(
        ask(&mut crm, "GET", list, &too_large, Value::Null).status,
        400
    );
    assert_eq!(get(&mut crm, "contacts?$select=nickname").status, 400);
    let long = format!("{list}&$filter=lastname%20eq%20'{}'", "x".repeat(33_000));
    assert_eq!(get(&mut crm, &long).status, 414);
    let token = [("Authorization", "Bearer bad")];
    assert_eq!(ask(&mut crm, "GET", list, &token, Value::Null).status, 401);
    assert_eq!(crm.office().violations(), &[] as &[String]);
}

#[test]
fn a_row_has_its_etag_and_the_kinds_of_its_look_ups() {
    let (mut crm, ann) = office();
    let target = format!("contacts({ann})?$select=lastname,_ownerid_value,jobtitle");
    let prefer = [(
        "Prefer",
        "odata.include-annotations=\"Microsoft.Dynamics.CRM.lookuplogicalname\"",
    )];
    let row = ask(&mut crm, "GET", &target, &prefer, Value::Null).value();
    let expected = json!({
        "@odata.etag": row["@odata.etag"],
        "_ownerid_value": crm.me(),
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "systemuser",
        "contactid": ann, "jobtitle": null, "lastname": "O'Lee",
    });
    assert_eq!(row, expected);
    let nobody = "contacts(00000000-0000-0000-0000-000000000000)?$select=lastname";
    let answer = get(&mut crm, nobody);
    assert_eq!(
        (answer.status, answer.value()["error"]["code"].clone()),
        (404, json!("0x80040217"))
    );
}

fn behind(link: &Value) -> String {
    let link = link.as_str().unwrap();
    link.split_once("/api/data/v9.2/").unwrap().1.to_owned()
}

#[test]
fn a_next_link_goes_on_behind_the_last_row_and_is_taken_as_it_is() {
    let (mut crm, _) = office();
    for n in 0..4 {
        crm.add_person(&Person {
            given: n.to_string(),
            ..Person::default()
        });
    }
    let prefer = [("Prefer", "odata.maxpagesize=2")];
    let mut target = "contacts?$select=firstname&$orderby=modifiedon,contactid".to_owned();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let page = ask(&mut crm, "GET", &target, &prefer, Value::Null).value();
        let rows = page["value"].as_array().unwrap();
        ids.extend(rows.iter().map(|it| it["contactid"].clone()));
        if let Some(link) = page.get("@odata.nextLink") {
            target = behind(link);
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let changed = target.replace("$select=firstname", "$select=lastname");
    assert_eq!(
        ask(&mut crm, "GET", &changed, &prefer, Value::Null).status,
        400
    );
}

#[test]
fn changes_are_tracked_for_a_week() {
    let (mut crm, ann) = office();
    let prefer = [("Prefer", "odata.track-changes")];
    let list = "contacts?$select=lastname";
    let first = ask(&mut crm, "GET", list, &prefer, Value::Null).value();
    let delta = behind(&first["@odata.deltaLink"]);
    let bob = crm.add_person(&Person {
        family: "Bob".to_owned(),
        ..Person::default()
    });
    crm.remove(Kind::Person, &ann);
    let changes = get(&mut crm, &delta).value();
    let rows = changes["value"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["contactid"], &rows[1]["id"]),
        (2, &json!(bob), &json!(ann))
    );
    assert!(
        rows[1]["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("#contacts/$deletedEntity")
    );
    let again = get(&mut crm, &behind(&changes["@odata.deltaLink"])).value();
    assert_eq!(again["value"], json!([]));

    let filtered = format!("{list}&$filter=lastname%20eq%20null");
    assert_eq!(
        ask(&mut crm, "GET", &filtered, &prefer, Value::Null).status,
        400
    );
    let untracked = "systemusers?$select=fullname";
    assert_eq!(
        ask(&mut crm, "GET", untracked, &prefer, Value::Null).status,
        400
    );
    crm.office().now += 8 * 86_400_000;
    let expired = get(&mut crm, &delta);
    assert_eq!(
        (expired.status, expired.value()["error"]["code"].clone()),
        (400, json!("0x80044352"))
    );
    crm.tracking = false;
    assert_eq!(ask(&mut crm, "GET", list, &prefer, Value::Null).status, 403);
}

#[test]
fn a_payload_is_checked_name_by_name() {
    let (mut crm, ann) = office();
    let me = crm.me();
    let create = [
        ("MSCRM.SuppressDuplicateDetection", "false"),
        ("Prefer", "return=representation"),
    ];
    let mut post = |set: &str, body: Value, code: &str| {
        let target = format!("{set}?$select=modifiedon");
        let answer = ask(&mut crm, "POST", &target, &create, body);
        let said = answer.value();
        let told = said.pointer("/error/code").and_then(Value::as_str);
        assert_eq!(told.unwrap_or_default(), code, "{said}");
    };
    post("contacts", json!({"lastname": "x".repeat(50)}), "");
    post(
        "contacts",
        json!({"lastname": "x".repeat(51)}),
        "0x80044331",
    );
    post("contacts", json!({"lastname": 5}), "0x80048d19");
    post("contacts", json!({"nickname": "x"}), "0x80048d19");
    post(
        "contacts",
        json!({"modifiedon": "2026-01-01T00:00:00Z"}),
        "0x80048d19",
    );
    post(
        "contacts",
        json!({"emailaddress1": "ANN@a.example"}),
        "0x80040333",
    );
    post(
        "contacts",
        json!({"ownerid@odata.bind": format!("/systemusers({me})")}),
        "",
    );
    post(
        "contacts",
        json!({"ownerid@odata.bind": format!("/contacts({ann})")}),
        "0x80048d19",
    );
    let nobody = "/systemusers(00000000-0000-0000-0000-000000000000)";
    post(
        "contacts",
        json!({"ownerid@odata.bind": nobody}),
        "0x80040217",
    );
    let party = |part: i64, who: Value| {
        json!({"subject": "x", "email_activity_parties": [
            {"participationtypemask": part, "addressused": who}
        ]})
    };
    post("emails", party(2, json!("x@y")), "");
    post("emails", party(5, json!("x@y")), "0x80048d19");
    post("emails", party(2, json!(null)), "0x80048d19");
    post("emails", json!({"messageid": "<1>"}), "");
    post("emails", json!({"messageid": "<1>"}), "0x80040237");
    assert_eq!(crm.office().violations(), &[] as &[String]);
    let loose = ask(&mut crm, "POST", "contacts", &[], json!({"lastname": "x"}));
    assert_eq!((loose.status, crm.office().violations().len()), (400, 1));
}

#[test]
fn a_change_names_a_version_and_a_completed_activity_is_read_only() {
    let (mut crm, ann) = office();
    let target = format!("contacts({ann})");
    let body = || json!({"lastname": "Lee"});
    let mut patch = |target: &str, version: &str, body: Value| {
        let answer = ask(&mut crm, "PATCH", target, &[("If-Match", version)], body);
        (answer.status, crm.office().violations().len())
    };
    assert_eq!(patch(&target, "*", body()), (204, 0));
    assert_eq!(patch(&target, "W/\"1\"", body()), (412, 0));
    assert_eq!(
        patch(
            "contacts(00000000-0000-0000-0000-000000000000)",
            "*",
            body()
        ),
        (404, 0)
    );
    assert_eq!(patch(&target, "*", json!({"statecode": 1})), (400, 0));
    assert_eq!(patch(&target, "", body()), (400, 1));

    let made = ask(&mut crm, "POST", "emails", &[], json!({"subject": "x"}));
    let address = made
        .headers
        .iter()
        .find(|it| it.0 == "odata-entityid")
        .unwrap();
    let email = behind(&json!(address.1));
    let mut patch = |body: Value| ask(&mut crm, "PATCH", &email, &[("If-Match", "*")], body).status;
    assert_eq!(patch(json!({"statecode": 1, "statuscode": 4})), 204);
    assert_eq!(patch(json!({"subject": "y"})), 400);
    assert_eq!(patch(json!({"statecode": 0, "statuscode": 1})), 204);
    assert_eq!(patch(json!({"subject": "y"})), 204);
    let parties = json!({"value": [{"participationtypemask": 2, "addressused": "x@y"}]});
    let list = format!("{email}/email_activity_parties");
    assert_eq!(ask(&mut crm, "PUT", &list, &[], parties).status, 204);
}

#[test]
fn times_are_whole_seconds() {
    let (mut crm, ann) = office();
    crm.office().now += 1_999;
    crm.rename(&ann, "Lee");
    let row = get(
        &mut crm,
        &format!("contacts({ann})?$select=modifiedon,fullname"),
    )
    .value();
    let then = Office::format(crate::START + 1_000, "%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(
        (&row["modifiedon"], &row["fullname"]),
        (&json!(then), &json!("Ann Lee"))
    );
}
