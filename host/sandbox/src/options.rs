//! What a sandbox is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How much of what a sandbox holds, where it listens and what time it is.
///
/// The numbers and the name count for a new database only; a file that has records keeps them.
#[derive(Clone, Debug)]
pub struct Options {
    /// From what the records, the ids and the credentials are made: the same seed makes the same.
    pub seed: u64,
    /// The name of the organisation.
    pub organisation: String,
    /// How many users there are, at least one.
    pub users: u32,
    /// How many accounts there are.
    pub accounts: u32,
    /// How many contacts there are.
    pub contacts: u32,
    /// How many opportunities there are.
    pub opportunities: u32,
    /// How many e-mails there are.
    pub emails: u32,
    /// How many meetings there are.
    pub meetings: u32,
    /// Where the records are kept.
    pub database: Database,
    /// Where the server listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What time it is.
    pub clock: Clock,
    /// How long access tokens live, unless their client says otherwise.
    pub access_lifetime: Duration,
    /// How long refresh tokens live, unless their client says otherwise; for ever if there is nothing here.
    pub refresh_lifetime: Option<Duration>,
    /// How long sessions live.
    pub session_lifetime: Duration,
}

/// Where the records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory, until the server stops.
    Memory,
    /// In a file, which is made if it is not there.
    File(PathBuf),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in memory"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Options {
    /// Returns the options of a demonstration: 500 accounts, 5,000 contacts and what belongs to them.
    pub fn demonstration(seed: u64) -> Self {
        Self {
            seed,
            users: 12,
            accounts: 500,
            contacts: 5000,
            opportunities: 800,
            emails: 400,
            meetings: 200,
            ..Self::default()
        }
    }

    /// Returns the options of an organisation that has `users` users and nothing else yet.
    pub fn empty(seed: u64, users: u32) -> Self {
        Self {
            seed,
            users,
            accounts: 0,
            contacts: 0,
            opportunities: 0,
            emails: 0,
            meetings: 0,
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            organisation: "Example Trading".to_owned(),
            users: 5,
            accounts: 40,
            contacts: 250,
            opportunities: 60,
            emails: 40,
            meetings: 20,
            database: Database::Memory,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock: Clock::system(),
            access_lifetime: HOUR,
            refresh_lifetime: None,
            session_lifetime: HOUR,
        }
    }
}
