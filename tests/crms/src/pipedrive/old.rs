//! What is left of version 1: users and recent changes.

use chrono::NaiveDateTime;
use serde_json::{Value, json};

use super::{COMPANY, Handled, Pipedrive, bad, id, success};
use crate::{Answer, Office, Request, Row};

/// How far back recent changes are told.
const REACH: i64 = 30 * 24 * 3_600 * 1_000;

impl Pipedrive {
    pub(super) fn me_answer(&mut self, request: &Request, _: &str) -> Handled {
        self.without_parameters(request)?;
        let mut me = self.users.first().cloned().unwrap_or_default();
        me["company_id"] = 7_777.into();
        me["company_name"] = "Acme".into();
        me["company_domain"] = COMPANY.into();
        Ok(success(me))
    }

    pub(super) fn users_answer(&mut self, request: &Request, _: &str) -> Handled {
        self.without_parameters(request)?;
        Ok(success(self.users.clone().into()))
    }

    fn without_parameters(&mut self, request: &Request) -> Result<(), Answer> {
        match request.unknown_param(&[]) {
            Some(name) => Err(self.violated(&format!("unknown parameter {name}"))),
            None => Ok(()),
        }
    }

    pub(super) fn recents(&mut self, request: &Request, _: &str) -> Handled {
        let known = ["since_timestamp", "items", "start", "limit"];
        if let Some(name) = request.unknown_param(&known) {
            return Err(self.violated(&format!("unknown parameter {name}")));
        }
        let since = request.param("since_timestamp").unwrap_or_default();
        let since = NaiveDateTime::parse_from_str(since, "%Y-%m-%d %H:%M:%S");
        let since = since.map_err(|_| bad("since_timestamp must be YYYY-MM-DD HH:MM:SS"))?;
        // A time further back is not refused: it is moved.
        let since = since
            .and_utc()
            .timestamp_millis()
            .max(self.office.now - REACH);
        let number = |name: &str, default: usize| match request.param(name) {
            Some(text) => text.parse().map_err(|_| bad(name)),
            None => Ok(default),
        };
        let (start, limit) = (number("start", 0)?, number("limit", 100)?);
        if !(1..=500).contains(&limit) {
            return Err(bad("limit"));
        }
        let item = request.param("items").unwrap_or_default();
        let table = match item {
            "person" => &self.persons,
            "organization" => &self.organizations,
            _ => return Err(self.violated("items that nobody asks for")),
        };
        let bare = self.bare_deletions;
        let rows: Vec<&Row> = table.since(since).skip(start).take(limit + 1).collect();
        let page = rows.get(..limit).unwrap_or(&rows);
        let change = |row: &&Row| {
            let owner = row.fields.get("owner_id").cloned().unwrap_or_default();
            let data = json!({"id": id(&row.id), "company_id": 7_777, "name": row.text("name"),
                "owner_id": {"id": owner, "value": owner, "active_flag": true},
                "active_flag": row.deleted.is_none(), "update_time": time(row.modified)});
            let data = if bare && row.deleted.is_some() {
                Value::Null
            } else {
                data
            };
            json!({"item": item, "id": id(&row.id), "data": data})
        };
        let data: Vec<Value> = page.iter().map(change).collect();
        let more = rows.len() > limit;
        let body = json!({"success": true, "data": if data.is_empty() { Value::Null } else { data.into() },
            "additional_data": {
                "since_timestamp": time(since), "last_timestamp_on_page": page.last().map(|it| time(it.modified)),
                "pagination": {"start": start, "limit": limit, "more_items_in_collection": more,
                    "next_start": more.then_some(start + limit)}}});
        Ok(Answer::json(200, &body))
    }
}

fn time(at: i64) -> String {
    Office::format(at, "%Y-%m-%d %H:%M:%S")
}
