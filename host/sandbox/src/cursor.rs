//! Cursors: opaque places in a list, bound to the list that they were made for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::failure::Failure;
use crate::parameter::Parameters;

/// The most records of a page.
pub(crate) const LARGEST_PAGE: u32 = 200;
const USUAL_PAGE: u32 = 50;

/// Where a page begins, and how long it may be.
pub(crate) struct Page {
    pub(crate) after: Option<(i64, i64)>,
    pub(crate) limit: u32,
    list: String,
}

impl Page {
    /// Reads `cursor` and `limit`; `list` names everything else that the list was asked for.
    pub(crate) fn take(list: String, parameters: &mut Parameters) -> Result<Self, Failure> {
        let limit = match parameters.one("limit")? {
            None => USUAL_PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|it| (1..=LARGEST_PAGE).contains(it))
                .ok_or_else(|| {
                    let message = format!("limit takes a number from 1 to {LARGEST_PAGE}");
                    Failure::bad_request("invalid_limit", message)
                })?,
        };
        let after = match parameters.one("cursor")? {
            None => None,
            Some(text) => Some(decode(&list, &text).ok_or_else(|| {
                let message = "the cursor is none of this list: begin again without one";
                Failure::bad_request("invalid_cursor", message)
            })?),
        };
        Ok(Self { after, limit, list })
    }

    /// Returns the limit of a query that shows whether there is more.
    pub(crate) fn limit_and_one(&self) -> u32 {
        self.limit + 1
    }

    /// Cuts a page off, and returns the cursor of the next one if there is more.
    pub(crate) fn cut<T>(
        &self,
        found: &mut Vec<T>,
        position: impl Fn(&T) -> (i64, i64),
    ) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if found.len() <= limit {
            return None;
        }
        found.truncate(limit);
        found.last().map(|it| encode(&self.list, position(it)))
    }
}

fn encode(list: &str, (time, number): (i64, i64)) -> String {
    let mut bytes = [time.to_be_bytes(), number.to_be_bytes()].concat();
    bytes.extend(digest(list, &bytes).to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(list: &str, text: &str) -> Option<(i64, i64)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (position, check) = bytes.split_at_checked(16)?;
    if digest(list, position).to_be_bytes() != check {
        return None;
    }
    let (time, number) = position.split_first_chunk::<8>()?;
    let number = number.first_chunk::<8>()?;
    Some((i64::from_be_bytes(*time), i64::from_be_bytes(*number)))
}

/// FNV-1a: the same in every build, so that a cursor outlives a restart.
fn digest(list: &str, position: &[u8]) -> u64 {
    list.bytes()
        .chain(position.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_list_only() {
        let cursor = encode("contacts", (1_700_000_000_123, 42));
        assert_eq!(decode("contacts", &cursor), Some((1_700_000_000_123, 42)));
        assert_eq!(decode("accounts", &cursor), None);
        assert_eq!(decode("contacts", &cursor[1..]), None);
        assert_eq!(decode("contacts", ""), None);
    }
}
