//! The entities and attributes of EspoCRM 9.2 that the stand-in knows; anything else is a violation.

use super::answer::Refusal;

/// The entity types that the stand-in serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A person who logs in, or an API user.
    User,
    /// A company.
    Account,
    /// A person of a company.
    Contact,
    /// A deal.
    Opportunity,
    /// A logged or sent e-mail.
    Email,
    /// A calendar event.
    Meeting,
}

/// How the values of an attribute look and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// The primary of several addresses; a filter sees all of them.
    Address,
    Phone,
    Number,
    Flag,
    /// `YYYY-MM-DD HH:mm:ss`, UTC.
    Time,
    /// `YYYY-MM-DD`.
    Date,
    /// A list of ids.
    Ids,
    /// An object or a list of objects.
    Json,
}

/// When a row of a list carries an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Always,
    /// Only if `select` names it.
    Selected,
    /// Only reading the one record shows it.
    Never,
}

/// One attribute of an entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) row: Row,
    pub(super) writable: bool,
}

/// Where the records of a link are kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link {
    /// In this attribute of the record itself: one id, or a list of them.
    Own(&'static str, Entity),
    /// In that attribute of the other entity's records.
    Other(&'static str, Entity),
}

impl Entity {
    /// Every entity type.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Account,
        Self::Contact,
        Self::Opportunity,
        Self::Email,
        Self::Meeting,
    ];

    /// The name that stands in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Account => "Account",
            Self::Contact => "Contact",
            Self::Opportunity => "Opportunity",
            Self::Email => "Email",
            Self::Meeting => "Meeting",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    pub(super) fn attributes(self) -> impl Iterator<Item = &'static Attribute> {
        let (own, assigned): (&[Attribute], &[Attribute]) = match self {
            Self::User => (USER, &[]),
            Self::Account => (ACCOUNT, ASSIGNED),
            Self::Contact => (CONTACT, ASSIGNED),
            Self::Opportunity => (OPPORTUNITY, ASSIGNED),
            Self::Email => (EMAIL, ASSIGNED),
            Self::Meeting => (MEETING, ASSIGNED),
        };
        SYSTEM.iter().chain(own).chain(assigned)
    }

    pub(super) fn link(self, name: &str) -> Option<Link> {
        match (self, name) {
            (Self::Contact, "accounts") => Some(Link::Own("accountsIds", Self::Account)),
            (Self::Contact, "account") => Some(Link::Own("accountId", Self::Account)),
            (Self::Contact, "opportunities") => Some(Link::Other("contactsIds", Self::Opportunity)),
            (Self::Contact, "meetings") => Some(Link::Other("contactsIds", Self::Meeting)),
            (Self::Account, "contacts") => Some(Link::Other("accountsIds", Self::Contact)),
            (Self::Account, "opportunities") => Some(Link::Other("accountId", Self::Opportunity)),
            (Self::Opportunity | Self::Meeting, "contacts") => {
                Some(Link::Own("contactsIds", Self::Contact))
            }
            (Self::Opportunity, "account") => Some(Link::Own("accountId", Self::Account)),
            (Self::Meeting, "users") => Some(Link::Own("usersIds", Self::User)),
            _ => None,
        }
    }

    /// What an enumeration may hold; none for other attributes.
    pub(super) fn options(self, attribute: &str) -> Option<&'static [&'static str]> {
        match (self, attribute) {
            (Self::Meeting, "status") => Some(&["Planned", "Held", "Not Held"]),
            (Self::Email, "status") => Some(&["Draft", "Sending", "Sent", "Archived", "Failed"]),
            (Self::Account, "type") => Some(&["", "Customer", "Investor", "Partner", "Reseller"]),
            (Self::Opportunity, "stage") => Some(&[
                "Prospecting",
                "Qualification",
                "Proposal",
                "Negotiation",
                "Closed Won",
                "Closed Lost",
            ]),
            _ => None,
        }
    }

    /// The longest text that validation lets through, in characters.
    pub(super) fn limit(self, attribute: &str) -> Option<usize> {
        match (self, attribute) {
            (Self::Contact, "firstName" | "lastName" | "title") => Some(100),
            (Self::Account, "name") => Some(249),
            (Self::Account, "sicCode") => Some(40),
            (Self::Opportunity | Self::Email | Self::Meeting, "name")
            | (Self::Email, "messageId") => Some(255),
            _ => None,
        }
    }

    /// Names that the pattern `noBadCharacters` guards: no `<`, `>` or `=`.
    pub(super) fn guarded(self) -> &'static [&'static str] {
        match self {
            Self::Account => &["name", "sicCode"],
            Self::Opportunity | Self::Meeting => &["name"],
            Self::User | Self::Contact | Self::Email => &[],
        }
    }

    /// Whether its records carry a `versionNumber` that `X-Version-Number` is compared with.
    pub(super) fn versioned(self) -> bool {
        matches!(self, Self::Account | Self::Opportunity)
    }

    /// What may not be empty.
    pub(super) fn required(self) -> &'static [&'static str] {
        match self {
            Self::User => &["userName", "lastName"],
            Self::Account => &["name"],
            Self::Contact => &["lastName"],
            Self::Opportunity => &["name", "amount", "closeDate"],
            Self::Email => &["name", "from", "to"],
            Self::Meeting => &["name", "assignedUserId"],
        }
    }

    /// The attribute that a list without `orderBy` is sorted by, and whether downwards.
    pub(super) fn default_order(self) -> (&'static str, bool) {
        match self {
            Self::User => ("userName", false),
            Self::Account | Self::Contact | Self::Opportunity => ("createdAt", true),
            Self::Email => ("dateSent", true),
            Self::Meeting => ("dateStart", true),
        }
    }
}

