//! The objects of an org, with their fields.

/// An object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    pub(super) prefix: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) access: Access,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An id of one of these objects; nothing stands for any.
    Id(&'static [&'static str]),
    /// Ids, which stand for records of a relation.
    Ids,
    /// A text of so many characters.
    Text(usize),
    /// A text that cannot be searched.
    Long(usize),
    /// An address.
    Email,
    /// One of these words.
    Pick(&'static [&'static str]),
    Truth,
    Number,
    Date,
    Time,
}

/// Who writes a field, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Salesforce alone.
    Read,
    /// Whoever creates the record.
    Create,
    /// Whoever creates the record, and has to.
    CreateNeeded,
    /// Anybody.
    Write,
    /// Anybody, and it cannot be empty.
    Needed,
}

use Access::{Create, CreateNeeded, Needed, Read, Write};
use Form::{Date, Email, Id, Ids, Long, Number, Pick, Text, Time, Truth};

const fn f(name: &'static str, form: Form, access: Access) -> Field {
    Field { name, form, access }
}

const USERS: &[&str] = &["User"];
const PEOPLE: &[&str] = &["Contact", "Lead"];
const THINGS: &[&str] = &["Account", "Opportunity", "Case"];

/// Fields that every record has.
pub(super) const OF_ALL: [Field; 5] = [
    f("Id", Id(&[]), Read),
    f("IsDeleted", Truth, Read),
    f("CreatedDate", Time, Read),
    f("LastModifiedDate", Time, Read),
    f("SystemModstamp", Time, Read),
];

