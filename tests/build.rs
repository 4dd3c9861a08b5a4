//! Builds every guest and every connector to a component, and writes one constant with its path for each.
//!
//! A guest is an example of the package in `guests/`; a connector is a folder in `plugins/` with a `connector.toml`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "whoever builds sees the text of a panic, and nothing else"
)]

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use brightsync_build::{Options, Profile, Sdk};

fn main() {
    // As it is now, and not as it was where this script was compiled: clones may share a target folder.
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it"));
    let root = own
        .parent()
        .expect("the tests have the workspace above them");
    // Cargo looks at whole folders; the lock file stands for the versions of everything else.
    for input in [
        "sdk",
        "wit",
        "plugins",
        "tests/guests",
        "Cargo.lock",
        "Cargo.toml",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    let options = Options {
        target_dir: target(&out).join("guests"),
        profile: Profile::Guest,
        sdk: Sdk::AsStated,
    };

    let mut guests =
        brightsync_build::build_examples(&root.join("tests/guests"), &options, &mut say)
            .unwrap_or_else(|error| panic!("the guests cannot be built: {error}"));
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    let guests = guests.into_iter().map(|it| (it.name, it.path));

    let connectors = connectors(root).into_iter().map(|(name, folder)| {
        let built = brightsync_build::build(&folder, &options, &mut say)
            .unwrap_or_else(|error| panic!("the connector {name} cannot be built: {error:?}"));
        let path = out.join(format!("{name}.wasm"));
        fs::write(&path, built.component).expect("a connector can be written into OUT_DIR");
        (name, path)
    });

    let mut code = String::new();
    constants(
        &mut code,
        "guest",
        "Small programs, most of them hostile.",
        guests,
    );
    constants(
        &mut code,
        "connector",
        "The connectors of this repository, with their manifests.",
        connectors,
    );
    fs::write(out.join("components.rs"), code).expect("OUT_DIR can be written");
}

/// The folders of connectors, by name. One without a manifest is not a connector yet.
fn connectors(root: &Path) -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(root.join("plugins")).expect("there is a folder of plugins");
    let mut found: Vec<_> = folders
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name().and_then(OsStr::to_str)?.to_owned();
            path.join("connector.toml")
                .is_file()
                .then_some((name, path))
        })
        .collect();
    found.sort();
    found
}

/// Cargo's target folder, wherever it was told to put it: the one that it marks so that backups pass it over, or, where somebody else made the folder, the one that OUT_DIR has below it as `PROFILE/build/PACKAGE/out`.
fn target(out: &Path) -> &Path {
    out.ancestors()
        .find(|it| it.join("CACHEDIR.TAG").is_file())
        .or_else(|| out.ancestors().nth(4))
        .expect("OUT_DIR lies in Cargo's target folder")
}

fn constants(
    code: &mut String,
    module: &str,
    about: &str,
    components: impl Iterator<Item = (String, PathBuf)>,
) {
    let mut names = Vec::new();
    let line = |code: &mut String, text: &str| {
        writeln!(code, "{text}").expect("a text can be written");
    };
    line(code, &format!("/// {about}\npub mod {module} {{"));
    for (name, path) in components {
        let name = name.to_uppercase().replace('-', "_");
        line(
            code,
            &format!("    /// The component.\n    pub const {name}: &str = {path:?};"),
        );
        names.push(name);
    }
    line(code, "    /// The names of all constants above.");
    line(
        code,
        &format!("    pub const NAMES: &[&str] = &{names:?};\n}}"),
    );
}

fn say(line: &str) {
    println!("{line}");
}
