//! What an operator lets tenants grant at all, by host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Host;

use crate::origin::{self, Origin, Scheme};

/// The most that tenants can grant; whatever is denied is denied, whatever is allowed besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    // There is no default: a file that was cut off must not allow everything.
    allow: Vec<HostPattern>,
    #[serde(default)]
    deny: Vec<HostPattern>,
}

/// Matches hosts: one exactly, all below a name, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Any,
    Exact(Host),
    // Invariant: a canonical name, without the dot before it.
    Below(String),
}

/// Tells that a text is no pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} is no pattern of hosts; write a host (crm.example.com), all below a name (*.example.com), or all (*)"
)]
pub struct InvalidHostPattern {
    /// What was given, shortened.
    pub given: String,
}

impl Ceiling {
    /// Lets tenants grant any host.
    pub fn any() -> Self {
        Self {
            allow: vec![HostPattern(Form::Any)],
            deny: Vec::new(),
        }
    }

    /// Lets tenants grant the hosts that a pattern of `allow` matches and none of `deny` does.
    pub fn new(allow: Vec<HostPattern>, deny: Vec<HostPattern>) -> Self {
        Self { allow, deny }
    }

    /// Returns the pattern that denies an origin, if one does.
    pub fn denies(&self, origin: &Origin) -> Option<&HostPattern> {
        self.deny
            .iter()
            .find(|pattern| pattern.matches(origin.host()))
    }

    /// Tells whether a pattern allows an origin; it may be denied all the same.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.allow
            .iter()
            .any(|pattern| pattern.matches(origin.host()))
    }
}

impl HostPattern {
    /// Tells whether a canonical host matches.
    fn matches(&self, host: &Host) -> bool {
        match (&self.0, host) {
            (Form::Any, _) => true,
            (Form::Exact(exact), host) => exact == host,
            (Form::Below(suffix), Host::Domain(name)) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (Form::Below(_), Host::Ipv4(_) | Host::Ipv6(_)) => false,
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let invalid = || InvalidHostPattern {
            given: origin::excerpt(text),
        };
        if text == "*" {
            return Ok(Self(Form::Any));
        }
        let below = text.strip_prefix("*.");
        let bare = below.unwrap_or(text);
        let bare = bare
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'))
            .unwrap_or(bare);
        let origin = Origin::new(Scheme::Https, bare, 443).map_err(|_| invalid())?;
        match (below, origin.host()) {
            (None, host) => Ok(Self(Form::Exact(host.clone()))),
            (Some(_), Host::Domain(name)) => Ok(Self(Form::Below(name.clone()))),
            (Some(_), Host::Ipv4(_) | Host::Ipv6(_)) => Err(invalid()),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidHostPattern;

    fn try_from(text: String) -> Result<Self, InvalidHostPattern> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Any => f.write_str("*"),
            Form::Exact(host) => host.fmt(f),
            Form::Below(suffix) => write!(f, "*.{suffix}"),
        }
    }
}
