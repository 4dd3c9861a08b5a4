//! A scripted CRM for native tests: `cargo test`, no WebAssembly, no server.
//!
//! ```
//! use brightsync_sdk::http::Client;
//! use brightsync_sdk::testing::Exchange;
//! use brightsync_sdk::{Result, settings};
//! use serde_json::{Value, json};
//!
//! fn greet() -> Result<String> {
//!     let me: Value = Client::new().get("me").query("site", settings::required("site")?).send()?.json()?;
//!     Ok(format!("Hello {}", me["name"]))
//! }
//!
//! let greeting = Exchange::new()
//!     .setting("site", "north")
//!     .expect(Client::new().get("me?site=north"))
//!     .answer(200, json!({"name": "Ann"}))
//!     .run(greet);
//! assert_eq!(greeting.unwrap(), "Hello \"Ann\"");
//! ```
//!
//! The script is stricter than a CRM: requests come in the announced order, one that was not announced fails the test at once, and so does one that did not come.
//! What is compared: method, address, body (JSON as JSON), and those header fields that the announcement has.
//! There is one clock, which stands still at [`START`] unless [`Exchange::now`] sets it, and random bytes are the same in every run.

pub(crate) mod current;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use crate::Timestamp;
use crate::bindings::http as contract;
pub use crate::bindings::http::{Failure, Request as Sent, Response as Reply};
use crate::http::Request;

/// The time of an exchange that sets no other: 2026-01-01T00:00:00Z.
pub const START: Timestamp = 1_767_225_600_000;

/// A script: what the connection has, and which requests are expected and answered.
#[derive(Debug, Clone)]
#[must_use = "a script does nothing until it is run"]
pub struct Exchange {
    now: Timestamp,
    settings: BTreeMap<String, String>,
    wanted_fields: BTreeMap<String, Vec<String>>,
    state: BTreeMap<String, Vec<u8>>,
    expected: VecDeque<Step>,
    crm: Option<Crm>,
    story: String,
}

/// A function that plays the CRM.
#[derive(Clone)]
struct Crm(Rc<RefCell<Play>>);

type Play = dyn FnMut(&Sent) -> Result<Reply, Failure>;

/// An announced request that has no answer yet.
#[derive(Debug)]
#[must_use = "an announced request needs an answer"]
pub struct Expected {
    exchange: Exchange,
    request: contract::Request,
}

#[derive(Debug, Clone)]
struct Step {
    request: contract::Request,
    answer: Result<contract::Response, Failure>,
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchange {
    /// Begins a script with no settings, no state and no requests.
    pub fn new() -> Self {
        Self {
            now: START,
            settings: BTreeMap::new(),
            wanted_fields: BTreeMap::new(),
            state: BTreeMap::new(),
            expected: VecDeque::new(),
            crm: None,
            story: String::new(),
        }
    }

    /// Sets the clock.
    pub fn now(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// Sets a setting of the connection.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the custom fields that the tenant wants read of an object.
    pub fn wanted_fields(mut self, object: &str, fields: &[&str]) -> Self {
        let fields = fields.iter().map(|it| (*it).to_owned()).collect();
        self.wanted_fields.insert(object.to_owned(), fields);
        self
    }

    /// Puts a value into the connection's state.
    ///
    /// # Panics
    ///
    /// If the value has no JSON form.
    #[expect(
        clippy::expect_used,
        reason = "this is a test's own value, and a test may panic"
    )]
    pub fn state(mut self, key: &str, value: &impl Serialize) -> Self {
        let json = serde_json::to_vec(value).expect("the state has a JSON form");
        self.state.insert(key.to_owned(), json);
        self
    }

    /// Hands every request that is not announced to a function that plays the CRM, such as a server of your own without its socket.
    ///
    /// ```
    /// use brightsync_sdk::http::Client;
    /// use brightsync_sdk::testing::{Exchange, Reply};
    ///
    /// let exchange = Exchange::new().played_by(|sent| {
    ///     let body = format!("\"{} {}\"", sent.method, sent.url).into_bytes();
    ///     Ok(Reply { status: 200, url: sent.url.clone(), headers: Vec::new(), body })
    /// });
    /// let answer = exchange.run(|| Client::new().get("me").send()?.value());
    /// assert_eq!(answer.unwrap(), "GET me");
    /// ```
    pub fn played_by(self, crm: impl FnMut(&Sent) -> Result<Reply, Failure> + 'static) -> Self {
        let crm = Some(Crm(Rc::new(RefCell::new(crm))));
        Self { crm, ..self }
    }

