//! Dataverse's query language (OData 4.0): whatever of a caller stands in an address goes through here.
//!
//! A filter is made of columns, which are this connector's own, and of values, each of which has its own way to be written: nothing else makes a [`Filter`].

use std::fmt::{Display, Formatter};

use brightsync_sdk::{Timestamp, time};
use serde_json::Value;

/// How much of one address the values of a look-up may take, encoded: the next link repeats it, and a token has 16 KiB.
const LONGEST: usize = 8_000;

/// The id of a row; Dataverse writes them in lower case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guid(String);

impl Guid {
    /// Reads an id; none of what is no guid, which is the id of no row.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let hyphen = |place| matches!(place, 8 | 13 | 18 | 23);
        let fits = |(place, byte): (usize, u8)| match hyphen(place) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        };
        let is_guid = id.len() == 36 && id.bytes().enumerate().all(fits);
        is_guid.then(|| Self(id.to_ascii_lowercase()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Guid {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A condition on rows.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    text: String,
    /// A list for [`Filter::among`], which stands apart from the condition so that several columns share it.
    values: Option<String>,
}

impl Filter {
    /// The column has this text, in any case; wildcards have no meaning here.
    pub(crate) fn equals(column: &str, text: &str) -> Self {
        Self::new(format!("{column} eq {}", literal(text)))
    }

    /// The column contains this text, in any case.
    pub(crate) fn contains(column: &str, text: &str) -> Self {
        Self::new(format!("contains({column},{})", literal(&plain(text))))
    }

    /// The column ends with this text, in any case.
    pub(crate) fn ends_with(column: &str, text: &str) -> Self {
        Self::new(format!("endswith({column},{})", literal(&plain(text))))
    }

    /// The column has this id.
    pub(crate) fn is(column: &str, id: &Guid) -> Self {
        Self::new(format!("{column} eq {id}"))
    }

    /// The column has this number.
    pub(crate) fn counts(column: &str, number: i64) -> Self {
        Self::new(format!("{column} eq {number}"))
    }

    /// The column has this time, to the second.
    pub(crate) fn at(column: &str, at: Timestamp) -> Self {
        Self::new(format!("{column} eq {}", second(at)))
    }

    /// The column has this time or a later one, to the second.
    pub(crate) fn since(column: &str, at: Timestamp) -> Self {
        Self::new(format!("{column} ge {}", second(at)))
    }

    /// The column has an earlier time; a second that has only begun counts as earlier.
    pub(crate) fn before(column: &str, at: Timestamp) -> Self {
        Self::new(format!("{column} lt {}", second(time::ceil_to_second(at))))
    }

    /// The column is empty.
    pub(crate) fn empty(column: &str) -> Self {
        Self::new(format!("{column} eq null"))
    }

    /// One of the columns has one of these texts, in any case.
    ///
    /// The function wants the columns of look-ups by their plain names, `parentcontactid` and not `_parentcontactid_value`.
    pub(crate) fn among(columns: &[&str], values: &[String]) -> Self {
        let has = |column: &&str| {
            Self::new(format!(
                "Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues=@values)"
            ))
        };
        Self {
            values: Some(Value::from(values).to_string()),
            ..Self::any(columns.iter().map(has).collect())
        }
    }

    /// At least one of the conditions is met.
    pub(crate) fn any(parts: Vec<Self>) -> Self {
        Self::joined(parts, " or ")
    }

    /// All of the conditions are met.
    pub(crate) fn all(parts: Vec<Self>) -> Self {
        Self::joined(parts, " and ")
    }

    fn new(text: String) -> Self {
        Self { text, values: None }
    }

    fn joined(parts: Vec<Self>, between: &str) -> Self {
        let mut text = String::new();
        let mut values = None;
        for part in parts {
            if !text.is_empty() {
                text.push_str(between);
            }
            text.push_str(&part.text);
            values = values.or(part.values);
        }
        let text = format!("({text})");
        Self { text, values }
    }
}

/// What is asked of a table: columns, and which rows in which order.
#[derive(Debug)]
pub(crate) struct Query {
    address: String,
}

impl Query {
    /// Asks for these columns of a table or a row.
    pub(crate) fn new(path: &str, select: &str) -> Self {
        let select = encode(select, ",");
        let address = format!("{path}?$select={select}");
        Self { address }
    }

    pub(crate) fn filter(self, filter: Option<&Filter>) -> Self {
        let Some(filter) = filter else { return self };
        let this = self.option("$filter", &filter.text);
        match &filter.values {
            Some(values) => this.option("@values", values),
            None => this,
        }
    }

    pub(crate) fn order_by(self, columns: &str) -> Self {
        self.option("$orderby", columns)
    }

    pub(crate) fn expand(self, expand: Option<&str>) -> Self {
        match expand {
            Some(expand) => self.option("$expand", expand),
            None => self,
        }
    }

    pub(crate) fn into_address(self) -> String {
        self.address
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        self.address.push('&');
        self.address.push_str(name);
        self.address.push('=');
        self.address.push_str(&encode(value, ""));
        self
    }
}

/// Splits values into parts that have room in one address each; what no column could hold is left out.
pub(crate) fn parts(values: &[String]) -> Vec<Vec<String>> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for value in values.iter().filter(|it| is_storable(it)) {
        // With its two quotes and a comma.
        let length = encode(&Value::from(value.as_str()).to_string(), "").len() + 3;
        if room < length {
            parts.push(Vec::new());
            room = LONGEST;
        }
        room = room.saturating_sub(length);
        if let Some(part) = parts.last_mut() {
            part.push(value.clone());
        }
    }
    parts
}

/// Tells whether a row could have this line of text: those have at most 4,000 characters, and no NUL.
pub(crate) fn is_storable(text: &str) -> bool {
    const LONGEST_COLUMN: usize = 4_000;
    // In bytes first: nobody counts the characters of a whole book.
    text.len() <= 4 * LONGEST_COLUMN
        && text.chars().count() <= LONGEST_COLUMN
        && !text.is_empty()
        && !text.contains('\0')
}

/// Tells whether a text is the name of a column.
pub(crate) fn is_column(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    let begins_well = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    name.len() <= 128 && begins_well && name.bytes().all(plain)
}

/// Writes a text as a literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Takes the meaning from characters that are wildcards inside functions, as T-SQL's `LIKE` has it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '%' | '_' | '[' => plain.extend(['[', it, ']']),
            it => plain.push(it),
        }
    }
    plain
}

/// Writes a time as `2026-01-31T08:30:00Z`.
pub(crate) fn second(at: Timestamp) -> String {
    let text = time::rfc3339(at);
    format!("{}Z", text.get(..19).unwrap_or(&text))
}

/// Encodes all but letters, digits, `-`, `.`, `_`, `~` and what is named.
fn encode(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            byte if kept.as_bytes().contains(&byte) => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
