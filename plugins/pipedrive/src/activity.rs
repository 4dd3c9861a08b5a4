//! E-mails and meetings, which are activities of two types; it makes no requests.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Attachment, Attendee, Direction, Moment, NewEmail, NewMeeting, Party, Ref, Result, Timestamp,
    settings, time,
};
use serde_json::Value;

use crate::note::{Log, Note, attending, escaped, is_known, is_same, named};
use crate::read::reference;
use crate::value;
use crate::write::Draft;

const MINUTE: i64 = 60_000;

/// Most characters of a subject.
const LONGEST: usize = 255;

/// An activity as it is now.
pub(crate) struct Present {
    note: Note,
    about: Vec<Ref>,
    start: Option<Moment>,
    /// Minutes.
    duration: Option<i64>,
}

/// What an activity is looked for by where nobody has marked it.
pub(crate) struct Sign {
    pub(crate) log: Log,
    pub(crate) key: String,
    subject: String,
    start: Moment,
}

impl Log {
    /// The type of such activities.
    fn kind(self) -> String {
        let (setting, default) = match self {
            Self::Email => ("email-type", "email"),
            Self::Meeting => ("meeting-type", "meeting"),
        };
        settings::get(setting).unwrap_or_else(|| default.to_owned())
    }
}

impl Sign {
    pub(crate) fn new(log: Log, key: String, subject: &str, start: Moment) -> Self {
        let subject = subject_of(subject);
        let start = to_minute(start);
        Self {
            log,
            key,
            subject,
            start,
        }
    }

    /// Whether it is this activity: by the mark, or by all else that there is if it has none.
    pub(crate) fn is_of(&self, it: Object<'_>) -> bool {
        let note = Note::parse(self.log, &it.get::<String>("note").unwrap_or_default());
        if !note.key.is_empty() {
            return note.key == self.key;
        }
        *it.value("type") == *self.log.kind()
            && *it.value("subject") == *self.subject
            && start(it).as_ref() == Some(&self.start)
    }
}

pub(crate) fn present(it: Object<'_>, log: Log) -> Present {
    let mut people: Vec<(bool, u64)> = it.each("participants", |it| {
        let primary: Option<bool> = it.get("primary");
        (primary != Some(true), it.need("person_id"))
    });
    people.sort_by_key(|it| it.0);
    let mut about = Vec::new();
    for (_, id) in people {
        about.push(Ref::contact(id.to_string()));
    }
    about.extend(reference(it, "org_id").map(|id| Ref::new("account", id)));
    about.extend(reference(it, "deal_id").map(|id| Ref::new("opportunity", id)));
    Present {
        note: Note::parse(log, &it.get::<String>("note").unwrap_or_default()),
        about,
        start: start(it),
        duration: it.value("duration").as_str().and_then(minutes),
    }
}

pub(crate) fn new_email(email: NewEmail) -> Result<Draft> {
    let log = Log::Email;
    let mut draft = Draft::default();
    let mut note = Note::new(log, &email.key.key);
    note.set("Files", &files(&email.attachments, &mut draft));
    // What is not given at all is not missing.
    let fields = Fields::from(NewEmail {
        attachments: Vec::new(),
        ..email
    });
    draft.body.set("done", true.into());
    // It is over, so it keeps nobody from being booked.
    draft.body.set("busy", false.into());
    email_fields(draft, note, fields, Vec::new())?.typed(log)
}

pub(crate) fn new_meeting(meeting: NewMeeting, now: Timestamp) -> Result<Draft> {
    let log = Log::Meeting;
    let note = Note::new(log, &meeting.key.key);
    let present = Present {
        note,
        about: Vec::new(),
        start: None,
        duration: None,
    };
    edit_meeting(Fields::from(meeting), present, now)?.typed(log)
}

pub(crate) fn edit_email(fields: Fields, present: Present) -> Result<Draft> {
    email_fields(Draft::default(), present.note, fields, present.about)
}

fn email_fields(
    mut draft: Draft,
    mut note: Note,
    mut fields: Fields,
    about: Vec<Ref>,
) -> Result<Draft> {
    let before = note.html().0;
    // Without a mark there are no lines of ours.
    if !note.key.is_empty() {
        for (field, line) in [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")] {
            if let Some(edits) = fields.list::<Party>(field)? {
                let then = edits.apply(note.parties(line), is_same);
                let unknown = then.iter().filter(|it| !is_known(it)).count();
                draft.leave_some(field, unknown);
                note.set(line, &named(&then));
            }
        }
        if let Some(change) = fields.value::<Party>("sender")? {
            note.set("From", &named(&Vec::from_iter(change.into_option())));
        }
        if let Some(change) = fields.value::<Direction>("direction")? {
            let word = match change {
                Change::Set(Direction::Incoming) => "incoming",
                Change::Set(Direction::Outgoing) => "outgoing",
                Change::Clear => "",
            };
            note.set("Direction", word);
        }
    }
    if let Some(Change::Set(sent)) = fields.value::<Timestamp>("sent-at")? {
        set_start(&mut draft.body, &Moment::At(sent));
    }
    let text = fields.value::<String>("text")?;
    let html = fields.value::<String>("html")?;
    set_text(&mut note, text, html);
    finish(draft, &note, &before, fields, about, &[])
}

