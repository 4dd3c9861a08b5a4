//! Domains at which anybody can have a mailbox, so that they say nothing about the company of an address.
//!
//! Matching accounts by such a domain would join strangers: `gmail.com` is nobody's account.

use std::collections::HashSet;

use crate::domain::Domain;

/// The list that comes with BrightSync; its first line has its date.
const LIST: &str = include_str!("public_mail.txt");

/// Webmail and provider domains: a curated list, and what the embedder adds to it.
#[derive(Clone, Debug)]
pub struct PublicMail {
    exact: HashSet<String>,
    // Each of them stands for itself and for everything below it.
    with_subdomains: HashSet<String>,
}

impl Default for PublicMail {
    /// Returns the list that comes with BrightSync.
    fn default() -> Self {
        let (below, exact): (HashSet<_>, HashSet<_>) = entries()
            .map(str::to_owned)
            .partition(|it| it.starts_with('.'));
        Self {
            exact,
            with_subdomains: below
                .into_iter()
                .filter_map(|it| it.strip_prefix('.').map(str::to_owned))
                .collect(),
        }
    }
}

impl PublicMail {
    /// Adds domains, each without those below it.
    #[must_use]
    pub fn with(mut self, domains: impl IntoIterator<Item = Domain>) -> Self {
        self.exact
            .extend(domains.into_iter().map(|it| it.as_str().to_owned()));
        self
    }

    /// Says whether anybody can have a mailbox at this domain.
    ///
    /// A domain below a listed one is public only where the provider gives its customers such names (`nyc.rr.com`);
    /// what lies below others is the provider's own.
    #[must_use]
    pub fn is_public(&self, domain: &Domain) -> bool {
        self.exact.contains(domain.as_str())
            || upwards(domain.as_str()).any(|it| self.with_subdomains.contains(it))
    }
}

/// Goes through a domain and those above it, label by label.
fn upwards(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |it| {
        it.split_once('.').map(|(_, above)| above)
    })
}

fn entries() -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(domain: &str, expected: bool) {
        assert_eq!(
            PublicMail::default().is_public(&Domain::parse(domain).unwrap()),
            expected,
            "{domain}"
        );
    }

    #[test]
    fn webmail_and_providers_are_public() {
        for it in [
            "gmail.com",
            "GMail.com.",
            "googlemail.com",
            "outlook.com",
            "yahoo.co.jp",
            "t-online.de",
            "qq.com",
            "icloud.com",
            "proton.me",
        ] {
            check(it, true);
        }
    }

    #[test]
    fn companies_are_not() {
        for it in [
            "example.com",
            "google.com",
            "microsoft.com",
            "apple.com",
            "yahooinc.com",
            "gmail.com.evil.example",
            "notgmail.com",
            "facebook.com",
        ] {
            check(it, false);
        }
    }

    #[test]
    fn below_is_public_only_where_customers_get_such_names() {
        check("rr.com", true);
        check("nyc.rr.com", true);
        check("a.nyc.rr.com", true);
        check("carr.com", false);
        check("corp.gmail.com", false);
    }

    #[test]
    fn an_embedder_adds_its_own() {
        let list = PublicMail::default().with([Domain::parse("mail.example").unwrap()]);
        assert!(list.is_public(&Domain::parse("Mail.Example").unwrap()));
        assert!(!list.is_public(&Domain::parse("a.mail.example").unwrap()));
        assert!(list.is_public(&Domain::parse("gmail.com").unwrap()));
    }

    #[test]
    fn the_list_is_dated_sorted_and_says_nothing_twice() {
        let date = LIST
            .lines()
            .next()
            .unwrap()
            .split("as of ")
            .nth(1)
            .unwrap()
            .get(..10)
            .unwrap();
        assert!(
            date.split('-')
                .map(|it| it.parse::<u32>().unwrap())
                .eq([2026, 11, 24]),
            "{date}"
        );
        let names: Vec<_> = entries()
            .map(|it| it.strip_prefix('.').unwrap_or(it))
            .collect();
        assert!(names.len() >= 300, "{}", names.len());
        for pair in names.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        let below = PublicMail::default().with_subdomains;
        for name in names {
            assert_eq!(Domain::parse(name).unwrap().as_str(), name);
            let covered = upwards(name).skip(1).any(|it| below.contains(it));
            assert!(!covered, "{name} is below another entry");
        }
    }
}
