//! Connects accounts: what an embedder's connect page, or the command line, has the host do.
//!
//! With an authorization code it takes two steps, between which a person agrees in a browser: [`Host::authorize`] and [`Host::finish`].
//! With any other recipe it takes one, [`Host::connect_account`].
//! What comes of both is kept in the vault, and [`Connected`] says what to make the connection of.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brightsync_core::crm::Timestamp;
use brightsync_core::grant::{Approval, Grant, Proposal};
use brightsync_core::manifest::{Recipe, Source};
use brightsync_core::name::{ConnectorName, RecipeName};
use brightsync_core::origin::ExpandError;
use brightsync_core::recipe::{self, Asked, LearnError, Reason, Trouble};
use brightsync_core::setting::{self, SetBy, Settings};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::connection::{Connection, ConnectionKey};
use crate::connector::Connector;
use crate::credential::{Credential, Secret};
use crate::custody::{self, Broken, Held, Kept, Obtained, Record, Session};
use crate::end::Refused;
use crate::event::Event;
use crate::host::Host;
use crate::principal::Principal;
use crate::vault::{Slot, Vault, VaultError};

/// How long a person has to agree, in milliseconds: ten minutes.
const PATIENCE: Timestamp = 10 * 60 * 1000;

/// How many attempts are kept of each tenant; the oldest goes first.
const OF_A_TENANT: usize = 16;

/// How many attempts are kept in all.
const ATTEMPTS: usize = 10_000;

/// An account that is to be connected.
#[derive(Debug)]
pub struct Connecting {
    /// The connection that it becomes. One of the same name is replaced.
    pub key: ConnectionKey,
    /// Which connector serves it; it has to be loaded.
    pub connector: ConnectorName,
    /// Which of the connector's ways to authenticate.
    pub recipe: RecipeName,
    /// The settings that a person gives. What the CRM tells comes in addition.
    pub settings: BTreeMap<String, String>,
    /// The fields of the recipe, but those that are set for all (see [`Host::set_application`]).
    pub fields: Vec<(String, Secret)>,
    /// What the person who connects has agreed to: the connector's hosts and audiences, with the placeholders that the CRM fills.
    pub approved: Approval,
}

/// Where a person is sent to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorization {
    /// The page.
    pub url: Url,
    /// Comes back with the callback, and names the attempt.
    pub state: String,
    /// When the attempt is forgotten.
    pub expires: Timestamp,
}

/// An account that is connected.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// All settings of the connection, with those that the CRM has told.
    pub settings: BTreeMap<String, String>,
    /// What was granted, in exact addresses.
    pub grant: Grant,
    /// What grant and credential are given to.
    pub approved: Approval,
    /// The credential, which is in the vault.
    pub credential: Credential,
    /// When the session ends, if there is one and that is known. It is renewed before.
    pub expires: Option<Timestamp>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AccountStatus {
    /// It works, as far as is known.
    Connected {
        /// When the session was obtained; none where what was given is sent as it is.
        obtained: Option<Timestamp>,
        /// When it ends, if that is known.
        expires: Option<Timestamp>,
    },
    /// Only a person can mend it.
    NeedsReconnecting(Broken),
    /// There is no credential.
    NotConnected,
}

/// What was wiped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Removed {
    /// The names of the values that were kept. They are gone from the vault.
    pub wiped: Vec<String>,
    /// Whether the CRM took back what it had issued; none, if it takes nothing back.
    pub revoked: Option<bool>,
}

