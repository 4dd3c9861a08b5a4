//! The records of an org, and what it takes to write one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::schema::{Access, Field, Form, OBJECTS, Object, id, whole_id};
use super::wrong::{Wrong, wrong, wrong_fields};
use crate::{Office, Row, Table};

/// Everything that an org has.
#[derive(Debug)]
pub(super) struct Store {
    tables: HashMap<&'static str, Table>,
    /// The roles of each opportunity.
    roles: HashMap<String, Vec<String>>,
    made: u64,
    /// Whether records have a currency.
    pub(super) currencies: bool,
    /// Whether several contacts can be related to an activity.
    pub(super) shared: bool,
    /// Whether a second contact with an address is refused.
    pub(super) unique: bool,
    /// The objects that the user may not see.
    pub(super) hidden: Vec<&'static str>,
    /// How many child records come at once.
    pub(super) children_at_once: usize,
    pub(super) me: String,
    cursors: RefCell<BTreeMap<String, Vec<Value>>>,
    opened: Cell<u32>,
}

/// Reads a time as the API writes it, or as it takes it.
pub(super) fn time_of(text: &str) -> Option<i64> {
    let colon = match text.len().checked_sub(2) {
        Some(end) if text.is_char_boundary(end) && !text.ends_with('Z') => {
            let (hours, minutes) = text.split_at(end);
            format!("{}:{minutes}", hours.trim_end_matches(':'))
        }
        _ => text.to_owned(),
    };
    Office::parse(&colon)
}

