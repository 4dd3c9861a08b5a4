//! Logged meetings: appointments.

use brightsync_sdk::patch::{self, Change, Fields};
use brightsync_sdk::{
    Attendee, MeetingKey, Moment, NewMeeting, Party, Patch, Ref, Result, Timestamp, time,
};

use crate::activity::{
    Activity, Draft, Part, Present, State, is_same, set_about, set_subject, subject,
};
use crate::api::Table;
use crate::odata::{Filter, second};
use crate::write::Row;

pub(crate) const MEETINGS: Activity = Activity {
    table: Table {
        set: "appointments",
        name: "appointment",
        id: "activityid",
        columns: "activityid,statecode,statuscode,_regardingobjectid_value,modifiedon,scheduledend",
        expand: None,
    },
    parties: "appointment_activity_parties",
    field: "attendees",
    parts: &[REQUIRED, OPTIONAL, ORGANISER],
};

const REQUIRED: Part = 5;
const OPTIONAL: Part = 6;
const ORGANISER: Part = 7;
/// The length of the column `subject`.
const LONGEST_SUBJECT: usize = 200;
const DAY: i64 = 86_400_000;

/// A new meeting; the host's key of it goes into a column of the organisation's own, if there is one for that.
pub(crate) fn new(meeting: NewMeeting, key_column: Option<&str>) -> Result<Draft> {
    let key = meeting.key.key.clone();
    let mut draft = draft(meeting.into(), Vec::new(), Vec::new(), State(3, 5))?;
    if let Some(column) = key_column {
        draft.row.body.set(column, key.into());
    }
    Ok(draft)
}

/// What becomes of a meeting.
pub(crate) fn changes(patch: &Patch, present: &Present) -> Result<Draft> {
    let fields = Fields::from(patch);
    let (parties, about) = (present.parties.clone(), present.about.clone());
    draft(fields, parties, about, present.state)
}

/// The condition that a logged meeting meets: by the host's key, or, where that was not kept, by subject and begin.
pub(crate) fn found(key: &MeetingKey, key_column: Option<&str>) -> Filter {
    let mut alike = vec![
        Filter::equals("subject", &subject(&key.subject, LONGEST_SUBJECT)),
        Filter::at("scheduledstart", begin(&key.start)),
    ];
    let Some(column) = key_column else {
        return Filter::all(alike);
    };
    alike.push(Filter::empty(column));
    Filter::any(vec![Filter::equals(column, &key.key), Filter::all(alike)])
}

fn draft(
    mut fields: Fields,
    now: Vec<(Part, Party)>,
    about_now: Vec<Ref>,
    mut state: State,
) -> Result<Draft> {
    let attendees = fields.list::<Attendee>("attendees")?;
    let organiser = fields.value::<Party>("organiser")?;
    let about = fields.list::<Ref>("about")?;
    let subject = fields.value::<String>("subject")?;
    let start = fields.value::<Moment>("start")?;
    let end = fields.value::<Moment>("end")?;
    let status = fields.value::<String>("status")?;
    let draft =
        patch::Draft::from(fields).texts(&[("location", "location"), ("text", "description")]);
    let mut row = Row::finish(draft)?;
    set_subject(&mut row, subject, LONGEST_SUBJECT);
    let is_over = end.as_ref().is_some_and(|it| match it {
        Change::Set(end) => finish(end) <= time::now(),
        Change::Clear => false,
    });
    if let Some(Change::Set(start)) = start {
        row.body.set("scheduledstart", second(begin(&start)).into());
        let is_day = matches!(start, Moment::On(_));
        row.body.set("isalldayevent", is_day.into());
    }
    if let Some(Change::Set(end)) = end {
        row.body.set("scheduledend", second(finish(&end)).into());
    }
    if let Some(Change::Set(status)) = status {
        state = state_of(&status, is_over);
    }
    let are_changed = attendees.is_some() || organiser.is_some();
    let mut parties = now;
    if let Some(edits) = attendees {
        let (there, others) = parties
            .into_iter()
            .partition::<Vec<_>, _>(|it| it.0 != ORGANISER);
        let there = there.into_iter().map(attendee).collect();
        let same = |one: &Attendee, other: &Attendee| is_same(&one.party, &other.party);
        let then = edits.apply(there, same);
        let answers = then.iter().filter(|it| is_answer(it)).count();
        row.leave_out("attendees", answers);
        parties = others;
        parties.extend(then.into_iter().map(|it| (part(&it), it.party)));
    }
    if let Some(organiser) = organiser {
        parties.retain(|it| it.0 != ORGANISER);
        let organiser = organiser.into_option();
        let is_user = |it: &Party| it.link.as_ref().is_some_and(|it| it.kind == "user");
        // Only users organise; anybody else is among those who attend.
        let part = match &organiser {
            Some(it) if !is_user(it) => REQUIRED,
            Some(_) | None => ORGANISER,
        };
        if part == REQUIRED {
            let reason = "only users organise, so this one is among those who attend";
            row.leave("organiser", reason);
        }
        let is_there = |it: &Party| parties.iter().any(|(_, other)| is_same(it, other));
        let organiser = organiser.filter(|it| part == ORGANISER || !is_there(it));
        parties.extend(organiser.map(|it| (part, it)));
    }
    set_about(&mut row, &MEETINGS, about_now, about, &parties);
    Ok(Draft {
        row,
        parties: are_changed.then_some(parties),
        attachments: Vec::new(),
        state,
    })
}

/// Who attends as the contract has it.
fn attendee((part, party): (Part, Party)) -> Attendee {
    let role = match part {
        REQUIRED => Some("required"),
        OPTIONAL => Some("optional"),
        _ => None,
    };
    Attendee {
        party,
        response: None,
        role: role.map(str::to_owned),
    }
}

fn part(attendee: &Attendee) -> Part {
    match attendee.role.as_deref() {
        Some("optional") => OPTIONAL,
        _ => REQUIRED,
    }
}

/// Whether somebody said something, for which there is no column.
fn is_answer(attendee: &Attendee) -> bool {
    let answer = attendee.response.as_deref();
    answer.is_some_and(|it| it != "needs-action")
}

/// Busy or tentative while it is to come, and completed afterwards.
fn state_of(status: &str, is_over: bool) -> State {
    match (status, is_over) {
        ("cancelled", _) => State(2, 4),
        (_, true) => State(1, 3),
        ("tentative", false) => State(0, 2),
        (_, false) => State(3, 5),
    }
}

fn begin(moment: &Moment) -> Timestamp {
    match moment {
        Moment::At(at) => *at,
        Moment::On(day) => midnight(day),
    }
}

/// The end of a meeting; that of a day is the next midnight.
fn finish(moment: &Moment) -> Timestamp {
    match moment {
        Moment::At(at) => *at,
        Moment::On(day) => midnight(day).saturating_add(DAY),
    }
}

fn midnight(day: &str) -> Timestamp {
    time::parse(&format!("{day}T00:00:00Z")).unwrap_or_default()
}
