//! Requests for tokens, and what their answers hold.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use zeroize::Zeroizing;

use super::answer::SecretJson;
use super::body::{self, Parameters};
use super::trouble::{Reason, Trouble};
use super::{Issued, LONGEST, SecretAnswer, SecretRequest, Unfit};
use crate::crm::Timestamp;
use crate::manifest::{
    ClientAuthentication, Endpoint, Format, GrantType, Lookup, Missing, OAuth2, Recipe,
};
use crate::request::Method;
use crate::setting::Settings;

/// What a token is asked for with.
#[derive(Clone, Copy)]
pub enum Asked<'a> {
    /// A code that a browser has brought back.
    Code {
        /// The code.
        code: &'a str,
        /// What the challenge was made of, RFC 7636.
        verifier: &'a str,
        /// The address that the browser came back to.
        redirect: &'a str,
    },
    /// The refresh token that came with the last token.
    Refresh(&'a str),
    /// The credential itself, for a grant that needs no person.
    Credential,
    /// A signed assertion.
    Assertion(&'a str),
}

/// Returns the request for a token, RFC 6749, sections 4 and 6, and RFC 7523, section 2.1.
pub fn token_request(
    oauth2: &OAuth2,
    settings: &Settings,
    lookup: &Lookup<'_>,
    asked: Asked<'_>,
) -> Result<SecretRequest, Unfit> {
    let mut parameters = Parameters::new();
    let mut add = |name: &str, value: &str| {
        parameters.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    };
    let scope = scope(oauth2, lookup)?;
    match asked {
        Asked::Code {
            code,
            verifier,
            redirect,
        } => {
            add("grant_type", "authorization_code");
            add("code", code);
            add("redirect_uri", redirect);
            add("code_verifier", verifier);
        }
        Asked::Refresh(token) => {
            add("grant_type", "refresh_token");
            add("refresh_token", token);
        }
        Asked::Credential if oauth2.grant() == GrantType::Password => {
            add("grant_type", "password");
            add("username", value(lookup, "user")?);
            add("password", value(lookup, "password")?);
        }
        Asked::Credential => add("grant_type", "client_credentials"),
        Asked::Assertion(signed) => {
            add("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            add("assertion", signed);
        }
    }
    if matches!(asked, Asked::Credential | Asked::Assertion(_)) && !scope.is_empty() {
        add("scope", &scope);
    }
    for (name, mold) in oauth2.token_parameters() {
        add(name, &mold.fill(lookup)?);
    }
    request(oauth2, oauth2.token(), settings, lookup, parameters)
}

/// Returns the request that gives a token back, RFC 7009, if the server takes any.
pub fn revocation(
    oauth2: &OAuth2,
    settings: &Settings,
    lookup: &Lookup<'_>,
    token: &str,
    is_refresh: bool,
) -> Result<Option<SecretRequest>, Unfit> {
    let Some(revoke) = oauth2.revoke() else {
        return Ok(None);
    };
    let kind = if is_refresh {
        "refresh_token"
    } else {
        "access_token"
    };
    let parameters = vec![
        ("token".to_owned(), Zeroizing::new(token.to_owned())),
        (
            "token_type_hint".to_owned(),
            Zeroizing::new(kind.to_owned()),
        ),
    ];
    request(oauth2, revoke, settings, lookup, parameters).map(Some)
}

/// Reads the answer to a token request, RFC 6749, section 5, and what CRMs make of it: a refusal with status 200, no time to live, or one that is a text.
pub fn tokens(
    recipe: &Recipe,
    oauth2: &OAuth2,
    answer: &SecretAnswer,
    now: Timestamp,
) -> Result<Issued, Trouble> {
    let json = SecretJson::parse(&answer.body);
    let token = json.as_ref().and_then(|it| it.text("/access_token"));
    let (Some(json), Some(token), 200..=299) = (&json, token, answer.status) else {
        let is_refresh = oauth2.grant() == GrantType::AuthorizationCode;
        return Err(Trouble::of_answer(
            recipe,
            answer,
            json.as_ref(),
            is_refresh,
            now,
        ));
    };
    let mut values = BTreeMap::new();
    values.insert("token".to_owned(), sendable(token)?);
    if let Some(refresh) = json.text("/refresh_token") {
        values.insert("refresh-token".to_owned(), sendable(refresh)?);
    }
    Ok(Issued {
        values,
        lifetime: json.seconds("/expires_in").or(oauth2.lifetime()),
    })
}

/// Refuses what cannot be put into a header.
pub(super) fn sendable(token: Zeroizing<String>) -> Result<Zeroizing<String>, Trouble> {
    let fits = !token.is_empty() && token.len() <= LONGEST;
    if fits && token.bytes().all(|it| matches!(it, b' '..=b'~')) {
        return Ok(token);
    }
    let what = "the token is empty, longer than 16 KiB, or has characters that no header may have";
    Err(Trouble::new(Reason::Unreadable).with("", what))
}

/// What is asked for, RFC 6749, section 3.3.
pub(super) fn scope(oauth2: &OAuth2, lookup: &Lookup<'_>) -> Result<String, Missing> {
    let scopes = oauth2.scopes().iter();
    let scopes: Result<Vec<_>, _> = scopes.map(|it| it.fill(lookup)).collect();
    let scopes: Vec<String> = scopes?.iter().map(|it| it.to_string()).collect();
    Ok(scopes.join(oauth2.scope_separator()))
}

pub(super) fn value<'a>(lookup: &Lookup<'a>, name: &'static str) -> Result<&'a str, Missing> {
    lookup(name).ok_or_else(|| Missing::of(name))
}

/// Adds what shows who the application is, and puts the parameters into the form that the server takes.
fn request(
    oauth2: &OAuth2,
    endpoint: &Endpoint,
    settings: &Settings,
    lookup: &Lookup<'_>,
    mut parameters: Parameters,
) -> Result<SecretRequest, Unfit> {
    let url: Url = endpoint.expand(settings)?;
    let mut headers = vec![("accept", Zeroizing::new("application/json".to_owned()))];
    let mut add = |name: &str, value: &str| {
        parameters.push((name.to_owned(), Zeroizing::new(value.to_owned())));
    };
    match oauth2.client() {
        ClientAuthentication::Body => {
            add("client_id", value(lookup, "client-id")?);
            add("client_secret", value(lookup, "client-secret")?);
        }
        ClientAuthentication::Basic => {
            let id = value(lookup, "client-id")?;
            let secret = value(lookup, "client-secret")?;
            headers.push(("authorization", basic(id, secret)));
        }
        ClientAuthentication::None => {
            if let Some(id) = lookup("client-id") {
                add("client_id", id);
            }
        }
    }
    let (kind, body) = match oauth2.format() {
        Format::Form => ("application/x-www-form-urlencoded", body::form(&parameters)),
        Format::Json => ("application/json", body::json(&parameters)),
    };
    headers.push(("content-type", Zeroizing::new(kind.to_owned())));
    Ok(SecretRequest {
        method: Method::Post,
        url,
        headers,
        body: Some(body),
    })
}

/// Writes id and secret as RFC 6749, section 2.3.1, wants it: each encoded as in a form, then as the user and the password of RFC 7617.
pub(crate) fn basic(id: &str, secret: &str) -> Zeroizing<String> {
    let encode = |text: &str| -> Zeroizing<String> {
        let all: Vec<&str> = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        Zeroizing::new(all.concat())
    };
    let (id, secret) = (encode(id), encode(secret));
    let pair = Zeroizing::new([id.as_str(), ":", secret.as_str()].concat());
    let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    Zeroizing::new(["Basic ", pair.as_str()].concat())
}
