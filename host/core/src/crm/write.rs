//! Writes: edits of fields, and what a write has done.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Ref, Timestamp};

/// One change of one field; "leave alone" is to have no edit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Replace the value.
    Set(serde_json::Value),
    /// Make it empty.
    Clear,
    /// Add one element to a list.
    Add(serde_json::Value),
    /// Remove one element from a list.
    Remove(serde_json::Value),
}

/// Changes to one record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Patch {
    /// Field names and what to do with them, in order.
    pub edits: Vec<(String, Edit)>,
    /// Only apply to this version of the record.
    pub if_version: Option<String>,
}

/// What is wrong with one field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InvalidField {
    /// The field as the contract names it.
    pub field: Option<String>,
    /// The CRM's own code.
    pub code: Option<String>,
    /// A sentence for a human.
    pub reason: String,
}

/// What a write has done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Written {
    /// The record's id.
    pub id: Id,
    /// Its version after the write.
    pub version: Option<String>,
    /// Its time of modification after the write.
    pub modified_at: Option<Timestamp>,
    /// Where a human sees it in the CRM.
    pub url: Option<String>,
    /// What else was created on the way.
    pub also_created: Vec<Ref>,
    /// Parts that were not written, and why.
    pub incomplete: Vec<InvalidField>,
    /// For later versions.
    pub extra: Extra,
}
