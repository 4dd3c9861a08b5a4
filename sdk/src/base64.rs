//! Bytes as text, for CRMs that take files within JSON, and for what patches carry of them.

use base64ct::{Base64, Encoding};

use crate::{Error, Result};

/// Writes bytes as base64 (RFC 4648, section 4, with padding).
pub fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Reads base64.
///
/// ```
/// use brightsync_sdk::base64;
///
/// assert_eq!(base64::decode(&base64::encode(b"hi!"))?, b"hi!");
/// assert!(base64::decode("?").is_err());
/// # Ok::<(), brightsync_sdk::Error>(())
/// ```
pub fn decode(text: &str) -> Result<Vec<u8>> {
    Base64::decode_vec(text).map_err(|error| Error::other(format!("a text is no base64: {error}")))
}
