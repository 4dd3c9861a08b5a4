//! What is written of people and companies, and what becomes of refusals.

use brightsync_crms::{Crm as _, Kind, Trouble};
use brightsync_sdk::{
    Affiliation, Connector as _, ContactPoint, Edit, NewAccount, NewContact, Patch, Reason,
};
use serde_json::json;

use super::{add, call, desk};

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(name, edit)| ((*name).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn set(value: serde_json::Value) -> Edit {
    Edit::Set(value.to_string())
}

fn phone(value: &str, label: &str) -> ContactPoint {
    ContactPoint {
        label: Some(label.to_owned()),
        ..ContactPoint::further(value)
    }
}

#[test]
fn a_contact_is_created_changed_read_and_deleted() {
    let desk = desk();
    let account = call(&desk, |it| it.create_account(NewAccount::new("Acme")))
        .unwrap()
        .id;
    let contact = NewContact {
        full_name: Some("Ann Mary Lee".to_owned()),
        emails: vec![
            ContactPoint::further("old@a.example"),
            ContactPoint::primary("ann@a.example"),
        ],
        phones: vec![phone("1", "mobile"), phone("2", "fax"), phone("3", "work")],
        accounts: vec![Affiliation::primary(account.as_str())],
        title: Some("Buyer".to_owned()),
        extra: vec![("Tier__c".to_owned(), "\"gold\"".to_owned())],
        ..NewContact::default()
    };
    let written = call(&desk, |it| it.create_contact(contact)).unwrap();
    let left: Vec<_> = written
        .incomplete
        .iter()
        .map(|it| it.field.as_deref())
        .collect();
    assert_eq!(left, [Some("emails")]);
    let id = written.id;
    let ann = call(&desk, |it| it.get_contact(&id)).unwrap();
    assert_eq!(ann.full_name.as_deref(), Some("Ann Mary Lee"));
    assert_eq!(
        (ann.given_name.as_deref(), ann.family_name.as_deref()),
        (Some("Ann Mary"), Some("Lee"))
    );
    assert_eq!(ann.emails, [ContactPoint::primary("ann@a.example")]);
    let phones: Vec<_> = ann
        .phones
        .iter()
        .map(|it| (it.value.as_str(), it.label.as_deref()))
        .collect();
    assert_eq!(
        phones,
        [
            ("3", Some("work")),
            ("1", Some("mobile")),
            ("2", Some("home"))
        ]
    );
    assert_eq!(ann.accounts, [Affiliation::primary(account)]);
    assert_eq!(ann.modified_at, Some(desk.crm().office().now));
    assert_eq!(desk.crm().fields(&id)["Tier__c"], "gold");

    desk.crm().office().forget();
    let edits = [
        ("phones", Edit::Remove(json!({"value": "1"}).to_string())),
        (
            "phones",
            Edit::Add(json!({"value": "4", "label": "other"}).to_string()),
        ),
        (
            "emails",
            Edit::Add(json!({"value": "ANN@a.example"}).to_string()),
        ),
        ("title", Edit::Clear),
        ("extra.Score__c", set(json!(7))),
    ];
    let written = call(&desk, |it| it.update_contact(&id, patch(&edits))).unwrap();
    assert_eq!(written.incomplete, []);
    let body = desk.crm().office().seen().last().unwrap().body.clone();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        body,
        json!({
            "Email": "ann@a.example", "MobilePhone": null, "OtherPhone": "4", "Title": null, "Score__c": 7,
        })
    );
    call(&desk, |it| it.delete_contact(&id)).unwrap();
    for gone in [
        call(&desk, |it| it.delete_contact(&id)).unwrap_err(),
        call(&desk, |it| {
            it.update_contact(&id, patch(&[("title", set(json!("x")))]))
        })
        .unwrap_err(),
        call(&desk, |it| it.update_contact(&id, patch(&[]))).unwrap_err(),
        call(&desk, |it| it.get_contact(&id).map(drop)).unwrap_err(),
    ] {
        assert_eq!(gone.reason, Reason::NotFound);
    }
}

#[test]
fn an_account_is_created_changed_and_deleted() {
    let desk = desk();
    let account = NewAccount {
        domains: ["acme.example", "acme.org"].map(str::to_owned).to_vec(),
        ..NewAccount::new("Acme")
    };
    let written = call(&desk, |it| it.create_account(account)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("domains"));
    let edits = [
        ("name", set(json!("Acme AG"))),
        (
            "domains",
            Edit::Remove("\"https://www.acme.example/\"".to_owned()),
        ),
        ("owner", set(json!(desk.crm().me()))),
        ("location", set(json!("Bern"))),
    ];
    let changed = call(&desk, |it| it.update_account(&written.id, patch(&edits))).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("location"));
    let account = call(&desk, |it| it.get_account(&written.id)).unwrap();
    assert_eq!(
        (account.name.as_str(), account.domains.len()),
        ("Acme AG", 0)
    );
    call(&desk, |it| it.delete_account(&written.id)).unwrap();
    let error = call(&desk, |it| it.get_account(&written.id)).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
}

#[test]
fn a_duplicate_names_whom_there_is_already() {
    let desk = desk();
    let there = add(&desk, "Lee", Some("ann@a.example"));
    let contact = NewContact {
        family_name: Some("Low".to_owned()),
        emails: vec![ContactPoint::primary("Ann@A.example")],
        ..NewContact::default()
    };
    let error = call(&desk, |it| it.create_contact(contact.clone())).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(vec![there]));
    assert_eq!(error.code.as_deref(), Some("DUPLICATES_DETECTED"));
    assert_eq!(desk.crm().ids(Kind::Person).len(), 1);
}

#[track_caller]
fn check_invalid(contact: NewContact, field: &str, code: Option<&str>) {
    let error = call(&desk(), |it| it.create_contact(contact)).unwrap_err();
    let Reason::Invalid(fields) = error.reason else {
        panic!("{error:?}")
    };
    assert_eq!(
        (fields[0].field.as_deref(), fields[0].code.as_deref()),
        (Some(field), code)
    );
}

#[test]
fn what_is_not_accepted_is_named_in_the_contracts_words() {
    let lee = || NewContact {
        family_name: Some("Lee".to_owned()),
        ..NewContact::default()
    };
    let long = NewContact {
        title: Some("x".repeat(200)),
        ..lee()
    };
    check_invalid(long, "title", Some("STRING_TOO_LONG"));
    let email = NewContact {
        emails: vec![ContactPoint::primary("nobody")],
        ..lee()
    };
    check_invalid(email, "emails", Some("INVALID_EMAIL_ADDRESS"));
    let custom = NewContact {
        extra: vec![("Tear__c".to_owned(), "1".to_owned())],
        ..lee()
    };
    check_invalid(custom, "extra.Tear__c", Some("INVALID_FIELD"));
    let account = NewContact {
        accounts: vec![Affiliation::primary("0015g0000009999AAA")],
        ..lee()
    };
    check_invalid(account, "accounts", Some("INVALID_CROSS_REFERENCE_KEY"));
    let account = NewContact {
        accounts: vec![Affiliation::primary("x")],
        ..lee()
    };
    check_invalid(account, "accounts", None);
    check_invalid(
        NewContact {
            owner: Some("x".to_owned()),
            ..lee()
        },
        "owner",
        None,
    );
    check_invalid(NewContact::default(), "family-name", None);
}

#[test]
fn a_write_whose_answer_is_lost_is_in_doubt() {
    let desk = desk();
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let error = call(&desk, |it| it.create_account(NewAccount::new("Acme"))).unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
    assert_eq!(desk.crm().ids(Kind::Company).len(), 1);
}
