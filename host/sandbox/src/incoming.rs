//! Bodies of requests: JSON objects of a bounded size, and nothing else.

use axum::body::{Body as Stream, Bytes, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;
use crate::schema::Body;

/// The largest body of a request, in bytes.
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;

/// Reads a body that is a JSON object.
pub(crate) async fn object(headers: &HeaderMap, body: Stream) -> Result<Body, Failure> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "send the body as application/json";
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        ));
    }
    let bytes = bytes(body).await?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Failure::bad_request(
            "invalid_json",
            "the body has to be a JSON object",
        )),
        Err(error) => Err(Failure::bad_request(
            "invalid_json",
            format!("the body is not JSON: {error}"),
        )),
    }
}

/// Reads a whole body.
pub(crate) async fn bytes(body: Stream) -> Result<Bytes, Failure> {
    // Somewhat more than is allowed is read, so that the sender gets to read the refusal.
    let too_large = || {
        let message = format!("a body has at most {LARGEST} bytes");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    let bytes = to_bytes(body, 2 * LARGEST).await.map_err(|_| too_large())?;
    if LARGEST < bytes.len() {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Reads a body that is a JSON object of a certain form.
pub(crate) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Stream,
) -> Result<T, Failure> {
    let object = object(headers, body).await?;
    serde_json::from_value(Value::Object(object)).map_err(|error| {
        Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            error.to_string(),
        )
    })
}
