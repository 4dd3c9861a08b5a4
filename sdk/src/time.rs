//! Times: milliseconds since the Unix epoch in the contract, texts in CRMs.

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use crate::{Date, Error, Moment, Result, Timestamp, host};

/// The time now, by the host's clock.
pub fn now() -> Timestamp {
    host::now()
}

/// Reads an RFC 3339 time, such as `2026-01-31T09:30:00.250+01:00`; digits beyond milliseconds are cut off.
pub fn parse(text: &str) -> Result<Timestamp> {
    let mut scanner = Scanner(text.as_bytes());
    let time = scanner
        .date_time()
        .zip(scanner.zone())
        .filter(|_| scanner.is_at_end());
    let (time, offset) = time.ok_or_else(|| not_a_time(text, "an RFC 3339 time"))?;
    Ok(time - offset)
}

/// Reads a time without a zone, `YYYY-MM-DD HH:MM:SS` with a space or a `T` and with or without a fraction, as one that is `offset` minutes ahead of UTC.
pub fn parse_local(text: &str, offset: i32) -> Result<Timestamp> {
    let mut scanner = Scanner(text.as_bytes());
    let time = scanner.date_time().filter(|_| scanner.is_at_end());
    let time = time.ok_or_else(|| not_a_time(text, "a time as YYYY-MM-DD HH:MM:SS"))?;
    Ok(time - i64::from(offset) * MINUTE)
}

/// Reads a day, `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Result<Date> {
    let mut scanner = Scanner(text.as_bytes());
    let day = scanner.date().filter(|_| scanner.is_at_end());
    day.map(|_| text.to_owned())
        .ok_or_else(|| not_a_time(text, "a day as YYYY-MM-DD"))
}

/// Reads a day or an RFC 3339 time, whichever it is.
pub fn parse_moment(text: &str) -> Result<Moment> {
    match parse_date(text) {
        Ok(day) => Ok(Moment::On(day)),
        Err(_) => parse(text).map(Moment::At),
    }
}

/// Reads the date of an HTTP header field, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
pub fn parse_http_date(text: &str) -> Result<Timestamp> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let read = || {
        let (_, rest) = text.strip_suffix(" GMT")?.split_once(',')?;
        let mut scanner = Scanner(rest.as_bytes());
        scanner.byte(b" ")?;
        let day = scanner.digits(2).zip(scanner.byte(b" "))?.0;
        let month = scanner.take(3)?;
        let month = MONTHS.chunks(3).position(|it| it == month)? + 1;
        scanner.byte(b" ")?;
        let year = scanner.digits(4).zip(scanner.byte(b" "))?.0;
        let midnight = midnight(year, u32::try_from(month).ok()?, day)?;
        scanner
            .time()
            .filter(|_| scanner.is_at_end())
            .map(|it| midnight + it)
    };
    read().ok_or_else(|| not_a_time(text, "an HTTP date"))
}

/// Writes an RFC 3339 time in UTC with milliseconds, such as `2026-01-31T08:30:00.250Z`.
pub fn rfc3339(time: Timestamp) -> String {
    let time = within_years(time);
    written(time, 'T', &format!(".{:03}Z", time.rem_euclid(1_000)))
}

/// Writes `YYYY-MM-DD HH:MM:SS`, `offset` minutes ahead of UTC; a part of a second is cut off.
pub fn local(time: Timestamp, offset: i32) -> String {
    written(time.saturating_add(i64::from(offset) * MINUTE), ' ', "")
}

/// Writes a day as it is, and an instant as an RFC 3339 time in UTC.
pub fn moment(moment: &Moment) -> String {
    match moment {
        Moment::At(time) => rfc3339(*time),
        Moment::On(day) => day.clone(),
    }
}

/// Cuts off the part of a second: for `since`, in a CRM that keeps whole seconds.
pub fn floor_to_second(time: Timestamp) -> Timestamp {
    time.div_euclid(1_000).saturating_mul(1_000)
}

/// Rounds up to a whole second: for `until`, in a CRM that keeps whole seconds.
pub fn ceil_to_second(time: Timestamp) -> Timestamp {
    floor_to_second(time.saturating_add(999))
}

const MINUTE: i64 = 60_000;

