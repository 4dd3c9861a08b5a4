//! E-mails as tasks and meetings as events, which to Salesforce are two kinds of activities.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    EmailKey, Error, Id, InvalidField, MeetingKey, Moment, PageRequest, Ref, Result, Written,
    settings, time,
};

use crate::account::{set_custom, set_owner};
use crate::api::{Api, instant, some};
use crate::kind::{self, ACCOUNT, CONTACT, EVENT, Kind, LEAD, OPPORTUNITY, TASK, USER, is_id};
use crate::memo::{self, Line, Memo};
use crate::soql::{Condition, Field, Literal, Query, all, any, compare};

/// The contacts that one activity can have in an org that shares activities.
const MOST_PEOPLE: usize = 50;

/// An activity as it is, as far as changes need it.
#[derive(Default)]
struct Present {
    memo: Memo,
    about: Vec<Ref>,
    start: Option<Moment>,
    end: Option<Moment>,
}

/// Creates an activity, or changes the one with this id.
pub(crate) fn write(
    api: &Api,
    kind: Kind,
    id: Option<&str>,
    mut fields: Fields,
    mut body: Body,
) -> Result<Written> {
    let mut now = id.map_or_else(|| Ok(Present::default()), |id| present(api, kind, id))?;
    let is_event = kind.name == EVENT.name;
    let mut incomplete = Vec::new();
    for (field, theirs) in [("subject", "Subject"), ("location", "Location")] {
        // A task has no place.
        if (field == "subject" || is_event)
            && let Some(text) = fields.value::<String>(field)?.map(Change::into_option)
        {
            let fitted = text.as_deref().map(fitting);
            let cut = text.is_some_and(|it| fitted.as_deref() != Some(it.trim()));
            let reason = "Salesforce keeps 255 characters, and the end was cut off";
            incomplete.extend(cut.then(|| InvalidField::new(field, reason)));
            body.set(theirs, fitted.into());
        }
    }
    if is_event {
        set_times(&mut body, &mut fields, &now)?;
    }
    set_owner(&mut body, &mut fields)?;
    let sent = now.memo.get("Sent").to_owned();
    if let Some((description, cut)) = now.memo.take(lines(kind), &mut fields)? {
        body.set("Description", description.into());
        incomplete.extend(cut);
    }
    let then = now.memo.get("Sent");
    if let Some(day) = then.get(..10).filter(|_| then != sent) {
        body.set("ActivityDate", day.into());
    }
    let mut left = Vec::new();
    if let Some(edits) = fields.list::<Ref>("about")? {
        left = link(&mut body, kind, edits.apply(now.about, kind::same));
    }
    set_custom(&mut body, &mut fields)?;
    incomplete.extend(fields.rest());
    let mut written = api.write(kind, id, &body, incomplete)?;
    let left = unlinked(api, kind, &written.id, &left);
    written.incomplete.extend(left);
    Ok(written)
}

/// Finds the task that a message was logged as.
pub(crate) fn find_email(api: &Api, key: &EmailKey) -> Result<Vec<Id>> {
    let sent = memo::sent(key.sent_at);
    let day = Literal::day(sent.get(..10).unwrap_or_default())?;
    let day = compare("ActivityDate", "=", &day);
    find(api, TASK, &key.key, &key.subject, day, |description| {
        Memo::parse(lines(TASK), description).get("Sent") == sent
    })
}

pub(crate) fn find_meeting(api: &Api, key: &MeetingKey) -> Result<Vec<Id>> {
    let start = match &key.start {
        Moment::At(at) => compare("StartDateTime", "=", &Literal::time(*at)),
        Moment::On(day) => {
            let first = Literal::time(midnight("start", day)?);
            let all_day = compare("IsAllDayEvent", "=", &Literal::truth(true));
            let on = compare("ActivityDate", "=", &Literal::day(day)?);
            all(&[all_day, any(&[on, compare("StartDateTime", "=", &first)])])
        }
    };
    find(api, EVENT, &key.key, &key.subject, start, |_| true)
}

/// The field of the org's own that keeps the host's key, if there is one.
pub(crate) fn key_field() -> Option<String> {
    settings::get("key-field")
}

