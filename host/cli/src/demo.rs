//! `brightsync demo`: all of it at work, from the source of a connector to three customers and an attacker.

mod catalogue;
mod crm;
mod hostile;
mod ledger;
mod reading;
mod tour;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use brightsync_core::grant::{Approval, CarveOut, Proposal};
use brightsync_core::manifest::{Manifest, Recipe};
use brightsync_core::origin::Origin;
use brightsync_core::setting::Settings;
use brightsync_runtime::{
    Connecting, Connection, ConnectionKey, ConnectionOptions, Credential, Host, Loaded, Vault,
    Worker,
};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use self::crm::{Crm, Entrance, Kind, TENANTS};
use self::hostile::{Arena, Attack};
use self::ledger::{Ledger, Row, Sum};
use self::reading::Read;
use self::tour::{Outcome, Tour};
use crate::arguments::Setting;
use crate::exit::Exit;
use crate::progress::Step;
use crate::repository::Repository;
use crate::table::{Columns, Side::Left};
use crate::terminal::{Terminal, Tone};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  brightsync demo                  on the CRM that this program brings along
  brightsync demo --crm tryton     on a real Tryton 8.2, which is installed first (Python 3.11, 200 MB)
  brightsync demo --hostile        every attack of the catalogue, and how each ended
  brightsync demo --json           the same facts for scripts

It builds the connector from the repository, runs three CRMs on this machine, and uses no other server.
The exit code is 0 only if everything went as it should.";

/// Show all of it at work: three customers, every function, and what a hostile connector may not do
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    /// Which CRM to show
    #[arg(long, value_enum, default_value_t = Kind::Sandbox)]
    crm: Kind,
    /// Run the whole catalogue of attacks instead
    #[arg(long, conflicts_with = "crm")]
    hostile: bool,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Everything that the demo found out.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Facts {
    connector: Value,
    tours: Vec<(&'static str, Vec<tour::Step>)>,
    reads: Vec<Read>,
    attacks: Vec<Attack>,
    functions: Vec<Row>,
    total: Sum,
    /// Microseconds of building, starting and loading.
    preparing: u64,
    /// Microseconds of the rest.
    took: u64,
    right: bool,
}

/// The customers' connections, in the order of their names.
struct Customers {
    connections: Vec<Connection>,
    entrances: Vec<Entrance>,
}

impl Demo {
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let terminal = setting.terminal.clone();
        let started = Instant::now();
        // What a person reads goes to standard output, unless a script reads there.
        let tell = |work: &dyn Fn(&Terminal)| {
            if !self.json {
                work(&terminal);
            }
        };
        let repository = Repository::find(&terminal)?;
        if self.hostile {
            return catalogue::run(&repository, &terminal, self.json).await;
        }
        tell(&|it| headline(self.crm, it));
        tell(&|it| heading("Preparing", it));
        let component = repository
            .connector(self.crm.connector(), &terminal)
            .await?;
        let hostile = repository
            .guest(hostile::GUEST, hostile::MANIFEST, &terminal)
            .await?;
        let crm = Crm::start(self.crm, &repository, &terminal).await?;

        let ledger = Ledger::default();
        let entries = ledger.clone();
        let host = Host::builder()
            .data_dir(setting.data()?)
            .compile_in(Worker::this_program())
            .vault(Vault::in_memory()?)
            .on_call(move |report| entries.enter(report))
            .build()?;
        let step = Step::begin(&terminal, "loading both");
        let loaded = load(&host, component).await?;
        let loaded_hostile = load(&host, hostile).await?;
        let manifest = manifest(&loaded)?;
        step.done(format!(
            "sha256 {}",
            text::shortened(&loaded.digest.to_string(), 12)
        ));

        let (preparing, started) = (started.elapsed(), Instant::now());

        let customers = connect(&host, manifest, &crm).await?;
        tell(&|it| show_customers(&customers, manifest, it));
        let (hostile, other) = connect_hostile(&host, &loaded_hostile, &customers)?;

        tell(&|it| heading("Every function of the contract", it));
        let tours = tours(&customers, manifest, &terminal).await;
        tell(&|it| tour::show(&tours, it));

        tell(&|it| heading("Reading everything once, then only what changed", it));
        let reads = read(&customers, manifest, &crm, &ledger, &terminal).await?;
        tell(&|it| reading::show(&reads, manifest, it));

        tell(&|it| heading("What a hostile connector may not do", it));
        let step = Step::begin(&terminal, "attacks");
        let arena = Arena {
            hostile: &hostile,
            other: &other,
            neighbour: customers
                .connections
                .first()
                .context("there is no customer")?,
            other_site: customers.entrances.get(1).map_or("", |it| &it.site),
            canary: customers.entrances.first().map_or("", canary),
            ledger: &ledger,
        };
        let attacks = arena.run(&step).await?;
        step.done(text::count(attacks.len(), "attack"));
        tell(&|it| hostile::show(&attacks, it));

        host.shut_down().await;
        crm.stop().await;
        let functions = ledger.rows(&TENANTS);
        let right = tours
            .iter()
            .flat_map(|(_, it)| it)
            .all(|it| it.outcome != Outcome::Wrong)
            && reads.iter().all(|it| it.problem.is_none())
            && attacks.iter().all(|it| it.held);
        let facts = Facts {
            connector: json!({
                "name": manifest.name(),
                "version": manifest.version(),
                "size": loaded.inspection.size(),
                "digest": loaded.inspection.digest(),
            }),
            tours,
            reads,
            attacks,
            functions,
            total: ledger.total(),
            preparing: ledger::micros(preparing),
            took: ledger::micros(started.elapsed()),
            right,
        };
        if self.json {
            terminal.line(json!(facts));
        } else {
            heading("The customers' calls", &terminal);
            ledger::show(&facts.functions, &terminal);
            conclusion(&facts, &terminal);
        }
        Ok(if right { Exit::Success } else { Exit::Ours })
    }
}

