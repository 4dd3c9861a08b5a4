//! Time and chance for connectors.

use brightsync_core::rule::Rule;

use crate::bindings::host::Host;
use crate::store::Running;

/// The most random bytes that one call of `random` answers.
const MOST: u32 = 4096;

impl Host for Running {
    async fn now(&mut self) -> wasmtime::Result<i64> {
        let _in_host = self.enter()?;
        Ok((self.call.shared.clock)())
    }

    async fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        let _in_host = self.enter()?;
        let length = if Rule::RandomBytes.refuses(MOST < length) {
            MOST
        } else {
            length
        };
        let mut bytes = vec![0; usize::try_from(length)?];
        getrandom::fill(&mut bytes)
            .map_err(|problem| crate::call::host_failure(format!("no random bytes: {problem}")))?;
        Ok(bytes)
    }
}
