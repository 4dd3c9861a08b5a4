//! Which client makes a request: exactly by the way it was registered for (RFC 6749, section 2.3).

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::oauth::client::{ClientAuthentication, Registered};
use crate::oauth::form::{Form, Media, decode};
use crate::oauth::ledger::Ledger;
use crate::oauth::refusal::Refusal;

/// What a request says about its client.
struct Presented {
    id: String,
    secret: Option<String>,
    way: ClientAuthentication,
}

/// Returns the client of a request; none if the request does not speak of one at all.
pub(crate) fn client(
    ledger: &Ledger,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Option<Arc<Registered>>, Refusal> {
    let Some(presented) = presented(headers, form)? else {
        return Ok(None);
    };
    let registered = ledger
        .clients
        .get(&presented.id)
        .ok_or_else(|| Refusal::client("there is no such client"))?;
    if registered.client.authentication != presented.way {
        let message = "the client is registered for another way to authenticate";
        return Err(Refusal::client(message));
    }
    if registered.secret != presented.secret {
        return Err(Refusal::client("the secret of the client is wrong"));
    }
    Ok(Some(Arc::clone(registered)))
}

/// Returns the client of a request that has to have one.
pub(crate) fn some_client(
    ledger: &Ledger,
    headers: &HeaderMap,
    form: &Form,
    media: Media,
) -> Result<Arc<Registered>, Refusal> {
    let client = client(ledger, headers, form)?.ok_or_else(missing)?;
    takes(&client, media)?;
    Ok(client)
}

/// The refusal of a request without a client.
pub(crate) fn missing() -> Refusal {
    Refusal::client("the request does not say which client makes it")
}

/// Refuses a body of the kind that the client is not registered for.
pub(crate) fn takes(registered: &Registered, media: Media) -> Result<(), Refusal> {
    if registered.client.json_bodies == (media == Media::Json) {
        return Ok(());
    }
    let message = "the client is registered for the other kind of body, form or JSON";
    Err(Refusal::request(message))
}

fn presented(headers: &HeaderMap, form: &Form) -> Result<Option<Presented>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let Some(value) = value else {
        return match (id, secret) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Refusal::request("client_secret comes without client_id")),
            (Some(id), secret) => Ok(Some(Presented {
                id: id.to_owned(),
                secret: secret.map(ToOwned::to_owned),
                way: match secret {
                    Some(_) => ClientAuthentication::ClientSecretPost,
                    None => ClientAuthentication::None,
                },
            })),
        };
    };
    if more.is_some() || secret.is_some() {
        let message = "a client authenticates once: in the header or in the body";
        return Err(Refusal::request(message));
    }
    let (basic_id, basic_secret) =
        value.to_str().ok().and_then(basic).ok_or_else(|| {
            Refusal::client("Authorization is not Basic with a form-encoded pair")
        })?;
    if id.is_some_and(|it| it != basic_id) {
        return Err(Refusal::request("client_id is not the one of the header"));
    }
    Ok(Some(Presented {
        id: basic_id,
        secret: Some(basic_secret),
        way: ClientAuthentication::ClientSecretBasic,
    }))
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, value) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    Some((part(id)?, part(secret)?))
}

/// Decodes a part that holds only what form-encoding leaves.
fn part(text: &str) -> Option<String> {
    let left = |it: u8| it.is_ascii_alphanumeric() || b"*-._~+%".contains(&it);
    if text.bytes().all(left) {
        decode(text)
    } else {
        None
    }
}
