//! Sizes, times and texts from outside, as a person reads them.

use std::borrow::Cow;
use std::time::Duration;

use brightsync_core::crm::Timestamp;
use brightsync_core::escape::{escape, is_deceptive};
use chrono::{DateTime, SecondsFormat};

/// The most bytes of one text from outside in a table.
const CELL: usize = 120;

/// A text from a connector, a manifest or a CRM, safe to show in one cell.
pub(crate) fn outside(text: &str) -> Cow<'_, str> {
    escape(text, CELL)
}

/// A text from outside that may be longer, safe to show on a line of its own.
pub(crate) fn outside_long(text: &str) -> Cow<'_, str> {
    escape(text, 8 * 1024)
}

/// A line of a message of this program, in which a text from outside may stand that was not made safe before.
///
/// A backslash stays as it is: most of it is our own, and what is in it was escaped once.
pub(crate) fn message(line: &str) -> String {
    let mut out = String::new();
    for it in line.chars() {
        if is_deceptive(it) {
            out.extend(it.escape_unicode());
        } else {
            out.push(it);
        }
    }
    out
}

/// The beginning of a text that is safe to show.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most).collect();
    short.push('…');
    short
}

/// A number of bytes, as `1.2 MB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "two digits are shown, and a double has fifteen"
)]
pub(crate) fn size(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// A time that something took, as `12 ms`.
pub(crate) fn took(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        it if it < 10.0 => format!("{millis:.1} ms"),
        it if it < 1_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A number with its thousands apart, as `15,000`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun, as `1 request` or `3 requests`.
pub(crate) fn count(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!(
        "{} {noun}{plural}",
        number(u64::try_from(count).unwrap_or(u64::MAX))
    )
}

/// An instant, as `2026-11-24T02:40:10.000Z`.
pub(crate) fn instant(at: Timestamp) -> String {
    DateTime::from_timestamp_millis(at).map_or_else(
        || at.to_string(),
        |it| it.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_two_or_three_digits() {
        let sizes: Vec<_> = [0, 999, 1_000, 85_300, 2_900_000, 7_000_000_000]
            .map(size)
            .into();
        assert_eq!(
            sizes,
            ["0 B", "999 B", "1.0 kB", "85.3 kB", "2.9 MB", "7.0 GB"]
        );
        let times: Vec<_> = [14, 2_600, 12_400, 2_040_000]
            .map(|it| took(Duration::from_micros(it)))
            .into();
        assert_eq!(times, ["0.0 ms", "2.6 ms", "12 ms", "2.0 s"]);
    }

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!(count(1, "request"), "1 request");
        assert_eq!(count(0, "request"), "0 requests");
        assert_eq!(count(1_234_567, "record"), "1,234,567 records");
        assert_eq!(number(100), "100");
    }

    #[test]
    fn an_instant_is_shown_in_utc() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(instant(i64::MAX), i64::MAX.to_string());
    }
}
