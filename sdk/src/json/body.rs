//! JSON objects that are written.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A JSON object that is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body(Map<String, Value>);

impl Body {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a member; none is `null`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value.into());
        self
    }

    /// Sets a member if there is a value.
    #[must_use]
    pub fn with_some(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.set(name, value.into());
        }
        self
    }

    /// Sets a member.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Map<String, Value>> for Body {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        Self::Object(body.0)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}
