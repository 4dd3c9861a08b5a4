//! Changing records: every change raises the version, moves the time and renews the search keys.

use serde_json::{Value, json};

use super::{Departure, Left, Row, Session, State};
use crate::reference;
use crate::resource::{Resource, text};
use crate::schema::Body;

/// The search key under which a record is found by the ids it refers to.
pub(super) const REFERENCE: &str = "reference";

/// A record to insert, with the times of its past.
pub(crate) struct New {
    pub(crate) resource: &'static Resource,
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) body: Body,
}

impl Session {
    /// Inserts a record, created now, and returns it.
    pub(crate) async fn insert(
        &mut self,
        resource: &'static Resource,
        body: Body,
    ) -> Result<Row, sqlx::Error> {
        let number = self.next_number().await?;
        let id = self.id(resource, number);
        let now = self.now;
        let new = New {
            resource,
            id: id.clone(),
            created: now,
            modified: now,
            body: body.clone(),
        };
        self.insert_all(number, &[new]).await?;
        Ok(Row {
            number,
            id,
            created: now,
            modified: now,
            version: 1,
            state: State::Live,
            body,
        })
    }

    /// The number that the next record gets.
    pub(crate) async fn next_number(&mut self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) + 1 FROM record")
            .fetch_one(&mut *self.transaction)
            .await
    }

    /// Inserts records in one statement, numbered from `first` on.
    pub(crate) async fn insert_all(&mut self, first: i64, new: &[New]) -> Result<(), sqlx::Error> {
        let mut records = Vec::with_capacity(new.len());
        let mut keys = Vec::with_capacity(new.len() * 8);
        for (number, new) in (first..).zip(new) {
            let body = Value::Object(new.body.clone()).to_string();
            let owner = text(&new.body, "owner");
            records.push(json!([
                number,
                new.resource.kind,
                new.id,
                owner,
                new.created,
                new.modified,
                body
            ]));
            keys.extend(keys_of(new.resource, number, &new.body));
        }
        sqlx::query(
            "INSERT INTO record (number, kind, id, owner, created, modified, version, state, body)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                    1, 'live', value ->> 6
             FROM json_each(?)",
        )
        .bind(Value::Array(records).to_string())
        .execute(&mut *self.transaction)
        .await?;
        self.insert_keys(keys).await
    }

    /// Keeps a changed record, and notes it as departed from its owner if it was given to another.
    pub(crate) async fn save(
        &mut self,
        resource: &Resource,
        row: &mut Row,
        former: Option<&str>,
    ) -> Result<(), sqlx::Error> {
        row.version += 1;
        row.modified = self.now;
        let owner = text(&row.body, "owner");
        let survivor = match &row.state {
            State::Merged(survivor) => Some(survivor.as_str()),
            State::Live | State::Deleted => None,
        };
        sqlx::query(
            "UPDATE record SET owner = ?, modified = ?, version = ?, state = ?, survivor = ?, body = ?
             WHERE number = ?",
        )
        .bind(owner)
        .bind(row.modified)
        .bind(row.version)
        .bind(row.state.name())
        .bind(survivor)
        .bind(Value::Object(row.body.clone()).to_string())
        .bind(row.number)
        .execute(&mut *self.transaction)
        .await?;
        sqlx::query("DELETE FROM key WHERE number = ?")
            .bind(row.number)
            .execute(&mut *self.transaction)
            .await?;
        self.insert_keys(keys_of(resource, row.number, &row.body))
            .await?;
        if row.state == State::Live && former.is_some() && former != owner {
            let how = Left::Reassigned {
                to: owner.map(ToOwned::to_owned),
            };
            self.depart(resource, row, former, how).await?;
        }
        Ok(())
    }

    /// Takes a record out of the lists, and leaves a tombstone.
    pub(crate) async fn remove(
        &mut self,
        resource: &Resource,
        row: &mut Row,
        survivor: Option<String>,
    ) -> Result<(), sqlx::Error> {
        let how = match survivor {
            Some(survivor) => {
                row.state = State::Merged(survivor.clone());
                Left::Merged { into: survivor }
            }
            None => {
                row.state = State::Deleted;
                Left::Deleted
            }
        };
        let owner = text(&row.body, "owner").map(ToOwned::to_owned);
        self.save(resource, row, None).await?;
        self.depart(resource, row, owner.as_deref(), how).await
    }

    /// Makes the id of the record with this number: opaque, and another one in every organisation.
    pub(crate) fn id(&self, resource: &Resource, number: i64) -> String {
        let mixed = crate::seed::random::mix(self.seed.rotate_left(32) ^ number.cast_unsigned());
        format!("{}_{mixed:016x}", resource.prefix)
    }

    async fn depart(
        &mut self,
        resource: &Resource,
        row: &Row,
        owner: Option<&str>,
        how: Left,
    ) -> Result<(), sqlx::Error> {
        let departure = Departure {
            id: row.id.clone(),
            at: self.now,
            how,
            owner: owner.map(ToOwned::to_owned),
        };
        self.note_departure(resource, &departure).await
    }

    async fn insert_keys(&mut self, keys: Vec<Value>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT OR IGNORE INTO key (kind, name, value, number)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
        )
        .bind(Value::Array(keys).to_string())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

fn keys_of(resource: &Resource, number: i64, body: &Body) -> Vec<Value> {
    let references = reference::ids(resource.fields, body);
    let references = references.into_iter().map(|it| (REFERENCE, it));
    let keys = (resource.keys)(body).into_iter().chain(references);
    keys.map(|(name, value)| json!([resource.kind, name, value, number]))
        .collect()
}
