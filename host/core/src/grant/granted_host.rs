//! One entry of a grant: an origin, and which requests to it.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::text_or_table;
use super::reach::{Empty, PathPrefix, Reach};
use crate::origin::{self, Origin};
use crate::request::Method;

/// An origin that a connector may talk to: all of it, or some of its methods and paths.
///
/// In a file it is the origin alone, or a table: `{ origin = "https://…", methods = ["GET"], paths = ["/api/v4/"] }`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantedHost {
    origin: Origin,
    reach: Reach,
}

impl GrantedHost {
    /// Grants some of the requests to an origin.
    pub fn new(origin: Origin, reach: Reach) -> Self {
        Self { origin, reach }
    }

    /// Returns the origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns which requests to it.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }
}

impl From<Origin> for GrantedHost {
    /// All of an origin.
    fn from(origin: Origin) -> Self {
        Self::new(origin, Reach::default())
    }
}

impl FromStr for GrantedHost {
    type Err = origin::Error;

    fn from_str(text: &str) -> Result<Self, origin::Error> {
        text.parse().map(Origin::into)
    }
}

/// An entry that says more than the origin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    origin: Origin,
    methods: Option<BTreeSet<Method>>,
    paths: Option<BTreeSet<PathPrefix>>,
}

impl TryFrom<Table> for GrantedHost {
    type Error = Empty;

    fn try_from(table: Table) -> Result<Self, Empty> {
        let reach = Reach::new(table.methods, table.paths)?;
        Ok(Self::new(table.origin, reach))
    }
}

impl<'de> Deserialize<'de> for GrantedHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_table::<_, _, Table>(deserializer)
    }
}

impl Serialize for GrantedHost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.reach
            .serialize_with("origin", &self.origin, serializer)
    }
}
