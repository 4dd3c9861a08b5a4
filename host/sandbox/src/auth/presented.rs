//! Which credential a request presents: one, or none, but never two.

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use crate::failure::{Challenge, Failure};
use crate::oauth::form::decode;

/// A credential as it was sent, not checked yet.
pub(super) enum Presented {
    /// `X-Api-Key: KEY`, or `?api_token=KEY`
    Key(String),
    /// `Authorization: SCHEME VALUE`
    Scheme(String, String),
    /// `X-Hmac-Authorization`
    Hmac(String),
    /// `X-Key` and `X-Signature`
    Signature { key: String, signature: String },
    /// The cookie `sid`.
    Cookie(String),
}

/// Returns the credential, and the request without the one that is no header.
pub(super) fn take(mut request: Request) -> Result<(Option<Presented>, Request), Failure> {
    let mut found = in_headers(request.headers());
    let (tokens, address) = api_tokens(request.uri());
    found.extend(tokens.into_iter().map(Presented::Key));
    if let Some(address) = address {
        *request.uri_mut() = address;
    }
    let last = found.pop();
    if !found.is_empty() {
        let message = "send one credential: the request has several";
        let failure = Failure::new(StatusCode::BAD_REQUEST, "several_credentials", message);
        // RFC 6750, section 3.1.
        return Err(failure.with_challenge(Challenge::request()));
    }
    Ok((last, request))
}

fn in_headers(headers: &HeaderMap) -> Vec<Presented> {
    let mut found = Vec::new();
    found.extend(values(headers, "x-api-key").map(Presented::Key));
    found.extend(values(headers, header::AUTHORIZATION.as_str()).map(scheme));
    found.extend(values(headers, "x-hmac-authorization").map(Presented::Hmac));
    let mut keys = values(headers, "x-key");
    let mut signatures = values(headers, "x-signature");
    loop {
        // Half of a pair is a credential too, one that fits nothing.
        match (keys.next(), signatures.next()) {
            (None, None) => break,
            (key, signature) => found.push(Presented::Signature {
                key: key.unwrap_or_default(),
                signature: signature.unwrap_or_default(),
            }),
        }
    }
    found.extend(cookies(headers).map(Presented::Cookie));
    found
}

/// Returns all values of a header; what is no text is a value that fits nothing.
fn values(headers: &HeaderMap, name: &'static str) -> impl Iterator<Item = String> {
    let text = |it: &HeaderValue| it.to_str().unwrap_or_default().to_owned();
    headers.get_all(name).iter().map(text)
}

fn scheme(value: String) -> Presented {
    match value.split_once(' ') {
        Some((scheme, value)) => Presented::Scheme(scheme.to_owned(), value.to_owned()),
        None => Presented::Scheme(value, String::new()),
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = String> {
    values(headers, header::COOKIE.as_str()).flat_map(|it| {
        let pairs = it.split(';').filter_map(|it| it.trim().split_once('='));
        pairs
            .filter(|it| it.0 == "sid")
            .map(|it| it.1.to_owned())
            .collect::<Vec<_>>()
    })
}

/// Returns the values of `api_token`, and the address without them if there are any.
fn api_tokens(address: &Uri) -> (Vec<String>, Option<Uri>) {
    let mut tokens = Vec::new();
    let mut left = Vec::new();
    for pair in address.query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(name).as_deref() == Some("api_token") {
            tokens.push(decode(value).unwrap_or_default());
        } else {
            left.push(pair);
        }
    }
    if tokens.is_empty() {
        return (tokens, None);
    }
    let text = if left.is_empty() {
        address.path().to_owned()
    } else {
        format!("{}?{}", address.path(), left.join("&"))
    };
    let mut parts = address.clone().into_parts();
    // Parts of a valid address are valid.
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    (tokens, Uri::from_parts(parts).ok())
}
