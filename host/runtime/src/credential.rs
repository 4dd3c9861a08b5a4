//! Credentials: what the host holds for a connection and no connector ever sees.

use std::collections::BTreeMap;
use std::fmt;

use brightsync_core::name::RecipeName;
use zeroize::Zeroizing;

/// A secret text: it does not print, it cannot be copied, and its memory is wiped when it goes.
pub struct Secret(Zeroizing<String>);

/// What a connection authenticates with: the recipe of its connector's manifest, and where the secret is.
#[derive(Debug)]
pub struct Credential {
    recipe: RecipeName,
    place: Place,
}

/// Where the secret is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Handed over once, and kept in memory.
    Given(BTreeMap<String, Secret>),
    /// In the host's vault.
    Vault,
}

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the few places that put it into a request, into the vault, or look for it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Credential {
    /// A credential with the fields that the recipe of this name asks for. What the host comes by with it, it keeps in memory.
    pub fn new(recipe: RecipeName, fields: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self {
            recipe,
            place: Place::Given(fields.into_iter().collect()),
        }
    }

    /// The credential that the host's vault keeps for the connection, put there when the account was connected.
    pub fn in_vault(recipe: RecipeName) -> Self {
        Self {
            recipe,
            place: Place::Vault,
        }
    }

    /// The recipe that it is for.
    pub fn recipe(&self) -> &RecipeName {
        &self.recipe
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<Zeroizing<String>> for Secret {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_does_not_print() {
        let credential = Credential::new(
            "api-key".parse().unwrap(),
            [("key".to_owned(), Secret::new("hunter2-hunter2".to_owned()))],
        );
        assert!(!format!("{credential:?} {credential:#?}").contains("hunter2"));
    }
}
