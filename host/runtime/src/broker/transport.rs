//! The only file that knows the HTTP client. A transport serves one version of one connection, to one origin, and dials only what its rule permits.

use std::collections::HashMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::address::{self, Nat64};
use brightsync_core::decode::{self, Encoding};
use brightsync_core::origin::Origin;
use brightsync_core::policy::Permit;
use brightsync_core::request::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName, HeaderValue, USER_AGENT};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use super::Failure;
use super::resolve::{Checked, NoAddress, Resolve, Rule};
use crate::connection::{ConnectionKey, Link};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// How many transports are kept; the one that was not used for longest goes first.
const KEPT: usize = 512;

/// The TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up; check that the system has root certificates")]
pub struct TlsError(#[source] rustls::Error);

/// All transports.
pub(super) struct Transports {
    resolver: Arc<dyn Resolve>,
    nat64: Arc<[Nat64]>,
    tls: ClientConfig,
    open: Mutex<HashMap<Key, (Transport, u64)>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    connection: ConnectionKey,
    revision: u64,
    origin: Origin,
    only: Option<IpAddr>,
}

/// A pool of network connections of its own, with its own TLS sessions.
#[derive(Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    rule: Rule,
}

/// A request before any secret is in it.
pub(super) struct Wire {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<bytes::Bytes>,
}

/// A request that goes out as it is. It may hold a secret, so it cannot be printed.
pub(super) struct Ready(reqwest::Request);

/// An answer whose body has not been read.
pub(super) struct Received(reqwest::Response);

impl Transports {
    pub(super) fn new(resolver: Arc<dyn Resolve>, nat64: Arc<[Nat64]>) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(TlsError)?
            .with_no_client_auth();
        Ok(Self {
            resolver,
            nat64,
            tls,
            open: Mutex::default(),
        })
    }

    /// The transport for what was permitted.
    pub(super) fn get(&self, link: &Link, permit: &Permit) -> Result<Transport, reqwest::Error> {
        let only = permit
            .carve_out
            .as_ref()
            .map(brightsync_core::grant::CarveOut::address);
        let key = Key {
            connection: link.key.clone(),
            revision: link.revision,
            origin: permit.origin.clone(),
            only,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = open.values().map(|(_, used)| *used).max().unwrap_or(0) + 1;
        if let Some((transport, used)) = open.get_mut(&key) {
            *used = now;
            return Ok(transport.clone());
        }
        if open.len() >= KEPT
            && let Some(oldest) = open
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(key, _)| key.clone())
        {
            open.remove(&oldest);
        }
        let public = || Rule::Public(self.nat64.clone());
        let transport = self.make(only.map_or_else(public, Rule::Only))?;
        open.insert(key, (transport.clone(), now));
        Ok(transport)
    }

    pub(super) fn forget(&self, connection: &ConnectionKey) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|key, _| key.connection != *connection);
    }

    fn make(&self, rule: Rule) -> Result<Transport, reqwest::Error> {
        let mut tls = self.tls.clone();
        // A session ticket of one tenant must not open another's connection.
        tls.resumption = Resumption::in_memory_sessions(8);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Checked {
                resolver: self.resolver.clone(),
                rule: rule.clone(),
            })
            // All of these would go around the order in which the broker works.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .http1_max_headers(100)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(10)
            .tcp_nodelay(true)
            .build()?;
        Ok(Transport { client, rule })
    }
}

impl Transport {
    /// Sends and waits for the head of the answer.
    pub(super) async fn send(&self, request: Ready) -> Result<Received, Failure> {
        // The HTTP client's resolver is not asked for an address that is written out.
        if let Some(literal) = request
            .0
            .url()
            .host()
            .and_then(|host| address::literal(&host.to_owned()))
            && !self.rule.permits(literal)
        {
            return Err(Failure::Denied("address".to_owned()));
        }
        let response = self
            .client
            .execute(request.0)
            .await
            .map_err(|error| why(&error))?;
        // It cannot be any other, by all of the above. If it is, nothing of it is used.
        match response.remote_addr() {
            Some(peer) if self.rule.permits(peer.ip()) => Ok(Received(response)),
            peer => {
                tracing::error!(
                    ?peer,
                    "an answer came from an address that may not be reached"
                );
                Err(Failure::NoAnswer("address"))
            }
        }
    }
}

impl Wire {
    /// A request that goes out without a credential.
    pub(super) fn ready(self) -> Result<Ready, Failure> {
        let method = reqwest::Method::from_bytes(self.method.as_str().as_bytes())
            .map_err(|_| Failure::Denied("method".to_owned()))?;
        let mut request = reqwest::Request::new(method, self.url);
        let headers = request.headers_mut();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("BrightSync/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(decode::ACCEPTED));
        for (name, value) in self.headers {
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            else {
                return Err(Failure::Denied("header".to_owned()));
            };
            headers.insert(name, value);
        }
        *request.body_mut() = self.body.map(Into::into);
        Ok(Ready(request))
    }
}

impl Ready {
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }

    pub(super) fn append_query(&mut self, name: &str, value: &str) {
        self.0.url_mut().query_pairs_mut().append_pair(name, value);
    }
}

impl Received {
    pub(super) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.0.headers().iter();
        headers.map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// The values of all headers of a name.
    pub(super) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let values = self.0.headers().get_all(name).iter();
        values.map(|it| it.as_bytes().to_vec()).collect()
    }

    pub(super) fn announced(&self) -> Option<u64> {
        self.0.content_length()
    }

    pub(super) fn encoding(&self) -> Result<Encoding, Failure> {
        let values = self.0.headers().get_all(CONTENT_ENCODING);
        Ok(Encoding::of(values.iter().map(HeaderValue::as_bytes))?)
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, Failure> {
        self.0
            .chunk()
            .await
            .map_err(|_| Failure::NoAnswer("cut-off"))
    }
}

/// Whether a request has left the host is what decides if it may be repeated.
fn why(error: &reqwest::Error) -> Failure {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NoAddress>() {
            return Failure::Denied("address".to_owned());
        }
        cause = error.source();
    }
    if error.is_connect() {
        return Failure::NotSent(if error.is_timeout() {
            "connect-timeout"
        } else {
            "connect"
        });
    }
    if error.is_timeout() {
        return Failure::NoAnswer("timeout");
    }
    if error.is_builder() {
        return Failure::NotSent("request");
    }
    Failure::NoAnswer("connection")
}
