//! Origins that differ per customer: a pattern of fixed labels and settings, with a fixed registrable end.

use std::fmt;

use serde::Serialize;
use thiserror::Error;
use url::Host;

use super::{Origin, Scheme, is_label};
use crate::name::{InvalidName, SettingName};
use crate::rule::Rule;
use crate::setting::{Settings, Value};

/// Stands for the origins that a manifest asks for: a fixed one, or one per customer.
///
/// A placeholder is exactly one label of the host, and behind the last one stands a domain that
/// somebody has registered, so that no value of a setting leads to somebody else's server.
/// The other form is one setting as the whole, which only a person sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Template(Form);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Whole(SettingName),
    // Invariant: at least one label is fixed, the scheme is https.
    Labels { labels: Vec<Label>, port: u16 },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Fixed(String),
    Setting(SettingName),
}

/// Tells why a text is no template of an origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It is plain `http`.
    #[error("{given:?} is not https; write \"https://…\" or use a setting of kind \"origin\"")]
    NotHttps {
        /// What was given.
        given: String,
    },
    /// A placeholder is not exactly one label of the host.
    #[error(
        "in {given:?} a placeholder is not exactly one label of the host; put a dot on both sides of it, or use a setting of kind \"origin\" as the whole"
    )]
    Placeholder {
        /// What was given.
        given: String,
    },
    /// A placeholder does not hold the name of a setting.
    #[error("in a placeholder stands the name of a setting, but {0}")]
    Name(InvalidName),
    /// The fixed end is open to registrations by anyone, or is no name of the public Internet.
    #[error(
        "{suffix:?} holds no registered domain, so anyone could own a server below it; write the host with its full domain, or use a setting of kind \"origin\""
    )]
    Suffix {
        /// The fixed labels behind the last placeholder.
        suffix: String,
    },
    /// The rest of it is no origin.
    #[error(transparent)]
    Origin(super::Error),
}

/// Tells why a template and settings make no origin.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// The setting has no value.
    #[error("setting `{setting}` has no value; set it")]
    Missing {
        /// The setting.
        setting: SettingName,
    },
    /// The value would be more or less than one label of a host name.
    #[error(
        "setting `{setting}`: {value:?} is not one part of a host name; write letters, digits and hyphens only"
    )]
    NotALabel {
        /// The setting.
        setting: SettingName,
        /// Its value.
        value: String,
    },
    /// The value would be more or less than one segment of a path.
    #[error(
        "setting `{setting}`: {value:?} is not one part of a path; write letters, digits and any of - . _ ~ only"
    )]
    NotASegment {
        /// The setting.
        setting: SettingName,
        /// Its value.
        value: String,
    },
    /// The value should be a whole origin and is none.
    #[error("setting `{setting}` does not hold the address of a server")]
    NotAnOrigin {
        /// The setting.
        setting: SettingName,
        /// What is wrong with it.
        #[source]
        cause: super::Error,
    },
    /// The path behind the address of a server cannot be narrowed to.
    #[error(
        "{path:?} is no path that requests can be below; write the address without `*` in its path"
    )]
    Path {
        /// The path as it was put together.
        path: String,
    },
    /// The finished host is not the one that the labels spell.
    #[error("{host:?} is not a host name")]
    Host {
        /// The host as it was put together.
        host: String,
    },
}

