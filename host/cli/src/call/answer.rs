//! Answers as a person reads them: lists as tables, records as names and values, and what a call did.

use brightsync_core::crm::Timestamp;
use brightsync_runtime::{Exchange, Report};
use serde_json::{Map, Value};

use crate::table::{Columns, Side::Left};
use crate::terminal::Terminal;
use crate::text;

/// The columns of a list, of those that its records have: what tells one from another.
const TELLING: &[&str] = &[
    "id",
    "departed",
    "name",
    "full-name",
    "emails",
    "domains",
    "accounts",
    "status",
    "stage",
    "amount",
    "closes",
    "active",
    "owner",
    "modified-at",
];

/// Shows an answer.
pub(super) fn show(value: &Value, terminal: &Terminal) {
    match value {
        Value::Null => terminal.line("done"),
        Value::Object(members) if members.contains_key("items") => page(members, terminal),
        Value::Object(members) => record(members, terminal),
        Value::Array(ids) if ids.is_empty() => terminal.line("none"),
        Value::Array(ids) => {
            for id in ids {
                terminal.line(cell(id));
            }
        }
        _ => terminal.line(cell(value)),
    }
}

/// One line about a call.
pub(super) fn summary(report: &Report) -> String {
    let bytes = report.requests.iter().map(|it| it.bytes_in).sum();
    format!(
        "call {} {}: {} in {}, {}, {} received, {} computed, {} of memory",
        report.id,
        report.function,
        report.outcome,
        text::took(report.took),
        text::count(report.requests.len(), "request"),
        text::size(bytes),
        text::took(report.guest_time),
        text::size(u64::try_from(report.memory).unwrap_or(u64::MAX)),
    )
}

/// One line about a request.
pub(super) fn request(exchange: &Exchange) -> String {
    let outcome = match (exchange.status, &exchange.failure) {
        (Some(status), _) => status.to_string(),
        (None, Some(failure)) => text::outside(failure).into_owned(),
        (None, None) => "no answer".to_owned(),
    };
    let stages = exchange.stages.iter();
    let stages: Vec<_> = stages
        .map(|(stage, time)| format!("{} {}", stage.name(), text::took(time)))
        .collect();
    format!(
        "  {:<6} {}{} → {outcome}, {} out, {} in, {} ({})",
        text::outside(&exchange.method),
        exchange.origin,
        // The runtime has made it safe already.
        exchange.path,
        text::size(exchange.bytes_out),
        text::size(exchange.bytes_in),
        text::took(exchange.took),
        stages.join(", "),
    )
}

fn page(members: &Map<String, Value>, terminal: &Terminal) {
    let items = members.get("items").and_then(Value::as_array);
    let rows: Vec<Map<String, Value>> = items.into_iter().flatten().map(row).collect();
    let columns: Vec<_> = TELLING
        .iter()
        .filter(|name| rows.iter().any(|row| is_telling(row.get(**name))))
        .collect();
    let head: Vec<_> = columns.iter().map(|name| (**name, Left)).collect();
    let mut table = Columns::new(&head);
    for row in &rows {
        table.row(columns.iter().map(|name| named(name, row.get(**name))));
    }
    if !rows.is_empty() {
        table.show(0, terminal);
    }
    let end = members.get("end");
    let more = end
        .and_then(|it| it.get("next"))
        .is_some_and(|it| !it.is_null());
    let more = if more {
        ", and there are more; --all-pages reads them"
    } else {
        ""
    };
    terminal.line(format!("{}{more}", text::count(rows.len(), "record")));
    let skipped = end.and_then(|it| it.get("skipped")?.as_array());
    for lost in skipped.into_iter().flatten() {
        terminal.line(format!(
            "not read: {} {}",
            named("id", lost.get("id")),
            named("reason", lost.get("reason"))
        ));
    }
}

/// An entry of a list as a flat record: a change shows what it is about.
fn row(item: &Value) -> Map<String, Value> {
    let mut members = match item {
        Value::Object(members) => members.clone(),
        _ => Map::new(),
    };
    if let Some(Value::Object(present)) = members.remove("present") {
        members = present;
    } else if let Some(id) = members.remove("id-only") {
        members.insert("id".to_owned(), id);
    } else if let Some(Value::Object(departure)) = members.remove("departed") {
        let how = departure.get("how").cloned().unwrap_or_default();
        members.insert("departed".to_owned(), how);
        members.extend(departure);
    }
    if let Some(id) = members.get("ref").and_then(|it| it.get("id")).cloned() {
        members.insert("id".to_owned(), id);
    }
    members
}

