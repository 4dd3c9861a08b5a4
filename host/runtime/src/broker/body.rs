//! Reads the body of an answer, and no more of it than may be passed on.

use super::Failure;
use super::transport::Received;
use crate::store::Call;

/// Reads to the end, or until it is too large.
pub(super) async fn read(response: &mut Received, call: &Call) -> Result<Vec<u8>, Failure> {
    let limits = &call.shared.limits;
    if response.is_encoded() {
        // None was asked for, and what cannot be unpacked under a cap is not passed on.
        return Err(Failure::Other("content-encoding"));
    }
    if response
        .announced()
        .is_some_and(|length| limits.answer_size < length)
    {
        return Err(Failure::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let total = u64::try_from(body.len())
            .unwrap_or(u64::MAX)
            .saturating_add(length);
        if limits.answer_size < total || !call.meter.receive(length, limits.bytes_in) {
            return Err(Failure::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
