//! Objects v3: one record, lists, batches and writes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::refusal::{Refused, known_members, members, only};
use super::schema::{Property, Type, stage};
use super::{HubSpot, Object, PORTAL, Served};
use crate::{Answer, Office, Request, Row};

/// The most records of a page and of a batch.
const MOST: usize = 100;
/// The most links that come along with a record.
const INLINE: usize = 100;
/// The most characters of a text.
const LONGEST: usize = 65_536;

/// Reads how many are wanted; more than the most is refused.
pub(super) fn limit(request: &Request, most: usize) -> Result<usize, Refused> {
    let limit = match request.param("limit") {
        None => Ok(10),
        Some(text) => text.parse(),
    };
    match limit {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Refused::unknown(format!("limit is 1 to {most}"))),
    }
}

pub(super) fn flag(request: &Request, name: &str) -> Result<bool, Refused> {
    match request.param(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refused::unknown(format!("{name} is true or false"))),
    }
}

/// The answer to a batch: with errors it has several statuses.
pub(super) fn batch(results: Vec<Value>, errors: Vec<Value>, status: u16) -> Answer {
    let mut body = json!({
        "status": "COMPLETE", "results": results,
        "startedAt": "2026-01-15T10:00:00.000Z", "completedAt": "2026-01-15T10:00:00.000Z",
    });
    let status = if errors.is_empty() { status } else { 207 };
    if !errors.is_empty() {
        body["numErrors"] = errors.len().into();
        body["errors"] = errors.into();
    }
    Answer::json(status, &body)
}

impl HubSpot {
    pub(super) fn list(&mut self, request: &Request, object: Object) -> Served {
        only(
            request,
            &["limit", "after", "properties", "associations", "archived"],
        )?;
        let limit = limit(request, MOST)?;
        let archived = flag(request, "archived")?;
        let properties = listed(request, "properties");
        let linked = self.linked_kinds(request)?;
        let after = request.param("after");
        if after.is_some_and(|it| !it.bytes().all(|it| it.is_ascii_digit())) {
            return Err(Refused::unknown("after is not a place that was told"));
        }
        let mut rows = self.tables[&object]
            .after(after)
            .filter(|it| it.deleted.is_some() == archived);
        let mut page: Vec<Value> = Vec::new();
        for row in rows.by_ref().take(limit) {
            page.push(self.answered(object, row, &properties, &linked));
        }
        let more = rows.next().is_some();
        let last = page.last().map(|it| it["id"].clone());
        let mut body = json!({ "results": page });
        if let (true, Some(last)) = (more, last) {
            body["paging"] = json!({ "next": { "after": last, "link": "" } });
        }
        Ok(counted(Answer::json(200, &body)))
    }

    pub(super) fn read(&mut self, request: &Request, object: Object, id: &str) -> Served {
        only(request, &["properties", "associations", "archived"])?;
        let properties = listed(request, "properties");
        let linked = self.linked_kinds(request)?;
        let row = self.tables[&object].live(id).ok_or(Refused::NotFound)?;
        Ok(counted(Answer::json(
            200,
            &self.answered(object, row, &properties, &linked),
        )))
    }

