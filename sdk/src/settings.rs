//! What the tenant has set for this connection; nothing of it is secret.

use crate::{Error, Result, host};

/// The value of a setting: what the tenant set, else the manifest's default, else none.
pub fn get(name: &str) -> Option<String> {
    host::setting(name)
}

/// The value of a setting without which the connector cannot work.
pub fn required(name: &str) -> Result<String> {
    get(name).ok_or_else(|| {
        Error::invalid(
            format!("settings.{name}"),
            "this setting of the connection is not set",
        )
    })
}

/// The custom fields that the tenant wants read, in the CRM's own names.
///
/// The object is `user`, `account`, `contact` or `opportunity`; any other has none.
pub fn wanted_fields(object: &str) -> Vec<String> {
    host::wanted_fields(object)
}
