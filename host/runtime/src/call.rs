//! One call from beginning to end: a place, a fresh instance, the deadline around it, and which of the ends it came to.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use brightsync_core::crm::error::{Error, Reason};
use brightsync_core::function::Function;
use brightsync_core::rule::Rule;
use brightsync_core::setting::Settings;
use tokio::time::Instant;
use tracing::Instrument as _;
use wasmtime::{PoolConcurrencyLimitError, Store};

use crate::bindings::{self, types};
use crate::broker::Mode;
use crate::connection::{Connection, Link};
use crate::connector::Connector;
use crate::convert::Lift;
use crate::end::{CallError, End, Refused, Trap, TrapKind};
use crate::limits::{self, Limit};
use crate::principal::Principal;
use crate::report::{CallId, Meter, Report};
use crate::store::{self, Call, Running};
use crate::wasi::Tail;

/// What an exported function answers, on its way out of the guest.
pub(crate) type Reply<'a, W> =
    Pin<Box<dyn Future<Output = wasmtime::Result<Result<W, types::Error>>> + Send + 'a>>;

/// The most ids or addresses that the contract lets the host pass at once.
pub(crate) const MOST_AT_ONCE: usize = 1_000;

/// A failure of the host inside an import, which is not the guest's fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct HostFailure(String);

/// Ends the call as a failure of the host.
pub(crate) fn host_failure(problem: String) -> wasmtime::Error {
    wasmtime::Error::new(HostFailure(problem))
}

impl Connection {
    /// Calls a function of the connector.
    ///
    /// `given` is how many ids or addresses are passed at once; `invoke` calls the export; `review` looks over the answer, drops what was not asked for and says how many that were.
    pub(crate) async fn call<W, T>(
        &self,
        given: usize,
        function: Function,
        mode: Mode,
        invoke: impl for<'a> FnOnce(&'a bindings::Connector, &'a mut Store<Running>) -> Reply<'a, W>
        + Send
        + 'static,
        review: impl FnOnce(&mut T) -> u32,
    ) -> Result<T, CallError>
    where
        W: Lift<T> + Send + 'static,
        T: Send + 'static,
    {
        let meter = Arc::new(Meter::default());
        let mut report = self.report(function);
        let started = Instant::now();
        let span = report.span();
        let result = match self.admit(given, function, &mut report) {
            Ok(connector) => {
                let run = self.run(connector, report.id, mode, meter.clone(), invoke);
                run.instrument(span.clone()).await
            }
            Err(refused) => Err(End::Refused(refused)),
        };
        let result = result.map_err(|mut end| {
            self.link.clean(&mut end, &meter);
            end
        });
        report.took = started.elapsed();
        meter.complete(&mut report);
        let cut_short = !matches!(result, Ok(_) | Err(End::Connector(_)));
        report.in_doubt = meter.has_unanswered() || (cut_short && meter.has_answered());
        match result {
            Ok(mut answer) => {
                report.mismatches = review(&mut answer);
                self.conclude(report, "answer", &span);
                Ok(answer)
            }
            Err(mut end) => {
                if let End::Connector(error) = &mut end
                    && Rule::InDoubt.refuses(report.in_doubt)
                    && function.is_write()
                {
                    doubt(error);
                }
                let report = self.conclude(report, end.kind(), &span);
                Err(CallError {
                    end: Box::new(end),
                    report,
                })
            }
        }
    }

    /// Whether the call is made at all.
    fn admit(
        &self,
        given: usize,
        function: Function,
        report: &mut Report,
    ) -> Result<Arc<Connector>, Refused> {
        let (shared, link) = (&self.shared, &self.link);
        if shared.closing.load(Ordering::Acquire) {
            return Err(Refused::ShuttingDown);
        }
        if let Some(what) = shared.suspended(&link.key, &link.options.connector) {
            return Err(Refused::Suspended(what));
        }
        let connector = shared.connector(link)?;
        report.version = connector.manifest().version().to_string();
        if !connector.manifest().functions().contains(&function) {
            return Err(Refused::Unsupported(function));
        }
        if MOST_AT_ONCE < given {
            return Err(Refused::TooMany {
                given,
                most: MOST_AT_ONCE,
            });
        }
        Ok(connector)
    }

