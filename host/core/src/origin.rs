//! Scheme, host and port of a server in one canonical form, and templates of them over settings.

mod template;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::rule::Rule;

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
        let has_user = !address.username().is_empty() || address.password().is_some();
        if Rule::DialledUserInfo.refuses(has_user) {
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
mod tests;
