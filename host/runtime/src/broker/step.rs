//! One request on its way through redirects: as it is asked for, and as it may leave.

use std::time::Instant;

use brightsync_core::escape::escape;
use brightsync_core::policy::Permit;
use brightsync_core::redirect::{Asked, Next};
use brightsync_core::request::{Ask, Checked};
use brightsync_core::retry::Repeatable;
use brightsync_core::rule::Rule;
use bytes::Bytes;
use tracing::Span;
use tracing::field::Empty;
use url::Url;

use super::transport::Wire;
use super::{Failure, Outgoing};
use crate::report::{Exchange, Stages, as_micros};
use crate::store::Call;

/// A request as somebody asks for it: the connector first, then the answers that point elsewhere.
pub(super) struct Step {
    outgoing: Outgoing,
    // By which the CRM knows the request again, on all of its way.
    key: Option<String>,
}

/// A request that is permitted.
pub(super) struct Hop {
    pub(super) checked: Checked,
    pub(super) permit: Permit,
    pub(super) body: Option<Bytes>,
    /// Whether it may change something.
    pub(super) changes: bool,
    pub(super) repeatable: Repeatable,
    /// Which of the CRM's limits it counts against, and how much, by the connector's word.
    pub(super) bucket: Option<String>,
    pub(super) cost: Option<u32>,
    key: Option<String>,
}

impl Step {
    /// The request of a connector. If the CRM knows repeated requests by a key, it has one: the connector's, or else a new one.
    pub(super) fn first(call: &Call, outgoing: Outgoing) -> Self {
        let key = call.connector.manifest().idempotency_header().map(|name| {
            let mut headers = outgoing.headers.iter();
            headers
                .find(|(it, _)| it.eq_ignore_ascii_case(name.as_str()))
                .map_or_else(new_key, |(_, value)| value.clone())
        });
        Self { outgoing, key }
    }

    /// The request that follows a redirect.
    pub(super) fn to(self, next: Next) -> Self {
        let Outgoing {
            headers,
            body,
            repeatable,
            cost,
            bucket,
            ..
        } = self.outgoing;
        let body = body.filter(|_| next.keeps_body);
        let describes_body =
            |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
        let headers = headers
            .into_iter()
            .filter(|it| !Rule::RedirectHeaders.refuses(body.is_none() || !describes_body(it)))
            .collect();
        Self {
            outgoing: Outgoing {
                method: next.method.as_str().to_owned(),
                url: next.url.into(),
                headers,
                body,
                repeatable,
                cost,
                bucket,
            },
            key: self.key,
        }
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        Ask {
            method: &self.outgoing.method,
            url: &self.outgoing.url,
            headers: &self.outgoing.headers,
            body_len: self.outgoing.body.as_ref().map(Bytes::len),
        }
    }
}

impl Hop {
    pub(super) fn new(checked: Checked, permit: Permit, step: &Step) -> Self {
        let (method, is_marked) = (checked.method, step.outgoing.repeatable);
        let changes = !is_marked && !method.is_safe();
        // What is repeatable anyway needs no key, and a CRM may refuse one there.
        let key = step
            .key
            .clone()
            .filter(|_| changes && !method.is_idempotent());
        Self {
            repeatable: Repeatable::of(method, &checked.headers, is_marked, key.is_some()),
            body: step.outgoing.body.clone(),
            bucket: step.outgoing.bucket.clone(),
            cost: step.outgoing.cost,
            checked,
            permit,
            changes,
            key,
        }
    }

    /// The request as the decision about redirects sees it.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            method: self.checked.method,
            url: &self.checked.url,
            is_repeatable: self.repeatable == Repeatable::Yes,
        }
    }

    /// The request to be made, the same for each attempt.
    pub(super) fn wire(&self, call: &Call) -> Wire {
        let mut headers = self.checked.headers.clone();
        let name = call.connector.manifest().idempotency_header();
        if let (Some(name), Some(key)) = (name, &self.key) {
            headers.retain(|(it, _)| it != name.as_str());
            headers.push((name.as_str().to_owned(), key.clone()));
        }
        Wire {
            method: self.checked.method,
            url: self.checked.url.clone(),
            headers,
            body: self.body.clone(),
        }
    }
}

impl Exchange {
    /// A line about a request that has not been read yet.
    pub(super) fn of(step: &Step) -> Self {
        Self {
            method: escape(&step.outgoing.method, 16).into_owned(),
            bytes_out: length(step.outgoing.body.as_ref()),
            attempt: 1,
            ..Self::default()
        }
    }

    /// A line about the place that a permitted request is for.
    pub(super) fn at(call: &Call, hop: &Hop) -> Self {
        let mut line = Self {
            method: hop.checked.method.as_str().to_owned(),
            bytes_out: length(hop.body.as_ref()),
            attempt: 1,
            ..Self::default()
        };
        line.read(&hop.checked.url);
        line.clean(call);
        line
    }

    /// The line for the next attempt.
    pub(super) fn again(&self) -> Self {
        Self {
            attempt: self.attempt.saturating_add(1),
            stages: Stages::default(),
            ..self.clone()
        }
    }

    pub(super) fn read(&mut self, url: &Url) {
        self.origin = url.origin().ascii_serialization();
        self.path = escape(url.path(), 256).into_owned();
    }

    /// The line when the request has ended: with a body of so many bytes, or not. No secret is in it.
    pub(super) fn ended(
        mut self,
        call: &Call,
        started: Instant,
        end: Result<usize, &Failure>,
    ) -> Self {
        self.took = started.elapsed();
        match end {
            Ok(length) => self.bytes_in = u64::try_from(length).unwrap_or(u64::MAX),
            Err(failure) => self.failure = Some(failure.code()),
        }
        self.clean(call);
        self
    }

    /// A span for the request, in which nothing is that could hold a secret. What comes of it is recorded later.
    pub(super) fn span(&self, call: &Call) -> Span {
        tracing::info_span!(
            "request",
            call = %call.id,
            method = self.method.as_str(),
            origin = self.origin.as_str(),
            path = self.path.as_str(),
            attempt = self.attempt,
            status = Empty,
            failure = Empty,
            policy = Empty,
            quota = Empty,
            inject = Empty,
            resolve = Empty,
            connect = Empty,
            "first-byte" = Empty,
            body = Empty,
            redact = Empty,
        )
    }

    /// Records what has come of the request, and how many microseconds it was in each stage.
    pub(super) fn record(&self, span: &Span) {
        span.record("status", self.status);
        span.record("failure", self.failure);
        for (stage, time) in self.stages.iter() {
            span.record(stage.name(), as_micros(time));
        }
    }
}

fn length(body: Option<&Bytes>) -> u64 {
    u64::try_from(body.map_or(0, Bytes::len)).unwrap_or(u64::MAX)
}

/// A key that no other request has, in the form of a random UUID (RFC 9562, section 5.4), which every CRM that takes keys takes.
fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}
