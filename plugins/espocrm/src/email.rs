//! Logged e-mails: archived ones in EspoCRM's words.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{EmailKey, InvalidField, NewEmail, Party, Ref, Result};
use serde_json::Value;

use crate::api::{Present, is};
use crate::map::{Draft, kept, parent, seconds, subject, text, unlinked};

pub(crate) fn new(email: &NewEmail, key_field: Option<&str>) -> Result<Draft> {
    let key = &email.key;
    let mut draft = Draft::new(&email.extra)?;
    let to = addresses("to", &email.to, &mut draft);
    let cc = addresses("cc", &email.cc, &mut draft);
    let bcc = addresses("bcc", &email.bcc, &mut draft);
    let sender = email.sender.address.as_ref().unwrap_or(&key.sender);
    // A recipient is required, and a message that went to nobody but in copy has none.
    let to = [&to, &cc, &bcc].into_iter().find(|it| !it.is_empty());
    let to = to.unwrap_or(sender).as_str();
    let content = email.html.as_ref().or(email.text.as_ref());
    // EspoCRM's own mail fetcher writes it like this, and so finds it.
    let message_id = key.message_id.as_ref().map(|it| format!("<{it}>"));
    draft.body = (draft.body.with("to", to))
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
        draft.body.set(field, key.key.as_str().into());
    }
    draft.set_about(key.about.clone());
    // Who takes part by an address is linked by that.
    let partaking = email.to.iter().chain(&email.cc).chain(&email.bcc);
    for party in partaking.chain([&email.sender]) {
        if party.address.is_some() {
            draft.about.retain(|it| Some(it) != party.link.as_ref());
        }
    }
    if let Some(first) = email.attachments.first() {
        let (count, first) = (email.attachments.len(), &first.name);
        let reason = format!("{count} files are not uploaded, the first of them {first}");
        draft.leave("attachments", reason);
    }
    Ok(draft)
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

pub(crate) fn changes(mut fields: Fields, present: &Present<'_>) -> Result<Draft> {
    let mut draft = Draft::default();
    for field in ["to", "cc", "bcc"] {
        if let Some(edits) = fields.list::<Party>(field)? {
            let now = present.list(&edits, |it| parties(it, field))?;
            let same = |one: &Party, other: &Party| lower(one) == lower(other);
            let then = addresses(field, &edits.apply(now, same), &mut draft);
            draft.body.set(field, then.into());
        }
    }
    if let Some(change) = fields.value::<String>("subject")? {
        let name = change.map(|it| subject(&it, false));
        draft.body.set("name", name.into());
    }
    for field in ["text", "html"] {
        if let Some(change) = fields.value::<String>(field)? {
            draft.body.set("body", change.into());
            draft.body.set("isHtml", (field == "html").into());
        }
    }
    draft.copy(&mut fields, &[("owner", "assignedUserId")])?;
    if let Some(change) = fields.value::<Party>("sender")? {
        let sender = change.into_option().and_then(|it| it.address);
        draft.body.set("from", sender.into());
    }
    if let Some(edits) = fields.list::<Ref>("about")? {
        let now = present.list(&edits, |it| Vec::from_iter(parent(it)))?;
        draft.set_about(edits.apply(now, Ref::eq));
    }
    draft.finish(fields)
}

/// Names what is not linked, and what EspoCRM took back in silence: it keeps the text and the recipients of an e-mail that it fetched itself.
pub(crate) fn lost(it: Object<'_>, draft: &Draft) -> Vec<InvalidField> {
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
        let sent = draft.body.get(name).map(text);
        if sent.is_some() && kept.is_some() && sent != kept {
            let reason = "EspoCRM does not let this be changed in this e-mail";
            taken.push(InvalidField::new(field, reason));
        }
    }
    taken.extend(unlinked(it, &draft.about, &[]));
    taken
}

/// Joins addresses as EspoCRM does; what is none has no place, or it would refuse the whole e-mail.
fn addresses(field: &str, list: &[Party], draft: &mut Draft) -> String {
    let usable = |it: &&str| it.contains('@') && !it.contains([' ', ';', ',', '<', '>']);
    let mut kept = Vec::new();
    for party in list {
        kept.extend(party.address.as_deref().filter(usable));
    }
    let (all, unusable) = (list.len(), list.len() - kept.len());
    if 0 < unusable {
        let reason = format!("{unusable} of {all} have no usable address");
        draft.leave(field, reason);
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
