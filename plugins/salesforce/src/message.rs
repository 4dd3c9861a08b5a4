//! E-mails as Salesforce's own e-mail messages, of which hardly anything changes once they are there.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Direction, EmailKey, Id, InvalidField, NewEmail, PageRequest, Ref, Result, Written, extra, time,
};
use serde_json::Value;

use crate::account::set_custom;
use crate::activity::{key_field, no_room};
use crate::api::Api;
use crate::kind::{self, CONTACT, LEAD, MESSAGE, OPPORTUNITY, USER, is_id};
use crate::soql::{Field, Literal, Query, among, any, compare};

/// The longest body, in bytes, which are at least as many as characters.
const LONGEST: usize = 131_072;

/// The longest list of addresses.
const ADDRESSES: usize = 4_000;

/// Logs an e-mail.
pub(crate) fn create(api: &Api, email: NewEmail) -> Result<Written> {
    let key = email.key;
    let custom = extra::to_map(&email.extra)?;
    let mut body = Body::from(custom)
        .with("Status", "3")
        .with("IsClientManaged", true)
        .with("Incoming", email.direction == Direction::Incoming)
        .with("MessageDate", time::rfc3339(key.sent_at))
        .with(
            "Subject",
            key.subject.chars().take(3_000).collect::<String>(),
        )
        .with_some(
            "FromAddress",
            email.sender.address.clone().filter(|it| is_address(it)),
        )
        .with_some("FromName", email.sender.name)
        .with_some("MessageIdentifier", key.message_id.map(|it| bracketed(&it)))
        .with_some("ThreadIdentifier", email.thread.map(|it| bracketed(&it)));
    if let Some(field) = key_field() {
        body.set(&field, key.key.into());
    }
    let mut incomplete = Vec::new();
    for (field, theirs, text) in [
        ("text", "TextBody", email.text),
        ("html", "HtmlBody", email.html),
    ] {
        match text {
            Some(text) if text.len() <= LONGEST => body.set(theirs, text.into()),
            None => {}
            Some(_) => incomplete.push(InvalidField::new(field, "it is longer than 128 KiB")),
        }
    }
    let odd = email.sender.address.filter(|it| !is_address(it));
    let reason = "Salesforce takes no such address";
    incomplete.extend(odd.map(|_| InvalidField::new("sender", reason)));
    let files = email.attachments.len();
    incomplete.extend(InvalidField::without_place("attachments", files));
    let owner = email.owner.iter().count();
    incomplete.extend(InvalidField::without_place("owner", owner));
    // Who is a record is linked as one; addresses are for everybody else.
    let mut people: Vec<Id> = Vec::new();
    for (name, parties) in [("To", email.to), ("Cc", email.cc), ("Bcc", email.bcc)] {
        let (mut ids, mut addresses) = (Vec::new(), Vec::new());
        for party in parties {
            match party.link.filter(|it| is_person(&it.id)) {
                Some(link) => ids.push(link.id),
                None => addresses.extend(party.address),
            }
        }
        let mut room = ADDRESSES;
        let all = addresses.len();
        addresses.retain(|it: &String| {
            let fits = it.len() + 2 <= room;
            room -= if fits { it.len() + 2 } else { 0 };
            fits
        });
        let field = name.to_lowercase();
        incomplete.extend(InvalidField::without_place(&field, all - addresses.len()));
        if !addresses.is_empty() {
            body.set(&format!("{name}Address"), addresses.join("; ").into());
        }
        if !ids.is_empty() {
            body.set(&format!("{name}Ids"), ids.clone().into());
        }
        people.extend(ids);
    }
    let (what, mut left) = related(key.about);
    body.set("RelatedToId", what.into());
    let mut written = api.write(MESSAGE, None, &body, incomplete)?;
    let mut relations = Vec::new();
    let mut relate = |id: &str, role: &str| {
        let relation = (Body::new().with("EmailMessageId", written.id.as_str()))
            .with(
                "attributes",
                Body::new().with("type", "EmailMessageRelation"),
            )
            .with("RelationId", id)
            .with("RelationType", role);
        relations.push(Value::from(relation));
    };
    let sender = email.sender.link.filter(|it| is_person(&it.id));
    sender.iter().for_each(|it| relate(&it.id, "FromAddress"));
    people.extend(sender.map(|it| it.id));
    left.retain(|it| {
        let is_new = is_person(&it.id) && !people.contains(&it.id);
        if is_new {
            relate(&it.id, "OtherAddress");
        }
        !is_person(&it.id)
    });
    written.incomplete.extend(left.iter().map(no_room));
    for relations in relations.chunks(200) {
        // The e-mail is there, so that nothing is an error any more.
        let wrong = api.create_all(relations.to_vec());
        for reason in wrong.unwrap_or_else(|error| vec![error.message]) {
            written.incomplete.push(InvalidField::new("about", reason));
        }
    }
    Ok(written)
}

