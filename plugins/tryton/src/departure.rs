//! Which parties were deleted: Tryton's log has the deletions, and does not say of what.
//!
//! An entry is searched by the record that it is about ("party.party,305"), also when that is gone, though it is read
//! as none then (trytond 8.2, `ir.model.log`). So the digits of the ids are asked for, place by place: four questions
//! of "is it one of these digits?" and one of "is there a digit at all?" find those of a whole page at once.

use brightsync_sdk::{Result, Window, http};

use crate::api::{Api, LARGEST_PAGE, Search};
use crate::query::{self, is};

const LOG: &str = "ir.model.log";
/// An id of 64 bits has no more digits.
const DIGITS: usize = 19;
/// The digits that each question is about: all, and those that have one of four bits.
const QUESTIONS: [&str; 5] = ["0123456789", "13579", "2367", "4567", "89"];

/// An entry of the log.
pub(crate) struct Deletion {
    pub(crate) id: i64,
    pub(crate) at: Option<crate::api::Instant>,
    /// The id of the party, as far as it is known; empty for one that is not found.
    pub(crate) party: String,
}

/// Reads a page of deletions in a window, behind this entry of the log.
pub(crate) fn page(api: &Api, window: &Window, after: i64, size: u32) -> Result<Vec<Deletion>> {
    let domain = query::all(vec![
        is("event", "=", "delete"),
        is("resource", "like", "party.party,%"),
        query::within("create_date", window),
        query::after(after),
    ]);
    let search = Search::new(domain, &["create_date"], size);
    let mut entries = api.search(LOG, search).send()?.each(|it| Deletion {
        id: it.need("id"),
        at: it.get("create_date"),
        party: String::new(),
    })?;
    find(api, &mut entries)?;
    Ok(entries)
}

/// Finds the parties that these entries are about.
fn find(api: &Api, entries: &mut [Deletion]) -> Result<()> {
    let mut open: Vec<i64> = entries.iter().map(|it| it.id).collect();
    for place in 0..DIGITS {
        if open.is_empty() {
            break;
        }
        let requests = QUESTIONS.map(|digits| api.search(LOG, question(&open, place, digits)));
        let mut answers = Vec::new();
        for answer in http::send_all(requests.into()) {
            answers.push(answer?.each(|it| it.need::<i64>("id"))?);
        }
        let Some((longer, bits)) = answers.split_first() else {
            break;
        };
        open.retain(|it| longer.contains(it));
        for entry in &mut *entries {
            if open.contains(&entry.id) {
                let mut digit = 0;
                for (bit, ids) in bits.iter().enumerate() {
                    digit |= u32::from(ids.contains(&entry.id)) << bit;
                }
                entry.party.extend(char::from_digit(digit, 10));
            }
        }
    }
    Ok(())
}

/// Asks which of the entries are about an id that has one of these digits at a place.
fn question(entries: &[i64], place: usize, digits: &str) -> Search {
    let skipped = "_".repeat(place);
    let mut patterns = Vec::new();
    for digit in digits.chars() {
        let pattern = format!("party.party,{skipped}{digit}%");
        patterns.push(is("resource", "like", pattern));
    }
    let domain = query::all(vec![query::among(entries), query::any(patterns)]);
    Search::new(domain, &["id"], LARGEST_PAGE)
}
