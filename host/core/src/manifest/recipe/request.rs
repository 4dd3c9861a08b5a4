//! A request that the host makes for a recipe: to log in, or to learn whom a credential belongs to.

use std::fmt;

use serde::Serialize;

use super::Mold;
use crate::manifest::endpoint::Endpoint;
use crate::name::FieldName;
use crate::request::Method;

/// A request of the host's own. Its address and its body may hold secrets, and its answer reaches no connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecipeRequest {
    pub(in crate::manifest) method: Method,
    pub(in crate::manifest) endpoint: Endpoint,
    /// One more part of the path.
    pub(in crate::manifest) append: Option<Mold>,
    pub(in crate::manifest) body: RecipeBody,
}

/// What such a request carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeBody {
    /// Nothing.
    None,
    /// A form: `application/x-www-form-urlencoded`.
    Form(Vec<(String, Mold)>),
    /// JSON.
    Json(JsonMold),
}

/// JSON with places for values in its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum JsonMold {
    /// A text.
    Text(Mold),
    /// A number, a truth value, or null.
    Fixed(serde_json::Value),
    /// A list.
    List(Vec<Self>),
    /// An object, in the order of its names.
    Object(Vec<(String, Self)>),
}

impl RecipeRequest {
    /// Returns the method, which is GET or POST.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns where it goes.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns what stands behind the path as one more part of it.
    pub fn append(&self) -> Option<&Mold> {
        self.append.as_ref()
    }

    /// Returns what it carries.
    pub fn body(&self) -> &RecipeBody {
        &self.body
    }

    /// Returns the names of all values that it needs.
    pub fn names(&self) -> Vec<&FieldName> {
        let mut names: Vec<_> = self.append.iter().flat_map(Mold::names).collect();
        match &self.body {
            RecipeBody::None => {}
            RecipeBody::Form(pairs) => names.extend(pairs.iter().flat_map(|(_, it)| it.names())),
            RecipeBody::Json(json) => names.extend(json.names()),
        }
        names
    }
}

impl JsonMold {
    fn names(&self) -> Vec<&FieldName> {
        match self {
            Self::Text(mold) => mold.names(),
            Self::Fixed(_) => Vec::new(),
            Self::List(all) => all.iter().flat_map(Self::names).collect(),
            Self::Object(all) => all.iter().flat_map(|(_, it)| it.names()).collect(),
        }
    }
}

impl fmt::Display for RecipeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.endpoint)?;
        if let Some(append) = &self.append {
            write!(f, "/{append}")?;
        }
        match &self.body {
            RecipeBody::None => Ok(()),
            RecipeBody::Form(pairs) => {
                f.write_str(" with")?;
                pairs
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            RecipeBody::Json(json) => write!(f, " with {json}"),
        }
    }
}

impl fmt::Display for JsonMold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(mold) => write!(f, "{:?}", mold.to_string()),
            Self::Fixed(value) => value.fmt(f),
            Self::List(all) => {
                f.write_str("[")?;
                all.iter().try_for_each(|it| write!(f, "{it},"))?;
                f.write_str("]")
            }
            Self::Object(all) => {
                f.write_str("{")?;
                all.iter()
                    .try_for_each(|(name, it)| write!(f, "{name:?}:{it},"))?;
                f.write_str("}")
            }
        }
    }
}
