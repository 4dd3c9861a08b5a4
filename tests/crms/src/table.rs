//! The records of one kind.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde_json::{Map, Value};

/// A record.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id. Ids of one table have one length, so that their order as texts is the order in which they were made.
    pub id: String,
    /// Its fields, in the CRM's own words and form; nothing that the table keeps besides.
    pub fields: Map<String, Value>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was last changed.
    pub modified: i64,
    /// When it was deleted.
    pub deleted: Option<i64>,
    /// From when on the slow indexes have its newest state.
    pub seen_from: i64,
}

/// Records by their id and by the time of their last change.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
    by_time: BTreeSet<(i64, String)>,
}

impl Row {
    /// A new record with these fields; the slow indexes have it after `lag`.
    pub fn new(id: impl Into<String>, fields: Map<String, Value>, now: i64, lag: i64) -> Self {
        Self {
            id: id.into(),
            fields,
            created: now,
            modified: now,
            deleted: None,
            seen_from: now + lag,
        }
    }

    /// A field as text; empty if there is none.
    pub fn text(&self, field: &str) -> &str {
        let value = self.fields.get(field).and_then(Value::as_str);
        value.unwrap_or_default()
    }
}

impl Table {
    /// Puts a record there.
    pub fn insert(&mut self, row: Row) {
        self.by_time.insert((row.modified, row.id.clone()));
        self.rows.insert(row.id.clone(), row);
    }

    /// A record, deleted or not.
    pub fn get(&self, id: &str) -> Option<&Row> {
        self.rows.get(id)
    }

    /// A record that is not deleted.
    pub fn live(&self, id: &str) -> Option<&Row> {
        self.get(id).filter(|it| it.deleted.is_none())
    }

    /// Changes a record; it counts as modified now, and the slow indexes have it after `lag`. False if it is not there.
    pub fn change(&mut self, id: &str, now: i64, lag: i64, edit: impl FnOnce(&mut Row)) -> bool {
        let Some(row) = self.rows.get_mut(id) else {
            return false;
        };
        self.by_time.remove(&(row.modified, row.id.clone()));
        edit(row);
        row.modified = now;
        row.seen_from = now + lag;
        self.by_time.insert((row.modified, row.id.clone()));
        true
    }

    /// Changes a record without a trace in its times, as CRMs do with some deletions. False if it is not there.
    pub fn touch(&mut self, id: &str, edit: impl FnOnce(&mut Row)) -> bool {
        let Some(row) = self.rows.get_mut(id) else {
            return false;
        };
        let modified = row.modified;
        edit(row);
        row.modified = modified;
        true
    }

    /// Removes a record for good.
    pub fn purge(&mut self, id: &str) {
        if let Some(row) = self.rows.remove(id) {
            self.by_time.remove(&(row.modified, row.id));
        }
    }

    /// All records, deleted ones included, in the order of their ids, after this id if there is one.
    pub fn after(&self, id: Option<&str>) -> impl Iterator<Item = &Row> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.rows.range::<str, _>((from, Bound::Unbounded));
        range.map(|(_, row)| row)
    }

    /// All records, deleted ones included, from this time of modification on, in the order of that time and then of their ids.
    pub fn since(&self, time: i64) -> impl Iterator<Item = &Row> {
        let range = self.by_time.range((time, String::new())..);
        range.filter_map(|(_, id)| self.rows.get(id))
    }

    /// How many there are, deleted ones included.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
