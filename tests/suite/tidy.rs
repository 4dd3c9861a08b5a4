//! The house rules, as tests over every file of the repository: a rule that is only written down rots.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use brightsync_tests::{connector, guest};

/// One file, with its path from the top of the repository, in forward slashes.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        self.path.ends_with(&format!(".{extension}"))
    }

    pub(crate) fn below(&self, folders: &[&str]) -> bool {
        folders.iter().any(|it| self.path.starts_with(it))
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// The lines that hold one of these texts outside of a comment.
    fn lines_with(&self, texts: &[&str]) -> Vec<String> {
        let lines = self.text.lines().enumerate().filter(|(_, line)| {
            let code = line.trim_start();
            !code.starts_with("//") && !code.starts_with('#') || code.starts_with("#[")
        });
        lines
            .filter(|(_, line)| texts.iter().any(|it| line.contains(it)))
            .map(|(number, line)| format!("{}:{}: {}", self.path, number + 1, line.trim()))
            .collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file, whether or not it is committed yet.
fn files() -> Vec<File> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            match (path.is_dir(), name) {
                (true, "target" | ".git" | "__pycache__" | ".venv" | "node_modules") => {}
                // What a fuzzer writes.
                (true, "corpus" | "artifacts") => {}
                (true, _) => walk(&path, found),
                // In a work tree that is linked to another repository this is a file.
                (false, ".git") => {}
                (false, _) => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    let read = |path: PathBuf| {
        Some(File {
            text: std::fs::read_to_string(&path).ok()?,
            path: path
                .strip_prefix(root())
                .unwrap()
                .to_str()?
                .replace('\\', "/"),
        })
    };
    found.into_iter().filter_map(read).collect()
}

pub(crate) fn rust() -> Vec<File> {
    files().into_iter().filter(|it| it.is("rs")).collect()
}

pub(crate) fn file(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Nothing may be in the list; the text says what to do about what is.
#[track_caller]
pub(crate) fn none(offenders: impl IntoIterator<Item = impl ToString>, mend: &str) {
    let offenders: Vec<_> = offenders.into_iter().map(|it| it.to_string()).collect();
    assert!(
        offenders.is_empty(),
        "{mend}:\n  {}",
        offenders.join("\n  ")
    );
}

#[test]
fn every_file_of_code_begins_by_saying_what_it_is_for() {
    let silent = rust()
        .into_iter()
        .filter(|it| !it.text.starts_with("//!") && !it.text.starts_with("#![doc"));
    none(
        silent.map(|it| it.path),
        "begin these files with a `//!` sentence",
    );
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long = files()
        .into_iter()
        .filter(|it| it.is("rs") || it.is("md") || it.is("wit") || it.is("py"));
    let long = long.filter(|it| 600 < it.text.lines().count());
    none(
        long.map(|it| it.path),
        "split these files at the noun that they have too many of",
    );
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
        concat!("HA", "CK"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let marked = files()
        .into_iter()
        .filter(|it| it.path != "Cargo.lock" && !it.is("txt"));
    let lines = marked.flat_map(|it| {
        let lines = it
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
        lines
            .map(|(number, line)| format!("{}:{}: {line}", it.path, number + 1))
            .collect::<Vec<_>>()
    });
    none(lines, "do it now or open an issue");
}

#[test]
fn no_test_is_skipped_and_none_sleeps() {
    let ignored = rust()
        .into_iter()
        .flat_map(|it| it.lines_with(&[concat!("#[ig", "nore")]));
    none(ignored, "mend these tests or delete them");
    let sleeps = [concat!("thread::sl", "eep"), concat!("time::sl", "eep")];
    let asleep = rust()
        .into_iter()
        // The guests whose crime it is to sleep.
        .filter(|it| it.path.contains("tests") && !["spinner.rs", "take.rs"].contains(&it.name()))
        .flat_map(|it| it.lines_with(&sleeps));
    none(asleep, "wait for what is to happen, not for time to pass");
}

#[test]
fn the_engine_is_named_in_the_runtime_only() {
    let engine = [concat!("wasm", "time")];
    let code = rust()
        .into_iter()
        .filter(|it| !it.below(&["host/runtime/"]));
    none(
        code.flat_map(|it| it.lines_with(&engine)),
        "go through brightsync-runtime",
    );
    let manifests = files().into_iter().filter(|it| it.name() == "Cargo.toml");
    let manifests = manifests.filter(|it| !it.below(&["host/runtime/"]) && it.path != "Cargo.toml");
    none(
        manifests.flat_map(|it| it.lines_with(&engine)),
        "only brightsync-runtime depends on the engine",
    );
}

#[test]
fn bindings_are_generated_in_one_file_on_each_side() {
    for (call, place) in [
        (concat!("bind", "gen!("), "host/runtime/src/bindings.rs"),
        (
            concat!("wit_bind", "gen::generate!("),
            "sdk/src/bindings.rs",
        ),
    ] {
        let code = rust()
            .into_iter()
            .filter(|it| !it.lines_with(&[call]).is_empty());
        let places: Vec<_> = code.map(|it| it.path).collect();
        assert_eq!(places, [place], "use what this file passes on");
    }
}

#[test]
fn every_crate_has_the_houses_lints() {
    let crates = files()
        .into_iter()
        .filter(|it| it.name() == "Cargo.toml" && it.path != "Cargo.toml");
    let lax = crates.filter(|it| {
        let own = it.text.contains("[lints.rust]") && it.text.contains("[lints.clippy]");
        !it.text.contains("[lints]\nworkspace = true") && !own
    });
    none(
        lax.map(|it| it.path),
        "add `[lints]` with `workspace = true`, or spell the tables out where the crate has to stand alone",
    );
}

#[test]
fn every_connector_is_explained_and_tested() {
    let lacking = connector::NAMES.iter().flat_map(|it| {
        let name = it.to_lowercase().replace('_', "-");
        let wanted = [
            format!("plugins/{name}/README.md"),
            format!("tests/suite/{name}.rs"),
        ];
        wanted
            .into_iter()
            .filter(|it| !root().join(it).is_file())
            .collect::<Vec<_>>()
    });
    none(lacking, "write these files");
}

#[test]
fn every_file_of_the_suite_is_in_it() {
    let main = file("tests/suite/main.rs");
    let missing = rust().into_iter().filter(|it| {
        let name = it.name().trim_end_matches(".rs");
        it.path == format!("tests/suite/{name}.rs")
            && name != "main"
            && !main.contains(&format!("mod {name};"))
    });
    none(
        missing.map(|it| it.path),
        "add these to tests/suite/main.rs",
    );
}

#[test]
fn every_guest_is_used_by_a_test() {
    let users = rust()
        .into_iter()
        .filter(|it| !it.below(&["tests/guests/"]));
    let users: String = users.map(|it| it.text).collect();
    // The demo of the command line builds its guest itself, by its file's name.
    let is_named = |it: &str| {
        users.contains(&format!("guest::{it}"))
            || users.contains(&format!("\"{}\"", it.to_lowercase()))
    };
    none(
        guest::NAMES.iter().filter(|it| !is_named(it)),
        "write a test for these guests or delete them",
    );
    let examples = rust()
        .into_iter()
        .filter(|it| it.below(&["tests/guests/examples/"]));
    let forgotten = examples.filter(|it| {
        // A guest of several files has a folder.
        let path = it.path.rsplit("examples/").next().unwrap_or_default();
        let name = path.split('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".rs").to_uppercase();
        !guest::NAMES.contains(&name.as_str())
    });
    none(
        forgotten.map(|it| it.path),
        "list these in tests/guests/Cargo.toml as examples of the type cdylib",
    );
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let banned = [
        "util", "utils", "helper", "helpers", "common", "manager", "handler", "misc", "types",
        "base", "impl", "mod",
    ];
    let vague = rust()
        .into_iter()
        .filter(|it| banned.contains(&it.name().trim_end_matches(".rs")));
    none(
        vague.map(|it| it.path),
        "name these after the noun that they are about; `foo.rs` stands beside `foo/`",
    );
}

#[test]
fn nothing_points_out_of_the_repository() {
    let outside = [
        concat!("work/", "shared"),
        concat!("../", "shared"),
        concat!("/work/", "main"),
    ];
    let pointing = files().into_iter().flat_map(|it| {
        let lines = it
            .text
            .lines()
            .filter(|line| outside.iter().any(|place| line.contains(place)));
        lines
            .map(|line| format!("{}: {line}", it.path))
            .collect::<Vec<_>>()
    });
    none(pointing, "say it in the repository's own words");
}

#[test]
fn no_file_names_the_host_of_a_registry() {
    let hosts = [
        concat!("static.crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("//crates", ".io"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("npmjs", ".org"),
        concat!("deb.debian", ".org"),
        concat!("docker", ".io"),
        concat!("ghcr", ".io"),
    ];
    // The lock file is Cargo's.
    let all = files().into_iter().filter(|it| it.path != "Cargo.lock");
    let naming = all.flat_map(|it| {
        let lines = it
            .text
            .lines()
            .filter(|line| hosts.iter().any(|host| line.contains(host)));
        lines
            .map(|line| format!("{}: {line}", it.path))
            .collect::<Vec<_>>()
    });
    none(
        naming,
        "leave it to the package manager where packages come from",
    );
}

#[test]
fn the_top_level_stays_as_it_is() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "host",
        "plugins",
        "sdk",
        "tests",
        "wit",
        "target",
    ];
    let entries = std::fs::read_dir(root()).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    let new = names.filter(|it| !it.starts_with('.') && !known.contains(&it.as_str()));
    none(new, "put these into the folder whose subject they are");
}

#[test]
fn core_depends_on_nothing_that_does_input_or_output() {
    let pure = [
        "aho-corasick",
        "base64",
        "brotli-decompressor",
        "flate2",
        "hmac",
        "httpdate",
        "idna",
        "ipnet",
        "psl",
        "regex-lite",
        "semver",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
        "toml",
        "unicode-normalization",
        "url",
        "wasm-encoder",
        "wasmparser",
        "zeroize",
        "zstd",
    ];
    let manifest: toml::Table = file("host/core/Cargo.toml").parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    none(
        names.filter(|it| !pure.contains(&it.as_str())),
        "core is told what it needs; if a crate is pure, add it here",
    );
}

#[test]
fn connectors_know_the_sdk_and_nothing_of_the_host() {
    let manifests = files()
        .into_iter()
        .filter(|it| it.below(&["plugins/"]) && it.name() == "Cargo.toml");
    let leaning = manifests.filter(|it| {
        let manifest: toml::Table = it.text.parse().unwrap();
        let names = manifest
            .get("dependencies")
            .and_then(|it| it.as_table())
            .into_iter()
            .flatten();
        names.map(|(name, _)| name).any(|it| {
            it.starts_with("brightsync-") && it != "brightsync-sdk" || it.starts_with("wit-")
        })
    });
    none(
        leaning.map(|it| it.path),
        "a connector sees the contract through brightsync-sdk only",
    );
}

#[test]
fn the_packaged_sdk_brings_the_contract_along() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = std::process::Command::new(cargo)
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .arg("--manifest-path")
        .arg(root().join("sdk/Cargo.toml"))
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&output.stdout);
    for entry in std::fs::read_dir(root().join("wit")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let packaged = format!("wit/{name}");
        assert!(
            listed.lines().any(|it| it == packaged),
            "{packaged} is not in the package; sdk/wit has to lead to wit/: {listed}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
