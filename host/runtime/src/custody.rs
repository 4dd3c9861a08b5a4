//! Keeps a connection's credential good: finds it, renews it ahead of time, and when the CRM says that it is no longer good.
//!
//! One renewal of a connection runs at a time: in this process because there is one [`Renewal`] that all who need it wait for, and across processes by a lease in the vault. It is a task of its own, which goes on when the call that needed it is given up: a token that was issued and not stored would be lost.

mod assertion;
mod custodies;
mod held;
mod obtain;
mod record;
mod renewal;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use brightsync_core::crm::Timestamp;
use brightsync_core::manifest::{Recipe, is_secret};
use brightsync_core::recipe::{Due, Reason, Trouble, is_forced_in_vain};
use brightsync_core::redact::{Redactor, Secrets};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

pub(crate) use self::custodies::Custodies;
pub(crate) use self::held::Held;
pub(crate) use self::obtain::{Obtained, identified, renewed, revoked, token, value};
pub use self::record::Broken;
pub(crate) use self::record::{Kept, Record, Session};
use crate::credential::{self, Credential};
use crate::principal::Principal;
use crate::vault::{Slot, Vault, VaultError};

/// How long what is known of a broken connection is believed before the vault is asked again, in milliseconds.
const BELIEVED: Timestamp = 1000;

/// What holds one connection's credential.
pub(crate) struct Custody {
    place: Place,
    state: Mutex<State>,
}

/// Where the record is.
enum Place {
    /// In the host's vault, if it has one.
    Vault(Option<Vault>),
    /// It began with what was handed over; what is issued for that is kept in memory.
    Given {
        record: Record,
        issued: OnceLock<Vault>,
    },
}

#[derive(Default)]
struct State {
    held: Option<Arc<Held>>,
    looked: Timestamp,
    renewal: Option<Renewal>,
    failures: u32,
    // Until when nothing is asked, and why.
    pause: Option<(Timestamp, Trouble)>,
    /// How often in a row a new session was refused, too.
    in_vain: u32,
}

/// A renewal that is under way, for all who wait for it.
type Renewal = Shared<BoxFuture<'static, Result<Arc<Held>, Trouble>>>;

impl Custody {
    /// Takes a credential.
    fn of(credential: &Credential, vault: Option<&Vault>) -> Self {
        let place = match credential.place() {
            credential::Place::Vault => Place::Vault(vault.cloned()),
            credential::Place::Given(fields) => Place::Given {
                record: Record::given(fields),
                issued: OnceLock::new(),
            },
        };
        Self {
            place,
            state: Mutex::default(),
        }
    }

    /// What is held in memory, if it is good to be sent as it is.
    pub(crate) fn known(&self, recipe: &Recipe, now: Timestamp) -> Option<Arc<Held>> {
        let state = self.state();
        let held = state.held.as_ref()?;
        let is_good = held.broken().is_none() && (recipe.is_given() || held.due(now) == Due::Not);
        is_good.then(|| held.clone())
    }

    /// What is held, without asking anybody but the vault, and not even that if it is known.
    pub(crate) async fn held(self: &Arc<Self>, who: &Principal) -> Result<Arc<Held>, Trouble> {
        let now = who.now();
        let known = {
            let state = self.state();
            let is_fresh = |held: &&Arc<Held>| {
                held.broken().is_none() || now.saturating_sub(state.looked) < BELIEVED
            };
            state.held.as_ref().filter(is_fresh).cloned()
        };
        match known {
            Some(held) => Ok(held),
            None => self.look(who).await,
        }
    }

    /// What is good to be sent: renewed, if it is at its end. If it only comes near it, a renewal begins and nobody waits for it.
    pub(crate) async fn ready(self: &Arc<Self>, who: &Principal) -> Result<Arc<Held>, Trouble> {
        let held = self.held(who).await?;
        if let Some(broken) = held.broken() {
            return Err(broken.trouble.clone());
        }
        if who.recipe()?.is_given() {
            return Ok(held);
        }
        match held.due(who.now()) {
            Due::Not => Ok(held),
            Due::Soon => {
                // It goes on by itself, and what comes of it is seen by the next one.
                drop(self.renewal(who, &held));
                Ok(held)
            }
            Due::Now => self.renewal(who, &held)?.await,
        }
    }

