//! The secrets of a connection: what it was given, and what the host makes of it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::manifest::RecipeKind;

/// The shortest secret that is looked for alone, in bytes. A shorter one, such as a simple password, would be cut out of every record that has the word.
const SHORTEST: usize = 12;

/// The shortest text composed of a secret, in bytes.
const SHORTEST_COMPOSED: usize = 8;

/// What must not be seen by anybody. Wiped when it goes.
#[derive(Clone, Default)]
pub struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// Returns what a credential and its recipe make secret.
    ///
    /// The name of a user is none: it stands in records. A key under twelve bytes is looked for together with the name under which it is sent.
    pub fn of<'a>(kind: &RecipeKind, field: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut secrets = Self::default();
        let value = |name| field(name).unwrap_or_default();
        match kind {
            RecipeKind::Bearer => {
                let token = value("token");
                secrets.add(token);
                secrets.add_composed(token, &["Bearer ", token]);
            }
            RecipeKind::Basic => {
                let (user, password) = (value("user"), value("password"));
                secrets.add(password);
                secrets.add_composed("", &[user, ":", password]);
                let pair = Zeroizing::new(format!("{user}:{password}"));
                let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                secrets.add_composed("", &[&pair]);
                secrets.add_composed(&pair, &["Basic ", &pair]);
            }
            RecipeKind::Header { header } => {
                let key = value("key");
                secrets.add(key);
                secrets.add_composed(key, &[header.as_str(), ": ", key]);
            }
            RecipeKind::Query { parameter } => {
                let key = value("key");
                secrets.add(key);
                secrets.add_composed(key, &[parameter.as_str(), "=", key]);
            }
        }
        secrets
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
