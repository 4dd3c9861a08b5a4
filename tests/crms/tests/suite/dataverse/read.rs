//! Reads of contacts: by time, by token, of one owner, and without the right to have changes tracked.

use brightsync_crms::dataverse::Dataverse;
use brightsync_crms::{Colleague, Crm as _, Kind, Person};
use brightsync_sdk::{
    Change, Connector as _, Contact, Detail, Owner, PageRequest, ReadRequest, Reason, Scope, Window,
};
use serde_json::json;

use crate::desk::Desk;

use super::{DAY, all, person, run, with_people};

/// Reads contacts, all pages: what came, and from where a later read goes on.
fn read(
    desk: &Desk<Dataverse>,
    owner: Owner,
    scope: Scope,
    detail: Detail,
) -> (Vec<String>, Option<String>) {
    let mut resume = None;
    let items = all(
        |page| {
            let request = ReadRequest {
                page,
                detail,
                ..ReadRequest::first(owner.clone(), scope.clone(), 2)
            };
            let page = run(desk, |it| it.get_my_contacts(request))?;
            resume.clone_from(&page.end.resume);
            Ok(page)
        },
        2,
    );
    (items.iter().map(told).collect(), resume)
}

fn told(change: &Change<Contact>) -> String {
    match change {
        Change::Present(it) => {
            let name = it.family_name.as_deref().unwrap_or_default();
            let tier = it.extra.iter().find(|it| it.0 == "new_tier");
            let tier = tier.map(|it| it.1.as_str()).unwrap_or_default();
            format!("{name} {tier}")
                .trim_end_matches(" null")
                .to_owned()
        }
        Change::IdOnly(id) => id.clone(),
        Change::Departed(it) => format!("{:?} {}", it.how, it.id),
    }
}

#[test]
fn a_read_by_time_misses_none_of_one_second() {
    let addresses = ["a@x", "b@x", "c@x", "d@x", "e@x"];
    let (desk, ids) = with_people(&addresses);
    let since = desk.crm().office().now + DAY;
    desk.crm().office().now = since + 999;
    for id in &ids {
        desk.crm().rename(id, "Same");
    }
    desk.crm().office().now = since + DAY;
    let window = Window::since(since + 500);
    let (names, _) = read(&desk, Owner::Anyone, Scope::Updated(window), Detail::Full);
    assert_eq!(names, ["Same"; 5]);
    let until = Some(since);
    let window = Window { since: 0, until };
    let (names, _) = read(&desk, Owner::Anyone, Scope::Updated(window), Detail::Full);
    assert_eq!(names, [""; 0]);
}

#[test]
fn a_read_by_time_says_up_to_when_it_is_complete() {
    let (desk, _) = with_people(&["a@x", "b@x", "c@x"]);
    let now = desk.crm().office().now;
    let scope = Scope::Updated(Window::since(now - DAY));
    let request = |token| ReadRequest {
        page: PageRequest {
            token,
            ..PageRequest::first(2)
        },
        ..ReadRequest::first(Owner::Me, scope.clone(), 2)
    };
    let first = run(&desk, |it| it.get_my_contacts(request(None))).unwrap();
    desk.crm().office().now = now + DAY;
    let second = run(&desk, |it| it.get_my_contacts(request(first.end.next))).unwrap();
    assert_eq!(
        (second.items.len(), second.end.complete_until),
        (1, Some(now))
    );
}

