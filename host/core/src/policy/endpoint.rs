//! The endpoints of a recipe: open to the host, and closed to the connector.

use url::Url;

use super::{Credential, Layer, Mend, Permit, Policy, Refusal, Target, unreadable};
use crate::origin::Origin;
use crate::request::{Method, decode};
use crate::rule::Rule;

impl Policy {
    /// Decides about a request that the host makes itself, with secrets in it: for a token, to log in, to learn whom a credential belongs to.
    ///
    /// It goes only to endpoints of the recipe, in the audience that manifest and tenant agree on; that a connector may talk to the same server is not needed.
    pub fn check_endpoint(&self, method: Method, address: &Url) -> Result<Permit, Refusal> {
        let origin = Origin::of(address).map_err(unreadable)?;
        if Rule::TokenAudience.holds()
            && let Credential::Withheld(refusal) = self.credential(&origin)
        {
            return Err(refusal);
        }
        self.allowed_by_operator(Target {
            origin: &origin,
            method,
            path: address.path(),
        })?;
        let carve_out = self.reachable(&origin)?;
        Ok(Permit {
            origin,
            credential: Credential::Allowed,
            carve_out,
        })
    }

    /// With the credential in its request, a connector could have the authorization server tell it a token.
    pub(super) fn not_the_recipes(&self, address: &Url) -> Result<(), Refusal> {
        let endpoints = self.recipe.iter().flat_map(|it| &it.endpoints);
        let is_one = |endpoint: &Url| {
            endpoint.origin() == address.origin() && is_below(address.path(), endpoint.path())
        };
        if Rule::RecipeEndpoint.refuses(endpoints.clone().any(is_one)) {
            return Err(Refusal {
                layer: Layer::Manifest,
                rule: format!("{} is where the host itself authenticates", address.path()),
                mend: Mend::Other("no line would permit it"),
            });
        }
        Ok(())
    }
}

/// Tells whether some server may take one path for another or for something below it: in any case, decoded as often as it can be, without parameters, and with the form behind a dot that Rails and others take for the format of the answer.
fn is_below(path: &str, endpoint: &str) -> bool {
    let (path, endpoint) = (plain(path), plain(endpoint));
    path.strip_prefix(endpoint.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}

fn plain(path: &str) -> String {
    let mut text = path.to_owned();
    // Each round makes it shorter.
    loop {
        let decoded = String::from_utf8_lossy(&decode(text.as_bytes())).into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let text = text.to_lowercase().replace('\\', "/");
    let segments = text
        .split('/')
        .map(|it| it.split(';').next().unwrap_or_default().trim());
    let mut kept: Vec<&str> = Vec::new();
    for segment in segments {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn an_endpoint_is_known_in_every_spelling() {
        for path in [
            "/oauth/token",
            "/oauth/token/",
            "/OAuth/Token",
            "//oauth//token",
            "/oauth/./token",
            "/x/../oauth/token",
            "/oauth/%74oken",
            "/oauth/%2574oken",
            "/oauth%2ftoken",
            "/oauth;v=1/token;x=y",
            "/oauth\\token",
            "/oauth/token.json",
            "/oauth/token/introspect",
            "/oauth/token ",
        ] {
            assert!(is_below(path, "/oauth/token"), "{path}");
        }
        for path in ["/oauth/tokens", "/oauth", "/api/oauth/token", "/", ""] {
            assert!(!is_below(path, "/oauth/token"), "{path}");
        }
    }
}