    /// What is good in place of a session that the CRM has refused; nothing, if it is of no use to ask for another one.
    pub(crate) async fn after(
        self: &Arc<Self>,
        who: &Principal,
        refused: &Arc<Held>,
    ) -> Result<Option<Arc<Held>>, Trouble> {
        if who.recipe()?.is_given() {
            // Somebody may have given another one meanwhile.
            return match self.place {
                Place::Vault(_) => {
                    let held = self.look(who).await?;
                    Ok(held.is_after(refused).then_some(held))
                }
                Place::Given { .. } => Ok(None),
            };
        }
        let held = self.held(who).await?;
        if held.is_after(refused) {
            return Ok(Some(held));
        }
        let (obtained, expires) = refused.times();
        let in_vain = self.state().in_vain;
        if is_forced_in_vain(obtained, expires, who.now(), in_vain) {
            return Ok(None);
        }
        self.renewal(who, refused)?.await.map(Some)
    }

    /// Notes whether a session that was renewed because the CRM refused the one before is accepted.
    pub(crate) fn was_accepted(&self, is_accepted: bool) {
        let mut state = self.state();
        state.in_vain = if is_accepted {
            0
        } else {
            state.in_vain.saturating_add(1)
        };
    }

    /// The renewal that is under way, or a new one, unless the last one failed a moment ago.
    fn renewal(self: &Arc<Self>, who: &Principal, instead: &Arc<Held>) -> Result<Renewal, Trouble> {
        let mut state = self.state();
        if let Some(renewal) = &state.renewal {
            return Ok(renewal.clone());
        }
        // Somebody was faster.
        if let Some(held) = state.held.as_ref().filter(|it| it.is_after(instead)) {
            return Ok(futures::future::ready(Ok(held.clone())).boxed().shared());
        }
        if let Some((until, trouble)) = &state.pause
            && who.now() < *until
        {
            return Err(trouble.clone());
        }
        let (custody, who, instead) = (self.clone(), who.clone(), instead.clone());
        let task = tokio::spawn(async move {
            let _under_way = who.shared.renewals.clone().read_owned().await;
            let result = renewal::renew(&custody, &who, &instead).await;
            custody.ended(&who, &result);
            result
        });
        let renewal = async {
            task.await.unwrap_or_else(|_| {
                Err(Trouble::new(Reason::Unavailable).with("", "the host failed at it"))
            })
        };
        let renewal = renewal.boxed().shared();
        state.renewal = Some(renewal.clone());
        Ok(renewal)
    }

    fn ended(&self, who: &Principal, result: &Result<Arc<Held>, Trouble>) {
        who.shared.metrics.renewal(match result {
            Ok(_) => "renewed",
            Err(trouble) => trouble.reason().name(),
        });
        let mut state = self.state();
        state.renewal = None;
        match result {
            Ok(held) => {
                state.failures = 0;
                state.pause = None;
                self.keep(&mut state, held.clone(), who.now());
            }
            Err(trouble) => {
                state.failures = state.failures.saturating_add(1);
                let pause =
                    brightsync_core::recipe::back_off(state.failures, trouble.retry_after());
                let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                state.pause = Some((who.now().saturating_add(pause), trouble.clone()));
                // Why is in the vault, if only a person can mend it.
                if trouble.reason().needs_reconnecting() {
                    state.looked = Timestamp::MIN;
                    state.held = None;
                }
            }
        }
    }

    /// Reads the vault.
    pub(crate) async fn look(&self, who: &Principal) -> Result<Arc<Held>, Trouble> {
        let held = Arc::new(self.load(who).await?);
        let mut state = self.state();
        // Somebody connected the account anew: what failed before says nothing of that.
        if held.broken().is_none() {
            let was_broken = state.held.as_ref().is_none_or(|it| it.broken().is_some());
            if was_broken && state.renewal.is_none() {
                state.pause = state
                    .pause
                    .take()
                    .filter(|(_, it)| !it.reason().needs_reconnecting());
            }
        }
        self.keep(&mut state, held, who.now());
        state
            .held
            .clone()
            .ok_or_else(|| Trouble::new(Reason::NotConnected))
    }

    /// Keeps what is the newer of two.
    fn keep(&self, state: &mut State, held: Arc<Held>, now: Timestamp) {
        state.looked = now;
        let is_older = state.held.as_ref().is_some_and(|it| it.is_after(&held));
        if !is_older {
            state.held = Some(held);
        }
    }

