//! Numbers over all calls, in Prometheus' text format.
//!
//! Labels are the program's own words, but for the names of connectors, and of those there are only so many: nothing that a tenant, a guest or
//! a CRM writes makes a new series.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::report::Report;

/// How many connectors have a name of their own in labels; those after them are [`OTHER`].
const NAMED: usize = 100;

/// The label of connectors beyond those, and of what is no loaded connector.
const OTHER: &str = "other";

/// The label of what is not there.
const NONE: &str = "none";

/// All metrics of a host.
pub(crate) struct Metrics {
    registry: Registry,
    connectors: Mutex<HashSet<String>>,
    calls: Family<OfCall, Counter>,
    call_time: Histograms<OfConnector>,
    guest_time: Histograms<OfConnector>,
    memory: Histograms<OfConnector>,
    requests: Family<OfRequest, Counter>,
    stages: Histograms<OfStage>,
    refusals: Family<OfRefusal, Counter>,
    redactions: Family<OfConnector, Counter>,
    renewals: Family<Outcome, Counter>,
    jobs: Jobs,
    slots: Family<OfState, Gauge>,
    breakers: Family<OfState, Gauge>,
    suspended: Family<OfState, Gauge>,
    quota_waiting: Gauge,
    loaded: Gauge,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted of compiling. A clone counts into the same numbers.
#[derive(Clone, Default)]
pub(crate) struct Jobs {
    ended: Family<Outcome, Counter>,
    under_way: Gauge,
}

/// A compile job that is under way, or waits for its turn.
pub(crate) struct Job<'a>(&'a Jobs);

/// How a host stands at a moment: how many there are in which state.
pub(crate) struct Standing {
    pub(crate) slots: [(&'static str, usize); 3],
    pub(crate) breakers: [(&'static str, usize); 2],
    pub(crate) suspended: [(&'static str, usize); 3],
    pub(crate) quota_waiting: usize,
    pub(crate) loaded: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfConnector {
    connector: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    connector: String,
    function: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    connector: String,
    status: &'static str,
    failure: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRefusal {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            connectors: Mutex::default(),
            calls: Family::default(),
            call_time: Family::new_with_constructor(long),
            guest_time: Family::new_with_constructor(short),
            memory: Family::new_with_constructor(bytes),
            requests: Family::default(),
            stages: Family::new_with_constructor(short),
            refusals: Family::default(),
            renewals: Family::default(),
            redactions: Family::default(),
            jobs: Jobs::default(),
            slots: Family::default(),
            breakers: Family::default(),
            suspended: Family::default(),
            quota_waiting: Gauge::default(),
            loaded: Gauge::default(),
        };
        metrics.registry = metrics.register();
        metrics
    }

    fn register(&self) -> Registry {
        let mut all = Registry::with_prefix("brightsync");
        let seconds = || Unit::Seconds;
        all.register("calls", "Calls that have ended, by how", self.calls.clone());
        all.register_with_unit(
            "call",
            "How long calls took, waiting included",
            seconds(),
            self.call_time.clone(),
        );
        all.register_with_unit(
            "guest",
            "How long connectors computed in a call",
            seconds(),
            self.guest_time.clone(),
        );
        all.register_with_unit(
            "guest_memory",
            "Linear memory to which connectors grew in a call",
            Unit::Bytes,
            self.memory.clone(),
        );
        all.register(
            "requests",
            "Requests of connectors, each attempt and those that were refused included, by the status of the answer and why there is none",
            self.requests.clone(),
        );
        all.register_with_unit(
            "request_stage",
            "How long requests were in each stage",
            seconds(),
            self.stages.clone(),
        );
        all.register(
            "refusals",
            "What the host refused to connectors, by the code that they got",
            self.refusals.clone(),
        );
        all.register(
            "redactions",
            "Secrets cut out of what connectors got and wrote",
            self.redactions.clone(),
        );
        all.register(
            "renewals",
            "Sessions that were to be renewed, by what came of it",
            self.renewals.clone(),
        );
        all.register(
            "compile_jobs",
            "Components that were to become code, by what came of it",
            self.jobs.ended.clone(),
        );
        all.register(
            "compile_jobs_under_way",
            "Components that become code just now, or wait for it",
            self.jobs.under_way.clone(),
        );
        all.register(
            "slots",
            "Places for calls that are taken and free, and calls that wait for one",
            self.slots.clone(),
        );
        all.register(
            "breakers",
            "Servers that are left alone because they fail",
            self.breakers.clone(),
        );
        all.register("suspended", "What is suspended", self.suspended.clone());
        all.register(
            "quota_waiting",
            "Requests that wait for their turn within the limits of a CRM",
            self.quota_waiting.clone(),
        );
        all.register(
            "connectors",
            "Connectors that are loaded",
            self.loaded.clone(),
        );
        all
    }

    /// Counts a session that was to be renewed: `renewed`, or the reason why it was not.
    pub(crate) fn renewal(&self, outcome: &'static str) {
        self.renewals.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a call that has ended, with all that it did.
    pub(crate) fn call(&self, report: &Report) {
        let connector = self.label(report);
        let of_connector = OfConnector {
            connector: connector.clone(),
        };
        let calls = OfCall {
            connector: connector.clone(),
            function: report.function.name(),
            outcome: report.outcome,
        };
        self.calls.get_or_create(&calls).inc();
        let seconds = |all: &Histograms<OfConnector>, time: Duration| {
            all.get_or_create(&of_connector).observe(time.as_secs_f64());
        };
        seconds(&self.call_time, report.took);
        seconds(&self.guest_time, report.guest_time);
        self.memory
            .get_or_create(&of_connector)
            .observe(approximate(report.memory));
        self.redactions
            .get_or_create(&of_connector)
            .inc_by(report.redactions.into());
        for (code, count) in &report.refusals {
            let refusals = self.refusals.get_or_create(&OfRefusal { code });
            refusals.inc_by((*count).into());
        }
        for request in &report.requests {
            let of_request = OfRequest {
                connector: connector.clone(),
                status: request.status.map_or(NONE, class),
                failure: request.failure.unwrap_or(NONE),
            };
            self.requests.get_or_create(&of_request).inc();
            for (stage, time) in request.stages.iter() {
                let stage = OfStage {
                    stage: stage.name(),
                };
                let times = self.stages.get_or_create(&stage);
                times.observe(time.as_secs_f64());
            }
        }
    }

    /// The compiler counts its jobs here.
    pub(crate) fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// All metrics as text, with how the host stands now.
    pub(crate) fn text(&self, now: &Standing) -> String {
        let set = |gauge: &Gauge, count: usize| gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        let states = |all: &Family<OfState, Gauge>, counts: &[(&'static str, usize)]| {
            for (state, count) in counts {
                set(&all.get_or_create(&OfState { state }), *count);
            }
        };
        states(&self.slots, &now.slots);
        states(&self.breakers, &now.breakers);
        states(&self.suspended, &now.suspended);
        set(&self.quota_waiting, now.quota_waiting);
        set(&self.loaded, now.loaded);
        let mut text = String::new();
        if let Err(problem) = prometheus_text::encode(&mut text, &self.registry) {
            tracing::error!(%problem, "the metrics cannot be told");
        }
        text
    }

    /// The label of a call's connector.
    fn label(&self, report: &Report) -> String {
        let name = &report.connector;
        // A connector that is not loaded is a name that somebody has written into a connection.
        if !report.version.is_empty() {
            let mut named = self
                .connectors
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if named.contains(name) {
                return name.clone();
            }
            if named.len() < NAMED && name != OTHER {
                named.insert(name.clone());
                return name.clone();
            }
        }
        OTHER.to_owned()
    }
}

impl Jobs {
    /// A job begins.
    pub(crate) fn begin(&self) -> Job<'_> {
        self.under_way.inc();
        Job(self)
    }
}

impl Job<'_> {
    /// It ends, with this outcome.
    pub(crate) fn end(self, outcome: &'static str) {
        self.0.ended.get_or_create(&Outcome { outcome }).inc();
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.0.under_way.dec();
    }
}

/// The class of a status.
fn class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => OTHER,
    }
}

/// Seconds of what may wait for a person or a CRM.
fn long() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

/// Seconds of what may be over at once.
fn short() -> Histogram {
    Histogram::new([
        0.000_05, 0.000_25, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0,
    ])
}

/// Bytes of memory, up to the largest that a guest can have.
fn bytes() -> Histogram {
    const MIB: f64 = 1_048_576.0;
    Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0].map(|it| it * MIB))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a double is exact up to 9 PB, and a guest has 256 MB at the most"
)]
fn approximate(bytes: usize) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::CallId;

