//! The embedder's way in: a host, the connectors that it has loaded, and the connections that they serve.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use brightsync_core::address::Nat64;
use brightsync_core::component::Inspection;
use brightsync_core::crm::Timestamp;
use brightsync_core::grant::{CarveOut, Ceiling};
use brightsync_core::manifest::{Difference, Manifest};
use brightsync_core::name::ConnectorName;
use brightsync_core::public_mail::PublicMail;
use brightsync_core::quota::Priority;
use brightsync_core::retry;
use brightsync_core::rule::Rule;
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::audit::{Audit, AuditLine};
use crate::broker::{Broker, Quota, Resolve, Sockets, SystemResolver, TlsError};
use crate::compile::{Compiler, Digest, OpenError, Store, Worker};
use crate::connecting::Attempts;
use crate::connection::{Connection, ConnectionKey, ConnectionOptions, Link};
use crate::connector::{Connector, LoadError, Source};
use crate::custody::Custodies;
use crate::end::Refused;
use crate::event::{CredentialEvent, Listener};
use crate::limits::Limits;
use crate::metrics::{Metrics, Standing};
use crate::report::{Observer, Report};
use crate::slots::Slots;
use crate::state::{MemoryState, StateStore};
use crate::store::Running;
use crate::vault::Vault;
use crate::versions::{Before, Versions};
use crate::{engine, store};

/// Loads connectors and runs their calls. Cheap to clone; all clones are one host.
#[derive(Clone)]
pub struct Host(pub(crate) Arc<Shared>);

/// What all calls of a host share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) broker: Broker,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) clock: Clock,
    pub(crate) observer: Option<Observer>,
    pub(crate) audit: Audit,
    pub(crate) metrics: Metrics,
    pub(crate) public_mail: PublicMail,
    pub(crate) slots: Slots,
    pub(crate) closing: AtomicBool,
    linker: Linker<Running>,
    compiler: Compiler,
    pub(crate) versions: Versions,
    pub(crate) vault: Option<Vault>,
    pub(crate) listener: Option<Listener>,
    /// Held for reading by each renewal that is under way.
    pub(crate) renewals: Arc<tokio::sync::RwLock<()>>,
    pub(crate) attempts: Attempts,
    pub(crate) custodies: Custodies,
    suspended: RwLock<HashMap<Suspension, &'static str>>,
    revisions: AtomicU64,
}

/// How long a call waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);

/// Milliseconds since the Unix epoch.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What an operator takes out of service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Suspension {
    /// A connector, for everybody.
    Connector(ConnectorName),
    /// A tenant, with all its connections.
    Tenant(String),
    /// One connection.
    Connection(ConnectionKey),
}

/// A connector as it was loaded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What was seen of it.
    pub inspection: Inspection,
    /// The SHA-256 of the component.
    pub digest: Digest,
    /// The digest of the version that it has replaced, which asked for the same.
    pub replaced: Option<Digest>,
    /// How what it asks for differs from what the newest version until now asks for; none if it does not. Connections that were made before are served by it once they have approved it (see [`Connection::approve`]).
    pub difference: Option<Difference>,
}

/// Sets up a host. Every setting has a safe default.
pub struct Builder {
    data: Option<PathBuf>,
    worker: Option<Worker>,
    limits: Limits,
    retries: retry::Options,
    slots: u32,
    sockets: Sockets,
    ceiling: Ceiling,
    nat64: Vec<Nat64>,
    resolver: Arc<dyn Resolve>,
    state: Arc<dyn StateStore>,
    clock: Clock,
    observer: Option<Observer>,
    audit: Audit,
    public_mail: PublicMail,
    vault: Option<Vault>,
    listener: Option<Listener>,
}

