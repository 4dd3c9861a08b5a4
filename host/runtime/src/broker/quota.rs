//! Waits for a turn within the CRM's limits, for a while, and lets the answers correct them.
//!
//! Whose turn it is, core decides; here are the clock, the waiting, and the buckets of all CRMs. A bucket is found by what the embedder says (the organisation, or else the connection), the connector whose manifest states the limits, and the origin that policy has permitted: nothing of it is a guest's word.

mod place;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::manifest::Limits;
use brightsync_core::name::ConnectorName;
use brightsync_core::origin::Origin;
use brightsync_core::quota::{Ask, At, Bucket, Forecast, State};
use serde::Serialize;
use tokio::time::Instant;

use self::place::Shared;
pub(super) use self::place::Turn;
use super::{Failure, Layer, deny};
use crate::connection::{ConnectionKey, Link};
use crate::store::Call;

/// How many buckets are kept; beyond it the one that was not used for longest goes, and what was counted in it.
const KEPT: usize = 20_000;

/// All buckets.
pub(crate) struct Quotas {
    started: Instant,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    all: HashMap<Key, Arc<Shared>>,
    // How many there may be before those that nobody uses are looked for.
    tidy_at: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    whose: Whose,
    connector: ConnectorName,
    origin: Origin,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whose {
    Organisation(Arc<str>),
    Connection(ConnectionKey),
}

/// Where the limits of one CRM organisation stand at one server.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Quota {
    /// The organisation as the embedder named it.
    pub organisation: Option<String>,
    /// Otherwise the connection that stands for itself, as `tenant/name`.
    pub connection: Option<String>,
    /// The connector whose manifest states the limits.
    pub connector: ConnectorName,
    /// The server.
    pub origin: Origin,
    /// Where they stand.
    #[serde(flatten)]
    pub state: State,
}

impl Quotas {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    /// Waits until a permitted request may be sent. The turn ends when it is dropped.
    pub(super) async fn turn(
        &self,
        call: &Call,
        origin: &Origin,
        bucket: Option<&str>,
        cost: Option<u32>,
    ) -> Result<Turn, Failure> {
        let unknown = |why: &dyn std::fmt::Display| deny(call, Layer::Manifest, "bucket", why);
        let bucket = bucket.map(str::parse).transpose();
        let ask = Ask {
            tenant: call.link.key.tenant().into(),
            priority: call.priority,
            bucket: bucket.map_err(|problem| unknown(&problem))?,
            cost: cost.unwrap_or(1),
        };
        let limits = call.connector.manifest().limits();
        let shared = self.bucket(Key::new(&call.link, origin), limits);
        let mut place = Shared::enter(&shared, ask, limits, self.started)
            .map_err(|problem| unknown(&problem))?;
        let waited = place.wait(call.shared.limits.quota_wait).await;
        waited.map(|()| place.turn()).map_err(|wait| {
            tracing::info!(
                call = %call.id,
                connection = %call.link.key,
                %origin,
                ?wait,
                "the CRM's limit is reached"
            );
            Failure::Limited(wait)
        })
    }

    /// Where all buckets stand that are in use.
    pub(crate) fn states(&self) -> Vec<Quota> {
        let all: Vec<_> = {
            let buckets = self.buckets();
            let all = buckets.all.iter();
            all.map(|(key, shared)| (key.clone(), shared.clone()))
                .collect()
        };
        let now = now(self.started);
        all.into_iter()
            .map(|(key, shared)| {
                let (organisation, connection) = match key.whose {
                    Whose::Organisation(name) => (Some(name.to_string()), None),
                    Whose::Connection(key) => (None, Some(key.to_string())),
                };
                Quota {
                    organisation,
                    connection,
                    connector: key.connector,
                    origin: key.origin,
                    state: shared.state(now),
                }
            })
            .collect()
    }

