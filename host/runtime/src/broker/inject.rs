//! Puts a connection's credential into a request: into the headers, the cookies or the query parameter that the recipe names, never into a body.

use std::sync::Arc;

use brightsync_core::manifest::{CarrierPlace, Missing, Recipe};
use brightsync_core::recipe::{OfRequest, Reason, Trouble, signature};
use brightsync_core::redact::{Redactor, Secrets};
use reqwest::header::{COOKIE, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::Failure;
use super::transport::{Ready, Wire};
use crate::custody::Held;
use crate::store::Call;

/// A request with the credential in it.
pub(super) struct Injected {
    pub(super) ready: Ready,
    /// What it was made with.
    pub(super) held: Arc<Held>,
    /// Knows all that is secret in it.
    pub(super) redactor: Arc<Redactor>,
}

/// Adds the credential, renewed if it is at its end. A connection whose credential does not fit its recipe has to be connected anew.
pub(super) async fn inject(wire: Wire, call: &Call) -> Result<Injected, Failure> {
    let custody = call.link.custody.as_ref().ok_or(Failure::Credential)?;
    let recipe = call.recipe().ok_or(Failure::Credential)?;
    let held = match custody.known(recipe, (call.shared.clock)()) {
        Some(held) => held,
        None => {
            let ready = custody
                .ready(&call.principal().ok_or(Failure::Credential)?)
                .await;
            ready.map_err(|trouble| {
                tracing::warn!(call = %call.id, connection = %call.link.key, %trouble, "no credential");
                failure(&trouble)
            })?
        }
    };
    let unsearchable = |_| Failure::Credential;
    let redactor = call.link.redactor(recipe, &held).map_err(unsearchable)?;
    let ready = wire.ready()?;
    let Some(signed) = sign(&ready, call, recipe, &held)? else {
        let lookup = |name: &str| held.value(name);
        let ready = apply(ready, recipe, &lookup)?;
        return Ok(Injected {
            ready,
            held,
            redactor,
        });
    };
    // A signature is made of a secret, and for this request only.
    let mut secrets = Secrets::default();
    secrets.add(&signed.signature);
    let redactor = call.link.redactor_with(secrets).map_err(unsearchable)?;
    let ready = {
        let lookup = |name: &str| signed.value(name).or_else(|| held.value(name));
        apply(ready, recipe, &lookup)?
    };
    Ok(Injected {
        ready,
        held,
        redactor,
    })
}

/// What a guest gets when there is no credential, for whatever reason.
pub(super) fn failure(trouble: &Trouble) -> Failure {
    match trouble.reason() {
        Reason::Unavailable => Failure::NoToken,
        _ => Failure::Credential,
    }
}

/// The signature of a request, and the values that it is made of.
struct Signed {
    values: Vec<(&'static str, String)>,
    signature: Zeroizing<String>,
}

impl Signed {
    fn value(&self, name: &str) -> Option<&str> {
        if name == "signature" {
            return Some(&self.signature);
        }
        let mut values = self.values.iter();
        values
            .find(|(it, _)| *it == name)
            .map(|(_, it)| it.as_str())
    }
}

fn sign(
    ready: &Ready,
    call: &Call,
    recipe: &Recipe,
    held: &Held,
) -> Result<Option<Signed>, Failure> {
    let Some(signing) = recipe.signing() else {
        return Ok(None);
    };
    let full_path = ready.url().path();
    let base = call.connector.manifest().base().expand(&call.settings);
    let base = base.map_err(|_| Failure::Credential)?;
    let path = full_path.strip_prefix(base.path());
    let path_and_query = match ready.url().query() {
        Some(query) => format!("{full_path}?{query}"),
        None => full_path.to_owned(),
    };
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let of = OfRequest {
        method: ready.method(),
        path: path.unwrap_or_else(|| full_path.trim_start_matches('/')),
        full_path,
        path_and_query: &path_and_query,
        body: ready.body(),
        now: (call.shared.clock)(),
        nonce: &nonce,
    };
    let values = brightsync_core::manifest::OF_A_REQUEST
        .iter()
        .filter_map(|name| Some((*name, of.value(signing, name)?)))
        .collect();
    let mut signed = Signed {
        values,
        signature: Zeroizing::default(),
    };
    let lookup = |name: &str| signed.value(name).or_else(|| held.value(name));
    let made = signature(signing, &lookup).map_err(missing)?;
    signed.signature = made;
    Ok(Some(signed))
}

fn apply<'a>(
    mut ready: Ready,
    recipe: &Recipe,
    lookup: &(dyn Fn(&str) -> Option<&'a str> + 'a),
) -> Result<Ready, Failure> {
    let mut cookies: Vec<Zeroizing<String>> = Vec::new();
    for carrier in recipe.carriers() {
        let value = carrier.value().fill(lookup).map_err(missing)?;
        match carrier.place() {
            CarrierPlace::Header(name) => {
                let name = HeaderName::try_from(name.as_str()).map_err(|_| Failure::Credential)?;
                ready.set(name, sensitive(&value)?);
            }
            CarrierPlace::Query(name) => ready.append_query(name.as_str(), &value),
            CarrierPlace::Cookie(name) => {
                cookies.push(Zeroizing::new([name.as_str(), "=", &value].concat()));
            }
        }
    }
    if !cookies.is_empty() {
        let cookies: Vec<&str> = cookies.iter().map(|it| it.as_str()).collect();
        let value = Zeroizing::new(cookies.join("; "));
        ready.set(COOKIE, sensitive(&value)?);
    }
    Ok(ready)
}

fn missing(missing: Missing) -> Failure {
    tracing::warn!(%missing, "the credential does not fit its recipe");
    Failure::Credential
}

/// A header value that the HTTP client's own logs do not show.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Failure::Credential)?;
    value.set_sensitive(true);
    Ok(value)
}
