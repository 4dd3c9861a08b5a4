//! The modules of a new organisation, and the fields that this stand-in knows of them.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::{Office, Row};

/// How far ahead of UTC the times of this organisation are: whoever reads them has to convert, and its days are not those of UTC.
const AHEAD: i64 = -8 * 3_600_000;

/// A field.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Its API name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// The longest text.
    longest: usize,
    /// Whether a record has to have it.
    pub required: bool,
    /// Whether it can be written.
    pub writable: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The record's own id.
    Id,
    /// One line.
    Text,
    /// An e-mail address.
    Email,
    /// One of a list.
    Choice,
    /// Many lines: no query compares them.
    Long,
    /// A link to a record of one module.
    Link(&'static str),
    /// A link to a record of some module.
    Any,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A day.
    Day,
    /// A time with its offset.
    Time,
    /// Those who take part.
    People,
}

const fn read_only(name: &'static str, kind: Type) -> Field {
    Field {
        name,
        kind,
        longest: 255,
        required: false,
        writable: false,
    }
}

const fn can(name: &'static str, kind: Type, longest: usize) -> Field {
    Field {
        name,
        kind,
        longest,
        required: false,
        writable: true,
    }
}

const fn must(name: &'static str, kind: Type, longest: usize) -> Field {
    Field {
        required: true,
        ..can(name, kind, longest)
    }
}

const ID: Field = read_only("id", Type::Id);
const OWNER: Field = can("Owner", Type::Link("users"), 0);
const CREATED: Field = read_only("Created_Time", Type::Time);
const MODIFIED: Field = read_only("Modified_Time", Type::Time);
const ACTIVE: Field = read_only("Last_Activity_Time", Type::Time);
const TIER: Field = can("Tier", Type::Text, 120);

static ACCOUNTS: [Field; 10] = [
    ID,
    must("Account_Name", Type::Text, 200),
    can("Website", Type::Text, 255),
    can("Account_Type", Type::Choice, 120),
    can("Parent_Account", Type::Link("Accounts"), 0),
    OWNER,
    CREATED,
    MODIFIED,
    ACTIVE,
    TIER,
];

static CONTACTS: [Field; 18] = [
    ID,
    read_only("Full_Name", Type::Text),
    can("First_Name", Type::Text, 40),
    must("Last_Name", Type::Text, 80),
    can("Email", Type::Email, 100),
    can("Secondary_Email", Type::Email, 100),
    can("Phone", Type::Text, 50),
    can("Mobile", Type::Text, 30),
    can("Home_Phone", Type::Text, 30),
    can("Other_Phone", Type::Text, 30),
    can("Account_Name", Type::Link("Accounts"), 0),
    can("Title", Type::Text, 100),
    can("Description", Type::Long, 32_000),
    OWNER,
    CREATED,
    MODIFIED,
    ACTIVE,
    TIER,
];

static DEALS: [Field; 15] = [
    ID,
    must("Deal_Name", Type::Text, 120),
    must("Stage", Type::Choice, 120),
    can("Probability", Type::Number, 0),
    can("Amount", Type::Number, 0),
    can("Closing_Date", Type::Day, 0),
    can("Account_Name", Type::Link("Accounts"), 0),
    can("Contact_Name", Type::Link("Contacts"), 0),
    can("Pipeline", Type::Choice, 120),
    can("Currency", Type::Choice, 3),
    OWNER,
    CREATED,
    MODIFIED,
    ACTIVE,
    TIER,
];

static EVENTS: [Field; 15] = [
    ID,
    must("Event_Title", Type::Text, 255),
    must("Start_DateTime", Type::Time, 0),
    must("End_DateTime", Type::Time, 0),
    can("All_day", Type::Flag, 0),
    can("Venue", Type::Text, 255),
    can("Description", Type::Long, 32_000),
    can("What_Id", Type::Any, 0),
    can("Who_Id", Type::Link("Contacts"), 0),
    can("$se_module", Type::Choice, 120),
    can("Participants", Type::People, 0),
    OWNER,
    CREATED,
    MODIFIED,
    can("BrightSync_Key", Type::Text, 255),
];

static NOTES: [Field; 6] = [
    ID,
    can("Note_Title", Type::Text, 120),
    must("Note_Content", Type::Long, 32_000),
    must("Parent_Id", Type::Any, 0),
    CREATED,
    MODIFIED,
];

/// The modules.
const MODULES: [&str; 5] = ["Accounts", "Contacts", "Deals", "Events", "Notes"];

/// The module of this name.
pub(super) fn module(name: &str) -> Option<&'static str> {
    MODULES.into_iter().find(|it| *it == name)
}

