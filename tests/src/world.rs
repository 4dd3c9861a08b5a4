//! A host with connectors and connections, as an embedder would set it up.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use brightsync_attacks::manifest::manifest;
use brightsync_core::breaker;
use brightsync_core::component::embed;
use brightsync_core::crm::page::PageRequest;
use brightsync_core::grant::{Approval, CarveOut, Grant};
use brightsync_core::manifest::Manifest;
use brightsync_core::origin::{Origin, Scheme};
use brightsync_core::retry;
use brightsync_runtime::{
    Builder, Connection, ConnectionKey, ConnectionOptions, Credential, Host, LoadError, Loaded,
    Report, Resolve, Secret,
};
use futures::future::BoxFuture;
use serde_json::Value;

use crate::server::Server;

/// Repeats are as by default, but without a wait of the host's own: nothing here is better later.
pub const AT_ONCE: retry::Options = retry::Options {
    repeats: 2,
    repeats_per_call: 10,
    repeats_per_tenant: 20,
    back_off: Duration::ZERO,
    longest_back_off: Duration::ZERO,
    breaker: breaker::Options {
        failures: 5,
        wait: Duration::from_secs(5),
        longest_wait: Duration::from_secs(60),
    },
};

/// The name of a server that is known by a name only.
pub const NAME: &str = "crm.internal";

/// A host, and the reports of all its calls.
pub struct World {
    /// The host.
    pub host: Host,
    reports: Arc<Mutex<Vec<Report>>>,
}

/// A resolver that answers every name with the same addresses, and no name where it has none.
pub struct Names(pub Vec<IpAddr>);

/// What one tenant has: an account in a CRM, and what it grants.
#[derive(Default)]
pub struct Account {
    /// The connection's settings.
    pub settings: BTreeMap<String, String>,
    /// What the tenant grants.
    pub grant: Grant,
    /// What grant and credential are given to; none stands for the newest version that is loaded.
    pub approved: Option<Approval>,
    /// The credential.
    pub credential: Option<Credential>,
    /// What the operator lets it reach.
    pub carve_outs: Vec<CarveOut>,
    /// The CRM organisation whose limits it shares.
    pub organisation: Option<String>,
}

impl World {
    /// A host with everything as it is by default, but few places for calls.
    pub fn new() -> Self {
        Self::with(|it| it)
    }

