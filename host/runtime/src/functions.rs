//! The functions of the contract as typed calls, each listed once, and the same functions by name with JSON.

use std::sync::{Arc, Mutex, PoisonError};

use brightsync_core::crm::Id;
use brightsync_core::crm::account::{Account, NewAccount};
use brightsync_core::crm::contact::{Contact, NewContact};
use brightsync_core::crm::email::{EmailKey, NewEmail};
use brightsync_core::crm::meeting::{MeetingKey, NewMeeting};
use brightsync_core::crm::opportunity::Opportunity;
use brightsync_core::crm::page::{Change, Page, PageRequest, ReadRequest};
use brightsync_core::crm::user::{User, Whoami};
use brightsync_core::crm::write::{Patch, Written};
use brightsync_core::function::Function;
use serde_json::{Map, Value};

use crate::broker::{Mode, PlannedRequest};
use crate::connection::Connection;
use crate::convert::Lower;
use crate::end::CallError;
use crate::lookup;

/// A call by name that did not answer.
#[derive(Debug, thiserror::Error)]
pub enum JsonCallError {
    /// An argument is missing, unknown, or not of the contract's form.
    #[error("argument {name:?} of {function}: {problem}")]
    Argument {
        /// The function.
        function: Function,
        /// The argument.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The call was made and did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a dry run would have sent, and how the call ended without it.
#[derive(Debug)]
pub struct DryRun {
    /// The requests that would change something. What follows on their answers is not among them.
    pub planned: Vec<PlannedRequest>,
    /// The end of the call. A connector that needs the answer of a write ends with an error here, which means nothing.
    pub result: Result<Value, JsonCallError>,
}

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $interface:ident.$name:ident / $call:ident = $function:ident ( $($arg:ident : $type:ty),* ) -> $answer:ty $(, review $review:path)?;
    )*) => {
        impl Connection {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($arg: $type),*) -> Result<$answer, CallError> {
                    self.ask(Request::$function { $($arg),* }, Mode::Live, |it| match it {
                        Answer::$function(answer) => Some(answer),
                        _ => None,
                    }).await
                }
            )*
        }
    };
}
