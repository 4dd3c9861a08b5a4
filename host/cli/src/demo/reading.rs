//! Reading: everything once, then only what has changed since.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use brightsync_core::crm::page::{Change, PageRequest, ReadRequest, Scope, Window};
use brightsync_core::crm::{Id, Timestamp};
use brightsync_core::function::Function;
use brightsync_core::manifest::{Manifest, ScopeKind};
use brightsync_runtime::{CallError, Connection};
use futures::{Stream, TryStreamExt as _};
use serde::Serialize;

use super::crm::Changed;
use super::ledger::{Ledger, Sum, micros};
use super::tour;
use crate::progress::Step;
use crate::table::{Columns, Side::Left, Side::Right};
use crate::terminal::{Terminal, Tone};
use crate::text;

/// How many records a page is asked for; the CRM's own limit may be lower.
const PAGE: u32 = 200;

/// What one read brought.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Read {
    pub(super) tenant: String,
    pub(super) what: &'static str,
    pub(super) accounts: usize,
    pub(super) contacts: usize,
    pub(super) departures: usize,
    /// Records that the connector could not read, each with its reason in the report of its page.
    pub(super) skipped: usize,
    /// Microseconds.
    pub(super) took: u64,
    pub(super) calls: Sum,
    /// None if it is what it should be.
    pub(super) problem: Option<String>,
    /// From where the next read goes on.
    #[serde(skip)]
    pub(super) mark: Timestamp,
}

/// What came out of one stream of pages.
#[derive(Default)]
struct Harvest {
    present: BTreeSet<Id>,
    departed: BTreeSet<Id>,
    skipped: usize,
    complete_until: Option<Timestamp>,
}

/// Reads all accounts and contacts.
pub(super) async fn everything(
    connection: &Connection,
    manifest: &Manifest,
    (accounts, contacts): (u64, u64),
    now: Timestamp,
    ledger: &Ledger,
    step: &Step,
) -> Result<Read> {
    let (tenant, start, started) = (
        connection.key().tenant().to_owned(),
        ledger.len(),
        Instant::now(),
    );
    let request = |scope| request(scope);
    let mut companies = Harvest::default();
    companies
        .gather(
            connection.my_accounts(request(Scope::All)),
            |it| &it.id,
            step,
        )
        .await?;
    let mut people = Harvest::default();
    people
        .gather(
            connection.my_contacts(request(Scope::All)),
            |it| &it.ref_.id,
            step,
        )
        .await?;
    let least = |found: usize, least: u64| u64::try_from(found).unwrap_or(u64::MAX) >= least;
    let complete =
        least(companies.present.len(), accounts) && least(people.present.len(), contacts);
    let problem = (!complete)
        .then(|| format!("there are at least {accounts} accounts and {contacts} contacts"));
    Ok(Read {
        what: "everything",
        accounts: companies.present.len(),
        contacts: people.present.len(),
        departures: 0,
        skipped: companies.skipped + people.skipped,
        took: micros(started.elapsed()),
        calls: ledger.since(start, &tenant),
        problem,
        // Where the connector does not say until when the read is complete, that is its beginning, less what shows late.
        mark: people
            .complete_until
            .unwrap_or(now - Timestamp::from(manifest.times().visibility_lag_ms())),
        tenant,
    })
}

