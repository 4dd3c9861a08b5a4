//! Lists of version 2: parameters, filters, cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Handled, Pipedrive, bad, failure, id, key, record, success};
use crate::{Answer, Office, Request, Row};

/// What a list can be narrowed down by, and else be told.
const PARAMETERS: [(&str, &[&str]); 4] = [
    ("persons", &["owner_id", "org_id", "deal_id"]),
    ("organizations", &["owner_id"]),
    (
        "deals",
        &["owner_id", "person_id", "org_id", "pipeline_id", "stage_id"],
    ),
    (
        "activities",
        &["owner_id", "person_id", "org_id", "deal_id"],
    ),
];
const COMMON: [&str; 8] = [
    "ids",
    "updated_since",
    "updated_until",
    "sort_by",
    "sort_direction",
    "custom_fields",
    "limit",
    "cursor",
];

/// What a list is asked for, once it was checked.
struct Query {
    ids: Option<Vec<u64>>,
    filters: Vec<(&'static str, u64)>,
    since: Option<i64>,
    until: Option<i64>,
    by_time: bool,
    limit: usize,
    /// The time and the id of the first record on the page.
    from: Option<(i64, u64)>,
}

impl Pipedrive {
    pub(super) fn list(&mut self, request: &Request, path: &str) -> Handled {
        let query = self.query(request, path)?;
        let is_archive = request.path.ends_with("/archived");
        let lists_deleted = self.lists_deleted;
        let Some(table) = self.table(path) else {
            return Err(bad("no such list"));
        };
        let is_on = |row: &&Row| {
            let archived = row.fields.get("is_archived").is_some_and(|it| *it == true);
            archived == is_archive && (lists_deleted || row.deleted.is_none()) && query.has(row)
        };
        let (time, first) = query.from.unwrap_or_default();
        let start = first.checked_sub(1).map(key);
        let rows: Vec<&Row> = match query.by_time {
            true => {
                let from = time.max(query.since.unwrap_or_default());
                let rows = table.since(from).filter(is_on);
                let rows = rows.filter(|it| (it.modified, id(&it.id)) >= (time, first));
                rows.take(query.limit + 1).collect()
            }
            false => table
                .after(start.as_deref())
                .filter(is_on)
                .take(query.limit + 1)
                .collect(),
        };
        let next = rows.get(query.limit).map(|row| query.cursor(row));
        let data: Vec<Value> = rows.iter().take(query.limit).map(|it| record(it)).collect();
        let body = json!({"success": true, "data": data, "additional_data": {"next_cursor": next}});
        Ok(Answer::json(200, &body))
    }

    pub(super) fn one(&mut self, request: &Request, path: &str) -> Handled {
        if let Some(name) = request.unknown_param(&["include_fields", "custom_fields"]) {
            return Err(self.violated(&format!("unknown parameter {name}")));
        }
        let wanted = self.id_of(request)?;
        let row = self.table(path).and_then(|it| it.get(&key(wanted)));
        row.map(|it| success(record(it)))
            .ok_or_else(|| missing(path))
    }

    /// Stages and pipelines.
    pub(super) fn fixed(&mut self, request: &Request, path: &str) -> Handled {
        let known = [
            "limit",
            "cursor",
            "sort_by",
            "sort_direction",
            "pipeline_id",
        ];
        if let Some(name) = request.unknown_param(&known) {
            return Err(self.violated(&format!("unknown parameter {name}")));
        }
        let stage = |id: u64, order: u64, name: &str, is_deleted: bool| json!({"id": id, "order_nr": order, "name": name, "is_deleted": is_deleted, "pipeline_id": 1});
        let data = match path {
            "pipelines" => json!([{"id": 1, "name": "Sales", "order_nr": 0, "is_deleted": false}]),
            _ => json!([
                stage(1, 1, "Lead in", false),
                stage(4, 2, "Given up", true),
                stage(2, 3, "Proposal", false),
                stage(3, 4, "Negotiation", false),
                {"id": 5, "order_nr": 1, "name": "Elsewhere", "is_deleted": false, "pipeline_id": 2},
            ]),
        };
        let body = json!({"success": true, "data": data, "additional_data": {"next_cursor": null}});
        Ok(Answer::json(200, &body))
    }

    /// The id in the path, which has to be a number.
    pub(super) fn id_of(&mut self, request: &Request) -> Result<u64, Answer> {
        let segments = request.segments();
        let text = segments.get(3).map_or("", String::as_str);
        let number = text.parse().ok().filter(|it: &u64| it.to_string() == text);
        number.ok_or_else(|| self.violated("the id in the path is no number"))
    }

