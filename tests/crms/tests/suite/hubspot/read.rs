//! Reads of many records.

use std::collections::BTreeSet;

use brightsync_crms::hubspot::Object;
use brightsync_crms::{Colleague, Company, Crm as _, Kind, START, Trouble};
use brightsync_sdk::{
    Change, Connector as _, Detail, ForbiddenKind, Owner, PageRequest, ReadRequest, Reason, Scope,
    Window,
};

use super::{Hub, id, person};

const DAY: i64 = 86_400_000;

fn request(owner: Owner, scope: Scope, complete: bool, page: PageRequest) -> ReadRequest {
    ReadRequest {
        complete,
        page,
        ..ReadRequest::first(owner, scope, 1)
    }
}

#[track_caller]
fn contacts(hub: &Hub, owner: Owner, scope: Scope, complete: bool) -> Vec<String> {
    let read = hub.all(200, |it, page| {
        it.get_my_contacts(request(owner.clone(), scope.clone(), complete, page))
    });
    let mut ids: Vec<String> = read
        .unwrap()
        .items
        .iter()
        .map(|it| id(it, |it| it.ref_.id.clone()))
        .collect();
    ids.sort();
    ids
}

/// An entry that is a whole record.
#[track_caller]
fn present<T: std::fmt::Debug>(items: &[Change<T>], at: usize) -> &T {
    let Change::Present(record) = &items[at] else {
        panic!("{items:?}")
    };
    record
}

fn updated(since: i64, until: Option<i64>) -> Scope {
    Scope::Updated(Window { since, until })
}

#[test]
fn all_contacts_come_by_hundreds_with_their_companies() {
    let hub = Hub::new();
    let company = hub.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let ids: Vec<String> = (0..1_000)
        .map(|it| person(&hub, "P", &it.to_string(), ""))
        .collect();
    hub.crm()
        .link((Object::Contact, &ids[7]), (Object::Company, &company), 279);
    hub.crm().office.forget();
    let read = hub
        .all(500, |it, page| {
            it.get_my_contacts(request(Owner::Anyone, Scope::All, true, page))
        })
        .unwrap();
    let found: Vec<String> = read
        .items
        .iter()
        .map(|it| id(it, |it| it.ref_.id.clone()))
        .collect();
    assert_eq!(found, ids);
    let seventh = present(&read.items, 7);
    assert_eq!(
        seventh.accounts,
        [brightsync_sdk::Affiliation::primary(company)]
    );
    assert_eq!(
        seventh.url.as_deref(),
        Some(
            format!(
                "https://app-eu1.hubspot.com/contacts/62515/record/0-1/{}",
                ids[7]
            )
            .as_str()
        )
    );
    // One for each hundred, and one for the account.
    assert_eq!(hub.count(""), 11);
}

#[test]
fn a_contact_with_more_companies_than_come_along_has_them_all() {
    let hub = Hub::new();
    let ann = person(&hub, "Ann", "Lee", "");
    for it in 0..130 {
        let company = hub.crm().add_company(&Company {
            name: it.to_string(),
            ..Company::default()
        });
        hub.crm()
            .link((Object::Contact, &ann), (Object::Company, &company), 279);
    }
    let one = hub.call(|it| it.get_contact(&ann)).unwrap();
    assert_eq!(one.accounts.len(), 130);
    let many = hub
        .call(|it| it.get_contacts(std::slice::from_ref(&ann)))
        .unwrap();
    assert_eq!(many.items, [one]);
}

#[test]
fn more_records_of_one_instant_than_a_search_has_rows_are_all_read() {
    let hub = Hub::new();
    let ids: BTreeSet<String> = (0..10_450).map(|_| person(&hub, "P", "Q", "")).collect();
    hub.crm().office.now += 1_000;
    hub.crm().office.forget();
    let scope = updated(START, Some(START + 1));
    let read = hub.all(1_000, |it, page| {
        it.get_my_contacts(ReadRequest {
            detail: Detail::Ids,
            ..request(Owner::Anyone, scope.clone(), false, page)
        })
    });
    let found = read.unwrap().items;
    assert_eq!(found.len(), ids.len());
    let found: BTreeSet<String> = found
        .iter()
        .map(|it| id(it, |it| it.ref_.id.clone()))
        .collect();
    assert_eq!(found, ids);
    // Ids only: nothing was read beside the search.
    assert_eq!(hub.count(""), 53);
}

