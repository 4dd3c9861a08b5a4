//! Between the bindings of the contract and the host's own records.
//!
//! To lift is to take what a guest answered, which may break the contract's promises; to lower is to hand something to a guest, which cannot fail.

mod read;
mod write;

use brightsync_core::crm::{Extra, Id, InvalidText, Token};
use brightsync_core::domain::Domain;
use brightsync_core::rule::Rule;

/// Takes a value from a guest.
pub(crate) trait Lift<T> {
    /// The host's own form of it.
    fn lift(self) -> Result<T, Breach>;
}

/// Hands a value to a guest.
pub(crate) trait Lower<T> {
    /// The binding's form of it.
    fn lower(self) -> T;
}

/// An answer in which the contract's promises are broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Breach {
    /// An id or a token is not what the contract asks of it.
    #[error("it answered an id or a token that is not allowed: {0}")]
    Text(#[from] InvalidText),
    /// A value that must be JSON is not.
    #[error("it answered a value named {name:?} that is not JSON: {problem}")]
    Json {
        /// The name under which it stands.
        name: String,
        /// What the parser says.
        problem: String,
    },
}

impl<A, B> Lift<Vec<B>> for Vec<A>
where
    A: Lift<B>,
{
    fn lift(self) -> Result<Vec<B>, Breach> {
        self.into_iter().map(Lift::lift).collect()
    }
}

impl<A, B> Lift<Option<B>> for Option<A>
where
    A: Lift<B>,
{
    fn lift(self) -> Result<Option<B>, Breach> {
        self.map(Lift::lift).transpose()
    }
}

impl<A, B> Lower<Vec<B>> for Vec<A>
where
    A: Lower<B>,
{
    fn lower(self) -> Vec<B> {
        self.into_iter().map(Lower::lower).collect()
    }
}

impl<A, B> Lower<Option<B>> for Option<A>
where
    A: Lower<B>,
{
    fn lower(self) -> Option<B> {
        self.map(Lower::lower)
    }
}

impl Lift<Id> for String {
    fn lift(self) -> Result<Id, Breach> {
        Ok(Id::try_from(self)?)
    }
}

impl Lift<Token> for String {
    fn lift(self) -> Result<Token, Breach> {
        Ok(Token::try_from(self)?)
    }
}

impl Lower<String> for Id {
    fn lower(self) -> String {
        self.into()
    }
}

impl Lower<String> for Domain {
    fn lower(self) -> String {
        self.as_str().to_owned()
    }
}

impl Lower<String> for Token {
    fn lower(self) -> String {
        self.into()
    }
}

impl Lift<(String, String)> for (String, String) {
    fn lift(self) -> Result<(String, String), Breach> {
        Ok(self)
    }
}

impl Lift<Extra> for Vec<(String, String)> {
    fn lift(self) -> Result<Extra, Breach> {
        self.into_iter()
            .map(|(name, text)| match serde_json::from_str(&text) {
                Ok(value) => Ok((name, value)),
                Err(_) if !Rule::Extra.holds() => Ok((name, serde_json::Value::String(text))),
                Err(error) => Err(Breach::Json {
                    problem: error.to_string(),
                    name,
                }),
            })
            .collect()
    }
}

impl Lower<Vec<(String, String)>> for Extra {
    fn lower(self) -> Vec<(String, String)> {
        self.into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect()
    }
}

/// Says that a type is the same on both sides.
macro_rules! same {
    ($($t:ty),*) => {$(
        impl Lift<$t> for $t {
            fn lift(self) -> Result<$t, Breach> {
                Ok(self)
            }
        }
        impl Lower<$t> for $t {
            fn lower(self) -> $t {
                self
            }
        }
    )*};
}

same!((), bool, u8, u32, u64, i64, String);

/// Lifts a record field by field; the fields have the same names on both sides.
macro_rules! lift_record {
    ($wit:ty => $core:ty { $($field:ident),* $(,)? }) => {
        impl crate::convert::Lift<$core> for $wit {
            fn lift(self) -> Result<$core, crate::convert::Breach> {
                type Core = $core;
                Ok(Core { $($field: crate::convert::Lift::lift(self.$field)?),* })
            }
        }
    };
}

/// Lowers a record field by field.
macro_rules! lower_record {
    ($core:ty => $wit:ty { $($field:ident),* $(,)? }) => {
        impl crate::convert::Lower<$wit> for $core {
            fn lower(self) -> $wit {
                type Wit = $wit;
                Wit { $($field: crate::convert::Lower::lower(self.$field)),* }
            }
        }
    };
}

pub(crate) use {lift_record, lower_record};
