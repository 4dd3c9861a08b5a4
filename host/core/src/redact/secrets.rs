//! The secrets of a connection: what it was given, and what the host makes of it.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::manifest::{CarrierPlace, ClientAuthentication, Composed, Recipe, Source, is_secret};
use crate::recipe;

/// The shortest secret that is looked for alone, in bytes. A shorter one, such as a simple password, would be cut out of every record that has the word.
const SHORTEST: usize = 12;

/// The shortest text composed of a secret, in bytes.
const SHORTEST_COMPOSED: usize = 8;

/// What must not be seen by anybody. Wiped when it goes.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// Returns what the values of a connection and its recipe make secret.
    ///
    /// The name of a user is none: it stands in records. A key under twelve bytes is looked for together with the name under which it is sent.
    pub fn of(recipe: &Recipe, values: &BTreeMap<&str, &str>) -> Self {
        let mut secrets = Self::default();
        for value in values.iter().filter(|it| is_secret(it.0)).map(|it| it.1) {
            secrets.add(value);
        }
        let lookup = |name: &str| values.get(name).copied();
        for carrier in recipe.carriers() {
            // What cannot be put together is not sent, and a signature is made for each request.
            let Ok(composed) = carrier.value().composed(&lookup) else {
                continue;
            };
            for Composed { part, whole } in composed {
                if part != whole {
                    secrets.add_composed(&part, &[&whole]);
                    continue;
                }
                let (name, sign) = match carrier.place() {
                    CarrierPlace::Header(name) => (name.as_str(), ": "),
                    CarrierPlace::Query(name) => (name.as_str(), "="),
                    CarrierPlace::Cookie(name) => (name.as_str(), "="),
                };
                secrets.add_composed(&part, &[name, sign, &whole]);
            }
        }
        if let Source::OAuth2(oauth2) = recipe.source()
            && oauth2.client() == ClientAuthentication::Basic
            && let (Some(id), Some(secret)) = (lookup("client-id"), lookup("client-secret"))
        {
            let pair = recipe::basic(id, secret);
            secrets.add_composed("", &[pair.strip_prefix("Basic ").unwrap_or(&pair)]);
        }
        secrets
    }

    /// Adds all of another's.
    pub fn extend(&mut self, other: Self) {
        for secret in other.0 {
            if !self.0.contains(&secret) {
                self.0.push(secret);
            }
        }
    }

    /// Adds a secret, if it is long enough to be looked for alone.
    pub fn add(&mut self, secret: &str) {
        if SHORTEST <= secret.len() {
            self.0.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// Adds a text that a secret is part of, unless that part is looked for already.
    fn add_composed(&mut self, part: &str, pieces: &[&str]) {
        let text = Zeroizing::new(pieces.concat());
        if SHORTEST_COMPOSED <= text.len() && !self.0.iter().any(|it| it.as_str() == part) {
            self.0.push(text);
        }
    }

    pub(super) fn values(&self) -> &[Zeroizing<String>] {
        &self.0
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}
