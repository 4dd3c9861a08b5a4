//! `brightsync call`: any function of a connector, with the guard rails of the real thing.

mod answer;
pub(crate) mod arguments;
mod audit;
mod pages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use brightsync_core::function::Function;
use brightsync_core::grant::{Approval, Proposal};
use brightsync_core::setting::Settings;
use brightsync_runtime::{
    Connection, ConnectionKey, ConnectionOptions, Host, JsonCallError, Report,
};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::access;
use crate::arguments::Setting;
use crate::component::Component;
use crate::connect::permit;
use crate::connections::Book;
use crate::exit::{Exit, Usage};
use crate::terminal::{Terminal, Tone};
use crate::text;
use crate::vault::KeyOptions;

const EXAMPLES: &str = "\
Examples:
  brightsync call acme.wasm get-me --set site=https://crm.example.com
  brightsync call acme.wasm get-contacts-by-email 'emails=[\"ann@example.com\"]' --set site=… --json
  brightsync call acme.wasm create-account '{\"account\": {\"name\": \"Acme\"}}' --set site=… --dry-run
  brightsync call acme.wasm get-my-contacts 'request={\"owner\": \"me\"}' --all-pages --set site=…
  brightsync call --connection acme/crm get-my-contacts

Arguments have the names and the JSON form of the contract. A value that begins with {, [ or \" is JSON, any other is
text; page and request may be left out.

The addresses that you give with --set are what the connector may talk to, and nothing else; that you write them is
your consent, and they are shown before the call. A server on this machine, in a private network or on plain http
needs --allow-private as well.

A credential is never an argument. Its fields come from the environment, as BRIGHTSYNC_CREDENTIAL_KEY, _TOKEN, _USER
and _PASSWORD, or are asked for. `brightsync inspect` shows which recipe has which fields.";

const USAGE: &str = "\
brightsync call [OPTIONS] FILE.wasm FUNCTION [ARGUMENT]...
       brightsync call [OPTIONS] --connection TENANT/NAME FUNCTION [ARGUMENT]...";

/// Call a function of a connector
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct Call {
    /// The connector's file; left out with --connection
    #[arg(value_name = "FILE.wasm", required_unless_present = "connection")]
    file: Option<String>,
    /// The function, such as get-me
    #[arg(required_unless_present = "connection")]
    function: Option<String>,
    /// Its arguments: name=value each, or all of them as one JSON object
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
    /// Use an account that `brightsync connect` has connected, in place of a file, settings and a credential
    #[arg(long, value_name = "TENANT/NAME", conflicts_with_all = ["set", "auth", "allow_private"])]
    connection: Option<String>,
    #[command(flatten)]
    keys: KeyOptions,
    /// A setting of the connection
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Which way to authenticate, if the connector has several; `none` sends no credential
    #[arg(long, value_name = "RECIPE")]
    auth: Option<String>,
    /// Reach servers that are private or on plain http, if --set names them
    #[arg(long)]
    allow_private: bool,
    /// Show what would be sent to change something, and send none of it
    #[arg(long)]
    dry_run: bool,
    /// Go on to the last page
    #[arg(long, conflicts_with = "dry_run")]
    all_pages: bool,
    /// Show every request, and where its time went
    #[arg(short, long)]
    verbose: bool,
    /// Add a line of JSON to a file for each request, before it is sent
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Write the host's metrics into a file, in Prometheus' text format
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The reports of the calls that were made.
type Reports = Arc<Mutex<Vec<Report>>>;

impl Call {
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let terminal = &setting.terminal;
        let (function, arguments) = self.words();
        let function: Function =
            function
                .parse()
                .map_err(|error: brightsync_core::function::UnknownFunction| {
                    Usage(error.to_string())
                })?;
        let arguments = arguments::read(&arguments)?;
        let reports = Reports::default();
        let (host, connection) = self.connect(setting, &reports).await?;
        let result = if self.dry_run {
            dry_run(&connection, function, arguments, self.json, terminal).await
        } else {
            let called = if self.all_pages {
                pages::all(&connection, function, arguments).await
            } else {
                let called = connection.call_json(function, arguments).await;
                called.map_err(anyhow::Error::from)
            };
            called.map(|value| {
                if self.json {
                    terminal.line(value);
                } else {
                    answer::show(&value, terminal);
                }
            })
        };
        for report in &*reports.lock().unwrap_or_else(PoisonError::into_inner) {
            self.tell(report, terminal);
        }
        if let Some(file) = &self.metrics {
            fs::write(file, host.metrics())
                .with_context(|| format!("the metrics cannot be written to {file:?}"))?;
        }
        result.map(|()| Exit::Success)
    }

    /// Makes the connection that the arguments describe, or name.
    async fn connect(&self, setting: &Setting, reports: &Reports) -> Result<(Host, Connection)> {
        let reports = reports.clone();
        let mut builder = setting.host()?.on_call(move |report| {
            let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.push(report.clone());
        });
        if let Some(file) = &self.audit {
            builder = builder.audit(audit::open(file)?);
        }
        if let Some(name) = &self.connection {
            let entry = Book::of(&setting.data()?)?.find(name, None)?;
            let vault = self.keys.open(setting).await?;
            return entry.open(builder.vault(vault)).await;
        }
        let file = self.file.as_deref().unwrap_or_default();
        let Component {
            path,
            bytes,
            manifest,
        } = Component::read(Path::new(file))?;
        let given: BTreeMap<String, String> = arguments::settings(&self.set)?;
        let settings = Settings::check(&manifest, given.clone())
            .context("the settings do not fit the connector; give each with --set NAME=VALUE")?;
        let recipe = access::recipe(&manifest, self.auth.as_deref())?;
        let proposal = Proposal::of(&manifest, &settings, recipe.as_ref())?;
        access::show(&manifest, &settings, recipe.as_ref(), &setting.terminal)?;
        let carve_outs = access::carve_outs(&proposal, self.allow_private, &[]).await?;
        let credential = recipe
            .map(|name| access::credential(&manifest, name, &setting.terminal))
            .transpose()?;

        let host = builder.build()?;
        let loaded = host.load(bytes).await;
        loaded.with_context(|| format!("{path:?} cannot be loaded"))?;
        let key = ConnectionKey::new("command-line", manifest.name().as_str())?;
        permit(&host, &key, &carve_outs);
        let options = ConnectionOptions {
            connector: manifest.name().clone(),
            settings: given,
            wanted_fields: BTreeMap::new(),
            credential,
            // Whoever wrote the addresses into the command line has agreed to them, and has just been shown them.
            grant: proposal.into_grant_after_consent(),
            approved: Approval::after_consent_to(&manifest),
            organisation: None,
        };
        let connection = host.connect(key, options);
        Ok((host, connection))
    }

    /// The function and its arguments: with a connection, no file stands before them.
    fn words(&self) -> (&str, Vec<String>) {
        let words = self
            .file
            .iter()
            .chain(&self.function)
            .chain(&self.arguments);
        let mut words = words.skip(usize::from(self.connection.is_none()));
        let function = words.next().map(String::as_str).unwrap_or_default();
        (function, words.cloned().collect())
    }

    /// Says what a call did, and with `--verbose` each of its requests.
    fn tell(&self, report: &Report, terminal: &Terminal) {
        if self.verbose {
            for request in &report.requests {
                terminal.note(terminal.paint_note(Tone::Aside, answer::request(request)));
            }
        }
        terminal.note(terminal.paint_note(Tone::Aside, answer::summary(report)));
    }
}

/// Calls without sending what would change something, and shows it instead.
async fn dry_run(
    connection: &Connection,
    function: Function,
    arguments: Map<String, Value>,
    as_json: bool,
    terminal: &Terminal,
) -> Result<()> {
    let dry = connection.dry_run(function, arguments).await;
    if dry.planned.is_empty() {
        // Nothing was held back, so the end of the call is a true one.
        let value = dry.result?;
        if as_json {
            terminal.line(json!({"planned": [], "answer": value}));
        } else {
            terminal.note("nothing would be changed; this is the answer");
            answer::show(&value, terminal);
        }
        return Ok(());
    }
    if let Err(JsonCallError::Argument { .. }) = &dry.result {
        return Ok(dry.result.map(|_| ())?);
    }
    if as_json {
        terminal.line(json!({"planned": dry.planned}));
        return Ok(());
    }
    let count = text::count(dry.planned.len(), "request");
    terminal.line(format!("{count} would be sent, and nothing was:"));
    for request in &dry.planned {
        let (method, url) = (
            text::outside(&request.method),
            text::outside_long(&request.url),
        );
        terminal.line(format!("\n  {method} {url}"));
        for (name, value) in &request.headers {
            terminal.line(format!(
                "  {}: {}",
                text::outside(name),
                text::outside(value)
            ));
        }
        if let Some(body) = &request.body {
            terminal.line(format!("\n  {}", text::outside_long(body)));
        }
    }
    Ok(())
}