#[test]
fn what_changes_during_a_read_hides_no_other_record() {
    let hub = Hub::new();
    let ids: Vec<String> = (0..450)
        .map(|it| person(&hub, "P", &it.to_string(), ""))
        .collect();
    for complete in [false, true] {
        hub.crm().office.now += 10_000;
        let began = hub.crm().office.now;
        let scope = updated(START, None);
        let mut found = BTreeSet::new();
        let (mut token, mut until) = (None, None);
        for round in 0.. {
            let page = PageRequest {
                token,
                ..PageRequest::first(100)
            };
            let page = hub
                .call(|it| {
                    it.get_my_contacts(request(Owner::Anyone, scope.clone(), complete, page))
                })
                .unwrap();
            found.extend(page.items.iter().map(|it| id(it, |it| it.ref_.id.clone())));
            // Somebody changes what was read, and what was not.
            hub.crm().office.now += 1_000;
            hub.crm().rename(&ids[5], &format!("Later {round}"));
            hub.crm().rename(&ids[440], &format!("Later {round}"));
            token = page.end.next;
            until = page.end.complete_until;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), 450, "complete: {complete}");
        assert_eq!(until, Some(began));
    }
}

#[test]
fn a_read_of_a_user_has_that_users_records_by_either_route() {
    let hub = Hub::new();
    let other = hub.crm().add_user(&Colleague {
        name: "Bob Other".to_owned(),
        email: "bob@our.example".to_owned(),
    });
    let mine = person(&hub, "Ann", "Lee", "");
    let theirs = person(&hub, "Cid", "Lee", "");
    hub.crm().give(&theirs, &other);
    for complete in [false, true] {
        assert_eq!(
            contacts(&hub, Owner::Me, Scope::All, complete),
            std::slice::from_ref(&mine)
        );
        assert_eq!(
            contacts(&hub, Owner::User(other.clone()), Scope::All, complete),
            std::slice::from_ref(&theirs)
        );
        assert_eq!(contacts(&hub, Owner::Anyone, Scope::All, complete).len(), 2);
        assert_eq!(
            contacts(&hub, Owner::User("nobody".to_owned()), Scope::All, complete),
            [] as [String; 0]
        );
    }
}

#[test]
fn a_window_has_its_first_instant_and_not_its_last_by_either_route() {
    let hub = Hub::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(person(&hub, "P", "Q", ""));
        hub.crm().office.now += 1;
    }
    for complete in [false, true] {
        let found = contacts(
            &hub,
            Owner::Me,
            updated(START + 1, Some(START + 2)),
            complete,
        );
        assert_eq!(found, ids[1..2], "complete: {complete}");
        assert_eq!(
            contacts(&hub, Owner::Me, updated(START + 1, None), complete),
            ids[1..]
        );
    }
}

#[test]
fn a_complete_read_does_not_lag() {
    let hub = Hub::new();
    hub.crm().office.lag = 60_000;
    let ann = person(&hub, "Ann", "Lee", "");
    assert_eq!(
        contacts(&hub, Owner::Me, updated(START, None), false),
        [] as [String; 0]
    );
    assert_eq!(
        contacts(&hub, Owner::Me, updated(START, None), true),
        std::slice::from_ref(&ann)
    );
    assert_eq!(
        contacts(&hub, Owner::Me, Scope::All, true),
        std::slice::from_ref(&ann)
    );
    hub.crm().office.now += 60_000;
    assert_eq!(
        contacts(&hub, Owner::Me, updated(START, None), false),
        [ann]
    );
}

