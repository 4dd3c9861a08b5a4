//! Every way in that the sandbox CRM has, as a manifest describes it, and a host with a vault whose time a test sets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use brightsync_core::grant::Approval;
use brightsync_core::manifest::Manifest;
use brightsync_runtime::{
    Authorization, ConnectError, Connected, Connecting, Connection, ConnectionKey,
    ConnectionOptions, Credential, CredentialEvent, Event, Secret, Vault,
};
use brightsync_sandbox::{Client, ClientAuthentication, Grant, Options, Registered, Server};
use serde_json::{Value, json};

use crate::guest;
use crate::world::{Account, World, ask, manifest};

/// The recipes, to be put behind the manifest that fits every guest.
pub const RECIPES: &str = include_str!("ways.toml");

/// A time that stands still until it is moved.
#[derive(Clone)]
pub struct Time(Arc<AtomicI64>);

/// The sandbox CRM and a host with a vault, both by the same time.
pub struct Ways {
    /// The CRM.
    pub crm: Arc<Server>,
    /// The host, with the guest `asker` loaded.
    pub world: World,
    /// What time it is for both.
    pub time: Time,
    /// The host's vault.
    pub vault: Vault,
    events: Arc<Mutex<Vec<CredentialEvent>>>,
}

impl Time {
    /// Begins at a fixed time.
    pub fn new() -> Self {
        Self::at(1_790_000_000_000)
    }

    /// Begins at a time.
    pub fn at(milliseconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(milliseconds)))
    }

    /// Goes on by so many seconds.
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// What time it is.
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::new()
    }
}

/// The manifest of the guest `asker` with all ways in.
pub fn described() -> String {
    manifest("asker") + RECIPES
}

impl Ways {
    /// Starts both.
    pub async fn open() -> Self {
        let time = Time::new();
        let told = time.clone();
        let options = Options {
            clock: brightsync_sandbox::Clock::new(move || told.now()),
            ..Options::empty(1, 2)
        };
        let crm = Arc::new(Server::start(options).await.unwrap());
        Self::on(crm, time, Vault::in_memory().unwrap()).await
    }

    /// Starts another host beside one, at the same CRM and on the same vault.
    pub async fn beside(other: &Self) -> Self {
        Self::on(other.crm.clone(), other.time.clone(), other.vault.clone()).await
    }

    /// Starts a host at a CRM and on a vault.
    pub async fn on(crm: Arc<Server>, time: Time, vault: Vault) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let (kept, told, written) = (vault.clone(), time.clone(), events.clone());
        let world = World::with(|it| {
            it.vault(kept)
                .clock(move || told.now())
                .on_credential(move |event| {
                    let mut events = written.lock().unwrap_or_else(PoisonError::into_inner);
                    events.push(event.clone());
                })
        });
        world.load_with(guest::ASKER, &described()).await.unwrap();
        Self {
            crm,
            world,
            time,
            vault,
            events,
        }
    }

    /// Registers a client that may do everything, changed by the test.
    pub fn client(&self, change: impl FnOnce(&mut Client)) -> Registered {
        let mut client = Client {
            name: "BrightSync".to_owned(),
            redirect_uris: vec![REDIRECT.to_owned()],
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
            authentication: ClientAuthentication::ClientSecretPost,
            ..Client::default()
        };
        change(&mut client);
        self.crm.register(client).unwrap()
    }

    /// What is to be connected, with a recipe and its fields.
    pub fn connecting(&self, recipe: &str, fields: &[(&str, &str)]) -> Connecting {
        let key = ConnectionKey::new("acme", "crm").unwrap();
        for carve_out in Account::at_address(self.crm.address()).carve_outs {
            self.world.host.carve_out(key.clone(), carve_out);
        }
        let secret =
            |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).to_owned()));
        Connecting {
            key,
            connector: "asker".parse().unwrap(),
            recipe: recipe.parse().unwrap(),
            settings: [("site".to_owned(), self.crm.url().to_owned())].into(),
            fields: fields.iter().map(secret).collect(),
            approved: Approval::after_consent_to(&Manifest::parse(&described()).unwrap()),
        }
    }

    /// Begins with an authorization code.
    pub async fn begin(&self, recipe: &str, client: &Registered) -> Authorization {
        let secret = client.secret.clone().unwrap_or_default();
        let mut fields = vec![("client-id", client.id.as_str())];
        if client.secret.is_some() {
            fields.push(("client-secret", &secret));
        }
        let connecting = self.connecting(recipe, &fields);
        self.world
            .host
            .authorize(connecting, REDIRECT)
            .await
            .unwrap()
    }

    /// Ends it with what the browser was sent back to.
    pub async fn finish(&self, sent_to: &str) -> Result<Connected, ConnectError> {
        let key = ConnectionKey::new("acme", "crm").unwrap();
        let query = sent_to.split_once('?').map_or("", |(_, query)| query);
        self.world.host.finish(&key, query).await
    }

    /// Connects the first user's account with an authorization code, as a person would.
    pub async fn sign_in(&self, recipe: &str, client: &Registered) -> Connection {
        let begun = self.begin(recipe, client).await;
        let login = self.crm.credentials().users.first().unwrap();
        let sent_to = self.crm.allow(begun.url.as_str(), login).await.unwrap();
        self.made(self.finish(&sent_to).await.unwrap())
    }

    /// Connects an account without a browser.
    pub async fn connect(&self, recipe: &str, fields: &[(&str, &str)]) -> Connection {
        let connecting = self.connecting(recipe, fields);
        let connected = self.world.host.connect_account(connecting).await;
        self.made(connected.unwrap())
    }

    /// The connection of a connected account.
    pub fn made(&self, connected: Connected) -> Connection {
        self.world.host.connect(
            ConnectionKey::new("acme", "crm").unwrap(),
            ConnectionOptions {
                connector: "asker".parse().unwrap(),
                settings: connected.settings,
                wanted_fields: Default::default(),
                credential: Some(connected.credential),
                grant: connected.grant,
                approved: connected.approved,
                organisation: None,
            },
        )
    }

    /// The connection that another host has made, in this one.
    pub fn same(&self) -> Connection {
        connection(&self.world, self.crm.url())
    }

    /// The events so far.
    pub fn told(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|it| it.event.clone()).collect()
    }

    /// The events so far, as text.
    pub fn events(&self) -> Vec<&'static str> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|it| it.event.name()).collect()
    }
}

