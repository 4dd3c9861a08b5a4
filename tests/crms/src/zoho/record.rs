//! Records of the modules: read, written, deleted, and what was deleted.

use serde_json::{Map, Value, json};

use super::field::{self, Field, Type};
use super::{Zoho, paged, refusal};
use crate::{Answer, Crm as _, Office, Request, Row};

impl Zoho {
    /// Answers what concerns one record, or makes a new one.
    pub(super) fn record(
        &mut self,
        module: &'static str,
        id: Option<&str>,
        request: &Request,
    ) -> Answer {
        if id.is_some_and(|it| !Type::Id.takes(it)) {
            return self.violation(format!("no record has such an id: {}", request.path));
        }
        match (request.method.as_str(), id) {
            ("POST", None) => match fields(request) {
                Some(fields) => self.create(module, fields),
                None => self.violation("a record stands in `data`, in a list of one"),
            },
            ("GET", Some(id)) => match self.table(module).live(id) {
                Some(row) => Answer::json(200, &json!({"data": [shown(module, row)]})),
                None => Answer::empty(204),
            },
            ("PUT", Some(id)) => match fields(request) {
                Some(fields) => {
                    let until = request.header("if-unmodified-since").map(str::to_owned);
                    self.change(module, id, fields, until.as_deref())
                }
                None => self.violation("changes stand in `data`, in a list of one"),
            },
            ("DELETE", Some(id)) => match self.bin(module, id) {
                true => {
                    let details = json!({ "id": id });
                    entry(200, "SUCCESS", "record deleted", &details)
                }
                false => lost(),
            },
            (method, _) => self.violation(format!("{method} {}", request.path)),
        }
    }

    fn create(&mut self, module: &'static str, mut fields: Map<String, Value>) -> Answer {
        // A switch, and no field.
        let quiet = fields.remove("$send_notification");
        if module == "Events" && quiet != Some(false.into()) {
            return self.violation("somebody may be invited");
        }
        let missing = |it: &&Field| it.required && fields.get(it.name).is_none_or(Value::is_null);
        if let Some(field) = field::fields(module).iter().find(missing) {
            return wrong(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                field.name,
                json!({}),
            );
        }
        if let Some(answer) = self.refused(module, None, &fields) {
            return answer;
        }
        whole_name(&mut fields);
        normalise(&mut fields);
        let id = self.put(module, Value::Object(fields));
        self.written(module, &id, 201, "record added")
    }

    fn change(
        &mut self,
        module: &'static str,
        id: &str,
        fields: Map<String, Value>,
        until: Option<&str>,
    ) -> Answer {
        let Some(row) = self.table(module).live(id) else {
            return lost();
        };
        let (modified, before) = (row.modified, row.fields.clone());
        match until.map(|it| Type::Time.takes(it).then(|| Office::parse(it)).flatten()) {
            None => {}
            Some(None) => return self.violation("If-Unmodified-Since is no time as Zoho has it"),
            Some(Some(until)) if until < modified => {
                let message = "record updated time has already passed if-unmodified-since time";
                let details = json!({"id": id, "Modified_Time": field::time(modified)});
                return entry(412, "ALREADY_MODIFIED", message, &details);
            }
            Some(Some(_)) => {}
        }
        let emptied = |it: &&Field| it.required && fields.get(it.name).is_some_and(Value::is_null);
        if let Some(field) = field::fields(module).iter().find(emptied) {
            return wrong(
                "MANDATORY_NOT_FOUND",
                "required field not found",
                field.name,
                json!({}),
            );
        }
        let mut then = before;
        then.extend(fields.clone());
        if let Some(answer) = self.refused(module, Some(id), &fields) {
            return answer;
        }
        whole_name(&mut then);
        normalise(&mut then);
        let now = self.now();
        self.table(module)
            .change(id, now, 0, |row| row.fields = then);
        self.written(module, id, 200, "record updated")
    }

