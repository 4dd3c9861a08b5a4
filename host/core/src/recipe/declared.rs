//! The requests that a manifest describes: logins, and those that tell whom a credential belongs to.

use zeroize::Zeroizing;

use super::body;
use super::{SecretRequest, Unfit};
use crate::manifest::{Login, Lookup, RecipeBody, RecipeRequest};
use crate::request::Method;
use crate::setting::Settings;

/// Returns the request that opens a session.
pub fn login_request(
    login: &Login,
    settings: &Settings,
    lookup: &Lookup<'_>,
) -> Result<SecretRequest, Unfit> {
    request(login.request(), settings, lookup)
}

/// Returns the request that tells whom a credential belongs to.
pub fn identify(
    identify: &RecipeRequest,
    settings: &Settings,
    lookup: &Lookup<'_>,
) -> Result<SecretRequest, Unfit> {
    request(identify, settings, lookup)
}

fn request(
    declared: &RecipeRequest,
    settings: &Settings,
    lookup: &Lookup<'_>,
) -> Result<SecretRequest, Unfit> {
    let mut url = declared.endpoint().expand(settings)?;
    if let Some(append) = declared.append() {
        let part = append.fill(lookup)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&part);
        }
    }
    let text = |kind: &str| Zeroizing::new(kind.to_owned());
    let mut headers = vec![("accept", text("application/json"))];
    let body = match declared.body() {
        RecipeBody::None => None,
        RecipeBody::Form(pairs) => {
            headers.push(("content-type", text("application/x-www-form-urlencoded")));
            let fill = |(name, mold): &(String, crate::manifest::Mold)| {
                Ok((name.clone(), mold.fill(lookup)?))
            };
            let pairs: Result<_, Unfit> = pairs.iter().map(fill).collect();
            Some(body::form(&pairs?))
        }
        RecipeBody::Json(json) => {
            headers.push(("content-type", text("application/json")));
            Some(body::json_of(json, lookup)?)
        }
    };
    // Some refuse a POST that does not say how long it is.
    let body = match declared.method() {
        Method::Get | Method::Head => None,
        _ => Some(body.unwrap_or_default()),
    };
    Ok(SecretRequest {
        method: declared.method(),
        url,
        headers,
        body,
    })
}
