//! E-mails and meetings are logged, found again and changed.

use brightsync_crms::hubspot::Object;
use brightsync_crms::{Company, Crm as _, Deal, Kind, Outcome, START};
use brightsync_sdk::{
    Attachment, Attendee, Connector as _, Direction, Edit, EmailKey, Extra, MeetingKey, Moment,
    NewEmail, NewMeeting, Party, Reason, Ref,
};
use serde_json::{Value, json};

use super::{Hub, fields, patch, person, set};

/// What there is to be linked with: a contact, an account and an opportunity.
fn about(hub: &Hub) -> Vec<Ref> {
    let contact = person(hub, "Ann", "Lee", "");
    let company = hub.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let deal = hub.crm().add_deal(&Deal {
        name: "Offer".to_owned(),
        company: None,
        person: None,
        amount: "1".to_owned(),
        outcome: Outcome::Open,
    });
    vec![
        Ref::contact(contact),
        Ref::new("account", company),
        Ref::new("opportunity", deal),
    ]
}

fn email(about: Vec<Ref>) -> NewEmail {
    NewEmail {
        key: EmailKey {
            key: "k-1".to_owned(),
            message_id: Some("1@acme.example".to_owned()),
            sent_at: START + 123,
            subject: "Offer \"x\" * \\".to_owned(),
            sender: "Ann@acme.example".to_owned(),
            about,
        },
        thread: None,
        direction: Direction::Incoming,
        sender: Party {
            name: Some("Ann Mary Lee".to_owned()),
            ..Party::new("ann@acme.example")
        },
        to: vec![
            Party::new("ada@our.example"),
            Party {
                name: Some("Nobody".to_owned()),
                ..Party::default()
            },
        ],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello".to_owned()),
        html: Some("<p>Hello</p>".to_owned()),
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

fn headers(hub: &Hub, id: &str) -> Value {
    let crm = hub.crm();
    serde_json::from_str(crm.row(Object::Email, id).unwrap().text("hs_email_headers")).unwrap()
}

#[test]
fn an_email_is_logged_in_one_request_with_all_that_it_is_about() {
    let hub = Hub::new();
    let about = about(&hub);
    hub.crm().office.forget();
    let new = NewEmail {
        attachments: vec![Attachment {
            name: "a.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            size: 1,
            content: None,
        }],
        ..email(
            [
                about.clone(),
                vec![Ref::new("case", "1"), Ref::contact("no id")],
            ]
            .concat(),
        )
    };
    let written = hub.call(|it| it.create_email(new)).unwrap();
    assert_eq!(
        fields(&written.incomplete),
        ["to", "attachments", "about", "about"]
    );
    assert_eq!(hub.count("objects"), 1);
    let [logged] = &hub.crm().logged(Kind::Email)[..] else {
        panic!()
    };
    assert_eq!(logged.subject, "Offer \"x\" * \\");
    let ids: Vec<&str> = about.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(logged.about, ids);
    let crm = hub.crm();
    let row = crm.row(Object::Email, &written.id).unwrap();
    assert_eq!(
        (row.text("hs_email_direction"), row.text("hs_email_status")),
        ("INCOMING_EMAIL", "SENT")
    );
    assert_eq!(row.text("hs_timestamp"), "2026-01-15T10:00:00.123Z");
    let ann = json!({"email": "ann@acme.example", "firstName": "Ann Mary", "lastName": "Lee"});
    let sent: Value = serde_json::from_str(row.text("hs_email_headers")).unwrap();
    assert_eq!(
        sent,
        json!({"from": ann, "sender": ann, "to": [{"email": "ada@our.example"}], "cc": [], "bcc": []})
    );
}

#[test]
fn a_long_body_is_cut_and_that_is_said() {
    let hub = Hub::new();
    let new = NewEmail {
        text: Some("🦀".repeat(500_000)),
        ..email(Vec::new())
    };
    let written = hub.call(|it| it.create_email(new)).unwrap();
    assert!(fields(&written.incomplete).contains(&"text"));
    let crm = hub.crm();
    assert_eq!(
        crm.row(Object::Email, &written.id)
            .unwrap()
            .text("hs_email_text")
            .chars()
            .count(),
        32_768
    );
}

#[test]
fn an_email_is_found_by_its_key_by_its_message_id_and_else_by_time_subject_and_sender() {
    let hub = Hub::new();
    let id = hub
        .call(|it| it.create_email(email(Vec::new())))
        .unwrap()
        .id;
    let key = email(Vec::new()).key;
    let find = |key: EmailKey| hub.call(|it| it.find_email(key)).unwrap();
    assert_eq!(find(key.clone()), std::slice::from_ref(&id));
    assert_eq!(
        find(EmailKey {
            sent_at: 0,
            subject: String::new(),
            ..key.clone()
        }),
        [id]
    );
    // The same instant and subject under another key is another message.
    let other = EmailKey {
        key: "k-2".to_owned(),
        message_id: None,
        ..key.clone()
    };
    assert_eq!(find(other.clone()), [] as [String; 0]);
    let fields = |key: &EmailKey, from: &str, id: &str| {
        hub.crm().put(
            Object::Email,
            &[
                ("hs_timestamp", "2026-01-15T10:00:00.123Z"),
                ("hs_email_subject", &key.subject),
                ("hs_email_from_email", from),
                ("hs_email_message_id", id),
            ],
        )
    };
    let mailbox = fields(&key, "someone@else.example", "<9@acme.example>");
    let plain = fields(&key, "ann@acme.example", "");
    fields(&key, "someone@else.example", "");
    let by_id = EmailKey {
        message_id: Some("9@acme.example".to_owned()),
        sent_at: 0,
        ..other.clone()
    };
    assert_eq!(find(by_id), [mailbox]);
    assert_eq!(find(other), [plain]);
}

#[test]
fn whatever_is_in_a_key_finds_no_other_message() {
    let hub = Hub::new();
    hub.call(|it| it.create_email(email(Vec::new()))).unwrap();
    for odd in ["\"", "*", "\\", "a b", "\u{1}", "ü", "", "'; --", "{}"] {
        let key = EmailKey {
            key: "other".to_owned(),
            message_id: Some(odd.to_owned()).filter(|it| !it.is_empty()),
            sent_at: i64::MIN,
            subject: odd.to_owned(),
            sender: odd.to_owned(),
            about: Vec::new(),
        };
        assert_eq!(
            hub.call(|it| it.find_email(key)).unwrap(),
            [] as [String; 0],
            "{odd:?}"
        );
    }
    let key = EmailKey {
        message_id: Some("x".repeat(1_000_000)),
        ..email(Vec::new()).key
    };
    assert_eq!(hub.call(|it| it.find_email(key)).unwrap().len(), 1);
}

#[test]
fn a_hubspot_that_does_not_keep_the_key_gets_the_email_all_the_same() {
    let hub = Hub::new();
    hub.crm().read_only.push("hs_engagement_source_id");
    let about = about(&hub);
    let id = hub.call(|it| it.create_email(email(about))).unwrap().id;
    assert_eq!(hub.crm().logged(Kind::Email)[0].about.len(), 3);
    let key = email(Vec::new()).key;
    assert_eq!(hub.call(|it| it.find_email(key.clone())).unwrap(), [id]);
    let other = EmailKey {
        sender: "x@y.example".to_owned(),
        ..key
    };
    assert_eq!(
        hub.call(|it| it.find_email(other)).unwrap(),
        [] as [String; 0]
    );
}

#[test]
fn an_email_is_changed_by_additions_and_removals() {
    let hub = Hub::new();
    let about = about(&hub);
    let id = hub
        .call(|it| it.create_email(email(about[..1].to_vec())))
        .unwrap()
        .id;
    let party = |address: &str| json!({ "address": address }).to_string();
    let one = |it: &Ref| json!({ "kind": it.kind, "id": it.id }).to_string();
    let edits = patch(&[
        ("to", Edit::Add(party("bob@our.example"))),
        ("to", Edit::Remove(party("ADA@our.example"))),
        ("cc", Edit::Add(party("cid@our.example"))),
        ("subject", set("\"Re: Offer\"")),
        ("html", Edit::Clear),
        ("about", Edit::Add(one(&about[2]))),
        ("about", Edit::Remove(one(&about[0]))),
        ("thread", set("\"t\"")),
    ]);
    let written = hub.call(|it| it.update_email(&id, edits)).unwrap();
    assert_eq!(fields(&written.incomplete), ["thread"]);
    let now = headers(&hub, &id);
    assert_eq!(now["to"], json!([{ "email": "bob@our.example" }]));
    assert_eq!(now["cc"], json!([{ "email": "cid@our.example" }]));
    assert_eq!(now["from"]["lastName"], "Lee");
    let [logged] = &hub.crm().logged(Kind::Email)[..] else {
        panic!()
    };
    assert_eq!(
        (logged.subject.as_str(), logged.body.as_str()),
        ("Re: Offer", "Hello")
    );
    assert_eq!(logged.about, [about[2].id.clone()]);
    let edits = patch(&[("about", set(&format!("[{}]", one(&about[1]))))]);
    hub.call(|it| it.update_email(&id, edits)).unwrap();
    assert_eq!(
        hub.crm().logged(Kind::Email)[0].about,
        [about[1].id.clone()]
    );
    hub.call(|it| it.delete_email(&id)).unwrap();
    assert_eq!(
        hub.call(|it| it.delete_email(&id)).unwrap_err().reason,
        Reason::NotFound
    );
}

fn meeting(about: Vec<Ref>, attendees: Vec<Attendee>) -> NewMeeting {
    NewMeeting {
        key: MeetingKey {
            key: "m-1".to_owned(),
            ical_uid: "u".to_owned(),
            occurrence: None,
            start: Moment::At(START + 3_600_000),
            subject: "Review".to_owned(),
            about,
        },
        end: Moment::At(START + 7_200_000),
        timezone: None,
        status: "confirmed".to_owned(),
        location: Some("Room 1".to_owned()),
        text: Some("Agenda".to_owned()),
        organiser: Party::new("ada@our.example"),
        attendees,
        owner: None,
        extra: Extra::new(),
    }
}

fn guest(kind: &str, id: &str) -> Attendee {
    let link = Some(Ref::new(kind, id));
    Attendee {
        party: Party {
            link,
            ..Party::default()
        },
        response: None,
        role: None,
    }
}

#[test]
fn a_meeting_is_logged_with_users_and_contacts_who_attend() {
    let hub = Hub::new();
    let (about, me) = (about(&hub), hub.crm().me());
    let bob = person(&hub, "Bob", "Lee", "");
    let stranger = Attendee {
        party: Party::new("x@y.example"),
        response: Some("accepted".to_owned()),
        role: None,
    };
    let new = meeting(
        about.clone(),
        vec![guest("user", &me), guest("contact", &bob), stranger],
    );
    let written = hub.call(|it| it.create_meeting(new)).unwrap();
    let incomplete = fields(&written.incomplete);
    assert_eq!(incomplete, ["attendees", "attendees", "organiser"]);
    let row = |name: &str| {
        let crm = hub.crm();
        crm.row(Object::Meeting, &written.id)
            .unwrap()
            .text(name)
            .to_owned()
    };
    assert_eq!(row("hs_meeting_start_time"), "2026-01-15T11:00:00.000Z");
    assert_eq!(row("hs_timestamp"), row("hs_meeting_start_time"));
    assert_eq!(
        (row("hs_meeting_outcome"), row("hs_attendee_owner_ids")),
        ("SCHEDULED".to_owned(), me.clone())
    );
    assert_eq!(hub.crm().logged(Kind::Meeting)[0].about.len(), 4);

    hub.crm().office.now += 10_000_000;
    let edits = patch(&[
        ("status", set("\"confirmed\"")),
        (
            "attendees",
            Edit::Remove(json!({"party": {"link": {"kind": "contact", "id": bob}}}).to_string()),
        ),
        (
            "attendees",
            Edit::Remove(json!({"party": {"link": {"kind": "user", "id": me}}}).to_string()),
        ),
        ("location", Edit::Clear),
    ]);
    hub.call(|it| it.update_meeting(&written.id, edits))
        .unwrap();
    assert_eq!(
        (row("hs_meeting_outcome"), row("hs_attendee_owner_ids")),
        ("COMPLETED".to_owned(), String::new())
    );
    assert_eq!(row("hs_meeting_location"), "");
    assert_eq!(hub.crm().logged(Kind::Meeting)[0].about.len(), 3);
    let edits = patch(&[
        ("status", set("\"cancelled\"")),
        ("text", set("\"Minutes\"")),
    ]);
    hub.call(|it| it.update_meeting(&written.id, edits))
        .unwrap();
    assert_eq!(
        (row("hs_meeting_outcome"), row("hs_meeting_body")),
        ("CANCELED".to_owned(), "Minutes".to_owned())
    );
    hub.call(|it| it.delete_meeting(&written.id)).unwrap();
    assert!(hub.crm().ids(Kind::Meeting).is_empty());
}

#[test]
fn a_meeting_is_found_by_its_key_or_by_time_and_subject() {
    let hub = Hub::new();
    let id = hub
        .call(|it| it.create_meeting(meeting(Vec::new(), Vec::new())))
        .unwrap()
        .id;
    let key = meeting(Vec::new(), Vec::new()).key;
    let find = |key: MeetingKey| hub.call(|it| it.find_meeting(key)).unwrap();
    assert_eq!(find(key.clone()), std::slice::from_ref(&id));
    assert_eq!(
        find(MeetingKey {
            start: Moment::On("2026-02-01".to_owned()),
            ..key.clone()
        }),
        [id]
    );
    let other = MeetingKey {
        key: "m-2".to_owned(),
        ..key
    };
    assert_eq!(find(other.clone()), [] as [String; 0]);
    let by_hand = hub.crm().put(
        Object::Meeting,
        &[
            ("hs_meeting_title", "Review"),
            ("hs_meeting_start_time", "2026-01-15T11:00:00.000Z"),
        ],
    );
    assert_eq!(find(other), [by_hand]);
}

#[test]
fn a_meeting_of_whole_days_ends_when_its_last_day_does() {
    let hub = Hub::new();
    let mut new = meeting(Vec::new(), Vec::new());
    new.key.start = Moment::On("2026-01-15".to_owned());
    new.end = Moment::On("2026-01-15".to_owned());
    let written = hub.call(|it| it.create_meeting(new)).unwrap();
    assert!(fields(&written.incomplete).contains(&"start"));
    let crm = hub.crm();
    let row = crm.row(Object::Meeting, &written.id).unwrap();
    assert_eq!(row.text("hs_meeting_end_time"), "2026-01-16T00:00:00.000Z");
    assert_eq!(row.text("hs_meeting_outcome"), "SCHEDULED");
}
