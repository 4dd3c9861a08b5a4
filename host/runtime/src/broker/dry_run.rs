//! Runs without consequences: what would change something is written down instead of sent.

use std::sync::{Arc, Mutex, PoisonError};

use super::step::Hop;

/// Whether requests are made.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mode {
    /// They are.
    #[default]
    Live,
    /// Only those that change nothing; the others are written down here instead.
    DryRun(Arc<Mutex<Vec<PlannedRequest>>>),
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

/// Writes a request down.
pub(super) fn plan(planned: &Mutex<Vec<PlannedRequest>>, hop: &Hop) {
    let body = hop.body.as_ref().map(|bytes| {
        std::str::from_utf8(bytes)
            .map_or_else(|_| format!("({} bytes)", bytes.len()), ToOwned::to_owned)
    });
    let mut planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
    planned.push(PlannedRequest {
        method: hop.checked.method.as_str().to_owned(),
        url: hop.checked.url.to_string(),
        headers: hop.checked.headers.clone(),
        body,
    });
}
