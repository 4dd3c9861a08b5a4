//! What belongs to one running call: the state behind the imports, and the store with its limits.

use std::sync::Arc;

use brightsync_core::quota::Priority;
use brightsync_core::rule::Rule;
use brightsync_core::setting::Settings;
use tokio::time::Instant;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings;
use crate::broker::Mode;
use crate::connection::Link;
use crate::connector::Connector;
use crate::engine::TICK;
use crate::host::Shared;
use crate::limits::{Keeper, Limit};
use crate::report::{CallId, Meter};
use crate::wasi::{self, Tail};

/// One call, as everything that acts for it sees it.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) shared: Arc<Shared>,
    pub(crate) link: Arc<Link>,
    pub(crate) connector: Arc<Connector>,
    pub(crate) settings: Settings,
    pub(crate) meter: Arc<Meter>,
    pub(crate) mode: Mode,
    /// When the call's time is over.
    pub(crate) deadline: Instant,
    pub(crate) priority: Priority,
}

/// The state of one running instance.
pub(crate) struct Running {
    pub(crate) call: Call,
    keeper: Keeper,
    // Made when the guest first asks for something of WASI, which most calls never do.
    wasi: Option<WasiCtx>,
    stderr: Tail,
    resources: ResourceTable,
}

/// The host is at work for a guest.
pub(crate) struct InHost(Arc<Meter>);

/// The one linker of this contract version: the contract's imports, and of WASI what stands on nothing.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Running>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    bindings::Connector::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
        &mut linker,
        |it: &mut Running| it,
    )?;
    Ok(linker)
}

/// A store for one call, with every limit in force.
pub(crate) fn open(call: Call, stderr: &Tail) -> Store<Running> {
    let limits = call.shared.limits.clone();
    let engine = call.shared.engine.clone();
    let running = Running {
        keeper: Keeper::new(&limits, call.meter.clone()),
        wasi: None,
        stderr: stderr.clone(),
        resources: ResourceTable::new(),
        call,
    };
    let mut store = Store::new(&engine, running);
    store.limiter(|it| &mut it.keeper);
    let most = |rule: Rule, most| if rule.holds() { most } else { usize::MAX };
    store.set_hostcall_fuel(most(Rule::ResultSize, limits.result_size));
    store.set_max_component_handles(most(Rule::Handles, limits.handles));
    // One tick is charged for each time that the clock finds the guest computing. While the guest waits for the host the clock goes on, but that charges one tick at the most.
    let budget = limits.guest_time.as_millis().div_ceil(TICK.as_millis());
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |context| {
        let meter = &context.data().call.meter;
        if Rule::GuestTime.refuses(budget < u128::from(meter.tick())) {
            meter.refuse(Limit::GuestTime);
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    });
    store
}

impl Running {
    /// Counts a call of an import. Until what it answers goes, the guest's time stands still.
    pub(crate) fn enter(&self) -> wasmtime::Result<InHost> {
        let Call { shared, meter, .. } = &self.call;
        if Rule::HostCalls.refuses(shared.limits.host_calls < meter.host_call()) {
            meter.refuse(Limit::HostCalls);
            wasmtime::bail!("too many calls of the host");
        }
        meter.guest().enter_host();
        Ok(InHost(meter.clone()))
    }
}

impl Drop for InHost {
    fn drop(&mut self) {
        self.0.guest().leave_host();
    }
}

impl WasiView for Running {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: self.wasi.get_or_insert_with(|| wasi::context(&self.stderr)),
            table: &mut self.resources,
        }
    }
}
