//! The introspection endpoint (RFC 7662), with the members that HubSpot adds.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use crate::oauth::authenticate;
use crate::oauth::form::Form;
use crate::oauth::ledger::{Family, Ledger};
use crate::oauth::refusal::{Refusal, private};
use crate::oauth::scope::Scopes;
use crate::server::App;

/// What both kinds of token have.
struct Live<'a> {
    family: &'a Family,
    scopes: Scopes,
    issued: i64,
    expires: Option<i64>,
    is_access: bool,
}

/// Tells a client with a secret what one of its tokens is worth.
pub(crate) async fn introspect(
    State(app): State<App>,
    address: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let (form, media) = Form::of_body(address.query(), &headers, body).await?;
    let now = app.clock.now();
    let told = app.oauth.with(|ledger| {
        let client = authenticate::some_client(ledger, &headers, &form, media)?;
        if client.secret.is_none() {
            // Section 2.1: or anybody could try out tokens.
            return Err(Refusal::client("this takes a client with a secret"));
        }
        let token = form.need("token", "token is missing")?;
        let live = live(ledger, &token.to_owned(), now);
        // Section 2.2: nothing is told of a token that the client has no business with.
        let own = live.filter(|it| it.family.client.id == client.id);
        Ok(own.map_or_else(|| json!({"active": false}), |it| describe(&app, &it)))
    })?;
    Ok(private(Json(told)))
}

fn live<'a>(ledger: &'a Ledger, token: &String, now: i64) -> Option<Live<'a>> {
    let live = if let Some(access) = ledger.access.get(token) {
        Live {
            family: (!access.revoked)
                .then(|| ledger.family(access.family))
                .flatten()?,
            scopes: access.scopes,
            issued: access.issued,
            expires: Some(access.expires),
            is_access: true,
        }
    } else {
        let refresh = ledger.refresh.get(token).filter(|it| !it.replaced)?;
        let family = ledger.family(refresh.family)?;
        Live {
            family,
            scopes: family.scopes,
            issued: refresh.issued,
            expires: refresh.expires,
            is_access: false,
        }
    };
    live.expires.is_none_or(|it| now < it).then_some(live)
}

fn describe(app: &App, live: &Live<'_>) -> Value {
    let user = live.family.user.as_deref();
    let login = app
        .credentials
        .users
        .iter()
        .find(|it| Some(it.id.as_str()) == user);
    let mut told = json!({
        "active": true,
        "scope": live.scopes.to_string(),
        "client_id": live.family.client.id,
        "iss": app.address,
        "iat": live.issued.div_euclid(1000),
        "org_id": app.store.organisation.id,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(members), Some(value)) = (told.as_object_mut(), value) {
            members.insert(name.to_owned(), value);
        }
    };
    let kind = &live.family.client.client.token_type;
    add("token_type", live.is_access.then(|| kind.as_str().into()));
    add("exp", live.expires.map(|it| it.div_euclid(1000).into()));
    add("sub", user.map(Into::into));
    add("user_id", user.map(Into::into));
    add("user", login.map(|it| it.email.as_str().into()));
    add("username", login.map(|it| it.email.as_str().into()));
    told
}
