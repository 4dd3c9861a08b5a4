//! The custom section that holds the manifest: reading it, and putting it into a component.

use sha2::{Digest, Sha256};
use wasm_encoder::{Component, CustomSection, RawSection};
use wasmparser::{Parser, Payload};

use super::interface::Fault;
use super::{Caps, Error, SECTION, anatomy};
use crate::manifest::{self, Manifest};
use crate::rule::Rule;

/// Puts a manifest into a component, in place of the one that it may have had, and returns the whole.
///
/// Names that are only for debuggers are left out: they would be a fiftieth of a small component.
/// The manifest has to be right; whether the component may be loaded is not checked.
pub fn embed(component: &[u8], manifest: &str) -> Result<Vec<u8>, Error> {
    Manifest::parse(manifest)?;
    anatomy::dissect(component, &Caps::default())?;
    let mut whole = Component::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| Error::Invalid {
            offset: error.offset(),
            reason: error.message().to_owned(),
        })?;
        if depth == 0
            && !is_named(&payload, &[SECTION, "component-name"])
            && let Some((id, range)) = payload.as_section()
            && let Some(data) = component.get(range)
        {
            whole.section(&RawSection { id, data });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    whole.section(&CustomSection {
        name: SECTION.into(),
        data: manifest.as_bytes().into(),
    });
    Ok(whole.finish())
}

/// Reads the one manifest of a component.
pub(super) fn manifest(sections: &[(usize, &[u8])]) -> Result<Manifest, Fault> {
    let data = match sections {
        [] => return Err(Fault::NoManifest),
        [(depth, _)] if Rule::OutermostManifest.refuses(*depth != 1) => {
            return Err(Fault::NestedManifest);
        }
        [_, _, ..] if Rule::OneManifest.holds() => {
            return Err(Fault::ManyManifests {
                count: sections.len(),
            });
        }
        [.., (_, data)] => *data,
    };
    if data.len() > manifest::MAX_LENGTH {
        return Err(Fault::ManifestTooLong { size: data.len() });
    }
    let text = std::str::from_utf8(data).map_err(|_| Fault::ManifestNotText)?;
    Manifest::parse(text).map_err(Fault::Manifest)
}

/// Returns the SHA-256 of bytes as hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_named(payload: &Payload<'_>, names: &[&str]) -> bool {
    matches!(payload, Payload::CustomSection(section) if names.contains(&section.name()))
}
