//! A request as somebody orders it, whatever it is.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::{Error, Result};
use serde::Deserialize;

/// One request, or many of the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// Of what kind the body is.
    #[serde(default = "text")]
    media: String,
    /// The size of a body of zeros.
    #[serde(default)]
    zeros: usize,
    /// How many of them.
    #[serde(default = "one")]
    pub times: usize,
    #[serde(default)]
    repeatable: bool,
    #[serde(default = "one_point")]
    cost: u32,
    bucket: Option<String>,
}

impl Ask {
    /// The request.
    pub fn request(&self) -> Result<Request> {
        let client = Client::new();
        let url = self.url.as_str();
        let mut request = match self.method.as_str() {
            "GET" => client.get(url),
            "POST" => client.post(url),
            "PUT" => client.put(url),
            "PATCH" => client.patch(url),
            "DELETE" => client.delete(url),
            other => return Err(Error::other(format!("the SDK has no method {other}"))),
        };
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.repeatable {
            request = request.repeatable();
        }
        if let Some(bucket) = &self.bucket {
            request = request.cost(self.cost, bucket);
        }
        if 0 < self.zeros {
            return Ok(request.body(vec![0; self.zeros], "application/octet-stream"));
        }
        Ok(match &self.body {
            Some(body) => request.body(body.clone().into_bytes(), &self.media),
            None => request,
        })
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn one() -> usize {
    1
}

fn one_point() -> u32 {
    1
}

fn text() -> String {
    "text/plain".to_owned()
}
