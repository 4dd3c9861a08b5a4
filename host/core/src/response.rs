//! Which headers of an answer a connector may see.
//!
//! It is a list of what is allowed, because nobody can list what leaks: session cookies, challenges, internal addresses
//! and tokens that a gateway adds all come in headers.

use url::Url;

use crate::header;
use crate::rule::Rule;

/// Names that every connector may see, each because some CRM's API puts paging, versions, limits or errors there.
const NAMES: [&str; 27] = [
    "content-disposition",
    "content-language",
    "content-range",
    "content-type",
    "correlation-id",
    "date",
    "etag",
    "last-modified",
    "link",
    // EspoCRM's and Dataverse's answers to a create name the new record here; only on the same origin.
    "location",
    "odata-entityid",
    "odata-version",
    "preference-applied",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "request-id",
    "retry-after",
    "sforce-limit-info",
    "warning",
    "x-correlation-id",
    "x-request-id",
    // EspoCRM's errors have no body; the reason is here.
    "x-status-reason",
    "x-total",
    "x-total-count",
];

/// Beginnings of names that every connector may see: the vendors' own counters of their limits.
const PREFIXES: [&str; 7] = [
    "x-api-credits-",
    "x-daily-ratelimit-",
    "x-hubspot-ratelimit-",
    "x-ms-ratelimit-",
    "x-page",
    "x-ratelimit-",
    "x-rate-limit-",
];

/// The names that a connector may see: those of every API, and those of its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    // Invariant: folded, and none that carries a credential.
    extra: Vec<String>,
}

/// A name that no manifest can ask to see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadName {
    /// It is no header's name.
    #[error("{0:?} is no name of a header")]
    NotAName(String),
    /// It carries credentials or belongs to the connection.
    #[error(
        "the header {0:?} carries credentials or belongs to the connection, so no connector may see it"
    )]
    Never(String),
}

/// The most that one answer may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Number of headers.
    pub headers: usize,
    /// Bytes of one value.
    pub value_bytes: usize,
    /// Bytes of all names and values together.
    pub total_bytes: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            headers: 64,
            value_bytes: 8 * 1024,
            total_bytes: 32 * 1024,
        }
    }
}

/// What a connector sees of an answer's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// How many were allowed by name and left out for their size, their number or their content.
    pub dropped: usize,
}

impl Allowed {
    /// Adds names that a manifest asks for.
    pub fn with<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Result<Self, BadName> {
        for name in names {
            if !header::is_token(name) {
                return Err(BadName::NotAName(
                    crate::escape::escape(name, 64).into_owned(),
                ));
            }
            if is_never(name) {
                return Err(BadName::Never(name.to_owned()));
            }
            self.extra.push(name.to_ascii_lowercase());
        }
        Ok(self)
    }

    fn shows(&self, name: &str) -> bool {
        !Rule::AnswerHeader.holds()
            || !is_never(name)
                && (NAMES.contains(&name)
                    || PREFIXES.iter().any(|it| name.starts_with(it))
                    || self.extra.iter().any(|it| it == name))
    }

    /// Returns what a connector may see of the headers of an answer to a request for `asked`.
    pub fn filter<'a>(
        &self,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        asked: &Url,
        caps: &Caps,
    ) -> Shown {
        let mut shown = Shown::default();
        let mut total = 0;
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if !header::is_token(&name) || !self.shows(&name) {
                continue;
            }
            let value = text(value)
                .filter(|it| it.len() <= caps.value_bytes && may_point(&name, it, asked));
            match value {
                Some(value)
                    if shown.headers.len() < caps.headers
                        && total + name.len() + value.len() <= caps.total_bytes =>
                {
                    total += name.len() + value.len();
                    shown.headers.push((name, value));
                }
                _ => shown.dropped += 1,
            }
        }
        shown
    }
}

/// Says whether nobody may see a header, whatever a manifest says.
fn is_never(name: &str) -> bool {
    header::carries_credential(name) || header::belongs_to_host(name)
}

/// Keeps a redirect to another place to the broker: a sign-in page's address carries one-time codes and state.
fn may_point(name: &str, value: &str, asked: &Url) -> bool {
    if !Rule::AnswerLocation.refuses(name == "location") {
        return true;
    }
    asked.join(value).is_ok_and(|it| {
        it.origin() == asked.origin() && it.username().is_empty() && it.password().is_none()
    })
}

