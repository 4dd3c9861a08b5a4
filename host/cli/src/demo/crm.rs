//! The CRMs of the demo: a server for each customer, a way in, and changes while nobody looks.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use brightsync_core::crm::contact::{ContactPoint, NewContact};
use brightsync_core::crm::page::{Change, ReadRequest};
use brightsync_core::crm::write::{Edit, Patch};
use brightsync_runtime::{Connection, Secret};
use brightsync_sandbox::tryton::{self, Environment};
use brightsync_sandbox::{Client, ClientAuthentication, Options, Script, Server};
use clap::ValueEnum;
use serde_json::json;

use crate::progress::Step;
use crate::repository::Repository;
use crate::terminal::Terminal;
use crate::text;

/// Which CRM the demo is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The one that this program brings along.
    Sandbox,
    /// A real Tryton 8.2, which is installed into a virtual environment of Python.
    Tryton,
}

/// The customers.
pub(super) const TENANTS: [&str; 3] = ["acme", "globex", "initech"];

/// Where a browser comes back to; in the demo nobody listens there, since it plays the browser itself.
pub(super) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// The servers; they stop when this goes.
pub(super) enum Crm {
    Sandbox(Vec<Server>),
    Tryton(Vec<tryton::Server>),
}

/// One customer's way in.
pub(super) struct Entrance {
    pub(super) site: String,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) recipe: &'static str,
    /// The fields of the credential. They are handed over to the host and kept nowhere else.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What there is to read.
    pub(super) accounts: u64,
    pub(super) contacts: u64,
}

/// What has changed in a CRM: ids of contacts.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) present: Vec<String>,
    pub(super) departed: Vec<String>,
}

impl Kind {
    /// The folder of the connector.
    pub(super) fn connector(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Tryton => "tryton",
        }
    }
}

impl Crm {
    /// Starts a server for each customer.
    pub(super) async fn start(
        kind: Kind,
        repository: &Repository,
        terminal: &Terminal,
    ) -> Result<Self> {
        match kind {
            Kind::Sandbox => Self::sandboxes(terminal).await,
            Kind::Tryton => {
                let (target, terminal) = (repository.target().to_owned(), terminal.clone());
                tokio::task::spawn_blocking(move || Self::trytons(&target, &terminal)).await?
            }
        }
    }

    async fn sandboxes(terminal: &Terminal) -> Result<Self> {
        let step = Step::begin(terminal, "three CRMs");
        let starts = TENANTS.iter().zip(1..).map(|(tenant, seed)| {
            Server::start(Options {
                organisation: format!("{tenant} (an example)"),
                ..Options::demonstration(seed)
            })
        });
        let servers = futures::future::try_join_all(starts).await?;
        let options = Options::demonstration(1);
        step.done(format!(
            "{} accounts and {} contacts each",
            text::number(options.accounts.into()),
            text::number(options.contacts.into())
        ));
        Ok(Self::Sandbox(servers))
    }

    fn trytons(target: &std::path::Path, terminal: &Terminal) -> Result<Self> {
        let step = Step::begin(terminal, "Tryton and its packages");
        let environment = Environment::prepare(target, &mut |line| step.say(line.to_owned()))
            .context("there is no Tryton to show")?;
        step.done("installed");
        let step = Step::begin(terminal, "three CRMs");
        let options = tryton::Options::demonstration();
        let mut servers = Vec::new();
        for tenant in TENANTS {
            step.say(format!("starting the one of {tenant}"));
            servers.push(tryton::Server::start(&environment, &options)?);
        }
        step.done(format!(
            "{} accounts and {} contacts each",
            text::number(options.accounts.into()),
            text::number(options.contacts.into())
        ));
        Ok(Self::Tryton(servers))
    }

    /// The ways in, one for each customer, each with another kind of credential where the CRM has several.
    pub(super) fn entrances(&self) -> Result<Vec<Entrance>> {
        match self {
            Self::Sandbox(servers) => servers.iter().enumerate().map(sandbox_entrance).collect(),
            Self::Tryton(servers) => servers.iter().enumerate().map(tryton_entrance).collect(),
        }
    }

    /// Changes contacts behind the connector's back, or by another hand where only the CRM's own API does it.
    pub(super) async fn change(&self, tenant: usize, connection: &Connection) -> Result<Changed> {
        match self {
            Self::Sandbox(servers) => {
                let server = servers.get(tenant).context("there is no such customer")?;
                let script = Script {
                    create: 5,
                    update: 20,
                    delete: 4,
                    merge: 3,
                };
                let changed = server.change(&script).await?;
                let merged = changed.merged.into_iter().map(|(gone, _)| gone);
                Ok(Changed {
                    present: [changed.created, changed.updated].concat(),
                    departed: changed.deleted.into_iter().chain(merged).collect(),
                })
            }
            Self::Tryton(_) => through_the_contract(connection).await,
        }
    }