#[test]
fn what_was_archived_has_departed_from_its_owner() {
    let hub = Hub::new();
    let other = hub.crm().add_user(&Colleague {
        name: "Bob Other".to_owned(),
        email: "bob@our.example".to_owned(),
    });
    let ids: Vec<String> = (0..250)
        .map(|it| person(&hub, "P", &it.to_string(), ""))
        .collect();
    hub.crm().give(&ids[3], &other);
    let remove = |hub: &Hub, id: &str, at: i64| {
        hub.crm().office.now = at;
        hub.crm().remove(Kind::Person, id);
    };
    remove(&hub, &ids[0], START + DAY);
    for gone in &ids[1..240] {
        remove(&hub, gone, START + 2 * DAY);
    }
    let departed = |since, until| Scope::Departed(Window { since, until });
    let scope = departed(START + 2 * DAY, None);
    let mine = contacts(&hub, Owner::Me, scope.clone(), true);
    assert_eq!(mine.len(), 238);
    assert!(!mine.contains(&ids[3]));
    assert_eq!(contacts(&hub, Owner::Anyone, scope, true).len(), 239);
    let scope = departed(START, Some(START + 2 * DAY));
    assert_eq!(contacts(&hub, Owner::Anyone, scope, true), ids[..1]);
    let now = hub.crm().office.now;
    let old = departed(now - 90 * DAY - 1, None);
    let page = PageRequest::first(10);
    let error = hub
        .call(|it| it.get_my_contacts(request(Owner::Me, old, true, page)))
        .unwrap_err();
    assert_eq!(error.reason, Reason::CursorExpired);
    assert_eq!(
        contacts(&hub, Owner::Me, departed(now - 90 * DAY, None), true).len(),
        239
    );
}

#[test]
fn accounts_are_read_by_each_route() {
    let hub = Hub::new();
    let id = hub.crm().put(
        Object::Company,
        &[
            ("domain", "acme.example"),
            ("type", "PARTNER"),
            ("tier", "gold"),
            ("hs_parent_company_id", "17"),
        ],
    );
    for (scope, complete) in [
        (Scope::All, true),
        (updated(START, None), false),
        (updated(START, None), true),
    ] {
        let read = hub.all(10, |it, page| {
            it.get_my_accounts(request(Owner::Anyone, scope.clone(), complete, page))
        });
        let items = read.unwrap().items;
        let account = present(&items, 0);
        assert_eq!(
            (account.id.as_str(), account.name.as_str()),
            (id.as_str(), "acme.example")
        );
        assert_eq!(
            (account.kind.as_deref(), account.parent.as_deref()),
            (Some("PARTNER"), Some("17"))
        );
        assert_eq!(account.modified_at, Some(START));
    }
    hub.crm().remove(Kind::Company, &id);
    let scope = Scope::Departed(Window {
        since: START,
        until: None,
    });
    let page = PageRequest::first(10);
    let page = hub
        .call(|it| it.get_my_accounts(request(Owner::Anyone, scope, true, page)))
        .unwrap();
    assert_eq!(page.items.len(), 1);
    let error = hub.call(|it| it.get_account(&id)).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
}

#[test]
fn a_thousand_ids_come_in_one_page_and_the_missing_are_left_out() {
    let hub = Hub::new();
    let mut ids: Vec<String> = (0..990)
        .map(|it| person(&hub, "P", &it.to_string(), ""))
        .collect();
    let there = ids.len();
    ids.extend(
        [
            "1",
            "999",
            "abc",
            "",
            "12 3",
            "99999999999999999999",
            "../contacts",
        ]
        .map(str::to_owned),
    );
    ids.push(ids[0].clone());
    hub.crm().office.forget();
    let page = hub.call(|it| it.get_contacts(&ids)).unwrap();
    assert_eq!((page.items.len(), page.end.next), (there, None));
    assert_eq!(page.end.skipped, []);
    // Ten batches, their companies and the account.
    assert_eq!(hub.count(""), 12);
    let error = hub.call(|it| it.get_contact("../contacts")).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert_eq!(hub.count(""), 0);
}

#[test]
fn what_of_a_batch_fails_is_told() {
    let hub = Hub::new();
    let ids = [
        person(&hub, "Ann", "Lee", ""),
        person(&hub, "Bob", "Lee", ""),
    ];
    hub.crm().broken.push(ids[1].clone());
    let page = hub.call(|it| it.get_contacts(&ids)).unwrap();
    assert_eq!((page.items.len(), page.end.skipped.len()), (1, 1));
    assert_eq!(page.end.skipped[0].id.as_ref(), Some(&ids[1]));
    assert!(page.end.skipped[0].reason.contains("internal error"));
    // Also where only what they are linked with cannot be read.
    let page = hub
        .call(|it| it.get_opportunities_for_contacts(&ids, PageRequest::first(10)))
        .unwrap();
    assert_eq!(page.end.skipped[0].id.as_ref(), Some(&ids[1]));
}

