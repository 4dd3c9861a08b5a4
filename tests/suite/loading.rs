//! What is no connector, or asks for more than connectors get, is refused before a line of it runs.

use std::error::Error as _;
use std::fmt::Write as _;

use brightsync_attacks::made::{self, section};
use brightsync_core::component::SECTION;
use brightsync_runtime::LoadError;
use brightsync_tests::guest;
use brightsync_tests::world::{Account, World, bytes, manifest, with_manifest};
use expect_test::{Expect, expect};

/// Why a host does not load these bytes, with the whole chain of causes.
async fn check(component: Vec<u8>, expected: Expect) {
    let world = World::new();
    let error = world
        .host
        .load(component)
        .await
        .expect_err("it must not load");
    expected.assert_eq(&chain(&error));
    assert!(world.host.connectors().is_empty());
}

fn chain(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _never_fails = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// A component that imports one interface, and exports the six as empty ones.
fn importing(import: &str) -> Vec<u8> {
    component(
        &format!("(import \"{import}\" (instance))"),
        "(func)",
        "0.1.0",
    )
}

/// A component with these functions, which nothing calls.
pub(crate) fn component(imports: &str, functions: &str, version: &str) -> Vec<u8> {
    made::component(imports, functions, version, &manifest("made-up"))
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused_as_what_it_is() {
    check(Vec::new(), expect!["this is not a connector that may be loaded: the file is empty; build the connector again"]).await;
    check(b"#!/bin/sh\n".to_vec(), expect!["this is not a connector that may be loaded: this is not WebAssembly; give the .wasm file that `brightsync build` wrote"]).await;
    check(wat::parse_str("(module)").unwrap(), expect!["this is not a connector that may be loaded: this is a core WebAssembly module, not a component; build it with `brightsync build`, or for the target wasm32-wasip2"]).await;
    let whole = with_manifest(guest::GOOD, &manifest("good"));
    check(whole[..whole.len() / 2].to_vec(), expect!["this is not a connector that may be loaded: the file ends in the middle of the component; copy or build it again"]).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let error = World::new()
        .host
        .load(std::path::Path::new("/nowhere/at.wasm"))
        .await
        .unwrap_err();
    expect![[r#""/nowhere/at.wasm" cannot be read: No such file or directory (os error 2)"#]]
        .assert_eq(&chain(&error));
}

#[tokio::test]
async fn a_real_program_that_opens_sockets_or_files_is_refused_by_the_names_of_its_imports() {
    for (program, name) in [
        (guest::CALLER, "wasi:sockets/"),
        (guest::READER, "wasi:filesystem/"),
    ] {
        let world = World::new();
        let error = world
            .load_with(program, &manifest("program"))
            .await
            .unwrap_err();
        assert!(chain(&error).contains(name), "{}", chain(&error));
    }
}

#[tokio::test]
async fn imports_that_connectors_do_not_get_are_refused_by_name() {
    check(importing("wasi:sockets/tcp@0.2.6"), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: it imports "wasi:sockets/tcp@0.2.6", which connectors do not get; use the SDK's `http`; a connector opens no connections of its own"#]]).await;
    check(importing("wasi:filesystem/types@0.2.6"), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: it imports "wasi:filesystem/types@0.2.6", which connectors do not get; use the SDK's `state` for what has to be kept, and build files into the component"#]]).await;
    check(importing("wasi:http/outgoing-handler@0.2.6"), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: it imports "wasi:http/outgoing-handler@0.2.6", which connectors do not get; use the SDK's `http`, which sends through the host"#]]).await;
    check(importing("brightsync:crm/secrets@0.1.0"), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: it imports "brightsync:crm/secrets@0.1.0", which contract 0.1.0 does not offer to connectors (the nearest is `settings`); it is built against a newer contract, so update BrightSync or use an older SDK"#]]).await;
    check(importing("acme:tools/own@1.0.0"), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: it imports "acme:tools/own@1.0.0", which connectors do not get; remove what needs it, or build it into the component"#]]).await;
}

#[tokio::test]
async fn an_unknown_function_of_a_known_interface_is_refused() {
    let import = "(import \"brightsync:crm/host@0.1.0\" (instance (export \"credential\" (func (result string)))))";
    check(component(import, "(func)", "0.1.0"), expect!["it does not fit the contract 0.1: component imports instance `brightsync:crm/host@0.1.0`, but a matching implementation was not found in the linker: instance export `credential` has the wrong type: function implementation is missing"]).await;
}

#[tokio::test]
async fn a_newer_contract_is_refused_by_its_version() {
    check(component("", "(func)", "0.2.0"), expect![[r#"
        this is not a connector that may be loaded: the component cannot be loaded: it has the export "brightsync:crm/users@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/accounts@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/contacts@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/emails@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/meetings@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/opportunities@0.2.0": built against contract 0.2.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        its manifest says contract 0.1, but it is built against 0.2; make them the same"#]]).await;
    check(component("", "(func)", "0.1.7"), expect![[r#"
        this is not a connector that may be loaded: the component cannot be loaded: it has the export "brightsync:crm/users@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/accounts@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/contacts@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/emails@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/meetings@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK
        it has the export "brightsync:crm/opportunities@0.1.7": built against contract 0.1.7, but this host speaks 0.1.0; update BrightSync or use an older SDK"#]]).await;
    check(importing("brightsync:crm/http@0.9.0"), expect![[r#"
        this is not a connector that may be loaded: the component cannot be loaded: it has the import "brightsync:crm/http@0.9.0": built against contract 0.9.0, but this host speaks 0.1.0; update BrightSync or use an older SDK
        its manifest says contract 0.1, but it is built against 0.9; make them the same"#]]).await;
}

#[tokio::test]
async fn exports_of_other_types_than_the_contracts_are_refused() {
    check(component("", "(func)", "0.1.0"), expect!["it does not fit the contract 0.1: instance export `brightsync:crm/users@0.1.0` does not have export `get-me`"]).await;
}

#[tokio::test]
async fn there_is_exactly_one_manifest_and_it_is_the_outermost() {
    check(bytes(guest::GOOD), expect!["this is not a connector that may be loaded: the component cannot be loaded: it has no manifest; build it with `brightsync build`, which embeds connector.toml"]).await;
    let text = manifest("good");
    let two = [with_manifest(guest::GOOD, &text), section(text.as_bytes())].concat();
    check(two, expect!["this is not a connector that may be loaded: the component cannot be loaded: it has 2 manifests; build it again, so that it has one"]).await;
    let exports = made::exports("0.1.0");
    let nested = wat::parse_str(format!(
        "(component (component (@custom \"{SECTION}\" \"hidden\")) {exports})"
    ));
    check(nested.unwrap(), expect!["this is not a connector that may be loaded: the component cannot be loaded: its manifest lies in a part of it, where another connector was put in; embed the manifest of the whole with `brightsync build`"]).await;
}

#[tokio::test]
async fn a_manifest_that_is_not_true_of_its_component_is_refused() {
    let component = bytes(guest::GOOD);
    let of = |text: &str| [component.clone(), section(text.as_bytes())].concat();
    let text = manifest("good");
    check(of(&text.replace("contract = \"0.1\"", "contract = \"0.2\"")), expect!["this is not a connector that may be loaded: the component cannot be loaded: its manifest is wrong: line 7: connector.contract: this BrightSync speaks contract 0.1, not 0.2; update BrightSync"]).await;
    check(of(&text.replace("publisher", "publicist")), expect!["this is not a connector that may be loaded: the component cannot be loaded: its manifest is wrong: line 6: unknown field `publicist`, expected one of `name`, `title`, `version`, `publisher`, `contract`, `description`, `homepage`"]).await;
    check(of(&text.replace("get-me", "get-you")), expect![[r#"this is not a connector that may be loaded: the component cannot be loaded: its manifest is wrong: line 61: functions.users: the contract has no function "get-you"; the nearest is `get-me`"#]]).await;
    check(of(&format!("{text}\n# {}", "x".repeat(65 << 10))), expect!["this is not a connector that may be loaded: the component cannot be loaded: its manifest has 68430 bytes, at most 65536 are read; shorten it"]).await;
    check([component.clone(), section(b"\xff\xfe")].concat(), expect!["this is not a connector that may be loaded: the component cannot be loaded: its manifest is not UTF-8 text; build it again with `brightsync build`"]).await;
}

#[tokio::test]
async fn compiled_code_is_kept_and_used_by_the_next_host() {
    let data = tempfile::tempdir().unwrap();
    let files = || -> Vec<_> {
        let folder = std::fs::read_dir(data.path().join("compiled")).unwrap();
        folder
            .map(|entry| {
                let entry = entry.unwrap();
                let changed = entry.metadata().unwrap().modified().unwrap();
                (entry.path(), changed, std::fs::read(entry.path()).unwrap())
            })
            .collect()
    };
    let run = || async {
        let world = World::with(|it| it.data_dir(data.path()));
        let acme = world.open(guest::QUITTER, Account::nowhere()).await;
        acme.get_me().await.expect("it runs");
    };
    run().await;
    let [(path, written, code)] = <[_; 1]>::try_from(files()).unwrap();
    run().await;
    assert_eq!(files()[0].1, written, "the second host compiled nothing");

    // A file that somebody else has written, whole as it may be, is not code.
    let mut forged = code.clone();
    *forged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &forged).unwrap();
    run().await;
    assert_eq!(files()[0].2, code, "it was compiled again");
}
