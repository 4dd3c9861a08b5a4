//! Who calls: keys, passwords and tokens, and what each of them may do.

use std::fmt;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;
use crate::seed::random::{Random, mix};
use crate::server::App;

/// Everything that lets somebody in to one server.
///
/// They are made from the seed, so they protect nothing but a sandbox.
#[derive(Clone)]
pub struct Credentials {
    /// A key of the whole organisation: it reads and writes, and stands for no user.
    pub organisation_key: String,
    /// A key of the whole organisation that only reads.
    pub read_only_key: String,
    /// The key for `/_faults`, `/_requests` and `/_changes`, and for nothing else.
    pub admin_key: String,
    /// The active users.
    pub users: Vec<Login>,
}

/// The ways in of one user.
#[derive(Clone)]
pub struct Login {
    /// The user's id, as in `owner` fields.
    pub id: String,
    /// The user's address, which is the user name of Basic authentication.
    pub email: String,
    /// The password of Basic authentication.
    pub password: String,
    /// The user's own key, for `X-Api-Key`.
    pub key: String,
    /// The user's token, for `Authorization: Bearer`.
    pub token: String,
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: Option<String>,
    pub(crate) writes: bool,
}

impl Credentials {
    pub(crate) fn derive(seed: u64, users: Vec<(String, String)>) -> Self {
        let secret = |purpose: &str| {
            let start = purpose
                .bytes()
                .fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
            let mut random = Random::new(start);
            format!("{:016x}{:016x}", random.next(), random.next())
        };
        let login = |(id, email): (String, String)| Login {
            password: format!("pass-{}", secret(&format!("password {id}"))),
            key: format!("key-user-{}", secret(&format!("key {id}"))),
            token: format!("token-{}", secret(&format!("token {id}"))),
            id,
            email,
        };
        Self {
            organisation_key: format!("key-org-{}", secret("organisation")),
            read_only_key: format!("key-read-{}", secret("reader")),
            admin_key: format!("key-admin-{}", secret("admin")),
            users: users.into_iter().map(login).collect(),
        }
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let user = |login: &Login| Caller {
            user: Some(login.id.clone()),
            writes: true,
        };
        if let Some(key) = api_key(headers) {
            if key == self.organisation_key {
                return Some(Caller {
                    user: None,
                    writes: true,
                });
            }
            if key == self.read_only_key {
                return Some(Caller {
                    user: None,
                    writes: false,
                });
            }
            return self.users.iter().find(|it| it.key == key).map(user);
        }
        let (scheme, value) = headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.users.iter().find(|it| it.token == value).map(user);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
        let (name, password) = pair.split_once(':')?;
        self.users
            .iter()
            .find(|it| it.email.eq_ignore_ascii_case(name) && it.password == password)
            .map(user)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("id", &self.id)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// Lets a request pass with the caller noted, or refuses it.
pub(crate) async fn admit(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(caller) = app.credentials.caller(request.headers()) else {
        return Err(unauthorized());
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD)
        || request.uri().path().ends_with("/search");
    if !reads && !caller.writes {
        let message = "the key lacks the scope `write`";
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            message,
        ));
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

fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key")?.to_str().ok()
}

fn unauthorized() -> Failure {
    let message = "send a valid X-Api-Key, or Authorization with Basic or Bearer";
    Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
}