/// Reads the contacts that have changed since a mark, and those that have departed, and compares with what was changed.
pub(super) async fn changes(
    connection: &Connection,
    manifest: &Manifest,
    mark: Timestamp,
    changed: &Changed,
    ledger: &Ledger,
    step: &Step,
) -> Result<Read> {
    let capabilities = connection.get_me().await?.capabilities;
    let (tenant, start, started) = (
        connection.key().tenant().to_owned(),
        ledger.len(),
        Instant::now(),
    );
    let granularity = Timestamp::from(manifest.times().granularity_ms());
    let window = Window {
        // A time that the CRM has cut off may lie before the moment.
        since: mark - mark.rem_euclid(granularity),
        until: None,
    };
    let mut people = Harvest::default();
    let updated = connection.my_contacts(request(Scope::Updated(window)));
    people.gather(updated, |it| &it.ref_.id, step).await?;
    let scopes = manifest.reads_of_contacts().map(|it| &it.scopes);
    let has = scopes.is_some_and(|it| it.contains(&ScopeKind::Departed));
    if has && tour::lacks(&capabilities, Function::GetMyContacts, "departed").is_none() {
        let departed = connection.my_contacts(request(Scope::Departed(window)));
        people.gather(departed, |it| &it.ref_.id, step).await?;
    }
    let lacks = |wanted: &[String], found: &BTreeSet<Id>| {
        wanted
            .iter()
            .filter(|id| !found.iter().any(|it| it.as_str() == *id))
            .count()
    };
    let missed =
        lacks(&changed.present, &people.present) + lacks(&changed.departed, &people.departed);
    Ok(Read {
        what: "what changed",
        accounts: 0,
        contacts: people.present.len(),
        departures: people.departed.len(),
        skipped: people.skipped,
        took: micros(started.elapsed()),
        calls: ledger.since(start, &tenant),
        problem: (missed > 0).then(|| format!("{} missed", text::count(missed, "change"))),
        mark,
        tenant,
    })
}

/// Shows what the reads brought.
pub(super) fn show(reads: &[Read], manifest: &Manifest, terminal: &Terminal) {
    let mut table = Columns::new(&[
        ("read", Left),
        ("tenant", Left),
        ("accounts", Right),
        ("contacts", Right),
        ("departures", Right),
        ("calls", Right),
        ("requests", Right),
        ("received", Right),
        ("time", Right),
    ]);
    for read in reads {
        let count = |count: usize| text::number(u64::try_from(count).unwrap_or(u64::MAX));
        table.row([
            read.what.to_owned(),
            read.tenant.clone(),
            count(read.accounts),
            count(read.contacts),
            count(read.departures),
            text::number(read.calls.calls),
            text::number(read.calls.requests),
            text::size(read.calls.bytes_in),
            text::took(Duration::from_micros(read.took)),
        ]);
    }
    table.show(2, terminal);
    let mut problems = 0;
    for read in reads {
        if let Some(problem) = &read.problem {
            problems += 1;
            let text = format!("{} of {}: {problem}", read.what, read.tenant);
            terminal.line(format!("  {}", terminal.paint(Tone::Bad, text)));
        }
        if read.skipped > 0 {
            terminal.line(format!(
                "  {} could not be read",
                text::count(read.skipped, "record")
            ));
        }
    }
    let late = manifest.times().visibility_lag_ms();
    if late > 0 {
        let late = text::took(Duration::from_millis(late.into()));
        terminal.line(format!(
            "  changes show up to {late} late in this CRM, so the second read goes back that far"
        ));
    }
    if problems == 0 {
        let text = "every record was read, and every change was found";
        terminal.line(format!("  {}", terminal.paint(Tone::Good, text)));
    }
}

fn request(scope: Scope) -> ReadRequest {
    ReadRequest {
        scope,
        page: PageRequest {
            size: PAGE,
            ..PageRequest::default()
        },
        ..ReadRequest::default()
    }
}

impl Harvest {
    async fn gather<T>(
        &mut self,
        pages: impl Stream<Item = Result<brightsync_core::crm::page::Page<Change<T>>, CallError>>,
        id: impl Fn(&T) -> &Id,
        step: &Step,
    ) -> Result<(), CallError> {
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await? {
            step.advance(u64::try_from(page.items.len()).unwrap_or_default());
            self.skipped += page.end.skipped.len();
            // The first page was read first, so its word is the one that holds for all.
            self.complete_until = self.complete_until.or(page.end.complete_until);
            for item in page.items {
                match item {
                    Change::Present(record) => self.present.insert(id(&record).clone()),
                    Change::IdOnly(id) => self.present.insert(id),
                    Change::Departed(departure) => self.departed.insert(departure.id),
                };
            }
        }
        Ok(())
    }
}
