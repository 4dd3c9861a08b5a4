//! Many records, page by page, while more come, change and go.

use std::collections::BTreeSet;

use brightsync_crms::zoho::Zoho;
use brightsync_crms::{Colleague, Crm as _, Person};
use brightsync_sdk::{
    Change, Connector, Owner, Page, PageRequest, ReadRequest, Reason, Result, Scope, Window,
};
use serde_json::json;

use super::{Connected, all, assert_sound, call, desk, last_query, open, person, queries};

fn read_all(
    owner: Owner,
    scope: Scope,
) -> impl FnMut(&Connected, PageRequest) -> Result<Page<Change<brightsync_sdk::Contact>>> {
    move |it, page| {
        let request = ReadRequest::first(owner.clone(), scope.clone(), 1);
        it.get_my_contacts(ReadRequest { page, ..request })
    }
}

fn id(change: &Change<brightsync_sdk::Contact>) -> String {
    match change {
        Change::Present(it) => it.ref_.id.clone(),
        Change::IdOnly(id) => id.clone(),
        Change::Departed(it) => it.id.clone(),
    }
}

#[test]
fn many_changes_of_one_second_are_read_page_by_page_while_more_come() {
    let mut crm = Zoho::with_token("good");
    let start = crm.office().now;
    let there: Vec<String> = (0..4_500)
        .map(|n| crm.add_person(&person("P", &format!("{n:04}"), "p@x.example")))
        .collect();
    let desk = desk(crm);
    let window = Window {
        since: start,
        until: None,
    };
    let mut late = Vec::new();
    let (items, pages) = all(
        &desk,
        2_000,
        read_all(Owner::Anyone, Scope::Updated(window)),
        |crm| {
            // The first one changes, and is seen once more behind all others; the second goes, and a new one comes.
            crm.office().pass(1_000);
            crm.rename(&there[late.len()], "Renamed");
            crm.bin("Contacts", &there[late.len() + 10]);
            late.push(crm.add_person(&person("New", "Comer", "n@x.example")));
        },
    );
    let read: BTreeSet<String> = items.iter().map(id).collect();
    for id in there.iter().chain(&late[..2]) {
        assert!(read.contains(id), "{id}");
    }
    assert_eq!(pages.len(), 3);
    // A window ends before its end, and a second that has only begun is in it.
    for (until, count) in [(start, 0), (start + 1, 4_494)] {
        let window = Window {
            since: start,
            until: Some(until),
        };
        let scope = Scope::Updated(window);
        let (items, _) = all(&desk, 2_000, read_all(Owner::Anyone, scope), |_| {});
        assert_eq!(items.len(), count);
    }
    // What changes after the beginning may be missing.
    assert!(pages.iter().all(|it| it.end.complete_until == Some(start)));
    assert_sound(&desk);
}

#[test]
fn a_full_read_of_ids_has_each_owners_records_and_costs_little() {
    let mut crm = Zoho::with_token("good");
    let olga = crm.add_user(&Colleague {
        name: "Olga".to_owned(),
        email: "olga@office.example".to_owned(),
    });
    for n in 0..5_000 {
        let owner = (n % 2 == 0).then(|| olga.clone());
        crm.add_person(&Person {
            owner,
            ..person("P", &format!("{n:04}"), "p@x.example")
        });
    }
    let desk = desk(crm);
    let read = |owner: Owner| {
        all(
            &desk,
            2_000,
            |it, page| {
                let request = ReadRequest::first(owner.clone(), Scope::All, 1);
                it.get_my_contacts(ReadRequest {
                    page,
                    detail: brightsync_sdk::Detail::Ids,
                    ..request
                })
            },
            |_| {},
        )
    };
    assert_eq!(read(Owner::Me).0.len(), 2_500);
    assert_eq!(read(Owner::User(olga)).0.len(), 2_500);
    assert_eq!(read(Owner::User("' or 1".to_owned())).0.len(), 0);
    desk.crm().office().forget();
    desk.crm().credits = 0;
    let (items, pages) = read(Owner::Anyone);
    assert_eq!(
        (items.len(), pages.len(), desk.crm().credits),
        (5_000, 3, 9)
    );
    assert!(matches!(items[0], Change::IdOnly(_)));
    assert_eq!(desk.crm().office().seen().len(), 3);
    assert!(
        last_query(&desk).starts_with("select 'id' from Contacts where (id is not null and id > '")
    );
}