pub(crate) fn edit_meeting(
    mut fields: Fields,
    present: Present,
    now: Timestamp,
) -> Result<Draft> {
    let Present { mut note, about, .. } = present;
    let before = note.html().0;
    let mut draft = Draft::default();
    let start = fields.value::<Moment>("start")?.and_then(Change::into_option);
    let end = fields.value::<Moment>("end")?.and_then(Change::into_option);
    let until = end_of(present.start.as_ref(), present.duration);
    let is_moved = start.is_some() || end.is_some();
    let (start, end) = (start.or(present.start), end.or(until));
    if let Some(start) = start.filter(|_| is_moved) {
        set_start(&mut draft.body, &start);
        set_duration(&mut draft, &start, end.as_ref());
    }
    let mut attending_now: Vec<Attendee> = Vec::new();
    if !note.key.is_empty() {
        if let Some(edits) = fields.list::<Attendee>("attendees")? {
            let same = |one: &Attendee, other: &Attendee| is_same(&one.party, &other.party);
            attending_now = edits.apply(note.attendees(), same);
            let unknown = attending_now.iter().filter(|it| !is_known(&it.party));
            draft.leave_some("attendees", unknown.count());
            note.set("Attendees", &attending(&attending_now));
        }
        if let Some(change) = fields.value::<Party>("organiser")? {
            note.set("Organiser", &named(&Vec::from_iter(change.into_option())));
        }
        if let Some(change) = fields.value::<String>("status")? {
            let status = change.into_option().filter(|it| it != "confirmed");
            note.set("Status", &status.unwrap_or_default());
        }
    }
    // What is over or will not take place is nothing to be done.
    let is_cancelled = note.line("Status") == Some("cancelled");
    let is_over = end.as_ref().is_some_and(|it| is_before(it, now));
    draft.body.set("done", (is_cancelled || is_over).into());
    if let Some(change) = fields.value::<String>("location")? {
        let place = change.into_option();
        let place = place.map(|it| Value::from(Body::new().with("value", it)));
        draft.body.set("location", place.into());
    }
    set_text(&mut note, fields.value::<String>("text")?, None);
    let mut people = Vec::new();
    for it in attending_now {
        people.extend(it.party.link.filter(|it| it.kind == "contact"));
    }
    finish(draft, &note, &before, fields, about, &people)
}

/// Takes what both types have in common, and names what is left.
fn finish(
    mut draft: Draft,
    note: &Note,
    before: &str,
    mut fields: Fields,
    about: Vec<Ref>,
    attending: &[Ref],
) -> Result<Draft> {
    if let Some(change) = fields.value::<String>("subject")? {
        let text = change.into_option().unwrap_or_default();
        let subject = subject_of(&text);
        if subject.len() < text.trim().len() {
            draft.leave("subject", format!("only {LONGEST} characters are kept"));
        }
        draft.body.set("subject", subject.into());
    }
    draft.owner(&mut fields)?;
    let edits = fields.list::<Ref>("about")?;
    if edits.is_some() || !attending.is_empty() {
        let about = match edits {
            Some(edits) => edits.apply(about, Ref::eq),
            None => about,
        };
        set_about(&mut draft, &about, attending)?;
    }
    let (html, is_whole) = note.html();
    if !is_whole {
        draft.leave("text", "only the beginning of a long text is kept");
    }
    if html != before {
        draft.body.set("note", html.into());
    }
    draft.incomplete.extend(fields.rest());
    Ok(draft)
}

impl Draft {
    /// Says of which type a new activity is.
    fn typed(mut self, log: Log) -> Result<Self> {
        self.body.set("type", log.kind().into());
        // A new one has nothing to be emptied.
        let body = Value::from(self.body).as_object().cloned();
        let mut body = body.unwrap_or_default();
        body.retain(|_, value| !value.is_null());
        self.body = body.into();
        Ok(self)
    }
}

