//! The connections that are kept, as a file in the data folder. No secret is in it: those are in the vault.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use brightsync_core::grant::{Approval, CarveOut, Grant};
use brightsync_core::name::{ConnectorName, RecipeName};
use brightsync_runtime::ConnectionKey;
use serde::{Deserialize, Serialize};

use crate::exit::Usage;

/// The file's name in the data folder.
const FILE: &str = "connections.toml";

/// What stands at the top of the file.
const HEAD: &str = "\
# Written by brightsync. Grants stand here, so whoever can write to this file decides where credentials go.

";

/// The file of connections.
#[derive(Debug)]
pub(crate) struct Book {
    folder: PathBuf,
}

/// One connection, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) connector: ConnectorName,
    /// The connector's file.
    pub(crate) component: PathBuf,
    /// The SHA-256 of the file when the account was connected.
    pub(crate) digest: String,
    pub(crate) recipe: RecipeName,
    /// What a person has set.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// What the CRM has told in addition.
    #[serde(default)]
    pub(crate) told: BTreeMap<String, String>,
    pub(crate) grant: Grant,
    pub(crate) approved: Approval,
    #[serde(default)]
    pub(crate) carve_outs: Vec<CarveOut>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    connections: Vec<Entry>,
}

impl Book {
    /// The file of a data folder, which is made if it is missing.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        make(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Reads all connections, in the order of their names.
    pub(crate) fn read(&self) -> Result<Vec<Entry>> {
        let path = self.folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("{path:?} cannot be read")),
        };
        for it in [&path, &self.folder] {
            let mode = fs::metadata(it)?.permissions().mode() & 0o777;
            if mode & 0o022 != 0 {
                bail!(
                    "{it:?} can be written by other users (mode {mode:03o}), who could send credentials elsewhere; look through {path:?}, then run `chmod go-w` on it"
                );
            }
        }
        let page: Page = toml::from_str(&text).with_context(|| {
            format!("{path:?} is no list of connections; mend it or move it away")
        })?;
        Ok(page.connections)
    }

    /// Finds a connection by `TENANT/NAME`, or by its name among those of a tenant or of all.
    pub(crate) fn find(&self, name: &str, tenant: Option<&str>) -> Result<Entry> {
        let all = self.read()?;
        let (tenant, name) = match name.split_once('/') {
            Some((_, _)) if tenant.is_some() => {
                let text = format!("{name:?} names its tenant already; leave --tenant out");
                return Err(Usage(text).into());
            }
            Some((tenant, name)) => (Some(tenant), name),
            None => (tenant, name),
        };
        let fits = |it: &&Entry| it.name == name && tenant.is_none_or(|tenant| it.tenant == tenant);
        let mut found = all.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(entry.clone()),
            (Some(_), Some(_)) => {
                let tenants: Vec<_> = all.iter().filter(fits).map(Entry::title).collect();
                let text = format!(
                    "{name:?} is the name of several connections; say which: {}",
                    tenants.join(", ")
                );
                Err(Usage(text).into())
            }
            (None, _) => {
                let of = tenant.map(|it| format!(" of {it:?}")).unwrap_or_default();
                let text = format!(
                    "there is no connection {name:?}{of}; `brightsync connections list` shows those that there are"
                );
                Err(Usage(text).into())
            }
        }
    }

    /// Puts a connection in, in place of one of the same name.
    pub(crate) fn put(&self, entry: Entry) -> Result<()> {
        self.change(|all| {
            all.retain(|it| !it.is(&entry));
            all.push(entry);
        })
    }

    /// Takes a connection out.
    pub(crate) fn remove(&self, entry: &Entry) -> Result<()> {
        self.change(|all| all.retain(|it| !it.is(entry)))
    }

    fn change(&self, work: impl FnOnce(&mut Vec<Entry>)) -> Result<()> {
        let failed = || format!("{:?} cannot be written", self.folder.join(FILE));
        // Of two that write at once the second would lose what the first has added.
        let folder = File::open(&self.folder).with_context(failed)?;
        folder.lock().with_context(failed)?;
        let mut page = Page {
            connections: self.read()?,
        };
        work(&mut page.connections);
        let name = |it: &Entry| (it.tenant.clone(), it.name.clone());
        page.connections.sort_by_key(name);
        let text = toml::to_string_pretty(&page).with_context(failed)?;
        // Only its owner can read it; and a reader sees the file before or after.
        let draft = tempfile::NamedTempFile::new_in(&self.folder);
        draft
            .and_then(|mut draft| {
                draft.write_all(HEAD.as_bytes())?;
                draft.write_all(text.as_bytes())?;
                draft.as_file().sync_all()?;
                draft.persist(self.folder.join(FILE)).map_err(|it| it.error)
            })
            .and_then(|_file| folder.sync_all())
            .with_context(failed)
    }
}

