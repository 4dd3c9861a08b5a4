//! Logs more than anybody can read, and things that a terminal would obey.

use brightsync_guests::{deed, done};
use brightsync_sdk::{Result, Whoami, log};

fn act() -> Result<Whoami> {
    match deed().as_str() {
        "flood" => (0..5_000).for_each(|n| log::info(&format!("line {n}"))),
        "long line" => log::info(&"x".repeat(100_000)),
        _ => log::error("red \u{1b}[31m, back \u{202e}txt.exe\u{202c}\nlevel=ERROR forged=true"),
    }
    Ok(done())
}

brightsync_guests::get_me!(act);
