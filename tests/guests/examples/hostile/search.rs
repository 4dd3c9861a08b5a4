//! Looks through the whole of its own memory for a text that it never holds itself.

use std::hint::black_box;

use serde_json::{Value, json};

use crate::MASK;

/// How often a text that is told masked is there; and how often one that is certainly there.
pub(crate) fn all(masked: &[u8]) -> Value {
    // A search that finds nothing proves something only if it finds what is there.
    let planted: Vec<u8> = black_box((0..24).map(|it| MASK ^ (it * 7 + 3)).collect());
    let marker: Vec<u8> = (0..24).map(|it| it * 7 + 3).collect();
    let (copies, control) = (places(masked), places(&marker));
    drop(black_box(planted));
    json!({"copies": copies, "control": control})
}

#[cfg(target_family = "wasm")]
fn places(masked: &[u8]) -> usize {
    #[expect(unsafe_code, reason = "to read all memory is what it is for")]
    // SAFETY: every address below the size of the memory can be read, and this is the only thread.
    fn byte(address: usize) -> u8 {
        unsafe { std::ptr::read_volatile(std::ptr::without_provenance(address)) }
    }
    let size = core::arch::wasm32::memory_size(0) << 16;
    let ends = size.saturating_sub(masked.len());
    // Address 0 is a place as good as any, but not to a pointer.
    (1..ends)
        .filter(|start| {
            let mut offsets = masked.iter().enumerate();
            offsets.all(|(offset, it)| byte(start + offset) == it ^ MASK)
        })
        .count()
}

#[cfg(not(target_family = "wasm"))]
fn places(masked: &[u8]) -> usize {
    usize::from(masked.contains(&MASK))
}
