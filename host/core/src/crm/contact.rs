//! People.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Ref, Timestamp};

/// An e-mail address or a telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContactPoint {
    /// As the CRM has it.
    pub value: String,
    /// True for the main one.
    #[serde(default)]
    pub primary: bool,
    /// What the CRM calls it.
    pub label: Option<String>,
}

/// That somebody belongs to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Affiliation {
    /// The account.
    pub account: Id,
    /// True for the main one.
    #[serde(default)]
    pub primary: bool,
    /// What the person does there.
    pub role: Option<String>,
}

/// A person as the CRM has it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contact {
    /// The id and the kind of record.
    #[serde(rename = "ref")]
    pub ref_: Ref,
    /// What a lead was converted into.
    pub converted_to: Option<Ref>,
    /// The whole name.
    pub full_name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// All e-mail addresses.
    pub emails: Vec<ContactPoint>,
    /// All telephone numbers.
    pub phones: Vec<ContactPoint>,
    /// The accounts that the person belongs to.
    pub accounts: Vec<Affiliation>,
    /// The job title.
    pub title: Option<String>,
    /// The user who owns the record.
    pub owner: Option<Id>,
    /// False if it is archived.
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

/// A person to be created.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NewContact {
    /// The whole name.
    pub full_name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// E-mail addresses.
    pub emails: Vec<ContactPoint>,
    /// Telephone numbers.
    pub phones: Vec<ContactPoint>,
    /// Accounts.
    pub accounts: Vec<Affiliation>,
    /// The job title.
    pub title: Option<String>,
    /// The user who shall own it.
    pub owner: Option<Id>,
    /// Custom fields to set.
    pub extra: Extra,
}
