//! What a token may do: read, write, or both (RFC 6749, section 3.3).

use std::fmt;
use std::str::FromStr;

/// A set of scopes that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes {
    reads: bool,
    writes: bool,
}

/// The text names no scope, or one that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scopes are read and write, with one space between them")]
pub struct NoSuchScope;

impl Scopes {
    /// Reading alone.
    pub const READ: Self = Self {
        reads: true,
        writes: false,
    };
    /// Writing alone.
    pub const WRITE: Self = Self {
        reads: false,
        writes: true,
    };
    /// Reading and writing.
    pub const ALL: Self = Self {
        reads: true,
        writes: true,
    };

    /// Tells whether every scope of the other set is in this one.
    pub(crate) fn cover(self, other: Self) -> bool {
        self.reads >= other.reads && self.writes >= other.writes
    }

    pub(crate) fn names(self) -> Vec<&'static str> {
        let all = [("read", self.reads), ("write", self.writes)];
        all.iter().filter(|it| it.1).map(|it| it.0).collect()
    }
}

impl FromStr for Scopes {
    type Err = NoSuchScope;

    fn from_str(text: &str) -> Result<Self, NoSuchScope> {
        let mut scopes = Self {
            reads: false,
            writes: false,
        };
        for name in text.split(' ') {
            match name {
                "read" => scopes.reads = true,
                "write" => scopes.writes = true,
                _ => return Err(NoSuchScope),
            }
        }
        Ok(scopes)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    #[test]
    fn a_scope_has_a_name_and_one_space_before_the_next() {
        let shown = |text: &str| text.parse::<Scopes>().map(|it| it.to_string()).ok();
        assert_eq!(shown("write read").as_deref(), Some("read write"));
        assert_eq!(shown("write").as_deref(), Some("write"));
        for text in [
            "",
            " ",
            "read  write",
            "read,write",
            "Read",
            "admin",
            "read ",
        ] {
            assert_eq!(shown(text), None, "{text:?}");
        }
    }
}