/// Changes an e-mail: what it is related to, and custom fields; nothing else can be.
pub(crate) fn change(api: &Api, id: &str, mut fields: Fields) -> Result<Written> {
    let (mut body, mut left) = (Body::new(), Vec::new());
    if let Some(edits) = fields.list::<Ref>("about")? {
        let now = api.record(MESSAGE, id, "RelatedToId")?;
        let now = now.read(|it: Object<'_>| Ok(it.get("RelatedToId").map(kind::reference)))?;
        let (what, rest) = related(edits.apply(now.into_iter().collect(), kind::same));
        body.set("RelatedToId", what.into());
        left = rest;
    }
    set_custom(&mut body, &mut fields)?;
    let mut incomplete = fields.rest();
    incomplete.extend(left.iter().map(no_room));
    api.write(MESSAGE, Some(id), &body, incomplete)
}

/// Finds an e-mail by the host's key or by its `Message-ID`, with which Salesforce keeps the brackets.
pub(crate) fn find(api: &Api, key: &EmailKey) -> Result<Vec<Id>> {
    let mut ways = Vec::new();
    if let Some(id) = &key.message_id {
        let forms = [id.clone(), bracketed(id)].into_iter();
        let forms: Vec<Literal> = forms.filter_map(|it| Literal::text(&it)).collect();
        ways.extend((!forms.is_empty()).then(|| among("MessageIdentifier", &forms)));
    }
    if let Some(field) = key_field() {
        let (field, value) = (Field::named(&field)?, Literal::text(&key.key));
        ways.extend(value.map(|it| compare(field, "=", &it)));
    }
    if ways.is_empty() {
        return Ok(Vec::new());
    }
    let query = Query::new("EmailMessage", "Id").and(any(&ways));
    let found = api.page(vec![query], &PageRequest::first(100), |_, it| {
        Ok(it.id("Id"))
    })?;
    Ok(found.items)
}

/// Chooses the one record that an e-mail can be related to, the opportunity before others, and answers the rest.
fn related(about: Vec<Ref>) -> (Option<Id>, Vec<Ref>) {
    let mut left = about;
    let is_thing = |it: &Ref| is_id(&it.id) && !is_person(&it.id);
    let best = left.iter().position(|it| OPPORTUNITY.has(&it.id));
    let best = best.or_else(|| left.iter().position(is_thing));
    let what = best.map(|it| left.remove(it).id);
    (what, left)
}

fn is_person(id: &str) -> bool {
    CONTACT.has(id) || LEAD.has(id) || USER.has(id)
}

/// Whether Salesforce takes a text for an address; for one that is none, it would refuse the whole e-mail.
fn is_address(text: &str) -> bool {
    let host = text.split_once('@').map(|it| it.1);
    host.is_some_and(|it| it.contains('.')) && !text.contains([' ', ',', ';', '<', '>'])
}

fn bracketed(message_id: &str) -> String {
    format!("<{message_id}>")
}
