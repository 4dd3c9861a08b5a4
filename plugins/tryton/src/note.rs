//! E-mails and meetings as notes, since Tryton has no record for either that can be written; it makes no requests.
//!
//! A note is a text for people, with lines such as `From: …` before the body and a mark behind it.
//! The mark is the last thing in it and is searched for there, so that no text of a message can pass for one.

mod edit;

use std::collections::BTreeMap;

use brightsync_sdk::{
    Attendee, Direction, Error, InvalidField, Moment, NewEmail, NewMeeting, Party, Ref, Result,
    time,
};

use crate::html;
use crate::query;
use crate::setup::number;

pub(crate) use edit::{email as edit_email, meeting as edit_meeting};

/// How much text of one e-mail or meeting is kept, in bytes; Tryton takes requests of 2 MiB (8.2, `[request] max_size`).
const LONGEST: usize = 500_000;

/// What a note stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    Email,
    Meeting,
}

/// A note, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Note {
    log: Log,
    key: String,
    /// The first line: what it is, and its subject.
    title: (String, String),
    lines: BTreeMap<&'static str, Vec<String>>,
    text: String,
}

/// What becomes of a message: the note, the records to put it on, and what is left out.
pub(crate) struct Draft {
    pub(crate) note: Note,
    pub(crate) about: Vec<Ref>,
    pub(crate) incomplete: Vec<InvalidField>,
}

impl Log {
    fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Meeting => "meeting",
        }
    }

    /// The lines of such a note, in their order.
    fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Email => &[
                "From",
                "To",
                "Cc",
                "Bcc",
                "Date",
                "Message-ID",
                "Thread",
                "Attachment",
            ],
            Self::Meeting => &[
                "Start",
                "End",
                "Time zone",
                "Status",
                "Location",
                "Organiser",
                "Attendee",
                "UID",
            ],
        }
    }

    fn mark(self, key: &str) -> String {
        format!("[brightsync:{}:{key}]", self.word())
    }

    /// The pattern of the notes with this key; a text that is no key of the host names none.
    pub(crate) fn pattern(self, key: &str) -> Result<String> {
        let fits = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
        if key.is_empty() || key.len() > 128 || !key.bytes().all(fits) {
            let word = self.word();
            return Err(Error::not_found(format!(
                "no {word} was logged under {key:?}"
            )));
        }
        Ok(format!("%{}", query::pattern(&self.mark(key))))
    }
}

impl Note {
    fn new(log: Log, key: &str, title: &str, subject: &str) -> Self {
        Self {
            log,
            key: key.to_owned(),
            title: (title.to_owned(), line(subject)),
            lines: BTreeMap::new(),
            text: String::new(),
        }
    }

    /// Reads what [`message`](Self::message) wrote.
    pub(crate) fn parse(log: Log, key: &str, message: &str) -> Option<Self> {
        let rest = message.trim_end().strip_suffix(&log.mark(key))?.trim_end();
        let (head, text) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let mut head = head.lines().filter_map(|it| it.split_once(':'));
        let (title, subject) = head.next()?;
        let mut note = Self::new(log, key, title, subject.trim());
        text.clone_into(&mut note.text);
        for (name, value) in head {
            if let Some(name) = log.lines().iter().find(|it| **it == name) {
                note.add(name, value.trim());
            }
        }
        Some(note)
    }

    /// The text of the note.
    pub(crate) fn message(&self) -> String {
        let (title, subject) = &self.title;
        let mut message = format!("{title}: {subject}\n");
        for name in self.log.lines() {
            for value in self.lines.get(name).into_iter().flatten() {
                message.push_str(&format!("{name}: {value}\n"));
            }
        }
        if !self.text.is_empty() {
            message.push('\n');
            message.push_str(&self.text);
            message.push('\n');
        }
        message.push('\n');
        message.push_str(&self.log.mark(&self.key));
        message
    }

    fn add(&mut self, name: &'static str, value: &str) {
        let value = line(value);
        if !value.is_empty() {
            self.lines.entry(name).or_default().push(value);
        }
    }

    fn set(&mut self, name: &'static str, values: impl IntoIterator<Item = String>) {
        self.lines.remove(name);
        for value in values {
            self.add(name, &value);
        }
    }

    /// Puts the body in, as much of it as there is room for.
    fn set_text(&mut self, text: &str, incomplete: &mut Vec<InvalidField>) {
        let clean: String = text
            .replace("\r\n", "\n")
            .chars()
            .filter(|it| !it.is_control() || matches!(it, '\n' | '\t'))
            .collect();
        let clean = clean.trim();
        let mut end = clean.len().min(LONGEST);
        while !clean.is_char_boundary(end) {
            end -= 1;
        }
        self.text = clean.get(..end).unwrap_or_default().trim_end().to_owned();
        if end < clean.len() {
            let reason = format!("only the first {LONGEST} bytes are kept");
            incomplete.push(InvalidField::new("text", reason));
        }
    }
}

