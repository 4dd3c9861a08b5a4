//! The one way out to the network. Whatever leaves the process for a CRM passes [`Broker::send`], in the order that stands there.
//!
//! Nothing here looks at who made a connector or what it is called: only the manifest, the tenant's grant, the operator's ceiling and carve-outs count, and they are asked anew for every request.

mod body;
mod carve_out;
mod decode;
mod inject;
mod redact;
mod resolve;
mod transport;

use std::sync::Arc;
use std::time::Instant;

use brightsync_core::escape::escape;
use brightsync_core::grant::{CarveOut, Ceiling};
use brightsync_core::manifest::RecipeKind;
use brightsync_core::policy::{Credential, Permit, Policy};
use brightsync_core::request::{self, Ask, Base, Caps, Reserved};
use brightsync_core::response;
use url::Url;

use self::carve_out::CarveOuts;
use self::redact::{Found, Redaction};
pub use self::resolve::{Resolve, SystemResolver};
pub use self::transport::TlsError;
use self::transport::{Transports, Wire};
use crate::connection::ConnectionKey;
use crate::report::{Allowance, Exchange};
use crate::store::Call;

/// The guarded way out.
pub(crate) struct Broker {
    ceiling: Ceiling,
    carve_outs: CarveOuts,
    found: Found,
    transports: Transports,
}

/// Whether requests are made.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mode {
    /// They are.
    #[default]
    Live,
    /// Only those that change nothing; the others are written down here instead.
    DryRun(Arc<std::sync::Mutex<Vec<PlannedRequest>>>),
}

/// A request that a dry run did not send.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PlannedRequest {
    /// The method.
    pub method: String,
    /// The whole address, without anything that the host adds.
    pub url: String,
    /// The connector's headers.
    pub headers: Vec<(String, String)>,
    /// The body, if it is text; its size in bytes otherwise.
    pub body: Option<String>,
}

/// A request as a connector asks for it.
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeatable: bool,
}

