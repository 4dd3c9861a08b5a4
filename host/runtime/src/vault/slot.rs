//! The names of what the vault keeps, as values and as the text that a store and a seal know them by.

use std::fmt;
use std::str::FromStr;

use brightsync_core::name::{ConnectorName, RecipeName};

use crate::connection::ConnectionKey;

/// Names one secret, by what it is bound to.
///
/// Its text is a path, `connection/TENANT/NAME/CONNECTOR/RECIPE` or `application/CONNECTOR/RECIPE`. No part can hold a slash, so two slots never have the same text.
///
/// ```
/// use brightsync_runtime::ConnectionKey;
/// use brightsync_runtime::vault::Slot;
///
/// let slot = Slot::Connection {
///     key: ConnectionKey::new("acme", "crm")?,
///     connector: "espocrm".parse()?,
///     recipe: "api-key".parse()?,
/// };
/// assert_eq!(slot.to_string(), "connection/acme/crm/espocrm/api-key");
/// assert_eq!("connection/acme/crm/espocrm/api-key".parse(), Ok(slot));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// What one connection authenticates with.
    Connection {
        /// The tenant and the connection.
        key: ConnectionKey,
        /// The connector that it is for.
        connector: ConnectorName,
        /// The recipe of the connector that it is for.
        recipe: RecipeName,
    },
    /// The application that the operator has registered at the CRM: client id and secret.
    Application {
        /// The connector that it is for.
        connector: ConnectorName,
        /// The recipe of the connector that it is for.
        recipe: RecipeName,
    },
}

/// Names several slots at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slots {
    /// All that there are.
    All,
    /// What is kept for one connection, whatever the connector and the recipe.
    Connection(ConnectionKey),
}

/// Tells that a text names no slot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} names no slot of a vault; something else has written it there")]
pub struct InvalidSlot {
    /// What was given, at most its first 80 characters.
    pub given: String,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection {
                key,
                connector,
                recipe,
            } => write!(
                f,
                "connection/{}/{}/{connector}/{recipe}",
                key.tenant(),
                key.name()
            ),
            Self::Application { connector, recipe } => {
                write!(f, "application/{connector}/{recipe}")
            }
        }
    }
}

impl FromStr for Slot {
    type Err = InvalidSlot;

    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let parts: Vec<_> = text.split('/').collect();
        let slot = match *parts.as_slice() {
            ["connection", tenant, name, connector, recipe] => {
                connection(tenant, name, connector, recipe)
            }
            ["application", connector, recipe] => application(connector, recipe),
            _ => None,
        };
        slot.ok_or_else(|| InvalidSlot {
            given: text.chars().take(80).collect(),
        })
    }
}

impl Slots {
    /// What the texts of these slots begin with, and no others'.
    pub(super) fn prefix(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Connection(key) => format!("connection/{}/{}/", key.tenant(), key.name()),
        }
    }
}

fn connection(tenant: &str, name: &str, connector: &str, recipe: &str) -> Option<Slot> {
    Some(Slot::Connection {
        key: ConnectionKey::new(tenant, name).ok()?,
        connector: connector.parse().ok()?,
        recipe: recipe.parse().ok()?,
    })
}

fn application(connector: &str, recipe: &str) -> Option<Slot> {
    Some(Slot::Application {
        connector: connector.parse().ok()?,
        recipe: recipe.parse().ok()?,
    })
}
