//! The decisions of BrightSync as pure functions: what a connector may ask for, what it may see, and what counts as a match.
//!
//! Nothing here opens a file or a socket, reads the clock or looks at the environment; whoever calls passes the time in.

pub mod address;
pub mod breaker;
pub mod component;
pub mod contract;
pub mod crm;
pub mod decode;
pub mod domain;
pub mod email_address;
pub mod escape;
pub mod function;
pub mod grant;
pub mod header;
pub mod manifest;
pub mod matching;
pub mod name;
pub mod origin;
pub mod policy;
pub mod public_mail;
pub mod quota;
pub mod recipe;
pub mod redact;
pub mod redirect;
pub mod request;
pub mod response;
pub mod retry;
pub mod rule;
pub mod setting;
