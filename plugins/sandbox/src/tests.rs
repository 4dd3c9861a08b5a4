//! The connector against a scripted sandbox: which requests each function makes, and what becomes of the answers.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::json::Body;
use brightsync_sdk::testing::{Exchange, Failure};
use brightsync_sdk::{
    Change, Connector, Departure, DepartureKind, Detail, Direction, Edit, EmailKey, Extra,
    ForbiddenKind, MeetingKey, Moment, NewContact, NewEmail, Owner, PageRequest, Party, Patch,
    ReadRequest, Reason, Ref, Result, Scope, User, Window, time,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::Sandbox;
use crate::api::Api;

const JANUARY: Window = Window {
    since: 1_767_225_600_000,
    until: None,
};

/// Runs a call against one request and its answer.
fn call<T>(
    request: Request,
    status: u16,
    answer: Value,
    call: impl FnOnce(&Sandbox) -> Result<T>,
) -> Result<T> {
    let exchange = Exchange::new().expect(request).answer(status, answer);
    exchange.run(|| call(&Sandbox::open()?))
}

fn search(kind: &str, filters: Value) -> Request {
    Api::new().search(kind, &body(&filters))
}

fn body(json: &Value) -> Body {
    json.as_object().unwrap().clone().into()
}

fn list(data: Value, next: Option<&str>) -> Value {
    json!({"data": data, "next_cursor": next, "as_of": "2026-01-02T00:00:00.000Z"})
}

fn ann() -> Value {
    json!({
        "id": "con_1", "version": "3", "url": "http://crm.example/app/contacts/con_1",
        "created_at": "2026-01-01T00:00:00.000Z", "modified_at": "2026-01-01T00:00:00.001Z",
        "full_name": "Ann Lee", "owner": "usr_1", "custom": {"tier": "gold"},
        "emails": [{"address": "ann@home.example"}, {"address": "ann@acme.example", "primary": true}],
        "accounts": [{"account": "acc_1", "primary": true, "role": "Buyer"}],
    })
}

#[track_caller]
fn check_refusal(status: u16, code: &str, expected: Reason) {
    let body = json!({"error": {
        "code": code, "message": "No.", "existing": ["con_7"],
        "fields": [{"field": "emails[0].address", "code": "invalid", "message": "no address"}],
    }});
    let answer = call(Api::new().me(), status, body, Connector::get_me);
    let error = answer.unwrap_err();
    assert_eq!(
        (error.reason, error.code.as_deref()),
        (expected, Some(code))
    );
}

#[test]
fn a_key_that_only_reads_is_told_apart() {
    let me = json!({
        "organisation": {"id": "org_1", "name": "Example"}, "scopes": ["read"],
        "user": {"id": "usr_1", "name": "Bo", "emails": ["bo@example.com"], "timezone": "Europe/Berlin"},
    });
    let whoami = call(Api::new().me(), 200, me, Connector::get_me).unwrap();
    assert_eq!(
        whoami.user.unwrap().timezone.as_deref(),
        Some("Europe/Berlin")
    );
    let forbidden = ("contacts.create-contact".to_owned(), "forbidden".to_owned());
    assert!(whoami.capabilities.contains(&forbidden));
}

#[test]
fn a_contact_is_read_with_its_main_address_first() {
    let contact = call(Api::new().read("contacts", "con_1"), 200, ann(), |it| {
        it.get_contact("con_1")
    })
    .unwrap();
    assert_eq!(contact.emails[0].value, "ann@acme.example");
    assert_eq!(contact.modified_at, Some(JANUARY.since + 1));
    assert_eq!(contact.extra, [("tier".to_owned(), "\"gold\"".to_owned())]);
    assert_eq!(contact.accounts[0].role.as_deref(), Some("Buyer"));
}

#[test]
fn a_page_leads_to_the_next_and_keeps_the_time_of_the_first() {
    let first = || {
        let list = Client::new().get("contacts");
        list.query("updated_since", "2026-01-01T00:00:00.000Z")
            .query("owner", "me")
            .query("limit", 200)
    };
    let broken = json!({"id": "con_2", "modified_at": "yesterday"});
    let exchange = Exchange::new()
        .expect(first())
        .answer(200, list(json!([ann(), broken]), Some("c2")))
        .expect(first().query("cursor", "c2"))
        .answer(
            200,
            json!({"data": [], "next_cursor": null, "as_of": "2026-01-03T00:00:00.000Z"}),
        );
    let (first, last) = exchange.run(|| {
        let mut request = ReadRequest::first(Owner::Me, Scope::Updated(JANUARY), 1_000);
        let first = Sandbox::open()
            .unwrap()
            .get_my_contacts(request.clone())
            .unwrap();
        request.page.token = first.end.next.clone();
        (
            first,
            Sandbox::open().unwrap().get_my_contacts(request).unwrap(),
        )
    });
    assert_eq!(first.items.len(), 1);
    assert_eq!(first.end.skipped[0].id.as_deref(), Some("con_2"));
    assert_eq!(
        last.end.complete_until,
        Some(time::parse("2026-01-02T00:00:00Z").unwrap())
    );
    assert_eq!(last.end.next, None);
}

#[test]
fn ids_alone_are_asked_for_where_they_are_enough() {
    let ids = Client::new().get("accounts?view=ids&owner=usr_2&limit=10");
    let data = json!([{"id": "acc_1", "version": "1", "modified_at": "2026-01-01T00:00:00.000Z"}]);
    let owner = Owner::User("usr_2".to_owned());
    let request = ReadRequest {
        detail: Detail::Ids,
        ..ReadRequest::first(owner, Scope::All, 10)
    };
    let page = call(ids, 200, list(data, None), |it| it.get_my_accounts(request));
    assert_eq!(page.unwrap().items, [Change::IdOnly("acc_1".to_owned())]);
}

#[test]
fn what_went_to_somebody_else_has_left_one_owner_and_not_everybody() {
    let since = "2026-01-01T00:00:00.000Z";
    let departures = || {
        let departures = Client::new().get("contacts/departures");
        departures.query("since", since)
    };
    let merged = json!({"id": "con_2", "at": since, "how": "merged", "into": "con_1"});
    let read = |owner| {
        let request = ReadRequest::first(owner, Scope::Departed(JANUARY), 10);
        move |it: &Sandbox| it.get_my_contacts(request)
    };
    let all = departures()
        .query_each("how", ["deleted", "merged"])
        .query("limit", 10);
    let page = call(all, 200, list(json!([merged]), None), read(Owner::Anyone)).unwrap();
    let how = DepartureKind::Merged("con_1".to_owned());
    let departure = Departure {
        id: "con_2".to_owned(),
        at: Some(JANUARY.since),
        how,
    };
    assert_eq!(page.items, [Change::Departed(departure)]);
    let mine = departures().query("owner", "me").query("limit", 10);
    assert!(call(mine, 200, list(json!([]), None), read(Owner::Me)).is_ok());
}

#[test]
fn a_look_up_of_nothing_makes_no_request() {
    let users =
        Exchange::new().run(|| Sandbox::open()?.get_users_by_email(&[], PageRequest::first(10)));
    assert_eq!(users.unwrap().items, Vec::<User>::new());
}

#[test]
fn many_ids_take_several_requests_and_one_page() {
    let ids: Vec<String> = (0..201).map(|it| format!("con_{it}")).collect();
    let exchange = Exchange::new()
        .expect(search("contacts", json!({"id": ids[..200], "limit": 200})))
        .answer(200, list(json!([ann()]), None))
        .expect(search("contacts", json!({"id": ids[200..], "limit": 200})))
        .answer(200, list(json!([ann()]), None));
    let page = exchange
        .run(|| Sandbox::open()?.get_contacts(&ids))
        .unwrap();
    assert_eq!(page.items.len(), 2);
}

#[test]
fn a_write_whose_answer_is_lost_is_in_doubt() {
    let record = json!({
        "full_name": "Ann Lee", "given_name": "Ann", "family_name": "Lee",
    });
    let contact = NewContact {
        given_name: Some("Ann".to_owned()),
        family_name: Some("Lee".to_owned()),
        ..NewContact::default()
    };
    let exchange = Exchange::new()
        .expect(Api::new().create("contacts", &body(&record)))
        .fail(Failure::NoAnswer("the connection was closed".to_owned()));
    let error = exchange
        .run(|| Sandbox::open()?.create_contact(contact))
        .unwrap_err();
    assert_eq!(error.reason, Reason::InDoubt(Vec::new()));
}

#[test]
fn a_patch_says_what_it_could_not_write() {
    let edits = [
        ("title", Edit::Clear),
        (
            "emails",
            Edit::Add(r#"{"value":"ann@new.example"}"#.to_owned()),
        ),
        ("extra.tier", Edit::Set("\"silver\"".to_owned())),
        ("birthday", Edit::Set("\"2000-01-01\"".to_owned())),
    ];
    let edits = edits.map(|(field, edit)| (field.to_owned(), edit)).to_vec();
    let patch = Patch {
        if_version: Some("3".to_owned()),
        ..Patch::new(edits)
    };
    let (written, story) = Exchange::new()
        .expect(
            Client::new()
                .patch("contacts/con_1")
                .header("If-Match", "\"3\"")
                .json(&json!({
                    "clear": ["title"],
                    "set": {"custom.tier": "silver"},
                    "remove": {},
                    "add": {"emails": [{"address": "ann@new.example", "primary": false}]},
                })),
        )
        .answer(200, json!({"id": "con_1", "version": "4"}))
        .tell(|| Sandbox::open()?.update_contact("con_1", patch));
    let written = written.unwrap();
    assert_eq!(written.version.as_deref(), Some("4"));
    assert_eq!(
        written.incomplete[0].field.as_deref(),
        Some("birthday"),
        "{story}"
    );
}

fn offer() -> NewEmail {
    NewEmail {
        key: EmailKey {
            key: "k1".to_owned(),
            message_id: None,
            sent_at: JANUARY.since,
            subject: "Offer".to_owned(),
            sender: "ann@acme.example".to_owned(),
            about: vec![Ref::contact("con_1"), Ref::new("lead", "9")],
        },
        thread: None,
        direction: Direction::Incoming,
        sender: Party::new("ann@acme.example"),
        to: vec![Party::new("bo@example.com"), Party::default()],
        cc: Vec::new(),
        bcc: Vec::new(),
        text: Some("Hello".to_owned()),
        html: None,
        attachments: Vec::new(),
        owner: None,
        extra: Extra::new(),
    }
}

#[track_caller]
fn check_story<T>(
    request: Request,
    answer: Value,
    call: impl FnOnce(&Sandbox) -> Result<T>,
    expected: Expect,
) -> T {
    let exchange = Exchange::new().expect(request).answer(200, answer);
    let (answer, story) = exchange.tell(|| call(&Sandbox::open()?));
    expected.assert_eq(&story);
    answer.unwrap()
}

#[test]
fn an_email_without_a_message_id_is_found_by_the_key_of_the_host() {
    let found = search(
        "emails",
        json!({"message_id": "k1", "view": "ids", "limit": 100}),
    );
    let ids = check_story(
        found,
        list(json!([{"id": "eml_1"}]), None),
        |it| it.find_email(offer().key),
        expect![[r#"
            POST emails/search
              {"limit":100,"message_id":"k1","view":"ids"}
              200 {"as_of":"2026-01-02T00:00:00.000Z","data":[{"id":"eml_1"}],"next_cursor":null}
        "#]],
    );
    assert_eq!(ids, ["eml_1"]);
}

#[test]
fn an_email_names_what_has_no_place_in_the_sandbox() {
    let record = json!({
        "message_id": "k1", "direction": "incoming", "subject": "Offer", "text": "Hello",
        "sent_at": "2026-01-01T00:00:00.000Z", "from": {"address": "ann@acme.example"},
        "to": [{"address": "bo@example.com"}], "about": [{"kind": "contact", "id": "con_1"}],
    });
    let created = json!({"id": "eml_1", "version": "1"});
    let written = call(
        Api::new().create("emails", &body(&record)),
        201,
        created,
        |it| it.create_email(offer()),
    );
    let fields: Vec<_> = written
        .unwrap()
        .incomplete
        .into_iter()
        .filter_map(|it| it.field)
        .collect();
    assert_eq!(fields, ["to", "about"]);
}

#[test]
fn a_meeting_is_found_by_its_occurrence() {
    let key = |occurrence| MeetingKey {
        key: "k".to_owned(),
        ical_uid: "u1".to_owned(),
        occurrence,
        start: Moment::At(JANUARY.since),
        subject: "Weekly".to_owned(),
        about: Vec::new(),
    };
    for (occurrence, text) in [
        (None, "none"),
        (Some(Moment::At(JANUARY.since)), "2026-01-01T00:00:00.000Z"),
        (Some(Moment::On("2026-01-01".to_owned())), "2026-01-01"),
    ] {
        let filters = json!({"ical_uid": "u1", "occurrence": text, "view": "ids", "limit": 100});
        let ids = call(
            search("meetings", filters),
            200,
            list(json!([]), None),
            |it| it.find_meeting(key(occurrence)),
        );
        assert_eq!(ids.unwrap(), Vec::<String>::new());
    }
}

#[test]
fn an_amount_and_a_day_pass_unchanged() {
    let deal = json!({
        "id": "opp_1", "name": "Kitchens", "status": "frozen", "closes": "2026-02-28",
        "value": {"amount": "1250.10", "currency": "EUR"},
    });
    let filters = json!({"account": ["acc_1"], "limit": 10});
    let page = call(
        search("opportunities", filters),
        200,
        list(json!([deal]), None),
        |it| it.get_opportunities_for_accounts(&["acc_1".to_owned()], PageRequest::first(10)),
    );
    let deal = page.unwrap().items.remove(0);
    assert_eq!(deal.amount.unwrap().amount, "1250.10");
    assert_eq!(deal.closes, Some(Moment::On("2026-02-28".to_owned())));
    assert_eq!(deal.status, brightsync_sdk::OpportunityStatus::Unknown);
}

#[test]
fn a_refusal_says_what_follows_from_it() {
    check_refusal(401, "unauthorized", Reason::Unauthorized);
    check_refusal(
        403,
        "missing_scope",
        Reason::Forbidden(ForbiddenKind::MissingScope),
    );
    check_refusal(404, "merged", Reason::NotFound);
    check_refusal(
        409,
        "duplicate",
        Reason::Duplicate(vec!["con_7".to_owned()]),
    );
    check_refusal(412, "stale", Reason::Stale);
    check_refusal(400, "window_expired", Reason::CursorExpired);
    check_refusal(400, "no_user", Reason::Unsupported);
    check_refusal(503, "unavailable", Reason::Unavailable);
    let body = json!({"error": {
        "code": "invalid_fields", "message": "No.",
        "fields": [
            {"field": "emails[0].address", "code": "invalid", "message": "no address"},
            {"field": "full_name", "code": "required", "message": "is missing"},
            {"field": "custom.tier", "code": "invalid", "message": "no"},
        ],
    }});
    let error = call(Api::new().me(), 422, body, Connector::get_me).unwrap_err();
    let Reason::Invalid(fields) = error.reason else {
        panic!("{error:?}")
    };
    let fields: Vec<_> = fields.into_iter().filter_map(|it| it.field).collect();
    assert_eq!(fields, ["emails", "full-name", "extra.tier"]);
}
