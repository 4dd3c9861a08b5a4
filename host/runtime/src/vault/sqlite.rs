//! A store in one SQLite file, which several processes of one machine share.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};

use super::secret_file::{Exposed, check_file, check_folder, resolve, sync_folder};
use super::store::{Answer, Clock, Held, Lease, Row, Store, StoreError, system_clock};

/// How long a step waits for others that write.
const BUSY: Duration = Duration::from_secs(5);

/// The tables that this version knows, by SQLite's `user_version`.
const SCHEMA: i64 = 1;

/// What the tables' file sets as SQLite's `application_id`.
const APPLICATION: i64 = 0x4253_5654;

/// The results of SQLite that mean "others have it", in the low byte of the code.
const BUSY_CODES: [i64; 2] = [5, 6];

/// Keeps rows in a file. Cheap to clone; the file is closed with the last clone.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    clock: Clock,
}

/// Why a file is not used as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Others can get at it.
    #[error("the vault's file is not safe")]
    Exposed(#[from] Exposed),
    /// It cannot be read or made.
    #[error(
        "{path:?} cannot be used as the vault's file; check that its folder exists and that this program may write to both"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
    /// A newer version has written it.
    #[error(
        "{path:?} has the vault's schema {found}, and this version knows schema {SCHEMA} only; use the newer version that has written it"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// It is empty, or a database of something else.
    #[error("{path:?} is no database of a vault; name another file for it")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot use it.
    #[error("{path:?} cannot be opened as the vault's database")]
    Store {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        problem: StoreError,
    },
}

impl SqliteStore {
    /// Opens a file that is its owner's alone, in a folder that nobody else can write to; makes it if it is missing.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with_clock(path, system_clock()).await
    }

    /// Opens a file, with a clock of its own.
    pub async fn open_with_clock(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let failed = |problem| OpenError::Io {
            path: path.to_owned(),
            problem,
        };
        let (path, folder) = resolve(path).map_err(failed)?;
        check_folder(&folder, &fs::metadata(&folder).map_err(failed)?)?;
        let sqlite = |problem: sqlx::Error| OpenError::Store {
            path: path.clone(),
            problem: problem.into(),
        };
        if !path.exists() {
            let draft = tempfile::Builder::new()
                .prefix(".vault-")
                .tempfile_in(&folder);
            // Closed: a process that closes any handle of a file gives up all its locks on it (fcntl(2)), SQLite's too.
            let draft = draft.map_err(failed)?.into_temp_path();
            make(&draft).await.map_err(sqlite)?;
            put_in_place(draft, &path, &folder).map_err(failed)?;
        }
        check_file(&path, &fs::metadata(&path).map_err(failed)?)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(2 * BUSY)
            .connect_with(options(&path))
            .await
            .map_err(sqlite)?;
        let (application, schema): (i64, i64) =
            sqlx::query_as("SELECT * FROM pragma_application_id, pragma_user_version")
                .fetch_one(&pool)
                .await
                .map_err(sqlite)?;
        match (application, schema) {
            (APPLICATION, SCHEMA) => Ok(Self { pool, clock }),
            (APPLICATION, found) => Err(OpenError::Newer { path, found }),
            _ => Err(OpenError::Foreign { path }),
        }
    }

    /// Closes the file, once what is under way has ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a step that reads before it writes: nobody else writes between.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn write_step(
        &self,
        slot: &str,
        expected: Option<u64>,
        sealed: &[u8],
    ) -> Result<Option<u64>, StoreError> {
        let mut step = self.begin().await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT version FROM secret WHERE slot = ?")
            .bind(slot)
            .fetch_optional(&mut *step)
            .await?;
        if found.map(i64::cast_unsigned) != expected {
            return Ok(None);
        }
        let version: i64 = sqlx::query_scalar(
            "UPDATE counter SET last_version = last_version + 1 RETURNING last_version",
        )
        .fetch_one(&mut *step)
        .await?;
        sqlx::query(
            "INSERT INTO secret (slot, version, sealed) VALUES (?, ?, ?)
             ON CONFLICT (slot) DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
        )
        .bind(slot)
        .bind(version)
        .bind(sealed)
        .execute(&mut *step)
        .await?;
        step.commit().await?;
        Ok(Some(version.cast_unsigned()))
    }

    async fn remove_step(&self, slot: &str) -> Result<bool, StoreError> {
        let mut step = self.begin().await?;
        let removed = sqlx::query("DELETE FROM secret WHERE slot = ?")
            .bind(slot)
            .execute(&mut *step)
            .await?;
        if let Some(held) = held(&mut step, slot).await?
            && !held.is_live((self.clock)())
        {
            sqlx::query("DELETE FROM lease WHERE slot = ?")
                .bind(slot)
                .execute(&mut *step)
                .await?;
        }
        step.commit().await?;
        self.erase().await?;
        Ok(removed.rows_affected() != 0)
    }

    /// Lets go of the copies that are left of what was removed.
    async fn erase(&self) -> Result<(), StoreError> {
        match self.erase_step().await {
            Err(StoreError::Busy(cause)) => {
                // The row is gone all the same.
                tracing::warn!(
                    error = &*cause as &dyn std::error::Error,
                    "others keep the vault busy, so that its files may still hold, sealed, what was removed; the next removal erases it"
                );
                Ok(())
            }
            erased => erased,
        }
    }

    async fn erase_step(&self) -> Result<(), StoreError> {
        // Where SQLite has moved rows from page to page, `secure_delete` leaves a copy in the room between them.
        sqlx::raw_sql("VACUUM").execute(&self.pool).await?;
        // And the write-ahead log has every page as it was.
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.pool)
            .await?;
        if busy != 0 {
            return Err(StoreError::Busy("the log is being read".into()));
        }
        Ok(())
    }

    async fn lease_step(
        &self,
        slot: &str,
        holder: &str,
        time: Duration,
    ) -> Result<Lease, StoreError> {
        let mut step = self.begin().await?;
        let now = (self.clock)();
        let before = held(&mut step, slot).await?;
        if let Some(held) = before.as_ref().filter(|it| it.is_live(now)) {
            return Ok(Lease::Held { until: held.until });
        }
        let held = Held::new(holder, now, time);
        sqlx::query(
            "INSERT OR REPLACE INTO lease (slot, holder, taken, until) VALUES (?, ?, ?, ?)",
        )
        .bind(slot)
        .bind(&held.holder)
        .bind(held.taken)
        .bind(held.until)
        .execute(&mut *step)
        .await?;
        step.commit().await?;
        Ok(Lease::Taken {
            interrupted: before.map(|it| it.taken),
        })
    }
}

