//! Lines for the people who run connectors.
//!
//! The host adds call, tenant, connection and connector.
//! Records of people do not belong here.

use crate::bindings::log::Level;
use crate::host;

/// Writes a line for the connector's author.
pub fn debug(message: &str) {
    host::write(Level::Debug, message);
}

/// Writes a line that is worth knowing.
pub fn info(message: &str) {
    host::write(Level::Info, message);
}

/// Writes that something is odd, and that the call goes on.
pub fn warn(message: &str) {
    host::write(Level::Warn, message);
}

/// Writes that something failed.
pub fn error(message: &str) {
    host::write(Level::Error, message);
}
