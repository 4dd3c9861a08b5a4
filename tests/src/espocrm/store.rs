//! The records, and the attributes that the server works out from others.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::schema::{Entity, Link, Row, attribute};

/// One record; `fields` holds what is stored, [`Store::value`] what is seen.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) entity: Entity,
    pub(super) id: String,
    pub(super) deleted: bool,
    pub(super) fields: Map<String, Value>,
}

/// Every record of the site, and its clock.
#[derive(Debug)]
pub(super) struct Store {
    records: Vec<Record>,
    // Invariant: where each id stands in `records`; no two entities share one.
    places: HashMap<String, usize>,
    pub(super) custom: Vec<(Entity, &'static str)>,
    /// Seconds since the Unix epoch.
    pub(super) now: i64,
    made: u64,
}

impl Record {
    pub(super) fn stored(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.stored(name).as_str().filter(|it| !it.is_empty())
    }

    pub(super) fn ids(&self, name: &str) -> Vec<String> {
        match self.stored(name) {
            Value::String(id) => vec![id.clone()],
            Value::Array(list) => list
                .iter()
                .filter_map(|it| it.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// All addresses of `emailAddressData`, in lower case.
    pub(super) fn addresses(&self) -> Vec<String> {
        let list = self.stored("emailAddressData").as_array();
        list.into_iter()
            .flatten()
            .filter_map(|it| it.get("lower")?.as_str().map(str::to_owned))
            .collect()
    }

    fn primary(&self, list: &str, member: &str) -> Value {
        let list = self.stored(list).as_array();
        list.into_iter()
            .flatten()
            .find(|it| it.get("primary") == Some(&Value::Bool(true)))
            .and_then(|it| it.get(member).cloned())
            .unwrap_or(Value::Null)
    }
}

impl Store {
    pub(super) fn new(now: i64, custom: Vec<(Entity, &'static str)>) -> Self {
        Self {
            records: Vec::new(),
            places: HashMap::new(),
            custom,
            now,
            made: 0,
        }
    }

    /// Returns an id that is no guide to the order of creation, as the server's own are not.
    pub(super) fn next_id(&mut self) -> String {
        self.made += 1;
        format!("6{:016x}", self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn stamp(&self) -> String {
        DateTime::from_timestamp(self.now, 0)
            .map_or_else(String::new, |it| it.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    pub(super) fn live(&self, entity: Entity, id: &str) -> Option<&Record> {
        self.any(entity, id).filter(|it| !it.deleted)
    }

    pub(super) fn any(&self, entity: Entity, id: &str) -> Option<&Record> {
        let record = self.records.get(*self.places.get(id)?)?;
        (record.entity == entity).then_some(record)
    }

    pub(super) fn live_mut(&mut self, entity: Entity, id: &str) -> Option<&mut Record> {
        let record = self.records.get_mut(*self.places.get(id)?)?;
        (record.entity == entity && !record.deleted).then_some(record)
    }

    pub(super) fn push(&mut self, record: Record) {
        self.places.insert(record.id.clone(), self.records.len());
        self.records.push(record);
    }

    pub(super) fn all(&self, entity: Entity) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |it| it.entity == entity && !it.deleted)
    }

    /// Returns the records that a link of a record leads to.
    pub(super) fn linked(&self, record: &Record, link: Link) -> Vec<String> {
        match link {
            Link::Own(name, target) => record
                .ids(name)
                .into_iter()
                .filter(|id| self.live(target, id).is_some())
                .collect(),
            Link::Other(name, target) => self
                .all(target)
                .filter(|it| it.ids(name).contains(&record.id))
                .map(|it| it.id.clone())
                .collect(),
        }
    }

    /// Returns an attribute as a client sees it.
    pub(super) fn value(&self, record: &Record, name: &str) -> Value {
        match (record.entity, name) {
            (_, "id") => record.id.clone().into(),
            (Entity::User | Entity::Contact, "name") => {
                let parts = [record.text("firstName"), record.text("lastName")];
                parts
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .into()
            }
            // The title is no column of its own: it is the role at the primary account.
            (Entity::Contact, "title") => self.column(record, "role"),
            (Entity::Contact, "accountIsInactive") => self.column(record, "isInactive"),
            (_, "emailAddress") => record.primary("emailAddressData", "emailAddress"),
            (_, "phoneNumber") => record.primary("phoneNumberData", "phoneNumber"),
            (Entity::Email | Entity::Meeting, "accountId") => self.account_of_parent(record),
            (_, "accountName") => self.name_of(Entity::Account, &self.value(record, "accountId")),
            (_, "assignedUserName") => self.name_of(Entity::User, record.stored("assignedUserId")),
            (_, "parentName") => record
                .text("parentType")
                .and_then(Entity::parse)
                .map_or(Value::Null, |it| {
                    self.name_of(it, record.stored("parentId"))
                }),
            (_, "accountsNames") => self.names(record, "accountsIds", Entity::Account),
            (_, "contactsNames") => self.names(record, "contactsIds", Entity::Contact),
            (_, "usersNames") => self.names(record, "usersIds", Entity::User),
            _ => record.stored(name).clone(),
        }
    }

    /// Returns what reading the one record shows.
    pub(super) fn detail(&self, record: &Record) -> Value {
        let mut seen = Map::new();
        let custom = self.custom.iter().filter(|it| it.0 == record.entity);
        let names = record.entity.attributes().map(|it| it.name);
        for name in names.chain(custom.map(|it| it.1)) {
            seen.insert(name.to_owned(), self.value(record, name));
        }
        self.add_flags(record, &mut seen);
        seen.insert("deleted".to_owned(), record.deleted.into());
        Value::Object(seen)
    }

    /// Returns what a list shows of a record: without `select` all but what is costly.
    pub(super) fn row(&self, record: &Record, select: Option<&[String]>, by: &str) -> Value {
        let mut seen = Map::new();
        if let Some(select) = select {
            let always = ["id", "assignedUserId", "createdById", by];
            let names = always.into_iter().chain(select.iter().map(String::as_str));
            for name in names {
                let known = attribute(record.entity, &self.custom, name);
                if known.is_some_and(|it| it.row != Row::Never) {
                    seen.insert(name.to_owned(), self.value(record, name));
                }
            }
        } else {
            let custom = self.custom.iter().filter(|it| it.0 == record.entity);
            let always = record
                .entity
                .attributes()
                .filter(|it| it.row == Row::Always);
            for name in always
                .map(|it| it.name)
                .chain(custom.map(|it| it.1))
                .chain([by])
            {
                seen.insert(name.to_owned(), self.value(record, name));
            }
        }
        self.add_flags(record, &mut seen);
        Value::Object(seen)
    }

    fn add_flags(&self, record: &Record, seen: &mut Map<String, Value>) {
        if seen.contains_key("emailAddress") {
            for (name, member) in [
                ("emailAddressIsOptedOut", "optOut"),
                ("emailAddressIsInvalid", "invalid"),
            ] {
                let flag = record.primary("emailAddressData", member);
                seen.insert(name.to_owned(), flag.as_bool().unwrap_or(false).into());
            }
        }
    }

    fn column(&self, contact: &Record, name: &str) -> Value {
        let account = contact.text("accountId").unwrap_or_default();
        contact
            .stored("accountsColumns")
            .get(account)
            .and_then(|it| it.get(name))
            .cloned()
            .unwrap_or(Value::Null)
    }

    fn account_of_parent(&self, record: &Record) -> Value {
        let parent = record
            .text("parentType")
            .and_then(Entity::parse)
            .zip(record.text("parentId"))
            .and_then(|(entity, id)| self.live(entity, id));
        match parent {
            Some(it) if it.entity == Entity::Account => it.id.clone().into(),
            Some(it) => it.stored("accountId").clone(),
            None => Value::Null,
        }
    }

    fn name_of(&self, entity: Entity, id: &Value) -> Value {
        id.as_str()
            .and_then(|it| self.live(entity, it))
            .map_or(Value::Null, |it| self.value(it, "name"))
    }

    fn names(&self, record: &Record, ids: &str, entity: Entity) -> Value {
        let ids = record.ids(ids);
        let named = ids
            .into_iter()
            .map(|id| (id.clone(), self.name_of(entity, &json!(id))));
        Value::Object(named.collect())
    }
}