#[test]
fn changes_and_departures_are_read_by_token() {
    let (desk, ids) = with_people(&["stays@x", "goes@x", "moves@x", "merges@x"]);
    let everybody = Owner::Anyone;
    let (names, token) = read(&desk, everybody.clone(), Scope::All, Detail::Full);
    assert_eq!(names.len(), 4);
    let token = token.unwrap();

    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@x".to_owned(),
    });
    desk.crm()
        .set("contacts", &ids[0], "new_tier", json!("gold"));
    desk.crm().remove(Kind::Person, &ids[1]);
    desk.crm().give(&ids[2], &olga);
    desk.crm().merge(&ids[3], &ids[0]);
    let newcomer = desk.crm().add_person(&person("comes@x"));

    let deleted = format!("DepartureKind::Deleted {}", ids[1]);
    let merged = format!("DepartureKind::Merged(\"{}\") {}", ids[0], ids[3]);
    let reassigned = format!("DepartureKind::Reassigned {}", ids[2]);
    let since = |scope, owner| {
        let (mut told, resume) = read(&desk, owner, scope, Detail::Full);
        told.sort();
        (told, resume)
    };
    let (told, resume) = since(Scope::ChangedSince(token.clone()), everybody.clone());
    let expected = [&deleted, &merged, "comes@x", "moves@x", "stays@x \"gold\""];
    assert_eq!(told, expected);
    let (told, _) = since(Scope::DepartedSince(token.clone()), everybody.clone());
    assert_eq!(told, [&*deleted, &merged]);
    let (told, _) = since(Scope::DepartedSince(token.clone()), Owner::Me);
    assert_eq!(told, [&*deleted, &merged, &reassigned]);
    let (told, _) = since(Scope::ChangedSince(token), Owner::User(olga));
    assert!(told.contains(&"moves@x".to_owned()), "{told:?}");
    let gone = format!("DepartureKind::Reassigned {newcomer}");
    assert!(told.contains(&gone), "{told:?}");
    // Nothing has happened since.
    let (told, _) = since(Scope::ChangedSince(resume.unwrap()), everybody);
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_token_goes_on_from_ids_and_from_other_columns() {
    let (desk, ids) = with_people(&["a@x", "b@x", "c@x"]);
    let (read_ids, token) = read(&desk, Owner::Me, Scope::All, Detail::Ids);
    assert_eq!(read_ids.len(), 3);
    desk.crm()
        .set("contacts", &ids[0], "new_tier", json!("gold"));
    let scope = Scope::ChangedSince(token.unwrap());
    let (names, _) = read(&desk, Owner::Me, scope, Detail::Full);
    assert_eq!(names, ["a@x \"gold\""]);
}

#[test]
fn a_token_that_is_too_old_or_of_another_table_begins_anew() {
    let (desk, _) = with_people(&["a@x", "b@x", "c@x"]);
    let (_, token) = read(&desk, Owner::Anyone, Scope::All, Detail::Full);
    let since = |token: Option<String>| {
        let scope = Scope::ChangedSince(token.unwrap());
        ReadRequest::first(Owner::Anyone, scope, 2)
    };
    let error = run(&desk, |it| it.get_my_accounts(since(token.clone()))).unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
    desk.crm().office().now += 8 * DAY;
    let error = run(&desk, |it| it.get_my_contacts(since(token))).unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
    let error = run(&desk, |it| {
        it.get_my_contacts(since(Some("1.e30".to_owned())))
    })
    .unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
    let departed = Scope::Departed(Window::since(0));
    let request = ReadRequest::first(Owner::Anyone, departed, 2);
    let error = run(&desk, |it| it.get_my_contacts(request)).unwrap_err();
    assert_eq!(error.reason, Reason::Unsupported);
}

#[test]
fn of_other_peoples_rows_only_ids_are_read() {
    let (desk, ids) = with_people(&["a@x", "b@x"]);
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@x".to_owned(),
    });
    desk.crm().give(&ids[0], &olga);
    desk.crm().office().forget();
    let (names, resume) = read(&desk, Owner::User(olga), Scope::All, Detail::Full);
    assert_eq!(
        (names.as_slice(), resume.is_some()),
        (&["a@x".to_owned()][..], true)
    );
    let seen = desk.crm().office().seen().to_vec();
    let queries: Vec<bool> = seen
        .iter()
        .map(|it| it.query.contains("fullname"))
        .collect();
    assert_eq!(queries, [false, true]);
    assert!(!seen[1].query.contains(&ids[1]), "{}", seen[1].query);
}

#[test]
fn whoever_may_not_read_everybodys_rows_reads_without_a_token() {
    let (desk, _) = with_people(&["a@x", "b@x", "c@x"]);
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@x".to_owned(),
    });
    let hers = Person {
        owner: Some(olga),
        ..person("hers@x")
    };
    desk.crm().add_person(&hers);
    desk.crm().tracking = false;
    let (mut names, resume) = read(&desk, Owner::Me, Scope::All, Detail::Full);
    names.sort();
    assert_eq!(
        (names, resume),
        (
            vec!["a@x".to_owned(), "b@x".to_owned(), "c@x".to_owned()],
            None
        )
    );
}

#[test]
fn a_merged_contact_is_the_one_that_survived() {
    let (desk, ids) = with_people(&["a@x", "b@x"]);
    desk.crm().merge(&ids[0], &ids[1]);
    let survivor = run(&desk, |it| it.get_contact(&ids[0])).unwrap();
    assert_eq!(survivor.ref_.id, ids[1]);
    let found = run(&desk, |it| it.get_contacts(&ids)).unwrap();
    assert_eq!(found.items.len(), 1);
    let (names, _) = read(&desk, Owner::Anyone, Scope::All, Detail::Full);
    assert_eq!(
        names.into_iter().filter(|it| it.starts_with("b@x")).count(),
        1
    );
}
