//! Queries in SOQL, made of typed parts: what a person or a mailbox wrote gets into one as an escaped literal, or not at all.

use std::fmt::{Display, Formatter};

use brightsync_sdk::{Error, Result, Timestamp, time};

/// The longest text that is looked up, in characters: no field that is searched holds more (`EmailMessage.MessageIdentifier` has 765).
///
/// In the address, a character takes twelve bytes at the most, so that one such text fits into a request.
const LONGEST: usize = 800;

/// Bytes of encoded values in one address: Salesforce takes 16,384 bytes of address and header fields together.
const ROOM: usize = 11_000;

/// The name of a field: the connector's own, or one that was checked.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a>(&'a str);

/// A value as it stands in a query.
#[derive(Clone)]
pub(crate) struct Literal(String);

/// What a record has to meet.
pub(crate) struct Condition(String);

/// A query for records of one object that meet all conditions.
pub(crate) struct Query {
    pub(crate) select: Vec<String>,
    from: &'static str,
    conditions: Vec<Condition>,
    pub(crate) order: &'static str,
    pub(crate) size: u32,
    /// Whether deleted records and archived activities are looked at too.
    pub(crate) everywhere: bool,
}

impl<'a> Field<'a> {
    /// Takes the name of a field that a person entered in the settings.
    pub(crate) fn named(name: &'a str) -> Result<Self> {
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
        if name.starts_with(|it: char| it.is_ascii_alphabetic()) && name.chars().all(is_part) {
            return Ok(Self(name));
        }
        let reason = "no field of Salesforce has such a name: write its API name, as in Tier__c";
        Err(Error::invalid(format!("extra.{name}"), reason))
    }
}

impl From<&'static str> for Field<'static> {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl Literal {
    /// Takes a text; none if it is longer than anything that Salesforce could hold.
    pub(crate) fn text(text: &str) -> Option<Self> {
        quoted("", text, "", &['\'', '"', '\\']).map(Self)
    }

    /// Takes one of Salesforce's own words.
    pub(crate) fn of(word: &'static str) -> Self {
        Self(format!("'{word}'"))
    }

    pub(crate) fn time(at: Timestamp) -> Self {
        Self(time::local(at, 0).replace(' ', "T") + "Z")
    }

    pub(crate) fn day(day: &str) -> Result<Self> {
        time::parse_date(day).map(Self)
    }

    pub(crate) fn truth(it: bool) -> Self {
        Self(it.to_string())
    }

    pub(crate) fn null() -> Self {
        Self("null".to_owned())
    }
}

/// Compares a field with a value; Salesforce compares texts without regard to case.
pub(crate) fn compare<'a>(
    field: impl Into<Field<'a>>,
    operator: &'static str,
    value: &Literal,
) -> Condition {
    Condition(format!("{} {operator} {}", field.into().0, value.0))
}

/// Says that a field has a text in it, with anything before it and, if so said, behind it.
pub(crate) fn like(field: &'static str, text: &str, behind: &'static str) -> Option<Condition> {
    let pattern = quoted("%", text, behind, &['\'', '"', '\\', '_', '%'])?;
    Some(Condition(format!("{field} LIKE {pattern}")))
}

pub(crate) fn among(field: &'static str, values: &[Literal]) -> Condition {
    let values: Vec<&str> = values.iter().map(|it| it.0.as_str()).collect();
    Condition(format!("{field} IN ({})", values.join(",")))
}

/// Says that a field is one of those that such records have in theirs.
pub(crate) fn found_in(
    field: &'static str,
    theirs: &'static str,
    from: &'static str,
    condition: &Condition,
) -> Condition {
    let condition = &condition.0;
    Condition(format!(
        "{field} IN (SELECT {theirs} FROM {from} WHERE {condition})"
    ))
}

pub(crate) fn all(parts: &[Condition]) -> Condition {
    Condition(format!("({})", joined(parts, " AND ")))
}

pub(crate) fn any(parts: &[Condition]) -> Condition {
    Condition(format!("({})", joined(parts, " OR ")))
}

/// Splits values into as few lists as fit into one request each; the same values are always split the same way.
pub(crate) fn batches(values: impl IntoIterator<Item = Literal>) -> Vec<Vec<Literal>> {
    let mut batches: Vec<Vec<Literal>> = Vec::new();
    let mut room = 0;
    for value in values {
        let plain = value.0.bytes().filter(u8::is_ascii_alphanumeric).count();
        // Three bytes for all that is no letter or digit, and for the comma.
        let size = plain + 3 * (value.0.len() - plain + 1);
        match batches.last_mut().filter(|_| size <= room) {
            Some(batch) => batch.push(value),
            None => {
                batches.push(vec![value]);
                room = ROOM;
            }
        }
        room = room.saturating_sub(size);
    }
    batches
}

impl Query {
    /// Asks for fields, which stand with commas between them.
    pub(crate) fn new(from: &'static str, select: &'static str) -> Self {
        Self {
            select: select.split(',').map(str::to_owned).collect(),
            from,
            conditions: Vec::new(),
            order: "Id",
            size: 2_000,
            everywhere: false,
        }
    }

    pub(crate) fn and(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Adds fields that people want; Salesforce refuses one that stands there twice.
    pub(crate) fn with(mut self, wanted: &[String]) -> Result<Self> {
        for name in wanted {
            let Field(name) = Field::named(name)?;
            if !self.select.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                self.select.push(name.to_owned());
            }
        }
        Ok(self)
    }

    /// Adds the records of another object that belong to each.
    pub(crate) fn each_with(mut self, records: &'static str, fields: &'static str) -> Self {
        self.select
            .push(format!("(SELECT {fields} FROM {records})"));
        self
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "SELECT {} FROM {}", self.select.join(","), self.from)?;
        if !self.conditions.is_empty() {
            write!(f, " WHERE {}", joined(&self.conditions, " AND "))?;
        }
        write!(f, " ORDER BY {} LIMIT {}", self.order, self.size)
    }
}

fn joined(parts: &[Condition], word: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(|it| it.0.as_str()).collect();
    parts.join(word)
}

/// Writes a text in quotes, with everything escaped that means something there.
fn quoted(before: &str, text: &str, behind: &str, special: &[char]) -> Option<String> {
    let mut quoted = format!("'{before}");
    for (count, it) in text.chars().enumerate() {
        match it {
            _ if count == LONGEST => return None,
            it if special.contains(&it) => quoted.extend(['\\', it]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            it if it.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(it))),
            it => quoted.push(it),
        }
    }
    Some(quoted + behind + "'")
}
