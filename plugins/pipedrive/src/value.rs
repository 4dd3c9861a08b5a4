//! What stands in a request besides words of our own: ids, which are whole numbers, and search terms.
//!
//! Both are types of their own, so that no text reaches a list of ids or a search without having been looked at.

use brightsync_sdk::{Error, Result};

/// Most characters of a term; no name or address in Pipedrive is longer than 255.
const LONGEST: usize = 500;

/// A list of ids as it stands in a query: `1,2,3`.
pub(crate) struct Ids(String);

/// What is searched for, of a length that Pipedrive takes.
pub(crate) struct Term(String);

/// Reads an id; another text than a plain number names no record of Pipedrive.
pub(crate) fn number(id: &str) -> Option<u64> {
    // What else `parse` takes, `+7` and `007`, would be a second id of the same record.
    id.parse::<u64>().ok().filter(|it| it.to_string() == id)
}

/// Reads an id that a new record or a patch names.
pub(crate) fn named(field: &str, id: &str) -> Result<u64> {
    number(id).ok_or_else(|| Error::invalid(field, format!("{id:?} is no id of Pipedrive")))
}

impl From<&[u64]> for Ids {
    fn from(ids: &[u64]) -> Self {
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        Self(ids.join(","))
    }
}

impl Term {
    /// Reads a term of at least so many characters; none if it is shorter, when it can match nothing.
    pub(crate) fn read(field: &str, text: &str, shortest: usize) -> Result<Option<Self>> {
        let text = text.trim();
        // Bytes first, since counting the characters of a huge text takes time.
        if text.len() > LONGEST * 4 || text.chars().count() > LONGEST {
            let reason = format!("nothing in Pipedrive is longer than {LONGEST} characters");
            return Err(Error::invalid(field, reason));
        }
        let fits = text.chars().count() >= shortest;
        Ok(fits.then(|| Self(text.to_owned())))
    }
}

impl std::fmt::Display for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
