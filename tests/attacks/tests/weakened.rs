//! Runs every attack with all of its rules switched off, and then with each of them alone in force.
//!
//! Without its rules an attack has to succeed, or something else stopped it and its test passes for the wrong reason. With one of them it has to fail, or that rule does nothing. Needs the hostile connector's path, and the feature `weaken`.
#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a program for those who test: it tells what it does, and a panic is its report"
)]

use std::process::ExitCode;

use brightsync_attacks::{Attack, Course, all, run};
use brightsync_core::rule::{Rule, weaken};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let guest = arguments
        .next()
        .unwrap_or_else(|| panic!("give the path of the hostile connector"));
    let wanted = arguments.next().unwrap_or_default();
    println!("{}", weaken::MARK);
    let course = Course::new(std::fs::read(guest).unwrap()).unwrap();
    let mut wrong = 0;
    let attacks = all();
    for attack in attacks.iter().filter(|it| it.name.contains(&wanted)) {
        wrong += switch(&course, attack);
    }
    println!(
        "{wrong} wrong of {} attacks and {} rules",
        attacks.len(),
        Rule::ALL.len()
    );
    ExitCode::from(u8::from(0 < wrong))
}

/// Says how many of an attack's runs were not as they have to be.
fn switch(course: &Course, attack: &Attack) -> usize {
    let mut wrong = 0;
    if attack.rules.is_empty() {
        return wrong;
    }
    let off = weaken::off(attack.rules);
    let outcome = run(course, attack);
    drop(off);
    match &outcome.got {
        Some(got) => println!("{}: {got}", attack.name),
        None => {
            println!(
                "WRONG {}: it fails without its rules, too: {}",
                attack.name, outcome.end
            );
            wrong += 1;
        }
    }
    if attack.rules.len() < 2 {
        return wrong;
    }
    for rule in attack.rules {
        let others: Vec<_> = attack
            .rules
            .iter()
            .copied()
            .filter(|it| it != rule)
            .collect();
        let off = weaken::off(&others);
        let outcome = run(course, attack);
        drop(off);
        if let Some(got) = outcome.got {
            println!(
                "WRONG {}: {rule:?} alone does not stop it: {got}",
                attack.name
            );
            wrong += 1;
        }
    }
    wrong
}
