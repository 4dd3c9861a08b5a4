//! Reads of whole collections: complete, whatever happens meanwhile.

use std::collections::BTreeSet;

use brightsync_crms::{Crm as _, Kind, Trouble};
use brightsync_sdk::{
    Change, Connector as _, DepartureKind, Detail, ForbiddenKind, NewAccount, Owner, PageRequest,
    ReadRequest, Reason, Scope, Window,
};

use super::{add, call, desk, queries, read_all};

const DAY: i64 = 24 * 3_600_000;

fn request(owner: Owner, scope: Scope, size: u32) -> ReadRequest {
    ReadRequest {
        detail: Detail::Ids,
        ..ReadRequest::first(owner, scope, size)
    }
}

#[test]
fn every_contact_comes_once_beyond_the_largest_page() {
    let desk = desk();
    let all: Vec<String> = (0..4_500).map(|_| add(&desk, "Lee", None)).collect();
    let (ids, pages) = read_all(&desk, &request(Owner::Anyone, Scope::All, 9_000), |_| {});
    assert_eq!((ids == all, pages), (true, 3));
    // All of them have the same time.
    let window = Window::since(desk.crm().office().now);
    let (ids, pages) = read_all(
        &desk,
        &request(Owner::Anyone, Scope::Updated(window), 2_000),
        |_| {},
    );
    assert_eq!((ids == all, pages), (true, 3));
    // Records are wide, so that fewer come than were asked for.
    desk.crm().at_once = 700;
    let (ids, pages) = read_all(
        &desk,
        &request(Owner::Anyone, Scope::Updated(window), 2_000),
        |_| {},
    );
    assert_eq!((ids == all, pages), (true, 7));
}

#[test]
fn what_changes_while_it_is_read_is_not_missed() {
    let desk = desk();
    let all: Vec<String> = (0..100).map(|_| add(&desk, "Lee", None)).collect();
    let since = desk.crm().office().now;
    for scope in [Scope::All, Scope::Updated(Window::since(since))] {
        let mut changed = all.iter();
        let (ids, _) = read_all(&desk, &request(Owner::Me, scope, 10), |_| {
            let mut crm = desk.crm();
            crm.office().now += 1_000;
            if let Some(id) = changed.next().filter(|_| changed.len() > 90) {
                crm.rename(id, "Low");
            }
        });
        let ids: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids, all.iter().collect());
    }
}

#[test]
fn a_read_says_up_to_when_it_is_complete_by_the_orgs_clock() {
    let desk = desk();
    let start = desk.crm().office().now;
    for _ in 0..3 {
        add(&desk, "Lee", None);
    }
    let mut first = request(Owner::Anyone, Scope::Updated(Window::since(start)), 2);
    let page = call(&desk, |it| it.get_my_contacts(first.clone())).unwrap();
    assert_eq!(page.end.complete_until, Some(start));
    desk.crm().office().now += 60_000;
    first.page.token = page.end.next;
    let page = call(&desk, |it| it.get_my_contacts(first.clone())).unwrap();
    assert_eq!(
        (page.end.next, page.end.complete_until),
        (None, Some(start))
    );
    let window = Window {
        since: start,
        until: Some(start + 1_500),
    };
    let page = call(&desk, |it| {
        it.get_my_contacts(request(Owner::Anyone, Scope::Updated(window), 9))
    })
    .unwrap();
    assert_eq!(page.end.complete_until, Some(start + 1_500));
}

#[test]
fn a_window_has_its_begin_and_not_its_end() {
    let desk = desk();
    let start = desk.crm().office().now;
    let ids: Vec<String> = (0..3)
        .map(|_| {
            desk.crm().office().now += 1_000;
            add(&desk, "Lee", None)
        })
        .collect();
    let window = Window {
        since: start + 1_500,
        until: Some(start + 2_500),
    };
    let (found, _) = read_all(
        &desk,
        &request(Owner::Anyone, Scope::Updated(window), 9),
        |_| {},
    );
    assert_eq!(found, ids[..2]);
}