#[test]
fn a_thousand_addresses_or_ids_take_few_queries() {
    let mut crm = Zoho::with_token("good");
    let ids: Vec<String> = (0..1_000)
        .map(|n| crm.add_person(&person("P", "Q", &format!("p{n}@x.example"))))
        .collect();
    crm.put(
        "Contacts",
        json!({"Last_Name": "Second", "Secondary_Email": "P7@X.example"}),
    );
    let desk = desk(crm);
    assert_eq!(
        call(&desk, |it| it.get_contacts(&ids)).unwrap().items.len(),
        1_000
    );
    assert_eq!(queries(&desk), 1);
    let emails: Vec<String> = (0..1_000).map(|n| format!("P{n}@x.example")).collect();
    desk.crm().office().forget();
    let (found, _) = all(
        &desk,
        2_000,
        |it, page| it.get_contacts_by_email(&emails, page),
        |_| {},
    );
    assert_eq!(found.len(), 1_001);
    assert_eq!(queries(&desk), 2);
    let (found, pages) = all(
        &desk,
        300,
        |it, page| it.get_contacts_by_email(&emails, page),
        |_| {},
    );
    assert_eq!((found.len(), pages.len()), (1_001, 5));
    assert_sound(&desk);
}

#[test]
fn what_was_deleted_is_told_for_sixty_days_whosever_it_was() {
    let mut crm = Zoho::with_token("good");
    let start = crm.office().now;
    let gone: Vec<String> = (0..450)
        .map(|_| crm.add_person(&person("G", "One", "g@x.example")))
        .collect();
    for (n, id) in gone.iter().enumerate() {
        crm.office().now = start + i64::try_from(n / 10).unwrap() * 1_000;
        crm.bin("Contacts", id);
    }
    let desk = desk(crm);
    let now = desk.crm().office().now;
    let departed = |since, until| {
        all(
            &desk,
            200,
            read_all(Owner::Me, Scope::Departed(Window { since, until })),
            |_| {},
        )
    };
    let (items, pages) = departed(start, None);
    assert_eq!((items.len(), pages.len()), (450, 3));
    assert_eq!(pages[2].end.complete_until, Some(now));
    let (items, _) = departed(start + 1_000, Some(start + 3_000));
    let read: BTreeSet<String> = items.iter().map(id).collect();
    assert_eq!(read, gone[10..30].iter().cloned().collect());
    assert_eq!(departed(now + 1, None).0.len(), 10);
    assert_eq!(departed(now + 1_000, None).0.len(), 0);
    let early = Scope::Departed(Window::since(now - 61 * 86_400_000));
    let request = ReadRequest::first(Owner::Anyone, early, 10);
    let error = call(&desk, |it| it.get_my_accounts(request)).unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
    assert_sound(&desk);
}

#[test]
fn a_foreign_token_is_expired_and_no_first_page() {
    let desk = open();
    let foreign = brightsync_sdk::page::to_token(&json!({"page": 2, "size": 5}));
    for token in [foreign, "nonsense".to_owned()] {
        let page = PageRequest {
            token: Some(token),
            ..PageRequest::first(5)
        };
        let request = ReadRequest {
            page: page.clone(),
            ..ReadRequest::first(Owner::Anyone, Scope::All, 5)
        };
        let emails = ["a@x.example".to_owned()];
        for end in [
            call(&desk, |it| it.get_my_contacts(request.clone())).map(drop),
            call(&desk, |it| it.get_contacts_by_name("Ann", page.clone())).map(drop),
            call(&desk, |it| it.get_contacts_by_email(&emails, page.clone())).map(drop),
        ] {
            assert_eq!(end.unwrap_err().reason, Reason::CursorExpired);
        }
    }
}

#[test]
fn users_are_listed_and_found_by_their_address() {
    let mut crm = Zoho::with_token("good");
    for n in 0..450 {
        crm.add_user(&Colleague {
            name: format!("U {n}"),
            email: format!("u{n}@office.example"),
        });
    }
    let desk = desk(crm);
    let me = call(&desk, Connector::get_me).unwrap();
    assert_eq!(
        (me.org_id.as_str(), me.org_name.as_deref()),
        (Zoho::NUMBER, Some("Office Limited"))
    );
    let user = me.user.unwrap();
    assert_eq!(
        (user.emails, user.timezone.as_deref(), user.active),
        (
            vec!["me@office.example".to_owned()],
            Some("Europe/Berlin"),
            Some(true)
        )
    );
    let (users, pages) = all(&desk, 200, |it, page| it.get_users(page), |_| {});
    assert_eq!((users.len(), pages.len()), (451, 3));
    let emails = ["U449@office.example", "nobody@office.example"].map(str::to_owned);
    let (users, _) = all(
        &desk,
        10,
        |it, page| it.get_users_by_email(&emails, page),
        |_| {},
    );
    assert_eq!(users.len(), 1);
    assert_sound(&desk);
}
