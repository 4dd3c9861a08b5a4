//! What comes to the authorization endpoint: who asks a person for what (RFC 6749, section 4.1.1; RFC 7636).

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use crate::oauth::client::{Grant, Registered};
use crate::oauth::form::Form;
use crate::oauth::key;
use crate::oauth::ledger::Ledger;
use crate::oauth::scope::Scopes;

/// The longest query, in bytes.
const LONGEST: usize = 8 * 1024;

/// A request that a person may allow.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) client: Arc<Registered>,
    pub(crate) back: Callback,
    pub(crate) scopes: Scopes,
    pub(crate) challenge: String,
    /// The address that the client believes the person to log in with.
    pub(crate) hint: Option<String>,
}

/// Where an answer goes: an address that the client registered.
#[derive(Clone)]
pub(crate) struct Callback {
    pub(crate) address: String,
    pub(crate) state: Option<String>,
}

/// Why a request cannot be put to a person.
pub(crate) enum Trouble {
    /// The address is not to be trusted, so the person at the browser is told.
    Page(&'static str),
    /// The client is told, with a code of RFC 6749, section 4.1.2.1.
    Back(Callback, &'static str, &'static str),
}

impl Asked {
    /// Reads the query of a request.
    pub(crate) fn parse(ledger: &Ledger, query: &str) -> Result<Self, Trouble> {
        if LONGEST < query.len() {
            return Err(Trouble::Page("The address is longer than 8 KiB."));
        }
        let form =
            Form::parse(query).ok_or(Trouble::Page("The address is not encoded correctly."))?;
        let client = form
            .get("client_id")
            .and_then(|it| ledger.clients.get(&it.to_owned()))
            .ok_or(Trouble::Page(
                "The program that sent you here is not registered: client_id is missing, repeated or unknown.",
            ))?;
        let address = form
            .get("redirect_uri")
            .filter(|it| client.client.redirects_to(it))
            .ok_or(Trouble::Page(
                "The program that sent you here did not register the address to return to: redirect_uri is missing, repeated or another one.",
            ))?;
        // RFC 6749, appendix A.5.
        let state = form.get("state");
        let printable = |it: &&str| it.bytes().all(|it| matches!(it, b' '..=b'~'));
        let back = Callback {
            address: address.to_owned(),
            state: state.filter(printable).map(ToOwned::to_owned),
        };
        let refuse = |error, description| Err(Trouble::Back(back.clone(), error, description));
        let request = |description| refuse("invalid_request", description);
        if form.repeats_any() {
            return request("a parameter comes more than once");
        }
        if state.is_some() && back.state.is_none() {
            return request("state takes printable ASCII characters");
        }
        match form.get("response_type") {
            Some("code") => {}
            Some(_) => return refuse("unsupported_response_type", "response_type takes code"),
            None => return request("response_type is missing"),
        }
        if form.get("response_mode").is_some_and(|it| it != "query") {
            return request("response_mode takes query");
        }
        for (name, error) in [
            ("request", "request_not_supported"),
            ("request_uri", "request_uri_not_supported"),
        ] {
            if form.get(name).is_some() {
                return refuse(error, "requests come as parameters, not as objects");
            }
        }
        if !client.client.grants.contains(&Grant::AuthorizationCode) {
            let message = "the client is not registered for authorization_code";
            return refuse("unauthorized_client", message);
        }
        if form.get("code_challenge_method") != Some("S256") {
            return request("code_challenge_method takes S256 and has to be there");
        }
        let Some(challenge) = form.get("code_challenge") else {
            return request("code_challenge is missing");
        };
        if key::bytes(challenge).is_none_or(|it| it.len() != 32) {
            return request("code_challenge is a SHA-256 in base64url without padding");
        }
        let scopes = match form.get("scope").map(str::parse::<Scopes>) {
            None => client.client.scopes,
            Some(Ok(scopes)) if client.client.scopes.cover(scopes) => scopes,
            Some(_) => return refuse("invalid_scope", "the client may not ask for this scope"),
        };
        Ok(Self {
            client: Arc::clone(client),
            back,
            scopes,
            challenge: challenge.to_owned(),
            hint: form.get("login_hint").map(ToOwned::to_owned),
        })
    }
}

impl Callback {
    /// Sends the browser back to the client.
    pub(crate) fn answer(&self, issuer: &str, parameters: &[(&str, &str)]) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        // RFC 9207: the client can tell which server answers.
        query.append_pair("iss", issuer);
        let separator = if self.address.contains('?') { '&' } else { '?' };
        let address = format!("{}{separator}{}", self.address, query.finish());
        // A registered address is ASCII without blanks, so a header can hold it.
        let location =
            HeaderValue::try_from(address).unwrap_or_else(|_| HeaderValue::from_static("/"));
        (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
    }

    /// Tells the client what is wrong.
    pub(crate) fn refuse(&self, issuer: &str, error: &str, description: &str) -> Response {
        let parameters = [("error", error), ("error_description", description)];
        self.answer(issuer, &parameters)
    }
}
