//! Names that are typed into manifests and configurations, each its own type.
//!
//! ```
//! use brightsync_core::name::{RecipeName, SettingName};
//!
//! let setting: SettingName = "site".parse()?;
//! assert_eq!(setting.as_str(), "site");
//! assert!("Site".parse::<RecipeName>().is_err());
//! # Ok::<(), brightsync_core::name::InvalidName>(())
//! ```
//!
//! One kind of name does not stand in for another:
//!
//! ```compile_fail
//! use brightsync_core::name::{RecipeName, SettingName};
//!
//! let setting: SettingName = "site".parse().unwrap();
//! let recipe: RecipeName = setting;
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Tells that a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} is not a name; write a lower-case letter and then at most 62 lower-case letters, digits or hyphens"
)]
pub struct InvalidName {
    /// What was given, at most its first 80 characters.
    pub given: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        // Invariant: `[a-z][a-z0-9-]{0,62}`.
        pub struct $type(String);

        impl $type {
            /// Returns the name as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName { given: text.chars().take(80).collect() })
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Names a connector, for example `espocrm`.
    ConnectorName
}
name! {
    /// Names one setting of a connector, for example `site`.
    SettingName
}
name! {
    /// Names one way of a connector to authenticate, for example `api-key`.
    RecipeName
}
name! {
    /// Names one of a CRM's limits beside its general ones, for example `search`.
    BucketName
}

name! {
    /// Names one value of a credential or of a session, for example `client-secret`.
    FieldName
}

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::ConnectorName;

    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<ConnectorName>().is_ok(), valid, "{text:?}");
    }

    #[test]
    fn names_are_short_lower_case_and_start_with_a_letter() {
        check("espocrm", true);
        check("a", true);
        check("crm-2", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("2crm", false);
        check("-crm", false);
        check("EspoCRM", false);
        check("espo_crm", false);
        check("espo.crm", false);
        check("espo/../crm", false);
        check("еspocrm", false); // a Cyrillic letter
        check("espocrm\n", false);
    }
}
