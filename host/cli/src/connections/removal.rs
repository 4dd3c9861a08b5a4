//! Removes a connection: the CRM takes the access back, and the vault forgets the credential, whether or not the connector can still be loaded.

use anyhow::{Context as _, Result, bail};
use brightsync_runtime::vault::{Slot, Slots};
use brightsync_runtime::{Removed, Vault};
use serde_json::json;

use super::{Book, Entry};
use crate::arguments::Setting;
use crate::exit::Usage;
use crate::report;
use crate::terminal::Terminal;

/// The most slots that one connection has: one a recipe.
const MOST: usize = 1000;

/// What is to be removed.
pub(super) struct Removal {
    pub(super) entry: Entry,
    pub(super) vault: Vault,
}

impl Removal {
    /// Removes it, after somebody has said so.
    pub(super) async fn carry_out(
        self,
        book: &Book,
        yes: bool,
        as_json: bool,
        setting: &Setting,
    ) -> Result<()> {
        let (title, terminal) = (self.entry.title(), &setting.terminal);
        if !yes {
            consent(&title, terminal)?;
        }
        let removed = match self
            .entry
            .open(setting.host()?.vault(self.vault.clone()))
            .await
        {
            Ok((_, connection)) => Some(connection.remove_account().await?),
            Err(error) => {
                let why = report::lines(&error).join("; ");
                terminal.warn(format!("the CRM cannot be told: {why}"));
                None
            }
        };
        let left = self.wiped().await?;
        book.remove(&self.entry)?;
        let (wiped, revoked) = match removed {
            Some(Removed { wiped, revoked, .. }) => (wiped, revoked),
            None => (left, Some(false)),
        };
        if as_json {
            terminal.line(json!({"connection": title, "wiped": wiped, "taken-back": revoked}));
            return Ok(());
        }
        terminal.line(format!("{title} is removed"));
        if !wiped.is_empty() {
            terminal.line(format!("wiped from the vault: {}", wiped.join(", ")));
        }
        terminal.line(match revoked {
            Some(true) => "the CRM has taken the access back",
            Some(false) => {
                "the CRM has not taken the access back; end it there, where it lists the applications that have access"
            }
            None => "what was given is as good at the CRM as before; if others may know it, change it there",
        });
        Ok(())
    }

    /// Removes everything else that the vault keeps of the connection, and answers what that was.
    async fn wiped(&self) -> Result<Vec<String>> {
        let of = Slots::Connection(self.entry.key()?);
        let mut wiped = Vec::new();
        for slot in self.vault.slots(&of, None, MOST).await? {
            self.vault.remove(&slot).await?;
            if let Slot::Connection { recipe, .. } = slot {
                wiped.push(format!("everything for {recipe}"));
            }
        }
        Ok(wiped)
    }
}

fn consent(title: &str, terminal: &Terminal) -> Result<()> {
    let prompt = format!("Remove {title} and wipe its credential? [y/N] ");
    let asked = terminal.ask(&prompt).ok_or_else(|| {
        Usage(format!(
            "nobody can be asked whether {title} is to be removed; add --yes"
        ))
    })?;
    let answer = asked.context("the answer cannot be read")?;
    if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        bail!("{title} was not removed");
    }
    Ok(())
}
