//! What a CRM's answers mean where their status alone does not say it.

use serde::Serialize;

use super::reads::words;

/// One rule: an answer of this status, with this in it, means that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AnswerRule {
    pub(super) status: u16,
    pub(super) sign: Option<Sign>,
    pub(super) means: Means,
}

/// What an answer of the status has in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Sign {
    pub(crate) place: Place,
    pub(crate) text: String,
    pub(crate) whole: bool,
}

/// Where a sign stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// In the header of this name, which is in lower case.
    Header(String),
    /// In the body, which is JSON, at this pointer (RFC 6901).
    Body(String),
}

words! {
    /// What an answer means to whoever decides about a repeat.
    Means {
        /// Too many requests; nothing was carried out.
        Throttled "throttled",
        /// The credential is no longer good; nothing was carried out.
        Expired "expired",
        /// A server on the way gave up, and nobody knows what became of the request.
        Unavailable "unavailable",
        /// What it says is the answer, and nothing is done about it: a 401 for a missing scope, say, which no new token would mend.
        Final "final",
    }
}

impl AnswerRule {
    /// Returns the status that the rule is about.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns what such an answer means.
    pub fn means(&self) -> Means {
        self.means
    }

    /// Returns what has to be in the answer, if its status is not enough.
    pub(crate) fn sign(&self) -> Option<&Sign> {
        self.sign.as_ref()
    }
}

impl Sign {
    /// Says whether a value is the one that the rule looks for.
    pub(crate) fn fits(&self, value: &str) -> bool {
        if self.whole {
            value == self.text
        } else {
            value.starts_with(&self.text)
        }
    }
}
