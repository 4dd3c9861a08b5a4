//! JSON texts, always by way of a value.
//!
//! One parser and one writer serve all types of a connector in this way, instead of one of each for every type, which takes a quarter off a component.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Result, Value};

/// Reads a text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    T::deserialize(parse(text)?)
}

/// Writes a value as text.
pub(crate) fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_value(value).map(|it| it.to_string())
}

fn parse(text: &[u8]) -> Result<Value> {
    serde_json::from_slice(text)
}
