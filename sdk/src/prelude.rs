//! What nearly every connector uses, for `use brightsync_sdk::prelude::*;`.

pub use crate::connector::{Change, Connector};
pub use crate::error::Result;
pub use crate::http::{Client, Request, Response};
pub use crate::json::{Body, Object, Reader};
pub use crate::page::{Cursor, Number, Offset, Page};
pub use crate::patch::Draft;
pub use crate::{
    Account, Affiliation, Attachment, Attendee, Contact, ContactPoint, Date, Departure,
    DepartureKind, Detail, Direction, EmailKey, Error, Extra, ForbiddenKind, Id, InvalidField,
    MeetingKey, Moment, Money, NewAccount, NewContact, NewEmail, NewMeeting, Opportunity,
    OpportunityStatus, Owner, PageRequest, Participant, Party, Patch, ReadRequest, Reason, Ref,
    Scope, Timestamp, User, Whoami, Window, Written,
};
pub use crate::{base64, settings, time};
