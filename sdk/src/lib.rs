#![doc = include_str!("../README.md")]

mod abi;
pub mod base64;
mod bindings;
pub mod connector;
pub mod domain;
mod doubt;
mod error;
mod exports;
pub mod extra;
mod form;
mod host;
pub mod http;
pub mod json;
pub mod log;
pub mod page;
pub mod patch;
pub mod prelude;
pub mod random;
mod record;
pub mod settings;
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;

// The words of the contract, each one named, so that nothing is public by accident.
pub use bindings::{
    Account, Affiliation, Attachment, Attendee, Contact, ContactPoint, Date, Departure,
    DepartureKind, Detail, Direction, Edit, EmailKey, Error, Extra, ForbiddenKind, Id,
    InvalidField, Json, MeetingKey, Moment, Money, NewAccount, NewContact, NewEmail, NewMeeting,
    Opportunity, OpportunityStatus, Owner, PageEnd, PageRequest, Participant, Party, Patch,
    ReadRequest, Reason, Ref, Scope, Skipped, Timestamp, Token, User, Whoami, Window, Written,
};
pub use connector::{Change, Connector};
pub use doubt::OrFind;
pub use error::Result;
pub use page::Page;

/// What [`export!`] expands to; no connector names it.
#[doc(hidden)]
pub mod private {
    pub use crate::abi::{Argument, Source, all, next};
    pub use crate::exports::{call, present};
}
