//! E-mails that are logged as e-mail messages.

use brightsync_crms::{Crm as _, Kind, Trouble};
use brightsync_sdk::{Connector as _, Edit, Party, Ref};
use serde_json::json;

use super::log::{edits, email};
use super::{add, call, desk};

#[test]
fn an_email_message_keeps_everything_and_changes_little() {
    let desk = desk().setting("email-as", "email-message");
    let account = desk.crm().put("Account", json!({"Name": "Acme"}));
    let people = ["a", "b", "c"].map(|it| add(&desk, it, None));
    let mut mail = email(&[&account, &people[0], &people[2]], &desk);
    mail.sender.link = Some(Ref::contact(people[0].as_str()));
    mail.to.push(Party {
        link: Some(Ref::contact(people[1].as_str())),
        ..Party::new("b@a.example")
    });
    let key = mail.key.clone();
    let written = call(&desk, |it| it.create_email(mail)).unwrap();
    assert_eq!(written.incomplete, []);
    let kept = desk.crm().fields(&written.id);
    assert_eq!(
        (&kept["Status"], &kept["Incoming"]),
        (&json!("3"), &json!(true))
    );
    assert_eq!(kept["MessageIdentifier"], "<1@a.example>");
    assert_eq!(
        (&kept["ToAddress"], &kept["ToIds"]),
        (&json!("ada@brightsync.example"), &json!([people[1]]))
    );
    let about = desk.crm().logged(Kind::Email)[0].about.clone();
    assert_eq!(about, [account, people[0].clone(), people[2].clone()]);
    assert_eq!(
        call(&desk, |it| it.find_email(key)).unwrap(),
        std::slice::from_ref(&written.id)
    );

    let other = desk.crm().put("Account", json!({"Name": "Other"}));
    let patch = edits(&[
        (
            "about",
            Edit::Set(json!([{"kind": "account", "id": other}]).to_string()),
        ),
        ("subject", Edit::Set("\"x\"".to_owned())),
    ]);
    let changed = call(&desk, |it| it.update_email(&written.id, patch)).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("subject"));
    assert_eq!(desk.crm().fields(&written.id)["RelatedToId"], json!(other));
    call(&desk, |it| it.delete_email(&written.id)).unwrap();
}

#[test]
fn a_person_who_cannot_be_linked_with_a_message_is_named() {
    let desk = desk().setting("email-as", "email-message");
    let gone = add(&desk, "x", None);
    desk.crm().remove(Kind::Person, &gone);
    let written = call(&desk, |it| it.create_email(email(&[&gone], &desk))).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("about"));
    assert_eq!(written.incomplete[0].reason, "invalid cross reference id");
}

#[test]
fn a_message_is_logged_whatever_has_no_room_in_it() {
    let desk = desk().setting("email-as", "email-message");
    let ann = add(&desk, "Ann", None);
    let mut mail = email(&[&ann], &desk);
    mail.cc = (0..300)
        .map(|it| Party::new(format!("{it}@a-long-domain.example")))
        .collect();
    mail.html = Some("x".repeat(200_000));
    mail.owner = Some(desk.crm().me());
    mail.sender.address = Some("MAILER-DAEMON".to_owned());
    // The e-mail is written, and then a limit is hit.
    desk.crm().office().trouble(1, 9, Trouble::Limit);
    let written = call(&desk, |it| it.create_email(mail)).unwrap();
    let left = written.incomplete.iter().map(|it| it.field.as_deref());
    let left: Vec<&str> = left.map(Option::unwrap_or_default).collect();
    assert_eq!(left, ["html", "sender", "owner", "cc", "about"]);
    let kept = desk.crm().fields(&written.id);
    assert!(kept["CcAddress"].as_str().unwrap().starts_with("0@a-long"));
}
