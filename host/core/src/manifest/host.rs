//! The servers that a connector asks to talk to.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::path::{self, PathTemplate};
use crate::grant::Reach;
use crate::grant::reach;
use crate::origin::{ExpandError, Origin, Template, excerpt};
use crate::request::Method;
use crate::setting::Settings;

/// A server that the connector asks to talk to, which requests it makes there, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Host {
    pub(super) origin: Template,
    // Invariant of both: not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) methods: Option<BTreeSet<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paths: Option<BTreeSet<HostPath>>,
    pub(super) why: String,
}

/// A path of a host with all below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub(super) struct HostPath(PathTemplate);

impl Host {
    /// Returns the origin, with its placeholders.
    pub fn origin(&self) -> &Template {
        &self.origin
    }

    /// Returns which requests are made there, in words.
    pub fn requests(&self) -> String {
        reach::told(self.methods.as_ref(), self.paths.as_ref())
    }

    /// Returns what the connector needs it for, in the author's words.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Puts the values of settings in; nothing, if one that it needs has none.
    pub fn expand(&self, settings: &Settings) -> Result<Option<(Origin, Reach)>, ExpandError> {
        match self.expand_all(settings) {
            Ok(expanded) => Ok(Some(expanded)),
            Err(ExpandError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn expand_all(&self, settings: &Settings) -> Result<(Origin, Reach), ExpandError> {
        let origin = self.origin.expand(settings)?;
        let paths = self.paths.as_ref().map(|paths| {
            let expand = |HostPath(path): &HostPath| {
                let path = path.expand(&self.origin, settings)? + "/";
                path.parse().map_err(|_| ExpandError::Path {
                    path: excerpt(&path),
                })
            };
            paths.iter().map(expand).collect::<Result<_, _>>()
        });
        // Neither list is empty, by the reader.
        let reach = Reach::new(self.methods.clone(), paths.transpose()?).unwrap_or_default();
        Ok((origin, reach))
    }

    /// Returns the path that the tenant wrote behind the address, below which all `paths` are.
    pub(crate) fn below<'a>(&self, settings: &'a Settings) -> &'a str {
        path::below(&self.origin, settings)
    }

    pub(super) fn is_all(&self) -> bool {
        self.methods.is_none() && self.paths.is_none()
    }
}

impl HostPath {
    /// Reads a path; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_suffix('/').unwrap_or(text);
        if !text.starts_with('/') || inner.contains('*') {
            return Err(format!(
                "{text:?} is no path that requests can be below; write it as in \"/api/v4/\", which is for all below it, without `*`"
            ));
        }
        PathTemplate::parse(inner).map(Self)
    }

    pub(super) fn template(&self) -> &PathTemplate {
        &self.0
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_string().as_str() {
            "" => f.write_str("/"),
            path => f.write_str(path),
        }
    }
}

impl From<HostPath> for String {
    fn from(path: HostPath) -> Self {
        path.to_string()
    }
}
