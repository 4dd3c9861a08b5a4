//! `brightsync connections`: the accounts that are connected, each with what it may do and how it stands.

mod book;
mod removal;
mod shown;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use brightsync_core::grant::Approval;
use brightsync_runtime::{Builder, Connection, ConnectionOptions, Credential, Host};
use clap::{Args, Subcommand};
use serde_json::json;

pub(crate) use self::book::{Book, Entry, make};
use crate::arguments::Setting;
use crate::component::Component;
use crate::connect::{Attempt, permit, show, who};
use crate::exit::{Exit, Refusal};
use crate::terminal::Terminal;
use crate::vault::KeyOptions;

const EXAMPLES: &str = "\
Examples:
  brightsync connections list
  brightsync connections show acme/crm          settings, hosts, and how the account stands
  brightsync connections test acme/crm          ask the CRM whose account it is
  brightsync connections reconnect acme/crm     sign in again, with the same settings
  brightsync connections remove acme/crm        give the access back, and wipe the credential

A name without its tenant will do where it is the only one, or with --tenant.
`brightsync connect` adds a connection, and `brightsync call --connection acme/crm …` uses it.";

/// Look after the accounts that are connected
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Connections {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all of them
    List {
        /// Only those of one customer
        #[arg(long)]
        tenant: Option<String>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what one may do, what is kept of it, and how it stands
    Show(One),
    /// Ask the CRM whose account it is
    Test(One),
    /// Connect the account again, with the same settings
    Reconnect {
        #[command(flatten)]
        one: One,
        /// Reach servers that are private or on plain http, also such that were not permitted before
        #[arg(long)]
        allow_private: bool,
        /// Start no browser; the address to open is shown in any case
        #[arg(long)]
        no_browser: bool,
    },
    /// Give the access back to the CRM, and wipe the credential
    Remove {
        #[command(flatten)]
        one: One,
        /// Do not ask first
        #[arg(long)]
        yes: bool,
    },
}

/// Which connection.
#[derive(Debug, Args)]
struct One {
    /// TENANT/NAME, or the name alone
    #[arg(value_name = "CONNECTION")]
    name: String,
    /// The customer that it belongs to
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    keys: KeyOptions,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Connections {
    pub(crate) fn is_json(&self) -> bool {
        match &self.action {
            Action::List { json, .. } => *json,
            Action::Show(one)
            | Action::Test(one)
            | Action::Reconnect { one, .. }
            | Action::Remove { one, .. } => one.json,
        }
    }

    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let (terminal, book) = (&setting.terminal, Book::of(&setting.data()?)?);
        match self.action {
            Action::List { tenant, json } => {
                let mut all = book.read()?;
                all.retain(|it| tenant.as_ref().is_none_or(|tenant| it.tenant == *tenant));
                shown::list(&all, json, terminal);
            }
            Action::Show(one) => {
                let (entry, _, connection) = one.open(&book, setting).await?;
                shown::one(&entry, &connection, one.json, terminal).await?;
            }
            Action::Test(one) => {
                let (entry, _, connection) = one.open(&book, setting).await?;
                test(&entry, &connection, one.json, terminal).await?;
            }
            Action::Reconnect {
                one,
                allow_private,
                no_browser,
            } => {
                let attempt = one.again(&book, allow_private, no_browser)?;
                let vault = one.keys.open(setting).await?;
                let account = attempt.carry_out(vault, setting).await?;
                account.keep(&book).await?;
                show(&account, true, one.json, terminal);
            }
            Action::Remove { one, yes } => {
                let entry = book.find(&one.name, one.tenant.as_deref())?;
                let vault = one.keys.open(setting).await?;
                let removal = removal::Removal { entry, vault };
                removal.carry_out(&book, yes, one.json, setting).await?;
            }
        }
        Ok(Exit::Success)
    }
}

impl One {
    async fn open(&self, book: &Book, setting: &Setting) -> Result<(Entry, Host, Connection)> {
        let entry = book.find(&self.name, self.tenant.as_deref())?;
        let vault = self.keys.open(setting).await?;
        let (host, connection) = entry.open(setting.host()?.vault(vault)).await?;
        Ok((entry, host, connection))
    }

    /// What connected it, to be done again.
    fn again(&self, book: &Book, allow_private: bool, no_browser: bool) -> Result<Attempt> {
        let entry = book.find(&self.name, self.tenant.as_deref())?;
        let component = Component::read(&entry.component)?;
        ensure!(
            *component.manifest.name() == entry.connector,
            "{:?} is the connector {}, and {} was connected with {}; put the file back, or remove the connection and connect anew",
            entry.component,
            component.manifest.name(),
            entry.title(),
            entry.connector
        );
        Ok(Attempt {
            key: entry.key()?,
            component,
            recipe: entry.recipe,
            settings: entry.settings,
            known: Vec::new(),
            allow_private,
            permitted: entry.carve_outs,
            no_browser,
        })
    }
}

impl Entry {
    /// Starts a host with the connection, whose credential is in the host's vault.
    pub(crate) async fn open(&self, builder: Builder) -> Result<(Host, Connection)> {
        let component = Component::read(&self.component).with_context(|| {
            format!(
                "the connector of {} cannot be used; put its file back",
                self.title()
            )
        })?;
        let manifest = &component.manifest;
        let approved = Approval::after_consent_to(manifest);
        if *manifest.name() != self.connector || approved != self.approved {
            return Err(Refusal(format!(
                "{:?} is another connector by now than the one that was agreed to for {}, or asks for something else; look at it with `brightsync inspect`, then run `brightsync connections reconnect {}`",
                self.component,
                self.title(),
                self.title()
            ))
            .into());
        }
        let host = builder.build()?;
        let loaded = host.load(component.bytes).await;
        loaded.with_context(|| format!("{:?} cannot be loaded", self.component))?;
        let key = self.key()?;
        permit(&host, &key, &self.carve_outs);
        let options = ConnectionOptions {
            connector: self.connector.clone(),
            settings: self.all_settings(),
            wanted_fields: BTreeMap::new(),
            credential: Some(Credential::in_vault(self.recipe.clone())),
            grant: self.grant.clone(),
            approved: self.approved.clone(),
            organisation: None,
        };
        let connection = host.connect(key, options);
        Ok((host, connection))
    }
}

async fn test(
    entry: &Entry,
    connection: &Connection,
    as_json: bool,
    terminal: &Terminal,
) -> Result<()> {
    let me = connection
        .get_me()
        .await
        .with_context(|| format!("{} does not work", entry.title()))?;
    if as_json {
        terminal.line(json!({"connection": entry.title(), "works": true, "me": me}));
    } else {
        terminal.line(format!("{} works, as {}", entry.title(), who(&me)));
    }
    Ok(())
}
