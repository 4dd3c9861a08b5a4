//! The records of the contract as the host's own types, apart from any version of the contract's bindings.
//!
//! Their JSON form is the one that the contract documents: objects with kebab-case names, an absent member for none, a case without payload as a string, with payload as `{"case": payload}`, bytes as base64, and `extra` as an object.
//! Nothing here checks whether a record is true; [`Id`] and [`Token`] check their form.

pub mod account;
pub mod contact;
pub mod email;
pub mod error;
pub mod meeting;
pub mod opportunity;
pub mod page;
pub mod user;
pub mod write;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rule::Rule;

/// Named JSON values beyond the fields of a record; names without a dot are the CRM's own custom fields.
pub type Extra = BTreeMap<String, serde_json::Value>;

/// Milliseconds since the Unix epoch, UTC.
pub type Timestamp = i64;

/// The largest id that the contract allows, in bytes.
pub const MAX_ID: usize = 1024;

/// The largest token that the contract allows, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// An identifier as the CRM gives it: 1 to 1,024 bytes without control characters.
///
/// ```
/// use brightsync_core::crm::Id;
/// let id: Id = "003xx000004TmiQ".parse()?;
/// assert_eq!(id.as_str(), "003xx000004TmiQ");
/// assert!("".parse::<Id>().is_err());
/// # Ok::<(), brightsync_core::crm::InvalidText>(())
/// ```
///
/// ```compile_fail
/// let id: brightsync_core::crm::Id = String::from("1").into();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// A place in a list, made by a connector and handed back to it unread: at most 16 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

/// A text that is not what the contract asks of an id or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Longer than the contract allows.
    #[error("it has {length} bytes, and at most {most} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// What is allowed.
        most: usize,
    },
    /// Holds a control character.
    #[error("it holds a control character")]
    Control,
}

impl Id {
    /// The id as the CRM gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// The token as the connector made it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Id {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        if !Rule::Id.holds() {
            return Ok(Self(text));
        }
        if text.is_empty() {
            return Err(InvalidText::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidText::Control);
        }
        Ok(Self(within(text, MAX_ID)?))
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidText;

    fn try_from(text: String) -> Result<Self, InvalidText> {
        if !Rule::Token.holds() {
            return Ok(Self(text));
        }
        Ok(Self(within(text, MAX_TOKEN)?))
    }
}

impl std::str::FromStr for Id {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::try_from(text.to_owned())
    }
}

impl std::str::FromStr for Token {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::try_from(text.to_owned())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn within(text: String, most: usize) -> Result<String, InvalidText> {
    let length = text.len();
    if length > most {
        return Err(InvalidText::TooLong { length, most });
    }
    Ok(text)
}

/// A time, or a whole day where the CRM keeps no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// An instant.
    At(Timestamp),
    /// A day as `YYYY-MM-DD`.
    On(String),
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Money {
    /// A decimal number, such as `-1234.50`.
    pub amount: String,
    /// The ISO 4217 code.
    pub currency: Option<String>,
}

/// A reference to a record of some kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ref {
    /// `contact`, `account`, `user`, … or a kind of the CRM's own.
    pub kind: String,
    /// The record's id.
    pub id: Id,
}

/// Somebody who takes part in an e-mail or a meeting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Party {
    /// The e-mail address.
    pub address: Option<String>,
    /// The name as it was written in the message.
    pub name: Option<String>,
    /// The record of the CRM that this is.
    pub link: Option<Ref>,
    /// For later versions.
    #[serde(default)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_length_and_no_control_characters() {
        assert_eq!("a\nb".parse::<Id>(), Err(InvalidText::Control));
        assert_eq!("".parse::<Id>(), Err(InvalidText::Empty));
        assert!("x".repeat(MAX_ID).parse::<Id>().is_ok());
        let long = "x".repeat(MAX_ID + 1);
        assert!(matches!(
            long.parse::<Id>(),
            Err(InvalidText::TooLong { .. })
        ));
    }

    #[test]
    fn the_json_form_has_the_names_of_the_contract() {
        let scope: page::Scope = serde_json::from_str(r#"{"updated":{"since":5}}"#).unwrap();
        assert_eq!(
            scope,
            page::Scope::Updated(page::Window {
                since: 5,
                until: None
            })
        );
        let owner: page::Owner = serde_json::from_str(r#""me""#).unwrap();
        assert_eq!(owner, page::Owner::Me);
        let contact: contact::NewContact = serde_json::from_str(
            r#"{"given-name":"Ann","emails":[{"value":"a@b.example","primary":true}]}"#,
        )
        .unwrap();
        assert_eq!(contact.given_name.as_deref(), Some("Ann"));
        let unknown = serde_json::from_str::<contact::NewContact>(r#"{"givenname":"Ann"}"#);
        assert!(
            unknown
                .unwrap_err()
                .to_string()
                .contains("unknown field `givenname`")
        );
    }
}
