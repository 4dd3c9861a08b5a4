//! The address that a connector's relative addresses are appended to.

use std::fmt;

use serde::Serialize;
use url::Url;

use super::endpoint::{self, Endpoint};
use crate::name::SettingName;
use crate::origin::{ExpandError, Template};
use crate::setting::Settings;

/// The address that relative addresses are appended to: an origin and a path that ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
// Without the slash.
pub struct BaseAddress(Endpoint);

impl BaseAddress {
    /// Reads an origin or a template of one, then a path whose segments are plain or settings.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((origin, path)) = endpoint::split(text) else {
            return Err(format!(
                "{text:?} has no path; write it with a \"/\" at its end"
            ));
        };
        let Some(inner) = path.strip_suffix('/') else {
            return Err(format!(
                "{text:?} does not end in \"/\", so an address appended to it would change its last part; add the \"/\""
            ));
        };
        Endpoint::of(origin, inner).map(Self)
    }

    /// Returns the origin, with its placeholders.
    pub fn origin(&self) -> &Template {
        self.0.origin()
    }

    /// Returns the settings that stand for segments of the path.
    pub fn path_settings(&self) -> impl Iterator<Item = &SettingName> {
        self.0.path_settings()
    }

    /// Puts the values of settings in; the path of the result ends in a slash.
    ///
    /// If the origin is a setting, the path that the tenant wrote behind it comes first.
    pub fn expand(&self, settings: &Settings) -> Result<Url, ExpandError> {
        self.0.expand_with(settings, "/")
    }
}

impl fmt::Display for BaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0)
    }
}

impl From<BaseAddress> for String {
    fn from(base: BaseAddress) -> Self {
        base.to_string()
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