    pub(super) fn batch_read(&mut self, request: &Request, object: Object) -> Served {
        let body = members(request, &["inputs", "properties", "idProperty"])?;
        let properties = texts(body.get("properties"))?;
        let by_address = match body.get("idProperty").and_then(Value::as_str) {
            None => false,
            Some("email") if object == Object::Contact => true,
            Some(other) => return Err(Refused::unknown(format!("{other} is not unique"))),
        };
        let inputs = body.get("inputs").and_then(Value::as_array);
        let inputs = inputs.ok_or_else(|| Refused::unknown("inputs is no list"))?;
        if inputs.is_empty() || MOST < inputs.len() {
            return Err(Refused::unknown(format!(
                "{} inputs, and 1 to {MOST} are allowed",
                inputs.len()
            )));
        }
        let (mut results, mut missing, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut wanted = BTreeSet::new();
        for input in inputs {
            let input = input
                .as_object()
                .ok_or_else(|| Refused::unknown("an input is no object"))?;
            known_members(input, &["id"])?;
            let id = input.get("id").and_then(Value::as_str).unwrap_or_default();
            if !wanted.insert(id) {
                return Err(Refused::unknown(format!(
                    "Duplicate IDs found in batch input: [{id}]"
                )));
            }
            if 320 < id.len() || id.chars().any(char::is_control) {
                return Err(Refused::unknown(
                    "an id is longer than an address can be, or no text",
                ));
            }
            if id.is_empty() || !by_address && !id.bytes().all(|it| it.is_ascii_digit()) {
                return Err(Refused::unknown(format!("{id:?} is no id")));
            }
        }
        let addressed = match by_address {
            true => self.by_addresses(&wanted),
            false => Vec::new(),
        };
        for id in wanted {
            let found = match by_address {
                true => addressed
                    .iter()
                    .find(|it| it.0 == id)
                    .map(|it| it.1.as_str()),
                false => Some(id),
            };
            let row = found.and_then(|it| self.tables[&object].live(it));
            match row {
                Some(row) if self.broken.contains(&row.id) => errors.push(json!({
                    "status": "error", "category": "INTERNAL_ERROR", "message": "internal error",
                    "context": { "ids": [row.id] },
                })),
                Some(row) => results.push(self.answered(object, row, &properties, &[])),
                None => missing.push(id),
            }
        }
        if !missing.is_empty() {
            let what = object.word().to_uppercase();
            errors.push(json!({
                "status": "error", "category": "OBJECT_NOT_FOUND", "context": { "ids": missing },
                "message": format!("Could not get some {what} objects, they may be deleted or not exist. Check that ids are valid."),
            }));
        }
        Ok(counted(batch(results, errors, 200)))
    }

    /// The contacts that have these addresses.
    fn by_addresses(&self, addresses: &BTreeSet<&str>) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for row in self.tables[&Object::Contact]
            .after(None)
            .filter(|it| it.deleted.is_none())
        {
            let further = row
                .text("hs_additional_emails")
                .split(';')
                .filter(|_| self.knows_further_addresses);
            for address in further.chain([row.text("email")]) {
                // In any case, as everywhere.
                let lower = address.to_lowercase();
                let asked = addresses.iter().filter(|it| it.to_lowercase() == lower);
                found.extend(asked.map(|it| ((*it).to_owned(), row.id.clone())));
            }
        }
        found
    }

    pub(super) fn create(&mut self, request: &Request, object: Object) -> Served {
        let body = members(request, &["properties", "associations"])?;
        let fields = self.checked(object, body.get("properties"), None)?;
        let has = |names: &[&str]| names.iter().any(|it| fields.contains_key(*it));
        let needed: &[&str] = match object {
            Object::Contact => &["email", "firstname", "lastname"],
            Object::Company => &["name", "domain"],
            Object::Meeting | Object::Email => &["hs_timestamp"],
            Object::Deal => return Err(Refused::MissingScope),
        };
        if !has(needed) {
            return Err(Refused::invalid(format!(
                "one of {} is required",
                needed.join(", ")
            )));
        }
        let links = match body.get("associations") {
            Some(links) => self.new_links(object, links)?,
            None => Vec::new(),
        };
        let id = self.insert(object, fields);
        self.derive(object, &id);
        for (to, other, type_id) in links {
            self.link((object, &id), (to, &other), type_id);
        }
        let mut answer = self.whole(object, &id);
        let type_id = object.type_id();
        answer["url"] =
            format!("https://app-eu1.hubspot.com/contacts/{PORTAL}/record/{type_id}/{id}").into();
        Ok(counted(Answer::json(201, &answer)))
    }

    pub(super) fn update(&mut self, request: &Request, object: Object, id: &str) -> Served {
        let body = members(request, &["properties"])?;
        if self.tables[&object].live(id).is_none() {
            return Err(Refused::NotFound);
        }
        let fields = self.checked(object, body.get("properties"), Some(id))?;
        let (now, lag) = (self.office.now, self.office.lag);
        self.table(object).change(id, now, lag, |row| {
            for (name, value) in fields {
                match value.as_str() {
                    Some("") => drop(row.fields.remove(&name)),
                    _ => drop(row.fields.insert(name, value)),
                }
            }
        });
        self.derive(object, id);
        Ok(counted(Answer::json(200, &self.whole(object, id))))
    }

    pub(super) fn archive(&mut self, object: Object, id: &str) {
        let now = self.office.now;
        if object == Object::Email {
            // An e-mail is gone for good.
            self.table(object).purge(id);
        } else if self.tables[&object].live(id).is_some() {
            // It is no change of the record: only when it was archived is kept.
            self.table(object).touch(id, |it| it.deleted = Some(now));
        }
    }

