//! What surrounds one attack: a host, mallory's connection, a neighbour's, a CRM and a victim.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use brightsync_core::component::embed;
use brightsync_core::crm::page::PageRequest;
use brightsync_core::grant::{Approval, CarveOut, Grant, GrantedHost};
use brightsync_core::manifest::Manifest;
use brightsync_core::origin::Scheme;
use brightsync_runtime::{
    Connection, ConnectionKey, ConnectionOptions, Credential, Host, Report, Resolve, Secret, Vault,
};
use futures::future::BoxFuture;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::manifest::manifest;
use crate::scene::{CarvedOut, Scene};
use crate::server::{Answer, Server};
use crate::told::Told;

/// The name of the hostile connector.
pub(crate) const HOSTILE: &str = "hostile";

/// The secret of mallory's own connection. Connectors never see it, their own customers' neither.
pub(crate) const SECRET: &str = "canary-of-mallory-5e9c1f";

/// The secret of the neighbour's connection.
pub(crate) const OTHER_SECRET: &str = "canary-of-neighbour-7a20bd";

/// Everything around one attack.
pub(crate) struct Arena {
    pub(crate) host: Host,
    pub(crate) scene: Scene,
    pub(crate) crm: Server,
    pub(crate) victim: Server,
    /// The hostile connector without a manifest.
    pub(crate) guest: Arc<Vec<u8>>,
    /// Where compiled code is kept.
    pub(crate) data: std::path::PathBuf,
    reports: Arc<Mutex<Vec<Report>>>,
    log: Log,
}

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

/// Answers each name with the same addresses.
struct Names(Vec<IpAddr>);

impl Arena {
    /// Sets the scene; nothing is loaded yet.
    pub(crate) fn new(scene: &Scene, guest: &Arc<Vec<u8>>, data: &Path, log: &Log) -> Self {
        let (crm, victim) = (Server::start(), Server::start());
        let answers = scene.crm.clone();
        let (here, there) = (crm.origin(), victim.origin());
        let elsewhere = there.clone();
        crm.otherwise(move |asked| pointed(answers(asked), &here, &elsewhere));
        let answers = scene.victim.clone();
        let here = crm.origin();
        victim.otherwise(move |asked| pointed(answers(asked), &here, &there));
        let reports = Arc::new(Mutex::new(Vec::new()));
        let written = reports.clone();
        log.clear();
        let host = Host::builder()
            .slots(4)
            .sockets(scene.sockets)
            .limits(scene.limits.clone())
            .retries(scene.retries)
            .ceiling(scene.ceiling.clone())
            .resolver(Names(scene.names.clone()))
            .data_dir(data)
            .vault(Vault::in_memory().unwrap())
            .on_call(move |report: &Report| {
                let mut reports = written.lock().unwrap_or_else(PoisonError::into_inner);
                reports.push(report.clone());
            })
            .build()
            .unwrap();
        Self {
            host,
            scene: scene.clone(),
            crm,
            victim,
            guest: guest.clone(),
            data: data.to_owned(),
            reports,
            log: log.clone(),
        }
    }

    /// The manifest of the hostile connector in this scene.
    pub(crate) fn manifest(&self) -> String {
        let mut text = manifest(HOSTILE);
        for (old, new) in &self.scene.manifest {
            assert!(text.contains(old), "the manifest has {old}");
            text = text.replace(old, new);
        }
        text
    }

    /// The hostile connector with its manifest.
    pub(crate) fn component(&self) -> Vec<u8> {
        embed(&self.guest, &self.manifest()).unwrap()
    }

    /// Loads the hostile connector.
    pub(crate) async fn load(&self) {
        self.host.load(self.component()).await.unwrap();
    }

    /// Mallory's connection, as the scene has it.
    pub(crate) fn mallory(&self) -> Connection {
        let scene = &self.scene;
        let mut settings = BTreeMap::from([("site".to_owned(), self.crm.origin())]);
        for (name, value) in &scene.settings {
            settings.insert((*name).to_owned(), self.fill(value));
        }
        let mut grant = Grant::default();
        let hosts = scene.granted.iter().map(|it| self.fill(it));
        for host in hosts.chain([self.crm.origin()]) {
            grant.hosts.insert(granted(&host));
        }
        let trusted = scene.trusted.iter().map(|it| self.fill(it));
        for place in trusted.chain([self.crm.origin()]) {
            grant.audience.insert(place.parse().unwrap());
        }
        let key = key("mallory");
        self.host.carve_out(key.clone(), carve_out(&self.crm));
        match scene.carved_out {
            CarvedOut::Nobody => {}
            CarvedOut::Mallory => self.host.carve_out(key.clone(), carve_out(&self.victim)),
            CarvedOut::SomebodyElse => {
                self.host
                    .carve_out(self::key("other"), carve_out(&self.victim));
            }
            CarvedOut::ByName => {
                let (ip, port) = (self.victim.address().ip(), self.victim.address().port());
                let carve_out = CarveOut::new(Scheme::Http, "crm.internal", ip, port).unwrap();
                self.host.carve_out(key.clone(), carve_out);
            }
        }
        self.connect(key, settings, grant, SECRET)
    }

