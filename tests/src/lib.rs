//! The whole, for real: what the suite needs around the connectors, above all servers that are stricter than the real ones.

pub mod espocrm;
