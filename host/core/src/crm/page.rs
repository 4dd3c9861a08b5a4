//! Reads: whose records, which of them, which page, and how a page ends.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Timestamp, Token};

/// Whose records a read is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The connected user's, in the sense that the manifest states.
    Me,
    /// Another user's.
    User(Id),
    /// All that the connection may see.
    Anyone,
}

/// From `since`, inclusive, up to `until`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Window {
    /// The first instant that counts.
    pub since: Timestamp,
    /// The first instant that does not count any more; none means up to now.
    pub until: Option<Timestamp>,
}

/// Which part of the records a read is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every record that exists now.
    All,
    /// Created or modified in the window.
    Updated(Window),
    /// Changed since the read that answered this token.
    ChangedSince(Token),
    /// Departures in the window.
    Departed(Window),
    /// Departures since the read that answered this token.
    DepartedSince(Token),
}

/// How much of each record a read answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// Ids only.
    Ids,
    /// Whole records.
    #[default]
    Full,
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PageRequest {
    /// None for the first page, else the `next` of the page before.
    pub token: Option<Token>,
    /// The wished number of records.
    pub size: u32,
    /// For later versions.
    pub extra: Extra,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            token: None,
            size: 100,
            extra: Extra::new(),
        }
    }
}

/// A read of a connection's records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReadRequest {
    /// Whose records.
    pub owner: Owner,
    /// Which of them.
    pub scope: Scope,
    /// How much of each.
    pub detail: Detail,
    /// Whether a complete but slower route of the CRM must be taken.
    pub complete: bool,
    /// Which page.
    pub page: PageRequest,
}

impl Default for ReadRequest {
    /// Everything that the connection may see, whole records, complete.
    fn default() -> Self {
        Self {
            owner: Owner::Anyone,
            scope: Scope::All,
            detail: Detail::Full,
            complete: true,
            page: PageRequest::default(),
        }
    }
}

/// How a record left the view of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepartureKind {
    /// It was deleted.
    Deleted,
    /// It was merged into this record.
    Merged(Id),
    /// It was moved into this record of another kind.
    Moved(Id),
    /// It belongs to somebody else now.
    Reassigned,
    /// The connection may no longer see it; no deletion.
    Hidden,
    /// The CRM does not say how.
    Unknown,
}

/// A record that is no longer there for this connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Departure {
    /// Its id.
    pub id: Id,
    /// When it happened, if the CRM says so.
    pub at: Option<Timestamp>,
    /// How.
    pub how: DepartureKind,
}

/// One entry of a read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change<T> {
    /// The record as it is now.
    Present(T),
    /// It exists; only ids were asked for.
    IdOnly(Id),
    /// It is gone for this connection.
    Departed(Departure),
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Skipped {
    /// Its id, if at least that could be read.
    pub id: Option<Id>,
    /// Why, for a human.
    pub reason: String,
}

/// How a page ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PageEnd {
    /// The place of the next page; none means that this was the last.
    pub next: Option<Token>,
    /// From where a later read by token goes on.
    pub resume: Option<Token>,
    /// Changes before this instant are all in the read.
    pub complete_until: Option<Timestamp>,
    /// What could not be read, and why.
    pub skipped: Vec<Skipped>,
    /// For later versions.
    pub extra: Extra,
}

/// A page of anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How it ends.
    pub end: PageEnd,
}
