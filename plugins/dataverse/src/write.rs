//! What is written of a row, by creation or by patch.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Draft;
use brightsync_sdk::{Error, Extra, InvalidField, Patch, Result};
use serde_json::Value;

use crate::odata::{Guid, is_column};

/// A row that is written, and what of the caller's wish has no place in it.
pub(crate) struct Row {
    pub(crate) body: Body,
    pub(crate) incomplete: Vec<InvalidField>,
}

impl Row {
    /// Ends a draft with what all rows have: an owner, and columns of the organisation's own.
    pub(crate) fn finish(draft: Draft) -> Result<Self> {
        let owner = |id: String| bound("systemusers", &id);
        let changes = draft
            .value("owner", "ownerid@odata.bind", owner)
            .custom("")
            .finish()?;
        let mut body = changes.set;
        for column in changes.clear {
            body.set(&column, Value::Null);
        }
        Ok(Self {
            body,
            incomplete: changes.incomplete,
        })
    }

    /// Names something that was not written.
    pub(crate) fn leave(&mut self, field: &str, reason: impl Into<String>) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// Names so many elements of a list that have no place.
    pub(crate) fn leave_out(&mut self, field: &str, count: usize) {
        self.incomplete
            .extend(InvalidField::without_place(field, count));
    }
}

/// What binds a look-up to a row of this table; none if no row has such an id.
pub(crate) fn bound(set: &str, id: &str) -> Option<String> {
    Some(format!("/{set}({})", Guid::parse(id)?))
}

/// Refuses custom fields of a new record that are no columns: `a@odata.bind`, which binds a look-up, is one too.
pub(crate) fn check_new(extra: &Extra) -> Result<()> {
    extra.iter().try_for_each(|(name, _)| check(name))
}

/// Refuses custom fields of a patch that are no columns.
pub(crate) fn check_patch(patch: &Patch) -> Result<()> {
    let mut names = patch.edits.iter();
    names.try_for_each(|(field, _)| field.strip_prefix("extra.").map_or(Ok(()), check))
}

fn check(name: &str) -> Result<()> {
    let column = name.strip_suffix("@odata.bind").unwrap_or(name);
    if is_column(column) || name.starts_with("brightsync.") {
        return Ok(());
    }
    Err(Error::invalid(
        format!("extra.{name}"),
        "this is no name of a column",
    ))
}

/// A text, if there is one: Dataverse has empty ones here and there.
pub(crate) fn text(it: Object<'_>, column: &str) -> Option<String> {
    it.get(column).filter(|it: &String| !it.is_empty())
}
