//! E-mails and meetings, which are activities of two types: how they are written, and how they are found again.

use std::cell::RefCell;

use brightsync_sdk::http::Request;
use brightsync_sdk::json::{Body, FromJson, Object};
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Attachment, Attendee, Error, Id, Moment, OrFind, Party, Ref, Result, Timestamp, Written,
    settings, time,
};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{ACTIVITIES, LARGEST_PAGE, rows, to_the_end};
use crate::due::{self, set_duration, set_start, to_minute};
use crate::mine::seconds;
use crate::note::{self, LONGEST, Note, escaped};
use crate::read::{is_deleted, reference, written};
use crate::value::{known, named, number};
use crate::write::Draft;

/// How far the clock of a sender may be ahead, in milliseconds.
const AHEAD: i64 = 7 * 24 * 3_600 * 1_000;

/// What an activity stands for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Log {
    Email,
    Meeting,
}

/// By what an activity is found.
pub(crate) struct Sign {
    pub(crate) log: Log,
    pub(crate) key: String,
    pub(crate) subject: String,
    pub(crate) start: Moment,
    pub(crate) about: Vec<Ref>,
}

/// An activity as it is now.
#[derive(Default)]
struct Present {
    note: Note,
    about: Vec<Ref>,
    start: Option<Moment>,
    end: Option<Moment>,
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

    fn mark(self) -> &'static str {
        match self {
            Self::Email => "BrightSync e-mail: ",
            Self::Meeting => "BrightSync meeting: ",
        }
    }
}

impl Sign {
    /// Whether it is this activity: by the mark, or by all else that there is if it has none.
    fn is_of(&self, it: Object<'_>) -> bool {
        let present = Present::read(it, self.log);
        if !present.note.key.is_empty() {
            return present.note.key == self.key;
        }
        *it.value("type") == *self.log.kind()
            && *it.value("subject") == *subject(&self.subject)
            && present.start == Some(to_minute(&self.start))
    }
}

impl Present {
    fn read(it: Object<'_>, log: Log) -> Self {
        let mut about = it.each("participants", |it| {
            let primary = it.get::<bool>("primary").unwrap_or_default();
            (!primary, reference(it, "person_id").map(Ref::contact))
        });
        about.sort_by_key(|it| it.0);
        let mut about: Vec<Ref> = about.into_iter().filter_map(|it| it.1).collect();
        for (kind, member) in [("account", "org_id"), ("opportunity", "deal_id")] {
            about.extend(reference(it, member).map(|id| Ref::new(kind, id)));
        }
        let text = |name: &str| it.value(name).as_str();
        let (start, end) = due::read(it);
        Self {
            note: Note::parse(log.mark(), text("note").unwrap_or_default()),
            about,
            start,
            end,
        }
    }
}

impl Pipedrive {
    pub(crate) fn log(&self, sign: &Sign, fields: Fields, files: &[Attachment]) -> Result<Written> {
        if !note::is_key(&sign.key) {
            return Err(Error::invalid("key", "it is no key of the host"));
        }
        let mut present = Present::default();
        present.note.key.clone_from(&sign.key);
        let names: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
        present.note.set("Files", &names.join("; "));
        let mut draft = edit(sign.log, fields, present)?;
        let contents = files.iter().filter(|it| it.content.is_some()).count();
        draft.leave_some("attachments", contents);
        draft.body.set("type", sign.log.kind().into());
        // What is over keeps nobody from being booked.
        let busy = (sign.log == Log::Email).then_some(false);
        draft.body.set("busy", busy.into());
        let created = self.api.create(ACTIVITIES, &draft.filled()).send();
        let created = created.and_then(|it| it.read(|it| written(it, |_| None)));
        let created = created.or_find(|| {
            let found = self.logged(sign)?.into_iter().next();
            Ok(found.map(Written::new))
        });
        draft.done(created?)
    }

