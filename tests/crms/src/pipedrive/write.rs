//! Writes of version 2: what a body may have, and what becomes of it.

use serde_json::{Value, json};

use super::list::missing;
use super::{
    Fields, Handled, ORGANIZATION_FIELD, PERSON_FIELD, Pipedrive, bad, failure, key, record,
};
use crate::{Answer, Request, Row};

/// What a member of a body has to be.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Integer,
    Boolean,
    Day,
    Minutes,
    /// A list of addresses or numbers.
    Points,
    People,
    Place,
    Custom,
}

/// The members of a body; null only empties those with a mark.
fn schema(path: &str) -> &'static [(&'static str, Form, bool)] {
    match path {
        "persons" => &[
            ("name", Form::Text, false),
            ("owner_id", Form::Integer, false),
            ("org_id", Form::Integer, true),
            ("emails", Form::Points, false),
            ("phones", Form::Points, false),
            ("job_title", Form::Text, true),
            ("visible_to", Form::Integer, false),
            ("custom_fields", Form::Custom, false),
        ],
        "organizations" => &[
            ("name", Form::Text, false),
            ("owner_id", Form::Integer, false),
            ("visible_to", Form::Integer, false),
            ("custom_fields", Form::Custom, false),
        ],
        _ => &[
            ("subject", Form::Text, false),
            ("type", Form::Text, false),
            ("owner_id", Form::Integer, false),
            ("deal_id", Form::Integer, true),
            ("org_id", Form::Integer, true),
            ("due_date", Form::Day, false),
            ("due_time", Form::Minutes, true),
            ("duration", Form::Minutes, true),
            ("busy", Form::Boolean, false),
            ("done", Form::Boolean, false),
            ("location", Form::Place, true),
            ("participants", Form::People, false),
            ("note", Form::Text, true),
        ],
    }
}

impl Pipedrive {
    pub(super) fn create(&mut self, request: &Request, path: &str) -> Handled {
        let body = self.body(request, path, true)?;
        let mut fields = match path {
            "persons" => json!({"org_id": null, "emails": [], "phones": [], "visible_to": 3,
                "custom_fields": {PERSON_FIELD: null}}),
            "organizations" => {
                json!({"visible_to": 3, "custom_fields": {ORGANIZATION_FIELD: null}})
            }
            _ => {
                json!({"type": "call", "subject": "Call", "done": false, "busy": null, "deal_id": null,
                "org_id": null, "participants": [], "due_time": "", "duration": "", "note": null})
            }
        };
        fields["owner_id"] = 1.into();
        merge(&mut fields, &body);
        let new = match path {
            "persons" => self.put(|it| &mut it.persons, fields),
            "organizations" => self.put(|it| &mut it.organizations, fields),
            _ => self.put(|it| &mut it.activities, fields),
        };
        let row = self.table(path).and_then(|it| it.get(&super::key_of(&new)));
        let data = row.map(record).unwrap_or_default();
        Ok(Answer::json(201, &json!({"success": true, "data": data})))
    }

    pub(super) fn change(&mut self, request: &Request, path: &str) -> Handled {
        let id = key(self.id_of(request)?);
        let body = self.body(request, path, false)?;
        let (now, lag) = (self.office.now, self.office.lag);
        let Some(table) = self.table(path).filter(|it| it.live(&id).is_some()) else {
            return Err(missing(path));
        };
        table.change(&id, now, lag, |row: &mut Row| {
            let mut fields = Value::Object(std::mem::take(&mut row.fields));
            merge(&mut fields, &body);
            row.fields = fields.as_object().cloned().unwrap_or_default();
        });
        let data = table.get(&id).map(record).unwrap_or_default();
        Ok(super::success(data))
    }

    pub(super) fn delete(&mut self, request: &Request, path: &str) -> Handled {
        let number = self.id_of(request)?;
        let (now, lag) = (self.office.now, self.office.lag);
        let Some(table) = self
            .table(path)
            .filter(|it| it.live(&key(number)).is_some())
        else {
            return Err(missing(path));
        };
        table.change(&key(number), now, lag, |row| row.deleted = Some(now));
        Ok(super::success(json!({"id": number})))
    }