    /// Runs the call as a task of its own, so that a panic of the host ends it and nothing else.
    async fn run<W, T>(
        &self,
        connector: Arc<Connector>,
        id: CallId,
        mode: Mode,
        meter: Arc<Meter>,
        invoke: impl for<'a> FnOnce(&'a bindings::Connector, &'a mut Store<Running>) -> Reply<'a, W>
        + Send
        + 'static,
    ) -> Result<T, End>
    where
        W: Lift<T> + Send + 'static,
        T: Send + 'static,
    {
        let settings = check(&self.link, &connector)?;
        self.find_credential(&connector, &settings, id).await?;
        let slots = &self.shared.slots;
        let slot = slots
            .take(self.link.key.tenant())
            .await
            .ok_or(End::Refused(Refused::Busy))?;
        let deadline = limits::end(self.shared.limits.wall_time, Rule::WallTime);
        let call = Call {
            id,
            shared: self.shared.clone(),
            link: self.link.clone(),
            connector,
            settings,
            meter: meter.clone(),
            mode,
            deadline,
            priority: self.priority,
        };
        let running = async move {
            let _slot = slot;
            let stderr = Tail::default();
            // Dropping the store is what ends a guest for good, and its requests with it.
            match tokio::time::timeout_at(deadline, instance(call, &stderr, invoke)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => Err(why(&error, &meter, &stderr)),
                Err(_elapsed) => Err(End::Limit(Limit::WallTime)),
            }
        };
        // A caller who loses interest ends the call.
        let mut task = AbortOnDrop(tokio::spawn(running.in_current_span()));
        match (&mut task.0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(End::Host("it panicked".to_owned())),
            Err(_cancelled) => Err(End::Refused(Refused::ShuttingDown)),
        }
    }

    /// A report of a call that has not begun.
    pub(crate) fn report(&self, function: Function) -> Report {
        let key = &self.link.key;
        Report {
            id: CallId::new(),
            tenant: key.tenant().to_owned(),
            connection: key.name().to_owned(),
            connector: self.link.options.connector.to_string(),
            version: String::new(),
            function,
            started_at: (self.shared.clock)(),
            took: Duration::ZERO,
            guest_time: Duration::ZERO,
            epochs: 0,
            memory: 0,
            host_calls: 0,
            requests: Vec::new(),
            refusals: Default::default(),
            redactions: 0,
            log_lines: 0,
            mismatches: 0,
            outcome: "",
            in_doubt: false,
        }
    }

    fn conclude(
        &self,
        mut report: Report,
        outcome: &'static str,
        span: &tracing::Span,
    ) -> Arc<Report> {
        report.outcome = outcome;
        report.record(span);
        let _entered = span.enter();
        tracing::info!(
            call = %report.id,
            connection = %self.link.key,
            connector = %report.connector,
            function = %report.function,
            outcome,
            took = ?report.took,
            guest = ?report.guest_time,
            requests = report.requests.len(),
            redactions = report.redactions,
            "call"
        );
        self.shared.metrics.call(&report);
        if let Some(observer) = &self.shared.observer {
            // Its bug is not the call's: what was answered stands, and a write that was made is told.
            let told = catch_unwind(AssertUnwindSafe(|| observer(&report)));
            if told.is_err() {
                tracing::error!(call = %report.id, "whoever is told of calls has panicked");
            }
        }
        Arc::new(report)
    }
}

/// A fresh instance, one call of one function, and what it answered.
async fn instance<W, T>(
    call: Call,
    stderr: &Tail,
    invoke: impl for<'a> FnOnce(&'a bindings::Connector, &'a mut Store<Running>) -> Reply<'a, W>,
) -> wasmtime::Result<Result<T, End>>
where
    W: Lift<T>,
{
    let (connector, meter) = (call.connector.clone(), call.meter.clone());
    let mut store = store::open(call, stderr);
    let mut running = std::pin::pin!(async {
        let guest = connector.pre().instantiate_async(&mut store).await?;
        invoke(&guest, &mut store).await
    });
    // A guest runs on the thread that polls it, which is how its time is told from that of others.
    let answer = poll_fn(|context| meter.guest().poll(|| running.as_mut().poll(context))).await?;
    let lifted = match answer {
        Ok(answer) => answer.lift().map(Ok),
        Err(error) => error.lift().map(|error: Error| Err(End::Connector(error))),
    };
    Ok(lifted.unwrap_or_else(|breach| {
        Err(End::Trap(Trap {
            kind: TrapKind::Breach(breach.to_string()),
            stderr: stderr.text(),
        }))
    }))
}

