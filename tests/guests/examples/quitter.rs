//! Ends without an answer: it panics, exits, or aborts.

use brightsync_guests::{deed, done};
use brightsync_sdk::{Result, Whoami};

#[expect(clippy::panic, reason = "to panic is what this guest is for")]
fn act() -> Result<Whoami> {
    match deed().as_str() {
        "panic" => panic!("\u{1b}[31mno more of this"),
        "exit well" => std::process::exit(0),
        "exit badly" => std::process::exit(1),
        "abort" => std::process::abort(),
        _ => Ok(done()),
    }
}

brightsync_guests::get_me!(act);
