//! All pages of a list as one.

use std::collections::HashSet;

use anyhow::{Result, bail};
use brightsync_core::function::Function;
use brightsync_runtime::Connection;
use serde_json::{Map, Value, json};

use crate::exit::Usage;

/// Calls a function for one page after the other, and answers one page with everything.
pub(super) async fn all(
    connection: &Connection,
    function: Function,
    arguments: Map<String, Value>,
) -> Result<Value> {
    let mut seen = HashSet::new();
    let mut token = None;
    let mut items = Vec::new();
    let mut skipped = Vec::new();
    loop {
        let arguments = with_token(function, arguments.clone(), token.take());
        let mut page = connection.call_json(function, arguments).await?;
        let Some(more) = page.get_mut("items").and_then(Value::as_array_mut) else {
            return Err(Usage(format!(
                "{function} answers no pages; leave out --all-pages"
            ))
            .into());
        };
        items.append(more);
        let end = page.get_mut("end");
        let lost = end.and_then(|it| it.get_mut("skipped")?.as_array_mut());
        skipped.extend(lost.map(std::mem::take).unwrap_or_default());
        match page.pointer("/end/next").and_then(Value::as_str) {
            None => {
                let mut end = page.get("end").cloned().unwrap_or_default();
                if let Some(members) = end.as_object_mut() {
                    members.insert("skipped".to_owned(), Value::Array(skipped));
                }
                return Ok(json!({"items": items, "end": end}));
            }
            Some(next) if !seen.insert(next.to_owned()) => bail!(
                "the connector answered the same page token twice, so the read would never end; its author can mend it"
            ),
            Some(next) => token = Some(next.to_owned()),
        }
    }
}

/// Puts the token of a page to where the function takes it.
fn with_token(
    function: Function,
    mut arguments: Map<String, Value>,
    token: Option<String>,
) -> Map<String, Value> {
    let Some(token) = token else {
        return arguments;
    };
    let is_read = matches!(function, Function::GetMyAccounts | Function::GetMyContacts);
    let page = if is_read {
        let request = arguments
            .entry("request")
            .or_insert_with(|| json!({}))
            .as_object_mut();
        request.map(|it| it.entry("page").or_insert_with(|| json!({})))
    } else {
        Some(arguments.entry("page").or_insert_with(|| json!({})))
    };
    if let Some(page) = page.and_then(Value::as_object_mut) {
        page.insert("token".to_owned(), token.into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: Function, given: Value, expected: Value) {
        let Value::Object(given) = given else {
            panic!("arguments are an object")
        };
        let found = with_token(function, given, Some("t2".to_owned()));
        assert_eq!(Value::Object(found), expected);
    }

    #[test]
    fn the_token_goes_to_where_the_function_takes_it() {
        check(
            Function::GetUsers,
            json!({"page": {"size": 5}}),
            json!({"page": {"size": 5, "token": "t2"}}),
        );
        check(
            Function::GetMyContacts,
            json!({"request": {"owner": "me"}}),
            json!({"request": {"owner": "me", "page": {"token": "t2"}}}),
        );
        check(
            Function::GetMyAccounts,
            json!({}),
            json!({"request": {"page": {"token": "t2"}}}),
        );
    }
}
