//! The token endpoint: it exchanges what a client has for an access token (RFC 6749, RFC 7636).

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::journal::{Number, TokenRequest};
use crate::oauth::client::{Grant, Registered};
use crate::oauth::form::{Form, Media};
use crate::oauth::ledger::{Access, Ledger, Refresh, Used};
use crate::oauth::refusal::{Refusal, private};
use crate::oauth::scope::Scopes;
use crate::oauth::{assertion, authenticate};
use crate::server::App;

/// Answers a request for a token, and notes in the journal how it went.
pub(crate) async fn token(
    State(app): State<App>,
    Extension(number): Extension<Number>,
    address: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut noted = TokenRequest::default();
    let answer = match Form::of_body(address.query(), &headers, body).await {
        Ok((form, media)) => app.oauth.with(|ledger| {
            noted.grant = form.get("grant_type").and_then(Grant::of);
            let client = authenticate::client(ledger, &headers, &form)?;
            Exchange {
                app: &app,
                ledger,
                form: &form,
                media,
                now: app.clock.now(),
            }
            .answer(client, &mut noted)
        }),
        Err(refusal) => Err(refusal),
    };
    noted.result = answer.as_ref().map_or_else(|it| it.error, |_| "ok");
    app.journal.tell(number, noted);
    answer.unwrap_or_else(Refusal::into_response)
}

/// One request whose form could be read.
struct Exchange<'a> {
    app: &'a App,
    ledger: &'a mut Ledger,
    form: &'a Form,
    media: Media,
    now: i64,
}

/// What an exchange gives.
struct Issued {
    family: u64,
    scopes: Scopes,
    refresh: Option<String>,
}

