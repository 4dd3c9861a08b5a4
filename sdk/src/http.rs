//! Requests to the CRM, made by the host.
//!
//! The host adds the credential, keeps rate limits, follows redirects and repeats what may be repeated.
//! What remains is to say what is wanted and to read the answer:
//!
//! ```
//! use brightsync_sdk::http::Client;
//! # use brightsync_sdk::testing::Exchange;
//! # use serde_json::json;
//! # Exchange::new()
//! #     .expect(Client::new().get("people").segment("a/b"))
//! #     .answer(200, json!({"name": "Ann"}))
//! #     .run(|| -> brightsync_sdk::Result<()> {
//! #[derive(serde::Deserialize)]
//! struct Person {
//!     name: String,
//! }
//!
//! let client = Client::new();
//! let person: Person = client.get("people").segment("a/b").send()?.json()?;
//! assert_eq!(person.name, "Ann");
//! # Ok(()) }).unwrap();
//! ```
//!
//! [`Request::send`] answers an error for every status that is not a success; what becomes of which is the table of [`Response::into_error`].

mod address;
mod failure;
mod response;

use serde::Serialize;

use crate::bindings::http as contract;
use crate::{Error, Result, Window, host, json, time};
pub use response::Response;

/// Refines the error that was made of an answer, with what the CRM says in its body.
///
/// It gets the answer, and the error that its status stands for, and answers the error to be used.
pub type Refine = fn(&Response, Error) -> Error;

/// What the requests of one connector have in common.
#[derive(Debug, Clone, Default)]
pub struct Client {
    headers: Vec<(String, String)>,
    refine: Option<Refine>,
}

/// One request, being built.
///
/// Nothing in it can fail before it is sent: what cannot be sent is the error of [`send`](Self::send).
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    repeatable: bool,
    cost: Option<u32>,
    bucket: Option<String>,
    refine: Option<Refine>,
    /// The first thing that makes the request impossible.
    problem: Option<Error>,
}

/// Makes several requests at once and waits for all answers, which come in the order of the requests.
///
/// Ten requests this way take about the time of one.
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    let mut sent = Vec::new();
    let mut kept = Vec::new();
    for request in requests {
        let about = request.about();
        kept.push(match request.into_contract() {
            Ok(request) => {
                sent.push(request);
                Ok(about)
            }
            Err(error) => Err(error),
        });
    }
    let mut answers = host::send_all(&sent).into_iter();
    kept.into_iter()
        .map(|about| {
            let about = about?;
            let answer = answers.next().unwrap_or_else(|| {
                Err(contract::Failure::Other(
                    "the host left an answer out".to_owned(),
                ))
            });
            about.read(answer)?.ok()
        })
        .collect()
}

/// Makes one request for every `size` of the items, all at once, and answers all responses or the first error.
///
/// For look-ups of many ids in a CRM that takes a limited number of them in one request:
///
/// ```
/// # use brightsync_sdk::http::{self, Client};
/// # use brightsync_sdk::testing::Exchange;
/// # use serde_json::json;
/// # let client = Client::new();
/// # Exchange::new()
/// #     .expect(Client::new().get("people?ids=1%2C2")).answer(200, json!([]))
/// #     .expect(Client::new().get("people?ids=3")).answer(200, json!([]))
/// #     .run(|| -> brightsync_sdk::Result<()> {
/// let ids = ["1".to_owned(), "2".to_owned(), "3".to_owned()];
/// let pages = http::send_batches(&ids, 2, |ids| client.get("people").query("ids", ids.join(",")))?;
/// assert_eq!(pages.len(), 2);
/// # Ok(()) }).unwrap();
/// ```
pub fn send_batches<T>(
    items: &[T],
    size: usize,
    request: impl FnMut(&[T]) -> Request,
) -> Result<Vec<Response>> {
    send_all(items.chunks(size.max(1)).map(request).collect())
        .into_iter()
        .collect()
}

impl Client {
    /// Makes a client without header fields of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header field to every request; credentials are the host's and are refused.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        set(&mut self.headers, name.into(), value.into());
        self
    }

    /// Reads the CRM's own error bodies.
    #[must_use]
    pub fn refine(self, refine: Refine) -> Self {
        Self {
            refine: Some(refine),
            ..self
        }
    }

    /// Begins a `GET`; the path is appended to the base address of the manifest, unless it is a whole address.
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request("GET", path.into())
    }

    /// Begins a `POST`.
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request("POST", path.into())
    }

    /// Begins a `PUT`.
    pub fn put(&self, path: impl Into<String>) -> Request {
        self.request("PUT", path.into())
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, path: impl Into<String>) -> Request {
        self.request("PATCH", path.into())
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, path: impl Into<String>) -> Request {
        self.request("DELETE", path.into())
    }

    fn request(&self, method: &'static str, path: String) -> Request {
        Request {
            method,
            path,
            query: String::new(),
            headers: self.headers.clone(),
            body: None,
            repeatable: false,
            cost: None,
            bucket: None,
            refine: self.refine,
            problem: None,
        }
    }
}

