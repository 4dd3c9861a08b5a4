//! How a connector reads whole collections: whose records, which scopes, and what it learns of departures.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::Serialize;

/// What `get-my-contacts` or `get-my-accounts` can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reads {
    /// What "me" means in this CRM; always there if `me` is among the owners.
    pub me: Option<Me>,
    /// Whose records can be read; at least one.
    pub owners: BTreeSet<OwnerKind>,
    /// Which scopes can be read; at least one.
    pub scopes: BTreeSet<ScopeKind>,
    /// Which departures the CRM tells apart; at least one if a scope is about departures.
    pub departures: BTreeSet<DepartureKind>,
    /// How many days back the CRM reports departures; without it there is no such limit.
    pub departure_window_days: Option<NonZeroU32>,
    /// What a read costs, if the vendor has measured it.
    pub requests_per_1000: Option<Requests>,
}

/// How many requests a read makes for a thousand records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// To read all of them for the first time.
    pub initial: NonZeroU32,
    /// To learn that ten of them have changed and five have departed.
    pub incremental: NonZeroU32,
}

/// The words that one key takes, for error messages.
pub(super) trait Words: FromStr<Err = ()> + Ord {
    const ALL: &'static [&'static str];
}

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$case_doc:meta])* $case:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub enum $type { $($(#[$case_doc])* #[serde(rename = $word)] $case,)* }

        impl $crate::manifest::reads::Words for $type {
            const ALL: &'static [&'static str] = &[$($word,)*];
        }

        impl std::str::FromStr for $type {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$case),)* _ => Err(()) }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$case => $word,)* })
            }
        }
    };
}

pub(super) use words;

words! {
    /// What "me" means.
    Me {
        /// The records that the connected user owns.
        Owner "owner",
        /// The records that the connected user made.
        Creator "creator",
        /// The records that the connected user sees.
        Visible "visible",
    }
}

words! {
    /// Whose records can be read.
    OwnerKind {
        /// The connected user's.
        Me "me",
        /// Those of any one user.
        User "user",
        /// Everybody's.
        Anyone "anyone",
    }
}

words! {
    /// Which scopes can be read.
    ScopeKind {
        /// Everything.
        All "all",
        /// What changed in a window of time.
        Updated "updated",
        /// What changed since a token.
        ChangedSince "changed-since",
        /// What departed in a window of time.
        Departed "departed",
        /// What departed since a token.
        DepartedSince "departed-since",
    }
}

words! {
    /// How a record departed.
    DepartureKind {
        /// It was deleted.
        Deleted "deleted",
        /// It was merged into another.
        Merged "merged",
        /// It goes on under another id.
        Moved "moved",
        /// It belongs to somebody else now.
        Reassigned "reassigned",
        /// The right to see it was lost.
        Hidden "hidden",
        /// The CRM does not tell.
        Unknown "unknown",
    }
}
