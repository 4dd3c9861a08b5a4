//! Keeps values in the state, as many and as large as it is told, and counts in memory, where nothing is kept.

use std::sync::atomic::{AtomicU32, Ordering};

use brightsync_guests::{deed, done};
use brightsync_sdk::{Result, Whoami, state};

static CALLS: AtomicU32 = AtomicU32::new(0);

fn act() -> Result<Whoami> {
    match deed().as_str() {
        "fill up" => {
            for n in 0..100 {
                state::set(&format!("key {n}"), &n)?;
            }
        }
        "keep much" => state::set("much", &"x".repeat(300 << 10))?,
        _ => {}
    }
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    let kept: u32 = state::get("calls").unwrap_or(0) + 1;
    state::set("calls", &kept)?;
    let found = (0..100).filter(|n| state::get::<u32>(&format!("key {n}")).is_some());
    let name = format!(
        "in memory {calls}, in the state {kept}, keys {}, much {}",
        found.count(),
        state::get::<String>("much").is_some()
    );
    Ok(Whoami {
        org_name: Some(name),
        ..done()
    })
}

brightsync_guests::get_me!(act);
