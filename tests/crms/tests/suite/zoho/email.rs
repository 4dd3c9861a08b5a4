//! E-mails are logged, found and changed.

use brightsync_crms::zoho::{Ways, Zoho};
use brightsync_crms::{Company, Crm as _, Kind, Trouble};
use brightsync_sdk::{
    Connector as _, Direction, Edit, EmailKey, Extra, NewEmail, Party, Reason, Ref,
};
use serde_json::json;

use super::{assert_sound, call, desk, fields, patch, person, set, with};

fn key(n: i64, about: &[&str]) -> EmailKey {
    EmailKey {
        key: format!("k{n}"),
        message_id: Some(format!("{n}@x.example")),
        sent_at: brightsync_crms::START - n * 60_000 + 250,
        subject: format!("Offer {n}"),
        sender: "me@office.example".to_owned(),
        about: about.iter().map(|it| Ref::contact(*it)).collect(),
    }
}

fn email(key: EmailKey) -> NewEmail {
    NewEmail {
        key,
        thread: None,
        direction: Direction::Outgoing,
        sender: Party::new("me@office.example"),
        to: vec![Party::new("zoe@x.example"), Party::default()],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

#[test]
fn an_email_is_logged_with_every_record_in_either_form_and_found_again() {
    for list in ["Emails", "data"] {
        let mut crm = with(Ways {
            email_list: list,
            ..Ways::default()
        });
        let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
        let acme = crm.add_company(&Company {
            name: "Acme".to_owned(),
            ..Company::default()
        });
        let desk = desk(crm);
        let mut about = key(0, &[&zoe]);
        about.about.extend([
            Ref::new("account", &acme),
            Ref::new("lead", "7"),
            Ref::contact("5725767000099999999"),
        ]);
        let written = call(&desk, |it| it.create_email(email(about.clone()))).unwrap();
        assert!(
            written.id.starts_with(&format!("Contacts/{zoe}/39c17f")),
            "{}",
            written.id
        );
        assert_eq!(written.also_created.len(), 1);
        assert!(
            written.also_created[0]
                .id
                .starts_with(&format!("Accounts/{acme}/"))
        );
        let lost: Vec<_> = written
            .incomplete
            .iter()
            .filter_map(|it| it.field.as_deref())
            .collect();
        assert_eq!(lost, ["to", "about", "about"]);
        assert!(
            written
                .url
                .unwrap()
                .ends_with(&format!("/tab/Contacts/{zoe}"))
        );
        for n in 1..25 {
            call(&desk, |it| it.create_email(email(key(n, &[&zoe])))).unwrap();
        }
        assert_eq!(
            call(&desk, |it| it.find_email(key(24, &[&zoe])))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            call(&desk, |it| it.find_email(about.clone()))
                .unwrap()
                .len(),
            2
        );
        for other in [
            key(25, &[&zoe]),
            key(0, &["5725767000099999999"]),
            key(0, &[]),
            EmailKey {
                subject: "Another".to_owned(),
                ..key(3, &[&zoe])
            },
        ] {
            assert_eq!(
                call(&desk, |it| it.find_email(other)).unwrap(),
                Vec::<String>::new()
            );
        }
        let error = call(&desk, |it| it.create_email(email(key(3, &[&zoe])))).unwrap_err();
        let Reason::Duplicate(existing) = error.reason else {
            panic!("{error:?}")
        };
        assert_eq!(
            existing,
            call(&desk, |it| it.find_email(key(3, &[&zoe]))).unwrap()
        );
        // The form that Zoho takes is tried once.
        let refused = desk
            .crm()
            .office()
            .seen()
            .iter()
            .filter(|it| {
                it.status == 400
                    && it.path.ends_with("associate_email")
                    && !it.body.contains("\"3@x.example\"")
            })
            .count();
        let expected = if list == "data" { 27 } else { 1 };
        assert!(refused <= expected, "{refused}");
        assert_sound(&desk);
    }
}

#[test]
fn an_email_without_a_record_is_refused_and_one_of_others_needs_an_administrator() {
    let mut crm = with(Ways {
        administrator: false,
        ..Ways::default()
    });
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let me = crm.me();
    let desk = desk(crm);
    let error = call(&desk, |it| it.create_email(email(key(0, &[])))).unwrap_err();
    assert_eq!(fields(&error), ["about"]);
    let error = call(&desk, |it| {
        it.create_email(email(key(0, &["5725767000099999999"])))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["about"]);
    let long = NewEmail {
        owner: Some(me),
        text: Some("x".repeat(40_000)),
        to: Vec::new(),
        ..email(key(0, &[&zoe]))
    };
    let written = call(&desk, |it| it.create_email(long)).unwrap();
    let lost: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(lost, ["text", "owner"]);
    // A record that does not exist stands in nobody's way.
    let some = key(2, &["5725767000099999999", &zoe]);
    let written = call(&desk, |it| it.create_email(email(some))).unwrap();
    assert!(written.id.starts_with(&format!("Contacts/{zoe}/")));
    assert_eq!(written.incomplete[1].field.as_deref(), Some("about"));
    // The answer is lost, and the e-mail is found.
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let found = call(&desk, |it| it.create_email(email(key(1, &[&zoe])))).unwrap();
    assert!(found.id.starts_with("Contacts/"));
    assert_eq!(desk.crm().ids(Kind::Email).len(), 3);
    assert_sound(&desk);
}

#[test]
fn a_changed_email_is_a_note_that_is_changed_again() {
    let mut crm = Zoho::with_token("good");
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let bo = crm.add_person(&person("Bo", "B", "bo@x.example"));
    let desk = desk(crm);
    let id = call(&desk, |it| it.create_email(email(key(0, &[&zoe]))))
        .unwrap()
        .id;
    let first = patch(&[
        ("subject", set(json!("Offer\nTwo"))),
        (
            "to",
            Edit::Add(json!({"address": "bo@x.example"}).to_string()),
        ),
        ("thread", set(json!("t"))),
    ]);
    let written = call(&desk, |it| it.update_email(&id, first)).unwrap();
    assert_eq!(
        (written.id.as_str(), written.also_created.len()),
        (id.as_str(), 1)
    );
    assert_eq!(written.incomplete[0].field.as_deref(), Some("thread"));
    let second = patch(&[
        (
            "to",
            Edit::Remove(json!({"address": "ZOE@x.example"}).to_string()),
        ),
        ("text", set(json!("Hello again"))),
        (
            "about",
            Edit::Add(json!({"kind": "contact", "id": bo}).to_string()),
        ),
        (
            "about",
            Edit::Remove(json!({"kind": "contact", "id": zoe}).to_string()),
        ),
    ]);
    let written = call(&desk, |it| it.update_email(&id, second.clone())).unwrap();
    assert_eq!(written.also_created.len(), 1);
    assert_eq!(written.incomplete[0].field.as_deref(), Some("about"));
    let written = call(&desk, |it| it.update_email(&id, second)).unwrap();
    assert_eq!(written.also_created, []);
    let logged = desk.crm().logged(Kind::Email);
    assert_eq!(logged.len(), 3);
    assert_eq!(
        (logged[1].about[0].as_str(), logged[2].about[0].as_str()),
        (zoe.as_str(), bo.as_str())
    );
    for note in &logged[1..] {
        assert_eq!(
            note.body,
            "Subject: Offer Two\nFrom: me@office.example\nTo: bo@x.example\nDate: 2026-01-15T10:00:00+00:00\n\nHello again"
        );
    }
    let changed = EmailKey {
        subject: "Offer Two".to_owned(),
        ..key(0, &[&zoe])
    };
    assert_eq!(
        call(&desk, |it| it.find_email(changed)).unwrap(),
        std::slice::from_ref(&id)
    );
    let gone = id.replace("39c17f", "000000");
    let error = call(&desk, |it| it.update_email(&gone, patch(&[]))).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    let error = call(&desk, |it| it.delete_email(&id)).unwrap_err();
    assert_eq!(error.reason, Reason::Unsupported);
    assert_sound(&desk);
}
