//! What was granted: codes, tokens, and the families that hang together. It is gone when the server stops.

use std::sync::Arc;

use serde::Serialize;

use crate::bounded::Bounded;
use crate::oauth::client::Registered;
use crate::oauth::scope::Scopes;

/// The most clients that are kept; the oldest goes first, here as below.
const CLIENTS: usize = 1000;
/// The most of everything else.
const KEPT: usize = 10_000;

/// How often what a test looks for has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Access tokens that were issued, by any grant.
    pub issued: u64,
    /// Those among them that a refresh token gave.
    pub refreshed: u64,
    /// How often a code or a refresh token came again after its use.
    pub reused: u64,
    /// How many families of tokens were revoked, by a reuse or on request.
    pub revoked: u64,
}

/// Everything that is granted.
pub(crate) struct Ledger {
    pub(crate) clients: Bounded<String, Arc<Registered>>,
    pub(crate) codes: Bounded<String, Code>,
    pub(crate) access: Bounded<String, Access>,
    pub(crate) refresh: Bounded<String, Refresh>,
    /// The assertions that were used, as client and `jti`.
    pub(crate) assertions: Bounded<(String, String), ()>,
    pub(crate) counts: Counts,
    families: Bounded<u64, Family>,
    next: u64,
}

/// What one person or client allowed at one time, and all tokens that came of it.
#[derive(Clone)]
pub(crate) struct Family {
    pub(crate) client: Arc<Registered>,
    /// The id of the user; none for a client that stands for itself.
    pub(crate) user: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) revoked: bool,
}

/// A code that the authorization endpoint gave.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) user: String,
    pub(crate) scopes: Scopes,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) expires: i64,
    pub(crate) used: Used,
}

/// What came of a code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Used {
    Not,
    /// It was tried with a wrong verifier or address, and is worth nothing any more.
    Spoilt,
    /// It gave this family of tokens.
    Gave(u64),
}

pub(crate) struct Access {
    pub(crate) family: u64,
    /// A part of what the family may do, or all of it.
    pub(crate) scopes: Scopes,
    pub(crate) issued: i64,
    pub(crate) expires: i64,
    pub(crate) revoked: bool,
}

pub(crate) struct Refresh {
    pub(crate) family: u64,
    pub(crate) issued: i64,
    pub(crate) expires: Option<i64>,
    /// Whether another one has taken its place.
    pub(crate) replaced: bool,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            clients: Bounded::new(CLIENTS),
            codes: Bounded::new(KEPT),
            access: Bounded::new(KEPT),
            refresh: Bounded::new(KEPT),
            assertions: Bounded::new(KEPT),
            counts: Counts::default(),
            families: Bounded::new(KEPT),
            next: 0,
        }
    }

    /// Begins a family.
    pub(crate) fn found(
        &mut self,
        client: Arc<Registered>,
        user: Option<String>,
        scopes: Scopes,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let family = Family {
            client,
            user,
            scopes,
            revoked: false,
        };
        self.families.insert(number, family);
        number
    }

    /// Returns a family that still counts.
    pub(crate) fn family(&self, number: u64) -> Option<&Family> {
        self.families.get(&number).filter(|it| !it.revoked)
    }

    /// Returns a family, revoked or not.
    pub(crate) fn any_family(&self, number: u64) -> Option<&Family> {
        self.families.get(&number)
    }

    /// Ends a family: none of its tokens is worth anything any more.
    pub(crate) fn revoke(&mut self, number: u64) {
        if let Some(family) = self.families.get_mut(&number)
            && !family.revoked
        {
            family.revoked = true;
            self.counts.revoked += 1;
        }
    }
}
