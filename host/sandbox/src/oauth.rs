//! An authorization server: clients get tokens from it that stand for people, or for themselves.
//!
#![doc = include_str!("oauth/README.md")]

mod assertion;
mod authenticate;
mod authorize;
mod client;
mod consent;
pub(crate) mod form;
mod introspect;
mod key;
mod ledger;
mod metadata;
pub(crate) mod person;
mod refusal;
mod register;
mod revoke;
mod scope;
mod token;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};

use crate::bounded::Bounded;
use crate::options::Options;
use crate::server::App;
pub use client::{Client, ClientAuthentication, Grant, Registered, RegistrationError};
use consent::Pending;
pub use ledger::Counts;
use ledger::Ledger;
pub use person::PersonError;
pub use scope::{NoSuchScope, Scopes};

/// The most pages that may wait for a person.
const PAGES: usize = 1000;

/// The state of the authorization server.
pub(crate) struct Oauth {
    pub(crate) access_lifetime: Duration,
    pub(crate) refresh_lifetime: Option<Duration>,
    ledger: Mutex<Ledger>,
    pages: Mutex<Bounded<String, Pending>>,
}

/// What an access token is worth.
pub(crate) struct Worth {
    pub(crate) user: Option<String>,
    pub(crate) scopes: Scopes,
    pub(crate) token_type: String,
}

/// Why a token is worth nothing.
pub(crate) struct Worthless {
    /// The type of a token that exists.
    pub(crate) token_type: Option<String>,
    pub(crate) why: &'static str,
}

impl Oauth {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            access_lifetime: options.access_lifetime,
            refresh_lifetime: options.refresh_lifetime,
            ledger: Mutex::new(Ledger::new()),
            pages: Mutex::new(Bounded::new(PAGES)),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.with(|it| it.counts)
    }

    /// Returns what a token is worth that came with a scheme.
    pub(crate) fn worth(&self, scheme: &str, token: &str, now: i64) -> Result<Worth, Worthless> {
        self.with(|ledger| {
            let access = ledger.access.get(&token.to_owned());
            let found = access.and_then(|it| Some((it, ledger.any_family(it.family)?)));
            let Some((access, family)) = found else {
                return Err(Worthless {
                    token_type: None,
                    why: "there is no such token",
                });
            };
            let token_type = family.client.client.token_type.clone();
            let why = if !token_type.eq_ignore_ascii_case(scheme) {
                "the token was issued for another scheme"
            } else if access.revoked || family.revoked {
                "the token is revoked"
            } else if access.expires <= now {
                "the token has expired"
            } else {
                return Ok(Worth {
                    user: family.user.clone(),
                    scopes: access.scopes,
                    token_type,
                });
            };
            let token_type = Some(token_type);
            Err(Worthless { token_type, why })
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        act(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl App {
    /// Registers a client.
    pub(crate) fn register(&self, client: Client) -> Result<Registered, RegistrationError> {
        let keys = client.check()?;
        // A secret has characters that need encoding, so a client that forgets it is found here.
        let secret = match client.authentication {
            ClientAuthentication::None => None,
            ClientAuthentication::ClientSecretBasic | ClientAuthentication::ClientSecretPost => {
                Some(format!("{}+/=", self.secrets.make("secret")))
            }
        };
        let registered = Registered {
            id: self.secrets.make("client"),
            secret,
            client,
            keys,
        };
        self.oauth.with(|it| {
            let shared = Arc::new(registered.clone());
            it.clients.insert(registered.id.clone(), shared)
        });
        Ok(registered)
    }

    fn pages<T>(&self, act: impl FnOnce(&mut Bounded<String, Pending>) -> T) -> T {
        let pages = &self.oauth.pages;
        act(&mut pages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/oauth/authorize", get(consent::ask).post(consent::decide))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/oauth/introspect", post(introspect::introspect))
        .route("/oauth/register", post(register::register))
        .route(
            "/.well-known/oauth-authorization-server",
            get(metadata::metadata),
        )
}
