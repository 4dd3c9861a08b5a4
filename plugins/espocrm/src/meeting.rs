//! Logged meetings in EspoCRM's words.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Attendee, InvalidField, MeetingKey, Moment, NewMeeting, Party, Ref, Result, Timestamp, time,
};
use serde_json::Value;

use crate::api::is;
use crate::map::{Draft, column, instant, kept, owned, parent, seconds, subject, texts, unlinked};

/// Who can attend: the kind of record, the list of ids, and the list of their answers.
const ATTENDING: [(&str, &str, &str); 3] = [
    ("contact", "contactsIds", "contactsColumns"),
    ("lead", "leadsIds", "leadsColumns"),
    ("user", "usersIds", "usersColumns"),
];

const RESPONSES: [(&str, &str); 4] = [
    ("accepted", "Accepted"),
    ("tentative", "Tentative"),
    ("declined", "Declined"),
    ("needs-action", "None"),
];

/// The place stands at the head of the description, since a meeting has no field for it.
const PLACE: &str = "Location: ";

/// What a patch of a meeting needs of the meeting as it is.
pub(crate) struct Present {
    end: Option<Moment>,
    description: String,
    attendees: Vec<Attendee>,
    about: Vec<Ref>,
}

pub(crate) fn present(it: Object<'_>) -> Present {
    let day = owned(it, "dateEndDate").map(Moment::On);
    Present {
        end: day.or_else(|| instant(it, "dateEnd").map(Moment::At)),
        description: owned(it, "description").unwrap_or_default(),
        attendees: attendees(it),
        about: Vec::from_iter(parent(it)),
    }
}

/// A meeting to be logged for a user.
pub(crate) fn new(
    meeting: &NewMeeting,
    user: &str,
    key_field: Option<&str>,
    now: Timestamp,
) -> Result<Draft> {
    let key = &meeting.key;
    let mut draft = Draft::new(&meeting.extra)?;
    let description = describe(meeting.location.as_deref(), meeting.text.as_deref());
    let status = status(&meeting.status, over(&meeting.end, now));
    draft.body = (draft.body.with("status", status))
        .with("description", description)
        .with("assignedUserId", user);
    set_subject(&mut draft, &key.subject);
    set_moment(&mut draft.body, "dateStart", &key.start);
    set_moment(&mut draft.body, "dateEnd", &meeting.end);
    if let Some(field) = key_field {
        draft.body.set(field, key.key.as_str().into());
    }
    draft.set_about(key.about.clone());
    set_attendees(&mut draft, &all_attendees(meeting));
    Ok(draft)
}

/// The condition that a logged meeting meets: EspoCRM makes up calendar ids of its own.
pub(crate) fn found(key: &MeetingKey, key_field: Option<&str>) -> Value {
    let start = match &key.start {
        Moment::At(at) => is("equals", "dateStart", seconds(*at)),
        Moment::On(day) => is("equals", "dateStartDate", day.as_str()),
    };
    let name = is("equals", "name", subject(&key.subject, true));
    kept(&key.key, key_field, None, vec![name, start])
}

pub(crate) fn changes(mut fields: Fields, present: Present, now: Timestamp) -> Result<Draft> {
    let mut draft = Draft::default();
    if let Some(change) = fields.value::<String>("subject")? {
        let name = change.into_option().unwrap_or_default();
        set_subject(&mut draft, &name);
    }
    let mut end = present.end;
    for (field, attribute) in [("start", "dateStart"), ("end", "dateEnd")] {
        if let Some(Change::Set(moment)) = fields.value::<Moment>(field)? {
            set_moment(&mut draft.body, attribute, &moment);
            end = if field == "end" { Some(moment) } else { end };
        }
    }
    if let Some(change) = fields.value::<String>("status")? {
        let over = end.is_some_and(|it| over(&it, now));
        let word = change.into_option().unwrap_or_default();
        draft.body.set("status", status(&word, over).into());
    }
    let (place, words) = parts(&present.description);
    let new_place = fields.value::<String>("location")?;
    let new_words = fields.value::<String>("text")?;
    if new_place.is_some() || new_words.is_some() {
        let place = new_place.map_or(place.map(str::to_owned), Change::into_option);
        let words = new_words.map_or(Some(words.to_owned()), Change::into_option);
        let description = describe(place.as_deref(), words.as_deref());
        draft.body.set("description", description.into());
    }
    draft.copy(&mut fields, &[("owner", "assignedUserId")])?;
    if let Some(edits) = fields.list::<Attendee>("attendees")? {
        let same = |one: &Attendee, other: &Attendee| one.party.link == other.party.link;
        let then = edits.apply(present.attendees, same);
        set_attendees(&mut draft, &then);
    }
    if let Some(edits) = fields.list::<Ref>("about")? {
        draft.set_about(edits.apply(present.about, Ref::eq));
    }
    draft.finish(fields)
}

