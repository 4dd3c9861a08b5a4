//! Which interfaces a component may import and has to export, and how each fault is mended.

use std::fmt;

use semver::Version;
use thiserror::Error;

use super::anatomy::Extern;
use crate::contract::{self, ContractVersion};
use crate::function::{Interface, distance};
use crate::manifest;

/// Of WASI 0.2, what an empty context serves: what standard libraries pull in without being asked.
const WASI: &[(&str, &[&str])] = &[
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
];

/// Whether a component takes or gives something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It takes it from the host.
    Import,
    /// It gives it to the host.
    Export,
}

/// One thing that keeps a component from being loaded, and its mend.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It imports what no connector may have.
    #[error("it imports {name:?}, which connectors do not get; {mend}")]
    Import {
        /// The name of the import.
        name: String,
        /// What to do instead.
        mend: &'static str,
    },
    /// It imports or exports something by an interface's name that is no interface.
    #[error(
        "it has the {direction} {name:?}, which is not an interface with a plain name; build it with the SDK"
    )]
    NotAnInterface {
        /// Which way.
        direction: Direction,
        /// The name.
        name: String,
    },
    /// It is built against a version of the contract that this host does not speak.
    #[error(
        "it has the {direction} {name:?}: built against contract {version}, but this host speaks {}; {mend}",
        contract::VERSION
    )]
    ContractVersion {
        /// Which way.
        direction: Direction,
        /// The name.
        name: String,
        /// The version in it.
        version: Version,
        /// What to do.
        mend: &'static str,
    },
    /// It imports an interface of the contract that this host does not know.
    #[error(
        "it imports {name:?}, which contract {} does not offer to connectors (the nearest is `{nearest}`); it is built against a newer contract, so update BrightSync or use an older SDK",
        contract::VERSION
    )]
    UnknownInterface {
        /// The name.
        name: String,
        /// The interface whose name differs least.
        nearest: &'static str,
    },
    /// It lacks an interface that every connector exports.
    #[error(
        "it does not export {}/{interface}; export it, with functions that answer `unsupported` where the CRM cannot do it",
        contract::PACKAGE
    )]
    MissingExport {
        /// The interface.
        interface: Interface,
    },
    /// It has no manifest.
    #[error("it has no manifest; build it with `brightsync build`, which embeds connector.toml")]
    NoManifest,
    /// It has more than one manifest.
    #[error("it has {count} manifests; build it again, so that it has one")]
    ManyManifests {
        /// How many.
        count: usize,
    },
    /// Its manifest lies in a part of it.
    #[error(
        "its manifest lies in a part of it, where another connector was put in; embed the manifest of the whole with `brightsync build`"
    )]
    NestedManifest,
    /// Its manifest is not text.
    #[error("its manifest is not UTF-8 text; build it again with `brightsync build`")]
    ManifestNotText,
    /// Its manifest is too long.
    #[error(
        "its manifest has {size} bytes, at most {} are read; shorten it",
        manifest::MAX_LENGTH
    )]
    ManifestTooLong {
        /// How many bytes it has.
        size: usize,
    },
    /// Its manifest is wrong.
    #[error("its manifest is wrong: {0}")]
    Manifest(manifest::Error),
    /// Its manifest says another version of the contract than its interfaces.
    #[error(
        "its manifest says contract {stated}, but it is built against {built}; make them the same"
    )]
    OtherContract {
        /// What the manifest says.
        stated: ContractVersion,
        /// What the names of the interfaces say.
        built: ContractVersion,
    },
}

/// What the names of imports and exports show.
pub(super) struct Seen {
    pub(super) contract: Option<Version>,
    pub(super) pure: bool,
    pub(super) faults: Vec<Fault>,
}

