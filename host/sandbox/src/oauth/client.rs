//! Clients: the programs that ask for tokens, and how each of them was registered.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::oauth::key::Key;
use crate::oauth::scope::Scopes;

/// A program that may ask for tokens.
#[derive(Clone, Debug)]
pub struct Client {
    /// The name that people read on the page where they allow it.
    pub name: String,
    /// Where the answer of the authorization endpoint may go. They are compared exactly, but for the
    /// port of `http://127.0.0.1` and `http://[::1]` (RFC 8252, section 7.3).
    pub redirect_uris: Vec<String>,
    /// What the client may exchange for tokens.
    pub grants: Vec<Grant>,
    /// How the client proves who it is.
    pub authentication: ClientAuthentication,
    /// The most that the client gets, and what it gets if it names no scope.
    pub scopes: Scopes,
    /// Whether a refresh token is replaced with each use; then an old one revokes its whole family.
    pub rotation: bool,
    /// How long its access tokens live; as the server's options say if there is nothing here.
    pub access_lifetime: Option<Duration>,
    /// How long its refresh tokens live; as the server's options say if there is nothing here.
    pub refresh_lifetime: Option<Duration>,
    /// Whether its token requests are JSON, and not forms.
    pub json_bodies: bool,
    /// Whether answers leave `expires_in` out.
    pub omit_expires_in: bool,
    /// What `token_type` says, and the scheme of `Authorization` that its tokens are sent with.
    pub token_type: String,
    /// Whether the callback gets `location` and `accounts-server` as well, as Zoho adds them.
    pub callback_extras: bool,
    /// The public keys of its assertions, as JSON Web Keys: RSA for `RS256`, P-256 for `ES256`.
    pub keys: Vec<Value>,
}

/// What a client exchanges for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The code of RFC 6749, section 4.1, always with PKCE.
    AuthorizationCode,
    /// A refresh token (section 6).
    RefreshToken,
    /// The client's own credentials (section 4.4).
    ClientCredentials,
    /// A user's address and password (section 4.3).
    Password,
    /// A signed assertion (RFC 7523).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

/// How a client proves who it is (RFC 7591, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// Id and secret as user and password of Basic authentication, both form-encoded.
    ClientSecretBasic,
    /// Id and secret in the body.
    ClientSecretPost,
    /// Not at all: a public client, which only says its id.
    None,
}

/// A client that a server knows.
#[derive(Clone)]
pub struct Registered {
    /// The id that the server gave it.
    pub id: String,
    /// The secret that the server gave it; a public client has none.
    pub secret: Option<String>,
    /// As what it was registered.
    pub client: Client,
    pub(crate) keys: Vec<Key>,
}

/// Why a client cannot be registered (RFC 7591, section 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// A redirect address is not acceptable.
    #[error(
        "a redirect address is https, http to a loopback address, or of an app's own scheme with a dot; it is ASCII and has no fragment"
    )]
    RedirectUri,
    /// Something else does not fit together.
    #[error("{0}")]
    Metadata(&'static str),
}

impl Grant {
    pub(crate) const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::Password,
        Self::JwtBearer,
    ];

    /// Returns what a value of `grant_type` means.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Returns the value of `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Password => "password",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }
}

impl Client {
    /// Checks a client, and returns its keys in a form that can be used.
    pub(crate) fn check(&self) -> Result<Vec<Key>, RegistrationError> {
        let refuse = |message| Err(RegistrationError::Metadata(message));
        if !self.redirect_uris.iter().all(|it| is_redirect_uri(it)) {
            return Err(RegistrationError::RedirectUri);
        }
        let has = |grant| self.grants.contains(&grant);
        if has(Grant::AuthorizationCode) && self.redirect_uris.is_empty() {
            return refuse("authorization_code takes at least one of redirect_uris");
        }
        if has(Grant::ClientCredentials) && self.authentication == ClientAuthentication::None {
            // RFC 6749, section 4.4: only for confidential clients.
            return refuse("client_credentials takes a client with a secret");
        }
        if has(Grant::JwtBearer) && self.keys.is_empty() {
            return refuse("jwt-bearer takes at least one key in jwks");
        }
        let scheme = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let taken = ["basic", "session", "token"];
        if self.token_type.is_empty()
            || !self.token_type.chars().all(scheme)
            || taken
                .iter()
                .any(|it| self.token_type.eq_ignore_ascii_case(it))
        {
            return refuse(
                "token_type is one word of letters, digits and -, other than Basic, Session and Token",
            );
        }
        let keys: Option<_> = self.keys.iter().map(Key::parse).collect();
        keys.ok_or(RegistrationError::Metadata(
            "a key of jwks is a public RSA key of 2048 to 8192 bits, or an EC key of P-256",
        ))
    }

