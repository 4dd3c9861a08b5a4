//! Takes more than it may: time, memory, depth, calls, room.

use std::hint::black_box;
use std::io::Write as _;

use brightsync_sdk::{log, state, time};
use serde_json::{Value, json};

pub(crate) fn compute(loops: u64) -> Value {
    (0..loops).for_each(|it| {
        black_box(it);
    });
    json!("computed")
}

pub(crate) fn sleep(millis: u64) -> Value {
    std::thread::sleep(std::time::Duration::from_millis(millis));
    json!("slept")
}

pub(crate) fn memory(mib: usize) -> Value {
    let held: Vec<_> = (0..mib).map(|_| black_box(vec![1_u8; 1 << 20])).collect();
    json!(held.len())
}

/// Goes so deep in the engine's own stack: nothing of it has an address.
pub(crate) fn depth(left: u64) -> u64 {
    if left == 0 {
        return 0;
    }
    black_box(depth(black_box(left - 1))) + 1
}

pub(crate) fn calls(count: usize) -> Value {
    (0..count).for_each(|_| {
        black_box(time::now());
    });
    json!("called")
}

pub(crate) fn pass(length: usize) -> Value {
    log::info(&"x".repeat(length));
    json!("passed")
}

pub(crate) fn keep(count: usize, size: usize) -> Value {
    let value = "x".repeat(size);
    let keys: Vec<_> = (0..count).map(|it| it.to_string()).collect();
    let tried = keys.iter().filter(|it| state::set(it, &value).is_ok());
    // What is refused is only logged, so what was kept has to be looked for.
    let kept = tried.filter(|it| state::get::<String>(it).is_some());
    json!(kept.count())
}

pub(crate) fn shout(text: &str) -> ! {
    let _written = std::io::stderr().lock().write_all(text.as_bytes());
    std::process::abort()
}

#[expect(clippy::panic, reason = "to panic is what it was told")]
pub(crate) fn panic() -> ! {
    panic!("\u{1b}[31mno more of this")
}
