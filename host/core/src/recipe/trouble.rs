//! Why there is no credential: told apart by what somebody has to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SecretAnswer;
use super::answer::SecretJson;
use crate::crm::Timestamp;
use crate::escape::escape;
use crate::manifest::{Recipe, TroubleKind};

/// By how much the two clocks may differ before that is worth a word: five minutes, in milliseconds.
const SKEW: i64 = 5 * 60 * 1000;

/// The longest text of a CRM that is passed on, in bytes.
const SHOWN: usize = 300;

/// Why there is no credential.
///
/// It is kept with the connection and shown to people, so nothing secret may be in it: whoever has the connection's secrets cuts them out of what the CRM wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    reason: Reason,
    /// The CRM's own code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    code: String,
    /// The CRM's own words, or the host's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    /// For how many seconds the server wants to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The access was taken back, or what it was renewed with was used before.
    Revoked,
    /// What the access depends on has come to its end of life.
    Expired,
    /// The application, the user or the password is not known, or not for this.
    WrongClient,
    /// Somebody has taken back, or not given, the consent.
    ConsentWithdrawn,
    /// This machine's clock is wrong.
    ClockSkew,
    /// A renewal was cut off in its middle, and what it was made with is no longer good.
    Interrupted,
    /// The server cannot answer now.
    Unavailable,
    /// The server answered what cannot be read.
    Unreadable,
    /// The server refuses the request itself: the connector's manifest is wrong, or its settings.
    Refused,
    /// The grant, or the operator, does not let the host ask for a token there.
    Denied,
    /// There is no credential for the connection.
    NotConnected,
}

impl Trouble {
    /// Returns a trouble of which nothing more is known.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            code: String::new(),
            description: String::new(),
            retry_after: None,
        }
    }

    /// Returns the trouble with what is known of it.
    #[must_use]
    pub fn with(self, code: &str, description: &str) -> Self {
        Self {
            code: escape(code, SHOWN).into_owned(),
            description: escape(description, SHOWN).into_owned(),
            ..self
        }
    }

    /// Returns the same, told for another reason.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }

    /// Returns what is the matter.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Returns for how many seconds the server wants to be left alone, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Returns the trouble with everything that others wrote passed through a filter.
    #[must_use]
    pub fn cleaned(mut self, clean: impl Fn(&mut String)) -> Self {
        clean(&mut self.code);
        clean(&mut self.description);
        self
    }

    /// Tells what an error code of an authorization server means.
    pub(super) fn of_code(recipe: &Recipe, error: &str, description: &str) -> Self {
        let mut rules = recipe.troubles().iter();
        let rule = rules.find(|it| it.fits(error, description));
        let reason = rule.map_or_else(
            || reason(error, &description.to_lowercase()),
            |it| it.means().into(),
        );
        Self::new(reason).with(error, description)
    }

    /// Tells what an answer without a token means. `is_refresh` says that what was sent had been good before.
    pub(super) fn of_answer(
        recipe: &Recipe,
        answer: &SecretAnswer,
        json: Option<&SecretJson>,
        is_refresh: bool,
        now: Timestamp,
    ) -> Self {
        // Most write RFC 6749's; some nest it, and some call it otherwise.
        let text = |pointers: &[&str]| {
            let mut found = pointers.iter().filter_map(|it| json?.text(it));
            found.next().map(|it| it.to_string()).unwrap_or_default()
        };
        let error = text(&["/error", "/error/code", "/errorCode", "/code", "/status"]);
        let description = text(&[
            "/error_description",
            "/error/message",
            "/errorMessage",
            "/message",
        ]);
        let trouble = match (answer.status, error.is_empty()) {
            (408 | 429 | 500..=599, _) => Self::new(Reason::Unavailable).with(&error, &description),
            (_, false) => Self::of_code(recipe, &error, &description),
            (401 | 403, true) => Self::new(Reason::WrongClient).with("", &description),
            (200..=299, true) => {
                let what = "the answer has no token in it, and no error";
                Self::new(Reason::Unreadable).with("", what)
            }
            (status, true) => {
                let what = format!("status {status}, and nothing that can be read");
                Self::new(Reason::Unreadable).with("", &what)
            }
        };
        let is_off = answer.ahead(now).is_some_and(|it| SKEW < it.abs());
        let reason = match trouble.reason {
            Reason::Refused if error == "invalid_grant" && is_off => Reason::ClockSkew,
            // What was good and is no longer was taken back, if nothing else is said.
            Reason::Refused if error == "invalid_grant" && is_refresh => Reason::Revoked,
            Reason::Refused if error == "invalid_grant" || answer.status == 401 => {
                Reason::WrongClient
            }
            reason => reason,
        };
        Self {
            reason,
            retry_after: answer.retry_after(),
            ..trouble
        }
    }
}

