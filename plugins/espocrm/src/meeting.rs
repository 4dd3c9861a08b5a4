//! Logged meetings in EspoCRM's words.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Attendee, InvalidField, MeetingKey, Moment, NewMeeting, Party, Ref, Result, Timestamp, extra,
    time,
};
use serde_json::{Value, json};

use crate::api::{Object, any, is};
use crate::map::{column, instant, parent, seconds, set_extra, set_parent, subject, text, texts};

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

/// The body that logs a meeting for a user, and what of it has no place.
pub(crate) fn new(
    meeting: &NewMeeting,
    user: &str,
    key_field: Option<&str>,
    now: Timestamp,
) -> Result<(Object, Vec<InvalidField>)> {
    let mut body = extra::to_map(&meeting.extra)?;
    let mut incomplete = Vec::new();
    set_subject(&mut body, &meeting.key.subject, &mut incomplete);
    set_moment(&mut body, "dateStart", &meeting.key.start);
    set_moment(&mut body, "dateEnd", &meeting.end);
    let description = describe(meeting.location.as_deref(), meeting.text.as_deref());
    for (name, value) in [
        (
            "status",
            status(&meeting.status, over(&meeting.end, now)).into(),
        ),
        ("description", description.into()),
        ("assignedUserId", user.into()),
    ] {
        body.insert(name.to_owned(), value);
    }
    if let Some(field) = key_field {
        body.insert(field.to_owned(), meeting.key.key.clone().into());
    }
    set_parent(&mut body, &meeting.key.about);
    set_attendees(&mut body, &all_attendees(meeting), &mut incomplete);
    Ok((body, incomplete))
}

/// The condition that a logged meeting meets: EspoCRM makes up calendar ids of its own.
pub(crate) fn found(key: &MeetingKey, key_field: Option<&str>) -> Value {
    let start = match &key.start {
        Moment::At(at) => is("equals", "dateStart", seconds(*at)),
        Moment::On(day) => is("equals", "dateStartDate", day.clone()),
    };
    let mut alike = vec![is("equals", "name", subject(&key.subject, true)), start];
    let mut parts = Vec::new();
    if let Some(field) = key_field {
        parts.push(is("equals", field, key.key.clone()));
        alike.push(is("isNull", field, Value::Null));
    }
    parts.push(json!({"type": "and", "value": alike}));
    any(parts)
}

/// The body that changes a logged meeting, and what it is about after that, if that changes.
pub(crate) fn changes(
    fields: &mut Fields,
    present: &Object,
    now: Timestamp,
) -> Result<(Object, Option<Vec<Ref>>, Vec<InvalidField>)> {
    let mut body = Object::new();
    let mut incomplete = Vec::new();
    if let Some(change) = fields.value::<String>("subject")? {
        set_subject(
            &mut body,
            &change.into_option().unwrap_or_default(),
            &mut incomplete,
        );
    }
    let mut end = end_of(present)?;
    for (field, attribute) in [("start", "dateStart"), ("end", "dateEnd")] {
        if let Some(moment) = fields
            .value::<Moment>(field)?
            .and_then(|it| it.into_option())
        {
            set_moment(&mut body, attribute, &moment);
            end = if field == "end" { Some(moment) } else { end };
        }
    }
    if let Some(change) = fields.value::<String>("status")? {
        let over = end.is_some_and(|it| over(&it, now));
        body.insert(
            "status".to_owned(),
            status(&change.into_option().unwrap_or_default(), over).into(),
        );
    }
    let (place, words) = parts(text(present, "description").unwrap_or_default());
    let (new_place, new_words) = (
        fields.value::<String>("location")?,
        fields.value::<String>("text")?,
    );
    if new_place.is_some() || new_words.is_some() {
        let place = new_place.map_or(place.map(str::to_owned), |it| it.into_option());
        let words = new_words.map_or(Some(words.to_owned()), |it| it.into_option());
        body.insert(
            "description".to_owned(),
            describe(place.as_deref(), words.as_deref()).into(),
        );
    }
    if let Some(change) = fields.value::<String>("owner")? {
        body.insert("assignedUserId".to_owned(), change.into_option().into());
    }
    if let Some(edits) = fields.list::<Attendee>("attendees")? {
        let same = |one: &Attendee, other: &Attendee| one.party.link == other.party.link;
        set_attendees(
            &mut body,
            &edits.apply(attendees(present), same),
            &mut incomplete,
        );
    }
    let mut about = None;
    if let Some(edits) = fields.list::<Ref>("about")? {
        let then = edits.apply(parent(present).into_iter().collect(), Ref::eq);
        set_parent(&mut body, &then);
        about = Some(then);
    }
    set_extra(&mut body, fields)?;
    Ok((body, about, incomplete))
}

/// The records that attend a meeting.
pub(crate) fn partaking(record: &Object) -> Vec<Ref> {
    attendees(record)
        .into_iter()
        .filter_map(|it| it.party.link)
        .collect()
}

