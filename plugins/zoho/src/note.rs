//! The note that stands for an e-mail that was changed, on the record that the e-mail is logged with.
//!
//! It is written like a message: its fields, each in a line, and behind an empty line the text, if that was changed.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{InvalidField, Party, Patch, Ref, Result, Written};

use crate::api::{self, Api};
use crate::email::Place;
use crate::map::{cut, lookup, stamp, text};

/// The longest title and content of a note.
const TITLE: usize = 120;
const CONTENT: usize = 32_000;

/// The fields of a message, and how they are called in a note.
const LISTS: [(&str, &str); 3] = [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")];
const SUBJECT: &str = "Subject";
const SENDER: &str = "From";
const DATE: &str = "Date";

/// An e-mail as it is now.
#[derive(Clone, Default, PartialEq)]
struct Message {
    lines: Vec<(String, String)>,
    text: String,
}

/// Changes an e-mail: writes the note, and one more on every further record that it shall be about.
pub(crate) fn update(api: &Api, id: &str, patch: &Patch) -> Result<Written> {
    let (place, message) = Place::parse(id)?;
    let title = &title(message);
    let before = original(api, place, message)?;
    let note = find(api, place, title)?;
    let now = match &note {
        Some((_, content)) => Message::parse(content),
        None => before,
    };
    let mut fields = Fields::from(patch);
    let mut then = now.clone();
    let mut written = Written::new(id);
    then.change(&mut fields)?;
    let about = fields.list::<Ref>("about")?;
    if then != now {
        let content = then.to_text(&mut written.incomplete);
        written
            .also_created
            .extend(put(api, place, title, &content, note)?);
    }
    if let Some(edits) = about {
        let present = Ref::new(kind(place), place.record);
        let wanted = edits.apply(vec![present.clone()], Ref::eq);
        if !wanted.contains(&present) {
            let reason = "Zoho keeps an e-mail with the record that it was logged with";
            written.incomplete.push(InvalidField::new("about", reason));
        }
        let further: Vec<&Ref> = wanted.iter().filter(|it| **it != present).collect();
        let places: Vec<Place<'_>> = further.iter().filter_map(|it| Place::of(it)).collect();
        let gone = InvalidField::without_place("about", further.len() - places.len());
        written.incomplete.extend(gone);
        let content = then.to_text(&mut Vec::new());
        for place in places {
            let note = find(api, place, title)?;
            written
                .also_created
                .extend(put(api, place, title, &content, note)?);
        }
    }
    written.incomplete.extend(fields.rest());
    Ok(written)
}

/// The title of the note that stands for a message.
fn title(message: &str) -> String {
    cut(&format!("E-mail {message}"), TITLE).0.to_owned()
}

/// The subject of an e-mail that was changed.
pub(crate) fn subject(api: &Api, place: Place<'_>, message: &str) -> Result<Option<String>> {
    let note = find(api, place, &title(message))?;
    Ok(note.map(|(_, content)| Message::parse(&content).get(SUBJECT).to_owned()))
}

fn kind(place: Place<'_>) -> &'static str {
    let known = crate::map::MODULES.iter().find(|it| it.1 == place.module);
    known.map_or("", |it| it.0)
}

/// Reads the e-mail itself.
fn original(api: &Api, place: Place<'_>, message: &str) -> Result<Message> {
    let record = api.get(place.module).segment(place.record);
    let answer = record.segment("Emails").segment(message).send()?;
    api::first(&answer, "Emails", |it| {
        let mut message = Message::default();
        message.set(SUBJECT, text(it, "subject").unwrap_or_default());
        message.set(
            SENDER,
            it.object("from", email).flatten().unwrap_or_default(),
        );
        for (field, line) in LISTS {
            let parties: Vec<String> = it.each(field, email).into_iter().flatten().collect();
            message.set(line, parties.join(", "));
        }
        let sent = it.time("sent_time").or_else(|| it.time("time"));
        message.set(DATE, sent.map(stamp).unwrap_or_default());
        Ok(message)
    })
}

fn email(it: Object<'_>) -> Option<String> {
    text(it, "email")
}

/// Finds the note of this title, and its content.
fn find(api: &Api, place: Place<'_>, title: &str) -> Result<Option<(String, String)>> {
    let record = api.get(place.module).segment(place.record).segment("Notes");
    let notes = record.query("fields", "id,Note_Title,Note_Content");
    let answer = notes.query("per_page", 200).send()?;
    let all = api::unless_empty(&answer, |it| {
        Ok(it.each("data", |it| {
            let note = (it.id("id"), text(it, "Note_Content").unwrap_or_default());
            (text(it, "Note_Title").as_deref() == Some(title)).then_some(note)
        }))
    })?;
    Ok(all.into_iter().flatten().flatten().next())
}

/// Writes a note; one that is new is answered.
fn put(
    api: &Api,
    place: Place<'_>,
    title: &str,
    content: &str,
    note: Option<(String, String)>,
) -> Result<Option<Ref>> {
    let body = Body::new()
        .with("Note_Title", title)
        .with("Note_Content", content);
    if let Some((id, _)) = note {
        return api.change("Notes", &id, body, None).map(|_| None);
    }
    let module = Body::new().with("api_name", place.module);
    let parent = lookup(place.record).with("module", module);
    let done = api.create("Notes", body.with("Parent_Id", parent))?;
    Ok(Some(Ref::new("note", done.id)))
}

impl Message {
    fn parse(content: &str) -> Self {
        let (head, text) = content.split_once("\n\n").unwrap_or((content, ""));
        let mut message = Self::default();
        for line in head.lines() {
            if let Some((name, value)) = line.split_once(": ") {
                message.set(name, value.to_owned());
            }
        }
        message.text = text.to_owned();
        message
    }

    fn to_text(&self, incomplete: &mut Vec<InvalidField>) -> String {
        let mut content = String::new();
        for (name, value) in self.lines.iter().filter(|it| !it.1.is_empty()) {
            content.push_str(&format!("{name}: {value}\n"));
        }
        content.push_str(&format!("\n{}", self.text));
        let (content, is_cut) = cut(content.trim_end(), CONTENT);
        if is_cut {
            let reason = format!("a note of Zoho has {CONTENT} characters");
            incomplete.push(InvalidField::new("text", reason));
        }
        content.to_owned()
    }

    fn get(&self, name: &str) -> &str {
        let line = self.lines.iter().find(|it| it.0 == name);
        line.map_or("", |it| it.1.as_str())
    }

    /// Sets a line, in which another one would be a line of its own.
    fn set(&mut self, name: &str, value: String) {
        let value = value.replace(['\r', '\n'], " ");
        match self.lines.iter_mut().find(|it| it.0 == name) {
            Some(line) => line.1 = value,
            None => self.lines.push((name.to_owned(), value)),
        }
    }

    fn change(&mut self, fields: &mut Fields) -> Result<()> {
        if let Some(change) = fields.value::<String>("subject")? {
            self.set(SUBJECT, change.into_option().unwrap_or_default());
        }
        if let Some(change) = fields.value::<Party>("sender")? {
            let sender = change.into_option().and_then(|it| it.address);
            self.set(SENDER, sender.unwrap_or_default());
        }
        if let Some(change) = fields.value::<i64>("sent-at")? {
            self.set(DATE, change.into_option().map(stamp).unwrap_or_default());
        }
        for (field, line) in LISTS {
            if let Some(edits) = fields.list::<Party>(field)? {
                let now = self.get(line).split(", ").filter(|it| !it.is_empty());
                let now = now.map(Party::new).collect();
                let lower = |it: &Party| it.address.as_ref().map(|it| it.to_lowercase());
                let then = edits.apply(now, |one, other| lower(one) == lower(other));
                let then: Vec<String> = then.into_iter().filter_map(|it| it.address).collect();
                self.set(line, then.join(", "));
            }
        }
        if let Some(change) = fields.value::<String>("text")? {
            self.text = change.into_option().unwrap_or_default();
            // The same text once more.
            fields.value::<String>("html")?;
        }
        Ok(())
    }
}