    /// Where what is issued is kept.
    fn vault(&self) -> Result<&Vault, Trouble> {
        let what = "the host has no vault";
        match &self.place {
            Place::Vault(vault) => vault
                .as_ref()
                .ok_or_else(|| Trouble::new(Reason::NotConnected).with("", what)),
            Place::Given { issued, .. } => match issued.get() {
                Some(vault) => Ok(vault),
                None => {
                    let vault = Vault::in_memory();
                    let vault = vault.map_err(|it| {
                        Trouble::new(Reason::Unavailable).with("vault", &it.to_string())
                    })?;
                    Ok(issued.get_or_init(|| vault))
                }
            },
        }
    }

    async fn load(&self, who: &Principal) -> Result<Held, Trouble> {
        let kept = match &self.place {
            Place::Given { issued, .. } if issued.get().is_none() => None,
            Place::Vault(_) | Place::Given { .. } => read(self.vault()?, &slot(who), who).await?,
        };
        let (version, mut record) = match (kept, &self.place) {
            (Some((version, record)), _) => (Some(version), record),
            (None, Place::Given { record, .. }) => (None, record.again()),
            (None, Place::Vault(_)) => return Err(Trouble::new(Reason::NotConnected)),
        };
        complete(who, &mut record).await?;
        Ok(Held::new(version, record))
    }

    /// Forgets what is held, because something else is in the vault, or nothing.
    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds what the operator gave for all: the application's id and secret.
pub(crate) async fn complete(who: &Principal, record: &mut Record) -> Result<(), Trouble> {
    let recipe: &Recipe = who.recipe()?;
    let is_missing =
        |name: &&brightsync_core::name::FieldName| !record.fields.contains_key(name.as_str());
    let missing: Vec<_> = recipe.fields().iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(vault) = &who.shared.vault else {
        return Ok(());
    };
    let slot = Slot::Application {
        connector: who.manifest().name().clone(),
        recipe: who.recipe.clone(),
    };
    let application = read(vault, &slot, who).await?.map(|(_, record)| record);
    for name in missing {
        if let Some(value) = application
            .as_ref()
            .and_then(|it| it.fields.get(name.as_str()))
        {
            record
                .shared
                .insert(name.to_string(), Kept::new(value.reveal()));
        }
    }
    Ok(())
}

/// What the vault keeps in a slot, with its version.
pub(crate) async fn read(
    vault: &Vault,
    slot: &Slot,
    who: &Principal,
) -> Result<Option<(u64, Record)>, Trouble> {
    let opened = vault.read(slot).await.map_err(|it| unusable(who, &it))?;
    let Some(opened) = opened else {
        return Ok(None);
    };
    let record = Record::read(opened.plain());
    let what = "what the vault keeps cannot be read";
    let unreadable = || Trouble::new(Reason::NotConnected).with("", what);
    Ok(Some((opened.version, record.ok_or_else(unreadable)?)))
}

/// Where the vault keeps a connection's secrets.
pub(crate) fn slot(who: &Principal) -> Slot {
    Slot::Connection {
        key: who.key.clone(),
        connector: who.manifest().name().clone(),
        recipe: who.recipe.clone(),
    }
}

/// Takes the secrets of a record out of what the CRM wrote.
pub(crate) fn told(trouble: Trouble, record: &Record) -> Trouble {
    let mut secrets = Secrets::default();
    let values = record.values();
    for (_, value) in values.iter().filter(|(name, _)| is_secret(name)) {
        secrets.add(value);
    }
    // What is too long to be looked for is not passed on in part either.
    let redactor = Redactor::new(&secrets).ok();
    trouble.cleaned(|text| match &redactor {
        Some(redactor) => *text = redactor.text(text).text.into_owned(),
        None => text.clear(),
    })
}

/// The vault does not work now, which no connector and no tenant can mend.
pub(crate) fn unusable(who: &Principal, error: &VaultError) -> Trouble {
    let mut cause = std::error::Error::source(error);
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    tracing::error!(connection = %who.key, problem = text, "the vault cannot be used");
    let reason = match error {
        VaultError::Damaged { .. } => Reason::NotConnected,
        _ => Reason::Unavailable,
    };
    Trouble::new(reason).with("vault", "")
}