    /// Finds an activity among those of the records that it is about: Pipedrive does not search activities.
    pub(crate) fn logged(&self, sign: &Sign) -> Result<Vec<Id>> {
        const MOST: usize = 100;
        let list = self.api.list(ACTIVITIES).query("sort_by", "id");
        let mut list = list.query("limit", LARGEST_PAGE);
        // An e-mail is logged after it was sent, which says nothing of a meeting.
        if let (Log::Email, Moment::At(sent)) = (sign.log, &sign.start)
            && *sent <= time::now()
        {
            list = list.query("updated_since", seconds(sent.saturating_sub(AHEAD)));
        }
        let mut lists: Vec<_> = sign.about.iter().filter_map(|it| of(&list, it)).collect();
        if lists.is_empty() {
            lists.push(list);
        }
        let mut found: Vec<Id> = Vec::new();
        for row in to_the_end(lists, rows)? {
            let id = Object::read(&row, |it| {
                let is_it = !is_deleted(it) && sign.is_of(it);
                Ok(is_it.then(|| it.id("id")))
            })?;
            found.extend(id.filter(|id| !found.contains(id)));
        }
        found.truncate(MOST);
        Ok(found)
    }

    pub(crate) fn relog(&self, log: Log, id: &str, fields: Fields) -> Result<Written> {
        let number = known(id)?;
        let now = self.api.read(ACTIVITIES, number).send()?;
        let present = self.live(&now, id, |it| Present::read(it, log))?;
        let draft = edit(log, fields, present)?;
        let answer = match draft.body.is_empty() {
            true => now,
            false => self.api.change(ACTIVITIES, number, &draft.body).send()?,
        };
        draft.done(answer.read(|it| written(it, |_| None))?)
    }
}

/// Narrows a list down to the activities of one record; of a person, those in which it is the main one.
fn of(list: &Request, about: &Ref) -> Option<Request> {
    let name = match about.kind.as_str() {
        "contact" => "person_id",
        "account" => "org_id",
        "opportunity" => "deal_id",
        _ => return None,
    };
    Some(list.clone().query(name, number(&about.id)?))
}

/// Maps the edits of an activity, or the fields of a new one.
fn edit(log: Log, mut fields: Fields, present: Present) -> Result<Draft> {
    let Present {
        mut note,
        about,
        start,
        end,
    } = present;
    let mut draft = Draft::default();
    let before = (note.html(log.mark()).0, note.line("Status").to_owned());
    let attending = match note.key.is_empty() {
        // Without a mark there are no lines of ours.
        true => Vec::new(),
        false => edit_lines(&mut note, &mut fields)?,
    };
    let sent = fields
        .value::<Timestamp>("sent-at")?
        .map(|it| it.map(Moment::At));
    let begins = fields.value::<Moment>("start")?.or(sent);
    let ends = fields.value::<Moment>("end")?;
    let is_new = start.is_none();
    let is_moved = begins.is_some() || ends.is_some();
    let start = begins.map_or(start, Change::into_option);
    let end = ends.map_or(end, Change::into_option);
    if let Some(start) = start.as_ref().filter(|_| is_moved) {
        set_start(&mut draft.body, start);
        if log == Log::Meeting {
            set_duration(&mut draft, start, end.as_ref());
        }
    }
    // What is over or does not take place is nothing to be done.
    let now = time::local(time::now(), 0);
    let is_over = end.is_some_and(|it| match it {
        Moment::At(at) => time::local(at, 0) <= now,
        Moment::On(day) => !now.starts_with(&day) && day < now,
    });
    let status = note.line("Status");
    if is_new || log == Log::Meeting && (is_moved || status != before.1) {
        let is_done = log == Log::Email || is_over || status == "cancelled";
        draft.body.set("done", is_done.into());
    }
    if let Some(change) = fields.value::<String>("subject")? {
        let text = change.into_option().unwrap_or_default();
        draft.leave_some(
            "subject",
            usize::from(subject(&text).len() < text.trim().len()),
        );
        draft.body.set("subject", subject(&text).into());
    }
    if let Some(change) = fields.value::<String>("location")? {
        let place = change.map(|it| Value::from(Body::new().with("value", it)));
        draft.body.set("location", place.into());
    }
    draft.owner(&mut fields)?;
    let edits = fields.list::<Ref>("about")?;
    if edits.is_some() || !attending.is_empty() {
        let about = match edits {
            Some(edits) => edits.apply(about, Ref::eq),
            None => about,
        };
        set_about(&mut draft, &[about, attending].concat())?;
    }
    let text = fields
        .value::<String>("text")?
        .map(|it| it.map(|it| escaped(&it)));
    let html = fields.value::<String>("html")?;
    let html =
        html.filter(|it| text.is_none() || !matches!(it, Change::Set(it) if LONGEST < it.len()));
    if let Some(text) = html.or(text) {
        note.text = text.into_option().unwrap_or_default();
    }
    let (html, is_whole) = note.html(log.mark());
    draft.leave_some("text", usize::from(!is_whole));
    if html != before.0 {
        draft.body.set("note", html.into());
    }
    draft.incomplete.extend(fields.rest());
    Ok(draft)
}

