//! Tryton's conditions, which it calls domains; every text in one is a JSON value, and no wildcard comes from outside.

use brightsync_sdk::{Timestamp, Window, time};
use serde_json::{Value, json};

use crate::setup::{Kind, Setup};

/// Everything that exists, what is archived included; Tryton hides that unless `active` is asked for.
pub(crate) fn parties(kind: Kind, setup: &Setup) -> Value {
    let operator = match kind {
        Kind::Account => "not where",
        Kind::Contact => "where",
    };
    json!([
        ["categories", operator, [["name", "=", setup.person]]],
        archived_too(),
    ])
}

/// Those that were not merged into another.
pub(crate) fn alive() -> Value {
    json!(["replaced_by", "=", null])
}

pub(crate) fn archived_too() -> Value {
    json!(["active", "in", [true, false]])
}

pub(crate) fn all(conditions: Vec<Value>) -> Value {
    Value::Array(conditions)
}

pub(crate) fn any(mut conditions: Vec<Value>) -> Value {
    conditions.insert(0, "OR".into());
    Value::Array(conditions)
}

pub(crate) fn among(ids: &[i64]) -> Value {
    json!(["id", "in", ids])
}

pub(crate) fn after(id: i64) -> Value {
    json!(["id", ">", id])
}

/// The names that contain these words in this order.
pub(crate) fn name(name: &str) -> Value {
    let words: Vec<String> = name.split_whitespace().map(pattern).collect();
    json!(["name", "ilike", format!("%{}%", words.join("%"))])
}

/// The parties that have one of these addresses.
pub(crate) fn emails(emails: &[String]) -> Value {
    let value = |it: &String| json!(["value", "ilike", pattern(it.trim())]);
    json!([
        "contact_mechanisms",
        "where",
        [
            ["type", "=", "email"],
            any(emails.iter().map(value).collect())
        ],
    ])
}

/// The parties that have an address in this domain.
pub(crate) fn email_domain(domain: &str) -> Value {
    mechanism("email", &format!("%@{}", host(domain)))
}

/// The parties that have a web site in this domain.
pub(crate) fn website(domain: &str) -> Value {
    mechanism("website", &format!("%{}%", host(domain)))
}

/// The parties that have changed in a window, or of which something did.
///
/// Tryton does not touch a party when an address of it or a relation is changed by itself.
pub(crate) fn changed(window: &Window, kind: Kind, setup: &Setup) -> Value {
    let mechanisms = json!([
        "contact_mechanisms",
        "where",
        [within("last_modified_at", window), archived_too()],
    ]);
    let mut ways = vec![within("last_modified_at", window), mechanisms];
    if let (Kind::Contact, Some(employment)) = (kind, &setup.employment) {
        // Not `last_modified_at`: relations are a view, for which that is always now.
        let times = any(vec![
            within("create_date", window),
            within("write_date", window),
        ]);
        let relation = [times, json!(["type.name", "=", employment]), archived_too()];
        ways.push(json!(["relations", "where", relation]));
    }
    any(ways)
}

pub(crate) fn within(field: &str, window: &Window) -> Value {
    let mut conditions = vec![json!([field, ">=", instant(window.since)])];
    if let Some(until) = window.until {
        conditions.push(json!([field, "<", instant(until)]));
    }
    all(conditions)
}

/// A text for `like` and `ilike` that matches itself, in any case.
///
/// SQLite knows the case of ASCII letters only, so a letter beyond them is left open: the host compares again.
pub(crate) fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        let (lower, upper) = (letter.to_lowercase(), letter.to_uppercase());
        if letter.is_ascii() || lower.clone().eq(upper.clone()) {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        } else if lower.count() == 1 && upper.count() == 1 {
            pattern.push('_');
        } else {
            pattern.push('%');
        }
    }
    pattern
}

fn mechanism(kind: &str, pattern: &str) -> Value {
    json!([
        "contact_mechanisms",
        "where",
        [["type", "=", kind], ["value", "ilike", pattern]],
    ])
}

/// A domain as a pattern; a label in A-form may have been typed with its own letters.
fn host(domain: &str) -> String {
    let label = |it: &str| {
        if it.starts_with("xn--") {
            "%".to_owned()
        } else {
            pattern(it)
        }
    };
    domain.split('.').map(label).collect::<Vec<_>>().join(".")
}

/// A time in Tryton's JSON.
fn instant(time: Timestamp) -> Value {
    /// 0001-01-01: Python has no earlier year.
    const FIRST: Timestamp = -62_135_596_800_000;
    let text = time::rfc3339(time.max(FIRST));
    let mut parts = text
        .split(|it: char| !it.is_ascii_digit())
        .map(|it| it.parse::<u32>().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    json!({
        "__class__": "datetime",
        "year": part(),
        "month": part(),
        "day": part(),
        "hour": part(),
        "minute": part(),
        "second": part(),
        "microsecond": part() * 1000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(pattern(text), expected);
    }

    #[test]
    fn wildcards_from_outside_match_themselves() {
        check("100%_\\", "100\\%\\_\\\\");
        check("o'neil\" OR 1", "o'neil\" OR 1");
    }

    #[test]
    fn letters_whose_case_sqlite_does_not_know_are_left_open() {
        check("Zoë", "Zo_");
        check("Straße", "Stra%e");
        check("田中", "田中");
    }

    #[test]
    fn a_domain_in_a_form_matches_one_that_was_typed() {
        assert_eq!(
            email_domain("xn--mller-kva.example"),
            json!([
                "contact_mechanisms",
                "where",
                [["type", "=", "email"], ["value", "ilike", "%@%.example"]]
            ])
        );
    }

    #[test]
    fn times_are_objects_and_no_year_is_before_the_first() {
        let time = instant(1_767_225_600_250);
        assert_eq!(
            (&time["year"], &time["microsecond"]),
            (&json!(2026), &json!(250_000))
        );
        assert_eq!(instant(i64::MIN)["year"], 1);
    }
}
