//! Never comes to an end by itself: it computes, calls, sleeps or goes deeper for ever.

use std::hint::black_box;

use brightsync_guests::{deed, done};
use brightsync_sdk::{Result, Whoami, time};

fn act() -> Result<Whoami> {
    match deed().as_str() {
        "compute" => loop {
            black_box(());
        },
        "call the host" => loop {
            black_box(time::now());
        },
        "sleep" => loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        },
        "go deeper" => {
            black_box(deeper(black_box(1)));
        }
        "go deeper with luggage" => {
            black_box(luggage(black_box(1)));
        }
        _ => {}
    }
    Ok(done())
}

/// Recurses in the engine's stack: nothing of it has an address.
fn deeper(n: u64) -> u64 {
    if n == 0 {
        return 0;
    }
    black_box(deeper(n + 1)) + n
}

/// Recurses in the stack that the compiled program keeps in its own memory.
fn luggage(n: u64) -> u64 {
    let held = black_box([n; 4096]);
    if n == 0 {
        return 0;
    }
    luggage(n + 1) + held.iter().sum::<u64>()
}

brightsync_guests::get_me!(act);
