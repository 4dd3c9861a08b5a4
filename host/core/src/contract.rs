//! The version of the contract that this host speaks, and how it is compared.

use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The package that the contract's interfaces are in.
pub const PACKAGE: &str = "brightsync:crm";

/// The newest version of the contract that this host speaks.
pub const VERSION: Version = Version::new(0, 1, 0);

/// The interfaces that the host offers to a connector, and those that only hold types for exports.
pub const IMPORTS: &[&str] = &["host", "http", "log", "settings", "state", "types"];

/// Names a line of compatible versions of the contract, for example `0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContractVersion {
    major: u64,
    minor: u64,
}

/// Tells that a text is no version of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given:?} is not a version of the contract; write two numbers, as in \"0.1\"")]
pub struct InvalidContractVersion {
    /// What was given, shortened.
    pub given: String,
}

impl ContractVersion {
    /// Returns the line that this host speaks.
    pub fn of_this_host() -> Self {
        Self::of(&VERSION)
    }

    /// Returns the line that a full version belongs to.
    pub fn of(version: &Version) -> Self {
        Self {
            major: version.major,
            minor: version.minor,
        }
    }
}

impl FromStr for ContractVersion {
    type Err = InvalidContractVersion;

    fn from_str(text: &str) -> Result<Self, InvalidContractVersion> {
        // The stricter reader of semantic versions refuses signs and leading zeros.
        Version::parse(&format!("{text}.0"))
            .ok()
            .filter(|version| {
                version.patch == 0 && format!("{}.{}", version.major, version.minor) == text
            })
            .map(|version| Self::of(&version))
            .ok_or_else(|| InvalidContractVersion {
                given: text.chars().take(80).collect(),
            })
    }
}

impl TryFrom<String> for ContractVersion {
    type Error = InvalidContractVersion;

    fn try_from(text: String) -> Result<Self, InvalidContractVersion> {
        text.parse()
    }
}

impl From<ContractVersion> for String {
    fn from(version: ContractVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::ContractVersion;

    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(text.parse::<ContractVersion>().is_ok(), valid, "{text:?}");
    }

    #[test]
    fn a_line_is_two_numbers() {
        check("0.1", true);
        check("12.0", true);
        check("0", false);
        check("0.1.0", false);
        check("0.1-rc", false);
        check("00.1", false);
        check("+0.1", false);
        check("", false);
    }
}
