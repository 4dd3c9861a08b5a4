//! What it takes to write a record.

use serde_json::{Map, Value, json};

use super::super::schema::{Access, Field, Form, OBJECTS, Object, id};
use super::super::wrong::{Wrong, wrong, wrong_fields};
use super::{Store, derive, time, time_of};
use crate::Office;

impl Store {
    /// Creates a record as the API does.
    pub(in crate::salesforce) fn create(
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
            fields
                .entry("OwnerId")
                .or_insert_with(|| self.me.clone().into());
        }
        if object.name == "Contact" {
            self.no_duplicate(&fields)?;
        }
        if object.name == "EmailMessage" && fields.get("Status") != Some(&json!("3")) {
            let message = "Status: bad value for an email that is not on a case";
            return Err(wrong_fields(
                "FIELD_INTEGRITY_EXCEPTION",
                message,
                &["Status"],
            ));
        }
        let people = self.settle(object, &mut fields, given)?;
        let id = self.put(object.name, fields, now);
        self.relate(object, &id, people, now);
        Ok(id)
    }

    /// Changes a record as the API does.
    pub(in crate::salesforce) fn update(
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
            return Err(wrong_fields(
                "FIELD_INTEGRITY_EXCEPTION",
                message,
                &["RelatedToId"],
            ));
        }
        let mut fields = row.fields.clone();
        for (name, value) in changes {
            fields.insert(name, value);
        }
        for field in object
            .fields
            .iter()
            .filter(|it| it.access == Access::Needed)
        {
            if fields.get(field.name).is_none_or(Value::is_null) {
                let message = format!("Required fields are missing: [{}]", field.name);
                return Err(wrong_fields(
                    "REQUIRED_FIELD_MISSING",
                    message,
                    &[field.name],
                ));
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

    pub(in crate::salesforce) fn delete(
        &mut self,
        object: &'static Object,
        id: &str,
        now: i64,
    ) -> Result<(), Wrong> {
        self.existing(object, id)?;
        self.table_mut(object.name)
            .change(id, now, 0, |row| row.deleted = Some(now));
        Ok(())
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
                let message = format!(
                    "Unable to create/update fields: {name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set."
                );
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
                    let message =
                        format!("{name}: bad value for restricted picklist field: {value}");
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
        let email = fields
            .get("Email")
            .and_then(Value::as_str)
            .map(str::to_lowercase);
        let Some(email) = email.filter(|_| self.unique) else {
            return Ok(());
        };
        let contacts = self.table("Contact").after(None);
        let same =
            contacts.filter(|it| it.deleted.is_none() && it.text("Email").to_lowercase() == email);
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
        refusal.duplicates = Some(json!({
            "allowSave": true, "duplicateRule": "Standard_Contact_Duplicate_Rule",
            "duplicateRuleEntityType": "Contact", "errorMessage": message,
            "matchResults": [{
                "entityType": "Contact", "errors": [], "matchEngine": "ExactMatchEngine",
                "matchRecords": matches, "rule": "Standard_Contact_Match_Rule", "size": 1, "success": true,
            }],
        }));
        Err(refusal)
    }
}
