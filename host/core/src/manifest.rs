//! A connector's manifest, `connector.toml`: what it is, what it asks for, and how its CRM behaves.
//!
//! It is read once, and everything in it is checked then; what holds of a [`Manifest`] is said on
//! its accessors. It only proposes: nothing in it is allowed before a grant repeats it.

mod answer;
mod authority;
pub mod capability;
mod difference;
mod endpoint;
mod host;
mod http;
mod limits;
mod path;
mod raw;
mod reader;
mod reads;
mod recipe;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;

use semver::Version;
use serde::Serialize;

pub use answer::{AnswerRule, Means};
pub(crate) use answer::{Place, Sign};
pub use authority::{AuthorityDigest, InvalidDigest, Part};
pub use difference::{Change, Difference, Exchange};
pub use endpoint::Endpoint;
pub use host::Host;
pub use http::BaseAddress;
pub use limits::{Bucket, Counts, HeaderPlace, Limits, Reset, ResetForm, Told, Window};
pub use reads::{DepartureKind, Me, OwnerKind, Reads, Requests, ScopeKind};
pub(crate) use recipe::Composed;
pub use recipe::{
    Algorithm, Assertion, Carrier, CarrierPlace, ClientAuthentication, Digest, Encoding, Format,
    GrantType, HeaderName, JsonMold, Learned, Login, Lookup, Missing, Mold, OAuth2, OF_A_REQUEST,
    ParameterName, Recipe, RecipeBody, RecipeKind, RecipeRequest, Signing, Source, Take,
    TroubleKind, is_secret,
};

use crate::contract::ContractVersion;
use crate::function::Function;
use crate::name::{ConnectorName, RecipeName, SettingName};
use crate::redact::place;
use crate::setting::Setting;

/// The longest manifest, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

const A_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// A connector's manifest, read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    name: ConnectorName,
    title: String,
    version: Version,
    publisher: Publisher,
    contract: ContractVersion,
    description: Option<String>,
    homepage: Option<String>,
    settings: BTreeMap<SettingName, Setting>,
    base: BaseAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_header: Option<HeaderName>,
    hosts: Vec<Host>,
    recipes: BTreeMap<RecipeName, Recipe>,
    functions: BTreeSet<Function>,
    reads_of_contacts: Option<Reads>,
    reads_of_accounts: Option<Reads>,
    times: Times,
    limits: Limits,
    answers: Vec<AnswerRule>,
    redact: Vec<place::Place>,
}

/// Names who publishes a connector, as it is shown to people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Publisher(String);

/// How exact and how late the times of the CRM's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Times {
    granularity_ms: NonZeroU32,
    visibility_lag_ms: u32,
}

/// Tells the first thing that is wrong with a manifest, where, and how to mend it.
///
/// One type for all of it, because whoever gets it does one thing: show it to the author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    line: usize,
    key: String,
    problem: String,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(text: &str) -> Result<Self, Error> {
        reader::read(text)
    }

    /// Returns the connector's name.
    pub fn name(&self) -> &ConnectorName {
        &self.name
    }

    /// Returns what to call the connector in front of people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the connector's version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns who publishes the connector, as the manifest claims.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Returns the line of the contract that the connector is built against.
    pub fn contract(&self) -> ContractVersion {
        self.contract
    }

    /// Returns a longer text about the connector.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns the address of a page about the connector; it is `https`.
    pub fn homepage(&self) -> Option<&str> {
        self.homepage.as_deref()
    }

    /// Returns the settings that a connection has.
    pub fn settings(&self) -> &BTreeMap<SettingName, Setting> {
        &self.settings
    }

    /// Returns what relative addresses are appended to; its origin is among the hosts.
    pub fn base(&self) -> &BaseAddress {
        &self.base
    }

    /// Returns the header by which the CRM knows a request again that it has carried out already.
    pub fn idempotency_header(&self) -> Option<&HeaderName> {
        self.idempotency_header.as_ref()
    }

    /// Returns the servers that the connector asks for; at least one, and none twice but for different requests.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Returns the ways to authenticate. Some of the audience of each is among the hosts, and the rest of it are servers that only the host itself asks, for tokens.
    pub fn recipes(&self) -> &BTreeMap<RecipeName, Recipe> {
        &self.recipes
    }

    /// Returns the most that the connector can do; at least one function.
    pub fn functions(&self) -> &BTreeSet<Function> {
        &self.functions
    }

    /// Returns how the connector reads contacts, if it has `get-my-contacts`.
    pub fn reads_of_contacts(&self) -> Option<&Reads> {
        self.reads_of_contacts.as_ref()
    }

    /// Returns how the connector reads accounts, if it has `get-my-accounts`.
    pub fn reads_of_accounts(&self) -> Option<&Reads> {
        self.reads_of_accounts.as_ref()
    }

    /// Returns how exact and how late the times of records are.
    pub fn times(&self) -> Times {
        self.times
    }

    /// Returns the CRM's own limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns what answers mean where their status does not say it; the first rule that fits counts.
    pub fn answers(&self) -> &[AnswerRule] {
        &self.answers
    }

    /// Returns where the CRM's answers have secrets that no connector sees; no path twice.
    pub fn redact(&self) -> &[place::Place] {
        &self.redact
    }

    /// Returns a digest of everything that decides where the connector and a credential may go.
    ///
    /// Approvals are bound to it and to the publisher: a version of which either differs waits for a new approval.
    pub fn authority_digest(&self) -> AuthorityDigest {
        authority::Authority::of(self).digest()
    }
}

impl Publisher {
    /// Returns the publisher as it is shown to people.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Times {
    /// Returns how coarse the times of records are, in milliseconds.
    pub fn granularity_ms(self) -> u32 {
        self.granularity_ms.get()
    }

    /// Returns how long after it a change may become visible, in milliseconds.
    pub fn visibility_lag_ms(self) -> u32 {
        self.visibility_lag_ms
    }
}

impl Default for Times {
    /// A second, the granularity of most CRMs, and no lag.
    fn default() -> Self {
        Self {
            granularity_ms: A_SECOND,
            visibility_lag_ms: 0,
        }
    }
}

impl Error {
    /// Returns the line that it is about, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the key that it is about, for example `hosts[0].origin`; empty if it is about no key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what is wrong and how to mend it.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
pub(crate) mod tests;
