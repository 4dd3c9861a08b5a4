//! The one way out to the network. Whatever leaves the process for a CRM passes [`Broker::send`].
//!
//! The order of design has three rings, each a function below: outside the hops of redirects (`follow`), each of which passes everything again; inside a hop, once it is permitted (`admit`), the attempts of retry (`repeat`); and in each attempt (`attempt`) what makes a request of it: quota, log, credential, dial, cap.
//!
//! Nothing here looks at who made a connector or what it is called: only the manifest, the tenant's grant, the operator's ceiling and carve-outs count, and they are asked anew for every request.

mod body;
mod breaker;
mod carve_out;
mod dial;
mod dry_run;
mod exchange;
mod failure;
mod inject;
mod quota;
mod redact;
mod resolve;
mod retry;
mod sockets;
mod step;
mod transport;
mod underway;

use std::sync::Arc;
use std::time::{Duration, Instant};

use brightsync_core::address::Nat64;
use brightsync_core::escape::escape;
use brightsync_core::grant::{CarveOut, Ceiling};
use brightsync_core::manifest::{Carrier, CarrierPlace, Recipe};
use brightsync_core::policy::{Credential, Permit, Policy};
use brightsync_core::redirect::Trail;
use brightsync_core::request::{self, Base, Caps, Method, Reserved};
use brightsync_core::response;
use brightsync_core::retry::{Meaning, Options};
use brightsync_core::rule::Rule;
use bytes::Bytes;
use tracing::Instrument as _;
use url::Url;

use self::carve_out::CarveOuts;
pub(crate) use self::dry_run::Mode;
pub use self::dry_run::PlannedRequest;
pub(crate) use self::exchange::Unanswered;
pub use self::failure::Layer;
use self::failure::SUSPENDED;
pub(crate) use self::failure::{Failure, Refusal};
pub use self::quota::Quota;
pub(crate) use self::quota::Quotas;
use self::quota::Turn;
use self::redact::{Found, Redaction};
pub use self::resolve::{Resolve, SystemResolver};
use self::retry::{Attempts, Retries};
pub(crate) use self::sockets::Sockets;
use self::step::{Hop, Step};
pub use self::transport::TlsError;
use self::transport::Transports;
use self::underway::Underway;
use crate::audit::Unwritten;
use crate::connection::ConnectionKey;
use crate::limits::Limits;
use crate::report::{Allowance, Exchange, Stage};
use crate::slots::{Slot, Slots};
use crate::store::Call;