pub(super) const OBJECTS: [Object; 15] = [
    Object {
        name: "Organization",
        prefix: "00D",
        fields: &[f("Name", Text(80), Read), f("IsSandbox", Truth, Read)],
    },
    Object {
        name: "User",
        prefix: "005",
        fields: &[
            f("Name", Text(121), Read),
            f("Email", Email, Read),
            f("Username", Text(80), Read),
            f("TimeZoneSidKey", Text(40), Read),
            f("UserType", Text(40), Read),
            f("IsActive", Truth, Read),
        ],
    },
    Object {
        name: "Account",
        prefix: "001",
        fields: &[
            f("Name", Text(255), Needed),
            f("Website", Text(255), Write),
            f("Type", Text(255), Write),
            f("ParentId", Id(&["Account"]), Write),
            f("OwnerId", Id(USERS), Write),
            f("MasterRecordId", Id(&["Account"]), Read),
            f("LastActivityDate", Date, Read),
            f("Description", Long(32_000), Write),
            f("Tier__c", Text(40), Write),
        ],
    },
    Object {
        name: "Contact",
        prefix: "003",
        fields: &[
            f("Name", Text(121), Read),
            f("FirstName", Text(40), Write),
            f("LastName", Text(80), Needed),
            f("Email", Email, Write),
            f("Phone", Text(40), Write),
            f("MobilePhone", Text(40), Write),
            f("HomePhone", Text(40), Write),
            f("OtherPhone", Text(40), Write),
            f("AccountId", Id(&["Account"]), Write),
            f("Title", Text(128), Write),
            f("OwnerId", Id(USERS), Write),
            f("MasterRecordId", Id(&["Contact"]), Read),
            f("LastActivityDate", Date, Read),
            f("Description", Long(32_000), Write),
            f("Tier__c", Text(40), Write),
            f("Score__c", Number, Write),
        ],
    },
    Object {
        name: "Lead",
        prefix: "00Q",
        fields: &[
            f("Name", Text(121), Read),
            f("LastName", Text(80), Needed),
            f("Company", Text(255), Needed),
            f("Email", Email, Write),
        ],
    },
    Object {
        name: "Case",
        prefix: "500",
        fields: &[f("Subject", Text(255), Write)],
    },
    Object {
        name: "Opportunity",
        prefix: "006",
        fields: &[
            f("Name", Text(120), Needed),
            f("StageName", Text(255), Needed),
            f("IsClosed", Truth, Read),
            f("IsWon", Truth, Read),
            f("Type", Text(255), Write),
            f("Amount", Number, Write),
            f("CurrencyIsoCode", Text(3), Write),
            f("CloseDate", Date, Needed),
            f("AccountId", Id(&["Account"]), Write),
            f("OwnerId", Id(USERS), Write),
            f("LastActivityDate", Date, Read),
            f("Tier__c", Text(40), Write),
        ],
    },
    Object {
        name: "OpportunityContactRole",
        prefix: "00K",
        fields: &[
            f("OpportunityId", Id(&["Opportunity"]), CreateNeeded),
            f("ContactId", Id(&["Contact"]), CreateNeeded),
            f("Role", Text(40), Write),
            f("IsPrimary", Truth, Write),
        ],
    },
    Object {
        name: "OpportunityStage",
        prefix: "01J",
        fields: &[
            f("MasterLabel", Text(255), Read),
            f("ApiName", Text(255), Read),
            f("SortOrder", Number, Read),
            f("IsActive", Truth, Read),
            f("IsClosed", Truth, Read),
            f("IsWon", Truth, Read),
        ],
    },
    Object {
        name: "Task",
        prefix: "00T",
        fields: &[
            f("Subject", Text(255), Write),
            f("Description", Long(32_000), Write),
            f(
                "Status",
                Pick(&["Not Started", "In Progress", "Completed"]),
                Write,
            ),
            f("Priority", Pick(&["High", "Normal", "Low"]), Write),
            f("TaskSubtype", Pick(&["Task", "Email", "Call"]), Create),
            f("ActivityDate", Date, Write),
            f("WhoId", Id(PEOPLE), Write),
            f("WhatId", Id(THINGS), Write),
            f("AccountId", Id(&["Account"]), Read),
            f("OwnerId", Id(USERS), Write),
            f("TaskWhoIds", Ids, Write),
            f("IsArchived", Truth, Read),
            f("BrightSync_Key__c", Text(255), Write),
        ],
    },
    Object {
        name: "Event",
        prefix: "00U",
        fields: &[
            f("Subject", Text(255), Write),
            f("Description", Long(32_000), Write),
            f("Location", Text(255), Write),
            f("IsAllDayEvent", Truth, Write),
            f("StartDateTime", Time, Write),
            f("EndDateTime", Time, Write),
            f("DurationInMinutes", Number, Write),
            f("ActivityDate", Date, Write),
            f("ShowAs", Pick(&["Busy", "OutOfOffice", "Free"]), Write),
            f("WhoId", Id(PEOPLE), Write),
            f("WhatId", Id(THINGS), Write),
            f("AccountId", Id(&["Account"]), Read),
            f("OwnerId", Id(USERS), Write),
            f("EventWhoIds", Ids, Write),
            f("IsArchived", Truth, Read),
            f("BrightSync_Key__c", Text(255), Write),
        ],
    },
    Object {
        name: "TaskRelation",
        prefix: "0RT",
        fields: &[
            f("TaskId", Id(&["Task"]), CreateNeeded),
            f("RelationId", Id(&[]), CreateNeeded),
            f("IsWhat", Truth, Create),
        ],
    },
    Object {
        name: "EventRelation",
        prefix: "0RE",
        fields: &[
            f("EventId", Id(&["Event"]), CreateNeeded),
            f("RelationId", Id(&[]), CreateNeeded),
            f("IsWhat", Truth, Create),
        ],
    },
    Object {
        name: "EmailMessage",
        prefix: "02s",
        fields: &[
            f("Status", Pick(&["0", "1", "2", "3", "4", "5"]), Create),
            f("Subject", Text(3_000), Create),
            f("TextBody", Long(131_072), Create),
            f("HtmlBody", Long(131_072), Create),
            f("FromAddress", Email, Create),
            f("FromName", Text(1_000), Create),
            f("ToAddress", Text(4_000), Create),
            f("CcAddress", Text(4_000), Create),
            f("BccAddress", Text(4_000), Create),
            f("ToIds", Ids, Create),
            f("CcIds", Ids, Create),
            f("BccIds", Ids, Create),
            f("MessageDate", Time, Create),
            f("Incoming", Truth, Create),
            f("MessageIdentifier", Text(765), Create),
            f("ThreadIdentifier", Text(765), Create),
            f("IsClientManaged", Truth, Create),
            f("RelatedToId", Id(THINGS), Write),
            f("BrightSync_Key__c", Text(255), Write),
        ],
    },
    Object {
        name: "EmailMessageRelation",
        prefix: "0CZ",
        fields: &[
            f("EmailMessageId", Id(&["EmailMessage"]), CreateNeeded),
            f("RelationId", Id(&["Contact", "Lead", "User"]), Create),
            f(
                "RelationType",
                Pick(&[
                    "ToAddress",
                    "CcAddress",
                    "BccAddress",
                    "FromAddress",
                    "OtherAddress",
                ]),
                CreateNeeded,
            ),
        ],
    },
];

impl Object {
    /// The object of this name, in any case, as SOQL has it.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        OBJECTS.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// The field of this name, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        let mut fields = OF_ALL.iter().chain(self.fields);
        fields.find(|it| it.name.eq_ignore_ascii_case(name))
    }
}

/// The 15 characters of an id with the three that say which of them are capitals.
pub(super) fn whole_id(short: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut whole = short.to_owned();
    for part in short.as_bytes().chunks(5) {
        let bits = part.iter().rev();
        let bits = bits.fold(0, |bits, it| {
            bits * 2 + usize::from(it.is_ascii_uppercase())
        });
        whole.extend(LETTERS.get(bits).map(|it| char::from(*it)));
    }
    whole
}

/// An id with 18 characters, of what may have 15; none of what is no id.
pub(super) fn id(text: &str) -> Option<String> {
    let plain = text.bytes().all(|it| it.is_ascii_alphanumeric());
    match text.len() {
        15 if plain => Some(whole_id(text)),
        18 if plain && text.get(..15).map(whole_id).as_deref() == Some(text) => {
            Some(text.to_owned())
        }
        _ => None,
    }
}
