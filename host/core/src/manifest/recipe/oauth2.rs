//! Tokens of an authorization server: OAuth 2.0, RFC 6749, and what CRMs make of it.

use std::num::NonZeroU32;

use serde::Serialize;

use super::Mold;
use crate::manifest::endpoint::Endpoint;
use crate::manifest::reads::words;

/// How the host comes by a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OAuth2 {
    pub(in crate::manifest) grant: GrantType,
    // Invariant: there if and only if the grant is an authorization code.
    pub(in crate::manifest) authorize: Option<Endpoint>,
    pub(in crate::manifest) token: Endpoint,
    pub(in crate::manifest) revoke: Option<Endpoint>,
    pub(in crate::manifest) client: ClientAuthentication,
    pub(in crate::manifest) format: Format,
    // Molds of settings only.
    pub(in crate::manifest) scopes: Vec<Mold>,
    pub(in crate::manifest) scope_separator: String,
    pub(in crate::manifest) authorize_parameters: Vec<(String, Mold)>,
    pub(in crate::manifest) token_parameters: Vec<(String, Mold)>,
    pub(in crate::manifest) lifetime: Option<NonZeroU32>,
    // Invariant: there if and only if the grant is an assertion.
    pub(in crate::manifest) assertion: Option<Assertion>,
}

words! {
    /// What a token is asked for with.
    GrantType {
        /// A code that a person's browser brings back, RFC 6749, section 4.1, with PKCE, RFC 7636.
        AuthorizationCode "authorization-code",
        /// The application's own credential, RFC 6749, section 4.4.
        ClientCredentials "client-credentials",
        /// A user and a password, RFC 6749, section 4.3.
        Password "password",
        /// A text that the application signs, RFC 7523, section 2.1.
        Assertion "jwt-bearer",
    }
}

words! {
    /// How the application shows that it is itself, RFC 6749, section 2.3.
    ClientAuthentication {
        /// With id and secret in the body.
        Body "body",
        /// With id and secret in `Authorization: Basic`.
        Basic "basic",
        /// With its id only.
        None "none",
    }
}

words! {
    /// In which form the token endpoint takes parameters.
    Format {
        /// `application/x-www-form-urlencoded`, as RFC 6749 wants it.
        Form "form",
        /// A JSON object.
        Json "json",
    }
}

words! {
    /// What an assertion is signed with, RFC 7518, section 3.1.
    Algorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 "RS256",
        /// ECDSA with P-256 and SHA-256.
        Es256 "ES256",
    }
}

/// What the application says of itself in an assertion, RFC 7523, section 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Assertion {
    pub(in crate::manifest) algorithm: Algorithm,
    pub(in crate::manifest) issuer: Mold,
    pub(in crate::manifest) subject: Mold,
    pub(in crate::manifest) audience: Option<Mold>,
    pub(in crate::manifest) key_id: Option<Mold>,
    pub(in crate::manifest) lifetime: NonZeroU32,
}

impl OAuth2 {
    /// Returns what a token is asked for with.
    pub fn grant(&self) -> GrantType {
        self.grant
    }

    /// Returns where a person agrees, for an authorization code.
    pub fn authorize(&self) -> Option<&Endpoint> {
        self.authorize.as_ref()
    }

    /// Returns where tokens are issued.
    pub fn token(&self) -> &Endpoint {
        &self.token
    }

    /// Returns where a token is given back, RFC 7009.
    pub fn revoke(&self) -> Option<&Endpoint> {
        self.revoke.as_ref()
    }

    /// Returns how the application shows that it is itself.
    pub fn client(&self) -> ClientAuthentication {
        self.client
    }

    /// Returns in which form parameters are sent.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns what is asked for; settings may stand in it.
    pub fn scopes(&self) -> &[Mold] {
        &self.scopes
    }

    /// Returns what stands between scopes: a blank by RFC 6749, a comma at some CRMs.
    pub fn scope_separator(&self) -> &str {
        &self.scope_separator
    }

    /// Returns what else the authorization page is asked with.
    pub fn authorize_parameters(&self) -> &[(String, Mold)] {
        &self.authorize_parameters
    }

    /// Returns what else tokens are asked with.
    pub fn token_parameters(&self) -> &[(String, Mold)] {
        &self.token_parameters
    }

    /// Returns for how many seconds a token holds where the answer does not say so.
    pub fn lifetime(&self) -> Option<u32> {
        self.lifetime.map(NonZeroU32::get)
    }

    /// Returns what the application says of itself, for an assertion.
    pub fn assertion(&self) -> Option<&Assertion> {
        self.assertion.as_ref()
    }

    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        [Some(&self.token), self.revoke.as_ref()]
            .into_iter()
            .flatten()
    }

    pub(super) fn authority(&self) -> Vec<String> {
        let mut all = vec![
            format!("grant {}", self.grant),
            format!("token {} with {}", self.token, self.client),
        ];
        all.extend(self.authorize.iter().map(|it| format!("authorize {it}")));
        all.extend(self.revoke.iter().map(|it| format!("revoke {it}")));
        all.extend(self.scopes.iter().map(|it| format!("scope {it}")));
        let pairs = |what: &'static str, all: &[(String, Mold)]| -> Vec<String> {
            let line = |(name, value): &(String, Mold)| format!("{what} {name}={value}");
            all.iter().map(line).collect()
        };
        all.extend(pairs("authorize with", &self.authorize_parameters));
        all.extend(pairs("token with", &self.token_parameters));
        all.extend(self.assertion.iter().map(Assertion::authority));
        all
    }
}

impl Assertion {
    /// Returns what it is signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns who says so.
    pub fn issuer(&self) -> &Mold {
        &self.issuer
    }

    /// Returns for whom a token is asked.
    pub fn subject(&self) -> &Mold {
        &self.subject
    }

    /// Returns to whom it is said; the address of the token endpoint, if there is nothing.
    pub fn audience(&self) -> Option<&Mold> {
        self.audience.as_ref()
    }

    /// Returns what the key is called.
    pub fn key_id(&self) -> Option<&Mold> {
        self.key_id.as_ref()
    }

    /// Returns for how many seconds it holds.
    pub fn lifetime(&self) -> u32 {
        self.lifetime.get()
    }

    fn authority(&self) -> String {
        format!("asserts {} for {}", self.issuer, self.subject)
    }
}
