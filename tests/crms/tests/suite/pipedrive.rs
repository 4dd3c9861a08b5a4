//! The connector to Pipedrive against its stand-in: what each function asks, and what becomes of the answers.

use brightsync_crms::pipedrive::{ORGANIZATION_FIELD, PERSON_FIELD, Pipedrive, TOKEN};
use brightsync_crms::{Colleague, Company, Crm, Deal, Kind, Outcome, Person, Request, Trouble};
use brightsync_sdk::{
    Affiliation, Change, Connector, ContactPoint, Departure, DepartureKind, Direction, Edit,
    EmailKey, Error, Extra, ForbiddenKind, Id, MeetingKey, Moment, NewAccount, NewContact,
    NewEmail, NewMeeting, Owner, Page, PageRequest, Party, Patch, ReadRequest, Reason, Ref, Result,
    Scope, Window,
};
use serde_json::{Value, json};

use crate::desk::Desk;

/// The stand-in's clock at the beginning: 2026-01-15T10:00:00Z.
const NOW: i64 = brightsync_crms::START;
const DAY: i64 = 24 * 3_600_000;

fn desk() -> Desk<Pipedrive> {
    let base = "https://acme.pipedrive.com/api/";
    Desk::new(Pipedrive::new(), base, ("x-api-token", TOKEN)).setting("company", "acme")
}

fn call<T>(
    desk: &Desk<Pipedrive>,
    call: impl FnOnce(&pipedrive::Pipedrive) -> Result<T>,
) -> Result<T> {
    let answer = desk.run(|| call(&pipedrive::Pipedrive::open()?));
    let mut crm = desk.crm();
    assert_eq!(crm.office().violations(), [] as [&str; 0]);
    answer
}

fn person(desk: &Desk<Pipedrive>, family: &str, email: &str) -> Id {
    desk.crm().add_person(&Person {
        given: "Ann".to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()),
        ..Person::default()
    })
}

