//! A CRM in the cloud, which many tenants share: it knows each by its token, answers with that one's canaries, and writes down whatever of one comes with another.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::canary::{canary, owners, strangers};
use crate::world::Account;

/// The CRM, on a free port of the loopback interface.
pub struct Cloud {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    requests: AtomicU64,
    connections: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    tenants: BTreeSet<usize>,
    throttled: BTreeSet<usize>,
    wrong: Vec<String>,
}

impl Cloud {
    /// Starts it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Arc<Shared> = Arc::default();
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// A tenant's account in it, with the tenant's own credential and setting.
    pub fn account(&self, tenant: usize) -> Account {
        Account::at_address(self.address)
            .bearer(&canary("credential", tenant))
            .set("deed", &canary("setting", tenant))
    }

    /// Answers this tenant from now on that it asks too much.
    pub fn throttle(&self, tenant: usize) {
        self.shared.seen().throttled.insert(tenant);
    }

    /// The tenants that have asked something.
    pub fn tenants(&self) -> BTreeSet<usize> {
        self.shared.seen().tenants.clone()
    }

    /// What was asked that must not be: one tenant's canary with another's, a second tenant on a network connection, a cookie.
    pub fn wrong(&self) -> Vec<String> {
        self.shared.seen().wrong.clone()
    }

    /// How many requests were made, and over how many network connections.
    pub fn traffic(&self) -> (u64, u64) {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        (
            count(&self.shared.requests),
            count(&self.shared.connections),
        )
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn note(&mut self, wrong: String) {
        // If one thing is wrong, thousands may be.
        if self.wrong.len() < 20 {
            self.wrong.push(wrong);
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        // Without it, a small answer may wait until the client has acknowledged the one before.
        let _is_faster = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let shared = shared.clone();
        // Whose network connection it is; nobody's before the first request.
        let owner = Arc::new(Mutex::new(None));
        connections.spawn(async move {
            let service =
                service_fn(move |request| respond(request, shared.clone(), owner.clone()));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is the client gone.
            drop(served.await);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    owner: Arc<Mutex<Option<usize>>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::new(Full::default());
    let Some(tenant) = tenant(&head.headers) else {
        shared
            .seen()
            .note(format!("nobody's request: {}", head.uri));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    let whole = format!(
        "{} {:?} {}",
        head.uri,
        head.headers,
        String::from_utf8_lossy(&body)
    );
    let mut seen = shared.seen();
    seen.tenants.insert(tenant);
    let first = *owner
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(tenant);
    if first != tenant {
        seen.note(format!("{tenant} on a network connection of {first}"));
    }
    if !strangers(&whole, tenant).is_empty() {
        seen.note(format!("{tenant} with what is another's: {whole}"));
    }
    if head.headers.contains_key("cookie") {
        seen.note(format!("{tenant} with a cookie: {whole}"));
    }
    let headers = response.headers_mut();
    headers.insert(
        SET_COOKIE,
        value(&format!("session={}", canary("cookie", tenant))),
    );
    if seen.throttled.contains(&tenant) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("300"));
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        return Ok(response);
    }
    drop(seen);
    let answer = json!({ "id": canary("record", tenant), "name": canary("record", tenant) });
    *response.body_mut() = Full::new(Bytes::from(answer.to_string()));
    Ok(response)
}

fn tenant(headers: &HeaderMap) -> Option<usize> {
    let token = headers.get("authorization")?.to_str().ok()?;
    let of_token = owners(token);
    of_token.into_iter().next()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap()
}
