//! What one call may use, and the keeper of memory, tables and instances.

use std::sync::Arc;
use std::time::Duration;

use brightsync_core::rule::Rule;
use tokio::time::Instant;
use wasmtime::ResourceLimiter;

use crate::report::Meter;

/// What one call may use. Every limit is on by default.
///
/// | limit | default | what happens beyond it |
/// |---|---|---|
/// | `guest_time` | 2 s | the call ends: [`Limit::GuestTime`] |
/// | `wall_time` | 60 s | the call ends: [`Limit::WallTime`] |
/// | `memory` | 64 MiB | the guest's allocation fails, the call ends: [`Limit::Memory`] |
/// | `table_elements` | 20,000 | the call ends: [`Limit::Tables`] |
/// | `handles` | 1,000 | the call ends: [`Limit::Handles`] |
/// | `host_calls` | 10,000 | the call ends: [`Limit::HostCalls`] |
/// | `result_size` | 32 MiB | the call ends: [`Limit::ResultSize`] |
/// | `pages` | 10,000 | a read ends: [`Limit::Pages`] |
/// | `requests` | 1,000 | the guest is answered `denied` |
/// | `redirects` | 3 | the guest is answered `denied` |
/// | `quota_wait` | 20 s | the guest is answered `limited` |
/// | `socket_wait` | 5 s | the guest is answered `not-sent` |
/// | `connect_time` | 10 s | the guest is answered `not-sent`, after repeats |
/// | `first_byte_time` | 30 s | the guest is answered `no-answer`, a read after repeats |
/// | `silence` | 15 s | the same |
/// | `answer_time` | 50 s | the same |
/// | `answer_headers` | 100 | the same |
/// | `answer_header_size` | 64 KiB | the same |
/// | `side_by_side` | 10 | further requests of one `send-all` wait for their turn |
/// | `bytes_out` | 16 MiB | the guest is answered `denied` |
/// | `answer_size` | 16 MiB | the guest is answered `too-large` |
/// | `answer_packed_size` | 16 MiB | the guest is answered `too-large` |
/// | `answer_ratio` | 200 | the guest is answered `too-large`, if the answer unpacks to more than 64 KiB |
/// | `bytes_in` | 128 MiB | the guest is answered `too-large` |
/// | `log_lines` | 200 | further lines are dropped, and that is logged once |
/// | `redactions` | 20 | the guest is answered `other`, and the connection is suspended until an operator resumes it |
///
/// An answer may be packed with gzip, with brotli in a window of at most 16 MiB, or with zstd in one of at most 8 MiB; beyond them it is `too-large` or broken.
///
/// The stack is limited for all calls alike, to 512 KiB; beyond it the call ends with [`Limit::Stack`], or, where a guest keeps its own stack in its memory, as a trap.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time that the guest itself may compute, in steps of 10 ms. Waiting for the host does not count.
    pub guest_time: Duration,
    /// Time for the whole call, waiting included.
    pub wall_time: Duration,
    /// Bytes of all linear memories of the instance together; at most 256 MiB.
    pub memory: usize,
    /// Elements of each table.
    pub table_elements: usize,
    /// Handles to resources that the guest may hold at once.
    pub handles: usize,
    /// Calls of the contract's imports.
    pub host_calls: u32,
    /// Bytes that may be copied out of the guest at once: an answer, or the arguments of one import.
    pub result_size: usize,
    /// Pages of one read.
    pub pages: u32,
    /// Requests of one call, with their redirects and repeats.
    pub requests: u32,
    /// Redirects of one request that are followed.
    pub redirects: u32,
    /// Time that one request waits for its turn within the CRM's limits. Where it is known to take longer, the guest is answered at once.
    pub quota_wait: Duration,
    /// Time that one request waits for a network connection, when all those that its tenant may have are in use.
    pub socket_wait: Duration,
    /// Time for a connection to come about, TLS included.
    pub connect_time: Duration,
    /// Time from then until the head of the answer is here, whole.
    pub first_byte_time: Duration,
    /// Time in which nothing of the body comes.
    pub silence: Duration,
    /// Time for all of one attempt, from the connection to the last byte.
    pub answer_time: Duration,
    /// Header fields of one answer.
    pub answer_headers: usize,
    /// Bytes of the names and values of all header fields of one answer.
    pub answer_header_size: usize,
    /// Requests of one `send-all` that run side by side.
    pub side_by_side: usize,
    /// Bytes of all requests of one call.
    pub bytes_out: u64,
    /// Bytes of the body of one answer, unpacked if it is compressed.
    pub answer_size: u64,
    /// Bytes of the body of one answer as it comes over the network.
    pub answer_packed_size: u64,
    /// How many times as many bytes as came over the network an answer may unpack to.
    pub answer_ratio: u64,
    /// Bytes of the bodies of all answers of one call, unpacked.
    pub bytes_in: u64,
    /// Lines that a guest may log in one call.
    pub log_lines: u32,
    /// Answers of one connection in which the host found a secret of that connection, in all calls of a day. It keeps connectors from guessing secrets and seeing which guess is cut out.
    pub redactions: u32,
}

