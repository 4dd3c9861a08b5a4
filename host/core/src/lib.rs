//! BrightSync's decisions as pure functions: no input or output, no clock, no environment.

pub mod contract;
pub mod function;
pub mod grant;
pub mod manifest;
pub mod name;
pub mod origin;
pub mod policy;
pub mod setting;