impl Connection {
    /// Finds what the connection authenticates with, so that its secrets are known before a guest begins.
    async fn find_credential(
        &self,
        connector: &Arc<Connector>,
        settings: &Settings,
        id: CallId,
    ) -> Result<(), End> {
        let (Some(custody), Some(credential)) = (&self.link.custody, &self.link.options.credential)
        else {
            return Ok(());
        };
        let misfit = |problem: String| End::Refused(Refused::Connection(problem));
        let name = credential.recipe();
        let recipe = connector.manifest().recipes().get(name).ok_or_else(|| {
            misfit(format!(
                "it has no way to authenticate that is called {name}"
            ))
        })?;
        let held = match custody.known(recipe, (self.shared.clock)()) {
            Some(held) => held,
            None => {
                let (shared, link) = (&self.shared, &self.link);
                let who = Principal::new(shared, link, connector, settings, name, Some(id));
                custody.held(&who).await.map_err(|trouble| {
                    End::Refused(Refused::Credential {
                        trouble,
                        since: None,
                    })
                })?
            }
        };
        if let Some(broken) = held.broken() {
            return Err(End::Refused(Refused::Credential {
                trouble: broken.trouble.clone(),
                since: Some(broken.since),
            }));
        }
        let mut fields = recipe.fields().iter();
        if let Some(missing) = fields.find(|it| held.value(it.as_str()).is_none()) {
            return Err(misfit(format!("the credential lacks the field {missing}")));
        }
        self.link
            .redactor(recipe, &held)
            .map_err(|problem| misfit(problem.to_string()))?;
        Ok(())
    }
}

/// Fits the connection to the version of the connector that is loaded now.
fn check(link: &Link, connector: &Connector) -> Result<Settings, End> {
    let misfit = |problem: String| End::Refused(Refused::Connection(problem));
    let manifest = connector.manifest();
    let options = &link.options;
    Settings::check(manifest, options.settings.clone()).map_err(|error| misfit(error.to_string()))
}

/// Tells which end a failed run came to. What the host has noted comes first, since a guest that is denied memory or time looks like one that failed.
fn why(error: &wasmtime::Error, meter: &Meter, stderr: &Tail) -> End {
    if let Some(limit) = meter.refused() {
        return End::Limit(limit);
    }
    if let Some(failure) = error.downcast_ref::<HostFailure>() {
        return End::Host(failure.0.clone());
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return End::Refused(Refused::Busy);
    }
    let trap = |kind| {
        End::Trap(Trap {
            kind,
            stderr: stderr.text(),
        })
    };
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return trap(TrapKind::Exit(exit.0));
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::StackOverflow) => return End::Limit(Limit::Stack),
        Some(wasmtime::Trap::Interrupt) => return End::Limit(Limit::GuestTime),
        Some(code) => return trap(TrapKind::Code(code.to_string())),
        None => {}
    }
    let text = error.root_cause().to_string();
    // wasmtime 48 has no public type for these two.
    if text.contains("fuel allocated for hostcalls") {
        return End::Limit(Limit::ResultSize);
    }
    if text.contains("store handle limit exceeded") {
        return End::Limit(Limit::Handles);
    }
    trap(TrapKind::Code(
        brightsync_core::escape::escape(&text, 1024).into_owned(),
    ))
}

/// A write without an answer is in doubt, whatever the connector makes of it.
fn doubt(error: &mut Error) {
    if !matches!(error.reason, Reason::InDoubt(_)) {
        error.message = format!(
            "a write was sent and no answer came, so it may have been carried out; the connector says: {error}"
        );
        error.reason = Reason::InDoubt(Vec::new());
    }
}

/// A task that ends with whoever waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
