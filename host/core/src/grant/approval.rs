//! What grants and credentials are bound to.

use serde::{Deserialize, Serialize};

use crate::manifest::{AuthorityDigest, Manifest};

/// Somebody's approval of what one publisher's connector asks for.
///
/// Grants and credentials are given to this and to nothing else of the connector's name: a version that asks for
/// something else, or comes from somebody else, waits for an approval of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    publisher: String,
    authority: AuthorityDigest,
}

impl Approval {
    /// Makes the approval of somebody who has been shown all that a manifest asks for and said yes to it.
    pub fn after_consent_to(manifest: &Manifest) -> Self {
        Self {
            publisher: manifest.publisher().to_string(),
            authority: manifest.authority_digest(),
        }
    }

    /// Tells whether it is for connectors of a publisher.
    pub fn is_of(&self, publisher: &str) -> bool {
        self.publisher == publisher
    }

    /// Returns the publisher, as the approved manifest claims it.
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// Returns the digest of what was approved.
    pub fn authority(&self) -> AuthorityDigest {
        self.authority
    }
}
