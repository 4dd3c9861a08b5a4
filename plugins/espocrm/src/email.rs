//! Logged e-mails: archived ones in EspoCRM's words.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{EmailKey, InvalidField, NewEmail, Party, Ref, Result, extra};
use serde_json::Value;

use crate::api::{Present, is};
use crate::map::{copy, kept, parent, seconds, set_extra, set_parent, subject, text};

/// The body that logs an e-mail, and what of it has no place.
pub(crate) fn new(email: &NewEmail, key_field: Option<&str>) -> Result<(Body, Vec<InvalidField>)> {
    let key = &email.key;
    let mut incomplete = Vec::new();
    let mut list = |field, list| addresses(field, list, &mut incomplete);
    let to = list("to", &email.to);
    let cc = list("cc", &email.cc);
    let bcc = list("bcc", &email.bcc);
    let sender = email.sender.address.as_ref().unwrap_or(&key.sender);
    // A recipient is required, and a message that went to nobody but in copy has none.
    let to = [&to, &cc, &bcc].into_iter().find(|it| !it.is_empty());
    let to = to.unwrap_or(sender).as_str();
    let content = email.html.as_ref().or(email.text.as_ref());
    // EspoCRM's own mail fetcher writes it like this, and so finds it.
    let message_id = key.message_id.as_ref().map(|it| format!("<{it}>"));
    let mut body = Body::from(extra::to_map(&email.extra)?)
        .with("to", to)
        .with("cc", cc.as_str())
        .with("bcc", bcc.as_str())
        .with("status", "Archived")
        .with("name", subject(&key.subject, false))
        .with("from", sender.as_str())
        .with("dateSent", seconds(key.sent_at))
        .with("body", content.map_or("", String::as_str))
        .with("isHtml", email.html.is_some())
        .with_some("messageId", message_id)
        .with_some("assignedUserId", email.owner.as_deref());
    if let Some(field) = key_field {
        body.set(field, key.key.as_str().into());
    }
    set_parent(&mut body, &key.about);
    if let Some(first) = email.attachments.first() {
        let (count, first) = (email.attachments.len(), &first.name);
        let reason = format!("{count} files are not uploaded, the first of them {first}");
        incomplete.push(InvalidField::new("attachments", reason));
    }
    Ok((body, incomplete))
}

/// The condition that a logged e-mail meets.
///
/// EspoCRM gives an e-mail of an API user a made-up message id; such a one is known by what else there is, unless the site has a field for the host's key.
pub(crate) fn found(key: &EmailKey, key_field: Option<&str>) -> Value {
    let alike = vec![
        is("equals", "name", subject(&key.subject, false)),
        is("equals", "dateSent", seconds(key.sent_at)),
        is("equals", "from", key.sender.as_str()),
        is("startsWith", "messageId", "dummy:"),
    ];
    let id = key.message_id.as_ref();
    let id = id.map(|id| is("in", "messageId", vec![format!("<{id}>"), id.clone()]));
    kept(&key.key, key_field, id, alike)
}

/// The body that changes a logged e-mail, what it is about after that, if that changes, and what of the patch has no place.
pub(crate) fn changes(
    mut fields: Fields,
    present: &Present<'_>,
) -> Result<(Body, Vec<Ref>, Vec<InvalidField>)> {
    let mut body = Body::new();
    let mut incomplete = Vec::new();
    for field in ["to", "cc", "bcc"] {
        if let Some(edits) = fields.list::<Party>(field)? {
            let now = present.list(&edits, |it| parties(it, field))?;
            let same = |one: &Party, other: &Party| lower(one) == lower(other);
            let then = addresses(field, &edits.apply(now, same), &mut incomplete);
            body.set(field, then.into());
        }
    }
    if let Some(change) = fields.value::<String>("subject")? {
        body.set("name", change.map(|it| subject(&it, false)).into());
    }
    for field in ["text", "html"] {
        if let Some(change) = fields.value::<String>(field)? {
            body.set("body", change.into());
            body.set("isHtml", (field == "html").into());
        }
    }
    copy(&mut body, &mut fields, &[("owner", "assignedUserId")])?;
    if let Some(change) = fields.value::<Party>("sender")? {
        let sender = change.into_option().and_then(|it| it.address);
        body.set("from", sender.into());
    }
    let mut about = Vec::new();
    if let Some(edits) = fields.list::<Ref>("about")? {
        let now = present.list(&edits, |it| Vec::from_iter(parent(it)))?;
        about = edits.apply(now, Ref::eq);
        set_parent(&mut body, &about);
    }
    set_extra(&mut body, &mut fields)?;
    incomplete.extend(fields.rest());
    Ok((body, about, incomplete))
}

/// Names what EspoCRM took back in silence: it keeps the text and the recipients of an e-mail that it fetched itself.
pub(crate) fn taken_back(it: Object<'_>, body: &Body) -> Vec<InvalidField> {
    const NAMES: [(&str, &str); 6] = [
        ("name", "subject"),
        ("body", "text"),
        ("from", "sender"),
        ("to", "to"),
        ("cc", "cc"),
        ("bcc", "bcc"),
    ];
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let mut taken = Vec::new();
    for (name, field) in NAMES {
        let mut members = it.members();
        let kept = members.find(|it| it.0 == name).map(|it| text(it.1));
        if kept.is_some() && body.get(name).is_some_and(|it| Some(text(it)) != kept) {
            let reason = "EspoCRM does not let this be changed in this e-mail";
            taken.push(InvalidField::new(field, reason));
        }
    }
    taken
}

/// The records that take part by an address.
pub(crate) fn partaking(email: &NewEmail) -> Vec<Ref> {
    let mut partaking = Vec::new();
    let sender = std::slice::from_ref(&email.sender);
    for list in [&*email.to, &*email.cc, &*email.bcc, sender] {
        for party in list {
            partaking.extend(party.address.as_ref().and(party.link.clone()));
        }
    }
    partaking
}

/// Joins addresses as EspoCRM does; what is none has no place, or it would refuse the whole e-mail.
fn addresses(field: &str, list: &[Party], incomplete: &mut Vec<InvalidField>) -> String {
    let usable = |it: &&str| it.contains('@') && !it.contains([' ', ';', ',', '<', '>']);
    let mut kept = Vec::new();
    for party in list {
        kept.extend(party.address.as_deref().filter(usable));
    }
    let (all, unusable) = (list.len(), list.len() - kept.len());
    if 0 < unusable {
        let reason = format!("{unusable} of {all} have no usable address");
        incomplete.push(InvalidField::new(field, reason));
    }
    kept.join(";")
}

fn parties(it: Object<'_>, field: &str) -> Vec<Party> {
    let mut parties = Vec::new();
    for address in text(it, field).into_iter().flat_map(|it| it.split(';')) {
        parties.push(Party::new(address.trim()));
    }
    parties
}

fn lower(party: &Party) -> Option<String> {
    party.address.as_ref().map(|it| it.to_lowercase())
}
