//! Contacts and accounts are written.

use brightsync_crms::hubspot::Object;
use brightsync_crms::{Company, Crm as _, Kind, Trouble};
use brightsync_sdk::{
    Affiliation, Connector as _, ContactPoint, Edit, NewAccount, NewContact, Reason,
};

use super::{Hub, fields, patch, person, set};

fn company(hub: &Hub) -> String {
    hub.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    })
}

fn ann(account: &str) -> NewContact {
    NewContact {
        full_name: Some("Ann Mary Lee".to_owned()),
        emails: vec![
            ContactPoint::further("home@x.example"),
            ContactPoint::primary("Ann@Acme.example"),
        ],
        phones: vec![
            ContactPoint::further("+49 30 1"),
            ContactPoint {
                label: Some("Mobile".to_owned()),
                ..ContactPoint::further("+49 170 1")
            },
            ContactPoint::further("+49 30 2"),
        ],
        accounts: vec![Affiliation::primary(account)],
        title: Some("Buyer".to_owned()),
        extra: vec![
            ("vip_tier".to_owned(), "3".to_owned()),
            ("is_vip".to_owned(), "true".to_owned()),
            ("interests".to_owned(), "[\"a\",\"b\"]".to_owned()),
        ],
        ..NewContact::default()
    }
}

#[test]
fn a_contact_is_created_with_its_company_and_what_has_no_room_is_named() {
    let hub = Hub::new();
    let account = company(&hub);
    hub.crm().office.forget();
    let written = hub.call(|it| it.create_contact(ann(&account))).unwrap();
    assert_eq!(fields(&written.incomplete), ["emails", "phones"]);
    assert!(written.url.unwrap().ends_with(&written.id));
    assert_eq!(hub.count("objects"), 1);
    let contact = hub.call(|it| it.get_contact(&written.id)).unwrap();
    assert_eq!(
        (
            contact.given_name.as_deref(),
            contact.family_name.as_deref()
        ),
        (Some("Ann Mary"), Some("Lee"))
    );
    assert_eq!(contact.emails, [ContactPoint::primary("ann@acme.example")]);
    let phones: Vec<&str> = contact.phones.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(phones, ["+49 30 1", "+49 170 1"]);
    assert_eq!(contact.accounts, [Affiliation::primary(account)]);
    let crm = hub.crm();
    let row = crm.row(Object::Contact, &written.id).unwrap();
    assert_eq!(
        (
            row.text("vip_tier"),
            row.text("is_vip"),
            row.text("interests")
        ),
        ("3", "true", "a;b")
    );
}

#[test]
fn a_second_contact_with_an_address_is_a_duplicate_of_the_first() {
    let hub = Hub::new();
    let account = company(&hub);
    let first = hub.call(|it| it.create_contact(ann(&account))).unwrap().id;
    let error = hub.call(|it| it.create_contact(ann(&account))).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(vec![first.clone()]));
    assert_eq!(error.code.as_deref(), Some("CONFLICT"));
    assert!(
        error.message.contains("already exists"),
        "{}",
        error.message
    );
    // By a further address as well, which only HubSpot's sentence tells.
    hub.crm()
        .edit(&first, "hs_additional_emails", "other@acme.example");
    let mut again = ann(&account);
    again.emails = vec![ContactPoint::primary("other@acme.example")];
    let error = hub.call(|it| it.create_contact(again)).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(vec![first.clone()]));
    let other = person(&hub, "Bob", "Lee", "bob@acme.example");
    let edits = patch(&[(
        "emails",
        set(r#"[{"value":"ann@acme.example","primary":true}]"#),
    )]);
    let error = hub.call(|it| it.update_contact(&other, edits)).unwrap_err();
    assert_eq!(error.reason, Reason::Duplicate(vec![first]));
}

