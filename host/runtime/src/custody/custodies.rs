//! The custodies of connections whose credential is in the vault: one for each, however often an embedder makes the connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use brightsync_core::name::{ConnectorName, RecipeName};

use super::Custody;
use crate::connection::ConnectionKey;
use crate::credential::{Credential, Place};
use crate::principal::Principal;
use crate::vault::Vault;

/// What a custody is of.
type Name = (ConnectionKey, ConnectorName, RecipeName);

/// All custodies that somebody holds.
#[derive(Default)]
pub(crate) struct Custodies(Mutex<HashMap<Name, Weak<Custody>>>);

impl Custodies {
    /// The custody of a connection's credential; of one that was handed over, a new one.
    pub(crate) fn of(
        &self,
        key: &ConnectionKey,
        connector: &ConnectorName,
        credential: &Credential,
        vault: Option<&Vault>,
    ) -> Arc<Custody> {
        if let Place::Given(_) = credential.place() {
            return Arc::new(Custody::of(credential, vault));
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (key.clone(), connector.clone(), credential.recipe().clone());
        if let Some(custody) = all.get(&name).and_then(Weak::upgrade) {
            return custody;
        }
        all.retain(|_, it| 0 < it.strong_count());
        let custody = Arc::new(Custody::of(credential, vault));
        all.insert(name, Arc::downgrade(&custody));
        custody
    }

    /// Has whoever holds a connection's credential look into the vault again, because the account was connected anew.
    pub(crate) fn connected(&self, who: &Principal) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = who.manifest().name().clone();
        let name = (who.key.clone(), connector, who.recipe.clone());
        if let Some(custody) = all.get(&name).and_then(Weak::upgrade) {
            custody.forget();
        }
    }
}
