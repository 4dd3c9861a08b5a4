//! The audit: one line for each request, written before a secret is in it and before anything leaves the host.
//!
//! A line says who asked for what of whom and whether it was let go, in the host's words or in what policy has read: never a body, a header or
//! a query value, and of a path only what holds none of the connection's secrets. What became of the request is in the call's report.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use brightsync_core::crm::Timestamp;
use brightsync_core::manifest::Manifest;
use serde::Serialize;

use crate::broker::{Layer, Refusal};
use crate::connection::ConnectionKey;
use crate::principal::Principal;
use crate::report::{CallId, Exchange};
use crate::store::Call;

/// One line of the audit.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AuditLine {
    /// When.
    pub time: Timestamp,
    /// In which call; none for what an embedder has the host do, such as connecting an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// For whom.
    pub tenant: String,
    /// Over which of their connections.
    pub connection: String,
    /// By which connector.
    pub connector: String,
    /// And which version of it.
    pub version: String,
    /// What.
    #[serde(flatten)]
    pub event: AuditEvent,
}

/// What a line of the audit is about.
#[derive(Clone, Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
#[non_exhaustive]
pub enum AuditEvent {
    /// A request, or one attempt of it.
    Request {
        /// The method.
        method: String,
        /// Scheme, host and port; empty if the address could not be read.
        origin: String,
        /// The path without the query, with control characters made visible.
        path: String,
        /// Which attempt at the same place it is, from 1 on.
        attempt: u32,
        /// Bytes of its body.
        bytes: u64,
        /// Whether it was let go.
        decision: Decision,
        /// What of the host refused it.
        #[serde(skip_serializing_if = "Option::is_none")]
        layer: Option<Layer>,
        /// The code that the connector got.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
    },
    /// A request of the host's own, with secrets in it.
    Authentication {
        /// What for.
        purpose: Purpose,
        /// The method.
        method: String,
        /// Scheme, host and port.
        origin: String,
        /// The path without the query; empty where a secret may be a part of it.
        path: String,
        /// Whether it was let go.
        decision: Decision,
        /// What of the host refused it.
        #[serde(skip_serializing_if = "Option::is_none")]
        layer: Option<Layer>,
        /// The code of the refusal.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
    },
    /// Something secret was cut out of the answer to a request.
    Redaction {
        /// Scheme, host and port.
        origin: String,
        /// The path without the query.
        path: String,
        /// How many values were cut out by their place.
        places: u32,
        /// How often one of the connection's own secrets was.
        secrets: u32,
    },
}

/// Whether a request was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// It was: what follows is the credential and the dialling, which still refuses addresses that may not be reached.
    Permitted,
    /// It was not, and nothing has left the host.
    Refused,
}

/// What the host makes a request of its own for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Purpose {
    /// To get a token.
    Token,
    /// To open a session.
    Login,
    /// To learn whom a credential belongs to.
    Identify,
    /// To give a token back.
    Revoke,
}

/// A request of the host's own, as it may be told.
pub(crate) struct Asked {
    pub(crate) purpose: Purpose,
    pub(crate) method: &'static str,
    pub(crate) origin: String,
    pub(crate) path: String,
}

/// Where the lines go.
#[derive(Clone, Default)]
pub(crate) struct Audit(Option<Sink>);

type Sink = Arc<dyn Fn(&AuditLine) -> io::Result<()> + Send + Sync>;

/// A line is not in the audit; why, is in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unwritten;

impl Audit {
    pub(crate) fn to(sink: impl Fn(&AuditLine) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sink)))
    }

    /// Writes that a request is let go.
    pub(crate) fn permitted(&self, call: &Call, line: &Exchange) -> Result<(), Unwritten> {
        self.write(&Author::of(call), || {
            request(line, Decision::Permitted, None)
        })
    }

    /// Writes that one is not. It goes nowhere, so it stays refused if that cannot be written.
    pub(crate) fn refused(&self, call: &Call, line: &Exchange, refusal: Refusal) {
        let _in_the_log = self.write(&Author::of(call), || {
            request(line, Decision::Refused, Some(refusal))
        });
    }

    /// Writes that something was cut out of an answer.
    pub(crate) fn redacted(&self, call: &Call, line: &Exchange, places: u32, secrets: u32) {
        let _in_the_log = self.write(&Author::of(call), || AuditEvent::Redaction {
            origin: line.origin.clone(),
            path: line.path.clone(),
            places,
            secrets,
        });
    }

    /// Writes that a request of the host's own is let go, or is not.
    pub(crate) fn authenticated(
        &self,
        who: &Principal,
        asked: &Asked,
        refusal: Option<Refusal>,
    ) -> Result<(), Unwritten> {
        let author = Author {
            time: who.now(),
            call: who.call,
            key: &who.key,
            manifest: who.manifest(),
        };
        self.write(&author, || AuditEvent::Authentication {
            purpose: asked.purpose,
            method: asked.method.to_owned(),
            origin: asked.origin.clone(),
            path: asked.path.clone(),
            decision: match refusal {
                None => Decision::Permitted,
                Some(_) => Decision::Refused,
            },
            layer: refusal.map(|it| it.layer),
            code: refusal.map(|it| it.code),
        })
    }

    fn write(
        &self,
        author: &Author<'_>,
        event: impl FnOnce() -> AuditEvent,
    ) -> Result<(), Unwritten> {
        let Some(sink) = &self.0 else {
            return Ok(());
        };
        let line = AuditLine {
            time: author.time,
            call: author.call,
            tenant: author.key.tenant().to_owned(),
            connection: author.key.name().to_owned(),
            connector: author.manifest.name().to_string(),
            version: author.manifest.version().to_string(),
            event: event(),
        };
        let problem = match catch_unwind(AssertUnwindSafe(|| sink(&line))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(problem)) => problem.to_string(),
            Err(_panic) => "it panicked".to_owned(),
        };
        tracing::error!(connection = %author.key, %problem, "the audit cannot be written");
        Err(Unwritten)
    }
}

/// Whose deed a line is about.
struct Author<'a> {
    time: Timestamp,
    call: Option<CallId>,
    key: &'a ConnectionKey,
    manifest: &'a Manifest,
}

impl<'a> Author<'a> {
    fn of(call: &'a Call) -> Self {
        Self {
            time: (call.shared.clock)(),
            call: Some(call.id),
            key: &call.link.key,
            manifest: call.connector.manifest(),
        }
    }
}

impl Purpose {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Login => "login",
            Self::Identify => "identify",
            Self::Revoke => "revoke",
        }
    }
}

fn request(line: &Exchange, decision: Decision, refusal: Option<Refusal>) -> AuditEvent {
    AuditEvent::Request {
        method: line.method.clone(),
        origin: line.origin.clone(),
        path: line.path.clone(),
        attempt: line.attempt,
        bytes: line.bytes_out,
        decision,
        layer: refusal.map(|it| it.layer),
        code: refusal.map(|it| it.code),
    }
}
