//! One request on its way through redirects: as it is asked for, and as it may leave.

use std::time::{Duration, Instant};

use brightsync_core::escape::escape;
use brightsync_core::policy::Permit;
use brightsync_core::redirect::{Asked, Next};
use brightsync_core::request::{Ask, Checked};
use brightsync_core::retry::Repeatable;
use brightsync_core::rule::Rule;
use bytes::Bytes;
use url::Url;

use super::transport::Wire;
use super::{Failure, Outgoing};
use crate::report::Exchange;
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
        let body = step.outgoing.body.as_ref().map_or(0, Bytes::len);
        Self {
            method: escape(&step.outgoing.method, 16).into_owned(),
            origin: String::new(),
            path: String::new(),
            status: None,
            failure: None,
            bytes_out: u64::try_from(body).unwrap_or(u64::MAX),
            bytes_in: 0,
            redactions: 0,
            took: Duration::ZERO,
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
            Err(failure) => self.failure = Some(failure.code().to_owned()),
        }
        self.clean(call);
        self
    }
}

/// A key that no other request has, in the form of a random UUID (RFC 9562, section 5.4), which every CRM that takes keys takes.
fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}