impl Request {
    /// Appends one segment to the path, encoded: ids come from the CRM and may hold anything.
    ///
    /// An empty one, `.` or `..` would name another resource; such a request is not sent and answers `not-found`.
    pub fn segment(mut self, segment: impl AsRef<str>) -> Self {
        let segment = segment.as_ref();
        if matches!(segment, "" | "." | "..") {
            self.problem.get_or_insert_with(|| {
                Error::not_found(format!("no record has the id {segment:?}"))
            });
        }
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        address::encode(segment, &mut self.path);
        self
    }

    /// Adds a parameter to the query, encoded; a name may occur several times.
    pub fn query(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        address::encode(name, &mut self.query);
        self.query.push('=');
        address::encode(&value.to_string(), &mut self.query);
        self
    }

    /// Adds a parameter to the query if there is a value.
    pub fn query_some(self, name: &str, value: Option<impl std::fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds one parameter for each value, all of the same name.
    pub fn query_each<V: std::fmt::Display>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        values
            .into_iter()
            .fold(self, |request, value| request.query(name, value))
    }

    /// Adds the bounds of a window, if there is one, as RFC 3339 times: its begin, and its end if it has one.
    pub fn query_window(self, since: &str, until: &str, window: Option<Window>) -> Self {
        let Some(window) = window else {
            return self;
        };
        self.query(since, time::rfc3339(window.since))
            .query_some(until, window.until.map(time::rfc3339))
    }

    /// Sets a header field, in place of one of the same name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        set(&mut self.headers, name.into(), value.into());
        self
    }

    /// Says which version of the record a write is for, if one is named: `If-Match` with an entity tag (RFC 9110, 13.1.1).
    pub fn if_match(self, version: Option<&str>) -> Self {
        match version {
            Some(version) => self.header("If-Match", format!("\"{version}\"")),
            None => self,
        }
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match json::write(body) {
            Ok(json) => self.body(json.into_bytes(), "application/json"),
            Err(error) => {
                self.problem.get_or_insert_with(|| {
                    Error::other(format!("a request body cannot be written as JSON: {error}"))
                });
                self
            }
        }
    }

    /// Sends a form body (`application/x-www-form-urlencoded`).
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut form = String::new();
        for (name, value) in pairs {
            if !form.is_empty() {
                form.push('&');
            }
            address::encode(name, &mut form);
            form.push('=');
            address::encode(value, &mut form);
        }
        self.body(form.into_bytes(), "application/x-www-form-urlencoded")
    }

    /// Sends a body of any media type.
    pub fn body(self, body: Vec<u8>, media_type: &str) -> Self {
        Self {
            body: Some(body),
            ..self
        }
        .header("Content-Type", media_type)
    }

    /// Says that carrying this request out twice does no harm though its method does not say so: a search by `POST`.
    pub fn repeatable(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    /// Says what the request costs, where the CRM counts in points, and against which of the limits in the manifest.
    pub fn cost(self, points: u32, bucket: impl Into<String>) -> Self {
        Self {
            cost: Some(points),
            bucket: Some(bucket.into()),
            ..self
        }
    }

    /// Reads the CRM's own error bodies, in place of what the client does.
    pub fn refine(self, refine: Refine) -> Self {
        Self {
            refine: Some(refine),
            ..self
        }
    }

    /// Makes the request, and answers an error unless the status is a success (2xx).
    pub fn send(self) -> Result<Response> {
        self.send_any()?.ok()
    }

    /// Makes the request, and answers the response whatever its status.
    pub fn send_any(self) -> Result<Response> {
        let about = self.about();
        let request = self.into_contract()?;
        about.read(host::send(&request))
    }

    fn about(&self) -> failure::About {
        let read = self.repeatable || matches!(self.method, "GET" | "HEAD");
        failure::About {
            name: format!("{} {}", self.method, address::without_query(&self.path)),
            write: !read,
            refine: self.refine,
        }
    }

    /// Turns into the contract's form, or into what makes the request impossible.
    pub(crate) fn into_contract(self) -> Result<contract::Request> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let mut url = self.path;
        if !self.query.is_empty() {
            // A next link of the CRM may carry a query already.
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&self.query);
        }
        Ok(contract::Request {
            method: self.method.to_owned(),
            url,
            headers: self.headers,
            body: self.body,
            repeatable: self.repeatable,
            cost: self.cost,
            bucket: self.bucket,
            extra: Vec::new(),
        })
    }
}

/// Sets a field; the contract wants a name once (RFC 9110, 5.1: names have no case).
fn set(headers: &mut Vec<(String, String)>, name: String, value: String) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
    headers.push((name, value));
}

#[cfg(test)]
mod tests;
