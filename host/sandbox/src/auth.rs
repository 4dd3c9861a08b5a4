//! Who calls: by which of many ways in, and what each of them may do.

mod credential;
mod presented;
mod session;
mod signature;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::{Challenge, Failure};
use crate::incoming;
use crate::oauth::Scopes;
use crate::server::App;
pub use credential::{Credentials, Login};
use presented::Presented;
pub(crate) use session::{Sessions, routes};

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: Option<String>,
    pub(crate) scopes: Scopes,
    /// The scheme of an access token, whose lack of a scope RFC 6750 has told in a header.
    scheme: Option<String>,
}

/// Lets a request pass with the caller noted, or refuses it.
pub(crate) async fn admit(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let (presented, mut request) = presented::take(request)?;
    let caller = match presented.ok_or_else(unauthorized)? {
        Presented::Key(key) => by_key(&app, &key)?,
        Presented::Scheme(scheme, value) => by_scheme(&app, &scheme, &value)?,
        Presented::Hmac(value) => {
            let message = format!("{} {}", request.method(), request.uri().path());
            Caller::user(signature::hmac(&app.credentials, &value, &message)?)
        }
        Presented::Signature { key, signature } => {
            let (parts, body) = request.into_parts();
            let bytes = incoming::bytes(body).await?;
            let now = app.clock.now().div_euclid(1000);
            let login = signature::timed(&app.credentials, &key, &signature, &parts, &bytes, now)?;
            request = Request::from_parts(parts, Body::from(bytes));
            Caller::user(login)
        }
        Presented::Cookie(value) => {
            let csrf = request.headers().get("x-csrf-token");
            let csrf = csrf.and_then(|it| it.to_str().ok());
            let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
            let user = app
                .sessions
                .of_cookie(&value, csrf, changes, app.clock.now())?;
            Caller::everything(Some(user))
        }
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD)
        || request.uri().path().ends_with("/search");
    let scope = if reads { Scopes::READ } else { Scopes::WRITE };
    if !caller.scopes.cover(scope) {
        let message = format!("the credential lacks the scope `{scope}`");
        let failure = Failure::new(StatusCode::FORBIDDEN, "missing_scope", message);
        return Err(match caller.scheme {
            Some(scheme) => failure.with_challenge(Challenge::scope(&scheme, scope)),
            None => failure,
        });
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Lets a request with the admin key pass.
pub(crate) async fn admit_admin(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    match api_key(request.headers()) {
        Some(key) if key == app.credentials.admin_key => Ok(next.run(request).await),
        Some(_) => Err(Failure::new(
            StatusCode::FORBIDDEN,
            "admin_only",
            "this takes the admin key",
        )),
        None => Err(unauthorized()),
    }
}

impl Caller {
    fn user(login: &Login) -> Self {
        Self::everything(Some(login.id.clone()))
    }

    fn everything(user: Option<String>) -> Self {
        Self {
            user,
            scopes: Scopes::ALL,
            scheme: None,
        }
    }
}

fn by_key(app: &App, key: &str) -> Result<Caller, Failure> {
    let credentials = &app.credentials;
    if key == credentials.organisation_key {
        return Ok(Caller::everything(None));
    }
    if key == credentials.read_only_key {
        return Ok(Caller {
            scopes: Scopes::READ,
            ..Caller::everything(None)
        });
    }
    let login = credentials.users.iter().find(|it| it.key == key);
    login.map(Caller::user).ok_or_else(unauthorized)
}

fn by_scheme(app: &App, scheme: &str, value: &str) -> Result<Caller, Failure> {
    if scheme.eq_ignore_ascii_case("basic") {
        return by_basic(app, value);
    }
    let mut users = app.credentials.users.iter();
    if scheme.eq_ignore_ascii_case("token") {
        let (key, secret) = value.split_once(':').ok_or_else(unauthorized)?;
        let login = users.find(|it| it.key == key && it.secret == secret);
        return login.map(Caller::user).ok_or_else(unauthorized);
    }
    let now = app.clock.now();
    if scheme.eq_ignore_ascii_case("session") {
        let user = app.sessions.of_token(value, now)?;
        return Ok(Caller::everything(Some(user)));
    }
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    if is_bearer && let Some(login) = users.find(|it| it.token == value) {
        return Ok(Caller::user(login));
    }
    match app.oauth.worth(scheme, value, now) {
        Ok(worth) => Ok(Caller {
            user: worth.user,
            scopes: worth.scopes,
            scheme: Some(worth.token_type),
        }),
        Err(nothing) => match nothing.token_type {
            None if !is_bearer => Err(unauthorized()),
            scheme => {
                let scheme = scheme.unwrap_or_else(|| "Bearer".to_owned());
                let failure = Failure::new(StatusCode::UNAUTHORIZED, "invalid_token", nothing.why);
                Err(failure.with_challenge(Challenge::token(&scheme, nothing.why)))
            }
        },
    }
}

fn by_basic(app: &App, value: &str) -> Result<Caller, Failure> {
    let pair = STANDARD.decode(value).ok();
    let pair = pair.and_then(|it| String::from_utf8(it).ok());
    let pair = pair.as_deref().and_then(|it| it.split_once(':'));
    match pair.ok_or_else(unauthorized)? {
        (key, "") => by_key(app, key),
        ("token", key) => by_key(app, key),
        (email, password) => {
            let login = app.credentials.login(email, password);
            login.map(Caller::user).ok_or_else(unauthorized)
        }
    }
}

fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key")?.to_str().ok()
}

fn unauthorized() -> Failure {
    let message = "send one valid credential: X-Api-Key, Authorization, a signature, or a session";
    Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
}
