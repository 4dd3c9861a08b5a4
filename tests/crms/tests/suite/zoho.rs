//! The connector to Zoho CRM against its stand-in.

use std::collections::BTreeSet;

use brightsync_crms::zoho::{self, Ways, Zoho};
use brightsync_crms::{Colleague, Company, Crm as _, Deal, Kind, Outcome, Person, Trouble};
use brightsync_sdk::{
    Affiliation, Attendee, Change, Connector, ContactPoint, Direction, Edit, EmailKey, Error,
    Extra, ForbiddenKind, MeetingKey, Moment, NewAccount, NewContact, NewEmail, NewMeeting,
    OpportunityStatus, Owner, Page, PageRequest, Party, Patch, ReadRequest, Reason, Ref, Result,
    Scope, Window,
};
use serde_json::json;

use crate::desk::Desk;

type Connected = ::zoho::Zoho;

fn desk(crm: Zoho) -> Desk<Zoho> {
    let token = ("authorization", "Zoho-oauthtoken good");
    let desk = Desk::new(crm, "https://www.zohoapis.eu/crm/v8/", token);
    desk.setting("api", "https://www.zohoapis.eu")
}

fn with(ways: Ways) -> Zoho {
    let mut crm = Zoho::with_token("good");
    crm.ways = ways;
    crm
}

fn open() -> Desk<Zoho> {
    desk(Zoho::with_token("good"))
}

fn call<T>(desk: &Desk<Zoho>, call: impl FnOnce(&Connected) -> Result<T>) -> Result<T> {
    desk.run(|| call(&Connected::open()?))
}

fn person(given: &str, family: &str, email: &str) -> Person {
    Person {
        given: given.to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()),
        ..Person::default()
    }
}

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn set(value: serde_json::Value) -> Edit {
    Edit::Set(value.to_string())
}

fn fields(error: &Error) -> Vec<&str> {
    match &error.reason {
        Reason::Invalid(fields) => fields.iter().filter_map(|it| it.field.as_deref()).collect(),
        _ => Vec::new(),
    }
}

/// The last query that was made.
fn last_query(desk: &Desk<Zoho>) -> String {
    let mut crm = desk.crm();
    let mut queries = crm.office().seen().iter();
    let last = queries.rfind(|it| it.path == "/crm/v8/coql").unwrap();
    let body: serde_json::Value = serde_json::from_str(&last.body).unwrap();
    body["select_query"].as_str().unwrap().to_owned()
}

fn queries(desk: &Desk<Zoho>) -> usize {
    let mut crm = desk.crm();
    crm.office()
        .seen()
        .iter()
        .filter(|it| it.path == "/crm/v8/coql")
        .count()
}

#[track_caller]
fn assert_sound(desk: &Desk<Zoho>) {
    assert_eq!(desk.crm().office().violations(), Vec::<String>::new());
}

const NASTY: [&str; 20] = [
    "O'Brien",
    "''",
    "'",
    "' or id is not null or Last_Name = '",
    "\\",
    "\\'",
    "\\\\' or 'a' = 'a",
    "ends with \\",
    "back\\slash",
    "%",
    "100%",
    "%%%",
    "under_score",
    "quo\"te",
    "select from where order by limit",
    "a) or (id is not null",
    "two\nlines",
    "tab\tbed",
    "漢字 ünïcode 👩‍👩‍👧",
    "-- ; /* */",
];

