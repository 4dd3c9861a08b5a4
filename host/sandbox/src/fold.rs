//! Folding: the form in which texts are compared, so that a search finds what a person calls equal.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds a name: no case, no accents, single spaces.
pub(crate) fn name(text: &str) -> String {
    let bare: String = text.nfkd().filter(|it| !is_combining_mark(*it)).collect();
    bare.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Folds a domain: its ASCII form (IDNA) in lower case, without a trailing dot.
pub(crate) fn domain(text: &str) -> String {
    let host = text.trim().trim_end_matches('.');
    idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_lowercase())
}

/// Folds an e-mail address: the local part in lower case, the host as [`domain`] does.
pub(crate) fn address(text: &str) -> String {
    match text.trim().rsplit_once('@') {
        Some((local, host)) => format!("{}@{}", local.to_lowercase(), domain(host)),
        None => text.trim().to_lowercase(),
    }
}

/// Returns the folded host of an e-mail address.
pub(crate) fn host_of(address: &str) -> Option<String> {
    address.rsplit_once('@').map(|(_, host)| domain(host))
}

/// Folds a message id: without angle brackets; its case counts.
pub(crate) fn message_id(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('<')
        .and_then(|it| it.strip_suffix('>'))
        .unwrap_or(text)
        .to_owned()
}

/// Folds a time or a date: a time is its instant, whatever offset it was written in.
pub(crate) fn moment(text: &str) -> String {
    crate::clock::parse(text).map_or_else(|| text.to_owned(), crate::clock::format)
}

/// Leaves a text as it is.
pub(crate) fn exact(text: &str) -> String {
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{address, domain, message_id, name};

    #[track_caller]
    fn check(fold: fn(&str) -> String, input: &str, expected: &str) {
        assert_eq!(fold(input), expected);
    }

    #[test]
    fn names_are_equal_without_case_and_accents() {
        check(name, "  José  ÁLVAREZ ", "jose alvarez");
        check(name, "Zoë O’Brien", "zoe o’brien");
        check(name, "山田 太郎", "山田 太郎");
    }

    #[test]
    fn domains_are_equal_in_both_forms_of_idna() {
        check(domain, "BÜCHER.example.", "xn--bcher-kva.example");
        check(domain, "xn--bcher-kva.example", "xn--bcher-kva.example");
    }

    #[test]
    fn addresses_keep_what_stands_before_the_last_at_sign() {
        check(
            address,
            "O'Brien+News@Example.COM",
            "o'brien+news@example.com",
        );
        check(address, "\"a@b\"@example.com", "\"a@b\"@example.com");
        check(address, "%_", "%_");
    }

    #[test]
    fn a_message_id_loses_its_angle_brackets_only() {
        check(message_id, "<A.b@example.com>", "A.b@example.com");
    }
}
