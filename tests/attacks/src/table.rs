//! The catalogue as a table for people who read it.

use std::fmt::Write as _;

use crate::attack::{Attack, Family};

/// All attacks in Markdown: a table for each family.
pub fn markdown(attacks: &[Attack]) -> String {
    let mut text = String::new();
    for family in Family::ALL {
        let _never_fails = write!(
            text,
            "\n### {family}\n\n| it tries to | it ends as | each of these stops it alone |\n|---|---|---|\n"
        );
        for attack in attacks.iter().filter(|it| it.family == family) {
            let rules: Vec<_> = attack.rules.iter().map(|it| it.text()).collect();
            let rules = match rules.as_slice() {
                [] => "the engine, the HTTP client or the types".to_owned(),
                rules => rules.join("; "),
            };
            let end = attack.end.trim_end_matches([' ', ':']).replace('|', "\\|");
            let _never_fails = writeln!(text, "| {} | {end} | {rules} |", attack.name);
        }
    }
    text
}
