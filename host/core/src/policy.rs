//! Decides whether a connection may send a request to an address, and whether the credential goes along.
//!
//! What is allowed is what the manifest asks and the tenant granted and the operator allows. The
//! layers are asked in that order, and the first one that refuses names itself and the line that
//! would permit it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;
use url::Url;

use crate::address::{self, Nat64};
use crate::grant::{CarveOut, Ceiling, Grant, present};
use crate::manifest::Manifest;
use crate::name::RecipeName;
use crate::origin::{self, ExpandError, Origin, Scheme, Template};
use crate::setting::Settings;

/// The three layers of one connection, put together.
#[derive(Debug, Clone)]
pub struct Policy {
    // With the form that the manifest has it in.
    asked: BTreeMap<Origin, Template>,
    grant: Grant,
    ceiling: Ceiling,
    // Invariant: no two for one origin.
    carve_outs: Vec<CarveOut>,
    recipe: Option<Audience>,
    nat64: Vec<Nat64>,
}

#[derive(Debug, Clone)]
struct Audience {
    name: RecipeName,
    asked: BTreeSet<Origin>,
}

/// Tells why the layers cannot be put together.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The manifest has no such recipe.
    #[error(
        "the connector has no way to authenticate called `{recipe}`; choose one of its manifest's [auth]"
    )]
    UnknownRecipe {
        /// The recipe.
        recipe: RecipeName,
    },
    /// The settings make no origin of what the manifest asks.
    #[error("the settings do not fit the connector's hosts")]
    Settings(#[from] ExpandError),
    /// Two carve-outs are about the same origin, so that it is open which address is meant.
    #[error("there are two carve-outs for {origin}; remove one")]
    TwoCarveOuts {
        /// The origin.
        origin: Origin,
    },
}

/// Permits one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The server that the request goes to.
    pub origin: Origin,
    /// Whether the credential goes along.
    pub credential: Credential,
    /// The operator's permission that the request depends on: dial its address and no other.
    pub carve_out: Option<CarveOut>,
}

/// Whether the credential may go along with a permitted request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// It may be put into the request.
    Allowed,
    /// It stays here, and why.
    Withheld(Refusal),
    /// The connection has none.
    None,
}

/// Refuses one request, or a credential for it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("refused by {layer}: {rule}; {mend}")]
pub struct Refusal {
    layer: Layer,
    rule: String,
    mend: Mend,
}

/// Who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The address cannot be read in one way only.
    Address,
    /// The manifest does not ask for it.
    Manifest,
    /// The tenant has not granted it.
    Tenant,
    /// The operator does not allow it.
    Operator,
    /// It is not `https`.
    Scheme,
}

/// What would permit it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mend {
    /// This line, in this place.
    Line { place: String, line: String },
    /// No line; something else has to change.
    Other(&'static str),
}

impl Policy {
    /// Puts together what the manifest asks with these settings, what the tenant granted and what
    /// the operator allows on one connection.
    pub fn resolve(
        manifest: &Manifest,
        settings: &Settings,
        grant: &Grant,
        ceiling: &Ceiling,
        carve_outs: &[CarveOut],
        recipe: Option<&RecipeName>,
    ) -> Result<Self, Error> {
        let mut asked = BTreeMap::new();
        for host in manifest.hosts() {
            let origin = present(host.origin().expand(settings))?;
            asked.extend(origin.map(|origin| (origin, host.origin().clone())));
        }
        for (position, carve_out) in carve_outs.iter().enumerate() {
            if carve_outs
                .iter()
                .skip(position + 1)
                .any(|other| other.origin() == carve_out.origin())
            {
                return Err(Error::TwoCarveOuts {
                    origin: carve_out.origin().clone(),
                });
            }
        }
        let recipe = recipe
            .map(|name| Audience::of(manifest, settings, name))
            .transpose()?;
        Ok(Self {
            asked,
            grant: grant.clone(),
            ceiling: ceiling.clone(),
            carve_outs: carve_outs.to_vec(),
            recipe,
            nat64: Vec::new(),
        })
    }

