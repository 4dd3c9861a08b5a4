//! The time of the sandbox: whole milliseconds since the Unix epoch, told by a clock that a test may set.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, SecondsFormat};

/// Tells the time in milliseconds since the Unix epoch.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// Follows the clock of the machine.
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// Asks `tell` whenever the time is needed.
    pub fn new(tell: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Stands at `start` and goes on by one millisecond each time it is asked.
    ///
    /// Every change of a test then has a time of its own, the same in every run.
    pub fn ticking(start: i64) -> Self {
        let next = AtomicI64::new(start);
        Self::new(move || next.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the time, in milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Writes a time as the API does: RFC 3339 in UTC with three digits of milliseconds.
pub(crate) fn format(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads an RFC 3339 time of any offset; what is finer than a millisecond is cut off.
pub(crate) fn parse(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|it| it.timestamp_millis())
}

/// Tells whether the text is a calendar date, `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

#[cfg(test)]
mod tests {
    use super::{format, is_date, parse};

    #[test]
    fn a_time_of_any_offset_is_read_and_written_in_utc() {
        let time = parse("2026-03-01T12:00:00.123999+02:00").unwrap();
        assert_eq!(format(time), "2026-03-01T10:00:00.123Z");
        assert_eq!(parse("2026-03-01"), None);
        assert_eq!(parse("2026-03-01T12:00:00"), None);
    }

    #[test]
    fn a_date_has_ten_characters_and_exists() {
        assert!(is_date("2026-02-28"));
        assert!(!is_date("2026-02-30"));
        assert!(!is_date("2026-2-28"));
    }
}
