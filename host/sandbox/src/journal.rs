//! The journal of requests: what was asked and how it ended, never a header, a body or a secret.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;

use crate::oauth::{Grant, form};
use crate::server::App;

/// The most requests that are kept; older ones are forgotten.
pub const KEPT: usize = 10_000;

/// The parameters whose values are not kept; most of them belong in a body.
const SECRET: &[&str] = &[
    "access_token",
    "api_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "nonce",
    "password",
    "pwd",
    "refresh_token",
    "sid",
    "state",
    "token",
];

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent, but for the values of parameters that are secret.
    pub path: String,
    /// The status of the answer; none while there is none, and for ever if the connection was cut.
    pub status: Option<u16>,
    /// What a request for a token was about, if it was one and reached the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenRequest>,
}

/// A request for a token, without anything that is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenRequest {
    /// What was to be exchanged; none if the server does not know it.
    pub grant: Option<Grant>,
    /// The id of the client, once it has authenticated or an assertion names it.
    pub client: Option<String>,
    /// `ok`, or the code of the error.
    pub result: &'static str,
}

/// The requests of a server in the order in which they arrived.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Entry>,
    /// How many were forgotten: the number of the first one that is kept.
    forgotten: usize,
}

/// The number of a request, for what else is to be told of it.
#[derive(Clone, Copy)]
pub(crate) struct Number(usize);

/// Marks an answer that never leaves the server.
#[derive(Clone)]
pub(crate) struct Unanswered;

impl Journal {
    /// Returns the requests so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.with(|it| it.kept.iter().cloned().collect())
    }

    /// Returns the requests so far and forgets them.
    pub fn take(&self) -> Vec<Entry> {
        self.with(|it| {
            it.forgotten += it.kept.len();
            it.kept.drain(..).collect()
        })
    }

    fn arrive(&self, entry: Entry) -> Number {
        self.with(|it| {
            if it.kept.len() == KEPT {
                it.kept.pop_front();
                it.forgotten += 1;
            }
            it.kept.push_back(entry);
            Number(it.forgotten + it.kept.len() - 1)
        })
    }

    pub(crate) fn tell(&self, number: Number, request: TokenRequest) {
        self.amend(number, |it| it.token = Some(request));
    }

    fn amend(&self, Number(number): Number, amend: impl FnOnce(&mut Entry)) {
        self.with(|it| {
            let entry = number
                .checked_sub(it.forgotten)
                .and_then(|index| it.kept.get_mut(index));
            if let Some(entry) = entry {
                amend(entry);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Entries) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes a request and its end.
pub(crate) async fn note(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let number = app.journal.arrive(Entry {
        method: request.method().to_string(),
        path: without_secrets(request.uri()),
        status: None,
        token: None,
    });
    request.extensions_mut().insert(number);
    let response = next.run(request).await;
    if response.extensions().get::<Unanswered>().is_none() {
        let status = response.status().as_u16();
        app.journal.amend(number, |it| it.status = Some(status));
    }
    response
}

/// Returns the path and the query, with `…` in the place of secrets, even misplaced ones.
fn without_secrets(address: &Uri) -> String {
    let path = address.path();
    let Some(query) = address.query() else {
        return path.to_owned();
    };
    let shown: Vec<_> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=…"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", shown.join("&"))
}

fn is_secret(name: &str) -> bool {
    // A name that cannot be decoded is refused by whoever reads it, and might be meant to hide.
    form::decode(name).is_none_or(|it| SECRET.contains(&it.to_ascii_lowercase().as_str()))
}
