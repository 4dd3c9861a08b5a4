//! Query strings as PHP reads them, and the search parameters that a list takes.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::answer::Refusal;
use super::schema::{Entity, Row, attribute};

/// PHP drops what comes after this many variables, with no more than a line in its own log.
const MAX_VARIABLES: usize = 1000;

/// The server's `recordListMaxSizeLimit` unless an administrator has changed it.
const MAX_SIZE: usize = 200;

/// The parameters of one list.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) items: Vec<Value>,
    pub(super) select: Option<Vec<String>>,
    pub(super) order_by: Option<String>,
    pub(super) descending: bool,
    pub(super) offset: usize,
    pub(super) max_size: usize,
    pub(super) only_mine: bool,
}

/// Splits a query into decoded pairs.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

impl Search {
    pub(super) fn read(
        entity: Entity,
        custom: &[(Entity, &'static str)],
        pairs: &[(String, String)],
        violations: &mut Vec<String>,
    ) -> Result<Self, Refusal> {
        if pairs.len() > MAX_VARIABLES {
            violations.push(format!("{} variables in a query", pairs.len()));
        }
        let mut given = tree(pairs, violations);
        if let Some(text) = given.remove("searchParams") {
            if !given.is_empty() {
                violations.push("searchParams beside other parameters".to_owned());
            }
            let parsed = text.as_str().and_then(|it| serde_json::from_str(it).ok());
            let Some(Value::Object(parsed)) = parsed else {
                return Err(Refusal::bad("Invalid search params JSON."));
            };
            return Self::from_values(entity, custom, parsed, violations);
        }
        if let Some(group) = given.remove("whereGroup")
            && given.insert("where".to_owned(), group).is_some()
        {
            violations.push("whereGroup beside where".to_owned());
        }
        if let Some(Value::String(list)) = given.get("select") {
            let list = list.split(',').map(|it| Value::from(it.to_owned()));
            let list = list.collect::<Vec<_>>().into();
            given.insert("select".to_owned(), list);
        }
        for name in ["maxSize", "offset"] {
            if let Some(Value::String(text)) = given.get(name) {
                let Ok(number) = text.parse::<u64>() else {
                    return Err(Refusal::bad(&format!("{name} must be integer.")).violating());
                };
                given.insert(name.to_owned(), number.into());
            }
        }
        Self::from_values(entity, custom, given, violations)
    }

    fn from_values(
        entity: Entity,
        custom: &[(Entity, &'static str)],
        given: Map<String, Value>,
        violations: &mut Vec<String>,
    ) -> Result<Self, Refusal> {
        let (default_by, default_down) = entity.default_order();
        let mut search = Self {
            items: Vec::new(),
            select: None,
            order_by: None,
            descending: false,
            offset: 0,
            max_size: MAX_SIZE,
            only_mine: false,
        };
        let mut order = None;
        for (name, value) in given {
            match (name.as_str(), value) {
                ("where", Value::Array(items)) => search.items = items,
                ("select", Value::Array(list)) => search.select = Some(strings(&list)?),
                ("orderBy", Value::String(by)) => search.order_by = Some(by),
                ("order", Value::String(text)) => order = Some(text.to_uppercase()),
                ("offset", Value::Number(number)) => search.offset = integer(&number)?,
                ("maxSize", Value::Number(number)) => search.max_size = integer(&number)?,
                ("boolFilterList", Value::Array(list)) => match strings(&list)?.as_slice() {
                    [only] if only == "onlyMy" => search.only_mine = true,
                    other => {
                        return Err(
                            Refusal::bad(&format!("unknown bool filters {other:?}")).violating()
                        );
                    }
                },
                (name, value) => violations.push(format!("unknown parameter {name}={value}")),
            }
        }
        if search.max_size > MAX_SIZE {
            let reason = format!("Max size should not exceed {MAX_SIZE}. Use offset and limit.");
            return Err(Refusal::forbidden(&reason).violating());
        }
        search.descending = match order.as_deref() {
            Some("DESC") => true,
            Some("ASC") => false,
            None => search.order_by.is_none() && default_down,
            Some(_) => return Err(Refusal::bad("order value is bad.").violating()),
        };
        let by = search.order_by.as_deref().unwrap_or(default_by);
        if attribute(entity, custom, by).is_none() {
            let reason = format!("Order by non-existing field '{by}'.");
            return Err(Refusal::bad(&reason).violating());
        }
        for name in search.select.iter().flatten() {
            match attribute(entity, custom, name) {
                None => violations.push(format!("select of unknown {}.{name}", entity.as_str())),
                Some(it) if it.row == Row::Never => {
                    violations.push(format!("a list never shows {}.{name}", entity.as_str()));
                }
                Some(_) => {}
            }
        }
        Ok(search)
    }
}

fn strings(list: &[Value]) -> Result<Vec<String>, Refusal> {
    list.iter()
        .map(|it| {
            it.as_str()
                .map(str::to_owned)
                .ok_or_else(|| Refusal::bad("a list of strings was expected").violating())
        })
        .collect()
}

fn integer(number: &serde_json::Number) -> Result<usize, Refusal> {
    number
        .as_u64()
        .and_then(|it| usize::try_from(it).ok())
        .ok_or_else(|| Refusal::bad("an integer was expected").violating())
}

/// Builds the nested value that PHP makes of `a[0][b]=c&a[1][]=d`.
fn tree(pairs: &[(String, String)], violations: &mut Vec<String>) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in pairs {
        let (first, rest) = key.split_once('[').unwrap_or((key, ""));
        let mut path = vec![first.to_owned()];
        if let Some(inner) = rest.strip_suffix(']') {
            path.extend(inner.split("][").map(str::to_owned));
        } else if !rest.is_empty() {
            violations.push(format!("malformed parameter name {key:?}"));
        }
        if !insert(&mut root, &path, value) {
            violations.push(format!("parameter {key:?} given twice"));
        }
    }
    root.into_iter().map(|(k, v)| (k, listed(v))).collect()
}

fn insert(at: &mut Map<String, Value>, path: &[String], value: &str) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return false;
    };
    let step = if step.is_empty() {
        at.len().to_string()
    } else {
        step.clone()
    };
    if rest.is_empty() {
        return at.insert(step, Value::from(value)).is_none();
    }
    match at.entry(step).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => insert(inner, rest, value),
        _ => false,
    }
}

/// Turns an object whose keys count from 0 into a list, as PHP's arrays are both.
fn listed(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let counted = (0..map.len()).all(|it| map.contains_key(&it.to_string()));
    let mut map = map;
    if counted {
        let mut list = Vec::with_capacity(map.len());
        for index in 0..map.len() {
            list.extend(map.remove(&index.to_string()).map(listed));
        }
        return Value::Array(list);
    }
    map.into_iter().map(|(k, v)| (k, listed(v))).collect()
}
