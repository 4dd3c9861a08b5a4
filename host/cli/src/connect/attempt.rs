//! One attempt to connect an account: what is agreed to, the credential, and whose account it is.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use brightsync_core::crm::Timestamp;
use brightsync_core::crm::user::Whoami;
use brightsync_core::grant::{Approval, CarveOut, Proposal};
use brightsync_core::name::RecipeName;
use brightsync_core::setting::Settings;
use brightsync_runtime::{
    Authorization, Connected, Connecting, Connection, ConnectionKey, ConnectionOptions, Host,
    Secret, Vault,
};

use super::callback::{Arrival, Door, Reception};
use super::{browser, paste, who};
use crate::arguments::Setting;
use crate::component::Component;
use crate::connections::{Book, Entry};
use crate::terminal::Terminal;
use crate::{access, report};

/// How long a person has: as long as the host waits.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What is to be connected.
pub(crate) struct Attempt {
    pub(crate) key: ConnectionKey,
    pub(crate) component: Component,
    pub(crate) recipe: RecipeName,
    /// What a person has set.
    pub(crate) settings: BTreeMap<String, String>,
    /// Fields of the credential that need not be asked for.
    pub(crate) known: Vec<(String, Secret)>,
    /// Whether it may reach private servers, whichever its settings name.
    pub(crate) allow_private: bool,
    /// Which it may reach in any case.
    pub(crate) permitted: Vec<CarveOut>,
    pub(crate) no_browser: bool,
}

/// What was connected. Its credential is in the vault.
pub(crate) struct Account {
    pub(crate) entry: Entry,
    pub(crate) connection: Connection,
    pub(crate) me: Whoami,
    pub(crate) expires: Option<Timestamp>,
}

/// What an account needs to be known as, besides what connecting it tells.
struct Frame {
    host: Host,
    key: ConnectionKey,
    entry: Entry,
}

impl Attempt {
    /// Connects the account. If it fails, nothing is kept.
    pub(crate) async fn carry_out(self, vault: Vault, setting: &Setting) -> Result<Account> {
        let terminal = &setting.terminal;
        let manifest = &self.component.manifest;
        let settings = Settings::so_far(manifest, self.settings.clone())
            .context("the settings do not fit the connector; give each with --set NAME=VALUE")?;
        access::show(manifest, &settings, Some(&self.recipe), terminal)?;
        let proposal = Proposal::of(manifest, &settings, Some(&self.recipe))?;
        let carve_outs = access::carve_outs(&proposal, self.allow_private, &self.permitted).await?;
        let fields = access::fields(manifest, &self.recipe, self.known, terminal)?;
        let recipe = manifest.recipes().get(&self.recipe);
        let needs_browser = recipe.is_some_and(|it| it.needs_browser());

        let host = setting.host()?.vault(vault).build()?;
        let entry = Entry {
            tenant: self.key.tenant().to_owned(),
            name: self.key.name().to_owned(),
            connector: manifest.name().clone(),
            component: self.component.path.clone(),
            digest: self.component.digest().to_string(),
            recipe: self.recipe.clone(),
            settings: self.settings.clone(),
            told: BTreeMap::new(),
            grant: proposal.into_grant_after_consent(),
            approved: Approval::after_consent_to(manifest),
            carve_outs,
        };
        let connecting = Connecting {
            key: self.key.clone(),
            connector: manifest.name().clone(),
            recipe: self.recipe,
            settings: self.settings,
            fields,
            approved: entry.approved.clone(),
        };
        let loaded = host.load(self.component.bytes).await;
        loaded.with_context(|| format!("{:?} cannot be loaded", self.component.path))?;
        permit(&host, &self.key, &entry.carve_outs);
        let frame = Frame {
            host,
            key: self.key,
            entry,
        };
        if needs_browser {
            frame
                .by_browser(connecting, self.no_browser, terminal)
                .await
        } else {
            let connected = frame.host.connect_account(connecting).await?;
            frame.confirmed(connected).await
        }
    }
}

impl Account {
    /// Writes the connection down; if that fails, the credential is not kept either.
    pub(crate) async fn keep(&self, book: &Book) -> Result<()> {
        let Err(error) = book.put(self.entry.clone()) else {
            return Ok(());
        };
        self.connection.remove_account().await?;
        Err(error.context("the account was not kept"))
    }
}