/// A host that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The engine does not start.
    #[error("the engine does not start; with little address space, fewer slots may help: {0}")]
    Engine(String),
    /// The store of compiled code cannot be used.
    #[error(transparent)]
    Compiled(#[from] OpenError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Host {
    /// Begins to set up a host.
    pub fn builder() -> Builder {
        Builder {
            data: None,
            worker: None,
            limits: Limits::default(),
            retries: retry::Options::default(),
            slots: 100,
            sockets: Sockets::of_this_process(),
            ceiling: Ceiling::any(),
            nat64: Vec::new(),
            resolver: Arc::new(SystemResolver::default()),
            state: Arc::new(MemoryState::default()),
            clock: Arc::new(now),
            observer: None,
            audit: Audit::default(),
            public_mail: PublicMail::default(),
            vault: None,
            listener: None,
        }
    }

    /// Loads a connector, or a new version of one.
    ///
    /// From then on new calls run on it; calls in flight end on the version that they began with.
    /// If it asks for something else than the version before, or comes from another publisher, it serves those connections only that were approved for it, and the version before serves on.
    /// If it cannot be loaded, nothing changes.
    pub async fn load(&self, source: impl Into<Source>) -> Result<Loaded, LoadError> {
        let shared = &self.0;
        if shared.closing.load(Ordering::Acquire) {
            return Err(LoadError::ShuttingDown);
        }
        let connector = Connector::load(
            source.into(),
            &shared.engine,
            &shared.linker,
            &shared.compiler,
        )
        .await?;
        let manifest = connector.manifest().clone();
        let inspection = connector.inspection().clone();
        let digest = connector.digest();
        tracing::info!(connector = %manifest.name(), version = %connector.manifest().version(), %digest, "connector loaded");
        let Before { newest, replaced } = shared.versions.insert(connector);
        let difference = newest.map(|it| Difference::between(it.manifest(), &manifest));
        let difference = difference.filter(|it| !it.is_none());
        if difference.is_some() {
            tracing::warn!(connector = %manifest.name(), %digest, "the version asks for something else than the one before, and waits for approval");
        }
        Ok(Loaded {
            manifest,
            inspection,
            digest,
            replaced: replaced.map(|it| it.digest()),
            difference,
        })
    }

    /// Takes out those versions of a connector that serve on only because newer ones wait for approval; answers how many those were. Connections that they served are refused until they are approved for another.
    pub fn retire(&self, name: &ConnectorName) -> usize {
        self.0.versions.retire(name)
    }

    /// Takes a connector out, with all its versions. Calls in flight end; new ones are refused. Answers whether there was one.
    pub fn unload(&self, name: &ConnectorName) -> bool {
        self.0.versions.remove(name)
    }

    /// The connectors that are loaded; the versions of one that ask for different things are several, the newest of them last.
    pub fn connectors(&self) -> Vec<Inspection> {
        self.0.versions.inspections()
    }

    /// Makes a connection. What does not fit the connector's manifest is told at the first call, since another version may be loaded by then.
    pub fn connect(&self, key: ConnectionKey, options: ConnectionOptions) -> Connection {
        Connection {
            link: Arc::new(Link {
                approved: Mutex::new(options.approved.clone()),
                custody: options.credential.as_ref().map(|credential| {
                    let (all, vault) = (&self.0.custodies, self.0.vault.as_ref());
                    all.of(&key, &options.connector, credential, vault)
                }),
                key,
                options,
                redactor: Default::default(),
                revision: self.0.revision(),
            }),
            shared: self.0.clone(),
            priority: Priority::default(),
        }
    }

    /// Where the CRMs' limits stand: one for each organisation and server that was asked lately.
    pub fn quotas(&self) -> Vec<Quota> {
        self.0.broker.quotas.states()
    }

    /// All metrics, in Prometheus' text format 0.0.4: what the embedder serves where its own metrics are read.
    pub fn metrics(&self) -> String {
        let shared = &self.0;
        let kinds = {
            let suspended = read(&shared.suspended);
            let count = |name| suspended.keys().filter(|it| it.kind() == name).count();
            Suspension::KINDS.map(|name| (name, count(name)))
        };
        let loaded = shared.versions.names().len();
        shared.metrics.text(&Standing {
            slots: shared.slots.standing(),
            breakers: shared.broker.breakers(),
            suspended: kinds,
            quota_waiting: shared.broker.quotas.waiting(),
            loaded,
        })
    }

    /// Forgets what the host keeps of a connection: its state, its carve-outs, its network connections. What was used of the CRM's limits stays used.
    pub fn disconnect(&self, key: &ConnectionKey) {
        self.0.state.clear(key);
        self.0.broker.forget(key);
    }

    /// Lets one connection reach one private address or plain `http` server: the operator's word, never a tenant's or a connector's.
    pub fn carve_out(&self, connection: ConnectionKey, carve_out: CarveOut) {
        self.0.broker.carve_out(connection, carve_out);
    }

    /// Refuses all new calls of a connector, a tenant or a connection, at once.
    pub fn suspend(&self, what: Suspension) {
        self.0.suspend(what, "by an operator");
    }

    /// Takes a suspension back, also one that the host has made itself (see [`Limits::redactions`]).
    pub fn resume(&self, what: &Suspension) {
        if let Suspension::Connection(key) = what {
            self.0.broker.forgive(key);
        }
        write(&self.0.suspended).remove(what);
    }

    /// Refuses new calls, and waits until those in flight have ended.
    pub async fn shut_down(&self) {
        self.0.closing.store(true, Ordering::Release);
        self.0.slots.drain().await;
        // A session that is being issued is stored first.
        let _none_is_under_way = self.0.renewals.write().await;
    }
}