/// Why an account is not connected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host does not do it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What was given does not fit the connector.
    #[error("{0}")]
    Misfit(String),
    /// A setting is wrong.
    #[error("the settings do not fit the connector")]
    Setting(#[from] setting::Error),
    /// The settings make no address.
    #[error("the settings do not fit the connector's hosts")]
    Address(#[from] ExpandError),
    /// The callback belongs to no attempt of this connection: it is too old, was used already, or is somebody else's.
    #[error("there is no such attempt to connect, or it is over; begin again")]
    UnknownAttempt,
    /// The CRM, or the way to it, refuses.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// What the CRM tells does not fit the connector.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// There is nowhere to keep the credential.
    #[error("the host has no vault to keep the credential in; start it with one")]
    NoVault,
    /// The vault does not work.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The attempts in which a person has not agreed yet.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, Attempt>>);

struct Attempt {
    connecting: Connecting,
    verifier: Zeroizing<String>,
    redirect: String,
    expires: Timestamp,
}

impl Host {
    /// Begins to connect an account with an authorization code: answers where to send the person's browser, which comes back to `redirect`.
    ///
    /// The attempt is kept in this host's memory, so that the callback has to come back to the same process, within ten minutes.
    pub async fn authorize(
        &self,
        connecting: Connecting,
        redirect: &str,
    ) -> Result<Authorization, ConnectError> {
        let (who, recipe) = self.principal(&connecting, &BTreeMap::new())?;
        let record = self.begin(&who, &recipe, &connecting).await?;
        let Source::OAuth2(oauth2) = recipe.source() else {
            return Err(no_browser(&recipe));
        };
        let (verifier, state) = (random()?, random()?);
        let texts = who.texts();
        let lookup = |name: &str| custody::value(&record, &texts, name);
        let url = recipe::authorization(
            oauth2,
            &who.settings,
            &lookup,
            redirect,
            &state,
            &recipe::challenge(&verifier),
        )
        .map_err(|problem| ConnectError::Misfit(problem.to_string()))?
        .ok_or_else(|| no_browser(&recipe))?;
        let expires = who.now().saturating_add(PATIENCE);
        let attempt = Attempt {
            connecting,
            verifier,
            redirect: redirect.to_owned(),
            expires,
        };
        self.0.attempts.add(state.to_string(), attempt, who.now());
        Ok(Authorization {
            url,
            state: state.to_string(),
            expires,
        })
    }

    /// Ends what [`Host::authorize`] began, with the query that the browser came back with. An attempt is good for one callback, of the same connection.
    pub async fn finish(
        &self,
        key: &ConnectionKey,
        query: &str,
    ) -> Result<Connected, ConnectError> {
        let state = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "state")
            .map(|(_, value)| value.into_owned());
        let attempt = state
            .as_ref()
            .and_then(|state| self.0.attempts.take(state, key, (self.0.clock)()));
        let (Some(state), Some(attempt)) = (state, attempt) else {
            return Err(ConnectError::UnknownAttempt);
        };
        let Attempt {
            connecting,
            verifier,
            redirect,
            ..
        } = attempt;
        let (who, recipe) = self.principal(&connecting, &BTreeMap::new())?;
        let callback = recipe::callback(&recipe, query, &state)?;
        let learned = recipe::from_callback(who.manifest(), &recipe, &callback.parameters)?;
        let asked = Asked::Code {
            code: &callback.code,
            verifier: &verifier,
            redirect: &redirect,
        };
        self.complete(connecting, learned, Some(asked)).await
    }

    /// Connects an account with a recipe that needs no browser: asks for a session, where there is one, and keeps what was given.
    pub async fn connect_account(&self, connecting: Connecting) -> Result<Connected, ConnectError> {
        let (_, recipe) = self.principal(&connecting, &BTreeMap::new())?;
        if recipe.needs_browser() {
            let what = format!("{} needs a browser", recipe.title());
            return Err(ConnectError::Misfit(what));
        }
        self.complete(connecting, BTreeMap::new(), None).await
    }

    /// Keeps fields of a recipe for all connections: the id and the secret of the application that the operator has registered at the CRM.
    pub async fn set_application(
        &self,
        connector: ConnectorName,
        recipe: RecipeName,
        fields: impl IntoIterator<Item = (String, Secret)>,
    ) -> Result<(), ConnectError> {
        let vault = self.vault()?;
        let fields = fields.into_iter().collect();
        let slot = Slot::Application { connector, recipe };
        put(vault, &slot, &Record::given(&fields)).await?;
        Ok(())
    }

    async fn complete(
        &self,
        connecting: Connecting,
        mut learned: BTreeMap<String, String>,
        asked: Option<Asked<'_>>,
    ) -> Result<Connected, ConnectError> {
        let vault = self.vault()?;
        let (mut who, recipe) = self.principal(&connecting, &learned)?;
        let mut record = self.begin(&who, &recipe, &connecting).await?;
        let obtained = match (recipe.source(), asked) {
            (Source::Given, _) => None,
            (Source::OAuth2(oauth2), Some(asked)) => {
                Some(custody::token(&who, &record, oauth2, asked).await)
            }
            (Source::OAuth2(_) | Source::Login(_), _) => {
                Some(custody::renewed(&who, &record).await)
            }
        };
        if let Some(obtained) = obtained {
            let Obtained { issued, answer } =
                obtained.map_err(|it| custody::told(it.trouble, &record))?;
            record.session = Some(Session::of(issued, None, who.now()));
            let told = recipe::from_answer(who.manifest(), &recipe, SetBy::TokenAnswer, &answer);
            learned.extend(self.or_give_back(&who, &record, told).await?);
            let known = self.principal(&connecting, &learned);
            who = self.or_give_back(&who, &record, known).await?.0;
        }
        let identified = custody::identified(&who, &record).await;
        let identified = identified.map_err(|it| custody::told(it.trouble, &record));
        if let Some(answer) = self.or_give_back(&who, &record, identified).await? {
            let told = recipe::from_answer(who.manifest(), &recipe, SetBy::Identify, &answer);
            learned.extend(self.or_give_back(&who, &record, told).await?);
        }
        let mut settings = connecting.settings.clone();
        settings.extend(learned);
        let checked = Settings::check(who.manifest(), settings.clone());
        let checked = self.or_give_back(&who, &record, checked).await?;
        let proposal = Proposal::of(who.manifest(), &checked, Some(&connecting.recipe))?;
        put(vault, &custody::slot(&who), &record).await?;
        self.0.custodies.connected(&who);
        self.0.tell(&who, Event::Connected);
        Ok(Connected {
            settings,
            grant: proposal.into_grant_after_consent(),
            approved: connecting.approved,
            credential: Credential::in_vault(connecting.recipe),
            expires: record.session.and_then(|it| it.expires),
        })
    }

    /// Gives back what was issued, if the account is not connected after all.
    async fn or_give_back<T, E: Into<ConnectError>>(
        &self,
        who: &Principal,
        record: &Record,
        result: Result<T, E>,
    ) -> Result<T, ConnectError> {
        if result.is_err()
            && let Err(it) = custody::revoked(who, record).await
        {
            let trouble = it.trouble;
            tracing::warn!(connection = %who.key, %trouble, "what was issued could not be given back");
        }
        result.map_err(Into::into)
    }

    /// What is known before anything was asked: what was given, with what the operator has set for all.
    async fn begin(
        &self,
        who: &Principal,
        recipe: &Recipe,
        connecting: &Connecting,
    ) -> Result<Record, ConnectError> {
        let mut record = Record::default();
        for (name, secret) in &connecting.fields {
            if !recipe.fields().iter().any(|it| it.as_str() == name) {
                let what = format!("{} has no field {name:?}", recipe.title());
                return Err(ConnectError::Misfit(what));
            }
            record.fields.insert(name.clone(), Kept::from(secret));
        }
        custody::complete(who, &mut record).await?;
        let mut fields = recipe.fields().iter();
        if let Some(missing) = fields.find(|it| record.value(it.as_str()).is_none()) {
            let what = format!("{} needs the field {missing}; give it", recipe.title());
            return Err(ConnectError::Misfit(what));
        }
        Ok(record)
    }

    /// The connection as it will be, as far as its settings are known.
    fn principal(
        &self,
        connecting: &Connecting,
        learned: &BTreeMap<String, String>,
    ) -> Result<(Principal, Recipe), ConnectError> {
        let shared = &self.0;
        if let Some(what) = shared.suspended(&connecting.key, &connecting.connector) {
            return Err(Refused::Suspended(what).into());
        }
        let versions = &shared.versions;
        let connector: Arc<Connector> =
            versions.approved(&connecting.connector, &connecting.approved)?;
        let manifest = connector.manifest();
        let Some(recipe) = manifest.recipes().get(&connecting.recipe).cloned() else {
            let what = format!(
                "{} has no way to authenticate that is called {}",
                connecting.connector, connecting.recipe
            );
            return Err(ConnectError::Misfit(what));
        };
        let mut given = connecting.settings.clone();
        given.extend(learned.clone());
        let settings = Settings::so_far(manifest, given)?;
        let proposal = Proposal::of(manifest, &settings, Some(&connecting.recipe))?;
        let who = Principal {
            shared: shared.clone(),
            key: connecting.key.clone(),
            revision: shared.revision(),
            settings,
            grant: proposal.into_grant_after_consent(),
            recipe: connecting.recipe.clone(),
            call: None,
            connector,
        };
        Ok((who, recipe))
    }

    fn vault(&self) -> Result<&Vault, ConnectError> {
        self.0.vault.as_ref().ok_or(ConnectError::NoVault)
    }
}

impl Connection {
    /// How the account stands, by what the vault has of it.
    pub async fn account(&self) -> Result<AccountStatus, ConnectError> {
        let Some(held) = self.look().await? else {
            return Ok(AccountStatus::NotConnected);
        };
        Ok(match held.broken() {
            Some(broken) => AccountStatus::NeedsReconnecting(broken.clone()),
            None => {
                let session = held.record().session.as_ref();
                AccountStatus::Connected {
                    obtained: session.map(|it| it.obtained),
                    expires: session.and_then(|it| it.expires),
                }
            }
        })
    }

    /// The names of the values that the vault keeps of the connection, which are none if there is no account.
    pub async fn kept(&self) -> Result<Vec<String>, ConnectError> {
        let held = self.look().await?;
        Ok(held.map_or_else(Vec::new, |it| {
            it.record().own().map(str::to_owned).collect()
        }))
    }

    /// What the vault has of the account now, if there is one.
    async fn look(&self) -> Result<Option<Arc<Held>>, ConnectError> {
        let Some((who, custody)) = self.custody()? else {
            return Ok(None);
        };
        match custody.look(&who).await {
            Ok(held) => Ok(Some(held)),
            Err(trouble) if trouble.reason() == Reason::NotConnected => Ok(None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Disconnects the account: gives back to the CRM what it has issued, wipes the secrets from the vault, and forgets what the host keeps of the connection.
    ///
    /// That the CRM takes nothing back, or cannot be reached, keeps nothing from being wiped.
    pub async fn remove_account(&self) -> Result<Removed, ConnectError> {
        let mut removed = Removed {
            wiped: Vec::new(),
            revoked: None,
        };
        if let Some((who, custody)) = self.custody()? {
            if let Ok(held) = custody.look(&who).await {
                removed.wiped = held.record().own().map(str::to_owned).collect();
                removed.revoked = match custody::revoked(&who, held.record()).await {
                    Ok(true) => Some(true),
                    Ok(false) => None,
                    Err(_) => Some(false),
                };
            }
            if let Some(vault) = &self.shared.vault {
                vault.remove(&custody::slot(&who)).await?;
            }
            custody.forget();
            self.shared.tell(&who, Event::Removed);
        }
        Host(self.shared.clone()).disconnect(self.key());
        Ok(removed)
    }

    fn custody(&self) -> Result<Option<(Principal, &Arc<custody::Custody>)>, ConnectError> {
        let (Some(custody), Some(credential)) = (&self.link.custody, &self.link.options.credential)
        else {
            return Ok(None);
        };
        let connector = self.shared.connector(&self.link)?;
        let settings = Settings::so_far(connector.manifest(), self.link.options.settings.clone())?;
        let recipe = credential.recipe();
        let who = Principal::new(
            &self.shared,
            &self.link,
            &connector,
            &settings,
            recipe,
            None,
        );
        Ok(Some((who, custody)))
    }
}

impl Attempts {
    fn add(&self, state: String, attempt: Attempt, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, it| now < it.expires);
        let tenant = attempt.connecting.key.tenant().to_owned();
        let of_it = |it: &Attempt| it.connecting.key.tenant() == tenant;
        let crowd = all.values().filter(|it| of_it(it)).count();
        let oldest = if OF_A_TENANT <= crowd {
            all.iter()
                .filter(|(_, it)| of_it(it))
                .min_by_key(|(_, it)| it.expires)
        } else if ATTEMPTS <= all.len() {
            all.iter().min_by_key(|(_, it)| it.expires)
        } else {
            None
        };
        if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
            all.remove(&oldest);
        }
        all.insert(state, attempt);
    }

    /// Takes an attempt of this connection out. Somebody else's stays where it is.
    fn take(&self, state: &str, key: &ConnectionKey, now: Timestamp) -> Option<Attempt> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(state)?.connecting.key != *key {
            return None;
        }
        all.remove(state).filter(|it| now < it.expires)
    }
}

/// Writes a record in place of whatever is there.
async fn put(vault: &Vault, slot: &Slot, record: &Record) -> Result<(), VaultError> {
    let plain = record.write();
    loop {
        let version = vault.read(slot).await.ok().flatten().map(|it| it.version);
        if vault.write(slot, version, &plain).await?.is_some() {
            return Ok(());
        }
    }
}

fn no_browser(recipe: &Recipe) -> ConnectError {
    ConnectError::Misfit(format!("{} needs no browser", recipe.title()))
}

/// A text of 256 random bits, which nobody guesses (RFC 7636, section 7.1; RFC 6749, section 10.10).
fn random() -> Result<Zeroizing<String>, ConnectError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(VaultError::Random)?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}