    fn report(connector: &str) -> Report {
        Report {
            id: CallId::new(),
            tenant: "acme".to_owned(),
            connection: "crm".to_owned(),
            connector: connector.to_owned(),
            version: "1.0.0".to_owned(),
            function: brightsync_core::function::Function::GetMe,
            started_at: 0,
            took: Duration::from_millis(7),
            guest_time: Duration::from_micros(40),
            epochs: 0,
            memory: 1 << 20,
            host_calls: 0,
            requests: Vec::new(),
            refusals: Default::default(),
            redactions: 0,
            log_lines: 0,
            mismatches: 0,
            outcome: "answer",
            in_doubt: false,
        }
    }

    fn text(metrics: &Metrics) -> String {
        metrics.text(&Standing {
            slots: [("taken", 0), ("free", 0), ("waiting", 0)],
            breakers: [("open", 0), ("half-open", 0)],
            suspended: [("connector", 0), ("tenant", 0), ("connection", 0)],
            quota_waiting: 0,
            loaded: 0,
        })
    }

    #[test]
    fn of_thousands_of_connectors_only_so_many_have_a_name() {
        let metrics = Metrics::new();
        let call_all = || {
            for n in 0..3_000 {
                metrics.call(&report(&format!("c{n}")));
            }
        };
        call_all();
        let once = text(&metrics);
        let calls = |text: &str| {
            let lines = text.lines().filter(|it| it.contains("_calls_total{"));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(calls(&once).len(), NAMED + 1);
        let others =
            r#"brightsync_calls_total{connector="other",function="get-me",outcome="answer"} "#;
        assert!(calls(&once).contains(&format!("{others}2900")), "{once}");
        call_all();
        let twice = text(&metrics);
        assert_eq!(once.lines().count(), twice.lines().count());
        assert!(calls(&twice).contains(&format!("{others}5800")));
    }

    #[test]
    fn a_connector_that_is_called_other_is_one_of_the_others() {
        let metrics = Metrics::new();
        metrics.call(&report(OTHER));
        assert!(metrics.connectors.lock().unwrap().is_empty());
    }
}
