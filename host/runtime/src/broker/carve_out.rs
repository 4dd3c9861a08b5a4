//! The operator's carve-outs: which connection may reach which private address or plain `http` server.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use brightsync_core::grant::CarveOut;
use brightsync_core::rule::Rule;

use crate::connection::ConnectionKey;

/// All carve-outs, by connection.
#[derive(Debug, Default)]
pub(super) struct CarveOuts(RwLock<HashMap<ConnectionKey, Vec<CarveOut>>>);

impl CarveOuts {
    pub(super) fn add(&self, connection: ConnectionKey, carve_out: CarveOut) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let those = all.entry(connection).or_default();
        if !those.contains(&carve_out) {
            those.push(carve_out);
        }
    }

    pub(super) fn of(&self, connection: &ConnectionKey) -> Vec<CarveOut> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !Rule::CarveOutOwner.holds() {
            return all.values().flatten().cloned().collect();
        }
        all.get(connection).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, connection: &ConnectionKey) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(connection);
    }
}
