//! Takes the connection's secrets out of an answer before a guest sees it, and out of what is told of the request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use brightsync_core::crm::Timestamp;
use brightsync_core::redact::place::{self, Pointer};
use brightsync_core::redact::{Redactor, Stream};
use brightsync_core::rule::Rule;
use url::Url;

use super::failure::SUSPENDED;
use super::transport::Received;
use super::{Answer, Failure};
use crate::connection::ConnectionKey;
use crate::host::Suspension;
use crate::report::Exchange;
use crate::store::Call;

/// Over which time answers are counted in which a secret was found, in milliseconds: a day.
///
/// A CRM in which somebody has kept the key as a note would have its connection suspended sooner or later without it, and a guesser gains a few guesses a day.
const PERIOD: Timestamp = 24 * 60 * 60 * 1000;

/// In how many answers of each connection a secret was found.
#[derive(Debug, Default)]
pub(super) struct Found(Mutex<HashMap<ConnectionKey, Tally>>);

#[derive(Clone, Copy, Debug)]
struct Tally {
    since: Timestamp,
    count: u32,
}

/// An answer on its way to the guest.
pub(super) struct Redaction<'a> {
    call: &'a Call,
    redactor: &'a Redactor,
    pointers: Vec<&'a Pointer>,
    /// What a place is marked in has to be there as a whole.
    whole: Vec<u8>,
    stream: Stream<'a>,
    body: Vec<u8>,
    took: Duration,
}

impl<'a> Redaction<'a> {
    /// Begins with the answer to a request for an address. The redactor knows what was sent with it.
    pub(super) fn begin(call: &'a Call, redactor: &'a Redactor, url: &Url) -> Self {
        let places = call.connector.manifest().redact().iter();
        let marked = places.filter(|it| Rule::RedactedPlace.refuses(it.covers(url)));
        Self {
            call,
            redactor,
            pointers: marked.flat_map(|it| it.pointers()).collect(),
            whole: Vec::new(),
            stream: redactor.stream(),
            body: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Takes some of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.pointers.is_empty() {
            self.pass(bytes);
        } else {
            self.whole.extend_from_slice(bytes);
        }
    }

    /// Takes what only the connection's own secrets have to go from.
    fn pass(&mut self, bytes: &[u8]) {
        let began = Instant::now();
        if Rule::Redaction.holds() {
            self.stream.push(bytes, &mut self.body);
        } else {
            self.body.extend_from_slice(bytes);
        }
        self.took += began.elapsed();
    }

    /// How long it took so far.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    /// Ends with what the guest may see: first without what is cut by its place, then without the connection's own secrets.
    ///
    /// A guest could guess secrets and see by what is cut which guess was right. So answers in which a secret was found are counted, and with one too many the connection is suspended and the answer kept.
    pub(super) fn end(
        mut self,
        mut answer: Answer,
        found: &Found,
        exchange: &mut Exchange,
    ) -> Result<Answer, Failure> {
        let call = self.call;
        let mut places = 0;
        if !self.pointers.is_empty() {
            match place::cut(&self.pointers, &self.whole) {
                Ok((body, cuts)) => {
                    places = cuts;
                    self.pass(&body);
                }
                // An error that is no JSON has no token in it; an answer in another form than the manifest expects may.
                Err(_) if !(200..300).contains(&answer.status) => {
                    let whole = std::mem::take(&mut self.whole);
                    self.pass(&whole);
                }
                Err(_) => return Err(Failure::Other("not-json")),
            }
        }
        let mut secrets = self.stream.finish(&mut self.body);
        answer.body = self.body;
        let values = answer.headers.iter_mut().map(|(_, value)| value);
        for text in values.chain([&mut answer.url]) {
            secrets += clean(self.redactor, text);
        }
        exchange.redactions = exchange.redactions.saturating_add(places + secrets);
        tell(call, exchange, places, secrets);
        call.meter.redacted(places + secrets);
        let most = call.shared.limits.redactions;
        if 0 < secrets
            && Rule::Guessing.refuses(most < found.count(&call.link.key, (call.shared.clock)()))
        {
            let key = call.link.key.clone();
            call.shared.suspend(
                Suspension::Connection(key),
                "because connectors found too much of its credential in answers",
            );
            return Err(Failure::Other(SUSPENDED));
        }
        Ok(answer)
    }
}

/// The headers of an answer as the manifest's rules may see them: all of them, without secrets.
pub(super) fn headers(redactor: &Redactor, response: &Received) -> Vec<(String, String)> {
    let headers = response.headers().map(|(name, value)| {
        let mut value = String::from_utf8_lossy(value).into_owned();
        clean(redactor, &mut value);
        (name.to_owned(), value)
    });
    headers.collect()
}

/// Tells the operator how much was cut, never what. That a place is cut is what its mark is for.
fn tell(call: &Call, exchange: &Exchange, places: u32, secrets: u32) {
    if 0 < places + secrets {
        call.shared.audit.redacted(call, exchange, places, secrets);
    }
    let (connection, connector) = (&call.link.key, &call.link.options.connector);
    let (call, path) = (call.id, &exchange.path);
    if 0 < secrets {
        tracing::warn!(%call, %connection, %connector, %path, places, secrets, "redacted");
    } else if 0 < places {
        tracing::debug!(%call, %connection, %connector, %path, places, "redacted");
    }
}

impl Found {
    /// Counts one more answer and says how many there were in a period.
    fn count(&self, connection: &ConnectionKey, now: Timestamp) -> u32 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let none = Tally {
            since: now,
            count: 0,
        };
        let tally = all.entry(connection.clone()).or_insert(none);
        if PERIOD <= now.saturating_sub(tally.since) {
            *tally = none;
        }
        tally.count = tally.count.saturating_add(1);
        tally.count
    }

    /// Begins to count anew.
    pub(super) fn forget(&self, connection: &ConnectionKey) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(connection);
    }
}

impl Exchange {
    /// Takes secrets out of what is told of the request; a guest may have guessed one and asked for it.
    pub(super) fn clean(&mut self, call: &Call) {
        let Self {
            method,
            origin,
            path,
            ..
        } = self;
        let texts = [method, origin, path].into_iter();
        let cuts = texts.map(|it| call.clean(it)).sum();
        self.redactions = self.redactions.saturating_add(cuts);
        call.meter.redacted(cuts);
    }
}

impl Call {
    /// Takes secrets out of a text and says how many there were.
    pub(crate) fn clean(&self, text: &mut String) -> u32 {
        clean(&self.redactor(), text)
    }

    /// The redactor that knows the newest of the connection's secrets, and the last ones before.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        self.link.last_redactor()
    }
}

fn clean(redactor: &Redactor, text: &mut String) -> u32 {
    let redacted = redactor.text(text);
    let cuts = redacted.cuts;
    if 0 < cuts {
        *text = redacted.text.into_owned();
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_counts_for_a_day() {
        let (found, key) = (Found::default(), ConnectionKey::new("acme", "crm").unwrap());
        let other = ConnectionKey::new("other", "crm").unwrap();
        assert_eq!(found.count(&key, 0), 1);
        assert_eq!(found.count(&key, PERIOD - 1), 2);
        assert_eq!(found.count(&other, PERIOD - 1), 1);
        assert_eq!(found.count(&key, PERIOD), 1);
        found.forget(&other);
        assert_eq!(found.count(&other, PERIOD), 1);
    }
}
