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
use brightsync_core::rule;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, USER_AGENT,
};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::dial;
use super::resolve::{Checked, NoAddress, Resolve, Rule};
use super::{Failure, Layer};
use crate::connection::ConnectionKey;
use crate::limits::{self, Limits};
use crate::report::{Stage, Stages};

/// How many idle connections a transport keeps.
pub(super) const IDLE_EACH: usize = 4;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// The TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up; check that the system has root certificates")]
pub struct TlsError(#[source] rustls::Error);

/// All transports.
pub(super) struct Transports {
    resolver: Arc<dyn Resolve>,
    nat64: Arc<[Nat64]>,
    tls: ClientConfig,
    // How many are kept; the one that was not used for longest goes first.
    kept: usize,
    open: Mutex<HashMap<Key, (Transport, u64)>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    // With its revision; none where the rule that parts them is off.
    connection: Option<(ConnectionKey, u64)>,
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
pub(super) struct Received {
    response: reqwest::Response,
    silence: Duration,
    deadline: Instant,
}

impl Transports {
    pub(super) fn new(
        resolver: Arc<dyn Resolve>,
        nat64: Arc<[Nat64]>,
        kept: usize,
    ) -> Result<Self, TlsError> {
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
            kept,
            open: Mutex::default(),
        })
    }

    /// The transport for what was permitted.
    pub(super) fn get(
        &self,
        connection: &ConnectionKey,
        revision: u64,
        permit: &Permit,
        limits: &Limits,
    ) -> Result<Transport, reqwest::Error> {
        let only = permit
            .carve_out
            .as_ref()
            .map(brightsync_core::grant::CarveOut::address);
        let key = Key {
            connection: rule::Rule::PoolOwner
                .holds()
                .then(|| (connection.clone(), revision)),
            origin: permit.origin.clone(),
            only,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = open.values().map(|(_, used)| *used).max().unwrap_or(0) + 1;
        if let Some((transport, used)) = open.get_mut(&key) {
            *used = now;
            return Ok(transport.clone());
        }
        if open.len() >= self.kept
            && let Some(oldest) = open
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(key, _)| key.clone())
        {
            open.remove(&oldest);
        }
        let public = || Rule::Public(self.nat64.clone());
        let transport = self.make(only.map_or_else(public, Rule::Only), limits)?;
        open.insert(key, (transport.clone(), now));
        Ok(transport)
    }

    pub(super) fn forget(&self, connection: &ConnectionKey) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|key, _| {
            let of = key.connection.as_ref();
            of.is_none_or(|(key, _)| key != connection)
        });
    }

    fn make(&self, rule: Rule, limits: &Limits) -> Result<Transport, reqwest::Error> {
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
            .http1_max_headers(limits.answer_headers)
            .connector_layer(dial::Watch)
            .connect_timeout(limits.connect_time)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_EACH)
            .tcp_nodelay(true)
            .build()?;
        Ok(Transport { client, rule })
    }
}

