//! Being written.
mod bindings;
