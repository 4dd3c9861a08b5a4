//! The operator's command that prints the master keys, as a password manager or a key service has one.

use std::ffi::OsString;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::key::ListError;
use super::key_file::LARGEST_LIST;

/// Why a command has given no keys. What it has printed is not told.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It cannot be started.
    #[error("the command {program:?} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
    /// It has failed.
    #[error("the command {program:?} has failed ({status}); run it by hand to see what it says")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It has taken too long.
    #[error("the command {program:?} has not ended within {limit:?}, and was killed")]
    TooLong {
        /// The program.
        program: String,
        /// The time that it had.
        limit: Duration,
    },
    /// It has printed too much.
    #[error("the command {program:?} has printed more than 64 KiB, which is no list of keys")]
    TooMuch {
        /// The program.
        program: String,
    },
    /// It has printed something else.
    #[error("the output of the command {program:?} is no list of keys")]
    List {
        /// The program.
        program: String,
        /// What is wrong.
        #[source]
        problem: ListError,
    },
}

/// A program with its arguments, and the time that it has.
pub(super) struct KeyCommand {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) limit: Duration,
}

impl KeyCommand {
    /// The program's name, for messages; arguments may be secret.
    pub(super) fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// Runs it, in the environment of this process, and takes what it prints. It does not outlive the returned future.
    pub(super) async fn run(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let ran = tokio::time::timeout(self.limit, self.output()).await;
        ran.unwrap_or_else(|_elapsed| {
            Err(CommandError::TooLong {
                program: self.name(),
                limit: self.limit,
            })
        })
    }

    async fn output(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let failed = |problem| CommandError::Start {
            program: self.name(),
            problem,
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        // Room for all of it from the start: a buffer that grows leaves what it held behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LARGEST_LIST + 1));
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = stdout.take(LARGEST_LIST as u64 + 1);
            stdout.read_to_end(&mut text).await.map_err(failed)?;
        }
        if LARGEST_LIST < text.len() {
            return Err(CommandError::TooMuch {
                program: self.name(),
            });
        }
        let status = child.wait().await.map_err(failed)?;
        if !status.success() {
            return Err(CommandError::Failed {
                program: self.name(),
                status,
            });
        }
        Ok(text)
    }
}
