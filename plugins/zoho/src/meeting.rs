//! Logged meetings: Zoho's events.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Attendee, Error, Id, InvalidField, MeetingKey, Moment, NewMeeting, Page, PageRequest, Party,
    Patch, Reason, Ref, Result, Timestamp, settings, time,
};

use crate::api::{Api, Done};
use crate::coql::{Condition, Query};
use crate::list;
use crate::map::{Draft, is_id, lookup, stamp, subject, text};

const EVENTS: &str = "Events";
/// The longest title.
const TITLE: usize = 255;
const HOUR: i64 = 3_600_000;

/// Who takes part: the contract's kind of record, which Zoho calls the same.
const PEOPLE: [&str; 3] = ["contact", "user", "lead"];
/// What a meeting belongs to, the best first: the contract's kind of record, and Zoho's module.
const PARENTS: [(&str, &str); 3] = [
    ("opportunity", "Deals"),
    ("account", "Accounts"),
    ("lead", "Leads"),
];

/// What a patch needs of a meeting as it is.
#[derive(Default)]
pub(crate) struct Present {
    attendees: Vec<Attendee>,
    about: Vec<Ref>,
}

/// The field of the organisation's own that keeps the host's key, if there is one.
fn key_field() -> Option<String> {
    settings::get("key-field")
}

pub(crate) fn create(api: &Api, meeting: NewMeeting) -> Result<(Done, Vec<InvalidField>)> {
    let mut draft = Draft::default();
    if let Some(field) = key_field() {
        draft.body.set(&field, meeting.key.key.as_str().into());
    }
    // Nobody is invited.
    draft.body.set("$send_notification", false.into());
    let organiser = meeting.organiser.clone();
    let mut fields = Fields::from(meeting);
    // The organiser is the host of the meeting, or takes part like others.
    let host = organiser.link.as_ref().filter(|it| it.kind == "user");
    let mut present = Present::default();
    match host {
        Some(user) => draft.body.set("Owner", lookup(&user.id).into()),
        None => present.attendees.push(attendee(organiser)),
    }
    fields.value::<Party>("organiser")?;
    // What a new meeting has is the whole list, the organiser besides.
    let attendees = fields.list::<Attendee>("attendees")?;
    let listed = attendees
        .map(|it| it.apply(Vec::new(), same))
        .unwrap_or_default();
    for it in listed {
        if !present.attendees.iter().any(|other| same(other, &it)) {
            present.attendees.push(it);
        }
    }
    let about = fields.list::<Ref>("about")?;
    present.about = about
        .map(|it| it.apply(Vec::new(), Ref::eq))
        .unwrap_or_default();
    put_people(&mut draft, present);
    let (draft, cancel) = write(fields, draft)?;
    let done = api.create(EVENTS, draft.body)?;
    let mut incomplete = draft.incomplete;
    incomplete.extend(cancel.and_then(|cancel| cancelled(api, &done.id, cancel)));
    Ok((done, incomplete))
}

pub(crate) fn update(api: &Api, id: &str, patch: &Patch) -> Result<(Done, Vec<InvalidField>)> {
    let mut fields = Fields::from(patch);
    let mut draft = Draft {
        exists: true,
        ..Draft::default()
    };
    let attendees = fields.list::<Attendee>("attendees")?;
    let about = fields.list::<Ref>("about")?;
    if attendees.is_some() || about.is_some() {
        let mut now = api.record([EVENTS, id], |it| Ok(present(it)))?;
        if let Some(edits) = attendees {
            now.attendees = edits.apply(now.attendees, same);
        }
        if let Some(edits) = about {
            now.about = edits.apply(now.about, Ref::eq);
        }
        put_people(&mut draft, now);
    }
    let (draft, cancel) = write(fields, draft)?;
    let version = patch.if_version.as_deref();
    let done = match draft.body.is_empty() {
        false => api.change(EVENTS, id, draft.body, version)?,
        true => unchanged(api, EVENTS, id, version)?,
    };
    let mut incomplete = draft.incomplete;
    incomplete.extend(cancel.and_then(|cancel| cancelled(api, id, cancel)));
    Ok((done, incomplete))
}

/// Reads a record of which nothing is to be written.
pub(crate) fn unchanged(api: &Api, module: &str, id: &str, version: Option<&str>) -> Result<Done> {
    let done = api.record([module, id], |it| {
        Ok(Done {
            id: it.id("id"),
            modified_at: it.time("Modified_Time"),
        })
    })?;
    let wanted = version.map(crate::api::modified).transpose()?;
    if wanted.is_some_and(|it| done.modified_at > Some(it)) {
        return Err(Error::stale(
            "the record was modified after this version of it",
        ));
    }
    Ok(done)
}

