//! Scheme, host and port of a server in one canonical form, and templates of them over settings.

mod template;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

pub use template::{ExpandError, Template, TemplateError};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// TLS.
    Https,
    /// In the clear; only an operator's carve-out allows it.
    Http,
}

/// A server that can be granted: scheme, host and port, canonical, so that equal means the same.
///
/// A name is in its ASCII form (IDNA), lower case and without the trailing dot; an address of the
/// Internet protocol in its standard spelling; the port is always known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: Scheme,
    // Invariant: a name has passed `is_host_name`.
    host: Host,
    // Invariant: not 0.
    port: u16,
}

/// Tells why a text or an address is no origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not read as an address at all.
    #[error("{given:?} is not an address; write it as https://host or https://host:port")]
    NotAnAddress {
        /// What was given, shortened.
        given: String,
    },
    /// It uses another scheme than `https` or `http`.
    #[error("{given:?} is neither https nor http; write https://")]
    Scheme {
        /// What was given, shortened.
        given: String,
    },
    /// It carries a user or a password.
    #[error("an address must not hold a user or a password (`@`); remove it")]
    UserInfo,
    /// It goes on behind the port.
    #[error("{given:?} goes on behind the host; remove the path, `?` and `#`")]
    Beyond {
        /// What was given, shortened.
        given: String,
    },
    /// Its host is not one that can be looked up.
    #[error("{host:?} is not a host name that can be looked up; check its spelling")]
    Host {
        /// The host as it was read.
        host: String,
    },
    /// Its host ends in a dot, in a place where only the canonical form will do.
    #[error("the host {host:?} ends in a dot; remove the dot")]
    TrailingDot {
        /// The host as it was read.
        host: String,
    },
    /// Its port is 0.
    #[error("port 0 cannot be reached; write the port of the server")]
    Port,
}

