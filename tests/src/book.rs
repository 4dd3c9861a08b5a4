//! A CRM that writes down whatever it is told to, twice if it is told twice, and loses answers when a test wants it to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The CRM: `POST /KIND` with an object keeps it, `GET /KIND` answers all, each with its number as `id`.
pub struct Book {
    address: SocketAddr,
    pages: Arc<Mutex<Pages>>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Pages {
    records: Vec<(String, Value)>,
    losses: Vec<Loss>,
}

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It is carried out, and the connection is closed instead of an answer.
    Answer,
    /// The connection is closed, and nothing is carried out.
    Request,
}

/// The connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl Book {
    /// Opens an empty book on a free port of the loopback interface.
    pub async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::new(Mutex::default());
        let accepting = tokio::spawn(accept(listener, pages.clone()));
        Self {
            address,
            pages,
            accepting,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the next write go wrong.
    pub fn lose(&self, loss: Loss) {
        self.with(|it| it.losses.push(loss));
    }

    /// Keeps a record that was there before.
    pub fn keep(&self, kind: &str, record: Value) {
        self.with(|it| it.records.push((kind.to_owned(), record)));
    }

    /// The records of a kind.
    pub fn records(&self, kind: &str) -> Vec<Value> {
        self.with(|it| it.of(kind))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pages) -> T) -> T {
        act(&mut self.pages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Pages {
    fn of(&self, kind: &str) -> Vec<Value> {
        let numbered = self.records.iter().enumerate();
        let those = numbered.filter(|(_, (it, _))| it == kind);
        those
            .map(|(number, (_, record))| {
                let mut record = record.clone();
                if let Some(members) = record.as_object_mut() {
                    members.insert("id".to_owned(), json!(number.to_string()));
                }
                record
            })
            .collect()
    }

    fn write(&mut self, kind: &str, record: Value) -> Result<Value, Closed> {
        let loss = (!self.losses.is_empty()).then(|| self.losses.remove(0));
        if loss == Some(Loss::Request) {
            return Err(Closed);
        }
        self.records.push((kind.to_owned(), record));
        match loss {
            Some(Loss::Answer | Loss::Request) => Err(Closed),
            None => Ok(json!({ "id": (self.records.len() - 1).to_string() })),
        }
    }
}

async fn accept(listener: TcpListener, pages: Arc<Mutex<Pages>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let pages = pages.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| respond(request, pages.clone()));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // An error here is the client gone, or a connection closed on purpose.
            drop(served.await);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    pages: Arc<Mutex<Pages>>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let kind = head.uri.path().trim_start_matches('/');
    let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, answer) = if head.method == Method::POST {
        let record = serde_json::from_slice(&body).map_err(|_| Closed)?;
        (StatusCode::CREATED, pages.write(kind, record)?)
    } else {
        (StatusCode::OK, Value::from(pages.of(kind)))
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = status;
    Ok(response)
}
