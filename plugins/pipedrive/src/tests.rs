//! What the stand-in does not show: refusals in other forms, notes that were written anew, and recent changes in another order.

use brightsync_sdk::http::Client;
use brightsync_sdk::testing::Exchange;
use brightsync_sdk::{
    Change, Connector, DepartureKind, ForbiddenKind, NewAccount, Owner, PageRequest, ReadRequest,
    Reason, Scope, Window,
};
use serde_json::{Value, json};

use crate::Pipedrive;
use crate::note::Note;

/// 2026-01-15T10:00:00Z.
const NOW: i64 = 1_768_471_200_000;

fn exchange() -> Exchange {
    Exchange::new().setting("company", "acme").now(NOW)
}

#[track_caller]
fn check_refusal(status: u16, body: Value, reason: &Reason, code: Option<&str>) {
    let request = Client::new().post("v2/organizations");
    let exchange = exchange()
        .expect(request.json(&json!({"name": "Acme"})))
        .answer(status, body);
    let error = exchange
        .run(|| Pipedrive::open()?.create_account(NewAccount::new("Acme")))
        .unwrap_err();
    assert_eq!((&error.reason, error.code.as_deref()), (reason, code));
}

#[test]
fn a_refusal_keeps_its_code_and_names_its_field() {
    let said = |error: &str| json!({"success": false, "error": error, "code": "ERR_X"});
    let invalid = |field: Option<&str>, reason: &str| {
        let unnamed = brightsync_sdk::InvalidField::unnamed(reason);
        let field = field.map(str::to_owned);
        Reason::Invalid(vec![brightsync_sdk::InvalidField { field, ..unnamed }])
    };
    let code = Some("ERR_X");
    let text = "Validation failed: owner_id: no such user";
    check_refusal(400, said(text), &invalid(Some("owner"), text), code);
    check_refusal(400, said("Bad"), &invalid(None, "Bad"), code);
    let unpaid = Reason::Forbidden(ForbiddenKind::Unknown);
    check_refusal(402, said("Payment required"), &unpaid, code);
    let full = Reason::Forbidden(ForbiddenKind::ThisOperation);
    check_refusal(
        403,
        said("The limit of organizations is reached"),
        &full,
        code,
    );
    check_refusal(500, said("Oops"), &Reason::InDoubt(Vec::new()), code);
    let old = json!({"success": false, "error": "unauthorized access", "errorCode": 401});
    check_refusal(401, old, &Reason::Unauthorized, Some("401"));
    check_refusal(404, Value::Null, &Reason::NotFound, None);
}

#[track_caller]
fn check_note(html: &str, expected: Option<(&str, &str, &str)>) {
    let note = Note::parse("Mark: ", html);
    let read = (note.key.as_str(), note.line("To"), note.text.as_str());
    assert_eq!(read, expected.unwrap_or(("", "", html)), "{html}");
}

#[test]
fn a_note_is_read_however_it_was_written_anew() {
    let expected = Some(("k-1", "A <a@x.example>; b@x.example", "Hello"));
    let line = "To: A &lt;a@x.example&gt;; b@x.example";
    for html in [
        format!("<p>{line}<br>Mark: k-1</p>Hello"),
        format!("<p dir=\"ltr\">{line}<br />\nMark: k-1</p>Hello"),
        format!("<div>{line}</div><div>Mark: k-1</div>Hello"),
        format!("\n<p>Status: x<br/>{line}</p><p>Mark: k-1</p>Hello"),
    ] {
        check_note(&html, expected);
    }
    check_note("<p>Mark: k-1</p>", Some(("k-1", "", "")));
    check_note(
        "<p>Mark: k-1</p><p>Mark: k-2</p>",
        Some(("k-1", "", "<p>Mark: k-2</p>")),
    );
    for foreign in [
        "",
        "Mark: k-1",
        "<p>Dear To: x<br>Mark: k-1</p>",
        "<p>Hello<br>Mark: k-1</p>",
        "<p>To: x, Mark: k-1</p>",
        "<p>Mark:k-1</p>",
    ] {
        check_note(foreign, None);
    }
}

#[test]
fn recent_changes_that_do_not_rise_are_read_by_position() {
    let row = |id: u64, time: &str| {
        let data = json!({"id": id, "active_flag": id != 2, "update_time": time, "owner_id": 1});
        json!({"item": "person", "id": id, "data": data})
    };
    let page = |rows: Value, last: &str, more: bool| {
        json!({"success": true, "data": rows, "additional_data": {
            "since_timestamp": "2026-01-15 09:00:00", "last_timestamp_on_page": last,
            "pagination": {"more_items_in_collection": more}}})
    };
    let recents = |start: u64| {
        let request = Client::new().get("v1/recents");
        let request = request.query("since_timestamp", "2026-01-15 09:00:00");
        let request = request.query("items", "person");
        request.query("start", start).query("limit", 2)
    };
    let falling = json!([row(3, "2026-01-15 09:40:00"), row(2, "2026-01-15 09:30:00")]);
    let rest = json!([row(1, "2026-01-15 09:10:00")]);
    let exchange = exchange()
        .expect(recents(0))
        .answer(200, page(falling, "2026-01-15 09:30:00", true))
        .expect(recents(2))
        .answer(200, page(rest, "2026-01-15 09:10:00", false));
    exchange.run(|| {
        let scope = Scope::Departed(Window::since(NOW - 3_600_000));
        let first = ReadRequest::first(Owner::Anyone, scope, 2);
        let connector = Pipedrive::open().unwrap();
        let read = connector.get_my_contacts(first.clone()).unwrap();
        let [Change::Departed(gone)] = read.items.as_slice() else {
            panic!("{:?}", read.items)
        };
        assert_eq!(
            (gone.id.as_str(), &gone.how),
            ("2", &DepartureKind::Deleted)
        );
        assert_eq!(read.end.complete_until, Some(NOW));
        let page = PageRequest {
            token: read.end.next,
            ..PageRequest::first(2)
        };
        let read = connector.get_my_contacts(ReadRequest { page, ..first });
        assert_eq!(read.unwrap().end.next, None);
    });
}