impl Template {
    /// Reads `{setting}`, `https://host[:port]`, or the same with placeholders as labels.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if let Some(name) = placeholder(text) {
            return Ok(Self(Form::Whole(
                name.parse().map_err(TemplateError::Name)?,
            )));
        }
        let Some(authority) = text.strip_prefix("https://") else {
            let given = super::excerpt(text);
            return Err(match text.contains("://") {
                true => TemplateError::NotHttps { given },
                false => TemplateError::Origin(super::Error::NotAnAddress { given }),
            });
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(['}', ']']) => (host, format!(":{port}")),
            Some(_) | None => (authority, String::new()),
        };
        let parts: Vec<&str> = host.split('.').collect();
        let settings = parts
            .iter()
            .map(|part| setting_of(part, text))
            .collect::<Result<Vec<_>, _>>()?;

        // With a stand-in for each placeholder it has to be an origin; that gives the fixed labels
        // their canonical form.
        let stand_in: Vec<&str> = parts
            .iter()
            .zip(&settings)
            .map(|(part, setting)| if setting.is_some() { "x" } else { part })
            .collect();
        let origin: Origin = format!("https://{}{port}", stand_in.join("."))
            .parse()
            .map_err(TemplateError::Origin)?;
        let Host::Domain(name) = origin.host() else {
            return Err(TemplateError::Suffix {
                suffix: origin.host().to_string(),
            });
        };
        let canonical: Vec<&str> = name.split('.').collect();
        if canonical.len() != settings.len() {
            // A full-width dot in a label, or a dot at the end.
            return Err(TemplateError::Placeholder {
                given: super::excerpt(text),
            });
        }
        let labels: Vec<Label> = canonical
            .iter()
            .zip(settings)
            .map(|(part, setting)| {
                setting.map_or_else(|| Label::Fixed((*part).to_owned()), Label::Setting)
            })
            .collect();
        registered(&labels)?;
        Ok(Self(Form::Labels {
            labels,
            port: origin.port(),
        }))
    }

    /// Puts the values of settings in and returns the one origin that this makes.
    pub fn expand(&self, settings: &Settings) -> Result<Origin, ExpandError> {
        match &self.0 {
            Form::Whole(setting) => match value(settings, setting)? {
                Value::Site(site) => Ok(site.origin().clone()),
                Value::Text(text) => text.parse().map_err(|cause| ExpandError::NotAnOrigin {
                    setting: setting.clone(),
                    cause,
                }),
            },
            Form::Labels { labels, port } => {
                let labels = labels
                    .iter()
                    .map(|label| label.expand(settings))
                    .collect::<Result<Vec<_>, _>>()?;
                let host = labels.join(".");
                let error = || ExpandError::Host { host: host.clone() };
                let origin = Origin::new(Scheme::Https, &host, *port).map_err(|_| error())?;
                // The address standard may read a name differently than it is spelled.
                match origin.host() {
                    Host::Domain(name) if *name == host => Ok(origin),
                    Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => Err(error()),
                }
            }
        }
    }

    /// Returns the settings that it takes values from.
    pub fn settings(&self) -> impl Iterator<Item = &SettingName> {
        let (whole, labels) = match &self.0 {
            Form::Whole(setting) => (Some(setting), [].as_slice()),
            Form::Labels { labels, .. } => (None, labels.as_slice()),
        };
        whole
            .into_iter()
            .chain(labels.iter().filter_map(|label| match label {
                Label::Setting(setting) => Some(setting),
                Label::Fixed(_) => None,
            }))
    }

    /// Returns the setting that is the whole of it, if it has this form.
    pub fn whole(&self) -> Option<&SettingName> {
        match &self.0 {
            Form::Whole(setting) => Some(setting),
            Form::Labels { .. } => None,
        }
    }

    /// Checks that an origin is fixed, `https` and below a registered domain, as a template must be.
    pub(crate) fn check_fixed(origin: &str) -> Result<(), TemplateError> {
        let template = Self::parse(origin)?;
        match template.settings().next() {
            None => Ok(()),
            Some(_) => Err(TemplateError::Placeholder {
                given: super::excerpt(origin),
            }),
        }
    }
}

impl Label {
    fn expand(&self, settings: &Settings) -> Result<String, ExpandError> {
        match self {
            Self::Fixed(label) => Ok(label.clone()),
            Self::Setting(setting) => {
                let given = value(settings, setting)?.to_string();
                let label = given.to_ascii_lowercase();
                if is_label(&label) {
                    Ok(label)
                } else {
                    Err(ExpandError::NotALabel {
                        setting: setting.clone(),
                        value: super::excerpt(&given),
                    })
                }
            }
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Whole(setting) => write!(f, "{{{setting}}}"),
            Form::Labels { labels, port } => {
                f.write_str("https://")?;
                for (position, label) in labels.iter().enumerate() {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    match label {
                        Label::Fixed(label) => f.write_str(label)?,
                        Label::Setting(setting) => write!(f, "{{{setting}}}")?,
                    }
                }
                if *port == 443 {
                    Ok(())
                } else {
                    write!(f, ":{port}")
                }
            }
        }
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

fn value<'a>(settings: &'a Settings, setting: &SettingName) -> Result<&'a Value, ExpandError> {
    settings.get(setting).ok_or_else(|| ExpandError::Missing {
        setting: setting.clone(),
    })
}

/// Returns what stands between the braces if the text is one placeholder and nothing else.
fn placeholder(text: &str) -> Option<&str> {
    text.strip_prefix('{')?
        .strip_suffix('}')
        .filter(|name| !name.contains(['{', '}']))
}

fn setting_of(part: &str, text: &str) -> Result<Option<SettingName>, TemplateError> {
    match placeholder(part) {
        Some(name) => name.parse().map(Some).map_err(TemplateError::Name),
        None if part.contains(['{', '}']) => Err(TemplateError::Placeholder {
            given: super::excerpt(text),
        }),
        None => Ok(None),
    }
}

/// Checks that the fixed labels at the end hold a domain that somebody has registered.
///
/// By the Public Suffix List, its private part included: `github.io` is open to anyone, too.
fn registered(labels: &[Label]) -> Result<(), TemplateError> {
    let mut suffix: Vec<&str> = labels
        .iter()
        .rev()
        .map_while(|label| match label {
            Label::Fixed(label) => Some(label.as_str()),
            Label::Setting(_) => None,
        })
        .collect();
    suffix.reverse();
    let suffix = suffix.join(".");
    match psl::domain(suffix.as_bytes()) {
        Some(domain) if domain.suffix().is_known() => Ok(()),
        Some(_) | None if Rule::RegisteredDomain.holds() => Err(TemplateError::Suffix { suffix }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
