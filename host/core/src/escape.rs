//! Text from a guest, a manifest or a CRM, made safe for a log line or a terminal.
//!
//! A line feed forges a log line, an escape sequence rewrites what the operator sees, a bidirectional override shows
//! `moc.live` as `evil.com`, and invisible characters make two different names look alike. All of them are written as
//! `\u{…}`. A backslash is doubled, so that nobody can write text that only looks as if it had been escaped.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

/// Shows text with everything unprintable, reordering or invisible written as `\u{…}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|it| write_char(f, it))
    }
}

/// Returns the text escaped and cut off after at most `max` bytes, with a mark of how much of the original is missing.
///
/// The mark comes on top of `max`. An escape is never cut in two. Text that is short and harmless is borrowed.
#[must_use]
pub fn escape(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && !text.chars().any(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut piece = String::new();
    for (at, it) in text.char_indices() {
        piece.clear();
        // Writing to a `String` cannot fail.
        let _ = write_char(&mut piece, it);
        if out.len() + piece.len() > max {
            let _ = write!(out, "… [{} bytes cut]", text.len() - at);
            break;
        }
        out.push_str(&piece);
    }
    Cow::Owned(out)
}

/// Says whether a character could forge, reorder or hide text where a person reads it.
///
/// True for control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls, and everything
/// that takes no room: zero-width characters, fillers, variation selectors and tags.
#[must_use]
pub fn is_deceptive(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_escaped(it: char) -> bool {
    it == '\\' || is_deceptive(it)
}

fn write_char(out: &mut impl fmt::Write, it: char) -> fmt::Result {
    match it {
        '\\' => out.write_str("\\\\"),
        it if is_deceptive(it) => write!(out, "\\u{{{:x}}}", u32::from(it)),
        it => out.write_char(it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(Escaped(input).to_string(), expected);
        assert_eq!(escape(input, usize::MAX), expected);
    }

    #[test]
    fn plain_text_of_any_language_stays_as_it_is() {
        for text in [
            "",
            "Ada Lovelace",
            "Müller & Söhne",
            "株式会社",
            "Ελλάδα",
            "שלום",
            "a=b \"c\"",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_second_log_line_cannot_be_forged() {
        check("ok\n2026-01-01 ERROR", "ok\\u{a}2026-01-01 ERROR");
        check("ok\r\nx", "ok\\u{d}\\u{a}x");
        check(
            "a\u{2028}b\u{2029}c\u{85}d",
            "a\\u{2028}b\\u{2029}c\\u{85}d",
        );
    }

    #[test]
    fn a_terminal_is_not_driven_by_escape_sequences() {
        check(
            "\u{1b}[2J\u{1b}]0;title\u{7}",
            "\\u{1b}[2J\\u{1b}]0;title\\u{7}",
        );
        // The eight-bit forms of CSI and OSC need no ESC.
        check("\u{9b}31m\u{9d}x", "\\u{9b}31m\\u{9d}x");
        check("a\u{8}\u{7f}\0", "a\\u{8}\\u{7f}\\u{0}");
    }

    #[test]
    fn the_order_of_letters_cannot_be_turned_around() {
        for it in ('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{200e}', '\u{200f}', '\u{61c}'])
        {
            check(&format!("a{it}b"), &format!("a\\u{{{:x}}}b", u32::from(it)));
        }
    }

    #[test]
    fn nothing_hides_without_width() {
        check("ad\u{200b}min\u{feff}", "ad\\u{200b}min\\u{feff}");
        check(
            "a\u{ad}\u{2060}\u{e0041}\u{3164}",
            "a\\u{ad}\\u{2060}\\u{e0041}\\u{3164}",
        );
    }

    #[test]
    fn an_escape_cannot_be_imitated() {
        check("\\u{1b}", "\\\\u{1b}");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(escape("abcdef", 6), "abcdef");
        assert_eq!(escape("abcdef", 4), "abcd… [2 bytes cut]");
        assert_eq!(escape("aéé", 2), "a… [4 bytes cut]");
        assert_eq!(escape("a\n\n", 6), "a\\u{a}… [1 bytes cut]");
        assert_eq!(escape("\u{1b}", 3), "… [1 bytes cut]");
    }

    #[test]
    fn harmless_text_is_borrowed() {
        assert!(matches!(escape("abc", 3), Cow::Borrowed("abc")));
    }

    proptest! {
        #[test]
        fn nothing_deceptive_is_left_and_the_cap_holds(text: String, max in 0usize..200) {
            let out = escape(&text, max);
            prop_assert!(!out.chars().any(is_deceptive));
            prop_assert!(out.find("… [").unwrap_or(out.len()) <= max || text.contains('…'));
        }
    }
}
