//! The catalogue of attacks: each ends as it has to, nobody gets anything, and neighbours are served.

use std::collections::BTreeSet;

use brightsync_attacks::{Course, Family, all, run};
use brightsync_core::rule::Rule;
use brightsync_tests::guest;
use brightsync_tests::world::bytes;

/// Runs the attacks of a family, and shows those that did not end as they have to.
fn check(family: Family) {
    let course = Course::new(bytes(guest::HOSTILE)).unwrap();
    let attacks: Vec<_> = all().into_iter().filter(|it| it.family == family).collect();
    assert!(!attacks.is_empty());
    let broken: Vec<_> = attacks
        .iter()
        .map(|attack| (attack, run(&course, attack)))
        .filter(|(attack, outcome)| !outcome.held(attack))
        .map(|(attack, outcome)| format!("{}\n  due: {}\n  {outcome:?}", attack.name, attack.end))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn nobody_reaches_what_is_out_of_reach() {
    check(Family::Egress);
}

#[test]
fn nobody_says_what_is_the_hosts_to_say() {
    check(Family::Headers);
}

#[test]
fn nobody_gets_at_secrets() {
    check(Family::Credentials);
}

#[test]
fn nobody_uses_more_than_its_share() {
    check(Family::Resources);
}

#[test]
fn nobody_is_believed_without_a_look() {
    check(Family::Lies);
}

#[test]
fn nobody_gets_by_with_broken_protocols() {
    check(Family::Protocol);
}

#[test]
fn nothing_is_installed_that_is_not_what_it_seems() {
    check(Family::SupplyChain);
}

/// What the README shows of them is what is run.
#[test]
fn the_table_of_the_readme_is_the_catalogue() {
    let readme = include_str!("../../host/README.md");
    let table = brightsync_attacks::markdown(&all());
    assert!(
        readme.contains(&table),
        "host/README.md has to have this table:\n{table}"
    );
}

#[test]
fn there_are_eighty_attacks_of_all_families_and_at_least_one_for_each_rule() {
    let attacks = all();
    assert!(80 <= attacks.len(), "{}", attacks.len());
    let names: BTreeSet<_> = attacks.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), attacks.len(), "each has a name of its own");
    let idle = |rule: &&Rule| attacks.iter().all(|it| !it.rules.contains(rule));
    let idle: Vec<_> = Rule::ALL.iter().filter(idle).collect();
    assert!(idle.is_empty(), "no attack is stopped by {idle:?}");
}