fn crowd(desk: &Desk<Pipedrive>, count: usize) -> Vec<Id> {
    let one = |n| person(desk, &format!("Of {n}"), &format!("{n}@crowd.example"));
    (0..count).map(one).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(name, edit)| ((*name).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn set(value: Value) -> Edit {
    Edit::Set(value.to_string())
}

/// Reads all pages of a list.
fn all<T>(mut next: impl FnMut(PageRequest) -> Result<Page<T>>, size: u32) -> Vec<T> {
    let mut items = Vec::new();
    let mut page = PageRequest::first(size);
    loop {
        let read = next(page.clone()).unwrap();
        assert!(read.end.skipped.is_empty(), "{:?}", read.end.skipped);
        items.extend(read.items);
        if read.end.next.is_none() {
            return items;
        }
        assert_ne!(read.end.next, page.token, "a token came twice");
        page.token = read.end.next;
    }
}

fn mine(
    desk: &Desk<Pipedrive>,
    owner: &Owner,
    scope: &Scope,
    size: u32,
    mut between: impl FnMut(),
) -> Vec<Change<brightsync_sdk::Contact>> {
    let read = |page| {
        between();
        let request = ReadRequest {
            page,
            ..ReadRequest::first(owner.clone(), scope.clone(), size)
        };
        call(desk, |it| it.get_my_contacts(request))
    };
    all(read, size)
}

fn ids(changes: &[Change<brightsync_sdk::Contact>]) -> Vec<Id> {
    let id = |it: &Change<brightsync_sdk::Contact>| match it {
        Change::Present(it) => it.ref_.id.clone(),
        Change::IdOnly(id) => id.clone(),
        Change::Departed(it) => format!("-{}", it.id),
    };
    changes.iter().map(id).collect()
}

/// The parameters of the requests to a path, by name.
fn asked(desk: &Desk<Pipedrive>, path: &str, name: &str) -> Vec<String> {
    let mut crm = desk.crm();
    let seen = crm
        .office()
        .seen()
        .iter()
        .filter(|it| it.path.ends_with(path));
    let asked = seen.filter_map(|it| {
        let request = Request::new("GET", "", &format!("?{}", it.query), Vec::new(), Vec::new());
        request.param(name).map(str::to_owned)
    });
    asked.collect()
}

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
fn whatever_is_searched_for_arrives_as_it_is() {
    let nasty = [
        "O'Brien",
        "\"quo\"te\\",
        "a&term=b#c?d/e+f%20",
        "semi;colon) OR 1 --",
        "%_*?[x]{y}",
        "null",
        "漢字 ünïcode",
        "x\ny\u{0}\u{7f}",
        "\u{202e}",
        "'",
    ];
    let desk = desk();
    let others = crowd(&desk, 3);
    for name in nasty {
        let whole = format!("Ann {name}");
        let id = desk.crm().add_person(&Person {
            given: "Ann".to_owned(),
            family: name.to_owned(),
            email: Some(format!("{name}@nasty.example")),
            ..Person::default()
        });
        desk.crm().office().forget();
        let by_name = call(&desk, |it| {
            it.get_contacts_by_name(&whole, PageRequest::first(10))
        });
        let names: Vec<_> = by_name
            .unwrap()
            .items
            .into_iter()
            .map(|it| it.ref_.id)
            .collect();
        assert_eq!(names, [id.clone()], "{name:?}");
        let emails = [format!("{name}@NASTY.example")];
        let by_email = call(&desk, |it| {
            it.get_contacts_by_email(&emails, PageRequest::first(10))
        });
        assert_eq!(by_email.unwrap().items.len(), 1, "{name:?}");
        let terms = asked(&desk, "/search", "term");
        assert_eq!(terms, [whole.trim().to_owned(), emails[0].to_lowercase()]);
        assert_eq!(asked(&desk, "/search", "fields"), ["name", "email"]);
        let account = call(&desk, |it| {
            it.get_accounts_by_name(name, PageRequest::first(10))
        });
        assert_eq!(account.unwrap().items, []);
    }
    assert_eq!(others.len(), 3);
}

#[test]
fn what_is_too_long_or_too_short_is_not_searched_for() {
    let desk = desk();
    let long = "x'%".repeat(300_000);
    let first = || PageRequest::first(10);
    let refused = call(&desk, |it| it.get_contacts_by_name(&long, first())).unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused:?}");
    let refused = call(&desk, |it| {
        it.get_contacts_by_email(&[long.clone()], first())
    })
    .unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)), "{refused:?}");
    for nothing in ["", " "] {
        assert!(
            call(&desk, |it| it.get_contacts_by_name(nothing, first()))
                .unwrap()
                .items
                .is_empty()
        );
        let emails = texts(&[nothing]);
        assert!(
            call(&desk, |it| it.get_contacts_by_email(&emails, first()))
                .unwrap()
                .items
                .is_empty()
        );
    }
    assert!(desk.crm().office().seen().is_empty());
}

#[test]
fn an_id_that_is_no_number_reaches_no_list() {
    let desk = desk();
    let id = person(&desk, "Lee", "ann@acme.example");
    let all = texts(&["1,2", "007", "+7", "", "../users", "1 ", "٣", &id]);
    let found = call(&desk, |it| it.get_contacts(&all)).unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(asked(&desk, "/persons", "ids"), [id]);
    for id in ["1,2", "..", "", "9999"] {
        let missing = call(&desk, |it| it.get_contact(id)).unwrap_err();
        assert_eq!(missing.reason, Reason::NotFound, "{id}");
        let missing = call(&desk, |it| it.delete_account(id)).unwrap_err();
        assert_eq!(missing.reason, Reason::NotFound, "{id}");
    }
    let owner = Owner::User("1&x=y".to_owned());
    assert!(mine(&desk, &owner, &Scope::All, 10, || ()).is_empty());
}

