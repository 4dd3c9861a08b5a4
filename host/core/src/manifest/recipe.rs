//! How the host authenticates at a CRM: the recipes that a manifest may name.
//!
//! A recipe says how the host comes by a secret ([`Source`]) and how it puts it into each request ([`Carrier`]). The two are apart, so that every way to come by one goes with every way to send it.

mod login;
mod mold;
mod name;
mod oauth2;
mod request;
mod sign;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

pub use login::{Login, Take};
pub(crate) use mold::Composed;
pub use mold::{Lookup, Missing, Mold};
pub use name::{HeaderName, ParameterName};
pub use oauth2::{Algorithm, Assertion, ClientAuthentication, Format, GrantType, OAuth2};
pub use request::{JsonMold, RecipeBody, RecipeRequest};
pub use sign::{Digest, Encoding, OF_A_REQUEST, Signing};

use super::endpoint::Endpoint;
use super::reads::words;
use crate::name::{FieldName, SettingName};
use crate::origin::Template;

/// One way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Recipe {
    pub(super) title: String,
    pub(super) help: Option<String>,
    pub(super) kind: RecipeKind,
    pub(super) source: Source,
    // Invariant: at least one, and at least one value in them is secret.
    pub(super) carriers: Vec<Carrier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signing: Option<Signing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identify: Option<RecipeRequest>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) learned: Vec<Learned>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) troubles: Vec<TroubleRule>,
    // Invariant: not empty.
    pub(super) audience: Vec<Template>,
    pub(super) fields: Vec<FieldName>,
}

words! {
    /// What the manifest calls a way to authenticate.
    RecipeKind {
        /// `Authorization: Bearer`, RFC 6750.
        Bearer "bearer",
        /// `Authorization: Basic`, RFC 7617.
        Basic "basic",
        /// A key in a header, alone or with other texts.
        Header "header",
        /// A key in a parameter of the query.
        Query "query",
        /// A signature of each request.
        Hmac "hmac",
        /// A token that the CRM's authorization server issues, RFC 6749.
        OAuth2 "oauth2",
        /// A session that begins with a request of its own.
        Login "login",
    }
}

/// How the host comes by the secret that requests carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It is what the tenant has given.
    Given,
    /// An authorization server issues it.
    OAuth2(Box<OAuth2>),
    /// A login request answers it.
    Login(Box<Login>),
}

/// Where a secret is put into a request, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Carrier {
    pub(super) place: CarrierPlace,
    pub(super) value: Mold,
}

/// Where a secret is put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierPlace {
    /// Into this header.
    Header(HeaderName),
    /// Into this parameter of the query.
    Query(ParameterName),
    /// Into the header `Cookie`, under this name.
    Cookie(ParameterName),
}

/// A setting that an answer of the recipe's own requests, or the callback, sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Learned {
    pub(super) setting: SettingName,
    /// A JSON pointer into the answer, or the name of a parameter of the callback.
    pub(super) at: String,
    /// What stands before and behind the value.
    pub(super) around: (String, String),
}

words! {
    /// Why an authorization server, or a login, refuses.
    TroubleKind {
        /// The access was taken back.
        Revoked "revoked",
        /// What the access depends on has come to its end of life.
        Expired "expired",
        /// The application or the password is not known, or not for this.
        WrongClient "wrong-client",
        /// Somebody has taken back, or not given, the consent.
        ConsentWithdrawn "consent-withdrawn",
        /// This machine's clock is wrong.
        ClockSkew "clock-skew",
        /// The server cannot answer now.
        Unavailable "unavailable",
    }
}

/// What a refusal of this CRM means where its code does not say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TroubleRule {
    pub(super) error: String,
    /// How the description has to begin.
    pub(super) begins: Option<String>,
    pub(super) means: TroubleKind,
}

impl Recipe {
    /// Returns what to call it in front of people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns how to come by the credential, in the author's words.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Returns what the manifest calls it.
    pub fn kind(&self) -> RecipeKind {
        self.kind
    }

    /// Returns how the host comes by the secret that requests carry.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns where secrets are put into a request; at least one place.
    pub fn carriers(&self) -> &[Carrier] {
        &self.carriers
    }

