//! Users of the CRM, and who a connection is.

use serde::{Deserialize, Serialize};

use super::{Extra, Id};

/// Somebody with a login to the CRM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct User {
    /// The id that owner fields hold.
    pub id: Id,
    /// The name as the CRM shows it.
    pub name: String,
    /// All addresses, the main one first.
    pub emails: Vec<String>,
    /// The IANA time zone.
    pub timezone: Option<String>,
    /// Whether the user can log in.
    pub active: Option<bool>,
    /// Custom fields.
    pub extra: Extra,
}

/// Who a connection is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Whoami {
    /// The CRM's customer.
    pub org_id: Id,
    /// Its name.
    pub org_name: Option<String>,
    /// The user; none for an organisation's credential.
    pub user: Option<User>,
    /// What this connection can do less than the manifest states.
    pub capabilities: Vec<(String, String)>,
    /// For later versions.
    pub extra: Extra,
}
