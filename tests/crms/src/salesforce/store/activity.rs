//! The rules of tasks and events.

use serde_json::{Map, Value, json};

use super::super::schema::Object;
use super::super::wrong::{Wrong, wrong, wrong_fields};
use super::{Store, time, time_of};
use crate::Office;

impl Store {
    /// Keeps the rules between the fields of an activity, and answers whom it is with.
    pub(super) fn settle(
        &self,
        object: &Object,
        fields: &mut Map<String, Value>,
        given: &Map<String, Value>,
    ) -> Result<Option<Vec<String>>, Wrong> {
        let activity = matches!(object.name, "Task" | "Event");
        if object.name == "Event" {
            times(fields, given)?;
        }
        if object.name == "Task" {
            fields
                .entry("Status")
                .or_insert_with(|| "Not Started".into());
            fields.entry("TaskSubtype").or_insert_with(|| "Task".into());
        }
        if !activity {
            return Ok(None);
        }
        let junction = format!("{}WhoIds", object.name);
        let ids = fields.remove(&junction);
        let text = |fields: &Map<String, Value>, name: &str| {
            fields.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let mut people = ids.and_then(|it| {
            let ids = it.as_array()?.iter();
            Some(
                ids.filter_map(|it| it.as_str().map(str::to_owned))
                    .collect::<Vec<_>>(),
            )
        });
        if let Some(people) = &mut people {
            if 50 < people.len() {
                return Err(wrong_fields(
                    "FIELD_INTEGRITY_EXCEPTION",
                    "too many contacts",
                    &[],
                ));
            }
            let known = |it: &&String| {
                self.table("Contact")
                    .live(it)
                    .or(self.table("Lead").live(it))
                    .is_some()
            };
            if people.iter().filter(known).count() < people.len() {
                return Err(wrong(
                    400,
                    "INVALID_CROSS_REFERENCE_KEY",
                    "invalid cross reference id",
                ));
            }
            match text(fields, "WhoId") {
                Some(who) if !people.contains(&who) => people.insert(0, who),
                Some(_) => {}
                None => {
                    let first = people.first().cloned();
                    fields.insert("WhoId".to_owned(), first.into());
                }
            }
        }
        let (who, what) = (text(fields, "WhoId"), text(fields, "WhatId"));
        if what.is_some() && who.as_deref().is_some_and(|it| it.starts_with("00Q")) {
            let message = "if WhoId refers to a lead, then WhatId must be empty";
            return Err(wrong_fields(
                "FIELD_INTEGRITY_EXCEPTION",
                message,
                &["WhatId"],
            ));
        }
        let account = match &what {
            Some(id) if id.starts_with("001") => Some(id.clone()),
            Some(id) => {
                (self.table("Opportunity").live(id)).map(|it| it.text("AccountId").to_owned())
            }
            None => who
                .as_ref()
                .and_then(|it| self.table("Contact").live(it))
                .map(|it| it.text("AccountId").to_owned()),
        };
        let account = account.filter(|it| !it.is_empty());
        fields.insert("AccountId".to_owned(), account.into());
        if self.shared && people.is_none() {
            people = given
                .contains_key("WhoId")
                .then(|| who.into_iter().collect());
        }
        Ok(people)
    }

    /// Writes down whom an activity is with, where activities are shared.
    pub(super) fn relate(
        &mut self,
        object: &Object,
        activity: &str,
        people: Option<Vec<String>>,
        now: i64,
    ) {
        let Some(people) = people.filter(|_| self.shared) else {
            return;
        };
        let (relation, field) = match object.name {
            "Task" => ("TaskRelation", "TaskId"),
            _ => ("EventRelation", "EventId"),
        };
        let rows = self.table(relation).after(None);
        let old: Vec<String> = rows
            .filter(|it| it.text(field) == activity)
            .map(|it| it.id.clone())
            .collect();
        for id in old {
            self.table_mut(relation).purge(&id);
        }
        for person in people {
            let row = json!({field: activity, "RelationId": person, "IsWhat": false});
            if let Value::Object(row) = row {
                self.put(relation, row, now);
            }
        }
    }
}

/// Keeps begin, end and length of an event together.
fn times(fields: &mut Map<String, Value>, given: &Map<String, Value>) -> Result<(), Wrong> {
    const MINUTE: i64 = 60_000;
    let broken =
        |message: &str, name: &str| wrong_fields("FIELD_INTEGRITY_EXCEPTION", message, &[name]);
    let text = |fields: &Map<String, Value>, name: &str| {
        fields.get(name).and_then(Value::as_str).and_then(time_of)
    };
    let start = text(fields, "StartDateTime");
    let start = start.ok_or_else(|| {
        wrong_fields(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [StartDateTime]",
            &["StartDateTime"],
        )
    })?;
    let all_day = fields.get("IsAllDayEvent") == Some(&Value::Bool(true));
    if all_day && start % 86_400_000 != 0 {
        return Err(broken(
            "an all-day event begins at midnight UTC",
            "StartDateTime",
        ));
    }
    // The last day of an all-day event counts as a whole.
    let tail = if all_day { 1_440 } else { 0 };
    let by_end = text(fields, "EndDateTime").map(|end| (end - start) / MINUTE + tail);
    let by_length = fields.get("DurationInMinutes").and_then(Value::as_i64);
    let minutes = match (
        given.contains_key("EndDateTime"),
        given.contains_key("DurationInMinutes"),
    ) {
        (true, true) if by_end != by_length => {
            return Err(broken("duration and end do not match", "DurationInMinutes"));
        }
        (_, true) => by_length,
        (true, false) => by_end,
        (false, false) => by_length,
    };
    let minutes = minutes.ok_or_else(|| {
        wrong_fields(
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [DurationInMinutes]",
            &["DurationInMinutes"],
        )
    })?;
    if minutes < 0 || (all_day && minutes < 1_440) {
        return Err(broken(
            "Event duration cannot be negative",
            "DurationInMinutes",
        ));
    }
    if 14 * 1_440 < minutes {
        return Err(broken(
            "Event duration cannot be longer than 14 days",
            "DurationInMinutes",
        ));
    }
    fields.insert("DurationInMinutes".to_owned(), minutes.into());
    fields.insert(
        "EndDateTime".to_owned(),
        time(start + (minutes - tail) * MINUTE).into(),
    );
    fields.insert(
        "ActivityDate".to_owned(),
        Office::format(start, "%Y-%m-%d").into(),
    );
    Ok(())
}
