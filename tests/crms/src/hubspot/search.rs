//! The search: a body of groups of filters, read into a tree and then looked up.

use serde_json::{Map, Value, json};

use super::object::{texts, time};
use super::refusal::{Refused, known_members, members};
use super::schema::{Property, Type};
use super::{HubSpot, Object, Served};
use crate::{Answer, Request, Row};

/// The most characters of a body.
const LONGEST: usize = 3_000;
/// The most groups, filters in one, and filters in all.
const GROUPS: usize = 5;
const FILTERS: usize = 6;
const ALL_FILTERS: usize = 18;
/// The largest page, and how far `after` goes.
const PAGE: usize = 200;
const ROWS: usize = 10_000;

/// A search as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// One of them has to hold.
    pub groups: Vec<Vec<Filter>>,
    properties: Vec<String>,
    /// By which property the rows are sorted, and whether downwards.
    sort: Option<(String, bool)>,
    limit: usize,
    after: usize,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The property.
    pub property: String,
    /// What is compared.
    pub test: Test,
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Exactly this text, in any case.
    Is(String),
    /// One of these.
    IsAny(Vec<String>),
    /// A number or a time: equal, or on this side of it.
    Compares(Side, i64),
    /// A word of the text is this one; a star is any text.
    HasWord(String),
    /// There is any value, or none.
    HasValue(bool),
}

/// On which side of a number or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Equal to it.
    At,
    /// Less.
    Below,
    /// Equal or less.
    UpTo,
    /// More.
    Above,
    /// Equal or more.
    From,
}

impl HubSpot {
    pub(super) fn search(&mut self, request: &Request, object: Object) -> Served {
        let query = Query::read(request, object)?;
        let now = self.office.now;
        let behind = query.behind();
        let rows = self.tables[&object].after(behind.as_deref());
        let rows = rows.filter(|it| it.deleted.is_none() && it.seen_from <= now);
        let mut found: Vec<&Row> = rows.filter(|it| self.fits(object, it, &query)).collect();
        // The table is in the order of ids, and of their making, which is what there is without a sort.
        if let Some((by, down)) = &query.sort {
            if by != "hs_object_id" && by != "createdate" {
                found.sort_by_cached_key(|it| self.value(object, it, by));
            }
            if *down {
                found.reverse();
            }
        }
        let (after, limit) = (query.after, query.limit);
        let page = found.iter().skip(after).take(limit);
        let page: Vec<Value> = page
            .map(|it| self.answered(object, it, &query.properties, &[]))
            .collect();
        let mut body = json!({ "total": found.len(), "results": page });
        let next = after + limit;
        if next < found.len() {
            body["paging"] = json!({ "next": { "after": next.to_string(), "link": "" } });
        }
        // A search says nothing of the limits.
        Ok(Answer::json(200, &body))
    }

    fn fits(&self, object: Object, row: &Row, query: &Query) -> bool {
        query.groups.is_empty()
            || query
                .groups
                .iter()
                .any(|group| group.iter().all(|it| self.holds(object, row, it)))
    }

    fn holds(&self, object: Object, row: &Row, filter: &Filter) -> bool {
        if let Test::Compares(side, bound) = filter.test {
            let number = match filter.property.as_str() {
                name if name == object.modified() => Some(row.modified),
                "createdate" | "hs_createdate" => Some(row.created),
                "hs_object_id" => row.id.parse().ok(),
                name => time(row.text(name)),
            };
            return number.is_some_and(|it| match side {
                Side::At => it == bound,
                Side::Below => it < bound,
                Side::UpTo => it <= bound,
                Side::Above => it > bound,
                Side::From => it >= bound,
            });
        }
        let value = self.value(object, row, &filter.property);
        let several = object
            .property(&filter.property)
            .is_some_and(|it| it.kind == Type::Several);
        let text = value.clone().unwrap_or_default();
        let parts = || text.split(';').filter(|_| several);
        match &filter.test {
            Test::HasValue(has) => value.is_some() == *has,
            Test::Is(wanted) => {
                let same = |it: &str| it.to_lowercase() == wanted.to_lowercase();
                value.is_some() && (same(&text) || parts().any(same))
            }
            // Unlike all else, this one knows lower case only.
            Test::IsAny(wanted) => {
                let has = |one: &str| wanted.iter().any(|it| *it == one.to_lowercase());
                value.is_some() && (has(&text) || parts().any(has))
            }
            Test::HasWord(pattern) => {
                let pattern = pattern.to_lowercase();
                let text = text.to_lowercase();
                let mut words = text.split(|it: char| it.is_whitespace() || "/:;,\"".contains(it));
                words.any(|it| matches(&pattern, it))
            }
            Test::Compares(..) => false,
        }
    }
}

