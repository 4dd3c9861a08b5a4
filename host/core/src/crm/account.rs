//! Companies.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Timestamp};

/// A company as the CRM has it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its domains or web sites as the CRM has them.
    pub domains: Vec<String>,
    /// What the CRM calls its type.
    pub kind: Option<String>,
    /// The account that it is a part of.
    pub parent: Option<Id>,
    /// The user who owns it.
    pub owner: Option<Id>,
    /// False if it is archived or closed.
    pub active: Option<bool>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it was last modified.
    pub modified_at: Option<Timestamp>,
    /// When something last happened with it.
    pub last_activity_at: Option<Timestamp>,
    /// Its version.
    pub version: Option<String>,
    /// Where a human sees it in the CRM.
    pub url: Option<String>,
    /// Custom fields.
    pub extra: Extra,
}

/// A company to be created.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Its domains, the main one first.
    #[serde(default)]
    pub domains: Vec<String>,
    /// The user who shall own it.
    pub owner: Option<Id>,
    /// Custom fields to set.
    #[serde(default)]
    pub extra: Extra,
}
