//! What connectors can do, side by side: one row each, made of their manifests alone.

use crate::function::{Function, Interface};
use crate::manifest::{Manifest, Reads, RecipeKind, ScopeKind};

/// What the columns of [`row`] are.
pub const COLUMNS: [&str; 12] = [
    "connector",
    "sign-in",
    "accounts",
    "contacts",
    "e-mails",
    "meetings",
    "opportunities",
    "whose records",
    "changes",
    "departures",
    "seen after",
    "requests per 1,000 contacts",
];

/// What a connector can do, by the columns of [`COLUMNS`].
pub fn row(manifest: &Manifest) -> [String; COLUMNS.len()] {
    let functions = |interface| functions(manifest, interface);
    let reads = manifest.reads_of_contacts();
    let reads = |show: fn(&Reads) -> String| reads.map_or_else(|| "–".to_owned(), show);
    [
        manifest.name().to_string(),
        sign_in(manifest),
        functions(Interface::Accounts),
        functions(Interface::Contacts),
        functions(Interface::Emails),
        functions(Interface::Meetings),
        functions(Interface::Opportunities),
        reads(|it| list(&it.owners)),
        reads(changes),
        reads(departures),
        seconds(manifest.times().visibility_lag_ms()),
        reads(|it| {
            it.requests_per_1000.map_or_else(
                || "not stated".to_owned(),
                |it| format!("{} first, {} next", it.initial, it.incremental),
            )
        }),
    ]
}

/// The functions of the contract that a connector has not.
pub fn missing(manifest: &Manifest) -> Vec<Function> {
    let all = Function::ALL.iter().copied();
    all.filter(|it| !manifest.functions().contains(it))
        .collect()
}

fn functions(manifest: &Manifest, interface: Interface) -> String {
    let of = |it: &&Function| it.interface() == interface;
    let all = Function::ALL.iter().filter(of).count();
    let there = manifest.functions().iter().filter(of).count();
    match there {
        0 => "–".to_owned(),
        _ if there == all => "all".to_owned(),
        _ => format!("{there} of {all}"),
    }
}

fn sign_in(manifest: &Manifest) -> String {
    let mut kinds: Vec<RecipeKind> = manifest.recipes().values().map(|it| it.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    list(&kinds)
}

fn changes(reads: &Reads) -> String {
    let ways = [
        (ScopeKind::Updated, "by time"),
        (ScopeKind::ChangedSince, "by token"),
    ];
    let ways = ways
        .iter()
        .filter(|(scope, _)| reads.scopes.contains(scope));
    let ways: Vec<&str> = ways.map(|(_, way)| *way).collect();
    match ways.as_slice() {
        [] => "–".to_owned(),
        ways => ways.join(", "),
    }
}

fn departures(reads: &Reads) -> String {
    if reads.departures.is_empty() {
        return "by comparing ids".to_owned();
    }
    let days = reads.departure_window_days;
    let days = days.map_or_else(String::new, |it| format!(", {it} days"));
    format!("{}{days}", list(&reads.departures))
}

fn list<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|it| it.to_string()).collect();
    words.join(", ")
}

fn seconds(milliseconds: u32) -> String {
    match milliseconds {
        0 => "at once".to_owned(),
        1..1000 => format!("{milliseconds} ms"),
        _ => format!("{} s", milliseconds.div_ceil(1000)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{COLUMNS, missing, row};
    use crate::manifest::Manifest;
    use crate::manifest::tests::FULL;

    #[test]
    fn a_row_says_what_a_connector_can_do_and_what_it_costs() {
        let manifest = Manifest::parse(FULL).unwrap();
        let row: Vec<String> = COLUMNS
            .iter()
            .zip(row(&manifest))
            .map(|(column, cell)| format!("{column}: {cell}"))
            .collect();
        expect![[r#"
            connector: demo
            sign-in: header, query
            accounts: –
            contacts: 2 of 9
            e-mails: –
            meetings: –
            opportunities: –
            whose records: me, anyone
            changes: by time
            departures: deleted, merged, 30 days
            seen after: 2 s
            requests per 1,000 contacts: 5 first, 2 next"#]]
        .assert_eq(&row.join("\n"));
        assert_eq!(missing(&manifest).len(), 27);
    }
}
