//! E-mails and meetings as notes, since Tryton has no record for either that can be written; it makes no requests.
//!
//! A note is a text for people, with lines such as `From: …` before the body and a mark behind it.
//! The mark is the last thing in it and is searched for there, so that no text of a message can pass for one.

mod edit;

use brightsync_sdk::{
    Attachment, Attendee, Direction, Error, Extra, InvalidField, NewEmail, NewMeeting, Party, Ref,
    Result, time,
};

use crate::html;
use crate::query;
use crate::setup::number;

pub(crate) use edit::{email as edit_email, meeting as edit_meeting};

/// How much text of one e-mail or meeting is kept, in bytes; Tryton takes requests of 2 MiB (8.2, `[request] max_size`).
const LONGEST: usize = 500_000;

/// What a note stands for.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    Email,
    Meeting,
}

/// A note, taken apart.
pub(crate) struct Note {
    log: Log,
    key: String,
    /// The first line: what it is, and its subject.
    title: (String, String),
    /// The other lines by their names; several may have the same.
    lines: Vec<(&'static str, String)>,
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
            lines: Vec::new(),
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
            for value in self.lines(name) {
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

    /// The values of the lines of one name.
    fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter().filter(move |it| it.0 == name);
        lines.map(|it| it.1.as_str())
    }

    fn add(&mut self, name: &'static str, value: &str) {
        let value = line(value);
        if !value.is_empty() {
            self.lines.push((name, value));
        }
    }

    /// Puts one line in place of those of the same name, or none.
    fn set(&mut self, name: &'static str, value: Option<String>) {
        self.lines.retain(|it| it.0 != name);
        if let Some(value) = value {
            self.add(name, &value);
        }
    }

    /// Puts a line for each of a list in place of those of the same name.
    fn set_each<T>(&mut self, name: &'static str, list: &[T], text: fn(&T) -> String) {
        self.set(name, None);
        for it in list {
            self.add(name, &text(it));
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
    let title = email_title(it.direction);
    let mut note = Note::new(Log::Email, &it.key.key, title, &it.key.subject);
    note.add("From", &party(&it.sender));
    note.set_each("To", &it.to, party);
    note.set_each("Cc", &it.cc, party);
    note.set_each("Bcc", &it.bcc, party);
    note.add("Date", &time::rfc3339(it.key.sent_at));
    note.set("Message-ID", it.key.message_id.map(bracketed));
    note.set("Thread", it.thread.map(bracketed));
    note.set_each("Attachment", &it.attachments, attachment);
    let mut draft = Draft::new(note, it.key.about);
    body(&mut draft, it.text, it.html);
    if it.attachments.iter().any(|it| it.content.is_some()) {
        draft.leave("attachments", "a note names them and holds none");
    }
    rest(&mut draft, it.owner.is_some(), &it.extra);
    draft
}

pub(crate) fn meeting(it: NewMeeting) -> Draft {
    let mut uid = it.key.ical_uid;
    if let Some(occurrence) = &it.key.occurrence {
        uid = format!("{uid} ({})", time::moment(occurrence));
    }
    let mut note = Note::new(Log::Meeting, &it.key.key, "Meeting", &it.key.subject);
    note.add("Start", &time::moment(&it.key.start));
    note.add("End", &time::moment(&it.end));
    note.set("Time zone", it.timezone);
    note.add("Status", &it.status);
    note.set("Location", it.location);
    note.add("Organiser", &party(&it.organiser));
    note.set_each("Attendee", &it.attendees, attendee);
    note.add("UID", &uid);
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

fn rest(draft: &mut Draft, owner: bool, extra: &Extra) {
    if owner {
        let reason = "a note is by the user of the connection";
        draft.leave("owner", reason);
    }
    for (name, _) in extra.iter().filter(|it| !it.0.starts_with("brightsync.")) {
        draft.leave(&format!("extra.{name}"), "a note has no such field");
    }
}

fn bracketed(id: String) -> String {
    format!("<{id}>")
}

/// One line: what comes from a message may hold line breaks, and must not begin a line of its own.
fn line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|it: char| it.is_whitespace() || it.is_control()) {
        if !(word.is_empty() || line.is_empty()) {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn party(it: &Party) -> String {
    match (&it.name, &it.address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

fn attendee(it: &Attendee) -> String {
    let party = party(&it.party);
    match (&it.response, &it.role) {
        (None, None) => party,
        (Some(mark), None) | (None, Some(mark)) => format!("{party} ({mark})"),
        (Some(response), Some(role)) => format!("{party} ({response}, {role})"),
    }
}

fn attachment(it: &Attachment) -> String {
    format!("{} ({}, {} bytes)", it.name, it.media_type, it.size)
}
