//! Parameters of OAuth requests, read strictly: from a query, a form or a JSON object.

use std::collections::BTreeSet;
use std::fmt;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use url::form_urlencoded;

use crate::oauth::refusal::Refusal;

/// The largest body, in bytes: a signed assertion fits many times.
const LARGEST: usize = 64 * 1024;

/// The parameters of a request.
#[derive(Default)]
pub(crate) struct Form {
    given: Vec<(String, String)>,
    /// What came more than once, which RFC 6749 forbids (section 3.1).
    repeated: BTreeSet<String>,
}

/// How a body was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Form,
    Json,
}

impl Form {
    /// Reads the text of a query or a form; none if its encoding is broken.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let pairs: Vec<_> = if text.is_empty() {
            Vec::new()
        } else {
            text.split('&')
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((decode(name)?, decode(value)?))
                })
                .collect::<Option<_>>()?
        };
        Some(Self::of(pairs))
    }

    /// Reads the body of a request, and refuses parameters that are repeated or in the address.
    pub(crate) async fn of_body(
        query: Option<&str>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Self, Media), Refusal> {
        if query.is_some() {
            // RFC 6749, section 2.3.1: addresses end up in logs.
            let message = "parameters belong in the body, not in the address";
            return Err(Refusal::request(message));
        }
        let media = Media::of(headers)?;
        let bytes = bytes(body).await?;
        let form = match media {
            Media::Form => std::str::from_utf8(&bytes)
                .ok()
                .and_then(Self::parse)
                .ok_or_else(|| Refusal::request("the form is not encoded correctly"))?,
            Media::Json => {
                let pairs: Pairs = serde_json::from_slice(&bytes).map_err(|_| {
                    Refusal::request("the body is not a JSON object with texts as values")
                })?;
                Self::of(pairs.0)
            }
        };
        if form.repeats_any() {
            return Err(Refusal::request("a parameter comes more than once"));
        }
        Ok((form, media))
    }

    fn of(pairs: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            if form.given.iter().any(|it| it.0 == name) {
                form.repeated.insert(name);
            } else {
                form.given.push((name, value));
            }
        }
        form
    }

    /// Returns a value; one that is empty counts as absent (RFC 6749, section 3.1), as does a repeated one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        if self.repeated.contains(name) {
            return None;
        }
        let value = self.given.iter().find(|it| it.0 == name)?.1.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// Returns a value, or refuses the request without it.
    pub(crate) fn need(&self, name: &str, missing: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::request(missing))
    }

    /// Tells whether any parameter comes more than once.
    pub(crate) fn repeats_any(&self) -> bool {
        !self.repeated.is_empty()
    }
}

impl Media {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim() {
            it if it.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Ok(Self::Form),
            it if it.eq_ignore_ascii_case("application/json") => Ok(Self::Json),
            _ => Err(Refusal::request(
                "send the body as application/x-www-form-urlencoded",
            )),
        }
    }
}

/// Reads a whole body, which is small.
pub(crate) async fn bytes(body: Body) -> Result<Bytes, Refusal> {
    let too_large = |_| Refusal::request("the body is larger than 64 KiB");
    to_bytes(body, LARGEST).await.map_err(too_large)
}

/// Decodes one name or value of a form; the library would let broken parts pass as they are.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.as_bytes().get(..2)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = after.get(2..)?;
    }
    // Neither separator can be in a part, so the pair that comes out is this one.
    let pair = format!("part={text}");
    let (_, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
    // What is not UTF-8 comes out as this character.
    (!value.contains('\u{fffd}')).then(|| value.into_owned())
}

/// The members of a JSON object in their order, repeated ones too.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with texts as values")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, decode};

    #[test]
    fn a_part_is_decoded_or_refused_as_a_whole() {
        for (text, expected) in [
            ("a+b%20c", Some("a b c")),
            ("%C3%A9%2b", Some("é+")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
            ("%é", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_repeated_or_empty_parameter_has_no_value() {
        let form = Form::parse("a=1&b=2&a=1&c=&d").unwrap();
        let values = ["a", "b", "c", "d", "e"].map(|it| form.get(it));
        assert_eq!(values, [None, Some("2"), None, None, None]);
        assert!(form.repeats_any() && !Form::parse("a=1&b=1").unwrap().repeats_any());
    }
}
