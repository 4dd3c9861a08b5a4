//! Credentials: what the host holds for a connection and no connector ever sees.

use std::collections::BTreeMap;
use std::fmt;

use brightsync_core::name::RecipeName;
use zeroize::Zeroizing;

/// A secret text: it does not print, and its memory is wiped when it goes.
pub struct Secret(Zeroizing<String>);

/// What a recipe of a connector's manifest needs: a token, or a user and a password, or a key.
///
/// It is handed over once and cannot be copied or read back.
#[derive(Debug)]
pub struct Credential {
    recipe: RecipeName,
    fields: BTreeMap<String, Secret>,
}

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that puts it into a request.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Credential {
    /// A credential for the recipe of this name, with the fields that its kind asks for.
    pub fn new(recipe: RecipeName, fields: impl IntoIterator<Item = (String, Secret)>) -> Self {
        Self {
            recipe,
            fields: fields.into_iter().collect(),
        }
    }

    /// The recipe that it is for.
    pub fn recipe(&self) -> &RecipeName {
        &self.recipe
    }

    /// A field of it.
    pub(crate) fn field(&self, name: &str) -> Option<&Secret> {
        self.fields.get(name)
    }

    /// The names of its fields.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
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