impl Draft {
    fn new(note: Note, about: Vec<Ref>) -> Self {
        Self {
            note,
            about,
            incomplete: Vec::new(),
        }
    }

    fn leave(&mut self, field: &str, reason: &str) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// The records to put the note on, in Tryton's words.
    pub(crate) fn resources(&mut self) -> Result<Vec<String>> {
        let found = resources(&self.about);
        if self.about.iter().any(|it| resource(it).is_none()) {
            let reason = "notes are on contacts, accounts and opportunities only";
            self.leave("about", reason);
        }
        if found.is_empty() {
            let reason = "name a contact, an account or an opportunity: Tryton's notes are on one";
            return Err(Error::invalid("about", reason));
        }
        Ok(found)
    }
}

pub(crate) fn email(it: NewEmail) -> Draft {
    let mut note = Note::new(
        Log::Email,
        &it.key.key,
        email_title(it.direction),
        &it.key.subject,
    );
    note.set("From", [party(&it.sender)]);
    note.set("To", it.to.iter().map(party));
    note.set("Cc", it.cc.iter().map(party));
    note.set("Bcc", it.bcc.iter().map(party));
    note.set("Date", [time::rfc3339(it.key.sent_at)]);
    let bracketed = |it: String| format!("<{it}>");
    note.set("Message-ID", it.key.message_id.map(bracketed));
    note.set("Thread", it.thread.map(bracketed));
    let attachment = |it: &brightsync_sdk::Attachment| {
        format!("{} ({}, {} bytes)", it.name, it.media_type, it.size)
    };
    note.set("Attachment", it.attachments.iter().map(attachment));
    let mut draft = Draft::new(note, it.key.about);
    body(&mut draft, it.text, it.html);
    if it.attachments.iter().any(|it| it.content.is_some()) {
        draft.leave("attachments", "a note names them and holds none");
    }
    rest(&mut draft, it.owner.is_some(), &it.extra);
    draft
}

pub(crate) fn meeting(it: NewMeeting) -> Draft {
    let mut note = Note::new(Log::Meeting, &it.key.key, "Meeting", &it.key.subject);
    note.set("Start", [time::moment(&it.key.start)]);
    note.set("End", [time::moment(&it.end)]);
    note.set("Time zone", it.timezone);
    note.set("Status", [it.status]);
    note.set("Location", it.location);
    note.set("Organiser", [party(&it.organiser)]);
    note.set("Attendee", it.attendees.iter().map(attendee));
    note.set("UID", [uid(&it.key.ical_uid, it.key.occurrence.as_ref())]);
    let mut draft = Draft::new(note, it.key.about);
    body(&mut draft, it.text, None);
    rest(&mut draft, it.owner.is_some(), &it.extra);
    draft
}

/// The records that can have notes, in Tryton's words, each once.
pub(crate) fn resources(about: &[Ref]) -> Vec<String> {
    let mut resources: Vec<String> = Vec::new();
    for resource in about.iter().filter_map(resource) {
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    resources
}

fn resource(record: &Ref) -> Option<String> {
    let model = match record.kind.as_str() {
        "contact" | "account" => "party.party",
        "opportunity" => "sale.opportunity",
        _ => return None,
    };
    let id = number(&record.id).ok()?;
    Some(format!("{model},{id}"))
}

fn email_title(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "Received e-mail",
        Direction::Outgoing => "Sent e-mail",
    }
}

fn body(draft: &mut Draft, text: Option<String>, html: Option<String>) {
    if html.is_some() {
        draft.leave("html", "notes are plain text");
    }
    let text = text.or_else(|| html.map(|it| html::to_text(&it)));
    let text = text.unwrap_or_default();
    draft.note.set_text(&text, &mut draft.incomplete);
}

fn rest(draft: &mut Draft, owner: bool, extra: &brightsync_sdk::Extra) {
    if owner {
        let reason = "a note is by the user of the connection";
        draft.leave("owner", reason);
    }
    for (name, _) in extra.iter().filter(|it| !it.0.starts_with("brightsync.")) {
        draft.leave(&format!("extra.{name}"), "a note has no such field");
    }
}

fn uid(uid: &str, occurrence: Option<&Moment>) -> String {
    match occurrence {
        Some(occurrence) => format!("{uid} ({})", time::moment(occurrence)),
        None => uid.to_owned(),
    }
}

/// One line: what comes from a message may hold line breaks, and must not begin a line of its own.
fn line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|it: char| it.is_whitespace() || it.is_control())
        .filter(|it| !it.is_empty())
        .collect();
    words.join(" ")
}

fn party(it: &Party) -> String {
    match (&it.name, &it.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

fn attendee(it: &Attendee) -> String {
    let marks: Vec<&str> = [&it.response, &it.role]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if marks.is_empty() {
        party(&it.party)
    } else {
        format!("{} ({})", party(&it.party), marks.join(", "))
    }
}
