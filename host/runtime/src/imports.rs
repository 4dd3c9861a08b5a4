//! What the host offers to connectors: one file an interface. Nothing here decides; the broker and the stores do.

mod host;
mod http;
mod log;
mod settings;
mod state;

impl crate::bindings::types::Host for crate::store::Running {}
