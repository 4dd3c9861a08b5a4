//! What the suite stands on: a host with its connections, servers that answer by script, runs told as text, and everything that is logged.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code, where a panic is the report; clippy's leave for tests does not reach a library"
)]

pub mod book;
pub mod canary;
pub mod cloud;
pub mod customer;
pub mod espocrm;
pub mod gate;
pub mod logs;
pub mod renewers;
pub mod scenario;
pub mod scene;
pub mod story;
pub mod ways;
pub mod world;

pub use brightsync_attacks::server;

include!(concat!(env!("OUT_DIR"), "/components.rs"));
