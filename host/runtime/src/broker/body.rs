//! Reads the body of an answer, and no more of it than may be passed on.

use brightsync_core::decode::{self, Decoder};
use brightsync_core::rule::Rule;

use super::Failure;
use super::redact::Redaction;
use super::transport::Received;
use crate::store::Call;

/// How many packed bytes are unpacked before the caps are looked at.
const STEP: usize = 4 * 1024;

/// How many unpacked bytes are never too many for what they were packed in.
const SMALL: u64 = 64 * 1024;

/// Reads to the end, or until it is too large: as it came, as it is unpacked, or in how much there was to unpack in so little.
pub(super) async fn read(
    response: &mut Received,
    call: &Call,
    redaction: &mut Redaction<'_>,
) -> Result<(), Failure> {
    let limits = &call.shared.limits;
    let mut decoder = Decoder::new(response.encoding()?)?;
    let most = limits.answer_packed_size;
    let announced = response.announced().unwrap_or_default();
    if Rule::AnswerPackedSize.refuses(most < announced) {
        return Err(Failure::TooLarge);
    }
    let (mut packed, mut unpacked) = (0_u64, 0_u64);
    while let Some(chunk) = response.chunk().await? {
        for piece in chunk.chunks(STEP) {
            packed = packed.saturating_add(length(piece));
            let left = if Rule::AnswerSize.holds() {
                limits.answer_size.saturating_sub(unpacked)
            } else {
                u64::MAX
            };
            let bytes = decoder.feed(piece, usize::try_from(left).unwrap_or(usize::MAX))?;
            unpacked = unpacked.saturating_add(length(&bytes));
            let ratio = SMALL.max(packed.saturating_mul(limits.answer_ratio));
            let is_within = call.meter.receive(length(&bytes), limits.bytes_in);
            if Rule::AnswerPackedSize.refuses(most < packed)
                || Rule::AnswerRatio.refuses(ratio < unpacked)
                || Rule::BytesIn.refuses(!is_within)
            {
                return Err(Failure::TooLarge);
            }
            redaction.push(&bytes);
        }
    }
    Ok(decoder.finish()?)
}

impl From<decode::Error> for Failure {
    fn from(error: decode::Error) -> Self {
        match error {
            decode::Error::Unknown => Self::Other("content-encoding"),
            decode::Error::TooLarge => Self::TooLarge,
            decode::Error::Broken => Self::NoAnswer("encoding"),
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
