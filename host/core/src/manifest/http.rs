//! The address that a connector's relative addresses are appended to.

use std::fmt;

use serde::Serialize;
use url::Url;

use crate::name::SettingName;
use crate::origin::{ExpandError, Template, excerpt};
use crate::setting::{Settings, Value, is_plain_path};

/// The address that relative addresses are appended to: an origin and a path that ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct BaseAddress {
    origin: Template,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    // Invariant: passes `is_plain_path` behind a slash.
    Fixed(String),
    Setting(SettingName),
}

impl BaseAddress {
    /// Reads an origin or a template of one, then a path whose segments are plain or settings.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let behind_scheme = text.find("://").map_or(0, |at| at + 3);
        let slash = text
            .get(behind_scheme..)
            .and_then(|rest| rest.find('/'))
            .map(|at| at + behind_scheme);
        let Some((origin, path)) = slash.and_then(|at| text.split_at_checked(at)) else {
            return Err(format!(
                "{text:?} has no path; write it with a \"/\" at its end"
            ));
        };
        let origin = Template::parse(origin).map_err(|error| error.to_string())?;
        let Some(inner) = path.strip_suffix('/') else {
            return Err(format!(
                "{text:?} does not end in \"/\", so an address appended to it would change its last part; add the \"/\""
            ));
        };
        let segments = inner
            .split('/')
            .skip(1)
            .map(Segment::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { origin, segments })
    }

    /// Returns the origin, with its placeholders.
    pub fn origin(&self) -> &Template {
        &self.origin
    }

    /// Returns the settings that stand for segments of the path.
    pub fn path_settings(&self) -> impl Iterator<Item = &SettingName> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Setting(setting) => Some(setting),
            Segment::Fixed(_) => None,
        })
    }

    /// Puts the values of settings in; the path of the result ends in a slash.
    ///
    /// If the origin is a setting, the path that the tenant wrote behind it comes first.
    pub fn expand(&self, settings: &Settings) -> Result<Url, ExpandError> {
        let mut text = self.origin.expand(settings)?.to_string();
        if let Some(Value::Site(site)) = self.origin.whole().and_then(|name| settings.get(name)) {
            text.push_str(site.path());
        }
        for segment in &self.segments {
            text.push('/');
            match segment {
                Segment::Fixed(fixed) => text.push_str(fixed),
                Segment::Setting(setting) => text.push_str(&path_segment(setting, settings)?),
            }
        }
        text.push('/');
        Url::parse(&text).map_err(|_| ExpandError::Host { host: text })
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

impl fmt::Display for BaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)?;
        for segment in &self.segments {
            match segment {
                Segment::Fixed(fixed) => write!(f, "/{fixed}")?,
                Segment::Setting(setting) => write!(f, "/{{{setting}}}")?,
            }
        }
        f.write_str("/")
    }
}

impl From<BaseAddress> for String {
    fn from(base: BaseAddress) -> Self {
        base.to_string()
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

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::BaseAddress;
    use crate::setting::Settings;

    #[track_caller]
    fn check(base: &str, database: &str, expected: Expect) {
        let settings = Settings::unchecked([("database", database), ("instance", "acme")]);
        let text = match BaseAddress::parse(base).map(|base| base.expand(&settings)) {
            Ok(Ok(url)) => url.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(problem) => problem,
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn the_path_is_kept_and_ends_in_a_slash() {
        check(
            "https://api.example.com/",
            "",
            expect!["https://api.example.com/"],
        );
        check(
            "https://{instance}.example.com/services/data/v60.0/",
            "",
            expect!["https://acme.example.com/services/data/v60.0/"],
        );
        check(
            "https://example.com/{database}/",
            "crm",
            expect!["https://example.com/crm/"],
        );
        check(
            "https://example.com",
            "",
            expect![[r#""https://example.com" has no path; write it with a "/" at its end"#]],
        );
        check(
            "https://example.com/api",
            "",
            expect![[
                r#""https://example.com/api" does not end in "/", so an address appended to it would change its last part; add the "/""#
            ]],
        );
        check(
            "https://example.com/a/../b/",
            "",
            expect![[
                r#"".." is not one part of a path; write plain characters, or one setting as the whole part"#
            ]],
        );
        check(
            "https://example.com//",
            "",
            expect![[
                r#""" is not one part of a path; write plain characters, or one setting as the whole part"#
            ]],
        );
        check(
            "https://example.com/a?b/",
            "",
            expect![[
                r#""a?b" is not one part of a path; write plain characters, or one setting as the whole part"#
            ]],
        );
    }

    #[test]
    fn a_value_stays_inside_its_part_of_the_path() {
        for attack in [
            "..", ".", "", "a/b", "a%2fb", "a?b", "a#b", "a b", "a\\b", "é", "a;b",
        ] {
            let base = BaseAddress::parse("https://example.com/{database}/").unwrap();
            assert!(
                base.expand(&Settings::unchecked([("database", attack)]))
                    .is_err(),
                "{attack:?}"
            );
        }
        check(
            "https://example.com/{database}/",
            "..",
            expect![[
                r#"setting `database`: ".." is not one part of a path; write letters, digits and any of - . _ ~ only"#
            ]],
        );
    }
}