#[test]
fn a_person_is_created_read_and_changed_field_by_field() {
    let desk = desk().wanted("contact", &[PERSON_FIELD, "visible_to"]);
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@acme.example".to_owned(),
    });
    let account = NewAccount {
        domains: texts(&["acme.example"]),
        extra: vec![(ORGANIZATION_FIELD.to_owned(), "\"big\"".to_owned())],
        ..NewAccount::new("Acme")
    };
    let account = call(&desk, |it| it.create_account(account)).unwrap();
    assert_eq!(account.incomplete[0].field.as_deref(), Some("domains"));
    let link = format!("https://acme.pipedrive.com/organization/{}", account.id);
    assert_eq!(account.url, Some(link));
    let contact = NewContact {
        given_name: Some("Ann".to_owned()),
        family_name: Some("Lee".to_owned()),
        emails: vec![
            ContactPoint::further("second@acme.example"),
            ContactPoint {
                label: Some("work".to_owned()),
                ..ContactPoint::primary("ann@acme.example")
            },
        ],
        phones: vec![ContactPoint::further("+49 30 1")],
        accounts: vec![Affiliation::primary(&account.id)],
        owner: Some(olga.clone()),
        extra: vec![
            (PERSON_FIELD.to_owned(), "\"gold\"".to_owned()),
            ("tier".to_owned(), "1".to_owned()),
        ],
        ..NewContact::default()
    };
    let written = call(&desk, |it| it.create_contact(contact)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("extra.tier"));
    let id = written.id;
    let read = || call(&desk, |it| it.get_contact(&id)).unwrap();
    let ann = read();
    assert_eq!(ann.full_name.as_deref(), Some("Ann Lee"));
    let emails: Vec<_> = ann
        .emails
        .iter()
        .map(|it| (it.value.as_str(), it.primary))
        .collect();
    assert_eq!(
        emails,
        [("ann@acme.example", true), ("second@acme.example", false)]
    );
    assert!(ann.phones[0].primary);
    assert_eq!(
        (ann.accounts, ann.owner),
        (vec![Affiliation::primary(&account.id)], Some(olga))
    );
    assert_eq!(
        ann.extra,
        [(PERSON_FIELD, "\"gold\""), ("visible_to", "3")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert_eq!(ann.created_at, Some(NOW));

    let change =
        |edits: &[(&str, Edit)]| call(&desk, |it| it.update_contact(&id, patch(edits))).unwrap();
    change(&[("family-name", set(json!("O'Hara")))]);
    assert_eq!(read().full_name.as_deref(), Some("Ann O'Hara"));
    change(&[
        (
            "emails",
            Edit::Add(json!({"value": "third@acme.example"}).to_string()),
        ),
        (
            "emails",
            Edit::Remove(json!({"value": "ANN@acme.example"}).to_string()),
        ),
        ("phones", Edit::Clear),
        (
            "extra.d4de1c1518b4531717c676029a45911c340390a6",
            Edit::Clear,
        ),
    ]);
    let now = read();
    let emails: Vec<_> = now
        .emails
        .iter()
        .map(|it| (it.value.as_str(), it.primary))
        .collect();
    assert_eq!(
        emails,
        [("second@acme.example", true), ("third@acme.example", false)]
    );
    assert_eq!(
        (
            now.phones.len(),
            now.accounts.len(),
            now.extra[0].1.as_str()
        ),
        (0, 1, "null")
    );
    let other = desk.crm().add_company(&Company {
        name: "Other".to_owned(),
        ..Company::default()
    });
    let left = change(&[(
        "accounts",
        Edit::Add(json!({"account": other, "primary": true}).to_string()),
    )]);
    assert_eq!(left.incomplete[0].field.as_deref(), Some("accounts"));
    assert_eq!(
        read().accounts[0].account,
        account.id,
        "an addition removes nothing"
    );
    change(&[("accounts", Edit::Clear)]);
    assert_eq!(read().accounts, []);
    change(&[]);
    call(&desk, |it| it.delete_contact(&id)).unwrap();
    for gone in [
        call(&desk, |it| it.delete_contact(&id)).unwrap_err(),
        call(&desk, |it| {
            it.update_contact(&id, patch(&[("title", Edit::Clear)]))
        })
        .unwrap_err(),
        call(&desk, |it| it.get_contact(&id)).map(drop).unwrap_err(),
    ] {
        assert_eq!(gone.reason, Reason::NotFound);
    }
}

#[test]
fn a_job_title_is_left_out_where_there_is_none() {
    let contact = || NewContact {
        full_name: Some("Ann Lee".to_owned()),
        title: Some("Buyer".to_owned()),
        ..NewContact::default()
    };
    let desk = desk();
    let written = call(&desk, |it| it.create_contact(contact())).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("title"));
    desk.crm().contact_sync = true;
    let written = call(&desk, |it| it.create_contact(contact())).unwrap();
    assert_eq!(written.incomplete, []);
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(read.title.as_deref(), Some("Buyer"));
    assert_eq!(
        desk.crm().ids(Kind::Person).len(),
        2,
        "what was refused was not written"
    );
}

