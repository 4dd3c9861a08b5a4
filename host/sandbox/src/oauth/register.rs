//! The registration endpoint (RFC 7591), open to everybody, since this is a sandbox.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::oauth::client::{Client, ClientAuthentication, Grant, Registered, RegistrationError};
use crate::oauth::form::{self, Media};
use crate::oauth::refusal::private;
use crate::server::App;

/// What a client says of itself; RFC 7591 has unknown members ignored (section 2).
#[derive(Deserialize)]
#[serde(default)]
struct Metadata {
    client_name: String,
    redirect_uris: Vec<String>,
    grant_types: Vec<Grant>,
    response_types: Vec<String>,
    token_endpoint_auth_method: ClientAuthentication,
    scope: String,
    jwks: Keys,
    jwks_uri: Option<String>,
    // From here on they are the sandbox's own.
    refresh_token_rotation: bool,
    access_token_lifetime: Option<u64>,
    refresh_token_lifetime: Option<u64>,
    json_bodies: bool,
    omit_expires_in: bool,
    token_type: String,
    callback_extras: bool,
}

/// A JSON Web Key Set.
#[derive(Default, Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

/// Registers a client, and answers with its id and its secret.
pub(crate) async fn register(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    let registered = match read(&headers, body).await {
        Ok(client) => app.register(client),
        Err(error) => Err(error),
    };
    match registered {
        Ok(registered) => {
            let told = describe(&registered, app.clock.now());
            private((StatusCode::CREATED, Json(told)))
        }
        Err(error) => refuse(&error),
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Client, RegistrationError> {
    if !matches!(Media::of(headers), Ok(Media::Json)) {
        let message = "send a JSON object as application/json";
        return Err(RegistrationError::Metadata(message));
    }
    let bytes = form::bytes(body)
        .await
        .map_err(|it| RegistrationError::Metadata(it.description()))?;
    let metadata: Metadata = serde_json::from_slice(&bytes).map_err(|_| {
        RegistrationError::Metadata(
            "the body is no JSON object, or a member has a type or a value that does not exist",
        )
    })?;
    if metadata.jwks_uri.is_some() {
        let message = "keys come in jwks: this server fetches nothing";
        return Err(RegistrationError::Metadata(message));
    }
    let has_code = metadata.grant_types.contains(&Grant::AuthorizationCode);
    let fits = if has_code {
        metadata.response_types == ["code"]
    } else {
        // The default stands there for a client that never saw the matter.
        metadata.response_types == ["code"] || metadata.response_types.is_empty()
    };
    if !fits {
        let message = "response_types is code, together with authorization_code";
        return Err(RegistrationError::Metadata(message));
    }
    let scopes = metadata
        .scope
        .parse()
        .map_err(|_| RegistrationError::Metadata("scope takes read, write or both"))?;
    Ok(Client {
        name: metadata.client_name,
        redirect_uris: metadata.redirect_uris,
        grants: metadata.grant_types,
        authentication: metadata.token_endpoint_auth_method,
        scopes,
        rotation: metadata.refresh_token_rotation,
        access_lifetime: metadata.access_token_lifetime.map(Duration::from_secs),
        refresh_lifetime: metadata.refresh_token_lifetime.map(Duration::from_secs),
        json_bodies: metadata.json_bodies,
        omit_expires_in: metadata.omit_expires_in,
        token_type: metadata.token_type,
        callback_extras: metadata.callback_extras,
        keys: metadata.jwks.keys,
    })
}

fn refuse(error: &RegistrationError) -> Response {
    let code = match error {
        RegistrationError::RedirectUri => "invalid_redirect_uri",
        RegistrationError::Metadata(_) => "invalid_client_metadata",
    };
    let body = json!({"error": code, "error_description": error.to_string()});
    private((StatusCode::BAD_REQUEST, Json(body)).into_response())
}

/// Everything that was registered (RFC 7591, section 3.2.1).
fn describe(registered: &Registered, now: i64) -> Value {
    let Registered {
        id, secret, client, ..
    } = registered;
    let has_code = client.grants.contains(&Grant::AuthorizationCode);
    let mut told = json!({
        "client_id": id,
        "client_id_issued_at": now.div_euclid(1000),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grants,
        "response_types": if has_code { vec!["code"] } else { Vec::new() },
        "token_endpoint_auth_method": client.authentication,
        "scope": client.scopes.to_string(),
        "refresh_token_rotation": client.rotation,
        "json_bodies": client.json_bodies,
        "omit_expires_in": client.omit_expires_in,
        "token_type": client.token_type,
        "callback_extras": client.callback_extras,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(members), Some(value)) = (told.as_object_mut(), value) {
            members.insert(name.to_owned(), value);
        }
    };
    let seconds = |it: Duration| it.as_secs().into();
    add("access_token_lifetime", client.access_lifetime.map(seconds));
    add(
        "refresh_token_lifetime",
        client.refresh_lifetime.map(seconds),
    );
    add("client_secret", secret.as_deref().map(Into::into));
    // Zero says that it does not expire.
    add(
        "client_secret_expires_at",
        secret.is_some().then(|| 0.into()),
    );
    let keys = (!client.keys.is_empty()).then(|| json!({"keys": client.keys}));
    add("jwks", keys);
    told
}

impl Default for Metadata {
    fn default() -> Self {
        let client = Client::default();
        Self {
            client_name: client.name,
            redirect_uris: Vec::new(),
            // RFC 7591, section 2, names these two.
            grant_types: vec![Grant::AuthorizationCode],
            response_types: vec!["code".to_owned()],
            token_endpoint_auth_method: client.authentication,
            scope: client.scopes.to_string(),
            jwks: Keys::default(),
            jwks_uri: None,
            refresh_token_rotation: client.rotation,
            access_token_lifetime: None,
            refresh_token_lifetime: None,
            json_bodies: false,
            omit_expires_in: false,
            token_type: client.token_type,
            callback_extras: false,
        }
    }
}
