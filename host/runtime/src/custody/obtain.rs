//! Comes by a session: by a refresh token, by the credential itself, by an assertion, or by a login.

use std::collections::BTreeMap;

use brightsync_core::manifest::{GrantType, OAuth2, Recipe, Source};
use brightsync_core::recipe::{self, Asked, Claims, Issued, Reason, SecretAnswer, Trouble, Unfit};

use super::assertion;
use super::record::Record;
use crate::audit::Purpose;
use crate::broker::Unanswered;
use crate::principal::Principal;

/// A session, with the answer that it came in.
pub(crate) struct Obtained {
    pub(crate) issued: Issued,
    pub(crate) answer: SecretAnswer,
}

/// Comes by a new session with what is kept.
pub(crate) async fn renewed(who: &Principal, record: &Record) -> Result<Obtained, Unanswered> {
    let recipe = who.recipe()?;
    match recipe.source() {
        // What was given is all there is.
        Source::Given => Err(Trouble::new(Reason::NotConnected).into()),
        Source::Login(login) => {
            let texts = who.texts();
            let lookup = |name: &str| value(record, &texts, name);
            let request = recipe::login_request(login, &who.settings, &lookup)?;
            let answer = ask(who, Purpose::Login, request).await?;
            let issued = recipe::session(recipe, login, &answer, who.now())?;
            Ok(Obtained { issued, answer })
        }
        Source::OAuth2(oauth2) => match record.value("refresh-token") {
            Some(refresh) => {
                let refreshed = token(who, record, oauth2, Asked::Refresh(refresh)).await;
                match refreshed {
                    // Where no person is needed, there is another way.
                    Err(it)
                        if oauth2.grant() != GrantType::AuthorizationCode
                            && it.trouble.reason().needs_reconnecting() =>
                    {
                        anew(who, record, oauth2).await
                    }
                    refreshed => refreshed,
                }
            }
            None => anew(who, record, oauth2).await,
        },
    }
}

/// Comes by a token without a refresh token.
async fn anew(who: &Principal, record: &Record, oauth2: &OAuth2) -> Result<Obtained, Unanswered> {
    match (oauth2.grant(), oauth2.assertion()) {
        (GrantType::AuthorizationCode, _) => {
            let what = "the CRM has issued nothing to renew the access with";
            Err(Trouble::new(Reason::Expired).with("", what).into())
        }
        (_, Some(claims)) => {
            let texts = who.texts();
            let lookup = |name: &str| value(record, &texts, name);
            let id = uuid::Uuid::new_v4().to_string();
            let now = Claims {
                now: who.now(),
                id: &id,
            };
            let input = recipe::signing_input(oauth2, claims, &who.settings, &lookup, now)?;
            let key = lookup("private-key").unwrap_or_default();
            let signed = assertion::sign(claims.algorithm(), &input, key)?;
            token(who, record, oauth2, Asked::Assertion(&signed)).await
        }
        (_, None) => token(who, record, oauth2, Asked::Credential).await,
    }
}

/// Asks for a token.
pub(crate) async fn token(
    who: &Principal,
    record: &Record,
    oauth2: &OAuth2,
    asked: Asked<'_>,
) -> Result<Obtained, Unanswered> {
    let recipe: &Recipe = who.recipe()?;
    let texts = who.texts();
    let lookup = |name: &str| value(record, &texts, name);
    let request = recipe::token_request(oauth2, &who.settings, &lookup, asked)?;
    let answer = ask(who, Purpose::Token, request).await?;
    let issued = recipe::tokens(recipe, oauth2, &answer, who.now())?;
    Ok(Obtained { issued, answer })
}

/// Gives back what was issued, if the server takes it back; answers whether it did.
pub(crate) async fn revoked(who: &Principal, record: &Record) -> Result<bool, Unanswered> {
    let Source::OAuth2(oauth2) = who.recipe()?.source() else {
        return Ok(false);
    };
    // With a refresh token, everything that came of it goes (RFC 7009, section 2.1).
    let (token, is_refresh) = match (record.value("refresh-token"), record.value("token")) {
        (Some(refresh), _) => (refresh, true),
        (None, Some(token)) => (token, false),
        (None, None) => return Ok(false),
    };
    let texts = who.texts();
    let lookup = |name: &str| value(record, &texts, name);
    let request = recipe::revocation(oauth2, &who.settings, &lookup, token, is_refresh)?;
    let Some(request) = request else {
        return Ok(false);
    };
    let answer = ask(who, Purpose::Revoke, request).await?;
    Ok((200..300).contains(&answer.status))
}

/// Asks whom the credential belongs to, if the manifest has the host ask.
pub(crate) async fn identified(
    who: &Principal,
    record: &Record,
) -> Result<Option<SecretAnswer>, Unanswered> {
    let Some(identify) = who.recipe()?.identify() else {
        return Ok(None);
    };
    let texts = who.texts();
    let lookup = |name: &str| value(record, &texts, name);
    let request = recipe::identify(identify, &who.settings, &lookup)?;
    let answer = ask(who, Purpose::Identify, request).await?;
    if (200..300).contains(&answer.status) {
        return Ok(Some(answer));
    }
    let what = format!(
        "asked whom the credential belongs to, it answered {}",
        answer.status
    );
    Err(Trouble::new(Reason::Refused).with("", &what).into())
}

async fn ask(
    who: &Principal,
    purpose: Purpose,
    request: recipe::SecretRequest,
) -> Result<SecretAnswer, Unanswered> {
    who.shared.broker.exchange(who, purpose, request).await
}

/// The value of a name: a secret, or else a setting.
pub(crate) fn value<'a>(
    record: &'a Record,
    settings: &'a BTreeMap<String, String>,
    name: &str,
) -> Option<&'a str> {
    record
        .value(name)
        .or_else(|| settings.get(name).map(String::as_str))
}

impl From<Trouble> for Unanswered {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            is_in_doubt: false,
        }
    }
}

impl From<Unfit> for Unanswered {
    fn from(unfit: Unfit) -> Self {
        let reason = match unfit {
            Unfit::Field(_) => Reason::NotConnected,
            _ => Reason::Refused,
        };
        let why = std::error::Error::source(&unfit).map(ToString::to_string);
        let told = why.map_or_else(|| unfit.to_string(), |why| format!("{unfit}: {why}"));
        Trouble::new(reason).with("", &told).into()
    }
}
