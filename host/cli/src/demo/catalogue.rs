//! `brightsync demo --hostile`: the whole catalogue of attacks, one after the other, each against a host of its own.

use anyhow::{Context as _, Result};
use brightsync_attacks::{Attack, Course, Family, Outcome};
use serde::Serialize;
use serde_json::json;

use super::heading;
use crate::exit::Exit;
use crate::progress::Step;
use crate::repository::Repository;
use crate::table::{Columns, Side::Left, Side::Right};
use crate::terminal::{Terminal, Tone};
use crate::text;

/// The guest that attacks.
const GUEST: &str = "hostile";

/// One attack and what came of it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    family: String,
    tried: &'static str,
    rules: Vec<&'static str>,
    #[serde(flatten)]
    outcome: Outcome,
    held: bool,
}

/// Runs all attacks and tells how they ended.
pub(super) async fn run(
    repository: &Repository,
    terminal: &Terminal,
    as_json: bool,
) -> Result<Exit> {
    let guest = repository.bare_guest(GUEST, terminal).await?;
    let course = Course::new(guest)?;
    let attacks = brightsync_attacks::all();
    let length = u64::try_from(attacks.len()).unwrap_or(u64::MAX);
    let step = Step::count(terminal, "attacks", length);
    let work = move || -> Vec<Row> {
        let rows = attacks.iter().map(|attack| {
            let row = row(&course, attack);
            step.advance(1);
            row
        });
        let rows = rows.collect();
        step.done(text::count(attacks.len(), "attack"));
        rows
    };
    let rows = tokio::task::spawn_blocking(work).await;
    let rows = rows.context("an attack could not be made, so nothing is known of it")?;
    let broken = rows.iter().filter(|it| !it.held).count();
    if as_json {
        terminal.line(json!({"attacks": rows, "right": broken == 0}));
    } else {
        show(&rows, terminal);
        conclude(rows.len(), broken, terminal);
    }
    Ok(if broken == 0 {
        Exit::Success
    } else {
        Exit::Ours
    })
}

fn row(course: &Course, attack: &Attack) -> Row {
    let outcome = brightsync_attacks::run(course, attack);
    Row {
        family: attack.family.to_string(),
        tried: attack.name,
        rules: attack.rules.iter().map(|it| it.text()).collect(),
        held: outcome.held(attack),
        outcome,
    }
}

fn show(rows: &[Row], terminal: &Terminal) {
    for family in Family::ALL {
        let name = family.to_string();
        heading(&name, terminal);
        let mut table = Columns::new(&[
            ("it tried to", Left),
            ("ended as", Left),
            ("stopped by", Right),
            ("held", Left),
        ]);
        for row in rows.iter().filter(|it| it.family == name) {
            let rules = match row.rules.len() {
                0 => "the ground".to_owned(),
                count => text::count(count, "rule"),
            };
            let held = match (&row.outcome.got, row.held) {
                (_, true) => "yes".to_owned(),
                (Some(got), false) => format!("NO: {}", text::message(got)),
                (None, false) => "NO".to_owned(),
            };
            let end = text::message(&row.outcome.end);
            table.row([row.tried.to_owned(), text::shortened(&end, 60), rules, held]);
        }
        table.show(2, terminal);
    }
}

fn conclude(count: usize, broken: usize, terminal: &Terminal) {
    let (tone, text) = if broken == 0 {
        (
            Tone::Good,
            format!(
                "all {count} held; after each, another customer of the same connector was served"
            ),
        )
    } else {
        (
            Tone::Bad,
            format!("{broken} of {count} did not end as they should"),
        )
    };
    terminal.line("");
    terminal.line(terminal.paint(tone, text));
    terminal.line("the ground: no rule that could be switched off, but the engine, the HTTP client or the types");
}