/// Whether a word is of this pattern, in which a star is any text.
fn matches(pattern: &str, word: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == word,
        Some((before, rest)) => word.strip_prefix(before).is_some_and(|word| {
            let ends = word.char_indices().map(|it| it.0).chain([word.len()]);
            ends.into_iter().any(|at| matches(rest, &word[at..]))
        }),
    }
}

impl Query {
    /// Reads a body; everything that the vendor refuses is refused.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn read(request: &Request, object: Object) -> Result<Self, Refused> {
        if LONGEST < request.body.len() {
            return Err(Refused::unknown(format!(
                "the body has {} characters",
                request.body.len()
            )));
        }
        let body = members(
            request,
            &[
                "filterGroups",
                "properties",
                "sorts",
                "limit",
                "after",
                "query",
            ],
        )?;
        if body.contains_key("query") {
            return Err(Refused::unknown("a query finds what nobody has described"));
        }
        let groups = list(&body, "filterGroups")?;
        let groups: Vec<Vec<Filter>> = groups
            .iter()
            .map(|it| Filter::read_group(it, object))
            .collect::<Result<_, _>>()?;
        let count: usize = groups.iter().map(Vec::len).sum();
        if GROUPS < groups.len() || ALL_FILTERS < count {
            return Err(Refused::unknown(format!(
                "{} groups with {count} filters",
                groups.len()
            )));
        }
        let number = |name: &str, default: usize| match body.get(name) {
            None => Some(default),
            // The place is told as a text.
            Some(it) if name == "after" => it.as_str()?.parse().ok(),
            Some(it) => usize::try_from(it.as_u64()?).ok(),
        };
        let limit = number("limit", 10).filter(|it| (1..=PAGE).contains(it));
        let limit = limit.ok_or_else(|| Refused::unknown(format!("limit is 1 to {PAGE}")))?;
        let after = number("after", 0).ok_or_else(|| Refused::unknown("after is no place"))?;
        if ROWS < after + limit {
            return Err(Refused::unknown(format!(
                "a search has {ROWS} rows and no more"
            )));
        }
        Ok(Self {
            groups,
            properties: texts(body.get("properties"))?,
            sort: sort(list(&body, "sorts")?, object)?,
            limit,
            after,
        })
    }

    /// The id behind which all rows are, if every group says so.
    fn behind(&self) -> Option<String> {
        let of = |group: &Vec<Filter>| {
            group
                .iter()
                .find_map(|it| match (it.property.as_str(), &it.test) {
                    ("hs_object_id", Test::Compares(Side::Above, id)) => Some(*id),
                    _ => None,
                })
        };
        let ids: Option<Vec<i64>> = self.groups.iter().map(of).collect();
        ids?.into_iter().min().map(|it| format!("{it:012}"))
    }
}

impl Filter {
    fn read_group(group: &Value, object: Object) -> Result<Vec<Self>, Refused> {
        let group = group
            .as_object()
            .ok_or_else(|| Refused::unknown("a group is no object"))?;
        known_members(group, &["filters"])?;
        let filters = list(group, "filters")?;
        if filters.is_empty() || FILTERS < filters.len() {
            return Err(Refused::unknown(format!(
                "a group has {} filters",
                filters.len()
            )));
        }
        filters.iter().map(|it| Self::read(it, object)).collect()
    }