#[test]
fn owners_are_told_apart_and_ids_alone_are_asked_for() {
    let desk = desk();
    let mine = add(&desk, "Lee", None);
    let bob = desk.crm().put(
        "User",
        serde_json::json!({"Name": "Bob", "UserType": "Standard"}),
    );
    let his = add(&desk, "Low", None);
    desk.crm().give(&his, &bob);
    desk.crm().office().forget();
    assert_eq!(
        read_all(&desk, &request(Owner::Me, Scope::All, 9), |_| {}).0,
        [mine]
    );
    assert_eq!(queries(&desk)[0].fields, ["Id", "SystemModstamp"]);
    let of_bob = request(Owner::User(bob), Scope::All, 9);
    assert_eq!(read_all(&desk, &of_bob, |_| {}).0, [his]);
    let nobody = request(Owner::User("' OR Id != '".to_owned()), Scope::All, 9);
    let error = call(&desk, |it| it.get_my_contacts(nobody)).unwrap_err();
    assert!(matches!(error.reason, Reason::Invalid(_)));
}

#[test]
fn deleted_and_merged_contacts_depart() {
    let desk = desk();
    let ids = ["a", "b", "c"].map(|it| add(&desk, it, None));
    let start = desk.crm().office().now;
    desk.crm().office().now += 5_000;
    desk.crm().remove(Kind::Person, &ids[0]);
    desk.crm().merge(&ids[1], &ids[2]);
    let departed = |since| request(Owner::Me, Scope::Departed(Window::since(since)), 9);
    let page = call(&desk, |it| it.get_my_contacts(departed(start))).unwrap();
    let [Change::Departed(deleted), Change::Departed(merged)] = page.items.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(
        (&deleted.id, &deleted.how),
        (&ids[0], &DepartureKind::Deleted)
    );
    assert_eq!(deleted.at, Some(start + 5_000));
    assert_eq!(
        (&merged.id, &merged.how),
        (&ids[1], &DepartureKind::Merged(ids[2].clone()))
    );
    let page = call(&desk, |it| it.get_my_contacts(departed(start + 6_000))).unwrap();
    assert!(page.items.is_empty());
    // The bin is emptied after 15 days: what was in it nobody knows.
    assert!(call(&desk, |it| it.get_my_contacts(departed(start - 14 * DAY))).is_ok());
    let error = call(&desk, |it| it.get_my_contacts(departed(start - 16 * DAY))).unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
}

#[test]
fn a_token_from_elsewhere_is_expired_and_changes_no_query() {
    let desk = desk();
    for place in [
        "",
        "x",
        "//x",
        "/2026-01-01/0035g0000000001AAA",
        "'/'/'",
        "//003' OR Id != '",
    ] {
        let token = brightsync_sdk::page::Cursor::next(Some(format!("{place} ")));
        let mut request = request(Owner::Anyone, Scope::Updated(Window::since(0)), 9);
        request.page.token = token;
        let error = call(&desk, |it| it.get_my_contacts(request)).unwrap_err();
        assert_eq!(error.reason, Reason::CursorExpired, "{place}");
    }
    assert!(desk.crm().office().seen().is_empty());
}

#[test]
fn refusals_are_what_they_are() {
    let desk = desk();
    let read = || {
        call(&desk, |it| {
            it.get_contacts_by_name("Lee", PageRequest::first(9))
        })
        .unwrap_err()
    };
    desk.crm().office().trouble(0, 1, Trouble::Limit);
    let error = read();
    assert_eq!(error.reason, Reason::RateLimited(None));
    assert_eq!(error.code.as_deref(), Some("REQUEST_LIMIT_EXCEEDED"));
    desk.crm().office().trouble(0, 1, Trouble::Outage);
    assert_eq!(read().reason, Reason::Unavailable);
    desk.crm().office().lacking = true;
    let error = read();
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(error.message.contains("'Contact'"), "{}", error.message);
    desk.crm().office().lacking = false;
    desk.crm().read_only = vec!["Account"];
    let error = call(&desk, |it| it.create_account(NewAccount::new("Acme"))).unwrap_err();
    let operation = Reason::Forbidden(ForbiddenKind::ThisOperation);
    assert_eq!(error.reason, operation);
    desk.crm().office().revoked = true;
    assert_eq!(read().reason, Reason::Unauthorized);
    let error = call(&desk, brightsync_sdk::Connector::get_me).unwrap_err();
    assert_eq!(error.reason, Reason::Unauthorized);
}
