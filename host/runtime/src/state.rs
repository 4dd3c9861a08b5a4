//! Where connectors keep small values between calls: one compartment a connection and connector, and no way from one to another.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use brightsync_core::name::ConnectorName;
use brightsync_core::rule::Rule;

use crate::connection::ConnectionKey;

/// The largest number of keys in a compartment.
pub const MAX_KEYS: usize = 64;

/// The largest size of a compartment in bytes, keys included.
pub const MAX_BYTES: usize = 256 * 1024;

/// The longest key in bytes.
pub const MAX_KEY: usize = 256;

/// Whose values they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compartment {
    /// The tenant and the connection.
    pub connection: ConnectionKey,
    /// The connector.
    pub connector: ConnectorName,
    /// Who publishes it: what one publisher's connector kept is not for another's of the same name.
    pub publisher: String,
}

/// Why a value is not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key is empty or too long.
    #[error("the key is empty or longer than 256 bytes")]
    InvalidKey,
    /// The compartment is full.
    #[error("the connection's 64 keys or 256 KiB are used up")]
    Full,
    /// The store does not work just now.
    #[error("the store does not work: {0}")]
    Other(String),
}

/// Keeps values. An implementation may forget any of them at any time; it may never answer one compartment's value to another.
///
/// The methods may block for as long as a look into a local database takes, not longer.
pub trait StateStore: Send + Sync {
    /// The value under a key.
    fn get(&self, of: &Compartment, key: &str) -> Option<Vec<u8>>;

    /// Keeps a value under a key, or forgets it.
    fn set(&self, of: &Compartment, key: &str, value: Option<Vec<u8>>) -> Result<(), Refusal>;

    /// Forgets everything of a connection.
    fn clear(&self, connection: &ConnectionKey);
}

/// Keeps values for as long as the process lives.
#[derive(Debug, Default)]
pub struct MemoryState(Mutex<HashMap<Compartment, HashMap<String, Vec<u8>>>>);

impl StateStore for MemoryState {
    fn get(&self, of: &Compartment, key: &str) -> Option<Vec<u8>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(of)?.get(key).cloned()
    }

    fn set(&self, of: &Compartment, key: &str, value: Option<Vec<u8>>) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(Refusal::InvalidKey);
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(value) = value else {
            if let Some(values) = all.get_mut(of) {
                values.remove(key);
            }
            return Ok(());
        };
        let values = all.entry(of.clone()).or_default();
        let others = values.iter().filter(|(name, _)| name.as_str() != key);
        let (count, bytes) = others.fold((0, 0), |(count, bytes), (name, value)| {
            (count + 1, bytes + name.len() + value.len())
        });
        let is_full = count + 1 > MAX_KEYS || bytes + key.len() + value.len() > MAX_BYTES;
        if Rule::StateSize.refuses(is_full) {
            return Err(Refusal::Full);
        }
        values.insert(key.to_owned(), value);
        Ok(())
    }

    fn clear(&self, connection: &ConnectionKey) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|compartment, _| compartment.connection != *connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compartment(tenant: &str) -> Compartment {
        Compartment {
            connection: ConnectionKey::new(tenant, "crm").unwrap(),
            connector: "sandbox".parse().unwrap(),
            publisher: "BrightSync".to_owned(),
        }
    }

    #[test]
    fn a_compartment_is_not_seen_from_another_and_goes_with_its_connection() {
        let state = MemoryState::default();
        let (ann, bob) = (compartment("ann"), compartment("bob"));
        state.set(&ann, "cursor", Some(b"7".to_vec())).unwrap();
        assert_eq!(state.get(&ann, "cursor").as_deref(), Some(&b"7"[..]));
        assert_eq!(state.get(&bob, "cursor"), None);
        let impostor = Compartment {
            publisher: "Somebody".to_owned(),
            ..ann.clone()
        };
        assert_eq!(state.get(&impostor, "cursor"), None);
        state.clear(&ann.connection);
        assert_eq!(state.get(&ann, "cursor"), None);
    }

    #[test]
    fn a_compartment_has_64_keys_and_256_kib_and_a_refusal_leaves_the_old_value() {
        let state = MemoryState::default();
        let of = compartment("ann");
        assert_eq!(state.set(&of, "", Some(vec![])), Err(Refusal::InvalidKey));
        let long = "k".repeat(MAX_KEY + 1);
        assert_eq!(
            state.set(&of, &long, Some(vec![])),
            Err(Refusal::InvalidKey)
        );
        for n in 0..MAX_KEYS {
            state.set(&of, &n.to_string(), Some(vec![1])).unwrap();
        }
        assert_eq!(
            state.set(&of, "one more", Some(vec![1])),
            Err(Refusal::Full)
        );
        assert_eq!(
            state.set(&of, "0", Some(vec![0; MAX_BYTES])),
            Err(Refusal::Full)
        );
        assert_eq!(state.get(&of, "0"), Some(vec![1]));
        state.set(&of, "0", None).unwrap();
        state.set(&of, "one more", Some(vec![1])).unwrap();
    }
}
