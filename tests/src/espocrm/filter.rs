//! The `where` of a list: what is allowed in it, and which records it keeps.

use std::cmp::Ordering;

use serde_json::Value;

use super::answer::Refusal;
use super::schema::{Entity, Kind, attribute, check_text};
use super::store::{Record, Store};

/// One checked condition.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Linked(String, Vec<String>),
    Attribute(String, Kind, Test),
}

/// What is asked of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Equals(Vec<String>),
    Differs(Vec<String>),
    Like(String),
    Unlike(String),
    Compare(&'static [Ordering], String),
    Between(String, String),
    Null(bool),
    True(bool),
}

const LESS: &[Ordering] = &[Ordering::Less];
const LESS_EQUAL: &[Ordering] = &[Ordering::Less, Ordering::Equal];
const GREATER: &[Ordering] = &[Ordering::Greater];
const GREATER_EQUAL: &[Ordering] = &[Ordering::Greater, Ordering::Equal];

impl Filter {
    /// Reads the items of a `where`, refusing what the server refuses.
    pub(super) fn read(entity: Entity, store: &Store, items: &[Value]) -> Result<Self, Refusal> {
        let read = items.iter().map(|it| Self::item(entity, store, it));
        Ok(Self::All(read.collect::<Result<_, _>>()?))
    }

    fn item(entity: Entity, store: &Store, item: &Value) -> Result<Self, Refusal> {
        let bad = |why: &str| Refusal::bad(&format!("Bad where item. {why} {item}")).violating();
        let members = item.as_object().ok_or_else(|| bad("No object."))?;
        for name in members.keys() {
            if !["type", "attribute", "value"].contains(&name.as_str()) {
                return Err(bad(&format!("Unknown member '{name}'.")));
            }
        }
        let kind = members.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| bad("No 'type'."))?;
        let value = members.get("value");
        if matches!(kind, "and" | "or") {
            let list = value.and_then(Value::as_array);
            let list = list.ok_or_else(|| bad("No list."))?;
            let inner = list.iter().map(|it| Self::item(entity, store, it));
            let inner = inner.collect::<Result<_, _>>()?;
            return Ok(if kind == "and" {
                Self::All(inner)
            } else {
                Self::Any(inner)
            });
        }
        let name = members.get("attribute").and_then(Value::as_str);
        let name = name.ok_or_else(|| bad("No 'attribute'."))?;
        if kind == "linkedWith" {
            if entity.link(name).is_none() {
                let reason = format!("Not existing relation '{name}' in where.");
                return Err(Refusal::bad(&reason).violating());
            }
            let ids = texts(value).filter(|it| !it.is_empty());
            return Ok(Self::Linked(
                name.to_owned(),
                ids.ok_or_else(|| bad("No id."))?,
            ));
        }
        let Some(known) = attribute(entity, &store.custom, name) else {
            let reason = format!("Not existing attribute '{name}' in where.");
            return Err(Refusal::bad(&reason).violating());
        };
        let test = Test::read(kind, value).map_err(bad)?;
        test.check(entity, name, known.kind)?;
        Ok(Self::Attribute(name.to_owned(), known.kind, test))
    }

    pub(super) fn keeps(&self, store: &Store, record: &Record) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|it| it.keeps(store, record)),
            Self::Any(inner) => inner.iter().any(|it| it.keeps(store, record)),
            Self::Linked(name, ids) => record.entity.link(name).is_some_and(|link| {
                let linked = store.linked(record, link);
                ids.iter().any(|it| linked.contains(it))
            }),
            Self::Attribute(_, Kind::Address, test) => {
                test.passes(Kind::Address, &record.addresses())
            }
            Self::Attribute(name, kind, test) => {
                test.passes(*kind, &seen(&store.value(record, name)))
            }
        }
    }
}

