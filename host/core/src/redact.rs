//! Cuts the secrets of a connection out of what leaves a call, in whatever form they come back.
//!
//! Only values that the connection holds are looked for, never patterns of what secrets look like: a text without one of
//! them passes as it is, byte for byte. What is found, in any mixture and at any place of a text that comes in chunks:
//!
//! | form | as in |
//! |---|---|
//! | as it is | `s3cr/t` |
//! | with any of its characters escaped, up to three times over | `s3cr%2Ft`, `s3cr%252Ft`, `s3cr\/t`, `\u00733cr\/t`, `s3cr&#47;t`, `+` for a blank |
//! | base64 and base64url, with or without padding, within any longer text, wrapped in lines | `czNjci90` |
//! | hexadecimal, in both cases, wrapped in lines | `733363722F74` |
//!
//! The forms of base64 and hexadecimal may be escaped again (`\/`, `%2B`, `\r\n` at the end of a line).
//! The time is linear in the text and the memory bounded by the secrets, whatever the text is.
//!
//! What is cut where it stands, without being known, is in [`place`].

mod bytes;
mod pattern;
pub mod place;
mod search;
mod secrets;
mod spelling;
mod starts;
mod stream;

use std::borrow::Cow;
use std::fmt;

pub use self::secrets::Secrets;
pub use self::stream::Stream;

use self::search::Alphabet;
use self::starts::Starts;
use crate::rule::Rule;

/// What stands in a text where something was cut out.
pub const MARK: &str = "[redacted]";

/// The most bytes of all secrets together.
const MOST: usize = 64 * 1024;

/// Knows the secrets of one connection in all their forms.
#[derive(Default)]
pub struct Redactor {
    alphabets: Vec<Alphabet>,
    starts: Starts,
}

/// A text, and how often something was cut out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// How many places were cut.
    pub cuts: u32,
}

/// Tells that secrets are too long to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secrets of a connection may have 64 KiB together")]
pub struct Unsearchable;

impl Redactor {
    /// Prepares to look for secrets.
    pub fn new(secrets: &Secrets) -> Result<Self, Unsearchable> {
        let values = secrets.values();
        if values.is_empty() {
            return Ok(Self::default());
        }
        if MOST < values.iter().map(|it| it.len()).sum() {
            return Err(Unsearchable);
        }
        let each = || values.iter().map(|it| it.as_bytes());
        let as_it_is = each().map(pattern::plain).collect();
        let hexadecimal = each().map(pattern::hexadecimal).collect();
        let base64 = each().flat_map(pattern::base64).collect();
        let alphabets = vec![
            Alphabet::new(as_it_is, false, |it| it)?,
            Alphabet::new(hexadecimal, true, |it| it.to_ascii_lowercase())?,
            Alphabet::new(base64, true, pattern::standard)?,
        ];
        Ok(Self {
            starts: Starts::of(&alphabets),
            alphabets,
        })
    }

    /// Says whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alphabets.is_empty()
    }

    /// Begins with a text that comes in chunks.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    /// Cuts the secrets out of a whole text.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Redacted<'a> {
        let whole = |text| Redacted { text, cuts: 0 };
        if self.is_empty() || !Rule::RedactedText.holds() {
            return whole(Cow::Borrowed(text));
        }
        let mut out = Vec::new();
        let mut stream = self.stream();
        stream.push(text.as_bytes(), &mut out);
        match stream.finish(&mut out) {
            0 => whole(Cow::Borrowed(text)),
            cuts => Redacted {
                // A secret is text, and so is what is left when it is gone.
                text: Cow::Owned(String::from_utf8_lossy(&out).into_owned()),
                cuts,
            },
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

#[cfg(test)]
mod tests;
