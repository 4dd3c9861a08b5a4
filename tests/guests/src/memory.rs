//! The whole memory of the program that runs, read as an attacker reads it: not only what Rust hands out.

/// How large it is, in bytes.
#[cfg(target_family = "wasm")]
pub fn size() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

/// How often a text is in it of which every byte is told combined with a mask, so that it is never held itself.
#[cfg(target_family = "wasm")]
pub fn places(masked: &[u8], mask: u8) -> usize {
    #[expect(unsafe_code, reason = "to read all memory is what it is for")]
    // SAFETY: every address below the size of the memory can be read, and this is the only thread.
    fn byte(address: usize) -> u8 {
        unsafe { std::ptr::read_volatile(std::ptr::without_provenance(address)) }
    }
    let ends = size().saturating_sub(masked.len());
    // Address 0 is a place as good as any, but not to a pointer.
    (1..ends)
        .filter(|start| {
            let mut offsets = masked.iter().enumerate();
            offsets.all(|(offset, it)| byte(start + offset) == it ^ mask)
        })
        .count()
}

/// Only a component has a memory of its own.
#[cfg(not(target_family = "wasm"))]
pub fn size() -> usize {
    0
}

/// Only a component has a memory of its own.
#[cfg(not(target_family = "wasm"))]
pub fn places(masked: &[u8], mask: u8) -> usize {
    usize::from(masked.contains(&mask))
}
