//! HubSpot's REST API: where things are, and the requests for them.

use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::json::Body;
use serde_json::Value;

use crate::error;
use crate::search::Search;

/// The versions that are used, each in one place: HubSpot serves a path of each for years beside the dated ones.
const OBJECTS: &str = "crm/v3/objects";
const OWNERS: &str = "crm/v3/owners";
const PIPELINES: &str = "crm/v3/pipelines/deals";
const ASSOCIATIONS: &str = "crm/v4/associations";
const DETAILS: &str = "account-info/v3/details";

/// The largest page of a list, and the most records of one batch.
pub(crate) const PAGE: u32 = 100;

/// A kind of record.
#[derive(Debug, PartialEq)]
pub(crate) struct Kind {
    /// Its name in paths.
    pub(crate) path: &'static str,
    /// Its name in links to the web page.
    pub(crate) type_id: &'static str,
    /// The property that says when a record was changed.
    pub(crate) modified: &'static str,
}

pub(crate) const CONTACT: Kind = kind("contacts", "0-1", "lastmodifieddate");
pub(crate) const COMPANY: Kind = kind("companies", "0-2", "hs_lastmodifieddate");
pub(crate) const DEAL: Kind = kind("deals", "0-3", "hs_lastmodifieddate");
pub(crate) const MEETING: Kind = kind("meetings", "0-47", "hs_lastmodifieddate");
pub(crate) const EMAIL: Kind = kind("emails", "0-49", "hs_lastmodifieddate");

const fn kind(path: &'static str, type_id: &'static str, modified: &'static str) -> Kind {
    Kind {
        path,
        type_id,
        modified,
    }
}

/// Which page of a list is wanted, and what of each record.
pub(crate) struct List<'a> {
    pub(crate) properties: &'a [String],
    /// Of which kind the ids of linked records come along.
    pub(crate) linked: Option<&'a Kind>,
    pub(crate) archived: bool,
    pub(crate) size: u32,
    pub(crate) after: Option<&'a str>,
}

/// Requests to the API.
pub(crate) struct Api {
    client: Client,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            client: Client::new()
                .header("Accept", "application/json")
                .refine(error::refine),
        }
    }

    pub(crate) fn details(&self) -> Request {
        self.client.get(DETAILS)
    }

    pub(crate) fn owners(&self, archived: bool, after: Option<&str>) -> Request {
        (self.client.get(OWNERS).query("limit", PAGE))
            .query("archived", archived)
            .query_some("after", after)
    }

    pub(crate) fn owner_of_user(&self, user: &str) -> Request {
        let owner = self.client.get(OWNERS).segment(user);
        owner.query("idProperty", "userId")
    }

    pub(crate) fn pipelines(&self) -> Request {
        self.client.get(PIPELINES)
    }

    pub(crate) fn record(
        &self,
        kind: &Kind,
        id: &str,
        properties: &[String],
        linked: Option<&Kind>,
    ) -> Request {
        (self.objects(kind).segment(id))
            .query("properties", properties.join(","))
            .query_some("associations", linked.map(|it| it.path))
    }

    pub(crate) fn list(&self, kind: &Kind, list: &List<'_>) -> Request {
        (self.objects(kind).query("limit", list.size))
            .query("properties", list.properties.join(","))
            .query_some("associations", list.linked.map(|it| it.path))
            .query("archived", list.archived)
            .query_some("after", list.after)
    }

    /// Asks for at most 100 records, by their ids or by another property that is unique.
    pub(crate) fn batch(
        &self,
        kind: &Kind,
        by: Option<&str>,
        values: &[String],
        properties: &[String],
    ) -> Request {
        let mut inputs: Vec<Value> = Vec::new();
        for value in values {
            inputs.push(id(value));
        }
        let body = Body::new().with_some("idProperty", by);
        let body = body.with("properties", properties).with("inputs", inputs);
        let request = self.client.post(OBJECTS).segment(kind.path);
        request
            .segment("batch")
            .segment("read")
            .json(&body)
            .repeatable()
    }

    pub(crate) fn search(&self, kind: &Kind, search: &Search) -> Request {
        let request = self.client.post(OBJECTS).segment(kind.path);
        let request = request.segment("search").json(&search.body());
        request.repeatable().cost(1, "search")
    }

    pub(crate) fn create(&self, kind: &Kind, properties: &Body, links: Vec<Value>) -> Request {
        let body = Body::new().with("properties", properties.clone());
        let links = Some(links).filter(|it| !it.is_empty());
        let request = self.client.post(OBJECTS).segment(kind.path);
        request.json(&body.with_some("associations", links))
    }

    pub(crate) fn change(&self, kind: &Kind, id: &str, properties: &Body) -> Request {
        let body = Body::new().with("properties", properties.clone());
        let request = self.client.patch(OBJECTS).segment(kind.path);
        request.segment(id).json(&body)
    }

    pub(crate) fn delete(&self, kind: &Kind, id: &str) -> Request {
        let request = self.client.delete(OBJECTS).segment(kind.path);
        request.segment(id)
    }

    /// Asks which records of one kind at most 1,000 of another are linked with.
    pub(crate) fn links(&self, from: &Kind, to: &Kind, inputs: &[Value]) -> Request {
        self.associations(from, to, "read", inputs).repeatable()
    }

    pub(crate) fn link(&self, from: &Kind, to: &Kind, inputs: &[Value]) -> Request {
        self.associations(from, to, "create", inputs)
    }

    pub(crate) fn unlink(&self, from: &Kind, to: &Kind, inputs: &[Value]) -> Request {
        self.associations(from, to, "archive", inputs)
    }

    fn objects(&self, kind: &Kind) -> Request {
        self.client.get(OBJECTS).segment(kind.path)
    }

    fn associations(&self, from: &Kind, to: &Kind, verb: &str, inputs: &[Value]) -> Request {
        let request = self.client.post(ASSOCIATIONS);
        let request = request.segment(from.path).segment(to.path);
        let body = Body::new().with("inputs", inputs);
        request.segment("batch").segment(verb).json(&body)
    }
}

/// A reference to a record, as request bodies have it.
pub(crate) fn id(id: &str) -> Value {
    Body::new().with("id", id).into()
}

/// Whether a text can be the id of a record at all; one that cannot would fail the whole batch that it is in.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit())
}
