//! Texts with places for values: of a credential, of a session, of a request, of a setting.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::name::FieldName;

/// Finds the value of a name. What it answers may be secret.
pub type Lookup<'a> = dyn Fn(&str) -> Option<&'a str> + 'a;

/// A text with `{name}` where a value goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
// Invariant: at least one piece.
pub struct Mold(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(FieldName),
    /// What the pieces make, in base64.
    Base64(Mold),
}

/// A text that is composed of a secret.
pub(crate) struct Composed {
    /// The part of it that is the secret; empty if it is more than one.
    pub(crate) part: Zeroizing<String>,
    pub(crate) whole: Zeroizing<String>,
}

/// Tells that a mold needs a value that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no value for `{0}`")]
pub struct Missing(pub String);

impl Missing {
    pub(crate) fn of(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Mold {
    /// Reads a text with names in braces; the error says what is wrong with it.
    pub(in crate::manifest) fn parse(text: &str) -> Result<Self, String> {
        let visible = |it: char| matches!(it, ' '..='~');
        if text.len() > 512 || !text.chars().all(visible) {
            return Err(format!(
                "{text:?} is longer than 512 characters or has one in it that is not ASCII; shorten or mend it"
            ));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else {
                return Err(format!("in {text:?} a {{ is not closed; write {{name}}"));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let name = name.parse();
            pieces.push(Piece::Value(name.map_err(
                |error: crate::name::InvalidName| format!("in {text:?} {error}"),
            )?));
            rest = behind;
        }
        if rest.contains('}') || pieces.iter().any(Piece::is_closing) {
            return Err(format!("in {text:?} a }} closes nothing; write {{name}}"));
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Returns the mold that makes base64 of what this one makes, behind a fixed text.
    pub(in crate::manifest) fn in_base64(self, before: &str) -> Self {
        let mut pieces = Vec::new();
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Base64(self));
        Self(pieces)
    }

    /// Returns this mold, then a text, then another mold.
    pub(in crate::manifest) fn then(mut self, between: &str, other: Self) -> Self {
        self.0.push(Piece::Text(between.to_owned()));
        self.0.extend(other.0);
        self
    }

    /// Returns the names of the values that it needs.
    pub fn names(&self) -> Vec<&FieldName> {
        let names = |piece| match piece {
            &Piece::Text(_) => Vec::new(),
            Piece::Value(name) => vec![name],
            Piece::Base64(inner) => inner.names(),
        };
        self.0.iter().flat_map(names).collect()
    }

    /// Puts the values in.
    pub fn fill(&self, lookup: &Lookup<'_>) -> Result<Zeroizing<String>, Missing> {
        let parts = self.parts(lookup)?;
        let parts: Vec<&str> = parts.iter().map(|it| it.as_str()).collect();
        // Allocates once, so that no copy of a secret is left behind.
        Ok(Zeroizing::new(parts.concat()))
    }

    /// Returns all that is composed of secrets when the values are put in: what a secret may come back as.
    pub(crate) fn composed(&self, lookup: &Lookup<'_>) -> Result<Vec<Composed>, Missing> {
        let mut all = Vec::new();
        let alone = |whole| Composed {
            part: Zeroizing::default(),
            whole,
        };
        for piece in &self.0 {
            if let Piece::Base64(inner) = piece {
                all.push(alone(inner.fill(lookup)?));
                all.push(alone(piece.fill(lookup)?));
            }
        }
        let mut values = self.0.iter().filter(|it| !matches!(it, Piece::Text(_)));
        let part = match (values.next(), values.next()) {
            (Some(one), None) => one.fill(lookup)?,
            _ => Zeroizing::default(),
        };
        all.push(Composed {
            part,
            whole: self.fill(lookup)?,
        });
        Ok(all)
    }

    fn parts(&self, lookup: &Lookup<'_>) -> Result<Vec<Zeroizing<String>>, Missing> {
        self.0.iter().map(|it| it.fill(lookup)).collect()
    }
}

impl Piece {
    fn fill(&self, lookup: &Lookup<'_>) -> Result<Zeroizing<String>, Missing> {
        match self {
            Self::Text(text) => Ok(Zeroizing::new(text.clone())),
            Self::Value(name) => lookup(name.as_str())
                .map(|it| Zeroizing::new(it.to_owned()))
                .ok_or_else(|| Missing::of(name.as_str())),
            Self::Base64(inner) => {
                let inner = inner.fill(lookup)?;
                Ok(Zeroizing::new(STANDARD.encode(inner.as_bytes())))
            }
        }
    }

    fn is_closing(&self) -> bool {
        matches!(self, Self::Text(text) if text.contains('}'))
    }
}

impl fmt::Display for Mold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Value(name) => write!(f, "{{{name}}}"),
            Piece::Base64(inner) => write!(f, "base64({inner})"),
        })
    }
}

impl From<Mold> for String {
    fn from(mold: Mold) -> Self {
        mold.to_string()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::Mold;

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let lookup = |name: &str| match name {
            "key" => Some("k3y"),
            "secret" => Some("s3cr{t}"),
            _ => None,
        };
        let told = match Mold::parse(text).map(|it| it.fill(&lookup)) {
            Ok(Ok(filled)) => filled.to_string(),
            Ok(Err(missing)) => missing.to_string(),
            Err(problem) => problem,
        };
        expected.assert_eq(&told);
    }

    #[test]
    fn values_go_where_their_names_stand_and_are_not_read_again() {
        check("token {key}:{secret}", expect!["token k3y:s3cr{t}"]);
        check("{secret}", expect!["s3cr{t}"]);
        check("fixed", expect!["fixed"]);
        check("", expect![""]);
        check("{other}", expect!["there is no value for `other`"]);
    }

    #[test]
    fn braces_hold_names() {
        check(
            "{key",
            expect![[r#"in "{key" a { is not closed; write {name}"#]],
        );
        check(
            "key}",
            expect![[r#"in "key}" a } closes nothing; write {name}"#]],
        );
        check(
            "}{key}",
            expect![[r#"in "}{key}" a } closes nothing; write {name}"#]],
        );
        check(
            "{Key}",
            expect![[
                r#"in "{Key}" "Key" is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"#
            ]],
        );
        check(
            "a\nb",
            expect![[
                r#""a\nb" is longer than 512 characters or has one in it that is not ASCII; shorten or mend it"#
            ]],
        );
    }
}
