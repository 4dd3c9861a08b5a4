//! The SDK that the program carries, so that a connector builds wherever its folder is.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use brightsync_runtime::Digest;
use include_dir::{Dir, File, include_dir};

static SOURCE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk");

/// Unpacks the SDK below the data folder, unless that was done before, and answers where it is.
pub(crate) fn unpack(data: &Path) -> Result<PathBuf> {
    let folder = data.join("sdk").join(name());
    if !folder.is_dir() {
        write(&folder).with_context(|| {
            format!("the SDK cannot be unpacked to {folder:?}; give another folder with --data-dir")
        })?;
    }
    Ok(folder)
}

/// The version of the program and a digest of every file, so that another build never finds a stale SDK.
fn name() -> String {
    let mut all = Vec::new();
    for file in files(&SOURCE) {
        all.extend_from_slice(file.path().as_os_str().as_encoded_bytes());
        all.extend_from_slice(&file.contents().len().to_le_bytes());
        all.extend_from_slice(file.contents());
    }
    let digest = Digest::of(&all).to_string();
    let short = digest.get(..12).unwrap_or(&digest);
    format!("{}-{short}", env!("CARGO_PKG_VERSION"))
}

/// Whoever finds the folder finds all of it: it gets its name at the end.
fn write(folder: &Path) -> io::Result<()> {
    let draft = folder.with_extension(format!("{}.draft", std::process::id()));
    for file in files(&SOURCE) {
        let path = draft.join(file.path());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, file.contents())?;
    }
    // A folder below somebody's workspace is no member of it, and Cargo wants that said.
    let mut manifest = fs::File::options()
        .append(true)
        .open(draft.join("Cargo.toml"))?;
    manifest.write_all(b"\n[workspace]\n")?;
    match fs::rename(&draft, folder) {
        // Another process was faster.
        Err(_) if folder.is_dir() => fs::remove_dir_all(&draft),
        renamed => renamed,
    }
}

/// All files, in an order that does not depend on the file system.
fn files<'a>(folder: &'a Dir<'a>) -> Vec<&'a File<'a>> {
    let mut found: Vec<_> = folder
        .files()
        .chain(folder.dirs().flat_map(files))
        .collect();
    found.sort_by_key(|it| it.path());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_comes_with_its_source_and_the_contract() {
        let data = tempfile::tempdir().unwrap();
        let folder = unpack(data.path()).unwrap();
        for file in [
            "Cargo.toml",
            "src/lib.rs",
            "src/bindings.rs",
            "wit/world.wit",
        ] {
            assert!(folder.join(file).is_file(), "{file}");
        }
        assert_eq!(unpack(data.path()).unwrap(), folder);
        let drafts = fs::read_dir(data.path().join("sdk")).unwrap().count();
        assert_eq!(drafts, 1);
    }
}
