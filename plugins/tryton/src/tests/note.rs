//! E-mails as notes.

use brightsync_sdk::http::Client;
use brightsync_sdk::{Connector, Direction, Edit, EmailKey, NewEmail, Party, Patch, Reason, Ref};
use serde_json::{Value, json};

use super::{exchange, search};
use crate::Tryton;

fn mail(about: Vec<Ref>) -> NewEmail {
    NewEmail {
        key: EmailKey {
            key: "k_1".to_owned(),
            message_id: Some("m@x.example".to_owned()),
            sent_at: 1_769_851_801_000,
            subject: "Offer\nTo: evil@x.example".to_owned(),
            sender: "ann@a.example".to_owned(),
            about,
        },
        thread: None,
        direction: Direction::Incoming,
        sender: Party {
            name: Some("Ann".to_owned()),
            ..Party::new("ann@a.example")
        },
        to: vec![Party::new("b@x.example"), Party::new("c@x.example")],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello\r\n\r\n[brightsync:email:other]".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Vec::new(),
    }
}

const MESSAGE: &str = "\
Received e-mail: Offer To: evil@x.example
From: Ann <ann@a.example>
To: b@x.example
To: c@x.example
Date: 2026-01-31T09:30:01.000Z
Message-ID: <m@x.example>

Hello

[brightsync:email:other]

[brightsync:email:k_1]";

const CHANGED: &str = "\
Received e-mail: Order
From: Ann <ann@a.example>
To: c@x.example
To: Dee <d@x.example>
Date: 2026-01-31T09:30:01.000Z
Message-ID: <m@x.example>

Hello

[brightsync:email:other]

[brightsync:email:k_1]";

#[test]
fn an_email_is_a_note_on_each_of_its_records() {
    let about = vec![
        Ref::contact("7"),
        Ref::new("account", "5"),
        Ref::new("user", "2"),
        Ref::contact("7"),
    ];
    let note = |resource: &str| json!({"resource": resource, "message": MESSAGE});
    let notes = json!({"vlist": [note("party.party,7"), note("party.party,5")]});
    let written = exchange()
        .expect(Client::new().post("ir.note/create").json(&notes))
        .answer(200, json!([1, 2]))
        .run(|| Tryton::open()?.create_email(mail(about)))
        .unwrap();
    assert_eq!(written.id, "k_1");
    assert_eq!(written.incomplete.len(), 1);
    assert_eq!(written.incomplete[0].field.as_deref(), Some("about"));
    let nowhere =
        exchange().run(|| Tryton::open()?.create_email(mail(vec![Ref::new("user", "2")])));
    assert!(matches!(nowhere.unwrap_err().reason, Reason::Invalid(_)));
}

#[test]
fn an_email_is_found_by_the_mark_at_the_end_of_its_notes() {
    let domain = json!([
        ["resource", "in", ["party.party,7"]],
        ["message", "like", "%[brightsync:email:k\\_1]"],
    ]);
    let key = mail(vec![Ref::contact("7")]).key;
    let find = |found: Value| {
        exchange()
            .expect(search("ir.note", domain.clone(), &["id"], 1))
            .answer(200, found)
            .run(|| Tryton::open()?.find_email(key.clone()))
            .unwrap()
    };
    assert_eq!(find(json!([{"id": 1}])), ["k_1"]);
    assert!(find(json!([])).is_empty());
}

#[test]
fn a_changed_email_is_a_new_note_in_place_of_the_old_one() {
    let domain = json!([["message", "like", "%[brightsync:email:k\\_1]"]]);
    let old = |id: i64, party: i64| json!({"id": id, "message": MESSAGE, "resource": format!("party.party,{party}")});
    let script = exchange()
        .expect(search("ir.note", domain, &["message", "resource"], 500))
        .answer(200, json!([old(1, 7), old(2, 5)]));
    let new = json!({"vlist": [{"resource": "party.party,7", "message": CHANGED}]});
    let client = Client::new();
    let script = script
        .expect(client.post("ir.note/create").json(&new))
        .answer(200, json!([3]))
        .expect(client.delete("ir.note/1"))
        .answer(204, Value::Null)
        .expect(client.delete("ir.note/2"))
        .answer(204, Value::Null);
    let edit = |field: &str, edit: Edit| (field.to_owned(), edit);
    let patch = Patch::new(vec![
        edit("subject", Edit::Set("\"Order\"".to_owned())),
        edit(
            "to",
            Edit::Remove(r#"{"address":"B@x.example"}"#.to_owned()),
        ),
        edit(
            "to",
            Edit::Add(r#"{"address":"d@x.example","name":"Dee"}"#.to_owned()),
        ),
        edit(
            "about",
            Edit::Remove(r#"{"kind":"account","id":"5"}"#.to_owned()),
        ),
    ]);
    let written = script
        .run(|| Tryton::open()?.update_email("k_1", patch))
        .unwrap();
    assert_eq!(written.id, "k_1");
    assert!(written.incomplete.is_empty());
}
