//! Logged e-mails and meetings.

use brightsync_crms::{Crm as _, Trouble};
use brightsync_sdk::{
    Attachment, Attendee, Connector as _, Direction, Edit, EmailKey, MeetingKey, Moment, NewEmail,
    NewMeeting, Party, Patch, Reason, Ref,
};
use serde_json::json;

use super::{asked, edits, run, with_people};

fn key(message_id: Option<&str>) -> EmailKey {
    EmailKey {
        key: "k-1".to_owned(),
        message_id: message_id.map(str::to_owned),
        sent_at: 1_768_000_000_250,
        subject: "Offer & more".to_owned(),
        sender: "mia@contoso.example".to_owned(),
        about: Vec::new(),
    }
}

fn email(key: EmailKey, ann: &str) -> NewEmail {
    let link = Some(Ref::contact(ann));
    NewEmail {
        key,
        thread: None,
        direction: Direction::Outgoing,
        sender: Party::new("mia@contoso.example"),
        to: vec![Party {
            link,
            ..Party::new("ann@x")
        }],
        cc: vec![Party::new("stranger@y")],
        bcc: Vec::new(),
        text: Some("1 < 2\nYours".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Vec::new(),
    }
}

#[test]
fn an_email_is_completed_and_found_by_its_message_id() {
    let (desk, ids) = with_people(&["ann@x"]);
    let about = vec![Ref::contact(&*ids[0]), Ref::new("opportunity", "7")];
    let written = EmailKey {
        about,
        ..key(Some("1@x"))
    };
    let written = run(&desk, |it| it.create_email(email(written, &ids[0]))).unwrap();
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, ["about"]);
    let value = |property: &str| desk.crm().value("emails", &written.id, property);
    assert_eq!(
        (value("statecode"), value("statuscode")),
        (json!(1), json!(3))
    );
    assert_eq!(value("description"), json!("1 &lt; 2<br>Yours"));
    assert_eq!(value("directioncode"), json!(true));
    assert_eq!(value("messageid"), json!("<1@x>"));
    assert_eq!(value("_regardingobjectid_value"), json!(ids[0]));
    let mut parties = desk.crm().parties("emails", &written.id);
    parties.sort();
    let expected = [(1, "mia@contoso.example"), (2, &*ids[0]), (3, "stranger@y")];
    assert_eq!(parties, expected.map(|(part, who)| (part, who.to_owned())));
    let found = |key| run(&desk, |it| it.find_email(key)).unwrap();
    assert_eq!(found(key(Some("1@x"))), [written.id.as_str()]);
    assert_eq!(found(key(Some("2@x"))), [""; 0]);
    // The same message again, from another mailbox.
    let again = run(&desk, |it| {
        it.create_email(email(key(Some("1@x")), &ids[0]))
    })
    .unwrap_err();
    assert_eq!(again.reason, Reason::Duplicate(vec![written.id]));
}

#[test]
fn files_are_kept_with_an_email_and_those_that_are_not_are_named() {
    let (desk, ids) = with_people(&["ann@x"]);
    let file = |name: &str, content: Option<&[u8]>| Attachment {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        size: 3,
        content: content.map(<[u8]>::to_vec),
    };
    let long = "x".repeat(256);
    let email = NewEmail {
        attachments: vec![
            file("a.txt", Some(b"abc")),
            file("b.txt", None),
            file(&long, Some(b"abc")),
        ],
        ..email(key(None), &ids[0])
    };
    let written = run(&desk, |it| it.create_email(email)).unwrap();
    let kept = ["a.txt", "text/plain", "YWJj"].map(str::to_owned);
    assert_eq!(desk.crm().files(&written.id), [kept]);
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, [Some("attachments"), Some("attachments")]);
    assert!(
        written.incomplete[1]
            .reason
            .contains("maximum allowed length")
    );
    assert_eq!(
        desk.crm().value("emails", &written.id, "statecode"),
        json!(1)
    );
}

