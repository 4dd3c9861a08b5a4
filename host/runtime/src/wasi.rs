//! The empty place that stands behind WASI: no arguments, no environment, no files, no sockets; clocks that tick in milliseconds; and a standard error of which the end is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use brightsync_core::escape::escape;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiView};

/// How much of standard error is kept.
const KEPT: usize = 4 * 1024;

/// The end of what a guest wrote to standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// The text, as far as it is one, with control characters made visible.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.bytes().iter().copied().collect();
        // Escaped, a character takes up to ten; the end is what matters, so nothing is cut here.
        escape(String::from_utf8_lossy(&bytes).trim_end(), 10 * KEPT).into_owned()
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, written: &[u8]) {
        let mut bytes = self.bytes();
        bytes.extend(written.iter().skip(written.len().saturating_sub(KEPT)));
        let surplus = bytes.len().saturating_sub(KEPT);
        bytes.drain(..surplus);
    }
}

/// The context of one call.
pub(crate) fn context(stderr: &Tail) -> WasiCtx {
    WasiCtx::builder()
        .stderr(stderr.clone())
        .wall_clock(Milliseconds(Instant::now()))
        .monotonic_clock(Milliseconds(Instant::now()))
        .max_random_size(64 * 1024)
        .allow_blocking_current_thread(false)
        .build()
}

/// Links what the Rust standard library, and that of other languages, pulls in, and nothing else.
pub(crate) fn link<T: WasiView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, |it| it.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, |it| it.ctx().ctx.random())?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, T::cli)
}

/// Clocks without the resolution that a timing attack wants.
struct Milliseconds(Instant);

impl HostWallClock for Milliseconds {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        whole(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }
}

impl HostMonotonicClock for Milliseconds {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(whole(self.0.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}

fn whole(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this, and it is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Tail {
    async fn ready(&mut self) {}
}

impl OutputStream for Tail {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_4_kib_of_standard_error_are_kept() {
        let tail = Tail::default();
        tail.push(&[b'a'; 10_000]);
        tail.push(b"the end\x1b[2J\n");
        let text = tail.text();
        assert!(text.ends_with(r"the end\u{1b}[2J"));
        assert!(tail.bytes().len() == KEPT);
    }
}