/// Reads a value as UTF-8, or else as Latin-1 (RFC 9110, section 5.5); one with control characters is none.
fn text(value: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(value) {
        Ok(it) => it.to_owned(),
        Err(_) => value.iter().map(|it| char::from(*it)).collect(),
    };
    text.chars()
        .all(|it| it == '\t' || !it.is_control())
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(headers: &[(&str, &[u8])], allowed: &Allowed, caps: &Caps) -> Shown {
        let asked = Url::parse("https://x.example/api/Contact").unwrap();
        allowed.filter(headers.iter().copied(), &asked, caps)
    }

    #[track_caller]
    fn check(name: &str, value: &[u8], expected: Option<&str>) {
        let shown = filter(&[(name, value)], &Allowed::default(), &Caps::default());
        assert_eq!(
            shown.headers.first().map(|(_, value)| value.as_str()),
            expected,
            "{name}"
        );
    }

    #[test]
    fn paging_limits_and_reasons_are_seen() {
        for name in [
            "Content-Type",
            "ETag",
            "Link",
            "Retry-After",
            "X-RateLimit-Remaining",
            "RateLimit-Reset",
            "X-Status-Reason",
            "Sforce-Limit-Info",
            "X-Total-Count",
            "X-Request-Id",
            "X-HubSpot-RateLimit-Daily",
            "x-ms-ratelimit-burst-remaining-xrm-requests",
            "X-API-CREDITS-REMAINING",
        ] {
            check(name, b"1", Some("1"));
        }
    }

    #[test]
    fn everything_else_is_not() {
        for name in [
            "Set-Cookie",
            "set-cookie2",
            "WWW-Authenticate",
            "Proxy-Authenticate",
            "Authentication-Info",
            "Authorization",
            "X-Auth-Token",
            "Server",
            "X-Powered-By",
            "X-CSRF-Token",
            "Content-Encoding",
            "Content-Length",
            "Transfer-Encoding",
            "X-Amzn-Trace-Id",
            "Via",
            "X-Unheard-Of",
            "X-RateLimit-Api-Key",
            "X-Page-Access-Token",
        ] {
            check(name, b"1", None);
        }
    }

    #[test]
    fn a_redirect_to_another_place_stays_with_the_broker() {
        check("Location", b"/api/Contact/5", Some("/api/Contact/5"));
        check(
            "Location",
            b"https://x.example/api/5",
            Some("https://x.example/api/5"),
        );
        for to in [
            "https://login.example/?code=1",
            "//login.example/",
            "http://x.example/",
            "https://x.example:8443/",
            "https://u:p@x.example/",
            "\\\\evil.example",
        ] {
            check("Location", to.as_bytes(), None);
        }
    }

    #[test]
    fn a_value_is_text_of_one_line() {
        check("X-Status-Reason", "Größe".as_bytes(), Some("Größe"));
        check("X-Status-Reason", b"Gr\xf6\xdfe", Some("Größe"));
        check("X-Status-Reason", b"a\tb", Some("a\tb"));
        for value in [&b"a\r\nb"[..], b"a\0", b"a\x1b[2J", b"a\x7f", b"\xff\x9b"] {
            check("X-Status-Reason", value, None);
        }
    }

    #[test]
    fn a_manifest_adds_names_but_never_those_of_credentials() {
        let allowed = Allowed::default().with(["X-Own"]).unwrap();
        assert_eq!(
            filter(&[("x-oWN", b"1")], &allowed, &Caps::default()).headers,
            [("x-own".to_owned(), "1".to_owned())]
        );
        for name in [
            "Set-Cookie",
            "set_cookie",
            "WWW-Authenticate",
            "X-Api-Key",
            "Transfer-Encoding",
        ] {
            assert_eq!(
                Allowed::default().with([name]),
                Err(BadName::Never(name.to_owned()))
            );
        }
        assert_eq!(
            Allowed::default().with(["a b"]),
            Err(BadName::NotAName("a b".to_owned()))
        );
    }

    #[test]
    fn every_cap_ends_where_it_says_and_is_counted() {
        let headers: [(&str, &[u8]); 3] =
            [("date", b"1234"), ("etag", b"1234"), ("link", b"12345")];
        let run = |headers_cap, value_bytes, total_bytes| {
            let shown = filter(
                &headers,
                &Allowed::default(),
                &Caps {
                    headers: headers_cap,
                    value_bytes,
                    total_bytes,
                },
            );
            (shown.headers.len(), shown.dropped)
        };
        assert_eq!(run(3, 5, 25), (3, 0));
        assert_eq!(run(2, 5, 25), (2, 1));
        assert_eq!(run(3, 4, 25), (2, 1));
        assert_eq!(run(3, 5, 24), (2, 1));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_shows_a_cookie(name: String, value: Vec<u8>) {
            let shown = filter(&[(&name, &value), ("Set-Cookie", &value), ("Location", &value)], &Allowed::default(), &Caps::default());
            prop_assert!(shown.headers.iter().all(|(name, _)| name != "set-cookie"));
        }
    }
}