#[test]
fn whatever_is_looked_for_is_a_value_and_never_a_part_of_the_query() {
    for escapes in [true, false] {
        let crm = with(Ways {
            backslash_escapes: escapes,
            ..Ways::default()
        });
        let desk = desk(crm);
        for text in NASTY {
            let is_sure = !text.contains('\\') || escapes;
            call(&desk, |it| {
                it.get_accounts_by_name(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            match text.contains('\\') {
                false => assert_eq!(query.condition.texts(), [text], "{text:?}"),
                true => assert_eq!(query.condition.texts().len(), 1, "{text:?}"),
            }

            let address = [format!("{text}@x.example")];
            call(&desk, |it| {
                it.get_contacts_by_email(&address, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            let texts = query.condition.texts();
            assert_eq!(texts.len(), 2, "{text:?}");
            assert!(
                !is_sure || texts.iter().all(|it| *it == address[0]),
                "{texts:?}"
            );

            call(&desk, |it| {
                it.get_contacts_by_email_domain(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            let domain = format!("@{}", text.to_lowercase());
            for it in query.condition.texts() {
                assert!(!it.is_empty() && domain.contains(&it), "{text:?}: {it:?}");
            }

            call(&desk, |it| {
                it.get_contacts_by_name(text, PageRequest::first(5))
            })
            .unwrap();
            let query = zoho::parse(&last_query(&desk), escapes).unwrap();
            for it in query.condition.texts() {
                let part = it.replace("\\\\", "\\");
                assert!(
                    text.to_lowercase().contains(&part.to_lowercase()),
                    "{text:?}: {it:?}"
                );
            }
        }
        assert_sound(&desk);
    }
}

#[test]
fn a_name_is_found_whatever_is_in_it() {
    for escapes in [true, false] {
        let mut crm = with(Ways {
            backslash_escapes: escapes,
            ..Ways::default()
        });
        let findable = |it: &&&str| escapes || !it.trim_matches('\\').is_empty();
        let names: Vec<&str> = NASTY.iter().filter(findable).copied().collect();
        for name in &names {
            crm.add_company(&Company {
                name: (*name).to_owned(),
                ..Company::default()
            });
            crm.add_person(&person("Mal", name, "mal@x.example"));
        }
        crm.add_person(&person("Somebody", "Else", "else@x.example"));
        let desk = desk(crm);
        for name in names {
            let page = PageRequest::first(200);
            let found = call(&desk, |it| {
                it.get_accounts_by_name(&name.to_uppercase(), page.clone())
            })
            .unwrap();
            assert!(found.items.iter().any(|it| it.name == *name), "{name:?}");
            let whole = format!("Mal {name}");
            let found = call(&desk, |it| it.get_contacts_by_name(&whole, page)).unwrap();
            let found: Vec<_> = found
                .items
                .iter()
                .filter_map(|it| it.full_name.as_deref())
                .collect();
            assert!(found.contains(&whole.as_str()), "{whole:?}: {found:?}");
            assert!(!found.contains(&"Somebody Else"), "{whole:?}");
        }
        assert_sound(&desk);
    }
}

#[test]
fn a_text_that_no_record_can_hold_is_not_asked_for() {
    let desk = open();
    let million = "x'\\%".repeat(250_000);
    let page = || PageRequest::first(10);
    assert!(
        call(&desk, |it| it.get_contacts_by_name(&million, page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_accounts_by_name(" ", page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_accounts_by_domain(&million, page()))
            .unwrap()
            .items
            .is_empty()
    );
    assert!(
        call(&desk, |it| it.get_contacts_by_email(
            std::slice::from_ref(&million),
            page()
        ))
        .unwrap()
        .items
        .is_empty()
    );
    let ids = ["' or 1", "", "12345678901234567890", "1/2"].map(str::to_owned);
    assert!(
        call(&desk, |it| it.get_contacts(&ids))
            .unwrap()
            .items
            .is_empty()
    );
    for id in &ids {
        let error = call(&desk, |it| it.delete_contact(id)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
        let error = call(&desk, |it| {
            it.update_email(&format!("Contacts/x{id}"), patch(&[]))
        })
        .unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
    }
    let page = call(&desk, |it| it.get_opportunities_for_contacts(&ids, page())).unwrap();
    assert_eq!(page.items.len() + desk.crm().office().seen().len(), 0);
}

#[test]
fn a_long_name_is_split_at_every_blank_or_found_by_its_end() {
    let mut crm = Zoho::with_token("good");
    let long = (0..15)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    crm.add_person(&person("Maria  del", "Carmen Lopez", "m@x.example"));
    crm.add_person(&person("", "Cher", "c@x.example"));
    crm.put(
        "Contacts",
        json!({"Full_Name": long, "First_Name": "w0", "Last_Name": long[3..]}),
    );
    let desk = desk(crm);
    for name in ["maria  del Carmen Lopez", " Cher ", &long] {
        let found = call(&desk, |it| {
            it.get_contacts_by_name(name, PageRequest::first(10))
        })
        .unwrap();
        assert_eq!(found.items.len(), 1, "{name}");
    }
    assert_sound(&desk);
}

/// Reads all pages; after each one, something happens.
fn all<T>(
    desk: &Desk<Zoho>,
    size: u32,
    mut read: impl FnMut(&Connected, PageRequest) -> Result<Page<T>>,
    mut between: impl FnMut(&mut Zoho),
) -> (Vec<T>, Vec<Page<T>>) {
    let (mut items, mut pages) = (Vec::new(), Vec::new());
    let mut request = PageRequest::first(size);
    loop {
        let mut page = call(desk, |it| read(it, request.clone())).unwrap();
        assert!(page.items.len() <= size as usize);
        items.append(&mut page.items);
        let next = page.end.next.clone();
        pages.push(page);
        between(&mut desk.crm());
        match next {
            None => return (items, pages),
            token => request.token = token,
        }
    }
}

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
fn a_contact_is_created_changed_and_read_as_it_is() {
    let mut crm = Zoho::with_token("good");
    let company = crm.add_company(&Company {
        name: "Acme".to_owned(),
        domain: Some("acme.example".to_owned()),
        ..Company::default()
    });
    let me = crm.me();
    let desk = desk(crm).wanted("contact", &["Tier", "no such' name"]);
    let phone = |value: &str, label: Option<&str>| ContactPoint {
        label: label.map(str::to_owned),
        ..ContactPoint::further(value)
    };
    let contact = NewContact {
        full_name: Some("Zoë Mary d'Arc".to_owned()),
        emails: ["b@x.example", "c@x.example"]
            .map(ContactPoint::further)
            .into_iter()
            .chain([ContactPoint::primary("a@x.example")])
            .collect(),
        phones: vec![
            phone("1", Some("cell")),
            phone("2", None),
            phone("3", Some("mobile")),
            phone("4", None),
            phone("5", None),
        ],
        accounts: vec![
            Affiliation::primary(company.clone()),
            Affiliation {
                account: "7".to_owned(),
                primary: false,
                role: None,
            },
        ],
        title: Some("Buyer".to_owned()),
        owner: Some(me.clone()),
        extra: vec![("Tier".to_owned(), "\"gold\"".to_owned())],
        ..NewContact::default()
    };
    let written = call(&desk, |it| it.create_contact(contact)).unwrap();
    let lost: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(lost, ["emails", "phones", "accounts"]);
    let url = format!(
        "https://crm.zoho.eu/crm/org{}/tab/Contacts/{}",
        Zoho::NUMBER,
        written.id
    );
    assert_eq!(written.url, Some(url));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    let values = |points: &[ContactPoint]| {
        points
            .iter()
            .map(|it| it.value.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        (values(&read.emails), values(&read.phones)),
        ("a@x.example b@x.example".to_owned(), "2 3 1 4".to_owned())
    );
    assert_eq!(read.full_name.as_deref(), Some("Zoë Mary d'Arc"));
    assert_eq!(
        (read.given_name.as_deref(), read.family_name.as_deref()),
        (Some("Zoë Mary"), Some("d'Arc"))
    );
    assert_eq!(read.accounts, [Affiliation::primary(company)]);
    assert_eq!(
        (read.owner, read.version),
        (Some(me), written.version.clone())
    );
    assert_eq!(
        read.extra,
        Extra::from([("Tier".to_owned(), "\"gold\"".to_owned())])
    );
    assert_eq!(read.modified_at, written.modified_at);

    desk.crm().office().pass(2_000);
    let edits = patch(&[
        (
            "emails",
            Edit::Add(json!({"value": "D@x.example", "primary": true}).to_string()),
        ),
        (
            "emails",
            Edit::Remove(json!({"value": "A@x.example"}).to_string()),
        ),
        ("phones", Edit::Clear),
        ("title", Edit::Clear),
        ("extra.Tier", set(json!("silver"))),
        ("birthday", set(json!("2000-01-01"))),
    ]);
    let edits = Patch {
        if_version: written.version.clone(),
        ..edits
    };
    let changed = call(&desk, |it| it.update_contact(&written.id, edits.clone())).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("birthday"));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(
        (values(&read.emails), read.phones.len(), read.title),
        ("D@x.example b@x.example".to_owned(), 0, None)
    );
    assert_eq!(read.extra[0].1, "\"silver\"");
    assert_eq!(read.accounts.len(), 1);
    // An address that is there stays, where there is no room for one more.
    let full = patch(&[(
        "emails",
        Edit::Add(json!({"value": "e@x.example", "primary": true}).to_string()),
    )]);
    let full = call(&desk, |it| it.update_contact(&written.id, full)).unwrap();
    assert_eq!(full.incomplete[0].field.as_deref(), Some("emails"));
    let read = call(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(values(&read.emails), "D@x.example b@x.example");

    let error = call(&desk, |it| it.update_contact(&written.id, edits)).unwrap_err();
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (Reason::Stale, Some("ALREADY_MODIFIED"))
    );
    let nothing = Patch {
        if_version: written.version,
        ..patch(&[("birthday", Edit::Clear)])
    };
    let error = call(&desk, |it| it.update_contact(&written.id, nothing)).unwrap_err();
    assert_eq!(error.reason, Reason::Stale);
    assert_sound(&desk);
}

#[test]
fn an_account_keeps_its_site_unless_it_is_replaced() {
    let desk = open();
    let account = NewAccount {
        domains: vec!["acme.example".to_owned(), "acme.test".to_owned()],
        ..NewAccount::new("Acme")
    };
    let written = call(&desk, |it| it.create_account(account)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("domains"));
    let edit = patch(&[
        ("domains", Edit::Add("\"acme.test\"".to_owned())),
        ("name", set(json!("Acme & Co"))),
    ]);
    let changed = call(&desk, |it| it.update_account(&written.id, edit)).unwrap();
    assert_eq!(changed.incomplete[0].field.as_deref(), Some("domains"));
    let found = call(&desk, |it| {
        it.get_accounts_by_domain("acme.example", PageRequest::first(5))
    })
    .unwrap();
    assert_eq!(
        (found.items[0].name.as_str(), &found.items[0].domains[..]),
        ("Acme & Co", &["acme.example".to_owned()][..])
    );
    call(&desk, |it| it.delete_account(&written.id)).unwrap();
    for end in [
        call(&desk, |it| it.get_account(&written.id)).map(drop),
        call(&desk, |it| it.delete_account(&written.id)),
        call(&desk, |it| {
            it.update_account(&written.id, patch(&[("name", set(json!("x")))]))
        })
        .map(drop),
        call(&desk, |it| {
            it.update_account(&written.id, patch(&[("kind", set(json!("x")))]))
        })
        .map(drop),
    ] {
        assert_eq!(end.unwrap_err().reason, Reason::NotFound);
    }
    assert_sound(&desk);
}

#[test]
fn a_refusal_says_what_follows_from_it() {
    let desk = open();
    let create = |contact: NewContact| call(&desk, |it| it.create_contact(contact)).unwrap_err();
    let ann = || NewContact {
        full_name: Some("Ann Lee".to_owned()),
        ..NewContact::default()
    };
    assert_eq!(fields(&create(NewContact::default())), ["family-name"]);
    let error = create(NewContact {
        owner: Some("5725767000099999999".to_owned()),
        ..ann()
    });
    assert_eq!(
        (fields(&error), error.code.as_deref()),
        (vec!["owner"], Some("INVALID_DATA"))
    );
    let error = create(NewContact {
        accounts: vec![Affiliation::primary("5725767000099999999")],
        ..ann()
    });
    assert_eq!(fields(&error), ["accounts"]);
    let error = create(NewContact {
        emails: vec![ContactPoint::primary("no address")],
        ..ann()
    });
    assert_eq!(fields(&error), ["emails"]);
    let error = create(NewContact {
        family_name: Some("x".repeat(81)),
        ..ann()
    });
    assert_eq!(fields(&error), ["family-name"]);
    assert!(error.message.contains("INVALID_DATA"));
    let error = call(&desk, |it| {
        it.create_account(NewAccount::new("x".repeat(201)))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["name"]);
    let ann = call(&desk, |it| it.create_contact(ann())).unwrap();
    let error = call(&desk, |it| {
        it.update_contact(&ann.id, patch(&[("family-name", Edit::Clear)]))
    })
    .unwrap_err();
    assert_eq!(
        (fields(&error), error.code.as_deref()),
        (vec!["family-name"], Some("MANDATORY_NOT_FOUND"))
    );
    assert_sound(&desk);
    let error = call(&desk, |it| {
        it.update_contact(&ann.id, patch(&[("extra.Nonsense", set(json!(1)))]))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["extra.Nonsense"]);

    desk.crm().office().lacking = true;
    let read = || ReadRequest::first(Owner::Anyone, Scope::All, 5);
    let error = call(&desk, |it| it.get_my_contacts(read())).unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(
        error.message.contains("ZohoCRM.coql.READ"),
        "{}",
        error.message
    );
    desk.crm().office().lacking = false;
    for (trouble, reason) in [
        (Trouble::Limit, Reason::RateLimited(None)),
        (Trouble::Outage, Reason::Unavailable),
        (Trouble::Cut, Reason::Unavailable),
    ] {
        desk.crm().office().trouble(0, 1, trouble);
        let error = call(&desk, |it| it.get_my_contacts(read())).unwrap_err();
        assert_eq!(error.reason, reason);
    }
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let error = call(&desk, |it| it.create_account(NewAccount::new("Lost"))).unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
    desk.crm().office().revoked = true;
    let error = call(&desk, Connector::get_me).unwrap_err();
    assert_eq!(error.reason, Reason::Unauthorized);
}

#[test]
fn a_duplicate_names_what_is_there_even_if_zoho_does_not() {
    for names_duplicates in [true, false] {
        let mut crm = with(Ways {
            unique_address: true,
            names_duplicates,
            ..Ways::default()
        });
        let there = crm.add_person(&person("Ann", "Lee", "ANN@x.example"));
        let desk = desk(crm);
        let contact = NewContact {
            full_name: Some("Ann Other".to_owned()),
            emails: vec![ContactPoint::primary("ann@x.example")],
            ..NewContact::default()
        };
        let error = call(&desk, |it| it.create_contact(contact)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(vec![there]));
        assert_eq!(error.code.as_deref(), Some("DUPLICATE_DATA"));
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

fn key(n: i64, about: &[&str]) -> EmailKey {
    EmailKey {
        key: format!("k{n}"),
        message_id: Some(format!("{n}@x.example")),
        sent_at: brightsync_crms::START - n * 60_000 + 250,
        subject: format!("Offer {n}"),
        sender: "me@office.example".to_owned(),
        about: about.iter().map(|it| Ref::contact(*it)).collect(),
    }
}

fn email(key: EmailKey) -> NewEmail {
    NewEmail {
        key,
        thread: None,
        direction: Direction::Outgoing,
        sender: Party::new("me@office.example"),
        to: vec![Party::new("zoe@x.example"), Party::default()],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

#[test]
fn an_email_is_logged_with_every_record_in_either_form_and_found_again() {
    for list in ["Emails", "data"] {
        let mut crm = with(Ways {
            email_list: list,
            ..Ways::default()
        });
        let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
        let acme = crm.add_company(&Company {
            name: "Acme".to_owned(),
            ..Company::default()
        });
        let desk = desk(crm);
        let mut about = key(0, &[&zoe]);
        about.about.extend([
            Ref::new("account", &acme),
            Ref::new("lead", "7"),
            Ref::contact("5725767000099999999"),
        ]);
        let written = call(&desk, |it| it.create_email(email(about.clone()))).unwrap();
        assert!(
            written.id.starts_with(&format!("Contacts/{zoe}/39c17f")),
            "{}",
            written.id
        );
        assert_eq!(written.also_created.len(), 1);
        assert!(
            written.also_created[0]
                .id
                .starts_with(&format!("Accounts/{acme}/"))
        );
        let lost: Vec<_> = written
            .incomplete
            .iter()
            .filter_map(|it| it.field.as_deref())
            .collect();
        assert_eq!(lost, ["to", "about", "about"]);
        assert!(
            written
                .url
                .unwrap()
                .ends_with(&format!("/tab/Contacts/{zoe}"))
        );
        for n in 1..25 {
            call(&desk, |it| it.create_email(email(key(n, &[&zoe])))).unwrap();
        }
        assert_eq!(
            call(&desk, |it| it.find_email(key(24, &[&zoe])))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            call(&desk, |it| it.find_email(about.clone()))
                .unwrap()
                .len(),
            2
        );
        for other in [
            key(25, &[&zoe]),
            key(0, &["5725767000099999999"]),
            key(0, &[]),
            EmailKey {
                subject: "Another".to_owned(),
                ..key(3, &[&zoe])
            },
        ] {
            assert_eq!(
                call(&desk, |it| it.find_email(other)).unwrap(),
                Vec::<String>::new()
            );
        }
        let error = call(&desk, |it| it.create_email(email(key(3, &[&zoe])))).unwrap_err();
        let Reason::Duplicate(existing) = error.reason else {
            panic!("{error:?}")
        };
        assert_eq!(
            existing,
            call(&desk, |it| it.find_email(key(3, &[&zoe]))).unwrap()
        );
        // The form that Zoho takes is tried once.
        let refused = desk
            .crm()
            .office()
            .seen()
            .iter()
            .filter(|it| {
                it.status == 400
                    && it.path.ends_with("associate_email")
                    && !it.body.contains("\"3@x.example\"")
            })
            .count();
        let expected = if list == "data" { 27 } else { 1 };
        assert!(refused <= expected, "{refused}");
        assert_sound(&desk);
    }
}

#[test]
fn an_email_without_a_record_is_refused_and_one_of_others_needs_an_administrator() {
    let mut crm = with(Ways {
        administrator: false,
        ..Ways::default()
    });
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let me = crm.me();
    let desk = desk(crm);
    let error = call(&desk, |it| it.create_email(email(key(0, &[])))).unwrap_err();
    assert_eq!(fields(&error), ["about"]);
    let error = call(&desk, |it| {
        it.create_email(email(key(0, &["5725767000099999999"])))
    })
    .unwrap_err();
    assert_eq!(fields(&error), ["about"]);
    let long = NewEmail {
        owner: Some(me),
        text: Some("x".repeat(40_000)),
        to: Vec::new(),
        ..email(key(0, &[&zoe]))
    };
    let written = call(&desk, |it| it.create_email(long)).unwrap();
    let lost: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(lost, ["text", "owner"]);
    // The answer is lost, and the e-mail is found.
    desk.crm().office().trouble(0, 1, Trouble::Cut);
    let found = call(&desk, |it| it.create_email(email(key(1, &[&zoe])))).unwrap();
    assert!(found.id.starts_with("Contacts/"));
    assert_eq!(desk.crm().ids(Kind::Email).len(), 2);
    assert_sound(&desk);
}

#[test]
fn a_changed_email_is_a_note_that_is_changed_again() {
    let mut crm = Zoho::with_token("good");
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let bo = crm.add_person(&person("Bo", "B", "bo@x.example"));
    let desk = desk(crm);
    let id = call(&desk, |it| it.create_email(email(key(0, &[&zoe]))))
        .unwrap()
        .id;
    let first = patch(&[
        ("subject", set(json!("Offer\nTwo"))),
        (
            "to",
            Edit::Add(json!({"address": "bo@x.example"}).to_string()),
        ),
        ("thread", set(json!("t"))),
    ]);
    let written = call(&desk, |it| it.update_email(&id, first)).unwrap();
    assert_eq!(
        (written.id.as_str(), written.also_created.len()),
        (id.as_str(), 1)
    );
    assert_eq!(written.incomplete[0].field.as_deref(), Some("thread"));
    let second = patch(&[
        (
            "to",
            Edit::Remove(json!({"address": "ZOE@x.example"}).to_string()),
        ),
        ("text", set(json!("Hello again"))),
        (
            "about",
            Edit::Add(json!({"kind": "contact", "id": bo}).to_string()),
        ),
        (
            "about",
            Edit::Remove(json!({"kind": "contact", "id": zoe}).to_string()),
        ),
    ]);
    let written = call(&desk, |it| it.update_email(&id, second.clone())).unwrap();
    assert_eq!(written.also_created.len(), 1);
    assert_eq!(written.incomplete[0].field.as_deref(), Some("about"));
    let written = call(&desk, |it| it.update_email(&id, second)).unwrap();
    assert_eq!(written.also_created, []);
    let logged = desk.crm().logged(Kind::Email);
    assert_eq!(logged.len(), 3);
    assert_eq!(
        (logged[1].about[0].as_str(), logged[2].about[0].as_str()),
        (zoe.as_str(), bo.as_str())
    );
    for note in &logged[1..] {
        assert_eq!(
            note.body,
            "Subject: Offer Two\nFrom: me@office.example\nTo: bo@x.example\nDate: 2026-01-15T10:00:00+00:00\n\nHello again"
        );
    }
    let changed = EmailKey {
        subject: "Offer Two".to_owned(),
        ..key(0, &[&zoe])
    };
    assert_eq!(
        call(&desk, |it| it.find_email(changed)).unwrap(),
        std::slice::from_ref(&id)
    );
    let gone = id.replace("39c17f", "000000");
    let error = call(&desk, |it| it.update_email(&gone, patch(&[]))).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    let error = call(&desk, |it| it.delete_email(&id)).unwrap_err();
    assert_eq!(error.reason, Reason::Unsupported);
    assert_sound(&desk);
}

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

#[test]
fn deals_say_how_they_stand_and_who_takes_part() {
    let mut crm = Zoho::with_token("good");
    let zoe = crm.add_person(&person("Zoë", "B", "zoe@x.example"));
    let acme = crm.add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let deal = |name: &str, amount: &str, outcome| Deal {
        name: name.to_owned(),
        company: Some(acme.clone()),
        person: Some(zoe.clone()),
        amount: amount.to_owned(),
        outcome,
    };
    let open_deal = crm.add_deal(&deal("Open", "1234567.89", Outcome::Open));
    crm.add_deal(&deal("Won", "0.10", Outcome::Won));
    crm.add_deal(&deal("Lost", "5", Outcome::Lost));
    crm.give_role(&open_deal, &zoe, "Decision Maker");
    crm.give_role(&open_deal, "5725767000000000077", "User");
    let desk = desk(crm);
    let contacts = [zoe.clone(), "no id".to_owned()];
    let found = call(&desk, |it| {
        it.get_opportunities_for_contacts(&contacts, PageRequest::first(10))
    })
    .unwrap();
    let shown: Vec<_> = found
        .items
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.status,
                it.stage_order,
                it.amount.as_ref().unwrap().amount.as_str(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Open", OpportunityStatus::Open, Some(0), "1234567.89"),
            ("Won", OpportunityStatus::Won, Some(2), "0.1"),
            ("Lost", OpportunityStatus::Lost, Some(5), "5"),
        ]
    );
    let first = &found.items[0];
    assert_eq!(
        (first.account.as_deref(), first.kind.as_deref()),
        (Some(acme.as_str()), Some("Standard"))
    );
    assert_eq!(
        first.amount.as_ref().unwrap().currency.as_deref(),
        Some("EUR")
    );
    assert_eq!(
        (first.closes.clone(), first.closed.clone()),
        (Some(Moment::On("2026-02-28".to_owned())), None)
    );
    let people: Vec<_> = first
        .participants
        .iter()
        .map(|it| (it.primary, it.role.as_deref()))
        .collect();
    assert_eq!(
        people,
        [
            (Some(true), Some("Decision Maker")),
            (Some(false), Some("User"))
        ]
    );
    assert!(
        first
            .url
            .as_deref()
            .unwrap()
            .ends_with(&format!("/tab/Potentials/{open_deal}"))
    );
    let (found, pages) = all(
        &desk,
        2,
        |it, page| it.get_opportunities_for_accounts(std::slice::from_ref(&acme), page),
        |_| {},
    );
    assert_eq!((found.len(), pages.len()), (3, 2));
    // The organisation and the stages are asked for once a day.
    desk.crm().office().forget();
    let accounts = [acme];
    desk.run(|| {
        for _ in 0..3 {
            let deals = Connected::open()
                .and_then(|it| it.get_opportunities_for_accounts(&accounts, PageRequest::first(1)));
            assert_eq!(deals.unwrap().items.len(), 1);
        }
    });
    let asked = |path: &str| {
        desk.crm()
            .office()
            .seen()
            .iter()
            .filter(|it| it.path.ends_with(path))
            .count()
    };
    assert_eq!(
        (asked("/org"), asked("/settings/fields"), asked("/coql")),
        (1, 1, 3)
    );
    assert_sound(&desk);
}
