//! The connector against scripted answers of EspoCRM: which requests each function makes, and what becomes of the answers.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::testing::{Exchange, Failure};
use brightsync_sdk::{
    Affiliation, Attendee, Connector, ContactPoint, Direction, Edit, EmailKey, Extra,
    ForbiddenKind, MeetingKey, Moment, NewContact, NewEmail, NewMeeting, Owner, PageRequest, Party,
    Patch, ReadRequest, Reason, Ref, Result, Scope, Window,
};
use serde_json::{Value, json};

use crate::EspoCrm;

/// 2026-01-15 10:00:00.
const TEN: i64 = 1_768_471_200_000;

fn site() -> Exchange {
    Exchange::new()
        .setting("site", "https://crm.example/espo")
        .now(TEN)
}

fn run<T>(exchange: Exchange, call: impl FnOnce(&EspoCrm) -> Result<T>) -> Result<T> {
    exchange.run(|| call(&EspoCrm::open()?))
}

fn client() -> Client {
    Client::new().header("Accept", "application/json")
}

fn search(entity: &str, parameters: Value) -> Request {
    let request = client().get(entity).query("searchParams", parameters);
    request.header("X-No-Total", "true")
}

fn rows(ids: &[&str], total: i64) -> Value {
    let rows: Vec<Value> = ids.iter().map(|it| json!({"id": it})).collect();
    json!({"list": rows, "total": total})
}

fn edits(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits
        .iter()
        .map(|(name, edit)| ((*name).to_owned(), edit.clone()));
    Patch::new(edits.collect())
}

fn ann() -> Value {
    json!({
        "id": "c1", "deleted": false, "name": "Ann Lee", "firstName": "Ann", "lastName": "Lee",
        "title": "Buyer", "accountId": "a1", "accountsIds": ["a2", "a1"],
        "accountsColumns": {"a1": {"role": "Buyer"}, "a2": {"role": null}},
        "modifiedAt": "2026-01-15 10:00:00", "cTier": "gold", "assignedUserId": null,
        "emailAddress": "ann@acme.example",
        "emailAddressData": [
            {"emailAddress": "old@acme.example", "lower": "old@acme.example", "primary": false, "optOut": true, "invalid": false},
            {"emailAddress": "ann@acme.example", "lower": "ann@acme.example", "primary": true, "optOut": false, "invalid": false},
        ],
        "phoneNumberData": [{"phoneNumber": "+49 30 1", "primary": true, "type": "Office"}],
    })
}

fn email_key() -> EmailKey {
    EmailKey {
        key: "k1".to_owned(),
        message_id: Some("1@x.example".to_owned()),
        sent_at: TEN + 999,
        subject: "Hello".to_owned(),
        sender: "bob@x.example".to_owned(),
        about: vec![Ref::contact("c1"), Ref::new("account", "a1")],
    }
}

#[test]
fn the_token_of_app_user_goes_nowhere() {
    let me = json!({
        "user": {"id": "u1", "name": "Ada", "isActive": true, "emailAddress": "ada@x.example"},
        "token": "canary", "preferences": {"timeZone": ""},
        "settings": {"timeZone": "Europe/Berlin", "applicationName": "Acme CRM"},
        "acl": {"table": {"Contact": {"create": "yes", "delete": "no"}, "Meeting": false}},
    });
    let exchange = site().expect(client().get("App/user")).answer(200, me);
    let whoami = run(exchange, Connector::get_me).unwrap();
    assert!(!format!("{whoami:?}").contains("canary"));
    assert_eq!(whoami.org_id, "https://crm.example/espo");
    let user = whoami.user.unwrap();
    assert_eq!(user.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!(user.emails, ["ada@x.example"]);
    let names: Vec<&str> = whoami.capabilities.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "contacts.delete-contact",
            "meetings.create-meeting",
            "meetings.update-meeting",
            "meetings.delete-meeting",
        ]
    );
}

#[track_caller]
fn check_refusal(status: u16, said: &str, body: Value, expected: Reason) {
    let request = client()
        .post("Contact")
        .json(&json!({"lastName": "Lee", "accountId": "a1", "accountsIds": ["a1"], "accountsColumns": {}}));
    let exchange = site()
        .expect(request)
        .answer(status, body)
        .with_header("X-Status-Reason", said);
    let contact = NewContact {
        full_name: Some("Lee".to_owned()),
        accounts: vec![Affiliation::primary("a1")],
        ..NewContact::default()
    };
    let error = run(exchange, |it| it.create_contact(contact)).unwrap_err();
    assert_eq!(error.reason, expected);
    assert!(error.message.contains("EspoCRM"), "{}", error.message);
}

