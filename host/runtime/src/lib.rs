//! Being written.
mod bindings;
mod compiled;
mod convert;
mod engine;
mod limits;
