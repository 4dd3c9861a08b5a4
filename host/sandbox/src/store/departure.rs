//! Departures: the notes that deleted, merged and reassigned records leave behind.

use sqlx::{QueryBuilder, Sqlite};

use super::Session;
use crate::resource::Resource;

/// A record that has left the lists, or the list of its owner.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) how: Left,
    /// Who owned the record before.
    pub(crate) owner: Option<String>,
}

/// How a record has left.
#[derive(Debug)]
pub(crate) enum Left {
    Deleted,
    Merged { into: String },
    Reassigned { to: Option<String> },
}

impl Left {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Merged { .. } => "merged",
            Self::Reassigned { .. } => "reassigned",
        }
    }
}

/// Which departures to read.
pub(crate) struct Wanted {
    pub(crate) since: i64,
    pub(crate) until: Option<i64>,
    pub(crate) owners: Option<Vec<String>>,
    pub(crate) how: Option<Vec<String>>,
    pub(crate) after: Option<(i64, i64)>,
    pub(crate) limit: u32,
}

type Columns = (
    i64,
    String,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Session {
    /// Reads departures in the order in which they happened, each with its number.
    pub(crate) async fn departures(
        &mut self,
        resource: &Resource,
        wanted: &Wanted,
    ) -> Result<Vec<(i64, Departure)>, sqlx::Error> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT number, id, at, how, survivor, owner, heir FROM departure WHERE kind = ",
        );
        query
            .push_bind(resource.kind)
            .push(" AND at >= ")
            .push_bind(wanted.since);
        if let Some(until) = wanted.until {
            query.push(" AND at < ").push_bind(until);
        }
        if let Some((at, number)) = wanted.after {
            query
                .push(" AND (at, number) > (")
                .push_bind(at)
                .push(", ")
                .push_bind(number)
                .push(")");
        }
        for (column, values) in [
            (" AND owner IN ", &wanted.owners),
            (" AND how IN ", &wanted.how),
        ] {
            if let Some(values) = values {
                let values = serde_json::Value::from(values.as_slice()).to_string();
                query
                    .push(column)
                    .push("(SELECT value FROM json_each(")
                    .push_bind(values)
                    .push("))");
            }
        }
        query
            .push(" ORDER BY at, number LIMIT ")
            .push_bind(wanted.limit);
        let found: Vec<Columns> = query
            .build_query_as()
            .fetch_all(&mut *self.transaction)
            .await?;
        Ok(found.into_iter().map(departure).collect())
    }

    pub(super) async fn note_departure(
        &mut self,
        resource: &Resource,
        departure: &Departure,
    ) -> Result<(), sqlx::Error> {
        let (survivor, heir) = match &departure.how {
            Left::Deleted => (None, None),
            Left::Merged { into } => (Some(into), None),
            Left::Reassigned { to } => (None, to.as_ref()),
        };
        sqlx::query(
            "INSERT INTO departure (kind, id, at, how, survivor, owner, heir) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(resource.kind)
        .bind(&departure.id)
        .bind(departure.at)
        .bind(departure.how.name())
        .bind(survivor)
        .bind(&departure.owner)
        .bind(heir)
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

fn departure(columns: Columns) -> (i64, Departure) {
    let (number, id, at, how, survivor, owner, heir) = columns;
    let how = match (how.as_str(), survivor) {
        ("merged", Some(into)) => Left::Merged { into },
        ("reassigned", _) => Left::Reassigned { to: heir },
        _ => Left::Deleted,
    };
    (number, Departure { id, at, how, owner })
}
