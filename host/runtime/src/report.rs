//! What a call did: for the operator, for the bill, and for the one who asks why. Never a body, a query value or a header.

mod stage;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brightsync_core::crm::Timestamp;
use brightsync_core::function::Function;
use serde::Serialize;
use tracing::Span;
use tracing::field::Empty;

pub use self::stage::{Stage, Stages};
use crate::broker::Refusal;
use crate::guest_time::GuestClock;
use crate::limits::Limit;

/// The identity of one call, unique within the process and hard to mistake across processes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct CallId(u64);

/// What one call did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Report {
    /// The call.
    pub id: CallId,
    /// For whom.
    pub tenant: String,
    /// Over which connection.
    pub connection: String,
    /// By which connector.
    pub connector: String,
    /// And which version of it; empty if none was loaded.
    pub version: String,
    /// What was asked.
    pub function: Function,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, waiting included.
    #[serde(serialize_with = "micros")]
    pub took: Duration,
    /// How long the guest itself computed: time of a processor, without what the host did for it.
    #[serde(serialize_with = "micros")]
    pub guest_time: Duration,
    /// How often the clock that ticks every 10 ms found the guest computing; [`Limits::guest_time`](crate::Limits::guest_time) counts those.
    pub epochs: u32,
    /// Bytes of linear memory that the guest grew to.
    pub memory: usize,
    /// Calls of the contract's imports.
    pub host_calls: u32,
    /// Its requests in the order in which they ended, those that were refused included.
    pub requests: Vec<Exchange>,
    /// How often the host refused something, by the code that the guest got.
    pub refusals: BTreeMap<&'static str, u32>,
    /// How often something secret was cut out of its answers, its log lines and its errors.
    pub redactions: u32,
    /// Lines that it logged.
    pub log_lines: u32,
    /// Records that it answered and that are not what was asked for; the host dropped them.
    pub mismatches: u32,
    /// `answer`, or the kind of end.
    pub outcome: &'static str,
    /// True if something may have been written of which the caller does not know: a write was sent and no answer came, whatever the connector says of it, or a write was answered and the call then came to another end than an answer or an error.
    pub in_doubt: bool,
}

/// One request of a call, or one attempt of it: a redirect that is followed and a repeat are lines of their own.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// Scheme, host and port; empty if the address could not be read.
    pub origin: String,
    /// The path without the query, with control characters made visible.
    pub path: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer: a stable code; `abandoned` if the call has ended before the request did.
    pub failure: Option<&'static str>,
    /// Which attempt at the same place it is, from 1 on.
    pub attempt: u32,
    /// Bytes of the request's body.
    pub bytes_out: u64,
    /// Bytes of the answer's body, as the guest got it.
    pub bytes_in: u64,
    /// How often something secret was cut out of the answer, or out of what is told here.
    pub redactions: u32,
    /// How long it took.
    #[serde(serialize_with = "micros")]
    pub took: Duration,
    /// And how long of it in each stage.
    pub stages: Stages,
}

/// What a running call has used, shared between the call and whoever ends it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    ticks: AtomicU32,
    memory: AtomicUsize,
    host_calls: AtomicU32,
    log_lines: AtomicU32,
    redactions: AtomicU32,
    guest: GuestClock,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    requests: Vec<Exchange>,
    refusals: BTreeMap<&'static str, u32>,
    refused: Option<Limit>,
    unanswered: u32,
    answered: u32,
    bytes_out: u64,
    bytes_in: u64,
    sent: u32,
    repeats: u32,
}

/// A write that is on its way.
pub(crate) struct Write(Arc<Meter>);

/// What a call may still send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    Granted,
    TooManyRequests,
    TooManyBytes,
}

impl Report {
    /// A span for the call. What comes of it is recorded later.
    pub(crate) fn span(&self) -> Span {
        tracing::info_span!(
            "call",
            call = %self.id,
            tenant = self.tenant.as_str(),
            connection = self.connection.as_str(),
            connector = self.connector.as_str(),
            function = %self.function,
            version = Empty,
            outcome = Empty,
            guest_time = Empty,
            epochs = Empty,
            memory = Empty,
            host_calls = Empty,
            requests = Empty,
            refusals = Empty,
            redactions = Empty,
            in_doubt = Empty,
        )
    }

    /// Records what has come of the call, and what it used: times in microseconds, memory in bytes.
    pub(crate) fn record(&self, span: &Span) {
        let refusals: u32 = self.refusals.values().sum();
        span.record("version", self.version.as_str())
            .record("outcome", self.outcome)
            .record("guest_time", as_micros(self.guest_time))
            .record("epochs", self.epochs)
            .record("memory", self.memory)
            .record("host_calls", self.host_calls)
            .record("requests", self.requests.len())
            .record("refusals", refusals)
            .record("redactions", self.redactions)
            .record("in_doubt", self.in_doubt);
    }
}