    /// Tells whether an answer may go to this address.
    pub(crate) fn redirects_to(&self, address: &str) -> bool {
        self.redirect_uris.iter().any(|registered| {
            registered == address
                || without_port(registered).is_some_and(|it| without_port(address) == Some(it))
        })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self {
            name: "A client".to_owned(),
            redirect_uris: Vec::new(),
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken],
            authentication: ClientAuthentication::ClientSecretBasic,
            scopes: Scopes::ALL,
            rotation: true,
            access_lifetime: None,
            refresh_lifetime: None,
            json_bodies: false,
            omit_expires_in: false,
            token_type: "Bearer".to_owned(),
            callback_extras: false,
            keys: Vec::new(),
        }
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("id", &self.id)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

fn is_redirect_uri(text: &str) -> bool {
    let Ok(address) = Url::parse(text) else {
        return false;
    };
    let scheme = match address.scheme() {
        "https" => true,
        "http" => matches!(
            address.host_str(),
            Some("127.0.0.1" | "[::1]" | "localhost")
        ),
        // RFC 8252, section 7.1: an app's own scheme is a domain name backwards.
        own => own.contains('.'),
    };
    // `Url` drops line breaks and tabs, so the text itself is looked at.
    scheme && text.bytes().all(|it| it.is_ascii_graphic()) && !text.contains('#')
}

/// Returns a loopback address as what is before and after its port.
fn without_port(address: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| Some((host, address.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(after) => {
            let end = after.find(['/', '?']).unwrap_or(after.len());
            let (port, rest) = after.split_at(end);
            let digits = port.bytes().all(|it| it.is_ascii_digit());
            (digits && port.parse::<u16>().is_ok()).then_some(rest)?
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::{Client, is_redirect_uri};

    #[track_caller]
    fn check(registered: &str, address: &str, expected: bool) {
        let client = Client {
            redirect_uris: vec![registered.to_owned()],
            ..Client::default()
        };
        assert_eq!(client.redirects_to(address), expected, "{address}");
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let loopback = "http://127.0.0.1/back?a=b";
        for address in [
            "http://127.0.0.1/back?a=b",
            "http://127.0.0.1:1/back?a=b",
            "http://127.0.0.1:65535/back?a=b",
        ] {
            check(loopback, address, true);
        }
        for address in [
            "http://127.0.0.1:65536/back?a=b",
            "http://127.0.0.1:+1/back?a=b",
            "http://127.0.0.1:/back?a=b",
            "http://127.0.0.1:1/back",
            "http://127.0.0.1:1/back?a=b&c",
            "http://127.0.0.1:1@evil.example/back?a=b",
            "http://127.0.0.1.evil.example/back?a=b",
            "http://127.0.0.2:1/back?a=b",
            "http://[::1]:1/back?a=b",
            "https://127.0.0.1:1/back?a=b",
        ] {
            check(loopback, address, false);
        }
        check("http://[::1]:9/back", "http://[::1]:10/back", true);
        check("https://a.example:9/", "https://a.example:9/", true);
        check("https://a.example:9/", "https://a.example:10/", false);
        check("https://a.example/", "https://a.example", false);
        check("https://a.example/", "https://A.example/", false);
        check("http://localhost:9/", "http://localhost:10/", false);
    }

    #[test]
    fn a_redirect_address_is_safe_or_stays_on_the_machine() {
        for address in [
            "https://a.example/back?a=b",
            "http://127.0.0.1/",
            "http://[::1]:80/",
            "http://localhost/",
            "com.example.app:/back",
        ] {
            assert!(is_redirect_uri(address), "{address}");
        }
        for address in [
            "",
            "/back",
            "http://a.example/",
            "https://a.example/#part",
            "https://a.example/é",
            "https://a.example/\n",
            "javascript:alert(1)",
            "myapp:/back",
        ] {
            assert!(!is_redirect_uri(address), "{address}");
        }
    }
}