    /// Checks properties that are to be written.
    fn checked(
        &self,
        object: Object,
        properties: Option<&Value>,
        id: Option<&str>,
    ) -> Result<Map<String, Value>, Refused> {
        let properties = properties.and_then(Value::as_object);
        let properties = properties.ok_or_else(|| Refused::unknown("properties is no object"))?;
        let (mut fields, mut problems) = (Map::new(), Vec::new());
        for (name, value) in properties {
            let Some(value) = value.as_str() else {
                return Err(Refused::unknown(format!("the value of {name} is no text")));
            };
            let problem = match object.property(name) {
                None => Some((
                    "PROPERTY_DOESNT_EXIST",
                    format!("Property \"{name}\" does not exist"),
                )),
                Some(it) if it.read_only || self.read_only.contains(&it.name) => Some((
                    "READ_ONLY_VALUE",
                    format!("\"{name}\" is a read only property; its value cannot be set"),
                )),
                Some(it) => self.problem(it, value),
            };
            if let Some((code, said)) = problem {
                problems.push((name.clone(), code, said));
                continue;
            }
            if !value.is_empty() || id.is_some() {
                fields.insert(name.clone(), kept(object, name, value).into());
            }
        }
        if !problems.is_empty() {
            return Err(Refused::Properties(problems));
        }
        if let (Object::Contact, Some(address)) =
            (object, fields.get("email").and_then(Value::as_str))
        {
            let is_other = |row: &&Row| row.deleted.is_none() && Some(row.id.as_str()) != id;
            let has = |row: &&Row| {
                let mut further = row.text("hs_additional_emails").split(';');
                row.text("email") == address || further.any(|it| it == address)
            };
            let mut rows = self.tables[&object].after(None).filter(is_other);
            if let Some(row) = rows.find(has).filter(|_| !address.is_empty()) {
                return Err(Refused::Exists(row.id.clone()));
            }
        }
        Ok(fields)
    }

    fn problem(&self, property: Property, value: &str) -> Option<(&'static str, String)> {
        if LONGEST < value.encode_utf16().count() {
            return Some((
                "VALUE_TOO_LONG",
                format!("{} is longer than {LONGEST} characters", property.name),
            ));
        }
        if value.is_empty() {
            return None;
        }
        let not = |what: &str| format!("{value:?} was not {what}");
        match property.kind {
            Type::Text | Type::Several => None,
            Type::Address => {
                let plain =
                    |it: char| !it.is_whitespace() && !it.is_control() && !",;<>()\"".contains(it);
                let (local, domain) = value.split_once('@').unwrap_or_default();
                let good = !local.is_empty() && domain.contains('.') && value.chars().all(plain);
                (!good).then(|| ("INVALID_EMAIL", format!("Email address {value} is invalid")))
            }
            Type::Number => value
                .parse::<f64>()
                .is_err()
                .then(|| ("INVALID_FLOAT", not("a valid number"))),
            Type::Time => time(value)
                .is_none()
                .then(|| ("INVALID_DATE", not("a valid long"))),
            Type::Bool => (!matches!(value, "true" | "false")).then(|| {
                (
                    "INVALID_OPTION",
                    not("one of the allowed options: [true, false]"),
                )
            }),
            Type::Choice(words) => (!words.contains(&value))
                .then(|| ("INVALID_OPTION", not("one of the allowed options"))),
            Type::Owner => (!self.owners.iter().any(|it| it.id == value))
                .then(|| ("INVALID_OWNER_ID", format!("Owner {value} does not exist"))),
        }
    }

    /// Sets what follows from other properties.
    pub(super) fn derive(&mut self, object: Object, id: &str) {
        self.table(object).touch(id, |row| {
            let (from, stage) = (headers_sender(row), stage(row.text("dealstage")));
            let domain = row.text("email").rsplit_once('@').map(|it| it.1.to_owned());
            let mut set = |name: &str, value: Option<String>| match value {
                Some(value) => drop(row.fields.insert(name.to_owned(), value.into())),
                None => drop(row.fields.remove(name)),
            };
            match object {
                Object::Contact => set("hs_email_domain", domain),
                Object::Email => set("hs_email_from_email", from),
                Object::Deal => {
                    set("hs_is_closed", stage.map(|it| it.0.to_string()));
                    set("hs_is_closed_won", stage.map(|it| it.1.to_string()));
                }
                Object::Company | Object::Meeting => {}
            }
        });
    }

