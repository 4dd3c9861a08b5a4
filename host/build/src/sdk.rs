//! Where a connector outside of this project's workspace gets the SDK from.

use std::fs;
use std::path::{Path, PathBuf};

/// The source of the SDK.
#[derive(Clone, Debug)]
pub enum Sdk {
    /// As the connector's own Cargo.toml says.
    AsStated,
    /// From this folder, unless the connector's workspace already says where to take it from.
    Folder(PathBuf),
}

impl Sdk {
    /// What to tell Cargo for a package of this workspace.
    pub(crate) fn configuration(&self, workspace: &Path) -> Option<String> {
        let Self::Folder(folder) = self else {
            return None;
        };
        let text = fs::read_to_string(workspace.join("Cargo.toml")).unwrap_or_default();
        let manifest: toml::Table = text.parse().unwrap_or_default();
        let patched = manifest
            .get("patch")
            .and_then(|it| it.get("crates-io"))
            .is_some_and(|it| it.get("brightsync-sdk").is_some());
        if patched {
            return None;
        }
        let path = toml::Value::String(folder.to_string_lossy().into_owned());
        Some(format!("patch.crates-io.brightsync-sdk.path={path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_that_says_where_the_sdk_is_is_left_alone() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sdk = Sdk::Folder("/somewhere".into());
        assert_eq!(sdk.configuration(&here), None);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(
            sdk.configuration(elsewhere.path()).as_deref(),
            Some(r#"patch.crates-io.brightsync-sdk.path="/somewhere""#)
        );
        assert_eq!(Sdk::AsStated.configuration(elsewhere.path()), None);
    }
}