#[test]
fn refusals_are_told_by_the_header_and_the_body() {
    let two = json!([{"id": "c1"}, {"id": "c2"}]);
    let existing = ["c1", "c2"].map(str::to_owned).to_vec();
    check_refusal(409, "duplicate", two, Reason::Duplicate(existing));
    check_refusal(409, "modified", json!({"values": {}}), Reason::Stale);
    let import = Reason::Forbidden(ForbiddenKind::MissingScope);
    check_refusal(403, "Not allowed 'from' address.", Value::Null, import);
    let operation = Reason::Forbidden(ForbiddenKind::ThisOperation);
    check_refusal(403, "No create access.", Value::Null, operation);
    let reason = "a record that it is to be linked with does not exist, or may not be seen";
    let invalid = Reason::Invalid(vec![brightsync_sdk::InvalidField::unnamed(reason)]);
    let body = json!({"messageTranslation": {"label": "cannotRelateNonExisting", "data": {"foreignEntityType": "Account"}}});
    check_refusal(403, "Can't relate.", body, invalid);
}

#[test]
fn a_field_that_is_not_valid_has_its_name_in_the_contract() {
    let body = json!({"messageTranslation": {"label": "validationFailure", "data": {"field": "phoneNumber", "type": "valid"}}});
    let exchange = site()
        .expect(client().post("Contact").json(&json!({"lastName": "Lee"})))
        .answer(400, body);
    let contact = NewContact {
        family_name: Some("Lee".to_owned()),
        ..NewContact::default()
    };
    let error = run(exchange, |it| it.create_contact(contact)).unwrap_err();
    let Reason::Invalid(fields) = error.reason else {
        panic!("{error:?}")
    };
    assert_eq!(fields[0].field.as_deref(), Some("phones"));
    assert_eq!(fields[0].code.as_deref(), Some("valid"));
}

#[test]
fn a_write_without_an_answer_is_in_doubt() {
    let exchange = site()
        .expect(client().post("Contact").json(&json!({"lastName": "Lee"})))
        .fail(Failure::NoAnswer("closed".to_owned()));
    let contact = NewContact {
        family_name: Some("Lee".to_owned()),
        ..NewContact::default()
    };
    let error = run(exchange, |it| it.create_contact(contact)).unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
}

#[test]
fn people_are_listed_by_time_and_read_one_by_one() {
    let window = Window {
        since: TEN + 500,
        until: Some(TEN + 5_001),
    };
    let mut request = ReadRequest::first(Owner::Me, Scope::Updated(window), 2);
    let since = json!({"type": "greaterThanOrEquals", "attribute": "modifiedAt", "value": "2026-01-15 10:00:00"});
    let until =
        json!({"type": "before", "attribute": "modifiedAt", "value": "2026-01-15 10:00:06"});
    let parameters = |conditions: Value| {
        json!({
            "select": ["id", "modifiedAt"], "where": conditions, "orderBy": "modifiedAt",
            "maxSize": 2, "boolFilterList": ["onlyMy"],
        })
    };
    let first = json!({"total": -1, "list": [
        {"id": "c1", "modifiedAt": "2026-01-15 10:00:00"}, {"id": "c2", "modifiedAt": "2026-01-15 10:00:03"},
    ]});
    let exchange = site()
        .wanted_fields("contact", &["cTier"])
        .expect(search("Contact", parameters(json!([since, until]))))
        .answer(200, first)
        .expect(client().get("Contact/c1"))
        .answer(200, ann())
        .expect(client().get("Contact/c2"))
        .answer(404, Value::Null);
    let page = run(exchange, |it| it.get_my_contacts(request.clone())).unwrap();
    let [brightsync_sdk::Change::Present(contact)] = page.items.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(contact.emails[0], ContactPoint::primary("ann@acme.example"));
    assert_eq!(contact.emails[1].value, "old@acme.example");
    assert_eq!(contact.accounts[0].role.as_deref(), Some("Buyer"));
    assert_eq!(contact.modified_at, Some(TEN));
    assert_eq!(
        contact.url.as_deref(),
        Some("https://crm.example/espo/#Contact/view/c1")
    );
    assert_eq!(contact.extra, [("cTier".to_owned(), "\"gold\"".to_owned())]);

    request.page.token = page.end.next;
    let behind = json!({"type": "or", "value": [
        {"type": "after", "attribute": "modifiedAt", "value": "2026-01-15 10:00:03"},
        {"type": "and", "value": [
            {"type": "equals", "attribute": "modifiedAt", "value": "2026-01-15 10:00:03"},
            {"type": "greaterThan", "attribute": "id", "value": "c2"},
        ]},
    ]});
    let exchange = site()
        .expect(search("Contact", parameters(json!([since, until, behind]))))
        .answer(200, rows(&[], -2));
    let page = run(exchange, |it| it.get_my_contacts(request)).unwrap();
    assert_eq!((page.items.len(), page.end.next), (0, None));
}