impl Test {
    fn read(kind: &str, value: Option<&Value>) -> Result<Self, &'static str> {
        let list = || texts(value.filter(|it| it.is_array())).ok_or("No list.");
        let one = || text(value).ok_or("No value.");
        Ok(match kind {
            "equals" | "on" => Self::Equals(vec![one()?]),
            "notEquals" => Self::Differs(vec![one()?]),
            "in" => Self::Equals(list()?),
            "notIn" => Self::Differs(list()?),
            "contains" => Self::Like(format!("%{}%", one()?)),
            "notContains" => Self::Unlike(format!("%{}%", one()?)),
            "startsWith" => Self::Like(format!("{}%", one()?)),
            "endsWith" => Self::Like(format!("%{}", one()?)),
            "like" => Self::Like(one()?),
            "notLike" => Self::Unlike(one()?),
            "after" | "greaterThan" => Self::Compare(GREATER, one()?),
            "greaterThanOrEquals" => Self::Compare(GREATER_EQUAL, one()?),
            "before" | "lessThan" => Self::Compare(LESS, one()?),
            "lessThanOrEquals" => Self::Compare(LESS_EQUAL, one()?),
            "between" => match list()?.as_slice() {
                [from, to] => Self::Between(from.clone(), to.clone()),
                _ => return Err("Not two values."),
            },
            "isNull" => Self::Null(true),
            "isNotNull" => Self::Null(false),
            "isTrue" => Self::True(true),
            "isFalse" => Self::True(false),
            _ => return Err("Unknown type."),
        })
    }

    /// Refuses what the server would not understand, or would answer with nothing found.
    fn check(&self, entity: Entity, name: &str, kind: Kind) -> Result<(), Refusal> {
        let refuse = |why: &str| Err(Refusal::bad(&format!("{name}: {why}")).violating());
        let participants = ["from", "to", "cc", "bcc"].contains(&name);
        if entity == Entity::Email
            && participants
            && !matches!(self, Self::Equals(it) if it.len() == 1)
        {
            return refuse("addresses of an e-mail can only be compared by equals");
        }
        if matches!(kind, Kind::Ids | Kind::Json) {
            return refuse("not an attribute to filter by");
        }
        if matches!(self, Self::True(_)) != (kind == Kind::Flag) && !matches!(self, Self::Null(_)) {
            return refuse("a flag is asked for by isTrue and isFalse, and nothing else is");
        }
        let values: &[String] = match self {
            Self::Equals(list) | Self::Differs(list) => list,
            Self::Compare(_, one) => std::slice::from_ref(one),
            Self::Between(from, to) => {
                check_text(kind, from)?;
                std::slice::from_ref(to)
            }
            Self::Like(_) | Self::Unlike(_) if matches!(kind, Kind::Time | Kind::Date) => {
                return refuse("a time is not compared as a text");
            }
            Self::Like(_) | Self::Unlike(_) | Self::Null(_) | Self::True(_) => &[],
        };
        for value in values {
            check_text(kind, value)?;
            if kind == Kind::Address && values.len() > 1 && value.to_lowercase() != *value {
                return refuse("a list of addresses is compared in lower case");
            }
        }
        Ok(())
    }

    fn passes(&self, kind: Kind, seen: &[String]) -> bool {
        let order = |one: &str, other: &str| order(kind, one, other);
        let among = |list: &[String]| seen.iter().any(|it| list.iter().any(|l| same(it, l)));
        let like = |pattern: &str| seen.iter().any(|it| matches_like(pattern, it));
        match self {
            Self::Equals(list) => among(list),
            // Nothing differs from null in SQL.
            Self::Differs(list) => !seen.is_empty() && !among(list),
            Self::Like(pattern) => like(pattern),
            Self::Unlike(pattern) => !seen.is_empty() && !like(pattern),
            Self::Compare(orders, value) => {
                seen.iter().any(|it| orders.contains(&order(it, value)))
            }
            Self::Between(from, to) => seen.iter().any(|it| {
                GREATER_EQUAL.contains(&order(it, from)) && LESS_EQUAL.contains(&order(it, to))
            }),
            Self::Null(want) => seen.is_empty() == *want,
            Self::True(want) => seen.iter().any(|it| it == "true") == *want,
        }
    }
}

/// Orders two values of an attribute; texts without case.
pub(super) fn order(kind: Kind, one: &str, other: &str) -> Ordering {
    match (kind, one.parse::<f64>(), other.parse::<f64>()) {
        (Kind::Number, Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.to_lowercase().cmp(&other.to_lowercase()),
    }
}

/// Returns a value as texts to compare: none for null.
pub(super) fn seen(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::Array(list) => list.iter().map(|it| text(Some(it))).collect(),
        one => Some(vec![text(Some(one))?]),
    }
}

/// SQL's LIKE: `%` for any run, `_` for any one, a backslash makes the next plain; no case.
fn matches_like(pattern: &str, text: &str) -> bool {
    fn walk(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => {
                (0..=text.len()).any(|it| walk(rest, text.get(it..).unwrap_or(&[])))
            }
            ['\\', plain, rest @ ..] => {
                text.first() == Some(plain) && walk(rest, text.get(1..).unwrap_or(&[]))
            }
            ['_', rest @ ..] => !text.is_empty() && walk(rest, text.get(1..).unwrap_or(&[])),
            [one, rest @ ..] => {
                text.first() == Some(one) && walk(rest, text.get(1..).unwrap_or(&[]))
            }
        }
    }
    let chars = |it: &str| it.to_lowercase().chars().collect::<Vec<_>>();
    walk(&chars(pattern), &chars(text))
}
