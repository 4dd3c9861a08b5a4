//! Texts that nobody can guess: tokens, codes, nonces and the secrets of clients.
//!
//! Unlike the credentials of the seed they differ from one start to the next: a token that one server
//! issued must not open another, even if both have the same seed.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

/// Makes texts that nobody can guess, no two alike.
pub(crate) struct Secrets {
    key: [u8; 32],
    next: AtomicU64,
}

impl Secrets {
    /// Asks the system for randomness, once.
    pub(crate) fn draw() -> Result<Self, Unspecified> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key)?;
        Ok(Self {
            key,
            next: AtomicU64::new(0),
        })
    }

    /// Returns a new text that begins with `prefix-`.
    pub(crate) fn make(&self, prefix: &str) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(number.to_be_bytes())
            .finalize();
        format!("{prefix}-{}", URL_SAFE_NO_PAD.encode(digest))
    }
}
