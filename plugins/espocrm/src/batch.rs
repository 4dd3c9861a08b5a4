//! Look-ups of more values than fit into one address, page by page.

use brightsync_sdk::json::Body;
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{PageRequest, Result, Token};

/// Bytes of encoded values in one address: servers take 8 KiB for the whole of it.
const ROOM: usize = 6_000;

/// Values in one address, so that look-ups by id fit on a page.
const MOST: usize = 200;

/// The values that one page is about.
pub(crate) struct Batch<'a> {
    /// The values of the batches before.
    pub(crate) before: &'a [String],
    pub(crate) values: &'a [String],
    /// The page within this batch.
    pub(crate) page: PageRequest,
    is_last: bool,
}

impl<'a> Batch<'a> {
    /// Returns the batch that a page is in; none if there are no values.
    pub(crate) fn of(values: &'a [String], page: &PageRequest) -> Result<Option<Self>> {
        let (start, token) = match &page.token {
            Some(token) => (member::<u32>(token, "start")?, member(token, "within")?),
            None => (0, None),
        };
        let Some((before, rest)) = values.split_at_checked(start as usize) else {
            return Ok(None);
        };
        let (values, rest) = rest.split_at(fitting(rest));
        let page = PageRequest {
            token,
            ..page.clone()
        };
        Ok((!values.is_empty()).then_some(Self {
            before,
            values,
            page,
            is_last: rest.is_empty(),
        }))
    }

    /// Returns the token of the next page, after the page within this batch.
    pub(crate) fn next(&self, within: Option<Token>) -> Option<Token> {
        if within.is_none() && self.is_last {
            return None;
        }
        let start = match within {
            Some(_) => self.before.len(),
            None => self.before.len() + self.values.len(),
        };
        let place = Body::new().with("start", start).with("within", within);
        Some(to_token(&place))
    }
}

/// Splits values into as few batches as fit.
pub(crate) fn split(values: &[String]) -> Vec<&[String]> {
    let mut batches = Vec::new();
    let mut rest = values;
    while !rest.is_empty() {
        let (batch, others) = rest.split_at(fitting(rest));
        batches.push(batch);
        rest = others;
    }
    batches
}

/// Returns how many of the first values fit into one address: at least one.
fn fitting(values: &[String]) -> usize {
    let mut room = ROOM;
    let fits = |value: &&String| {
        // Quotes and a comma, and three bytes for all that is no letter or digit.
        let plain = value.bytes().filter(u8::is_ascii_alphanumeric).count();
        let size = 9 + plain + 3 * (value.len() - plain);
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    };
    let count = values.iter().take(MOST).take_while(fits).count();
    count.max(1).min(values.len())
}