/// Returns what an entity's attribute is, custom ones included.
pub(super) fn attribute(
    entity: Entity,
    custom: &[(Entity, &'static str)],
    name: &str,
) -> Option<Attribute> {
    entity
        .attributes()
        .find(|it| it.name == name)
        .copied()
        .or_else(|| {
            let (_, name) = custom.iter().find(|it| it.0 == entity && it.1 == name)?;
            Some(stored(name, Kind::Text))
        })
}

/// Refuses a value that is not of the attribute's kind, as the server's own validation does.
pub(super) fn check_text(kind: Kind, text: &str) -> Result<(), Refusal> {
    let pattern = match kind {
        Kind::Time => "dddd-dd-dd dd:dd:dd",
        Kind::Date => "dddd-dd-dd",
        _ => return Ok(()),
    };
    let fits = text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, want)| {
            if want == b'd' {
                byte.is_ascii_digit()
            } else {
                byte == want
            }
        });
    if fits {
        Ok(())
    } else {
        Err(Refusal::bad(&format!("not a {kind:?}: {text:?}")).violating())
    }
}

const fn new(name: &'static str, kind: Kind, row: Row, writable: bool) -> Attribute {
    Attribute {
        name,
        kind,
        row,
        writable,
    }
}

const fn stored(name: &'static str, kind: Kind) -> Attribute {
    new(name, kind, Row::Always, true)
}

const fn fixed(name: &'static str, kind: Kind) -> Attribute {
    new(name, kind, Row::Always, false)
}

const SYSTEM: &[Attribute] = &[
    fixed("id", Kind::Text),
    fixed("createdAt", Kind::Time),
    new("modifiedAt", Kind::Time, Row::Selected, false),
    fixed("createdById", Kind::Text),
    new("modifiedById", Kind::Text, Row::Selected, false),
];

const ASSIGNED: &[Attribute] = &[
    stored("assignedUserId", Kind::Text),
    fixed("assignedUserName", Kind::Text),
    new("teamsIds", Kind::Ids, Row::Selected, true),
];

const USER: &[Attribute] = &[
    fixed("name", Kind::Text),
    stored("userName", Kind::Text),
    stored("firstName", Kind::Text),
    stored("lastName", Kind::Text),
    stored("type", Kind::Text),
    stored("isActive", Kind::Flag),
    stored("title", Kind::Text),
    stored("emailAddress", Kind::Address),
    new("emailAddressData", Kind::Json, Row::Never, true),
    stored("phoneNumber", Kind::Phone),
    new("phoneNumberData", Kind::Json, Row::Never, true),
];