/// Links an activity with its records: with any number of people, one organisation and one deal.
fn set_about(draft: &mut Draft, about: &[Ref], attending: &[Ref]) -> Result<()> {
    let mut people: Vec<u64> = Vec::new();
    let (mut organization, mut deal) = (None, None);
    let mut unlinked = 0;
    for it in about.iter().chain(attending) {
        let place = match it.kind.as_str() {
            "contact" => {
                let id = value::named("about", &it.id)?;
                if !people.contains(&id) {
                    people.push(id);
                }
                continue;
            }
            "account" => &mut organization,
            "opportunity" => &mut deal,
            _ => {
                unlinked += 1;
                continue;
            }
        };
        match place {
            Some(_) => unlinked += 1,
            None => *place = Some(value::named("about", &it.id)?),
        }
    }
    let mut participants: Vec<Value> = Vec::new();
    for (index, id) in people.into_iter().enumerate() {
        let person = Body::new().with("person_id", id);
        participants.push(person.with("primary", index == 0).into());
    }
    draft.body.set("participants", participants.into());
    draft.body.set("org_id", organization.into());
    draft.body.set("deal_id", deal.into());
    draft.leave_some("about", unlinked);
    Ok(())
}

/// The names of files, of which nothing else is kept.
fn files(attachments: &[Attachment], draft: &mut Draft) -> String {
    let with_content = attachments.iter().filter(|it| it.content.is_some());
    draft.leave_some("attachments", with_content.count());
    let names: Vec<&str> = attachments.iter().map(|it| it.name.as_str()).collect();
    names.join("; ")
}

/// Sets the text: HTML as it is, unless it is too long and there is plain text.
fn set_text(note: &mut Note, text: Option<Change<String>>, html: Option<Change<String>>) {
    let text = text.map(|it| it.map(|it| escaped(&it)));
    let is_long = |it: &Change<String>| matches!(it, Change::Set(it) if it.len() > crate::note::LONGEST);
    let html = html.filter(|it| !is_long(it) || text.is_none());
    if let Some(text) = html.or(text) {
        note.text = text.into_option().unwrap_or_default();
    }
}

fn subject_of(text: &str) -> String {
    let subject: String = text.trim().chars().take(LONGEST).collect();
    match subject.is_empty() {
        true => "(no subject)".to_owned(),
        false => subject,
    }
}

/// Sets when an activity begins: a day, and minutes in UTC unless it is all day.
fn set_start(body: &mut Body, start: &Moment) {
    match start {
        Moment::At(at) => {
            let text = time::local(*at, 0);
            body.set("due_date", text.get(..10).into());
            body.set("due_time", text.get(11..16).into());
        }
        Moment::On(day) => {
            body.set("due_date", day.as_str().into());
            body.set("due_time", Value::Null);
        }
    }
}

fn set_duration(draft: &mut Draft, start: &Moment, end: Option<&Moment>) {
    const MOST: i64 = 100 * 60;
    let duration = match (start, end) {
        (Moment::At(start), Some(Moment::At(end))) => (end - start).div_euclid(MINUTE),
        _ => 0,
    };
    let is_day = |day: &Moment| matches!(day, Moment::On(_)) && day == start;
    let fits = duration < MOST && (0 < duration || end.is_none_or(|it| is_day(it) || it == start));
    if !fits {
        draft.leave("end", "Pipedrive keeps a duration of less than 100 hours, or one whole day");
    }
    let text = (fits && 0 < duration).then(|| format!("{:02}:{:02}", duration / 60, duration % 60));
    draft.body.set("duration", text.into());
}

/// When an activity begins: whole minutes, whatever was written.
fn start(it: Object<'_>) -> Option<Moment> {
    let day = it.value("due_date").as_str()?;
    match it.value("due_time").as_str().and_then(minutes) {
        Some(minutes) => {
            let midnight = time::parse_local(&format!("{day} 00:00:00"), 0).ok()?;
            Some(Moment::At(midnight + minutes * MINUTE))
        }
        None => Some(Moment::On(day.to_owned())),
    }
}

fn end_of(start: Option<&Moment>, duration: Option<i64>) -> Option<Moment> {
    match start? {
        Moment::At(start) => Some(Moment::At(start + duration? * MINUTE)),
        Moment::On(day) => Some(Moment::On(day.clone())),
    }
}

fn to_minute(moment: Moment) -> Moment {
    match moment {
        Moment::At(at) => Moment::At(at.div_euclid(MINUTE) * MINUTE),
        day @ Moment::On(_) => day,
    }
}

fn is_before(moment: &Moment, now: Timestamp) -> bool {
    match moment {
        Moment::At(at) => *at <= now,
        Moment::On(day) => day.as_str() < time::local(now, 0).get(..10).unwrap_or_default(),
    }
}

/// Reads `15:00`, which Pipedrive answers as `15:00:00`.
fn minutes(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    Some(hours * 60 + minutes)
}
