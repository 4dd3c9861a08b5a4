//! Logged e-mails: Zoho associates each with a record, and never lets it be changed.
//!
//! So an id names the module, the record and the message, `Contacts/7/39c17f`, and what is changed goes into a note, see [`crate::note`].

use brightsync_sdk::http::{self, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Direction, EmailKey, Error, Id, NewEmail, OrFind, Party, Reason, Ref, Result, Timestamp,
    Written, state, time,
};
use serde_json::Value;

use crate::api::{self, Api};
use crate::map::{Draft, MODULES, cut, is_id, lookup, stamp, subject, text};
use crate::note;

/// The longest subject and text, the most addresses, and the longest message id (official specification, 2026-06).
const SUBJECT: usize = 500;
const TEXT: usize = 32_000;
const PARTIES: usize = 50;
const MESSAGE_ID: usize = 255;
/// Pages of ten that are looked through for an e-mail.
const MOST_PAGES: usize = 100;
const DAY: i64 = 86_400_000;

/// A record that e-mails are associated with.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place<'a> {
    pub(crate) module: &'static str,
    pub(crate) tab: &'static str,
    pub(crate) record: &'a str,
}

/// How Zoho takes an e-mail: the name of the list that it stands in, which its documentation and its specification give differently.
const LISTS: [&str; 2] = ["Emails", "data"];

impl<'a> Place<'a> {
    /// The place for e-mails about something, if Zoho has one.
    pub(crate) fn of(about: &'a Ref) -> Option<Self> {
        let known = MODULES.iter().find(|it| it.0 == about.kind)?;
        is_id(&about.id).then_some(Self {
            module: known.1,
            tab: known.2,
            record: &about.id,
        })
    }

    /// Reads the id of an e-mail: its place, and Zoho's id of the message.
    pub(crate) fn parse(id: &'a str) -> Result<(Self, &'a str)> {
        let read = || {
            let (module, rest) = id.split_once('/')?;
            let (record, message) = rest.split_once('/')?;
            let known = MODULES.iter().find(|it| it.1 == module)?;
            let place = Self {
                module: known.1,
                tab: known.2,
                record,
            };
            (is_id(record) && !message.is_empty()).then_some((place, message))
        };
        read().ok_or_else(|| Error::not_found("no e-mail in Zoho has such an id"))
    }

    pub(crate) fn id(self, message: &str) -> Id {
        format!("{}/{}/{message}", self.module, self.record)
    }
}

/// Logs an e-mail with every record that it is about; the first one gives it its id.
pub(crate) fn create(api: &Api, email: NewEmail) -> Result<Written> {
    let key = email.key.clone();
    let places: Vec<Place<'_>> = key.about.iter().filter_map(Place::of).collect();
    let mut draft = new(email)?;
    draft.leave_some("about", key.about.len() - places.len());
    let reason = "Zoho keeps an e-mail with a record: name a contact, an account or an opportunity that exists";
    let mut others = places.iter();
    let id = loop {
        let place = others
            .next()
            .ok_or_else(|| Error::invalid("about", reason))?;
        let logged = log_first(api, *place, &mut draft);
        // The first one of those that exist.
        if matches!(&logged, Err(error) if error.reason == Reason::NotFound) {
            draft.leave_some("about", 1);
            continue;
        }
        break logged
            .map_err(|error| refused(api, &key, error))
            .or_find(|| {
                let found = find(api, &key)?;
                Ok(found.into_iter().find(|it| it.starts_with(&place.id(""))))
            })?;
    };
    let others = others.as_slice();
    let list = list();
    let requests = others
        .iter()
        .map(|it| request(api, *it, &list, &draft.body));
    let answers = http::send_all(requests.collect());
    let mut also_created = Vec::new();
    for (place, answer) in others.iter().zip(answers) {
        match answer.and_then(|it| message(&it)) {
            Ok(message) => also_created.push(Ref::new("email", place.id(&message))),
            // It is there already.
            Err(Error {
                reason: Reason::Duplicate(_),
                ..
            }) => {}
            Err(error) => draft.leave(
                "about",
                format!("{}/{}: {}", place.module, place.record, error.message),
            ),
        }
    }
    Ok(Written {
        also_created,
        incomplete: draft.incomplete,
        ..Written::new(id)
    })
}