    /// A record with all that it has, as a write answers it.
    fn whole(&self, object: Object, id: &str) -> Value {
        let row = self.tables[&object].get(id);
        let names = row
            .map(|it| it.fields.keys().cloned().collect())
            .unwrap_or_default();
        row.map(|it| self.answered(object, it, &names, &[]))
            .unwrap_or_default()
    }

    pub(super) fn answered(
        &self,
        object: Object,
        row: &Row,
        names: &Vec<String>,
        linked: &[Object],
    ) -> Value {
        let mut properties = Map::new();
        for name in names {
            // What is not known is left out, what has no value is null.
            if object.property(name).is_some() {
                properties.insert(
                    name.clone(),
                    self.value(object, row, name)
                        .map_or(Value::Null, Value::from),
                );
            }
        }
        for name in ["hs_object_id", "createdate", object.modified()] {
            properties.insert(name.to_owned(), self.value(object, row, name).into());
        }
        let mut answer = json!({
            "id": row.id, "properties": properties, "archived": row.deleted.is_some(),
            "createdAt": Office::rfc3339(row.created), "updatedAt": Office::rfc3339(row.modified),
        });
        if let Some(at) = row.deleted {
            answer["archivedAt"] = Office::rfc3339(at).into();
        }
        for to in linked {
            let mut rows = Vec::new();
            for (id, types) in self
                .linked(object, &row.id, *to)
                .filter(|it| self.tables[to].live(it.0).is_some())
            {
                for type_id in &types.ids {
                    let plain = if *type_id == 1 { "" } else { "_unlabeled" };
                    rows.push(json!({ "id": id, "type": format!("{}_to_{}{plain}", object.word(), to.word()) }));
                }
            }
            if !rows.is_empty() {
                let more = INLINE < rows.len();
                rows.truncate(INLINE);
                let mut list = json!({ "results": rows });
                if more {
                    list["paging"] = json!({ "next": { "after": rows.last().map(|it| it["id"].clone()), "link": "" } });
                }
                answer["associations"][to.path()] = list;
            }
        }
        answer
    }

    /// The value of a property.
    pub(super) fn value(&self, object: Object, row: &Row, name: &str) -> Option<String> {
        let text = match name {
            "hs_object_id" => row.id.clone(),
            "createdate" | "hs_createdate" => Office::rfc3339(row.created),
            _ if name == object.modified() => Office::rfc3339(row.modified),
            _ => row.text(name).to_owned(),
        };
        Some(text).filter(|it| !it.is_empty())
    }

    fn linked_kinds(&self, request: &Request) -> Result<Vec<Object>, Refused> {
        let names = listed(request, "associations");
        let kinds = names.iter().map(|it| Object::named(it));
        let kinds: Option<Vec<Object>> = kinds.collect();
        kinds.ok_or_else(|| Refused::unknown("associations names a kind that there is not"))
    }
}

/// Reads a time as it is written: RFC 3339 or milliseconds since 1970.
pub(super) fn time(value: &str) -> Option<i64> {
    value.parse().ok().or_else(|| Office::parse(value))
}

/// The form in which a value is kept.
fn kept(object: Object, name: &str, value: &str) -> String {
    match object.property(name).map(|it| it.kind) {
        Some(Type::Address) => value.to_lowercase(),
        Some(Type::Time) => time(value).map(Office::rfc3339).unwrap_or_default(),
        _ => value.to_owned(),
    }
}

/// The sender's address, which comes out of the headers.
fn headers_sender(row: &Row) -> Option<String> {
    let headers: Value = serde_json::from_str(row.text("hs_email_headers")).ok()?;
    Some(headers.get("from")?.get("email")?.as_str()?.to_owned())
}

/// The elements of a parameter with commas.
fn listed(request: &Request, name: &str) -> Vec<String> {
    let text = request.param(name).unwrap_or_default();
    text.split(',')
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(super) fn texts(value: Option<&Value>) -> Result<Vec<String>, Refused> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .ok_or_else(|| Refused::unknown("a list was due"))?;
    let texts = list.iter().map(|it| it.as_str().map(str::to_owned));
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| Refused::unknown("a text was due"))
}

/// Tells where the limits stand; a search does not.
fn counted(answer: Answer) -> Answer {
    answer
        .with_header("x-hubspot-ratelimit-max", 100)
        .with_header("x-hubspot-ratelimit-remaining", 99)
        .with_header("x-hubspot-ratelimit-interval-milliseconds", 10_000)
}
