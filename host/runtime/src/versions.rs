//! The connectors that are loaded: of each the newest version, and beside it those that ask for something else and that connections were approved for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use brightsync_core::component::Inspection;
use brightsync_core::grant::Approval;
use brightsync_core::name::ConnectorName;
use brightsync_core::rule::Rule;

use crate::connector::Connector;
use crate::end::Refused;

/// How many versions of a connector are kept, each of which asks for something else. The oldest goes first.
const KEPT: usize = 8;

/// All versions of all connectors.
#[derive(Default)]
pub(crate) struct Versions(RwLock<HashMap<ConnectorName, Vec<Arc<Connector>>>>);

/// What a version that was put in found.
pub(crate) struct Before {
    /// The newest version until then.
    pub(crate) newest: Option<Arc<Connector>>,
    /// The version that asked for the same, in whose place it is now.
    pub(crate) replaced: Option<Arc<Connector>>,
}

impl Versions {
    /// Makes a connector the newest version of its name. Connections that were approved for something else than it asks for stay where they are.
    pub(crate) fn insert(&self, connector: Connector) -> Before {
        let connector = Arc::new(connector);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let versions = all.entry(connector.manifest().name().clone()).or_default();
        let newest = versions.last().cloned();
        let place = versions
            .iter()
            .position(|it| it.approval() == connector.approval());
        let replaced = place.map(|it| versions.remove(it));
        if KEPT <= versions.len() {
            versions.remove(0);
        }
        versions.push(connector);
        Before { newest, replaced }
    }

    /// Takes out all versions of a connector; answers whether there was one.
    pub(crate) fn remove(&self, name: &ConnectorName) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(name).is_some()
    }

    /// Takes out all versions of a connector but the newest; answers how many those were.
    pub(crate) fn retire(&self, name: &ConnectorName) -> usize {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(versions) = all.get_mut(name) else {
            return 0;
        };
        let old = versions.len().saturating_sub(1);
        versions.drain(..old);
        old
    }

    /// The newest version.
    pub(crate) fn newest(&self, name: &ConnectorName) -> Option<Arc<Connector>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(name)?.last().cloned()
    }

    /// The version that an approval is for.
    pub(crate) fn approved(
        &self,
        name: &ConnectorName,
        approval: &Approval,
    ) -> Result<Arc<Connector>, Refused> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let versions = all.get(name).map(Vec::as_slice).unwrap_or_default();
        let Some(newest) = versions.last() else {
            return Err(Refused::NotLoaded(name.to_string()));
        };
        let mut versions = versions.iter().rev();
        let approved = versions.find(|it| !Rule::Approval.refuses(it.approval() != approval));
        approved.cloned().ok_or_else(|| Refused::Unapproved {
            connector: name.to_string(),
            version: newest.manifest().version().to_string(),
            is_of_another: !approval.is_of(newest.approval().publisher()),
        })
    }

    /// What was seen of each, the versions of a connector in the order in which they were loaded.
    pub(crate) fn inspections(&self) -> Vec<Inspection> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let versions = all.values().flatten();
        versions.map(|it| it.inspection().clone()).collect()
    }

    /// The names of all connectors.
    pub(crate) fn names(&self) -> Vec<ConnectorName> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.keys().cloned().collect()
    }
}