/// Finds activities by the host's key, if the org has a field for it, else by what was kept of them.
fn find(
    api: &Api,
    kind: Kind,
    key: &str,
    subject: &str,
    time: Condition,
    is_it: impl Fn(&str) -> bool,
) -> Result<Vec<Id>> {
    let key_field = key_field();
    let subject = match fitting(subject).as_str() {
        "" => Some(Literal::null()),
        subject => Literal::text(subject),
    };
    let mut alike = vec![time];
    alike.extend(subject.map(|it| compare("Subject", "=", &it)));
    let condition = match key_field.as_deref().map(Field::named).transpose()? {
        None => all(&alike),
        Some(field) => {
            alike.push(compare(field, "=", &Literal::null()));
            let key = Literal::text(key).map(|it| compare(field, "=", &it));
            any(&Vec::from_iter(key.into_iter().chain([all(&alike)])))
        }
    };
    let query = Query::new(kind.name, "Id,Description").with(&Vec::from_iter(key_field.clone()))?;
    let mut query = query.and(condition);
    // Activities of more than a year ago are in an archive, which is looked at like the recycle bin.
    query = query.and(compare("IsDeleted", "=", &Literal::truth(false)));
    query.everywhere = true;
    let found = api.page(vec![query], &PageRequest::first(2_000), |_, it| {
        let is_keyed = key_field
            .as_deref()
            .is_some_and(|name| !it.value(name).is_null());
        let description: Option<String> = it.get("Description");
        let found = is_keyed || is_it(&description.unwrap_or_default());
        Ok(found.then(|| it.id("Id")))
    })?;
    Ok(some(found).items.into_iter().take(100).collect())
}

fn lines(kind: Kind) -> &'static [Line] {
    match kind.name == EVENT.name {
        true => &memo::OF_MEETINGS,
        false => &memo::OF_EMAILS,
    }
}

/// A text as it fits into a field of one line.
pub(crate) fn fitting(text: &str) -> String {
    let text: String = text.trim().chars().take(255).collect();
    text.trim_end().to_owned()
}

/// Reads what a patch is applied to.
fn present(api: &Api, kind: Kind, id: &str) -> Result<Present> {
    let fields = match kind.name == EVENT.name {
        true => "Description,WhoId,WhatId,StartDateTime,EndDateTime,IsAllDayEvent",
        false => "Description,WhoId,WhatId",
    };
    let mut present = api.record(kind, id, fields)?.read(|it| {
        let description: Option<String> = it.get("Description");
        let about = ["WhoId", "WhatId"].map(|name| it.get::<String>(name));
        Ok(Present {
            memo: Memo::parse(lines(kind), &description.unwrap_or_default()),
            about: about.into_iter().flatten().map(kind::reference).collect(),
            start: moment(it, "StartDateTime"),
            end: moment(it, "EndDateTime"),
        })
    })?;
    if let Some(id) = Literal::text(id).filter(|_| are_shared()) {
        let (relation, activity) = match kind.name == EVENT.name {
            true => ("EventRelation", "EventId"),
            false => ("TaskRelation", "TaskId"),
        };
        let people = compare("IsWhat", "=", &Literal::truth(false));
        let query = Query::new(relation, "Id,RelationId").and(compare(activity, "=", &id));
        let query = query.and(people);
        let people = api.page(vec![query], &PageRequest::first(2_000), |_, it| {
            Ok(kind::reference(it.id("RelationId")))
        })?;
        for it in people.items.into_iter().filter(|it| !USER.has(&it.id)) {
            if !present.about.iter().any(|other| kind::same(other, &it)) {
                present.about.push(it);
            }
        }
    }
    Ok(present)
}

