//! Writes: properties are texts, and an empty one clears.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::Body;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{InvalidField, Result, Written};
use serde_json::Value;

use crate::HubSpot;
use crate::api::Kind;
use crate::link::Change;
use crate::record::checked;

/// The most of a text that HubSpot keeps, in its own unit.
const LONGEST: usize = 65_536;

/// The properties that are written, and what of the caller's wish has no place in them.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) body: Body,
    pub(crate) incomplete: Vec<InvalidField>,
}

impl Properties {
    pub(crate) fn set(&mut self, property: &str, text: impl Into<String>) {
        self.body.set(property, text.into().into());
    }

    pub(crate) fn leave(&mut self, field: &str, reason: impl Into<String>) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// Takes texts as they are; each is a field and HubSpot's name of it.
    pub(crate) fn copy(&mut self, fields: &mut Fields, names: &[(&str, &str)]) -> Result<()> {
        for (field, property) in names {
            if let Some(change) = fields.value::<String>(field)? {
                self.set(property, change.into_option().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Takes long texts, and cuts off what HubSpot would refuse the whole record for.
    pub(crate) fn copy_long(&mut self, fields: &mut Fields, names: &[(&str, &str)]) -> Result<()> {
        for (field, property) in names {
            let Some(change) = fields.value::<String>(field)? else {
                continue;
            };
            let text = change.into_option().unwrap_or_default();
            let kept = beginning(&text);
            if kept.len() < text.len() {
                let reason = format!("HubSpot keeps {LONGEST} characters, and the rest is cut off");
                self.leave(field, reason);
            }
            self.set(property, kept);
        }
        Ok(())
    }

    /// Takes custom fields, and names what is left.
    pub(crate) fn finish(mut self, mut fields: Fields) -> Result<Self> {
        for (name, change) in fields.extra()? {
            self.set(&name, text(change.into_option().unwrap_or_default()));
        }
        self.incomplete.extend(fields.rest());
        Ok(self)
    }
}

impl HubSpot {
    pub(crate) fn create(
        &self,
        kind: &Kind,
        properties: Properties,
        links: Vec<Value>,
    ) -> Result<Written> {
        let answer = self.api.create(kind, &properties.body, links).send()?;
        self.written(kind, &answer, properties.incomplete)
    }

    /// Changes properties and then links; the record's own request shows in any case that it is there.
    pub(crate) fn change(
        &self,
        kind: &Kind,
        id: &str,
        properties: Properties,
        (field, links): (&str, &[Change]),
    ) -> Result<Written> {
        let id = checked(id)?;
        let request = match properties.body.is_empty() {
            true => self.api.record(kind, id, &[kind.modified.to_owned()], None),
            false => self.api.change(kind, id, &properties.body),
        };
        let answer = request.send()?;
        let mut incomplete = properties.incomplete;
        incomplete.extend(self.relink(field, kind, id, links));
        self.written(kind, &answer, incomplete)
    }

    /// Deletes a record; HubSpot says of one that is gone already that it is gone now, so it is looked for first.
    pub(crate) fn delete(&self, kind: &Kind, id: &str) -> Result<()> {
        let id = checked(id)?;
        let properties = [kind.modified.to_owned()];
        self.api.record(kind, id, &properties, None).send()?;
        self.api.delete(kind, id).send().map(drop)
    }

    /// Says what a write has done, from the record that it answers.
    pub(crate) fn written(
        &self,
        kind: &Kind,
        answer: &Response,
        incomplete: Vec<InvalidField>,
    ) -> Result<Written> {
        // The record is written, whatever becomes of the link to its page.
        let site = self.site().ok();
        answer.read(|it| {
            let id = it.id("id");
            Ok(Written {
                modified_at: it.time("updatedAt"),
                url: site.and_then(|site| site.url(it, kind, &id)),
                incomplete: incomplete.clone(),
                ..Written::new(id)
            })
        })
    }
}

/// The text of a custom field's value; several are joined as HubSpot has them.
fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(values) => {
            let texts: Vec<String> = values.into_iter().map(text).collect();
            texts.join(";")
        }
        other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other.to_string(),
    }
}

fn beginning(text: &str) -> &str {
    let mut units = 0;
    for (at, it) in text.char_indices() {
        units += it.len_utf16();
        if LONGEST < units {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}
