//! What stands in a request besides words of our own: ids, which are whole numbers, and search terms.
//!
//! Both are types of their own, so that no text reaches a list of ids or a search without having been looked at.

use std::fmt::{Display, Formatter};

use brightsync_sdk::{Error, Result};

/// Most characters of a term; no name or address in Pipedrive is longer than 255.
const LONGEST: usize = 500;

/// A list of ids as it stands in a query: `1,2,3`.
pub(crate) struct Ids<'a>(pub(crate) &'a [u64]);

/// What is searched for, of a length that Pipedrive takes.
#[derive(Default)]
pub(crate) struct Term(String);

/// Reads an id; another text than a plain number names no record of Pipedrive.
pub(crate) fn number(id: &str) -> Option<u64> {
    // What else `parse` takes, `+7` and `007`, would be a second id of the same record.
    id.parse::<u64>().ok().filter(|it| it.to_string() == id)
}

/// Reads the id of a record that is asked for.
pub(crate) fn known(id: &str) -> Result<u64> {
    number(id).ok_or_else(|| gone(id))
}

/// Reads an id that a new record or a patch names.
pub(crate) fn named(field: &str, id: &str) -> Result<u64> {
    number(id).ok_or_else(|| Error::invalid(field, "it is no id of Pipedrive"))
}

pub(crate) fn gone(id: &str) -> Error {
    Error::not_found(format!("Pipedrive has no record with the id {id:?}"))
}

impl Term {
    /// Reads a term of at least so many characters; none if it is shorter and can match nothing.
    pub(crate) fn read(field: &str, text: &str, shortest: usize) -> Result<Option<Self>> {
        let text = text.trim();
        if text.chars().nth(LONGEST).is_some() {
            let reason = format!("nothing in Pipedrive is longer than {LONGEST} characters");
            return Err(Error::invalid(field, reason));
        }
        let fits = text.chars().count() >= shortest;
        Ok(fits.then(|| Self(text.to_owned())))
    }
}

impl Display for Ids<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&ids.join(","))
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