    /// Has a customer's user agree to what a page of the CRM asks, and answers where the browser is sent to.
    pub(super) async fn agree(&self, tenant: usize, page: &str) -> Result<String> {
        let Self::Sandbox(servers) = self else {
            anyhow::bail!("this CRM has no such page");
        };
        let server = servers.get(tenant).context("there is no such customer")?;
        let login = server.credentials().users.first();
        let login = login.context("the CRM has no user")?;
        Ok(server.allow(page, login).await?)
    }

    /// Stops the servers.
    pub(super) async fn stop(self) {
        match self {
            Self::Sandbox(servers) => {
                for server in servers {
                    server.stop().await;
                }
            }
            Self::Tryton(servers) => drop(servers),
        }
    }
}

impl Entrance {
    /// The credential as the host takes it.
    pub(super) fn secrets(&self) -> Vec<(String, Secret)> {
        let secret =
            |(name, value): &(&str, String)| ((*name).to_owned(), Secret::new(value.clone()));
        self.fields.iter().map(secret).collect()
    }
}

fn sandbox_entrance((place, server): (usize, &Server)) -> Result<Entrance> {
    let login = server
        .credentials()
        .users
        .first()
        .context("the CRM has no user")?;
    let (recipe, fields) = match place {
        0 => ("api-key", vec![("key", login.key.clone())]),
        1 => (
            "password",
            vec![
                ("user", login.email.clone()),
                ("password", login.password.clone()),
            ],
        ),
        // A person signs in, at the CRM's own authorization server.
        _ => ("sign-in", vec![("client-id", client(server)?)]),
    };
    let options = Options::demonstration(1);
    Ok(Entrance {
        site: server.url().to_owned(),
        settings: [("site".to_owned(), server.url().to_owned())].into(),
        recipe,
        fields,
        accounts: options.accounts.into(),
        contacts: options.contacts.into(),
    })
}

/// Registers BrightSync at a CRM's authorization server, as a program that keeps no secret.
fn client(server: &Server) -> Result<String> {
    let client = Client {
        name: "BrightSync's demo".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        authentication: ClientAuthentication::None,
        ..Client::default()
    };
    Ok(server.register(client)?.id)
}

fn tryton_entrance((place, server): (usize, &tryton::Server)) -> Result<Entrance> {
    // An administrator and two who sell, since Tryton lets them do different things.
    let login = ["admin", "anna", "bruno"]
        .get(place)
        .copied()
        .unwrap_or("anna");
    let key = server.key(login).context("Tryton has no such user")?;
    let site = format!("http://{}", server.address());
    let options = tryton::Options::demonstration();
    Ok(Entrance {
        settings: [
            ("site".to_owned(), site.clone()),
            ("database".to_owned(), "tryton".to_owned()),
        ]
        .into(),
        site,
        recipe: "application-key",
        fields: vec![("token", key.to_owned())],
        accounts: options.accounts.into(),
        contacts: options.contacts.into(),
    })
}

/// Creates two contacts and gives another three one more address.
async fn through_the_contract(connection: &Connection) -> Result<Changed> {
    let mut changed = Changed::default();
    let first = connection.get_my_contacts(ReadRequest::default()).await?;
    let contacts = first.items.into_iter().filter_map(|it| match it {
        Change::Present(contact) => Some(contact.ref_.id),
        Change::IdOnly(_) | Change::Departed(_) => None,
    });
    for (number, id) in contacts.take(3).enumerate() {
        let address = format!("changed-{number}@demo.example");
        let edit = Edit::Add(json!({"value": address, "primary": false}));
        let patch = Patch {
            edits: vec![("emails".to_owned(), edit)],
            if_version: None,
        };
        connection.update_contact(id.clone(), patch).await?;
        changed.present.push(id.into());
    }
    for name in ["Nora New", "Nils New"] {
        let contact = NewContact {
            full_name: Some(name.to_owned()),
            given_name: name.split(' ').next().map(str::to_owned),
            family_name: Some("New".to_owned()),
            emails: vec![ContactPoint {
                value: format!("{}@demo.example", name.to_lowercase().replace(' ', ".")),
                primary: true,
                label: None,
            }],
            ..NewContact::default()
        };
        let written = connection.create_contact(contact).await?;
        changed.present.push(written.id.into());
    }
    Ok(changed)
}
