//! What an application says of itself to get a token: a JSON Web Token, RFC 7519, for RFC 7523.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Unfit;
use crate::crm::Timestamp;
use crate::manifest::{Assertion, Lookup, OAuth2};
use crate::setting::Settings;

/// By how many seconds an assertion is dated back, because clocks differ.
const LEEWAY: i64 = 10;

/// What an assertion is made of, besides what the manifest says.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// When it is made.
    pub now: Timestamp,
    /// A text that no other assertion has.
    pub id: &'a str,
}

/// Returns what is to be signed, RFC 7515, section 5.1: header and claims in base64url, with a dot between them.
pub fn signing_input(
    oauth2: &OAuth2,
    assertion: &Assertion,
    settings: &Settings,
    lookup: &Lookup<'_>,
    claims: Claims<'_>,
) -> Result<String, Unfit> {
    let mut header = json!({"alg": assertion.algorithm().to_string(), "typ": "JWT"});
    if let (Some(id), Some(header)) = (assertion.key_id(), header.as_object_mut()) {
        header.insert("kid".to_owned(), id.fill(lookup)?.as_str().into());
    }
    let audience = match assertion.audience() {
        Some(audience) => audience.fill(lookup)?.to_string(),
        None => oauth2.token().expand(settings)?.into(),
    };
    let issued = claims.now / 1000 - LEEWAY;
    let payload = json!({
        "iss": assertion.issuer().fill(lookup)?.as_str(),
        "sub": assertion.subject().fill(lookup)?.as_str(),
        "aud": audience,
        "iat": issued,
        "exp": claims.now / 1000 + i64::from(assertion.lifetime()) - LEEWAY,
        "jti": claims.id,
    });
    let encode = |it: &serde_json::Value| URL_SAFE_NO_PAD.encode(it.to_string());
    Ok(format!("{}.{}", encode(&header), encode(&payload)))
}
