//! An e-mail address in the form in which it is compared, together with the form in which it was written.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use crate::domain::{self, Domain};
use crate::escape::is_deceptive;

/// An address as in RFC 5322 `addr-spec` and RFC 6531, equal to another if mail for both goes to the same place.
///
/// The local part is compared without case: RFC 5321 lets a server tell `Ada` from `ada`, but no CRM does.
/// It is not folded any further, so `strasse` and `straße`, or `a.b` and `ab`, are two people.
#[derive(Clone, Debug)]
pub struct EmailAddress {
    written: String,
    // Invariant: `local@domain`, which `parse` reads back to the same key.
    key: String,
    domain: Domain,
}

/// What keeps a text from being an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no `@`.
    #[error("the address has no @")]
    NoAt,
    /// The part before the `@` is empty, too long or has characters that need quotes.
    #[error(
        "the part before the @ is empty, too long or has characters that are not allowed there"
    )]
    Local,
    /// The part after the `@` is no domain.
    #[error("the part after the @ is no domain that mail could go to")]
    Domain(#[source] domain::Error),
    /// It is longer than mail can carry.
    #[error("the address has more than 254 bytes")]
    TooLong,
}

/// The longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX: usize = 254;

impl EmailAddress {
    /// Reads a bare address, without a name and without angle brackets.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let written = text.trim();
        // Reading an endless text would cost time; a name in its own script may be longer than its A-label form.
        if written.len() > 4 * MAX {
            return Err(Error::TooLong);
        }
        let (local, domain) = written.rsplit_once('@').ok_or(Error::NoAt)?;
        let local = normalised_local(local)?;
        // `Domain::parse` would forgive white space here.
        if domain.starts_with(char::is_whitespace) {
            return Err(Error::Domain(domain::Error::Invalid));
        }
        let domain = Domain::parse(domain).map_err(Error::Domain)?;
        let key = format!("{local}@{domain}");
        if key.len() > MAX {
            return Err(Error::TooLong);
        }
        Ok(Self {
            written: written.to_owned(),
            key,
            domain,
        })
    }

    /// Returns the form by which addresses are compared and stored.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }
}

impl fmt::Display for EmailAddress {
    /// Shows the address as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for EmailAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

fn normalised_local(local: &str) -> Result<String, Error> {
    let folded: String = local.nfc().flat_map(char::to_lowercase).nfc().collect();
    // The same length twice: what was written has to fit, and so has what is compared.
    if local.len() > MAX_LOCAL || folded.len() > MAX_LOCAL || folded.chars().any(is_deceptive) {
        return Err(Error::Local);
    }
    match folded.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => unquoted(quoted),
        None if is_atoms(&folded) => Ok(folded),
        None => Err(Error::Local),
    }
}

