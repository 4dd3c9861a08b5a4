//! What is installed is not what it seems.

use std::fmt::Write as _;
use std::sync::Arc;

use brightsync_core::component::embed;
use brightsync_core::rule::Rule;
use futures::FutureExt as _;

use crate::arena::Arena;
use crate::attack::Attack;
use crate::attack::Family::SupplyChain;
use crate::deed::{Deed, told};
use crate::made::{self, nested, section};
use crate::prize::{done, nothing};
use crate::scene::Scene;
use crate::told::Told;

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = of_files();
    attacks.extend(of_manifests());
    attacks.extend(of_settings());
    attacks.extend(of_versions());
    attacks.extend(of_code());
    attacks
}

/// Files that are no connectors.
fn of_files() -> Vec<Attack> {
    let load = |name, rules, make: fn(&Arena) -> Vec<u8>, end| {
        Attack::new(SupplyChain, name, rules, Deed::Load(make), end, done())
    };
    vec![
        load(
            "install nothing",
            &[],
            |_| Vec::new(),
            "not loaded: the file is empty; build the connector again",
        ),
        load(
            "install a script",
            &[],
            |_| b"#!/bin/sh\nrm -rf /\n".to_vec(),
            "not loaded: this is not WebAssembly; give the .wasm file that `brightsync build` wrote",
        ),
        load(
            "install a bare module",
            &[],
            |_| wat::parse_str("(module)").unwrap(),
            "not loaded: this is a core WebAssembly module, not a component; build it with `brightsync build`, or for the target wasm32-wasip2",
        ),
        load(
            "install half of a component",
            &[],
            |arena| {
                let whole = arena.component();
                whole.get(..whole.len() / 2).unwrap_or_default().to_vec()
            },
            "not loaded: the file ends in the middle of the component; copy or build it again",
        ),
        load(
            "install a component that opens sockets",
            &[],
            |arena| component(arena, "(import \"wasi:sockets/tcp@0.2.6\" (instance))"),
            "not loaded: it imports \"wasi:sockets/tcp@0.2.6\", which connectors do not get; use the SDK's `http`; a connector opens no connections of its own",
        ),
        load(
            "install a component that opens files",
            &[],
            |arena| component(arena, "(import \"wasi:filesystem/types@0.2.6\" (instance))"),
            "not loaded: it imports \"wasi:filesystem/types@0.2.6\", which connectors do not get; use the SDK's `state` for what has to be kept, and build files into the component",
        ),
        load(
            "install a component that asks the host for secrets",
            &[],
            |arena| {
                component(
                    arena,
                    "(import \"brightsync:crm/secrets@0.1.0\" (instance))",
                )
            },
            "not loaded: it imports \"brightsync:crm/secrets@0.1.0\", which contract 0.1.0 does not offer to connectors (the nearest is `settings`); it is built against a newer contract, so update BrightSync or use an older SDK",
        ),
        load(
            "have the compiler read one function for ever",
            &[Rule::ComponentSize],
            |arena| {
                with(arena, |text| {
                    let _never_fails = write!(
                        text,
                        "(core module (func {}))",
                        "i32.const 1 drop ".repeat(800_000)
                    );
                })
            },
            "not loaded: the component has 2400002 bytes in one function, at most 2097152 are allowed; leave out what it does not need and build for size",
        ),
        load(
            "have the compiler read functions for ever",
            &[Rule::ComponentSize],
            |arena| {
                with(arena, |text| {
                    let _never_fails = write!(text, "(core module {})", "(func)".repeat(200_001));
                })
            },
            "not loaded: the component has 200",
        ),
        load(
            "put components into components",
            &[Rule::ComponentSize],
            |arena| {
                with(arena, |text| {
                    let _never_fails =
                        write!(text, "{}{}", "(component ".repeat(12), ")".repeat(12));
                })
            },
            "not loaded: the component has 9 levels of nesting, at most 8 are allowed; leave out what it does not need and build for size",
        ),
    ]
}

/// Manifests that are not what they seem.
fn of_manifests() -> Vec<Attack> {
    let load = |name, rules, make: fn(&Arena) -> Vec<u8>, end| {
        Attack::new(SupplyChain, name, rules, Deed::Load(make), end, done())
    };
    vec![
        load(
            "show one manifest and run by another",
            &[Rule::OneManifest],
            |arena| [arena.component(), section(arena.manifest().as_bytes())].concat(),
            "not loaded: it has 2 manifests; build it again, so that it has one",
        ),
        load(
            "hide the manifest in a part of it",
            &[Rule::OutermostManifest],
            |arena| {
                let manifest = arena.manifest();
                let inner = wat::parse_str("(component)").unwrap();
                let inner = [inner, section(manifest.as_bytes())].concat();
                nested(&arena.guest, &inner)
            },
            "not loaded: its manifest lies in a part of it, where another connector was put in; embed the manifest of the whole with `brightsync build`",
        ),
        load(
            "say what the manifest has no word for",
            &[],
            |arena| {
                let text = arena
                    .manifest()
                    .replace("[http]", "[secrets]\nread = true\n\n[http]");
                [(*arena.guest).clone(), section(text.as_bytes())].concat()
            },
            "not loaded: its manifest is wrong: ",
        ),
        load(
            "say it in bytes that are no text",
            &[],
            |arena| [(*arena.guest).clone(), section(b"\xff\xfe")].concat(),
            "not loaded: its manifest is not UTF-8 text; build it again with `brightsync build`",
        ),
        load(
            "bring a manifest of 100 KB",
            &[],
            |arena| {
                let text = format!("{}\n# {}", arena.manifest(), "x".repeat(100_000));
                [(*arena.guest).clone(), section(text.as_bytes())].concat()
            },
            "not loaded: its manifest has ",
        ),
        load(
            "ask for a host below a name that is anybody's",
            &[Rule::RegisteredDomain],
            |arena| {
                let text = arena
                    .manifest()
                    .replace("[settings.deed]", "[settings.deed]\npattern = \"[a-z]+\"")
                    .replace("https://crm.example.com", "https://{deed}.com");
                [(*arena.guest).clone(), section(text.as_bytes())].concat()
            },
            "not loaded: its manifest is wrong: ",
        ),
    ]
}

