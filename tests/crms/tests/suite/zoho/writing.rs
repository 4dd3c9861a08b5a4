//! Records are created, changed and refused.

use brightsync_crms::zoho::{Ways, Zoho};
use brightsync_crms::{Company, Crm as _, Trouble};
use brightsync_sdk::{
    Affiliation, Connector, ContactPoint, Edit, Extra, ForbiddenKind, NewAccount, NewContact,
    Owner, PageRequest, Patch, ReadRequest, Reason, Scope,
};
use serde_json::json;

use super::{assert_sound, call, desk, fields, open, patch, person, set, with};

#[test]
fn a_contact_is_created_changed_and_read_as_it_is() {
    let mut crm = Zoho::with_token("good");
    let company = crm.add_company(&Company {
        name: "Acme".to_owned(),
        domain: Some("acme.example".to_owned()),
        ..Company::default()
    });
    let me = crm.me();
    let desk = desk(crm).wanted("contact", &["Tier", "no such' name"]);
    let phone = |value: &str, label: Option<&str>| ContactPoint {
        label: label.map(str::to_owned),
        ..ContactPoint::further(value)
    };
    let contact = NewContact {
        full_name: Some("Zoë Mary d'Arc".to_owned()),
        emails: ["b@x.example", "c@x.example"]
            .map(ContactPoint::further)
            .into_iter()
            .chain([ContactPoint::primary("a@x.example")])
            .collect(),
        phones: vec![
            phone("1", Some("cell")),
            phone("2", None),
            phone("3", Some("mobile")),
            phone("4", None),
            phone("5", None),
        ],
        accounts: vec![
            Affiliation::primary(company.clone()),
            Affiliation {
                account: "7".to_owned(),
                primary: false,
                role: None,
            },
        ],
        title: Some("Buyer".to_owned()),
        owner: Some(me.clone()),
        extra: vec![("Tier".to_owned(), "\"gold\"".to_owned())],
        ..NewContact::default()
    };
    let written = call(&desk, |it| it.create_contact(contact)).unwrap();
    let lost: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(lost, ["emails", "phones", "accounts"]);
    let url = format!(
        "https://crm.zoho.eu/crm/org{}/tab/Contacts/{}",
        Zoho::NUMBER,
        written.id
    );
    assert_eq!(written.url, Some(url));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    let values = |points: &[ContactPoint]| {
        points
            .iter()
            .map(|it| it.value.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        (values(&read.emails), values(&read.phones)),
        ("a@x.example b@x.example".to_owned(), "2 3 1 4".to_owned())
    );
    assert_eq!(read.full_name.as_deref(), Some("Zoë Mary d'Arc"));
    assert_eq!(
        (read.given_name.as_deref(), read.family_name.as_deref()),
        (Some("Zoë Mary"), Some("d'Arc"))
    );
    assert_eq!(read.accounts, [Affiliation::primary(company)]);
    assert_eq!(
        (read.owner, read.version),
        (Some(me), written.version.clone())
    );
    assert_eq!(
        read.extra,
        Extra::from([("Tier".to_owned(), "\"gold\"".to_owned())])
    );
    assert_eq!(read.modified_at, written.modified_at);

    desk.crm().office().pass(2_000);
    let edits = patch(&[
        (
            "emails",
            Edit::Add(json!({"value": "D@x.example", "primary": true}).to_string()),
        ),
        (
            "emails",
            Edit::Remove(json!({"value": "A@x.example"}).to_string()),
        ),
        ("phones", Edit::Clear),
        ("title", Edit::Clear),
        ("extra.Tier", set(json!("silver"))),
        ("birthday", set(json!("2000-01-01"))),
    ]);
    let edits = Patch {
        if_version: written.version.clone(),
        ..edits
    };
    let changed = call(&desk, |it| it.update_contact(&written.id, edits.clone())).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("birthday"));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(
        (values(&read.emails), read.phones.len(), read.title),
        ("D@x.example b@x.example".to_owned(), 0, None)
    );
    assert_eq!(read.extra[0].1, "\"silver\"");
    assert_eq!(read.accounts.len(), 1);
    // An address that is there stays, where there is no room for one more.
    let full = patch(&[(
        "emails",
        Edit::Add(json!({"value": "e@x.example", "primary": true}).to_string()),
    )]);
    let full = call(&desk, |it| it.update_contact(&written.id, full)).unwrap();
    assert_eq!(full.incomplete[0].field.as_deref(), Some("emails"));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(values(&read.emails), "D@x.example b@x.example");

    let error = call(&desk, |it| it.update_contact(&written.id, edits)).unwrap_err();
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (Reason::Stale, Some("ALREADY_MODIFIED"))
    );
    let nothing = Patch {
        if_version: written.version,
        ..patch(&[("birthday", Edit::Clear)])
    };
    let error = call(&desk, |it| it.update_contact(&written.id, nothing)).unwrap_err();
    assert_eq!(error.reason, Reason::Stale);
    assert_sound(&desk);
}

