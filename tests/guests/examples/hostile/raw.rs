//! Calls of the host past everything that a compiler and the SDK would see to.

use serde_json::{Value, json};

#[cfg(target_family = "wasm")]
#[expect(
    unsafe_code,
    reason = "the host is called with what no safe code passes"
)]
mod host {
    #[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.6")]
    unsafe extern "C" {
        #[link_name = "subscribe-duration"]
        pub(super) safe fn subscribe_duration(nanoseconds: u64) -> i32;
    }

    #[link(wasm_import_module = "brightsync:crm/log@0.1.0")]
    unsafe extern "C" {
        pub(super) safe fn write(level: i32, text: usize, length: usize);
    }

    #[link(wasm_import_module = "brightsync:crm/host@0.1.0")]
    unsafe extern "C" {
        pub(super) safe fn random(length: u32, answer: usize);
    }
}

#[cfg(not(target_family = "wasm"))]
mod host {
    pub(super) fn subscribe_duration(_nanoseconds: u64) -> i32 {
        0
    }

    pub(super) fn write(_level: i32, _text: usize, _length: usize) {}

    pub(super) fn random(_length: u32, _answer: usize) {}
}

/// Takes one timer after the other and gives none back.
pub(crate) fn handles(count: usize) -> Value {
    (0..count).for_each(|_| {
        std::hint::black_box(host::subscribe_duration(1));
    });
    json!("held")
}

/// How many bytes it gets if it asks for so many.
pub(crate) fn random(length: u32) -> Value {
    let mut answer = [0_usize; 2];
    host::random(length, answer.as_mut_ptr().expose_provenance());
    json!(std::hint::black_box(answer)[1])
}

pub(crate) fn call(what: &str) -> Value {
    let text = [0xff_u8, 0xfe, 0xc0, 0x80];
    let place = text.as_ptr().expose_provenance();
    match what {
        "a text that is none" => host::write(1, place, text.len()),
        "a text outside of memory" => host::write(1, 0xffff_fff0, 0x1000),
        "a text longer than memory" => host::write(1, place, 0xffff_ffff),
        "a level that there is not" => host::write(77, place, 0),
        "an answer outside of memory" => host::random(1, 0xffff_fff0),
        "an answer at an odd place" => host::random(1, place | 1),
        _ => return json!("no such call"),
    }
    json!("called")
}
