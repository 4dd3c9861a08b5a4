//! Arguments and settings as they stand in the command line.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::exit::Usage;

/// Reads the arguments of a function: `name=value` each, or one JSON object with all of them.
pub(super) fn read(given: &[String]) -> Result<Map<String, Value>, Usage> {
    let mut arguments = Map::new();
    for text in given {
        if text.trim_start().starts_with('{') {
            let object: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
                Usage(format!("{text:?} is no JSON object of arguments: {error}"))
            })?;
            for (name, value) in object {
                insert(&mut arguments, name, value)?;
            }
            continue;
        }
        let (name, value) = pair(text)?;
        let value = match value.trim_start().chars().next() {
            Some('{' | '[' | '"') => serde_json::from_str(value)
                .map_err(|error| Usage(format!("{name}: {value:?} is no JSON: {error}")))?,
            // Text needs no quotes, and an id that looks like a number is text as well.
            _ => Value::from(value),
        };
        insert(&mut arguments, name.to_owned(), value)?;
    }
    Ok(arguments)
}

/// Reads settings: `name=value` each.
pub(crate) fn settings(given: &[String]) -> Result<BTreeMap<String, String>, Usage> {
    let mut settings = BTreeMap::new();
    for text in given {
        let (name, value) = pair(text)?;
        let before = settings.insert(name.to_owned(), value.to_owned());
        if before.is_some() {
            return Err(twice(name));
        }
    }
    Ok(settings)
}

fn pair(text: &str) -> Result<(&str, &str), Usage> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Usage(format!("{text:?} is not of the form NAME=VALUE")))
}

fn insert(arguments: &mut Map<String, Value>, name: String, value: Value) -> Result<(), Usage> {
    if arguments.contains_key(&name) {
        return Err(twice(&name));
    }
    arguments.insert(name, value);
    Ok(())
}

fn twice(name: &str) -> Usage {
    Usage(format!("{name:?} is given twice; give it once"))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(given: &[&str], expected: Expect) {
        let given: Vec<_> = given.iter().map(ToString::to_string).collect();
        let text = match read(&given) {
            Ok(arguments) => Value::Object(arguments).to_string(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn a_value_is_text_unless_it_begins_as_json() {
        check(
            &["id=42", "name=Ann Lee", "emails=[\"a@b.example\"]"],
            expect![[r#"{"emails":["a@b.example"],"id":"42","name":"Ann Lee"}"#]],
        );
        check(
            &["id=\"42\"", "name=a=b", "domain="],
            expect![[r#"{"domain":"","id":"42","name":"a=b"}"#]],
        );
        check(
            &["emails=[a@b.example]"],
            expect![[r#"emails: "[a@b.example]" is no JSON: expected value at line 1 column 2"#]],
        );
    }

    #[test]
    fn all_arguments_may_come_as_one_object() {
        check(
            &[r#"{"id": "1", "patch": {"edits": []}}"#],
            expect![[r#"{"id":"1","patch":{"edits":[]}}"#]],
        );
        check(
            &["{", "id=1"],
            expect![[
                r#""{" is no JSON object of arguments: EOF while parsing an object at line 1 column 1"#
            ]],
        );
    }

    #[test]
    fn what_is_no_pair_or_comes_twice_is_refused() {
        check(&["id"], expect![[r#""id" is not of the form NAME=VALUE"#]]);
        check(&["=1"], expect![[r#""=1" is not of the form NAME=VALUE"#]]);
        check(
            &["id=1", r#"{"id": 2}"#],
            expect![[r#""id" is given twice; give it once"#]],
        );
    }

    #[test]
    fn a_setting_is_always_text() {
        let read = settings(&["site=https://a.example".to_owned(), "n=1".to_owned()]).unwrap();
        assert_eq!(read["site"], "https://a.example");
        assert_eq!(read["n"], "1");
        assert!(settings(&["n=1".to_owned(), "n=2".to_owned()]).is_err());
    }
}
