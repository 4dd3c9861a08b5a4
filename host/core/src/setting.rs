//! A connector's settings: what a manifest declares, and one connection's values checked against it.

mod pattern;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use thiserror::Error;
use url::Url;

pub use pattern::{Pattern, PatternError};

use crate::manifest::Manifest;
use crate::name::SettingName;
use crate::origin::{self, ExpandError, Origin, excerpt};
use crate::rule::Rule;

/// The longest value of a setting, in bytes.
pub const MAX_VALUE: usize = 1024;

/// Declares one setting, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setting {
    pub(crate) title: String,
    pub(crate) help: Option<String>,
    pub(crate) optional: bool,
    pub(crate) set_by: SetBy,
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

/// What values a setting takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// The address of a server, which only a person sets.
    Origin,
    /// A text.
    Text {
        /// What the whole value has to match.
        pattern: Option<Pattern>,
        /// The value where none is set.
        default: Option<String>,
    },
    /// One of a few values.
    Choice {
        /// The values to choose from, in the order to show them in.
        values: Vec<String>,
        /// The value where none is set.
        default: Option<String>,
    },
}

/// Who may set a value besides the tenant and the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetBy {
    /// Nobody else.
    Tenant,
    /// The answer of a token request.
    TokenAnswer,
    /// The parameters of an OAuth callback.
    Callback,
    /// A request that the host makes to learn what a credential belongs to.
    Identify,
}

/// The values of one connection's settings, each checked against the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<SettingName, Value>);

/// The checked value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, or one of the values to choose from.
    Text(String),
    /// The address of a server.
    Site(Site),
}

/// The address of a server with the path that its application lives under.
///
/// The origin is what has to be granted; the path is only used to build addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    origin: Origin,
    // Invariant: empty, or `/` and segments, without a slash at the end.
    path: String,
}

/// Tells which setting has a wrong value, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest declares no setting of this name.
    #[error("the connector has no setting {name:?}; it has: {known}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names that the manifest declares.
        known: String,
    },
    /// A setting that is not optional has no value.
    #[error("setting `{name}` ({title}) has no value; set it")]
    Missing {
        /// The setting.
        name: SettingName,
        /// What the manifest calls it.
        title: String,
    },
    /// The value is too long or has characters that do not show.
    #[error(
        "setting `{name}`: the value is empty, longer than {MAX_VALUE} bytes, or has control characters in it"
    )]
    Text {
        /// The setting.
        name: SettingName,
    },
    /// The value does not match the pattern.
    #[error("setting `{name}`: {value:?} does not match the pattern {pattern}")]
    Pattern {
        /// The setting.
        name: SettingName,
        /// The value, shortened.
        value: String,
        /// The pattern as the manifest has it.
        pattern: String,
    },
    /// The value is none of those to choose from.
    #[error("setting `{name}`: {value:?} is none of {values}")]
    Choice {
        /// The setting.
        name: SettingName,
        /// The value, shortened.
        value: String,
        /// The values to choose from.
        values: String,
    },
    /// The value is not the address of a server.
    #[error("setting `{name}` is not the address of a server")]
    Site {
        /// The setting.
        name: SettingName,
        /// What is wrong with it.
        #[source]
        cause: SiteError,
    },
    /// The values make no host of what the manifest asks for.
    #[error("the settings make no host of {template:?}")]
    Host {
        /// The host as the manifest has it.
        template: String,
        /// What is wrong.
        #[source]
        cause: ExpandError,
    },
}

/// Tells why a text is not the address of a server with its path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SiteError {
    /// It does not begin with an origin.
    #[error(transparent)]
    Origin(#[from] origin::Error),
    /// The path is one that not everyone reads the same way.
    #[error(
        "the path {path:?} has an empty or dot segment, or a character that must be percent-encoded; write it as /part/part"
    )]
    Path {
        /// The path, shortened.
        path: String,
    },
}

impl Setting {
    /// Returns what to call it in a form.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the explanation to show beside it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Tells whether a connection may do without it.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Tells who may set it besides the tenant and the operator.
    pub fn set_by(&self) -> SetBy {
        self.set_by
    }

    /// Returns what values it takes.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the value where none is set.
    pub fn default_value(&self) -> Option<&str> {
        match &self.kind {
            Kind::Origin => None,
            Kind::Text { default, .. } | Kind::Choice { default, .. } => default.as_deref(),
        }
    }

