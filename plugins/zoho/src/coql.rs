//! COQL, Zoho's query language: the only place that writes any of it.
//!
//! A condition is made by the functions here alone, and they quote every value, so nothing that a caller says becomes a part of a query but a value.
//! A quote is doubled (Zoho's community, Kaizen 171).
//! Whether a backslash escapes is written nowhere: it is doubled, which is safe if it does and if it does not, and a text that has one is looked for by its longest part without, which finds more than was asked and never less.

use brightsync_sdk::{Timestamp, time};

use crate::map::stamp;

/// The most rows of one answer.
pub(crate) const MOST_ROWS: u32 = 2_000;
/// The most values of one `in`.
const MOST_VALUES: usize = 50;
/// The most values in a query: 25 criteria are allowed, and one of them is kept for the place where a page begins.
pub(crate) const MOST_IN_QUERY: usize = 24 * MOST_VALUES;
/// The longest text that a field of one line can hold; what is longer is in no record.
pub(crate) const LONGEST: usize = 255;

/// What rows have to meet.
pub(crate) struct Condition(String);

/// A query for one page of rows.
pub(crate) struct Query {
    pub(crate) module: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) condition: Condition,
    /// In the order of their last change and then of their ids, instead of their ids alone.
    pub(crate) by_time: bool,
    pub(crate) limit: u32,
}

impl Condition {
    /// Every row: a query has to have a condition.
    pub(crate) fn any() -> Self {
        Self("id is not null".to_owned())
    }

    pub(crate) fn none(field: &str) -> Self {
        Self(format!("{} is null", name(field)))
    }

    /// The field is this text, in any case; if the text has a backslash, more may be found.
    pub(crate) fn is(field: &str, text: &str) -> Self {
        match longest_part(text) {
            part if text.contains('\\') && !part.is_empty() => Self::like(field, "%", part, "%"),
            _ => Self::compare(field, "=", text),
        }
    }

    /// The field is one of these values; all of them fit if they are at most [`MOST_IN_QUERY`].
    pub(crate) fn is_in<T: AsRef<str>>(field: &str, values: &[T]) -> Self {
        let mut parts = Vec::new();
        for values in values.chunks(MOST_VALUES) {
            let quoted: Vec<_> = values.iter().map(|it| quoted(it.as_ref())).collect();
            parts.push(Self(format!("{} in ({})", name(field), quoted.join(","))));
        }
        Self::one_of(parts)
    }

    /// The field has this text in it; more may be found.
    pub(crate) fn contains(field: &str, text: &str) -> Self {
        Self::like(field, "%", longest_part(text), "%")
    }

    /// The field ends with this text; more may be found.
    pub(crate) fn ends_with(field: &str, text: &str) -> Self {
        match text.contains(UNSAFE) {
            true => Self::contains(field, text),
            false => Self::like(field, "%", text, ""),
        }
    }

    /// The field is not before this time; what is less than a second is cut off.
    pub(crate) fn from(field: &str, at: Timestamp) -> Self {
        Self::compare(field, ">=", &stamp(at))
    }

    /// The field is before this time; a second that has only begun counts.
    pub(crate) fn before(field: &str, at: Timestamp) -> Self {
        Self::compare(field, "<", &stamp(time::ceil_to_second(at)))
    }

    /// The field is this time.
    pub(crate) fn at(field: &str, at: Timestamp) -> Self {
        Self::compare(field, "=", &stamp(at))
    }

    /// What comes behind a row, in the order of ids or of times and ids.
    pub(crate) fn behind(id: &str, at: Option<Timestamp>) -> Self {
        let id = Self::compare("id", ">", id);
        let Some(at) = at else {
            return id;
        };
        let later = Self::compare("Modified_Time", ">", &stamp(at));
        let same = Self::at("Modified_Time", at);
        Self::one_of(vec![later, Self::all(vec![same, id])])
    }

    /// All parts are met.
    pub(crate) fn all(parts: Vec<Self>) -> Self {
        Self(pairs("and", &parts))
    }

    /// One part at least is met; of no parts, none is.
    pub(crate) fn one_of(parts: Vec<Self>) -> Self {
        match parts.is_empty() {
            true => Self::none("id"),
            false => Self(pairs("or", &parts)),
        }
    }

    fn compare(field: &str, operator: &str, text: &str) -> Self {
        Self(format!("{} {operator} {}", name(field), quoted(text)))
    }

    /// A `%` is a wildcard at the ends only, and `_` maybe one: it finds itself all the same.
    fn like(field: &str, before: &str, text: &str, behind: &str) -> Self {
        if text.is_empty() {
            return Self(format!("{} is not null", name(field)));
        }
        Self::compare(field, "like", &format!("{before}{text}{behind}"))
    }
}

impl Query {
    /// The query as Zoho reads it.
    pub(crate) fn text(&self) -> String {
        let mut columns: Vec<&str> = Vec::new();
        for column in &self.columns {
            // What can be no name is no field of any organisation.
            if name(column) == *column && !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
        let order = if self.by_time {
            "Modified_Time asc, "
        } else {
            ""
        };
        let Self {
            module,
            condition: Condition(condition),
            limit,
            ..
        } = self;
        // Quoted, since a custom field may be called like a word of the language.
        let columns = columns.join("','");
        format!(
            "select '{columns}' from {module} where {condition} order by {order}id asc limit {limit}"
        )
    }

    /// What it costs in Zoho's credits (COQL overview, v8).
    pub(crate) fn cost(&self) -> u32 {
        match self.limit {
            ..=200 => 1,
            201..=1_000 => 2,
            _ => 3,
        }
    }
}

/// What has no sure meaning within a pattern.
const UNSAFE: [char; 2] = ['%', '\\'];

/// Joins conditions two by two, as Zoho wants more than two of them.
fn pairs(word: &str, parts: &[Condition]) -> String {
    match parts {
        [] => Condition::any().0,
        [one] => one.0.clone(),
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            format!("({} {word} {})", pairs(word, left), pairs(word, right))
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// What of a text is the name of a field: letters, digits and underscores.
fn name(field: &str) -> String {
    let is_part = |it: &char| it.is_ascii_alphanumeric() || *it == '_';
    field.chars().filter(is_part).collect()
}

fn longest_part(text: &str) -> &str {
    let parts = text.split(UNSAFE).map(str::trim);
    parts.max_by_key(|it| it.len()).unwrap_or_default()
}
