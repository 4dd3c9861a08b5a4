//! Components written as text, and what is said of each.

use expect_test::{Expect, expect};
use proptest::prelude::{ProptestConfig, any, prop, proptest};

use super::{Caps, Error, Inspection, SECTION, check as load, embed};

const MANIFEST: &str = r#"
[connector]
name = "demo"
title = "Demo"
version = "1.0.0"
publisher = "Demo"
contract = "0.1"
[http]
base = "https://api.example.com/"
[[hosts]]
origin = "https://api.example.com"
why = "the API"
[functions]
users = ["get-me"]
"#;

const EXPORTS: [&str; 6] = [
    "users",
    "accounts",
    "contacts",
    "emails",
    "meetings",
    "opportunities",
];

/// A component with these imports, the exports of a connector in one version, and a module in it.
fn connector(imports: &[&str], version: &str) -> Vec<u8> {
    let imports: String = imports
        .iter()
        .map(|name| format!("(import \"{name}\" (instance))"))
        .collect();
    let exports: String = EXPORTS
        .iter()
        .map(|name| {
            format!(
                "(instance ${name}) (export \"brightsync:crm/{name}@{version}\" (instance ${name}))"
            )
        })
        .collect();
    wat::parse_str(format!(
        "(component {imports} (core module (func)) {exports})"
    ))
    .unwrap()
}

fn with_manifest(imports: &[&str], version: &str) -> Vec<u8> {
    embed(&connector(imports, version), MANIFEST).unwrap()
}

#[track_caller]
fn check(component: &[u8], expected: Expect) {
    expected.assert_eq(&match load(component, &Caps::default()) {
        Ok((manifest, inspection)) => {
            let kind = if inspection.is_pure() {
                "pure"
            } else {
                "with WASI"
            };
            format!(
                "{} for contract {}, {kind}",
                manifest.name(),
                inspection.contract().unwrap()
            )
        }
        Err(error) => error.to_string(),
    });
}

#[test]
fn what_is_no_component_says_what_it_is() {
    check(b"", expect!["the file is empty; build the connector again"]);
    check(
        b"\0as",
        expect!["the file ends in the middle of the component; copy or build it again"],
    );
    check(
        b"\0asm\x0d\0",
        expect!["the file ends in the middle of the component; copy or build it again"],
    );
    check(
        b"#!/bin/sh\n",
        expect!["this is not WebAssembly; give the .wasm file that `brightsync build` wrote"],
    );
    check(
        &wat::parse_str("(module)").unwrap(),
        expect![
            "this is a core WebAssembly module, not a component; build it with `brightsync build`, or for the target wasm32-wasip2"
        ],
    );
    check(
        b"\0asm\x0e\0\x01\0",
        expect![
            "the component is not valid at byte 4: unknown binary version:    0x1000e; build it again with current tools"
        ],
    );
    let whole = with_manifest(&[], "0.1.0");
    check(
        &whole[..whole.len() - 1],
        expect!["the file ends in the middle of the component; copy or build it again"],
    );
    check(
        &whole[..20],
        expect!["the file ends in the middle of the component; copy or build it again"],
    );
    check(
        &[whole.as_slice(), b"\0"].concat(),
        expect!["the file ends in the middle of the component; copy or build it again"],
    );
}

#[test]
fn a_connector_may_import_the_contract_and_an_empty_wasi() {
    check(
        &with_manifest(&[], "0.1.0"),
        expect!["demo for contract 0.1.0, pure"],
    );
    check(
        &with_manifest(
            &["brightsync:crm/http@0.1.0", "brightsync:crm/types@0.1.0"],
            "0.1.0",
        ),
        expect!["demo for contract 0.1.0, pure"],
    );
    check(
        &with_manifest(&["wasi:io/poll@0.2.6", "wasi:cli/exit@0.2.12"], "0.1.0"),
        expect!["demo for contract 0.1.0, with WASI"],
    );
}

