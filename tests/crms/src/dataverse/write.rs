//! Writes: what a payload may have, who takes part in activities, states, and duplicates.

use serde_json::{Map, Value};

use super::filter::is_guid;
use super::list::{Preferences, fits};
use super::schema::{Column, SCHEMAS, Schema, Type};
use super::store::{Party, Record};
use super::{Dataverse, ROOT, Refused, refused};
use crate::{Answer, Request};

impl Dataverse {
    pub(super) fn create(
        &mut self,
        schema: &'static Schema,
        request: &Request,
    ) -> Result<Answer, Refused> {
        let payload = payload(request)?;
        self.may_write("Create", schema)?;
        if ["contacts", "accounts"].contains(&schema.set) {
            // The service would let every duplicate in.
            let header = request.header("mscrm.suppressduplicatedetection");
            if header != Some("false") {
                let what = "the organisation's rules against duplicates are switched off";
                return Err(Refused::Unknown(what.to_owned()));
            }
        }
        let mut row = Record::new(self.fresh_id());
        let me = self.me.clone();
        own(&mut row, &me);
        if !schema.states.is_empty() {
            if schema.parties.is_some() && payload.contains_key("statecode") {
                let what = "an activity is made open, whatever its payload says";
                return Err(Refused::Unknown(what.to_owned()));
            }
            row.fields.insert("statecode".to_owned(), 0.into());
            row.fields.insert("statuscode".to_owned(), 1.into());
        }
        self.write(schema, &mut row, payload)?;
        self.check_duplicate(schema, &row)?;
        let id = row.id.clone();
        self.put(schema, row);
        self.represent(schema, request, &id, 201)
    }

    pub(super) fn update(
        &mut self,
        schema: &'static Schema,
        id: &str,
        request: &Request,
    ) -> Result<Answer, Refused> {
        let payload = payload(request)?;
        self.may_write("Write", schema)?;
        let Some(version) = request.header("if-match") else {
            let what = "without If-Match a row that is gone would be made again";
            return Err(Refused::Unknown(what.to_owned()));
        };
        let mut row = self.row(schema, id)?.clone();
        if version != "*" && version != row.etag() {
            let said = "The version of the existing record doesn't match the RowVersion property provided.";
            return Err(refused(412, "0x80060882", said));
        }
        if payload.is_empty() {
            return Err(refused(400, "0x80048d19", "The request body is empty."));
        }
        let is_state = |it: &String| it == "statecode" || it == "statuscode";
        if schema.parties.is_some() && !payload.keys().all(is_state) {
            check_open(&row)?;
        }
        self.write(schema, &mut row, payload)?;
        self.put(schema, row);
        self.represent(schema, request, id, 200)
    }

    pub(super) fn remove_row(
        &mut self,
        schema: &'static Schema,
        id: &str,
    ) -> Result<Answer, Refused> {
        self.may_write("Delete", schema)?;
        self.row(schema, id)?;
        self.version += 1;
        let version = self.version;
        self.store_mut(schema).delete(id, version);
        Ok(Answer::empty(204))
    }

    /// Replaces the parties of an activity.
    pub(super) fn replace_parties(
        &mut self,
        schema: &'static Schema,
        id: &str,
        request: &Request,
    ) -> Result<Answer, Refused> {
        let mut payload = payload(request)?;
        self.may_write("Write", schema)?;
        let mut row = self.row(schema, id)?.clone();
        check_open(&row)?;
        let parties = payload.remove("value").unwrap_or_default();
        if !payload.is_empty() {
            return Err(refused(400, "0x80048d19", "Only value is expected."));
        }
        row.parties = self.read_parties(schema, parties)?;
        self.put(schema, row);
        Ok(Answer::empty(204))
    }

    fn may_write(&self, what: &str, schema: &Schema) -> Result<(), Refused> {
        if !self.read_only {
            return Ok(());
        }
        let (me, name) = (&self.me, schema.name);
        let said = format!(
            "Principal user (Id={me}, type=8) is missing prv{what}{name} privilege on OTC=2 for entity '{name}'."
        );
        Err(refused(403, "0x80040220", &said))
    }

