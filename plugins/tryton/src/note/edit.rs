//! Patches of e-mails and meetings, applied to the notes that stand for them.

use brightsync_sdk::json::FromJson;
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{Attendee, Direction, Moment, Party, Patch, Ref, Result, Timestamp, time};

use super::{Draft, Note, attendee, body, bracketed, email_title, line, party};

const RESPONSES: &[&str] = &["accepted", "declined", "tentative", "needs-action"];
const ROLES: &[&str] = &["required", "optional", "chair", "resource"];

/// Applies the patch of an e-mail to its note, which is on these records.
pub(crate) fn email(patch: &Patch, note: Note, about: Vec<Ref>) -> Result<Draft> {
    let mut fields = Fields::from(patch);
    let mut draft = Draft::new(note, about);
    common(&mut fields, &mut draft)?;
    let note = &mut draft.note;
    if let Some(Change::Set(direction)) = fields.value::<Direction>("direction")? {
        email_title(direction).clone_into(&mut note.title.0);
    }
    value(note, &mut fields, "sender", "From", sender)?;
    if let Some(Change::Set(sent)) = fields.value::<Timestamp>("sent-at")? {
        note.set("Date", Some(time::rfc3339(sent)));
    }
    value(note, &mut fields, "thread", "Thread", bracketed)?;
    for (field, name) in [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")] {
        if let Some(edits) = fields.list::<Party>(field)? {
            let present = note.lines(name).map(read_party).collect();
            note.set_each(name, &edits.apply(present, same_party), party);
        }
    }
    draft.incomplete.extend(fields.rest());
    Ok(draft)
}

/// Applies the patch of a meeting to its note, which is on these records.
pub(crate) fn meeting(patch: &Patch, note: Note, about: Vec<Ref>) -> Result<Draft> {
    let mut fields = Fields::from(patch);
    let mut draft = Draft::new(note, about);
    common(&mut fields, &mut draft)?;
    let note = &mut draft.note;
    for (field, name) in [("start", "Start"), ("end", "End")] {
        if let Some(Change::Set(moment)) = fields.value::<Moment>(field)? {
            note.set(name, Some(time::moment(&moment)));
        }
    }
    for (field, name) in [
        ("timezone", "Time zone"),
        ("status", "Status"),
        ("location", "Location"),
    ] {
        value(note, &mut fields, field, name, |it: String| it)?;
    }
    value(note, &mut fields, "organiser", "Organiser", sender)?;
    if let Some(edits) = fields.list::<Attendee>("attendees")? {
        let present = note.lines("Attendee").map(read_attendee).collect();
        let then = edits.apply(present, |a, b| same_party(&a.party, &b.party));
        note.set_each("Attendee", &then, attendee);
    }
    draft.incomplete.extend(fields.rest());
    Ok(draft)
}

/// Applies what e-mails and meetings have in common.
fn common(fields: &mut Fields, draft: &mut Draft) -> Result<()> {
    if let Some(change) = fields.value::<String>("subject")? {
        draft.note.title.1 = line(&change.into_option().unwrap_or_default());
    }
    let text = fields.value::<String>("text")?;
    let html = fields.value::<String>("html")?;
    if text.is_some() || html.is_some() {
        // A text that is cleared is not replaced by what the HTML says.
        let text = text.map(|it| it.into_option().unwrap_or_default());
        body(draft, text, html.and_then(Change::into_option));
    }
    if let Some(edits) = fields.list::<Ref>("about")? {
        let present = std::mem::take(&mut draft.about);
        draft.about = edits.apply(present, same_record);
    }
    Ok(())
}

/// Applies the edits of a field that is one line.
fn value<T: FromJson>(
    note: &mut Note,
    fields: &mut Fields,
    field: &str,
    name: &'static str,
    text: fn(T) -> String,
) -> Result<()> {
    if let Some(change) = fields.value::<T>(field)? {
        note.set(name, change.into_option().map(text));
    }
    Ok(())
}

fn sender(it: Party) -> String {
    party(&it)
}

/// An account and a contact are the same model, so a note does not say which of them it is on.
fn same_record(one: &Ref, other: &Ref) -> bool {
    let model = |it: &Ref| it.kind == "opportunity";
    one.id == other.id && model(one) == model(other)
}

fn same_party(one: &Party, other: &Party) -> bool {
    let address = |it: &Party| it.address.as_ref().map(|it| it.to_lowercase());
    match (address(one), address(other)) {
        (None, None) => one.name == other.name,
        (one, other) => one == other,
    }
}

fn read_party(text: &str) -> Party {
    let text = text.trim();
    if let Some((name, address)) = text.strip_suffix('>').and_then(|it| it.rsplit_once(" <")) {
        return Party {
            name: Some(name.to_owned()),
            ..Party::new(address)
        };
    }
    if text.contains('@') {
        return Party::new(text);
    }
    Party {
        name: Some(text.to_owned()),
        ..Party::default()
    }
}

fn read_attendee(text: &str) -> Attendee {
    let mut attendee = Attendee {
        party: Party::default(),
        response: None,
        role: None,
    };
    let marked = text.strip_suffix(')').and_then(|it| it.rsplit_once(" ("));
    let (mut party, marks) = marked.unwrap_or((text, ""));
    for mark in marks.split(", ") {
        let place = if RESPONSES.contains(&mark) {
            &mut attendee.response
        } else if ROLES.contains(&mark) {
            &mut attendee.role
        } else {
            // What stands in brackets belongs to the name.
            party = text;
            (attendee.response, attendee.role) = (None, None);
            break;
        };
        place.get_or_insert_with(|| mark.to_owned());
    }
    attendee.party = read_party(party);
    attendee
}
