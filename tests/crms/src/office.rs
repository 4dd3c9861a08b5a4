//! What is the same in every CRM: the time, who may come in, what goes wrong when, and what was asked.

use chrono::DateTime;

use crate::{Answer, Request};

/// When every clock begins: 2026-01-15T10:00:00Z, in milliseconds since the Unix epoch.
pub const START: i64 = 1_768_471_200_000;

/// The state that every stand-in has.
#[derive(Debug)]
pub struct Office {
    /// What time it is, in milliseconds since the Unix epoch. It stands still until it is moved.
    pub now: i64,
    /// How long what was written stays out of the indexes of a CRM that has slow ones, in milliseconds.
    pub lag: i64,
    /// The tokens or keys that are good.
    pub tokens: Vec<String>,
    /// True once an administrator has taken the app's access away: nobody comes in, and no new token is issued.
    pub revoked: bool,
    /// What the credential may not do, in the words of the scenarios; see [`Crm::lacks`](crate::Crm::lacks).
    pub lacking: bool,
    troubles: Vec<(u32, u32, Trouble)>,
    seen: Vec<Seen>,
    violations: Vec<String>,
    issued: u64,
}

/// What can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A rate limit is hit; the answer is the CRM's own.
    Limit,
    /// The CRM is down; the answer is the CRM's own. Nothing is done.
    Outage,
    /// Half of the answer comes, and then the connection is closed. Whatever was asked is done.
    Cut,
}

/// A request that came, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path, percent-encoded, without the query.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The body, as text.
    pub body: String,
    /// The status of the answer.
    pub status: u16,
}

impl Default for Office {
    fn default() -> Self {
        Self {
            now: START,
            lag: 0,
            tokens: Vec::new(),
            revoked: false,
            lacking: false,
            troubles: Vec::new(),
            seen: Vec::new(),
            violations: Vec::new(),
            issued: 0,
        }
    }
}

impl Office {
    /// The time as `2026-01-15T10:00:00.000Z`.
    pub fn rfc3339(time: i64) -> String {
        Self::format(time, "%Y-%m-%dT%H:%M:%S%.3fZ")
    }

    /// A time in a form of the CRM's own, by the letters of `strftime`.
    pub fn format(time: i64, form: &str) -> String {
        DateTime::from_timestamp_millis(time)
            .map(|it| it.format(form).to_string())
            .unwrap_or_default()
    }

    /// Reads an RFC 3339 time, with or without a fraction and with any offset.
    pub fn parse(text: &str) -> Option<i64> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.timestamp_millis())
    }

    /// Lets time go by.
    pub fn pass(&mut self, milliseconds: i64) {
        self.now += milliseconds;
    }

    /// A text that nobody has had before, such as a token or a code.
    pub fn fresh(&mut self, word: &str) -> String {
        self.issued += 1;
        format!(
            "{word}-{:016x}",
            self.issued.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    }

    /// Writes down what no connector should have done; a test asserts that there is nothing.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// What was written down.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// After so many further requests, lets so many go wrong.
    pub fn trouble(&mut self, after: u32, times: u32, trouble: Trouble) {
        self.troubles.push((after, times, trouble));
    }

    /// Ends all troubles that are still to come.
    pub fn end_troubles(&mut self) {
        self.troubles.clear();
    }

    /// What goes wrong with the request that has come now.
    pub(crate) fn next_trouble(&mut self) -> Option<Trouble> {
        let mut now = None;
        for (after, times, trouble) in &mut self.troubles {
            if *after > 0 {
                *after -= 1;
            } else if now.is_none() && *times > 0 {
                *times -= 1;
                now = Some(*trouble);
            }
        }
        self.troubles.retain(|(_, times, _)| *times > 0);
        now
    }

    /// What was asked so far.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Forgets what was asked so far.
    pub fn forget(&mut self) {
        self.seen.clear();
    }

    pub(crate) fn note(&mut self, request: &Request, answer: &Answer) {
        self.seen.push(Seen {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.raw_query.clone(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status: answer.status,
        });
    }
}
