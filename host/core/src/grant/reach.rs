//! Which requests to an origin: those of some methods, below some paths.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::origin::excerpt;
use crate::request::{self, Method};
use crate::setting::is_plain_path;

/// Narrows an origin to some of its requests; the default is all of them.
///
/// `GET` does not bring `HEAD` along: what is not written is not meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reach {
    // Invariant of both: none stands for all, and what is there is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<BTreeSet<Method>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<BTreeSet<PathPrefix>>,
}

/// A path, standing for itself and for all below it: `/api` for `/api` and `/api/x`, and not for `/apix`.
///
/// It is compared segment by segment and letter for letter. A server may take another spelling for the same; a request in
/// that spelling is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// Invariant: empty, which is the root, or passes `is_plain_path`.
pub struct PathPrefix(String);

/// Tells that a text is no path that requests can be below.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} is no path that everybody reads the same way; write it as in \"/api/v4/\", which is for all below it, without `*`, `?` and dots"
)]
pub struct InvalidPath {
    given: String,
}

/// Tells that a list which narrows an origin is empty, so that nothing of the origin is left.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{list}` is empty, so that no request is left; list some, or remove it for all")]
pub struct Empty {
    list: &'static str,
}

impl Reach {
    /// Narrows an origin to these methods and to these paths with all below them; none is all.
    pub fn new(
        methods: Option<BTreeSet<Method>>,
        paths: Option<BTreeSet<PathPrefix>>,
    ) -> Result<Self, Empty> {
        if methods.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(Empty { list: "methods" });
        }
        if paths.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(Empty { list: "paths" });
        }
        Ok(Self { methods, paths })
    }

    /// Tells whether it is all of the origin.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether a request is among them, by the path of an address that has passed [`request::check`].
    pub fn permits(&self, method: Method, path: &str) -> bool {
        let method = self.methods.as_ref().is_none_or(|it| it.contains(&method));
        let path = self
            .paths
            .as_ref()
            .is_none_or(|paths| !request::climbs(path) && paths.iter().any(|it| it.covers(path)));
        method && path
    }

    /// Returns what would permit one request and as little else as can be written; nothing, if its path is no plain one.
    pub(crate) fn of_request(method: Method, path: &str) -> Option<Self> {
        let path = path.parse().ok()?;
        Some(Self {
            methods: Some([method].into()),
            paths: Some([path].into()),
        })
    }

    /// Writes an entry that is about something: that alone, if it is all of it.
    pub(super) fn serialize_with<S: Serializer>(
        &self,
        key: &'static str,
        about: &impl Serialize,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if self.is_all() {
            return about.serialize(serializer);
        }
        let mut table = serializer.serialize_map(None)?;
        table.serialize_entry(key, about)?;
        if let Some(methods) = &self.methods {
            table.serialize_entry("methods", methods)?;
        }
        if let Some(paths) = &self.paths {
            table.serialize_entry("paths", paths)?;
        }
        table.end()
    }

    /// Returns the keys and values of a table that says it, each behind a comma.
    pub(crate) fn keys(&self) -> String {
        let mut text = String::new();
        if let Some(methods) = &self.methods {
            text.push_str(&format!(", methods = [{}]", quoted(methods)));
        }
        if let Some(paths) = &self.paths {
            text.push_str(&format!(", paths = [{}]", quoted(paths)));
        }
        text
    }
}

impl PathPrefix {
    /// Returns the path, without a slash at its end but for the root.
    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }

    fn covers(&self, path: &str) -> bool {
        path.strip_prefix(&self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for PathPrefix {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_root = text == "/";
        if is_root || is_plain_path(path) && !path.contains('*') && !request::climbs(path) {
            Ok(Self(path.to_owned()))
        } else {
            Err(InvalidPath {
                given: excerpt(text),
            })
        }
    }
}

impl TryFrom<String> for PathPrefix {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl From<PathPrefix> for String {
    fn from(path: PathPrefix) -> Self {
        path.to_string()
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(self.methods.as_ref(), self.paths.as_ref()))
    }
}

/// Shows methods and paths to people, each set in the same words wherever it stands.
pub(crate) fn told<P: fmt::Display>(
    methods: Option<&BTreeSet<Method>>,
    paths: Option<&BTreeSet<P>>,
) -> String {
    let methods = methods.map_or_else(|| "all requests".to_owned(), listed);
    match paths {
        None => methods,
        Some(paths) => format!("{methods} below {}", listed(paths)),
    }
}

fn listed<T: fmt::Display>(all: &BTreeSet<T>) -> String {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

fn quoted<T: fmt::Display>(all: &BTreeSet<T>) -> String {
    let all: Vec<_> = all.iter().map(|it| format!("\"{it}\"")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: &str, path: &str, covered: bool) {
        let reach = Reach::new(None, Some([prefix.parse().unwrap()].into())).unwrap();
        assert_eq!(reach.permits(Method::Get, path), covered, "{prefix} {path}");
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        for prefix in ["/api", "/api/"] {
            check(prefix, "/api", true);
            check(prefix, "/api/", true);
            check(prefix, "/api/v4/contacts", true);
            check(prefix, "/apix", false);
            check(prefix, "/", false);
            check(prefix, "/x/api", false);
        }
        check("/", "/anything", true);
        check("/a%20b", "/a%20b/c", true);
    }

    #[test]
    fn another_spelling_of_a_path_is_another_path() {
        for path in [
            "//api/x",
            "/API/x",
            "/%61pi/x",
            "/api%2Fx",
            "/api;v=1/x",
            "/api\\x",
        ] {
            check("/api", path, false);
        }
    }

    #[test]
    fn what_climbs_for_a_server_that_decodes_again_is_below_nothing() {
        for path in [
            "/api/../admin",
            "/api/%2e%2e/admin",
            "/api/%252e%252e/admin",
            "/api/%25252e%25252e/admin",
            "/api/%252e%252e%252fadmin",
            "/api/x%252f%252e%252e%252f%252e%252e%252fadmin",
            "/api/..%253b/admin",
            "/api/..;/admin",
            "/api/%255c..%255cadmin",
            "/api/%25252525252525252525252525252e./admin",
        ] {
            check("/api", path, false);
            assert!(Reach::default().permits(Method::Get, path), "{path}");
        }
        check("/api", "/api/100%25", true);
        check("/api", "/api/a%2Fb", true);
    }

    #[test]
    fn a_prefix_is_a_plain_path() {
        for text in [
            "",
            "api",
            "/api//x",
            "/api/..",
            "/./x",
            "/%2e%2e",
            "/a%2fb",
            "/%252e%252e",
            "/api/*",
            "/a?b",
            "/a#b",
            "/a b",
            "//",
            "https://x/api",
            "/a\\b",
        ] {
            assert!(text.parse::<PathPrefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_list_is_not_taken_for_all() {
        assert!(Reach::new(Some(BTreeSet::new()), None).is_err());
        assert!(Reach::new(None, Some(BTreeSet::new())).is_err());
    }
}