impl Store for SqliteStore {
    fn read<'a>(&'a self, slot: &'a str) -> Answer<'a, Option<Row>> {
        async move {
            let row: Option<(i64, Vec<u8>)> =
                sqlx::query_as("SELECT version, sealed FROM secret WHERE slot = ?")
                    .bind(slot)
                    .fetch_optional(&self.pool)
                    .await?;
            Ok(row.map(|(version, sealed)| Row {
                version: version.cast_unsigned(),
                sealed,
            }))
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        slot: &'a str,
        expected: Option<u64>,
        sealed: &'a [u8],
    ) -> Answer<'a, Option<u64>> {
        self.write_step(slot, expected, sealed).boxed()
    }

    fn reseal<'a>(&'a self, slot: &'a str, from: &'a Row, sealed: &'a [u8]) -> Answer<'a, bool> {
        async move {
            let resealed = sqlx::query(
                "UPDATE secret SET sealed = ? WHERE slot = ? AND version = ? AND sealed = ?",
            )
            .bind(sealed)
            .bind(slot)
            .bind(from.version.cast_signed())
            .bind(&from.sealed)
            .execute(&self.pool)
            .await?;
            Ok(resealed.rows_affected() != 0)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, slot: &'a str) -> Answer<'a, bool> {
        self.remove_step(slot).boxed()
    }

    fn slots<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        most: usize,
    ) -> Answer<'a, Vec<String>> {
        async move {
            // No slot holds the last of all characters.
            let slots = sqlx::query_scalar(
                "SELECT slot FROM secret
                 WHERE ?1 <= slot AND slot < ?1 || char(1114111) AND (?2 IS NULL OR ?2 < slot)
                 ORDER BY slot LIMIT ?3",
            )
            .bind(prefix)
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
            Ok(slots)
        }
        .boxed()
    }

    fn lease<'a>(&'a self, slot: &'a str, holder: &'a str, time: Duration) -> Answer<'a, Lease> {
        self.lease_step(slot, holder, time).boxed()
    }

    fn release<'a>(&'a self, slot: &'a str, holder: &'a str) -> Answer<'a, bool> {
        async move {
            let released = sqlx::query("DELETE FROM lease WHERE slot = ? AND holder = ?")
                .bind(slot)
                .bind(holder)
                .execute(&self.pool)
                .await?;
            Ok(released.rows_affected() != 0)
        }
        .boxed()
    }
}

/// Makes a vault's database of an empty file, and closes it.
///
/// Several that turn one file from a rollback journal to a write-ahead log at once get in each other's way whatever their timeout is, so it is done before anybody else sees the file.
async fn make(path: &Path) -> Result<(), sqlx::Error> {
    let options = options(path).journal_mode(SqliteJournalMode::Wal);
    let mut database = options.connect().await?;
    sqlx::raw_sql(include_str!("sqlite/tables.sql"))
        .execute(&mut database)
        .await?;
    database.close().await
}

/// Puts a draft in its place, if nobody else has been there before. The files that SQLite makes beside it get its permissions.
fn put_in_place(draft: tempfile::TempPath, path: &Path, folder: &Path) -> io::Result<()> {
    match draft.persist_noclobber(path) {
        Ok(()) => sync_folder(folder),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(lost) => Err(lost.error),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        // A token that was changed for another one must not come back after a loss of power.
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        // What `VACUUM` copies does not go through a file elsewhere.
        .pragma("temp_store", "MEMORY")
}

async fn held(
    step: &mut Transaction<'static, Sqlite>,
    slot: &str,
) -> Result<Option<Held>, sqlx::Error> {
    let held: Option<(String, i64, i64)> =
        sqlx::query_as("SELECT holder, taken, until FROM lease WHERE slot = ?")
            .bind(slot)
            .fetch_optional(&mut **step)
            .await?;
    Ok(held.map(|(holder, taken, until)| Held {
        holder,
        taken,
        until,
    }))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_busy = match &error {
            sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(problem) => {
                let code = problem.code().and_then(|it| it.parse::<i64>().ok());
                code.is_some_and(|code| BUSY_CODES.contains(&(code & 0xff)))
            }
            _ => false,
        };
        if is_busy {
            Self::Busy(error.into())
        } else {
            Self::Broken(error.into())
        }
    }
}