/// The connection of `acme` to a CRM, whose credential is in the vault.
pub fn connection(world: &World, site: &str) -> Connection {
    let key = ConnectionKey::new("acme", "crm").unwrap();
    let address = site.strip_prefix("http://").unwrap().parse().unwrap();
    let account = Account::at_address(address);
    for carve_out in account.carve_outs {
        world.host.carve_out(key.clone(), carve_out);
    }
    world.host.connect(
        key,
        ConnectionOptions {
            connector: "asker".parse().unwrap(),
            settings: account.settings,
            wanted_fields: Default::default(),
            credential: Some(Credential::in_vault("plain-code".parse().unwrap())),
            grant: account.grant,
            approved: Approval::after_consent_to(&Manifest::parse(&described()).unwrap()),
            organisation: None,
        },
    )
}

/// The time of this machine's clock, and so many milliseconds more.
pub fn ahead(milliseconds: i64) -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap().as_millis()).unwrap() + milliseconds
}

/// Where a browser comes back to, in tests that play it.
pub const REDIRECT: &str = "http://127.0.0.1:7/callback";

/// Asks the CRM who is connected: the status, and the user's address.
pub async fn who(connection: &Connection) -> String {
    let told = ask(connection, &[json!({"url": "users/me"})]).await;
    shown(told.get(0).unwrap())
}

/// Changes something at the CRM, and answers the status.
pub async fn write(connection: &Connection) -> String {
    static MADE: AtomicI64 = AtomicI64::new(0);
    let name = format!("Account {}", MADE.fetch_add(1, Ordering::Relaxed));
    let body = json!({ "name": name }).to_string();
    let order =
        json!({"method": "POST", "url": "accounts", "media": "application/json", "body": body});
    let told = ask(connection, &[order]).await;
    told.pointer("/0/status").unwrap().to_string()
}

fn shown(told: &Value) -> String {
    let text = |json: &Value, pointer: &str| {
        let text = json.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let Some(status) = told.get("status").and_then(Value::as_u64) else {
        return text(told, "/message").unwrap_or_default();
    };
    let body: Value =
        serde_json::from_str(&text(told, "/body").unwrap_or_default()).unwrap_or_default();
    let user = text(&body, "/user/emails/0").or_else(|| text(&body, "/error/code"));
    format!("{status} {}", user.as_deref().unwrap_or("nobody"))
}
