//! One renewal, from the lease to the new session in the vault.
//!
//! | cut off | what is left |
//! |---|---|
//! | before the request is sent | the session as it was; the lease runs out |
//! | after that | the session as it was, which may have been replaced at the CRM: the next one tries with it, and if that is refused, the connection says that a renewal was interrupted, and when |
//! | after the answer is stored | the new session |
//!
//! The new session is stored before anybody uses it.

use std::sync::Arc;
use std::time::Duration;

use brightsync_core::crm::Timestamp;
use brightsync_core::recipe::{Due, Reason, Trouble};

use super::obtain::{self, Obtained};
use super::record::{Broken, Record, Session};
use super::{Custody, Held, slot, told, unusable};
use crate::broker::Unanswered;
use crate::event::Event;
use crate::principal::Principal;
use crate::vault::{Lease, VaultError};

/// For how long one process may renew. It is longer than a request of the broker may take.
const LEASE: Duration = Duration::from_secs(30);

/// How long others are waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often it is looked whether another process is ready.
const LOOK: Duration = Duration::from_millis(25);

/// How often a session that was issued is tried to be stored.
const TRIES: u32 = 8;

/// Renews the session that is held, or finds that somebody else has.
pub(super) async fn renew(
    custody: &Custody,
    who: &Principal,
    instead: &Held,
) -> Result<Arc<Held>, Trouble> {
    let holder = uuid::Uuid::new_v4().to_string();
    let (vault, slot) = (custody.vault()?, slot(who));
    let interrupted = match turn(custody, who, instead, &holder).await? {
        Turn::Done(held) => return Ok(held),
        Turn::Mine { interrupted } => interrupted,
    };
    let result = under_lease(custody, who, instead, interrupted).await;
    // If it cannot be given back, it runs out.
    if let Err(problem) = vault.release(&slot, &holder).await {
        tracing::warn!(connection = %who.key, %problem, "a lease could not be given back");
    }
    result
}

enum Turn {
    /// Another process has renewed it.
    Done(Arc<Held>),
    /// It is this one's turn.
    Mine {
        /// When a renewal began that was never ended.
        interrupted: Option<Timestamp>,
    },
}

async fn turn(
    custody: &Custody,
    who: &Principal,
    instead: &Held,
    holder: &str,
) -> Result<Turn, Trouble> {
    let slot = slot(who);
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        match custody.vault()?.lease(&slot, holder, LEASE).await {
            Ok(Lease::Taken { interrupted }) => return Ok(Turn::Mine { interrupted }),
            Ok(Lease::Held { .. }) | Err(VaultError::Busy(_)) => {}
            Err(problem) => return Err(unusable(who, &problem)),
        }
        if patience <= tokio::time::Instant::now() {
            let what = "another process has been renewing it for too long";
            return Err(Trouble::new(Reason::Unavailable).with("", what));
        }
        tokio::time::sleep(LOOK).await;
        let held = Arc::new(custody.load(who).await?);
        if let Some(held) = replacement(&held, instead, who)? {
            return Ok(Turn::Done(held));
        }
    }
}

/// What somebody else has put in place of what is held, if it is newer and says how to go on.
fn replacement(
    held: &Arc<Held>,
    instead: &Held,
    who: &Principal,
) -> Result<Option<Arc<Held>>, Trouble> {
    match held.broken() {
        _ if !held.is_after(instead) => Ok(None),
        Some(broken) => Err(broken.trouble.clone()),
        None => Ok((held.due(who.now()) != Due::Now).then(|| held.clone())),
    }
}

async fn under_lease(
    custody: &Custody,
    who: &Principal,
    instead: &Held,
    interrupted: Option<Timestamp>,
) -> Result<Arc<Held>, Trouble> {
    let held = Arc::new(custody.load(who).await?);
    if let Some(held) = replacement(&held, instead, who)? {
        return Ok(held);
    }
    let unanswered = held.record().unanswered.or(interrupted);
    match obtain::renewed(who, held.record()).await {
        Ok(Obtained { issued, .. }) => {
            let mut record = held.record().again();
            let session = Session::of(issued, held.record().session.as_ref(), who.now());
            let expires = session.expires;
            record.session = Some(session);
            record.unanswered = None;
            record.broken = None;
            let stored = store(custody, who, held.version(), record).await?;
            who.shared.tell(who, Event::Refreshed { expires });
            Ok(stored)
        }
        Err(Unanswered {
            trouble,
            is_in_doubt,
        }) => Err(failed(custody, who, &held, trouble, is_in_doubt, unanswered).await),
    }
}

/// Stores what was issued: until it is, nobody has it but this process.
async fn store(
    custody: &Custody,
    who: &Principal,
    version: Option<u64>,
    record: Record,
) -> Result<Arc<Held>, Trouble> {
    let slot = slot(who);
    let plain = record.write();
    let vault = custody.vault()?;
    let mut pause = LOOK;
    let mut left = TRIES;
    loop {
        left = left.saturating_sub(1);
        match vault.write(&slot, version, &plain).await {
            Ok(Some(version)) => return Ok(Arc::new(Held::new(Some(version), record))),
            // Somebody has connected the account anew meanwhile.
            Ok(None) => return custody.load(who).await.map(Arc::new),
            Err(problem) if left == 0 => return Err(unusable(who, &problem)),
            Err(problem) => {
                tracing::warn!(connection = %who.key, %problem, "a new session cannot be stored yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

/// Keeps what the next one has to know: that an answer was lost, or that only a person can mend it.
async fn failed(
    custody: &Custody,
    who: &Principal,
    held: &Held,
    trouble: Trouble,
    is_in_doubt: bool,
    unanswered: Option<Timestamp>,
) -> Trouble {
    let mut record = held.record().again();
    let is_dead = trouble.reason().needs_reconnecting();
    let trouble = match (trouble.reason(), unanswered) {
        (Reason::Revoked | Reason::Expired, Some(_)) => trouble.because(Reason::Interrupted),
        _ => trouble,
    };
    let trouble = told(trouble, held.record());
    if is_dead {
        record.broken = Some(Broken {
            trouble: trouble.clone(),
            since: unanswered.unwrap_or_else(|| who.now()),
        });
    } else if is_in_doubt {
        record.unanswered = Some(who.now());
    } else {
        tracing::warn!(connection = %who.key, %trouble, "a session could not be renewed");
        return trouble;
    }
    if let Ok(vault) = custody.vault() {
        let slot = slot(who);
        let plain = record.write();
        let written = vault.write(&slot, held.version(), &plain);
        if let Err(problem) = written.await {
            // It is told again at the next attempt.
            unusable(who, &problem);
        }
    }
    tracing::warn!(connection = %who.key, %trouble, is_dead, "a session could not be renewed");
    if is_dead {
        let event = match trouble.reason() {
            Reason::Revoked | Reason::ConsentWithdrawn => Event::Revoked(trouble.clone()),
            _ => Event::NeedsReconnecting(trouble.clone()),
        };
        who.shared.tell(who, event);
    }
    trouble
}
