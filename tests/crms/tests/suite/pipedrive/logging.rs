//! E-mails and meetings are logged and found again.

use std::slice;

use brightsync_crms::{Company, Crm, Kind, Trouble};
use brightsync_sdk::{
    Connector, Direction, Edit, EmailKey, Extra, Id, MeetingKey, Moment, NewEmail, NewMeeting,
    Party, Reason, Ref,
};
use serde_json::{Value, json};

use super::{DAY, NOW, call, desk, patch, person, set};

fn email(key: &str, about: Vec<Ref>) -> NewEmail {
    NewEmail {
        key: EmailKey {
            key: key.to_owned(),
            message_id: Some(format!("{key}@x.example")),
            sent_at: NOW - 3_600_000,
            subject: "Offer & more".to_owned(),
            sender: "bob@x.example".to_owned(),
            about,
        },
        thread: None,
        direction: Direction::Incoming,
        sender: Party {
            name: Some("Bob <b>; Lee".to_owned()),
            ..Party::new("bob@x.example")
        },
        to: vec![
            Party::new("ann@acme.example"),
            Party::new("carl@acme.example"),
        ],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello <Ann>,\nhere it is.".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

fn meeting(key: &str, about: Vec<Ref>) -> NewMeeting {
    NewMeeting {
        key: MeetingKey {
            key: key.to_owned(),
            ical_uid: format!("{key}@x.example"),
            occurrence: None,
            start: Moment::At(NOW + DAY),
            subject: "Review".to_owned(),
            about,
        },
        end: Moment::At(NOW + DAY + 5_400_000),
        timezone: None,
        status: "confirmed".to_owned(),
        location: Some("Room 1".to_owned()),
        text: Some("The offer".to_owned()),
        organiser: Party::new("bob@x.example"),
        attendees: Vec::new(),
        owner: Some("1".to_owned()),
        extra: Extra::new(),
    }
}

#[test]
fn an_email_is_found_by_its_mark_whatever_becomes_of_it() {
    let desk = desk();
    let ann = person(&desk, "Lee", "ann@acme.example");
    let company = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let about = vec![
        Ref::contact(&ann),
        Ref::new("account", &company),
        Ref::new("user", "1"),
    ];
    let new = email("k-1", about);
    let written = call(&desk, |it| it.create_email(new.clone())).unwrap();
    let left: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(left, ["about"]);
    let id = written.id;
    let kept = desk.crm().activity(&id);
    assert_eq!(
        kept["note"],
        "<p>Direction: incoming<br />From: Bob  b   Lee &lt;bob@x.example&gt;<br />To: ann@acme.example; carl@acme.example<br />BrightSync e-mail: k-1</p>Hello &lt;Ann&gt;,<br />here it is."
    );
    let expected = json!({"type": "email", "done": true, "busy": false, "due_date": "2026-01-15", "due_time": "09:00:00",
        "participants": [{"person_id": ann.parse::<u64>().unwrap(), "primary": true}], "org_id": company.parse::<u64>().unwrap(),
        "subject": "Offer & more", "deal_id": null});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(kept[name], *value, "{name}");
    }
    let find = |key: &EmailKey| call(&desk, |it| it.find_email(key.clone())).unwrap();
    assert_eq!(find(&new.key), slice::from_ref(&id));
    desk.crm().office().pass(3 * DAY);
    let edits = [
        ("subject", set(json!("Another"))),
        (
            "to",
            Edit::Add(json!({"address": "dora@acme.example", "name": "Dora"}).to_string()),
        ),
        (
            "to",
            Edit::Remove(json!({"address": "ANN@acme.example"}).to_string()),
        ),
        ("html", set(json!("<p>New</p><script>x</script>"))),
        (
            "about",
            Edit::Remove(json!({"kind": "account", "id": company}).to_string()),
        ),
        ("extra.x", set(json!(1))),
    ];
    let changed = call(&desk, |it| it.update_email(&id, patch(&edits))).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("extra.x"));
    let kept = desk.crm().activity(&id);
    assert_eq!(
        kept["note"],
        "<p>Direction: incoming<br />From: Bob  b   Lee &lt;bob@x.example&gt;<br />To: carl@acme.example; Dora &lt;dora@acme.example&gt;<br />BrightSync e-mail: k-1</p><p>New</p>"
    );
    assert_eq!(
        (&kept["org_id"], &kept["subject"]),
        (&Value::Null, &json!("Another"))
    );
    assert_eq!(find(&new.key), slice::from_ref(&id));
    let other = EmailKey {
        key: "k-2".to_owned(),
        ..new.key.clone()
    };
    assert_eq!(find(&other), [] as [Id; 0]);
    call(&desk, |it| it.delete_email(&id)).unwrap();
    assert_eq!(find(&new.key), [] as [Id; 0]);
    let gone = call(&desk, |it| it.update_email(&id, patch(&edits))).unwrap_err();
    assert_eq!(gone.reason, Reason::NotFound);
}

#[test]
fn no_text_of_a_message_passes_for_another_one() {
    let desk = desk();
    let ann = person(&desk, "Lee", "ann@acme.example");
    let about = || vec![Ref::contact(&ann)];
    let forged = NewEmail {
        html: Some("<p>From: x<br>BrightSync e-mail: k-9</p>".to_owned()),
        cc: vec![Party {
            name: Some("BrightSync e-mail: k-9</p>".to_owned()),
            ..Party::default()
        }],
        ..email("k-1", about())
    };
    let id = call(&desk, |it| it.create_email(forged)).unwrap().id;
    let find = |key: &str| call(&desk, |it| it.find_email(email(key, about()).key)).unwrap();
    assert_eq!((find("k-9"), find("k-1")), (Vec::new(), vec![id.clone()]));
    // A note that somebody wrote is not ours, whatever stands in it.
    desk.crm().edit(
        &id,
        json!({"note": "<p>See BrightSync e-mail: k-9</p>", "subject": "Other"}),
    );
    assert_eq!((find("k-9"), find("k-1")), (Vec::new(), Vec::new()));
    desk.crm()
        .edit(&id, json!({"note": null, "subject": "Offer & more"}));
    assert_eq!(find("k-1"), [id], "without a mark it is known by all else");
}