/// Logs with one record, in the form that Zoho takes, which is kept.
fn log_first(api: &Api, place: Place<'_>, draft: &mut Draft) -> Result<Id> {
    let mut list = list();
    let mut answer = request(api, place, &list, &draft.body).send();
    if answer.as_ref().is_err_and(wants_another_list) {
        list = LISTS
            .into_iter()
            .find(|it| *it != list)
            .unwrap_or_default()
            .to_owned();
        answer = request(api, place, &list, &draft.body).send();
        if answer.is_ok() {
            state::set("emails", &list)?;
        }
    }
    // Only administrators log in the name of others.
    if draft.body.get("owner").is_some() && answer.as_ref().is_err_and(is_about_owner) {
        draft.body = without_owner(&draft.body);
        draft.leave(
            "owner",
            "Zoho lets only administrators log the e-mails of others",
        );
        answer = request(api, place, &list, &draft.body).send();
    }
    Ok(place.id(&message(&answer?)?))
}

fn list() -> String {
    let kept: Option<String> = state::get("emails");
    kept.unwrap_or_else(|| {
        LISTS
            .first()
            .map_or_else(String::new, |it| (*it).to_owned())
    })
}

fn request(api: &Api, place: Place<'_>, list: &str, email: &Body) -> http::Request {
    let body = Body::new().with(list, vec![email.clone()]);
    api.act(place.module, place.record, "associate_email", &body)
}

/// Zoho's id of a message that was logged.
fn message(answer: &Response) -> Result<String> {
    let named = |it: Object<'_>| it.id("message_id");
    let list = answer.read(|it| {
        Ok(if it.items("Emails").is_empty() {
            "data"
        } else {
            "Emails"
        })
    })?;
    api::first(answer, list, |it| Ok(it.need_object("details", named)))
}

/// Whether it is the name of the list that Zoho does not take, and nothing within it.
fn wants_another_list(error: &Error) -> bool {
    let Reason::Invalid(fields) = &error.reason else {
        return false;
    };
    let lists = LISTS.map(|it| format!("extra.{it}"));
    let is_list = |it: &Option<String>| it.as_ref().is_some_and(|it| lists.contains(it));
    fields.iter().any(|it| is_list(&it.field))
}

fn is_about_owner(error: &Error) -> bool {
    match &error.reason {
        Reason::Forbidden(kind) => *kind != brightsync_sdk::ForbiddenKind::MissingScope,
        Reason::Invalid(fields) => fields.iter().any(|it| it.field.as_deref() == Some("owner")),
        _ => false,
    }
}

