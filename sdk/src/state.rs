//! Small values that are kept between calls of one connection, as JSON.
//!
//! It is a cache: a value may vanish at any time, and two calls at once see each other's writes in any order.
//! There is room for 64 keys and 256 KiB in a connection.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::state::Refusal;
use crate::{Result, host, json, log};

/// The value under a key; none if there is none any more, or one that another version of the connector kept in another form.
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    json::read(&host::recall(key)?).ok()
}

/// Keeps a value under a key.
///
/// A cache that is full is no error: a warning is logged, and the call goes on.
pub fn set(key: &str, value: &impl Serialize) -> Result<()> {
    keep(key, Some(json::write(value)?.into_bytes()));
    Ok(())
}

/// Forgets the value under a key.
pub fn forget(key: &str) {
    keep(key, None);
}

fn keep(key: &str, value: Option<Vec<u8>>) {
    let refusal = match host::keep(key, value.as_deref()) {
        Ok(()) => return,
        Err(Refusal::InvalidKey) => "the key is empty or longer than 256 bytes".to_owned(),
        Err(Refusal::Full) => "the connection's 64 keys or 256 KiB are used up".to_owned(),
        Err(Refusal::Other(why)) => why,
    };
    log::warn(&format!("a value was not kept in the state: {refusal}"));
}
