//! Faults on demand: what a CRM or the network does to a connector on a bad day.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::journal::Unanswered;
use crate::server::App;
use crate::socket::Cut;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Answers 429, with `Retry-After` as it is given here: seconds, a date, or nothing at all.
    TooManyRequests {
        /// The value of the header.
        retry_after: Option<String>,
    },
    /// Answers 503, and does not do what was asked.
    Unavailable {
        /// The value of `Retry-After`.
        retry_after: Option<String>,
    },
    /// Answers 401, as for a credential that has expired.
    Unauthorized,
    /// Closes the connection and does not do what was asked.
    CutBefore,
    /// Does what was asked, then closes the connection instead of answering.
    CutAfter,
    /// Does what was asked, and closes the connection in the middle of the answer's body.
    Truncated,
    /// Does what was asked, and sends the body of the answer a byte at a time.
    Slow {
        /// The pause before each byte, in milliseconds.
        pause: u64,
    },
    /// Answers 200 with a login page in HTML.
    Html,
    /// Answers 307, and does not do what was asked.
    Redirect {
        /// The value of `Location`.
        to: String,
    },
    /// Answers what is given here, with no header but the media type.
    Answer {
        /// The status, from 200 to 599; any other becomes 500.
        status: u16,
        /// The value of `Content-Type`.
        media_type: String,
        /// The body.
        body: String,
        /// Whether what was asked is done first.
        #[serde(default)]
        done: bool,
    },
}

/// When a fault strikes: at the next requests that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    #[serde(default)]
    pub path: Option<String>,
    /// How many requests are struck.
    #[serde(default = "once")]
    pub times: u32,
    /// What strikes them.
    pub fault: Fault,
}

/// The faults that are yet to strike.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    /// Lets a fault strike the next request.
    pub fn next(&self, fault: Fault) {
        self.add(Rule {
            method: None,
            path: None,
            times: 1,
            fault,
        });
    }

    /// Adds a rule; the oldest one that matches a request strikes it.
    pub fn add(&self, rule: Rule) {
        self.with(|it| it.push(rule));
    }

    /// Returns the rules that are left.
    pub fn rules(&self) -> Vec<Rule> {
        self.with(|it| it.clone())
    }

    /// Forgets every rule.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    fn strike(&self, method: &str, path: &str) -> Option<Fault> {
        self.with(|rules| {
            let index = rules.iter().position(|it| it.matches(method, path))?;
            let rule = rules.get_mut(index)?;
            rule.times -= 1;
            let fault = rule.fault.clone();
            rules.retain(|it| 0 < it.times);
            Some(fault)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Rule>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rule {
    fn matches(&self, method: &str, path: &str) -> bool {
        0 < self.times
            && self
                .method
                .as_ref()
                .is_none_or(|it| it.eq_ignore_ascii_case(method))
            && self
                .path
                .as_ref()
                .is_none_or(|it| path.starts_with(it.as_str()))
    }
}

/// Strikes a request if a rule says so.
pub(crate) async fn strike(
    State(app): State<App>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
    next: Next,
) -> Response {
    let Some(fault) = app
        .faults
        .strike(request.method().as_str(), request.uri().path())
    else {
        return next.run(request).await;
    };
    match fault {
        Fault::TooManyRequests { retry_after } => refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "too many requests",
            retry_after,
        ),
        Fault::Unavailable { retry_after } => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the service is down",
            retry_after,
        ),
        Fault::Unauthorized => refuse(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "the credential has expired",
            None,
        ),
        Fault::CutBefore => unanswered(&cut),
        Fault::CutAfter => {
            drop(next.run(request).await);
            unanswered(&cut)
        }
        Fault::Truncated => rebody(next.run(request).await, truncated).await,
        Fault::Slow { pause } => {
            let pause = Duration::from_millis(pause);
            rebody(next.run(request).await, |bytes| slow(bytes, pause)).await
        }
        Fault::Html => {
            Html("<!doctype html><title>Log in</title><p>Please log in.").into_response()
        }
        Fault::Redirect { to } => {
            let location =
                HeaderValue::from_str(&to).unwrap_or_else(|_| HeaderValue::from_static("/"));
            (
                StatusCode::TEMPORARY_REDIRECT,
                [(header::LOCATION, location)],
            )
                .into_response()
        }
        Fault::Answer {
            status,
            media_type,
            body,
            done,
        } => {
            if done {
                drop(next.run(request).await);
            }
            answer(status, &media_type, body)
        }
    }
}

fn answer(status: u16, media_type: &str, body: String) -> Response {
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|it| (200..600).contains(&it.as_u16()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media_type = HeaderValue::from_str(media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

fn once() -> u32 {
    1
}

fn refuse(
    status: StatusCode,
    code: &'static str,
    message: &str,
    retry_after: Option<String>,
) -> Response {
    let mut response = Failure::new(status, code, message).into_response();
    if let Some(value) = retry_after.and_then(|it| HeaderValue::from_str(&it).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn unanswered(cut: &Cut) -> Response {
    cut.cut();
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(Unanswered);
    response
}

/// Sends the same answer with its body in another way.
async fn rebody(response: Response, body: impl FnOnce(Bytes) -> Body) -> Response {
    let (mut parts, content) = response.into_parts();
    let bytes = to_bytes(content, usize::MAX).await.unwrap_or_default();
    // The length was promised for the whole body, and a cut body must not look complete.
    parts
        .headers
        .insert(header::CONTENT_LENGTH, bytes.len().into());
    Response::from_parts(parts, body(bytes))
}

fn truncated(bytes: Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    let end = async {
        // hyper writes what it has when the body makes it wait, and throws it away on an error.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(end)))
}

fn slow(bytes: Bytes, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let first = left.split_to(1);
        Some((Ok::<_, Infallible>(first), left))
    }))
}
