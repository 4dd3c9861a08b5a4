//! Salesforce's objects, and the ids of their records.

use brightsync_sdk::{Error, Ref, Result};

/// One of Salesforce's objects.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What the contract calls it.
    pub(crate) word: &'static str,
    /// What ids of its records begin with, in every org.
    prefix: &'static str,
}

const fn kind(name: &'static str, word: &'static str, prefix: &'static str) -> Kind {
    Kind { name, word, prefix }
}

pub(crate) const ACCOUNT: Kind = kind("Account", "account", "001");
pub(crate) const CONTACT: Kind = kind("Contact", "contact", "003");
pub(crate) const LEAD: Kind = kind("Lead", "lead", "00Q");
pub(crate) const USER: Kind = kind("User", "user", "005");
pub(crate) const OPPORTUNITY: Kind = kind("Opportunity", "opportunity", "006");
pub(crate) const TASK: Kind = kind("Task", "email", "00T");
pub(crate) const EVENT: Kind = kind("Event", "meeting", "00U");
pub(crate) const MESSAGE: Kind = kind("EmailMessage", "email", "02s");

impl Kind {
    /// Whether a text has the form of an id of this object; for one that has not, Salesforce refuses a whole query.
    pub(crate) fn has(&self, id: &str) -> bool {
        is_id(id) && id.starts_with(self.prefix)
    }

    /// Passes on an id that a record may have.
    pub(crate) fn id<'a>(&self, id: &'a str) -> Result<&'a str> {
        let reason = || format!("no {} of Salesforce has the id {id:?}", self.name);
        let known = self.has(id).then_some(id);
        known.ok_or_else(|| Error::not_found(reason()))
    }

    /// Passes on an id that stands in a field.
    pub(crate) fn value<'a>(&self, field: &str, id: &'a str) -> Result<&'a str> {
        self.id(id).map_err(|it| Error::invalid(field, it.message))
    }
}

/// Whether a text has the form of an id: 18 letters and digits, or 15 of them in old links.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// Whether two ids are of one record: the last three of 18 characters only say which of the others are capitals.
pub(crate) fn same(one: &Ref, other: &Ref) -> bool {
    let short = |it: &Ref| it.id.get(..15).unwrap_or(&it.id).to_owned();
    short(one) == short(other)
}

/// Says of what a record is by its id.
pub(crate) fn reference(id: String) -> Ref {
    let kinds = [ACCOUNT, CONTACT, LEAD, OPPORTUNITY, USER];
    let kind = kinds.iter().find(|it| it.has(&id));
    Ref::new(kind.map_or("record", |it| it.word), id)
}