fn without_owner(email: &Body) -> Body {
    let mut members = match Value::from(email.clone()) {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    members.remove("owner");
    members.into()
}

/// Says which e-mail is there already.
fn refused(api: &Api, key: &EmailKey, error: Error) -> Error {
    match error.reason {
        Reason::Duplicate(_) => {
            let found = find(api, key).unwrap_or_default();
            error.with_existing(found)
        }
        _ => error,
    }
}

/// An e-mail as Zoho takes it.
fn new(email: NewEmail) -> Result<Draft> {
    let mut draft = Draft::default();
    let key = &email.key;
    let (title, is_cut) = subject(&key.subject, SUBJECT);
    if is_cut {
        draft.leave("subject", format!("Zoho keeps {SUBJECT} characters of it"));
    }
    let content = email
        .html
        .as_deref()
        .or(email.text.as_deref())
        .unwrap_or_default();
    let (content, is_cut) = cut(content, TEXT);
    if is_cut {
        draft.leave("text", format!("Zoho keeps {TEXT} characters of it"));
    }
    let sender = email.sender.address.as_ref().unwrap_or(&key.sender);
    let to = addresses("to", &email.to, &mut draft);
    let cc = addresses("cc", &email.cc, &mut draft);
    let bcc = addresses("bcc", &email.bcc, &mut draft);
    // A recipient is required, and a message that went to nobody but in copy has none.
    let to = match [&to, &cc, &bcc].into_iter().find(|it| !it.is_empty()) {
        Some(to) => to.clone(),
        None => vec![address(sender, None)],
    };
    draft.body = Body::new()
        .with("from", address(sender, email.sender.name.as_deref()))
        .with("to", to)
        .with("subject", title)
        .with(
            "content",
            if content.is_empty() {
                "(no text)"
            } else {
                content
            },
        )
        .with(
            "mail_format",
            if email.html.is_some() { "html" } else { "text" },
        )
        .with("sent", email.direction == Direction::Outgoing)
        .with("date_time", stamp(key.sent_at))
        .with("original_message_id", message_id(key))
        .with_some("cc", Some(cc).filter(|it| !it.is_empty()))
        .with_some("bcc", Some(bcc).filter(|it| !it.is_empty()))
        .with_some("owner", email.owner.as_deref().map(lookup));
    let mut rest = Fields::from(email);
    for taken in [
        "sent-at",
        "subject",
        "direction",
        "sender",
        "text",
        "html",
        "owner",
    ] {
        rest.value::<Value>(taken)?;
    }
    for taken in ["to", "cc", "bcc", "about"] {
        rest.list::<Value>(taken)?;
    }
    draft.incomplete.extend(rest.rest());
    Ok(draft)
}

/// The message's own id; one without, or with an endless one, gets the host's key.
fn message_id(key: &EmailKey) -> &str {
    let id = key.message_id.as_deref();
    id.filter(|it| it.len() <= MESSAGE_ID).unwrap_or(&key.key)
}

fn addresses(field: &str, parties: &[Party], draft: &mut Draft) -> Vec<Body> {
    let mut all = Vec::new();
    for party in parties {
        if let Some(it) = party.address.as_deref().filter(|it| it.contains('@')) {
            all.push(address(it, party.name.as_deref()));
        }
    }
    all.truncate(PARTIES);
    draft.leave_some(field, parties.len() - all.len());
    all
}

fn address(email: &str, name: Option<&str>) -> Body {
    let name = name.map(|it| cut(it, 255).0);
    Body::new()
        .with("email", email)
        .with_some("user_name", name)
}

/// Finds an e-mail among those of the records that it is about.
///
/// Zoho answers its own ids of messages, so that one is known by its sender, second and subject; its check whether a message id is "available" says neither where, nor clearly what it means.
pub(crate) fn find(api: &Api, key: &EmailKey) -> Result<Vec<Id>> {
    let mut found = Vec::new();
    for place in key.about.iter().filter_map(Place::of) {
        match find_at(api, place, key) {
            Ok(messages) => found.extend(messages.iter().map(|it| place.id(it))),
            Err(Error {
                reason: Reason::NotFound,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
    }
    found.truncate(100);
    Ok(found)
}

fn find_at(api: &Api, place: Place<'_>, key: &EmailKey) -> Result<Vec<String>> {
    let title = subject(&key.subject, SUBJECT).0;
    let mut alike = Vec::new();
    let mut index: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let emails = api
            .get(place.module)
            .segment(place.record)
            .segment("Emails");
        let answer = emails.query_some("index", index).send()?;
        let page = api::unless_empty(&answer, |it| {
            let rows = it.each("Emails", |it| (sent_at(it), candidate(it, key, title)));
            let info = it.object("info", |it| {
                (it.get("more_records"), text(it, "next_index"))
            });
            Ok((rows, info))
        })?;
        let Some((rows, info)) = page else {
            break;
        };
        let (more, next) = info.unwrap_or_default();
        let newest = rows.first().and_then(|it| it.0);
        let oldest = rows.last().and_then(|it| it.0);
        alike.extend(rows.into_iter().filter_map(|it| it.1));
        // Those that come first are the newest; a day is for clocks that differ.
        let is_over = oldest <= newest && oldest.is_some_and(|it| it < key.sent_at - DAY);
        index = next.filter(|_| more == Some(true) && !is_over);
        if index.is_none() || alike.iter().any(|it| it.1) {
            break;
        }
    }
    // The subject of one that was changed stands in its note.
    let mut found = Vec::new();
    for (message, is_it) in alike {
        if is_it || note::subject(api, place, &message)?.as_deref() == Some(title) {
            found.push(message);
        }
    }
    Ok(found)
}

fn sent_at(it: Object<'_>) -> Option<Timestamp> {
    it.time("time").or_else(|| it.time("sent_time"))
}

/// The id of an e-mail that may be the one, and whether it is for sure.
fn candidate(it: Object<'_>, key: &EmailKey, title: &str) -> Option<(String, bool)> {
    let message = text(it, "message_id")?;
    if message == message_id(key) {
        return Some((message, true));
    }
    let sender = it
        .object("from", |it| text(it, "email"))
        .flatten()
        .unwrap_or_default();
    let is_alike = sender.eq_ignore_ascii_case(&key.sender)
        && sent_at(it) == Some(time::floor_to_second(key.sent_at));
    let is_it = text(it, "subject").as_deref() == Some(title);
    is_alike.then_some((message, is_it))
}
