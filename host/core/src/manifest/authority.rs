//! The digest of a manifest's authority: what an approval is bound to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Manifest;
use crate::setting::{Kind, Setting};

/// Identifies what a manifest asks for; equal if and only if the same is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorityDigest([u8; 32]);

/// Tells that a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a digest is 64 lower-case hexadecimal digits; copy it again")]
pub struct InvalidDigest;

/// Everything in a manifest that decides where a connector and a credential may go, and what it sees of secrets.
///
/// The digest is made of it and so is the difference between two versions, so that nothing counts that is not shown.
/// Titles and reasons are left out, because they allow nothing. Defaults are in, because a host may depend on them, and
/// so is who may set a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority(pub(super) BTreeMap<(Part, String), BTreeSet<String>>);

/// What a piece of authority is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A server that the connector talks to, and which requests it makes there.
    Host,
    /// A setting that hosts may be made of, and what values it takes.
    Setting,
    /// A way to authenticate: how the host comes by the secret, and how that is sent.
    Recipe,
    /// Where the credential of a recipe goes.
    Audience,
    /// Where secrets in answers are cut out.
    Redaction,
}

impl Authority {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut all = Self(BTreeMap::new());
        for host in &manifest.hosts {
            all.add(Part::Host, &host.origin.to_string(), [host.requests()]);
        }
        for (name, setting) in &manifest.settings {
            all.add(Part::Setting, name.as_str(), values(setting));
        }
        for (name, recipe) in &manifest.recipes {
            all.add(Part::Recipe, name.as_str(), recipe.authority());
            let audience = recipe.audience().iter().map(ToString::to_string);
            all.add(Part::Audience, name.as_str(), audience);
        }
        // A mark that is gone lets a connector see what it could not.
        for place in &manifest.redact {
            let pointers = place.pointers().iter().map(ToString::to_string);
            all.add(Part::Redaction, &place.path().to_string(), pointers);
        }
        all
    }

    fn add(&mut self, part: Part, name: &str, values: impl IntoIterator<Item = String>) {
        let entry = self.0.entry((part, name.to_owned())).or_default();
        entry.extend(values);
    }

    pub(super) fn digest(&self) -> AuthorityDigest {
        let mut canon = Canon(Sha256::new());
        canon.text("brightsync authority 3");
        canon.count(self.0.len());
        for ((part, name), values) in &self.0 {
            canon.text(part.as_str());
            canon.text(name);
            canon.count(values.len());
            for value in values {
                canon.text(value);
            }
        }
        AuthorityDigest(canon.0.finalize().into())
    }
}

/// What values a setting takes and from whom; each text says what it is, so that a pattern is not taken for a default.
fn values(setting: &Setting) -> Vec<String> {
    let mut values = vec![format!("set by {}", setting.set_by())];
    match setting.kind() {
        Kind::Origin => values.push("any server".to_owned()),
        Kind::Text { pattern, .. } => values.push(match pattern {
            Some(pattern) => format!("text like {}", pattern.as_str()),
            None => "any text".to_owned(),
        }),
        Kind::Choice { values: all, .. } => {
            values.extend(all.iter().map(|it| format!("choice {it}")));
        }
    }
    values.extend(setting.default_value().map(|it| format!("default {it}")));
    values
}

/// Feeds a hash with texts so that no two different lists of them feed the same bytes.
struct Canon(Sha256);

impl Canon {
    fn count(&mut self, count: usize) {
        // A count is at most the length of a manifest.
        self.0
            .update(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text);
    }
}

impl Part {
    /// Returns the part as one stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Setting => "setting",
            Self::Recipe => "recipe",
            Self::Audience => "audience",
            Self::Redaction => "redaction",
        }
    }
}

impl fmt::Display for AuthorityDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AuthorityDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digit = |it: u8| match it {
            b'0'..=b'9' => Ok(it - b'0'),
            b'a'..=b'f' => Ok(it - b'a' + 10),
            _ => Err(InvalidDigest),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(InvalidDigest);
        };
        let bytes = pairs
            .iter()
            .map(|[high, low]| Ok(digit(*high)? << 4 | digit(*low)?))
            .collect::<Result<Vec<_>, _>>()?;
        bytes.try_into().map(Self).map_err(|_| InvalidDigest)
    }
}

impl TryFrom<String> for AuthorityDigest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<AuthorityDigest> for String {
    fn from(digest: AuthorityDigest) -> Self {
        digest.to_string()
    }
}
