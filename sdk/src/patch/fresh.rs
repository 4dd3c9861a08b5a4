//! New records as fields, so that one mapping serves creations and patches.
//!
//! A field without a value is left out.
//! So is what identifies a message or a meeting (`key`, `message-id`, `ical-uid`, `occurrence`): it never changes, and each CRM keeps other parts of it.

use serde_json::Value;

use super::{Fields, Given};
use crate::{Edit, Extra, NewAccount, NewContact, NewEmail, NewMeeting};

impl From<NewAccount> for Fields {
    fn from(it: NewAccount) -> Self {
        let mut fields = Self::default();
        fields.give_one("name", it.name);
        fields.give_all("domains", it.domains);
        fields.give_some("owner", it.owner);
        fields.give_extra(it.extra);
        fields
    }
}

impl From<NewContact> for Fields {
    fn from(it: NewContact) -> Self {
        let mut fields = Self::default();
        fields.give_some("full-name", it.full_name);
        fields.give_some("given-name", it.given_name);
        fields.give_some("family-name", it.family_name);
        fields.give_all("emails", it.emails);
        fields.give_all("phones", it.phones);
        fields.give_all("accounts", it.accounts);
        fields.give_some("title", it.title);
        fields.give_some("owner", it.owner);
        fields.give_extra(it.extra);
        fields
    }
}

impl From<NewEmail> for Fields {
    fn from(it: NewEmail) -> Self {
        let mut fields = Self {
            attachments: it.attachments,
            ..Self::default()
        };
        fields.give_one("sent-at", it.key.sent_at);
        fields.give_one("subject", it.key.subject);
        fields.give_all("about", it.key.about);
        fields.give_some("thread", it.thread);
        fields.give_one("direction", it.direction);
        fields.give_one("sender", it.sender);
        fields.give_all("to", it.to);
        fields.give_all("cc", it.cc);
        fields.give_all("bcc", it.bcc);
        fields.give_some("text", it.text);
        fields.give_some("html", it.html);
        fields.give_some("owner", it.owner);
        fields.give_extra(it.extra);
        fields
    }
}

impl From<NewMeeting> for Fields {
    fn from(it: NewMeeting) -> Self {
        let mut fields = Self::default();
        fields.give_one("subject", it.key.subject);
        fields.give_one("start", it.key.start);
        fields.give_all("about", it.key.about);
        fields.give_one("end", it.end);
        fields.give_some("timezone", it.timezone);
        fields.give_one("status", it.status);
        fields.give_some("location", it.location);
        fields.give_some("text", it.text);
        fields.give_one("organiser", it.organiser);
        fields.give_all("attendees", it.attendees);
        fields.give_some("owner", it.owner);
        fields.give_extra(it.extra);
        fields
    }
}

impl Fields {
    fn give_one(&mut self, field: &str, value: impl Into<Value>) {
        self.give(field, Given::Value(value.into()));
    }

    fn give_some(&mut self, field: &str, value: Option<String>) {
        if let Some(value) = value {
            self.give_one(field, value);
        }
    }

    fn give_all<T: Into<Value>>(&mut self, field: &str, list: Vec<T>) {
        if !list.is_empty() {
            let mut values = Vec::with_capacity(list.len());
            for it in list {
                values.push(it.into());
            }
            self.give_one(field, values);
        }
    }

    /// Gives the custom fields; they are JSON texts, as edits have them.
    fn give_extra(&mut self, extra: Extra) {
        for (name, json) in extra {
            // The contract's own names are for readers that know them.
            if !name.starts_with("brightsync.") {
                self.edit(&format!("extra.{name}"), Edit::Set(json));
            }
        }
    }
}
