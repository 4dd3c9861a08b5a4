//! What tells one kind of record from another: its fields, its search keys, its duplicates.

use serde_json::Value;

use crate::schema::{Body, Field};

/// The description of one kind of record.
pub(crate) struct Resource {
    /// The kind as links have it: `contact`.
    pub(crate) kind: &'static str,
    /// The folder in the API: `contacts`.
    pub(crate) path: &'static str,
    /// What the ids of the kind begin with: `con`.
    pub(crate) prefix: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) filters: &'static [Filter],
    /// The values under which a record is found, as (filter's key, folded value).
    pub(crate) keys: fn(&Body) -> Keys,
    pub(crate) duplicates: Duplicates,
    pub(crate) access: Access,
}

/// The search keys of a record.
pub(crate) type Keys = Vec<(&'static str, String)>;

/// A query parameter that looks records up by a key.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) fold: fn(&str) -> String,
    pub(crate) matching: Matching,
}

/// How a filter's values are compared with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// The key equals one of the values.
    Equal,
    /// The key contains the one value, letter by letter.
    Contains,
}

/// Which records count as the same on creation.
pub(crate) enum Duplicates {
    /// None do.
    Distinct,
    /// One that shares a value of any of these keys, unless the caller allows it.
    AnyOf(&'static [&'static str]),
    /// One that has the values of all of these keys, always.
    AllOf(&'static [&'static str]),
}

/// What callers may do with the records of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read them.
    Read,
    /// Read and write them.
    Write,
    /// Read, write and merge them.
    Merge,
}

impl Filter {
    pub(crate) const fn equal(
        name: &'static str,
        key: &'static str,
        fold: fn(&str) -> String,
    ) -> Self {
        Self {
            name,
            key,
            fold,
            matching: Matching::Equal,
        }
    }

    pub(crate) const fn contains(
        name: &'static str,
        key: &'static str,
        fold: fn(&str) -> String,
    ) -> Self {
        Self {
            name,
            key,
            fold,
            matching: Matching::Contains,
        }
    }
}

/// Every kind of record of the sandbox.
pub(crate) static ALL: &[&Resource] = &[
    &crate::user::USER,
    &crate::account::ACCOUNT,
    &crate::contact::CONTACT,
    &crate::opportunity::OPPORTUNITY,
    &crate::email::EMAIL,
    &crate::meeting::MEETING,
];

/// Returns the text of a field.
pub(crate) fn text<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// Returns the elements of a list, none if it is absent.
pub(crate) fn list<'a>(body: &'a Body, name: &str) -> &'a [Value] {
    body.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Returns the text of a member of every element of a list.
pub(crate) fn members<'a>(body: &'a Body, list_name: &str, member: &str) -> Vec<&'a str> {
    list(body, list_name)
        .iter()
        .filter_map(|it| it.get(member))
        .filter_map(Value::as_str)
        .collect()
}
