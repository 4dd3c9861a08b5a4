//! A CRM server to learn, demonstrate and test on; it knows nothing of who connects to it.
//!
#![doc = include_str!("../README.md")]

mod account;
mod admin;
mod auth;
mod bounded;
mod change;
mod clock;
mod contact;
mod cursor;
mod edit;
mod email;
mod failure;
mod fault;
mod fold;
mod incoming;
mod journal;
mod me;
mod meeting;
mod merge;
mod oauth;
mod office;
mod opportunity;
mod options;
mod page;
mod parameter;
mod record;
mod reference;
mod resource;
mod schema;
mod secret;
mod seed;
mod server;
mod socket;
mod store;
mod tombstone;
pub mod tryton;
mod user;

pub use auth::{Credentials, Login};
pub use change::{Changed, Script};
pub use clock::Clock;
pub use fault::{Fault, Faults, Rule};
pub use journal::{Entry, Journal, KEPT, TokenRequest};
pub use oauth::{
    Client, ClientAuthentication, Counts, Grant, NoSuchScope, PersonError, Registered,
    RegistrationError, Scopes,
};
pub use office::OfficeError;
pub use options::{Database, Options};
pub use server::{Server, StartError};
