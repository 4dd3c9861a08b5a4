//! Logged e-mails: archived ones in EspoCRM's words.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{EmailKey, InvalidField, NewEmail, Party, Ref, Result, extra};
use serde_json::{Value, json};

use crate::api::{Object, any, is};
use crate::map::{parent, seconds, set_extra, set_parent, subject, text};

/// The body that logs an e-mail, and what of it has no place.
pub(crate) fn new(
    email: &NewEmail,
    key_field: Option<&str>,
) -> Result<(Object, Vec<InvalidField>)> {
    let mut body = extra::to_map(&email.extra)?;
    let mut incomplete = Vec::new();
    let lists = [("to", &email.to), ("cc", &email.cc), ("bcc", &email.bcc)];
    for (field, list) in lists {
        body.insert(
            field.to_owned(),
            addresses(field, list, &mut incomplete).into(),
        );
    }
    let sender = email.sender.address.as_ref().unwrap_or(&email.key.sender);
    // A recipient is required, and a message that went to nobody but in copy has none.
    if text(&body, "to").is_none() {
        let other = text(&body, "cc").or(text(&body, "bcc"));
        let other = other.unwrap_or(sender).to_owned();
        body.insert("to".to_owned(), other.into());
    }
    let (content, is_html) = match (&email.html, &email.text) {
        (Some(html), _) => (html.as_str(), true),
        (None, text) => (text.as_deref().unwrap_or_default(), false),
    };
    for (name, value) in [
        ("status", "Archived".into()),
        ("name", subject(&email.key.subject, false).into()),
        ("from", sender.clone().into()),
        ("dateSent", seconds(email.key.sent_at).into()),
        ("body", content.into()),
        ("isHtml", is_html.into()),
    ] {
        body.insert(name.to_owned(), value);
    }
    // EspoCRM's own mail fetcher writes it like this, and so finds it.
    let message_id = email.key.message_id.as_ref().map(|it| format!("<{it}>"));
    let own = [
        ("messageId", message_id),
        ("assignedUserId", email.owner.clone()),
    ];
    let key = key_field.map(|it| (it, Some(email.key.key.clone())));
    for (name, value) in own.into_iter().chain(key) {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.into());
        }
    }
    set_parent(&mut body, &email.key.about);
    if let Some(first) = email.attachments.first() {
        let reason = format!(
            "{} files are not uploaded, the first of them {}",
            email.attachments.len(),
            first.name
        );
        incomplete.push(InvalidField::new("attachments", reason));
    }
    Ok((body, incomplete))
}

/// The condition that a logged e-mail meets.
///
/// EspoCRM gives an e-mail of an API user a made-up message id; such a one is known by what else there is, unless the site has a field for the host's key.
pub(crate) fn found(key: &EmailKey, key_field: Option<&str>) -> Value {
    let mut alike = vec![
        is("equals", "name", subject(&key.subject, false)),
        is("equals", "dateSent", seconds(key.sent_at)),
        is("equals", "from", key.sender.clone()),
        is("startsWith", "messageId", "dummy:"),
    ];
    let mut parts = Vec::new();
    if let Some(field) = key_field {
        parts.push(is("equals", field, key.key.clone()));
        alike.push(is("isNull", field, Value::Null));
    }
    if let Some(id) = &key.message_id {
        parts.push(is("in", "messageId", json!([format!("<{id}>"), id])));
    }
    parts.push(json!({"type": "and", "value": alike}));
    any(parts)
}

/// The body that changes a logged e-mail, and what it is about after that, if that changes.
pub(crate) fn changes(
    fields: &mut Fields,
    present: impl Fn() -> Result<Object>,
) -> Result<(Object, Option<Vec<Ref>>, Vec<InvalidField>)> {
    let mut body = Object::new();
    let mut incomplete = Vec::new();
    for field in ["to", "cc", "bcc"] {
        if let Some(edits) = fields.list::<Party>(field)? {
            let now = if edits.is_whole() {
                Vec::new()
            } else {
                parties(&present()?, field)
            };
            let same = |one: &Party, other: &Party| lower(one) == lower(other);
            body.insert(
                field.to_owned(),
                addresses(field, &edits.apply(now, same), &mut incomplete).into(),
            );
        }
    }
    for (field, attribute) in [
        ("subject", "name"),
        ("text", "body"),
        ("html", "body"),
        ("owner", "assignedUserId"),
    ] {
        if let Some(change) = fields.value::<String>(field)? {
            let change = change.into_option();
            let value = if field == "subject" {
                change.map(|it| subject(&it, false))
            } else {
                change
            };
            body.insert(attribute.to_owned(), value.into());
            if attribute == "body" {
                body.insert("isHtml".to_owned(), (field == "html").into());
            }
        }
    }
    if let Some(change) = fields.value::<Party>("sender")? {
        let sender = change.into_option().and_then(|it| it.address);
        body.insert("from".to_owned(), sender.into());
    }
    let mut about = None;
    if let Some(edits) = fields.list::<Ref>("about")? {
        let now = if edits.is_whole() {
            None
        } else {
            parent(&present()?)
        };
        let then = edits.apply(now.into_iter().collect(), Ref::eq);
        set_parent(&mut body, &then);
        about = Some(then);
    }
    set_extra(&mut body, fields)?;
    Ok((body, about, incomplete))
}

/// Names what EspoCRM took back in silence: it keeps the text and the recipients of an e-mail that it fetched itself.
pub(crate) fn taken_back(body: &Object, record: &Object) -> Vec<InvalidField> {
    let names = [
        ("name", "subject"),
        ("body", "text"),
        ("from", "sender"),
        ("to", "to"),
        ("cc", "cc"),
        ("bcc", "bcc"),
    ];
    let differs = |name: &str| match (body.get(name), record.get(name)) {
        (Some(sent), Some(kept)) => {
            sent.as_str().unwrap_or_default() != kept.as_str().unwrap_or_default()
        }
        _ => false,
    };
    let taken = names.into_iter().filter(|it| differs(it.0));
    taken
        .map(|it| InvalidField::new(it.1, "EspoCRM does not let this be changed in this e-mail"))
        .collect()
}

/// The records that take part by an address.
pub(crate) fn partaking(email: &NewEmail) -> Vec<Ref> {
    let all = email
        .to
        .iter()
        .chain(&email.cc)
        .chain(&email.bcc)
        .chain([&email.sender]);
    all.filter(|it| it.address.is_some())
        .filter_map(|it| it.link.clone())
        .collect()
}

/// Joins addresses as EspoCRM does; what is none has no place, or it would refuse the whole e-mail.
fn addresses(field: &str, list: &[Party], incomplete: &mut Vec<InvalidField>) -> String {
    let usable = |it: &&str| it.contains('@') && !it.contains([' ', ';', ',', '<', '>']);
    let kept: Vec<&str> = list
        .iter()
        .filter_map(|it| it.address.as_deref())
        .filter(usable)
        .collect();
    if kept.len() < list.len() {
        let reason = format!(
            "{} of {} have no usable address",
            list.len() - kept.len(),
            list.len()
        );
        incomplete.push(InvalidField::new(field, reason));
    }
    kept.join(";")
}

fn parties(record: &Object, field: &str) -> Vec<Party> {
    let list = text(record, field).into_iter().flat_map(|it| it.split(';'));
    list.map(|it| Party::new(it.trim())).collect()
}

fn lower(party: &Party) -> Option<String> {
    party.address.as_ref().map(|it| it.to_lowercase())
}
