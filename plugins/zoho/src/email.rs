//! Logged e-mails: Zoho associates each with a record, and never lets it be changed.
//!
//! So an id names the module, the record and the message, `Contacts/7/39c17f`, and what is changed goes into a note, see [`crate::note`].

use brightsync_sdk::http::{self, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Direction, EmailKey, Error, ForbiddenKind, Id, NewEmail, OrFind, Party, Reason, Ref, Result,
    Timestamp, Written, state, time,
};
use serde_json::Value;

use crate::api::{self, Api};
use crate::map::{Draft, MODULES, cut, is_id, lookup, stamp, subject, text};
use crate::note;

/// The longest subject and text, the most addresses, and the longest message id (specification v8.0, github zoho/crm-oas at a6687fc).
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

/// The name of the list that an e-mail stands in: Zoho's documentation has the first, its specification the second.
const LIST: &str = "Emails";
const OTHER_LIST: &str = "data";

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
    let mut owner = email.owner.as_deref().map(lookup);
    let mut draft = new(email)?;
    draft.leave_some("about", key.about.len() - places.len());
    let reason = "Zoho keeps an e-mail with a record: name a contact, an account or an opportunity that exists";
    let mut others = places.iter();
    let id = loop {
        let place = others
            .next()
            .ok_or_else(|| Error::invalid("about", reason))?;
        let logged = log_first(api, *place, &mut draft, &mut owner);
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
    let (list, item) = (list(), owned(&draft, &owner));
    let requests = others.iter().map(|it| request(api, *it, &list, &item));
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
fn log_first(
    api: &Api,
    place: Place<'_>,
    draft: &mut Draft,
    owner: &mut Option<Body>,
) -> Result<Id> {
    let send = |list: &str, owner: &Option<Body>, draft: &Draft| {
        request(api, place, list, &owned(draft, owner)).send()
    };
    let mut list = list();
    let mut answer = send(&list, owner, draft);
    if answer.as_ref().is_err_and(wants_another_list) {
        list = if list == LIST { OTHER_LIST } else { LIST }.to_owned();
        answer = send(&list, owner, draft);
        if answer.is_ok() {
            state::set("emails", &list)?;
        }
    }
    // Only administrators log in the name of others.
    if owner.is_some() && answer.as_ref().is_err_and(is_about_owner) {
        *owner = None;
        let reason = "Zoho lets only administrators log the e-mails of others";
        draft.leave("owner", reason);
        answer = send(&list, owner, draft);
    }
    Ok(place.id(&message(&answer?)?))
}

fn list() -> String {
    state::get("emails").unwrap_or_else(|| LIST.to_owned())
}

fn owned(draft: &Draft, owner: &Option<Body>) -> Body {
    draft.body.clone().with_some("owner", owner.clone())
}

fn request(api: &Api, place: Place<'_>, list: &str, email: &Body) -> http::Request {
    let body = Body::new().with(list, vec![email.clone()]);
    api.act(place.module, place.record, "associate_email", &body)
}

/// Zoho's id of a message that was logged.
fn message(answer: &Response) -> Result<String> {
    let named = |it: Object<'_>| it.id("message_id");
    let is_first = answer.read(|it| Ok(!it.items(LIST).is_empty()))?;
    let list = if is_first { LIST } else { OTHER_LIST };
    api::first(answer, list, |it| Ok(it.need_object("details", named)))
}

/// Whether it is the name of the list that Zoho does not take, and nothing within it.
fn wants_another_list(error: &Error) -> bool {
    let lists = [LIST, OTHER_LIST].map(|it| format!("extra.{it}"));
    is_about(error, |field| lists.iter().any(|it| it == field))
}

fn is_about(error: &Error, is_it: impl Fn(&str) -> bool) -> bool {
    match &error.reason {
        Reason::Invalid(fields) => fields
            .iter()
            .filter_map(|it| it.field.as_deref())
            .any(is_it),
        _ => false,
    }
}

fn is_about_owner(error: &Error) -> bool {
    let missing_scope = Reason::Forbidden(ForbiddenKind::MissingScope);
    let forbidden = matches!(error.reason, Reason::Forbidden(_)) && error.reason != missing_scope;
    forbidden || is_about(error, |field| field == "owner")
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
        .with_some("bcc", Some(bcc).filter(|it| !it.is_empty()));
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
