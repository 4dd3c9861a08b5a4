//! The BrightSync command line as a library, so that a test can run any command and look through all that it writes.
//!
//! It is the only place of the project that knows a terminal, arguments and a home folder; the engine and the network are the runtime's.

mod access;
mod arguments;
mod build;
mod call;
mod component;
mod connect;
mod connections;
mod demo;
mod exit;
mod folder;
mod inspect;
mod progress;
mod report;
mod repository;
mod sandbox;
mod sdk;
mod table;
mod terminal;
mod text;
#[cfg(feature = "otel")]
mod traces;
mod vault;

use std::ffi::OsString;

pub use self::exit::Exit;
pub use self::terminal::{Captured, Terminal};

/// Runs one command line, the program's name first, and answers how it ended.
pub async fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    terminal: &Terminal,
) -> Exit {
    match arguments::parse(arguments, terminal) {
        Ok((command, setting)) => {
            let json = command.is_json();
            let exit = match Box::pin(command.run(&setting)).await {
                Ok(exit) => exit,
                Err(error) => report::failure(&error, json, &setting.terminal),
            };
            setting.end().await;
            exit
        }
        Err(exit) => exit,
    }
}
