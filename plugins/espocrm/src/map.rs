//! What all kinds of records have in common: times, links, names and the record that something is about.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{InvalidField, Ref, Result, Timestamp, Written, time};
use serde_json::Value;

use crate::api::Object;

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

/// Reads a time, which is UTC and has whole seconds.
pub(crate) fn instant(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|it| time::parse_local(it, 0)).transpose()
}

/// Writes a time; what is less than a second is cut off.
pub(crate) fn seconds(at: Timestamp) -> String {
    time::local(at, 0)
}

/// Returns where a human sees a record.
pub(crate) fn link(site: &str, entity: &str, id: &str) -> String {
    format!("{}/#{entity}/view/{id}", site.trim_end_matches('/'))
}

pub(crate) fn text<'a>(record: &'a Object, name: &str) -> Option<&'a str> {
    record
        .get(name)
        .and_then(Value::as_str)
        .filter(|it| !it.is_empty())
}

pub(crate) fn texts(record: &Object, name: &str) -> Vec<String> {
    let list = record.get(name).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// Returns the version, which only some entity types have.
pub(crate) fn version(record: &Object) -> Option<String> {
    record
        .get("versionNumber")
        .and_then(Value::as_i64)
        .map(|it| it.to_string())
}

/// Returns the value of a column of a link to one record, such as the role of a contact.
pub(crate) fn column<'a>(
    record: &'a Object,
    columns: &str,
    id: &str,
    name: &str,
) -> Option<&'a str> {
    record
        .get(columns)?
        .get(id)?
        .get(name)?
        .as_str()
        .filter(|it| !it.is_empty())
}

/// Says what a write has done, from the record that it answers.
pub(crate) fn written(
    site: &str,
    entity: &str,
    record: &Object,
    incomplete: Vec<InvalidField>,
) -> Result<Written> {
    let id = text(record, "id").unwrap_or_default();
    Ok(Written {
        version: version(record),
        modified_at: instant(text(record, "modifiedAt"))?,
        url: Some(link(site, entity, id)),
        incomplete,
        ..Written::new(id)
    })
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

/// Puts the edits of custom fields into the body.
pub(crate) fn set_extra(body: &mut Object, fields: &mut Fields) -> Result<()> {
    let extra = fields.extra()?.into_iter();
    body.extend(extra.map(|(name, change)| (name, change.into_option().unwrap_or_default())));
    Ok(())
}

/// Chooses the record that something is about, and puts it into the body.
pub(crate) fn set_parent(body: &mut Object, about: &[Ref]) {
    let parent = PARENTS
        .iter()
        .find_map(|(kind, entity)| Some((entity, about.iter().find(|it| it.kind == *kind)?)));
    let (entity, id) = match parent {
        Some((entity, it)) => (Value::from(*entity), Value::from(it.id.clone())),
        None => (Value::Null, Value::Null),
    };
    body.insert("parentType".to_owned(), entity);
    body.insert("parentId".to_owned(), id);
}

/// Returns the record that something is about now.
pub(crate) fn parent(record: &Object) -> Option<Ref> {
    let entity = text(record, "parentType")?;
    let kind = PARENTS
        .iter()
        .find(|it| it.1 == entity)
        .map_or_else(|| entity.to_lowercase(), |it| it.0.to_owned());
    Some(Ref::new(kind, text(record, "parentId")?))
}

/// Names the records that something should be about and is not.
///
/// The account of the parent comes with it, and those who take part are linked as such.
pub(crate) fn unlinked(record: &Object, about: &[Ref], partaking: &[Ref]) -> Vec<InvalidField> {
    let parent = parent(record);
    let is_there = |it: &Ref| {
        parent.as_ref() == Some(it)
            || partaking.contains(it)
            || (it.kind == "account" && text(record, "accountId") == Some(&it.id))
    };
    let missing = about.iter().filter(|it| !is_there(it));
    missing
        .map(|it| {
            InvalidField::new(
                "about",
                format!(
                    "EspoCRM links one record, and has no room for {} {}",
                    it.kind, it.id
                ),
            )
        })
        .collect()
}
