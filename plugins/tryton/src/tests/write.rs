//! Creating, changing and deleting parties, and what Tryton refuses.

use brightsync_sdk::http::Client;
use brightsync_sdk::{
    Affiliation, Connector, ContactPoint, Edit, Error, ForbiddenKind, NewAccount, NewContact,
    Patch, Reason,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{FIELDS, ann, exchange, one, search, time, write};
use crate::Tryton;

#[test]
fn a_new_person_is_linked_to_companies_that_exist() {
    let new = NewContact {
        given_name: Some("Ann".to_owned()),
        family_name: Some("Lee".to_owned()),
        emails: vec![
            ContactPoint::further("b@x.example"),
            ContactPoint::primary("a@x.example"),
        ],
        accounts: vec![Affiliation::primary("5")],
        title: Some("CEO".to_owned()),
        ..NewContact::default()
    };
    let companies = json!([
        [
            ["categories", "not where", [["name", "=", "Person"]]],
            ["active", "in", [true, false]]
        ],
        ["replaced_by", "=", null],
        ["id", "in", [5]],
    ]);
    let values = json!({
        "name": "Ann Lee",
        "categories": [["add", [1]]],
        "contact_mechanisms": [
            ["create", [{"type": "email", "value": "a@x.example"}]],
            ["create", [{"type": "email", "value": "b@x.example"}]],
        ],
        "relations": [["create", [{"to": 5, "type": 3}]]],
    });
    let script = exchange()
        .expect(search(
            "party.category",
            json!([["name", "=", "Person"]]),
            &["id"],
            1,
        ))
        .answer(200, json!([{"id": 1}]))
        .expect(search("party.party", companies.clone(), &["id"], 1000))
        .answer(200, json!([{"id": 5}]))
        .expect(search(
            "party.relation.type",
            json!([["name", "=", "Employee of"]]),
            &["id"],
            1,
        ))
        .answer(200, json!([{"id": 3}]))
        .expect(write(Client::new().post("party.party"), &values))
        .answer(
            200,
            json!({"id": 9, "last_modified_at": time(5), "contact_mechanisms": []}),
        );
    let written = script
        .run(|| Tryton::open()?.create_contact(new.clone()))
        .unwrap();
    assert_eq!(written.id, "9");
    assert_eq!(written.incomplete[0].field.as_deref(), Some("title"));

    let nobody = exchange()
        .expect(search(
            "party.category",
            json!([["name", "=", "Person"]]),
            &["id"],
            1,
        ))
        .answer(200, json!([{"id": 1}]))
        .expect(search("party.party", companies, &["id"], 1000))
        .answer(200, json!([]))
        .run(|| Tryton::open()?.create_contact(new));
    assert_eq!(
        nobody.unwrap_err().message,
        "accounts: there is no account 5"
    );
}

#[test]
fn without_the_module_nobody_works_anywhere() {
    let fields = &FIELDS[..11];
    let values = json!({"name": "Ann", "categories": [["add", [1]]]});
    let written = exchange()
        .setting("relationships", "no")
        .expect(search(
            "party.category",
            json!([["name", "=", "Person"]]),
            &["id"],
            1,
        ))
        .answer(200, json!([{"id": 1}]))
        .expect(
            Client::new()
                .post("party.party")
                .query_each("f", fields)
                .json(&values),
        )
        .answer(200, json!({"id": 9, "last_modified_at": time(5)}))
        .run(|| {
            Tryton::open()?.create_contact(NewContact {
                full_name: Some("Ann".to_owned()),
                accounts: vec![Affiliation::primary("5")],
                ..NewContact::default()
            })
        });
    assert_eq!(
        written.unwrap().incomplete[0].field.as_deref(),
        Some("accounts")
    );
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let edit = |field: &str, edit: Edit| (field.to_owned(), edit);
    let patch = Patch::new(vec![
        edit(
            "emails",
            Edit::Add(r#"{"value":"new@x.example","primary":true}"#.to_owned()),
        ),
        edit(
            "emails",
            Edit::Remove(r#"{"value":"ANN@B.example"}"#.to_owned()),
        ),
        edit("given-name", Edit::Set("\"Anna\"".to_owned())),
        edit("extra.lang", Edit::Clear),
    ]);
    let values = json!({
        "contact_mechanisms": [
            ["delete", [21]],
            ["create", [{"type": "email", "value": "new@x.example", "sequence": 1}]],
            ["write", [20], {"sequence": 2}],
        ],
        "lang": null,
    });
    let written = exchange()
        .expect(one(7))
        .answer(200, json!([ann()]))
        .expect(write(Client::new().put("party.party/7"), &values))
        .answer(200, json!({"id": 7, "last_modified_at": time(9)}))
        .run(|| Tryton::open()?.update_contact("7", patch))
        .unwrap();
    assert_eq!(
        written.version.as_deref(),
        Some("2026-01-31T09:30:09.123456")
    );
    assert_eq!(written.incomplete[0].field.as_deref(), Some("given-name"));
}

#[test]
fn a_patch_for_another_version_writes_nothing() {
    let patch = Patch {
        if_version: Some("2026-01-31T09:30:01.123456".to_owned()),
        ..Patch::new(vec![("full-name".to_owned(), Edit::Clear)])
    };
    let answer = exchange()
        .expect(one(7))
        .answer(200, json!([ann()]))
        .run(|| Tryton::open()?.update_contact("7", patch));
    assert_eq!(answer.unwrap_err().reason, Reason::Stale);
}

#[test]
fn a_custom_field_does_not_undo_what_a_party_is() {
    let values = json!({
        "name": "Acme", "vip": true,
        "contact_mechanisms": [["create", [{"type": "website", "value": "https://acme.example"}]]],
    });
    let custom = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let written = exchange()
        .expect(write(Client::new().post("party.party"), &values))
        .answer(200, json!({"id": 9}))
        .run(|| {
            Tryton::open()?.create_account(NewAccount {
                domains: vec!["acme.example".to_owned()],
                extra: vec![custom("categories", "[]"), custom("vip", "true")],
                ..NewAccount::new("Acme")
            })
        });
    assert_eq!(
        written.unwrap().incomplete[0].field.as_deref(),
        Some("extra.categories")
    );
}

#[test]
fn a_party_is_deleted_as_what_it_is() {
    let script = exchange()
        .expect(one(7))
        .answer(200, json!([ann()]))
        .expect(Client::new().delete("party.party/7"))
        .answer(204, Value::Null);
    script.run(|| Tryton::open()?.delete_contact("7")).unwrap();
}

#[track_caller]
fn check_error(status: u16, body: &str, expected: &Reason, message: Expect) {
    let media_type = if body.starts_with('{') {
        "application/json"
    } else {
        "text/html"
    };
    let values = json!({"name": "Acme"});
    let error: Error = exchange()
        .expect(write(Client::new().post("party.party"), &values))
        .answer_text(status, media_type, body)
        .run(|| Tryton::open()?.create_account(NewAccount::new("Acme")))
        .unwrap_err();
    assert_eq!(&error.reason, expected);
    message.assert_eq(&error.message);
}

#[test]
fn refusals_are_told_apart_by_their_words() {
    check_error(
        400,
        r#"{"status":400,"message":"You are not allowed to access \"Party\".","description":"Within groups: "}"#,
        &Reason::Forbidden(ForbiddenKind::ThisOperation),
        expect![[r#"Tryton says: You are not allowed to access "Party". Within groups:"#]],
    );
    check_error(
        500,
        "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n<p>&#39;nofield&#39;</p>\n",
        &Reason::Other,
        expect!["Tryton did not understand the request, and nothing was written: 'nofield'"],
    );
    // A proxy in between does not know what became of the request.
    check_error(
        502,
        "<html>Bad gateway</html>",
        &Reason::InDoubt(Vec::new()),
        expect!["the CRM answered 502 to POST party.party; the write may have been carried out"],
    );
}
