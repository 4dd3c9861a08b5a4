//! Decimal numbers as texts.

/// Writes out a number that may have an exponent, as some CRMs show large and small ones; none of what is no number.
pub(super) fn plain(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['E', 'e']).unwrap_or((number, "0"));
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    // How many digits stand behind the point; an amount of money has no hundred of them.
    let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
    let behind = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if !(-100..=100).contains(&behind) {
        return None;
    }
    let zeros = "0".repeat(usize::try_from(-behind).unwrap_or(0));
    let behind = usize::try_from(behind).unwrap_or(0);
    let padded = format!("{all:0>width$}{zeros}", width = behind + 1);
    let (whole, fraction) = padded.split_at(padded.len() - behind);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[track_caller]
    fn check(number: &str, expected: Option<&str>) {
        assert_eq!(plain(number).as_deref(), expected, "{number}");
    }

    #[test]
    fn no_digit_of_an_amount_is_lost() {
        check("1234.50", Some("1234.50"));
        check("-0.05", Some("-0.05"));
        check("12000", Some("12000"));
        check("1E+3", Some("1000"));
        check("1.25E+1", Some("12.5"));
        check("5E-3", Some("0.005"));
        check("0E-2", Some("0.00"));
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for number in ["", "NaN", "Infinity", "1E+999999999", "1.2.3", "-"] {
            check(number, None);
        }
    }
}
