//! What a hostile connector, a hostile CRM and a hostile vendor would try: a catalogue of attacks, each with the end that it has to come to and the rules that bring it there.
//!
//! An attack is run for real: a component, a host with its limits, servers on this machine's loopback. How it ended and whether the attacker got what it was after are two questions with two answers, so that an attack cannot be stopped by accident and pass. In a build with the feature `weaken` every attack is run without its rules, too, and has to succeed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is test code, where a panic is the report; clippy's leave for tests does not reach a library"
)]

mod arena;
mod attack;
mod catalogue;
mod deed;
pub mod made;
pub mod manifest;
mod prize;
mod run;
mod scene;
pub mod server;
mod table;
mod told;

pub use attack::{Attack, Family};
pub use catalogue::all;
pub use run::{Course, Outcome, run};
pub use table::markdown;
