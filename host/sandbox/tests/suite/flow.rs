//! A client of the authorization server, the person who allows it, and what came of it in short.

use std::time::Duration;

use brightsync_sandbox::{Client as Program, Clock, Grant, Options, Registered};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::client::{Client, header};

/// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const BACK: &str = "http://127.0.0.1:7000/back?kept=yes";

pub(crate) type Fields<'a> = Vec<(&'a str, String)>;

/// A program with every grant that takes no key.
pub(crate) fn program() -> Program {
    Program {
        name: "Sync".to_owned(),
        redirect_uris: vec![BACK.to_owned()],
        grants: vec![
            Grant::AuthorizationCode,
            Grant::RefreshToken,
            Grant::ClientCredentials,
            Grant::Password,
        ],
        ..Program::default()
    }
}

/// Starts a server at a certain time, with access tokens of an hour and refresh tokens of a day.
pub(crate) async fn at(clock: Clock) -> Client {
    Client::start(Options {
        clock,
        refresh_lifetime: Some(Duration::from_secs(86_400)),
        ..Options::empty(7, 5)
    })
    .await
}

/// The parameters of a request for authorization that is in order.
pub(crate) fn request(program: &Registered) -> Fields<'static> {
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", program.id.clone()),
        ("redirect_uri", BACK.to_owned()),
        ("scope", "read write".to_owned()),
        ("state", "a b&c=%".to_owned()),
        ("code_challenge", CHALLENGE.to_owned()),
        ("code_challenge_method", "S256".to_owned()),
    ]
}

/// Replaces a parameter, or leaves it out if there is no value.
pub(crate) fn with<'a>(mut fields: Fields<'a>, name: &'a str, value: Option<&str>) -> Fields<'a> {
    fields.retain(|it| it.0 != name);
    fields.extend(value.map(|it| (name, it.to_owned())));
    fields
}

impl Client {
    pub(crate) fn authorize(&self, fields: &Fields<'_>) -> RequestBuilder {
        self.bare(Method::GET, "/oauth/authorize").query(fields)
    }

    /// Opens the page, and returns the nonce of its form.
    pub(crate) async fn nonce(&self, fields: &Fields<'_>) -> String {
        let page = self.authorize(fields).send().await.unwrap();
        assert_eq!(page.status(), 200);
        nonce_of(&page.text().await.unwrap())
    }

    pub(crate) fn decide(&self, nonce: &str, decision: &str, password: &str) -> RequestBuilder {
        let email = &self.server.credentials().users[0].email;
        let form = [
            ("nonce", nonce),
            ("email", email),
            ("password", password),
            ("decision", decision),
        ];
        self.bare(Method::POST, "/oauth/authorize").form(&form)
    }

    /// Goes through the page, and returns the code.
    pub(crate) async fn code(&self, fields: &Fields<'_>) -> String {
        let nonce = self.nonce(fields).await;
        let password = &self.server.credentials().users[0].password;
        let response = self.decide(&nonce, "allow", password).send().await.unwrap();
        value_of(header(&response, "location"), "code").unwrap()
    }

    /// A request to an endpoint of clients, authenticated by Basic.
    pub(crate) fn ask(&self, path: &str, program: &Registered) -> RequestBuilder {
        let encoded = |text: &str| {
            text.replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
        };
        let secret = encoded(program.secret.as_deref().unwrap());
        self.bare(Method::POST, path)
            .basic_auth(&program.id, Some(secret))
    }

    pub(crate) fn token(&self, program: &Registered, form: &[(&str, &str)]) -> RequestBuilder {
        self.ask("/oauth/token", program).form(form)
    }

    pub(crate) fn redeem(&self, program: &Registered, code: &str) -> RequestBuilder {
        self.token(program, &redemption(code))
    }

    pub(crate) fn refresh(&self, program: &Registered, answer: &Value) -> RequestBuilder {
        let token = answer["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(program, &form)
    }

    /// Asks the API with an access token.
    pub(crate) fn me(&self, answer: &Value) -> RequestBuilder {
        self.bare(Method::GET, "/users/me")
            .bearer_auth(answer["access_token"].as_str().unwrap())
    }
}

pub(crate) fn redemption(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) fn nonce_of(page: &str) -> String {
    let (_, after) = page.split_once("name=\"nonce\" value=\"").unwrap();
    after.split_once('"').unwrap().0.to_owned()
}

/// A parameter of an address.
pub(crate) fn value_of(address: &str, name: &str) -> Option<String> {
    let address = reqwest::Url::parse(address).unwrap();
    let mut pairs = address.query_pairs();
    pairs.find(|it| it.0 == name).map(|it| it.1.into_owned())
}

/// The answer in short: the status, and the error that it tells in its way.
pub(crate) async fn short(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let error = match error(response).await {
        Some(error) => format!(" {error}"),
        None => String::new(),
    };
    format!("{status}{error}")
}

async fn error(response: Response) -> Option<String> {
    if response.status().is_redirection() {
        let location = header(&response, "location");
        return value_of(location, "error");
    }
    if response
        .headers()
        .get("content-type")
        .is_some_and(|it| it == "text/html; charset=utf-8")
    {
        return Some("page".to_owned());
    }
    let text = response.text().await.unwrap();
    if text.is_empty() {
        return None;
    }
    let answer: Value = serde_json::from_str(&text).unwrap();
    let error = &answer["error"];
    let code = error.as_str().or_else(|| error["code"].as_str());
    code.map(ToOwned::to_owned)
}

/// Compares a whole table at once, so that every line that is wrong is seen.
#[track_caller]
pub(crate) fn same(got: &[String], expected: &str) {
    let expected: Vec<_> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(got.join("\n"), expected.join("\n"));
}
