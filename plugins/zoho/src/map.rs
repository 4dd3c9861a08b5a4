//! What all kinds of records have in common: ids, times, links between records, and what is written of them.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Id, InvalidField, Result, Timestamp, time};

/// Zoho's modules that something can be about, by the contract's kind of record; the second name is that of the tab in a browser.
pub(crate) const MODULES: [(&str, &str, &str); 3] = [
    ("contact", "Contacts", "Contacts"),
    ("account", "Accounts", "Accounts"),
    ("opportunity", "Deals", "Potentials"),
];

/// What is written of a record, and what of the caller's wish has no place in it.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) body: Body,
    pub(crate) incomplete: Vec<InvalidField>,
    /// Whether the record exists already, so that what it has must be emptied.
    pub(crate) exists: bool,
}

impl Draft {
    pub(crate) fn leave(&mut self, field: &str, reason: impl Into<String>) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// Says of so many elements of a list that there is no room for them.
    pub(crate) fn leave_some(&mut self, field: &str, count: usize) {
        let gone = InvalidField::without_place(field, count);
        self.incomplete.extend(gone);
    }

    /// Sets a field, or empties it.
    pub(crate) fn put(&mut self, theirs: &str, value: Option<impl Into<serde_json::Value>>) {
        if value.is_some() || self.exists {
            self.body.set(theirs, value.map(Into::into).into());
        }
    }

    /// Takes texts as they are; each is a field and Zoho's name of it.
    pub(crate) fn texts(&mut self, fields: &mut Fields, names: &[(&str, &str)]) -> Result<()> {
        for (field, theirs) in names {
            if let Some(change) = fields.value::<String>(field)? {
                self.put(theirs, change.into_option());
            }
        }
        Ok(())
    }

    /// Takes the owner.
    pub(crate) fn owner(&mut self, fields: &mut Fields) -> Result<()> {
        if let Some(change) = fields.value::<String>("owner")? {
            self.put("Owner", change.into_option().map(|it| lookup(&it)));
        }
        Ok(())
    }

    /// Takes custom fields, and names what is left.
    pub(crate) fn finish(mut self, mut fields: Fields) -> Result<Self> {
        for (name, change) in fields.extra()? {
            self.put(&name, change.into_option());
        }
        self.incomplete.extend(fields.rest());
        Ok(self)
    }
}

/// Whether a text can be the id of a record: other ones are never asked for.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit())
}

/// Keeps what can be an id.
pub(crate) fn ids(ids: &[Id]) -> Vec<&str> {
    let ids = ids.iter().map(String::as_str);
    ids.filter(|it| is_id(it)).collect()
}

/// Writes a time, which has whole seconds and an offset.
pub(crate) fn stamp(at: Timestamp) -> String {
    format!("{}+00:00", time::local(at, 0).replace(' ', "T"))
}

/// A link to a record, as it is written.
pub(crate) fn lookup(id: &str) -> Body {
    Body::new().with("id", id)
}

/// The id of the record that a field links to.
pub(crate) fn linked(it: Object<'_>, name: &str) -> Option<Id> {
    it.object(name, |it| it.id("id"))
}

/// A text, if there is one.
pub(crate) fn text(it: Object<'_>, name: &str) -> Option<String> {
    it.get::<String>(name).filter(|it| !it.is_empty())
}

/// A text of at most so many characters, and whether something of it was cut off.
pub(crate) fn cut(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or(text), true),
        None => (text, false),
    }
}

/// The subject of an e-mail or a meeting, which has to have one.
pub(crate) fn subject(text: &str, most: usize) -> (&str, bool) {
    match text.trim() {
        "" => ("(no subject)", false),
        text => cut(text, most),
    }
}
