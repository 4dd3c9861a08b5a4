//! What all kinds of records have in common: times, links, names and the record that something is about.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Extra, InvalidField, Ref, Result, Timestamp, Written, extra, time};
use serde_json::Value;

use crate::api::{all, any, is};

/// The kinds of records that an e-mail or a meeting can be about, the best first: EspoCRM has room for one.
///
/// A contact comes last, since it has the e-mails of its addresses and the meetings that it attends anyway.
const PARENTS: [(&str, &str); 5] = [
    ("opportunity", "Opportunity"),
    ("account", "Account"),
    ("case", "Case"),
    ("lead", "Lead"),
    ("contact", "Contact"),
];

/// What is written of a record, and what of the caller's wish has no place in it.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) body: Body,
    /// The records that are to be linked with it.
    pub(crate) about: Vec<Ref>,
    pub(crate) incomplete: Vec<InvalidField>,
}

impl Draft {
    /// A new record, with its custom fields.
    pub(crate) fn new(extra: &Extra) -> Result<Self> {
        Ok(Self {
            body: extra::to_map(extra)?.into(),
            ..Self::default()
        })
    }

    pub(crate) fn leave(&mut self, field: &str, reason: impl Into<String>) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// Takes the edits of texts as they are; each is a field and EspoCRM's name of it.
    pub(crate) fn copy(&mut self, fields: &mut Fields, texts: &[(&str, &str)]) -> Result<()> {
        for (field, attribute) in texts {
            if let Some(change) = fields.value::<String>(field)? {
                self.body.set(attribute, change.into());
            }
        }
        Ok(())
    }

    /// Takes the edits of custom fields, and names what is left.
    pub(crate) fn finish(mut self, mut fields: Fields) -> Result<Self> {
        for (name, change) in fields.extra()? {
            self.body.set(&name, change.into());
        }
        self.incomplete.extend(fields.rest());
        Ok(self)
    }

    /// Chooses the record that something is about.
    pub(crate) fn set_about(&mut self, about: Vec<Ref>) {
        let parent = PARENTS
            .iter()
            .find_map(|(kind, entity)| Some((*entity, about.iter().find(|it| it.kind == *kind)?)));
        let (entity, id) = parent.map(|(entity, it)| (entity, it.id.as_str())).unzip();
        self.body.set("parentType", entity.into());
        self.body.set("parentId", id.into());
        self.about = about;
    }
}

/// Reads a time, which is UTC and has whole seconds.
pub(crate) fn instant(it: Object<'_>, name: &str) -> Option<Timestamp> {
    it.fit(name, time::parse_local(text(it, name)?, 0))
}

/// Writes a time; what is less than a second is cut off.
pub(crate) fn seconds(at: Timestamp) -> String {
    time::local(at, 0)
}

/// Returns where a human sees a record.
pub(crate) fn link(site: &str, entity: &str, id: &str) -> String {
    format!("{}/#{entity}/view/{id}", site.trim_end_matches('/'))
}

/// Returns a text; EspoCRM has empty ones where there is none.
pub(crate) fn text<'a>(it: Object<'a>, name: &str) -> Option<&'a str> {
    said(it.value(name))
}

pub(crate) fn owned(it: Object<'_>, name: &str) -> Option<String> {
    text(it, name).map(str::to_owned)
}

pub(crate) fn texts(it: Object<'_>, name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for value in it.value(name).as_array().into_iter().flatten() {
        texts.extend(value.as_str().map(str::to_owned));
    }
    texts
}

/// Returns the version, which only some entity types have.
pub(crate) fn version(it: Object<'_>) -> Option<String> {
    Some(it.value("versionNumber").as_i64()?.to_string())
}

/// Returns the value of a column of a link to one record, such as the role of a contact.
pub(crate) fn column<'a>(it: Object<'a>, columns: &str, id: &str, name: &str) -> Option<&'a str> {
    said(it.value(columns).get(id)?.get(name)?)
}

pub(crate) fn said(value: &Value) -> Option<&str> {
    value.as_str().filter(|it| !it.is_empty())
}

/// Says what a write has done, from the record that it answers.
pub(crate) fn written(it: Object<'_>, site: &str, entity: &str) -> Written {
    let id = it.id("id");
    Written {
        version: version(it),
        modified_at: instant(it, "modifiedAt"),
        url: Some(link(site, entity, &id)),
        ..Written::new(id)
    }
}

/// A name as EspoCRM takes it: not empty, without `<`, `>` and `=` where those are refused, and not too long.
pub(crate) fn subject(text: &str, guarded: bool) -> String {
    const LONGEST: usize = 255;
    let kept = |it: char| match it {
        '<' if guarded => '‹',
        '>' if guarded => '›',
        '=' if guarded => '-',
        it => it,
    };
    let name: String = text.trim().chars().map(kept).take(LONGEST).collect();
    if name.is_empty() {
        "(no subject)".to_owned()
    } else {
        name
    }
}

/// The condition that a logged record meets, by the host's key where the site has a field for that, else by what was kept of it.
pub(crate) fn kept(
    key: &str,
    key_field: Option<&str>,
    id: Option<Value>,
    mut alike: Vec<Value>,
) -> Value {
    let mut parts = Vec::new();
    if let Some(field) = key_field {
        parts.push(is("equals", field, key));
        alike.push(is("isNull", field, Value::Null));
    }
    parts.extend(id);
    parts.push(all(alike));
    any(parts)
}

/// Returns the record that something is about now.
pub(crate) fn parent(it: Object<'_>) -> Option<Ref> {
    let entity = text(it, "parentType")?;
    let kind = PARENTS
        .iter()
        .find(|it| it.1 == entity)
        .map_or_else(|| entity.to_lowercase(), |it| it.0.to_owned());
    Some(Ref::new(kind, text(it, "parentId")?))
}

/// Names the records that something should be about and is not.
///
/// The account of the parent comes with it, and those who take part are linked as such.
pub(crate) fn unlinked(it: Object<'_>, about: &[Ref], partaking: &[Ref]) -> Vec<InvalidField> {
    let parent = parent(it);
    let account = text(it, "accountId");
    let mut unlinked = Vec::new();
    for it in about {
        let is_account = it.kind == "account" && account == Some(&it.id);
        if is_account || parent.as_ref() == Some(it) || partaking.contains(it) {
            continue;
        }
        let (kind, id) = (&it.kind, &it.id);
        let reason = format!("EspoCRM links one record, and has no room for {kind} {id}");
        unlinked.push(InvalidField::new("about", reason));
    }
    unlinked
}
