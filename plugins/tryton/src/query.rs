//! Tryton's conditions, which it calls domains; every text in one is a JSON value, and no wildcard comes from outside.

use brightsync_sdk::json::Body;
use brightsync_sdk::{Timestamp, Window, time};
use serde_json::Value;

use crate::setup::{Kind, Setup};

/// A condition on one field.
pub(crate) fn is(field: &str, operator: &str, value: impl Into<Value>) -> Value {
    Value::Array(vec![field.into(), operator.into(), value.into()])
}

/// Everything that exists, what is archived included; Tryton hides that unless `active` is asked for.
pub(crate) fn parties(kind: Kind, setup: &Setup) -> Value {
    let operator = match kind {
        Kind::Account => "not where",
        Kind::Contact => "where",
    };
    let named = vec![is("name", "=", setup.person.as_str())];
    all(vec![is("categories", operator, named), archived_too()])
}

/// Those that were not merged into another.
pub(crate) fn alive() -> Value {
    is("replaced_by", "=", Value::Null)
}

pub(crate) fn archived_too() -> Value {
    is("active", "in", vec![true, false])
}

pub(crate) fn all(conditions: Vec<Value>) -> Value {
    Value::Array(conditions)
}

pub(crate) fn any(mut conditions: Vec<Value>) -> Value {
    conditions.insert(0, "OR".into());
    Value::Array(conditions)
}

pub(crate) fn among(ids: &[i64]) -> Value {
    is("id", "in", ids)
}

pub(crate) fn after(id: i64) -> Value {
    is("id", ">", id)
}

/// The names that contain these words in this order.
pub(crate) fn name(name: &str) -> Value {
    let mut words = "%".to_owned();
    for word in name.split_whitespace() {
        words.push_str(&pattern(word));
        words.push('%');
    }
    is("name", "ilike", words)
}

/// Those that have one of these texts, in any case.
pub(crate) fn any_of(field: &str, texts: &[String]) -> Value {
    let mut alternatives = Vec::new();
    for text in texts {
        alternatives.push(is(field, "ilike", pattern(text.trim())));
    }
    any(alternatives)
}

/// The parties that have one of these addresses.
pub(crate) fn emails(emails: &[String]) -> Value {
    mechanism("email", any_of("value", emails))
}

/// The parties that have an address in this domain.
pub(crate) fn email_domain(domain: &str) -> Value {
    let address = format!("%@{}", host(domain));
    mechanism("email", is("value", "ilike", address))
}

/// The parties that have a web site in this domain.
pub(crate) fn website(domain: &str) -> Value {
    let site = format!("%{}%", host(domain));
    mechanism("website", is("value", "ilike", site))
}

/// The parties that have changed in a window, or of which something did.
///
/// Tryton does not touch a party when an address of it or a relation is changed by itself.
pub(crate) fn changed(window: &Window, kind: Kind, setup: &Setup) -> Value {
    let mechanisms = vec![within("last_modified_at", window), archived_too()];
    let mut ways = vec![
        within("last_modified_at", window),
        is("contact_mechanisms", "where", mechanisms),
    ];
    if let (Kind::Contact, Some(employment)) = (kind, &setup.employment) {
        // Not `last_modified_at`: relations are a view, for which that is always now.
        let times = vec![within("create_date", window), within("write_date", window)];
        let kind = is("type.name", "=", employment.as_str());
        let relation = vec![any(times), kind, archived_too()];
        ways.push(is("relations", "where", relation));
    }
    any(ways)
}

pub(crate) fn within(field: &str, window: &Window) -> Value {
    let mut conditions = vec![is(field, ">=", instant(window.since))];
    if let Some(until) = window.until {
        conditions.push(is(field, "<", instant(until)));
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

fn mechanism(kind: &str, condition: Value) -> Value {
    let conditions = vec![is("type", "=", kind), condition];
    is("contact_mechanisms", "where", conditions)
}

/// A domain as a pattern; a label in A-form may have been typed with its own letters.
fn host(domain: &str) -> String {
    let mut host = String::new();
    for label in domain.split_inclusive('.') {
        if label.starts_with("xn--") {
            host.push_str(if label.ends_with('.') { "%." } else { "%" });
        } else {
            host.push_str(&pattern(label));
        }
    }
    host
}

/// A time in Tryton's JSON.
fn instant(time: Timestamp) -> Value {
    const PARTS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];
    /// 0001-01-01: Python has no earlier year.
    const FIRST: Timestamp = -62_135_596_800_000;
    let text = time::rfc3339(time.max(FIRST));
    let mut numbers = text
        .split(|it: char| !it.is_ascii_digit())
        .map(|it| it.parse::<u32>().unwrap_or_default());
    let mut instant = Body::new().with("__class__", "datetime");
    for (part, number) in PARTS.into_iter().zip(&mut numbers) {
        instant.set(part, number.into());
    }
    let millis = numbers.next().unwrap_or_default();
    instant.with("microsecond", millis * 1000).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{email_domain, instant, pattern};

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
