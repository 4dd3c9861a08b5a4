//! Decides whether a connection may send a request, and whether the credential goes along.
//!
//! What is allowed is what the manifest asks and the tenant granted and the operator allows. The
//! layers are asked in that order, and the first one that refuses names itself and the line that
//! would permit it.

mod endpoint;

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;
use url::Url;

use crate::address::{self, Nat64};
use crate::grant::{CarveOut, Ceiling, Grant, GrantedHost, Reach, present};
use crate::manifest::Manifest;
use crate::name::RecipeName;
use crate::origin::{self, ExpandError, Origin, Scheme, Template};
use crate::request::Method;
use crate::rule::Rule;
use crate::setting::Settings;

/// The three layers of one connection, put together.
#[derive(Debug, Clone)]
pub struct Policy {
    asked: Vec<Asked>,
    grant: Grant,
    ceiling: Ceiling,
    // Invariant: no two for one origin.
    carve_outs: Vec<CarveOut>,
    recipe: Option<Audience>,
    nat64: Vec<Nat64>,
}

/// A host of the manifest, with these settings.
#[derive(Debug, Clone)]
struct Asked {
    origin: Origin,
    reach: Reach,
    // The form that the manifest has it in.
    template: Template,
    // The path that the tenant wrote behind the address, below which the manifest's paths are.
    below: String,
}

/// The request that is asked about.
#[derive(Clone, Copy)]
struct Target<'a> {
    origin: &'a Origin,
    method: Method,
    path: &'a str,
}

