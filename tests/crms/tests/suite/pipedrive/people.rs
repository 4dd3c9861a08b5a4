//! People and organisations are written, and what is refused.

use brightsync_crms::pipedrive::{ORGANIZATION_FIELD, PERSON_FIELD, Pipedrive};
use brightsync_crms::{Colleague, Company, Crm, Kind, Trouble};
use brightsync_sdk::{
    Affiliation, Connector, ContactPoint, Edit, Error, ForbiddenKind, NewAccount, NewContact,
    Owner, ReadRequest, Reason, Scope,
};
use serde_json::json;

use super::{NOW, call, desk, patch, set, texts};
use crate::desk::Desk;

fn read(desk: &Desk<Pipedrive>) -> Error {
    let request = ReadRequest::first(Owner::Anyone, Scope::All, 10);
    call(desk, |it| it.get_my_contacts(request)).unwrap_err()
}

#[test]
fn a_person_is_created_read_and_changed_field_by_field() {
    let desk = desk().wanted("contact", &[PERSON_FIELD, "visible_to"]);
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@acme.example".to_owned(),
    });
    let account = NewAccount {
        domains: texts(&["acme.example"]),
        extra: vec![(ORGANIZATION_FIELD.to_owned(), "\"big\"".to_owned())],
        ..NewAccount::new("Acme")
    };
    let account = call(&desk, |it| it.create_account(account)).unwrap();
    assert_eq!(account.incomplete[0].field.as_deref(), Some("domains"));
    let link = format!("https://acme.pipedrive.com/organization/{}", account.id);
    assert_eq!(account.url, Some(link));
    let contact = NewContact {
        given_name: Some("Ann".to_owned()),
        family_name: Some("Lee".to_owned()),
        emails: vec![
            ContactPoint::further("second@acme.example"),
            ContactPoint {
                label: Some("work".to_owned()),
                ..ContactPoint::primary("ann@acme.example")
            },
        ],
        phones: vec![ContactPoint::further("+49 30 1")],
        accounts: vec![Affiliation::primary(&account.id)],
        owner: Some(olga.clone()),
        extra: vec![
            (PERSON_FIELD.to_owned(), "\"gold\"".to_owned()),
            ("tier".to_owned(), "1".to_owned()),
        ],
        ..NewContact::default()
    };
    let written = call(&desk, |it| it.create_contact(contact)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("extra.tier"));
    let id = written.id;
    let read = || call(&desk, |it| it.get_contact(&id)).unwrap();
    let ann = read();
    assert_eq!(ann.full_name.as_deref(), Some("Ann Lee"));
    let emails: Vec<_> = ann
        .emails
        .iter()
        .map(|it| (it.value.as_str(), it.primary))
        .collect();
    assert_eq!(
        emails,
        [("ann@acme.example", true), ("second@acme.example", false)]
    );
    assert!(ann.phones[0].primary);
    assert_eq!(
        (ann.accounts, ann.owner),
        (vec![Affiliation::primary(&account.id)], Some(olga))
    );
    assert_eq!(
        ann.extra,
        [(PERSON_FIELD, "\"gold\""), ("visible_to", "3")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(ann.created_at, Some(NOW));

    let change =
        |edits: &[(&str, Edit)]| call(&desk, |it| it.update_contact(&id, patch(edits))).unwrap();
    change(&[("family-name", set(json!("O'Hara")))]);
    assert_eq!(read().full_name.as_deref(), Some("Ann O'Hara"));
    change(&[
        (
            "emails",
            Edit::Add(json!({"value": "third@acme.example"}).to_string()),
        ),
        (
            "emails",
            Edit::Remove(json!({"value": "ANN@acme.example"}).to_string()),
        ),
        ("phones", Edit::Clear),
        (
            "extra.d4de1c1518b4531717c676029a45911c340390a6",
            Edit::Clear,
        ),
    ]);
    let now = read();
    let emails: Vec<_> = now
        .emails
        .iter()
        .map(|it| (it.value.as_str(), it.primary))
        .collect();
    assert_eq!(
        emails,
        [("second@acme.example", true), ("third@acme.example", false)]
    );
    assert_eq!(
        (
            now.phones.len(),
            now.accounts.len(),
            now.extra[0].1.as_str()
        ),
        (0, 1, "null")
    );
    let other = desk.crm().add_company(&Company {
        name: "Other".to_owned(),
        ..Company::default()
    });
    let left = change(&[(
        "accounts",
        Edit::Add(json!({"account": other, "primary": true}).to_string()),
    )]);
    assert_eq!(left.incomplete[0].field.as_deref(), Some("accounts"));
    assert_eq!(
        read().accounts[0].account,
        account.id,
        "an addition removes nothing"
    );
    change(&[("accounts", Edit::Clear)]);
    assert_eq!(read().accounts, []);
    change(&[]);
    call(&desk, |it| it.delete_contact(&id)).unwrap();
    for gone in [
        call(&desk, |it| it.delete_contact(&id)).unwrap_err(),
        call(&desk, |it| {
            it.update_contact(&id, patch(&[("title", Edit::Clear)]))
        })
        .unwrap_err(),
        call(&desk, |it| it.get_contact(&id)).map(drop).unwrap_err(),
    ] {
        assert_eq!(gone.reason, Reason::NotFound);
    }
}

#[test]
fn a_job_title_is_left_out_where_there_is_none() {
    let contact = || NewContact {
        full_name: Some("Ann Lee".to_owned()),
        title: Some("Buyer".to_owned()),
        ..NewContact::default()
    };
    let desk = desk();
    let written = call(&desk, |it| it.create_contact(contact())).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("title"));
    desk.crm().contact_sync = true;
    let written = call(&desk, |it| it.create_contact(contact())).unwrap();
    assert_eq!(written.incomplete, []);
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(read.title.as_deref(), Some("Buyer"));
    assert_eq!(
        desk.crm().ids(Kind::Person).len(),
        2,
        "what was refused was not written"
    );
}

