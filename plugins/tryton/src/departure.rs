//! Which parties were deleted: Tryton's log has the deletions, and does not say of what.
//!
//! An entry is searched by the record that it is about ("party.party,305"), also when that is gone, though it is read
//! as none then (trytond 8.2, `ir.model.log`). So the digits of the ids are asked for, place by place: four questions
//! of "is it one of these digits?" and one of "is there a digit at all?" find those of a whole page at once.

use std::collections::{BTreeMap, BTreeSet};

use brightsync_sdk::{Result, Window, http};
use serde_json::{Value, json};

use crate::api::{Api, Deletion, LARGEST_PAGE, Search};
use crate::query;

const LOG: &str = "ir.model.log";
/// An id of 64 bits has no more digits.
const DIGITS: usize = 19;

/// The deletions of parties in a window, behind this entry of the log.
pub(crate) fn page(window: &Window, after: i64, size: u32) -> Search {
    let domain = query::all(vec![
        json!(["event", "=", "delete"]),
        json!(["resource", "like", "party.party,%"]),
        query::within("create_date", window),
        query::after(after),
    ]);
    Search::new(domain, &["create_date"], size)
}

/// Finds the ids of the parties that these entries are about, by the entries' ids.
pub(crate) fn parties(api: &Api, entries: &[Deletion]) -> Result<BTreeMap<i64, String>> {
    let all: Vec<i64> = entries.iter().map(|it| it.id).collect();
    let mut ids: BTreeMap<i64, String> = BTreeMap::new();
    let mut open = all;
    for place in 0..DIGITS {
        if open.is_empty() {
            break;
        }
        let mut questions = vec![Vec::from_iter('0'..='9')];
        questions.extend((0..4).map(|bit| {
            ('0'..='9')
                .filter(|it| it.to_digit(10).unwrap_or(0) >> bit & 1 == 1)
                .collect()
        }));
        let requests = questions
            .iter()
            .map(|digits| api.search(LOG, &question(&open, place, digits)))
            .collect();
        let mut answers: Vec<BTreeSet<i64>> = Vec::new();
        for answer in http::send_all(requests) {
            let entries: Vec<Deletion> = answer?.json()?;
            answers.push(entries.into_iter().map(|it| it.id).collect());
        }
        let Some((longer, bits)) = answers.split_first() else {
            break;
        };
        open.retain(|it| longer.contains(it));
        for entry in &open {
            let digit: u32 = (0..4)
                .zip(bits)
                .filter(|(_, set)| set.contains(entry))
                .map(|(bit, _)| 1 << bit)
                .sum();
            ids.entry(*entry)
                .or_default()
                .extend(char::from_digit(digit, 10));
        }
    }
    Ok(ids)
}

/// Asks which of the entries are about an id that has one of these digits at a place.
fn question(entries: &[i64], place: usize, digits: &[char]) -> Search {
    let skipped = "_".repeat(place);
    let pattern = |digit: &char| -> Value {
        json!(["resource", "like", format!("party.party,{skipped}{digit}%")])
    };
    let domain = query::all(vec![
        query::among(entries),
        query::any(digits.iter().map(pattern).collect()),
    ]);
    Search::new(domain, &["id"], LARGEST_PAGE)
}
