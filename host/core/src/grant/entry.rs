//! An entry of a list that is one text in the common case, and a table where it says more.

use std::fmt;
use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a text or a table, so that what is wrong with either is told as it is.
pub(super) fn text_or_table<'de, D, T, Table>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display> + TryFrom<Table, Error: Display>,
    Table: Deserialize<'de>,
{
    deserializer.deserialize_any(Either(PhantomData::<(T, Table)>))
}

struct Either<T>(PhantomData<T>);

impl<'de, T, Table> Visitor<'de> for Either<(T, Table)>
where
    T: FromStr<Err: Display> + TryFrom<Table, Error: Display>,
    Table: Deserialize<'de>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        T::try_from(table).map_err(A::Error::custom)
    }
}