impl Entry {
    /// The connection as people write it.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.tenant, self.name)
    }

    /// The connection as the host names it.
    pub(crate) fn key(&self) -> Result<ConnectionKey> {
        Ok(ConnectionKey::new(&self.tenant, &self.name)?)
    }

    /// All settings of the connection.
    pub(crate) fn all_settings(&self) -> BTreeMap<String, String> {
        let mut all = self.settings.clone();
        all.extend(self.told.clone());
        all
    }

    fn is(&self, other: &Self) -> bool {
        (&self.tenant, &self.name) == (&other.tenant, &other.name)
    }
}

/// Makes a folder that is its owner's alone, if it is missing.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {folder:?} cannot be made"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tenant: &str, name: &str) -> Entry {
        let digest = "0".repeat(64);
        let text = format!(
            "tenant = '{tenant}'\nname = '{name}'\nconnector = 'sandbox'\ncomponent = '/x.wasm'\ndigest = '1'\nrecipe = 'sign-in'\n\
             carve-outs = [{{ scheme = 'http', host = '127.0.0.1', address = '127.0.0.1', port = 7 }}]\n\
             [settings]\nsite = 'http://127.0.0.1:7'\n\
             [grant]\nhosts = ['http://127.0.0.1:7', {{ origin = 'https://b.example', methods = ['GET'] }}]\naudience = ['http://127.0.0.1:7']\n\
             [approved]\npublisher = 'BrightSync'\nauthority = '{digest}'\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_put_in_comes_out_as_it_was_and_is_its_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data/brightsync");
        let book = Book::of(&folder).unwrap();
        assert_eq!(book.read().unwrap(), []);
        for it in [("b", "crm"), ("a", "crm"), ("b", "crm")] {
            book.put(entry(it.0, it.1)).unwrap();
        }
        assert_eq!(book.read().unwrap(), [entry("a", "crm"), entry("b", "crm")]);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(FILE)), 0o600);
        book.remove(&entry("a", "crm")).unwrap();
        assert_eq!(book.read().unwrap(), [entry("b", "crm")]);
    }

    #[test]
    fn a_connection_is_found_by_its_name_only_if_that_is_enough() {
        let home = tempfile::tempdir().unwrap();
        let book = Book::of(home.path()).unwrap();
        for it in [("a", "crm"), ("b", "crm"), ("b", "other")] {
            book.put(entry(it.0, it.1)).unwrap();
        }
        let found = |name, tenant| match book.find(name, tenant) {
            Ok(entry) => entry.title(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found("a/crm", None), "a/crm");
        assert_eq!(found("crm", Some("b")), "b/crm");
        assert_eq!(found("other", None), "b/other");
        assert!(found("crm", None).ends_with("say which: a/crm, b/crm"));
        assert!(found("a/crm", Some("a")).contains("leave --tenant out"));
        assert!(found("other", Some("a")).contains("no connection \"other\" of \"a\""));
    }

    #[test]
    fn a_file_that_others_can_write_to_is_not_believed() {
        let home = tempfile::tempdir().unwrap();
        let book = Book::of(home.path()).unwrap();
        book.put(entry("a", "crm")).unwrap();
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
        open(&home.path().join(FILE), 0o620).unwrap();
        let error = book.read().unwrap_err().to_string();
        assert!(error.contains("mode 620"), "{error}");
        open(&home.path().join(FILE), 0o644).unwrap();
        open(home.path(), 0o777).unwrap();
        let error = book.put(entry("b", "crm")).unwrap_err().to_string();
        assert!(error.contains("mode 777"), "{error}");
    }
}
