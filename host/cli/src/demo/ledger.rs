//! Everything that the host reported of the calls, and the table of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::function::Function;
use brightsync_runtime::Report;
use serde::Serialize;

use crate::table::{Columns, Side::Left, Side::Right};
use crate::terminal::Terminal;
use crate::text;

/// The reports of all calls, in the order in which the calls ended. Clones are one ledger.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Vec<Report>>>);

/// What some calls did, together.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Sum {
    pub(super) calls: u64,
    pub(super) requests: u64,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
    /// How they ended, by kind.
    pub(super) outcomes: BTreeMap<&'static str, u64>,
    /// Microseconds.
    pub(super) median: u64,
    /// Microseconds.
    pub(super) max: u64,
}

/// What the calls of one function did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Row {
    pub(super) function: Function,
    #[serde(flatten)]
    pub(super) sum: Sum,
}

impl Ledger {
    /// Takes the report of a call.
    pub(super) fn enter(&self, report: &Report) {
        self.with(|it| it.push(report.clone()));
    }

    /// How many calls there were so far.
    pub(super) fn len(&self) -> usize {
        self.with(|it| it.len())
    }

    /// Sums the calls of a tenant since there were so many.
    pub(super) fn since(&self, start: usize, tenant: &str) -> Sum {
        self.with(|it| sum(it.iter().skip(start).filter(|it| it.tenant == tenant)))
    }

    /// The report of a tenant's latest call since there were so many.
    pub(super) fn latest(&self, start: usize, tenant: &str) -> Option<Report> {
        self.with(|it| {
            let mut since = it.iter().skip(start).rev();
            since.find(|it| it.tenant == tenant).cloned()
        })
    }

    /// Sums the calls by function, of these tenants only.
    pub(super) fn rows(&self, tenants: &[&str]) -> Vec<Row> {
        self.with(|all| {
            let row = |function: &Function| {
                let calls = all
                    .iter()
                    .filter(|it| it.function == *function && tenants.contains(&&*it.tenant));
                Row {
                    function: *function,
                    sum: sum(calls),
                }
            };
            let rows = Function::ALL.iter().map(row);
            rows.filter(|it| it.sum.calls > 0).collect()
        })
    }

    /// Sums all calls.
    pub(super) fn total(&self) -> Sum {
        self.with(|it| sum(it.iter()))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Report>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows what the calls of each function did.
pub(super) fn show(rows: &[Row], terminal: &Terminal) {
    let mut table = Columns::new(&[
        ("function", Left),
        ("calls", Right),
        ("median", Right),
        ("max", Right),
        ("requests", Right),
        ("sent", Right),
        ("received", Right),
        ("ended with", Left),
    ]);
    for Row { function, sum } in rows {
        let outcomes = sum.outcomes.iter();
        let outcomes: Vec<_> = outcomes
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        table.row([
            function.to_string(),
            text::number(sum.calls),
            text::took(Duration::from_micros(sum.median)),
            text::took(Duration::from_micros(sum.max)),
            text::number(sum.requests),
            text::size(sum.bytes_out),
            text::size(sum.bytes_in),
            outcomes.join(", "),
        ]);
    }
    table.show(2, terminal);
}

fn sum<'a>(reports: impl Iterator<Item = &'a Report>) -> Sum {
    let mut sum = Sum::default();
    let mut times = Vec::new();
    for report in reports {
        sum.calls += 1;
        *sum.outcomes.entry(report.outcome).or_default() += 1;
        times.push(micros(report.took));
        for request in &report.requests {
            sum.requests += 1;
            sum.bytes_out += request.bytes_out;
            sum.bytes_in += request.bytes_in;
        }
    }
    times.sort_unstable();
    sum.median = times.get(times.len() / 2).copied().unwrap_or_default();
    sum.max = times.last().copied().unwrap_or_default();
    sum
}

/// A time in microseconds, as JSON has it.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
