//! The properties of whatever comes from outside hold of every seed and of some inputs that chance makes of them; `tests/fuzz` goes on from here for as long as one likes.

use std::path::{Path, PathBuf};

use brightsync_properties::{ALL, Property};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// What is done to an input: bytes in place of others, and an end.
type Edits = (Vec<(Index, u8)>, Vec<u8>, Option<Index>);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn seeds(property: Property) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder().join("seeds").join(property.name);
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut seeds: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} has no seeds", folder.display());
    seeds
}

fn edit(mut input: Vec<u8>, (changes, tail, end): Edits) -> Vec<u8> {
    if !input.is_empty() {
        for (at, byte) in changes {
            let at = at.index(input.len());
            input[at] = byte;
        }
        if let Some(end) = end {
            input.truncate(end.index(input.len()));
        }
    }
    input.extend(tail);
    input
}

/// Tries so many inputs that are chance, and as many that are seeds with some bytes changed.
fn bounded(name: &str, cases: u32) {
    let property = *ALL.iter().find(|it| it.name == name).unwrap();
    let seeds: Vec<_> = seeds(property).into_iter().map(|it| it.1).collect();
    let config = Config {
        cases: 2 * cases,
        failure_persistence: None,
        ..Config::default()
    };
    let edits = (
        prop::collection::vec(any::<(Index, u8)>(), 0..8),
        prop::collection::vec(any::<u8>(), 0..32),
        any::<Option<Index>>(),
    );
    let inputs = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..1024),
        (prop::sample::select(seeds), edits).prop_map(|(seed, edits)| edit(seed, edits)),
    ];
    let tried = TestRunner::new(config).run(&inputs, |input| {
        (property.check)(&input);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn every_seed_has_its_property() {
    for property in ALL {
        for (path, seed) in seeds(property) {
            let tried = std::panic::catch_unwind(|| (property.check)(&seed));
            assert!(tried.is_ok(), "{}", path.display());
        }
    }
}

#[test]
fn every_property_has_a_fuzzer() {
    let targets = std::fs::read_dir(folder().join("fuzz_targets")).unwrap();
    let mut targets: Vec<_> = targets
        .map(|it| {
            let path = it.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    targets.sort();
    assert_eq!(targets, ALL.map(|it| it.name));
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for property in ALL {
        let bin = format!("name = \"{}\"", property.name);
        assert!(manifest.contains(&bin), "tests/fuzz/Cargo.toml lacks {bin}");
    }
}

#[test]
fn whatever_is_written_for_a_host_is_dialled_as_it_is_classified() {
    bounded("address", 1000);
}

#[test]
fn of_any_answer_a_connector_sees_what_it_may() {
    bounded("answer", 300);
}

#[test]
fn bytes_that_pass_as_a_connector_are_one() {
    bounded("component", 1000);
}

#[test]
fn a_manifest_that_is_read_leads_nowhere_else() {
    bounded("manifest", 300);
}

#[test]
fn no_secret_gets_through_and_nothing_else_is_cut() {
    bounded("redactor", 300);
}

#[test]
fn a_redirect_leads_to_one_place_and_ends() {
    bounded("redirect", 1000);
}

#[test]
fn a_request_that_passes_is_sent_as_it_was_read() {
    bounded("request", 1000);
}