/// Links what there is room for, a contact and something else, and answers the rest.
fn link(body: &mut Body, kind: Kind, about: Vec<Ref>) -> Vec<Ref> {
    let rank = |it: &Ref| match it.id.as_str() {
        id if OPPORTUNITY.has(id) => Some(0),
        id if ACCOUNT.has(id) => Some(1),
        id if is_id(id) && !LEAD.has(id) && !USER.has(id) => Some(2),
        _ => None,
    };
    let is_person = |it: &Ref| CONTACT.has(&it.id);
    let (mut people, rest): (Vec<Ref>, Vec<Ref>) = about.into_iter().partition(is_person);
    let (mut things, mut left): (_, Vec<Ref>) = rest.into_iter().partition(|it| rank(it).is_some());
    things.sort_by_key(rank);
    let lead = left.iter().position(|it| LEAD.has(&it.id));
    // What is about a lead cannot be about anything else.
    if let Some(lead) = lead.filter(|_| people.is_empty() && things.is_empty()) {
        people.push(left.remove(lead));
    }
    people.dedup_by(|a, b| kind::same(a, b));
    let room = if are_shared() { MOST_PEOPLE } else { 1 };
    left.extend(people.split_off(room.min(people.len())));
    left.extend(things.split_off(things.len().min(1)));
    let ids = |list: &[Ref]| list.iter().map(|it| it.id.clone()).collect::<Vec<Id>>();
    body.set("WhoId", ids(&people).into_iter().next().into());
    body.set("WhatId", ids(&things).into_iter().next().into());
    if are_shared() {
        body.set(&format!("{}WhoIds", kind.name), ids(&people).into());
    }
    left
}

/// Names what was not linked; the account of an opportunity or a contact came with it.
fn unlinked(api: &Api, kind: Kind, id: &str, left: &[Ref]) -> Vec<InvalidField> {
    let asked = left.iter().any(|it| ACCOUNT.has(&it.id));
    // The record is written, so that nothing is an error any more.
    let answer = asked
        .then(|| api.record(kind, id, "AccountId").ok())
        .flatten();
    let account = answer.and_then(|it| it.read(|it| Ok(it.get("AccountId"))).ok()?);
    let account = account.map(kind::reference);
    let is_there = |it: &&Ref| account.as_ref().is_some_and(|there| kind::same(there, it));
    let left = left.iter().filter(|it| !is_there(it));
    left.map(no_room).collect()
}

/// Says that a record could not be linked.
pub(crate) fn no_room(it: &Ref) -> InvalidField {
    let reason = format!("Salesforce has no room here for {} {}", it.kind, it.id);
    InvalidField::new("about", reason)
}

/// Whether several contacts can be linked with one activity ("Shared Activities").
fn are_shared() -> bool {
    settings::get("shared-activities").as_deref() == Some("on")
}

/// Sets begin and end together: Salesforce compares them with each other.
fn set_times(body: &mut Body, fields: &mut Fields, now: &Present) -> Result<()> {
    let (start, end) = (
        fields.value::<Moment>("start")?,
        fields.value::<Moment>("end")?,
    );
    if start.is_none() && end.is_none() {
        return Ok(());
    }
    let or = |change: Option<Change<Moment>>, now: &Option<Moment>| {
        change.map_or_else(|| now.clone(), Change::into_option)
    };
    match (or(start, &now.start), or(end, &now.end)) {
        (Some(Moment::At(start)), Some(Moment::At(end))) => {
            body.set("IsAllDayEvent", false.into());
            body.set("StartDateTime", time::rfc3339(start).into());
            body.set("EndDateTime", time::rfc3339(end).into());
        }
        (Some(Moment::On(first)), Some(Moment::On(last))) => {
            let (first, last) = (midnight("start", &first)?, midnight("end", &last)?);
            body.set("IsAllDayEvent", true.into());
            body.set("StartDateTime", time::rfc3339(first).into());
            // How many minutes the days have can be read in one way only.
            body.set(
                "DurationInMinutes",
                ((last - first) / 60_000 + 1_440).into(),
            );
        }
        _ => {
            return Err(Error::invalid(
                "end",
                "begin and end are two times or two days",
            ));
        }
    }
    Ok(())
}

fn midnight(field: &str, day: &str) -> Result<i64> {
    let first = time::parse(&format!("{day}T00:00:00Z"));
    first.map_err(|it| Error::invalid(field, it.message))
}

fn moment(it: Object<'_>, name: &str) -> Option<Moment> {
    let at = instant(it, name)?;
    Some(match it.get("IsAllDayEvent") {
        Some(true) => Moment::On(time::local(at, 0).chars().take(10).collect()),
        _ => Moment::At(at),
    })
}
