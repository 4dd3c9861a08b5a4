//! Records as HubSpot answers them, mapped each for itself.

use std::collections::BTreeSet;

use brightsync_sdk::http::{self, Response};
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, Extra, Id, Page, Reason, Result, Skipped, Timestamp, settings, time};
use serde_json::Value;

use crate::HubSpot;
use crate::api::{self, Kind, is_id};
use crate::link::{Link, Links};
use crate::site::Site;

/// A kind of record that is read whole.
pub(crate) struct Table<T: 'static> {
    pub(crate) kind: &'static Kind,
    pub(crate) properties: &'static [&'static str],
    /// The settings' name of it.
    pub(crate) object: &'static str,
    /// With what it comes.
    pub(crate) linked: Option<&'static Kind>,
    pub(crate) map: fn(&Row<'_>) -> T,
}

/// One record that is read.
pub(crate) struct Row<'a> {
    pub(crate) id: Id,
    pub(crate) links: &'a [Link],
    pub(crate) site: &'a Site,
    record: Object<'a>,
    properties: Object<'a>,
    kind: &'static Kind,
    wanted: &'a [String],
}

/// What a batch answers: the found, and which could not be read and why.
pub(crate) struct Part {
    pub(crate) results: Vec<Value>,
    pub(crate) problems: Vec<(Vec<Id>, String)>,
}

/// Bytes of property names in an address; servers take 8 KiB for the whole of it.
const ROOM: usize = 6_000;

impl<T> Table<T> {
    pub(crate) fn all_properties(&self) -> Vec<String> {
        let own = self.properties.iter().map(|it| (*it).to_owned());
        own.chain(settings::wanted_fields(self.object)).collect()
    }
}

impl Row<'_> {
    /// A property's text; HubSpot has empty ones where there is none.
    pub(crate) fn text(&self, property: &str) -> Option<String> {
        let text: Option<String> = self.properties.get(property);
        text.filter(|it| !it.is_empty())
    }

    /// The parts of a property that holds several texts.
    pub(crate) fn texts(&self, property: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for part in self.text(property).unwrap_or_default().split(';') {
            let part = part.trim();
            if !part.is_empty() {
                texts.push(part.to_owned());
            }
        }
        texts
    }

    pub(crate) fn time(&self, property: &str) -> Option<Timestamp> {
        let text = self.text(property)?;
        self.properties.fit(property, time::parse(&text))
    }

    /// An amount with all of its digits.
    pub(crate) fn decimal(&self, property: &str) -> Option<String> {
        self.properties.decimal(property)
    }

    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.record.time("createdAt")
    }

    pub(crate) fn modified(&self) -> Option<Timestamp> {
        let property = self.time(self.kind.modified);
        property.or_else(|| self.record.time("updatedAt"))
    }

    pub(crate) fn active(&self) -> Option<bool> {
        self.record.get("archived").map(|archived: bool| !archived)
    }

    pub(crate) fn url(&self) -> Option<String> {
        self.site.url(self.record, self.kind, &self.id)
    }

    pub(crate) fn extra(&self) -> Extra {
        self.properties.pick(self.wanted)
    }
}

impl HubSpot {
    /// Reads one record.
    pub(crate) fn get<T>(&self, table: &Table<T>, id: &str) -> Result<T> {
        let id = checked(id)?;
        let properties = table.all_properties();
        let mut page = if fit_address(&properties) {
            let request = self.api.record(table.kind, id, &properties, table.linked);
            self.rows_with_links(table, &[request.send()?.value()?])?
        } else {
            self.get_all(table, &[id.to_owned()])?
        };
        let skipped = page.end.skipped.pop();
        page.items.pop().ok_or_else(|| match skipped {
            Some(skipped) => Error::other(skipped.reason),
            None => Error::not_found(format!("there is no record {id}")),
        })
    }

    /// Reads records by their ids and maps them.
    pub(crate) fn get_all<T>(&self, table: &Table<T>, ids: &[Id]) -> Result<Page<T>> {
        let (records, skipped) = self.current(table, ids)?;
        let mut page = self.rows_without_links(table, &records)?;
        page.end.skipped.extend(skipped);
        Ok(page)
    }

    /// Reads records by their ids, as they are at this moment.
    pub(crate) fn current<T>(
        &self,
        table: &Table<T>,
        ids: &[Id],
    ) -> Result<(Vec<Value>, Vec<Skipped>)> {
        let ids = ids.iter().filter(|it| is_id(it)).cloned();
        let ids = Vec::from_iter(BTreeSet::from_iter(ids));
        self.batch(table.kind, None, &ids, &table.all_properties())
    }

