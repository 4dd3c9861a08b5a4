//! The journal of requests: what was asked and how it ended, never a header or a body.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;

use crate::server::App;

/// The most requests that are kept; older ones are forgotten.
pub const KEPT: usize = 10_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent.
    pub path: String,
    /// The status of the answer; none while there is none, and for ever if the connection was cut.
    pub status: Option<u16>,
}

/// The requests of a server in the order in which they arrived.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Entry>,
    /// How many were forgotten: the number of the first one that is kept.
    forgotten: usize,
}

/// Marks an answer that never leaves the server.
#[derive(Clone)]
pub(crate) struct Unanswered;

impl Journal {
    /// Returns the requests so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.with(|it| it.kept.iter().cloned().collect())
    }

    /// Returns the requests so far and forgets them.
    pub fn take(&self) -> Vec<Entry> {
        self.with(|it| {
            it.forgotten += it.kept.len();
            it.kept.drain(..).collect()
        })
    }

    fn arrive(&self, entry: Entry) -> usize {
        self.with(|it| {
            if it.kept.len() == KEPT {
                it.kept.pop_front();
                it.forgotten += 1;
            }
            it.kept.push_back(entry);
            it.forgotten + it.kept.len() - 1
        })
    }

    fn end(&self, number: usize, status: u16) {
        self.with(|it| {
            let entry = number
                .checked_sub(it.forgotten)
                .and_then(|index| it.kept.get_mut(index));
            if let Some(entry) = entry {
                entry.status = Some(status);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Entries) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes a request and its end.
pub(crate) async fn note(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(|| "/".to_owned(), |it| it.as_str().to_owned());
    let number = app.journal.arrive(Entry {
        method: request.method().to_string(),
        path,
        status: None,
    });
    let response = next.run(request).await;
    if response.extensions().get::<Unanswered>().is_none() {
        app.journal.end(number, response.status().as_u16());
    }
    response
}
