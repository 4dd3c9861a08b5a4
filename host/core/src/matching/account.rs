//! Whether an account that is there is the one that somebody is about to create.

use std::collections::BTreeSet;

use super::{Extent, name_matches};
use crate::crm::account::{Account, NewAccount};
use crate::domain::Domain;
use crate::public_mail::PublicMail;

/// Says whether an account is the one to be created.
///
/// A domain belongs to one company, so one in common is enough. Many companies share a name, so that counts only where one
/// of the two has no domain to tell them apart. Public mail domains belong to nobody.
#[must_use]
pub fn is_same_account(new: &NewAccount, there: &Account, public_mail: &PublicMail) -> bool {
    let (wanted, known) = (
        own_domains(&new.domains, public_mail),
        own_domains(&there.domains, public_mail),
    );
    if wanted.is_empty() || known.is_empty() {
        return name_matches(&new.name, &there.name, Extent::Whole);
    }
    !wanted.is_disjoint(&known)
}

/// Returns the domains among websites and domains as people typed them, without those of public mail.
#[must_use]
pub fn own_domains(websites: &[String], public_mail: &PublicMail) -> BTreeSet<Domain> {
    websites
        .iter()
        .filter_map(|it| Domain::from_website(it).ok())
        .filter(|it| !public_mail.is_public(it))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(new: (&str, &[&str]), there: (&str, &[&str]), expected: bool) {
        let texts = |domains: &[&str]| domains.iter().map(|it| (*it).to_owned()).collect();
        let new = NewAccount {
            name: new.0.to_owned(),
            domains: texts(new.1),
            ..NewAccount::default()
        };
        let there = Account {
            id: "1".parse().unwrap(),
            name: there.0.to_owned(),
            domains: texts(there.1),
            kind: None,
            parent: None,
            owner: None,
            active: None,
            created_at: None,
            modified_at: None,
            last_activity_at: None,
            version: None,
            url: None,
            extra: Default::default(),
        };
        let same = is_same_account(&new, &there, &PublicMail::default());
        assert_eq!(same, expected, "{new:?} {there:?}");
    }

    #[test]
    fn a_domain_in_common_is_enough() {
        check(
            ("Acme", &["acme.com"]),
            ("Acme Inc.", &["https://www.acme.com/"]),
            true,
        );
        check(
            ("Acme", &["acme.org", "ACME.com"]),
            ("Other", &["acme.com"]),
            true,
        );
    }

    #[test]
    fn a_name_counts_where_there_is_no_domain_to_tell_two_apart() {
        check(("Acme", &[]), ("ACME", &["acme.com"]), true);
        check(("Acme", &["acme.com"]), ("acmé", &[]), true);
        check(("Acme", &[]), ("Acme", &[]), true);
        check(("Acme", &["acme.com"]), ("Acme", &["acme.org"]), false);
        check(("Acme", &[]), ("Acme Inc.", &[]), false);
        check(("", &[]), ("", &[]), false);
    }

    #[test]
    fn a_public_mail_domain_tells_nothing() {
        check(("Ann", &["gmail.com"]), ("Bob", &["gmail.com"]), false);
        check(("Ann", &["gmail.com"]), ("Ann", &["ann.example.com"]), true);
    }
}
