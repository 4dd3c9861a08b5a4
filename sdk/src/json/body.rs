//! JSON objects that are written.

use std::fmt::{Display, Formatter};

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

    /// The value of a member, if it is set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
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

/// Its JSON, for parameters that hold some.
impl Display for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::write(self).map_err(|_| std::fmt::Error)?)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}