    fn read(filter: &Value, object: Object) -> Result<Self, Refused> {
        let filter = filter
            .as_object()
            .ok_or_else(|| Refused::unknown("a filter is no object"))?;
        let text = |name: &str| filter.get(name).and_then(Value::as_str);
        let name = text("propertyName").unwrap_or_default();
        let operator = text("operator").unwrap_or_default();
        let property = object.property(name);
        let property =
            property.ok_or_else(|| Refused::unknown(format!("there is no property {name:?}")))?;
        let (known, test): (&[&str], Option<Test>) = match operator {
            "HAS_PROPERTY" => (&[], Some(Test::HasValue(true))),
            "NOT_HAS_PROPERTY" => (&[], Some(Test::HasValue(false))),
            "IN" => (&["values"], in_list(property, filter)?),
            "CONTAINS_TOKEN" => (
                &["value"],
                text("value")
                    .filter(|it| !it.is_empty())
                    .map(|it| Test::HasWord(it.to_owned())),
            ),
            _ => (&["value"], compared(property, operator, text("value"))),
        };
        known_members(filter, &[&["propertyName", "operator"], known].concat())?;
        match test {
            Some(test) => Ok(Self {
                property: name.to_owned(),
                test,
            }),
            None => Err(Refused::unknown(format!(
                "{operator:?} does not fit {name} and {filter:?}"
            ))),
        }
    }
}

fn in_list(property: Property, filter: &Map<String, Value>) -> Result<Option<Test>, Refused> {
    let values = texts(filter.get("values"))?;
    let lower = values.iter().all(|it| *it == it.to_lowercase());
    let fits =
        matches!(property.kind, Type::Text | Type::Address | Type::Several) && !values.is_empty();
    Ok((fits && lower).then_some(Test::IsAny(values)))
}

/// Reads a comparison: texts are equal or not, times and numbers are in their own forms.
fn compared(property: Property, operator: &str, value: Option<&str>) -> Option<Test> {
    let value = value.filter(|it| !it.is_empty())?;
    let side = match operator {
        "EQ" => Side::At,
        "LT" => Side::Below,
        "LTE" => Side::UpTo,
        "GT" => Side::Above,
        "GTE" => Side::From,
        _ => return None,
    };
    match property.kind {
        // Milliseconds since 1970, as text.
        Type::Time | Type::Number => value.parse().ok().map(|it| Test::Compares(side, it)),
        Type::Owner => {
            let number = value.bytes().all(|it| it.is_ascii_digit());
            (side == Side::At && number).then(|| Test::Is(value.to_owned()))
        }
        _ => (side == Side::At).then(|| Test::Is(value.to_owned())),
    }
}

fn sort(sorts: &[Value], object: Object) -> Result<Option<(String, bool)>, Refused> {
    let [] = sorts else {
        let [Value::Object(sort)] = sorts else {
            return Err(Refused::unknown("there is one sort at the most"));
        };
        known_members(sort, &["propertyName", "direction"])?;
        let text = |name: &str| sort.get(name).and_then(Value::as_str).unwrap_or_default();
        let down = match text("direction") {
            "ASCENDING" => false,
            "DESCENDING" => true,
            other => return Err(Refused::unknown(format!("{other:?} is no direction"))),
        };
        let by = text("propertyName");
        if object.property(by).is_none() {
            return Err(Refused::unknown(format!("there is no property {by:?}")));
        }
        return Ok(Some((by.to_owned(), down)));
    };
    Ok(None)
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refused> {
    match body.get(name) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Refused::unknown(format!("{name} is no list"))),
    }
}

/// Reads a search's body by itself, for tests of what arrives.
pub fn parse(object: Object, body: &str) -> Option<Query> {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let request = Request::new("POST", "", "/", headers, body.as_bytes().to_vec());
    Query::read(&request, object).ok()
}