const ACCOUNT: &[Attribute] = &[
    new("versionNumber", Kind::Number, Row::Selected, false),
    stored("name", Kind::Text),
    stored("website", Kind::Text),
    stored("emailAddress", Kind::Address),
    new("emailAddressData", Kind::Json, Row::Never, true),
    stored("phoneNumber", Kind::Phone),
    new("phoneNumberData", Kind::Json, Row::Never, true),
    stored("type", Kind::Text),
    stored("industry", Kind::Text),
    stored("sicCode", Kind::Text),
    stored("description", Kind::Text),
    stored("billingAddressStreet", Kind::Text),
    stored("billingAddressCity", Kind::Text),
    stored("billingAddressState", Kind::Text),
    stored("billingAddressCountry", Kind::Text),
    stored("billingAddressPostalCode", Kind::Text),
];

const CONTACT: &[Attribute] = &[
    fixed("name", Kind::Text),
    stored("salutationName", Kind::Text),
    stored("firstName", Kind::Text),
    stored("lastName", Kind::Text),
    stored("title", Kind::Text),
    stored("description", Kind::Text),
    stored("emailAddress", Kind::Address),
    new("emailAddressData", Kind::Json, Row::Never, true),
    stored("phoneNumber", Kind::Phone),
    new("phoneNumberData", Kind::Json, Row::Never, true),
    stored("doNotCall", Kind::Flag),
    stored("accountId", Kind::Text),
    fixed("accountName", Kind::Text),
    new("accountsIds", Kind::Ids, Row::Selected, true),
    new("accountsNames", Kind::Json, Row::Selected, false),
    new("accountsColumns", Kind::Json, Row::Selected, true),
    fixed("accountIsInactive", Kind::Flag),
];

const OPPORTUNITY: &[Attribute] = &[
    new("versionNumber", Kind::Number, Row::Selected, false),
    stored("name", Kind::Text),
    stored("amount", Kind::Number),
    stored("amountCurrency", Kind::Text),
    stored("accountId", Kind::Text),
    fixed("accountName", Kind::Text),
    new("contactsIds", Kind::Ids, Row::Selected, true),
    new("contactsNames", Kind::Json, Row::Selected, false),
    new("contactsColumns", Kind::Json, Row::Selected, true),
    stored("stage", Kind::Text),
    new("lastStage", Kind::Text, Row::Selected, true),
    stored("probability", Kind::Number),
    stored("leadSource", Kind::Text),
    stored("closeDate", Kind::Date),
    stored("description", Kind::Text),
];

const EMAIL: &[Attribute] = &[
    stored("name", Kind::Text),
    new("from", Kind::Text, Row::Never, true),
    new("to", Kind::Text, Row::Never, true),
    new("cc", Kind::Text, Row::Never, true),
    new("bcc", Kind::Text, Row::Never, true),
    stored("body", Kind::Text),
    stored("isHtml", Kind::Flag),
    stored("status", Kind::Text),
    stored("dateSent", Kind::Time),
    stored("messageId", Kind::Text),
    stored("parentType", Kind::Text),
    stored("parentId", Kind::Text),
    fixed("parentName", Kind::Text),
    fixed("accountId", Kind::Text),
    fixed("accountName", Kind::Text),
];

const MEETING: &[Attribute] = &[
    stored("name", Kind::Text),
    stored("status", Kind::Text),
    stored("dateStart", Kind::Time),
    stored("dateEnd", Kind::Time),
    stored("dateStartDate", Kind::Date),
    stored("dateEndDate", Kind::Date),
    stored("isAllDay", Kind::Flag),
    stored("description", Kind::Text),
    stored("parentType", Kind::Text),
    stored("parentId", Kind::Text),
    fixed("parentName", Kind::Text),
    fixed("accountId", Kind::Text),
    fixed("accountName", Kind::Text),
    fixed("uid", Kind::Text),
    new("usersIds", Kind::Ids, Row::Selected, true),
    new("usersNames", Kind::Json, Row::Selected, false),
    new("usersColumns", Kind::Json, Row::Selected, true),
    new("contactsIds", Kind::Ids, Row::Selected, true),
    new("contactsNames", Kind::Json, Row::Selected, false),
    new("contactsColumns", Kind::Json, Row::Selected, true),
];