#[test]
fn an_email_without_an_id_is_found_by_the_hosts_key_or_by_what_it_is() {
    let (desk, ids) = with_people(&["ann@x"]);
    let written = run(&desk, |it| it.create_email(email(key(None), &ids[0]))).unwrap();
    let found = |key| run(&desk, |it| it.find_email(key)).unwrap();
    assert_eq!(found(key(None)), [written.id.as_str()]);
    // A server that does not keep the id that it was given.
    desk.crm()
        .set("emails", &written.id, "messageid", json!(null));
    assert_eq!(found(key(Some("1@x"))), [written.id.as_str()]);
    let another = EmailKey {
        sent_at: 0,
        ..key(None)
    };
    assert_eq!(found(another), [""; 0]);
}

#[test]
fn an_email_that_cannot_be_completed_exists_all_the_same() {
    let (desk, ids) = with_people(&["ann@x"]);
    desk.crm().office().trouble(1, 1, Trouble::Outage);
    let written = run(&desk, |it| it.create_email(email(key(None), &ids[0]))).unwrap();
    assert!(
        written.incomplete[0].reason.contains("stays open"),
        "{written:?}"
    );
    assert_eq!(
        desk.crm().value("emails", &written.id, "statecode"),
        json!(0)
    );
}

#[test]
fn a_completed_email_is_opened_to_be_changed_and_completed_again() {
    let (desk, ids) = with_people(&["ann@x", "bob@x"]);
    let written = run(&desk, |it| it.create_email(email(key(None), &ids[0]))).unwrap();
    desk.crm().office().forget();
    let bob = json!({"address": "bob@x", "link": {"kind": "contact", "id": ids[1]}});
    let patch = Patch {
        if_version: written.version.clone(),
        ..edits(&[
            ("subject", Edit::Set("\"Offer 2\"".to_owned())),
            ("cc", Edit::Add(bob.to_string())),
            ("to", Edit::Add(json!({"address": "ANN@x"}).to_string())),
        ])
    };
    let changed = run(&desk, |it| it.update_email(&written.id, patch.clone())).unwrap();
    assert_eq!(changed.incomplete, []);
    let methods: Vec<String> = asked(&desk)
        .iter()
        .map(|it| it.chars().take(5).collect())
        .collect();
    assert_eq!(methods, ["GET /", "PATCH", "PATCH", "PUT /", "PATCH"]);
    let value = |property: &str| desk.crm().value("emails", &written.id, property);
    assert_eq!(
        (value("statecode"), value("statuscode")),
        (json!(1), json!(3))
    );
    assert_eq!(value("subject"), json!("Offer 2"));
    let parties = desk.crm().parties("emails", &written.id);
    assert_eq!(parties.len(), 4);
    assert!(parties.contains(&(3, ids[1].clone())), "{parties:?}");
    let stale = run(&desk, |it| it.update_email(&written.id, patch)).unwrap_err();
    assert_eq!(stale.reason, Reason::Stale);

    // What goes wrong in the middle leaves the state as it was.
    let patch = edits(&[("subject", Edit::Set(json!("x").to_string()))]);
    desk.crm().office().trouble(2, 1, Trouble::Outage);
    let error = run(&desk, |it| it.update_email(&written.id, patch)).unwrap_err();
    assert_eq!(error.reason, Reason::Unavailable);
    assert!(
        error.message.contains("its state is as before"),
        "{error:?}"
    );
    assert_eq!(
        (value("statecode"), value("subject")),
        (json!(1), json!("Offer 2"))
    );
    run(&desk, |it| it.delete_email(&written.id)).unwrap();
    assert_eq!(run(&desk, |it| it.find_email(key(None))).unwrap(), [""; 0]);
}

fn meeting(ann: &str) -> NewMeeting {
    let link = Some(Ref::contact(ann));
    NewMeeting {
        key: MeetingKey {
            key: "m-1".to_owned(),
            ical_uid: "1@x".to_owned(),
            occurrence: None,
            start: Moment::On("2026-03-31".to_owned()),
            subject: "Fair".to_owned(),
            about: vec![Ref::contact(ann)],
        },
        end: Moment::On("2026-03-31".to_owned()),
        timezone: None,
        status: "confirmed".to_owned(),
        location: Some("Hall 1".to_owned()),
        text: Some("Bring samples.".to_owned()),
        organiser: Party::new("stranger@y"),
        attendees: vec![Attendee {
            party: Party {
                link,
                ..Party::new("ann@x")
            },
            response: Some("accepted".to_owned()),
            role: Some("optional".to_owned()),
        }],
        owner: None,
        extra: Vec::new(),
    }
}

