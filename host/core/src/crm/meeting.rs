//! Meetings that are logged in the CRM.

use serde::{Deserialize, Serialize};

use super::{Extra, Id, Moment, Party, Ref};

/// Everything by which a logged meeting may be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MeetingKey {
    /// The host's own key of the meeting.
    pub key: String,
    /// The `UID` of the calendar entry.
    pub ical_uid: String,
    /// The original start of this occurrence of a series.
    pub occurrence: Option<Moment>,
    /// When it starts.
    pub start: Moment,
    /// The subject.
    pub subject: String,
    /// The records that it is logged with.
    #[serde(default)]
    pub about: Vec<Ref>,
}

/// Somebody who was invited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attendee {
    /// Who.
    pub party: Party,
    /// `accepted`, `declined`, `tentative` or `needs-action`.
    pub response: Option<String>,
    /// `required`, `optional`, `chair` or `resource`.
    pub role: Option<String>,
}

/// A meeting to be logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NewMeeting {
    /// What it is found by.
    pub key: MeetingKey,
    /// When it ends.
    pub end: Moment,
    /// The IANA time zone in which it was planned.
    pub timezone: Option<String>,
    /// `confirmed`, `tentative` or `cancelled`.
    pub status: String,
    /// Where it takes place.
    pub location: Option<String>,
    /// The description as plain text.
    pub text: Option<String>,
    /// Who invited.
    pub organiser: Party,
    /// Who was invited.
    #[serde(default)]
    pub attendees: Vec<Attendee>,
    /// The user in whose name it is logged.
    pub owner: Option<Id>,
    /// Custom fields to set.
    #[serde(default)]
    pub extra: Extra,
}