#[test]
fn names_that_pipedrive_asks_for_are_there() {
    let desk = desk();
    let of = |contact| call(&desk, |it| it.create_contact(contact));
    let nameless = NewContact {
        emails: vec![ContactPoint::primary("ann@acme.example")],
        ..NewContact::default()
    };
    let written = of(nameless).unwrap();
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(read.full_name.as_deref(), Some("ann@acme.example"));
    let Reason::Invalid(fields) = of(NewContact::default()).unwrap_err().reason else {
        panic!("nobody has no name")
    };
    assert_eq!(fields[0].field.as_deref(), Some("full-name"));
    let empty = patch(&[("name", Edit::Clear)]);
    let refused = call(&desk, |it| it.update_account("1", empty)).unwrap_err();
    assert!(matches!(refused.reason, Reason::Invalid(_)));
}

#[test]
fn a_read_passes_nothing_over_while_records_change_and_go() {
    let desk = desk();
    let added = crowd(&desk, 47);
    desk.crm().office().pass(DAY);
    let mut round = 0;
    let read = mine(&desk, &Owner::Anyone, &Scope::All, 10, || {
        round += 1;
        let mut crm = desk.crm();
        crm.rename(&added[round], "Renamed");
        crm.remove(Kind::Person, &added[round + 20]);
        crm.office().pass(1_000);
    });
    let read = ids(&read);
    let there = desk.crm().ids(Kind::Person);
    assert!(there.iter().all(|it| read.contains(it)), "{read:?}");
    let distinct: std::collections::BTreeSet<_> = read.iter().collect();
    assert_eq!(distinct.len(), read.len());
}

#[test]
fn records_of_one_instant_are_all_read_and_a_window_has_whole_seconds() {
    let desk = desk();
    let before = crowd(&desk, 5);
    desk.crm().office().pass(DAY + 400);
    let added = crowd(&desk, 35);
    desk.crm().office().pass(DAY);
    let since = NOW + DAY;
    let window = |since, until| Scope::Updated(Window { since, until });
    let read = mine(
        &desk,
        &Owner::Anyone,
        &window(since + 399, Some(since + 401)),
        10,
        || (),
    );
    assert_eq!(ids(&read), added);
    let read = mine(
        &desk,
        &Owner::Anyone,
        &window(i64::MIN, Some(since)),
        10,
        || (),
    );
    assert_eq!(ids(&read), before);
    let times = asked(&desk, "/persons", "updated_since");
    assert_eq!(
        times.last().map(String::as_str),
        Some("1970-01-01T00:00:00Z")
    );
    let request = ReadRequest::first(Owner::Anyone, window(since, None), 10);
    let page = call(&desk, |it| it.get_my_contacts(request)).unwrap();
    let now = desk.crm().office().now;
    assert_eq!(page.end.complete_until, Some(now / 1_000 * 1_000));
}

#[test]
fn mine_are_those_that_i_own_and_i_am_asked_for_once() {
    let desk = desk();
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "o@acme.example".to_owned(),
    });
    let added = crowd(&desk, 25);
    desk.crm().give(&added[0], &olga);
    let read = mine(&desk, &Owner::Me, &Scope::All, 10, || ());
    assert_eq!(ids(&read), added[1..]);
    let seen = desk.crm().office().seen().to_vec();
    assert_eq!(seen.iter().filter(|it| it.path.ends_with("/me")).count(), 1);
    let read = mine(&desk, &Owner::User(olga), &Scope::All, 10, || ());
    assert_eq!(ids(&read), added[..1]);
}

#[test]
fn deleted_records_in_lists_are_departures_among_changes_and_nothing_elsewhere() {
    let desk = desk();
    desk.crm().lists_deleted = true;
    let added = crowd(&desk, 2);
    desk.crm().office().pass(DAY);
    desk.crm().remove(Kind::Person, &added[0]);
    let changes = mine(
        &desk,
        &Owner::Anyone,
        &Scope::Updated(Window::since(NOW + DAY)),
        10,
        || (),
    );
    assert_eq!(ids(&changes), [format!("-{}", added[0])]);
    let everything = mine(&desk, &Owner::Anyone, &Scope::All, 10, || ());
    assert_eq!(ids(&everything), added[1..]);
    assert_eq!(
        call(&desk, |it| it.get_contacts(&added))
            .unwrap()
            .items
            .len(),
        1
    );
    let emails = texts(&["0@crowd.example"]);
    let found = call(&desk, |it| {
        it.get_contacts_by_email(&emails, PageRequest::first(10))
    });
    assert!(found.unwrap().items.is_empty());
}