    /// Returns how requests are signed, if they are.
    pub fn signing(&self) -> Option<&Signing> {
        self.signing.as_ref()
    }

    /// Returns the request by which the host learns whom a credential belongs to.
    pub fn identify(&self) -> Option<&RecipeRequest> {
        self.identify.as_ref()
    }

    /// Returns the settings that answers set.
    pub fn learned(&self) -> &[Learned] {
        &self.learned
    }

    /// Returns what refusals mean where their code does not say it; the first rule that fits counts.
    pub fn troubles(&self) -> &[TroubleRule] {
        &self.troubles
    }

    /// Returns the origins that the credential is proposed to go to; at least one.
    pub fn audience(&self) -> &[Template] {
        &self.audience
    }

    /// Returns the names of the fields that a credential has, in the order to ask for them.
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }

    /// Returns the addresses to which the host sends requests of its own, with secrets in them.
    pub fn endpoints(&self) -> Vec<&Endpoint> {
        let mut all = Vec::new();
        match &self.source {
            Source::Given => {}
            Source::OAuth2(oauth2) => all.extend(oauth2.endpoints()),
            Source::Login(login) => all.push(login.request().endpoint()),
        }
        all.extend(self.identify.iter().map(|it| it.endpoint()));
        all
    }

    /// Tells whether the tenant gives the secret itself, so that the host has nothing to come by.
    pub fn is_given(&self) -> bool {
        self.source == Source::Given
    }

    /// Tells whether a person has to agree in a browser.
    pub fn needs_browser(&self) -> bool {
        matches!(&self.source, Source::OAuth2(it) if it.grant() == GrantType::AuthorizationCode)
    }

    /// Says, line by line, how it comes by a secret and where that goes: what an approval is about.
    pub(super) fn authority(&self) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.carriers.iter().map(ToString::to_string).collect();
        match &self.source {
            Source::Given => {}
            Source::OAuth2(oauth2) => all.extend(oauth2.authority()),
            Source::Login(login) => all.extend(login.authority()),
        }
        all.extend(self.signing.iter().map(|it| format!("signs {it}")));
        all.extend(self.identify.iter().map(|it| format!("identify {it}")));
        all.extend(self.learned.iter().map(|it| format!("learns {it}")));
        all.extend(self.fields.iter().map(|it| format!("asks for {it}")));
        all
    }
}

/// Tells whether a value of this name is secret. The name of a user stands in records and that of an application in addresses.
pub fn is_secret(name: &str) -> bool {
    !matches!(name, "user" | "client-id" | "key-id")
}

impl Carrier {
    /// Returns where the value is put.
    pub fn place(&self) -> &CarrierPlace {
        &self.place
    }

    /// Returns what is put there.
    pub fn value(&self) -> &Mold {
        &self.value
    }
}

impl Learned {
    /// Returns the setting.
    pub fn setting(&self) -> &SettingName {
        &self.setting
    }

    /// Returns where in an answer, or in the callback, the value stands.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Takes the value out of the text that it stands in; nothing, if the text is not as the manifest says.
    pub fn value<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (before, behind) = &self.around;
        text.strip_prefix(before.as_str())?
            .strip_suffix(behind.as_str())
    }
}

impl TroubleRule {
    /// Tells whether it is about a refusal.
    pub(crate) fn fits(&self, error: &str, description: &str) -> bool {
        let begins = self.begins.as_ref();
        self.error == error && begins.is_none_or(|it| description.starts_with(it.as_str()))
    }

    /// Returns what such a refusal means.
    pub(crate) fn means(&self) -> TroubleKind {
        self.means
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match &self.place {
            CarrierPlace::Header(name) => write!(f, "header {}: {value}", name.as_str()),
            CarrierPlace::Query(name) => write!(f, "query {}={value}", name.as_str()),
            CarrierPlace::Cookie(name) => write!(f, "cookie {}={value}", name.as_str()),
        }
    }
}

impl fmt::Display for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, behind) = &self.around;
        write!(f, "{} at {} as {before}…{behind}", self.setting, self.at)
    }
}
