//! A real Tryton 8.2 to learn, demonstrate and test on: its packages, a prepared database, and a
//! server for each who asks.
//!
//! ```no_run
//! use brightsync_sandbox::tryton::{Environment, Options, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::prepare("target".as_ref(), &mut |line| println!("{line}"))?;
//! let server = Server::start(&environment, &Options::default())?;
//! println!("{}/rest with the key {:?}", server.url(), server.key("anna"));
//! # Ok(())
//! # }
//! ```
//!
//! All of it blocks: call it from a thread that may wait.

mod command;
mod environment;
mod login;
mod python;
mod server;

pub use environment::{Environment, PrepareError};
pub use login::Login;
pub use python::PythonError;
pub use server::{Options, OrderError, Server, StartError};
