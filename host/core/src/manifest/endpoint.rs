//! An address of a recipe: an origin and a path, which may differ per customer.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::path::PathTemplate;
use crate::name::SettingName;
use crate::origin::{ExpandError, Template};
use crate::setting::Settings;

/// Where a recipe sends requests of its own, or a person: an origin and a path, without a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Endpoint {
    origin: Template,
    path: PathTemplate,
}

impl Endpoint {
    /// Reads an origin or a template of one, then a path whose segments are plain or settings.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((origin, path)) = split(text) else {
            return Err(format!(
                "{text:?} has no path; write the whole address, as in \"https://login.example.com/oauth/token\""
            ));
        };
        Self::of(origin, path)
    }

    pub(super) fn of(origin: &str, path: &str) -> Result<Self, String> {
        let origin = Template::parse(origin).map_err(|error| error.to_string())?;
        let path = PathTemplate::parse(path)?;
        Ok(Self { origin, path })
    }

    /// Returns the origin, with its placeholders.
    pub fn origin(&self) -> &Template {
        &self.origin
    }

    /// Returns the settings that stand for segments of the path.
    pub fn path_settings(&self) -> impl Iterator<Item = &SettingName> {
        self.path.settings()
    }

    /// Puts the values of settings in.
    ///
    /// If the origin is a setting, the path that the tenant wrote behind it comes first.
    pub fn expand(&self, settings: &Settings) -> Result<Url, ExpandError> {
        self.expand_with(settings, "")
    }

    /// The same with an end behind the path.
    pub(super) fn expand_with(&self, settings: &Settings, end: &str) -> Result<Url, ExpandError> {
        let origin = self.origin.expand(settings)?;
        let path = self.path.expand(&self.origin, settings)?;
        let text = format!("{origin}{path}{end}");
        Url::parse(&text).map_err(|_| ExpandError::Host { host: text })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

/// Parts an address at the slash behind its origin.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let behind_scheme = text.find("://").map_or(0, |at| at + 3);
    let slash = text.get(behind_scheme..)?.find('/')? + behind_scheme;
    text.split_at_checked(slash)
}
