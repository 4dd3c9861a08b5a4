//! The connector to Dataverse: its query language, its pages and tokens, its writes, and what becomes of refusals.

use brightsync_crms::dataverse::{Condition, Dataverse, Literal};
use brightsync_crms::{Colleague, Company, Crm as _, Deal, Kind, Outcome, Person, Trouble};
use brightsync_sdk::{
    Affiliation, Attachment, Attendee, Change, Connector, Contact, ContactPoint, Detail, Direction,
    Edit, EmailKey, Error, ForbiddenKind, MeetingKey, Moment, NewAccount, NewContact, NewEmail,
    NewMeeting, Owner, Page, PageRequest, Party, Patch, ReadRequest, Reason, Ref, Result, Scope,
    Window,
};
use serde_json::json;

use crate::desk::Desk;

const BASE: &str = "https://contoso.crm4.dynamics.com/api/data/v9.2/";
const DAY: i64 = 86_400_000;

/// Texts that mean something in addresses, in OData, in JSON, or in `LIKE`.
const NASTY: [&str; 14] = [
    "O'Brien",
    "''",
    "x' or fullname ne 'y",
    "') or contains(fullname,'",
    "100% [a-z] _under",
    "back\\slash \"quoted\"",
    "a&b=c#d?e/f+g;h,i",
    "@values",
    "null",
    "%27 or 1 eq 1",
    "line\nbreak\ttab",
    "\u{202e}ünïcode 漢字 🦀",
    "-- /* */",
    "(and) [not] {or}",
];

fn desk() -> Desk<Dataverse> {
    let mut crm = Dataverse::new();
    crm.office().tokens.push("t0ken".to_owned());
    Desk::new(crm, BASE, ("Authorization", "Bearer t0ken"))
        .setting("organisation", "contoso")
        .setting("region", "crm4")
        .wanted("contact", &["new_tier", "no,column"])
}

fn run<T>(
    desk: &Desk<Dataverse>,
    call: impl FnOnce(&dataverse::Dataverse) -> Result<T>,
) -> Result<T> {
    let answer = desk.run(|| call(&dataverse::Dataverse::open()?));
    assert_eq!(desk.crm().office().violations(), &[] as &[String]);
    answer
}

/// An organisation with the column that the tenant wants, and people with these addresses.
fn with_people(addresses: &[&str]) -> (Desk<Dataverse>, Vec<String>) {
    let desk = desk();
    desk.crm().add_column("contacts", "new_tier");
    let add = |address: &&str| desk.crm().add_person(&person(address));
    let ids = addresses.iter().map(add).collect();
    (desk, ids)
}

fn person(address: &str) -> Person {
    Person {
        given: "Ann".to_owned(),
        family: address.to_owned(),
        email: Some(address.to_owned()),
        ..Person::default()
    }
}

fn requests(desk: &Desk<Dataverse>) -> usize {
    desk.crm().office().seen().len()
}

fn asked(desk: &Desk<Dataverse>) -> Vec<String> {
    let seen = desk.crm().office().seen().to_vec();
    let line = |it: &brightsync_crms::Seen| format!("{} {} {}", it.method, it.path, it.body);
    seen.iter().map(line).collect()
}