    /// Maps records that came without their links.
    pub(crate) fn rows_without_links<T>(
        &self,
        table: &Table<T>,
        records: &[Value],
    ) -> Result<Page<T>> {
        let links = match table.linked {
            Some(to) => self.links(table.kind, to, &ids_of(records))?,
            None => Links::default(),
        };
        self.rows(table, records, &links)
    }

    /// Maps records that came with their links.
    pub(crate) fn rows_with_links<T>(
        &self,
        table: &Table<T>,
        records: &[Value],
    ) -> Result<Page<T>> {
        let links = match table.linked {
            Some(to) => self.inline_links(table.kind, to, records)?,
            None => Links::default(),
        };
        self.rows(table, records, &links)
    }

    fn rows<T>(&self, table: &Table<T>, records: &[Value], links: &Links) -> Result<Page<T>> {
        if records.is_empty() {
            return Ok(Page::empty());
        }
        let site = self.site()?;
        let wanted = settings::wanted_fields(table.object);
        Ok(Page::read(records, "id", |record| {
            let id = record.id("id");
            let links = links.of(&id)?;
            let row = |properties| Row {
                id,
                links,
                site,
                record,
                properties,
                kind: table.kind,
                wanted: &wanted,
            };
            Ok(record.need_object("properties", |it| (table.map)(&row(it))))
        }))
    }

    /// Reads records by ids or by another unique property, all batches at once; those that do not exist are left out.
    pub(crate) fn batch(
        &self,
        kind: &Kind,
        by: Option<&str>,
        values: &[String],
        properties: &[String],
    ) -> Result<(Vec<Value>, Vec<Skipped>)> {
        let batches = values.chunks(api::PAGE as usize);
        let requests = batches.map(|it| self.api.batch(kind, by, it, properties));
        let (mut records, mut skipped) = (Vec::new(), Vec::new());
        for answer in http::send_all(requests.collect()) {
            let part = Part::read(answer)?;
            records.extend(part.results);
            for (ids, reason) in part.problems {
                let id = ids.into_iter().next();
                skipped.push(Skipped { id, reason });
            }
        }
        Ok((records, skipped))
    }
}

impl Part {
    /// Reads an answer to a batch; what was not found is no problem, one by one (207) or all together (404).
    pub(crate) fn read(answer: Result<Response>) -> Result<Self> {
        match answer {
            Err(error) if error.reason == Reason::NotFound => Ok(Self {
                results: Vec::new(),
                problems: Vec::new(),
            }),
            answer => answer?.read(|it| {
                let mut problems = Vec::new();
                for problem in it.each("errors", problem) {
                    problems.extend(problem);
                }
                Ok(Self {
                    results: it.need("results"),
                    problems,
                })
            }),
        }
    }
}

/// What an error within a batch says, and of which records; none if it only says that they do not exist.
fn problem(it: Object<'_>) -> Option<(Vec<Id>, String)> {
    if *it.value("category") == "OBJECT_NOT_FOUND" {
        return None;
    }
    let of = |it: Object<'_>| {
        let mut ids = Vec::new();
        for name in ["ids", "id", "fromObjectId"] {
            ids.extend(it.list::<String>(name));
        }
        ids
    };
    let ids = it.object("context", of).unwrap_or_default();
    let said = it.get("message").unwrap_or_else(|| "no reason".to_owned());
    Some((ids, format!("HubSpot says: {said}")))
}

pub(crate) fn ids_of(records: &[Value]) -> Vec<Id> {
    let mut ids = Vec::new();
    for record in records {
        ids.extend(record.get("id").and_then(Value::as_str).map(str::to_owned));
    }
    ids
}

/// Whether an address has room for the names of these properties; a body has in any case.
pub(crate) fn fit_address(properties: &[String]) -> bool {
    let bytes: usize = properties.iter().map(|it| it.len() + 3).sum();
    bytes <= ROOM
}

/// A property of a record that is not mapped.
pub(crate) fn property<'a>(record: &'a Value, name: &str) -> Option<&'a str> {
    record.get("properties")?.get(name)?.as_str()
}

/// Passes an id on if it can be one.
pub(crate) fn checked(id: &str) -> Result<&str> {
    if is_id(id) {
        return Ok(id);
    }
    let message = format!("no record of HubSpot has the id {id:?}");
    Err(Error::not_found(message))
}
