//! `brightsync vault`: where this installation keeps credentials, and under which keys.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use brightsync_runtime::Vault;
use brightsync_runtime::vault::{KeySource, Keys, Slot, Slots, SqliteStore};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::arguments::Setting;
use crate::connections::make;
use crate::exit::{Exit, Usage};
use crate::progress::Step;
use crate::table::Columns;
use crate::terminal::Terminal;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  brightsync vault status                     what is kept, and whether the keys open it
  brightsync vault rotate                     add a key to the file of keys, and seal everything under it
  brightsync vault rotate --vault-key-command 'pass show brightsync/keys'

Credentials are in vault.sqlite in the data folder, encrypted. The keys come from BRIGHTSYNC_VAULT_KEYS, from the
output of a command (--vault-key-command or BRIGHTSYNC_VAULT_KEY_COMMAND), or else from the file vault.keys in the data
folder, which is made on first use: keep a copy of it elsewhere, since without its keys nothing opens the vault. Each is
a list of lines ID:KEY, the newest first, where KEY is the base64 of 32 random bytes.";

/// The variable that has the keys.
const KEYS: &str = "BRIGHTSYNC_VAULT_KEYS";

/// The variable that has the command.
const COMMAND: &str = "BRIGHTSYNC_VAULT_KEY_COMMAND";

/// How long the command may take: somebody may have to unlock something.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many names are asked for at once.
const PAGE: usize = 256;

/// Look after the vault in which credentials are kept
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VaultCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what is kept, and whether the keys open it
    Status(Options),
    /// Seal everything under a new key
    Rotate(Options),
}

#[derive(Debug, Args)]
struct Options {
    #[command(flatten)]
    keys: KeyOptions,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Where the vault's keys come from.
#[derive(Debug, Args)]
pub(crate) struct KeyOptions {
    /// The program that prints the vault's keys, and its arguments, split at spaces and run without a shell [default:
    /// $BRIGHTSYNC_VAULT_KEY_COMMAND]
    #[arg(long, value_name = "COMMAND")]
    vault_key_command: Option<String>,
}

/// Where keys come from, as far as it may be told.
#[derive(Debug)]
enum Place {
    Variable,
    Command(String),
    File(PathBuf),
}

impl VaultCommand {
    pub(crate) fn is_json(&self) -> bool {
        let (Action::Status(options) | Action::Rotate(options)) = &self.action;
        options.json
    }

    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let data = setting.data()?;
        let path = file(&data);
        if !path.exists() {
            bail!(
                "there is no vault at {path:?} yet; `brightsync connect` makes it with the first account"
            );
        }
        match self.action {
            Action::Status(it) => status(&it, setting).await,
            Action::Rotate(it) => rotate(&it, &data, setting).await,
        }
    }
}

impl KeyOptions {
    /// Opens the vault of the data folder, and makes both if they are missing.
    pub(crate) async fn open(&self, setting: &Setting) -> Result<Vault> {
        let data = setting.data()?;
        make(&data)?;
        let keys = match self.place(&data, &setting.terminal)? {
            Place::Variable => {
                let list = setting.terminal.variable(KEYS).unwrap_or_default();
                KeySource::variable(KEYS, &list)
            }
            Place::Command(command) => {
                let mut words = command.split_whitespace().map(OsString::from);
                let program = words.next().unwrap_or_default();
                KeySource::command(program, words, PATIENCE)
            }
            Place::File(keys) => {
                let vault = file(&data);
                // A fresh key would open nothing of what is there.
                if vault.exists() && !keys.exists() {
                    bail!(
                        "the keys of {vault:?} are gone: there is no {keys:?}; put it back from a copy, or move the vault away and connect all accounts again"
                    );
                }
                KeySource::file(keys)
            }
        };
        let keys = Keys::read(keys)
            .await
            .context("the vault's keys cannot be read")?;
        Ok(Vault::new(SqliteStore::open(&file(&data)).await?, keys))
    }