/// Names what is not linked; those who attend are.
pub(crate) fn lost(it: Object<'_>, draft: &Draft) -> Vec<InvalidField> {
    let links = attendees(it).into_iter().filter_map(|it| it.party.link);
    unlinked(it, &draft.about, &Vec::from_iter(links))
}

/// Those who attend: who invited attends too, if it is somebody that EspoCRM knows, and people that it is about also do.
fn all_attendees(meeting: &NewMeeting) -> Vec<Attendee> {
    let mut all = meeting.attendees.clone();
    let people = meeting.key.about.iter();
    let people = people.filter(|it| matches!(it.kind.as_str(), "contact" | "lead"));
    for link in meeting.organiser.link.iter().chain(people) {
        // Compared with the attendees of the caller only: each record is written once all the same.
        if !meeting
            .attendees
            .iter()
            .any(|it| it.party.link.as_ref() == Some(link))
        {
            all.push(attendee(link.clone(), None));
        }
    }
    all
}

fn attendee(link: Ref, response: Option<String>) -> Attendee {
    Attendee {
        party: Party {
            link: Some(link),
            ..Party::default()
        },
        response,
        role: None,
    }
}

fn attendees(it: Object<'_>) -> Vec<Attendee> {
    let mut all = Vec::new();
    for (kind, ids, columns) in ATTENDING {
        for id in texts(it, ids) {
            let said = column(it, columns, &id, "status");
            let response = RESPONSES.iter().find(|it| Some(it.1) == said);
            let response = response.map(|it| it.0.to_owned());
            all.push(attendee(Ref::new(kind, id), response));
        }
    }
    all
}

fn set_attendees(draft: &mut Draft, attendees: &[Attendee]) {
    for (kind, ids, columns) in ATTENDING {
        let mut attending: Vec<&str> = Vec::new();
        let mut answers = Body::new();
        for it in attendees {
            let Some(link) = it.party.link.as_ref().filter(|it| it.kind == kind) else {
                continue;
            };
            let id = link.id.as_str();
            if let Err(place) = attending.binary_search(&id) {
                attending.insert(place, id);
            }
            let said = RESPONSES
                .iter()
                .find(|known| it.response.as_deref() == Some(known.0));
            if let Some((_, said)) = said {
                answers.set(id, Body::new().with("status", *said).into());
            }
        }
        // Leads are left alone where there are none: a site may have switched them off.
        if attending.is_empty() && kind == "lead" {
            continue;
        }
        draft.body.set(columns, answers.into());
        draft.body.set(ids, attending.into());
    }
    for Party {
        link,
        address,
        name,
        ..
    } in attendees.iter().map(|it| &it.party)
    {
        let known = |it: &Ref| ATTENDING.iter().any(|known| known.0 == it.kind);
        if !link.as_ref().is_some_and(known) {
            let who = address.as_deref().or(name.as_deref()).unwrap_or("somebody");
            let reason =
                format!("{who} is no record of EspoCRM, and only records attend its meetings");
            draft.leave("attendees", reason);
        }
    }
}

fn set_subject(draft: &mut Draft, text: &str) {
    let name = subject(text, true);
    if name != text.trim() {
        let reason = format!("EspoCRM takes no <, > and = and 255 characters, so it is {name:?}");
        draft.leave("subject", reason);
    }
    draft.body.set("name", name.into());
}

/// Of an instant and a day only one is set, and the other is emptied.
fn set_moment(body: &mut Body, attribute: &str, moment: &Moment) {
    let (instant, day) = match moment {
        Moment::At(at) => (Some(seconds(*at)), None),
        Moment::On(day) => (None, Some(day.as_str())),
    };
    body.set(attribute, instant.into());
    body.set(&format!("{attribute}Date"), day.into());
}

fn over(end: &Moment, now: Timestamp) -> bool {
    match end {
        Moment::At(at) => *at <= now,
        Moment::On(day) => day.as_str() < time::local(now, 0).get(..10).unwrap_or_default(),
    }
}

fn status(status: &str, over: bool) -> &'static str {
    match (status, over) {
        ("cancelled", _) => "Not Held",
        (_, true) => "Held",
        (_, false) => "Planned",
    }
}

/// The place and the text, with an empty line between them.
fn describe(place: Option<&str>, words: Option<&str>) -> String {
    let mut description = String::new();
    if let Some(place) = place.filter(|it| !it.is_empty()) {
        description = format!("{PLACE}{}", place.replace('\n', ", "));
    }
    if let Some(words) = words.filter(|it| !it.is_empty()) {
        if !description.is_empty() {
            description.push_str("\n\n");
        }
        description.push_str(words);
    }
    description
}

fn parts(description: &str) -> (Option<&str>, &str) {
    match description.strip_prefix(PLACE) {
        None => (None, description),
        Some(rest) => {
            let (place, words) = rest.split_once("\n\n").unwrap_or((rest, ""));
            (Some(place), words)
        }
    }
}
