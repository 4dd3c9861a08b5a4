//! What can be known of a component without compiling or running it, and whether it may be loaded.

mod anatomy;
mod interface;
mod section;

use std::fmt;

use semver::Version;
use serde::Serialize;
use thiserror::Error;
use wasmparser::{Validator, WasmFeatures};

pub use interface::{Direction, Fault};
pub use section::embed;

use crate::contract::ContractVersion;
use crate::manifest::{self, Manifest};

/// The name of the custom section that holds the manifest.
pub const SECTION: &str = "brightsync:manifest";

/// The proposals that a component may use: what the toolchains for Rust, JavaScript and Python
/// emit. Whatever compiles it must not understand more.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
    .union(WasmFeatures::TAIL_CALL);

/// How large a component may be; checked before anything costly is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of the whole component.
    pub size: usize,
    /// Functions in all its modules.
    pub functions: usize,
    /// Bytes of the body of one function.
    pub body: usize,
    /// Core modules in it.
    pub modules: usize,
    /// Components in it, itself included.
    pub components: usize,
    /// Components and modules inside each other; 1 is a component with nothing in it.
    pub nesting: usize,
    /// Sections in all its parts.
    pub sections: usize,
    /// Imports and exports of the component.
    pub names: usize,
}

/// What was seen of a component.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    size: usize,
    digest: String,
    functions: usize,
    largest_body: usize,
    modules: usize,
    components: usize,
    nesting: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    contract: Option<Version>,
    pure: bool,
    manifest: Option<Manifest>,
    #[serde(serialize_with = "as_text")]
    faults: Vec<Fault>,
}

/// Tells why bytes are no component that could be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no bytes.
    #[error("the file is empty; build the connector again")]
    Empty,
    /// It is WebAssembly, but a core module.
    #[error(
        "this is a core WebAssembly module, not a component; build it with `brightsync build`, or for the target wasm32-wasip2"
    )]
    CoreModule,
    /// It is no WebAssembly at all.
    #[error("this is not WebAssembly; give the .wasm file that `brightsync build` wrote")]
    NotWasm,
    /// It ends in the middle.
    #[error("the file ends in the middle of the component; copy or build it again")]
    CutOff,
    /// It breaks the rules of WebAssembly, or uses a proposal that is off.
    #[error(
        "the component is not valid at byte {offset}: {reason}; build it again with current tools"
    )]
    Invalid {
        /// Where.
        offset: usize,
        /// What the validator says.
        reason: String,
    },
    /// It is larger than the caps allow.
    #[error(
        "the component has {found} {what}, at most {most} are allowed; leave out what it does not need and build for size"
    )]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is, or at least.
        found: usize,
        /// How much is allowed.
        most: usize,
    },
    /// It is a valid component, but not a connector that may be loaded.
    #[error("the component cannot be loaded: {}", Joined(faults))]
    Refused {
        /// Everything that is wrong with it; at least one.
        faults: Vec<Fault>,
    },
    /// The manifest to embed is wrong.
    #[error("the manifest is wrong")]
    Manifest(#[from] manifest::Error),
}

/// Inspects a component and refuses one that may not be loaded.
pub fn check(component: &[u8], caps: &Caps) -> Result<(Manifest, Inspection), Error> {
    let inspection = Inspection::of(component, caps)?;
    match &inspection.manifest {
        Some(manifest) if inspection.faults.is_empty() => Ok((manifest.clone(), inspection)),
        Some(_) | None => Err(Error::Refused {
            faults: inspection.faults,
        }),
    }
}

impl Inspection {
    /// Inspects a component, whether or not it may be loaded.
    pub fn of(component: &[u8], caps: &Caps) -> Result<Self, Error> {
        let anatomy = anatomy::dissect(component, caps)?;
        Validator::new_with_features(FEATURES)
            .validate_all(component)
            .map_err(|error| Error::Invalid {
                offset: error.offset(),
                reason: error.message().to_owned(),
            })?;
        let seen = interface::judge(&anatomy.imports, &anatomy.exports);
        let mut faults = seen.faults;
        let manifest = match section::manifest(&anatomy.manifests) {
            Ok(manifest) => {
                let built = seen.contract.as_ref().map(ContractVersion::of);
                if let Some(built) = built.filter(|built| *built != manifest.contract()) {
                    faults.push(Fault::OtherContract {
                        stated: manifest.contract(),
                        built,
                    });
                }
                Some(manifest)
            }
            Err(fault) => {
                faults.push(fault);
                None
            }
        };
        Ok(Self {
            size: component.len(),
            digest: section::digest(component),
            functions: anatomy.functions,
            largest_body: anatomy.largest_body,
            modules: anatomy.modules,
            components: anatomy.components,
            nesting: anatomy.nesting,
            imports: anatomy.imports.into_iter().map(|it| it.name).collect(),
            exports: anatomy.exports.into_iter().map(|it| it.name).collect(),
            contract: seen.contract,
            pure: seen.pure,
            manifest,
            faults,
        })
    }

    /// Returns the number of bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the SHA-256 of the bytes as hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the names of what the component imports, in its order.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Returns the names of what the component exports, in its order.
    pub fn exports(&self) -> &[String] {
        &self.exports
    }

    /// Returns the newest version of the contract that the names of imports and exports show.
    pub fn contract(&self) -> Option<&Version> {
        self.contract.as_ref()
    }

    /// Tells whether the component imports nothing of WASI.
    pub fn is_pure(&self) -> bool {
        self.pure
    }

    /// Returns the manifest, if there is exactly one and it is right.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Returns everything that keeps the component from being loaded.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Default for Caps {
    /// About twice what connectors in JavaScript or Python need, which bring an interpreter along.
    fn default() -> Self {
        Self {
            size: 64 << 20,
            functions: 200_000,
            body: 2 << 20,
            modules: 256,
            components: 256,
            nesting: 8,
            sections: 20_000,
            names: 256,
        }
    }
}

struct Joined<'a>(&'a [Fault]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.0.iter().enumerate() {
            let separator = if position > 0 { "\n" } else { "" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

fn as_text<S: serde::Serializer>(faults: &[Fault], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(faults.iter().map(Fault::to_string))
}

#[cfg(test)]
mod tests;