    /// Checks one value; `name` is the setting's own, for the error.
    pub fn check(&self, name: &SettingName, text: &str) -> Result<Value, Error> {
        if text.is_empty() || text.len() > MAX_VALUE || text.chars().any(char::is_control) {
            return Err(Error::Text { name: name.clone() });
        }
        match &self.kind {
            Kind::Origin => match text.parse() {
                Ok(site) => Ok(Value::Site(site)),
                Err(cause) => Err(Error::Site {
                    name: name.clone(),
                    cause,
                }),
            },
            Kind::Text {
                pattern: Some(pattern),
                ..
            } if Rule::Pattern.refuses(!pattern.matches(text)) => Err(Error::Pattern {
                name: name.clone(),
                value: excerpt(text),
                pattern: pattern.as_str().to_owned(),
            }),
            Kind::Choice { values, .. } if !values.iter().any(|it| it == text) => {
                Err(Error::Choice {
                    name: name.clone(),
                    value: excerpt(text),
                    values: values.join(", "),
                })
            }
            Kind::Text { .. } | Kind::Choice { .. } => Ok(Value::Text(text.to_owned())),
        }
    }
}

impl Settings {
    /// Checks one connection's values: every name known, every value as declared, none missing, and
    /// every host of the manifest whose settings are there comes out as a host.
    pub fn check(manifest: &Manifest, given: BTreeMap<String, String>) -> Result<Self, Error> {
        Self::read(manifest, given, |it| it.optional)
    }

    /// Checks one connection's values before its account is connected: those that the CRM tells may be missing yet.
    pub fn so_far(manifest: &Manifest, given: BTreeMap<String, String>) -> Result<Self, Error> {
        Self::read(manifest, given, |it| {
            it.optional || it.set_by != SetBy::Tenant
        })
    }

    fn read(
        manifest: &Manifest,
        given: BTreeMap<String, String>,
        may_be_missing: impl Fn(&Setting) -> bool,
    ) -> Result<Self, Error> {
        let declared = manifest.settings();
        let mut values = BTreeMap::new();
        for (name, text) in given {
            let Some((name, setting)) = name
                .parse::<SettingName>()
                .ok()
                .and_then(|name| declared.get_key_value(&name))
            else {
                let known: Vec<&str> = declared.keys().map(SettingName::as_str).collect();
                return Err(Error::Unknown {
                    name: excerpt(&name),
                    known: known.join(", "),
                });
            };
            values.insert(name.clone(), setting.check(name, &text)?);
        }
        for (name, setting) in declared {
            if values.contains_key(name) {
                continue;
            }
            match setting.default_value() {
                Some(text) => {
                    values.insert(name.clone(), setting.check(name, text)?);
                }
                None if may_be_missing(setting) => {}
                None => {
                    return Err(Error::Missing {
                        name: name.clone(),
                        title: setting.title.clone(),
                    });
                }
            }
        }
        let settings = Self(values);
        for host in manifest.hosts() {
            host.expand(&settings).map_err(|cause| Error::Host {
                template: host.origin().to_string(),
                cause,
            })?;
        }
        Ok(settings)
    }

    /// Returns the value of a setting, if it has one.
    pub fn get(&self, name: &SettingName) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns the settings that have a value.
    pub fn iter(&self) -> impl Iterator<Item = (&SettingName, &Value)> {
        self.0.iter()
    }

    /// Makes settings that no manifest has seen, to attack what is built on them.
    #[cfg(test)]
    pub(crate) fn unchecked<const N: usize>(values: [(&str, &str); N]) -> Self {
        let text =
            |(name, value): (&str, &str)| (name.parse().unwrap(), Value::Text(value.to_owned()));
        Self(values.into_iter().map(text).collect())
    }
}

impl Site {
    /// Returns scheme, host and port: what has to be granted.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the path without a slash at its end; empty if the application is at the root.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl std::str::FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let (origin, path) = origin::split(text)?;
        let path = path.strip_suffix('/').unwrap_or(&path);
        if path.is_empty() || is_plain_path(path) {
            Ok(Self {
                origin,
                path: path.to_owned(),
            })
        } else {
            Err(SiteError::Path {
                path: excerpt(path),
            })
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Site(site) => site.fmt(f),
        }
    }
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::TokenAnswer => "token-answer",
            Self::Callback => "callback",
            Self::Identify => "identify",
        })
    }
}

/// Tells whether a path has only segments that every reader takes for the same.
///
/// Dots in any spelling would climb, an encoded slash is a slash to some servers, and a path that
/// the address standard would rewrite is not the path that was checked.
pub(crate) fn is_plain_path(path: &str) -> bool {
    let plain = path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|segment| {
            let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
            !matches!(decoded.as_str(), "" | "." | "..")
                && ["%2f", "%5c", "%00"].iter().all(|it| !decoded.contains(it))
        })
    });
    plain
        && Url::parse("https://x").is_ok_and(|mut url| {
            url.set_path(path);
            url.path() == path && url.query().is_none()
        })
}

#[cfg(test)]
mod tests;
