//! Token endpoints as RFC 6749 has them, for the CRMs that differ in the members of their answers only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Access, Answer, Office, Request};

/// An app that is registered with the CRM.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// True if it has to authenticate with Basic, false if with `client_id` and `client_secret` in the body (RFC 6749, 2.3.1).
    pub basic: bool,
    /// Where people are sent back to.
    pub redirect: String,
}

/// The authorization server of a CRM with one app.
#[derive(Debug)]
pub struct OAuth {
    /// The app.
    pub client: Client,
    /// The grants that it may use.
    pub grants: Vec<&'static str>,
    /// The scopes that it may ask for.
    pub scopes: Vec<&'static str>,
    /// What stands between two scopes.
    pub separator: char,
    /// How long a token is good, in seconds.
    pub lifetime: i64,
    /// What the callback has besides the code.
    pub callback: Vec<(&'static str, String)>,
    codes: Vec<Code>,
    refresh: Vec<String>,
}

#[derive(Debug)]
struct Code {
    code: String,
    redirect: String,
    challenge: Option<String>,
}

/// What was issued; the members of the answer that every CRM has.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token, which is good from now on.
    pub token: String,
    /// The refresh token, where one was issued.
    pub refresh: Option<String>,
    /// The members of RFC 6749, 5.1; a CRM adds its own.
    pub members: Map<String, Value>,
}

impl OAuth {
    /// An authorization server with one app, which may use these grants and ask for these scopes.
    pub fn new(grants: &[&'static str], scopes: &[&'static str]) -> Self {
        Self {
            client: Client {
                id: "brightsync-app".to_owned(),
                secret: "brightsync-app-secret-0123456789".to_owned(),
                basic: false,
                redirect: "http://127.0.0.1:7/callback".to_owned(),
            },
            grants: grants.to_vec(),
            scopes: scopes.to_vec(),
            separator: ' ',
            lifetime: 3600,
            callback: Vec::new(),
            codes: Vec::new(),
            refresh: Vec::new(),
        }
    }

    /// How a connection comes in that signs in as the app, by this recipe.
    pub fn access(&self, recipe: &'static str) -> Access {
        Access {
            recipe,
            fields: vec![
                ("client-id", self.client.id.clone()),
                ("client-secret", self.client.secret.clone()),
            ],
        }
    }

    /// Answers the page where a person agrees, as if the person had: sends the browser back with a code.
    pub fn authorize(&mut self, office: &mut Office, request: &Request) -> Answer {
        let param = |name| request.param(name).unwrap_or_default();
        let wrong = if param("response_type") != "code" {
            Some("response_type is not code")
        } else if param("client_id") != self.client.id {
            Some("there is no such app")
        } else if param("redirect_uri") != self.client.redirect {
            Some("the app has not registered this redirect_uri")
        } else if !self.allows(param("scope")) {
            Some("the app may not ask for one of these scopes")
        } else if param("state").is_empty() {
            Some("without state anybody could forge the callback")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            office.violation(format!("authorize: {wrong}: {}", request.raw_query));
            return Answer::html(400, wrong);
        }
        let code = office.fresh("code");
        let hashed = request.param("code_challenge_method") == Some("S256");
        self.codes.push(Code {
            code: code.clone(),
            redirect: self.client.redirect.clone(),
            challenge: request
                .param("code_challenge")
                .filter(|_| hashed)
                .map(str::to_owned),
        });
        let mut address = format!(
            "{}?code={code}&state={}",
            self.client.redirect,
            utf8_percent_encode(param("state"), NON_ALPHANUMERIC)
        );
        for (name, value) in &self.callback {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            address.push_str(&format!("&{name}={value}"));
        }
        Answer::empty(302).with_header("location", address)
    }

    /// Answers a token request: what was issued, or the refusal.
    pub fn token(&mut self, office: &mut Office, request: &Request) -> Result<Issued, Answer> {
        if request.method != "POST" {
            return Err(refusal(405, "invalid_request"));
        }
        let form = request
            .form()
            .ok_or_else(|| refusal(400, "invalid_request"))?;
        let field = |name: &str| {
            let mut values = form.iter().filter(|(it, _)| it == name);
            values.next().map(|(_, value)| value.as_str())
        };
        if !self.is_client(request, &field) {
            return Err(refusal(401, "invalid_client"));
        }
        let grant = field("grant_type").unwrap_or_default();
        if !self.grants.contains(&grant) {
            return Err(refusal(400, "unsupported_grant_type"));
        }
        let refresh = match grant {
            "authorization_code" => {
                self.redeem(&field)?;
                let refresh = office.fresh("refresh");
                self.refresh.push(refresh.clone());
                Some(refresh)
            }
            "refresh_token" => {
                let known = field("refresh_token").is_some_and(|it| {
                    let mut tokens = self.refresh.iter();
                    tokens.any(|token| token == it)
                });
                if !known {
                    return Err(refusal(400, "invalid_grant"));
                }
                None
            }
            _ => {
                if !self.allows(field("scope").unwrap_or_default()) {
                    return Err(refusal(400, "invalid_scope"));
                }
                None
            }
        };
        if office.revoked {
            return Err(refusal(400, "invalid_grant"));
        }
        let token = office.fresh("token");
        office.tokens.push(token.clone());
        let mut members = Map::from_iter([
            ("access_token".to_owned(), token.clone().into()),
            ("token_type".to_owned(), "Bearer".into()),
            ("expires_in".to_owned(), self.lifetime.into()),
        ]);
        if let Some(refresh) = &refresh {
            members.insert("refresh_token".to_owned(), refresh.clone().into());
        }
        Ok(Issued {
            token,
            refresh,
            members,
        })
    }

    fn allows(&self, scope: &str) -> bool {
        let mut asked = scope.split(self.separator).filter(|it| !it.is_empty());
        asked.all(|it| self.scopes.contains(&it))
    }

    fn is_client<'a>(&self, request: &Request, field: &impl Fn(&str) -> Option<&'a str>) -> bool {
        let Client {
            id, secret, basic, ..
        } = &self.client;
        if *basic {
            let pair = STANDARD.encode(format!("{id}:{secret}"));
            return request.credential("Basic") == Some(&pair) && field("client_secret").is_none();
        }
        request.header("authorization").is_none()
            && field("client_id") == Some(id)
            && field("client_secret") == Some(secret)
    }

    /// Takes a code, once, from the app that it was meant for.
    fn redeem<'a>(&mut self, field: &impl Fn(&str) -> Option<&'a str>) -> Result<(), Answer> {
        let refused = || refusal(400, "invalid_grant");
        let place = self
            .codes
            .iter()
            .position(|it| field("code") == Some(&it.code));
        let code = self.codes.swap_remove(place.ok_or_else(refused)?);
        let proof =
            field("code_verifier").map(|it| URL_SAFE_NO_PAD.encode(Sha256::digest(it.as_bytes())));
        if field("redirect_uri") != Some(&code.redirect) || proof != code.challenge {
            return Err(refused());
        }
        Ok(())
    }
}

fn refusal(status: u16, error: &str) -> Answer {
    Answer::json(status, &json!({ "error": error }))
}
