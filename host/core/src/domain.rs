//! A domain name in the one form in which two of them may be compared.
//!
//! Addresses and websites come from a CRM as people typed them, so the same company is written in many ways: in capitals,
//! with a scheme and a path, in its own script or in `xn--` form. A [`Domain`] is what is left: lower case, A-labels.

use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// A domain name of at least two labels, in lower case and A-label form, without a dot at the end.
///
/// ```
/// use brightsync_core::domain::Domain;
///
/// assert_eq!(Domain::parse("Bücher.Example")?, Domain::parse("xn--bcher-kva.example")?);
/// # Ok::<(), brightsync_core::domain::Error>(())
/// ```
///
/// There is none that was not read by one of its two functions:
///
/// ```compile_fail,E0423
/// let domain = brightsync_core::domain::Domain("Example.com".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(String);

/// What keeps a text from being a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing left of it.
    #[error("the domain is empty")]
    Empty,
    /// It has characters or labels that no domain name has.
    #[error("the domain has characters or labels that no domain name can have")]
    Invalid,
    /// It is a network address.
    #[error("a network address is no domain")]
    Address,
    /// It has one label only, such as `localhost`, which names a different machine on every network.
    #[error("the domain has one label only")]
    SingleLabel,
}

impl TryFrom<String> for Domain {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl Domain {
    /// Reads a bare domain name, with or without a dot at the end.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() || text == "." {
            return Err(Error::Empty);
        }
        let ascii = Uts46::new()
            .to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::Allow,
                DnsLength::VerifyAllowRootDot,
            )
            .map_err(|_| Error::Invalid)?;
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        let (_, top) = ascii.rsplit_once('.').ok_or(Error::SingleLabel)?;
        // A name whose last label is a number is read as an IPv4 address by every resolver (WHATWG URL, "ends in a number").
        let hexadecimal = top
            .strip_prefix("0x")
            .is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
        if hexadecimal || top.bytes().all(|it| it.is_ascii_digit()) {
            return Err(Error::Address);
        }
        Ok(Self(ascii.to_owned()))
    }

    /// Reads the domain out of what a person wrote into the field for a website.
    ///
    /// Scheme, user, port, path, query and one leading `www.` are dropped.
    pub fn from_website(text: &str) -> Result<Self, Error> {
        let text = text.trim().replace('\\', "/");
        let rest = without_scheme(&text).trim_start_matches('/');
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        if host.starts_with('[') {
            return Err(Error::Address);
        }
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
            _ => host,
        };
        let whole = Self::parse(host)?;
        // `www.de` is a name of its own, so the rest has to stand alone as a domain.
        match whole.0.strip_prefix("www.").map(Self::parse) {
            Some(Ok(bare)) => Ok(bare),
            _ => Ok(whole),
        }
    }

    /// Returns the name in A-label form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in its own script, for people.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Says whether this is below `other`; no domain is below itself.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        // Label by label: `contest.com` ends in `test.com` and has nothing to do with it.
        self.0
            .strip_suffix(&other.0)
            .is_some_and(|it| it.ends_with('.'))
    }
}

