//! How the host carries out a recipe: what it asks authorization servers and logins, what it makes of their answers, and when it asks again.
//!
//! All of it is decided here from plain values, and carried out in the runtime. The requests and answers of this module hold secrets in their bodies, which those of connectors never do; they are types of their own, so that neither is taken for the other, and they cannot be printed.

mod answer;
mod assertion;
mod authorize;
mod body;
mod declared;
mod learn;
mod login;
mod renewal;
mod sign;
mod token;
mod trouble;

use std::collections::BTreeMap;

use url::Url;
use zeroize::Zeroizing;

pub use assertion::{Claims, signing_input};
pub use authorize::{Callback, authorization, callback, challenge};
pub use declared::{identify, login_request};
pub use learn::{LearnError, from_answer, from_callback};
pub use login::session;
pub use renewal::{Due, back_off, due, is_forced_in_vain};
pub use sign::{OfRequest, signature};
pub(crate) use token::basic;
pub use token::{Asked, revocation, token_request, tokens};
pub use trouble::{Reason, Trouble};

use crate::crm::Timestamp;
use crate::manifest::Missing;
use crate::origin::ExpandError;
use crate::request::Method;

/// The longest token, in bytes. Those of Entra have some 2,500.
const LONGEST: usize = 16 * 1024;

/// A request of the host's own, with secrets in it.
pub struct SecretRequest {
    /// GET or POST.
    pub method: Method,
    /// Where it goes. A secret may stand in its path.
    pub url: Url,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// What it carries.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// The answer to it, as it came.
pub struct SecretAnswer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

/// What the host came by: values to be put into requests, and for how long they hold.
pub struct Issued {
    /// By their names in the recipe; `refresh-token` besides.
    pub values: BTreeMap<String, Zeroizing<String>>,
    /// For how many seconds they hold, if that is known.
    pub lifetime: Option<u32>,
}

/// A recipe cannot be carried out with what the connection has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// A field of the credential is missing.
    #[error("the credential lacks the field `{}`; connect the account again", .0.0)]
    Field(#[from] Missing),
    /// The settings make no address of an endpoint.
    #[error("the settings make no address to ask for a token at")]
    Settings(#[from] ExpandError),
}

impl SecretAnswer {
    /// Returns a header's value, if there is one and it is text.
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(it, _)| it == name)?;
        std::str::from_utf8(value).ok()
    }

    /// By how many milliseconds the server's clock is ahead of ours.
    fn ahead(&self, now: Timestamp) -> Option<i64> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(i64::try_from(since.as_millis()).ok()? - now)
    }

    /// For how many seconds the server wants to be left alone.
    fn retry_after(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests;