fn all_attendees(meeting: &NewMeeting) -> Vec<Attendee> {
    let organiser = Attendee {
        party: meeting.organiser.clone(),
        response: None,
        role: None,
    };
    let is_known = |it: &Attendee| {
        it.party.link.is_some()
            && meeting
                .attendees
                .iter()
                .all(|other| other.party.link != it.party.link)
    };
    // Who invited attends too, if it is somebody that EspoCRM knows; contacts that it is about also do.
    let about = meeting
        .key
        .about
        .iter()
        .filter(|it| it.kind == "contact" || it.kind == "lead");
    let about = about.map(|it| Attendee {
        party: Party {
            link: Some(it.clone()),
            ..Party::default()
        },
        response: None,
        role: None,
    });
    let further = [organiser].into_iter().chain(about).filter(is_known);
    meeting.attendees.iter().cloned().chain(further).collect()
}

fn attendees(record: &Object) -> Vec<Attendee> {
    let of_kind = |(kind, ids, columns): (&str, &str, &'static str)| {
        let kind = kind.to_owned();
        texts(record, ids).into_iter().map(move |id| {
            let said = column(record, columns, &id, "status");
            let response = RESPONSES
                .iter()
                .find(|it| Some(it.1) == said)
                .map(|it| it.0.to_owned());
            Attendee {
                party: Party {
                    link: Some(Ref::new(&*kind, id)),
                    ..Party::default()
                },
                response,
                role: None,
            }
        })
    };
    ATTENDING.into_iter().flat_map(of_kind).collect()
}

fn set_attendees(body: &mut Object, attendees: &[Attendee], incomplete: &mut Vec<InvalidField>) {
    let known = |it: &&Attendee| {
        it.party
            .link
            .as_ref()
            .is_some_and(|it| ATTENDING.iter().any(|known| known.0 == it.kind))
    };
    for (kind, ids, columns) in ATTENDING {
        let of_kind = attendees
            .iter()
            .filter_map(|it| Some((it, it.party.link.as_ref().filter(|it| it.kind == kind)?)));
        let of_kind: Vec<_> = of_kind.collect();
        // Leads are left alone where there are none: a site may have switched them off.
        if of_kind.is_empty() && kind == "lead" {
            continue;
        }
        let mut unique: Vec<&str> = of_kind.iter().map(|it| it.1.id.as_str()).collect();
        unique.sort_unstable();
        unique.dedup();
        let answers = of_kind.iter().filter_map(|(it, link)| {
            let said = it.response.as_deref()?;
            let response = RESPONSES.iter().find(|it| it.0 == said)?.1;
            Some((link.id.clone(), json!({"status": response})))
        });
        body.insert(columns.to_owned(), Value::Object(answers.collect()));
        body.insert(ids.to_owned(), unique.into());
    }
    let strangers = attendees.iter().filter(|it| !known(it));
    incomplete.extend(strangers.map(|it| {
        let who = it
            .party
            .address
            .as_deref()
            .or(it.party.name.as_deref())
            .unwrap_or("somebody");
        InvalidField::new(
            "attendees",
            format!("{who} is no record of EspoCRM, and only records attend its meetings"),
        )
    }));
}

fn set_subject(body: &mut Object, text: &str, incomplete: &mut Vec<InvalidField>) {
    let name = subject(text, true);
    if name != text.trim() {
        incomplete.push(InvalidField::new(
            "subject",
            format!("EspoCRM takes no <, > and = and 255 characters, so it is {name:?}"),
        ));
    }
    body.insert("name".to_owned(), name.into());
}

/// Of an instant and a day only one is set, and the other is emptied.
fn set_moment(body: &mut Object, attribute: &str, moment: &Moment) {
    let (instant, day) = match moment {
        Moment::At(at) => (Value::from(seconds(*at)), Value::Null),
        Moment::On(day) => (Value::Null, Value::from(day.clone())),
    };
    body.insert(attribute.to_owned(), instant);
    body.insert(format!("{attribute}Date"), day);
}

fn end_of(record: &Object) -> Result<Option<Moment>> {
    let day = text(record, "dateEndDate").map(|it| Moment::On(it.to_owned()));
    Ok(match day {
        Some(day) => Some(day),
        None => instant(text(record, "dateEnd"))?.map(Moment::At),
    })
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

fn describe(place: Option<&str>, words: Option<&str>) -> String {
    let place = place
        .filter(|it| !it.is_empty())
        .map(|it| format!("{PLACE}{}", it.replace('\n', ", ")));
    let words = words.filter(|it| !it.is_empty()).map(str::to_owned);
    place
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn parts(description: &str) -> (Option<&str>, &str) {
    match description
        .strip_prefix(PLACE)
        .map(|it| it.split_once("\n\n").unwrap_or((it, "")))
    {
        Some((place, words)) => (Some(place), words),
        None => (None, description),
    }
}