impl Frame {
    async fn by_browser(
        self,
        connecting: Connecting,
        no_browser: bool,
        terminal: &Terminal,
    ) -> Result<Account> {
        let door = Door::open().await?;
        let redirect = door.redirect();
        let authorization = self.host.authorize(connecting, &redirect).await?;
        let mut reception = door.receive(&authorization.state);
        let key = self.key.to_string();
        invite(&key, &authorization, &redirect, no_browser, terminal);
        let came = wait(&mut reception, &authorization.state, PATIENCE, terminal).await;
        let (query, arrival) = match came {
            Ok(came) => came,
            Err(error) => {
                reception.end(None, Err(error.to_string())).await;
                return Err(error);
            }
        };
        let result = match self.host.finish(&self.key, &query).await {
            Ok(connected) => self.confirmed(connected).await,
            Err(error) => Err(error.into()),
        };
        let outcome = match &result {
            Ok(account) => Ok(format!(
                "{key} is connected as {}.\nYou can close this page.",
                who(&account.me)
            )),
            Err(error) => Err(report::lines(error).join("\n")),
        };
        reception.end(arrival, outcome).await;
        result
    }

    /// Asks the CRM whose account it is. One that does not say so is not kept.
    async fn confirmed(mut self, connected: Connected) -> Result<Account> {
        let told = connected.settings.into_iter();
        self.entry.told = told
            .filter(|(name, _)| !self.entry.settings.contains_key(name))
            .collect();
        self.entry.grant = connected.grant;
        self.entry.approved = connected.approved;
        let options = ConnectionOptions {
            connector: self.entry.connector.clone(),
            settings: self.entry.all_settings(),
            wanted_fields: BTreeMap::new(),
            credential: Some(connected.credential),
            grant: self.entry.grant.clone(),
            approved: self.entry.approved.clone(),
            organisation: None,
        };
        let connection = self.host.connect(self.key, options);
        match connection.get_me().await {
            Ok(me) => Ok(Account {
                entry: self.entry,
                connection,
                me,
                expires: connected.expires,
            }),
            Err(error) => {
                let text = match connection.remove_account().await {
                    Ok(_) => "the CRM does not tell whose account it is, so nothing of it was kept",
                    Err(_) => {
                        "the CRM does not tell whose account it is, and what it has issued could not be removed from the vault; run the command again"
                    }
                };
                Err(anyhow::Error::from(error).context(text))
            }
        }
    }
}

/// Gives a connection the operator's permissions.
pub(crate) fn permit(host: &Host, key: &ConnectionKey, carve_outs: &[CarveOut]) {
    for carve_out in carve_outs {
        host.carve_out(key.clone(), carve_out.clone());
    }
}

/// Tells a person where to agree.
fn invite(
    key: &str,
    authorization: &Authorization,
    redirect: &str,
    no_browser: bool,
    terminal: &Terminal,
) {
    let url = &authorization.url;
    terminal.complain(format!(
        "To connect {key}, open this address in a browser, sign in and agree:\n\n  {url}\n"
    ));
    if !no_browser && browser::open(url, terminal) {
        terminal.note("A browser was started with it.");
    }
    terminal.complain(format!(
        "If the browser is on another machine, it ends at an address that begins with {redirect} and does not open: paste that address here, or the code in it. Ctrl-C gives up."
    ));
}

/// Waits for the browser, or for what a person pastes, whichever comes first.
async fn wait(
    reception: &mut Reception,
    state: &str,
    patience: Duration,
    terminal: &Terminal,
) -> Result<(String, Option<Arrival>)> {
    let mut lines = terminal.lines();
    let mut over = std::pin::pin!(tokio::time::sleep(patience));
    let mut interrupted = std::pin::pin!(terminal.interrupted());
    loop {
        tokio::select! {
            arrival = reception.arrival() => {
                let mut arrival = arrival.context("the browser cannot come back: the page for it has stopped")?;
                let query = std::mem::take(&mut arrival.query);
                return Ok((query, Some(arrival)));
            }
            line = lines.next() => match paste::query(&line, state) {
                Ok(query) if reception.take() => return Ok((query, None)),
                // The callback is on its way.
                Ok(_) => {}
                Err(problem) => terminal.complain(problem),
            },
            pressed = &mut interrupted => {
                pressed?;
                bail!("given up before anybody agreed; nothing was kept");
            }
            () = &mut over => bail!(
                "nobody has agreed within {} minutes; nothing was kept; run the command again",
                PATIENCE.as_secs() / 60
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_person_who_does_not_come_is_not_waited_for_for_ever() {
        let (terminal, captured) = Terminal::captured::<String, String>([]);
        let wait_for = async |patience| {
            let door = Door::open().await.unwrap();
            let mut reception = door.receive("S");
            let waited = wait(&mut reception, "S", patience, &terminal).await;
            reception.end(None, Err(String::new())).await;
            waited.err().unwrap().to_string()
        };
        let late = wait_for(Duration::ZERO).await;
        assert!(
            late.starts_with("nobody has agreed within 10 minutes"),
            "{late}"
        );
        captured.interrupt();
        let interrupted = wait_for(Duration::MAX).await;
        assert!(interrupted.starts_with("given up"), "{interrupted}");
    }
}