/// The guarded way out.
pub(crate) struct Broker {
    ceiling: Ceiling,
    nat64: Arc<[Nat64]>,
    carve_outs: CarveOuts,
    found: Found,
    transports: Transports,
    sockets: Slots,
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

impl Broker {
    pub(crate) fn new(
        ceiling: Ceiling,
        nat64: Arc<[Nat64]>,
        resolver: Arc<dyn Resolve>,
        retries: Options,
        limits: &Limits,
        sockets: Sockets,
    ) -> Result<Self, transport::TlsError> {
        Ok(Self {
            ceiling,
            carve_outs: CarveOuts::default(),
            found: Found::default(),
            transports: Transports::new(resolver, nat64.clone(), sockets.transports())?,
            sockets: Slots::new(sockets.in_use(), limits.socket_wait),
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

    /// How many servers are left alone because they fail, by the state of their breakers.
    pub(crate) fn breakers(&self) -> [(&'static str, usize); 2] {
        self.retries.breakers().standing()
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
                    let denied = deny(call, Layer::Redirect, fault.code(), &fault);
                    // Where it points to stays out of the audit: an answer may have put anything there.
                    refuse(call, &Exchange::at(call, &hop), &denied);
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
        let started = Instant::now();
        let mut exchange = Exchange::of(step);
        // The call's own budget comes first, so that refusals are bounded like everything else.
        if let Err(failure) = budget(call, exchange.bytes_out) {
            exchange.clean(call);
            refuse(call, &exchange, &failure);
            return Err(failure);
        }
        let admitted = self.admit(call, step, &mut exchange);
        exchange.stages.since(Stage::Policy, started);
        match admitted {
            Ok(hop) => Ok((self.repeat(call, &hop, exchange, started).await?, hop)),
            Err(failure) => {
                let line = exchange.ended(call, started, Err(&failure));
                refuse(call, &line, &failure);
                line.record(&line.span(call));
                call.meter.request(line);
                Err(failure)
            }
        }
    }

    /// Retry, around all that follows: makes a permitted request as often as is safe and of use.
    async fn repeat(
        &self,
        call: &Call,
        hop: &Hop,
        first: Exchange,
        began: Instant,
    ) -> Result<Reply, Failure> {
        let mut attempts = self.retries.begin(call, hop);
        let (mut line, mut started) = (first, began);
        loop {
            let again = line.again();
            let mut underway = Underway::begin(call, line, started);
            let span = underway.span();
            let attempt = self.once(call, hop, &mut attempts, underway.line());
            let result = attempt.instrument(span).await;
            underway.end(result.as_ref().map(|reply| reply.answer.body.len()));
            if let Some(result) = attempts.next(result, started.elapsed()).await {
                return result;
            }
            (line, started) = (again, Instant::now());
        }
    }

    /// Waits for leave to make an attempt, has the audit know whether there is, and makes it.
    async fn once(
        &self,
        call: &Call,
        hop: &Hop,
        attempts: &mut Attempts<'_>,
        exchange: &mut Exchange,
    ) -> Result<Reply, Failure> {
        let turn = match attempts.enter() {
            Ok(()) => self.turn(call, hop, attempts, exchange).await,
            Err(failure) => Err(failure),
        };
        let (turn, _socket) = turn.inspect_err(|failure| refuse(call, exchange, failure))?;
        let permitted = match call.shared.audit.permitted(call, exchange) {
            Ok(()) => self.attempt(call, hop, turn, attempts, exchange).await,
            Err(Unwritten) => Err(Failure::denied(Layer::Audit, "audit")),
        };
        permitted.inspect_err(|failure| {
            if let Some(refusal) = failure.refusal() {
                call.meter.refusal(refusal);
            }
        })
    }

    /// Whether there is to be such a request at all.
    fn admit(&self, call: &Call, step: &Step, exchange: &mut Exchange) -> Result<Hop, Failure> {
        // Refuse what a guest must not set, in an address that is read once: what is checked is what is dialled.
        let manifest = call.connector.manifest();
        let base = manifest
            .base()
            .expand(&call.settings)
            .map_err(|problem| deny(call, Layer::Manifest, "base", &problem))?;
        let base = Base::parse(base.as_str())
            .map_err(|fault| deny(call, Layer::Address, fault.code(), &fault))?;
        let checked = with_reserved(call, |reserved| {
            request::check(step.ask(), &base, reserved, &Caps::default())
        })
        .map_err(|fault| deny(call, Layer::Request, fault.code(), &fault))?;
        exchange.read(&checked.url);
        exchange.clean(call);

        // Policy: manifest, tenant, operator.
        let permit = self.permit(call, checked.method, &checked.url)?;

        let hop = Hop::new(checked, permit, step);
        if hop.changes
            && let Mode::DryRun(planned) = &call.mode
        {
            dry_run::plan(planned, &hop);
            return Err(Failure::denied(Layer::DryRun, "dry-run"));
        }
        Ok(hop)
    }

    /// Waits until a permitted request may leave, before there is a secret in it.
    async fn turn(
        &self,
        call: &Call,
        hop: &Hop,
        attempts: &Attempts<'_>,
        exchange: &mut Exchange,
    ) -> Result<(Turn, Slot), Failure> {
        // What was suspended while the call ran sends nothing more.
        if call
            .shared
            .suspended(&call.link.key, &call.link.options.connector)
            .is_some()
        {
            return Err(Failure::denied(Layer::Suspension, SUSPENDED));
        }
        if attempts.has_waited() {
            // In the meantime the operator may have taken the leave back.
            let asking = Instant::now();
            self.permit(call, hop.checked.method, &hop.checked.url)?;
            exchange.stages.since(Stage::Policy, asking);
        }
        // Quota. The turn is over when this goes.
        let waiting = Instant::now();
        let origin = &hop.permit.origin;
        let turn = self
            .quotas
            .turn(call, origin, hop.bucket.as_deref(), hop.cost);
        let turn = turn.await;
        exchange.stages.since(Stage::Quota, waiting);
        let turn = turn?;
        // A network connection, of those that the tenant may have; it is another's when this goes.
        let socket = self.sockets.take(call.link.key.tenant());
        Ok((turn, socket.await.ok_or(Failure::Busy)?))
    }

    /// Makes a permitted request once, when it is its turn.
    async fn attempt(
        &self,
        call: &Call,
        hop: &Hop,
        turn: Turn,
        attempts: &mut Attempts<'_>,
        exchange: &mut Exchange,
    ) -> Result<Reply, Failure> {
        let permit = &hop.permit;

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
        let injecting = Instant::now();
        let wire = hop.wire(call);
        let (ready, redactor) = match &permit.credential {
            Credential::Allowed => {
                let injected = inject::inject(wire, call).await?;
                attempts.sent_with(injected.held);
                (injected.ready, injected.redactor)
            }
            Credential::Withheld(_) | Credential::None => (wire.ready()?, call.redactor()),
        };
        exchange.stages.since(Stage::Inject, injecting);

        // Dial exactly what was checked.
        let limits = &call.shared.limits;
        let transport = self
            .transports
            .get(&call.link.key, call.link.revision, permit, limits);
        let transport = transport.map_err(|problem| {
            tracing::error!(call = %call.id, %problem, "no transport");
            Failure::NotSent("transport")
        })?;
        // From here until the whole answer is here, a write is in doubt, however this ends.
        attempts.leave();
        let sent = transport.send(ready, limits, &mut exchange.stages);
        let mut response = sent.await.inspect_err(|failure| {
            tracing::debug!(call = %call.id, origin = %permit.origin, code = failure.code(), "no answer");
        })?;
        exchange.status = Some(response.status());

        // Unpack, cap the size, and redact, before a byte is passed on.
        let shown = response::Allowed::default().filter(
            response.headers(),
            &hop.checked.url,
            &response::Caps::default(),
        );
        let mut redaction = Redaction::begin(call, &redactor, &hop.checked.url);
        let reading = Instant::now();
        let read = body::read(&mut response, call, &mut redaction).await;
        let (read_in, redacted_in) = (reading.elapsed(), redaction.took());
        exchange
            .stages
            .add(Stage::Body, read_in.saturating_sub(redacted_in));
        let answer = Answer {
            status: response.status(),
            url: hop.checked.url.clone().into(),
            headers: shown.headers,
            body: Vec::new(),
        };
        let redacting = Instant::now();
        let answer = read.and_then(|()| redaction.end(answer, &self.found, exchange));
        let headers = redact::headers(&redactor, &response);
        exchange
            .stages
            .add(Stage::Redact, redacted_in + redacting.elapsed());

        // What the answer means: for retry, and, of the CRM's limits, for all who share them. No rule of a manifest sees a secret.
        let seen = answer.as_ref().map_or(&[][..], |it| &it.body);
        let (meaning, wait) = turn.answered(call, response.status(), &headers, seen);
        Ok(Reply {
            meaning,
            wait,
            locations: response.all("location"),
            answer: answer?,
        })
    }

    fn permit(&self, call: &Call, method: Method, url: &Url) -> Result<Permit, Failure> {
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
        .map_err(|problem| deny(call, Layer::Manifest, "policy", &problem))?;
        policy
            .behind(&self.nat64)
            .check(method, url)
            .map_err(|refusal| deny(call, refusal.layer().into(), refusal.code(), &refusal))
    }
}

/// Calls with the names that only the host may set on this connection: those that its recipe injects.
fn with_reserved<T>(call: &Call, check: impl FnOnce(&Reserved<'_>) -> T) -> T {
    let places = call.recipe().into_iter().flat_map(Recipe::carriers);
    let (mut headers, mut parameters) = (Vec::new(), Vec::new());
    for place in places.map(Carrier::place) {
        match place {
            CarrierPlace::Header(name) => headers.push(name.as_str()),
            CarrierPlace::Query(name) => parameters.push(name.as_str()),
            // No connector sends cookies anyway.
            CarrierPlace::Cookie(_) => {}
        }
    }
    check(&Reserved {
        headers: &headers,
        parameters: &parameters,
    })
}

/// Tells the operator what was refused and what would permit it; the guest gets the code.
fn deny(call: &Call, layer: Layer, code: &'static str, why: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(
        call = %call.id,
        connection = %call.link.key,
        connector = %call.link.options.connector,
        %layer,
        code,
        why = %escape(&call.redactor().text(&why.to_string()).text, 1024),
        "request denied"
    );
    Failure::denied(layer, code)
}

/// Counts a refusal, and has it in the audit. No secret is in what is told of the request.
fn refuse(call: &Call, line: &Exchange, failure: &Failure) {
    let Some(refusal) = failure.refusal() else {
        return;
    };
    let count = call.meter.refusal(refusal);
    // A guest that has used up what it may ask for must not fill the audit by asking on.
    if refusal.layer != Layer::Limits || count == 1 {
        call.shared.audit.refused(call, line, refusal);
    }
}

/// Asks the call's own budget for one more request.
fn budget(call: &Call, bytes_out: u64) -> Result<(), Failure> {
    let limits = &call.shared.limits;
    match call
        .meter
        .allow(limits.requests, limits.bytes_out, bytes_out)
    {
        Allowance::TooManyRequests if Rule::Requests.holds() => {
            Err(Failure::denied(Layer::Limits, "too-many-requests"))
        }
        Allowance::TooManyBytes if Rule::BytesOut.holds() => {
            Err(Failure::denied(Layer::Limits, "too-many-bytes"))
        }
        Allowance::Granted | Allowance::TooManyRequests | Allowance::TooManyBytes => Ok(()),
    }
}
