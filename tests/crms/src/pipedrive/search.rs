//! Searches of version 2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Handled, Pipedrive, bad, failure, id};
use crate::{Answer, Request, Row};

impl Pipedrive {
    pub(super) fn search(&mut self, request: &Request, path: &str) -> Handled {
        let known = ["term", "fields", "exact_match", "limit", "cursor"];
        if let Some(name) = request.unknown_param(&known) {
            return Err(self.violated(&format!("unknown parameter {name}")));
        }
        let exact = match request.param("exact_match") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(bad("exact_match must be a boolean")),
        };
        let term = request.param("term").unwrap_or_default().to_lowercase();
        if term.chars().count() < if exact { 1 } else { 2 } {
            return Err(bad("term must be at least 2 characters long"));
        }
        let fields: Vec<&str> = match (path, request.param("fields")) {
            ("persons" | "organizations", Some("name")) => vec!["name"],
            ("persons", Some("email")) => vec!["email"],
            _ => return Err(self.violated("fields that nobody searches")),
        };
        let limit = request.param("limit").map_or(Ok(100), str::parse::<usize>);
        let limit = limit.ok().filter(|it| (1..=100).contains(it));
        let limit = limit.ok_or_else(|| bad("limit must be between 1 and 100"))?;
        let start = match request.param("cursor") {
            None => 0,
            Some(cursor) => {
                let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
                let text = bytes.and_then(|it| String::from_utf8(it).ok());
                let start = text.and_then(|it| it.parse().ok());
                start
                    .ok_or_else(|| failure(400, "Provided cursor is invalid", "ERR_BAD_REQUEST"))?
            }
        };
        let (now, lag) = (self.office.now, self.office.lag);
        let is_hit = |row: &&Row| {
            // The index learns late: of what is new, and of what is gone.
            let is_known = match row.deleted {
                Some(at) => now < at + lag,
                None => row.seen_from <= now,
            };
            let is_match = |it: &str| match exact {
                true => it.to_lowercase() == term,
                false => it.to_lowercase().contains(&term),
            };
            is_known && values(row, &fields).into_iter().any(is_match)
        };
        let Some(table) = self.table(path) else {
            return Err(bad("no such search"));
        };
        let hits: Vec<&Row> = table
            .after(None)
            .filter(is_hit)
            .skip(start)
            .take(limit + 1)
            .collect();
        let next =
            (hits.len() > limit).then(|| URL_SAFE_NO_PAD.encode((start + limit).to_string()));
        let item = |row: &&Row| {
            let emails = values(row, &["email"]);
            let item = json!({"id": id(&row.id), "type": path.trim_end_matches('s'), "name": row.text("name"),
                "emails": emails, "phones": [], "owner": {"id": row.fields.get("owner_id")}, "custom_fields": [], "notes": []});
            json!({"result_score": 1.0, "item": item})
        };
        let items: Vec<Value> = hits.iter().take(limit).map(item).collect();
        let body = json!({"success": true, "data": {"items": items}, "additional_data": {"next_cursor": next}});
        Ok(Answer::json(200, &body))
    }
}

fn values<'a>(row: &'a Row, fields: &[&str]) -> Vec<&'a str> {
    if fields == ["name"] {
        return vec![row.text("name")];
    }
    let emails = row.fields.get("emails").and_then(Value::as_array);
    let emails = emails.into_iter().flatten();
    emails.filter_map(|it| it["value"].as_str()).collect()
}