#[test]
fn departures_are_told_in_either_form_and_for_their_owner() {
    for bare in [false, true] {
        let desk = desk();
        desk.crm().bare_deletions = bare;
        let olga = desk.crm().add_user(&Colleague {
            name: "Olga".to_owned(),
            email: "o@acme.example".to_owned(),
        });
        let added = crowd(&desk, 4);
        desk.crm().office().pass(DAY);
        desk.crm().remove(Kind::Person, &added[0]);
        desk.crm().give(&added[1], &olga);
        desk.crm().rename(&added[2], "Renamed");
        let scope = Scope::Departed(Window::since(NOW + DAY));
        let deleted = Departure {
            id: added[0].clone(),
            at: (!bare).then_some(NOW + DAY),
            how: DepartureKind::Deleted,
        };
        let given = Departure {
            id: added[1].clone(),
            at: Some(NOW + DAY),
            how: DepartureKind::Reassigned,
        };
        let read = mine(&desk, &Owner::Anyone, &scope, 10, || ());
        assert_eq!(read, [Change::Departed(deleted.clone())]);
        let read = mine(&desk, &Owner::Me, &scope, 10, || ());
        assert_eq!(read, [Change::Departed(deleted), Change::Departed(given)]);
        if !bare {
            let earlier = Scope::Departed(Window {
                since: NOW,
                until: Some(NOW + DAY),
            });
            assert_eq!(mine(&desk, &Owner::Anyone, &earlier, 10, || ()), []);
        }
    }
}

#[test]
fn departures_of_one_instant_are_all_told_while_records_change() {
    let desk = desk();
    let added = crowd(&desk, 240);
    let last = added.last().cloned().unwrap();
    desk.crm().office().pass(DAY);
    for id in &added[..60] {
        desk.crm().remove(Kind::Person, id);
        desk.crm().office().pass(500);
    }
    for id in &added[60..200] {
        desk.crm().remove(Kind::Person, id);
        desk.crm().rename(&added[220], "Renamed");
    }
    desk.crm().office().pass(60_000);
    let scope = Scope::Departed(Window::since(NOW + DAY));
    let mut turns = 0;
    let read = mine(&desk, &Owner::Anyone, &scope, 20, || {
        turns += 1;
        // One that was changed before leaves its place, and all behind it move up.
        if turns == 8 {
            desk.crm().rename(&added[220], "Moved");
            desk.crm().rename(&last, "Moved");
        }
    });
    let told: std::collections::BTreeSet<_> = ids(&read).into_iter().collect();
    let expected = added[..200].iter().map(|it| format!("-{it}")).collect();
    assert_eq!(told, expected);
}

#[test]
fn departures_that_are_no_longer_told_begin_anew() {
    let desk = desk();
    let old = ReadRequest::first(
        Owner::Anyone,
        Scope::Departed(Window::since(NOW - 29 * DAY)),
        10,
    );
    let refused = call(&desk, |it| it.get_my_contacts(old)).unwrap_err();
    assert_eq!(refused.reason, Reason::CursorExpired);
    // A read that was begun in time and went on too late: Pipedrive moves its time in silence.
    crowd(&desk, 30);
    let scope = Scope::Departed(Window::since(NOW));
    let first = ReadRequest::first(Owner::Anyone, scope, 10);
    let page = call(&desk, |it| it.get_my_contacts(first.clone())).unwrap();
    desk.crm().office().pass(31 * DAY);
    let next = PageRequest {
        token: page.end.next,
        ..PageRequest::first(10)
    };
    let refused = call(&desk, |it| {
        it.get_my_contacts(ReadRequest {
            page: next,
            ..first
        })
    })
    .unwrap_err();
    assert_eq!(refused.reason, Reason::CursorExpired);
}