impl Builder {
    /// Where compiled code and the installation's key are kept. Without it, connectors are compiled at every start.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Compiles connectors in a process of their own, under limits: what a host that serves customers does.
    ///
    /// Without it, they are compiled in this process, and one that keeps the compiler busy for ever takes a thread for ever.
    pub fn compile_in(mut self, worker: impl Into<Option<Worker>>) -> Self {
        self.worker = worker.into();
        self
    }

    /// What one call may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What of requests is repeated, how patiently, and when a server that fails is left alone.
    pub fn retries(mut self, options: retry::Options) -> Self {
        self.retries = options;
        self
    }

    /// How many calls run at once; 100 by default. Each reserves some 8 GiB of address space, which costs no memory.
    pub fn slots(mut self, slots: u32) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// How many network connections are open at once. By default that is what the system lets the process open (`RLIMIT_NOFILE`), less some for everything else.
    ///
    /// A third serves requests, of which one tenant has at most half; a third is kept for the next ones; and a third is left for servers that are dialled at two addresses at once.
    pub fn sockets(mut self, sockets: u32) -> Self {
        self.sockets = Sockets::new(sockets);
        self
    }

    /// Which hosts connectors may reach at the most, whatever tenants grant.
    pub fn ceiling(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// The prefixes under which this network's own NAT64 translators reach IPv4, besides the well-known ones: without them, a private address behind a translator looks like a public one.
    pub fn nat64(mut self, prefixes: impl IntoIterator<Item = Nat64>) -> Self {
        self.nat64 = prefixes.into_iter().collect();
        self
    }

    /// Who resolves names. Its answers are checked before they are dialled.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Where connectors keep small values between calls.
    pub fn state(mut self, state: impl StateStore + 'static) -> Self {
        self.state = Arc::new(state);
        self
    }

    /// What time it is.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Is told of every call when it has ended. It must not block; if it panics, that is logged, and the call ends as it would have.
    pub fn on_call(mut self, observer: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Is told of every request, before a secret is in it and before anything leaves: what it writes is the audit.
    ///
    /// It must not block for longer than a line takes to be written. If it answers an error or panics, the request is refused: nothing leaves that is not in the audit.
    pub fn audit(
        mut self,
        sink: impl Fn(&AuditLine) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.audit = Audit::to(sink);
        self
    }

    /// Where credentials are kept. Without it, connections have those that are handed over only, and accounts cannot be connected.
    pub fn vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Is told of what becomes of credentials: connected, refreshed, broken. It must not block; if it panics, that is logged.
    pub fn on_credential(
        mut self,
        listener: impl Fn(&CredentialEvent) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// The public mail domains, for which accounts are never derived from contacts.
    pub fn public_mail(mut self, domains: PublicMail) -> Self {
        self.public_mail = domains;
        self
    }

    /// Starts the host.
    pub fn build(self) -> Result<Host, BuildError> {
        let failed = |problem: wasmtime::Error| BuildError::Engine(format!("{problem:#}"));
        let mut limits = self.limits;
        limits.memory = limits.memory.min(engine::MEMORY_SLOT);
        let engine = engine::start(self.slots).map_err(failed)?;
        let compiled = self
            .data
            .map(|data| Store::open(&data, engine::compatibility(&engine)))
            .transpose()?;
        let metrics = Metrics::new();
        Ok(Host(Arc::new(Shared {
            linker: store::linker(&engine).map_err(failed)?,
            broker: Broker::new(
                self.ceiling,
                self.nat64.into(),
                self.resolver,
                self.retries,
                &limits,
                self.sockets,
            )?,
            compiler: Compiler::new(compiled, self.worker, metrics.jobs()),
            metrics,
            state: self.state,
            clock: self.clock,
            observer: self.observer,
            audit: self.audit,
            public_mail: self.public_mail,
            vault: self.vault,
            listener: self.listener,
            renewals: Arc::default(),
            attempts: Attempts::default(),
            custodies: Custodies::default(),
            slots: Slots::new(self.slots, PATIENCE),
            closing: AtomicBool::new(false),
            versions: Versions::default(),
            suspended: RwLock::default(),
            revisions: AtomicU64::new(1),
            engine,
            limits,
        })))
    }
}

impl Suspension {
    const KINDS: [&'static str; 3] = ["connector", "tenant", "connection"];

    fn kind(&self) -> &'static str {
        match self {
            Self::Connector(_) => "connector",
            Self::Tenant(_) => "tenant",
            Self::Connection(_) => "connection",
        }
    }
}

impl Shared {
    /// A number that no connection has had yet.
    pub(crate) fn revision(&self) -> u64 {
        self.revisions.fetch_add(1, Ordering::Relaxed)
    }

    /// The version of a connector that serves a connection now.
    pub(crate) fn connector(&self, link: &Link) -> Result<Arc<Connector>, Refused> {
        self.versions
            .approved(&link.options.connector, &link.approved())
    }

    /// Suspends something; the text says by whom or why. What an operator has suspended stays so.
    pub(crate) fn suspend(&self, what: Suspension, why: &'static str) {
        tracing::warn!(?what, why, "suspended");
        write(&self.suspended).entry(what).or_insert(why);
    }

    /// What of a connection is suspended and why, if anything is.
    pub(crate) fn suspended(
        &self,
        key: &ConnectionKey,
        connector: &ConnectorName,
    ) -> Option<String> {
        let suspended = read(&self.suspended);
        if suspended.is_empty() || !Rule::Suspension.holds() {
            return None;
        }
        let tenant = key.tenant();
        [
            (
                Suspension::Connector(connector.clone()),
                format!("connector {connector}"),
            ),
            (
                Suspension::Tenant(tenant.to_owned()),
                format!("tenant {tenant}"),
            ),
            (
                Suspension::Connection(key.clone()),
                format!("connection {key}"),
            ),
        ]
        .into_iter()
        .find_map(|(what, text)| Some(format!("{text} is suspended {}", suspended.get(&what)?)))
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.versions.names();
        f.debug_struct("Host")
            .field("connectors", &names)
            .finish_non_exhaustive()
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::try_from(since.as_millis()).unwrap_or(Timestamp::MAX)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
