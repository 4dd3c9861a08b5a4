//! Keeps the breakers of all servers, and tells them the time and what became of requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::breaker::{Breaker, Open, Options, Outcome, Pass};
use brightsync_core::grant::CarveOut;
use brightsync_core::name::ConnectorName;
use brightsync_core::origin::Origin;
use tokio::time::Instant;

use super::step::Hop;
use crate::store::Call;

/// How many servers with failures are remembered. Beyond it a failing server is not left alone, which costs time and nothing else.
const KEPT: usize = 4096;

/// All breakers of a host that are not as good as new.
#[derive(Clone)]
pub(super) struct Breakers(Arc<Shared>);

struct Shared {
    options: Options,
    start: Instant,
    known: Mutex<HashMap<Place, Breaker>>,
}

/// What is left alone: a server, as one connector knows it.
///
/// Whether a server can be reached at all is the same for everybody, so all tenants share one breaker for it. How it answers may be one tenant's own doing (a slow search, an organisation that is shut for maintenance), so for that each has one of its own: none can shut a server for the others.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    connector: ConnectorName,
    origin: Origin,
    // A carved-out address is another server behind the same name.
    only: Option<IpAddr>,
    tenant: Option<Arc<str>>,
}

/// A request that was let pass. If nobody says what became of it, it was abandoned.
pub(super) struct Passage {
    breakers: Breakers,
    place: Place,
    pass: Pass,
    outcome: Outcome,
}

/// How an attempt ended, as far as it says something of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It answered as a server does that works.
    Works,
    /// It was reached, and gave no answer or one that says that it cannot.
    Ails,
    /// It could not be reached.
    Unreachable,
}

impl Breakers {
    pub(super) fn new(options: Options) -> Self {
        Self(Arc::new(Shared {
            options,
            start: Instant::now(),
            known: Mutex::default(),
        }))
    }

    /// Lets a request pass both breakers of its server, or none.
    pub(super) fn admit(&self, call: &Call, hop: &Hop) -> Result<[Passage; 2], Open> {
        let place = |tenant| Place {
            connector: call.link.options.connector.clone(),
            origin: hop.permit.origin.clone(),
            only: hop.permit.carve_out.as_ref().map(CarveOut::address),
            tenant,
        };
        let shared = self.pass(place(None))?;
        let own = self.pass(place(Some(call.link.key.tenant().into())))?;
        Ok([shared, own])
    }

    /// How many servers are left alone, and how many of those are just tried.
    pub(super) fn standing(&self) -> [(&'static str, usize); 2] {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |is: fn(&Breaker) -> bool| known.values().filter(|it| is(it)).count();
        [
            ("open", count(Breaker::is_open)),
            ("half-open", count(Breaker::is_half_open)),
        ]
    }

    fn pass(&self, place: Place) -> Result<Passage, Open> {
        let pass = self.with(&place, |breaker, now| breaker.admit(now))?;
        Ok(Passage {
            breakers: self.clone(),
            place,
            pass,
            outcome: Outcome::Abandoned,
        })
    }

    fn with<T>(&self, place: &Place, act: impl FnOnce(&mut Breaker, Duration) -> T) -> T {
        let now = self.0.start.elapsed();
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut breaker = known.get(place).copied().unwrap_or_default();
        let result = act(&mut breaker, now);
        if breaker.is_untouched() {
            known.remove(place);
        } else if known.len() < KEPT || known.contains_key(place) {
            known.insert(place.clone(), breaker);
        }
        result
    }
}

impl Passage {
    /// Tells the breaker what became of the request.
    pub(super) fn end(mut self, health: Health) {
        let is_shared = self.place.tenant.is_none();
        self.outcome = match health {
            Health::Works => Outcome::Worked,
            Health::Ails if is_shared => Outcome::Worked,
            // The shared one says it.
            Health::Unreachable if !is_shared => Outcome::Abandoned,
            Health::Ails | Health::Unreachable => Outcome::Failed,
        };
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let (pass, outcome) = (self.pass, self.outcome);
        let options = &self.breakers.0.options;
        self.breakers.with(&self.place, |breaker, now| {
            breaker.report(pass, outcome, now, options);
        });
    }
}
