//! The one way out to the network. Whatever leaves the process for a CRM passes [`Broker::send`].
//!
//! The order of design has three rings, each a function below: outside the hops of redirects (`follow`), each of which passes everything again; inside a hop, once it is permitted (`admit`), the attempts of retry (`repeat`); and in each attempt (`attempt`) what makes a request of it: quota, log, credential, dial, cap.
//!
//! Nothing here looks at who made a connector or what it is called: only the manifest, the tenant's grant, the operator's ceiling and carve-outs count, and they are asked anew for every request.

mod body;
mod breaker;
mod carve_out;
mod dry_run;
mod inject;
mod quota;
mod redact;
mod resolve;
mod retry;
mod step;
mod transport;

use std::sync::Arc;
use std::time::{Duration, Instant};

use brightsync_core::address::Nat64;
use brightsync_core::escape::escape;
use brightsync_core::grant::{CarveOut, Ceiling};
use brightsync_core::manifest::RecipeKind;
use brightsync_core::policy::{Credential, Permit, Policy};
use brightsync_core::redirect::Trail;
use brightsync_core::request::{self, Base, Caps, Reserved};
use brightsync_core::response;
use brightsync_core::retry::{Meaning, Options};
use bytes::Bytes;
use url::Url;

use self::carve_out::CarveOuts;
pub(crate) use self::dry_run::Mode;
pub use self::dry_run::PlannedRequest;
pub use self::quota::Quota;
pub(crate) use self::quota::Quotas;
use self::redact::{Found, Redaction};
pub use self::resolve::{Resolve, SystemResolver};
use self::retry::{Attempts, Retries};
use self::step::{Hop, Step};
pub use self::transport::TlsError;
use self::transport::Transports;
use crate::connection::ConnectionKey;
use crate::report::{Allowance, Exchange};
use crate::store::Call;

/// The guarded way out.
pub(crate) struct Broker {
    ceiling: Ceiling,
    nat64: Arc<[Nat64]>,
    carve_outs: CarveOuts,
    found: Found,
    transports: Transports,
    retries: Retries,
    pub(crate) quotas: Quotas,
}

/// A request as a connector asks for it.
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) repeatable: bool,
    pub(crate) cost: Option<u32>,
    pub(crate) bucket: Option<String>,
}

/// An answer as a connector may see it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What came back from one attempt, with what only the host may know of it.
struct Reply {
    answer: Answer,
    meaning: Meaning,
    wait: Option<Duration>,
    locations: Vec<Vec<u8>>,
}