fn record(members: &Map<String, Value>, terminal: &Terminal) {
    let mut table = Columns::plain();
    for (name, value) in members {
        if is_telling(Some(value)) {
            table.row([text::outside(name).into_owned(), named(name, Some(value))]);
        }
    }
    table.show(0, terminal);
}

fn is_telling(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}

/// A value with its name, which tells whether a number is a time.
fn named(name: &str, value: Option<&Value>) -> String {
    let time: Option<Timestamp> = value.and_then(Value::as_i64);
    match (value, time) {
        (None, _) => String::new(),
        (Some(_), Some(time))
            if name.ends_with("-at") || name.ends_with("-until") || name == "at" =>
        {
            text::instant(time)
        }
        (Some(value), _) => cell(value),
    }
}

/// A value in one cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(it) => text::outside(it).into_owned(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let main = ["value", "id", "account", "contact"];
            let main = main.iter().find_map(|it| members.get(*it));
            match (main, members.get("amount"), members.get("currency")) {
                (Some(main), _, _) => cell(main),
                (None, Some(amount), currency) => {
                    let currency = currency.map(cell).unwrap_or_default();
                    format!("{} {currency}", cell(amount)).trim_end().to_owned()
                }
                (None, None, _) => {
                    let pair = |(name, value): (&String, &Value)| {
                        let value = named(name, Some(value));
                        format!("{} {value}", text::outside(name))
                    };
                    let shown = members.iter().filter(|(_, it)| is_telling(Some(it)));
                    shown.map(pair).collect::<Vec<_>>().join(", ")
                }
            }
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(it) => it.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: Expect) {
        let (terminal, captured) = Terminal::captured::<String, String>([]);
        show(&value, &terminal);
        expected.assert_eq(&captured.out());
    }

    #[test]
    fn a_list_shows_what_tells_its_records_apart() {
        let ann = json!({
            "ref": {"kind": "contact", "id": "c1"}, "full-name": "Ann Lee", "given-name": "Ann",
            "emails": [{"value": "ann@a.example", "primary": true}, {"value": "lee@b.example", "primary": false}],
            "accounts": [{"account": "a1", "primary": true}], "owner": null, "modified-at": 1_700_000_000_000_i64,
        });
        check(
            json!({
                "items": [{"present": ann}, {"departed": {"id": "c2", "how": {"merged": "c1"}, "at": 5}}],
                "end": {"next": "t", "skipped": [{"id": "c3", "reason": "no name"}]},
            }),
            expect![[r#"
                id  departed   full-name  emails                        accounts  modified-at
                c1             Ann Lee    ann@a.example, lee@b.example  a1        2023-11-14T22:13:20.000Z
                c2  merged c1
                2 records, and there are more; --all-pages reads them
                not read: c3 no name
            "#]],
        );
        check(
            json!({"items": [{"id-only": "c9"}], "end": {}}),
            expect![[r#"
            id
            c9
            1 record
        "#]],
        );
        check(
            json!({"items": [], "end": {}}),
            expect![[r#"
            0 records
        "#]],
        );
    }

    #[test]
    fn a_record_shows_what_it_has() {
        check(
            json!({
                "id": "o1", "name": "Deal\u{1b}[31m", "amount": {"amount": "12.50", "currency": "EUR"},
                "active": true, "members": [], "extra": {}, "created-at": 0, "closes": {"on": "2026-01-01"},
            }),
            expect![[r#"
                active      yes
                amount      12.50 EUR
                closes      on 2026-01-01
                created-at  1970-01-01T00:00:00.000Z
                id          o1
                name        Deal\u{1b}[31m
            "#]],
        );
    }

    #[test]
    fn ids_and_nothing_at_all_are_lines() {
        check(
            json!(["e1", "e2"]),
            expect![[r#"
            e1
            e2
        "#]],
        );
        check(
            json!([]),
            expect![[r#"
            none
        "#]],
        );
        check(
            json!(null),
            expect![[r#"
            done
        "#]],
        );
    }
}