#[test]
fn names_that_pipedrive_asks_for_are_there() {
    let desk = desk();
    let of = |contact| call(&desk, |it| it.create_contact(contact));
    let nameless = NewContact {
        emails: vec![ContactPoint::primary("ann@acme.example")],
        ..NewContact::default()
    };
    let written = of(nameless).unwrap();
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(read.full_name.as_deref(), Some("ann@acme.example"));
    let Reason::Invalid(fields) = of(NewContact::default()).unwrap_err().reason else {
        panic!("nobody has no name")
    };
    assert_eq!(fields[0].field.as_deref(), Some("full-name"));
    let empty = patch(&[("name", Edit::Clear)]);
    let refused = call(&desk, |it| it.update_account("1", empty)).unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)));
}

#[test]
fn refusals_are_told_apart() {
    let desk = desk();
    desk.crm().office().lacking = true;
    let error = read(&desk);
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(error.message.contains("contacts:full"), "{}", error.message);
    desk.crm().office().lacking = false;
    desk.crm().shut = true;
    assert_eq!(read(&desk).reason, Reason::RateLimited(None));
    desk.crm().shut = false;
    desk.crm().office().trouble(0, 1, Trouble::Limit);
    assert_eq!(read(&desk).reason, Reason::RateLimited(Some(2_000)));
    desk.crm().office().trouble(0, 1, Trouble::Outage);
    assert_eq!(read(&desk).reason, Reason::Unavailable);
    let spent = desk.crm().spent;
    desk.crm().budget = spent;
    assert_eq!(read(&desk).reason, Reason::RateLimited(Some(2_000)));
    desk.crm().budget = 1_000_000;
    let contact = |owner: &str, account: &str| NewContact {
        full_name: Some("Ann".to_owned()),
        owner: Some(owner.to_owned()),
        accounts: vec![Affiliation::primary(account)],
        ..NewContact::default()
    };
    for (owner, account, field) in [
        ("1", "77", "accounts"),
        ("77", "", "accounts"),
        ("x", "1", "owner"),
    ] {
        let refused = call(&desk, |it| it.create_contact(contact(owner, account))).unwrap_err();
        let Reason::Invalid(fields) = refused.reason else {
            panic!("{refused:?}")
        };
        assert_eq!(fields[0].field.as_deref(), Some(field), "{owner} {account}");
    }
    desk.crm().office().revoked = true;
    let error = read(&desk);
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (Reason::Unauthorized, Some("401"))
    );
}