#[test]
fn what_hubspot_does_not_accept_is_named_by_the_contracts_field() {
    let hub = Hub::new();
    let contact = NewContact {
        given_name: Some("Ann".to_owned()),
        emails: vec![ContactPoint::primary("not an address")],
        owner: Some("1".to_owned()),
        extra: vec![("no_such".to_owned(), "1".to_owned())],
        ..NewContact::default()
    };
    let error = hub.call(|it| it.create_contact(contact)).unwrap_err();
    let Reason::Invalid(invalid) = error.reason else {
        panic!("{error:?}")
    };
    assert_eq!(fields(&invalid), ["emails", "owner", "extra.no_such"]);
    assert_eq!(invalid[0].code.as_deref(), Some("INVALID_EMAIL"));
    let error = hub
        .call(|it| it.create_contact(NewContact::default()))
        .unwrap_err();
    assert!(matches!(error.reason, Reason::Invalid(_)), "{error:?}");
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let hub = Hub::new();
    let (one, two) = (company(&hub), company(&hub));
    let id = hub.call(|it| it.create_contact(ann(&one))).unwrap().id;
    let edits = patch(&[
        ("title", Edit::Clear),
        ("family-name", set("\"Lee \\\"x\\\" \\\\\"")),
        ("extra.vip_tier", Edit::Clear),
        ("extra.is_vip", set("false")),
        (
            "phones",
            Edit::Remove(r#"{"value":"+49 170 1"}"#.to_owned()),
        ),
        (
            "emails",
            Edit::Add(r#"{"value":"second@x.example"}"#.to_owned()),
        ),
        (
            "accounts",
            Edit::Add(format!(r#"{{"account":"{two}","primary":true}}"#)),
        ),
        ("last-activity-at", set("1")),
    ]);
    let written = hub.call(|it| it.update_contact(&id, edits)).unwrap();
    assert_eq!(fields(&written.incomplete), ["emails", "last-activity-at"]);
    {
        let crm = hub.crm();
        let row = crm.row(Object::Contact, &id).unwrap();
        let texts = ["jobtitle", "vip_tier", "mobilephone"].map(|it| row.text(it));
        assert_eq!(texts, ["", "", ""]);
        assert_eq!(
            (row.text("lastname"), row.text("firstname")),
            ("Lee \"x\" \\", "Ann Mary")
        );
        assert_eq!(
            (row.text("phone"), row.text("email")),
            ("+49 30 1", "ann@acme.example")
        );
    }
    let accounts = hub.call(|it| it.get_contact(&id)).unwrap().accounts;
    let accounts: Vec<(&str, bool)> = accounts
        .iter()
        .map(|it| (it.account.as_str(), it.primary))
        .collect();
    assert_eq!(accounts, [(two.as_str(), true), (&one, false)]);
    let edits = patch(&[("accounts", set(&format!(r#"[{{"account":"{one}"}}]"#)))]);
    hub.call(|it| it.update_contact(&id, edits)).unwrap();
    let accounts = hub.call(|it| it.get_contact(&id)).unwrap().accounts;
    assert_eq!(
        accounts
            .iter()
            .map(|it| it.account.as_str())
            .collect::<Vec<_>>(),
        [one.as_str()]
    );
    let edits = patch(&[(
        "accounts",
        Edit::Remove(format!(r#"{{"account":"{one}"}}"#)),
    )]);
    hub.call(|it| it.update_contact(&id, edits)).unwrap();
    assert_eq!(hub.call(|it| it.get_contact(&id)).unwrap().accounts, []);
    let edits = patch(&[("accounts", Edit::Add(r#"{"account":"424242"}"#.to_owned()))]);
    let written = hub.call(|it| it.update_contact(&id, edits)).unwrap();
    assert_eq!(fields(&written.incomplete), ["accounts"]);
}

#[test]
fn a_new_whole_name_is_split_and_a_cleared_address_is_gone() {
    let hub = Hub::new();
    let id = person(&hub, "Ann", "Lee", "ann@acme.example");
    let edits = patch(&[
        ("full-name", set("\"Ann Mary Ng\"")),
        ("emails", Edit::Clear),
    ]);
    hub.call(|it| it.update_contact(&id, edits)).unwrap();
    let contact = hub.call(|it| it.get_contact(&id)).unwrap();
    assert_eq!(contact.full_name.as_deref(), Some("Ann Mary Ng"));
    assert_eq!(
        (contact.family_name.as_deref(), contact.emails.len()),
        (Some("Ng"), 0)
    );
}

#[test]
fn an_account_keeps_all_of_its_domains() {
    let hub = Hub::new();
    let account = NewAccount {
        domains: ["acme.example", "acme.test", "a.example"]
            .map(str::to_owned)
            .to_vec(),
        extra: vec![("tier".to_owned(), "\"gold\"".to_owned())],
        ..NewAccount::new("Acme")
    };
    let written = hub.call(|it| it.create_account(account)).unwrap();
    assert_eq!(written.incomplete, []);
    let edits = patch(&[
        ("domains", Edit::Remove("\"ACME.example\"".to_owned())),
        ("domains", Edit::Add("\"new.example\"".to_owned())),
        ("name", set("\"Acme * Co\"")),
    ]);
    let written = hub
        .call(|it| it.update_account(&written.id, edits))
        .unwrap();
    assert_eq!(written.incomplete, []);
    let account = hub.call(|it| it.get_account(&written.id)).unwrap();
    assert_eq!(account.name, "Acme * Co");
    assert_eq!(account.domains, ["acme.test", "a.example", "new.example"]);
    let cleared = patch(&[("domains", Edit::Clear)]);
    hub.call(|it| it.update_account(&written.id, cleared))
        .unwrap();
    let account = hub.call(|it| it.get_account(&written.id)).unwrap();
    assert_eq!(account.domains, [] as [String; 0]);
}

#[test]
fn what_is_gone_cannot_be_deleted_or_changed() {
    let hub = Hub::new();
    let (contact, account) = (person(&hub, "Ann", "Lee", ""), company(&hub));
    hub.call(|it| it.delete_contact(&contact)).unwrap();
    hub.call(|it| it.delete_account(&account)).unwrap();
    for kind in [Kind::Person, Kind::Company] {
        assert_eq!(hub.crm().ids(kind), [] as [String; 0]);
    }
    let edits = || patch(&[("title", set("\"x\""))]);
    let errors = [
        hub.call(|it| it.delete_contact(&contact)).unwrap_err(),
        hub.call(|it| it.delete_account(&account)).unwrap_err(),
        hub.call(|it| it.update_contact(&contact, edits()))
            .unwrap_err(),
        hub.call(|it| it.update_contact(&contact, patch(&[])))
            .unwrap_err(),
        hub.call(|it| it.get_contact(&contact)).unwrap_err(),
        hub.call(|it| it.delete_contact("x/y")).unwrap_err(),
        hub.call(|it| it.delete_email("4711")).unwrap_err(),
        hub.call(|it| it.delete_meeting("4711")).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.reason, Reason::NotFound, "{error:?}");
    }
}

#[test]
fn a_write_whose_answer_is_lost_is_in_doubt() {
    let hub = Hub::new();
    hub.crm().office.trouble(0, 1, Trouble::Cut);
    let account = NewAccount::new("Acme");
    let error = hub.call(|it| it.create_account(account)).unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
    assert_eq!(hub.crm().ids(Kind::Company).len(), 1);
}
