//! Logins in two steps: a password buys a session, as a token or as a cookie.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bounded::Bounded;
use crate::failure::Failure;
use crate::incoming;
use crate::oauth::form::{Form, Media};
use crate::server::App;

/// The most sessions that are kept; the oldest goes first.
const KEPT: usize = 10_000;

/// The sessions of a server.
pub(crate) struct Sessions {
    lifetime: Duration,
    kept: Mutex<Bounded<String, Session>>,
}

struct Session {
    user: String,
    expires: i64,
    /// What a request with the cookie has to repeat; a session by token has none.
    csrf: Option<String>,
}

/// The body of `POST /session/token`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    username: String,
    password: String,
}

/// Returns the routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/session/token", post(token))
        .route("/session/login", post(login))
}

async fn token(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Failure> {
    let Token { username, password } = incoming::read(&headers, body).await?;
    let session = open(&app, &username, &password, None)?;
    let seconds = app.sessions.lifetime.as_secs();
    Ok(Json(json!({"token": session, "expires_in": seconds})))
}

async fn login(
    State(app): State<App>,
    address: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Failure> {
    let invalid = |message| Failure::bad_request("invalid_form", message);
    let form = match Form::of_body(address.query(), &headers, body).await {
        Ok((form, Media::Form)) => form,
        Ok((_, Media::Json)) => return Err(invalid("the body has to be a form")),
        Err(refusal) => return Err(invalid(refusal.description())),
    };
    let name = form.get("usr").ok_or_else(|| invalid("usr is missing"))?;
    let password = form.get("pwd").ok_or_else(|| invalid("pwd is missing"))?;
    let csrf = app.secrets.make("csrf");
    let session = open(&app, name, password, Some(csrf.clone()))?;
    let seconds = app.sessions.lifetime.as_secs();
    let cookie = format!("sid={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    let answer = Json(json!({"csrf_token": csrf}));
    Ok(([(header::SET_COOKIE, cookie)], answer))
}

fn open(app: &App, name: &str, password: &str, csrf: Option<String>) -> Result<String, Failure> {
    let login = app.credentials.login(name, password).ok_or_else(|| {
        let message = "there is no user with this address and password";
        Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    })?;
    let lifetime = i64::try_from(app.sessions.lifetime.as_millis()).unwrap_or(i64::MAX);
    let session = Session {
        user: login.id.clone(),
        expires: app.clock.now().saturating_add(lifetime),
        csrf,
    };
    let id = app.secrets.make("session");
    app.sessions.with(|it| it.insert(id.clone(), session));
    Ok(id)
}

impl Sessions {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            kept: Mutex::new(Bounded::new(KEPT)),
        }
    }

    /// Returns the user of a session by token.
    pub(super) fn of_token(&self, token: &str, now: i64) -> Result<String, Failure> {
        self.find(token, now, |it| match it.csrf {
            None => Ok(it.user.clone()),
            Some(_) => Err(unknown()),
        })
    }

    /// Returns the user of a session by cookie; what changes something has to repeat its secret.
    pub(super) fn of_cookie(
        &self,
        id: &str,
        csrf: Option<&str>,
        changes: bool,
        now: i64,
    ) -> Result<String, Failure> {
        self.find(id, now, |it| match &it.csrf {
            None => Err(unknown()),
            Some(expected) if changes && csrf != Some(expected.as_str()) => {
                let message = "repeat the `csrf_token` of the login in X-CSRF-Token";
                Err(Failure::new(StatusCode::FORBIDDEN, "csrf", message))
            }
            Some(_) => Ok(it.user.clone()),
        })
    }

    fn find(
        &self,
        id: &str,
        now: i64,
        user: impl FnOnce(&Session) -> Result<String, Failure>,
    ) -> Result<String, Failure> {
        self.with(|kept| {
            let session = kept.get(&id.to_owned()).ok_or_else(unknown)?;
            if session.expires <= now {
                let message = "the session has ended: log in again";
                let status = StatusCode::UNAUTHORIZED;
                return Err(Failure::new(status, "session_expired", message));
            }
            user(session)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bounded<String, Session>) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn unknown() -> Failure {
    let message = "there is no such session: log in";
    Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
}