    fn write(
        &self,
        schema: &'static Schema,
        row: &mut Record,
        payload: Map<String, Value>,
    ) -> Result<(), Refused> {
        let custom = self.custom(schema);
        for (name, value) in payload {
            if let Some(property) = name.strip_suffix("@odata.bind") {
                self.bind(schema, row, property, &value)?;
            } else if schema.parties.is_some_and(|it| it.0 == name) {
                row.parties = self.read_parties(schema, value)?;
            } else if custom.contains(&name) {
                row.fields.insert(name, value);
            } else {
                let column = schema.named(&name).filter(|it| it.writable);
                let column = column.ok_or_else(|| wrong_payload(schema, &name))?;
                set(schema, row, column, value)?;
            }
        }
        check_state(schema, row)?;
        if schema.set == "contacts" {
            let name = format!("{} {}", row.text("firstname"), row.text("lastname"));
            let name = name.trim();
            let name = (!name.is_empty()).then(|| name.to_owned());
            row.fields.insert("fullname".to_owned(), name.into());
            row.fields.entry("merged").or_insert(false.into());
        }
        if schema.set == "accounts" {
            row.fields.entry("merged").or_insert(false.into());
        }
        Ok(())
    }

    /// Binds a look-up to a row that is there, or to none.
    fn bind(
        &self,
        schema: &Schema,
        row: &mut Record,
        property: &str,
        value: &Value,
    ) -> Result<(), Refused> {
        let binding = schema.binding(property).filter(|(it, _)| it.writable);
        let (column, set) = binding.ok_or_else(|| wrong_payload(schema, property))?;
        if value.is_null() {
            if column.name == "ownerid" {
                return Err(refused(400, "0x80040203", "A row has an owner."));
            }
            row.bind(column.name, None);
            return Ok(());
        }
        let (target, id) = self.bound(set, value)?;
        row.bind(column.name, Some((target.name, &id)));
        if column.name == "ownerid" {
            row.bind("owninguser", Some((target.name, &id)));
        }
        Ok(())
    }

    /// Reads `/accounts(…)`, which must lead to a row of this set.
    fn bound(&self, set: &str, value: &Value) -> Result<(&'static Schema, String), Refused> {
        let id = value
            .as_str()
            .and_then(|it| it.trim_start_matches('/').strip_prefix(set))
            .and_then(|it| it.strip_prefix('(')?.strip_suffix(')'))
            .filter(|it| is_guid(it));
        let said = format!("The address {value} does not lead to a row of {set}.");
        let id = id.ok_or_else(|| refused(400, "0x80048d19", &said))?;
        // Activities of all kinds can be named by what they have in common.
        let is_it = |it: &&Schema| match set {
            "activitypointers" => it.parties.is_some() && self.store(it).get(id).is_some(),
            set => it.set == set,
        };
        let target = SCHEMAS.iter().find(is_it);
        let target = target.ok_or_else(|| Refused::Unknown(format!("there is no set {set}")))?;
        self.row(target, id)?;
        Ok((target, id.to_owned()))
    }

    fn read_parties(&self, schema: &Schema, value: Value) -> Result<Vec<Party>, Refused> {
        let wrong = |said: &str| refused(400, "0x80048d19", said);
        let Value::Array(rows) = value else {
            return Err(wrong("The parties are no list."));
        };
        let mut parties = Vec::new();
        for row in rows {
            let Value::Object(members) = row else {
                return Err(wrong("A party is no object."));
            };
            let mut party = Party {
                part: 0,
                address: None,
                row: None,
            };
            for (name, value) in members {
                match name.as_str() {
                    "participationtypemask" => party.part = value.as_i64().unwrap_or_default(),
                    "addressused" => party.address = value.as_str().map(str::to_owned),
                    name => {
                        let set = match name {
                            "partyid_contact@odata.bind" => "contacts",
                            "partyid_account@odata.bind" => "accounts",
                            "partyid_systemuser@odata.bind" => "systemusers",
                            _ => return Err(wrong_payload(schema, name)),
                        };
                        let (target, id) = self.bound(set, &value)?;
                        party.row = Some((target.name, id));
                    }
                }
            }
            let allowed = schema.parties.map_or(&[][..], |it| it.1);
            if !allowed.contains(&party.part) {
                return Err(wrong(
                    "The participation type is not valid for this activity.",
                ));
            }
            if party.row.is_none() && party.address.is_none() {
                return Err(wrong("A party has neither partyid nor addressused."));
            }
            let is_user = party.row.as_ref().is_some_and(|it| it.0 == "systemuser");
            if party.part == 7 && !is_user {
                return Err(wrong("Only a systemuser organizes an appointment."));
            }
            parties.push(party);
        }
        Ok(parties)
    }

