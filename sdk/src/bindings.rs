//! The only place where bindings are generated, and the narrow door out of them: each name is passed on by hand.

mod generated {
    wit_bindgen::generate!({
        world: "connector",
        path: "wit",
        additional_derives: [PartialEq],
    });
}

pub use generated::brightsync::crm::types::{
    Date, Departure, DepartureKind, Detail, Edit, Error, Extra, ForbiddenKind, Id, InvalidField,
    Json, Moment, Money, Owner, PageEnd, PageRequest, Party, Patch, ReadRequest, Reason, Ref,
    Scope, Skipped, Timestamp, Token, Window, Written,
};
pub use generated::exports::brightsync::crm::accounts::{Account, NewAccount};
pub use generated::exports::brightsync::crm::contacts::{
    Affiliation, Contact, ContactPoint, NewContact,
};
pub use generated::exports::brightsync::crm::emails::{Attachment, Direction, EmailKey, NewEmail};
pub use generated::exports::brightsync::crm::meetings::{Attendee, MeetingKey, NewMeeting};
pub use generated::exports::brightsync::crm::opportunities::{
    Opportunity, Participant, Status as OpportunityStatus,
};
pub use generated::exports::brightsync::crm::users::{User, Whoami};

// What connectors import, reached through `host.rs` only.
#[cfg(target_family = "wasm")]
pub(crate) use generated::brightsync::crm::{host, settings};
pub(crate) use generated::brightsync::crm::{http, log, state};
