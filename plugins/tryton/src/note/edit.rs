//! Patches of e-mails and meetings, applied to the notes that stand for them.

use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{Attendee, Direction, Moment, Party, Patch, Ref, Result, Timestamp, time};

use super::{Draft, Note, attendee, body, email_title, line, party};

const RESPONSES: &[&str] = &["accepted", "declined", "tentative", "needs-action"];
const ROLES: &[&str] = &["required", "optional", "chair", "resource"];

/// Applies the patch of an e-mail to its note, which is on these records.
pub(crate) fn email(patch: &Patch, note: Note, about: Vec<Ref>) -> Result<Draft> {
    let mut fields = Fields::of(patch)?;
    let mut draft = Draft::new(note, about);
    common(&mut fields, &mut draft)?;
    if let Some(Change::Set(direction)) = fields.value::<Direction>("direction")? {
        email_title(direction).clone_into(&mut draft.note.title.0);
    }
    if let Some(change) = fields.value::<Party>("sender")? {
        let sender = change.into_option();
        draft.note.set("From", sender.as_ref().map(party));
    }
    if let Some(Change::Set(sent)) = fields.value::<Timestamp>("sent-at")? {
        draft.note.set("Date", [time::rfc3339(sent)]);
    }
    if let Some(change) = fields.value::<String>("thread")? {
        let thread = change.into_option().map(|it| format!("<{it}>"));
        draft.note.set("Thread", thread);
    }
    for (field, name) in [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")] {
        if let Some(edits) = fields.list::<Party>(field)? {
            let present = draft.note.lines.get(name).into_iter().flatten();
            let present = present.map(|it| read_party(it)).collect();
            let then = edits.apply(present, same_party);
            draft.note.set(name, then.iter().map(party));
        }
    }
    finish(fields, draft)
}

/// Applies the patch of a meeting to its note, which is on these records.
pub(crate) fn meeting(patch: &Patch, note: Note, about: Vec<Ref>) -> Result<Draft> {
    let mut fields = Fields::of(patch)?;
    let mut draft = Draft::new(note, about);
    common(&mut fields, &mut draft)?;
    for (field, name) in [("start", "Start"), ("end", "End")] {
        if let Some(Change::Set(moment)) = fields.value::<Moment>(field)? {
            draft.note.set(name, [time::moment(&moment)]);
        }
    }
    for (field, name) in [
        ("timezone", "Time zone"),
        ("status", "Status"),
        ("location", "Location"),
    ] {
        if let Some(change) = fields.value::<String>(field)? {
            draft.note.set(name, change.into_option());
        }
    }
    if let Some(change) = fields.value::<Party>("organiser")? {
        let organiser = change.into_option();
        draft.note.set("Organiser", organiser.as_ref().map(party));
    }
    if let Some(edits) = fields.list::<Attendee>("attendees")? {
        let present = draft.note.lines.get("Attendee").into_iter().flatten();
        let present = present.map(|it| read_attendee(it)).collect();
        let then = edits.apply(present, |a, b| same_party(&a.party, &b.party));
        draft.note.set("Attendee", then.iter().map(attendee));
    }
    finish(fields, draft)
}

/// Applies what e-mails and meetings have in common.
fn common(fields: &mut Fields, draft: &mut Draft) -> Result<()> {
    if let Some(change) = fields.value::<String>("subject")? {
        draft.note.title.1 = line(&change.into_option().unwrap_or_default());
    }
    let text = fields.value::<String>("text")?;
    let html = fields.value::<String>("html")?;
    match (text, html) {
        (None, None) => {}
        (Some(text), html) => {
            let html = html.and_then(Change::into_option);
            body(draft, Some(text.into_option().unwrap_or_default()), html);
        }
        (None, Some(html)) => {
            let html = html.into_option();
            body(draft, None, html);
        }
    }
    if let Some(edits) = fields.list::<Ref>("about")? {
        let present = std::mem::take(&mut draft.about);
        draft.about = edits.apply(present, same_record);
    }
    Ok(())
}

fn finish(fields: Fields, mut draft: Draft) -> Result<Draft> {
    draft.incomplete.extend(fields.rest());
    Ok(draft)
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
    let marked = text
        .strip_suffix(')')
        .and_then(|it| it.rsplit_once(" ("))
        .map(|(party, marks)| (party, marks.split(", ").collect::<Vec<_>>()))
        .filter(|(_, marks)| {
            marks
                .iter()
                .all(|it| RESPONSES.contains(it) || ROLES.contains(it))
        });
    let (party, marks) = marked.unwrap_or((text, Vec::new()));
    let mark = |among: &[&str]| {
        marks
            .iter()
            .find(|it| among.contains(it))
            .map(|it| (*it).to_owned())
    };
    Attendee {
        party: read_party(party),
        response: mark(RESPONSES),
        role: mark(ROLES),
    }
}