/// An answer as a connector may see it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer. The texts are stable codes: what a guest may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Denied(String),
    NotSent(&'static str),
    NoAnswer(&'static str),
    TooLarge,
    Credential,
    Other(&'static str),
}

impl Broker {
    pub(crate) fn new(
        ceiling: Ceiling,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, transport::TlsError> {
        Ok(Self {
            ceiling,
            carve_outs: CarveOuts::default(),
            found: Found::default(),
            transports: Transports::new(resolver)?,
        })
    }

    /// Lets one connection reach one private address or plain `http` server.
    pub(crate) fn carve_out(&self, connection: ConnectionKey, carve_out: CarveOut) {
        self.carve_outs.add(connection, carve_out);
    }

    /// Forgets a connection: its carve-outs, its pooled network connections and what was found in its answers.
    pub(crate) fn forget(&self, connection: &ConnectionKey) {
        self.carve_outs.forget(connection);
        self.found.forget(connection);
        self.transports.forget(connection);
    }

    /// Begins anew to count in how many answers of a connection its secrets were found.
    pub(crate) fn forgive(&self, connection: &ConnectionKey) {
        self.found.forget(connection);
    }

    /// Makes one request for a connector, and reports it whatever comes of it.
    pub(crate) async fn send(&self, call: &Call, outgoing: Outgoing) -> Result<Answer, Failure> {
        let started = Instant::now();
        let mut exchange = Exchange::of(&outgoing);
        // The call's own budget comes first, so that refusals are bounded like everything else.
        let limits = &call.shared.limits;
        match call
            .meter
            .allow(limits.requests, limits.bytes_out, exchange.bytes_out)
        {
            Allowance::Granted => {}
            Allowance::TooManyRequests => {
                return Err(Failure::Denied("too-many-requests".to_owned()));
            }
            Allowance::TooManyBytes => return Err(Failure::Denied("too-many-bytes".to_owned())),
        }
        let result = self.carry_out(call, outgoing, &mut exchange).await;
        exchange.took = started.elapsed();
        match &result {
            Ok(answer) => exchange.bytes_in = u64::try_from(answer.body.len()).unwrap_or(u64::MAX),
            Err(failure) => exchange.failure = Some(failure.code().to_owned()),
        }
        exchange.clean(call);
        call.meter.request(exchange);
        result
    }

    /// The order of design: each step may end it, none is skipped.
    async fn carry_out(
        &self,
        call: &Call,
        outgoing: Outgoing,
        exchange: &mut Exchange,
    ) -> Result<Answer, Failure> {
        // What was suspended while the call ran sends nothing more.
        if call.shared.suspended(&call.link).is_some() {
            return Err(Failure::Denied("suspended".to_owned()));
        }

        // Refuse what a guest must not set, in an address that is read once: what is checked is what is dialled.
        let manifest = call.connector.manifest();
        let base = manifest
            .base()
            .expand(&call.settings)
            .map_err(|problem| deny(call, "base", &problem))?;
        let base = Base::parse(base.as_str()).map_err(|fault| deny(call, fault.code(), &fault))?;
        let body_length = outgoing.body.as_ref().map(Vec::len);
        let ask = Ask {
            method: &outgoing.method,
            url: &outgoing.url,
            headers: &outgoing.headers,
            body_len: body_length,
        };
        let checked = with_reserved(call, |reserved| {
            request::check(ask, &base, reserved, &Caps::default())
        })
        .map_err(|fault| deny(call, fault.code(), &fault))?;
        exchange.read(&checked.url);
        exchange.clean(call);

        // Policy: manifest, tenant, operator.
        let permit = self.permit(call, &checked.url)?;

        let changes = !outgoing.repeatable && !checked.method.is_safe();
        if changes && let Mode::DryRun(planned) = &call.mode {
            plan(planned, &checked, outgoing.body);
            return Err(Failure::Denied("dry-run".to_owned()));
        }

        // Quota belongs here: a request waits for its turn before it carries a secret.

        // Log, before any secret is in it.
        tracing::debug!(
            call = %call.id,
            connection = %call.link.key,
            method = checked.method.as_str(),
            origin = %permit.origin,
            path = %exchange.path,
            bytes = exchange.bytes_out,
            "request"
        );

        // Inject the credential, if this place is in its audience.
        let wire = Wire {
            method: checked.method,
            url: checked.url.clone(),
            headers: checked.headers,
            body: outgoing.body,
        };
        let ready = match &permit.credential {
            Credential::Allowed => inject::inject(wire, call)?,
            Credential::Withheld(_) | Credential::None => wire.ready()?,
        };

        // Dial exactly what was checked. Retry belongs around this: only what is safe to repeat.
        let transport = self
            .transports
            .get(&call.link, &permit)
            .map_err(|problem| {
                tracing::error!(call = %call.id, %problem, "no transport");
                Failure::NotSent("transport")
            })?;
        // From here until the whole answer is here, a write is in doubt, however this ends.
        let write = changes.then(|| call.meter.write());
        let mut response = transport.send(ready).await.inspect_err(|failure| {
            if let (Failure::NotSent(_) | Failure::Denied(_), Some(write)) = (failure, &write) {
                write.not_sent();
            }
            tracing::debug!(call = %call.id, origin = %permit.origin, code = failure.code(), "no answer");
        })?;
        exchange.status = Some(response.status());

        // Unpack, cap the size, and redact, before a byte is passed on.
        let shown = response::Allowed::default().filter(
            response.headers(),
            &checked.url,
            &response::Caps::default(),
        );
        let mut redaction = Redaction::begin(call, &checked.url);
        body::read(&mut response, call, &mut redaction).await?;
        let answer = Answer {
            status: response.status(),
            url: checked.url.into(),
            headers: shown.headers,
            body: Vec::new(),
        };
        let answer = redaction.end(answer, &self.found, exchange)?;
        if let Some(write) = write {
            write.answered();
        }
        Ok(answer)
    }

    fn permit(&self, call: &Call, url: &Url) -> Result<Permit, Failure> {
        let options = &call.link.options;
        let recipe = options.credential.as_ref().map(|it| it.recipe());
        let carve_outs = self.carve_outs.of(&call.link.key);
        let policy = Policy::resolve(
            call.connector.manifest(),
            &call.settings,
            &options.grant,
            &self.ceiling,
            &carve_outs,
            recipe,
        )
        .map_err(|problem| deny(call, "policy", &problem))?;
        policy
            .check(url)
            .map_err(|refusal| deny(call, refusal.code(), &refusal))
    }
}

impl Failure {
    /// A stable word for reports.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Denied(code) => code,
            Self::NotSent(code) | Self::NoAnswer(code) | Self::Other(code) => code,
            Self::TooLarge => "too-large",
            Self::Credential => "credential",
        }
    }
}

impl Exchange {
    fn of(outgoing: &Outgoing) -> Self {
        Self {
            method: escape(&outgoing.method, 16).into_owned(),
            origin: String::new(),
            path: String::new(),
            status: None,
            failure: None,
            bytes_out: u64::try_from(outgoing.body.as_ref().map_or(0, Vec::len))
                .unwrap_or(u64::MAX),
            bytes_in: 0,
            redactions: 0,
            took: std::time::Duration::ZERO,
        }
    }

    fn read(&mut self, url: &Url) {
        self.origin = url.origin().ascii_serialization();
        self.path = escape(url.path(), 256).into_owned();
    }
}

/// Calls with the names that only the host may set on this connection: those that its recipe injects.
fn with_reserved<T>(call: &Call, check: impl FnOnce(&Reserved<'_>) -> T) -> T {
    let recipes = call.connector.manifest().recipes();
    let credential = call.link.options.credential.as_ref();
    let kind = credential
        .and_then(|it| recipes.get(it.recipe()))
        .map(|it| it.kind());
    match kind {
        Some(RecipeKind::Header { header }) => check(&Reserved {
            headers: &[header.as_str()],
            parameters: &[],
        }),
        Some(RecipeKind::Query { parameter }) => check(&Reserved {
            headers: &[],
            parameters: &[parameter.as_str()],
        }),
        Some(RecipeKind::Bearer | RecipeKind::Basic) | None => check(&Reserved::default()),
    }
}

/// Tells the operator what was refused and what would permit it; the guest gets the code.
fn deny(call: &Call, code: &str, why: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(
        call = %call.id,
        connection = %call.link.key,
        connector = %call.link.options.connector,
        code,
        why = %escape(&call.redactor.text(&why.to_string()).text, 1024),
        "request denied"
    );
    Failure::Denied(code.to_owned())
}

fn plan(
    planned: &std::sync::Mutex<Vec<PlannedRequest>>,
    checked: &request::Checked,
    body: Option<Vec<u8>>,
) {
    let body = body.map(|bytes| {
        String::from_utf8(bytes)
            .unwrap_or_else(|error| format!("({} bytes)", error.as_bytes().len()))
    });
    let mut planned = planned
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    planned.push(PlannedRequest {
        method: checked.method.as_str().to_owned(),
        url: checked.url.to_string(),
        headers: checked.headers.clone(),
        body,
    });
}
