//! The kinds of records, their properties and the pipeline of deals.

use serde_json::{Value, json};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// People.
    Contact,
    /// Companies.
    Company,
    /// Deals.
    Deal,
    /// Logged meetings.
    Meeting,
    /// Logged e-mails.
    Email,
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// An e-mail address, kept in lower case.
    Address,
    Number,
    Time,
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several words, with semicolons between them.
    Several,
    /// The id of an owner.
    Owner,
}

/// A property.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) read_only: bool,
}

const fn text(name: &'static str) -> Property {
    writable(name, Type::Text)
}

const fn writable(name: &'static str, kind: Type) -> Property {
    Property {
        name,
        kind,
        read_only: false,
    }
}

const fn made(name: &'static str, kind: Type) -> Property {
    Property {
        name,
        kind,
        read_only: true,
    }
}

/// What every record has.
const ALL: [Property; 6] = [
    made("hs_object_id", Type::Number),
    made("createdate", Type::Time),
    made("hs_createdate", Type::Time),
    made("hs_lastmodifieddate", Type::Time),
    writable("hubspot_owner_id", Type::Owner),
    made("notes_last_updated", Type::Time),
];

const CONTACT: &[Property] = &[
    made("lastmodifieddate", Type::Time),
    text("firstname"),
    text("lastname"),
    writable("email", Type::Address),
    made("hs_additional_emails", Type::Several),
    made("hs_email_domain", Type::Text),
    text("phone"),
    text("mobilephone"),
    text("fax"),
    text("jobtitle"),
    made("associatedcompanyid", Type::Number),
    text("vip_tier"),
    writable("is_vip", Type::Bool),
    writable("interests", Type::Several),
];

const COMPANY: &[Property] = &[
    text("name"),
    text("domain"),
    writable("hs_additional_domains", Type::Several),
    text("website"),
    writable(
        "type",
        Type::Choice(&["PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"]),
    ),
    made("hs_parent_company_id", Type::Number),
    text("tier"),
];

const DEAL: &[Property] = &[
    text("dealname"),
    writable("amount", Type::Number),
    text("deal_currency_code"),
    text("dealstage"),
    text("pipeline"),
    writable("closedate", Type::Time),
    made("hs_is_closed", Type::Bool),
    made("hs_is_closed_won", Type::Bool),
    writable("hs_all_collaborator_owner_ids", Type::Several),
];

/// What everything that is logged has.
const LOGGED: [Property; 3] = [
    writable("hs_timestamp", Type::Time),
    text("hs_engagement_source_id"),
    text("hs_engagement_source"),
];

const MEETING: &[Property] = &[
    text("hs_meeting_title"),
    text("hs_meeting_body"),
    text("hs_meeting_location"),
    writable("hs_meeting_start_time", Type::Time),
    writable("hs_meeting_end_time", Type::Time),
    writable(
        "hs_meeting_outcome",
        Type::Choice(&[
            "SCHEDULED",
            "COMPLETED",
            "RESCHEDULED",
            "NO_SHOW",
            "CANCELED",
        ]),
    ),
    writable("hs_attendee_owner_ids", Type::Several),
];

const EMAIL: &[Property] = &[
    writable(
        "hs_email_direction",
        Type::Choice(&["EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"]),
    ),
    writable(
        "hs_email_status",
        Type::Choice(&["BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"]),
    ),
    text("hs_email_subject"),
    text("hs_email_text"),
    text("hs_email_html"),
    text("hs_email_headers"),
    text("hs_attachment_ids"),
    made("hs_email_message_id", Type::Text),
    made("hs_email_from_email", Type::Text),
    made("hs_email_to_email", Type::Several),
];

impl Object {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Contact,
        Self::Company,
        Self::Deal,
        Self::Meeting,
        Self::Email,
    ];

    pub(super) fn named(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.path() == path)
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Deal => "deals",
            Self::Meeting => "meetings",
            Self::Email => "emails",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Deal => "deal",
            Self::Meeting => "meeting",
            Self::Email => "email",
        }
    }

    pub(super) fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Company => "0-2",
            Self::Deal => "0-3",
            Self::Meeting => "0-47",
            Self::Email => "0-49",
        }
    }

    /// The property with the time of the last change. The one that all others have is empty on contacts.
    pub(super) fn modified(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            _ => "hs_lastmodifieddate",
        }
    }

    pub(super) fn property(self, name: &str) -> Option<Property> {
        let (own, logged): (&[Property], &[Property]) = match self {
            Self::Contact => (CONTACT, &[]),
            Self::Company => (COMPANY, &[]),
            Self::Deal => (DEAL, &[]),
            Self::Meeting => (MEETING, &LOGGED),
            Self::Email => (EMAIL, &LOGGED),
        };
        ALL.iter()
            .chain(own)
            .chain(logged)
            .find(|it| it.name == name)
            .copied()
    }
}

/// The stages of the default pipeline: id, name, probability, closed.
const STAGES: [(&str, &str, &str, bool); 4] = [
    ("closedwon", "Closed won", "1.0", true),
    (
        "appointmentscheduled",
        "Appointment scheduled",
        "0.2",
        false,
    ),
    ("closedlost", "Closed lost", "0.0", true),
    ("contractsent", "Contract sent", "0.9", false),
];

/// The stages come in no order; each says its place.
const ORDER: [u32; 4] = [2, 0, 3, 1];

pub(super) fn pipelines() -> Value {
    let stages: Vec<Value> = STAGES
        .iter()
        .zip(ORDER)
        .map(|((id, label, probability, closed), order)| {
            json!({
                "id": id, "label": label, "displayOrder": order, "archived": false,
                "metadata": { "isClosed": closed.to_string(), "probability": probability },
            })
        })
        .collect();
    json!({ "results": [{ "id": "default", "label": "Sales Pipeline", "displayOrder": 0, "archived": false, "stages": stages }] })
}

/// Whether a stage is closed, and whether it is won.
pub(super) fn stage(id: &str) -> Option<(bool, bool)> {
    let stage = STAGES.iter().find(|it| it.0 == id)?;
    Some((stage.3, stage.3 && stage.2 == "1.0"))
}
