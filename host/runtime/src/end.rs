//! How a call ends when it does not end with an answer. The kinds are never merged: each asks for something else.

use std::sync::Arc;

use brightsync_core::crm::Timestamp;
use brightsync_core::crm::error::{Error, Reason};
use brightsync_core::function::Function;
use brightsync_core::recipe::Trouble;

use crate::limits::Limit;
use crate::report::Report;

/// A call that did not answer: why, and what it did until then.
#[derive(Debug, thiserror::Error)]
#[error("call {id} of {function}: {end}", id = report.id, function = report.function)]
pub struct CallError {
    /// Why.
    #[source]
    pub end: Box<End>,
    /// What the call did: its requests, its times, its id.
    pub report: Arc<Report>,
}

/// Why a call did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The connector answered an error: the CRM said no, or cannot.
    #[error("the connector answered {0}")]
    Connector(Error),
    /// The connector failed: it panicked, exited, or broke the contract. Its author has to mend it.
    #[error("the connector failed: {0}")]
    Trap(Trap),
    /// The connector went beyond a limit.
    #[error("the connector went beyond its limit of {0}")]
    Limit(Limit),
    /// The host does not make this call.
    #[error("refused: {0}")]
    Refused(Refused),
    /// The host itself failed. The connector is not to blame.
    #[error("the host failed: {0}")]
    Host(String),
}

/// How a connector failed.
#[derive(Debug)]
pub struct Trap {
    /// What happened.
    pub kind: TrapKind,
    /// The last 4 KiB that it wrote to standard error, with control characters made visible.
    pub stderr: String,
}

/// What happened when a connector failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrapKind {
    /// Its code trapped; a panic is `unreachable`.
    #[error("{0}")]
    Code(String),
    /// It ended its process.
    #[error("it exited with status {0}")]
    Exit(i32),
    /// Its answer breaks the contract.
    #[error("{0}")]
    Breach(String),
}

/// Why the host does not make a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The manifest does not list the function.
    #[error("the connector does not have {0}; its manifest does not list it")]
    Unsupported(Function),
    /// More ids or addresses than the contract lets the host pass at once.
    #[error("{given} ids or addresses at once are too many; pass at most {most}")]
    TooMany {
        /// How many there were.
        given: usize,
        /// How many may be passed.
        most: usize,
    },
    /// No connector of this name is loaded.
    #[error("no connector {0:?} is loaded")]
    NotLoaded(String),
    /// The connector asks for something else than was approved for this connection, and the version that asks for just that is not loaded.
    #[error("{}", unapproved(connector, version, *is_of_another))]
    Unapproved {
        /// The connector.
        connector: String,
        /// Its newest version.
        version: String,
        /// Whether that comes from another publisher than was approved.
        is_of_another: bool,
    },
    /// The connection's settings, grant or credential do not fit the connector that is loaded now.
    #[error("the connection does not fit the connector: {0}")]
    Connection(String),
    /// There is no credential that works.
    #[error("{}", no_credential(trouble, *since))]
    Credential {
        /// Why, and what to do.
        trouble: Trouble,
        /// Since when, if nothing is tried any more until somebody connects the account again.
        since: Option<Timestamp>,
    },
    /// All places for calls were taken for too long.
    #[error("the host is busy; try again later")]
    Busy,
    /// The connector, the tenant or the connection is suspended, by an operator or by the host.
    #[error("{0}")]
    Suspended(String),
    /// The host is shutting down.
    #[error("the host is shutting down")]
    ShuttingDown,
}

impl CallError {
    /// The connector's own error, if that is how the call ended.
    pub fn connector_error(&self) -> Option<&Error> {
        match self.end.as_ref() {
            End::Connector(error) => Some(error),
            End::Trap(_) | End::Limit(_) | End::Refused(_) | End::Host(_) => None,
        }
    }

    /// Whether the CRM, the connector or its manifest says that there is no such thing here.
    pub fn is_unsupported(&self) -> bool {
        match self.end.as_ref() {
            End::Connector(error) => error.reason == Reason::Unsupported,
            End::Refused(Refused::Unsupported(_)) => true,
            End::Trap(_) | End::Limit(_) | End::Refused(_) | End::Host(_) => false,
        }
    }
}

impl End {
    /// The kind of end as one stable word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connector(_) => "error",
            Self::Trap(_) => "trap",
            Self::Limit(_) => "limit",
            Self::Refused(_) => "refused",
            Self::Host(_) => "host",
        }
    }
}

fn no_credential(trouble: &Trouble, since: Option<Timestamp>) -> String {
    match since.and_then(|it| u64::try_from(it).ok()) {
        Some(since) => {
            let since = std::time::UNIX_EPOCH + std::time::Duration::from_millis(since);
            format!("since {}, {trouble}", httpdate::fmt_http_date(since))
        }
        None => trouble.to_string(),
    }
}

fn unapproved(connector: &str, version: &str, is_of_another: bool) -> String {
    let what = if is_of_another {
        "comes from another publisher than was approved for this connection"
    } else {
        "asks for something else than was approved for this connection"
    };
    format!(
        "connector {connector:?} {version} {what}; compare the two with `brightsync inspect --against`, and approve it or load the version that was approved"
    )
}

impl std::fmt::Display for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.stderr.is_empty() {
            write!(f, "; it wrote: {}", self.stderr)?;
        }
        Ok(())
    }
}
