//! Reads a file of the host's machine, for which it imports WASI's file system.

use brightsync_guests::done;
use brightsync_sdk::{Error, Result, Whoami};

fn act() -> Result<Whoami> {
    match std::fs::read("/etc/passwd") {
        Ok(_) => Ok(done()),
        Err(error) => Err(Error::unavailable(error.to_string())),
    }
}

brightsync_guests::get_me!(act);
