//! The connectors side by side: what each can do and what it costs, by its manifest.

use std::path::{Path, PathBuf};

use brightsync_core::manifest::{Manifest, capability};
use brightsync_tests::connector;

/// The folders of all connectors, in the order of their names.
fn folders() -> Vec<PathBuf> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let names = connector::NAMES.iter().map(|it| it.to_lowercase());
    let mut folders: Vec<_> = names.map(|it| plugins.join(it.replace('_', "-"))).collect();
    folders.sort();
    folders
}

fn manifests() -> Vec<Manifest> {
    let text = |folder: PathBuf| std::fs::read_to_string(folder.join("connector.toml")).unwrap();
    let texts = folders().into_iter().map(text);
    texts.map(|it| Manifest::parse(&it).unwrap()).collect()
}

#[test]
fn the_table_of_the_readme_is_what_the_manifests_say() {
    let mut table = String::new();
    let mut line = |cells: &[String]| table.push_str(&format!("| {} |\n", cells.join(" | ")));
    line(&capability::COLUMNS.map(str::to_owned));
    line(&capability::COLUMNS.map(|_| "---".to_owned()));
    for manifest in manifests() {
        let mut row = capability::row(&manifest);
        row[0] = format!("[`{0}`]({0})", row[0]);
        line(&row);
    }
    for manifest in manifests() {
        let missing = capability::missing(&manifest);
        if !missing.is_empty() {
            let missing: Vec<_> = missing.iter().map(|it| format!("`{it}`")).collect();
            table.push_str(&format!(
                "\n`{}` has no {}.\n",
                manifest.name(),
                missing.join(", ")
            ));
        }
    }
    let readme = include_str!("../../plugins/README.md");
    assert!(
        readme.contains(&table),
        "plugins/README.md has to have this table:\n{table}"
    );
}
