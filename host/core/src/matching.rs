//! What counts as a match, so that the host can check again what a connector found.
//!
//! Many CRMs only search by "contains", and a connector may be wrong or worse. With these checks an answer for `test.com`
//! never brings a record of `contest.com`, whatever the CRM's `LIKE '%test.com%'` found.

mod account;

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

pub use account::{is_same_account, own_domains};

use crate::domain::Domain;
use crate::email_address::EmailAddress;
use crate::public_mail::PublicMail;

/// Whether domains below the one that was asked for count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subdomains {
    /// Only the domain itself.
    Exact,
    /// The domain and every one below it.
    Included,
}

/// How much of a name has to be what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole name.
    Whole,
    /// Any part of it.
    Contains,
}

/// Says whether any of a record's addresses is the one that was asked for.
pub fn emails_match<'a>(
    asked: &EmailAddress,
    addresses: impl IntoIterator<Item = &'a str>,
) -> bool {
    addresses
        .into_iter()
        .any(|it| EmailAddress::parse(it).is_ok_and(|it| it == *asked))
}

/// Says whether an e-mail address is at the domain that was asked for.
#[must_use]
pub fn domain_matches(asked: &Domain, address: &str, subdomains: Subdomains) -> bool {
    EmailAddress::parse(address).is_ok_and(|it| is_within(asked, it.domain(), subdomains))
}

/// Says whether any of an account's websites or domains, as people typed them, is the domain that was asked for.
pub fn account_has_domain<'a>(
    asked: &Domain,
    websites: impl IntoIterator<Item = &'a str>,
    subdomains: Subdomains,
) -> bool {
    websites
        .into_iter()
        .any(|it| Domain::from_website(it).is_ok_and(|it| is_within(asked, &it, subdomains)))
}

/// Says whether a name is the one that was asked for, with case, accents and white space folded.
///
/// An empty question matches nothing, or "contains" would match everything.
#[must_use]
pub fn name_matches(asked: &str, name: &str, extent: Extent) -> bool {
    let (asked, name) = (folded(asked), folded(name));
    !asked.is_empty()
        && match extent {
            Extent::Whole => name == asked,
            Extent::Contains => name.contains(&asked),
        }
}

/// Returns a name in the form in which names are compared: no case, no accents, single spaces.
///
/// Marks that only colour a letter are dropped. Those that make another letter of it are kept: without its voicing mark
/// the Japanese `ガ` would be `カ`, and without its vowel signs a Hindi word would be another word.
#[must_use]
pub fn folded(name: &str) -> String {
    // By way of upper case, because it opens up what lower case leaves alone: ß to ss, ſ to s, ı to i. It knows ẞ only as
    // itself, so that goes to lower case first.
    let letters: String = name
        .nfkd()
        .filter(|it| !is_accent(*it))
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .filter(|it| !is_accent(*it))
        .fold(String::new(), |mut out, it| {
            match unaccented(it) {
                Some(plain) => out.push_str(plain),
                None => out.push(it),
            }
            out
        });
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A contact as far as it says where its people work.
#[derive(Clone, Copy, Debug)]
pub struct Affiliation<'a> {
    /// The contact's id, so that one that comes twice counts once.
    pub contact: &'a str,
    /// All its e-mail addresses, as the CRM has them.
    pub addresses: &'a [&'a str],
    /// The ids of its accounts.
    pub accounts: &'a [&'a str],
}

/// An account that was found through its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The account's id.
    pub account: String,
    /// How many contacts at exactly the domain belong to it.
    pub contacts: usize,
}

/// Finds the accounts of a domain through the contacts whose addresses are at exactly that domain.
///
/// The account with the most contacts comes first, then by id, so that the same contacts always give the same list. A
/// public mail domain has no accounts, since its contacts have nothing in common.
pub fn accounts_for_domain<'a>(
    domain: &Domain,
    contacts: impl IntoIterator<Item = Affiliation<'a>>,
    public_mail: &PublicMail,
) -> Vec<Derived> {
    if public_mail.is_public(domain) {
        return Vec::new();
    }
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for it in contacts {
        if it
            .addresses
            .iter()
            .any(|address| domain_matches(domain, address, Subdomains::Exact))
        {
            for account in it.accounts {
                found.entry(account).or_default().insert(it.contact);
            }
        }
    }
    let mut accounts: Vec<_> = found
        .into_iter()
        .map(|(account, contacts)| Derived {
            account: account.to_owned(),
            contacts: contacts.len(),
        })
        .collect();
    // The sort is stable, and the map went by id.
    accounts.sort_by_key(|it| std::cmp::Reverse(it.contacts));
    accounts
}

fn is_within(asked: &Domain, domain: &Domain, subdomains: Subdomains) -> bool {
    domain == asked || subdomains == Subdomains::Included && domain.is_below(asked)
}

