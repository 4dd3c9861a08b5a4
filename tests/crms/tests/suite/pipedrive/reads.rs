//! Whole collections are read while they change, and what has left them.

use brightsync_crms::{Colleague, Company, Crm, Kind};
use brightsync_sdk::{
    Change, Connector, Departure, DepartureKind, Owner, PageRequest, ReadRequest, Reason, Scope,
    Window,
};
use serde_json::json;

use super::{DAY, NOW, asked, call, crowd, desk, ids, mine, texts};

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
    desk.crm().office().pass(DAY);
    for id in &added[1..60] {
        desk.crm().remove(Kind::Person, id);
        desk.crm().office().pass(500);
    }
    desk.crm().rename(&added[0], "Renamed");
    for id in &added[60..200] {
        desk.crm().remove(Kind::Person, id);
    }
    desk.crm().office().pass(60_000);
    let scope = Scope::Departed(Window::since(NOW + DAY));
    let mut turns = 0;
    let read = mine(&desk, &Owner::Anyone, &scope, 20, || {
        turns += 1;
        // One that was changed before leaves its place, and all behind it move up.
        if turns == 8 {
            desk.crm().rename(&added[0], "Moved");
        }
    });
    let told: std::collections::BTreeSet<_> = ids(&read).into_iter().collect();
    let expected = added[1..200].iter().map(|it| format!("-{it}")).collect();
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

#[test]
fn organisations_are_read_like_people() {
    let desk = desk();
    let company = |name: &str| {
        desk.crm().add_company(&Company {
            name: name.to_owned(),
            domain: Some("acme.example".to_owned()),
            owner: None,
        })
    };
    let added = [company("Acme"), company("Other")];
    desk.crm().office().pass(DAY);
    desk.crm().remove(Kind::Company, &added[0]);
    let read = |scope: Scope| {
        let request = ReadRequest::first(Owner::Me, scope, 10);
        call(&desk, |it| it.get_my_accounts(request)).unwrap().items
    };
    let everything = read(Scope::All);
    let [Change::Present(other)] = everything.as_slice() else {
        panic!("{everything:?}")
    };
    assert_eq!((&other.id, other.name.as_str()), (&added[1], "Other"));
    assert_eq!(other.domains, ["acme.example"]);
    let gone = read(Scope::Departed(Window::since(NOW + DAY)));
    let [Change::Departed(gone)] = gone.as_slice() else {
        panic!("{gone:?}")
    };
    assert_eq!((&gone.id, gone.at), (&added[0], Some(NOW + DAY)));
}