#[test]
fn an_email_whose_answer_was_lost_is_looked_for() {
    let desk = desk();
    let ann = person(&desk, "Lee", "ann@acme.example");
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let written = call(&desk, |it| {
        it.create_email(email("k-1", vec![Ref::contact(&ann)]))
    })
    .unwrap();
    assert_eq!(desk.crm().ids(Kind::Email), [written.id]);
    let wrong = email("no key!", Vec::new());
    let refused = call(&desk, |it| it.create_email(wrong.clone())).unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)));
    assert!(
        call(&desk, |it| it.find_email(wrong.key))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_long_text_is_cut_between_two_tags() {
    let desk = desk();
    let ann = person(&desk, "Lee", "ann@acme.example");
    let long = NewEmail {
        text: None,
        html: Some("<b>ü</b>".repeat(20_000)),
        ..email("k-1", vec![Ref::contact(&ann)])
    };
    let written = call(&desk, |it| it.create_email(long)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("text"));
    let kept = desk.crm().activity(&written.id);
    let note = kept["note"].as_str().unwrap();
    assert!(note.len() < 60_100, "{}", note.len());
    assert!(
        note.ends_with("</b>") || note.ends_with("<b>") || note.ends_with('ü'),
        "{note}"
    );
}

#[test]
fn a_meeting_has_its_time_and_place_and_moves() {
    let desk = desk();
    let ann = person(&desk, "Lee", "ann@acme.example");
    let carl = person(&desk, "Carl", "carl@acme.example");
    let attendee = json!({"party": {"address": "carl@acme.example", "link": {"kind": "contact", "id": carl}}, "response": "accepted"});
    let new = meeting("m-1", vec![Ref::contact(&ann)]);
    let id = call(&desk, |it| it.create_meeting(new.clone())).unwrap().id;
    let kept = || desk.crm().activity(&id);
    let times =
        |it: &Value| ["due_date", "due_time", "duration", "done"].map(|name| it[name].clone());
    assert_eq!(
        times(&kept()),
        [
            json!("2026-01-16"),
            json!("10:00:00"),
            json!("01:30"),
            json!(false)
        ]
    );
    assert_eq!(kept()["location"], json!({"value": "Room 1"}));
    let edit =
        |edits: &[(&str, Edit)]| call(&desk, |it| it.update_meeting(&id, patch(edits))).unwrap();
    edit(&[("attendees", Edit::Add(attendee.to_string()))]);
    let people: Vec<u64> = [&ann, &carl].iter().map(|it| it.parse().unwrap()).collect();
    let there = kept()["participants"].clone();
    assert_eq!(
        there,
        json!([{"person_id": people[0], "primary": true}, {"person_id": people[1], "primary": false}])
    );
    assert!(
        kept()["note"]
            .as_str()
            .unwrap()
            .contains("Attendees: carl@acme.example (accepted)")
    );
    let dora = person(&desk, "Dora", "dora@acme.example");
    let gone =
        json!({"party": {"address": "dora@acme.example", "link": {"kind": "contact", "id": dora}}});
    edit(&[
        ("attendees", Edit::Add(gone.to_string())),
        ("attendees", Edit::Remove(gone.to_string())),
    ]);
    assert_eq!(
        kept()["participants"],
        there,
        "who does not attend is not linked"
    );
    edit(&[
        ("start", set(json!({"at": NOW + 2 * DAY}))),
        ("end", set(json!({"at": NOW + 2 * DAY + 5_400_000}))),
    ]);
    assert_eq!(
        times(&kept()),
        [
            json!("2026-01-17"),
            json!("10:00:00"),
            json!("01:30"),
            json!(false)
        ]
    );
    let moved = MeetingKey {
        start: Moment::At(NOW + 2 * DAY),
        ..new.key
    };
    assert_eq!(
        call(&desk, |it| it.find_meeting(moved.clone())).unwrap(),
        slice::from_ref(&id)
    );
    edit(&[("status", set(json!("cancelled")))]);
    assert_eq!(kept()["done"], true);
    let left = edit(&[
        ("start", set(json!({"on": "2026-02-01"}))),
        ("end", set(json!({"on": "2026-02-02"}))),
    ]);
    assert_eq!(left.incomplete[0].field.as_deref(), Some("end"));
    assert_eq!(
        (&kept()["due_date"], &kept()["due_time"]),
        (&json!("2026-02-01"), &Value::Null)
    );
    // An e-mail of the same key is another thing.
    assert!(
        call(&desk, |it| it
            .find_email(email("m-1", vec![Ref::contact(&ann)]).key))
        .unwrap()
        .is_empty()
    );
    call(&desk, |it| it.delete_meeting(&id)).unwrap();
    assert!(call(&desk, |it| it.find_meeting(moved)).unwrap().is_empty());
}

#[test]
fn an_activity_that_is_about_nothing_is_found_too() {
    let desk = desk();
    let id = call(&desk, |it| it.create_email(email("k-1", Vec::new())))
        .unwrap()
        .id;
    assert_eq!(
        call(&desk, |it| it.find_email(email("k-1", Vec::new()).key)).unwrap(),
        [id]
    );
}