    /// Announces the next request.
    ///
    /// # Panics
    ///
    /// If the request cannot be sent at all.
    #[expect(
        clippy::expect_used,
        reason = "this is a test's own request, and a test may panic"
    )]
    pub fn expect(self, request: Request) -> Expected {
        let request = request
            .into_contract()
            .expect("the announced request can be sent");
        Expected {
            exchange: self,
            request,
        }
    }

    /// Adds a header field to the answer to the last announced request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Some(Step {
            answer: Ok(response),
            ..
        }) = self.expected.back_mut()
        {
            response
                .headers
                .push((name.to_lowercase(), value.to_owned()));
        }
        self
    }

    /// Runs a call against the script.
    ///
    /// # Panics
    ///
    /// If a request is not the announced one, or an announced one does not come.
    pub fn run<T>(self, call: impl FnOnce() -> T) -> T {
        self.tell(call).0
    }

    /// Runs a call against the script, and also answers its story: the requests, answers, log lines and changes of state as text, made for inline expectations.
    ///
    /// # Panics
    ///
    /// Like [`run`](Self::run).
    pub fn tell<T>(self, call: impl FnOnce() -> T) -> (T, String) {
        current::run(self, call)
    }
}

impl fmt::Debug for Crm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Crm")
    }
}

impl Expected {
    /// Answers with a status and a JSON body; `null` is an empty body.
    pub fn answer(self, status: u16, body: Value) -> Exchange {
        let (body, media_type) = match body {
            Value::Null => (String::new(), None),
            body => (body.to_string(), Some("application/json")),
        };
        self.respond(status, media_type, body)
    }

    /// Answers with a status and a body of any media type.
    pub fn answer_text(self, status: u16, media_type: &str, body: &str) -> Exchange {
        self.respond(status, Some(media_type), body.to_owned())
    }

    /// Leaves the request without an answer.
    pub fn fail(self, failure: Failure) -> Exchange {
        self.end(Err(failure))
    }

    fn respond(self, status: u16, media_type: Option<&str>, body: String) -> Exchange {
        let media_type = media_type.map(|it| ("content-type".to_owned(), it.to_owned()));
        let url = self.request.url.clone();
        let headers = media_type.into_iter().collect();
        self.end(Ok(contract::Response {
            status,
            url,
            headers,
            body: body.into_bytes(),
        }))
    }

    fn end(mut self, answer: Result<contract::Response, Failure>) -> Exchange {
        self.exchange.expected.push_back(Step {
            request: self.request,
            answer,
        });
        self.exchange
    }
}

impl Exchange {
    /// Takes the next step of the script if the request is the announced one, else says what differs.
    fn answer(
        &mut self,
        request: &contract::Request,
    ) -> Result<Result<contract::Response, Failure>, String> {
        self.tell_request(request);
        let answer = match (self.expected.pop_front(), &self.crm) {
            (Some(step), _) => match difference(&step.request, request) {
                Some(difference) => return Err(difference),
                None => step.answer,
            },
            (None, Some(Crm(play))) => (play.borrow_mut())(request),
            (None, None) => return Err("this request was not announced".to_owned()),
        };
        match &answer {
            Ok(response) => {
                let body = String::from_utf8_lossy(&response.body);
                self.line(format!("  {} {body}", response.status).trim_end());
            }
            Err(failure) => self.line(&format!("  no answer: {failure:?}")),
        }
        Ok(answer)
    }

    fn tell_request(&mut self, request: &contract::Request) {
        self.line(&format!("{} {}", request.method, request.url));
        if let Some(body) = &request.body {
            self.line(&format!("  {}", String::from_utf8_lossy(body)));
        }
    }

    fn line(&mut self, line: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.story, "{line}");
    }
}

fn difference(announced: &contract::Request, made: &contract::Request) -> Option<String> {
    let line = |it: &contract::Request| format!("{} {}", it.method, it.url);
    if line(announced) != line(made) {
        return Some(format!("{} was announced here", line(announced)));
    }
    for (name, value) in &announced.headers {
        let same = |(n, v): &(String, String)| n.eq_ignore_ascii_case(name) && v == value;
        if !made.headers.iter().any(same) {
            return Some(format!("the header field `{name}: {value}` was announced"));
        }
    }
    if as_json(announced.body.as_deref()) != as_json(made.body.as_deref()) {
        let body = announced.body.as_deref().unwrap_or_default();
        return Some(format!(
            "this body was announced: {}",
            String::from_utf8_lossy(body)
        ));
    }
    (announced.repeatable != made.repeatable).then(|| {
        format!(
            "it was announced with repeatable = {}",
            announced.repeatable
        )
    })
}

/// A body in a form in which the order of members does not count; a body that is no JSON as text.
fn as_json(body: Option<&[u8]>) -> Option<Value> {
    let body = body?;
    let text = || Value::String(String::from_utf8_lossy(body).into_owned());
    Some(serde_json::from_slice(body).unwrap_or_else(|_| text()))
}

#[cfg(test)]
mod tests;
