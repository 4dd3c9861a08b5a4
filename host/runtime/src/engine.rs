//! The engine that all connectors of a host share, its clock for interrupting guests, and the one place that turns compiled bytes into code.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use brightsync_core::rule::Rule;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a computing guest is interrupted to look at its budget and to let others run.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The largest memory of one instance; what a call may use of it is a limit of the call.
pub(crate) const MEMORY_SLOT: usize = 256 << 20;

/// The stack of a guest.
const STACK: usize = 512 << 10;

/// Makes an engine with room for so many instances at once, and starts its clock.
pub(crate) fn start(slots: u32) -> wasmtime::Result<Engine> {
    let engine = Engine::new(&config(slots))?;
    let weak = engine.weak();
    std::thread::Builder::new()
        .name("brightsync-epoch".to_owned())
        .spawn(move || {
            // The thread ends with the engine.
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(engine)
}

/// Makes an engine that compiles for [`start`]'s and runs nothing.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&settings())
}

/// Turns bytes that [`crate::compile`] has authenticated into code.
pub(crate) fn deserialize(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    #[expect(
        unsafe_code,
        reason = "these bytes were compiled here and carry this installation's MAC"
    )]
    // SAFETY: the caller passes the very buffer whose MAC it has checked, or that this process has just compiled.
    unsafe {
        Component::deserialize(engine, compiled)
    }
}

/// What compiled code depends on besides the component: wasmtime's version, its settings, the machine.
pub(crate) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn config(slots: u32) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    // A connector in Rust has one core instance, one memory and one or two tables; those of other languages have dozens of instances.
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(8))
        .total_memories(slots.saturating_mul(2))
        .total_tables(slots.saturating_mul(8))
        .total_stacks(slots)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_memory_size(MEMORY_SLOT)
        .table_elements(100_000);
    let mut config = settings();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What compiled code depends on.
fn settings() -> Config {
    let stack = if Rule::Stack.holds() {
        STACK
    } else {
        64 * STACK
    };
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .concurrency_support(false)
        .max_wasm_stack(stack)
        .async_stack_size(stack + (1 << 20))
        // Nothing that a connector needs; each is surface that an attacker would try first.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32));
    config
}