    /// A neighbour with the same connector and the same CRM.
    pub(crate) fn neighbour(&self) -> Connection {
        let key = key("neighbour");
        let site = self.crm.origin();
        self.host.carve_out(key.clone(), carve_out(&self.crm));
        let mut grant = Grant::default();
        grant.hosts.insert(site.parse().unwrap());
        grant.audience.insert(site.parse().unwrap());
        let settings = BTreeMap::from([("site".to_owned(), site)]);
        self.connect(key, settings, grant, OTHER_SECRET)
    }

    fn connect(
        &self,
        key: ConnectionKey,
        settings: BTreeMap<String, String>,
        grant: Grant,
        secret: &str,
    ) -> Connection {
        let credential = self.scene.credential.map(|(recipe, field)| {
            let fields = [(field.to_owned(), Secret::new(secret.to_owned()))];
            Credential::new(recipe.parse().unwrap(), fields)
        });
        let options = ConnectionOptions {
            connector: HOSTILE.parse().unwrap(),
            approved: Approval::after_consent_to(&Manifest::parse(&self.manifest()).unwrap()),
            settings,
            wanted_fields: BTreeMap::new(),
            credential,
            grant,
            organisation: Some("shared".to_owned()),
        };
        self.host.connect(key, options)
    }

    /// A text in which the servers' places stand.
    pub(crate) fn fill(&self, text: &str) -> String {
        let port = self.victim.address().port().to_string();
        text.replace("{crm}", &self.crm.origin())
            .replace("{victim}", &self.victim.origin())
            .replace("{victim-port}", &port)
            .replace("{crm-port}", &self.crm.address().port().to_string())
            .replace("{secret}", SECRET)
    }

    /// Has a connection's connector do what these orders say.
    pub(crate) async fn order(&self, connection: &Connection, orders: &Value) -> Told {
        let orders: Value = serde_json::from_str(&self.fill(&orders.to_string())).unwrap();
        let page = PageRequest {
            extra: [("orders".to_owned(), orders)].into(),
            ..PageRequest::default()
        };
        match connection.get_users(page).await {
            Ok(page) => Told::answered(page.end.extra.get("told").unwrap_or(&Value::Null)),
            Err(error) => Told::failed(&error),
        }
    }

    /// The reports of all calls, as an operator reads them.
    pub(crate) fn reports(&self) -> String {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_string(&*reports).unwrap()
    }

    /// What was logged.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }
}

/// Names a tenant's connection.
pub(crate) fn key(tenant: &str) -> ConnectionKey {
    ConnectionKey::new(tenant, "crm").unwrap()
}

/// A host as it stands in a grant: a text, or a table of TOML.
fn granted(text: &str) -> GrantedHost {
    match text.starts_with('{') {
        true => {
            let table: BTreeMap<String, GrantedHost> =
                toml::from_str(&format!("host = {text}")).unwrap();
            table.into_values().next().unwrap()
        }
        false => text.parse().unwrap(),
    }
}

fn carve_out(server: &Server) -> CarveOut {
    let (ip, port) = (server.address().ip(), server.address().port());
    CarveOut::new(Scheme::Http, &ip.to_string(), ip, port).unwrap()
}

/// The answer with the servers' places in its headers.
fn pointed(answer: Answer, crm: &str, victim: &str) -> Answer {
    match answer {
        Answer::Whole {
            status,
            headers,
            body,
        } => {
            let fill = |value: String| value.replace("{crm}", crm).replace("{victim}", victim);
            let headers = headers.into_iter().map(|(name, value)| (name, fill(value)));
            Answer::Whole {
                status,
                headers: headers.collect(),
                body,
            }
        }
        other => other,
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        let answer = match self.0.as_slice() {
            [] => Err(format!("nobody knows the name {name}")),
            addresses => Ok(addresses.to_vec()),
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Log {
    fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// Writes an event as `LEVEL name=value …`, one a line.
impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&line.0);
        text.push('\n');
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _never_fails = write!(self.0, " {}={value:?}", field.name());
    }
}
