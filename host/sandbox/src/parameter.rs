//! The parameters of a request, read strictly: what nobody asked for is refused.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::Value;

use crate::clock;
use crate::failure::Failure;
use crate::schema::Body;

/// The most values of one parameter in an address.
pub(crate) const MOST_IN_ADDRESS: usize = 100;
/// The most values of one parameter in the body of a search.
pub(crate) const MOST_IN_BODY: usize = 1000;

/// The parameters that have not been read yet.
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    most: usize,
}

impl Parameters {
    /// Takes the parameters of an address.
    pub(crate) fn of_address(address: &Uri) -> Result<Self, Failure> {
        let Query(given) =
            Query::<Vec<(String, String)>>::try_from_uri(address).map_err(|error| {
                Failure::bad_request(
                    "invalid_query",
                    format!("the query cannot be read: {error}"),
                )
            })?;
        Ok(Self {
            given,
            most: MOST_IN_ADDRESS,
        })
    }

    /// Takes the parameters of a search from its body: names with a value, or a list of values.
    pub(crate) fn of_body(body: Body) -> Result<Self, Failure> {
        let mut given = Vec::new();
        for (name, value) in body {
            let values = match value {
                Value::Array(values) => values,
                value => vec![value],
            };
            for value in values {
                let value = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                        let message = format!("{name} takes a text, or a list of texts");
                        return Err(Failure::bad_request("invalid_parameter", message));
                    }
                };
                given.push((name.clone(), value));
            }
        }
        Ok(Self {
            given,
            most: MOST_IN_BODY,
        })
    }

    /// Returns the values of a parameter.
    pub(crate) fn all(&mut self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let taken = self.given.extract_if(.., |it| it.0 == name);
        let values: Vec<String> = taken.map(|it| it.1).collect();
        if self.most < values.len() {
            let message = format!(
                "{name} is given {} times: at most {} here",
                values.len(),
                self.most
            );
            return Err(Failure::bad_request("too_many_values", message));
        }
        Ok(if values.is_empty() {
            None
        } else {
            Some(values)
        })
    }

    /// Returns the value of a parameter that has one.
    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let mut values = self.all(name)?.unwrap_or_default();
        if 1 < values.len() {
            let message = format!("{name} takes one value, and is given {}", values.len());
            return Err(Failure::bad_request("invalid_parameter", message));
        }
        Ok(values.pop())
    }

    /// Returns the value of a parameter that is a time.
    pub(crate) fn time(&mut self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        let message =
            || format!("{name} takes a time in RFC 3339 with an offset (`+` is written %2B)");
        clock::parse(&text)
            .map(Some)
            .ok_or_else(|| Failure::bad_request("invalid_parameter", message()))
    }

    /// Returns the value of a parameter that is one of some words.
    pub(crate) fn word(&mut self, name: &str, words: &[&str]) -> Result<Option<String>, Failure> {
        let value = self.one(name)?;
        match &value {
            Some(value) if !words.contains(&value.as_str()) => Err(Failure::bad_request(
                "invalid_parameter",
                format!("{name} takes one of: {}", words.join(", ")),
            )),
            _ => Ok(value),
        }
    }

    /// Returns a text that is the same for the same parameters, whatever their order.
    pub(crate) fn text(&self) -> String {
        let mut given: Vec<_> = self
            .given
            .iter()
            .filter(|it| it.0 != "cursor" && it.0 != "limit")
            .collect();
        given.sort();
        format!("{given:?}")
    }

    /// Refuses what is left over.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.given.first() {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("there is no parameter {name} here");
                Err(Failure::bad_request("unknown_parameter", message))
            }
        }
    }
}
