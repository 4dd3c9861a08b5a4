//! What a hostile connector may not do: each attack is run while another customer works, and has to end as it should.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use brightsync_core::crm::page::{Change, PageRequest};
use brightsync_runtime::{Connection, End, Limit};
use serde::Serialize;
use serde_json::Value;

use super::ledger::{Ledger, micros};
use crate::progress::Step;
use crate::table::{Columns, Side::Left, Side::Right};
use crate::terminal::{Terminal, Tone};
use crate::text;

/// The example in the tests' guests.
pub(super) const GUEST: &str = "demo_hostile";

/// Who it is run for.
pub(super) const TENANT: &str = "mallory";

/// What it says of itself. It asks for no more than any connector; what it tries goes beyond that.
pub(super) const MANIFEST: &str = r#"[connector]
name = "hostile"
title = "A hostile connector"
version = "0.1.0"
publisher = "Mallory"
contract = "0.1"

[settings.site]
kind = "origin"
title = "Address of the CRM"

[http]
base = "{site}/"

[[hosts]]
origin = "{site}"
why = "the REST API"

[auth.api-key]
title = "API key"
kind = "header"
header = "X-Api-Key"
audience = ["{site}"]

[functions]
users = ["get-me"]
accounts = ["get-accounts-by-name"]
"#;

/// Every byte of what the guest looks for is combined with this, so that what it is told is not what it finds.
const MASK: u8 = 0xa5;

/// What came of one attack.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Attack {
    pub(super) tried: &'static str,
    /// How the call ended: `answer`, or the kind of end.
    pub(super) end: String,
    /// What the operator, or the attacker, learned; safe to show.
    pub(super) told: String,
    pub(super) held: bool,
    /// Microseconds.
    pub(super) took: u64,
    /// How another customer's call went that ran at the same time: microseconds, none if it failed.
    pub(super) neighbour: Option<u64>,
    /// The same of the call after it.
    pub(super) next_call: Option<u64>,
}

/// What the attacks need.
pub(super) struct Arena<'a> {
    /// The hostile connector's connection.
    pub(super) hostile: &'a Connection,
    /// Another connection of the same connector, of another tenant.
    pub(super) other: &'a Connection,
    /// A customer who works meanwhile, over another connector.
    pub(super) neighbour: &'a Connection,
    /// A server of another customer.
    pub(super) other_site: &'a str,
    /// The credential of the hostile connector's connection.
    pub(super) canary: &'a str,
    pub(super) ledger: &'a Ledger,
}

/// What an attack has to come to.
enum Expected {
    /// The request was refused with a code.
    Denied,
    /// It found nothing, although its way of looking finds what is there.
    FoundNothing,
    /// The value of the other connection is not there.
    NoState,
    Limit(&'static [Limit]),
    Trap,
}

impl Arena<'_> {
    /// Runs all attacks.
    pub(super) async fn run(&self, step: &Step) -> Result<Vec<Attack>> {
        let reach_other = format!("reach {}/users/me", self.other_site);
        let search = format!("search {}", masked(self.canary));
        let left = self.other.get_accounts_by_name(
            "leave secret-of-another-tenant".to_owned(),
            PageRequest::default(),
        );
        left.await.context("the other tenant's call failed")?;
        let attacks = [
            (
                "reach a server of its own",
                "reach https://collect.example.com/",
                Expected::Denied,
            ),
            (
                "reach another customer's server",
                &reach_other,
                Expected::Denied,
            ),
            (
                "reach the cloud's metadata",
                "reach http://169.254.169.254/latest/",
                Expected::Denied,
            ),
            ("send a credential of its choice", "forge", Expected::Denied),
            ("find the credential", &search, Expected::FoundNothing),
            (
                "read another customer's state",
                "collect",
                Expected::NoState,
            ),
            (
                "loop for ever",
                "loop",
                Expected::Limit(&[Limit::GuestTime]),
            ),
            ("eat all memory", "eat", Expected::Limit(&[Limit::Memory])),
            (
                "recurse for ever",
                "recurse",
                Expected::Limit(&[Limit::Stack]),
            ),
            ("panic", "panic", Expected::Trap),
        ];
        let mut ended = Vec::new();
        for (tried, name, expected) in attacks {
            step.say(tried);
            ended.push(self.attack(tried, name, &expected).await?);
        }
        Ok(ended)
    }

