//! `brightsync connect`: an account of a customer, from consent to who it is.

mod attempt;
mod browser;
mod callback;
mod paste;
mod registration;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use brightsync_core::crm::user::Whoami;
use brightsync_core::manifest::Manifest;
use brightsync_core::name::RecipeName;
use brightsync_runtime::{ConnectionKey, Secret, Vault};
use brightsync_sandbox::{Options, Server};
use clap::Args;
use serde_json::json;

pub(crate) use self::attempt::{Account, Attempt, permit};
use crate::access;
use crate::arguments::Setting;
use crate::call;
use crate::component::{Component, SANDBOX};
use crate::connections::{Book, Entry};
use crate::exit::{Exit, Usage};
use crate::terminal::Terminal;
use crate::text;
use crate::vault::KeyOptions;

const EXAMPLES: &str = "\
Examples:
  brightsync connect sandbox --tenant acme
  brightsync connect acme.wasm --tenant acme --set site=https://crm.example.com
  brightsync connect acme.wasm --tenant acme --name sales --auth api-key --set site=…
  brightsync connect acme.wasm --tenant acme --set site=… --no-browser

It shows what the connector may talk to and where the credential goes; that you go on is your consent. Then you sign in
with a browser, or give a key or password, as the connector's recipe says. `brightsync inspect` shows the recipes.

No field of a credential is an argument. Each comes from the environment, as BRIGHTSYNC_CREDENTIAL_CLIENT_ID,
_CLIENT_SECRET, _KEY, _TOKEN, _USER or _PASSWORD, or is asked for. What the CRM issues goes into the vault in the data
folder, and is renewed there.

The browser comes back to a port of this machine. If it runs on another one, paste the address that it ends at.

The word sandbox stands for the connector of this repository. Without --set site=… it starts a CRM of its own to sign in
to, which is gone at the end, and the connection with it.";

/// The recipe of the sandbox connector that is the point of connecting to it.
const SIGN_IN: &str = "sign-in";

/// Connect an account of a CRM, and keep its credential
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Connect {
    /// The connector's file, or the word `sandbox`
    connector: String,
    /// The customer that the account belongs to
    #[arg(long)]
    tenant: String,
    /// What to call the connection among the customer's
    #[arg(long, default_value = "crm")]
    name: String,
    /// A setting of the connection
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Which way to authenticate, if the connector has several
    #[arg(long, value_name = "RECIPE")]
    auth: Option<String>,
    /// Reach servers that are private or on plain http, if --set names them
    #[arg(long)]
    allow_private: bool,
    /// Start no browser; the address to open is shown in any case
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    keys: KeyOptions,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Connect {
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let key = ConnectionKey::new(&self.tenant, &self.name)
            .map_err(|error| Usage(error.to_string()))?;
        let settings = call::arguments::settings(&self.set)?;
        if self.connector == SANDBOX && !settings.contains_key("site") {
            return self.at_own_crm(key, settings, setting).await;
        }
        let book = Book::of(&setting.data()?)?;
        let is_it = |it: &Entry| it.title() == key.to_string();
        if book.read()?.iter().any(is_it) {
            return Err(Usage(format!(
                "{key} is connected already; run `brightsync connections reconnect {key}`, or give this one another --name"
            ))
            .into());
        }
        let component = if self.connector == SANDBOX {
            let component = Component::sandbox(setting).await?;
            component.keep()?;
            component
        } else {
            Component::read(Path::new(&self.connector))?
        };
        let recipe = recipe(&component.manifest, self.auth.as_deref())?;
        let attempt = Attempt {
            key,
            component,
            recipe,
            settings,
            known: Vec::new(),
            allow_private: self.allow_private,
            permitted: Vec::new(),
            no_browser: self.no_browser,
        };
        // Before anybody agrees to anything: without it nothing can be kept.
        let vault = self.keys.open(setting).await?;
        let account = attempt.carry_out(vault, setting).await?;
        account.keep(&book).await?;
        show(&account, true, self.json, &setting.terminal);
        Ok(Exit::Success)
    }

    /// Connects to a CRM that lives as long as this takes.
    async fn at_own_crm(
        self,
        key: ConnectionKey,
        mut settings: BTreeMap<String, String>,
        setting: &Setting,
    ) -> Result<Exit> {
        let terminal = &setting.terminal;
        let component = Component::sandbox(setting).await?;
        let auth = self.auth.as_deref().unwrap_or(SIGN_IN);
        let recipe = recipe(&component.manifest, Some(auth))?;
        if recipe.as_str() != SIGN_IN {
            return Err(Usage(format!(
                "a CRM that is started here is for --auth {SIGN_IN}; for {recipe}, run `brightsync sandbox` and give its address with --set site=… and its credential"
            ))
            .into());
        }
        let server = Server::start(Options::default()).await?;
        settings.insert("site".to_owned(), server.url().to_owned());
        let client = registration::register(server.address()).await?;
        let login = server.credentials().users.first();
        let login = login.context("the CRM that was started has no user")?;
        terminal.complain(format!(
            "A sandbox CRM runs at {} until this command ends. Sign in there as\n\n  {}\n  {}\n",
            server.url(),
            login.email,
            login.password
        ));
        let attempt = Attempt {
            key,
            component,
            recipe,
            settings,
            known: vec![("client-id".to_owned(), Secret::new(client))],
            allow_private: true,
            permitted: Vec::new(),
            no_browser: self.no_browser,
        };
        let result = match attempt.carry_out(Vault::in_memory()?, setting).await {
            Ok(account) => {
                show(&account, false, self.json, terminal);
                let removed = account.connection.remove_account().await;
                removed.map(drop).map_err(anyhow::Error::from)
            }
            Err(error) => Err(error),
        };
        server.stop().await;
        terminal.complain("That CRM is gone now, so the connection is not kept.");
        result.map(|()| Exit::Success)
    }
}

/// The recipe to connect with.
fn recipe(manifest: &Manifest, named: Option<&str>) -> Result<RecipeName> {
    let recipe = access::recipe(manifest, named)?;
    let nothing = || {
        Usage(format!(
            "without a way to authenticate there is no account to connect; `brightsync call` asks {} as it is",
            manifest.name()
        ))
    };
    Ok(recipe.ok_or_else(nothing)?)
}

/// Shows who was connected.
pub(crate) fn show(account: &Account, is_kept: bool, as_json: bool, terminal: &Terminal) {
    let entry = &account.entry;
    if as_json {
        terminal.line(json!({
            "connection": entry.title(),
            "tenant": entry.tenant,
            "name": entry.name,
            "connector": entry.connector,
            "recipe": entry.recipe,
            "me": account.me,
            "expires": account.expires,
            "kept": is_kept,
        }));
        return;
    }
    terminal.line(format!(
        "{} is connected as {}",
        entry.title(),
        who(&account.me)
    ));
    if is_kept {
        terminal.note(format!(
            "use it with `brightsync call --connection {} get-my-contacts`",
            entry.title()
        ));
    }
}

/// A connection's owner in one line.
pub(crate) fn who(me: &Whoami) -> String {
    let organisation = match &me.org_name {
        Some(name) => format!(
            "{} ({})",
            text::outside(name),
            text::outside(me.org_id.as_str())
        ),
        None => text::outside(me.org_id.as_str()).into_owned(),
    };
    match &me.user {
        Some(user) => {
            let address = user.emails.first();
            let address = address.map(|it| format!(" <{}>", text::outside(it)));
            format!(
                "{}{} at {organisation}",
                text::outside(&user.name),
                address.unwrap_or_default()
            )
        }
        None => format!("the organisation {organisation}"),
    }
}