#[test]
fn an_account_keeps_its_site_unless_it_is_replaced() {
    let desk = open();
    let account = NewAccount {
        domains: vec!["acme.example".to_owned(), "acme.test".to_owned()],
        ..NewAccount::new("Acme")
    };
    let written = call(&desk, |it| it.create_account(account)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("domains"));
    let edit = patch(&[
        ("domains", Edit::Add("\"acme.test\"".to_owned())),
        ("name", set(json!("Acme & Co"))),
    ]);
    let changed = call(&desk, |it| it.update_account(&written.id, edit)).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("domains"));
    let found = call(&desk, |it| {
        it.get_accounts_by_domain("acme.example", PageRequest::first(5))
    })
    .unwrap();
    assert_eq!(
        (found.items[0].name.as_str(), &found.items[0].domains[..]),
        ("Acme & Co", &["acme.example".to_owned()][..])
    );
    call(&desk, |it| it.delete_account(&written.id)).unwrap();
    for end in [
        call(&desk, |it| it.get_account(&written.id)).map(drop),
        call(&desk, |it| it.delete_account(&written.id)),
        call(&desk, |it| {
            it.update_account(&written.id, patch(&[("name", set(json!("x")))]))
        })
        .map(drop),
        call(&desk, |it| {
            it.update_account(&written.id, patch(&[("kind", set(json!("x")))]))
        })
        .map(drop),
    ] {
        assert_eq!(end.unwrap_err().reason, Reason::NotFound);
    }
    assert_sound(&desk);
}

#[test]
fn a_refusal_says_what_follows_from_it() {
    let desk = open();
    let create = |contact: NewContact| call(&desk, |it| it.create_contact(contact)).unwrap_err();
    let ann = || NewContact {
        full_name: Some("Ann Lee".to_owned()),
        ..NewContact::default()
    };
    assert_eq!(fields(&create(NewContact::default())), ["family-name"]);
    let error = create(NewContact {
        owner: Some("5725767000099999999".to_owned()),
        ..ann()
    });
    assert_eq!(
        (fields(&error), error.code.as_deref()),
        (vec!["owner"], Some("INVALID_DATA"))
    );
    let error = create(NewContact {
        accounts: vec![Affiliation::primary("5725767000099999999")],
        ..ann()
    });
    assert_eq!(fields(&error), ["accounts"]);
    let error = create(NewContact {
        emails: vec![ContactPoint::primary("no address")],
        ..ann()
    });
    assert_eq!(fields(&error), ["emails"]);
    let error = create(NewContact {
        family_name: Some("x".repeat(81)),
        ..ann()
    });
    assert_eq!(fields(&error), ["family-name"]);
    assert!(error.message.contains("INVALID_DATA"));
    let error = call(&desk, |it| {
        it.create_account(NewAccount::new("x".repeat(201)))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["name"]);
    let ann = call(&desk, |it| it.create_contact(ann())).unwrap();
    let error = call(&desk, |it| {
        it.update_contact(&ann.id, patch(&[("family-name", Edit::Clear)]))
    })
    .unwrap_err();
    assert_eq!(
        (fields(&error), error.code.as_deref()),
        (vec!["family-name"], Some("MANDATORY_NOT_FOUND"))
    );
    assert_sound(&desk);
    let error = call(&desk, |it| {
        it.update_contact(&ann.id, patch(&[("extra.Nonsense", set(json!(1)))]))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["extra.Nonsense"]);

    desk.crm().office().lacking = true;
    let read = || ReadRequest::first(Owner::Anyone, Scope::All, 5);
    let error = call(&desk, |it| it.get_my_contacts(read())).unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(
        error.message.contains("ZohoCRM.coql.READ"),
        "{}",
        error.message
    );
    desk.crm().office().lacking = false;
    for (trouble, reason) in [
        (Trouble::Limit, Reason::RateLimited(None)),
        (Trouble::Outage, Reason::Unavailable),
        (Trouble::Cut, Reason::Unavailable),
    ] {
        desk.crm().office().trouble(0, 1, trouble);
        let error = call(&desk, |it| it.get_my_contacts(read())).unwrap_err();
        assert_eq!(error.reason, reason);
    }
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let error = call(&desk, |it| it.create_account(NewAccount::new("Lost"))).unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
    desk.crm().office().revoked = true;
    let error = call(&desk, Connector::get_me).unwrap_err();
    assert_eq!(error.reason, Reason::Unauthorized);
}

#[test]
fn a_duplicate_names_what_is_there_even_if_zoho_does_not() {
    for names_duplicates in [true, false] {
        let mut crm = with(Ways {
            unique_address: true,
            names_duplicates,
            ..Ways::default()
        });
        let there = crm.add_person(&person("Ann", "Lee", "ANN@x.example"));
        let desk = desk(crm);
        let contact = NewContact {
            full_name: Some("Ann Other".to_owned()),
            emails: vec![ContactPoint::primary("ann@x.example")],
            ..NewContact::default()
        };
        let error = call(&desk, |it| it.create_contact(contact)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(vec![there]));
        assert_eq!(error.code.as_deref(), Some("DUPLICATE_DATA"));
    }
}
