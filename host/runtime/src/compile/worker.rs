//! The process that compiles, seen from both sides.
//!
//! It is the embedder's own program, started anew with one argument: no second file has to be installed, and both sides have the same compiler.
//! A component goes in by standard input, code comes out by standard output; whatever else it says is its last words.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::CompileError;
use crate::engine;

/// The first argument of the process that compiles.
const ARGUMENT: &str = "brightsync-compile-worker";

/// The most code that is taken from it.
const LARGEST_CODE: u64 = 512 << 20;

/// What it may say before it ends.
const LAST_WORDS: u64 = 4 << 10;

/// Whether this program calls [`serve`].
static SERVES: AtomicBool = AtomicBool::new(false);

/// What is said by Rust's allocator, and by the system to whoever wants a mapping or a thread.
const OUT_OF_MEMORY: [&str; 3] = ["memory allocation of", "os error 12", "os error 11"];

/// Exit code of a process that has understood the component and does not take it.
const REFUSED: i32 = 3;

/// How to start the process that compiles, and what it may use.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The program; it calls [`serve`] before anything else.
    pub program: PathBuf,
    /// Processor time, in whole seconds.
    pub processor_seconds: u64,
    /// Address space in bytes.
    pub memory: u64,
    /// Time in all.
    pub time: Duration,
}

impl Worker {
    /// The program that runs now, with limits that leave room for an interpreter of 20 MiB: 120 s of processor time, 4 GiB, 180 s in all.
    ///
    /// None if it has not called [`serve`]: started anew it would not compile but begin its own work again.
    pub fn this_program() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        SERVES.load(Ordering::Relaxed).then(|| Self::of(program))
    }

    /// Another program, with the same limits.
    pub fn of(program: PathBuf) -> Self {
        Self {
            program,
            processor_seconds: 120,
            memory: 4 << 30,
            time: Duration::from_secs(180),
        }
    }

    pub(super) async fn compile(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        match tokio::time::timeout(self.time, self.run(component)).await {
            Ok(result) => result,
            // The process went with the future.
            Err(_elapsed) => Err(CompileError::Limit("the time that a component may take")),
        }
    }

    async fn run(&self, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let broken = |problem: std::io::Error| CompileError::Worker(problem.to_string());
        let mut child = Command::new(&self.program)
            .arg(ARGUMENT)
            .arg(self.processor_seconds.to_string())
            .arg(self.memory.to_string())
            // Nothing of the host's: no environment, no open files, no folder.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let send = async {
            if let Some(mut stdin) = stdin {
                // It may end before it has read all; how it ended says more.
                let _sent = stdin.write_all(component).await;
            }
        };
        let (code, words, ()) =
            tokio::join!(read(stdout, LARGEST_CODE), read(stderr, LAST_WORDS), send);
        let status = child.wait().await.map_err(broken)?;
        let words = String::from_utf8_lossy(&words.unwrap_or_default()).into_owned();
        verdict(status, code.map_err(broken)?, words.trim())
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

fn verdict(status: ExitStatus, code: Vec<u8>, words: &str) -> Result<Vec<u8>, CompileError> {
    let words = brightsync_core::escape::escape(words, 1024);
    if status.success() {
        return Ok(code);
    }
    if status.code() == Some(REFUSED) {
        return Err(CompileError::Refused(words.into_owned()));
    }
    if is_out_of_processor_time(status) {
        return Err(CompileError::Limit(
            "the processor time that a component may take",
        ));
    }
    if OUT_OF_MEMORY.iter().any(|it| words.contains(it)) {
        return Err(CompileError::Limit("the memory that a component may take"));
    }
    Err(CompileError::Failed(format!("{status}; {words}")))
}

#[cfg(unix)]
fn is_out_of_processor_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(libc::SIGXCPU)
}

#[cfg(not(unix))]
fn is_out_of_processor_time(_: ExitStatus) -> bool {
    false
}

/// Compiles, if this process was started for that, and ends it; does nothing in any other.
///
/// A program that embeds a host with a [`Worker`] calls it first thing in `main`, before it starts threads or reads secrets:
///
/// ```
/// brightsync_runtime::compile::serve();
/// // From here on, what the program is for.
/// let worker = brightsync_runtime::Worker::this_program();
/// # assert!(worker.is_some());
/// ```
pub fn serve() {
    SERVES.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(ARGUMENT)) {
        return;
    }
    let mut number = || arguments.next()?.to_str()?.parse().ok();
    let code = match (number(), number()) {
        (Some(processor_seconds), Some(memory)) => work(processor_seconds, memory),
        _ => Err((1, "this program compiles only for a host".to_owned())),
    };
    let exit = match code.and_then(|code| write(&code)) {
        Ok(()) => 0,
        Err((exit, words)) => {
            let _said = std::io::stderr().write_all(words.as_bytes());
            exit
        }
    };
    std::process::exit(exit);
}

fn work(processor_seconds: u64, memory: u64) -> Result<Vec<u8>, (i32, String)> {
    let failed = |problem: &dyn std::fmt::Display| (1, problem.to_string());
    limit(processor_seconds, memory).map_err(|problem| failed(&problem))?;
    let mut component = Vec::new();
    std::io::stdin()
        .read_to_end(&mut component)
        .map_err(|problem| failed(&problem))?;
    let compiler = engine::compiler().map_err(|problem| failed(&format_args!("{problem:#}")))?;
    compiler
        .precompile_component(&component)
        .map_err(|problem| (REFUSED, format!("{problem:#}")))
}

fn write(code: &[u8]) -> Result<(), (i32, String)> {
    let mut out = std::io::stdout().lock();
    out.write_all(code)
        .and_then(|()| out.flush())
        .map_err(|problem| (1, problem.to_string()))
}

/// Limits this process, before it has read a byte that an attacker wrote.
#[cfg(unix)]
fn limit(processor_seconds: u64, memory: u64) -> std::io::Result<()> {
    use rlimit::{Resource, setrlimit};
    // At the first limit it is told why it ends; the second is for one that does not listen.
    setrlimit(
        Resource::CPU,
        processor_seconds,
        processor_seconds.saturating_add(1),
    )?;
    setrlimit(Resource::AS, memory, memory)?;
    // No file is written, and no image of its memory is left behind.
    setrlimit(Resource::FSIZE, 0, 0)?;
    setrlimit(Resource::CORE, 0, 0)
}

#[cfg(not(unix))]
fn limit(_: u64, _: u64) -> std::io::Result<()> {
    // Elsewhere the time in all is the only limit.
    Ok(())
}