/// Which limit ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// The guest computed for too long.
    #[error("guest-time")]
    GuestTime,
    /// The call took too long, waiting included.
    #[error("wall-time")]
    WallTime,
    /// The guest wanted more memory.
    #[error("memory")]
    Memory,
    /// The guest wanted a larger table.
    #[error("tables")]
    Tables,
    /// The guest went too deep.
    #[error("stack")]
    Stack,
    /// The guest holds too many resources.
    #[error("handles")]
    Handles,
    /// The guest called the host too often.
    #[error("host-calls")]
    HostCalls,
    /// The guest passed too much at once.
    #[error("result-size")]
    ResultSize,
    /// A read went on for too many pages.
    #[error("pages")]
    Pages,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            guest_time: Duration::from_secs(2),
            wall_time: Duration::from_secs(60),
            memory: 64 << 20,
            table_elements: 20_000,
            handles: 1_000,
            host_calls: 10_000,
            result_size: 32 << 20,
            pages: 10_000,
            requests: 1_000,
            redirects: 3,
            quota_wait: Duration::from_secs(20),
            socket_wait: Duration::from_secs(5),
            connect_time: Duration::from_secs(10),
            first_byte_time: Duration::from_secs(30),
            silence: Duration::from_secs(15),
            answer_time: Duration::from_secs(50),
            answer_headers: 100,
            answer_header_size: 64 << 10,
            side_by_side: 10,
            bytes_out: 16 * MIB,
            answer_size: 16 * MIB,
            answer_packed_size: 16 * MIB,
            answer_ratio: 200,
            bytes_in: 128 * MIB,
            log_lines: 200,
            redactions: 20,
        }
    }
}

/// When a time that begins now is over, by a rule. One that no clock can tell is over in thirty years.
pub(crate) fn end(time: Duration, rule: Rule) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 86_400);
    let now = Instant::now();
    let end = now.checked_add(time).filter(|_| rule.holds());
    end.unwrap_or(now + THIRTY_YEARS)
}

/// Says no to growth, and notes to what: a guest that is out of memory looks like one that panicked.
#[derive(Debug)]
pub(crate) struct Keeper {
    memory_limit: usize,
    table_limit: usize,
    memory: usize,
    meter: Arc<Meter>,
}

impl Keeper {
    pub(crate) fn new(limits: &Limits, meter: Arc<Meter>) -> Self {
        Self {
            memory_limit: limits.memory,
            table_limit: limits.table_elements,
            memory: 0,
            meter,
        }
    }
}

impl ResourceLimiter for Keeper {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if Rule::Memory.refuses(total > self.memory_limit) {
            self.meter.refuse(Limit::Memory);
            return Ok(false);
        }
        self.memory = total;
        self.meter.memory(total);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if Rule::Tables.refuses(desired > self.table_limit) {
            self.meter.refuse(Limit::Tables);
            return Ok(false);
        }
        Ok(true)
    }
}
