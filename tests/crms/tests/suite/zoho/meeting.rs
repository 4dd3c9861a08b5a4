//! Meetings are logged, found, changed and called off.

use brightsync_crms::zoho::Zoho;
use brightsync_crms::{Company, Crm as _, Kind};
use brightsync_sdk::{
    Attendee, Connector as _, Edit, Extra, MeetingKey, Moment, NewMeeting, Party, Patch, Reason,
    Ref,
};
use serde_json::json;

use super::{assert_sound, call, desk, open, patch, person, set};

fn meeting(start: Moment, end: Moment, about: Vec<Ref>) -> NewMeeting {
    NewMeeting {
        key: MeetingKey {
            key: "m1".to_owned(),
            ical_uid: "u1".to_owned(),
            occurrence: None,
            start,
            subject: "Re'view".to_owned(),
            about,
        },
        end,
        timezone: None,
        status: "confirmed".to_owned(),
        location: Some("Room 1".to_owned()),
        text: Some("Words".to_owned()),
        organiser: Party::new("me@office.example"),
        attendees: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

fn attendee(party: Party) -> Attendee {
    Attendee {
        party,
        response: None,
        role: None,
    }
}

#[test]
fn a_meeting_is_logged_changed_cancelled_and_deleted() {
    let mut crm = Zoho::with_token("good");
    let people: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|it| crm.add_person(&person(it, "B", "p@x.example")))
        .collect();
    let acme = crm.add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let desk = desk(crm);
    let start = brightsync_crms::START + 3_600_000;
    let about = vec![
        Ref::contact(&people[0]),
        Ref::contact(&people[1]),
        Ref::new("account", &acme),
        Ref::new("account", "7"),
    ];
    let new = NewMeeting {
        attendees: vec![
            attendee(Party::new("x@x.example")),
            attendee(Party::default()),
            attendee(Party::new("ME@office.example")),
        ],
        ..meeting(Moment::At(start), Moment::At(start + 60_000), about)
    };
    let key = new.key.clone();
    let written = call(&desk, |it| it.create_meeting(new)).unwrap();
    let lost: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(lost, ["about", "attendees"]);
    let logged = desk.crm().logged(Kind::Meeting);
    let mut expected = vec![
        people[0].clone(),
        acme.clone(),
        "me@office.example".to_owned(),
        "x@x.example".to_owned(),
        people[1].clone(),
    ];
    assert_eq!(logged[0].about, expected);
    assert_eq!(
        call(&desk, |it| it.find_meeting(key.clone())).unwrap(),
        std::slice::from_ref(&written.id)
    );
    let later = MeetingKey {
        start: Moment::At(start + 1_000),
        ..key.clone()
    };
    assert_eq!(
        call(&desk, |it| it.find_meeting(later)).unwrap(),
        Vec::<String>::new()
    );

    let edits = patch(&[
        (
            "attendees",
            Edit::Add(json!({"party": {"link": {"kind": "contact", "id": people[2]}}}).to_string()),
        ),
        (
            "attendees",
            Edit::Remove(json!({"party": {"address": "X@x.example"}}).to_string()),
        ),
        ("location", Edit::Clear),
    ]);
    desk.crm().office().pass(1_000);
    let changed = call(&desk, |it| {
        it.update_meeting(
            &written.id,
            Patch {
                if_version: written.version.clone(),
                ..edits.clone()
            },
        )
    })
    .unwrap();
    assert_eq!(changed.incomplete, []);
    expected.remove(3);
    expected.push(people[2].clone());
    assert_eq!(desk.crm().logged(Kind::Meeting)[0].about, expected);
    let error = call(&desk, |it| {
        it.update_meeting(
            &written.id,
            Patch {
                if_version: written.version.clone(),
                ..edits
            },
        )
    })
    .unwrap_err();
    assert_eq!(error.reason, Reason::Stale);
    let off = patch(&[("status", set(json!("cancelled")))]);
    for _ in 0..2 {
        assert_eq!(
            call(&desk, |it| it.update_meeting(&written.id, off.clone()))
                .unwrap()
                .incomplete,
            []
        );
    }
    let maybe = patch(&[("status", set(json!("tentative")))]);
    assert_eq!(
        call(&desk, |it| it.update_meeting(&written.id, maybe))
            .unwrap()
            .incomplete
            .len(),
        1
    );
    call(&desk, |it| it.delete_meeting(&written.id)).unwrap();
    let error = call(&desk, |it| it.update_meeting(&written.id, off)).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert_eq!(
        call(&desk, |it| it.find_meeting(key)).unwrap(),
        Vec::<String>::new()
    );
    assert_sound(&desk);
}

#[test]
fn a_whole_day_is_the_same_day_and_a_meeting_is_known_by_its_key() {
    let day = |it: &str| Moment::On(it.to_owned());
    for field in [None, Some("BrightSync_Key")] {
        let mut desk = open();
        if let Some(field) = field {
            desk = desk.setting("key-field", field);
        }
        let new = NewMeeting {
            organiser: Party {
                link: Some(Ref::new("user", desk.crm().me())),
                ..Party::default()
            },
            ..meeting(day("2026-03-01"), day("2026-03-02"), Vec::new())
        };
        let key = new.key.clone();
        let written = call(&desk, |it| it.create_meeting(new.clone())).unwrap();
        assert_eq!(written.incomplete, []);
        let next = NewMeeting {
            key: MeetingKey {
                key: "m2".to_owned(),
                start: day("2026-03-02"),
                ..key.clone()
            },
            ..new
        };
        let other = call(&desk, |it| it.create_meeting(next.clone())).unwrap();
        assert_eq!(
            call(&desk, |it| it.find_meeting(key.clone())).unwrap(),
            std::slice::from_ref(&written.id)
        );
        assert_eq!(
            call(&desk, |it| it.find_meeting(next.key)).unwrap(),
            [other.id]
        );
        call(&desk, |it| {
            it.update_meeting(&written.id, patch(&[("subject", set(json!("Another")))]))
        })
        .unwrap();
        let found = call(&desk, |it| it.find_meeting(key)).unwrap();
        assert_eq!(found.len(), usize::from(field.is_some()));
        assert_sound(&desk);
    }
}
