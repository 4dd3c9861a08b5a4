//! Reading records: by id, and in pages by everything a list can be asked for.

use serde_json::Value;
use sqlx::{QueryBuilder, Sqlite};

use super::{Row, Session, State};
use crate::resource::{Matching, Resource};

/// Which records to read, of the live ones of a kind.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) owners: Option<Vec<String>>,
    /// Modified at this time or later.
    pub(crate) since: Option<i64>,
    /// Modified before this time.
    pub(crate) until: Option<i64>,
    pub(crate) looked: Vec<Looked>,
    /// The position behind which to go on.
    pub(crate) after: Option<(i64, i64)>,
    pub(crate) limit: Option<u32>,
}

/// A look-up by a search key; several have to hold at once.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) key: &'static str,
    pub(crate) matching: Matching,
    pub(crate) values: Vec<String>,
}

impl Selection {
    /// Tells whether the records come in the order of their changes rather than of their creation.
    pub(crate) fn is_window(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Returns the position of a record in the order of this selection.
    pub(crate) fn position(&self, row: &Row) -> (i64, i64) {
        (if self.is_window() { row.modified } else { 0 }, row.number)
    }
}

type Columns = (i64, String, i64, i64, i64, String, Option<String>, String);

const COLUMNS: &str =
    "SELECT number, id, created, modified, version, state, survivor, body FROM record";

impl Session {
    /// Reads a record of a kind, gone ones too.
    pub(crate) async fn get(
        &mut self,
        resource: &Resource,
        id: &str,
    ) -> Result<Option<Row>, sqlx::Error> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query
            .push(" WHERE kind = ")
            .push_bind(resource.kind)
            .push(" AND id = ")
            .push_bind(id.to_owned());
        let columns: Option<Columns> = query
            .build_query_as()
            .fetch_optional(&mut *self.transaction)
            .await?;
        columns.map(row).transpose()
    }

    /// Reads the records of a selection, in its order.
    pub(crate) async fn select(
        &mut self,
        resource: &Resource,
        selection: &Selection,
    ) -> Result<Vec<Row>, sqlx::Error> {
        // The text of the query is made of constants only; every value is bound.
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query
            .push(" WHERE state = 'live' AND kind = ")
            .push_bind(resource.kind);
        if let Some(ids) = &selection.ids {
            // By way of the number, so that SQLite takes the index of the ids, not that of the order.
            query
                .push(" AND number IN (SELECT named.number FROM record AS named WHERE named.id IN ")
                .push("(SELECT value FROM json_each(")
                .push_bind(json(ids))
                .push(")))");
        }
        if let Some(owners) = &selection.owners {
            query
                .push(" AND owner IN (SELECT value FROM json_each(")
                .push_bind(json(owners))
                .push("))");
        }
        for looked in &selection.looked {
            query
                .push(" AND number IN (SELECT key.number FROM key WHERE key.kind = ")
                .push_bind(resource.kind);
            query.push(" AND key.name = ").push_bind(looked.key);
            query.push(match looked.matching {
                Matching::Equal => " AND key.value IN (SELECT value FROM json_each(",
                // Not LIKE: its wildcards would make `%` and `_` match what is not there.
                Matching::Contains => " AND EXISTS (SELECT 1 FROM json_each(",
            });
            query.push_bind(json(&looked.values));
            query.push(match looked.matching {
                Matching::Equal => ")))",
                Matching::Contains => ") AS part WHERE instr(key.value, part.value) > 0))",
            });
        }
        if let Some(since) = selection.since {
            query.push(" AND modified >= ").push_bind(since);
        }
        if let Some(until) = selection.until {
            query.push(" AND modified < ").push_bind(until);
        }
        let window = selection.is_window();
        match selection.after {
            Some((time, number)) if window => {
                query
                    .push(" AND (modified, number) > (")
                    .push_bind(time)
                    .push(", ")
                    .push_bind(number)
                    .push(")");
            }
            Some((_, number)) => {
                query.push(" AND number > ").push_bind(number);
            }
            None => {}
        }
        query.push(if window {
            " ORDER BY modified, number"
        } else {
            " ORDER BY number"
        });
        if let Some(limit) = selection.limit {
            query.push(" LIMIT ").push_bind(limit);
        }
        let found: Vec<Columns> = query
            .build_query_as()
            .fetch_all(&mut *self.transaction)
            .await?;
        found.into_iter().map(row).collect()
    }

    /// Reads the live records of a kind that refer to an id.
    pub(crate) async fn referring(
        &mut self,
        resource: &Resource,
        id: &str,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let key = Looked {
            key: super::write::REFERENCE,
            matching: Matching::Equal,
            values: vec![id.to_owned()],
        };
        self.select(
            resource,
            &Selection {
                looked: vec![key],
                ..Selection::default()
            },
        )
        .await
    }

    /// Returns the (kind, id) pairs among those given that name live records.
    pub(crate) async fn existing(
        &mut self,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>, sqlx::Error> {
        let ids = serde_json::to_string(ids).unwrap_or_default();
        sqlx::query_as(
            "SELECT kind, id FROM record WHERE state = 'live' AND id IN (SELECT value FROM json_each(?))",
        )
        .bind(ids)
        .fetch_all(&mut *self.transaction)
        .await
    }

    /// Counts the live records of a kind.
    pub(crate) async fn count(&mut self, resource: &Resource) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT COUNT(*) FROM record WHERE state = 'live' AND kind = ?")
            .bind(resource.kind)
            .fetch_one(&mut *self.transaction)
            .await
    }
}

fn row(columns: Columns) -> Result<Row, sqlx::Error> {
    let (number, id, created, modified, version, state, survivor, body) = columns;
    let state = match (state.as_str(), survivor) {
        ("live", _) => State::Live,
        ("merged", Some(survivor)) => State::Merged(survivor),
        _ => State::Deleted,
    };
    let body = serde_json::from_str(&body).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Row {
        number,
        id,
        created,
        modified,
        version,
        state,
        body,
    })
}

fn json(values: &[String]) -> String {
    Value::from(values).to_string()
}