impl Meter {
    /// Counts a tick of guest time and answers how many there were.
    pub(crate) fn tick(&self) -> u32 {
        add(&self.ticks)
    }

    /// The clock of the guest's own time.
    pub(crate) fn guest(&self) -> &GuestClock {
        &self.guest
    }

    /// Counts a call of an import and answers how many there were.
    pub(crate) fn host_call(&self) -> u32 {
        add(&self.host_calls)
    }

    /// Counts a log line and answers how many there were.
    pub(crate) fn log_line(&self) -> u32 {
        add(&self.log_lines)
    }

    /// Counts what was cut out.
    pub(crate) fn redacted(&self, cuts: u32) {
        self.redactions.fetch_add(cuts, Ordering::Relaxed);
    }

    /// Notes how far the memory has grown.
    pub(crate) fn memory(&self, bytes: usize) {
        self.memory.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Notes the first limit that was hit.
    pub(crate) fn refuse(&self, limit: Limit) {
        self.notes().refused.get_or_insert(limit);
    }

    /// The first limit that was hit.
    pub(crate) fn refused(&self) -> Option<Limit> {
        self.notes().refused
    }

    /// Asks for one more request with a body of so many bytes.
    pub(crate) fn allow(&self, requests: u32, bytes_out: u64, body: u64) -> Allowance {
        let mut notes = self.notes();
        if notes.sent >= requests {
            return Allowance::TooManyRequests;
        }
        let total = notes.bytes_out.saturating_add(body);
        if total > bytes_out {
            return Allowance::TooManyBytes;
        }
        notes.sent += 1;
        notes.bytes_out = total;
        Allowance::Granted
    }

    /// Asks for one more repeat of a request.
    pub(crate) fn repeat(&self, most: u32) -> bool {
        let mut notes = self.notes();
        let is_granted = notes.repeats < most;
        notes.repeats += u32::from(is_granted);
        is_granted
    }

    /// Counts bytes that came in and answers whether they are still within the limit.
    pub(crate) fn receive(&self, bytes: u64, limit: u64) -> bool {
        let mut notes = self.notes();
        notes.bytes_in = notes.bytes_in.saturating_add(bytes);
        notes.bytes_in <= limit
    }

    /// Notes a request that has ended.
    pub(crate) fn request(&self, exchange: Exchange) {
        self.notes().requests.push(exchange);
    }

    /// Counts a refusal and answers how many of its code there were.
    pub(crate) fn refusal(&self, refusal: Refusal) -> u32 {
        let mut notes = self.notes();
        let count = notes.refusals.entry(refusal.code).or_default();
        *count = count.saturating_add(1);
        *count
    }

    /// Notes that a write is about to be sent. Until it is known to be answered or never sent, it is in doubt.
    pub(crate) fn write(self: &Arc<Self>) -> Write {
        self.notes().unanswered += 1;
        Write(self.clone())
    }

    /// Whether a write was sent to which no answer came.
    pub(crate) fn has_unanswered(&self) -> bool {
        self.notes().unanswered > 0
    }

    /// Whether a write was answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.notes().answered > 0
    }

    /// Fills in a report.
    pub(crate) fn complete(&self, report: &mut Report) {
        let notes = self.notes();
        report.guest_time = self.guest.spent();
        report.epochs = self.ticks.load(Ordering::Relaxed);
        report.memory = self.memory.load(Ordering::Relaxed);
        report.host_calls = self.host_calls.load(Ordering::Relaxed);
        report.redactions = self.redactions.load(Ordering::Relaxed);
        report.log_lines = self.log_lines.load(Ordering::Relaxed);
        report.requests.clone_from(&notes.requests);
        report.refusals.clone_from(&notes.refusals);
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        // A panic while the lock was held leaves plain numbers behind, all of them usable.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write {
    /// The whole answer is here.
    pub(crate) fn answered(&self) {
        let mut notes = self.0.notes();
        notes.unanswered = notes.unanswered.saturating_sub(1);
        notes.answered += 1;
    }

    /// It has not left the host, or the CRM says that it has not carried it out.
    pub(crate) fn not_sent(&self) {
        let mut notes = self.0.notes();
        notes.unanswered = notes.unanswered.saturating_sub(1);
    }
}

/// Whoever wants to know of every call.
pub(crate) type Observer = Arc<dyn Fn(&Report) + Send + Sync>;

impl CallId {
    /// A new one.
    pub(crate) fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        use std::sync::LazyLock;
        use std::sync::atomic::AtomicU64;
        static START: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().hash_one("call") & !0xff_ffff);
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(START.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<CallId> for String {
    fn from(id: CallId) -> Self {
        id.to_string()
    }
}

fn add(counter: &AtomicU32) -> u32 {
    counter.fetch_add(1, Ordering::Relaxed).saturating_add(1)
}

fn micros<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(as_micros(*time))
}

/// A time as reports and spans have it.
pub(crate) fn as_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
