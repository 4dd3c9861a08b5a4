//! `brightsync sandbox`: a CRM to try connectors on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;
use brightsync_sandbox::{Credentials, Database, Options, Server};
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::Setting;
use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  brightsync sandbox                                       on a free port, in memory
  brightsync sandbox --port 4000 --db crm.sqlite           the same records the next time
  BRIGHTSYNC_CREDENTIAL_KEY=KEY brightsync call sandbox.wasm get-me \\
      --set site=http://127.0.0.1:4000 --auth api-key --allow-private

The same seed makes the same records and credentials. It listens on this machine only, and ends on Ctrl-C. Its API is
described in host/sandbox/README.md.";

/// Run a CRM on this machine to try connectors on
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sandbox {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What the records and the credentials are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many accounts there are
    #[arg(long, default_value_t = 40)]
    accounts: u32,
    /// How many contacts there are
    #[arg(long, default_value_t = 250)]
    contacts: u32,
    /// How many users there are, at least one
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// The file that keeps the records; in memory without it
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Sandbox {
    pub(crate) async fn run(self, setting: &Setting) -> Result<Exit> {
        let terminal = &setting.terminal;
        let server = Server::start(Options {
            seed: self.seed,
            accounts: self.accounts,
            contacts: self.contacts,
            users: self.users,
            database: self.db.map_or(Database::Memory, Database::File),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)),
            ..Options::default()
        })
        .await?;
        if self.json {
            terminal.line(document(&server));
        } else {
            terminal.line(server.summary().trim_end());
        }
        terminal.note("running; Ctrl-C ends it");
        terminal.interrupted().await?;
        server.stop().await;
        terminal.note("stopped");
        Ok(Exit::Success)
    }
}

fn document(server: &Server) -> Value {
    let Credentials {
        organisation_key,
        read_only_key,
        admin_key,
        users,
    } = server.credentials();
    let users: Vec<_> = users
        .iter()
        .map(|it| {
            json!({
                "id": it.id, "email": it.email, "password": it.password, "key": it.key, "token": it.token,
            })
        })
        .collect();
    json!({
        "address": server.url(),
        "organisation": server.organisation_id(),
        "organisation-key": organisation_key,
        "read-only-key": read_only_key,
        "admin-key": admin_key,
        "users": users,
    })
}