#[test]
fn refusals_say_what_to_do_next() {
    let hub = Hub::new();
    let ann = person(&hub, "Ann", "Lee", "");
    let refused = |hub: &Hub| hub.call(|it| it.get_contact(&ann)).unwrap_err();
    hub.crm().office.trouble(0, 1, Trouble::Limit);
    let error = refused(&hub);
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (Reason::RateLimited(None), Some("RATE_LIMIT"))
    );
    hub.crm().office.trouble(0, 1, Trouble::Outage);
    assert_eq!(refused(&hub).reason, Reason::Unavailable);
    hub.crm().office.lacking = true;
    let error = refused(&hub);
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(
        error.message.contains("crm.objects.contacts.read"),
        "{}",
        error.message
    );
    hub.crm().office.revoked = true;
    assert_eq!(refused(&hub).reason, Reason::Unauthorized);
}

#[test]
fn a_connection_knows_its_user_and_its_account() {
    let hub = Hub::new();
    let me = hub.call(|it| it.get_me()).unwrap();
    assert_eq!(
        (me.org_id.as_str(), me.org_name.as_deref()),
        ("62515", Some("our.example"))
    );
    let user = me.user.unwrap();
    assert_eq!((user.id, user.name.as_str()), (hub.crm().me(), "Ada Owner"));
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(me.capabilities, []);
    let hub = Hub(crate::desk::Desk::new(
        brightsync_crms::hubspot::HubSpot::new(),
        "https://api.hubapi.com/",
        ("authorization", "Bearer pat"),
    ));
    hub.crm().office.tokens.push("pat".to_owned());
    let me = hub.call(|it| it.get_me()).unwrap();
    assert_eq!((me.user, me.capabilities.len()), (None, 2));
    let page = PageRequest::first(10);
    let error = hub
        .call(|it| it.get_my_contacts(request(Owner::Me, Scope::All, true, page)))
        .unwrap_err();
    assert_eq!(error.reason, Reason::Unsupported);
}

#[test]
fn custom_fields_come_by_every_route_however_many_they_are() {
    let many: Vec<String> = (0..400)
        .map(|it| format!("no_such_property_{it}"))
        .collect();
    let mut wanted: Vec<&str> = many.iter().map(String::as_str).collect();
    wanted.push("vip_tier");
    let hub = Hub::new().wanting("contact", &wanted);
    let ann = person(&hub, "Ann", "Lee", "ann@x.example");
    hub.crm().edit(&ann, "vip_tier", "gold");
    let extra = [("vip_tier".to_owned(), "\"gold\"".to_owned())];
    assert_eq!(hub.call(|it| it.get_contact(&ann)).unwrap().extra, extra);
    for scope in [Scope::All, updated(START, None)] {
        let read = hub.all(10, |it, page| {
            it.get_my_contacts(request(Owner::Me, scope.clone(), false, page))
        });
        let items = read.unwrap().items;
        let contact = present(&items, 0);
        assert_eq!(contact.extra, extra);
    }
    let found = hub.all(10, |it, page| it.get_contacts_by_name("Ann Lee", page));
    assert_eq!(found.unwrap().items[0].extra, extra);
}

#[test]
fn a_read_costs_what_the_manifest_and_the_readme_say() {
    let hub = Hub::new();
    let ids: Vec<String> = (0..1_000).map(|_| person(&hub, "P", "Q", "")).collect();
    hub.crm().office.now += DAY;
    let since = hub.crm().office.now;
    for id in &ids[..10] {
        hub.crm().rename(id, "Renamed");
    }
    for id in &ids[10..15] {
        hub.crm().remove(Kind::Person, id);
    }
    hub.crm().office.forget();
    let departed = Scope::Departed(Window { since, until: None });
    assert_eq!(contacts(&hub, Owner::Anyone, departed, true).len(), 5);
    assert_eq!(hub.count(""), 1);
    // Each time there is one request for the account besides.
    let changed = contacts(&hub, Owner::Anyone, updated(since, None), true);
    assert_eq!((changed.len(), hub.count("")), (10, 10 + 1));
    let changed = contacts(&hub, Owner::Anyone, updated(since, None), false);
    assert_eq!((changed.len(), hub.count("")), (10, 3 + 1));
}