/// Says whether a mark may be left out in writing: diacritics, Hebrew points, Arabic vowels, and what has no width.
///
/// Not the Greek iota below a letter (U+0345), which upper case writes as a letter beside it.
fn is_accent(it: char) -> bool {
    matches!(it,
        '\u{300}'..='\u{344}' | '\u{346}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{640}'
        | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Letters with a stroke or ligatures, which Unicode does not take apart and people leave out all the same.
fn unaccented(it: char) -> Option<&'static str> {
    Some(match it {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[track_caller]
    fn check(asked: &str, name: &str, extent: Extent, expected: bool) {
        assert_eq!(
            name_matches(asked, name, extent),
            expected,
            "{asked} in {name}"
        );
    }

    #[test]
    fn an_email_matches_any_address_of_the_record_without_case() {
        let asked = EmailAddress::parse("ada@bücher.example").unwrap();
        assert!(emails_match(
            &asked,
            ["other@x.com", "ADA@xn--bcher-kva.example"]
        ));
        assert!(emails_match(&asked, ["nonsense", " ada@BÜCHER.example "]));
        assert!(!emails_match(
            &asked,
            [
                "bada@bücher.example",
                "ada@bücher.example.com",
                "ada",
                "",
                "Ada <ada@bücher.example>"
            ]
        ));
        assert!(!emails_match(&asked, []));
    }

    #[test]
    fn what_like_finds_is_not_yet_a_match() {
        let asked = domain("test.com");
        for (address, exact, included) in [
            ("a@test.com", true, true),
            ("a@TEST.com.", true, true),
            ("a@mail.test.com", false, true),
            ("a@contest.com", false, false),
            ("a@test.com.evil.example", false, false),
            ("test.com@evil.example", false, false),
            ("\"x@test.com\"@evil.example", false, false),
            ("test.com", false, false),
        ] {
            assert_eq!(
                domain_matches(&asked, address, Subdomains::Exact),
                exact,
                "{address}"
            );
            assert_eq!(
                domain_matches(&asked, address, Subdomains::Included),
                included,
                "{address}"
            );
        }
    }

    #[test]
    fn an_account_has_a_domain_however_its_website_was_typed() {
        let asked = domain("test.com");
        assert!(account_has_domain(
            &asked,
            ["", "https://www.Test.com/about?x"],
            Subdomains::Exact
        ));
        assert!(!account_has_domain(
            &asked,
            [
                "https://shop.test.com",
                "contest.com",
                "https://evil.example/test.com"
            ],
            Subdomains::Exact
        ));
        assert!(account_has_domain(
            &asked,
            ["https://shop.test.com"],
            Subdomains::Included
        ));
        assert!(!account_has_domain(
            &asked,
            ["https://test.com@evil.example", "evil.example?test.com"],
            Subdomains::Included
        ));
    }

    #[test]
    fn names_match_without_case_accents_and_white_space() {
        for (asked, name) in [
            ("jose garcia", "José  García"),
            ("JOSE\u{301}", "josé"),
            ("MÜLLER", "muller"),
            ("strasse", "Straße"),
            ("STRAẞE", "straße"),
            ("istanbul", "İSTANBUL"),
            ("ışık", "IŞIK"),
            ("søren", "SOREN"),
            ("łódź", "Lodz"),
            ("Οδυσσεύς", "ΟΔΥΣΣΕΥΣ"),
            ("ａｃｍｅ", "ACME"),
            ("ﬁnance", "Finance"),
            ("株式会社", "株式会社"),
            ("ｶﾞ", "ガ"),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("acme\u{a0}inc", " Acme\tInc "),
            ("acme", "ac\u{200b}me"),
        ] {
            check(asked, name, Extent::Whole, true);
            check(name, asked, Extent::Whole, true);
        }
    }

    #[test]
    fn other_letters_are_other_names() {
        check("カ", "ガ", Extent::Whole, false);
        check("कि", "का", Extent::Whole, false);
        check("株式会社", "有限会社", Extent::Whole, false);
        check("acme", "acme inc", Extent::Whole, false);
        check("acmeinc", "acme inc", Extent::Whole, false);
    }

    #[test]
    fn contains_is_asked_for_and_nothing_contains_nothing() {
        check("CME IN", "Acmé Inc", Extent::Contains, true);
        check("acme inc", "acme", Extent::Contains, false);
        for nothing in ["", " ", "\u{301}", "\u{200b}"] {
            check(nothing, "acme", Extent::Contains, false);
            check(nothing, nothing, Extent::Whole, false);
        }
    }

    #[track_caller]
    fn check_accounts(asked: &str, contacts: &[Affiliation<'_>], expected: &[(&str, usize)]) {
        let found = accounts_for_domain(
            &domain(asked),
            contacts.iter().copied(),
            &PublicMail::default(),
        );
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.account.as_str(), it.contacts))
            .collect();
        assert_eq!(found, expected);
        let turned = accounts_for_domain(
            &domain(asked),
            contacts.iter().rev().copied(),
            &PublicMail::default(),
        );
        assert_eq!(
            turned
                .iter()
                .map(|it| (it.account.as_str(), it.contacts))
                .collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn the_account_with_most_contacts_comes_first_then_the_lower_id() {
        let contact = |contact, addresses, accounts| Affiliation {
            contact,
            addresses,
            accounts,
        };
        check_accounts(
            "test.com",
            &[
                contact("1", &["a@test.com"], &["b", "c"]),
                contact("2", &["x@y.com", "b@TEST.com"], &["c", "a"]),
                contact("2", &["b@test.com"], &["c"]),
                contact("3", &["c@mail.test.com", "c@contest.com"], &["d"]),
                contact("4", &["d@test.com"], &[]),
                contact("5", &["e@test.com"], &["a", "a"]),
            ],
            &[("a", 2), ("c", 2), ("b", 1)],
        );
    }

    #[test]
    fn strangers_with_the_same_webmail_are_not_one_company() {
        check_accounts(
            "gmail.com",
            &[Affiliation {
                contact: "1",
                addresses: &["a@gmail.com"],
                accounts: &["a"],
            }],
            &[],
        );
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(name: String) {
            let once = folded(&name);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn a_name_is_itself_in_any_case(name in "[\\p{Lu}\\p{Ll}\\p{Lt}\\p{Lo} ]{1,12}") {
            prop_assert!(folded(&name).is_empty() || name_matches(&name.to_uppercase(), &name, Extent::Whole));
        }
    }
}