    fn place(&self, data: &Path, terminal: &Terminal) -> Result<Place> {
        let variable = terminal.variable(KEYS);
        let command = self.vault_key_command.clone();
        let command = command.or_else(|| terminal.variable(COMMAND));
        match (variable, command) {
            // Also because the command would see the variable.
            (Some(_), Some(_)) => Err(Usage(format!(
                "the vault's keys come from {KEYS} and from a command; give one of them"
            ))
            .into()),
            (Some(_), None) => Ok(Place::Variable),
            (None, Some(command)) if command.trim().is_empty() => {
                Err(Usage("the command for the vault's keys is empty".to_owned()).into())
            }
            (None, Some(command)) => Ok(Place::Command(command)),
            (None, None) => Ok(Place::File(data.join("vault.keys"))),
        }
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("vault.sqlite")
}

/// All that is kept.
async fn slots(vault: &Vault) -> Result<Vec<Slot>> {
    let mut all: Vec<Slot> = Vec::new();
    loop {
        let page = vault.slots(&Slots::All, all.last(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn status(options: &Options, setting: &Setting) -> Result<Exit> {
    let (terminal, data) = (&setting.terminal, setting.data()?);
    let place = options.keys.place(&data, terminal)?;
    let vault = options.keys.open(setting).await?;
    let mut closed = Vec::new();
    let slots = slots(&vault).await?;
    for slot in &slots {
        if let Err(error) = vault.read(slot).await {
            let problem = format!("{:#}", anyhow::Error::from(error));
            closed.push((slot.to_string(), problem));
        }
    }
    let keys: Vec<_> = vault
        .keys()
        .await?
        .iter()
        .map(ToString::to_string)
        .collect();
    if options.json {
        terminal.line(json!({
            "file": file(&data),
            "keys-from": place.to_string(),
            "keys": keys,
            "kept": slots.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "cannot-be-opened": closed.iter().map(|(slot, _)| slot).collect::<Vec<_>>(),
        }));
    } else {
        let mut table = Columns::plain();
        table.row(["vault", &file(&data).display().to_string()]);
        table.row(["keys from", &text::outside_long(&place.to_string())]);
        table.row(["keys, newest first", &keys.join(", ")]);
        table.row(["kept", &text::count(slots.len(), "credential")]);
        table.show(0, terminal);
    }
    for (_, problem) in &closed {
        terminal.complain(text::message(problem));
    }
    if closed.is_empty() {
        return Ok(Exit::Success);
    }
    bail!(
        "{} of {} cannot be opened",
        closed.len(),
        text::count(slots.len(), "credential")
    );
}

async fn rotate(options: &Options, data: &Path, setting: &Setting) -> Result<Exit> {
    let terminal = &setting.terminal;
    let place = options.keys.place(data, terminal)?;
    // First of all: with keys that open nothing, none is to be added.
    let vault = options.keys.open(setting).await?;
    if let Place::File(path) = &place {
        let id = Keys::add_to_file(path)?;
        terminal.note(format!("the key {id} was added to {path:?}"));
    }
    let total = slots(&vault).await?.len();
    let total = u64::try_from(total).unwrap_or(u64::MAX);
    let step = Step::count(terminal, "sealing anew", total);
    let rotated = vault.rotate(|_| step.advance(1)).await?;
    let (progress, newest) = (&rotated.progress, &rotated.newest);
    step.done(format!(
        "{} of {} under {newest}",
        text::number(progress.resealed),
        text::number(progress.seen)
    ));
    let old: Vec<_> = vault.keys().await?;
    let old: Vec<_> = old
        .iter()
        .map(ToString::to_string)
        .filter(|it| it != newest)
        .collect();
    let may_go: &[String] = if progress.failed == 0 { &old } else { &[] };
    if options.json {
        terminal.line(json!({
            "newest": newest,
            "seen": progress.seen,
            "resealed": progress.resealed,
            "failed": progress.failed,
            "keys-that-may-go": may_go,
        }));
    } else {
        terminal.line(format!(
            "everything that can be opened is sealed under the key {newest}"
        ));
        if !may_go.is_empty() {
            terminal.line(format!(
                "these keys may go, once no backup and no other program needs them: {}",
                may_go.join(", ")
            ));
        }
    }
    if let Some(advice) = place.advice()
        && progress.resealed == 0
    {
        terminal.note(advice);
    }
    for failure in rotated.failures {
        let problem = format!("{:#}", anyhow::Error::from(failure));
        terminal.complain(text::message(&problem));
    }
    if progress.failed == 0 {
        return Ok(Exit::Success);
    }
    bail!(
        "{} of {} could not be sealed anew; no key may be taken away until they are",
        progress.failed,
        progress.seen
    );
}

impl Place {
    /// How to add a key where this program cannot.
    fn advice(&self) -> Option<String> {
        let place = match self {
            Self::File(_) => return None,
            Self::Variable => "the variable",
            Self::Command(_) => "what the command prints",
        };
        Some(format!(
            "to rotate, put a line ID:KEY before the others of {place}, with a new id and the output of `openssl rand -base64 32`, and run this again"
        ))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable => write!(f, "the variable {KEYS}"),
            // Its arguments may be secret.
            Self::Command(command) => {
                let program = command.split_whitespace().next().unwrap_or_default();
                write!(f, "the command {program}")
            }
            Self::File(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], argument: Option<&str>, expected: &str) {
        let (terminal, _) = Terminal::captured(variables.iter().copied());
        let options = KeyOptions {
            vault_key_command: argument.map(str::to_owned),
        };
        let text = match options.place(Path::new("/data"), &terminal) {
            Ok(place) => place.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn keys_come_from_one_place_and_a_command_is_named_without_its_arguments() {
        let keys = (KEYS, "a:b");
        let command = (COMMAND, "pass show hunter2");
        check(&[], None, "/data/vault.keys");
        check(&[keys], None, "the variable BRIGHTSYNC_VAULT_KEYS");
        check(&[command], None, "the command pass");
        check(&[command], Some("op read hunter2"), "the command op");
        let both =
            "the vault's keys come from BRIGHTSYNC_VAULT_KEYS and from a command; give one of them";
        check(&[keys, command], None, both);
        check(&[keys], Some("op"), both);
        check(&[], Some(" "), "the command for the vault's keys is empty");
    }
}