impl Exchange<'_> {
    fn answer(
        mut self,
        client: Option<Arc<Registered>>,
        noted: &mut TokenRequest,
    ) -> Result<Response, Refusal> {
        noted.client = client.as_ref().map(|it| it.id.clone());
        let grant = Grant::of(self.form.need("grant_type", "grant_type is missing")?);
        let client = match (client, grant) {
            (client, Some(Grant::JwtBearer)) => assertion::client(self.ledger, self.form, client)?,
            (client, _) => client.ok_or_else(authenticate::missing)?,
        };
        noted.client = Some(client.id.clone());
        authenticate::takes(&client, self.media)?;
        let Some(grant) = grant else {
            let message = "grant_type is none that this server knows";
            return Err(Refusal::new("unsupported_grant_type", message));
        };
        if !client.client.grants.contains(&grant) {
            let message = "the client is not registered for this grant_type";
            return Err(Refusal::new("unauthorized_client", message));
        }
        let issued = match grant {
            Grant::AuthorizationCode => self.code(&client)?,
            Grant::RefreshToken => self.refresh(&client)?,
            Grant::Password => self.password(&client)?,
            // A secret or a key is as good as a refresh token, so there is none (RFC 6749, section 4.4.3).
            Grant::ClientCredentials => self.found(&client, None)?,
            Grant::JwtBearer => {
                let user = assertion::user(self.app, self.ledger, self.form, &client, self.now)?;
                self.found(&client, Some(user))?
            }
        };
        Ok(self.issue(&client, issued))
    }

    fn code(&mut self, client: &Arc<Registered>) -> Result<Issued, Refusal> {
        let code = self.form.need("code", "code is missing")?.to_owned();
        let address = self.form.need("redirect_uri", "redirect_uri is missing")?;
        let verifier = self
            .form
            .need("code_verifier", "code_verifier is missing")?;
        let unreserved = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            let message = "code_verifier has 43 to 128 letters, digits, - . _ and ~";
            return Err(Refusal::request(message));
        }
        let held = self.ledger.codes.get(&code).cloned();
        let held = held
            .filter(|it| it.client == client.id)
            .ok_or_else(|| Refusal::grant("there is no such code for this client"))?;
        match held.used {
            Used::Not => {}
            Used::Spoilt => return Err(Refusal::grant("the code was tried before, and failed")),
            Used::Gave(family) => {
                // RFC 6749, section 4.1.2: what a code gave ends with its second use.
                self.ledger.counts.reused += 1;
                self.ledger.revoke(family);
                let message = "the code was used before: what it gave is revoked";
                return Err(Refusal::grant(message));
            }
        }
        if held.expires <= self.now {
            return Err(Refusal::grant("the code has expired"));
        }
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let problem = if held.redirect_uri != address {
            Some("redirect_uri is not the one that the code was sent to")
        } else if held.challenge != challenge {
            Some("code_verifier does not fit code_challenge")
        } else {
            None
        };
        if let Some(problem) = problem {
            self.use_up(&code, Used::Spoilt);
            return Err(Refusal::grant(problem));
        }
        let user = Some(held.user);
        let family = self.ledger.found(Arc::clone(client), user, held.scopes);
        self.use_up(&code, Used::Gave(family));
        Ok(Issued {
            family,
            scopes: held.scopes,
            refresh: self.first_refresh(client, family),
        })
    }

    fn password(&mut self, client: &Arc<Registered>) -> Result<Issued, Refusal> {
        let name = self.form.need("username", "username is missing")?;
        let password = self.form.need("password", "password is missing")?;
        let login = self.app.credentials.login(name, password);
        let login = login.ok_or_else(|| Refusal::grant("there is no user with this password"))?;
        let issued = self.found(client, Some(login.id.clone()))?;
        Ok(Issued {
            refresh: self.first_refresh(client, issued.family),
            ..issued
        })
    }

    fn use_up(&mut self, code: &String, used: Used) {
        if let Some(code) = self.ledger.codes.get_mut(code) {
            code.used = used;
        }
    }

    fn refresh(&mut self, client: &Arc<Registered>) -> Result<Issued, Refusal> {
        let token = self
            .form
            .need("refresh_token", "refresh_token is missing")?;
        let token = token.to_owned();
        let unknown = || Refusal::grant("there is no such refresh token for this client");
        let held = self.ledger.refresh.get(&token).ok_or_else(unknown)?;
        let (number, replaced, expires) = (held.family, held.replaced, held.expires);
        let family = self.ledger.any_family(number).ok_or_else(unknown)?.clone();
        if family.client.id != client.id {
            return Err(unknown());
        }
        if replaced {
            self.ledger.counts.reused += 1;
            self.ledger.revoke(number);
            let message = "the refresh token was used before: all that came of it is revoked";
            return Err(Refusal::grant(message));
        }
        if family.revoked {
            return Err(Refusal::grant("the refresh token is revoked"));
        }
        if expires.is_some_and(|it| it <= self.now) {
            return Err(Refusal::grant("the refresh token has expired"));
        }
        let scopes = self.scopes(family.scopes)?;
        self.ledger.counts.refreshed += 1;
        let refresh = client.client.rotation.then(|| {
            if let Some(held) = self.ledger.refresh.get_mut(&token) {
                held.replaced = true;
            }
            self.new_refresh(client, number)
        });
        Ok(Issued {
            family: number,
            scopes,
            refresh,
        })
    }

    /// Begins a family of what the client may do, or of a part of it.
    fn found(&mut self, client: &Arc<Registered>, user: Option<String>) -> Result<Issued, Refusal> {
        let scopes = self.scopes(client.client.scopes)?;
        let family = self.ledger.found(Arc::clone(client), user, scopes);
        Ok(Issued {
            family,
            scopes,
            refresh: None,
        })
    }

    fn scopes(&self, most: Scopes) -> Result<Scopes, Refusal> {
        match self.form.get("scope").map(str::parse) {
            None => Ok(most),
            Some(Ok(scopes)) if most.cover(scopes) => Ok(scopes),
            Some(_) => Err(Refusal::new(
                "invalid_scope",
                "the scope does not exist, or goes beyond what was granted",
            )),
        }
    }

    fn first_refresh(&mut self, client: &Registered, family: u64) -> Option<String> {
        let grants = &client.client.grants;
        grants
            .contains(&Grant::RefreshToken)
            .then(|| self.new_refresh(client, family))
    }

    fn new_refresh(&mut self, client: &Registered, family: u64) -> String {
        let token = self.app.secrets.make("refresh");
        let lifetime = client.client.refresh_lifetime;
        let lifetime = lifetime.or(self.app.oauth.refresh_lifetime);
        let refresh = Refresh {
            family,
            issued: self.now,
            expires: lifetime.map(|it| self.now.saturating_add(milliseconds(it))),
            replaced: false,
        };
        self.ledger.refresh.insert(token.clone(), refresh);
        token
    }

    fn issue(self, client: &Registered, issued: Issued) -> Response {
        let token = self.app.secrets.make("access");
        let lifetime = client.client.access_lifetime;
        let lifetime = lifetime.unwrap_or(self.app.oauth.access_lifetime);
        let access = Access {
            family: issued.family,
            scopes: issued.scopes,
            issued: self.now,
            expires: self.now.saturating_add(milliseconds(lifetime)),
            revoked: false,
        };
        self.ledger.access.insert(token.clone(), access);
        self.ledger.counts.issued += 1;
        let user = self.ledger.any_family(issued.family);
        let user = user.and_then(|it| it.user.as_deref()).unwrap_or("me");
        let mut body = json!({
            "access_token": token,
            "token_type": client.client.token_type,
            "scope": issued.scopes.to_string(),
            "instance_url": self.app.address,
            "id": format!("{}/users/{user}", self.app.address),
        });
        if let Some(members) = body.as_object_mut() {
            if !client.client.omit_expires_in {
                members.insert("expires_in".to_owned(), lifetime.as_secs().into());
            }
            if let Some(refresh) = issued.refresh {
                members.insert("refresh_token".to_owned(), refresh.into());
            }
        }
        private(Json(body))
    }
}

fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