/// Settings that are more than they seem.
fn of_settings() -> Vec<Attack> {
    let host = vec![
        (
            "[settings.deed]\nkind = \"text\"",
            "[settings.deed]\nkind = \"text\"\npattern = \"[a-z]+\"",
        ),
        (
            "origin = \"https://crm.example.com\"",
            "origin = \"https://{deed}.example.com\"",
        ),
    ];
    let set = |name, rules, value: &'static str, end| {
        Attack::new(SupplyChain, name, rules, Deed::Me, end, done()).at(Scene {
            settings: vec![("deed", value)],
            manifest: host.clone(),
            ..Scene::default()
        })
    };
    vec![
        set(
            "have a setting name another host",
            &[],
            "evil.com/#",
            "refused: the connection does not fit the connector: ",
        ),
        set(
            "have a setting go past its pattern",
            &[Rule::Pattern],
            "evil7",
            "refused: the connection does not fit the connector: ",
        ),
    ]
}

/// New versions that are more than they seem.
fn of_versions() -> Vec<Attack> {
    let update = |name, old: &'static str, new: &'static str| {
        Attack::new(
            SupplyChain,
            name,
            &[Rule::Approval],
            Deed::other(move |arena| {
                async move {
                    let text = arena.manifest().replace("1.0.0", "2.0.0").replace(old, new);
                    arena
                        .host
                        .load(embed(&arena.guest, &text).unwrap())
                        .await
                        .unwrap();
                    told(arena.mallory().get_me().await)
                }
                .boxed()
            }),
            "answer",
            Arc::new(|_: &Told, arena: &Arena| {
                let served = arena.reports().contains("\"version\":\"2.0.0\"");
                served.then(|| {
                    "the new version has the old version's grant and credential".to_owned()
                })
            }),
        )
    };
    vec![
        update(
            "have an update send to another host",
            "https://crm.example.com",
            "https://collect.example.net",
        ),
        update(
            "have an update take the credential to another place",
            "audience = [\"{site}\"]",
            "audience = [\"{site}\", \"{elsewhere}\"]",
        ),
        update(
            "take the name of another publisher's connector",
            "publisher = \"Tests\"",
            "publisher = \"Mallory\"",
        ),
    ]
}

/// Code that was compiled by somebody else.
fn of_code() -> Vec<Attack> {
    vec![
        Attack::new(
            SupplyChain,
            "put its own code into the store of compiled code",
            &[Rule::CodeSeal],
            Deed::other(|arena| {
                async move {
                    let files = || -> Vec<_> {
                        let folder = std::fs::read_dir(arena.data.join("compiled")).unwrap();
                        folder.map(|it| it.unwrap().path()).collect()
                    };
                    // Everything in the store gets a seal of somebody else's.
                    for file in files() {
                        let mut bytes = std::fs::read(&file).unwrap();
                        bytes.iter_mut().take(32).for_each(|it| *it ^= 0x5a);
                        std::fs::write(&file, bytes).unwrap();
                    }
                    let before: Vec<_> = files()
                        .iter()
                        .map(|it| std::fs::read(it).unwrap())
                        .collect();
                    arena.load().await;
                    let told = told(arena.mallory().get_me().await);
                    let after: Vec<_> = files()
                        .iter()
                        .map(|it| std::fs::read(it).unwrap())
                        .collect();
                    match before == after {
                        true => Told::done("run as it was"),
                        false => Told::ended(format!("compiled again: {}", told.end)),
                    }
                }
                .boxed()
            }),
            "compiled again: answer",
            done(),
        ),
        Attack::new(
            SupplyChain,
            "be run without having been loaded",
            &[],
            Deed::other(|arena| {
                async move {
                    arena.host.unload(&crate::arena::HOSTILE.parse().unwrap());
                    told(arena.mallory().get_me().await)
                }
                .boxed()
            }),
            "refused: no connector \"hostile\" is loaded",
            nothing(),
        ),
    ]
}

/// A component with these imports and none of the connector's code.
fn component(arena: &Arena, imports: &str) -> Vec<u8> {
    made::component(imports, "(func)", "0.1.0", &arena.manifest())
}

/// The connector with something more in it that is never used.
fn with(arena: &Arena, more: impl FnOnce(&mut String)) -> Vec<u8> {
    let mut text = String::from("(component ");
    more(&mut text);
    text.push(')');
    let more = wat::parse_str(text).unwrap();
    let whole = nested(&arena.guest, &more);
    [whole, section(arena.manifest().as_bytes())].concat()
}