impl Transport {
    /// Sends and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        request: Ready,
        limits: &Limits,
        stages: &mut Stages,
    ) -> Result<Received, Failure> {
        // The HTTP client's resolver is not asked for an address that is written out.
        if let Some(literal) = request
            .0
            .url()
            .host()
            .and_then(|host| address::literal(&host.to_owned()))
        {
            if rule::Rule::DialledLiteral.refuses(!self.rule.permits(literal)) {
                return Err(Failure::denied(Layer::Address, "address"));
            }
            if !may_dial(literal) {
                return Err(Failure::NotSent("connect"));
            }
        }
        let deadline = limits::end(limits.answer_time, rule::Rule::AnswerTime);
        // The time to connect is the client's to keep, and comes on top: what has not left is told apart from what has.
        let head = limits.connect_time.saturating_add(limits.first_byte_time);
        let head = limits::end(head, rule::Rule::FirstByte);
        let sending = Instant::now();
        let answer = timeout_at(head.min(deadline), self.client.execute(request.0));
        let (response, dialled) = dial::watch(answer).await;
        dialled.note(stages);
        let has_dialled = !matches!(&response, Ok(Err(error)) if error.is_connect());
        if has_dialled {
            let waited = sending.elapsed().saturating_sub(dialled.took());
            stages.add(Stage::FirstByte, waited);
        }
        let response = response
            .map_err(|_| Failure::NoAnswer("first-byte-timeout"))?
            .map_err(|error| why(&error))?;
        // It cannot be any other, by all of the above. If it is, nothing of it is used.
        match response.remote_addr() {
            Some(peer) if self.rule.permits(peer.ip()) => {}
            peer => {
                tracing::error!(
                    ?peer,
                    "an answer came from an address that may not be reached"
                );
                return Err(Failure::NoAnswer("address"));
            }
        }
        let headers = response.headers();
        if rule::Rule::OneEnd.refuses(!has_one_end(headers)) {
            return Err(Failure::NoAnswer("framing"));
        }
        let sizes = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        if rule::Rule::AnswerHeaderSize.refuses(limits.answer_header_size < sizes.sum()) {
            return Err(Failure::TooLarge);
        }
        Ok(Received {
            response,
            silence: limits.silence,
            deadline,
        })
    }
}

/// Says whether an address may be dialled for all that is known of this machine: any may, and where rules can be switched off, only those of the machine itself.
pub(super) fn may_dial(address: IpAddr) -> bool {
    #[cfg(feature = "weaken")]
    return rule::weaken::dial(address);
    #[cfg(not(feature = "weaken"))]
    {
        let _any = address;
        true
    }
}

impl Wire {
    /// A request that goes out without a credential.
    pub(super) fn ready(self) -> Result<Ready, Failure> {
        let method = reqwest::Method::from_bytes(self.method.as_str().as_bytes())
            .map_err(|_| Failure::denied(Layer::Request, "method"))?;
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
                return Err(Failure::denied(Layer::Request, "header"));
            };
            headers.insert(name, value);
        }
        *request.body_mut() = self.body.map(Into::into);
        Ok(Ready(request))
    }
}

impl Ready {
    pub(super) fn url(&self) -> &Url {
        self.0.url()
    }

    pub(super) fn body(&self) -> &[u8] {
        let body = self.0.body().and_then(reqwest::Body::as_bytes);
        body.unwrap_or_default()
    }

    pub(super) fn method(&self) -> &str {
        self.0.method().as_str()
    }

    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }

    pub(super) fn append_query(&mut self, name: &str, value: &str) {
        self.0.url_mut().query_pairs_mut().append_pair(name, value);
    }
}

impl Received {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.response.headers().iter();
        headers.map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// The values of all headers of a name.
    pub(super) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        let values = self.response.headers().get_all(name).iter();
        values.map(|it| it.as_bytes().to_vec()).collect()
    }

    pub(super) fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    pub(super) fn encoding(&self) -> Result<Encoding, Failure> {
        let values = self.response.headers().get_all(CONTENT_ENCODING);
        Ok(Encoding::of(values.iter().map(HeaderValue::as_bytes))?)
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, Failure> {
        let quiet = limits::end(self.silence, rule::Rule::Silence);
        match timeout_at(quiet.min(self.deadline), self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|_| Failure::NoAnswer("cut-off")),
            Err(_) if quiet < self.deadline => Err(Failure::NoAnswer("silence-timeout")),
            Err(_) => Err(Failure::NoAnswer("answer-timeout")),
        }
    }
}

/// Whether everybody agrees on where an answer ends: by its length or in chunks, said once.
///
/// One who counts and one who reads chunks see two answers where there is one, and so does one who believes the first of
/// two lengths (RFC 9112, section 6.3, and section 11.2 on what is made of it).
fn has_one_end(headers: &HeaderMap) -> bool {
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => lengths <= 1,
        (Some(one), None) => lengths == 0 && one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Whether a request has left the host is what decides if it may be repeated.
fn why(error: &reqwest::Error) -> Failure {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NoAddress>() {
            return Failure::denied(Layer::Address, "address");
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
