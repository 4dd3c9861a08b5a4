//! Signatures of requests with a shared key (HMAC, RFC 2104).

use std::fmt;

use serde::Serialize;

use super::Mold;
use crate::manifest::reads::words;

/// The values of a request that a signature, or what is sent beside it, may be made of.
pub const OF_A_REQUEST: [&str; 8] = [
    "method",
    "path",
    "full-path",
    "path-and-query",
    "body-hash",
    "timestamp",
    "date",
    "nonce",
];

/// How a request is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Signing {
    pub(in crate::manifest) digest: Digest,
    pub(in crate::manifest) encoding: Encoding,
    pub(in crate::manifest) message: Mold,
}

words! {
    /// What the signature is made with.
    Digest {
        /// SHA-256.
        Sha256 "sha256",
        /// SHA-512.
        Sha512 "sha512",
    }
}

words! {
    /// How the bytes of a signature are written.
    Encoding {
        /// In lower-case hexadecimal.
        Hex "hex",
        /// In base64.
        Base64 "base64",
    }
}

impl Signing {
    /// Returns what the signature, and the hash of a body, is made with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns how signature and hash are written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Returns what is signed, with the field `secret` as the key.
    pub fn message(&self) -> &Mold {
        &self.message
    }
}

impl fmt::Display for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digest, encoding) = (self.digest, self.encoding);
        write!(f, "{} by hmac {digest} in {encoding}", self.message)
    }
}