    fn query(&mut self, request: &Request, path: &str) -> Result<Query, Answer> {
        let own = PARAMETERS
            .iter()
            .find(|it| it.0 == path)
            .map_or(&[][..], |it| it.1);
        let known = [own, &COMMON[..]].concat();
        if let Some(name) = request.unknown_param(&known) {
            return Err(self.violated(&format!("unknown parameter {name}")));
        }
        let mut names: Vec<&String> = request.query.iter().map(|it| &it.0).collect();
        names.sort();
        if names.windows(2).any(|it| it[0] == it[1]) {
            return Err(self.violated("a parameter occurs twice"));
        }
        let wrong = |name: &str| bad(&format!("Invalid value of the parameter {name}"));
        let integer = |name: &str| match request.param(name) {
            Some(text) if text.bytes().all(|it| it.is_ascii_digit()) => {
                text.parse::<u64>().map(Some).map_err(|_| wrong(name))
            }
            Some(_) => Err(wrong(name)),
            None => Ok(None),
        };
        let time = |name: &str| match request.param(name) {
            // A fraction of a second is refused.
            Some(text) if text.len() != 20 || !text.ends_with('Z') => Err(wrong(name)),
            Some(text) => Office::parse(text).map(Some).ok_or_else(|| wrong(name)),
            None => Ok(None),
        };
        let mut filters = Vec::new();
        for name in own {
            filters.extend(integer(name)?.map(|it| (*name, it)));
        }
        let ids = request.param("ids").map(|it| {
            let ids: Option<Vec<u64>> = it.split(',').map(|it| it.parse().ok()).collect();
            ids.filter(|it| it.len() <= 100).ok_or_else(|| wrong("ids"))
        });
        let by_time = match request.param("sort_by") {
            None | Some("id") => false,
            Some("update_time") => true,
            Some(_) => return Err(wrong("sort_by")),
        };
        let limit = integer("limit")?.unwrap_or(100);
        if !(1..=500).contains(&limit) {
            return Err(wrong("limit"));
        }
        let from = request.param("cursor").map(|it| {
            let bytes = URL_SAFE_NO_PAD.decode(it).ok();
            let place: Option<Value> = bytes.and_then(|it| serde_json::from_slice(&it).ok());
            let field = if by_time { "update_time" } else { "id" };
            let place = place.filter(|it| it["field"] == field);
            let place = place.and_then(|it| Some((it["fieldValue"].as_i64()?, it["id"].as_u64()?)));
            place.ok_or_else(|| failure(400, "Provided cursor is invalid", "ERR_BAD_REQUEST"))
        });
        Ok(Query {
            ids: ids.transpose()?,
            filters,
            since: time("updated_since")?,
            until: time("updated_until")?,
            by_time,
            limit: usize::try_from(limit).unwrap_or(1),
            from: from
                .transpose()?
                .map(|(value, id)| (if by_time { value } else { 0 }, id)),
        })
    }
}

impl Query {
    fn has(&self, row: &Row) -> bool {
        let second = row.modified.div_euclid(1_000) * 1_000;
        let has = |(name, wanted): &(&str, u64)| match *name {
            "person_id" if row.fields.contains_key("participants") => {
                let people = row.fields.get("participants").and_then(Value::as_array);
                let main = people
                    .into_iter()
                    .flatten()
                    .find(|it| it["primary"] == true);
                main.is_some_and(|it| it["person_id"] == *wanted)
            }
            name => row.fields.get(name).is_some_and(|it| *it == *wanted),
        };
        self.ids.as_ref().is_none_or(|it| it.contains(&id(&row.id)))
            && self.filters.iter().all(has)
            && self.since.is_none_or(|it| it <= second)
            && self.until.is_none_or(|it| second < it)
    }

    /// Where the page begins whose first record this is, in Pipedrive's own form.
    fn cursor(&self, row: &Row) -> String {
        let id = id(&row.id);
        let (field, value) = match self.by_time {
            true => ("update_time", json!(row.modified)),
            false => ("id", json!(id)),
        };
        let place = json!({"field": field, "fieldValue": value, "sortDirection": "asc", "id": id});
        URL_SAFE_NO_PAD.encode(place.to_string())
    }
}

pub(super) fn missing(path: &str) -> Answer {
    let what = match path {
        "persons" => "Person not found",
        "organizations" => "Organization not found",
        _ => "Activity not found",
    };
    failure(404, what, "ERR_NOT_FOUND")
}
