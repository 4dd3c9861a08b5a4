//! The records of an org.

mod activity;
mod write;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::schema::{Field, Form, OBJECTS, Object, whole_id};
use super::wrong::{Wrong, wrong};
use crate::{Office, Row, Table};

/// Everything that an org has.
#[derive(Debug)]
pub(super) struct Store {
    tables: HashMap<&'static str, Table>,
    nothing: Table,
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
            tables: OBJECTS
                .iter()
                .map(|it| (it.name, Table::default()))
                .collect(),
            nothing: Table::default(),
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
        let object =
            object.filter(|it| self.shared || !matches!(it.name, "TaskRelation" | "EventRelation"));
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
        self.tables.get(name).unwrap_or(&self.nothing)
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

    /// Keeps the rest of a list, and answers where it is read; none if there is no rest.
    pub(super) fn kept(&self, rest: Vec<Value>) -> Option<String> {
        if rest.is_empty() {
            return None;
        }
        self.opened.set(self.opened.get() + 1);
        let cursor = format!("0r8xx{:010}-2000", self.opened.get());
        self.cursors.borrow_mut().insert(cursor.clone(), rest);
        Some(format!("/services/data/v62.0/query/{cursor}"))
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
            let opportunity = fields.get("OpportunityId").and_then(Value::as_str);
            let opportunity = opportunity.unwrap_or_default();
            self.roles
                .entry(opportunity.to_owned())
                .or_default()
                .push(id.clone());
        }
        let mut row = Row::new(id.clone(), fields, now, 0);
        derive(object, &mut row);
        self.table_mut(object).insert(row);
        id
    }

    /// A record that is there.
    pub(super) fn existing(&self, object: &'static Object, id: &str) -> Result<&Row, Wrong> {
        let row = self.table(object.name).get(id);
        let row =
            row.ok_or_else(|| wrong(404, "NOT_FOUND", "The requested resource does not exist"))?;
        if row.deleted.is_some() {
            return Err(wrong(404, "ENTITY_IS_DELETED", "entity is deleted"));
        }
        Ok(row)
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
            row.fields
                .insert("IsClosed".to_owned(), stage.starts_with("Closed").into());
            row.fields
                .insert("IsWon".to_owned(), (stage == "Closed Won").into());
        }
        _ => {}
    }
}
