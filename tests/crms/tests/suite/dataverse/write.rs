//! What is written of contacts and accounts, and what is refused.

use brightsync_crms::{Company, Crm as _, Kind, Trouble};
use brightsync_sdk::{
    Affiliation, Connector as _, ContactPoint, Edit, Error, ForbiddenKind, NewAccount, NewContact,
    Patch, Reason,
};
use serde_json::json;

use super::{asked, edits, run, with_people};

#[test]
fn a_duplicate_is_named_whatever_status_it_comes_with() {
    for status in [412, 500] {
        let (desk, ids) = with_people(&["ann@x.example"]);
        desk.crm().duplicate_status = status;
        let ann = NewContact {
            full_name: Some("Somebody Else".to_owned()),
            emails: vec![ContactPoint::primary("ANN@x.example")],
            ..NewContact::default()
        };
        let error = run(&desk, |it| it.create_contact(ann)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(ids.clone()), "{status}");
        assert_eq!(error.code.as_deref(), Some("0x80040333"));
        desk.crm().names_differ = true;
        let namesake = NewContact {
            full_name: Some("Ann ann@x.example".to_owned()),
            emails: vec![ContactPoint::primary("new@x.example")],
            ..NewContact::default()
        };
        let error = run(&desk, |it| it.create_contact(namesake)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(ids), "{status}");
        let acme = desk.crm().add_company(&Company {
            name: "Acme".to_owned(),
            ..Company::default()
        });
        let error = run(&desk, |it| it.create_account(NewAccount::new("acme"))).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(vec![acme]), "{status}");
    }
}

#[test]
fn a_contact_has_what_it_was_created_with() {
    let (desk, _) = with_people(&[]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let other = desk.crm().add_company(&Company {
        name: "Other".to_owned(),
        ..Company::default()
    });
    let mobile = ContactPoint {
        label: Some("Mobile".to_owned()),
        ..ContactPoint::further("2")
    };
    let points = |values: &[&str]| values.iter().map(|it| ContactPoint::further(*it)).collect();
    let ann = NewContact {
        full_name: Some("Ann Mary Lee".to_owned()),
        emails: points(&["1@x", "2@x", "3@x", "4@x"]),
        phones: vec![ContactPoint::primary("1"), mobile],
        accounts: vec![Affiliation::primary(&*acme), Affiliation::primary(&*other)],
        title: Some("Buyer".to_owned()),
        owner: Some(desk.crm().me()),
        extra: vec![("new_tier".to_owned(), "\"gold\"".to_owned())],
        ..NewContact::default()
    };
    let written = run(&desk, |it| it.create_contact(ann)).unwrap();
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, ["emails", "accounts"]);
    assert_eq!(
        written.url.as_deref().unwrap(),
        format!(
            "https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=contact&id={}",
            written.id
        )
    );
    let ann = run(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(ann.full_name.as_deref(), Some("Ann Mary Lee"));
    assert_eq!(ann.family_name.as_deref(), Some("Lee"));
    let values = |points: &[ContactPoint]| -> Vec<String> {
        points.iter().map(|it| it.value.clone()).collect()
    };
    assert_eq!(values(&ann.emails), ["1@x", "2@x", "3@x"]);
    assert_eq!(values(&ann.phones), ["1", "2"]);
    assert_eq!(ann.phones[1].label.as_deref(), Some("mobile"));
    assert_eq!(ann.accounts, [Affiliation::primary(&*other)]);
    assert_eq!(ann.owner, Some(desk.crm().me()));
    assert_eq!(ann.version, written.version);
    assert_eq!(ann.extra, [("new_tier".to_owned(), "\"gold\"".to_owned())]);
}

#[test]
fn a_patch_touches_what_it_names() {
    let (desk, ids) = with_people(&["1@x"]);
    desk.crm()
        .set("contacts", &ids[0], "emailaddress3", json!("3@x"));
    desk.crm().office().forget();
    let add = |value: &str| Edit::Add(json!({ "value": value }).to_string());
    let remove = |value: &str| Edit::Remove(json!({ "value": value }).to_string());
    let patch = edits(&[
        ("emails", add("2@x")),
        ("emails", add("1@X")),
        ("title", Edit::Clear),
        ("birthday", Edit::Clear),
    ]);
    let written = run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("birthday"));
    let body = asked(&desk).pop().unwrap();
    let path = format!("PATCH /api/data/v9.2/contacts({})", ids[0]);
    assert_eq!(
        body,
        format!(r#"{path} {{"emailaddress2":"2@x","jobtitle":null}}"#)
    );

    let patch = edits(&[("emails", remove("1@x")), ("accounts", Edit::Clear)]);
    run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap();
    let ann = run(&desk, |it| it.get_contact(&ids[0])).unwrap();
    let emails: Vec<&str> = ann.emails.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(emails, ["2@x", "3@x"]);
}

#[test]
fn a_row_that_is_gone_is_not_made_again_and_one_that_changed_is_stale() {
    let (desk, ids) = with_people(&["a@x"]);
    let rename = |version: Option<&str>| Patch {
        if_version: version.map(str::to_owned),
        ..edits(&[("family-name", Edit::Set("\"Lee\"".to_owned()))])
    };
    let before = run(&desk, |it| it.get_contact(&ids[0])).unwrap().version;
    let update =
        |version: Option<&str>| run(&desk, |it| it.update_contact(&ids[0], rename(version)));
    update(before.as_deref()).unwrap();
    for version in [before.as_deref(), Some("*"), Some("W/\"1\"\r\nX: y")] {
        assert_eq!(
            update(version).unwrap_err().reason,
            Reason::Stale,
            "{version:?}"
        );
    }
    run(&desk, |it| it.delete_contact(&ids[0])).unwrap();
    assert_eq!(update(None).unwrap_err().reason, Reason::NotFound);
    assert_eq!(desk.crm().ids(Kind::Person), [""; 0]);
}

/// The field that a refusal names.
fn field(error: Error) -> Option<String> {
    match error.reason {
        Reason::Invalid(fields) => fields[0].field.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_that_the_table_does_not_take_is_invalid_by_its_field() {
    let (desk, ids) = with_people(&["a@x"]);
    let set = |field: &str, value: &str| edits(&[(field, Edit::Set(json!(value).to_string()))]);
    let update = |patch| run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap_err();
    let error = update(set("family-name", &"x".repeat(51)));
    assert_eq!(error.code.as_deref(), Some("0x80044331"));
    assert_eq!(field(error).as_deref(), Some("family-name"));
    // An owner that is not there is a wrong value, and no contact that is gone.
    let nobody = set("owner", "00000000-0000-0000-0000-000000000009");
    assert_eq!(field(update(nobody)), None);
    let error = update(set("extra.a b\"", "1"));
    assert_eq!(field(error).as_deref(), Some("extra.a b\""));
}

#[test]
fn a_missing_privilege_is_named() {
    let (desk, ids) = with_people(&["a@x"]);
    desk.crm().read_only = true;
    let error = run(&desk, |it| it.delete_contact(&ids[0])).unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(error.message.contains("prvDeletecontact"), "{error:?}");
    assert_eq!(error.code.as_deref(), Some("0x80040220"));
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let (desk, ids) = with_people(&["a@x"]);
    desk.crm().office().trouble(0, 1, Trouble::Limit);
    let error = run(&desk, |it| it.get_contact(&ids[0])).unwrap_err();
    assert_eq!(error.reason, Reason::RateLimited(Some(1_000)));
    assert_eq!(error.code.as_deref(), Some("0x80072322"));
}