    /// Refuses fields that the module has not, values that do not fit, links to nothing, and duplicates.
    fn refused(
        &mut self,
        module: &'static str,
        id: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Option<Answer> {
        for (name, value) in fields {
            let Some(field) = field::field(module, name).filter(|it| it.writable) else {
                self.office()
                    .violation(format!("{module} has no field {name} to be written"));
                return Some(wrong(
                    "INVALID_DATA",
                    "the field api name given seems to be invalid",
                    name,
                    json!({}),
                ));
            };
            if let Some(details) = field.refuses(value) {
                return Some(wrong("INVALID_DATA", "invalid data", name, details));
            }
            let linked = value.get("id").and_then(Value::as_str);
            let to = match field.kind {
                Type::Link(module) => field::module(module),
                Type::Any => parent(fields, value),
                _ => None,
            };
            let is_lost = match (linked, to, field.kind) {
                (Some(id), Some(to), _) => self.table(to).live(id).is_none(),
                (Some(id), None, Type::Link(_)) => !self.users.iter().any(|it| it["id"] == id),
                (Some(_), None, Type::Any) => true,
                _ => false,
            };
            if is_lost {
                let path = json!({"json_path": format!("$.data[0].{name}.id")});
                return Some(wrong(
                    "INVALID_DATA",
                    "the id given seems to be invalid",
                    "id",
                    path,
                ));
            }
        }
        let times =
            ["Start_DateTime", "End_DateTime"].map(|it| fields.get(it).and_then(Value::as_str));
        if let [Some(start), Some(end)] = times
            && Office::parse(end) <= Office::parse(start)
        {
            return Some(wrong(
                "INVALID_DATA",
                "invalid data",
                "End_DateTime",
                json!({}),
            ));
        }
        self.duplicate(module, id, fields)
    }

    fn duplicate(
        &mut self,
        module: &str,
        id: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Option<Answer> {
        if module != "Contacts" || !self.ways.unique_address {
            return None;
        }
        let address = fields.get("Email")?.as_str()?.to_lowercase();
        let is_it = |row: &&Row| {
            let other = Some(row.id.as_str()) != id && row.deleted.is_none();
            other && row.text("Email").to_lowercase() == address
        };
        let named = self.ways.names_duplicates;
        let there = self.table("Contacts").after(None).find(is_it)?;
        let details = match named {
            true => {
                json!({"id": there.id, "duplicate_record": {"id": there.id}, "more_records": false})
            }
            false => json!({}),
        };
        Some(wrong("DUPLICATE_DATA", "duplicate data", "Email", details))
    }

    fn written(&mut self, module: &'static str, id: &str, status: u16, message: &str) -> Answer {
        let me = self.me();
        let times = self
            .table(module)
            .get(id)
            .map(|it| (it.created, it.modified));
        let (created, modified) = times.unwrap_or_default();
        let by = json!({"id": me, "name": "Mia Mine"});
        let details = json!({
            "id": id, "Created_Time": field::time(created), "Modified_Time": field::time(modified),
            "Created_By": by, "Modified_By": by,
        });
        entry(status, "SUCCESS", message, &details)
    }

    /// Answers what was deleted after a time: the newest first, and without its owner.
    pub(super) fn deleted(&mut self, module: &str, request: &Request) -> Answer {
        let Some(module) = field::module(module) else {
            return self.violation("there is no such module");
        };
        let since = request.header("if-modified-since");
        let since = match since.map(|it| Type::Time.takes(it).then(|| Office::parse(it)).flatten())
        {
            None => i64::MIN,
            Some(Some(since)) => since,
            Some(None) => return self.violation("If-Modified-Since is no time as Zoho has it"),
        };
        if request
            .param("type")
            .is_some_and(|it| !["all", "recycle", "permanent"].contains(&it))
        {
            return self.violation("there is no such kind of deleted records");
        }
        let mut rows: Vec<(i64, Value)> = Vec::new();
        for row in self.table(module).after(None) {
            let Some(at) = row.deleted.filter(|it| *it > since) else {
                continue;
            };
            let shown = json!({
                "id": row.id, "display_name": row.text("Full_Name"), "type": "recycle",
                "deleted_time": field::time(at), "deleted_by": null, "created_by": null,
            });
            rows.push((at, shown));
        }
        rows.sort_by_key(|it| std::cmp::Reverse(it.0));
        paged("data", rows.into_iter().map(|it| it.1), request)
    }

    pub(super) fn list_roles(&mut self, deal: &str) -> Answer {
        if self.table("Deals").live(deal).is_none() {
            return lost();
        }
        let roles = self.roles.iter().filter(|it| it.0 == deal);
        let roles: Vec<Value> = roles
            .map(|it| json!({"id": it.1, "Contact_Role": {"id": "1", "name": it.2}}))
            .collect();
        if roles.is_empty() {
            return Answer::empty(204);
        }
        let info = json!({"page": 1, "per_page": 200, "count": roles.len(), "more_records": false});
        Answer::json(200, &json!({"data": roles, "info": info}))
    }

    pub(super) fn cancel(&mut self, event: &str, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        if body != json!({"data": [{"send_cancelling_mail": false}]}) {
            return self.violation("somebody may be told");
        }
        let now = self.now();
        let Some(row) = self.table("Events").live(event) else {
            return lost();
        };
        let people = row.fields.get("Participants").and_then(Value::as_array);
        let why = if row.fields.contains_key("$cancelled") {
            Some("The event is already cancelled")
        } else if people.is_none_or(Vec::is_empty) {
            Some("You cannot cancel the event without inviting participants")
        } else if Office::parse(row.text("End_DateTime")).is_some_and(|it| it < now) {
            Some("You cannot cancel the meeting after the meeting end time")
        } else {
            None
        };
        if let Some(why) = why {
            return refusal(400, "NOT_ALLOWED", why, &json!({}));
        }
        self.table("Events").touch(event, |row| {
            row.fields.insert("$cancelled".to_owned(), true.into());
        });
        entry(200, "SUCCESS", "Meeting cancelled", &json!({ "id": event }))
    }
}

/// The one record in the body of a request.
fn fields(request: &Request) -> Option<Map<String, Value>> {
    let body = request.json()?;
    let list = body.get("data").and_then(Value::as_array)?;
    let is_alone = list.len() == 1 && body.as_object().is_some_and(|it| it.len() == 1);
    list.first().filter(|_| is_alone)?.as_object().cloned()
}

/// The module of the record that a field links to: a note says it in the link, an event beside it.
fn parent(fields: &Map<String, Value>, link: &Value) -> Option<&'static str> {
    let name = link["module"]["api_name"].as_str();
    let name = name.or_else(|| fields.get("$se_module")?.as_str());
    field::module(name?)
}

/// Keeps the name that Zoho makes of two.
pub(super) fn whole_name(fields: &mut Map<String, Value>) {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let whole = format!("{} {}", text("First_Name"), text("Last_Name"));
    if fields.contains_key("Last_Name") {
        fields.insert("Full_Name".to_owned(), whole.trim().into());
    }
}

/// Writes times as this organisation has them, and whole days from midnight to midnight.
fn normalise(fields: &mut Map<String, Value>) {
    let all_day = fields.get("All_day") == Some(&true.into());
    for name in ["Start_DateTime", "End_DateTime"] {
        let at = fields
            .get(name)
            .and_then(Value::as_str)
            .and_then(Office::parse);
        if let Some(at) = at {
            let shown = field::time(at);
            let day = shown.get(..10).unwrap_or_default();
            let end = if name == "Start_DateTime" {
                "T00:00:00-08:00"
            } else {
                "T23:59:00-08:00"
            };
            let then = if all_day {
                format!("{day}{end}")
            } else {
                shown
            };
            fields.insert(name.to_owned(), then.into());
        }
    }
}

/// A record as it is read by its id: with what queries do not have.
fn shown(module: &'static str, row: &Row) -> Value {
    let mut shown = json!({});
    for field in field::fields(module) {
        shown[field.name] = field.shown(row);
    }
    shown
}

/// A refusal in the entry of a record, about a field.
fn wrong(code: &str, message: &str, field: &str, mut details: Value) -> Answer {
    if details.get("json_path").is_none() {
        details["json_path"] = json!(format!("$.data[0].{field}"));
    }
    details["api_name"] = json!(field);
    entry(400, code, message, &details)
}

pub(super) fn lost() -> Answer {
    let details = json!({"resource_path_index": 1});
    refusal(
        400,
        "INVALID_DATA",
        "the id given seems to be invalid",
        &details,
    )
}

/// What became of a record.
fn entry(status: u16, code: &str, message: &str, details: &Value) -> Answer {
    let word = if code == "SUCCESS" {
        "success"
    } else {
        "error"
    };
    let entry = json!({"code": code, "message": message, "details": details, "status": word});
    Answer::json(status, &json!({"data": [entry]}))
}
