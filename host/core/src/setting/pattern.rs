//! Patterns of settings: regular expressions that match a whole value or do not match, in bounded time.

use regex_lite::{Regex, RegexBuilder};
use serde::Serialize;
use thiserror::Error;

/// The longest pattern, in bytes.
const MAX_LENGTH: usize = 256;
/// How large the compiled pattern may be, in bytes.
const MAX_COMPILED: usize = 64 * 1024;
/// How deep groups may be nested.
const MAX_NESTING: u32 = 16;

/// A regular expression that has to match the whole of a value.
#[derive(Debug, Clone, Serialize)]
#[serde(into = "String")]
pub struct Pattern {
    source: String,
    // Invariant: anchored at both ends.
    anchored: Regex,
}

/// Tells why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It is too long.
    #[error("the pattern is longer than {MAX_LENGTH} bytes; shorten it")]
    TooLong,
    /// It is no regular expression, or too costly a one.
    #[error("the pattern is no regular expression within limits: {reason}")]
    Invalid {
        /// What the reader of regular expressions says.
        reason: String,
    },
}

impl Pattern {
    /// Reads a pattern in the syntax of the `regex-lite` crate; anchors need not be written.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        if source.len() > MAX_LENGTH {
            return Err(PatternError::TooLong);
        }
        // It has to be whole by itself first, or `a)|(?:b` would break out of the group below.
        build(source)?;
        let anchored = build(&format!(r"\A(?:{source})\z"))?;
        Ok(Self {
            source: source.to_owned(),
            anchored,
        })
    }

    /// Tells whether the pattern matches the whole of a value.
    pub fn matches(&self, value: &str) -> bool {
        self.anchored.is_match(value)
    }

    /// Returns the pattern as the manifest has it.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source
    }
}

fn build(source: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(source)
        .size_limit(MAX_COMPILED)
        .nest_limit(MAX_NESTING)
        .build()
        .map_err(|error| PatternError::Invalid {
            reason: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[track_caller]
    fn check(pattern: &str, value: &str, matches: bool) {
        assert_eq!(
            Pattern::parse(pattern).unwrap().matches(value),
            matches,
            "{pattern:?} on {value:?}"
        );
    }

    #[test]
    fn a_pattern_matches_the_whole_value() {
        check("[a-z]+", "abc", true);
        check("[a-z]+", "abc.evil", false);
        check("[a-z]+", "abc\n", false);
        check("a|ab", "ab", true);
        check("a|b", "xb", false);
        check("(?m)a$", "a\nb", false);
        check("(?m)^a$", "b\na\nb", false);
        check("^a$", "a", true);
    }

    #[test]
    fn a_pattern_does_not_break_out_of_its_anchors() {
        for pattern in [
            "a)|(?:b",
            "(?x)a #",
            "a)|.*|(?:b",
            "(",
            "\\",
            "(?x:a) # (",
            "a\\",
        ] {
            if let Ok(pattern) = Pattern::parse(pattern) {
                assert!(!pattern.matches("evil"), "{}", pattern.as_str());
                assert!(!pattern.matches("a evil"), "{}", pattern.as_str());
            }
        }
    }

    #[test]
    fn a_costly_pattern_is_refused() {
        assert!(Pattern::parse("(((a{100}){100}){100})").is_err());
        assert!(Pattern::parse(&"(".repeat(100)).is_err());
        assert!(Pattern::parse(&"a".repeat(257)).is_err());
    }

    #[test]
    fn matching_takes_no_exponential_time() {
        check("(a*)*b", &"a".repeat(1024), false);
    }
}
