//! Signatures of requests, and what they are made of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::crm::Timestamp;
use crate::manifest::{Digest, Encoding, Lookup, Missing, Signing};

/// The values of one request that its signature may be made of.
pub struct OfRequest<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path below the connector's base, without a slash before it and without the query.
    pub path: &'a str,
    /// The path as it is sent.
    pub full_path: &'a str,
    /// The same with the query.
    pub path_and_query: &'a str,
    /// The body; empty if there is none.
    pub body: &'a [u8],
    /// When it is signed.
    pub now: Timestamp,
    /// A text that no other request has.
    pub nonce: &'a str,
}

impl OfRequest<'_> {
    /// Returns the value of a name of [`crate::manifest::Signing::message`].
    #[must_use]
    pub fn value(&self, signing: &Signing, name: &str) -> Option<String> {
        Some(match name {
            "method" => self.method.to_owned(),
            "path" => self.path.to_owned(),
            "full-path" => self.full_path.to_owned(),
            "path-and-query" => self.path_and_query.to_owned(),
            "body-hash" => encode(signing.encoding(), &hash(signing.digest(), self.body)),
            "timestamp" => (self.now / 1000).to_string(),
            "date" => {
                let since = std::time::Duration::from_millis(u64::try_from(self.now).unwrap_or(0));
                httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
            }
            "nonce" => self.nonce.to_owned(),
            _ => return None,
        })
    }
}

/// Signs a request, RFC 2104; `lookup` knows the values of the request and of the credential, the key as `secret`.
pub fn signature(signing: &Signing, lookup: &Lookup<'_>) -> Result<Zeroizing<String>, Missing> {
    let message = signing.message().fill(lookup)?;
    let key = lookup("secret").ok_or_else(|| Missing::of("secret"))?;
    // A key of any length is taken.
    let bytes = match signing.digest() {
        Digest::Sha256 => Hmac::<Sha256>::new_from_slice(key.as_bytes()).map(|mut mac| {
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }),
        Digest::Sha512 => Hmac::<Sha512>::new_from_slice(key.as_bytes()).map(|mut mac| {
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }),
    };
    let bytes = bytes.map_err(|_| Missing::of("secret"))?;
    Ok(Zeroizing::new(encode(signing.encoding(), &bytes)))
}

fn hash(digest: Digest, bytes: &[u8]) -> Vec<u8> {
    match digest {
        Digest::Sha256 => Sha256::digest(bytes).to_vec(),
        Digest::Sha512 => Sha512::digest(bytes).to_vec(),
    }
}

fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => bytes.iter().map(|it| format!("{it:02x}")).collect(),
        Encoding::Base64 => STANDARD.encode(bytes),
    }
}
