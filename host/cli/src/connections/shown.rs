//! Connections as a person reads them, and as JSON. Of a credential only the names of its values are shown.

use anyhow::Result;
use brightsync_runtime::{AccountStatus, Connection};
use serde_json::json;

use super::Entry;
use crate::table::{Columns, Side::Left};
use crate::terminal::Terminal;
use crate::text;

/// Shows all connections.
pub(super) fn list(all: &[Entry], as_json: bool, terminal: &Terminal) {
    if as_json {
        let all: Vec<_> = all
            .iter()
            .map(|it| {
                json!({
                    "connection": it.title(),
                    "tenant": it.tenant,
                    "name": it.name,
                    "connector": it.connector,
                    "recipe": it.recipe,
                    "settings": it.all_settings(),
                })
            })
            .collect();
        terminal.line(json!({"connections": all}));
        return;
    }
    if all.is_empty() {
        terminal.note("no account is connected; `brightsync connect` connects one");
        return;
    }
    let columns = ["CONNECTION", "CONNECTOR", "RECIPE", "SETTINGS"];
    let mut table = Columns::new(&columns.map(|it| (it, Left)));
    for it in all {
        let settings = it.all_settings();
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.row([
            it.title(),
            it.connector.to_string(),
            it.recipe.to_string(),
            text::outside(&settings.join(" ")).into_owned(),
        ]);
    }
    table.show(0, terminal);
}

/// Shows one connection.
pub(super) async fn one(
    entry: &Entry,
    connection: &Connection,
    as_json: bool,
    terminal: &Terminal,
) -> Result<()> {
    let status = connection.account().await?;
    let kept = connection.kept().await?;
    if as_json {
        terminal.line(json!({
            "connection": entry.title(),
            "tenant": entry.tenant,
            "name": entry.name,
            "connector": entry.connector,
            "component": entry.component,
            "digest": entry.digest,
            "settings": entry.settings,
            "told-by-the-crm": entry.told,
            "recipe": entry.recipe,
            "hosts": entry.grant.hosts,
            "audience": entry.grant.audience,
            "private": entry.carve_outs,
            "account": status,
            "kept": kept,
        }));
        return Ok(());
    }
    let mut table = Columns::plain();
    let mut row = |name: &str, value: &str| table.row([name, value]);
    row("connection", &entry.title());
    row("connector", entry.connector.as_str());
    row("file", &entry.component.display().to_string());
    row("sha256 when connected", &entry.digest);
    for (name, value) in &entry.settings {
        row(&format!("setting {name}"), &text::outside(value));
    }
    for (name, value) in &entry.told {
        let value = format!("{} (told by the CRM)", text::outside(value));
        row(&format!("setting {name}"), &value);
    }
    for host in &entry.grant.hosts {
        let reach = match host.reach() {
            reach if reach.is_all() => String::new(),
            reach => format!(", {}", text::outside(&reach.to_string())),
        };
        row("may talk to", &format!("{}{reach}", host.origin()));
    }
    for origin in &entry.grant.audience {
        row("credential goes to", &origin.to_string());
    }
    for it in &entry.carve_outs {
        row(
            "private server",
            &format!("{} at {}", it.origin(), it.address()),
        );
    }
    row("recipe", entry.recipe.as_str());
    row("kept in the vault", &kept.join(", "));
    for (name, value) in told(&status) {
        row(name, &value);
    }
    table.show(0, terminal);
    Ok(())
}

/// How an account stands, in names and values.
fn told(status: &AccountStatus) -> Vec<(&'static str, String)> {
    match status {
        AccountStatus::Connected { obtained, expires } => {
            let mut all = vec![("status", "connected".to_owned())];
            all.extend(obtained.map(|it| ("session obtained", text::instant(it))));
            all.extend(expires.map(|it| {
                let until = format!("{} (renewed before)", text::instant(it));
                ("session ends", until)
            }));
            all
        }
        AccountStatus::NeedsReconnecting(broken) => vec![
            ("status", "needs reconnecting".to_owned()),
            ("since", text::instant(broken.since)),
            ("why", text::message(&broken.trouble.to_string())),
        ],
        _ => vec![("status", "not connected".to_owned())],
    }
}
