//! A request as a CRM reads it.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request, taken apart.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Where it was sent to, such as `http://127.0.0.1:4000`; next links begin with it.
    pub origin: String,
    /// The path as it came, percent-encoded, with its leading slash.
    pub path: String,
    /// The query as it came, without `?`.
    pub raw_query: String,
    /// The parameters of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Takes a request apart; `target` is its path and query.
    pub fn new(
        method: &str,
        origin: &str,
        target: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            origin: origin.to_owned(),
            path: path.to_owned(),
            raw_query: query.to_owned(),
            query: pairs(query),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect(),
            body,
        }
    }

    /// The segments of the path, decoded.
    pub fn segments(&self) -> Vec<String> {
        let segments = self.path.trim_start_matches('/').split('/');
        segments
            .map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// A header field; the first one of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// A parameter of the query; the first one of this name.
    pub fn param(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The first parameter of the query that is none of these.
    pub fn unknown_param(&self, known: &[&str]) -> Option<&str> {
        let mut names = self.query.iter().map(|(name, _)| name.as_str());
        names.find(|it| !known.contains(it))
    }

    /// The credential of the header `Authorization`, if it has this scheme, such as `Bearer`.
    pub fn credential(&self, scheme: &str) -> Option<&str> {
        let value = self.header("authorization")?;
        value.strip_prefix(scheme)?.strip_prefix(' ')
    }

    /// The media type of the body, without its parameters.
    pub fn media_type(&self) -> Option<&str> {
        let value = self.header("content-type")?;
        value.split(';').next().map(str::trim)
    }

    /// The body as JSON, if it is said to be and is.
    pub fn json(&self) -> Option<Value> {
        if self.media_type() != Some("application/json") {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// The fields of a form in the body, if it is said to be one.
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        if self.media_type() != Some("application/x-www-form-urlencoded") {
            return None;
        }
        Some(pairs(std::str::from_utf8(&self.body).ok()?))
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = pairs.iter().filter(|(it, _)| it == name);
    values.next().map(|(_, value)| value.as_str())
}

/// Reads `a=b&c=d`, in which `+` is a blank (the URL standard, 5.1).
fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |it: &str| {
        let spaced = it.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let parts = text.split('&').filter(|it| !it.is_empty());
    parts
        .map(|it| it.split_once('=').unwrap_or((it, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
