//! What holds of every input that comes from outside: one property for each decision that meets foreign bytes.
//!
//! A property takes bytes, makes of them what its decision reads, and panics if something does not hold that has to. It
//! knows nothing of who calls: a fuzzer for hours (`tests/fuzz`), the suite for a moment (`tests/suite/properties.rs`).
//! Wherever it can, it compares with another reader than the one that it looks at.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a property says that it does not hold"
)]

pub mod address;
pub mod answer;
pub mod component;
pub mod manifest;
pub mod redactor;
pub mod redirect;
pub mod request;
mod spelling;

use arbitrary::{Result, Unstructured};

/// A property, and the name of its seeds and of its fuzzer.
#[derive(Clone, Copy)]
pub struct Property {
    /// The name.
    pub name: &'static str,
    /// Panics if the property does not hold.
    pub check: fn(&[u8]),
}

/// All of them.
pub const ALL: [Property; 7] = [
    Property {
        name: "address",
        check: address::check,
    },
    Property {
        name: "answer",
        check: answer::check,
    },
    Property {
        name: "component",
        check: component::check,
    },
    Property {
        name: "manifest",
        check: manifest::check,
    },
    Property {
        name: "redactor",
        check: redactor::check,
    },
    Property {
        name: "redirect",
        check: redirect::check,
    },
    Property {
        name: "request",
        check: request::check,
    },
];

/// A text of at most so many of these pieces, or of any characters where the input asks for them.
fn text(input: &mut Unstructured<'_>, pieces: &[&str], most: usize) -> Result<String> {
    let mut text = String::new();
    for _ in 0..input.int_in_range(0..=most)? {
        if input.ratio(1_u8, 8)? {
            text.push(input.arbitrary()?);
        } else {
            text.push_str(input.choose(pieces)?);
        }
    }
    Ok(text)
}
