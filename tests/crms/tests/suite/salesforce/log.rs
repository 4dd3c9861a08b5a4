//! Logged e-mails and meetings.

use brightsync_crms::salesforce::Salesforce;
use brightsync_crms::{Crm as _, Deal, Kind, Outcome};
use brightsync_sdk::{
    Attachment, Attendee, Connector as _, Direction, Edit, EmailKey, Error, Extra, MeetingKey,
    Moment, NewEmail, NewMeeting, Party, Patch, Reason, Ref,
};
use serde_json::{Value, json};

use super::{add, call, desk};
use crate::desk::Desk;

pub(super) fn email(about: &[&str], desk: &Desk<Salesforce>) -> NewEmail {
    let key = EmailKey {
        key: "k1".to_owned(),
        message_id: Some("1@a.example".to_owned()),
        sent_at: desk.crm().office().now + 7_250,
        subject: "Offer: it's 100% 'new'".to_owned(),
        sender: "bob@x.example".to_owned(),
        about: about.iter().map(|id| Ref::new("record", *id)).collect(),
    };
    NewEmail {
        key,
        thread: None,
        direction: Direction::Incoming,
        sender: Party {
            name: Some("Bob; <x>\n".to_owned()),
            ..Party::new("bob@x.example")
        },
        to: vec![Party::new("ada@brightsync.example")],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("From: me\n\nDear Ada".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

fn meeting(start: Moment, end: Moment, about: &[&str]) -> NewMeeting {
    NewMeeting {
        key: MeetingKey {
            key: "m1".to_owned(),
            ical_uid: "1@a.example".to_owned(),
            occurrence: None,
            start,
            subject: "Talk".to_owned(),
            about: about.iter().map(|id| Ref::new("record", *id)).collect(),
        },
        end,
        timezone: Some("Europe/Berlin".to_owned()),
        status: "confirmed".to_owned(),
        location: Some("Bern".to_owned()),
        text: Some("Agenda".to_owned()),
        organiser: Party::new("ada@brightsync.example"),
        attendees: vec![Attendee {
            party: Party::new("ann@a.example"),
            response: Some("accepted".to_owned()),
            role: None,
        }],
        owner: None,
        extra: Extra::new(),
    }
}

pub(super) fn edits(edits: &[(&str, Edit)]) -> Patch {
    Patch::new(
        edits
            .iter()
            .map(|(name, edit)| ((*name).to_owned(), edit.clone()))
            .collect(),
    )
}

fn add_ref(id: &str) -> Edit {
    Edit::Add(json!({"kind": "contact", "id": id}).to_string())
}

fn fields(error: &Error) -> Vec<Option<&str>> {
    match &error.reason {
        Reason::Invalid(fields) => fields.iter().map(|it| it.field.as_deref()).collect(),
        _ => panic!("{error:?}"),
    }
}

#[test]
fn an_email_is_a_task_that_can_be_found_and_changed() {
    let desk = desk();
    let account = desk.crm().put("Account", json!({"Name": "Acme"}));
    let deal = desk.crm().add_deal(&Deal {
        name: "Big".to_owned(),
        company: Some(account.clone()),
        person: None,
        amount: "1".to_owned(),
        outcome: Outcome::Open,
    });
    let (ann, bea) = (add(&desk, "Ann", None), add(&desk, "Bea", None));
    let mail = email(&[&account, &ann, &deal, &bea], &desk);
    let key = mail.key.clone();
    let written = call(&desk, |it| it.create_email(mail)).unwrap();
    // The account comes with the opportunity; the second contact has no room.
    let left: Vec<&str> = written
        .incomplete
        .iter()
        .map(|it| it.reason.as_str())
        .collect();
    assert_eq!(
        left,
        [format!("Salesforce has no room here for record {bea}")]
    );
    let task = desk.crm().fields(&written.id);
    assert_eq!(
        (&task["WhoId"], &task["WhatId"], &task["TaskSubtype"]),
        (&json!(ann), &json!(deal), &json!("Email"))
    );
    assert_eq!(
        (&task["ActivityDate"], &task["Status"]),
        (&json!("2026-01-15"), &json!("Completed"))
    );
    assert_eq!(
        task["Description"],
        "From: Bob   x <bob@x.example>\nSent: 2026-01-15 10:00:07 UTC\nDirection: incoming\nTo: <ada@brightsync.example>\n\nFrom: me\n\nDear Ada"
    );

    assert_eq!(
        call(&desk, |it| it.find_email(key.clone())).unwrap(),
        std::slice::from_ref(&written.id)
    );
    let later = EmailKey {
        sent_at: key.sent_at + 1_000,
        ..key.clone()
    };
    assert!(call(&desk, |it| it.find_email(later)).unwrap().is_empty());

    let patch = edits(&[
        (
            "to",
            Edit::Add(json!({"address": "cy@x.example", "name": "Cy"}).to_string()),
        ),
        (
            "to",
            Edit::Remove(json!({"address": "ADA@brightsync.example"}).to_string()),
        ),
        ("about", add_ref(&bea)),
        (
            "about",
            Edit::Remove(json!({"kind": "contact", "id": ann}).to_string()),
        ),
        ("subject", Edit::Set("\"Better offer\"".to_owned())),
    ]);
    let changed = call(&desk, |it| it.update_email(&written.id, patch)).unwrap();
    assert_eq!(changed.incomplete, []);
    let task = desk.crm().fields(&written.id);
    assert_eq!(
        (&task["WhoId"], &task["WhatId"], &task["Subject"]),
        (&json!(bea), &json!(deal), &json!("Better offer"))
    );
    let description = task["Description"].as_str().unwrap();
    assert!(
        description.contains(
            "\nSent: 2026-01-15 10:00:07 UTC\nDirection: incoming\nTo: Cy <cy@x.example>\n"
        ),
        "{description}"
    );
    assert!(
        description.ends_with("\n\nFrom: me\n\nDear Ada"),
        "{description}"
    );
    call(&desk, |it| it.delete_email(&written.id)).unwrap();
    assert!(call(&desk, |it| it.find_email(key)).unwrap().is_empty());
    let error = call(&desk, |it| it.delete_email(&written.id)).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
}

#[test]
fn the_hosts_key_finds_an_email_whose_subject_was_changed() {
    let desk = desk().setting("key-field", "BrightSync_Key__c");
    let mail = email(&[], &desk);
    let key = mail.key.clone();
    let written = call(&desk, |it| it.create_email(mail.clone())).unwrap();
    // One with the same subject and time, and another key, is another one.
    let other = EmailKey {
        key: "k2".to_owned(),
        ..mail.key
    };
    let found = call(&desk, |it| it.find_email(other)).unwrap();
    assert!(found.is_empty());
    let rename = edits(&[("subject", Edit::Set("\"Other\"".to_owned()))]);
    call(&desk, |it| it.update_email(&written.id, rename)).unwrap();
    assert_eq!(call(&desk, |it| it.find_email(key)).unwrap(), [written.id]);
}

#[test]
fn shared_activities_have_several_contacts() {
    let desk = desk().setting("shared-activities", "on");
    desk.crm().share_activities();
    let people = ["a", "b", "c"].map(|it| add(&desk, it, None));
    let written = call(&desk, |it| {
        it.create_email(email(&[&people[0], &people[1]], &desk))
    })
    .unwrap();
    assert_eq!(written.incomplete, []);
    assert_eq!(
        desk.crm().logged(Kind::Email)[0].about,
        [people[0].clone(), people[1].clone()]
    );
    let patch = edits(&[
        ("about", add_ref(&people[2])),
        ("about", add_ref(&people[1])),
    ]);
    call(&desk, |it| it.update_email(&written.id, patch)).unwrap();
    let about: Vec<String> = people.to_vec();
    assert_eq!(desk.crm().logged(Kind::Email)[0].about, about);
    // Salesforce takes fifty.
    let crowd: Vec<String> = (0..60).map(|_| add(&desk, "x", None)).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let written = call(&desk, |it| it.create_email(email(&crowd, &desk))).unwrap();
    assert_eq!(written.incomplete.len(), 10);
}

#[test]
fn a_lead_stands_alone() {
    let desk = desk();
    let lead = desk
        .crm()
        .put("Lead", json!({"LastName": "Lee", "Company": "Acme"}));
    let written = call(&desk, |it| it.create_email(email(&[&lead], &desk))).unwrap();
    assert_eq!(
        (
            written.incomplete.len(),
            &desk.crm().fields(&written.id)["WhoId"]
        ),
        (0, &json!(lead))
    );
    let account = desk.crm().put("Account", json!({"Name": "Acme"}));
    let written = call(&desk, |it| {
        it.create_email(email(&[&lead, &account], &desk))
    })
    .unwrap();
    assert_eq!(written.incomplete.len(), 1);
    assert_eq!(desk.crm().fields(&written.id)["WhatId"], json!(account));
}

#[test]
fn a_long_text_is_cut_and_said_to_be() {
    let desk = desk();
    let mut mail = email(&[], &desk);
    mail.text = Some("ä\n".repeat(500_000));
    mail.key.subject = "x".repeat(300);
    mail.attachments.push(Attachment {
        name: "a.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: 1,
        content: None,
    });
    let written = call(&desk, |it| it.create_email(mail)).unwrap();
    let left: Vec<_> = written
        .incomplete
        .iter()
        .map(|it| it.field.as_deref())
        .collect();
    assert_eq!(left, [Some("subject"), Some("text"), Some("attachments")]);
}

#[test]
fn an_email_without_a_text_is_logged_with_that_of_its_html() {
    let desk = desk();
    let mut mail = email(&[], &desk);
    mail.text = None;
    let html = "<html><head><style>p {color: red}</style></head><p>Dear <b>Ada</b>,<br>1 &lt; 2 &amp;lt; 3</p><script>x<y</script>";
    mail.html = Some(html.to_owned());
    let written = call(&desk, |it| it.create_email(mail)).unwrap();
    assert_eq!(written.incomplete, []);
    let task = desk.crm().fields(&written.id);
    let description = task["Description"].as_str().unwrap();
    assert!(
        description.ends_with("\n\nDear Ada,\n1 < 2 &lt; 3"),
        "{description}"
    );
}

#[test]
fn a_meeting_is_an_event_that_can_be_found_and_moved() {
    let desk = desk();
    let ann = add(&desk, "Ann", None);
    let now = desk.crm().office().now;
    let new = meeting(Moment::At(now), Moment::At(now + 3_600_000), &[&ann]);
    let key = new.key.clone();
    let id = call(&desk, |it| it.create_meeting(new)).unwrap().id;
    let event = desk.crm().fields(&id);
    assert_eq!(
        (
            &event["WhoId"],
            &event["Location"],
            &event["DurationInMinutes"]
        ),
        (&json!(ann), &json!("Bern"), &json!(60))
    );
    assert_eq!(
        event["Description"],
        "Organiser: <ada@brightsync.example>\nAttendees: <ann@a.example> (accepted)\nStatus: confirmed\nTime zone: Europe/Berlin\n\nAgenda"
    );
    assert_eq!(
        call(&desk, |it| it.find_meeting(key)).unwrap(),
        std::slice::from_ref(&id)
    );

    let attendee = json!({"party": {"address": "ann@a.example"}, "response": "declined"});
    let patch = edits(&[
        (
            "start",
            Edit::Set(json!({"at": now + 1_800_000}).to_string()),
        ),
        ("status", Edit::Set("\"cancelled\"".to_owned())),
        ("attendees", Edit::Remove(attendee.to_string())),
        ("attendees", Edit::Add(attendee.to_string())),
    ]);
    call(&desk, |it| it.update_meeting(&id, patch)).unwrap();
    let event = desk.crm().fields(&id);
    assert_eq!(event["DurationInMinutes"], json!(30));
    let description = event["Description"].as_str().unwrap();
    assert!(
        description.contains("Attendees: <ann@a.example> (declined)\nStatus: cancelled\n"),
        "{description}"
    );
    let patch = edits(&[("end", Edit::Set(json!({"at": now}).to_string()))]);
    let error = call(&desk, |it| it.update_meeting(&id, patch)).unwrap_err();
    assert_eq!(fields(&error), [Some("end")]);
    call(&desk, |it| it.delete_meeting(&id)).unwrap();
}

#[test]
fn a_meeting_of_whole_days_has_its_last_day() {
    let desk = desk();
    let day = |day: &str| Moment::On(day.to_owned());
    let new = meeting(day("2026-03-01"), day("2026-03-03"), &[]);
    let key = new.key.clone();
    let id = call(&desk, |it| it.create_meeting(new)).unwrap().id;
    let event = desk.crm().fields(&id);
    assert_eq!(
        (&event["IsAllDayEvent"], &event["DurationInMinutes"]),
        (&Value::Bool(true), &json!(3 * 1_440))
    );
    assert_eq!(
        call(&desk, |it| it.find_meeting(key)).unwrap(),
        std::slice::from_ref(&id)
    );
    let patch = edits(&[("end", Edit::Set(json!({"on": "2026-03-04"}).to_string()))]);
    call(&desk, |it| it.update_meeting(&id, patch)).unwrap();
    assert_eq!(
        desk.crm().fields(&id)["EndDateTime"],
        "2026-03-04T00:00:00.000+0000"
    );
    let mixed = edits(&[("end", Edit::Set(json!({"at": 0}).to_string()))]);
    let error = call(&desk, |it| it.update_meeting(&id, mixed)).unwrap_err();
    assert_eq!(fields(&error), [Some("end")]);
    let wrong = meeting(day("2026-02-30"), day("2026-03-01"), &[]);
    let error = call(&desk, |it| it.create_meeting(wrong)).unwrap_err();
    assert_eq!(fields(&error), [Some("start")]);
}
