//! Reads what a manifest says of an authorization server.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use toml::Spanned;

use super::super::Reader;
use super::Settings;
use crate::manifest::{
    Assertion, ClientAuthentication, Error, Format, GrantType, Mold, OAuth2, raw,
};

/// Parameters of requests that are the host's to set, whatever a manifest wants.
const OWN: [&str; 16] = [
    "assertion",
    "client_assertion",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "password",
    "redirect_uri",
    "refresh_token",
    "response_type",
    "scope",
    "state",
    "username",
];

/// Three minutes, which Salesforce wants at the most.
const ASSERTION_SECONDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(179);
/// The longest assertion: an hour.
const LONGEST_ASSERTION: u32 = 3600;

impl Reader<'_> {
    pub(super) fn oauth2(
        &self,
        key: &str,
        raw: &Spanned<raw::OAuth2>,
        settings: &Settings,
    ) -> Result<OAuth2, Error> {
        let key = &format!("{key}.oauth2");
        let (at, raw) = (raw, raw.get_ref());
        let grant: GrantType = self.word(&raw.grant, &format!("{key}.grant"))?;
        match (grant, &raw.authorize, &raw.assertion) {
            (GrantType::AuthorizationCode, None, _) => {
                let problem = "an authorization code needs the page where a person agrees; add authorize = \"https://…\"";
                return Err(self.wrong(at, key, problem));
            }
            (
                GrantType::ClientCredentials | GrantType::Password | GrantType::Assertion,
                Some(authorize),
                _,
            ) => {
                let problem =
                    "only an authorization code has a page where a person agrees; remove it";
                return Err(self.wrong(authorize, format!("{key}.authorize"), problem));
            }
            (GrantType::Assertion, _, None) => {
                let problem =
                    "a signed assertion needs what it says; add [auth.….oauth2.assertion]";
                return Err(self.wrong(at, key, problem));
            }
            (
                GrantType::AuthorizationCode | GrantType::ClientCredentials | GrantType::Password,
                _,
                Some(assertion),
            ) => {
                let problem = "only grant \"jwt-bearer\" has an assertion; remove it";
                return Err(self.wrong(assertion, format!("{key}.assertion"), problem));
            }
            (GrantType::AuthorizationCode, Some(_), None)
            | (GrantType::ClientCredentials | GrantType::Password, None, None)
            | (GrantType::Assertion, None, Some(_)) => {}
        }
        let endpoint =
            |text: &raw::Text, name: &str| self.endpoint(&format!("{key}.{name}"), text, settings);
        let authorize = raw.authorize.as_ref();
        let revoke = raw.revoke.as_ref();
        let client = raw.client.as_ref().map_or(
            // An assertion says who the application is.
            Ok(match grant {
                GrantType::Assertion => ClientAuthentication::None,
                GrantType::AuthorizationCode
                | GrantType::ClientCredentials
                | GrantType::Password => ClientAuthentication::Body,
            }),
            |it| self.word(it, &format!("{key}.client")),
        )?;
        if grant == GrantType::ClientCredentials && client == ClientAuthentication::None {
            let problem =
                "an application that shows nothing has no credential; write \"body\" or \"basic\"";
            return Err(self.error(
                raw.client.as_ref().map_or(at.span(), Spanned::span),
                format!("{key}.client"),
                problem,
            ));
        }
        let scope = |it: &raw::Text| self.settings_mold(&format!("{key}.scopes"), it, settings);
        Ok(OAuth2 {
            grant,
            authorize: authorize.map(|it| endpoint(it, "authorize")).transpose()?,
            token: endpoint(&raw.token, "token")?,
            revoke: revoke.map(|it| endpoint(it, "revoke")).transpose()?,
            client,
            format: raw.format.as_ref().map_or(Ok(Format::Form), |it| {
                self.word(it, &format!("{key}.format"))
            })?,
            scopes: raw.scopes.iter().map(scope).collect::<Result<_, _>>()?,
            scope_separator: self.separator(key, raw.scope_separator.as_ref())?,
            authorize_parameters: self.parameters(
                &format!("{key}.authorize-parameters"),
                &raw.authorize_parameters,
                settings,
            )?,
            token_parameters: self.parameters(
                &format!("{key}.token-parameters"),
                &raw.token_parameters,
                settings,
            )?,
            lifetime: raw.lifetime_seconds,
            assertion: raw
                .assertion
                .as_ref()
                .map(|it| self.assertion(&format!("{key}.assertion"), it.get_ref(), settings))
                .transpose()?,
        })
    }

    fn separator(&self, key: &str, raw: Option<&raw::Text>) -> Result<String, Error> {
        match raw.map(|it| (it, it.get_ref().as_str())) {
            None => Ok(" ".to_owned()),
            Some((_, text @ (" " | "," | ";" | "+"))) => Ok(text.to_owned()),
            Some((raw, _)) => {
                let problem = "no CRM separates scopes so; write \" \", \",\", \";\" or \"+\"";
                Err(self.wrong(raw, format!("{key}.scope-separator"), problem))
            }
        }
    }

    fn parameters(
        &self,
        key: &str,
        raw: &BTreeMap<raw::Text, raw::Text>,
        settings: &Settings,
    ) -> Result<Vec<(String, Mold)>, Error> {
        let one = |(name, value): (&raw::Text, &raw::Text)| {
            if OWN.contains(&name.get_ref().as_str()) {
                let problem = "the host sets this parameter itself; remove it";
                return Err(self.wrong(name, format!("{key}.{}", name.get_ref()), problem));
            }
            Ok((
                name.get_ref().clone(),
                self.settings_mold(key, value, settings)?,
            ))
        };
        raw.iter().map(one).collect()
    }

    fn assertion(
        &self,
        key: &str,
        raw: &raw::Assertion,
        settings: &Settings,
    ) -> Result<Assertion, Error> {
        let lifetime = raw.lifetime_seconds.as_ref();
        if let Some(long) = lifetime.filter(|it| LONGEST_ASSERTION < it.get_ref().get()) {
            let problem = format!(
                "an assertion holds an hour at the most; write at most {LONGEST_ASSERTION}"
            );
            return Err(self.wrong(long, format!("{key}.lifetime-seconds"), problem));
        }
        let audience = raw.audience.as_ref();
        let key_id = raw.key_id.as_ref();
        Ok(Assertion {
            algorithm: self.word(&raw.algorithm, &format!("{key}.algorithm"))?,
            issuer: self.mold(&format!("{key}.issuer"), &raw.issuer)?,
            subject: self.mold(&format!("{key}.subject"), &raw.subject)?,
            audience: audience
                .map(|it| self.settings_mold(&format!("{key}.audience"), it, settings))
                .transpose()?,
            key_id: key_id
                .map(|it| self.mold(&format!("{key}.key-id"), it))
                .transpose()?,
            lifetime: lifetime.map_or(ASSERTION_SECONDS, |it| *it.get_ref()),
        })
    }
}

impl OAuth2 {
    /// Returns the names of the values that the token endpoint has to be shown.
    pub(super) fn needs(&self) -> Vec<&str> {
        let mut needs = match self.client() {
            ClientAuthentication::Body | ClientAuthentication::Basic => {
                vec!["client-id", "client-secret"]
            }
            ClientAuthentication::None if self.grant() == GrantType::Assertion => Vec::new(),
            ClientAuthentication::None => vec!["client-id"],
        };
        match self.grant() {
            GrantType::AuthorizationCode | GrantType::ClientCredentials => {}
            GrantType::Password => needs.extend(["user", "password"]),
            GrantType::Assertion => needs.push("private-key"),
        }
        if let Some(assertion) = self.assertion() {
            let molds = [
                Some(assertion.issuer()),
                Some(assertion.subject()),
                assertion.key_id(),
            ];
            needs.extend(
                molds
                    .into_iter()
                    .flatten()
                    .flat_map(Mold::names)
                    .map(|it| it.as_str()),
            );
        }
        needs
    }
}