/// What a code of RFC 6749, of OpenID Connect, or of those who go beyond them means.
fn reason(error: &str, description: &str) -> Reason {
    let says = |words: &[&str]| words.iter().any(|it| description.contains(it));
    match error {
        "invalid_client"
        | "unauthorized_client"
        | "invalid_client_id"
        | "invalid_client_secret" => Reason::WrongClient,
        "access_denied" | "consent_required" | "interaction_required" | "login_required" => {
            Reason::ConsentWithdrawn
        }
        "temporarily_unavailable" | "server_error" | "slow_down" => Reason::Unavailable,
        "invalid_grant" | "invalid_token" | "invalid_code" | "bad_verification_code" => {
            if says(&[
                "clock",
                "not yet valid",
                "in the future",
                "too early",
                "iat",
                "nbf",
            ]) {
                Reason::ClockSkew
            } else if says(&["consent"]) {
                Reason::ConsentWithdrawn
            } else if says(&["revoked", "reuse", "already used", "used before"]) {
                Reason::Revoked
            } else if says(&["expired", "inactivity"]) {
                Reason::Expired
            } else {
                Reason::Refused
            }
        }
        _ => Reason::Refused,
    }
}

impl Reason {
    /// Returns the reason as one stable word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::WrongClient => "wrong-client",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::ClockSkew => "clock-skew",
            Self::Interrupted => "interrupted",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::NotConnected => "not-connected",
        }
    }

    /// Tells whether only a person can mend it, so that nothing is tried again until somebody has connected the account anew.
    #[must_use]
    pub fn needs_reconnecting(self) -> bool {
        match self {
            Self::Revoked
            | Self::Expired
            | Self::WrongClient
            | Self::ConsentWithdrawn
            | Self::Interrupted
            | Self::NotConnected => true,
            Self::ClockSkew
            | Self::Unavailable
            | Self::Unreadable
            | Self::Refused
            | Self::Denied => false,
        }
    }

    /// Says what has happened, and what to do.
    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Revoked => (
                "the access to the CRM was taken back",
                "connect the account again",
            ),
            Self::Expired => (
                "the access to the CRM has come to its end",
                "connect the account again",
            ),
            Self::WrongClient => (
                "the CRM does not accept the application's id and secret, or the user and the password",
                "check them where they are managed, then connect the account again",
            ),
            Self::ConsentWithdrawn => (
                "the consent was not given, or was withdrawn",
                "connect the account again, and agree",
            ),
            Self::ClockSkew => (
                "the CRM does not accept the time that this machine says",
                "set this machine's clock",
            ),
            Self::Interrupted => (
                "a renewal was cut off in its middle, and the CRM no longer accepts what it was made with",
                "connect the account again",
            ),
            Self::Unavailable => (
                "the CRM cannot issue a token now",
                "nothing is to be done; it is tried again",
            ),
            Self::Unreadable => (
                "the CRM's answer to the request for a token cannot be read",
                "check the address of the CRM, and tell the connector's author",
            ),
            Self::Refused => (
                "the CRM refuses the request for a token",
                "check the settings, and tell the connector's author",
            ),
            Self::Denied => (
                "the host may not ask for a token there",
                "grant the address, or have the operator allow it",
            ),
            Self::NotConnected => ("the account is not connected", "connect it"),
        }
    }
}

impl From<TroubleKind> for Reason {
    fn from(kind: TroubleKind) -> Self {
        match kind {
            TroubleKind::Revoked => Self::Revoked,
            TroubleKind::Expired => Self::Expired,
            TroubleKind::WrongClient => Self::WrongClient,
            TroubleKind::ConsentWithdrawn => Self::ConsentWithdrawn,
            TroubleKind::ClockSkew => Self::ClockSkew,
            TroubleKind::Unavailable => Self::Unavailable,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, mend) = self.reason.told();
        f.write_str(what)?;
        match (self.code.is_empty(), self.description.is_empty()) {
            (true, true) => {}
            (false, true) => write!(f, " ({})", self.code)?,
            (true, false) => write!(f, " ({})", self.description)?,
            (false, false) => write!(f, " ({}: {})", self.code, self.description)?,
        }
        write!(f, "; {mend}")
    }
}

impl std::error::Error for Trouble {}
