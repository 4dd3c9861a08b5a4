//! The database of one organisation: one SQLite connection, so that changes and reads take turns.
//!
//! With one connection the time of a change never lies before what a reader was already told is
//! complete, whatever is going on at the same time.

mod departure;
mod read;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

pub(crate) use departure::{Departure, Left, Wanted};
pub(crate) use read::{Looked, Selection};
pub(crate) use write::New;

use crate::clock::Clock;
use crate::schema::Body;

/// The records of one organisation.
#[derive(Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
    clock: Clock,
    /// The latest time that was used: time in the store never goes back.
    latest: Arc<AtomicI64>,
    pub(crate) organisation: Arc<Organisation>,
}

/// Whose records they are.
pub(crate) struct Organisation {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) seed: u64,
}

/// One transaction: everything in it happens at one time, or not at all.
pub(crate) struct Session {
    transaction: Transaction<'static, Sqlite>,
    seed: u64,
    pub(crate) now: i64,
}

/// A record as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) version: i64,
    pub(crate) state: State,
    pub(crate) body: Body,
}

/// What has become of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    Deleted,
    /// Merged into the record of this id.
    Merged(String),
}

impl Store {
    /// Opens a database; a new one gets its tables and the organisation given here.
    pub(crate) async fn open(
        file: Option<&Path>,
        clock: Clock,
        organisation: Organisation,
    ) -> Result<Self, sqlx::Error> {
        let options = match file {
            Some(path) => SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal),
            None => SqliteConnectOptions::new().in_memory(true),
        };
        let pool = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(60))
            .connect_with(options)
            .await?;
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'organisation'")
                .fetch_optional(&pool)
                .await?;
        if found.is_none() {
            let mut transaction = pool.begin().await?;
            sqlx::raw_sql(include_str!("store/tables.sql"))
                .execute(&mut *transaction)
                .await?;
            sqlx::query("INSERT INTO organisation (id, name, seed) VALUES (?, ?, ?)")
                .bind(&organisation.id)
                .bind(&organisation.name)
                .bind(organisation.seed.cast_signed())
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        let (id, name, seed): (String, String, i64) =
            sqlx::query_as("SELECT id, name, seed FROM organisation")
                .fetch_one(&pool)
                .await?;
        let organisation = Organisation {
            id,
            name,
            seed: seed.cast_unsigned(),
        };
        let latest: Option<i64> = sqlx::query_scalar("SELECT MAX(modified) FROM record")
            .fetch_one(&pool)
            .await?;
        let latest = Arc::new(AtomicI64::new(latest.unwrap_or_default()));
        Ok(Self {
            pool,
            clock,
            latest,
            organisation: Arc::new(organisation),
        })
    }

    /// Begins a transaction; the time is taken when no other is under way.
    pub(crate) async fn begin(&self) -> Result<Session, sqlx::Error> {
        let transaction = self.pool.begin().await?;
        let told = self.clock.now();
        let now = self.latest.fetch_max(told, Ordering::Relaxed).max(told);
        Ok(Session {
            transaction,
            seed: self.organisation.seed,
            now,
        })
    }

    /// Closes the database once what is under way has ended.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Session {
    /// Makes the changes lasting; without it they are undone.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Deleted => "deleted",
            Self::Merged(_) => "merged",
        }
    }
}