    /// The rules that every organisation has at first, and the index on message ids.
    fn check_duplicate(&self, schema: &'static Schema, row: &Record) -> Result<(), Refused> {
        let properties: &[&str] = match schema.set {
            "contacts" if self.names_differ => &["emailaddress1", "fullname"],
            "contacts" => &["emailaddress1"],
            "accounts" => &["name"],
            "emails" => &["messageid"],
            _ => &[],
        };
        let is_like = |other: &Record| {
            properties.iter().any(|it| {
                let (one, other) = (row.text(it).to_lowercase(), other.text(it).to_lowercase());
                !one.is_empty() && one == other
            })
        };
        if !self.store(schema).rows().any(is_like) {
            return Ok(());
        }
        if schema.set == "emails" {
            return Err(refused(412, "0x80040237", "Cannot insert duplicate key."));
        }
        let said = "A record was not created or updated because a duplicate of the current record already exists.";
        Err(refused(self.duplicate_status, "0x80040333", said))
    }

    /// Answers what was written, as the request prefers.
    fn represent(
        &mut self,
        schema: &'static Schema,
        request: &Request,
        id: &str,
        status: u16,
    ) -> Result<Answer, Refused> {
        let preferences = Preferences::read(request)?;
        let address = format!("{}{ROOT}{}({id})", request.origin, schema.set);
        if !preferences.representation {
            return Ok(Answer::empty(204).with_header("odata-entityid", address));
        }
        let options = self.options(schema, request, &["$select"])?;
        let row = self.row(schema, id)?;
        let body = self.answered(schema, row, &options, &preferences);
        Ok(Answer::json(status, &body))
    }
}

pub(super) fn own(row: &mut Record, owner: &str) {
    row.bind("ownerid", Some(("systemuser", owner)));
    row.bind("owninguser", Some(("systemuser", owner)));
}

fn set(schema: &Schema, row: &mut Record, column: &Column, value: Value) -> Result<(), Refused> {
    let name = column.name;
    if !fits(column.kind, &value) {
        return Err(wrong_payload(schema, name));
    }
    if let (Type::Text(longest), Some(text)) = (column.kind, value.as_str())
        && longest < text.chars().count()
    {
        let entity = schema.name;
        let said = format!(
            "A validation error occurred.  The length of the '{name}' attribute of the '{entity}' entity exceeded the maximum allowed length of '{longest}'."
        );
        return Err(refused(400, "0x80044331", &said));
    }
    row.fields.insert(name.to_owned(), value);
    Ok(())
}

fn check_state(schema: &Schema, row: &Record) -> Result<(), Refused> {
    if schema.states.is_empty() {
        return Ok(());
    }
    let number = |name: &str| row.value(name).as_i64();
    let (state, status) = (number("statecode"), number("statuscode"));
    let mut states = schema.states.iter();
    let is_known =
        states.any(|it| Some(it.0) == state && status.is_some_and(|s| it.1.contains(&s)));
    match is_known {
        true => Ok(()),
        false => {
            let said = format!("{status:?} is not a valid status code for state code {state:?}.");
            Err(refused(400, "0x80048408", &said))
        }
    }
}

/// Completed and cancelled activities are read-only; the code is not documented.
fn check_open(row: &Record) -> Result<(), Refused> {
    match row.value("statecode").as_i64() {
        Some(1 | 2) => {
            let said = "The activity is completed or canceled, and read-only.";
            Err(refused(400, "0x80040203", said))
        }
        _ => Ok(()),
    }
}

fn payload(request: &Request) -> Result<Map<String, Value>, Refused> {
    match request.json() {
        Some(Value::Object(payload)) => Ok(payload),
        _ => Err(Refused::Unknown("a JSON object was due".to_owned())),
    }
}

fn wrong_payload(schema: &Schema, name: &str) -> Refused {
    let (set, entity) = (schema.set, schema.name);
    let said = format!(
        "Error identified in Payload provided by the user for Entity :'{set}', For more information on this error please follow this help link. InnerException : An undeclared property '{name}' which only has property annotations in the payload but no property value was found in the payload. Entity type: {entity}."
    );
    refused(400, "0x80048d19", &said)
}
