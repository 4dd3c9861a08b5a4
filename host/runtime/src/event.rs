//! What becomes of credentials, for an embedder that keeps its customers informed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use brightsync_core::crm::Timestamp;
use brightsync_core::name::{ConnectorName, RecipeName};
use brightsync_core::recipe::Trouble;
use serde::Serialize;

use crate::host::Shared;
use crate::principal::Principal;

/// Something has become of a connection's credential. Nothing secret is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CredentialEvent {
    /// When.
    pub time: Timestamp,
    /// Whose.
    pub tenant: String,
    /// Which of their connections.
    pub connection: String,
    /// For which connector.
    pub connector: ConnectorName,
    /// Which way to authenticate.
    pub recipe: RecipeName,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What has become of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", content = "about", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The account was connected.
    Connected,
    /// The session was renewed.
    Refreshed {
        /// When the new one ends, if that is known.
        expires: Option<Timestamp>,
    },
    /// Nothing works until somebody connects the account again.
    NeedsReconnecting(Trouble),
    /// The same, because somebody has taken the access back.
    Revoked(Trouble),
    /// The account was disconnected, and its secrets wiped.
    Removed,
}

/// Is told of events.
pub(crate) type Listener = Arc<dyn Fn(&CredentialEvent) + Send + Sync>;

impl Event {
    /// Returns the event as one stable word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refreshed { .. } => "refreshed",
            Self::NeedsReconnecting(_) => "needs-reconnecting",
            Self::Revoked(_) => "revoked",
            Self::Removed => "removed",
        }
    }
}

impl Shared {
    /// Tells an event to whoever wants to know.
    pub(crate) fn tell(&self, who: &Principal, event: Event) {
        let line = CredentialEvent {
            time: who.now(),
            tenant: who.key.tenant().to_owned(),
            connection: who.key.name().to_owned(),
            connector: who.manifest().name().clone(),
            recipe: who.recipe.clone(),
            event,
        };
        tracing::info!(connection = %who.key, connector = %line.connector, recipe = %line.recipe, event = line.event.name(), "credential");
        if let Some(listener) = &self.listener {
            let told = catch_unwind(AssertUnwindSafe(|| listener(&line)));
            if told.is_err() {
                tracing::error!(connection = %who.key, "whoever is told of credentials has panicked");
            }
        }
    }
}
