//! A connection: one tenant's account in one CRM, with its settings, its credential and its grant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use brightsync_core::grant::{Approval, Grant};
use brightsync_core::manifest::Difference;
use brightsync_core::name::ConnectorName;
use brightsync_core::origin::Origin;
use brightsync_core::quota::{Ask, Forecast, Priority};
use brightsync_core::setting::Settings;
use serde::Serialize;

use crate::credential::Credential;
use crate::custody::Custody;
use crate::host::Shared;
use crate::redactor::Cached;

/// Names a connection: the tenant, and the connection among the tenant's.
///
/// Both are 1 to 128 characters of `[A-Za-z0-9._@-]`.
///
/// ```
/// use brightsync_runtime::ConnectionKey;
/// assert!(ConnectionKey::new("acme", "crm").is_ok());
/// assert!(ConnectionKey::new("acme/../evil", "crm").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionKey {
    tenant: Arc<str>,
    name: Arc<str>,
}

/// A name that cannot name a tenant or a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a tenant or a connection; use 1 to 128 characters of A-Z a-z 0-9 . _ @ -"
)]
pub struct InvalidKey(pub String);

/// What an embedder says of a connection.
#[derive(Debug)]
pub struct ConnectionOptions {
    /// Which connector serves it.
    pub connector: ConnectorName,
    /// The settings that the manifest asks for. Checked against the manifest of the version that is loaded, at every call.
    pub settings: BTreeMap<String, String>,
    /// The custom fields that the tenant wants read, by kind of record (`user`, `account`, `contact`, `opportunity`).
    pub wanted_fields: BTreeMap<String, Vec<String>>,
    /// The credential; none for a CRM that asks for none.
    pub credential: Option<Credential>,
    /// What the tenant granted. An empty grant allows nothing.
    pub grant: Grant,
    /// What grant and credential are given to. Keep it with them: after a restart another version may be loaded.
    pub approved: Approval,
    /// Names the CRM organisation whose limits the connection counts against, if it shares them with others: connections of the same name, connector and server wait for each other, whichever tenant's they are. Without it the connection stands for itself.
    ///
    /// Take it from what you know of the customer, never from what one of them can write: whoever names an organisation uses its limits up.
    pub organisation: Option<String>,
}

/// One tenant's account in one CRM. Cheap to clone; calls may run side by side.
///
/// The calls themselves are documented where they are listed, in the `functions` module; the reads that go over pages in `read`, the look-ups with the host's own re-check in `lookup`.
#[derive(Clone)]
pub struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) link: Arc<Link>,
    pub(crate) priority: Priority,
}

/// What a connection is made of.
pub(crate) struct Link {
    pub(crate) key: ConnectionKey,
    pub(crate) options: ConnectionOptions,
    /// What grant and credential are given to by now.
    pub(crate) approved: Mutex<Approval>,
    /// Counts the versions of a connection: a pooled network connection serves one of them only.
    pub(crate) revision: u64,
    pub(crate) redactor: Cached,
    /// None for a connection without a credential.
    pub(crate) custody: Option<Arc<Custody>>,
}

/// A newer version of the connector, which the connection is not served by because nobody has approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Pending {
    /// The version.
    pub version: String,
    /// What approving it means.
    pub approval: Approval,
    /// How what it asks for differs from what was approved; none if the version that was approved is not loaded.
    pub difference: Option<Difference>,
}

/// An approval of something that no version of the connector that is loaded asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no version of connector {0:?} that is loaded asks for just this; load it first")]
pub struct NotLoaded(pub String);

impl ConnectionKey {
    /// Names a connection.
    pub fn new(tenant: &str, name: &str) -> Result<Self, InvalidKey> {
        let check = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-');
            if text.is_empty() || 128 < text.len() || !text.chars().all(fits) {
                return Err(InvalidKey(text.chars().take(128).collect()));
            }
            Ok(Arc::from(text))
        };
        Ok(Self {
            tenant: check(tenant)?,
            name: check(name)?,
        })
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The connection among the tenant's.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Connection {
    /// The connection's name.
    pub fn key(&self) -> &ConnectionKey {
        &self.link.key
    }

    /// The connector that serves it.
    pub fn connector(&self) -> &ConnectorName {
        &self.link.options.connector
    }

    /// The newest version of the connector, if the connection waits for somebody to approve it.
    pub fn pending(&self) -> Option<Pending> {
        let (versions, name) = (&self.shared.versions, self.connector());
        let newest = versions.newest(name)?;
        let approved = self.link.approved();
        if *newest.approval() == approved {
            return None;
        }
        let serving = versions.approved(name, &approved).ok();
        Some(Pending {
            version: newest.manifest().version().to_string(),
            approval: newest.approval().clone(),
            difference: serving.map(|it| Difference::between(it.manifest(), newest.manifest())),
        })
    }

    /// Gives the connection's grant and credential to what was approved: from now on its calls run on the version that asks for just that.
    ///
    /// If that comes from another publisher, what the connector kept in the connection's state is forgotten.
    pub fn approve(&self, approval: Approval) -> Result<(), NotLoaded> {
        let name = self.connector();
        self.shared
            .versions
            .approved(name, &approval)
            .map_err(|_| NotLoaded(name.to_string()))?;
        let mut approved = self
            .link
            .approved
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tracing::info!(connection = %self.link.key, connector = %name, authority = %approval.authority(), "approved");
        if !approved.is_of(approval.publisher()) {
            self.shared.state.clear(&self.link.key);
        }
        *approved = approval;
        Ok(())
    }

    /// The same connection for another kind of work: its calls and reads wait as that kind does where the CRM's limits are short. A new connection is for interactive work.
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    /// Foretells when so many more requests of this connection would go, at the CRM's own server and by what is known of its limits now. None if that cannot be told, as when no connector is loaded.
    pub fn forecast(&self, requests: u32) -> Option<Forecast> {
        let options = &self.link.options;
        let connector = self.shared.connector(&self.link).ok()?;
        let manifest = connector.manifest();
        let settings = Settings::check(manifest, options.settings.clone()).ok()?;
        let base = manifest.base().expand(&settings).ok()?;
        let ask = Ask {
            tenant: self.link.key.tenant().into(),
            priority: self.priority,
            bucket: None,
            cost: 1,
        };
        let (quotas, origin) = (&self.shared.broker.quotas, Origin::of(&base).ok()?);
        quotas.forecast(&self.link, &origin, manifest.limits(), &ask, requests)
    }
}

impl Link {
    /// What grant and credential are given to by now.
    pub(crate) fn approved(&self) -> Approval {
        let approved = self.approved.lock();
        approved.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.link.key).finish()
    }
}
