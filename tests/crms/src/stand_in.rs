//! A stand-in behind a socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::crm::{Crm, serve};
use crate::{Answer, Request};

/// A CRM on a free port of the loopback interface; dropping it stops it.
#[derive(Debug)]
pub struct StandIn<C> {
    crm: Arc<Mutex<C>>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// The connection is to be closed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl<C: Crm> StandIn<C> {
    /// Starts a CRM.
    pub async fn start(crm: C) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let crm = Arc::new(Mutex::new(crm));
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&crm)));
        Ok(Self {
            crm,
            address,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CRM, for what a test does in it; no request is answered meanwhile.
    pub fn crm(&self) -> MutexGuard<'_, C> {
        self.crm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its clock, for a host that is to live by the same time.
    pub fn clock(&self) -> impl Fn() -> i64 + Send + Sync + 'static + use<C> {
        let crm = Arc::clone(&self.crm);
        move || {
            let mut crm = crm.lock().unwrap_or_else(PoisonError::into_inner);
            crm.office().now
        }
    }

    /// Answers a request without the socket, as a browser that a test plays would make one; `url` is within this CRM.
    pub fn browse(&self, url: &str) -> Answer {
        let origin = format!("http://{}", self.address);
        let target = url.strip_prefix(&origin).unwrap_or(url);
        let request = Request::new("GET", &origin, target, Vec::new(), Vec::new());
        serve(&mut *self.crm(), &request).0
    }
}

impl<C> Drop for StandIn<C> {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<C: Crm>(listener: TcpListener, address: SocketAddr, crm: Arc<Mutex<C>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let crm = Arc::clone(&crm);
        connections.spawn(async move {
            let service = service_fn(move |request| respond(request, address, Arc::clone(&crm)));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is the client gone, or a connection closed on purpose.
            drop(served.await);
        });
    }
}

async fn respond<C: Crm>(
    request: hyper::Request<Incoming>,
    address: SocketAddr,
    crm: Arc<Mutex<C>>,
) -> Result<Response<BoxBody<Bytes, Closed>>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let headers = head.headers.iter().filter(|(name, _)| **name != HOST);
    let headers = headers.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let request = Request::new(
        head.method.as_str(),
        &format!("http://{address}"),
        target,
        headers.collect(),
        body.to_vec(),
    );
    let mut crm = crm.lock().unwrap_or_else(PoisonError::into_inner);
    let (answer, cut) = serve(&mut *crm, &request);
    Ok(encode(answer, cut))
}

/// Writes an answer; one that is cut promises its whole length and ends in the middle.
fn encode(answer: Answer, cut: bool) -> Response<BoxBody<Bytes, Closed>> {
    let length = answer.body.len();
    let body = if cut {
        let half = Bytes::copy_from_slice(answer.body.get(..length / 2).unwrap_or_default());
        let parts = [Ok(Frame::data(half)), Err(Closed)];
        StreamBody::new(stream::iter(parts)).boxed()
    } else {
        Full::new(Bytes::from(answer.body))
            .map_err(|never| match never {})
            .boxed()
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    if answer.status != 204 && answer.status != 304 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