/// The fields of a module.
pub(super) fn fields(module: &str) -> &'static [Field] {
    match module {
        "Accounts" => &ACCOUNTS,
        "Contacts" => &CONTACTS,
        "Deals" => &DEALS,
        "Events" => &EVENTS,
        "Notes" => &NOTES,
        _ => &[],
    }
}

/// A field of a module.
pub(super) fn field(module: &str, name: &str) -> Option<&'static Field> {
    fields(module).iter().find(|it| it.name == name)
}

/// Writes a time as this organisation has it.
pub(super) fn time(at: i64) -> String {
    Office::format(at + AHEAD, "%Y-%m-%dT%H:%M:%S-08:00")
}

impl Field {
    /// Whether it takes a value, and if not what the details of the refusal are.
    pub fn refuses(&self, value: &Value) -> Option<Value> {
        let text = value.as_str().unwrap_or_default();
        let fits = match self.kind {
            Type::Id => false,
            Type::Text | Type::Long | Type::Choice => value.is_string(),
            Type::Email => {
                let (name, host) = text.rsplit_once('@').unwrap_or_default();
                !name.is_empty() && host.contains('.') && !text.contains([' ', '\\'])
            }
            Type::Link(_) | Type::Any => {
                let id = value.get("id").and_then(Value::as_str);
                id.is_some_and(|it| Type::Id.takes(it))
            }
            Type::Number => value.is_number(),
            Type::Flag => value.is_boolean(),
            Type::Day | Type::Time => self.kind.takes(text),
            Type::People => value
                .as_array()
                .is_some_and(|it| it.iter().all(is_somebody)),
        };
        if !value.is_null() && !fits {
            return Some(json!({"expected_data_type": self.kind.word()}));
        }
        let is_long = text.chars().count() > self.longest && self.kind.is_text();
        is_long.then(|| json!({"maximum_length": self.longest}))
    }

    /// Its value as a text that can be compared; empty if there is none.
    pub fn text(&self, row: &Row) -> String {
        match self.name {
            "id" => return row.id.clone(),
            "Created_Time" => return Office::rfc3339(row.created),
            "Modified_Time" => return Office::rfc3339(row.modified),
            _ => {}
        }
        match row.fields.get(self.name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => match value.get("id").and_then(Value::as_str) {
                Some(id) => id.to_owned(),
                None => value.to_string(),
            },
        }
    }

    /// Its value as an answer has it.
    pub fn shown(&self, row: &Row) -> Value {
        match self.name {
            "id" => row.id.clone().into(),
            "Created_Time" => time(row.created).into(),
            "Modified_Time" => time(row.modified).into(),
            name => row.fields.get(name).cloned().unwrap_or_default(),
        }
    }
}

fn is_somebody(value: &Value) -> bool {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "contact" | "user" | "lead" => Type::Id.takes(text("participant")),
        "email" => text("participant").contains('@'),
        _ => false,
    }
}

impl Type {
    /// Whether a pattern can be looked for in it.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Email | Self::Choice | Self::Long)
    }

    /// Whether a text is a value of this type.
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::Id | Self::Link(_) | Self::Any => {
                (1..=19).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit())
            }
            // Without a fraction, and with an offset.
            Self::Time => text.len() == 25 && !text.contains('.') && Office::parse(text).is_some(),
            Self::Day => text.len() == 10 && Office::parse(&format!("{text}T00:00:00Z")).is_some(),
            Self::Number => text.parse::<f64>().is_ok(),
            Self::Flag => matches!(text, "true" | "false"),
            Self::Text | Self::Email | Self::Choice => true,
            Self::Long | Self::People => false,
        }
    }

    /// What Zoho calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Id | Self::Number => "bigint",
            Self::Text | Self::Choice | Self::Long => "text",
            Self::Email => "email",
            Self::Link(_) | Self::Any => "jsonobject",
            Self::Flag => "boolean",
            Self::Day => "date",
            Self::Time => "datetime",
            Self::People => "jsonarray",
        }
    }

    /// How two values compare.
    pub fn order(self, one: &str, other: &str) -> Ordering {
        match self {
            Self::Id | Self::Link(_) | Self::Any => (one.len(), one).cmp(&(other.len(), other)),
            Self::Time => Office::parse(one).cmp(&Office::parse(other)),
            Self::Number => {
                let number = |it: &str| it.parse::<f64>().unwrap_or_default();
                number(one).total_cmp(&number(other))
            }
            Self::Text
            | Self::Email
            | Self::Choice
            | Self::Long
            | Self::Flag
            | Self::Day
            | Self::People => one.to_lowercase().cmp(&other.to_lowercase()),
        }
    }
}
