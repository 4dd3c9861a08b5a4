//! An answer of the CRM, and the error that its status stands for.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::About;
use crate::bindings::http as contract;
use crate::json::{self, Notes, Object};
use crate::{Error, ForbiddenKind, InvalidField, Reason, Result, time};

/// An answer of the CRM.
#[derive(Debug, Clone)]
pub struct Response {
    about: About,
    inner: contract::Response,
}

impl Response {
    pub(super) fn new(about: About, inner: contract::Response) -> Self {
        Self { about, inner }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.inner.status
    }

    /// The address that answered.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The value of a header field, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.inner.headers.iter();
        fields
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.inner.body
    }

    /// The body as text, with a replacement character for what is no UTF-8.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.inner.body)
    }

    /// Reads the body as a JSON object: `response.read(|it| Ok(it.id("id")))`.
    ///
    /// An answer that is not what was due is an `other` error, or `in-doubt` if the request was a write: it was accepted, but nobody knows what became of it.
    pub fn read<T>(&self, map: impl Fn(Object<'_>) -> Result<T>) -> Result<T> {
        match Object::read(&self.value()?, map) {
            Err(error) if error.reason == Reason::Other => Err(self.unexpected(&error.message)),
            read => read,
        }
    }

    /// Refines an error with what a body in JSON says; one that does not read leaves it as it is.
    pub fn refine(&self, error: Error, map: impl Fn(Object<'_>, Error) -> Error) -> Error {
        let refined = self.read(|it| Ok(map(it, error.clone())));
        refined.unwrap_or(error)
    }

    /// Reads the body as a JSON list of objects: `response.each(|it| it.id("id"))`.
    ///
    /// An answer that is not what was due is an error as in [`read`](Self::read), for the whole list; [`Page::read`](crate::Page::read) of [`list`](Self::list) reads each record for itself.
    pub fn each<T>(&self, map: impl Fn(Object<'_>) -> T) -> Result<Vec<T>> {
        let list = self.list()?;
        Notes::read(|notes| Ok(notes.objects(&list, map)))
            .map_err(|it| self.unexpected(&it.message))
    }

    /// Reads the body as a JSON list of anything; an answer that is none is an error likewise.
    pub fn list(&self) -> Result<Vec<Value>> {
        match self.value()? {
            Value::Array(list) => Ok(list),
            _ => Err(self.unexpected("a list was due")),
        }
    }

    /// Reads the body as any JSON value; an answer that is none is an error likewise.
    pub fn value(&self) -> Result<Value> {
        json::parse(&self.inner.body).map_err(|error| self.not_json(&error.to_string()))
    }

    /// Reads the body as a type with serde's derive; an answer that does not fit is an error likewise.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::read(&self.inner.body).map_err(|error| self.not_json(&error.to_string()))
    }

    /// Answers itself if the status is a success (2xx), else the error of [`into_error`](Self::into_error).
    pub fn ok(self) -> Result<Self> {
        if (200..300).contains(&self.inner.status) {
            Ok(self)
        } else {
            Err(self.into_error())
        }
    }

    /// Answers the error that the status stands for, refined by the client's [`Refine`](super::Refine).
    ///
    /// | status | reason |
    /// |---|---|
    /// | 400, 413, 414, 415, 422 | `invalid`, with the CRM's text and no field |
    /// | 401 | `unauthorized` |
    /// | 403 | `forbidden(unknown)` |
    /// | 404, 410 | `not-found` |
    /// | 409 | `duplicate`, without ids |
    /// | 412 | `stale` |
    /// | 429 | `rate-limited`, with the wait of `Retry-After` in either form |
    /// | 405, 501 | `unsupported` |
    /// | 503 | `unavailable` |
    /// | other 5xx, 408 | `unavailable`; for a write `in-doubt`, since it may have been carried out before something failed |
    /// | any other | `other` |
    pub fn into_error(self) -> Error {
        let error = self.plain_error();
        match self.about.refine {
            Some(refine) => refine(&self, error),
            None => error,
        }
    }

    fn plain_error(&self) -> Error {
        let message = format!(
            "the CRM answered {} to {}{}",
            self.inner.status,
            self.about.name,
            self.excerpt()
        );
        let reason = match self.inner.status {
            400 | 413 | 414 | 415 | 422 => {
                Reason::Invalid(vec![InvalidField::unnamed(message.clone())])
            }
            401 => Reason::Unauthorized,
            403 => Reason::Forbidden(ForbiddenKind::Unknown),
            404 | 410 => Reason::NotFound,
            409 => Reason::Duplicate(Vec::new()),
            412 => Reason::Stale,
            429 => Reason::RateLimited(self.retry_after()),
            405 | 501 => Reason::Unsupported,
            // RFC 9110, 15.6.4: not able to handle the request, so it was not carried out.
            503 => Reason::Unavailable,
            408 | 500.. => return self.about.uncertain(Reason::Unavailable, message),
            _ => Reason::Other,
        };
        Error::new(reason, message)
    }

    fn not_json(&self, problem: &str) -> Error {
        let message = if self.is_page() {
            "a web page came where JSON was due: is the address in the settings right?"
        } else if self.inner.body.is_empty() {
            "nothing came where JSON was due"
        } else {
            problem
        };
        self.unexpected(message)
    }

    fn unexpected(&self, problem: &str) -> Error {
        let message = format!(
            "the answer to {} is not what was due: {problem}",
            self.about.name
        );
        self.about.uncertain(Reason::Other, message)
    }

    /// The wait that `Retry-After` asks for, in milliseconds (RFC 9110, 10.2.3: seconds or a date).
    fn retry_after(&self) -> Option<u64> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(seconds.saturating_mul(1_000));
        }
        let then = time::parse_http_date(value).ok()?;
        Some(u64::try_from(then.saturating_sub(time::now())).unwrap_or(0))
    }

    /// The beginning of the body, if a human could make something of it.
    fn excerpt(&self) -> String {
        const LONGEST: usize = 200;
        let text = self.text();
        let text = text.trim();
        if text.is_empty() || self.is_page() {
            return String::new();
        }
        let cut: String = text.chars().take(LONGEST).collect();
        let dots = if cut.len() < text.len() { "…" } else { "" };
        format!(": {cut}{dots}")
    }

    /// Whether the body is HTML or XML, whatever its header says.
    fn is_page(&self) -> bool {
        self.inner.body.trim_ascii_start().starts_with(b"<")
    }
}