/// Writes a time as the API does.
pub(super) fn time(at: i64) -> String {
    Office::format(at, "%Y-%m-%dT%H:%M:%S.000+0000")
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            tables: OBJECTS.iter().map(|it| (it.name, Table::default())).collect(),
            roles: HashMap::new(),
            made: 0,
            currencies: false,
            shared: false,
            unique: true,
            hidden: Vec::new(),
            children_at_once: 200,
            me: String::new(),
            cursors: RefCell::default(),
            opened: Cell::new(0),
        }
    }

    /// An object that this user may see.
    pub(super) fn object(&self, name: &str) -> Result<&'static Object, Wrong> {
        let object = Object::named(name).filter(|it| !self.hidden.contains(&it.name));
        let object = object.filter(|it| {
            self.shared || !matches!(it.name, "TaskRelation" | "EventRelation")
        });
        let message = format!("sObject type '{name}' is not supported.");
        object.ok_or_else(|| wrong(400, "INVALID_TYPE", message))
    }

    /// A field that this org has.
    pub(super) fn field(
        &self,
        object: &'static Object,
        name: &str,
    ) -> Result<&'static Field, Wrong> {
        let field = object.field(name).filter(|it| match it.name {
            "CurrencyIsoCode" => self.currencies,
            "TaskWhoIds" | "EventWhoIds" => self.shared,
            _ => true,
        });
        let message = format!("No such column '{name}' on entity '{}'.", object.name);
        field.ok_or_else(|| wrong(400, "INVALID_FIELD", message))
    }

    pub(super) fn form(&self, row: &Row, name: &str) -> Form {
        let object = OBJECTS.iter().find(|it| row.id.starts_with(it.prefix));
        let field = object.and_then(|it| it.field(name));
        field.map_or(Form::Text(0), |it| it.form)
    }

    pub(super) fn table(&self, name: &'static str) -> &Table {
        &self.tables[name]
    }

    pub(super) fn table_mut(&mut self, name: &'static str) -> &mut Table {
        self.tables.entry(name).or_default()
    }

    pub(super) fn roles_of(&self, opportunity: &str) -> &[String] {
        self.roles.get(opportunity).map_or(&[], Vec::as_slice)
    }

    /// A field's value as the API answers it.
    pub(super) fn value(&self, row: &Row, name: &str) -> Value {
        match name {
            "Id" => row.id.clone().into(),
            "IsDeleted" => row.deleted.is_some().into(),
            "CreatedDate" => time(row.created).into(),
            "LastModifiedDate" | "SystemModstamp" => time(row.modified).into(),
            name => {
                let empty = match self.form(row, name) {
                    Form::Truth => Value::Bool(false),
                    _ => Value::Null,
                };
                row.fields.get(name).cloned().unwrap_or(empty)
            }
        }
    }

    /// Keeps the rest of a list, and answers where it is read.
    pub(super) fn keep(&self, rest: Vec<Value>) -> String {
        self.opened.set(self.opened.get() + 1);
        let cursor = format!("0r8xx{:010}-2000", self.opened.get());
        self.cursors.borrow_mut().insert(cursor.clone(), rest);
        format!("/services/data/v62.0/query/{cursor}")
    }

    /// Reads on in a list.
    pub(super) fn go_on(&self, cursor: &str) -> Option<Vec<Value>> {
        self.cursors.borrow_mut().remove(cursor)
    }

    /// Puts a record there without asking anything.
    pub(super) fn put(
        &mut self,
        object: &'static str,
        fields: Map<String, Value>,
        now: i64,
    ) -> String {
        self.made += 1;
        let prefix = Object::named(object).map_or("000", |it| it.prefix);
        let id = whole_id(&format!("{prefix}5g{:010}", self.made));
        if object == "OpportunityContactRole" {
            let opportunity = fields["OpportunityId"].as_str().unwrap_or_default();
            self.roles.entry(opportunity.to_owned()).or_default().push(id.clone());
        }
        let mut row = Row::new(id.clone(), fields, now, 0);
        derive(object, &mut row);
        self.table_mut(object).insert(row);
        id
    }

    /// Creates a record as the API does.
    pub(super) fn create(
        &mut self,
        object: &'static Object,
        given: &Map<String, Value>,
        now: i64,
    ) -> Result<String, Wrong> {
        let mut fields = self.checked(object, given, true)?;
        let missing: Vec<&str> = (object.fields.iter())
            .filter(|it| matches!(it.access, Access::Needed | Access::CreateNeeded))
            .filter(|it| fields.get(it.name).is_none_or(Value::is_null))
            .map(|it| it.name)
            .collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(wrong_fields("REQUIRED_FIELD_MISSING", message, &missing));
        }
        if object.field("OwnerId").is_some() {
            fields.entry("OwnerId").or_insert_with(|| self.me.clone().into());
        }
        if object.name == "Contact" {
            self.no_duplicate(&fields)?;
        }
        if object.name == "EmailMessage" && fields.get("Status") != Some(&json!("3")) {
            let message = "Status: bad value for an email that is not on a case";
            return Err(wrong_fields("FIELD_INTEGRITY_EXCEPTION", message, &["Status"]));
        }
        let people = self.settle(object, &mut fields, given)?;
        let id = self.put(object.name, fields, now);
        self.relate(object, &id, people, now);
        Ok(id)
    }

    /// Changes a record as the API does.
    pub(super) fn update(
        &mut self,
        object: &'static Object,
        id: &str,
        given: &Map<String, Value>,
        now: i64,
    ) -> Result<(), Wrong> {
        let changes = self.checked(object, given, false)?;
        let row = self.existing(object, id)?;
        if object.name == "EmailMessage"
            && changes.contains_key("RelatedToId")
            && row.fields.get("IsClientManaged") != Some(&Value::Bool(true))
        {
            let message = "the email is not client managed";
            return Err(wrong_fields("FIELD_INTEGRITY_EXCEPTION", message, &["RelatedToId"]));
        }
        let mut fields = row.fields.clone();
        for (name, value) in changes {
            fields.insert(name, value);
        }
        for field in object.fields.iter().filter(|it| it.access == Access::Needed) {
            if fields.get(field.name).is_none_or(Value::is_null) {
                let message = format!("Required fields are missing: [{}]", field.name);
                return Err(wrong_fields("REQUIRED_FIELD_MISSING", message, &[field.name]));
            }
        }
        let people = self.settle(object, &mut fields, given)?;
        self.table_mut(object.name).change(id, now, 0, |row| {
            row.fields = fields;
            derive(object.name, row);
        });
        self.relate(object, id, people, now);
        Ok(())
    }

    pub(super) fn delete(&mut self, object: &'static Object, id: &str, now: i64) -> Result<(), Wrong> {
        self.existing(object, id)?;
        self.table_mut(object.name).change(id, now, 0, |row| row.deleted = Some(now));
        Ok(())
    }

    /// A record that is there.
    pub(super) fn existing(&self, object: &'static Object, id: &str) -> Result<&Row, Wrong> {
        let row = self.table(object.name).get(id);
        let row = row.ok_or_else(|| {
            wrong(404, "NOT_FOUND", "The requested resource does not exist")
        })?;
        if row.deleted.is_some() {
            return Err(wrong(404, "ENTITY_IS_DELETED", "entity is deleted"));
        }
        Ok(row)
    }

    /// Checks every value that is to be written.
    fn checked(
        &self,
        object: &'static Object,
        given: &Map<String, Value>,
        is_new: bool,
    ) -> Result<Map<String, Value>, Wrong> {
        let mut checked = Map::new();
        for (name, value) in given.iter().filter(|it| it.0 != "attributes") {
            let field = self.field(object, name).ok().filter(|it| it.name == name);
            let message = format!("No such column '{name}' on sobject of type {}", object.name);
            let field = field.ok_or_else(|| wrong(400, "INVALID_FIELD", message))?;
            let may = match field.access {
                Access::Read => false,
                Access::Create | Access::CreateNeeded => is_new,
                Access::Write | Access::Needed => true,
            };
            if !may {
                let message = format!("Unable to create/update fields: {name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.");
                let code = "INVALID_FIELD_FOR_INSERT_UPDATE";
                return Err(wrong_fields(code, message, &[name.as_str()]));
            }
            checked.insert(name.clone(), self.fit(field, value)?);
        }
        Ok(checked)
    }

    fn fit(&self, field: &Field, value: &Value) -> Result<Value, Wrong> {
        let name = field.name;
        let mismatch = || {
            let message = format!("Cannot deserialize instance of {name} from {value}");
            wrong(400, "JSON_PARSER_ERROR", message)
        };
        let text = || value.as_str().ok_or_else(mismatch);
        if value.is_null() || value == "" {
            return Ok(Value::Null);
        }
        match field.form {
            Form::Truth => value.as_bool().map(Value::from).ok_or_else(mismatch),
            Form::Number => match value.is_number() {
                true => Ok(value.clone()),
                false => Err(mismatch()),
            },
            Form::Ids => match value.as_array() {
                Some(ids) if ids.iter().all(Value::is_string) => Ok(value.clone()),
                _ => Err(mismatch()),
            },
            Form::Date => {
                let day = Office::parse(&format!("{}T00:00:00Z", text()?));
                day.map(|_| value.clone()).ok_or_else(mismatch)
            }
            Form::Time => {
                let at = time_of(text()?).ok_or_else(mismatch)?;
                Ok(time(at).into())
            }
            Form::Pick(words) => match words.contains(&text()?) {
                true => Ok(value.clone()),
                false => {
                    let code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST";
                    let message = format!("{name}: bad value for restricted picklist field: {value}");
                    Err(wrong_fields(code, message, &[name]))
                }
            },
            Form::Id(objects) => {
                let text = text()?;
                let message = format!("{name}: id value of incorrect type: {text}");
                let malformed = || wrong_fields("MALFORMED_ID", message.clone(), &[name]);
                let id = id(text).ok_or_else(malformed)?;
                let object = OBJECTS.iter().find(|it| id.starts_with(it.prefix));
                let fits = object.filter(|it| objects.is_empty() || objects.contains(&it.name));
                let object = fits.ok_or_else(malformed)?;
                if self.table(object.name).live(&id).is_none() {
                    let code = "INVALID_CROSS_REFERENCE_KEY";
                    return Err(wrong_fields(code, "invalid cross reference id", &[name]));
                }
                Ok(id.into())
            }
            Form::Email | Form::Text(_) | Form::Long(_) => {
                let text = text()?.trim();
                let most = match field.form {
                    Form::Text(most) | Form::Long(most) => most,
                    _ => 80,
                };
                if most < text.chars().count() {
                    let message = format!("{name}: data value too large: (max length={most})");
                    return Err(wrong_fields("STRING_TOO_LONG", message, &[name]));
                }
                let (local, domain) = text.split_once('@').unwrap_or_default();
                let is_email = !local.is_empty() && domain.contains('.') && !text.contains(' ');
                if field.form == Form::Email && !is_email {
                    let message = format!("{name}: invalid email address: {text}");
                    return Err(wrong_fields("INVALID_EMAIL_ADDRESS", message, &[name]));
                }
                Ok(text.into())
            }
        }
    }

    /// A duplicate rule as many orgs have it: no second contact with an address.
    fn no_duplicate(&self, fields: &Map<String, Value>) -> Result<(), Wrong> {
        let email = fields.get("Email").and_then(Value::as_str).map(str::to_lowercase);
        let Some(email) = email.filter(|_| self.unique) else {
            return Ok(());
        };
        let contacts = self.table("Contact").after(None);
        let same = contacts.filter(|it| it.deleted.is_none() && it.text("Email").to_lowercase() == email);
        let matches: Vec<Value> = same
            .map(|it| json!({"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": {
                "attributes": {"type": "Contact", "url": format!("/services/data/v62.0/sobjects/Contact/{}", it.id)},
                "Id": it.id,
            }}))
            .collect();
        if matches.is_empty() {
            return Ok(());
        }
        let message = "Use one of these records?";
        let mut refusal = wrong_fields("DUPLICATES_DETECTED", message, &[]);
        refusal.elements[0]["duplicateResult"] = json!({
            "allowSave": true, "duplicateRule": "Standard_Contact_Duplicate_Rule",
            "duplicateRuleEntityType": "Contact", "errorMessage": message,
            "matchResults": [{
                "entityType": "Contact", "errors": [], "matchEngine": "ExactMatchEngine",
                "matchRecords": matches, "rule": "Standard_Contact_Match_Rule", "size": 1, "success": true,
            }],
        });
        Err(refusal)
    }

    /// Keeps the rules between the fields of an activity, and answers whom it is with.
    fn settle(
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
            fields.entry("Status").or_insert_with(|| "Not Started".into());
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
            Some(ids.filter_map(|it| it.as_str().map(str::to_owned)).collect::<Vec<_>>())
        });
        if let Some(people) = &mut people {
            if 50 < people.len() {
                return Err(wrong_fields("FIELD_INTEGRITY_EXCEPTION", "too many contacts", &[]));
            }
            let known = |it: &&String| {
                self.table("Contact").live(it).or(self.table("Lead").live(it)).is_some()
            };
            if people.iter().filter(known).count() < people.len() {
                return Err(wrong(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
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
            return Err(wrong_fields("FIELD_INTEGRITY_EXCEPTION", message, &["WhatId"]));
        }
        let account = match &what {
            Some(id) if id.starts_with("001") => Some(id.clone()),
            Some(id) => (self.table("Opportunity").live(id)).map(|it| it.text("AccountId").to_owned()),
            None => who.as_ref().and_then(|it| self.table("Contact").live(it)).map(|it| it.text("AccountId").to_owned()),
        };
        let account = account.filter(|it| !it.is_empty());
        fields.insert("AccountId".to_owned(), account.into());
        if self.shared && people.is_none() {
            people = given.contains_key("WhoId").then(|| who.into_iter().collect());
        }
        Ok(people)
    }

    /// Writes down whom an activity is with, where activities are shared.
    fn relate(&mut self, object: &Object, activity: &str, people: Option<Vec<String>>, now: i64) {
        let Some(people) = people.filter(|_| self.shared) else {
            return;
        };
        let (relation, field) = match object.name {
            "Task" => ("TaskRelation", "TaskId"),
            _ => ("EventRelation", "EventId"),
        };
        let rows = self.table(relation).after(None);
        let old: Vec<String> = rows.filter(|it| it.text(field) == activity).map(|it| it.id.clone()).collect();
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

/// Fields that Salesforce makes of others.
fn derive(object: &str, row: &mut Row) {
    let joined = |row: &Row| {
        let name = format!("{} {}", row.text("FirstName"), row.text("LastName"));
        name.trim().to_owned()
    };
    match object {
        "Contact" | "Lead" => {
            let name = joined(row);
            row.fields.insert("Name".to_owned(), name.into());
        }
        "Opportunity" => {
            let stage = row.text("StageName").to_owned();
            row.fields.insert("IsClosed".to_owned(), stage.starts_with("Closed").into());
            row.fields.insert("IsWon".to_owned(), (stage == "Closed Won").into());
        }
        _ => {}
    }
}

/// Keeps begin, end and length of an event together.
fn times(fields: &mut Map<String, Value>, given: &Map<String, Value>) -> Result<(), Wrong> {
    const MINUTE: i64 = 60_000;
    let broken = |message: &str, name: &str| {
        wrong_fields("FIELD_INTEGRITY_EXCEPTION", message, &[name])
    };
    let text = |fields: &Map<String, Value>, name: &str| {
        fields.get(name).and_then(Value::as_str).and_then(time_of)
    };
    let start = text(fields, "StartDateTime");
    let start = start.ok_or_else(|| {
        wrong_fields("REQUIRED_FIELD_MISSING", "Required fields are missing: [StartDateTime]", &["StartDateTime"])
    })?;
    let all_day = fields.get("IsAllDayEvent") == Some(&Value::Bool(true));
    if all_day && start % 86_400_000 != 0 {
        return Err(broken("an all-day event begins at midnight UTC", "StartDateTime"));
    }
    // The last day of an all-day event counts as a whole.
    let tail = if all_day { 1_440 } else { 0 };
    let by_end = text(fields, "EndDateTime").map(|end| (end - start) / MINUTE + tail);
    let by_length = fields.get("DurationInMinutes").and_then(Value::as_i64);
    let minutes = match (given.contains_key("EndDateTime"), given.contains_key("DurationInMinutes")) {
        (true, true) if by_end != by_length => {
            return Err(broken("duration and end do not match", "DurationInMinutes"));
        }
        (_, true) => by_length,
        (true, false) => by_end,
        (false, false) => by_length,
    };
    let minutes = minutes.ok_or_else(|| {
        wrong_fields("REQUIRED_FIELD_MISSING", "Required fields are missing: [DurationInMinutes]", &["DurationInMinutes"])
    })?;
    if minutes < 0 || (all_day && minutes < 1_440) {
        return Err(broken("Event duration cannot be negative", "DurationInMinutes"));
    }
    if 14 * 1_440 < minutes {
        return Err(broken("Event duration cannot be longer than 14 days", "DurationInMinutes"));
    }
    fields.insert("DurationInMinutes".to_owned(), minutes.into());
    fields.insert("EndDateTime".to_owned(), time(start + (minutes - tail) * MINUTE).into());
    fields.insert("ActivityDate".to_owned(), Office::format(start, "%Y-%m-%d").into());
    Ok(())
}