#[test]
fn every_other_import_is_refused_by_name() {
    let refused = |name: &str, expected| check(&with_manifest(&[name], "0.1.0"), expected);
    refused(
        "wasi:http/outgoing-handler@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:http/outgoing-handler@0.2.6", which connectors do not get; use the SDK's `http`, which sends through the host"#
        ]],
    );
    refused(
        "wasi:sockets/tcp@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:sockets/tcp@0.2.6", which connectors do not get; use the SDK's `http`; a connector opens no connections of its own"#
        ]],
    );
    refused(
        "wasi:filesystem/types@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:filesystem/types@0.2.6", which connectors do not get; use the SDK's `state` for what has to be kept, and build files into the component"#
        ]],
    );
    refused(
        "wasi:cli/run@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:cli/run@0.2.6", which connectors do not get; remove what needs it, or build it into the component"#
        ]],
    );
    refused(
        "wasi:clocks/timezone@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:clocks/timezone@0.2.6", which connectors do not get; remove what needs it, or build it into the component"#
        ]],
    );
    refused(
        "wasi:io/poll@0.3.0",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:io/poll@0.3.0", which connectors do not get; only version 0.2 of WASI is offered; build for the target wasm32-wasip2"#
        ]],
    );
    refused(
        "wasi:io/poll@0.2.0-rc.1",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:io/poll@0.2.0-rc.1", which connectors do not get; only version 0.2 of WASI is offered; build for the target wasm32-wasip2"#
        ]],
    );
    refused(
        "wasi:io/poll",
        expect![[
            r#"the component cannot be loaded: it imports "wasi:io/poll", which connectors do not get; only version 0.2 of WASI is offered; build for the target wasm32-wasip2"#
        ]],
    );
    refused(
        "evil:io/poll@0.2.6",
        expect![[
            r#"the component cannot be loaded: it imports "evil:io/poll@0.2.6", which connectors do not get; remove what needs it, or build it into the component"#
        ]],
    );
    refused(
        "brightsync:crm/htttp@0.1.0",
        expect![[
            r#"the component cannot be loaded: it imports "brightsync:crm/htttp@0.1.0", which contract 0.1.0 does not offer to connectors (the nearest is `http`); it is built against a newer contract, so update BrightSync or use an older SDK"#
        ]],
    );
    refused(
        "brightsync:crm/users@0.1.0",
        expect![[
            r#"the component cannot be loaded: it imports "brightsync:crm/users@0.1.0", which contract 0.1.0 does not offer to connectors (the nearest is `types`); it is built against a newer contract, so update BrightSync or use an older SDK"#
        ]],
    );
    refused(
        "brightsync:crm/http@0.1.1",
        expect![[
            r#"the component cannot be loaded: it has the import "brightsync:crm/http@0.1.1": built against contract 0.1.1, but this host speaks 0.1.0; update BrightSync or use an older SDK"#
        ]],
    );
    refused(
        "brightsync:crm/http@0.2.0",
        expect![[r#"
            the component cannot be loaded: it has the import "brightsync:crm/http@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            its manifest says contract 0.1, but it is built against 0.2; make them the same"#]],
    );
    refused(
        "brightsync:crm/http@0.1.0-rc.1",
        expect![[
            r#"the component cannot be loaded: it has the import "brightsync:crm/http@0.1.0-rc.1": built against contract 0.1.0-rc.1, but this host speaks 0.1.0; build it with the current SDK"#
        ]],
    );
    refused(
        "brightsync:crm/http",
        expect![[
            r#"the component cannot be loaded: it has the import "brightsync:crm/http", which is not an interface with a plain name; build it with the SDK"#
        ]],
    );
    refused(
        "poll",
        expect![[
            r#"the component cannot be loaded: it has the import "poll", which is not an interface with a plain name; build it with the SDK"#
        ]],
    );
    refused(
        "unlocked-dep=<brightsync:crm>",
        expect![[
            r#"the component cannot be loaded: it has the import "unlocked-dep=<brightsync:crm>", which is not an interface with a plain name; build it with the SDK"#
        ]],
    );
}

#[test]
fn an_import_that_is_no_interface_is_refused() {
    let text = "(component (import \"brightsync:crm/http@0.1.0\" (func)))";
    check(
        &wat::parse_str(text).unwrap(),
        expect![[r#"
        the component cannot be loaded: it has the import "brightsync:crm/http@0.1.0", which is not an interface with a plain name; build it with the SDK
        it does not export brightsync:crm/users; export it, with functions that answer `unsupported` where the CRM cannot do it
        it does not export brightsync:crm/accounts; export it, with functions that answer `unsupported` where the CRM cannot do it
        it does not export brightsync:crm/contacts; export it, with functions that answer `unsupported` where the CRM cannot do it
        it does not export brightsync:crm/emails; export it, with functions that answer `unsupported` where the CRM cannot do it
        it does not export brightsync:crm/meetings; export it, with functions that answer `unsupported` where the CRM cannot do it
        it does not export brightsync:crm/opportunities; export it, with functions that answer `unsupported` where the CRM cannot do it
        it has no manifest; build it with `brightsync build`, which embeds connector.toml"#]],
    );
}

#[test]
fn the_contract_is_read_from_the_names() {
    check(
        &with_manifest(&[], "0.2.0"),
        expect![[r#"
            the component cannot be loaded: it has the export "brightsync:crm/users@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            it has the export "brightsync:crm/accounts@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            it has the export "brightsync:crm/contacts@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            it has the export "brightsync:crm/emails@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            it has the export "brightsync:crm/meetings@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            it has the export "brightsync:crm/opportunities@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
            its manifest says contract 0.1, but it is built against 0.2; make them the same"#]],
    );
    check(
        &with_manifest(&["brightsync:crm/http@0.1.0"], "0.0.9"),
        expect![[r#"
            the component cannot be loaded: it has the export "brightsync:crm/users@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK
            it has the export "brightsync:crm/accounts@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK
            it has the export "brightsync:crm/contacts@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK
            it has the export "brightsync:crm/emails@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK
            it has the export "brightsync:crm/meetings@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK
            it has the export "brightsync:crm/opportunities@0.0.9": built against contract 0.0.9, but this host speaks 0.1.0; build it with the current SDK"#]],
    );
}

#[test]
fn a_component_has_exactly_one_manifest() {
    let bare = connector(&[], "0.1.0");
    check(
        &bare,
        expect![
            "the component cannot be loaded: it has no manifest; build it with `brightsync build`, which embeds connector.toml"
        ],
    );

    let section = format!("(@custom \"{SECTION}\" \"x\")");
    let with = |inner: &str| wat::parse_str(format!("(component {inner})")).unwrap();
    let manifest_faults = |component: &[u8]| {
        let inspection = Inspection::of(component, &Caps::default()).unwrap();
        inspection
            .faults()
            .iter()
            .map(|fault| format!("{fault}\n"))
            .filter(|it| it.contains("anifest"))
            .collect::<String>()
    };
    expect![[r#"
        its manifest is wrong: line 1: key with no value, expected `=`
    "#]]
    .assert_eq(&manifest_faults(&with(&section)));
    expect![[r#"
        it has 2 manifests; build it again, so that it has one
    "#]]
    .assert_eq(&manifest_faults(&with(&format!("{section}{section}"))));
    expect![[r#"
        its manifest lies in a part of it, where another connector was put in; embed the manifest of the whole with `brightsync build`
    "#]].assert_eq(&manifest_faults(&with(&format!("(component {section})"))));
    expect![[r#"
        its manifest lies in a part of it, where another connector was put in; embed the manifest of the whole with `brightsync build`
    "#]].assert_eq(&manifest_faults(&with(&format!("(core module {section})"))));
    expect![[r#"
        it has 2 manifests; build it again, so that it has one
    "#]]
    .assert_eq(&manifest_faults(&with(&format!(
        "{section}(component {section})"
    ))));
    expect![[r#"
        its manifest is not UTF-8 text; build it again with `brightsync build`
    "#]]
    .assert_eq(&manifest_faults(&with(&format!(
        "(@custom \"{SECTION}\" \"\\ff\")"
    ))));
    let long = "#".repeat(65_537);
    expect![[r#"
        its manifest has 65537 bytes, at most 65536 are read; shorten it
    "#]]
    .assert_eq(&manifest_faults(&with(&format!(
        "(@custom \"{SECTION}\" \"{long}\")"
    ))));
}

#[test]
fn embedding_again_replaces_the_manifest_and_nothing_else_that_runs() {
    let bare = connector(&["wasi:io/poll@0.2.6"], "0.1.0");
    let once = embed(&bare, MANIFEST).unwrap();
    assert_eq!(embed(&once, MANIFEST).unwrap(), once);
    let code = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let sections = wasmparser::Parser::new(0).parse_all(bytes);
        let sections = sections.filter_map(|it| match it.unwrap() {
            wasmparser::Payload::CustomSection(_) => None,
            other => other.as_section().map(|(_, range)| bytes[range].to_vec()),
        });
        sections.collect()
    };
    assert_eq!(code(&once), code(&bare));
    let has_names = |bytes: &[u8]| bytes.windows(14).any(|it| it == b"component-name");
    assert_eq!((has_names(&bare), has_names(&once)), (true, false));
    let renamed = embed(&once, &MANIFEST.replace("\"demo\"", "\"other\"")).unwrap();
    assert_eq!(
        load(&renamed, &Caps::default()).unwrap().0.name().as_str(),
        "other"
    );
    assert!(matches!(embed(&bare, "x = 1"), Err(Error::Manifest(_))));
    assert_eq!(embed(b"", MANIFEST), Err(Error::Empty));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_validated() {
    let component = with_manifest(&["wasi:io/poll@0.2.6"], "0.1.0");
    let capped = |caps: Caps, expected: Expect| {
        expected.assert_eq(&Inspection::of(&component, &caps).unwrap_err().to_string());
    };
    let caps = Caps::default();
    capped(
        Caps { size: 100, ..caps },
        expect![
            "the component has 568 bytes, at most 100 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps {
            functions: 0,
            ..caps
        },
        expect![
            "the component has 1 functions, at most 0 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps { body: 1, ..caps },
        expect![
            "the component has 2 bytes in one function, at most 1 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps { modules: 0, ..caps },
        expect![
            "the component has 1 core modules, at most 0 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps {
            components: 0,
            ..caps
        },
        expect![
            "the component has 1 components, at most 0 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps { nesting: 1, ..caps },
        expect![
            "the component has 2 levels of nesting, at most 1 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps {
            sections: 3,
            ..caps
        },
        expect![
            "the component has 4 sections, at most 3 are allowed; leave out what it does not need and build for size"
        ],
    );
    capped(
        Caps { names: 6, ..caps },
        expect![
            "the component has 7 imports and exports, at most 6 are allowed; leave out what it does not need and build for size"
        ],
    );
}

#[test]
fn proposals_that_are_off_are_refused() {
    let memory64 = "(component (core module (memory i64 1)))";
    check(
        &wat::parse_str(memory64).unwrap(),
        expect![
            "the component is not valid at byte 21: memory64 must be enabled for 64-bit memories; build it again with current tools"
        ],
    );
    let threads = "(component (core module (memory 1 1 shared)))";
    check(
        &wat::parse_str(threads).unwrap(),
        expect![
            "the component is not valid at byte 21: threads must be enabled for shared memories; build it again with current tools"
        ],
    );
    let stream = "(component (type (stream u8)))";
    check(
        &wat::parse_str(stream).unwrap(),
        expect![
            "the component is not valid at byte 11: `stream` requires the component model async feature; build it again with current tools"
        ],
    );
}

#[test]
fn an_inspection_is_data() {
    let inspection = Inspection::of(
        &connector(&["wasi:io/poll@0.2.6"], "0.1.0"),
        &Caps::default(),
    )
    .unwrap();
    expect![[r#"
        {
          "size": 397,
          "digest": "aeb0569befb77eb64bd6fb3d0099f770d2517c4eb162a0e4e9079de9f4af843d",
          "functions": 1,
          "largest-body": 2,
          "modules": 1,
          "components": 1,
          "nesting": 2,
          "imports": [
            "wasi:io/poll@0.2.6"
          ],
          "exports": [
            "brightsync:crm/users@0.1.0",
            "brightsync:crm/accounts@0.1.0",
            "brightsync:crm/contacts@0.1.0",
            "brightsync:crm/emails@0.1.0",
            "brightsync:crm/meetings@0.1.0",
            "brightsync:crm/opportunities@0.1.0"
          ],
          "contract": "0.1.0",
          "pure": false,
          "manifest": null,
          "faults": [
            "it has no manifest; build it with `brightsync build`, which embeds connector.toml"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&inspection).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut component = with_manifest(&["wasi:io/poll@0.2.6"], "0.1.0");
        let at = at.index(component.len());
        component[at] = byte;
        drop(load(&component, &Caps::default()));
        let cut = cut.index(component.len());
        drop(embed(&component[..cut], MANIFEST));
        drop(load(&component[..cut], &Caps::default()));
    }
}
