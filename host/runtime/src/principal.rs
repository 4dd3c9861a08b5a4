//! On whose behalf the host itself asks an authorization server or a login.

use std::collections::BTreeMap;
use std::sync::Arc;

use brightsync_core::grant::Grant;
use brightsync_core::manifest::{Manifest, Recipe};
use brightsync_core::name::RecipeName;
use brightsync_core::recipe::{Reason, Trouble};
use brightsync_core::setting::Settings;

use crate::connection::{ConnectionKey, Link};
use crate::connector::Connector;
use crate::host::Shared;
use crate::report::CallId;
use crate::store::Call;

/// A connection as far as it authenticates, whether it is one yet or not.
#[derive(Clone)]
pub(crate) struct Principal {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connector: Arc<Connector>,
    pub(crate) key: ConnectionKey,
    /// Of the connection; its network connections are its own.
    pub(crate) revision: u64,
    pub(crate) settings: Settings,
    pub(crate) grant: Grant,
    pub(crate) recipe: RecipeName,
    /// For which call, if it is for one.
    pub(crate) call: Option<CallId>,
}

impl Principal {
    /// A connection, for a call or for none.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        link: &Link,
        connector: &Arc<Connector>,
        settings: &Settings,
        recipe: &RecipeName,
        call: Option<CallId>,
    ) -> Self {
        Self {
            shared: shared.clone(),
            connector: connector.clone(),
            key: link.key.clone(),
            revision: link.revision,
            settings: settings.clone(),
            grant: link.options.grant.clone(),
            recipe: recipe.clone(),
            call,
        }
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        self.connector.manifest()
    }

    pub(crate) fn recipe(&self) -> Result<&Recipe, Trouble> {
        self.manifest()
            .recipes()
            .get(&self.recipe)
            .ok_or_else(|| Trouble::new(Reason::NotConnected))
    }

    /// The settings as texts, for what is asked with.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let texts = self.settings.iter();
        texts
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    /// What time it is.
    pub(crate) fn now(&self) -> brightsync_core::crm::Timestamp {
        (self.shared.clock)()
    }
}

impl Call {
    /// The recipe of the connection, if it has a credential that the connector knows.
    pub(crate) fn recipe(&self) -> Option<&Recipe> {
        let credential = self.link.options.credential.as_ref()?;
        self.connector.manifest().recipes().get(credential.recipe())
    }

    /// The connection as it authenticates, if it does.
    pub(crate) fn principal(&self) -> Option<Principal> {
        let recipe = self.link.options.credential.as_ref()?.recipe();
        Some(Principal::new(
            &self.shared,
            &self.link,
            &self.connector,
            &self.settings,
            recipe,
            Some(self.id),
        ))
    }
}
