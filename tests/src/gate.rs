//! A gate before a real server, which lets every request pass but those that are to go wrong.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use brightsync_crms::Trouble;
use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1 as client;
use hyper::header::{CONTENT_LENGTH, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The gate, on a free port of the loopback interface.
pub struct Gate {
    address: SocketAddr,
    troubles: Troubles,
    accepting: JoinHandle<()>,
}

type Troubles = Arc<Mutex<VecDeque<Trouble>>>;

/// The connection is to be closed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("closed on purpose, or because the server has closed")]
struct Closed;

impl Gate {
    /// Opens one before a server.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let troubles = Troubles::default();
        let accepting = tokio::spawn(accept(listener, server, troubles.clone()));
        Self {
            address,
            troubles,
            accepting,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets so many requests go wrong.
    pub fn close_for(&self, times: u32, trouble: Trouble) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.extend((0..times).map(|_| trouble));
    }

    /// Ends all troubles.
    pub fn open(&self) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.clear();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, troubles: Troubles) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let troubles = troubles.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let next = troubles
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front();
                answer(request, server, next)
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is the client gone, or a connection closed on purpose.
            drop(served.await);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    server: SocketAddr,
    trouble: Option<Trouble>,
) -> Result<Response<BoxBody<Bytes, Closed>>, Closed> {
    match trouble {
        None => pass(request, server).await,
        Some(Trouble::Limit) => {
            let mut response = empty(StatusCode::TOO_MANY_REQUESTS);
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, second);
            Ok(response)
        }
        Some(Trouble::Outage) => Ok(empty(StatusCode::SERVICE_UNAVAILABLE)),
        Some(Trouble::Cut) => cut(pass(request, server).await?).await,
    }
}

/// Passes a request on, over a connection of its own.
async fn pass(
    request: Request<Incoming>,
    server: SocketAddr,
) -> Result<Response<BoxBody<Bytes, Closed>>, Closed> {
    let stream = TcpStream::connect(server).await.map_err(|_| Closed)?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Closed)?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|_| Closed)?;
    Ok(answer.map(|body| body.map_err(|_| Closed).boxed()))
}

/// Breaks an answer off in the middle.
async fn cut(
    answer: Response<BoxBody<Bytes, Closed>>,
) -> Result<Response<BoxBody<Bytes, Closed>>, Closed> {
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    let half = body.slice(..body.len() / 2);
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let parts = [Ok(Frame::data(half)), Err(Closed)];
    let body = StreamBody::new(stream::iter(parts)).boxed();
    Ok(Response::from_parts(head, body))
}

fn empty(status: StatusCode) -> Response<BoxBody<Bytes, Closed>> {
    let body = Full::new(Bytes::new()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = status;
    response
}