/// Judges the imports and exports of a component.
pub(super) fn judge(imports: &[Extern], exports: &[Extern]) -> Seen {
    let mut seen = Seen {
        contract: None,
        pure: true,
        faults: Vec::new(),
    };
    for import in imports {
        let fault = match Name::parse(&import.name) {
            Some(name) => {
                seen.pure &= !name.package.starts_with("wasi:");
                seen.notice(&name);
                judge_import(import, &name)
            }
            None => Err(Fault::NotAnInterface {
                direction: Direction::Import,
                name: shown(&import.name),
            }),
        };
        seen.faults.extend(fault.err());
    }
    let mut exported = Vec::new();
    for export in exports {
        // Whatever else it exports is never called.
        let Some(name) = Name::parse(&export.name).filter(|name| name.package == contract::PACKAGE)
        else {
            continue;
        };
        seen.notice(&name);
        match spoken(Direction::Export, export, &name) {
            Ok(()) => exported.push(name.interface),
            Err(fault) => {
                // One fault for one interface: it is there, only not as it should be.
                exported.push(name.interface);
                seen.faults.push(fault);
            }
        }
    }
    for interface in Interface::ALL.iter().copied() {
        if !exported.contains(&interface.name()) {
            seen.faults.push(Fault::MissingExport { interface });
        }
    }
    seen
}

impl Seen {
    fn notice(&mut self, name: &Name<'_>) {
        if name.package == contract::PACKAGE && self.contract.as_ref() < name.version.as_ref() {
            self.contract.clone_from(&name.version);
        }
    }
}

/// The name of an interface: `namespace:package/interface@version`.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: Option<Version>,
}

impl<'a> Name<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(Version::parse(version).ok()?)),
            None => (text, None),
        };
        let (package, interface) = path.split_once('/')?;
        let is_word = |it: &str| {
            !it.is_empty()
                && it
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'-')
        };
        let (namespace, own) = package.split_once(':')?;
        (is_word(namespace) && is_word(own) && is_word(interface)).then_some(Self {
            package,
            interface,
            version,
        })
    }
}

fn judge_import(import: &Extern, name: &Name<'_>) -> Result<(), Fault> {
    if name.package == contract::PACKAGE {
        spoken(Direction::Import, import, name)?;
        if contract::IMPORTS.contains(&name.interface) {
            return Ok(());
        }
        let nearest = contract::IMPORTS
            .iter()
            .copied()
            .min_by_key(|it| distance(it, name.interface))
            .unwrap_or(contract::PACKAGE);
        return Err(Fault::UnknownInterface {
            name: shown(&import.name),
            nearest,
        });
    }
    let listed = WASI.iter().any(|(package, interfaces)| {
        *package == name.package && interfaces.contains(&name.interface)
    });
    let wasi_02 =
        |version: &Version| version.major == 0 && version.minor == 2 && version.pre.is_empty();
    if listed && name.version.as_ref().is_some_and(wasi_02) {
        if import.is_interface {
            return Ok(());
        }
        return Err(Fault::NotAnInterface {
            direction: Direction::Import,
            name: shown(&import.name),
        });
    }
    let mend = match name.package {
        _ if listed => "only version 0.2 of WASI is offered; build for the target wasm32-wasip2",
        "wasi:http" => "use the SDK's `http`, which sends through the host",
        "wasi:sockets" => "use the SDK's `http`; a connector opens no connections of its own",
        "wasi:filesystem" => {
            "use the SDK's `state` for what has to be kept, and build files into the component"
        }
        "wasi:keyvalue" | "wasi:blobstore" | "wasi:config" => {
            "use the SDK's `state` and `settings`"
        }
        "wasi:logging" => "use the SDK's `log`",
        _ => "remove what needs it, or build it into the component",
    };
    Err(Fault::Import {
        name: shown(&import.name),
        mend,
    })
}

/// Checks that a name of the contract is an interface of a version that this host speaks.
fn spoken(direction: Direction, it: &Extern, name: &Name<'_>) -> Result<(), Fault> {
    let Some(version) = name.version.as_ref().filter(|_| it.is_interface) else {
        return Err(Fault::NotAnInterface {
            direction,
            name: shown(&it.name),
        });
    };
    let same_line = ContractVersion::of(version) == ContractVersion::of_this_host();
    // A pre-release matches only itself, and the build behind a plus means nothing.
    if same_line
        && version.pre.is_empty()
        && version.build.is_empty()
        && *version <= contract::VERSION
    {
        return Ok(());
    }
    let mend = if *version > contract::VERSION {
        "update BrightSync or use an older SDK"
    } else {
        "build it with the current SDK"
    };
    Err(Fault::ContractVersion {
        direction,
        name: shown(&it.name),
        version: version.clone(),
        mend,
    })
}

fn shown(name: &str) -> String {
    crate::origin::excerpt(name)
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Import => "import",
            Self::Export => "export",
        })
    }
}