/// Why there is no answer. The texts are stable codes: what a guest may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Denied(String),
    NotSent(&'static str),
    NoAnswer(&'static str),
    TooLarge,
    Credential,
    /// Over the CRM's limits, and for how long if that is known.
    Limited(Option<Duration>),
    Other(&'static str),
}

impl Broker {
    pub(crate) fn new(
        ceiling: Ceiling,
        nat64: Arc<[Nat64]>,
        resolver: Arc<dyn Resolve>,
        retries: Options,
    ) -> Result<Self, transport::TlsError> {
        Ok(Self {
            ceiling,
            carve_outs: CarveOuts::default(),
            found: Found::default(),
            transports: Transports::new(resolver, nat64.clone())?,
            nat64,
            retries: Retries::new(retries),
            quotas: Quotas::new(),
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

    /// Makes one request for a connector. Each attempt of each hop is in the call's report, whatever comes of it.
    pub(crate) async fn send(&self, call: &Call, outgoing: Outgoing) -> Result<Answer, Failure> {
        let step = Step::first(call, outgoing);
        self.follow(call, step).await
    }

    /// Goes where the answers point, as far as that does no harm.
    async fn follow(&self, call: &Call, mut step: Step) -> Result<Answer, Failure> {
        let mut trail = Trail::new(call.shared.limits.redirects);
        // The answer to a write, once its result is only being read: whatever becomes of that, the write was answered.
        let mut written = None;
        loop {
            let (reply, hop) = match self.hop(call, &step).await {
                Ok(answered) => answered,
                Err(failure) => return written.ok_or(failure),
            };
            let locations = reply.locations.iter().map(Vec::as_slice);
            let next = with_reserved(call, |reserved| {
                trail.follow(hop.asked(), reply.answer.status, locations, reserved)
            });
            match next {
                Ok(None) => return Ok(reply.answer),
                Ok(Some(next)) => {
                    if hop.changes && next.method.is_safe() {
                        written = Some(reply.answer);
                    }
                    step = step.to(next);
                }
                Err(fault) => {
                    let denied = deny(call, fault.code(), &fault);
                    return if hop.changes {
                        Ok(reply.answer)
                    } else {
                        written.ok_or(denied)
                    };
                }
            }
        }
    }

    /// Permits a request, and makes it.
    async fn hop(&self, call: &Call, step: &Step) -> Result<(Reply, Hop), Failure> {
        // The call's own budget comes first, so that refusals are bounded like everything else.
        let mut exchange = Exchange::of(step);
        budget(call, exchange.bytes_out)?;
        let started = Instant::now();
        match self.admit(call, step, &mut exchange) {
            Ok(hop) => Ok((self.repeat(call, &hop, &exchange).await?, hop)),
            Err(failure) => {
                call.meter
                    .request(exchange.ended(call, started, Err(&failure)));
                Err(failure)
            }
        }
    }

    /// Retry, around all that follows: makes a permitted request as often as is safe and of use.
    async fn repeat(&self, call: &Call, hop: &Hop, line: &Exchange) -> Result<Reply, Failure> {
        let mut attempts = self.retries.begin(call, hop);
        loop {
            let (mut exchange, started) = (line.clone(), Instant::now());
            let result = match attempts.enter() {
                Ok(()) => self.attempt(call, hop, &mut attempts, &mut exchange).await,
                Err(failure) => Err(failure),
            };
            let told = result.as_ref().map(|reply| reply.answer.body.len());
            call.meter.request(exchange.ended(call, started, told));
            if let Some(result) = attempts.next(result, started.elapsed()).await {
                return result;
            }
        }
    }

    /// Whether there is to be such a request at all.
    fn admit(&self, call: &Call, step: &Step, exchange: &mut Exchange) -> Result<Hop, Failure> {
        // Refuse what a guest must not set, in an address that is read once: what is checked is what is dialled.
        let manifest = call.connector.manifest();
        let base = manifest
            .base()
            .expand(&call.settings)
            .map_err(|problem| deny(call, "base", &problem))?;
        let base = Base::parse(base.as_str()).map_err(|fault| deny(call, fault.code(), &fault))?;
        let checked = with_reserved(call, |reserved| {
            request::check(step.ask(), &base, reserved, &Caps::default())
        })
        .map_err(|fault| deny(call, fault.code(), &fault))?;
        exchange.read(&checked.url);
        exchange.clean(call);

        // Policy: manifest, tenant, operator.
        let permit = self.permit(call, &checked.url)?;

        let hop = Hop::new(checked, permit, step);
        if hop.changes
            && let Mode::DryRun(planned) = &call.mode
        {
            dry_run::plan(planned, &hop);
            return Err(Failure::Denied("dry-run".to_owned()));
        }
        Ok(hop)
    }

    /// Makes a permitted request once.
    async fn attempt(
        &self,
        call: &Call,
        hop: &Hop,
        attempts: &mut Attempts<'_>,
        exchange: &mut Exchange,
    ) -> Result<Reply, Failure> {
        // What was suspended while the call ran sends nothing more.
        if call.shared.suspended(&call.link).is_some() {
            return Err(Failure::Denied("suspended".to_owned()));
        }
        let permit = &hop.permit;
        if attempts.has_waited() {
            // In the meantime the operator may have taken the leave back.
            self.permit(call, &hop.checked.url)?;
        }

        // Quota: wait for a turn, before there is a secret in the request. It is over when this goes.
        let turn = self
            .quotas
            .turn(call, &permit.origin, hop.bucket.as_deref(), hop.cost)
            .await?;

        // Log, before any secret is in it.
        tracing::debug!(
            call = %call.id,
            connection = %call.link.key,
            method = hop.checked.method.as_str(),
            origin = %permit.origin,
            path = %exchange.path,
            bytes = exchange.bytes_out,
            "request"
        );

        // Inject the credential, if this place is in its audience.
        let wire = hop.wire(call);
        let ready = match &permit.credential {
            Credential::Allowed => inject::inject(wire, call)?,
            Credential::Withheld(_) | Credential::None => wire.ready()?,
        };

        // Dial exactly what was checked.
        let transport = self.transports.get(&call.link, permit).map_err(|problem| {
            tracing::error!(call = %call.id, %problem, "no transport");
            Failure::NotSent("transport")
        })?;
        // From here until the whole answer is here, a write is in doubt, however this ends.
        attempts.leave();
        let mut response = transport.send(ready).await.inspect_err(|failure| {
            tracing::debug!(call = %call.id, origin = %permit.origin, code = failure.code(), "no answer");
        })?;
        exchange.status = Some(response.status());

        // Unpack, cap the size, and redact, before a byte is passed on.
        let shown = response::Allowed::default().filter(
            response.headers(),
            &hop.checked.url,
            &response::Caps::default(),
        );
        let mut redaction = Redaction::begin(call, &hop.checked.url);
        let read = body::read(&mut response, call, &mut redaction).await;
        let answer = Answer {
            status: response.status(),
            url: hop.checked.url.clone().into(),
            headers: shown.headers,
            body: Vec::new(),
        };
        let answer = read.and_then(|()| redaction.end(answer, &self.found, exchange));

        // What the answer means: for retry, and, of the CRM's limits, for all who share them. No rule of a manifest sees a secret.
        let seen = answer.as_ref().map_or(&[][..], |it| &it.body);
        let headers = redact::headers(call, &response);
        let (meaning, wait) = turn.answered(call, response.status(), &headers, seen);
        Ok(Reply {
            meaning,
            wait,
            locations: response.all("location"),
            answer: answer?,
        })
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
            .behind(&self.nat64)
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
            Self::Limited(_) => "limited",
        }
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

/// Asks the call's own budget for one more request.
fn budget(call: &Call, bytes_out: u64) -> Result<(), Failure> {
    let limits = &call.shared.limits;
    match call
        .meter
        .allow(limits.requests, limits.bytes_out, bytes_out)
    {
        Allowance::Granted => Ok(()),
        Allowance::TooManyRequests => Err(Failure::Denied("too-many-requests".to_owned())),
        Allowance::TooManyBytes => Err(Failure::Denied("too-many-bytes".to_owned())),
    }
}
