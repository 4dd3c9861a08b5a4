//! What an operator lets tenants grant at all, by host, method and path.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use url::Host;

use super::entry::text_or_table;
use super::reach::{Empty, PathPrefix, Reach};
use crate::origin::{self, Origin, Scheme};
use crate::request::Method;

/// The most that tenants can grant; whatever is denied is denied, whatever is allowed besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    // There is no default: a file that was cut off must not allow everything.
    allow: Vec<AllowedHosts>,
    #[serde(default)]
    deny: Vec<HostPattern>,
}

/// Hosts that may be granted: all of them, or some of their methods and paths.
///
/// In a file it is the pattern alone, or a table: `{ host = "*.example.com", methods = ["GET"] }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    pattern: HostPattern,
    reach: Reach,
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
            allow: vec![HostPattern(Form::Any).into()],
            deny: Vec::new(),
        }
    }

    /// Lets tenants grant what an entry of `allow` is about, unless a pattern of `deny` matches the host.
    pub fn new(allow: Vec<AllowedHosts>, deny: Vec<HostPattern>) -> Self {
        Self { allow, deny }
    }

    /// Returns the pattern that denies an origin, if one does.
    pub fn denies(&self, origin: &Origin) -> Option<&HostPattern> {
        self.deny
            .iter()
            .find(|pattern| pattern.matches(origin.host()))
    }

    /// Tells whether anything of an origin is allowed; it may be denied all the same.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.about(origin).next().is_some()
    }

    /// Tells whether one request to an origin is allowed, by the path of its address.
    pub fn permits(&self, origin: &Origin, method: Method, path: &str) -> bool {
        self.about(origin).any(|it| it.reach.permits(method, path))
    }

    fn about(&self, origin: &Origin) -> impl Iterator<Item = &AllowedHosts> {
        let allow = self.allow.iter();
        allow.filter(|it| it.pattern.matches(origin.host()))
    }
}

impl AllowedHosts {
    /// Allows some of the requests to hosts.
    pub fn new(pattern: HostPattern, reach: Reach) -> Self {
        Self { pattern, reach }
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

impl From<HostPattern> for AllowedHosts {
    /// All of them.
    fn from(pattern: HostPattern) -> Self {
        Self::new(pattern, Reach::default())
    }
}

impl FromStr for AllowedHosts {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        text.parse().map(HostPattern::into)
    }
}

/// An entry that says more than the hosts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    host: HostPattern,
    methods: Option<BTreeSet<Method>>,
    paths: Option<BTreeSet<PathPrefix>>,
}

impl TryFrom<Table> for AllowedHosts {
    type Error = Empty;

    fn try_from(table: Table) -> Result<Self, Empty> {
        let reach = Reach::new(table.methods, table.paths)?;
        Ok(Self::new(table.host, reach))
    }
}

impl<'de> Deserialize<'de> for AllowedHosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_table::<_, _, Table>(deserializer)
    }
}

impl Serialize for AllowedHosts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.reach.serialize_with("host", &self.pattern, serializer)
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
