//! Every decision of the host, as pure functions over plain values: no input or output, no clock, no environment.

pub mod crm;