impl Scheme {
    /// Returns the scheme as it stands in an address, without `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

impl Origin {
    /// Puts an origin together; `host` is a name or a literal address, without brackets or port.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Result<Self, Error> {
        let host = match host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            Ok(IpAddr::V4(_)) | Err(_) => host.to_owned(),
        };
        let text = format!("{}://{host}:{port}", scheme.as_str());
        let origin: Self = text.parse()?;
        // A host with a colon in it would have brought its own port along.
        if origin.port == port {
            Ok(origin)
        } else {
            Err(Error::NotAnAddress {
                given: excerpt(&text),
            })
        }
    }

    /// Returns the origin of a whole address that a request is about to go to.
    ///
    /// It is stricter than reading an origin from text: user and password are refused, and so is a
    /// host with a trailing dot, because the address itself, not the origin, is what gets dialled.
    pub fn of(address: &Url) -> Result<Self, Error> {
        if !address.username().is_empty() || address.password().is_some() {
            return Err(Error::UserInfo);
        }
        let origin = Self::read(address)?;
        if let Some(host) = address.host_str().filter(|host| host.ends_with('.')) {
            return Err(Error::TrailingDot {
                host: excerpt(host),
            });
        }
        Ok(origin)
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the host as a literal address of the Internet protocol, if it is one.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// Reads scheme, host and port and ignores whatever else an address holds.
    fn read(address: &Url) -> Result<Self, Error> {
        let scheme = match address.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => {
                return Err(Error::Scheme {
                    given: excerpt(address.as_str()),
                });
            }
        };
        let host = match address.host() {
            Some(Host::Domain(name)) => {
                let bare = name.strip_suffix('.').unwrap_or(name);
                if !is_host_name(bare) {
                    return Err(Error::Host {
                        host: excerpt(name),
                    });
                }
                Host::Domain(bare.to_owned())
            }
            Some(Host::Ipv4(address)) => Host::Ipv4(address),
            Some(Host::Ipv6(address)) => Host::Ipv6(address),
            None => {
                return Err(Error::NotAnAddress {
                    given: excerpt(address.as_str()),
                });
            }
        };
        match address.port().unwrap_or(scheme.default_port()) {
            0 => Err(Error::Port),
            port => Ok(Self { scheme, host, port }),
        }
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (origin, path) = split(text)?;
        match path.as_str() {
            "" | "/" => Ok(origin),
            _ => Err(Error::Beyond {
                given: excerpt(text),
            }),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port == self.scheme.default_port() {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

/// Reads `scheme://host[:port][/path]` and nothing else; the path comes back as it was written.
///
/// The address standard forgives much (tabs, back-slashes, a missing slash, escapes in the host),
/// and two readers that forgive differently are a way around a policy. So everything that needs
/// forgiving is refused here, before the standard's own reader sees it.
pub(crate) fn split(text: &str) -> Result<(Origin, String), Error> {
    let not_an_address = || Error::NotAnAddress {
        given: excerpt(text),
    };
    if text
        .chars()
        .any(|it| it.is_control() || it.is_whitespace() || it == '\\')
    {
        return Err(not_an_address());
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(not_an_address)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(Error::Scheme {
            given: excerpt(text),
        });
    }
    if rest.contains(['?', '#']) {
        return Err(Error::Beyond {
            given: excerpt(text),
        });
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(Error::UserInfo);
    }
    if authority.is_empty() || authority.contains('%') {
        return Err(not_an_address());
    }
    let address = Url::parse(&format!("{scheme}://{authority}/")).map_err(|_| not_an_address())?;
    Ok((Origin::read(&address)?, path.to_owned()))
}

/// Tells whether a text is a host name in canonical form: what can be looked up, and no literal.
pub(crate) fn is_host_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Tells whether a text is one label of a host name in canonical form.
///
/// The underscore is no part of a host name by RFC 952, but names on private networks have it.
pub(crate) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'_')
}

/// Shortens a text from outside for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use url::Url;

    use super::{Origin, Scheme};

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let result = match text.parse::<Origin>() {
            Ok(origin) => origin.to_string(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&result);
    }

    #[test]
    fn spellings_of_the_same_server_are_one_origin() {
        for text in [
            "https://example.com",
            "https://example.com/",
            "HTTPS://EXAMPLE.COM",
            "https://example.com:443",
            "https://example.com.",
            "https://example.com.:443/",
            "https://ｅxample.com",
            "https://example。com",
        ] {
            assert_eq!(
                text.parse::<Origin>().unwrap().to_string(),
                "https://example.com",
                "{text}"
            );
        }
        for text in [
            "http://127.0.0.1",
            "http://127.1",
            "http://0x7f.1",
            "http://2130706433:80",
            "http://127.0.0.1.",
        ] {
            assert_eq!(
                text.parse::<Origin>().unwrap().to_string(),
                "http://127.0.0.1",
                "{text}"
            );
        }
    }

    #[test]
    fn other_scheme_host_or_port_is_another_origin() {
        let origin: Origin = "https://example.com".parse().unwrap();
        for text in [
            "http://example.com",
            "http://example.com:443",
            "https://example.com:444",
            "https://www.example.com",
            "https://example.com.evil.io",
            "https://example.co",
        ] {
            assert_ne!(text.parse::<Origin>().unwrap(), origin, "{text}");
        }
    }

    #[test]
    fn names_are_kept_in_their_ascii_form() {
        check(
            "https://bücher.example:8443",
            expect!["https://xn--bcher-kva.example:8443"],
        );
        check("https://[2001:DB8:0::1]", expect!["https://[2001:db8::1]"]);
        check("http://my_crm:8080", expect!["http://my_crm:8080"]);
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        check(
            "example.com",
            expect![[
                r#""example.com" is not an address; write it as https://host or https://host:port"#
            ]],
        );
        check(
            "https:example.com",
            expect![[
                r#""https:example.com" is not an address; write it as https://host or https://host:port"#
            ]],
        );
        check(
            "ftp://example.com",
            expect![[r#""ftp://example.com" is neither https nor http; write https://"#]],
        );
        check(
            "https://u@example.com",
            expect!["an address must not hold a user or a password (`@`); remove it"],
        );
        check(
            "https://@example.com",
            expect!["an address must not hold a user or a password (`@`); remove it"],
        );
        check(
            "https://example.com/api",
            expect![[
                r#""https://example.com/api" goes on behind the host; remove the path, `?` and `#`"#
            ]],
        );
        check(
            "https://example.com?",
            expect![[
                r#""https://example.com?" goes on behind the host; remove the path, `?` and `#`"#
            ]],
        );
        check(
            "https://example.com#",
            expect![[
                r#""https://example.com#" goes on behind the host; remove the path, `?` and `#`"#
            ]],
        );
        check(
            "https://example.com:0",
            expect!["port 0 cannot be reached; write the port of the server"],
        );
        check(
            "https://*.example.com",
            expect![[
                r#""*.example.com" is not a host name that can be looked up; check its spelling"#
            ]],
        );
        check(
            "https://a..b",
            expect![[r#""a..b" is not a host name that can be looked up; check its spelling"#]],
        );
        check(
            "https://example.com..",
            expect![[
                r#""example.com.." is not a host name that can be looked up; check its spelling"#
            ]],
        );
    }

    #[test]
    fn what_the_address_standard_would_forgive_is_refused() {
        for text in [
            "",
            " https://example.com",
            "https://example.com\n",
            "https://exa\tmple.com",
            "https:\\\\example.com",
            "https://example.com\\@evil.io",
            "https:///example.com",
            "https://ex%61mple.com",
            "https://example.com%2eevil.io",
            "https://[::1",
            "https://[fe80::1%25eth0]",
            "https://1.2.3.4.5",
            "https://example.com:99999",
            "https://example.com:",
            "//example.com",
            "blob:https://example.com",
        ] {
            // A port that is left out behind its colon is the default one by the standard.
            let allowed = text == "https://example.com:";
            assert_eq!(text.parse::<Origin>().is_ok(), allowed, "{text:?}");
        }
    }

    #[test]
    fn the_origin_of_a_request_admits_no_second_reading() {
        let of = |text: &str| Origin::of(&Url::parse(text).unwrap()).map(|it| it.to_string());
        assert_eq!(
            of("https://EXAMPLE.com:443/a?b#c").unwrap(),
            "https://example.com"
        );
        assert!(of("https://user@example.com/").is_err());
        assert!(of("https://:pw@example.com/").is_err());
        assert!(of("https://example.com./").is_err());
        assert!(of("file:///etc/passwd").is_err());
        assert!(of("data:text/plain,x").is_err());
    }

    #[test]
    fn an_origin_put_together_takes_no_port_from_its_host() {
        assert_eq!(
            Origin::new(Scheme::Http, "::1", 8080).unwrap().to_string(),
            "http://[::1]:8080"
        );
        assert!(Origin::new(Scheme::Https, "example.com:1", 443).is_err());
        assert!(Origin::new(Scheme::Https, "a/b", 443).is_err());
        assert!(Origin::new(Scheme::Https, "a@b", 443).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_displayed_reads_back_as_the_same(
            host in "[a-zA-Z0-9äßж_.-]{1,20}|\\[[0-9a-f:]{2,10}\\]|[0-9x.]{1,12}",
            https in any::<bool>(),
            port in any::<u16>(),
        ) {
            let text = format!("{}://{host}:{port}", if https { "https" } else { "http" });
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.to_string().parse::<Origin>(), Ok(origin.clone()));
                let address = Url::parse(&origin.to_string()).unwrap();
                prop_assert_eq!(Origin::of(&address), Ok(origin));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in any::<String>()) {
            drop(text.parse::<Origin>());
            drop(format!("https://{text}").parse::<Origin>());
            drop(Origin::new(Scheme::Https, &tail, 1));
        }
    }
}