    /// The policy in a network whose own NAT64 translators have these prefixes: an address behind one is looked through.
    #[must_use]
    pub fn behind(mut self, nat64: &[Nat64]) -> Self {
        self.nat64 = nat64.to_vec();
        self
    }

    /// Decides about one request by the address that it is about to go to.
    ///
    /// A permit is for this address as it is; after a redirect the new address is asked about anew.
    pub fn check(&self, address: &Url) -> Result<Permit, Refusal> {
        let origin = Origin::of(address).map_err(unreadable)?;
        self.asked_by_manifest(&origin)?;
        self.granted_by_tenant(&origin)?;
        self.allowed_by_operator(&origin)?;
        let carve_out = self
            .carve_outs
            .iter()
            .find(|it| *it.origin() == origin)
            .cloned();
        if carve_out.is_none() {
            encrypted(&origin)?;
            public(&origin, &self.nat64)?;
        }
        let credential = self.credential(&origin);
        Ok(Permit {
            origin,
            credential,
            carve_out,
        })
    }

    fn asked_by_manifest(&self, origin: &Origin) -> Result<(), Refusal> {
        if self.asked.contains_key(origin) {
            return Ok(());
        }
        let line = format!("origin = \"{origin}\"");
        // What a manifest cannot ask for by itself, it can leave to the tenant.
        let mend = match Template::parse(&origin.to_string()) {
            Ok(_) => Mend::Line {
                place: "a [[hosts]] of the connector's manifest".to_owned(),
                line,
            },
            Err(_) => Mend::Other(
                "no host in a manifest would permit it, only a setting of kind \"origin\" with this value",
            ),
        };
        let rule = format!("{origin} is not among the hosts of the manifest");
        Err(Refusal {
            layer: Layer::Manifest,
            rule,
            mend,
        })
    }

    fn granted_by_tenant(&self, origin: &Origin) -> Result<(), Refusal> {
        if self.grant.hosts.contains(origin) {
            return Ok(());
        }
        let line = format!("hosts = [\"{origin}\"]");
        let rule = format!("{origin} is not among the hosts of the grant");
        Err(Refusal {
            layer: Layer::Tenant,
            rule,
            mend: Mend::Line {
                place: "the connection's grant".to_owned(),
                line,
            },
        })
    }

    fn allowed_by_operator(&self, origin: &Origin) -> Result<(), Refusal> {
        let refuse = |rule, mend| {
            Err(Refusal {
                layer: Layer::Operator,
                rule,
                mend,
            })
        };
        if let Some(pattern) = self.ceiling.denies(origin) {
            return refuse(
                format!("{} is denied by deny = [\"{pattern}\"]", origin.host()),
                Mend::Other("only removing that line from the operator's ceiling would permit it"),
            );
        }
        if self.ceiling.allows(origin) {
            return Ok(());
        }
        let host = origin.host();
        let line = format!("allow = [\"{host}\"]");
        refuse(
            format!("{host} is not among the hosts that may be granted"),
            Mend::Line {
                place: "the operator's ceiling".to_owned(),
                line,
            },
        )
    }

    /// The credential goes where the recipe asks for it and the grant repeats it; that the origin is
    /// an allowed host has been checked by then.
    fn credential(&self, origin: &Origin) -> Credential {
        let Some(recipe) = &self.recipe else {
            return Credential::None;
        };
        if !recipe.asked.contains(origin) {
            let host = self
                .asked
                .get(origin)
                .map_or_else(|| origin.to_string(), Template::to_string);
            let line = format!("audience = [\"{host}\"]");
            let rule = format!("{origin} is not in the audience of the recipe");
            let place = format!("[auth.{}] of the connector's manifest", recipe.name);
            let mend = Mend::Line { place, line };
            return Credential::Withheld(Refusal {
                layer: Layer::Manifest,
                rule,
                mend,
            });
        }
        if !self.grant.audience.contains(origin) {
            let line = format!("audience = [\"{origin}\"]");
            let rule = format!("{origin} is not in the audience of the grant");
            let mend = Mend::Line {
                place: "the connection's grant".to_owned(),
                line,
            };
            return Credential::Withheld(Refusal {
                layer: Layer::Tenant,
                rule,
                mend,
            });
        }
        Credential::Allowed
    }
}

