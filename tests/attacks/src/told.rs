//! What came of a deed: how the call ended, and what the connector learned.

use brightsync_runtime::{CallError, End};
use serde_json::Value;

/// Every byte of what the hostile connector tells is combined with this.
const MASK: u8 = 0xa5;

/// What came of a deed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// How it ended, in a few words.
    pub(crate) end: String,
    /// Whether the call ended with an answer.
    pub(crate) is_answer: bool,
    /// All that the connector got to know, unmasked.
    pub(crate) learned: String,
    /// The report, as an operator reads it.
    pub(crate) report: String,
}

impl Told {
    /// A deed that ended in words.
    pub(crate) fn ended(end: impl Into<String>) -> Self {
        Self {
            end: end.into(),
            ..Self::default()
        }
    }

    /// A deed that did what it was meant to.
    pub(crate) fn done(end: impl Into<String>) -> Self {
        Self {
            is_answer: true,
            ..Self::ended(end)
        }
    }

    /// A call that answered what the connector learned.
    pub(crate) fn answered(masked: &Value) -> Self {
        let learned = unmask(masked.as_str().unwrap_or_default());
        let answers: Value = serde_json::from_str(&learned).unwrap_or_default();
        let last = answers.as_array().and_then(|it| it.last());
        Self {
            end: last.map_or_else(|| "answer".to_owned(), words),
            is_answer: true,
            learned,
            ..Self::default()
        }
    }

    /// A call that came to another end.
    pub(crate) fn failed(error: &CallError) -> Self {
        let end = match &*error.end {
            End::Connector(error) => format!("error: {error}"),
            End::Trap(trap) => format!("trap: {trap}"),
            End::Limit(limit) => format!("limit: {limit}"),
            other => other.to_string(),
        };
        Self::ended(end)
    }
}

/// The last of what it was told: that is how it ended.
fn words(told: &Value) -> String {
    let told = match told.as_array().and_then(|it| it.last()) {
        Some(last) => last,
        None => told,
    };
    let word = |name| told.get(name).and_then(Value::as_str);
    match (word("code"), word("message"), told.get("status")) {
        (Some(code), _, _) => format!("denied: {code}"),
        (_, Some(message), _) => format!("told: {message}"),
        (_, _, Some(status)) => format!("status {status}"),
        (None, None, None) => told.to_string(),
    }
}

fn unmask(hex: &str) -> String {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|it| it.to_digit(16))
        .filter_map(|it| u8::try_from(it).ok())
        .collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit) ^ MASK)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text as the hostile connector is told what to look for.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    text.bytes().map(|it| it ^ MASK).collect()
}