    /// Reads a body, each member as it has to be.
    fn body(&mut self, request: &Request, path: &str, is_new: bool) -> Result<Fields, Answer> {
        let body = request.json().and_then(|it| it.as_object().cloned());
        let Some(body) = body else {
            return Err(self.violated("the body is no JSON object, or is not said to be one"));
        };
        if body.contains_key("person_id") && path == "activities" {
            let error = "'person_id' is a read-only field. Add a primary participant to set 'person_id' instead.";
            self.office.violation(error);
            return Err(failure(400, error, "ERR_BAD_REQUEST"));
        }
        for (name, value) in &body {
            let member = schema(path).iter().find(|it| it.0 == name);
            let Some((_, form, nullable)) = member else {
                return Err(self.violated(&format!("Validation failed: {name}: unrecognized key")));
            };
            let fits = match value {
                Value::Null => *nullable && !is_new,
                value => form.fits(value),
            };
            if !fits {
                return Err(bad(&format!("Validation failed: {name}: invalid value")));
            }
        }
        let required = if path == "activities" {
            "subject"
        } else {
            "name"
        };
        let name = body.get(required).and_then(Value::as_str).map(str::trim);
        if name.is_none() && is_new || name == Some("") {
            return Err(bad(&format!(
                "Validation failed: {required}: required field"
            )));
        }
        self.check_references(&body)?;
        let kind = body.get("type").and_then(Value::as_str);
        if kind.is_some_and(|it| !["call", "email", "meeting", "task"].contains(&it)) {
            return Err(bad(
                "Validation failed: type: there is no such activity type",
            ));
        }
        if body.contains_key("job_title") && !self.contact_sync {
            return Err(failure(
                403,
                "job_title needs contact sync to be enabled",
                "ERR_FORBIDDEN",
            ));
        }
        Ok(body)
    }

    fn check_references(&self, body: &Fields) -> Result<(), Answer> {
        let unknown = |name: &str| {
            bad(&format!(
                "Validation failed: {name}: there is no such record"
            ))
        };
        let live = [("org_id", &self.organizations), ("deal_id", &self.deals)];
        for (name, table) in live {
            let id = body.get(name).and_then(Value::as_u64);
            if id.is_some_and(|it| table.live(&key(it)).is_none()) {
                return Err(unknown(name));
            }
        }
        let owner = body.get("owner_id");
        if owner.is_some_and(|it| !self.users.iter().any(|user| user["id"] == *it)) {
            return Err(unknown("owner_id"));
        }
        let people = body.get("participants").and_then(Value::as_array);
        for it in people.into_iter().flatten() {
            let id = it["person_id"].as_u64().unwrap_or_default();
            if self.persons.live(&key(id)).is_none() {
                return Err(unknown("participants"));
            }
        }
        Ok(())
    }
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        let shaped = |text: &str, shape: &str| {
            let fits = |(it, form): (char, char)| it == form || form == '0' && it.is_ascii_digit();
            text.chars().count() == shape.len() && text.chars().zip(shape.chars()).all(fits)
        };
        let only = |it: &Value, names: &[&str]| {
            it.as_object()
                .is_some_and(|it| it.keys().all(|it| names.contains(&it.as_str())))
        };
        let primaries = |all: &[Value]| all.iter().filter(|it| it["primary"] == true).count();
        match self {
            Self::Text => text.is_some(),
            Self::Integer => value.as_u64().is_some(),
            Self::Boolean => value.is_boolean(),
            Self::Day => text.is_some_and(|it| shaped(it, "0000-00-00")),
            Self::Minutes => text.is_some_and(|it| shaped(it, "00:00") || shaped(it, "00:00:00")),
            Self::Points => value.as_array().is_some_and(|all| {
                let fits = |it: &Value| {
                    only(it, &["value", "primary", "label"])
                        && it["value"].is_string()
                        && it["primary"].is_boolean()
                        && (it["label"].is_null() || it["label"].is_string())
                };
                all.iter().all(fits) && primaries(all) == usize::from(!all.is_empty())
            }),
            Self::People => value.as_array().is_some_and(|all| {
                let fits = |it: &Value| {
                    only(it, &["person_id", "primary"])
                        && it["person_id"].is_u64()
                        && it["primary"].is_boolean()
                };
                all.iter().all(fits) && primaries(all) == usize::from(!all.is_empty())
            }),
            Self::Place => only(value, &["value"]) && value["value"].is_string(),
            Self::Custom => only(value, &[PERSON_FIELD, ORGANIZATION_FIELD]),
        }
    }
}

fn merge(fields: &mut Value, body: &Fields) {
    for (name, value) in body {
        match (name.as_str(), value.as_object(), value.as_str()) {
            ("custom_fields", Some(custom), _) => {
                for (name, value) in custom {
                    fields["custom_fields"][name] = value.clone();
                }
            }
            ("name", _, Some(text)) if fields.get("emails").is_some() => self::name(fields, text),
            ("note", _, Some(text)) => fields["note"] = clean(text).into(),
            _ => fields[name] = value.clone(),
        }
    }
}

/// Sets a whole name, which Pipedrive takes apart.
pub(super) fn name(fields: &mut Value, name: &str) {
    let name = name.trim();
    let (given, family) = name.rsplit_once(' ').unwrap_or((name, ""));
    fields["name"] = name.into();
    fields["first_name"] = given.into();
    fields["last_name"] = Some(family).filter(|it| !it.is_empty()).into();
}

/// HTML as Pipedrive keeps it: written anew, and without scripts.
fn clean(html: &str) -> String {
    let mut kept = String::new();
    let mut rest = html;
    while let Some((before, script)) = rest.split_once("<script") {
        kept.push_str(before);
        rest = script.split_once("</script>").map_or("", |it| it.1);
    }
    kept.push_str(rest);
    kept.replace("<br>", "<br />")
}
