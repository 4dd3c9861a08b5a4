//! Components that no compiler makes.

use brightsync_core::component::{SECTION, embed};

/// The interfaces that every connector exports, as empty ones.
pub fn exports(version: &str) -> String {
    [
        "users",
        "accounts",
        "contacts",
        "emails",
        "meetings",
        "opportunities",
    ]
    .iter()
    .map(|name| {
        format!(
            "(instance ${name}) (export \"brightsync:crm/{name}@{version}\" (instance ${name}))"
        )
    })
    .collect()
}

/// A component with these imports and functions, which nothing calls, and a manifest.
pub fn component(imports: &str, functions: &str, version: &str, manifest: &str) -> Vec<u8> {
    let exports = exports(version);
    let text = format!("(component {imports} (core module {functions}) {exports})");
    embed(&wat::parse_str(text).unwrap(), manifest).unwrap()
}

/// A custom section with the manifest's name as it stands in a file.
pub fn section(content: &[u8]) -> Vec<u8> {
    let body = [leb(SECTION.len()), SECTION.into(), content.into()].concat();
    [vec![0], leb(body.len()), body].concat()
}

/// A component with another one as a part of it, at its end.
pub fn nested(outer: &[u8], inner: &[u8]) -> Vec<u8> {
    // The id of a section that holds a component.
    [outer, &[4], &leb(inner.len()), inner].concat()
}

/// A number as WebAssembly writes it.
fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