impl Audience {
    fn of(manifest: &Manifest, settings: &Settings, name: &RecipeName) -> Result<Self, Error> {
        let Some(recipe) = manifest.recipes().get(name) else {
            return Err(Error::UnknownRecipe {
                recipe: name.clone(),
            });
        };
        let mut asked = BTreeSet::new();
        for template in recipe.audience() {
            asked.extend(present(template.expand(settings))?);
        }
        Ok(Self {
            name: name.clone(),
            asked,
        })
    }
}

impl Permit {
    /// Tells whether the credential may be put into the request.
    pub fn may_carry_credential(&self) -> bool {
        self.credential == Credential::Allowed
    }
}

impl Refusal {
    /// Returns who refuses.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// Returns what was asked against which rule.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Returns the line that would permit it, if there is one.
    pub fn permit_line(&self) -> Option<&str> {
        match &self.mend {
            Mend::Line { line, .. } => Some(line),
            Mend::Other(_) => None,
        }
    }

    /// Returns the code that the connector gets, which never changes and tells nothing of grants.
    pub fn code(&self) -> &'static str {
        match self.layer {
            Layer::Address => "address-refused",
            Layer::Manifest => "not-in-manifest",
            Layer::Tenant => "not-granted",
            Layer::Operator => "not-allowed",
            Layer::Scheme => "not-https",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the address itself",
            Self::Manifest => "the manifest",
            Self::Tenant => "the tenant's grant",
            Self::Operator => "the operator",
            Self::Scheme => "the scheme",
        })
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { place, line } => write!(f, "this line in {place} would permit it: {line}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn unreadable(error: origin::Error) -> Refusal {
    let layer = match error {
        origin::Error::Scheme { .. } => Layer::Scheme,
        origin::Error::NotAnAddress { .. }
        | origin::Error::UserInfo
        | origin::Error::Beyond { .. }
        | origin::Error::Host { .. }
        | origin::Error::TrailingDot { .. }
        | origin::Error::Port => Layer::Address,
    };
    Refusal {
        layer,
        rule: error.to_string(),
        mend: Mend::Other("no line would permit it"),
    }
}

fn encrypted(origin: &Origin) -> Result<(), Refusal> {
    match origin.scheme() {
        Scheme::Https => Ok(()),
        Scheme::Http => Err(Refusal {
            layer: Layer::Scheme,
            rule: format!("{origin} is not encrypted"),
            mend: carve_out_for(origin),
        }),
    }
}

/// A literal is never put to a resolver, behind which private addresses are refused otherwise.
fn public(origin: &Origin, nat64: &[Nat64]) -> Result<(), Refusal> {
    match origin
        .literal()
        .map(|literal| address::classify(literal, nat64))
    {
        None => Ok(()),
        Some(class) if class.is_public() => Ok(()),
        Some(class) => Err(Refusal {
            layer: Layer::Operator,
            rule: format!(
                "{origin} is not on the public Internet but {}",
                class.as_str()
            ),
            mend: carve_out_for(origin),
        }),
    }
}

fn carve_out_for(origin: &Origin) -> Mend {
    let host = origin
        .literal()
        .map_or_else(|| origin.host().to_string(), |literal| literal.to_string());
    let address = origin
        .literal()
        .map_or_else(|| "\"…\"".to_owned(), |literal| format!("\"{literal}\""));
    let (scheme, port) = (origin.scheme().as_str(), origin.port());
    let line = format!(
        "carve-outs = [{{ scheme = \"{scheme}\", host = \"{host}\", address = {address}, port = {port} }}]"
    );
    Mend::Line {
        place: "the operator's settings of the connection".to_owned(),
        line,
    }
}

#[cfg(test)]
mod tests;
