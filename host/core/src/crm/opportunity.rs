//! Opportunities, also called deals.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Moment, Money, Timestamp};

/// Where an opportunity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It may still be won.
    Open,
    /// It was won.
    Won,
    /// It was lost.
    Lost,
    /// The CRM does not say.
    Unknown,
}

/// A contact's part in an opportunity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Participant {
    /// The contact.
    pub contact: Id,
    /// True for the main contact.
    pub primary: Option<bool>,
    /// The role, in the CRM's words.
    pub role: Option<String>,
}

/// An opportunity as the CRM has it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Opportunity {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// The stage, in the CRM's words.
    pub stage: Option<String>,
    /// The place of the stage in its pipeline, from 0.
    pub stage_order: Option<u32>,
    /// What the CRM calls its type or pipeline.
    pub kind: Option<String>,
    /// What it is worth.
    pub amount: Option<Money>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When it is expected to close.
    pub closes: Option<Moment>,
    /// When it was closed.
    pub closed: Option<Moment>,
    /// When something last happened with it.
    pub last_activity_at: Option<Timestamp>,
    /// The user who owns it.
    pub owner: Option<Id>,
    /// Other users who work on it.
    pub members: Vec<Id>,
    /// The account that it belongs to.
    pub account: Option<Id>,
    /// The contacts that take part.
    pub participants: Vec<Participant>,
    /// Where a human sees it in the CRM.
    pub url: Option<String>,
    /// Custom fields.
    pub extra: Extra,
}