    /// A host that is set up otherwise.
    ///
    /// Compiled guests are kept in Cargo's target folder, since compiling is what takes time here.
    pub fn with(set_up: impl FnOnce(Builder) -> Builder) -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let written = reports.clone();
        let builder = Host::builder()
            .slots(4)
            .retries(AT_ONCE)
            .resolver(Names(Vec::new()))
            .data_dir(Path::new(env!("OUT_DIR")).join("data"))
            .on_call(move |report: &Report| {
                let mut reports = written.lock().unwrap_or_else(PoisonError::into_inner);
                reports.push(report.clone());
            });
        let host = set_up(builder).build().unwrap();
        Self { host, reports }
    }

    /// Loads a guest with the manifest that fits every guest.
    pub async fn load(&self, guest: &str) -> Loaded {
        self.load_with(guest, &manifest(name(guest))).await.unwrap()
    }

    /// Loads a guest with a manifest of the test's own.
    pub async fn load_with(&self, guest: &str, manifest: &str) -> Result<Loaded, LoadError> {
        self.host.load(with_manifest(guest, manifest)).await
    }

    /// Connects a tenant's account with a guest that is loaded.
    pub fn connect(&self, tenant: &str, guest: &str, account: Account) -> Connection {
        let key = ConnectionKey::new(tenant, "crm").unwrap();
        let approved = account.approved.unwrap_or_else(|| self.newest(name(guest)));
        for carve_out in account.carve_outs {
            self.host.carve_out(key.clone(), carve_out);
        }
        self.host.connect(
            key,
            ConnectionOptions {
                connector: name(guest).parse().unwrap(),
                settings: account.settings,
                wanted_fields: BTreeMap::new(),
                credential: account.credential,
                grant: account.grant,
                approved,
                organisation: account.organisation,
            },
        )
    }

    /// What an account approves that is connected now: the newest version, or what a guest asks for that is not loaded yet.
    fn newest(&self, name: &str) -> Approval {
        let loaded = self.host.connectors();
        let newest = loaded
            .iter()
            .rev()
            .filter_map(|it| it.manifest())
            .find(|it| it.name().as_str() == name);
        match newest {
            Some(manifest) => Approval::after_consent_to(manifest),
            None => approval(name),
        }
    }

    /// Loads a guest and connects `acme` with it.
    pub async fn open(&self, guest: &str, account: Account) -> Connection {
        self.load(guest).await;
        self.connect("acme", guest, account)
    }

    /// The reports of all calls that have ended.
    pub fn reports(&self) -> Vec<Report> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.clone()
    }

    /// All calls that have ended, as text.
    pub fn story(&self) -> String {
        crate::story::tell(&self.reports())
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let answer = match self.0.as_slice() {
            [] => Err(format!("no test knows the name {name}")),
            addresses => Ok(addresses.to_vec()),
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// An account in no CRM at all, for guests that make no request.
    pub fn nowhere() -> Self {
        Self::default().set("site", "https://crm.example.com")
    }

    /// An account at a server: it is granted as a host and as an audience, and the operator lets it be reached.
    pub fn at(server: &Server) -> Self {
        Self::at_address(server.address())
    }

    /// An account at a server on this machine, likewise.
    pub fn at_address(address: SocketAddr) -> Self {
        let origin = format!("http://{address}");
        Self::default()
            .set("site", &origin)
            .grant(&origin)
            .trust(&origin)
            .reach_address(address)
    }

    /// The account with a setting.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The account with one more host granted.
    pub fn grant(mut self, origin: &str) -> Self {
        self.grant.hosts.insert(origin.parse().unwrap());
        self
    }

    /// The account with a grant of its own making, in TOML.
    pub fn granted(mut self, grant: &str) -> Self {
        self.grant = toml::from_str(grant).unwrap();
        self
    }

    /// The account with one more place that the credential may go to.
    pub fn trust(mut self, origin: &str) -> Self {
        self.grant.audience.insert(origin.parse().unwrap());
        self
    }

    /// The account with the operator's leave to reach a server on this machine.
    pub fn reach(self, server: &Server) -> Self {
        self.reach_address(server.address())
    }

    fn reach_address(mut self, address: SocketAddr) -> Self {
        let (ip, port) = (address.ip(), address.port());
        let carve_out = CarveOut::new(Scheme::Http, &ip.to_string(), ip, port).unwrap();
        self.carve_outs.push(carve_out);
        self
    }

    /// An account at a server that is known by a name only, [`NAME`], which a resolver has to answer.
    pub fn named(server: &Server) -> Self {
        let (ip, port) = (server.address().ip(), server.address().port());
        let origin = format!("http://{NAME}:{port}");
        let mut account = Self::default()
            .set("site", &origin)
            .grant(&origin)
            .trust(&origin);
        let carve_out = CarveOut::new(Scheme::Http, NAME, ip, port).unwrap();
        account.carve_outs.push(carve_out);
        account
    }

    /// The account as one of a CRM organisation that shares its limits.
    pub fn member_of(mut self, organisation: &str) -> Self {
        self.organisation = Some(organisation.to_owned());
        self
    }

    /// The account with a credential for one of the manifest's recipes: `bearer`, `basic`, `key` or `parameter`.
    pub fn credential(mut self, recipe: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        self.credential = Some(Credential::new(recipe.parse().unwrap(), fields));
        self
    }

    /// The account with a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.credential("bearer", &[("token", token)])
    }
}

/// The origin of a server as grants have it.
pub fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

/// The name of a guest, which is that of its connector, too.
pub fn name(guest: &str) -> &str {
    let stem = Path::new(guest).file_stem().and_then(|it| it.to_str());
    stem.expect("a guest is a file with a name")
}

/// The approval of what every guest asks for.
pub fn approval(name: &str) -> Approval {
    Approval::after_consent_to(&Manifest::parse(&manifest(name)).unwrap())
}

/// The bytes of a guest, without a manifest.
pub fn bytes(guest: &str) -> Vec<u8> {
    std::fs::read(guest).unwrap()
}

/// The bytes of a guest with a manifest in it.
pub fn with_manifest(guest: &str, manifest: &str) -> Vec<u8> {
    embed(&bytes(guest), manifest).unwrap()
}

/// The manifest of the guest `small`, which is a connector to the sandbox CRM.
pub const SMALL: &str = include_str!("../guests/examples/small.toml");

/// Has the guest `asker` make requests one after the other, and answers what it tells of each.
pub async fn ask(connection: &Connection, orders: &[Value]) -> Value {
    let page = PageRequest {
        extra: [("orders".to_owned(), Value::from(orders.to_vec()))].into(),
        ..PageRequest::default()
    };
    let page = connection.get_users(page).await.unwrap();
    page.end.extra.get("answers").cloned().unwrap()
}
