//! Puts a connection's credential into a request: into the header or the query parameter that the recipe names, never into a body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brightsync_core::manifest::{Recipe, RecipeKind};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::Failure;
use super::transport::{Ready, Wire};
use crate::credential::Credential;
use crate::store::Call;

/// Adds the credential. A connection whose credential does not fit its recipe has to be connected anew.
pub(super) fn inject(wire: Wire, call: &Call) -> Result<Ready, Failure> {
    let credential = call
        .link
        .options
        .credential
        .as_ref()
        .ok_or(Failure::Credential)?;
    let recipe = call
        .connector
        .manifest()
        .recipes()
        .get(credential.recipe())
        .ok_or(Failure::Credential)?;
    apply(wire.ready()?, recipe, credential)
}

fn apply(mut ready: Ready, recipe: &Recipe, credential: &Credential) -> Result<Ready, Failure> {
    let field = |name: &str| {
        credential
            .field(name)
            .map(|it| it.reveal())
            .ok_or(Failure::Credential)
    };
    match recipe.kind() {
        RecipeKind::Bearer => {
            let value = Zeroizing::new(format!("Bearer {}", field("token")?));
            ready.set(AUTHORIZATION, secret(&value)?);
        }
        RecipeKind::Basic => {
            let pair = Zeroizing::new(format!("{}:{}", field("user")?, field("password")?));
            let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            ready.set(AUTHORIZATION, secret(&value)?);
        }
        RecipeKind::Header { header } => {
            let name = HeaderName::try_from(header.as_str()).map_err(|_| Failure::Credential)?;
            ready.set(name, secret(field("key")?)?);
        }
        RecipeKind::Query { parameter } => {
            ready.append_query(parameter.as_str(), field("key")?);
        }
    }
    Ok(ready)
}

/// A header value that the HTTP client's own logs do not show.
fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| Failure::Credential)?;
    value.set_sensitive(true);
    Ok(value)
}