    /// How many requests wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        let buckets = self.buckets();
        buckets.all.values().map(|it| it.waiting()).sum()
    }

    /// When so many requests like this one would go.
    pub(crate) fn forecast(
        &self,
        link: &Link,
        origin: &Origin,
        limits: &Limits,
        ask: &Ask,
        requests: u32,
    ) -> Option<Forecast> {
        let key = Key::new(link, origin);
        let shared = self.buckets().all.get(&key).cloned();
        let bucket = match shared {
            Some(shared) => shared.copy(),
            None => Bucket::new(limits),
        };
        bucket.forecast(ask, requests, now(self.started))
    }

    fn bucket(&self, key: Key, limits: &Limits) -> Arc<Shared> {
        let now = now(self.started);
        let mut buckets = self.buckets();
        if let Some(shared) = buckets.all.get(&key) {
            shared.used(now);
            return shared.clone();
        }
        buckets.tidy(now);
        let shared = Arc::new(Shared::new(limits, now));
        buckets.all.insert(key, shared.clone());
        shared
    }

    fn buckets(&self) -> std::sync::MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    /// Makes room for one more. Whoever uses a bucket has a share of it, so that it is not taken away under their hands.
    fn tidy(&mut self, now: At) {
        if self.all.len() < self.tidy_at {
            return;
        }
        self.all
            .retain(|_, it| 1 < Arc::strong_count(it) || !it.is_unused(now));
        self.tidy_at = (2 * self.all.len()).clamp(64, KEPT);
        if KEPT <= self.all.len()
            && let Some(oldest) = self
                .all
                .iter()
                .filter(|(_, it)| Arc::strong_count(it) == 1)
                .min_by_key(|(_, it)| it.last_used())
                .map(|(key, _)| key.clone())
        {
            self.all.remove(&oldest);
        }
    }
}

impl Key {
    fn new(link: &Link, origin: &Origin) -> Self {
        Self {
            whose: match &link.options.organisation {
                Some(name) => Whose::Organisation(name.as_str().into()),
                None => Whose::Connection(link.key.clone()),
            },
            connector: link.options.connector.clone(),
            origin: origin.clone(),
        }
    }
}

/// The time as core is told it.
fn now(started: Instant) -> At {
    At::from_millis(millis(started.elapsed()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use brightsync_core::manifest::{Counts, Window};

    use super::*;

    fn key(tenant: usize) -> Key {
        Key {
            whose: Whose::Connection(ConnectionKey::new(&tenant.to_string(), "crm").unwrap()),
            connector: "good".parse().unwrap(),
            origin: "https://crm.example.com".parse().unwrap(),
        }
    }

    fn ask(tenant: &str) -> Ask {
        Ask {
            tenant: tenant.into(),
            priority: Default::default(),
            bucket: None,
            cost: 1,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_that_nobody_uses_are_forgotten() {
        let quotas = Quotas::new();
        let limits = Limits::default();
        for tenant in 0..10_000 {
            quotas.bucket(key(tenant), &limits);
        }
        assert!(quotas.buckets().all.len() <= 64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_is_kept_for_as_long_as_its_limits_remember() {
        let quotas = Quotas::new();
        let mut limits = Limits::default();
        limits.general.windows.push(Window {
            most: NonZeroU32::MIN,
            seconds: NonZeroU32::new(60).unwrap(),
            counts: Counts::Requests,
        });
        let shared = quotas.bucket(key(0), &limits);
        let mut place = Shared::enter(&shared, ask("0"), &limits, quotas.started).unwrap();
        place.wait(Duration::ZERO).await.unwrap();
        drop((place, shared));
        let crowd = |from: usize| {
            for tenant in from..from + 1_000 {
                quotas.bucket(key(tenant), &Limits::default());
            }
            quotas.buckets().all.contains_key(&key(0))
        };
        assert!(crowd(1));
        tokio::time::advance(Duration::from_secs(70)).await;
        assert!(!crowd(2_000));
    }
}
