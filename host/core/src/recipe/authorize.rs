//! The part of an authorization code in which a person agrees: where the browser is sent, and what it brings back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::trouble::{Reason, Trouble};
use super::{Unfit, token};
use crate::manifest::{Lookup, OAuth2, Recipe};
use crate::setting::Settings;

/// What a browser brings back.
pub struct Callback {
    /// The code, for one token request.
    pub code: Zeroizing<String>,
    /// Names and values of all parameters besides code and state.
    pub parameters: Vec<(String, String)>,
}

/// Returns the challenge for a verifier, RFC 7636, section 4.2, by the one method that hides the verifier.
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// Returns the address of the page where a person agrees, RFC 6749, section 4.1.1.
pub fn authorization(
    oauth2: &OAuth2,
    settings: &Settings,
    lookup: &Lookup<'_>,
    redirect: &str,
    state: &str,
    challenge: &str,
) -> Result<Option<Url>, Unfit> {
    let Some(authorize) = oauth2.authorize() else {
        return Ok(None);
    };
    let mut url = authorize.expand(settings)?;
    let client = token::value(lookup, "client-id")?;
    let scope = token::scope(oauth2, lookup)?;
    let mut own = vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    if !scope.is_empty() {
        own.push(("scope", &scope));
    }
    let mut query = url.query_pairs_mut();
    query.extend_pairs(own);
    for (name, value) in oauth2.authorize_parameters() {
        query.append_pair(name, &value.fill(lookup)?);
    }
    drop(query);
    Ok(Some(url))
}

/// Reads what a browser brings back, RFC 6749, section 4.1.2; `state` is the one that was sent.
///
/// A callback with another state belongs to nobody who is waiting, and what is said in it counts for nothing.
pub fn callback(recipe: &Recipe, query: &str, state: &str) -> Result<Callback, Trouble> {
    let mut parameters: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let mut take = |name: &str| -> Result<Option<String>, Trouble> {
        let mut found: Vec<String> = Vec::new();
        parameters.retain_mut(|(it, value)| {
            let is_it = it == name;
            if is_it {
                found.push(std::mem::take(value));
            }
            !is_it
        });
        let first = found.pop();
        if found.is_empty() {
            return Ok(first);
        }
        Err(Trouble::new(Reason::Unreadable).with("", &format!("the callback has {name} twice")))
    };
    let given = take("state")?.unwrap_or_default();
    if !same(given.as_bytes(), state.as_bytes()) {
        return Err(Trouble::new(Reason::Unreadable).with("", "the callback is of another attempt"));
    }
    if let Some(error) = take("error")? {
        let description = take("error_description")?.unwrap_or_default();
        return Err(Trouble::of_code(recipe, &error, &description));
    }
    let code = take("code")?.filter(|it| !it.is_empty());
    let code =
        code.ok_or_else(|| Trouble::new(Reason::Unreadable).with("", "the callback has no code"))?;
    Ok(Callback {
        code: Zeroizing::new(code),
        parameters,
    })
}

/// Compares without telling by the time that it takes where the first difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}
