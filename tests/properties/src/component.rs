//! Bytes that pass as a connector are one: small enough, with known imports, and with the one manifest that others find, too.

use arbitrary::{Result, Unstructured};
use brightsync_core::component::{Caps, Inspection, SECTION, check as check_component, embed};
use brightsync_core::manifest::Manifest;
use wasmparser::{Parser, Payload};

/// The smallest component that passes.
const SMALLEST: &[u8] = include_bytes!("../../fuzz/seeds/component/smallest.wasm");

const CAPS: Caps = Caps {
    size: 64 << 10,
    functions: 20,
    body: 1 << 10,
    modules: 4,
    components: 4,
    nesting: 3,
    sections: 60,
    names: 24,
};

/// Panics if a property of components does not hold.
pub fn check(data: &[u8]) {
    inspected(data);
    if let Ok(edited) = edited(&mut Unstructured::new(data)) {
        inspected(&edited);
    }
}

/// A component that was right, with some bytes changed, left out or put in.
fn edited(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = SMALLEST.to_vec();
    for _ in 0..input.int_in_range(1..=6)? {
        let at = input.choose_index(bytes.len())?;
        match input.int_in_range(0..=3)? {
            0 => bytes[at] = input.arbitrary()?,
            1 => drop(bytes.drain(at..(at + input.int_in_range(0..=16)?).min(bytes.len()))),
            2 => {
                let length = input.int_in_range(0..=32)?.min(input.len());
                let new = input.bytes(length)?.to_vec();
                drop(bytes.splice(at..at, new));
            }
            _ => {
                let from = input.choose_index(bytes.len())?;
                let copy = bytes[from..(from + 64).min(bytes.len())].to_vec();
                drop(bytes.splice(at..at, copy));
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    Ok(bytes)
}

fn inspected(bytes: &[u8]) {
    let Ok(inspection) = Inspection::of(bytes, &CAPS) else {
        assert!(check_component(bytes, &CAPS).is_err());
        return;
    };
    assert_eq!(inspection.size(), bytes.len());
    assert!(bytes.len() <= CAPS.size);
    assert_eq!(inspection.digest().len(), 64);
    assert!(inspection.imports().len() + inspection.exports().len() <= CAPS.names);
    serde_json::to_string(&inspection).expect("it is shown as JSON");
    let passed = check_component(bytes, &CAPS);
    assert_eq!(
        passed.is_ok(),
        inspection.faults().is_empty() && inspection.manifest().is_some()
    );
    let Ok((manifest, _)) = passed else { return };
    for import in inspection.imports() {
        let is_known = [
            "brightsync:crm/",
            "wasi:io/",
            "wasi:clocks/",
            "wasi:random/",
            "wasi:cli/",
        ];
        assert!(is_known.iter().any(|it| import.starts_with(it)), "{import}");
    }
    for interface in [
        "users",
        "accounts",
        "contacts",
        "emails",
        "meetings",
        "opportunities",
    ] {
        let name = format!("brightsync:crm/{interface}@");
        let mut exports = inspection.exports().iter();
        assert!(exports.any(|it| it.starts_with(&name)), "{interface}");
    }
    assert_eq!(
        Some(&manifest),
        found(bytes).as_ref(),
        "another reader finds another manifest"
    );
    // Whatever is put in takes the place of what was there.
    let other = include_str!("../../fuzz/seeds/manifest/smallest.toml");
    let replaced = embed(bytes, other).expect("what passes takes a manifest");
    let (seen, _) = check_component(&replaced, &Caps::default()).expect("it passes as before");
    assert_eq!(Ok(seen), Manifest::parse(other));
}

/// The one manifest as a plain reader finds it: wherever it lies, there is no other.
fn found(bytes: &[u8]) -> Option<Manifest> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CustomSection(section) = payload.ok()?
            && section.name() == SECTION
        {
            found.push(section.data());
        }
    }
    match found.as_slice() {
        [one] => Manifest::parse(std::str::from_utf8(one).ok()?).ok(),
        _ => None,
    }
}
