//! The rows of a table, by id, by time and by version, and what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde_json::{Map, Value};

use super::schema::{Schema, Type};
use crate::Office;

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    /// By the properties for reading.
    pub(super) fields: Map<String, Value>,
    /// The logical names of what look-ups lead to.
    pub(super) kinds: BTreeMap<String, &'static str>,
    /// Those who take part in an activity.
    pub(super) parties: Vec<Party>,
    pub(super) version: u64,
    pub(super) modified: i64,
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Party {
    pub(super) part: i64,
    pub(super) address: Option<String>,
    /// The logical name and the id.
    pub(super) row: Option<(&'static str, String)>,
}

/// The rows of a table.
#[derive(Debug, Default)]
pub(super) struct Store {
    rows: BTreeMap<String, Record>,
    by_time: BTreeSet<(i64, String)>,
    by_version: BTreeMap<u64, String>,
    /// By the version of the deletion.
    pub(super) deleted: BTreeMap<u64, String>,
}

impl Record {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            fields: Map::new(),
            kinds: BTreeMap::new(),
            parties: Vec::new(),
            version: 0,
            modified: 0,
        }
    }

    pub(super) fn value(&self, property: &str) -> Value {
        self.fields.get(property).cloned().unwrap_or_default()
    }

    pub(super) fn text(&self, property: &str) -> &str {
        let value = self.fields.get(property).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    pub(super) fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    pub(super) fn bind(&mut self, column: &str, row: Option<(&'static str, &str)>) {
        let property = format!("_{column}_value");
        match row {
            Some((kind, id)) => {
                self.kinds.insert(property.clone(), kind);
                self.fields.insert(property, id.into());
            }
            None => {
                self.fields.insert(property, Value::Null);
            }
        }
    }

    /// The row as it is answered, with these properties.
    pub(super) fn json(
        &self,
        schema: &Schema,
        select: &[String],
        kinds: bool,
    ) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("@odata.etag".to_owned(), self.etag().into());
        for property in select {
            let value = self.value(property);
            let is_lookup = schema
                .property(property)
                .is_some_and(|it| matches!(it.kind, Type::Lookup(_)));
            if kinds && is_lookup && !value.is_null() {
                let name = format!("{property}@Microsoft.Dynamics.CRM.lookuplogicalname");
                let kind = self.kinds.get(property).copied().unwrap_or("systemuser");
                json.insert(name, kind.into());
            }
            json.insert(property.clone(), value);
        }
        json.insert(schema.id.to_owned(), self.id.clone().into());
        json
    }
}

impl Store {
    /// Puts a row there, new or changed, with its next version.
    pub(super) fn put(&mut self, mut row: Record, version: u64, now: i64) {
        if let Some(old) = self.rows.get(&row.id) {
            self.by_time.remove(&(old.modified, old.id.clone()));
            self.by_version.remove(&old.version);
        }
        row.version = version;
        row.modified = now.div_euclid(1_000) * 1_000;
        let time = second(row.modified);
        row.fields
            .entry("createdon")
            .or_insert_with(|| time.clone().into());
        row.fields.insert("modifiedon".to_owned(), time.into());
        self.by_time.insert((row.modified, row.id.clone()));
        self.by_version.insert(version, row.id.clone());
        self.rows.insert(row.id.clone(), row);
    }

    /// Deletes a row; false if it is not there.
    pub(super) fn delete(&mut self, id: &str, version: u64) -> bool {
        let Some(row) = self.rows.remove(id) else {
            return false;
        };
        self.by_time.remove(&(row.modified, row.id.clone()));
        self.by_version.remove(&row.version);
        self.deleted.insert(version, row.id);
        true
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.rows.get(id)
    }

    /// The rows behind an id, in the order of ids.
    pub(super) fn after(&self, id: &str) -> impl Iterator<Item = &Record> {
        let range = (Bound::Excluded(id), Bound::Unbounded);
        self.rows.range::<str, _>(range).map(|(_, row)| row)
    }

    /// The rows behind a place, in the order of time and id.
    pub(super) fn later(&self, time: i64, id: &str) -> impl Iterator<Item = &Record> {
        let range = (Bound::Excluded((time, id.to_owned())), Bound::Unbounded);
        let range = self.by_time.range(range);
        range.filter_map(|(_, id)| self.rows.get(id))
    }

    /// The rows of later versions, in their order.
    pub(super) fn since(&self, version: u64) -> impl Iterator<Item = &Record> {
        let range = (Bound::Excluded(version), Bound::Unbounded);
        let range = self.by_version.range(range);
        range.filter_map(|(_, id)| self.rows.get(id))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Record> {
        self.rows.values()
    }
}

/// A time as it is answered.
pub(super) fn second(time: i64) -> String {
    Office::format(time, "%Y-%m-%dT%H:%M:%SZ")
}