async fn load(host: &Host, component: Vec<u8>) -> Result<Loaded> {
    host.load(component)
        .await
        .context("the connector was built, and cannot be loaded")
}

fn manifest(loaded: &Loaded) -> Result<&Manifest> {
    loaded
        .inspection
        .manifest()
        .context("the connector has no manifest")
}

/// Makes a connection for each customer.
async fn connect(host: &Host, manifest: &Manifest, crm: &Crm) -> Result<Customers> {
    let entrances = crm.entrances()?;
    let mut connections = Vec::new();
    for (place, tenant) in TENANTS.iter().enumerate() {
        let entrance = entrances.get(place).context("there is no customer")?;
        let recipe = manifest.recipes().get(&entrance.recipe.parse()?);
        let credential = if recipe.is_some_and(Recipe::needs_browser) {
            sign_in(host, manifest, crm, (place, tenant), entrance).await?
        } else {
            Credential::new(entrance.recipe.parse()?, entrance.secrets())
        };
        connections.push(connection(host, manifest, tenant, entrance, credential)?);
    }
    Ok(Customers {
        connections,
        entrances,
    })
}

/// Connects the hostile connector to the first customer's CRM, for two tenants.
fn connect_hostile(
    host: &Host,
    loaded: &Loaded,
    customers: &Customers,
) -> Result<(Connection, Connection)> {
    let entrance = customers
        .entrances
        .first()
        .context("there is no customer")?;
    let manifest = manifest(loaded)?;
    let entrance = Entrance {
        site: entrance.site.clone(),
        settings: [("site".to_owned(), entrance.site.clone())].into(),
        recipe: "api-key",
        fields: vec![("key", canary(entrance).to_owned())],
        accounts: 0,
        contacts: 0,
    };
    let connect = |tenant| {
        let credential = Credential::new(entrance.recipe.parse()?, entrance.secrets());
        connection(host, manifest, tenant, &entrance, credential)
    };
    Ok((connect(hostile::TENANT)?, connect("trent")?))
}

/// Connects a customer's account as a person with a browser does: the page of the CRM, consent, and back.
async fn sign_in(
    host: &Host,
    manifest: &Manifest,
    crm: &Crm,
    (place, tenant): (usize, &str),
    entrance: &Entrance,
) -> Result<Credential> {
    let key = ConnectionKey::new(tenant, manifest.name().as_str())?;
    host.carve_out(key.clone(), carve_out(entrance)?);
    let connecting = Connecting {
        key: key.clone(),
        connector: manifest.name().clone(),
        recipe: entrance.recipe.parse()?,
        settings: entrance.settings.clone(),
        fields: entrance.secrets(),
        approved: Approval::after_consent_to(manifest),
    };
    let page = host.authorize(connecting, crm::REDIRECT).await?;
    let sent_to = crm.agree(place, page.url.as_str()).await?;
    let query = sent_to.split_once('?').map_or("", |(_, query)| query);
    Ok(host.finish(&key, query).await?.credential)
}

/// The operator's word for a CRM on this machine and on plain http, which nobody reaches without it.
fn carve_out(entrance: &Entrance) -> Result<CarveOut> {
    let origin: Origin = entrance.site.parse()?;
    let address = origin
        .literal()
        .context("the CRM's address is no literal")?;
    let (scheme, port) = (origin.scheme(), origin.port());
    Ok(CarveOut::new(scheme, &address.to_string(), address, port)?)
}

/// The secret of a customer: the last field, which is what nobody may see.
fn canary(entrance: &Entrance) -> &str {
    entrance.fields.last().map_or("", |(_, secret)| secret)
}

