//! What records are linked with, in HubSpot's words their associations.

use std::collections::BTreeMap;

use brightsync_sdk::http;
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{Error, Id, InvalidField, Result, Skipped};
use serde_json::Value;

use crate::HubSpot;
use crate::api::{self, Kind};
use crate::record::Part;

/// The most records whose links are read at once.
const MOST: usize = 1_000;
/// The most links that are removed at once; more can be added.
const MOST_CHANGES: usize = 100;

/// That a record is linked with another.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: Id,
    /// HubSpot's own types of it; a list answers none.
    pub(crate) types: Vec<i64>,
    /// The customer's own type.
    pub(crate) label: Option<String>,
}

/// The links of several records, by the records' ids.
#[derive(Debug, Default)]
pub(crate) struct Links {
    found: BTreeMap<Id, Vec<Link>>,
    /// Why those of a record could not be read.
    failed: BTreeMap<Id, String>,
}

/// A change of the links of one record to another kind.
pub(crate) struct Change {
    pub(crate) to: &'static Kind,
    /// The records to be linked with, each by these types.
    pub(crate) add: Vec<(Id, &'static [u32])>,
    pub(crate) remove: Vec<Id>,
}

impl Links {
    pub(crate) fn of(&self, id: &str) -> Result<&[Link]> {
        match self.failed.get(id) {
            Some(why) => Err(Error::other(format!("what it is linked with: {why}"))),
            None => Ok(self.found.get(id).map_or(&[], Vec::as_slice)),
        }
    }

    /// All ids on the other side, each once, in the order in which they were made.
    pub(crate) fn ids(&self) -> Vec<Id> {
        let mut ids = Vec::new();
        for link in self.found.values().flatten() {
            ids.push((link.id.parse::<u64>().unwrap_or(u64::MAX), link.id.clone()));
        }
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|it| it.1).collect()
    }

    pub(crate) fn skipped(self) -> Vec<Skipped> {
        let mut skipped = Vec::new();
        for (id, reason) in self.failed {
            skipped.push(Skipped {
                id: Some(id),
                reason,
            });
        }
        skipped
    }
}

impl HubSpot {
    /// Reads which records of one kind these of another are linked with, all of them.
    pub(crate) fn links(&self, from: &Kind, to: &Kind, ids: &[Id]) -> Result<Links> {
        let mut links = Links::default();
        let mut inputs: Vec<Value> = ids.iter().map(|it| api::id(it)).collect();
        while !inputs.is_empty() {
            let batches = inputs.chunks(MOST);
            let requests = batches.map(|it| self.api.links(from, to, it)).collect();
            inputs = Vec::new();
            for answer in http::send_all(requests) {
                let part = Part::read(answer)?;
                for result in &part.results {
                    let (id, found, after) = Object::read(result, |it| Ok(side(it)))?;
                    links.found.entry(id.clone()).or_default().extend(found);
                    if let Some(after) = after {
                        inputs.push(Body::new().with("id", id).with("after", after).into());
                    }
                }
                for (ids, reason) in part.problems {
                    if ids.is_empty() {
                        return Err(Error::other(reason));
                    }
                    let failed = ids.into_iter().map(|it| (it, reason.clone()));
                    links.failed.extend(failed);
                }
            }
        }
        Ok(links)
    }

    /// Takes the links that came with records, and asks for those of the few that have more than come along.
    pub(crate) fn inline_links(&self, from: &Kind, to: &Kind, records: &[Value]) -> Result<Links> {
        let mut links = Links::default();
        let mut more = Vec::new();
        for record in records {
            let Some(id) = record.get("id").and_then(Value::as_str) else {
                continue;
            };
            let list = record.get("associations").and_then(|it| it.get(to.path));
            if list.and_then(|it| it.get("paging")).is_some() {
                more.push(id.to_owned());
                continue;
            }
            let results = list.and_then(|it| it.get("results")?.as_array());
            let found: &mut Vec<Link> = links.found.entry(id.to_owned()).or_default();
            for other in results.into_iter().flatten() {
                let other = other.get("id").and_then(Value::as_str);
                // One row for each type of link.
                if let Some(other) = other.filter(|id| found.iter().all(|it| it.id != **id)) {
                    found.push(Link {
                        id: other.to_owned(),
                        types: Vec::new(),
                        label: None,
                    });
                }
            }
        }
        let rest = self.links(from, to, &more)?;
        links.found.extend(rest.found);
        links.failed.extend(rest.failed);
        Ok(links)
    }

    /// Changes the links of a record that has been written already, and names in this field what did not work.
    pub(crate) fn relink(
        &self,
        field: &str,
        from: &Kind,
        id: &str,
        changes: &[Change],
    ) -> Vec<InvalidField> {
        let mut requests = Vec::new();
        for change in changes {
            let inputs: Vec<Value> = change.add.iter().map(|it| added(id, it)).collect();
            for inputs in inputs.chunks(MOST_CHANGES) {
                requests.push(self.api.link(from, change.to, inputs));
            }
            for ids in change.remove.chunks(MOST_CHANGES) {
                let ids: Vec<Value> = ids.iter().map(|it| api::id(it)).collect();
                let input = Body::new().with("from", api::id(id)).with("to", ids);
                requests.push(self.api.unlink(from, change.to, &[input.into()]));
            }
        }
        let mut failed = Vec::new();
        for answer in http::send_all(requests) {
            // An archived batch has no body.
            let problems = match answer {
                Ok(answer) if answer.status() == 204 => Ok(Vec::new()),
                answer => Part::read(answer).map(|it| it.problems),
            };
            match problems {
                Ok(problems) => {
                    failed.extend(
                        problems
                            .into_iter()
                            .map(|it| InvalidField::new(field, it.1)),
                    );
                }
                Err(error) => failed.push(InvalidField::new(field, error.message)),
            }
        }
        failed
    }
}

/// A link for the creation of a record or, with where it begins, for a batch.
pub(crate) fn inline(to: &str, types: &[u32]) -> Body {
    let kind = |id: &u32| {
        let kind = Body::new().with("associationCategory", "HUBSPOT_DEFINED");
        Value::from(kind.with("associationTypeId", *id))
    };
    let types: Vec<Value> = types.iter().map(kind).collect();
    Body::new().with("to", api::id(to)).with("types", types)
}

fn added(from: &str, (to, types): &(Id, &[u32])) -> Value {
    inline(to, types).with("from", api::id(from)).into()
}

/// Reads the links of one record, and where the rest of them begins.
fn side(it: Object<'_>) -> (Id, Vec<Link>, Option<String>) {
    let id = it.need_object("from", |it| it.id("id"));
    let links = it.each("to", |it| {
        let mut link = Link {
            id: it.id("toObjectId"),
            types: Vec::new(),
            label: None,
        };
        for (category, id, label) in it.each("associationTypes", |it| {
            (
                it.need::<String>("category"),
                it.need("typeId"),
                it.get("label"),
            )
        }) {
            if category == "HUBSPOT_DEFINED" {
                link.types.push(id);
            } else {
                link.label = link.label.or(label);
            }
        }
        link
    });
    (id, links, next(it))
}

/// Where the next page of a list begins, if there is one.
pub(crate) fn next(it: Object<'_>) -> Option<String> {
    let after = |it: Object<'_>| it.object("next", |it| it.id("after"));
    it.object("paging", after).flatten()
}
