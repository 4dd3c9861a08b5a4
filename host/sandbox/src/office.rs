//! What people in the office do, from inside the server: many records at one moment, in one transaction, by the same code that the API's own routes call.

use serde_json::{Map, Value};

use crate::resource::{self, Resource, text};
use crate::schema::Body;
use crate::store::{New, Row, Selection, State, Store};

/// Why the office cannot do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfficeError {
    /// There is no such kind of record.
    #[error(
        "there are no records of the kind {0:?}; write `contact`, `account` or another kind of the API"
    )]
    Kind(String),
    /// There is no such record.
    #[error("there is no record {0:?}")]
    Missing(String),
    /// The database failed; then nothing has changed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Puts records there, and answers their ids.
pub(crate) async fn put(
    store: &Store,
    kind: &str,
    records: Vec<Map<String, Value>>,
) -> Result<Vec<String>, OfficeError> {
    let resource = resource(kind)?;
    let mut session = store.begin().await?;
    let (now, first) = (session.now, session.next_number().await?);
    let mut new = Vec::with_capacity(records.len());
    for (number, body) in (first..).zip(records) {
        let id = session.id(resource, number);
        new.push(New {
            resource,
            id,
            created: now,
            modified: now,
            body,
        });
    }
    session.insert_all(first, &new).await?;
    session.commit().await?;
    Ok(new.into_iter().map(|it| it.id).collect())
}

/// Gives records other values in some fields.
pub(crate) async fn edit(
    store: &Store,
    kind: &str,
    ids: &[String],
    fields: &Map<String, Value>,
) -> Result<(), OfficeError> {
    let resource = resource(kind)?;
    let mut session = store.begin().await?;
    for id in ids {
        let mut row = live(session.get(resource, id).await?, id)?;
        let former = text(&row.body, "owner").map(ToOwned::to_owned);
        let fields: Body = fields.clone();
        row.body.extend(fields);
        session.save(resource, &mut row, former.as_deref()).await?;
    }
    Ok(session.commit().await?)
}

/// Deletes records.
pub(crate) async fn remove(store: &Store, kind: &str, ids: &[String]) -> Result<(), OfficeError> {
    let resource = resource(kind)?;
    let mut session = store.begin().await?;
    for id in ids {
        let mut row = live(session.get(resource, id).await?, id)?;
        session.remove(resource, &mut row, None).await?;
    }
    Ok(session.commit().await?)
}

/// All records of a kind that are there, each with its `id`.
pub(crate) async fn all(store: &Store, kind: &str) -> Result<Vec<Value>, OfficeError> {
    let resource = resource(kind)?;
    let mut session = store.begin().await?;
    let rows = session.select(resource, &Selection::default()).await?;
    let with_id = |row: Row| {
        let mut body = row.body;
        body.insert("id".to_owned(), row.id.into());
        Value::Object(body)
    };
    Ok(rows.into_iter().map(with_id).collect())
}

fn resource(kind: &str) -> Result<&'static Resource, OfficeError> {
    let mut all = resource::ALL.iter().copied();
    all.find(|it| it.kind == kind)
        .ok_or_else(|| OfficeError::Kind(kind.to_owned()))
}

fn live(row: Option<Row>, id: &str) -> Result<Row, OfficeError> {
    row.filter(|it| it.state == State::Live)
        .ok_or_else(|| OfficeError::Missing(id.to_owned()))
}