#[test]
fn a_token_that_is_none_of_pipedrives_begins_the_read_anew() {
    let desk = desk();
    crowd(&desk, 2);
    let first = ReadRequest::first(Owner::Anyone, Scope::All, 1);
    let page = call(&desk, |it| it.get_my_contacts(first.clone())).unwrap();
    let forged = brightsync_sdk::page::to_token(&json!({"cursor": "x", "began": 0, "owner": null}));
    assert_ne!(page.end.next.as_ref(), Some(&forged));
    for token in ["x".to_owned(), forged] {
        let page = PageRequest {
            token: Some(token),
            ..PageRequest::first(1)
        };
        let refused = call(&desk, |it| {
            it.get_my_contacts(ReadRequest {
                page,
                ..first.clone()
            })
        });
        assert_eq!(refused.unwrap_err().reason, Reason::CursorExpired);
    }
}

fn emails_found(desk: &Desk<Pipedrive>, emails: &[String]) -> Vec<Id> {
    let found = all(
        |page| call(desk, |it| it.get_contacts_by_email(emails, page)),
        200,
    );
    found.into_iter().map(|it| it.ref_.id).collect()
}

#[test]
fn few_addresses_are_searched_for_and_many_are_compared() {
    let desk = desk();
    let added = crowd(&desk, 1_200);
    let some = |count: usize| {
        (0..count)
            .map(|n| format!("{}@CROWD.example", n * 3))
            .collect::<Vec<_>>()
    };
    desk.crm().spent = 0;
    assert_eq!(emails_found(&desk, &some(10)).len(), 10);
    assert_eq!(desk.crm().spent, 10 * 20 + 10);
    desk.crm().spent = 0;
    let found = emails_found(&desk, &some(400));
    assert_eq!(found, added.iter().step_by(3).cloned().collect::<Vec<_>>());
    assert_eq!(desk.crm().spent, 3 * 10, "three pages of people");
}

#[test]
fn lists_that_are_too_long_are_given_up_for_searches_and_nobody_is_told_twice() {
    let desk = desk();
    let added = crowd(&desk, 15_000);
    // Twelve addresses cost as much as 24 pages, and there are 30.
    let emails: Vec<String> = (0..12)
        .map(|n| format!("{}@crowd.example", n * 1_300))
        .collect();
    let expected: Vec<Id> = (0..12).map(|n| added[n * 1_300].clone()).collect();
    desk.crm().spent = 0;
    assert_eq!(emails_found(&desk, &emails), expected);
    let spent = desk.crm().spent;
    assert!(spent <= 2 * (12 * 20) + 20, "{spent}");
}

#[test]
fn a_domain_is_the_end_of_an_address() {
    let desk = desk();
    let one = person(&desk, "One", "one@acme.example");
    person(&desk, "Two", "two@acme.example.org");
    person(&desk, "Three", "three@notacme.example");
    let found = call(&desk, |it| {
        it.get_contacts_by_email_domain("acme.example", PageRequest::first(10))
    });
    let found: Vec<Id> = found
        .unwrap()
        .items
        .into_iter()
        .map(|it| it.ref_.id)
        .collect();
    assert_eq!(found, [one]);
    assert_eq!(asked(&desk, "/search", "term"), ["@acme.example"]);
    let many = crowd(&desk, 250);
    let found = all(
        |page| {
            call(&desk, |it| {
                it.get_contacts_by_email_domain("crowd.example", page)
            })
        },
        200,
    );
    assert_eq!(found.len(), many.len());
    let refused = call(&desk, |it| {
        it.get_accounts_by_domain("acme.example", PageRequest::first(10))
    });
    assert_eq!(refused.unwrap_err().reason, Reason::Unsupported);
}