    async fn attack(&self, tried: &'static str, name: &str, expected: &Expected) -> Result<Attack> {
        let start = self.ledger.len();
        let called = self
            .hostile
            .get_accounts_by_name(name.to_owned(), PageRequest::default());
        let (called, neighbour) = tokio::join!(called, self.work());
        let report = self
            .ledger
            .latest(start, TENANT)
            .context("the host has not reported the call")?;
        let refused = report.requests.iter().find_map(|it| it.failure);
        let (held, told) = match (expected, &called) {
            (Expected::Denied, Ok(page)) => {
                let seen = finding(page.items.first(), "outcome");
                (
                    refused.is_some(),
                    format!("no request: {}", refused.unwrap_or(&seen)),
                )
            }
            (Expected::FoundNothing, Ok(page)) => {
                let find = |name| finding(page.items.first(), name);
                let told = format!(
                    "{} copies in {} of memory, settings, state, environment",
                    find("copies"),
                    text::size(find("bytes-of-memory").parse().unwrap_or_default()),
                );
                // Whatever the CRM answered, the request went out, and the credential with it.
                let used = report.requests.iter().any(|it| it.status.is_some());
                let looked = find("control").parse().is_ok_and(|found: u32| found > 0);
                (find("copies") == "0" && used && looked, told)
            }
            (Expected::NoState, Ok(page)) => {
                let found = finding(page.items.first(), "found");
                (
                    found.is_empty(),
                    if found.is_empty() {
                        "nothing there".to_owned()
                    } else {
                        found
                    },
                )
            }
            (Expected::Limit(limits), Err(error)) => match &*error.end {
                End::Limit(limit) => (limits.contains(limit), format!("limit of {limit}")),
                end => (false, end.to_string()),
            },
            (Expected::Trap, Err(error)) => match &*error.end {
                End::Trap(trap) => (true, trap.kind.to_string()),
                end => (false, end.to_string()),
            },
            (_, Err(error)) => (false, error.to_string()),
            (Expected::Limit(_) | Expected::Trap, Ok(_)) => (false, "it answered".to_owned()),
        };
        let next_call = self.work().await;
        Ok(Attack {
            tried,
            end: report.outcome.to_owned(),
            told: text::message(&told),
            held: held && neighbour.is_some() && next_call.is_some(),
            took: micros(report.took),
            neighbour,
            next_call,
        })
    }

    /// Another customer's call, and how long it took.
    async fn work(&self) -> Option<u64> {
        let started = Instant::now();
        self.neighbour.get_me().await.ok()?;
        Some(micros(started.elapsed()))
    }
}

/// Shows how the attacks ended.
pub(super) fn show(attacks: &[Attack], terminal: &Terminal) {
    let mut table = Columns::new(&[
        ("it tried to", Left),
        ("ended as", Left),
        ("after", Right),
        ("told", Left),
        ("meanwhile", Right),
        ("next call", Right),
        ("held", Left),
    ]);
    for attack in attacks {
        let time = |it: Option<u64>| {
            it.map_or_else(
                || "FAILED".to_owned(),
                |it| text::took(Duration::from_micros(it)),
            )
        };
        table.row([
            attack.tried.to_owned(),
            attack.end.clone(),
            time(Some(attack.took)),
            text::shortened(&attack.told, 60),
            time(attack.neighbour),
            time(attack.next_call),
            if attack.held { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    table.show(2, terminal);
    let broken = attacks.iter().filter(|it| !it.held).count();
    let (tone, text) = if broken == 0 {
        (
            Tone::Good,
            format!(
                "all {} held; another customer's calls went on, during each and after it",
                attacks.len()
            ),
        )
    } else {
        (
            Tone::Bad,
            format!("{broken} of {} did not end as they should", attacks.len()),
        )
    };
    terminal.line(format!("  {}", terminal.paint(tone, text)));
}

fn masked(secret: &str) -> String {
    secret
        .bytes()
        .map(|it| format!("{:02x}", it ^ MASK))
        .collect()
}

/// What the guest has written into `extra`.
fn finding(item: Option<&Change<brightsync_core::crm::account::Account>>, name: &str) -> String {
    match item {
        Some(Change::Present(account)) => {
            let found = account.extra.get(name).and_then(Value::as_str);
            found.unwrap_or_default().to_owned()
        }
        Some(Change::IdOnly(_) | Change::Departed(_)) | None => String::new(),
    }
}
