//! Paths that differ per customer: plain segments and settings, below what the tenant wrote behind the host.

use std::fmt;

use serde::Serialize;

use crate::name::SettingName;
use crate::origin::{ExpandError, Template, excerpt};
use crate::setting::{Settings, Value, is_plain_path};

/// Segments behind an origin, without a slash at the end; none is the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub(crate) struct PathTemplate(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    // Invariant: passes `is_plain_path` behind a slash.
    Fixed(String),
    Setting(SettingName),
}

impl PathTemplate {
    /// Reads a path without a slash at its end; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let segments = text.split('/').skip(1).map(Segment::parse);
        segments.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the settings that stand for segments.
    pub(super) fn settings(&self) -> impl Iterator<Item = &SettingName> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Setting(setting) => Some(setting),
            Segment::Fixed(_) => None,
        })
    }

    /// Puts the values of settings in. If the origin is a setting, the path that the tenant wrote behind it comes first.
    pub(crate) fn expand(
        &self,
        origin: &Template,
        settings: &Settings,
    ) -> Result<String, ExpandError> {
        let mut text = below(origin, settings).to_owned();
        for segment in &self.0 {
            text.push('/');
            match segment {
                Segment::Fixed(fixed) => text.push_str(fixed),
                Segment::Setting(setting) => text.push_str(&path_segment(setting, settings)?),
            }
        }
        Ok(text)
    }
}

/// Returns the path that the tenant wrote behind an origin that is a setting; empty for any other.
pub(crate) fn below<'a>(origin: &Template, settings: &'a Settings) -> &'a str {
    match origin.whole().and_then(|name| settings.get(name)) {
        Some(Value::Site(site)) => site.path(),
        Some(Value::Text(_)) | None => "",
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            return name
                .parse()
                .map(Self::Setting)
                .map_err(|error| error.to_string());
        }
        if is_plain_path(&format!("/{text}")) {
            Ok(Self::Fixed(text.to_owned()))
        } else {
            Err(format!(
                "{text:?} is not one part of a path; write plain characters, or one setting as the whole part"
            ))
        }
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Fixed(fixed) => write!(f, "/{fixed}"),
            Segment::Setting(setting) => write!(f, "/{{{setting}}}"),
        })
    }
}

impl From<PathTemplate> for String {
    fn from(path: PathTemplate) -> Self {
        path.to_string()
    }
}

/// Takes only what needs no escape, so that a value stays one segment for every reader.
fn path_segment(setting: &SettingName, settings: &Settings) -> Result<String, ExpandError> {
    let Some(value) = settings.get(setting) else {
        return Err(ExpandError::Missing {
            setting: setting.clone(),
        });
    };
    let value = value.to_string();
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
    if value.bytes().all(is_plain) && value.bytes().any(|it| it != b'.') {
        Ok(value)
    } else {
        Err(ExpandError::NotASegment {
            setting: setting.clone(),
            value: excerpt(&value),
        })
    }
}
