//! An attack: what is tried, how it has to end, and what would be gained.

use std::fmt;

use brightsync_core::rule::Rule;

use crate::deed::Deed;
use crate::prize::Prize;
use crate::scene::Scene;

/// One attack.
pub struct Attack {
    /// What is tried, as in "the attacker tries to …".
    pub name: &'static str,
    /// Its kind.
    pub family: Family,
    /// The rules of which each stops it alone. None, if what stops it is no rule that could be switched off: a type, the engine, the HTTP client.
    pub rules: &'static [Rule],
    /// How it has to end: the beginning of what is told of it.
    pub end: &'static str,
    pub(crate) scene: Scene,
    pub(crate) deed: Deed,
    pub(crate) prize: Prize,
}

/// What attacks are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Reaching what is out of reach.
    Egress,
    /// Saying what is the host's to say.
    Headers,
    /// Getting at secrets, one's own connection's or another's.
    Credentials,
    /// Using more than one's share.
    Resources,
    /// Saying what is not so: by a connector, or by a CRM.
    Lies,
    /// Breaking the rules of the component model and of HTTP.
    Protocol,
    /// What is installed is not what it seems.
    SupplyChain,
}

impl Family {
    /// All families, in the order in which they are told.
    pub const ALL: [Self; 7] = [
        Self::Egress,
        Self::Headers,
        Self::Credentials,
        Self::Resources,
        Self::Lies,
        Self::Protocol,
        Self::SupplyChain,
    ];
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Egress => "egress",
            Self::Headers => "headers",
            Self::Credentials => "credentials",
            Self::Resources => "resources",
            Self::Lies => "lies",
            Self::Protocol => "protocol",
            Self::SupplyChain => "supply chain",
        })
    }
}

impl Attack {
    /// An attack of the hostile connector at its own CRM.
    pub(crate) fn new(
        family: Family,
        name: &'static str,
        rules: &'static [Rule],
        deed: Deed,
        end: &'static str,
        prize: Prize,
    ) -> Self {
        Self {
            name,
            family,
            rules,
            end,
            scene: Scene::default(),
            deed,
            prize,
        }
    }

    /// The attack in another scene.
    pub(crate) fn at(mut self, scene: Scene) -> Self {
        self.scene = scene;
        self
    }
}
