//! The functions of the contract that a connector exports, by interface: the one table of their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

macro_rules! functions {
    ($($interface:ident $label:literal { $($function:ident $name:literal,)* })*) => {
        /// Names an interface that every connector exports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is documented in the contract")]
        pub enum Interface { $($interface,)* }

        /// Names a function that a connector exports; no two interfaces share a name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        #[expect(missing_docs, reason = "each is documented in the contract")]
        pub enum Function { $($($function,)*)* }

        impl Interface {
            /// Lists every interface, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$interface,)*];

            /// Returns the name as it is in the contract, for example `users`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$interface => $label,)* }
            }
        }

        impl Function {
            /// Lists every function, in the order of the contract.
            pub const ALL: &[Self] = &[$($(Self::$function,)*)*];

            /// Returns the name as it is in the contract, for example `get-me`.
            pub fn name(self) -> &'static str {
                match self { $($(Self::$function => $name,)*)* }
            }

            /// Returns the interface that the function belongs to.
            pub fn interface(self) -> Interface {
                match self { $($(Self::$function => Interface::$interface,)*)* }
            }
        }
    };
}

functions! {
    Users "users" {
        GetMe "get-me",
        GetUsers "get-users",
        GetUsersByEmail "get-users-by-email",
    }
    Accounts "accounts" {
        CreateAccount "create-account",
        GetAccount "get-account",
        GetAccounts "get-accounts",
        UpdateAccount "update-account",
        DeleteAccount "delete-account",
        GetMyAccounts "get-my-accounts",
        GetAccountsByName "get-accounts-by-name",
        GetAccountsByDomain "get-accounts-by-domain",
    }
    Contacts "contacts" {
        CreateContact "create-contact",
        GetContact "get-contact",
        GetContacts "get-contacts",
        UpdateContact "update-contact",
        DeleteContact "delete-contact",
        GetMyContacts "get-my-contacts",
        GetContactsByName "get-contacts-by-name",
        GetContactsByEmail "get-contacts-by-email",
        GetContactsByEmailDomain "get-contacts-by-email-domain",
    }
    Emails "emails" {
        CreateEmail "create-email",
        UpdateEmail "update-email",
        DeleteEmail "delete-email",
        FindEmail "find-email",
    }
    Meetings "meetings" {
        CreateMeeting "create-meeting",
        UpdateMeeting "update-meeting",
        DeleteMeeting "delete-meeting",
        FindMeeting "find-meeting",
    }
    Opportunities "opportunities" {
        GetOpportunitiesForContacts "get-opportunities-for-contacts",
        GetOpportunitiesForAccounts "get-opportunities-for-accounts",
    }
}

/// Tells that the contract has no function of a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the contract has no function {given:?}; the nearest is `{nearest}`")]
pub struct UnknownFunction {
    /// What was given, at most its first 80 characters.
    pub given: String,
    /// The function whose name differs least.
    pub nearest: Function,
}

impl Function {
    /// Returns whether the function may change something in the CRM.
    pub fn is_write(self) -> bool {
        let verb = self.name().split('-').next();
        matches!(verb, Some("create" | "update" | "delete"))
    }
}

impl FromStr for Function {
    type Err = UnknownFunction;

    fn from_str(text: &str) -> Result<Self, UnknownFunction> {
        Self::ALL
            .iter()
            .copied()
            .find(|function| function.name() == text)
            .ok_or_else(|| Self::unknown(text, Self::ALL))
    }
}

impl Function {
    /// Tells which of `candidates` a wrong name comes nearest to.
    pub(crate) fn unknown(text: &str, candidates: &[Self]) -> UnknownFunction {
        let given: String = text.chars().take(80).collect();
        let nearest = candidates
            .iter()
            .copied()
            .min_by_key(|function| distance(&given, function.name()))
            .unwrap_or(Self::GetMe);
        UnknownFunction { given, nearest }
    }
}

impl TryFrom<String> for Function {
    type Error = UnknownFunction;

    fn try_from(text: String) -> Result<Self, UnknownFunction> {
        text.parse()
    }
}

impl From<Function> for &'static str {
    fn from(function: Function) -> Self {
        function.name()
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Counts the letters to insert, remove or replace to turn one text into the other (Levenshtein).
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, from) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(from != to);
            diagonal = *cell;
            before = replaced.min(*cell + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::{Function, distance};

    #[track_caller]
    fn check(name: &str, expected: Expect) {
        let text = match name.parse::<Function>() {
            Ok(function) => format!("{}.{function}", function.interface()),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn a_name_of_the_contract_is_known_with_its_interface() {
        check("get-me", expect!["users.get-me"]);
        check("find-meeting", expect!["meetings.find-meeting"]);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        check(
            "get-contact-by-email",
            expect![[
                r#"the contract has no function "get-contact-by-email"; the nearest is `get-contacts-by-email`"#
            ]],
        );
        check(
            "",
            expect![[r#"the contract has no function ""; the nearest is `get-me`"#]],
        );
    }

    #[test]
    fn every_name_reads_back_as_its_function() {
        for function in Function::ALL {
            assert_eq!(function.name().parse(), Ok(*function));
        }
    }

    #[test]
    fn the_distance_counts_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
