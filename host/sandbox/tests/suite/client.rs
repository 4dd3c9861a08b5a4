//! A client that speaks JSON to a sandbox, and fails a test where the status is not the expected one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use brightsync_sandbox::{Clock, Options, Server};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// 2026-02-01T00:00:00Z
pub(crate) const START: i64 = 1_769_904_000_000;

pub(crate) struct Client {
    pub(crate) server: Server,
    http: reqwest::Client,
}

impl Client {
    /// Starts a server that has users and nothing else, with a clock that ticks at every look.
    pub(crate) async fn empty() -> Self {
        Self::start(Options {
            clock: Clock::ticking(START),
            ..Options::empty(7, 5)
        })
        .await
    }

    pub(crate) async fn start(options: Options) -> Self {
        // The workspace's reqwest names no cryptography of its own, and asks for one even for plain
        // http; every test but the first finds it installed.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            server: Server::start(options).await.unwrap(),
            http,
        }
    }

    /// A request without a credential.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server.url()))
    }

    /// A request with the key of the organisation.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .header("X-Api-Key", &self.server.credentials().organisation_key)
    }

    /// A request with the admin key.
    pub(crate) fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .header("X-Api-Key", &self.server.credentials().admin_key)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> impl Future<Output = Value> {
        expect(self.request(Method::GET, path), 200)
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> impl Future<Output = Value> {
        expect(self.request(Method::POST, path).json(body), 201)
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> impl Future<Output = Value> {
        expect(self.request(Method::PATCH, path).json(body), 200)
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> impl Future<Output = Value> {
        expect(self.request(Method::DELETE, path), 204)
    }

    /// The ids of a whole list, page after page.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await;
            ids.extend(ids_of(&page));
            let Some(cursor) = page["next_cursor"].as_str() else {
                return ids;
            };
            next = format!(
                "{path}{}cursor={cursor}",
                if path.contains('?') { '&' } else { '?' }
            );
        }
    }

    /// Creates a contact with one address and returns its id.
    pub(crate) async fn contact(&self, name: &str, address: &str) -> String {
        let body = json!({"full_name": name, "emails": [{"address": address}]});
        id_of(&self.post("/contacts", &body).await)
    }
}

/// Sends a request and returns its JSON, or null if there is no body.
#[track_caller]
pub(crate) fn expect(request: RequestBuilder, status: u16) -> impl Future<Output = Value> {
    let caller = std::panic::Location::caller();
    async move {
        let response = request.send().await.unwrap();
        let got = response.status().as_u16();
        let text = response.text().await.unwrap();
        assert_eq!(got, status, "at {caller}: {text}");
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        }
    }
}

/// The code of an expected refusal.
#[track_caller]
pub(crate) fn refusal(request: RequestBuilder, status: u16) -> impl Future<Output = String> {
    let answer = expect(request, status);
    async move { answer.await["error"]["code"].as_str().unwrap().to_owned() }
}

pub(crate) fn id_of(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

pub(crate) fn ids_of(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(id_of).collect()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

/// A clock that stands where it is put.
pub(crate) fn standing(start: i64) -> (Clock, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(start));
    let shared = Arc::clone(&time);
    (Clock::new(move || shared.load(Ordering::Relaxed)), time)
}
