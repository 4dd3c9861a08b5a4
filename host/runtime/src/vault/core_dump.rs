//! Keeping secrets out of what the system writes down of a process that crashes.

use std::io;

/// Whether this process can leave a core dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreDumps {
    /// The system makes none.
    Off,
    /// Nothing was changed: this system has no setting for it that is known here.
    AsBefore,
}

/// Forbids the system to write a core dump of this process, and on Linux forbids its user's other processes to look into its memory. A program that opens a vault calls it first thing in `main`.
///
/// A debugger of the same user is shut out with them; root is not.
pub fn keep_out_of_core_dumps() -> io::Result<CoreDumps> {
    limit()?;
    hide()?;
    Ok(if cfg!(unix) {
        CoreDumps::Off
    } else {
        CoreDumps::AsBefore
    })
}

/// For the processes that this one starts, too.
#[cfg(unix)]
fn limit() -> io::Result<()> {
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0)
}

#[cfg(not(unix))]
fn limit() -> io::Result<()> {
    Ok(())
}

/// A core dump that the system pipes into a program has no limit (core(5)).
#[cfg(target_os = "linux")]
fn hide() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    match dumpable_behavior()? {
        DumpableBehavior::NotDumpable => Ok(()),
        _ => Err(io::Error::other("the system still dumps this process")),
    }
}

#[cfg(not(target_os = "linux"))]
fn hide() -> io::Result<()> {
    Ok(())
}
