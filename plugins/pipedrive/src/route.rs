//! How a look-up of many values goes on: Pipedrive is asked for one value at a time, or its lists are read and compared.
//!
//! A request for one value costs as much as two or three pages of a list with 500 records each, so many values are
//! looked up faster and for less by reading lists, unless there are very many records: then, once the lists have cost as
//! much as asking would have, asking is the way for what remains. So no look-up costs more than twice the least.

use brightsync_sdk::json::Body;
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{PageRequest, Result, Token};

/// Values that are asked for at once: as many searches as Pipedrive takes in two seconds.
pub(crate) const AT_ONCE: usize = 10;

/// Where a look-up stands.
pub(crate) struct Route {
    /// How many values were asked for so far; none while lists are read.
    pub(crate) asked: Option<u64>,
    /// The list that is being read, or was last.
    pub(crate) list: u64,
    /// Where its next page begins.
    pub(crate) cursor: Option<String>,
    /// The last record of it that was read: all up to this one are answered.
    pub(crate) last: u64,
    /// Pages that were read.
    pages: u64,
}

impl Route {
    pub(crate) fn of(page: &PageRequest, values: usize) -> Result<Self> {
        let Some(token) = &page.token else {
            return Ok(Self {
                asked: (values <= AT_ONCE).then_some(0),
                list: 0,
                cursor: None,
                last: 0,
                pages: 0,
            });
        };
        Ok(Self {
            asked: member(token, "asked")?,
            list: member(token, "list")?,
            cursor: member(token, "cursor")?,
            last: member(token, "last")?,
            pages: member(token, "pages")?,
        })
    }

    /// The values to ask for now, of those that are asked for one at a time.
    pub(crate) fn batch<T>(asked: u64, values: &[T]) -> &[T] {
        let asked = usize::try_from(asked).unwrap_or(usize::MAX);
        let rest = values.get(asked..).unwrap_or_default();
        rest.get(..AT_ONCE).unwrap_or(rest)
    }

    /// Goes on after these values were asked for.
    pub(crate) fn after_asking(mut self, asked: u64, values: usize) -> Option<Token> {
        let asked = asked + AT_ONCE as u64;
        self.asked = Some(asked);
        (asked < values as u64).then(|| self.token())
    }

    /// Goes on after a page of a list, the last record of which is this one: there are so many lists, and all of them cost as much as asking after `most` pages.
    pub(crate) fn after_reading(
        mut self,
        cursor: Option<String>,
        last: Option<u64>,
        lists: u64,
        most: usize,
    ) -> Option<Token> {
        self.pages += 1;
        self.last = last.unwrap_or(self.last);
        self.cursor = cursor;
        if self.cursor.is_none() {
            self.list += 1;
            self.last = 0;
        }
        if self.list == lists {
            return None;
        }
        if self.pages >= most as u64 {
            self.asked = Some(0);
        }
        Some(self.token())
    }

    /// Whether a record of a list was not answered before the way changed.
    pub(crate) fn is_new(&self, list: u64, id: u64) -> bool {
        (self.list, self.last) < (list, id)
    }

    fn token(&self) -> Token {
        let place = Body::new()
            .with("asked", self.asked)
            .with("list", self.list)
            .with("cursor", self.cursor.as_deref())
            .with("last", self.last);
        to_token(&place.with("pages", self.pages))
    }
}
