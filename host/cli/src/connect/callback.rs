//! The way back from the browser: a page on this machine's loopback that takes one callback of one attempt (RFC 8252, section 7.3).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use url::form_urlencoded;

use crate::text;

/// Where the browser comes back to.
const PATH: &str = "/callback";

/// The longest query of a callback, in bytes.
const LONGEST: usize = 16 * 1024;

/// How long the last page may take to be sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// A place to come back to, at which nobody is received yet.
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

/// The same, while callbacks are received.
pub(super) struct Reception {
    desk: Arc<Desk>,
    arrivals: mpsc::Receiver<Arrival>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// The one callback, whose browser waits for a page.
pub(super) struct Arrival {
    /// What the browser has brought back.
    pub(super) query: String,
    page: oneshot::Sender<Outcome>,
}

/// What has come of it: a sentence for the person, or why nothing has.
pub(super) type Outcome = Result<String, String>;

/// What a request is held against.
struct Desk {
    /// `127.0.0.1:PORT`. A page elsewhere whose name was pointed to this machine has another one.
    host: String,
    state: String,
    is_taken: AtomicBool,
    arrivals: mpsc::Sender<Arrival>,
}

struct Page {
    status: StatusCode,
    title: &'static str,
    text: String,
}

impl Door {
    /// Takes a free port.
    pub(super) async fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener
            .context("no port of this machine can be opened for the browser to come back to")?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where the browser is to be sent back to.
    pub(super) fn redirect(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Begins to receive: one callback, with this state.
    pub(super) fn receive(self, state: &str) -> Reception {
        let (sender, arrivals) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            host: self.address.to_string(),
            state: state.to_owned(),
            is_taken: AtomicBool::new(false),
            arrivals: sender,
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().fallback(answer).with_state(desk.clone());
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(async {
            // A dropped sender stops it as well.
            drop(stopped.await);
        });
        let task = tokio::spawn(async {
            drop(serving.await);
        });
        Reception {
            desk,
            arrivals,
            stop,
            task,
        }
    }
}

impl Reception {
    /// Waits for the callback.
    pub(super) async fn arrival(&mut self) -> Option<Arrival> {
        self.arrivals.recv().await
    }

    /// Takes the place of the callback, unless that has come; answers whether it did.
    pub(super) fn take(&self) -> bool {
        !self.desk.is_taken.swap(true, Ordering::AcqRel)
    }

    /// Shows the browser what came of it, and receives nobody any more.
    pub(super) async fn end(mut self, arrival: Option<Arrival>, outcome: Outcome) {
        if let Some(arrival) = arrival {
            // A browser that was closed meanwhile wants no page.
            let _gone = arrival.page.send(outcome);
        }
        drop(self.stop);
        if tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

async fn answer(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    desk.page(&parts).await.into_response()
}

impl Desk {
    async fn page(&self, request: &Parts) -> Page {
        if !self.is_meant(&request.headers) {
            return Page::refused(
                StatusCode::MISDIRECTED_REQUEST,
                "This address leads to a program on your own machine, which answers only if it is asked for under its own name.",
            );
        }
        if request.method != Method::GET {
            let text = "Only a browser that comes back from a CRM is received here.";
            return Page::refused(StatusCode::METHOD_NOT_ALLOWED, text);
        }
        if request.uri.path() != PATH {
            return Page::refused(StatusCode::NOT_FOUND, "There is nothing at this address.");
        }
        let query = request.uri.query().unwrap_or_default();
        if LONGEST < query.len() {
            let text = "The address is longer than any that a CRM sends a browser back to.";
            return Page::refused(StatusCode::URI_TOO_LONG, text);
        }
        if !has_state(query, &self.state) {
            return Page::refused(
                StatusCode::BAD_REQUEST,
                "This is not what the program waits for: it belongs to another attempt, or somebody else has sent it. Nothing was done with it, and the program goes on waiting.",
            );
        }
        if self.is_taken.swap(true, Ordering::AcqRel) {
            let text = "This attempt has come to its end already. Look at the terminal.";
            return Page::refused(StatusCode::CONFLICT, text);
        }
        let (page, outcome) = oneshot::channel();
        let query = query.to_owned();
        // Nobody there: the command has ended, and so has its end of the other channel.
        drop(self.arrivals.send(Arrival { query, page }).await);
        match outcome.await {
            Ok(Ok(text)) => Page {
                status: StatusCode::OK,
                title: "Connected",
                text,
            },
            Ok(Err(why)) => Page {
                status: StatusCode::OK,
                title: "Not connected",
                text: why,
            },
            Err(_) => Page::refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "The program has ended. Begin again.",
            ),
        }
    }

    fn is_meant(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let is_it = hosts.next().is_some_and(|it| it == self.host.as_str());
        is_it && hosts.next().is_none()
    }
}

/// Whether a query has this state, and no other.
pub(super) fn has_state(query: &str, state: &str) -> bool {
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    let is_it = states.next().is_some_and(|(_, value)| value == state);
    is_it && states.next().is_none()
}

impl Page {
    fn refused(status: StatusCode, text: &str) -> Self {
        Self {
            status,
            title: "Not here",
            text: text.to_owned(),
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Self {
            status,
            title,
            text,
        } = self;
        let mut body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} – BrightSync</title><h1>{title}</h1>"
        );
        for line in text.lines() {
            // Writing to a string does not fail.
            let _written = write!(body, "<p>{}</p>", escaped(&text::message(line)));
        }
        let mut response = (status, headers(), body).into_response();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let get = HeaderValue::from_static("GET");
            response.headers_mut().insert(header::ALLOW, get);
        }
        response
    }
}

/// What every page says beside its text: nothing keeps it, nothing is loaded for it, and its address, which has the code in it, is passed on to nobody.
fn headers() -> [(HeaderName, &'static str); 7] {
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::CONNECTION, "close"),
    ]
}

/// A text that is no mark-up. A CRM's words stand in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            it => out.push(it),
        }
    }
    out
}

#[cfg(test)]
#[path = "tests/callback.rs"]
mod tests;
