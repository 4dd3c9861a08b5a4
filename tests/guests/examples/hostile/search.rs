//! Looks through the whole of its own memory for a text that it never holds itself.

use std::hint::black_box;

use brightsync_guests::memory::places;
use serde_json::{Value, json};

use crate::MASK;

/// How often a text that is told masked is there; and how often one that is certainly there.
pub(crate) fn all(masked: &[u8]) -> Value {
    // A search that finds nothing proves something only if it finds what is there.
    let planted: Vec<u8> = black_box((0..24).map(|it| MASK ^ (it * 7 + 3)).collect());
    let marker: Vec<u8> = (0..24).map(|it| it * 7 + 3).collect();
    let (copies, control) = (places(masked, MASK), places(&marker, MASK));
    drop(black_box(planted));
    json!({"copies": copies, "control": control})
}