#[test]
fn a_meeting_is_an_appointment_of_whole_days_and_its_people() {
    let (desk, ids) = with_people(&["ann@x"]);
    let written = run(&desk, |it| it.create_meeting(meeting(&ids[0]))).unwrap();
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, ["attendees", "organiser"]);
    let value = |property: &str| desk.crm().value("appointments", &written.id, property);
    assert_eq!(value("scheduledstart"), json!("2026-03-31T00:00:00Z"));
    assert_eq!(value("scheduledend"), json!("2026-04-01T00:00:00Z"));
    assert_eq!(value("isalldayevent"), json!(true));
    assert_eq!(
        (value("statecode"), value("statuscode")),
        (json!(3), json!(5))
    );
    let mut parties = desk.crm().parties("appointments", &written.id);
    parties.sort();
    assert_eq!(parties, [(5, "stranger@y".to_owned()), (6, ids[0].clone())]);
    let found = || run(&desk, |it| it.find_meeting(meeting(&ids[0]).key)).unwrap();
    assert_eq!(found(), [written.id.as_str()]);

    // A meeting that is to come is edited as it is, and moved without a new state.
    desk.crm().office().forget();
    let at = json!({"at": 1_775_000_000_000_i64}).to_string();
    let moved = edits(&[
        ("start", Edit::Set(at.clone())),
        ("end", Edit::Set(at)),
        ("about", Edit::Clear),
    ]);
    run(&desk, |it| it.update_meeting(&written.id, moved)).unwrap();
    assert_eq!(asked(&desk).len(), 2);
    assert_eq!(value("isalldayevent"), json!(false));
    assert_eq!(value("scheduledstart"), json!("2026-03-31T23:33:20Z"));
    assert_eq!(value("_regardingobjectid_value"), json!(null));

    // Parties are replaced without a version, so it is compared before.
    let stale = Patch {
        if_version: written.version.clone(),
        ..edits(&[("attendees", Edit::Clear)])
    };
    let stale = run(&desk, |it| it.update_meeting(&written.id, stale)).unwrap_err();
    assert_eq!(stale.reason, Reason::Stale);

    let me = desk.crm().me();
    let organiser = json!({"address": "mia@contoso.example", "link": {"kind": "user", "id": me}});
    let patch = edits(&[
        ("status", Edit::Set("\"cancelled\"".to_owned())),
        ("organiser", Edit::Set(organiser.to_string())),
    ]);
    run(&desk, |it| it.update_meeting(&written.id, patch)).unwrap();
    assert_eq!(
        (value("statecode"), value("statuscode")),
        (json!(2), json!(4))
    );
    assert!(
        desk.crm()
            .parties("appointments", &written.id)
            .contains(&(7, me))
    );
    run(&desk, |it| it.delete_meeting(&written.id)).unwrap();
    assert_eq!(found(), [""; 0]);
}

#[test]
fn a_meeting_is_found_by_the_hosts_key_where_there_is_a_column_for_it() {
    let (desk, ids) = with_people(&["ann@x"]);
    desk.crm().add_column("appointments", "new_key");
    let desk = desk.setting("key-column", "new_key");
    let written = run(&desk, |it| it.create_meeting(meeting(&ids[0]))).unwrap();
    desk.crm()
        .set("appointments", &written.id, "subject", json!("Renamed"));
    let found = run(&desk, |it| it.find_meeting(meeting(&ids[0]).key)).unwrap();
    assert_eq!(found, [written.id]);
    let mut another = meeting(&ids[0]).key;
    another.key = "m-2".to_owned();
    another.subject = "Renamed".to_owned();
    assert_eq!(run(&desk, |it| it.find_meeting(another)).unwrap(), [""; 0]);
}