#[derive(Debug, Clone)]
struct Audience {
    name: RecipeName,
    asked: BTreeSet<Origin>,
    // Where the host itself sends secrets.
    endpoints: Vec<Url>,
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

/// A path that hides what it is below is not permitted by naming it.
const HIDDEN: Mend = Mend::Other(
    "no line would permit it, since its path is not one that everybody reads the same way",
);

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
        let mut asked = Vec::new();
        for host in manifest.hosts() {
            let expanded = host.expand(settings)?;
            asked.extend(expanded.map(|(origin, reach)| Asked {
                origin,
                reach,
                template: host.origin().clone(),
                below: host.below(settings).to_owned(),
            }));
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

    /// Decides about one request by its method and the address that it is about to go to.
    ///
    /// A permit is for this method and this address as it is; after a redirect both are asked about anew.
    pub fn check(&self, method: Method, address: &Url) -> Result<Permit, Refusal> {
        let origin = Origin::of(address).map_err(unreadable)?;
        let target = Target {
            origin: &origin,
            method,
            path: address.path(),
        };
        self.asked_by_manifest(target)?;
        self.granted_by_tenant(target)?;
        self.allowed_by_operator(target)?;
        self.not_the_recipes(address)?;
        let carve_out = self.reachable(&origin)?;
        let credential = self.credential(&origin);
        Ok(Permit {
            origin,
            credential,
            carve_out,
        })
    }

    /// The operator's permission for a place that is not on the public Internet over `https`.
    fn reachable(&self, origin: &Origin) -> Result<Option<CarveOut>, Refusal> {
        let mut carve_outs = self.carve_outs.iter();
        let carve_out = carve_outs.find(|it| it.origin() == origin).cloned();
        if carve_out.is_none() {
            encrypted(origin)?;
            public(origin, &self.nat64)?;
        }
        Ok(carve_out)
    }

    fn asked_by_manifest(&self, target: Target<'_>) -> Result<(), Refusal> {
        let Target { origin, .. } = target;
        let mut asked = self.asked.iter().filter(|it| it.origin == *origin);
        let is_asked = |it: &Asked| it.reach.permits(target.method, target.path);
        let rule = match asked.clone().next() {
            Some(_) => Rule::ManifestReach,
            None => Rule::ManifestHosts,
        };
        if !rule.refuses(!asked.clone().any(is_asked)) {
            return Ok(());
        }
        let place = "a [[hosts]] of the connector's manifest".to_owned();
        let (rule, mend) = match asked.next() {
            Some(asked) => {
                let path = target.path.strip_prefix(asked.below.as_str());
                let mend = match path.map(|path| Reach::of_request(target.method, path)) {
                    Some(Some(reach)) => Mend::Line {
                        place,
                        line: format!("origin = \"{}\"{}", asked.template, reach.keys()),
                    },
                    Some(None) => HIDDEN,
                    None => Mend::Other(
                        "no line would permit it, since its path is not below the one of the connection's setting",
                    ),
                };
                (
                    format!("{target} is beyond what the manifest asks of this host"),
                    mend,
                )
            }
            None => (
                format!("{origin} is not among the hosts of the manifest"),
                // What a manifest cannot ask for by itself, it can leave to the tenant.
                match Template::parse(&origin.to_string()) {
                    Ok(_) => Mend::Line {
                        place,
                        line: format!("origin = \"{origin}\""),
                    },
                    Err(_) => Mend::Other(
                        "no host in a manifest would permit it, only a setting of kind \"origin\" with this value",
                    ),
                },
            ),
        };
        Err(Refusal {
            layer: Layer::Manifest,
            rule,
            mend,
        })
    }

    fn granted_by_tenant(&self, target: Target<'_>) -> Result<(), Refusal> {
        let Target { origin, .. } = target;
        let granted = self.grant.hosts.iter();
        let mut granted = granted.filter(|it| it.origin() == origin);
        let is_granted = |it: &GrantedHost| it.reach().permits(target.method, target.path);
        let rule = match granted.clone().next() {
            Some(_) => Rule::GrantedReach,
            None => Rule::GrantedHosts,
        };
        if !rule.refuses(!granted.clone().any(is_granted)) {
            return Ok(());
        }
        let place = "the connection's grant".to_owned();
        let (rule, mend) = match granted.next() {
            Some(_) => {
                let line = target.line("hosts", "origin", &origin.to_string());
                (
                    format!("{target} is beyond what the grant has of this host"),
                    line.map_or(HIDDEN, |line| Mend::Line { place, line }),
                )
            }
            None => (
                format!("{origin} is not among the hosts of the grant"),
                Mend::Line {
                    place,
                    line: format!("hosts = [\"{origin}\"]"),
                },
            ),
        };
        Err(Refusal {
            layer: Layer::Tenant,
            rule,
            mend,
        })
    }

    fn allowed_by_operator(&self, target: Target<'_>) -> Result<(), Refusal> {
        let Target { origin, .. } = target;
        let host = origin.host();
        let refuse = |rule, mend| {
            Err(Refusal {
                layer: Layer::Operator,
                rule,
                mend,
            })
        };
        if !Rule::Ceiling.holds() {
            return Ok(());
        }
        if let Some(pattern) = self.ceiling.denies(origin) {
            return refuse(
                format!("{host} is denied by deny = [\"{pattern}\"]"),
                Mend::Other("only removing that line from the operator's ceiling would permit it"),
            );
        }
        if self.ceiling.permits(origin, target.method, target.path) {
            return Ok(());
        }
        let place = "the operator's ceiling".to_owned();
        if self.ceiling.allows(origin) {
            let line = target.line("allow", "host", &host.to_string());
            return refuse(
                format!("{target} is beyond what may be granted of this host"),
                line.map_or(HIDDEN, |line| Mend::Line { place, line }),
            );
        }
        refuse(
            format!("{host} is not among the hosts that may be granted"),
            Mend::Line {
                place,
                line: format!("allow = [\"{host}\"]"),
            },
        )
    }

    /// The credential goes where the recipe asks for it and the grant repeats it; that the origin is
    /// an allowed host has been checked by then.
    fn credential(&self, origin: &Origin) -> Credential {
        let Some(recipe) = &self.recipe else {
            return Credential::None;
        };
        if Rule::Audience.refuses(!recipe.asked.contains(origin)) {
            let mut asked = self.asked.iter();
            let host = asked.find(|it| it.origin == *origin);
            let host = host.map_or_else(|| origin.to_string(), |it| it.template.to_string());
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
        if Rule::GrantedAudience.refuses(!self.grant.audience.contains(origin)) {
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

impl Target<'_> {
    /// The entry of a list that would permit this request; nothing, if it cannot be written.
    fn line(&self, list: &str, key: &str, host: &str) -> Option<String> {
        let reach = Reach::of_request(self.method, self.path)?;
        Some(format!(
            "{list} = [{{ {key} = \"{host}\"{} }}]",
            reach.keys()
        ))
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.origin, self.path)
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
        let mut endpoints = Vec::new();
        for endpoint in recipe.endpoints() {
            match endpoint.expand(settings) {
                Ok(url) => endpoints.push(url),
                Err(ExpandError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            name: name.clone(),
            asked,
            endpoints,
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
    if Rule::Https.refuses(origin.scheme() == Scheme::Http) {
        return Err(Refusal {
            layer: Layer::Scheme,
            rule: format!("{origin} is not encrypted"),
            mend: carve_out_for(origin),
        });
    }
    Ok(())
}

/// A literal is never put to a resolver, behind which private addresses are refused otherwise.
fn public(origin: &Origin, nat64: &[Nat64]) -> Result<(), Refusal> {
    match origin
        .literal()
        .map(|literal| address::classify(literal, nat64))
    {
        Some(class) if Rule::PublicLiteral.refuses(!class.is_public()) => Err(Refusal {
            layer: Layer::Operator,
            rule: format!(
                "{origin} is not on the public Internet but {}",
                class.as_str()
            ),
            mend: carve_out_for(origin),
        }),
        Some(_) | None => Ok(()),
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
