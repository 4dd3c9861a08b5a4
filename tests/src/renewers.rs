//! Processes that share one vault, and what they tell of their calls.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use brightsync_runtime::Vault;
use brightsync_runtime::vault::{KeySource, Keys, SqliteStore};
use brightsync_sandbox::{Clock, Options, Server};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::ways::{Time, Ways, ahead};

/// The sandbox CRM by this machine's clock, an account that is connected there, and its vault in files.
pub struct Renewers {
    /// The CRM.
    pub crm: Arc<Server>,
    folder: TempDir,
    program: &'static str,
}

/// What one process is to do.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// By how many milliseconds its clock is ahead.
    pub ahead: i64,
    /// How many tasks make calls side by side.
    pub tasks: u32,
    /// How many calls each of them makes at least.
    pub calls: u32,
    /// For how many seconds at least.
    pub seconds: u32,
    /// Where it dies: `leased`, `issued`, `stored`; `none` for nowhere.
    pub step: &'a str,
}

/// What one process did.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Done {
    /// How many calls it made.
    pub calls: u64,
    /// What became of those that failed.
    pub failed: Vec<String>,
    /// How often it renewed the token.
    pub renewed: u64,
}

impl Renewers {
    /// Connects an account whose tokens hold so long. `program` is the one that is started for each process.
    pub async fn connect(program: &'static str, lifetime: Duration) -> Self {
        let options = Options {
            clock: Clock::system(),
            ..Options::empty(1, 2)
        };
        let crm = Arc::new(Server::start(options).await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let renewers = Self {
            crm,
            folder,
            program,
        };
        let ways = renewers.host(0).await;
        let client = ways.client(|it| it.access_lifetime = Some(lifetime));
        ways.sign_in("plain-code", &client).await;
        renewers
    }

    /// A host of this process on the same vault, by a clock that is so many milliseconds ahead.
    pub async fn host(&self, milliseconds: i64) -> Ways {
        let time = Time::at(ahead(milliseconds));
        let told = time.clone();
        let file = self.vault();
        let store = SqliteStore::open_with_clock(&file, Arc::new(move || told.now()));
        let keys = Keys::read(KeySource::file(self.folder.path().join("keys"))).await;
        let vault = Vault::new(store.await.unwrap(), keys.unwrap());
        Ways::on(self.crm.clone(), time, vault).await
    }

    /// Starts a process.
    pub fn start(&self, work: Work<'_>) -> Child {
        Command::new(self.program)
            .arg(self.vault())
            .arg(self.folder.path().join("keys"))
            .arg(self.crm.url())
            .arg(work.ahead.to_string())
            .arg(work.tasks.to_string())
            .arg(work.calls.to_string())
            .arg(work.seconds.to_string())
            .arg(work.step)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Has so many processes do the same, and adds up what they did.
    pub async fn all(&self, processes: usize, work: Work<'_>) -> Done {
        let running = (0..processes).map(|_| self.start(work).wait_with_output());
        let mut all = Done::default();
        for output in futures::future::join_all(running).await {
            let output = output.unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{errors}");
            let done: Done = serde_json::from_slice(&output.stdout).unwrap();
            all.calls += done.calls;
            all.failed.extend(done.failed);
            all.renewed += done.renewed;
        }
        all
    }

    /// The vault's file.
    pub fn vault(&self) -> std::path::PathBuf {
        self.folder.path().join("vault.sqlite")
    }

    /// Where the vault and its keys are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
