//! Times: milliseconds since the Unix epoch in the contract, texts in CRMs.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};

use crate::{Date, Error, Moment, Result, Timestamp, host};

/// The time now, by the host's clock.
pub fn now() -> Timestamp {
    host::now()
}

/// Reads an RFC 3339 time, such as `2026-01-31T09:30:00.250+01:00`.
pub fn parse(text: &str) -> Result<Timestamp> {
    let time =
        DateTime::parse_from_rfc3339(text).map_err(|_| not_a_time(text, "an RFC 3339 time"))?;
    Ok(time.timestamp_millis())
}

/// Reads a time without a zone, `YYYY-MM-DD HH:MM:SS` with a space or a `T` and with or without a fraction, as one that is `offset` minutes ahead of UTC.
pub fn parse_local(text: &str, offset: i32) -> Result<Timestamp> {
    let format = if text.contains('T') {
        "%Y-%m-%dT%H:%M:%S%.f"
    } else {
        "%Y-%m-%d %H:%M:%S%.f"
    };
    let time = NaiveDateTime::parse_from_str(text, format)
        .map_err(|_| not_a_time(text, "a time as YYYY-MM-DD HH:MM:SS"))?;
    Ok(time.and_utc().timestamp_millis() - i64::from(offset) * 60_000)
}

/// Reads a day, `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Result<Date> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| not_a_time(text, "a day as YYYY-MM-DD"))?;
    Ok(date.to_string())
}

/// Reads a day or an RFC 3339 time, whichever it is.
pub fn parse_moment(text: &str) -> Result<Moment> {
    match parse_date(text) {
        Ok(day) => Ok(Moment::On(day)),
        Err(_) => parse(text).map(Moment::At),
    }
}

/// Reads the date of an HTTP header field, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn parse_http_date(text: &str) -> Result<Timestamp> {
    let time = DateTime::parse_from_rfc2822(text).map_err(|_| not_a_time(text, "an HTTP date"))?;
    Ok(time.timestamp_millis())
}

/// Writes an RFC 3339 time in UTC with milliseconds, such as `2026-01-31T08:30:00.250Z`.
pub fn rfc3339(time: Timestamp) -> String {
    utc(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Writes `YYYY-MM-DD HH:MM:SS`, `offset` minutes ahead of UTC; a part of a second is cut off.
pub fn local(time: Timestamp, offset: i32) -> String {
    let time = utc(time.saturating_add(i64::from(offset) * 60_000));
    time.format("%Y-%m-%d %H:%M:%S").to_string()
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
    time.div_euclid(1_000) * 1_000
}

/// Rounds up to a whole second: for `until`, in a CRM that keeps whole seconds.
pub fn ceil_to_second(time: Timestamp) -> Timestamp {
    floor_to_second(time.saturating_add(999))
}

/// The nearest instant that has a year of four digits, since no CRM and not RFC 3339 knows another.
fn utc(time: Timestamp) -> DateTime<chrono::Utc> {
    const FIRST: Timestamp = -62_167_219_200_000;
    const LAST: Timestamp = 253_402_300_799_999;
    DateTime::from_timestamp_millis(time.clamp(FIRST, LAST)).unwrap_or_default()
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
        assert!(parse("yesterday").is_err());
    }
}