/// Reads all pages.
fn all<T>(mut read: impl FnMut(PageRequest) -> Result<Page<T>>, size: u32) -> Vec<T> {
    let mut items = Vec::new();
    let mut page = PageRequest::first(size);
    loop {
        let read = read(page).unwrap();
        assert!(read.items.len() <= size as usize, "{}", read.items.len());
        assert_eq!(read.end.skipped, []);
        items.extend(read.items);
        match read.end.next {
            None => return items,
            token => {
                page = PageRequest {
                    token,
                    ..PageRequest::first(size)
                }
            }
        }
    }
}

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
fn every_text_arrives_as_the_literal_that_was_meant() {
    for text in NASTY {
        let (desk, ids) = with_people(&["bystander@a.example"]);
        let mallory = Person {
            given: String::new(),
            family: text.to_owned(),
            email: Some(text.to_owned()),
            ..Person::default()
        };
        let mallory = desk.crm().add_person(&mallory);
        let found = |page: Page<Contact>| -> Vec<String> {
            page.items.into_iter().map(|it| it.ref_.id).collect()
        };
        let page = || PageRequest::first(10);

        let by_name = run(&desk, |it| it.get_contacts_by_name(text, page())).unwrap();
        let literal = Literal::Text(text.to_owned());
        let meant = Condition::Compare("fullname".to_owned(), "eq".to_owned(), literal);
        assert_eq!(desk.crm().last_filter, Some(meant), "{text}");
        assert_eq!(found(by_name), [mallory.as_str()], "{text}");

        let emails = [text.to_owned()];
        let by_email = run(&desk, |it| it.get_contacts_by_email(&emails, page())).unwrap();
        let values = [text.to_lowercase()].into_iter().collect();
        match desk.crm().last_filter.clone() {
            Some(Condition::Any(parts)) => {
                let first = Condition::In("emailaddress1".to_owned(), values);
                assert_eq!((parts.len(), &parts[0]), (3, &first), "{text}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(found(by_email), [mallory.as_str()], "{text}");

        // Here a wildcard would find the bystander too.
        let address = json!(format!("x@{text}"));
        desk.crm()
            .set("contacts", &mallory, "emailaddress2", address);
        let by_domain = run(&desk, |it| it.get_contacts_by_email_domain(text, page())).unwrap();
        assert_eq!(found(by_domain), [mallory.as_str()], "{text}");
        assert_eq!(ids.len(), 1);
    }
}

#[test]
fn a_wildcard_in_a_domain_stands_for_itself() {
    let (desk, _) = with_people(&["a@a_b.example", "a@axb.example", "a@%.example"]);
    for (domain, expected) in [
        ("a_b.example", vec!["a@a_b.example"]),
        ("%.example", vec!["a@%.example"]),
        ("[a]xb.example", vec![]),
    ] {
        let page = run(&desk, |it| {
            it.get_contacts_by_email_domain(domain, PageRequest::first(10))
        });
        let names = page
            .unwrap()
            .items
            .into_iter()
            .filter_map(|it| it.family_name);
        assert_eq!(names.collect::<Vec<_>>(), expected, "{domain}");
    }
}

#[test]
fn what_no_column_can_hold_is_found_nowhere_without_a_request() {
    let (desk, _) = with_people(&["a@a.example"]);
    let million = "x'%\\\"".repeat(200_000);
    for text in ["", "a\0b", million.as_str()] {
        let page = || PageRequest::first(10);
        let texts = [text.to_owned()];
        assert_eq!(
            run(&desk, |it| it.get_contacts_by_name(text, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(
            run(&desk, |it| it.get_accounts_by_domain(text, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(
            run(&desk, |it| it.get_contacts_by_email(&texts, page()))
                .unwrap()
                .items,
            []
        );
        assert_eq!(run(&desk, |it| it.get_contacts(&texts)).unwrap().items, []);
        assert_eq!(
            run(&desk, |it| it
                .get_opportunities_for_contacts(&texts, page()))
            .unwrap()
            .items,
            []
        );
        let error = run(&desk, |it| it.get_contact(text)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
        let error = run(&desk, |it| it.delete_contact(text)).unwrap_err();
        assert_eq!(error.reason, Reason::NotFound);
    }
    assert_eq!(requests(&desk), 0);
}

#[test]
fn the_connection_says_who_it_is_and_what_it_may_read() {
    let desk = desk();
    let me = run(&desk, |it| it.get_me()).unwrap();
    let user = me.user.unwrap();
    assert_eq!(user.id, desk.crm().me());
    assert_eq!(user.emails, ["mia@contoso.example"]);
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(me.org_name.as_deref(), Some("Contoso"));
    assert_eq!(me.capabilities, []);

    desk.crm().tracking = false;
    let me = run(&desk, |it| it.get_me()).unwrap();
    let names: Vec<&str> = me.capabilities.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names.len(), 4);
    assert_eq!(names[0], "contacts.get-my-contacts.changed-since");
}

#[test]
fn users_are_listed_and_found_by_any_of_their_addresses() {
    let desk = desk();
    let olga = desk.crm().add_user(&Colleague {
        name: "Olga Other".to_owned(),
        email: "olga@contoso.example".to_owned(),
    });
    let home = json!("olga@home.example");
    desk.crm()
        .set("systemusers", &olga, "personalemailaddress", home);
    let users = all(|page| run(&desk, |it| it.get_users(page)), 1);
    assert_eq!(users.len(), 2);
    let emails = ["OLGA@home.example".to_owned()];
    let found = run(&desk, |it| {
        it.get_users_by_email(&emails, PageRequest::first(9))
    })
    .unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(
        found.items[0].emails,
        ["olga@contoso.example", "olga@home.example"]
    );
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

#[test]
fn a_thousand_addresses_are_looked_up_in_a_few_requests_and_found_once() {
    let addresses: Vec<String> = (0..1_000).map(|n| format!("{n}@crowd.example")).collect();
    let few: Vec<&str> = addresses.iter().step_by(10).map(String::as_str).collect();
    let (desk, ids) = with_people(&few);
    // In the first part of the addresses and in the last one.
    let last = json!(addresses[999]);
    desk.crm().set("contacts", &ids[0], "emailaddress3", last);
    desk.crm().office().forget();
    let found = all(
        |page| run(&desk, |it| it.get_contacts_by_email(&addresses, page)),
        500,
    );
    assert_eq!(found.len(), 100);
    assert_eq!(requests(&desk), 4);
    let found = run(&desk, |it| it.get_contacts(&ids)).unwrap();
    assert_eq!(found.items.len(), 100);
}

#[test]
fn a_duplicate_is_named_whatever_status_it_comes_with() {
    for status in [412, 500] {
        let (desk, ids) = with_people(&["ann@x.example"]);
        desk.crm().duplicate_status = status;
        let ann = NewContact {
            full_name: Some("Somebody Else".to_owned()),
            emails: vec![ContactPoint::primary("ANN@x.example")],
            ..NewContact::default()
        };
        let error = run(&desk, |it| it.create_contact(ann)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(ids.clone()), "{status}");
        assert_eq!(error.code.as_deref(), Some("0x80040333"));
        desk.crm().names_differ = true;
        let namesake = NewContact {
            full_name: Some("Ann ann@x.example".to_owned()),
            emails: vec![ContactPoint::primary("new@x.example")],
            ..NewContact::default()
        };
        let error = run(&desk, |it| it.create_contact(namesake)).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(ids), "{status}");
        let acme = desk.crm().add_company(&Company {
            name: "Acme".to_owned(),
            ..Company::default()
        });
        let error = run(&desk, |it| it.create_account(NewAccount::new("acme"))).unwrap_err();
        assert_eq!(error.reason, Reason::Duplicate(vec![acme]), "{status}");
    }
}

#[test]
fn a_contact_has_what_it_was_created_with() {
    let (desk, _) = with_people(&[]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let other = desk.crm().add_company(&Company {
        name: "Other".to_owned(),
        ..Company::default()
    });
    let mobile = ContactPoint {
        label: Some("Mobile".to_owned()),
        ..ContactPoint::further("2")
    };
    let points = |values: &[&str]| values.iter().map(|it| ContactPoint::further(*it)).collect();
    let ann = NewContact {
        full_name: Some("Ann Mary Lee".to_owned()),
        emails: points(&["1@x", "2@x", "3@x", "4@x"]),
        phones: vec![ContactPoint::primary("1"), mobile],
        accounts: vec![Affiliation::primary(&*acme), Affiliation::primary(&*other)],
        title: Some("Buyer".to_owned()),
        owner: Some(desk.crm().me()),
        extra: vec![("new_tier".to_owned(), "\"gold\"".to_owned())],
        ..NewContact::default()
    };
    let written = run(&desk, |it| it.create_contact(ann)).unwrap();
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, ["emails", "accounts"]);
    assert_eq!(
        written.url.as_deref().unwrap(),
        format!(
            "https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=contact&id={}",
            written.id
        )
    );
    let ann = run(&desk, |it| it.get_contact(&written.id)).unwrap();
    assert_eq!(ann.full_name.as_deref(), Some("Ann Mary Lee"));
    assert_eq!(ann.family_name.as_deref(), Some("Lee"));
    let values = |points: &[ContactPoint]| -> Vec<String> {
        points.iter().map(|it| it.value.clone()).collect()
    };
    assert_eq!(values(&ann.emails), ["1@x", "2@x", "3@x"]);
    assert_eq!(values(&ann.phones), ["1", "2"]);
    assert_eq!(ann.phones[1].label.as_deref(), Some("mobile"));
    assert_eq!(ann.accounts, [Affiliation::primary(&*other)]);
    assert_eq!(ann.owner, Some(desk.crm().me()));
    assert_eq!(ann.version, written.version);
    assert_eq!(ann.extra, [("new_tier".to_owned(), "\"gold\"".to_owned())]);
}

fn edits(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

#[test]
fn a_patch_touches_what_it_names() {
    let (desk, ids) = with_people(&["1@x"]);
    desk.crm()
        .set("contacts", &ids[0], "emailaddress3", json!("3@x"));
    desk.crm().office().forget();
    let add = |value: &str| Edit::Add(json!({ "value": value }).to_string());
    let remove = |value: &str| Edit::Remove(json!({ "value": value }).to_string());
    let patch = edits(&[
        ("emails", add("2@x")),
        ("emails", add("1@X")),
        ("title", Edit::Clear),
        ("birthday", Edit::Clear),
    ]);
    let written = run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("birthday"));
    let body = asked(&desk).pop().unwrap();
    let path = format!("PATCH /api/data/v9.2/contacts({})", ids[0]);
    assert_eq!(
        body,
        format!(r#"{path} {{"emailaddress2":"2@x","jobtitle":null}}"#)
    );

    let patch = edits(&[("emails", remove("1@x")), ("accounts", Edit::Clear)]);
    run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap();
    let ann = run(&desk, |it| it.get_contact(&ids[0])).unwrap();
    let emails: Vec<&str> = ann.emails.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(emails, ["2@x", "3@x"]);
}

#[test]
fn a_row_that_is_gone_is_not_made_again_and_one_that_changed_is_stale() {
    let (desk, ids) = with_people(&["a@x"]);
    let rename = |version: Option<&str>| Patch {
        if_version: version.map(str::to_owned),
        ..edits(&[("family-name", Edit::Set("\"Lee\"".to_owned()))])
    };
    let before = run(&desk, |it| it.get_contact(&ids[0])).unwrap().version;
    let update =
        |version: Option<&str>| run(&desk, |it| it.update_contact(&ids[0], rename(version)));
    update(before.as_deref()).unwrap();
    for version in [before.as_deref(), Some("*"), Some("W/\"1\"\r\nX: y")] {
        assert_eq!(
            update(version).unwrap_err().reason,
            Reason::Stale,
            "{version:?}"
        );
    }
    run(&desk, |it| it.delete_contact(&ids[0])).unwrap();
    assert_eq!(update(None).unwrap_err().reason, Reason::NotFound);
    assert_eq!(desk.crm().ids(Kind::Person), [""; 0]);
}

/// The field that a refusal names.
fn field(error: Error) -> Option<String> {
    match error.reason {
        Reason::Invalid(fields) => fields[0].field.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_that_the_table_does_not_take_is_invalid_by_its_field() {
    let (desk, ids) = with_people(&["a@x"]);
    let set = |field: &str, value: &str| edits(&[(field, Edit::Set(json!(value).to_string()))]);
    let update = |patch| run(&desk, |it| it.update_contact(&ids[0], patch)).unwrap_err();
    let error = update(set("family-name", &"x".repeat(51)));
    assert_eq!(error.code.as_deref(), Some("0x80044331"));
    assert_eq!(field(error).as_deref(), Some("family-name"));
    // An owner that is not there is a wrong value, and no contact that is gone.
    let nobody = set("owner", "00000000-0000-0000-0000-000000000009");
    assert_eq!(field(update(nobody)), None);
    let error = update(set("extra.a b\"", "1"));
    assert_eq!(field(error).as_deref(), Some("extra.a b\""));
}

#[test]
fn a_missing_privilege_is_named() {
    let (desk, ids) = with_people(&["a@x"]);
    desk.crm().read_only = true;
    let error = run(&desk, |it| it.delete_contact(&ids[0])).unwrap_err();
    assert_eq!(error.reason, Reason::Forbidden(ForbiddenKind::MissingScope));
    assert!(error.message.contains("prvDeletecontact"), "{error:?}");
    assert_eq!(error.code.as_deref(), Some("0x80040220"));
}

#[test]
fn a_limit_says_how_long_to_wait() {
    let (desk, ids) = with_people(&["a@x"]);
    desk.crm().office().trouble(0, 1, Trouble::Limit);
    let error = run(&desk, |it| it.get_contact(&ids[0])).unwrap_err();
    assert_eq!(error.reason, Reason::RateLimited(Some(1_000)));
    assert_eq!(error.code.as_deref(), Some("0x80072322"));
}

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

#[test]
fn opportunities_are_found_by_contact_and_by_account_and_each_once() {
    let (desk, ids) = with_people(&["ann@x", "bob@x"]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme".to_owned(),
        ..Company::default()
    });
    let deal = desk.crm().add_deal(&Deal {
        name: "Big".to_owned(),
        company: Some(acme.clone()),
        person: Some(ids[0].clone()),
        amount: "1234.50".to_owned(),
        outcome: Outcome::Won,
    });
    // The customer is another contact, who is in the last of several parts.
    desk.crm()
        .set("opportunities", &deal, "_customerid_value", json!(ids[1]));
    desk.crm().customer_is_a_contact(&deal);
    let strangers = (0..500).map(|n| format!("00000000-0000-0000-0000-{n:012}"));
    let contacts: Vec<String> = [ids[0].clone()]
        .into_iter()
        .chain(strangers)
        .chain([ids[1].clone()])
        .collect();
    let found = all(
        |page| {
            run(&desk, |it| {
                it.get_opportunities_for_contacts(&contacts, page)
            })
        },
        50,
    );
    assert_eq!(found.len(), 1);
    let amount = found[0].amount.clone().unwrap();
    assert_eq!(
        (amount.amount.as_str(), amount.currency.as_deref()),
        ("1234.5", Some("EUR"))
    );
    let participants: Vec<&str> = found[0]
        .participants
        .iter()
        .map(|it| it.contact.as_str())
        .collect();
    assert_eq!(participants, [&ids[0], &ids[1]]);
    assert_eq!(found[0].account.as_ref(), Some(&acme));
    let accounts = [acme];
    let found = run(&desk, |it| {
        it.get_opportunities_for_accounts(&accounts, PageRequest::first(9))
    });
    assert_eq!(found.unwrap().items.len(), 1);
}

#[test]
fn accounts_are_found_by_domain_and_by_name() {
    let (desk, _) = with_people(&[]);
    let acme = desk.crm().add_company(&Company {
        name: "Acme % Co".to_owned(),
        domain: Some("acme.example".to_owned()),
        owner: None,
    });
    desk.crm().add_company(&Company {
        name: "Acme and Co".to_owned(),
        ..Company::default()
    });
    let page = || PageRequest::first(9);
    let by_name = run(&desk, |it| it.get_accounts_by_name("ACME % co", page())).unwrap();
    let by_domain = run(&desk, |it| {
        it.get_accounts_by_domain("acme.example", page())
    })
    .unwrap();
    assert_eq!((by_name.items.len(), by_domain.items.len()), (1, 1));
    assert_eq!(by_name.items[0].id, acme);
    let patch = edits(&[(
        "domains",
        Edit::Set(json!(["new.example", "b.example"]).to_string()),
    )]);
    let written = run(&desk, |it| it.update_account(&acme, patch)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("domains"));
    let account = run(&desk, |it| it.get_account(&acme)).unwrap();
    assert_eq!(account.domains, ["new.example"]);
    run(&desk, |it| it.delete_account(&acme)).unwrap();
    assert_eq!(
        run(&desk, |it| it.get_account(&acme)).unwrap_err().reason,
        Reason::NotFound
    );
}