/// Takes the fields of a meeting, and whether it is called off.
fn write(mut fields: Fields, mut draft: Draft) -> Result<(Draft, Option<bool>)> {
    if let Some(change) = fields.value::<String>("subject")? {
        let title = change.into_option().unwrap_or_default();
        let (title, is_cut) = subject(&title, TITLE);
        draft.body.set("Event_Title", title.into());
        if is_cut {
            draft.leave("subject", format!("Zoho keeps {TITLE} characters of it"));
        }
    }
    for (field, theirs) in [("start", "Start_DateTime"), ("end", "End_DateTime")] {
        if let Some(moment) = fields
            .value::<Moment>(field)?
            .and_then(|it| it.into_option())
        {
            draft
                .body
                .set(theirs, written(&moment, field == "end")?.into());
            draft
                .body
                .set("All_day", matches!(moment, Moment::On(_)).into());
        }
    }
    draft.texts(
        &mut fields,
        &[("location", "Venue"), ("text", "Description")],
    )?;
    draft.owner(&mut fields)?;
    let status = fields
        .value::<String>("status")?
        .and_then(|it| it.into_option());
    let cancel = match status.as_deref() {
        Some("tentative") => {
            draft.leave("status", "Zoho's meetings are planned or cancelled");
            None
        }
        status => status.map(|it| it == "cancelled"),
    };
    Ok((draft.finish(fields)?, cancel))
}

/// Calls a meeting off without telling anybody, and says if Zoho does not: it wants somebody to take part, and an end that is still to come.
fn cancelled(api: &Api, id: &str, cancel: bool) -> Option<InvalidField> {
    if !cancel {
        return None;
    }
    let quietly = Body::new().with("send_cancelling_mail", false);
    let body = Body::new().with("data", vec![quietly]);
    let answer = api.act(EVENTS, id, "cancel", &body).send();
    let error = answer.and_then(|it| crate::api::done(&it)).err()?;
    let is_so = matches!(error.reason, Reason::Invalid(_)) && error.message.contains("already");
    (!is_so).then(|| InvalidField::new("status", error.message))
}

/// Writes when a meeting begins or ends. A whole day is given by an hour of it that is on the same day from Honolulu to Auckland, since Zoho takes it by the clock of the user.
fn written(moment: &Moment, is_end: bool) -> Result<String> {
    match moment {
        Moment::At(at) => Ok(stamp(*at)),
        Moment::On(day) => Ok(stamp(noon(day)? + if is_end { HOUR } else { 0 })),
    }
}

fn noon(day: &str) -> Result<Timestamp> {
    let midnight = time::parse(&format!("{day}T00:00:00Z"));
    let midnight = midnight.map_err(|it| Error::invalid("start", it.message))?;
    Ok(midnight + 10 * HOUR)
}

/// Finds a meeting by the host's key, where the organisation has a field for it, else by title and start.
pub(crate) fn find(api: &Api, key: &MeetingKey) -> Result<Vec<Id>> {
    let start = match &key.start {
        Moment::At(at) => Condition::at("Start_DateTime", time::floor_to_second(*at)),
        Moment::On(day) => {
            let noon = noon(day)?;
            Condition::all(vec![
                Condition::from("Start_DateTime", noon - 24 * HOUR),
                Condition::before("Start_DateTime", noon + 24 * HOUR),
            ])
        }
    };
    let title = subject(&key.subject, TITLE).0;
    let alike = Condition::all(vec![Condition::is("Event_Title", title), start]);
    let field = key_field();
    let condition = match &field {
        None => alike,
        Some(field) => Condition::one_of(vec![
            Condition::is(field, &key.key),
            Condition::all(vec![Condition::none(field), alike]),
        ]),
    };
    let mut columns = ["id", "Event_Title", "Start_DateTime", "All_day"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(field.clone());
    let query = Query {
        module: EVENTS,
        columns,
        condition,
        by_time: false,
        limit: 100,
    };
    let is_it = |it: Object<'_>| {
        let kept = field.as_deref().and_then(|it_is| text(it, it_is));
        kept.as_deref() == Some(&key.key) || kept.is_none() && is_alike(it, key, title)
    };
    let found: Page<Option<Id>> =
        list::page(api, query, &PageRequest::first(100), &Body::new(), &|it| {
            Ok(is_it(it).then(|| it.id("id")))
        })?;
    Ok(found.items.into_iter().flatten().collect())
}

