//! A connector's own error: why it did not do what was asked, in the order of what the caller does next.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::write::InvalidField;
use super::{Extra, Id, Ref};

/// Why a function did not do what was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Error {
    /// What the caller acts on.
    pub reason: Reason,
    /// A sentence for a human.
    pub message: String,
    /// The CRM's own code.
    pub code: Option<String>,
    /// Anything else that helps to explain it.
    pub extra: Extra,
}

/// What the caller of a connector acts on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The user must reconnect.
    Unauthorized,
    /// The credential does not allow this.
    Forbidden(Forbidden),
    /// There is no such record for this connection.
    NotFound,
    /// The CRM refused a second record like these.
    Duplicate(Vec<Id>),
    /// The record has changed since the named version.
    Stale,
    /// These values are not accepted.
    Invalid(Vec<InvalidField>),
    /// The CRM's rate limit: milliseconds to wait, if it said so.
    RateLimited(Option<u64>),
    /// The same call may work later.
    Unavailable,
    /// The write may have been carried out; what is known to exist.
    InDoubt(Vec<Ref>),
    /// The read starts again from the beginning.
    CursorExpired,
    /// This CRM cannot do this.
    Unsupported,
    /// The message says more.
    Other,
}

/// What exactly is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forbidden {
    /// This record.
    ThisRecord,
    /// This operation on any record of the kind.
    ThisOperation,
    /// A scope or permission is missing.
    MissingScope,
    /// The CRM does not say.
    Unknown,
}

impl Reason {
    /// The name of the case, as the contract spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound => "not-found",
            Self::Duplicate(_) => "duplicate",
            Self::Stale => "stale",
            Self::Invalid(_) => "invalid",
            Self::RateLimited(_) => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::InDoubt(_) => "in-doubt",
            Self::CursorExpired => "cursor-expired",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.message)
    }
}

impl std::error::Error for Error {}
