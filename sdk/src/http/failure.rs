//! What becomes of a request without an answer.

use super::{Refine, Response};
use crate::bindings::http as contract;
use crate::{Error, InvalidField, Reason, Result};

/// What an answer, or its absence, is about.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Method and path, for messages.
    pub(super) name: String,
    /// Whether it may have changed something.
    pub(super) write: bool,
    pub(super) refine: Option<Refine>,
}

impl About {
    pub(super) fn read(
        self,
        answer: std::result::Result<contract::Response, contract::Failure>,
    ) -> Result<Response> {
        match answer {
            Ok(response) => Ok(Response::new(self, response)),
            Err(failure) => Err(self.error(failure)),
        }
    }

    /// Makes an error of this reason of a request that may have been carried out: a write is in doubt.
    pub(super) fn uncertain(&self, reason: Reason, message: String) -> Error {
        if !self.write {
            return Error::new(reason, message);
        }
        Error::in_doubt(
            Vec::new(),
            format!("{message}; the write may have been carried out"),
        )
    }

    fn error(&self, failure: contract::Failure) -> Error {
        let name = &self.name;
        match failure {
            // Only what is looked for or written makes a request that long.
            contract::Failure::Denied(code) if code == "too-large" => {
                let reason = format!("{name} would be a larger request than the host makes");
                let wrong = InvalidField::unnamed(reason.clone());
                Error::new(Reason::Invalid(vec![wrong]), reason).with_code(code)
            }
            contract::Failure::Denied(code) => Error::other(format!(
                "the host does not make the request {name} ({code}); its operator sees what would permit it"
            ))
            .with_code(code),
            contract::Failure::NotSent(why) => {
                Error::unavailable(format!("the CRM cannot be reached for {name}: {why}"))
            }
            contract::Failure::NoAnswer(why) => self.uncertain(
                Reason::Unavailable,
                format!("the CRM gave no whole answer to {name}: {why}"),
            ),
            contract::Failure::TooLarge => self.uncertain(
                Reason::Other,
                format!("the answer to {name} is larger than the host passes on: ask for smaller pages"),
            ),
            contract::Failure::Credential => Error::unauthorized(format!(
                "there is no usable credential for {name}: reconnect to the CRM"
            )),
            contract::Failure::Limited(wait) => {
                Error::rate_limited(wait, format!("the rate limit is used up before {name}"))
            }
            contract::Failure::Other(why) => self.uncertain(
                Reason::Other,
                format!("the request {name} did not work: {why}"),
            ),
        }
    }
}