/// Looks closer, where more was found than was asked for.
fn is_alike(it: Object<'_>, key: &MeetingKey, title: &str) -> bool {
    let start = text(it, "Start_DateTime").unwrap_or_default();
    let all_day = it.get::<bool>("All_day").unwrap_or_default();
    let same_start = match &key.start {
        Moment::At(at) => !all_day && time::parse(&start).ok() == Some(time::floor_to_second(*at)),
        Moment::On(day) => all_day && start.starts_with(day.as_str()),
    };
    let same_title =
        text(it, "Event_Title").is_some_and(|it| it.to_lowercase() == title.to_lowercase());
    same_start && same_title
}

fn present(it: Object<'_>) -> Present {
    let module: Option<String> = it.get("$se_module");
    let kind = PARENTS
        .iter()
        .find(|known| Some(known.1) == module.as_deref());
    let parent = it.object("What_Id", |it| it.id("id"));
    let parent = kind.zip(parent).map(|(kind, id)| Ref::new(kind.0, id));
    let person = it.object("Who_Id", |it| it.id("id")).map(Ref::contact);
    let attendees = it.each("Participants", |it| {
        let (kind, id): (String, String) = (it.need("type"), it.id("participant"));
        match PEOPLE.contains(&kind.as_str()) {
            true => attendee(Party {
                link: Some(Ref::new(kind, id)),
                ..Party::default()
            }),
            false => attendee(Party::new(id)),
        }
    });
    Present {
        attendees,
        about: person.into_iter().chain(parent).collect(),
    }
}

fn attendee(party: Party) -> Attendee {
    Attendee {
        party,
        response: None,
        role: None,
    }
}

/// How Zoho knows somebody: by a record that it has, else by an address.
fn known(it: &Attendee) -> Option<(&str, &str)> {
    let link = it.party.link.as_ref();
    let link = link.filter(|it| PEOPLE.contains(&it.kind.as_str()) && is_id(&it.id));
    let record = link.map(|it| (it.kind.as_str(), it.id.as_str()));
    let address = it.party.address.as_deref().filter(|it| it.contains('@'));
    record.or(address.map(|it| ("email", it)))
}

fn same(one: &Attendee, other: &Attendee) -> bool {
    let lower = |it: &Attendee| known(it).map(|it| (it.0.to_owned(), it.1.to_lowercase()));
    lower(one).is_some() && lower(one) == lower(other)
}

/// Writes what a meeting is about and who takes part: one person and one other record are linked, and further people take part.
fn put_people(draft: &mut Draft, people: Present) {
    let mut attendees = people.attendees;
    let (persons, others): (Vec<Ref>, Vec<Ref>) = people
        .about
        .into_iter()
        .partition(|it| it.kind == "contact");
    let mut persons = persons.into_iter();
    draft.put("Who_Id", persons.next().map(|it| lookup(&it.id)));
    for person in persons {
        let further = attendee(Party {
            link: Some(person),
            ..Party::default()
        });
        if !attendees.iter().any(|it| same(it, &further)) {
            attendees.push(further);
        }
    }
    let parent = PARENTS
        .iter()
        .find_map(|(kind, module)| Some((*module, others.iter().find(|it| it.kind == *kind)?)));
    draft.put("What_Id", parent.map(|it| lookup(&it.1.id)));
    if let Some((module, _)) = parent {
        draft.body.set("$se_module", module.into());
    }
    draft.leave_some("about", others.len() - usize::from(parent.is_some()));
    let said = |it: &Attendee| {
        it.response
            .as_deref()
            .is_some_and(|it| it != "needs-action")
    };
    if attendees.iter().any(said) {
        draft.leave(
            "attendees",
            "Zoho asks those who take part itself, and keeps no answers of others",
        );
    }
    let mut participants: Vec<Body> = Vec::new();
    for it in attendees.iter().filter_map(known) {
        let body = Body::new().with("type", it.0).with("participant", it.1);
        if !participants.contains(&body) {
            participants.push(body);
        }
    }
    let unknown = attendees.iter().filter(|it| known(it).is_none()).count();
    draft.leave_some("attendees", unknown);
    if draft.exists || !participants.is_empty() {
        draft.body.set("Participants", participants.into());
    }
}