fn connection(
    host: &Host,
    manifest: &Manifest,
    tenant: &str,
    entrance: &Entrance,
    credential: Credential,
) -> Result<Connection> {
    let key = ConnectionKey::new(tenant, manifest.name().as_str())?;
    let settings = Settings::check(manifest, entrance.settings.clone())?;
    let proposal = Proposal::of(manifest, &settings, Some(credential.recipe()))?;
    host.carve_out(key.clone(), carve_out(entrance)?);
    let options = ConnectionOptions {
        connector: manifest.name().clone(),
        settings: entrance.settings.clone(),
        wanted_fields: Default::default(),
        credential: Some(credential),
        // The customers of the demo agree to everything that the connector asks of their own server.
        grant: proposal.into_grant_after_consent(),
        approved: Approval::after_consent_to(manifest),
        organisation: None,
    };
    Ok(host.connect(key, options))
}

async fn tours(
    customers: &Customers,
    manifest: &Manifest,
    terminal: &Terminal,
) -> Vec<(&'static str, Vec<tour::Step>)> {
    let step = Step::count(terminal, "calls", tour::LENGTH * 3);
    let now = chrono::Utc::now().timestamp_millis();
    let tours = customers
        .connections
        .iter()
        .map(|connection| Tour::new(connection, manifest, now).take(|| step.advance(1)));
    let tours = futures::future::join_all(tours).await;
    step.done(format!("by {} customers at once", tours.len()));
    TENANTS.into_iter().zip(tours).collect()
}

async fn read(
    customers: &Customers,
    manifest: &Manifest,
    crm: &Crm,
    ledger: &Ledger,
    terminal: &Terminal,
) -> Result<Vec<Read>> {
    let Customers {
        connections,
        entrances,
    } = customers;
    let all = entrances.iter().map(|it| it.accounts + it.contacts).sum();
    let step = Step::count(terminal, "reading everything", all);
    let now = chrono::Utc::now().timestamp_millis();
    let first = connections
        .iter()
        .zip(entrances)
        .map(|(connection, entrance)| {
            let least = (entrance.accounts, entrance.contacts);
            reading::everything(connection, manifest, least, now, ledger, &step)
        });
    let mut reads = futures::future::try_join_all(first).await?;
    step.done(format!("{} records", text::number(all)));

    let mut changed = Vec::new();
    for (tenant, connection) in connections.iter().enumerate() {
        changed.push(crm.change(tenant, connection).await?);
    }
    let count = changed
        .iter()
        .map(|it| it.present.len() + it.departed.len())
        .sum();
    let step = Step::begin(terminal, "reading what changed");
    let second =
        connections
            .iter()
            .zip(&reads)
            .zip(&changed)
            .map(|((connection, read), changed)| {
                reading::changes(connection, manifest, read.mark, changed, ledger, &step)
            });
    let second = futures::future::try_join_all(second).await?;
    step.done(text::count(count, "change"));
    reads.extend(second);
    Ok(reads)
}

fn headline(crm: Kind, terminal: &Terminal) {
    let what = match crm {
        Kind::Sandbox => "the sandbox CRM",
        Kind::Tryton => "a real Tryton",
    };
    terminal.line(terminal.paint(
        Tone::Heading,
        format!("BrightSync {} on {what}", env!("CARGO_PKG_VERSION")),
    ));
}

fn heading(text: &str, terminal: &Terminal) {
    terminal.line("");
    terminal.line(terminal.paint(Tone::Heading, text));
}

fn show_customers(customers: &Customers, manifest: &Manifest, terminal: &Terminal) {
    heading(
        "Three customers, each with a CRM and a credential of its own",
        terminal,
    );
    let mut table = Columns::new(&[
        ("tenant", Left),
        ("may talk to", Left),
        ("authenticates with", Left),
    ]);
    for (tenant, entrance) in TENANTS.iter().zip(&customers.entrances) {
        let recipe = manifest
            .recipes()
            .iter()
            .find(|(name, _)| name.as_str() == entrance.recipe);
        let title = recipe.map_or("", |(_, it)| it.title());
        table.row([
            (*tenant).to_owned(),
            entrance.site.clone(),
            text::outside(title).into_owned(),
        ]);
    }
    table.show(2, terminal);
}

fn conclusion(facts: &Facts, terminal: &Terminal) {
    let total = &facts.total;
    let text = format!(
        "{} calls, {} requests, {} sent, {} received, in {} after {} of preparing: {}",
        text::number(total.calls),
        text::number(total.requests),
        text::size(total.bytes_out),
        text::size(total.bytes_in),
        text::took(Duration::from_micros(facts.took)),
        text::took(Duration::from_micros(facts.preparing)),
        if facts.right {
            "everything as it should be"
        } else {
            "NOT everything as it should be"
        },
    );
    let tone = if facts.right { Tone::Good } else { Tone::Bad };
    terminal.line("");
    terminal.line(terminal.paint(tone, text));
}