/// Edits the lines above the text, and answers which people of Pipedrive attend by that.
fn edit_lines(note: &mut Note, fields: &mut Fields) -> Result<Vec<Ref>> {
    for (field, line) in [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")] {
        edit_people(note, fields, (field, line), note::person)?;
    }
    let linked = RefCell::new(Vec::new());
    edit_people(note, fields, ("attendees", "Attendees"), |it: Attendee| {
        let link = it.party.link.clone().filter(|it| it.kind == "contact");
        let who = note::attendee(it)?;
        let link = link.map(|link| (note::address(&who), link));
        linked.borrow_mut().extend(link);
        Some(who)
    })?;
    for (field, line) in [("sender", "From"), ("organiser", "Organiser")] {
        let change = fields.value_as::<Party, String>(field, note::person)?;
        set_line(note, line, change);
    }
    for (field, line) in [("direction", "Direction"), ("status", "Status")] {
        let change = fields.value_as::<String, String>(field, Some)?;
        set_line(note, line, change);
    }
    let there: Vec<String> = note
        .line("Attendees")
        .split("; ")
        .map(note::address)
        .collect();
    let linked = linked.into_inner().into_iter();
    let linked = linked.filter(|(who, _)| there.contains(who));
    Ok(linked.map(|it| it.1).collect())
}

/// Edits the people in a line.
fn edit_people<T: FromJson>(
    note: &mut Note,
    fields: &mut Fields,
    (field, line): (&str, &'static str),
    map: impl Fn(T) -> Option<String>,
) -> Result<()> {
    if let Some(edits) = fields.list_as::<T, String>(field, map)? {
        let now = note.line(line).split("; ").filter(|it| !it.is_empty());
        let now: Vec<Value> = now.map(Value::from).collect();
        let of = |it: &Value| note::address(it.as_str().unwrap_or_default());
        let then = edits.apply(now, |one, other| of(one) == of(other));
        let then: Vec<&str> = then.iter().filter_map(Value::as_str).collect();
        note.set(line, &then.join("; "));
    }
    Ok(())
}

fn set_line(note: &mut Note, line: &'static str, change: Option<Change<Value>>) {
    if let Some(change) = change {
        let value = change.into_option().unwrap_or_default();
        note.set(line, value.as_str().unwrap_or_default());
    }
}

/// Links an activity with its records: any number of people, one organisation and one deal.
fn set_about(draft: &mut Draft, about: &[Ref]) -> Result<()> {
    let mut people: Vec<u64> = Vec::new();
    for it in about.iter().filter(|it| it.kind == "contact") {
        let id = named("about", &it.id)?;
        if !people.contains(&id) {
            people.push(id);
        }
    }
    let participant = |(index, id)| {
        let person = Body::new().with("person_id", id);
        Value::from(person.with("primary", index == 0))
    };
    let people: Vec<Value> = people.into_iter().enumerate().map(participant).collect();
    draft.body.set("participants", people.into());
    let mut linked = 0;
    for (kind, member) in [("account", "org_id"), ("opportunity", "deal_id")] {
        let first = about.iter().find(|it| it.kind == kind);
        let id = first.map(|it| named("about", &it.id)).transpose()?;
        linked += usize::from(id.is_some());
        draft.body.set(member, id.into());
    }
    let others = about.iter().filter(|it| it.kind != "contact").count();
    draft.leave_some("about", others - linked);
    Ok(())
}

fn subject(text: &str) -> String {
    const LONGEST: usize = 255;
    let subject: String = text.trim().chars().take(LONGEST).collect();
    match subject.is_empty() {
        true => "(no subject)".to_owned(),
        false => subject,
    }
}
