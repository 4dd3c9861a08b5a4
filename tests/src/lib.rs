//! Being written.

pub mod espocrm;