#[test]
fn a_deleted_record_is_not_found_even_by_an_administrator() {
    let deleted = json!({"id": "c1", "deleted": true, "lastName": "Lee"});
    let exchange = site()
        .expect(client().get("Contact/c1"))
        .answer(200, deleted);
    let error = run(exchange, |it| it.get_contact("c1")).unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
}

#[test]
fn a_record_that_may_not_be_read_is_named() {
    let exchange = site()
        .expect(client().get("Contact/c1"))
        .answer(403, Value::Null)
        .expect(client().get("Contact/c2"))
        .answer(200, ann());
    let ids = ["c1", "c2"].map(str::to_owned);
    let page = run(exchange, |it| it.get_contacts(&ids)).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.end.skipped[0].id.as_deref(), Some("c1"));
}

#[test]
fn addresses_that_stay_keep_their_marks_and_one_is_the_main_one() {
    let added = Edit::Add(r#"{"value":"new@acme.example","primary":true}"#.to_owned());
    let removed = Edit::Remove(r#"{"value":"ANN@acme.example"}"#.to_owned());
    let patch = edits(&[
        ("emails", added),
        ("emails", removed),
        ("title", Edit::Clear),
    ]);
    let body = json!({"title": null, "emailAddressData": [
        {"emailAddress": "old@acme.example", "lower": "old@acme.example", "primary": false, "optOut": true, "invalid": false},
        {"emailAddress": "new@acme.example", "primary": true},
    ]});
    let exchange = site()
        .expect(client().get("Contact/c1"))
        .answer(200, ann())
        .expect(client().put("Contact/c1").json(&body))
        .answer(200, json!({"id": "c1", "title": null}));
    let written = run(exchange, |it| it.update_contact("c1", patch)).unwrap();
    assert_eq!(written.incomplete, []);
}

#[test]
fn what_cannot_be_written_is_named_and_nothing_else_is_touched() {
    let patch = Patch {
        if_version: Some("7".to_owned()),
        ..edits(&[
            ("accounts", Edit::Remove(r#"{"account":"a1"}"#.to_owned())),
            ("title", Edit::Set("\"Chief\"".to_owned())),
            ("active", Edit::Clear),
        ])
    };
    let body =
        json!({"accountId": "a2", "accountsIds": ["a2"], "accountsColumns": {}, "title": "Chief"});
    let exchange = site()
        .expect(client().get("Contact/c1"))
        .answer(200, ann())
        .expect(
            client()
                .put("Contact/c1")
                .json(&body)
                .header("X-Version-Number", "7"),
        )
        .answer(200, json!({"id": "c1", "title": null}));
    let written = run(exchange, |it| it.update_contact("c1", patch)).unwrap();
    let fields: Vec<_> = written
        .incomplete
        .iter()
        .map(|it| it.field.as_deref())
        .collect();
    assert_eq!(fields, [Some("active"), Some("title")]);
}

#[test]
fn an_email_is_archived_with_what_espocrm_has_room_for() {
    let body = json!({
        "status": "Archived", "name": "Hello", "from": "bob@x.example", "to": "ann@acme.example",
        "cc": "ann@acme.example", "bcc": "", "dateSent": "2026-01-15 10:00:00", "body": "<p>Hi</p>",
        "isHtml": true, "messageId": "<1@x.example>", "parentType": "Account", "parentId": "a1",
        "cKey": "k1",
    });
    let exchange = site()
        .setting("key-field", "cKey")
        .expect(client().post("Email").json(&body))
        .answer(
            200,
            json!({"id": "e1", "parentType": "Account", "parentId": "a1", "accountId": "a1"}),
        );
    let ann = Party {
        link: Some(Ref::contact("c1")),
        ..Party::new("ann@acme.example")
    };
    let email = NewEmail {
        key: email_key(),
        thread: None,
        direction: Direction::Incoming,
        sender: Party::default(),
        to: Vec::new(),
        cc: vec![ann, Party::new("no address")],
        bcc: Vec::new(),
        text: Some("Hi".to_owned()),
        html: Some("<p>Hi</p>".to_owned()),
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    };
    let written = run(exchange, |it| it.create_email(email)).unwrap();
    assert_eq!(written.id, "e1");
    let named = written.incomplete.iter().map(|it| it.field.as_deref());
    assert_eq!(named.collect::<Vec<_>>(), [Some("cc")]);
}

#[test]
fn an_email_is_found_by_its_message_id_or_by_what_else_was_kept() {
    let is = |kind: &str, attribute: &str, value: Value| json!({"type": kind, "attribute": attribute, "value": value});
    let alike = json!([
        is("equals", "name", json!("Hello")),
        is("equals", "dateSent", json!("2026-01-15 10:00:00")),
        is("equals", "from", json!("bob@x.example")),
        is("startsWith", "messageId", json!("dummy:")),
    ]);
    let ids = is("in", "messageId", json!(["<1@x.example>", "1@x.example"]));
    let condition = json!([{"type": "or", "value": [ids, {"type": "and", "value": alike}]}]);
    let parameters = json!({"select": ["id"], "where": condition, "orderBy": "id", "maxSize": 100});
    let exchange = site()
        .expect(search("Email", parameters))
        .answer(200, rows(&["e1"], -2));
    assert_eq!(
        run(exchange, |it| it.find_email(email_key())).unwrap(),
        ["e1"]
    );
}

#[test]
fn a_recipient_that_espocrm_takes_back_is_named() {
    let now = json!({"id": "e1", "to": "ann@acme.example"});
    let patch = edits(&[("to", Edit::Add(r#"{"address":"z@z.example"}"#.to_owned()))]);
    let exchange = site()
        .expect(client().get("Email/e1"))
        .answer(200, now.clone())
        .expect(
            client()
                .put("Email/e1")
                .json(&json!({"to": "ann@acme.example;z@z.example"})),
        )
        .answer(200, now);
    let written = run(exchange, |it| it.update_email("e1", patch)).unwrap();
    assert_eq!(written.incomplete[0].field.as_deref(), Some("to"));
}

#[test]
fn a_meeting_of_a_whole_day_needs_a_user_and_a_plain_name() {
    let body = json!({
        "name": "Ann ‹› Bob", "status": "Planned", "dateStart": null, "dateStartDate": "2026-01-20",
        "dateEnd": null, "dateEndDate": "2026-01-21", "description": "Location: Room 1\n\nAgenda",
        "assignedUserId": "u1", "parentType": "Contact", "parentId": "c1",
        "contactsIds": ["c1"], "contactsColumns": {"c1": {"status": "Accepted"}},
        "usersIds": [], "usersColumns": {},
    });
    let exchange = site()
        .expect(client().get("App/user"))
        .answer(200, json!({"user": {"id": "u1"}}))
        .expect(client().post("Meeting").json(&body))
        .answer(
            200,
            json!({"id": "m1", "parentType": "Contact", "parentId": "c1", "contactsIds": ["c1"]}),
        );
    let day = |it: &str| Moment::On(it.to_owned());
    let ann = Party {
        link: Some(Ref::contact("c1")),
        ..Party::default()
    };
    let attendee = Attendee {
        party: ann,
        response: Some("accepted".to_owned()),
        role: None,
    };
    let meeting = NewMeeting {
        key: MeetingKey {
            key: "k2".to_owned(),
            ical_uid: "uid".to_owned(),
            occurrence: None,
            start: day("2026-01-20"),
            subject: "Ann <> Bob".to_owned(),
            about: vec![Ref::contact("c1")],
        },
        end: day("2026-01-21"),
        timezone: None,
        status: "confirmed".to_owned(),
        location: Some("Room 1".to_owned()),
        text: Some("Agenda".to_owned()),
        organiser: Party::new("boss@x.example"),
        attendees: vec![attendee],
        owner: None,
        extra: Extra::new(),
    };
    let written = run(exchange, |it| it.create_meeting(meeting)).unwrap();
    let named = written.incomplete.iter().map(|it| it.field.as_deref());
    assert_eq!(named.collect::<Vec<_>>(), [Some("subject")]);
}

#[test]
fn an_attendee_leaves_and_the_place_changes_without_the_text() {
    let now = json!({
        "id": "m1", "description": "Location: Room 1\n\nAgenda", "dateEnd": "2026-01-15 09:00:00",
        "contactsIds": ["c1", "c2"], "contactsColumns": {"c2": {"status": "Declined"}}, "usersIds": ["u1"],
    });
    let leaves = Edit::Remove(r#"{"party":{"link":{"kind":"contact","id":"c1"}}}"#.to_owned());
    let patch = edits(&[
        ("attendees", leaves),
        ("location", Edit::Set("\"Room 2\"".to_owned())),
        ("status", Edit::Set("\"confirmed\"".to_owned())),
    ]);
    let body = json!({
        "contactsIds": ["c2"], "contactsColumns": {"c2": {"status": "Declined"}},
        "usersIds": ["u1"], "usersColumns": {}, "status": "Held",
        "description": "Location: Room 2\n\nAgenda",
    });
    let exchange = site()
        .expect(client().get("Meeting/m1"))
        .answer(200, now)
        .expect(client().put("Meeting/m1").json(&body))
        .answer(200, json!({"id": "m1"}));
    let written = run(exchange, |it| it.update_meeting("m1", patch)).unwrap();
    assert_eq!(written.incomplete, []);
}

#[test]
fn an_opportunity_of_two_batches_is_answered_once() {
    let ids: Vec<String> = (0..201).map(|it| format!("c{it:03}")).collect();
    let select = json!([
        "name",
        "amount",
        "amountCurrency",
        "stage",
        "probability",
        "closeDate",
        "accountId",
        "contactsIds",
        "contactsColumns",
        "assignedUserId",
        "createdAt",
    ]);
    let parameters = |ids: &[String]| {
        let condition = json!([{"type": "linkedWith", "attribute": "contacts", "value": ids}]);
        json!({"select": select, "where": condition, "orderBy": "id", "maxSize": 50})
    };
    let deal = json!({
        "id": "o1", "name": "Deal", "stage": "Signed", "probability": 100, "amount": 1200.5,
        "amountCurrency": "EUR", "contactsIds": ["c000", "c200"], "closeDate": "2026-05-01",
    });
    let (first, second) = ids.split_at(200);
    let exchange = site()
        .expect(search("Opportunity", parameters(first)))
        .answer(200, json!({"list": [deal], "total": -2}));
    let page = run(exchange, |it| {
        it.get_opportunities_for_contacts(&ids, PageRequest::first(50))
    })
    .unwrap();
    assert_eq!(page.items[0].status, brightsync_sdk::OpportunityStatus::Won);
    assert_eq!(page.items[0].amount.as_ref().unwrap().amount, "1200.5");
    let exchange = site()
        .expect(search("Opportunity", parameters(second)))
        .answer(200, json!({"list": [deal], "total": -2}));
    let request = PageRequest {
        token: page.end.next,
        ..PageRequest::first(50)
    };
    let page = run(exchange, |it| {
        it.get_opportunities_for_contacts(&ids, request)
    })
    .unwrap();
    assert_eq!((page.items.len(), page.end.next), (0, None));
}

#[test]
fn long_addresses_make_smaller_batches() {
    let long: Vec<String> = (0..60)
        .map(|it| format!("{}{it}@x.example", "ä".repeat(100)))
        .collect();
    let batches = crate::batch::split(&long);
    assert!(batches.len() > 1);
    assert_eq!(batches.concat(), long);
    let huge = ["x".repeat(100_000)];
    assert_eq!(crate::batch::split(&huge), [&huge[..]]);
}

#[test]
fn a_look_up_of_nothing_asks_nothing() {
    let page = run(site(), |it| {
        it.get_contacts_by_email(&[], PageRequest::first(5))
    });
    assert_eq!(page.unwrap().items, []);
}
