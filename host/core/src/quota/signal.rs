//! Reads what the headers of an answer tell of the CRM's limits.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::believed;
use crate::manifest::{Counts, HeaderPlace, Limits, ResetForm, Told};
use crate::name::BucketName;
use crate::retry::{Meaning, Seen, retry_after};

/// What an answer tells of limits. Times are milliseconds from when it came, and none is longer than five minutes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Whether the request was refused for being too many.
    pub(super) throttled: bool,
    /// How long to wait, if it says so.
    pub(super) wait: Option<u64>,
    pub(super) signals: Vec<Signal>,
}

/// What an answer tells of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) rule: usize,
    pub(super) bucket: Option<BucketName>,
    pub(super) window_seconds: Option<NonZeroU32>,
    pub(super) counts: Counts,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset: Option<u64>,
}

impl Heard {
    /// Reads an answer by what the manifest says of it.
    pub fn read(seen: Seen<'_>, meaning: Meaning, limits: &Limits, now: SystemTime) -> Self {
        let signals: Vec<_> = limits
            .told
            .iter()
            .enumerate()
            .filter_map(|(rule, told)| Signal::read(rule, told, seen, now))
            .collect();
        if meaning != Meaning::Throttled {
            return Self {
                signals,
                ..Self::default()
            };
        }
        let after = seen.header("retry-after");
        let after =
            after.and_then(|it| retry_after(it, now, Duration::from_millis(believed(u64::MAX))));
        // Of several limits it is the one of which nothing is left.
        let used_up = signals.iter().filter(|it| it.remaining == Some(0));
        let reset = used_up.filter_map(|it| it.reset).max();
        let reset = reset.or_else(|| signals.iter().filter_map(|it| it.reset).max());
        Self {
            throttled: true,
            wait: after.map(millis).or(reset),
            signals,
        }
    }

    /// Returns how long the CRM asks to wait, in milliseconds, if it does.
    pub fn wait(&self) -> Option<u64> {
        self.wait
    }
}

impl Signal {
    fn read(rule: usize, told: &Told, seen: Seen<'_>, now: SystemTime) -> Option<Self> {
        let text = |place: &Option<HeaderPlace>| place.as_ref().and_then(|it| find(it, seen));
        let mut limit = text(&told.limit).and_then(number);
        let mut remaining = text(&told.remaining).and_then(number);
        if let Some((used, of)) = text(&told.usage).and_then(|it| it.split_once('/'))
            && let (Some(used), Some(of)) = (number(used), number(of))
        {
            limit = Some(of);
            remaining = Some(of.saturating_sub(used));
        }
        if limit.is_none() && remaining.is_none() {
            return None;
        }
        let reset = told.reset.as_ref().and_then(|it| {
            let text = find(&it.place, seen)?;
            time(text, it.form, now)
        });
        Some(Self {
            rule,
            bucket: told.bucket.clone(),
            window_seconds: told.window_seconds,
            counts: told.counts,
            limit,
            remaining,
            reset,
        })
    }
}

/// The value of a header, or of one of its members: `a=1, b=2` and `"x";r=1;t=2` alike.
fn find<'a>(place: &HeaderPlace, seen: Seen<'a>) -> Option<&'a str> {
    let value = seen.header(&place.header)?;
    let Some(key) = &place.key else {
        return Some(value.trim());
    };
    value.split([',', ';']).find_map(|member| {
        let (name, value) = member.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case(key)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Digits, and maybe a fraction, which is left out.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // More digits than a number has are as many as nobody has.
    Some(whole.parse().unwrap_or(u64::MAX))
}

fn time(text: &str, form: ResetForm, now: SystemTime) -> Option<u64> {
    let since_1970 = || millis(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    let wait = match form {
        ResetForm::Seconds => number(text)?.saturating_mul(1000),
        ResetForm::Milliseconds => number(text)?,
        ResetForm::EpochSeconds => {
            let until = number(text)?.saturating_mul(1000);
            until.saturating_sub(since_1970())
        }
        ResetForm::EpochMilliseconds => number(text)?.saturating_sub(since_1970()),
        ResetForm::Date => {
            let until = httpdate::parse_http_date(text).ok()?;
            millis(until.duration_since(now).unwrap_or_default())
        }
    };
    Some(believed(wait))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
