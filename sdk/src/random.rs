//! Chance, from the host.

use crate::host;

/// Random bytes of cryptographic quality, at most 4 KiB; in tests they count up from 0.
pub fn bytes(length: u32) -> Vec<u8> {
    host::random(length)
}
