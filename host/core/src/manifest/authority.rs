//! The digest of a manifest's authority: what an approval is bound to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Manifest, RecipeKind};
use crate::origin::Template;
use crate::setting::Kind;

/// Identifies what a manifest asks for; equal if and only if the same is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorityDigest([u8; 32]);

/// Tells that a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a digest is 64 lower-case hexadecimal digits; copy it again")]
pub struct InvalidDigest;

/// Hashes hosts, settings and recipes in an order that does not depend on how they were typed.
///
/// Titles and reasons are left out, because they allow nothing. Defaults are in, because a host
/// may depend on them, and so is who may set a setting.
pub(super) fn digest(manifest: &Manifest) -> AuthorityDigest {
    let mut canon = Canon(Sha256::new());
    canon.text("brightsync authority 1");
    canon.templates(manifest.hosts.iter().map(|host| &host.origin));
    canon.count(manifest.settings.len());
    for (name, setting) in &manifest.settings {
        canon.text(name.as_str());
        canon.text(&setting.set_by().to_string());
        canon.text(setting.default_value().unwrap_or_default());
        match setting.kind() {
            Kind::Origin => canon.text("origin"),
            Kind::Text { pattern, .. } => {
                canon.text("text");
                // A missing pattern is not an empty one, which matches nothing but the empty value.
                canon.count(usize::from(pattern.is_some()));
                canon.text(pattern.as_ref().map_or("", |pattern| pattern.as_str()));
            }
            Kind::Choice { values, .. } => {
                canon.text("choice");
                canon.texts(values.iter().map(String::as_str));
            }
        }
    }
    canon.count(manifest.recipes.len());
    for (name, recipe) in &manifest.recipes {
        canon.text(name.as_str());
        match recipe.kind() {
            RecipeKind::Bearer => canon.text("bearer"),
            RecipeKind::Basic => canon.text("basic"),
            RecipeKind::Header { header } => {
                canon.text("header");
                canon.text(header.as_str());
            }
            RecipeKind::Query { parameter } => {
                canon.text("query");
                canon.text(parameter.as_str());
            }
        }
        canon.templates(recipe.audience().iter());
    }
    // A mark that is gone lets a connector see what it could not.
    canon.count(manifest.redact.len());
    let mut places: Vec<_> = manifest.redact.iter().collect();
    places.sort_by_key(|it| it.path());
    for place in places {
        canon.text(&place.path().to_string());
        let pointers: Vec<String> = place.pointers().iter().map(ToString::to_string).collect();
        canon.texts(pointers.iter().map(String::as_str));
    }
    AuthorityDigest(canon.0.finalize().into())
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

    fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let mut sorted: Vec<&str> = texts.collect();
        sorted.sort_unstable();
        self.count(sorted.len());
        for text in sorted {
            self.text(text);
        }
    }

    fn templates<'a>(&mut self, templates: impl Iterator<Item = &'a Template>) {
        let texts: Vec<String> = templates.map(Template::to_string).collect();
        self.texts(texts.iter().map(String::as_str));
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