/// What is left to read of a text.
///
/// By hand, since chrono's parser and formatter would be a tenth of a small component.
struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    fn date_time(&mut self) -> Option<i64> {
        let midnight = self.date()?;
        self.byte(b"Tt ")?;
        Some(midnight + self.time()?)
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.digits(4).zip(self.byte(b"-"))?.0;
        let month = self.digits(2).zip(self.byte(b"-"))?.0;
        midnight(year, month, self.digits(2)?)
    }

    fn time(&mut self) -> Option<i64> {
        let hour = self.digits(2).zip(self.byte(b":"))?.0;
        let minute = self.digits(2).zip(self.byte(b":"))?.0;
        let second = self.digits(2)?;
        // RFC 3339, 5.7: 60 is a leap second, which the contract's clock does not have.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let whole = i64::from((hour * 60 + minute) * 60 + second) * 1_000;
        Some(whole + self.fraction()?)
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.byte(b".").is_none() {
            return Some(0);
        }
        let (mut millis, mut unit, mut any) = (0, 100, false);
        while let Some(digit) = self.byte(b"0123456789") {
            millis += i64::from(digit - b'0') * unit;
            unit /= 10;
            any = true;
        }
        any.then_some(millis)
    }

    fn zone(&mut self) -> Option<i64> {
        let sign = match self.byte(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.digits(2).zip(self.byte(b":"))?.0;
        let minutes = self.digits(2)?;
        (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes) * MINUTE)
    }

    fn digits(&mut self, length: usize) -> Option<u32> {
        let digits = self.take(length)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        )
    }

    fn byte(&mut self, one_of: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !one_of.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first instant of a day, if there is such a day.
fn midnight(year: u32, month: u32, day: u32) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// The nearest instant that has a year of four digits, since no CRM and not RFC 3339 knows another.
fn within_years(time: Timestamp) -> Timestamp {
    time.clamp(-62_167_219_200_000, 253_402_300_799_999)
}

fn written(time: Timestamp, between: char, end: &str) -> String {
    let it = DateTime::from_timestamp_millis(within_years(time)).unwrap_or_default();
    let (year, month, day) = (it.year(), it.month(), it.day());
    let (hour, minute, second) = (it.hour(), it.minute(), it.second());
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{end}")
}

fn not_a_time(text: &str, due: &str) -> Error {
    Error::other(format!("{text:?} is not {due}"))
}

#[cfg(test)]
mod tests {
    use super::{
        ceil_to_second, floor_to_second, local, parse, parse_http_date, parse_local, rfc3339,
    };

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(rfc3339(parse(text).unwrap()), expected);
    }

    #[test]
    fn every_offset_is_the_same_instant_in_utc() {
        check("2026-01-31T09:30:00.250+01:00", "2026-01-31T08:30:00.250Z");
        check("2026-01-31T08:30:00Z", "2026-01-31T08:30:00.000Z");
        check("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z");
        check("2024-02-29t00:00:00.1239z", "2024-02-29T00:00:00.123Z");
        check("2026-01-01T00:00:00-23:59", "2026-01-01T23:59:00.000Z");
    }

    #[test]
    fn a_time_without_zone_has_the_offset_that_is_named() {
        let time = parse_local("2026-07-01 12:00:00", 120).unwrap();
        assert_eq!(rfc3339(time), "2026-07-01T10:00:00.000Z");
        assert_eq!(local(time, 120), "2026-07-01 12:00:00");
        assert_eq!(
            parse_local("2026-07-01T12:00:00.5", 120).unwrap(),
            time + 500
        );
    }

    #[test]
    fn a_window_grows_when_it_is_rounded() {
        assert_eq!(
            (floor_to_second(1_999), ceil_to_second(1_001)),
            (1_000, 2_000)
        );
        assert_eq!(
            (floor_to_second(-1), ceil_to_second(2_000)),
            (-1_000, 2_000)
        );
    }

    #[test]
    fn dates_of_header_fields_are_read() {
        assert_eq!(
            parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap(),
            784_111_777_000
        );
    }

    #[test]
    fn what_is_out_of_range_is_not_a_panic() {
        assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(i64::MIN), "0000-01-01T00:00:00.000Z");
        assert_eq!(ceil_to_second(i64::MAX), i64::MAX / 1_000 * 1_000);
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        let wrong = [
            "yesterday",
            "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00Zz",
            "2026-01-01T00:00:00+0100",
            "2026-1-1T00:00:00Z",
            "２026-01-01T00:00:00Z",
            "",
        ];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT").is_err());
    }
}