#[test]
fn deals_of_few_and_of_many_are_all_there_and_each_once() {
    let desk = desk();
    let company = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let people = crowd(&desk, 30);
    let mut deals = Vec::new();
    for n in 0..700 {
        let deal = desk.crm().add_deal(&Deal {
            name: format!("Deal {n}"),
            company: Some(company.clone()),
            person: people.get(n % 35).cloned(),
            amount: "1234567.5".to_owned(),
            outcome: [Outcome::Open, Outcome::Won, Outcome::Lost][n % 3],
        });
        if n % 7 == 0 {
            desk.crm().archive(&deal);
        }
        deals.push(deal);
    }
    let of = |people: &[Id]| {
        all(
            |page| call(&desk, |it| it.get_opportunities_for_contacts(people, page)),
            200,
        )
    };
    let mut few: Vec<Id> = of(&people[..2]).into_iter().map(|it| it.id).collect();
    few.sort_by_key(|it| it.parse::<u64>().unwrap());
    let expected = |count: usize| -> Vec<Id> {
        (0..700)
            .filter(|n| n % 35 < count)
            .map(|n| deals[n].clone())
            .collect()
    };
    assert_eq!(few, expected(2));
    desk.crm().spent = 0;
    let mut many: Vec<Id> = of(&people).into_iter().map(|it| it.id).collect();
    many.sort_by_key(|it| it.parse::<u64>().unwrap());
    assert_eq!(many, expected(30));
    assert!(desk.crm().spent <= 70, "{}", desk.crm().spent);
    let accounts = [company];
    let of_company = all(
        |page| {
            call(&desk, |it| {
                it.get_opportunities_for_accounts(&accounts, page)
            })
        },
        200,
    );
    assert_eq!(of_company.len(), 700);
    let deal = of_company.iter().find(|it| it.name == "Deal 1").unwrap();
    let amount = deal
        .amount
        .as_ref()
        .map(|it| (it.amount.as_str(), it.currency.as_deref()));
    assert_eq!(amount, Some(("1234567.5", Some("EUR"))));
    // Its number is 4, but one before it was deleted.
    assert_eq!(
        (deal.stage.as_deref(), deal.stage_order),
        (Some("Negotiation"), Some(2))
    );
    assert_eq!(
        (deal.kind.as_deref(), deal.participants.len()),
        (Some("Sales"), 1)
    );
    assert_eq!(deal.closed, Some(Moment::At(NOW)));
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
    assert_eq!(find(&new.key), [id.clone()]);
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
    assert_eq!(find(&new.key), [id.clone()]);
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
        [id.clone()]
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

fn read(desk: &Desk<Pipedrive>) -> Error {
    let request = ReadRequest::first(Owner::Anyone, Scope::All, 10);
    call(desk, |it| it.get_my_contacts(request)).unwrap_err()
}

#[test]
fn refusals_are_told_apart() {
    let desk = desk();
    desk.crm().office().lacking = true;
    let error = read(&desk);
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(error.message.contains("contacts:full"), "{}", error.message);
    desk.crm().office().lacking = false;
    desk.crm().shut = true;
    assert_eq!(read(&desk).reason, Reason::RateLimited(None));
    desk.crm().shut = false;
    desk.crm().office().trouble(0, 1, Trouble::Limit);
    assert_eq!(read(&desk).reason, Reason::RateLimited(Some(2_000)));
    desk.crm().office().trouble(0, 1, Trouble::Outage);
    assert_eq!(read(&desk).reason, Reason::Unavailable);
    let spent = desk.crm().spent;
    desk.crm().budget = spent;
    assert_eq!(read(&desk).reason, Reason::RateLimited(Some(2_000)));
    desk.crm().budget = 1_000_000;
    let contact = |owner: &str, account: &str| NewContact {
        full_name: Some("Ann".to_owned()),
        owner: Some(owner.to_owned()),
        accounts: vec![Affiliation::primary(account)],
        ..NewContact::default()
    };
    for (owner, account, field) in [
        ("1", "77", "accounts"),
        ("77", "", "accounts"),
        ("x", "1", "owner"),
    ] {
        let refused = call(&desk, |it| it.create_contact(contact(owner, account))).unwrap_err();
        let Reason::Invalid(fields) = refused.reason else {
            panic!("{refused:?}")
        };
        assert_eq!(fields[0].field.as_deref(), Some(field), "{owner} {account}");
    }
    desk.crm().office().revoked = true;
    let error = read(&desk);
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (Reason::Unauthorized, Some("401"))
    );
}

#[test]
fn the_connection_is_a_user_of_a_company() {
    let desk = desk();
    let me = call(&desk, Connector::get_me).unwrap();
    assert_eq!(
        (me.org_id.as_str(), me.org_name.as_deref()),
        ("7777", Some("Acme"))
    );
    assert_eq!(me.user.unwrap().timezone.as_deref(), Some("Europe/Tallinn"));
    let users = call(&desk, |it| it.get_users(PageRequest::first(10))).unwrap();
    assert_eq!(users.items.len(), 1);
    let emails = texts(&["ADA@acme.example", "x@acme.example"]);
    let found = call(&desk, |it| {
        it.get_users_by_email(&emails, PageRequest::first(10))
    });
    assert_eq!(found.unwrap().items[0].id, "1");
}
