//! What a version of a connector asks for that another does not: what an approval is about.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::Manifest;
use super::authority::{Authority, Part};
use crate::escape::escape;

/// The longest text of a manifest that is shown, in bytes.
const SHOWN: usize = 512;

/// How the authority of two manifests differs; it is empty if and only if an approval of one is an approval of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// The publishers, if they are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Exchange>,
    /// Each piece of authority that is not the same, in a fixed order.
    pub changes: Vec<Change>,
}

/// One publisher in place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The one before.
    pub gone: String,
    /// The one now.
    pub new: String,
}

/// A piece of authority that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is about.
    pub part: Part,
    /// The host, setting, recipe or path.
    pub name: String,
    /// What was asked for and is no more.
    pub gone: Vec<String>,
    /// What was not asked for and is now.
    pub new: Vec<String>,
}

impl Difference {
    /// Compares what two versions ask for.
    pub fn between(old: &Manifest, new: &Manifest) -> Self {
        let publisher = (old.publisher() != new.publisher()).then(|| Exchange {
            gone: old.publisher().to_string(),
            new: new.publisher().to_string(),
        });
        let (old, new) = (Authority::of(old).0, Authority::of(new).0);
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let nothing = BTreeSet::new();
        let change = |key @ (part, name): &(Part, String)| {
            let old = old.get(key).unwrap_or(&nothing);
            let new = new.get(key).unwrap_or(&nothing);
            (old != new).then(|| Change {
                part: *part,
                name: name.clone(),
                gone: old.difference(new).cloned().collect(),
                new: new.difference(old).cloned().collect(),
            })
        };
        Self {
            publisher,
            changes: keys.into_iter().filter_map(change).collect(),
        }
    }

    /// Tells whether there is no difference.
    pub fn is_none(&self) -> bool {
        self.publisher.is_none() && self.changes.is_empty()
    }
}

impl fmt::Display for Difference {
    /// A line for each text that is gone or new, with what was written by others made safe to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |sign: char, what: &dyn fmt::Display, text: &str| {
            writeln!(f, "{sign} {what}: {}", escape(text, SHOWN))
        };
        if let Some(Exchange { gone, new }) = &self.publisher {
            line('-', &"publisher", gone)?;
            line('+', &"publisher", new)?;
        }
        for change in &self.changes {
            let what = format!("{} {}", change.part.as_str(), escape(&change.name, SHOWN));
            for text in &change.gone {
                line('-', &what, text)?;
            }
            for text in &change.new {
                line('+', &what, text)?;
            }
        }
        Ok(())
    }
}