/// Drops quotes that mean nothing (RFC 5321, section 4.1.2: `"ada"@x` and `ada@x` are the same mailbox).
fn unquoted(quoted: &str) -> Result<String, Error> {
    let mut content = String::new();
    let mut chars = quoted.chars();
    while let Some(it) = chars.next() {
        match it {
            '\\' => content.push(chars.next().ok_or(Error::Local)?),
            '"' => return Err(Error::Local),
            it => content.push(it),
        }
    }
    if is_atoms(&content) {
        return Ok(content);
    }
    if content.is_empty() {
        return Err(Error::Local);
    }
    let escaped: String = content
        .chars()
        .flat_map(|it| {
            matches!(it, '"' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([it])
        })
        .collect();
    Ok(format!("\"{escaped}\""))
}

/// Says whether a local part needs no quotes.
///
/// Dots may stand anywhere: RFC 5322 forbids two in a row or one at the end, Japanese mobile carriers gave them out.
fn is_atoms(text: &str) -> bool {
    !text.is_empty()
        && text.chars().any(|it| it != '.')
        && text
            .chars()
            .all(|it| !it.is_whitespace() && !is_deceptive(it) && !"()<>[]:;@\\,\"".contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(input: &str, expected: Result<&str, Error>) {
        assert_eq!(
            EmailAddress::parse(input).as_ref().map(EmailAddress::key),
            expected.as_ref().copied(),
            "{input}"
        );
    }

    #[test]
    fn one_mailbox_has_one_key() {
        check(" Ada.Lovelace@Example.COM ", Ok("ada.lovelace@example.com"));
        check("ada@bücher.example", Ok("ada@xn--bcher-kva.example"));
        check("jose\u{301}@example.com", Ok("josé@example.com"));
        check("JOSÉ@example.com.", Ok("josé@example.com"));
        check("\"Ada\"@example.com", Ok("ada@example.com"));
        check("\"a\\da\"@example.com", Ok("ada@example.com"));
        check("\"a b\"@example.com", Ok("\"a b\"@example.com"));
        check("\"a@b\"@example.com", Ok("\"a@b\"@example.com"));
        check("\"a\\\"b\"@example.com", Ok("\"a\\\"b\"@example.com"));
        check("o'brien+crm@example.com", Ok("o'brien+crm@example.com"));
        check("a..b.@docomo.ne.jp", Ok("a..b.@docomo.ne.jp"));
    }

    #[test]
    fn two_people_are_not_made_one() {
        let parse = |it| EmailAddress::parse(it).unwrap();
        assert_ne!(parse("strasse@example.com"), parse("straße@example.com"));
        assert_ne!(parse("jose@example.com"), parse("josé@example.com"));
        assert_ne!(parse("a.b@gmail.com"), parse("ab@gmail.com"));
        assert_ne!(parse("a+x@example.com"), parse("a@example.com"));
        assert_ne!(parse("a@faß.de"), parse("a@fass.de"));
    }

    #[test]
    fn nonsense_is_refused() {
        check("", Err(Error::NoAt));
        check("ada", Err(Error::NoAt));
        check("@example.com", Err(Error::Local));
        check("ada@", Err(Error::Domain(domain::Error::Empty)));
        check(
            "ada@localhost",
            Err(Error::Domain(domain::Error::SingleLabel)),
        );
        check(
            "ada@[127.0.0.1]",
            Err(Error::Domain(domain::Error::Invalid)),
        );
        check("ada@127.0.0.1", Err(Error::Domain(domain::Error::Address)));
        check(
            "ada@ example.com",
            Err(Error::Domain(domain::Error::Invalid)),
        );
        check("ada @example.com", Err(Error::Local));
        check("a@b@example.com", Err(Error::Local));
        check("<ada@example.com>", Err(Error::Local));
        check("Ada <ada@example.com>", Err(Error::Local));
        check("a,b@example.com", Err(Error::Local));
        check(".@example.com", Err(Error::Local));
        check("\"@example.com", Err(Error::Local));
        check("\"\"@example.com", Err(Error::Local));
        check("\"a\"b\"@example.com", Err(Error::Local));
        check("\"a\\\"@example.com", Err(Error::Local));
        check("a\u{202e}b@example.com", Err(Error::Local));
        check("a\u{200b}b@example.com", Err(Error::Local));
        check("a\nb@example.com", Err(Error::Local));
        check("\"a\nb\"@example.com", Err(Error::Local));
        check(
            &format!("{}@example.com", "a".repeat(65)),
            Err(Error::Local),
        );
        check(
            &format!("a@{}com", "aaaaaaaaa.".repeat(25)),
            Err(Error::TooLong),
        );
        check(&"a".repeat(100_000), Err(Error::TooLong));
    }

    #[test]
    fn what_was_written_is_shown_and_the_key_compared() {
        let (one, other) = (
            EmailAddress::parse("Ada@Example.com").unwrap(),
            EmailAddress::parse("ada@example.com").unwrap(),
        );
        assert_eq!(one.to_string(), "Ada@Example.com");
        assert_eq!(one, other);
        assert_eq!(std::collections::HashSet::from([one, other]).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            drop(EmailAddress::parse(&text));
        }

        #[test]
        fn reading_what_is_shown_or_the_key_gives_the_same_address(
            text in "(\"[a-zA-Z .@\\\\\"İ]{0,8}\"|[\\PC]{1,12})@[a-zA-Zäß-]{1,6}\\.[a-z]{2,4}"
        ) {
            if let Ok(it) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(&it.to_string()), Ok(it.clone()));
                prop_assert_eq!(EmailAddress::parse(it.key()), Ok(it));
            }
        }
    }
}