impl FromStr for Domain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Drops `https:`, with or without slashes behind it, but not `example.com:` before a port.
fn without_scheme(text: &str) -> &str {
    let Some((scheme, rest)) = text.split_once(':') else {
        return text;
    };
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    if is_web || is_scheme && rest.starts_with("//") {
        rest
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(input: &str, expected: Result<&str, Error>) {
        assert_eq!(
            Domain::parse(input).as_ref().map(Domain::as_str),
            expected.as_ref().copied(),
            "{input}"
        );
    }

    #[track_caller]
    fn check_website(input: &str, expected: Result<&str, Error>) {
        assert_eq!(
            Domain::from_website(input).as_ref().map(Domain::as_str),
            expected.as_ref().copied(),
            "{input}"
        );
    }

    #[test]
    fn one_domain_has_one_form() {
        check(" Example.COM ", Ok("example.com"));
        check("example.com.", Ok("example.com"));
        check("bücher.example", Ok("xn--bcher-kva.example"));
        check("BU\u{308}CHER.example", Ok("xn--bcher-kva.example"));
        check("xn--bcher-kva.example", Ok("xn--bcher-kva.example"));
        check("ｅｘａｍｐｌｅ．ｃｏｍ", Ok("example.com"));
        check("例え。jp", Ok("xn--r8jz45g.jp"));
        check("faß.de", Ok("xn--fa-hia.de"));
        check("www.example.com", Ok("www.example.com"));
        check("r3---sn.example.com", Ok("r3---sn.example.com"));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        check("", Err(Error::Empty));
        check(" . ", Err(Error::Empty));
        check("localhost", Err(Error::SingleLabel));
        check("localhost.", Err(Error::SingleLabel));
        check("127.0.0.1", Err(Error::Address));
        check("example.0x7f", Err(Error::Address));
        check("１２７.０.０.１", Err(Error::Address));
        check("[::1]", Err(Error::Invalid));
        check("a..example.com", Err(Error::Invalid));
        check(".example.com", Err(Error::Invalid));
        check("example.com..", Err(Error::Invalid));
        check("exa mple.com", Err(Error::Invalid));
        check("a,b.com", Err(Error::Invalid));
        check("a@b.com", Err(Error::Invalid));
        check("example.com/x", Err(Error::Invalid));
        check("xn--a.com", Err(Error::Invalid));
        check("%example.com", Err(Error::Invalid));
        check("a\0.com", Err(Error::Invalid));
        check(&format!("{}.com", "a".repeat(64)), Err(Error::Invalid));
        check(&format!("{}com", "a.".repeat(126)), Err(Error::Invalid));
    }

    #[test]
    fn a_website_is_read_however_it_was_typed() {
        for text in [
            "https://www.Example.com/path?q=1#top",
            "http://example.com:8080",
            "HTTP:example.com",
            "https:\\\\www.example.com\\",
            "//example.com/",
            "www.example.com.",
            "example.com/@user",
            "example.com?x=https://other.com",
            "https://other.com:pass@example.com/",
            "ftp://example.com",
            "example.com:443",
        ] {
            check_website(text, Ok("example.com"));
        }
        check_website("www.www.example.com", Ok("www.example.com"));
        check_website("www.de", Ok("www.de"));
        check_website("wwwexample.com", Ok("wwwexample.com"));
    }

    #[test]
    fn a_website_that_names_no_company_is_refused() {
        check_website("", Err(Error::Empty));
        check_website("https://", Err(Error::Empty));
        check_website("n/a", Err(Error::SingleLabel));
        check_website("http://localhost:3000", Err(Error::SingleLabel));
        check_website("http://[::1]:80/", Err(Error::Address));
        check_website("http://10.0.0.1/", Err(Error::Address));
        check_website("a.com, b.com", Err(Error::Invalid));
        check_website("mailto:x", Err(Error::Invalid));
    }

    #[test]
    fn below_means_by_whole_labels() {
        let domain = |it| Domain::parse(it).unwrap();
        assert!(domain("a.b.test.com").is_below(&domain("test.com")));
        assert!(!domain("contest.com").is_below(&domain("test.com")));
        assert!(!domain("test.com").is_below(&domain("test.com")));
        assert!(!domain("test.com").is_below(&domain("a.test.com")));
    }

    #[test]
    fn people_see_their_own_script() {
        assert_eq!(
            Domain::parse("xn--bcher-kva.example").unwrap().to_unicode(),
            "bücher.example"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            drop(Domain::from_website(&text));
            if let Ok(it) = Domain::parse(&text) {
                prop_assert_eq!(Domain::parse(&it.to_string()), Ok(it));
            }
        }

        #[test]
        fn reading_twice_changes_nothing(text in "[a-zA-Zäöüß世İıſ0-9-]{1,8}[.。][a-zA-Zé]{2,5}\\.?") {
            if let Ok(it) = Domain::parse(&text) {
                prop_assert_eq!(Domain::parse(&it.to_string()), Ok(it.clone()));
                prop_assert_eq!(Domain::parse(&it.to_unicode()), Ok(it));
            }
        }
    }
}
