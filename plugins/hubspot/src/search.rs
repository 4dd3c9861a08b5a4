//! The search's language, in which no text can become anything but a value.
//!
//! A search finds ids: what a record is like is read from the record itself, since the index lags behind.
//! Its pages are told by the last id and not by an offset, so that neither the cap of 10,000 rows nor a change on the way hides one.

use brightsync_sdk::json::Body;
use brightsync_sdk::{Error, Id, Result, Timestamp, Window};
use serde_json::Value;

use crate::api::Kind;

/// The largest page of a search.
pub(crate) const PAGE: u32 = 200;

/// The most characters of a body, taken as bytes, and the most groups in it.
const LONGEST: usize = 3_000;
const MOST_GROUPS: usize = 5;

const ID: &str = "hs_object_id";

/// What has to be true of a record in all of its parts; the values are texts in every case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group(Vec<Value>);

/// A search for records that one of the groups holds for, in the order of their ids.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    groups: Vec<Group>,
    properties: Vec<&'static str>,
    after: Option<Id>,
    size: u32,
}

impl Group {
    /// The property has this value, in any case.
    pub(crate) fn is(self, property: &str, value: &str) -> Self {
        self.and(property, "EQ", Body::new().with("value", value))
    }

    /// The property has one of these values, which are in lower case; one that holds several has it among them.
    pub(crate) fn among(self, property: &str, values: &[String]) -> Self {
        self.and(property, "IN", Body::new().with("values", values))
    }

    /// The property has no value.
    pub(crate) fn without(self, property: &str) -> Self {
        self.and(property, "NOT_HAS_PROPERTY", Body::new())
    }

    /// A word of the property ends with this text, which has no wildcard of its own: the caller has checked it.
    pub(crate) fn ends_with(self, property: &str, end: &str) -> Self {
        let pattern = format!("*{end}");
        self.and(
            property,
            "CONTAINS_TOKEN",
            Body::new().with("value", pattern),
        )
    }

    /// The record was changed in the window.
    pub(crate) fn changed_in(self, kind: &Kind, window: Window) -> Self {
        let since = self.compared(kind.modified, "GTE", window.since);
        match window.until {
            Some(until) => since.compared(kind.modified, "LT", until),
            None => since,
        }
    }

    /// The time is exactly this one.
    pub(crate) fn at(self, property: &str, time: Timestamp) -> Self {
        self.compared(property, "EQ", time)
    }

    fn compared(self, property: &str, operator: &str, time: Timestamp) -> Self {
        self.and(
            property,
            operator,
            Body::new().with("value", time.to_string()),
        )
    }

    fn and(mut self, property: &str, operator: &str, rest: Body) -> Self {
        let filter = rest.with("propertyName", property);
        self.0.push(filter.with("operator", operator).into());
        self
    }
}

impl Search {
    pub(crate) fn new(groups: Vec<Group>) -> Self {
        Self {
            groups,
            properties: vec![ID],
            after: None,
            size: PAGE,
        }
    }

    /// Asks for properties as well.
    pub(crate) fn with(self, properties: &[&'static str]) -> Self {
        Self {
            properties: properties.to_vec(),
            ..self
        }
    }

    /// Begins behind this record, with pages of this size.
    pub(crate) fn page(self, after: Option<Id>, size: u32) -> Self {
        Self {
            after,
            size,
            ..self
        }
    }

    pub(crate) fn body(&self) -> Body {
        let mut groups: Vec<Value> = Vec::new();
        for group in &self.groups {
            let group = match &self.after {
                Some(id) => group
                    .clone()
                    .and(ID, "GT", Body::new().with("value", id.as_str())),
                None => group.clone(),
            };
            groups.push(Body::new().with("filters", group.0).into());
        }
        let by_id = Body::new()
            .with("propertyName", ID)
            .with("direction", "ASCENDING");
        Body::new()
            .with("filterGroups", groups)
            .with("properties", self.properties.as_slice())
            .with("sorts", vec![Value::from(by_id)])
            .with("limit", self.size)
    }

    /// Whether HubSpot takes it: behind the last id that there can be it is longest.
    fn fits(&self) -> bool {
        let longest = self.clone().page(Some("9".repeat(19)), PAGE);
        let length = longest.body().to_string().len();
        self.groups.len() <= MOST_GROUPS && length <= LONGEST
    }
}

/// Passes a name on without the blanks around it, if there is room for it at all.
pub(crate) fn checked_name(name: &str) -> Result<&str> {
    match name.trim() {
        name if LONGEST < name.len() => Err(too_long("name")),
        name => Ok(name),
    }
}

/// Puts as many of these groups into each search as there is room for; one that is too long for any is the error.
pub(crate) fn packed(field: &str, groups: Vec<Group>) -> Result<Vec<Search>> {
    let mut searches: Vec<Search> = Vec::new();
    for group in groups {
        let alone = Search::new(vec![group.clone()]);
        if !alone.fits() {
            return Err(too_long(field));
        }
        let last = searches.pop();
        let mut joined = last.clone().unwrap_or_else(|| Search::new(Vec::new()));
        joined.groups.push(group);
        match last {
            Some(last) if !joined.fits() => searches.extend([last, alone]),
            _ => searches.push(joined),
        }
    }
    Ok(searches)
}

/// Splits values for [`Group::among`] so that each part fits into a search; one that is too long for any has no record.
pub(crate) fn split<'a>(property: &str, mut values: &'a [String]) -> Vec<&'a [String]> {
    let fits =
        |values: &[String]| Search::new(vec![Group::default().among(property, values)]).fits();
    let mut parts = Vec::new();
    while !values.is_empty() {
        let mut count = values.len();
        while 0 < count && !values.get(..count).is_some_and(fits) {
            count /= 2;
        }
        let (part, rest) = values.split_at(count.max(1));
        if 0 < count {
            parts.push(part);
        }
        values = rest;
    }
    parts
}

fn too_long(field: &str) -> Error {
    let reason = format!("HubSpot takes searches of {LONGEST} characters, and this is longer");
    Error::invalid(field, reason)
}
