//! Queries, checked against the schema and carried out.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::pattern::{Part, matches, pattern};
use super::schema::{Form, Object, id};
use super::soql::{Condition, Operator, Query, Value};
use super::store::{Store, time_of};
use super::wrong::{Wrong, wrong};
use crate::{Office, Row};

/// A condition whose literals have been read, so that each record is compared fast.
enum Test {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare(&'static str, Operator, Key),
    Like(&'static str, Vec<Part>),
    In(&'static str, HashSet<Key>),
}

/// A value that is compared: texts in lower case, times as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Null,
    Truth(bool),
    Number(i64),
    Text(String),
}

/// Finds the records that a query asks for, as Salesforce answers them.
pub(super) fn find(store: &Store, query: &Query, everywhere: bool) -> Result<Vec<Json>, Wrong> {
    let object = store.object(&query.from)?;
    let fields = fields(store, object, &query.fields)?;
    for child in &query.children {
        children(store, object, child)?;
    }
    let rows = rows(store, object, query, everywhere)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let mut record = record(store, object, row, &fields);
        for child in &query.children {
            record.insert(child.from.clone(), related(store, row, child)?);
        }
        found.push(Json::Object(record));
    }
    Ok(found)
}

/// A list as Salesforce answers it, with the path at which it goes on.
pub(super) fn list(total: usize, records: Vec<Json>, next: Option<String>) -> Json {
    let list = json!({"totalSize": total, "done": next.is_none(), "records": records});
    match (next, list) {
        (Some(next), Json::Object(mut list)) => {
            list.insert("nextRecordsUrl".to_owned(), next.into());
            Json::Object(list)
        }
        (_, list) => list,
    }
}

/// Checks the fields of a query, and answers them as the schema spells them.
pub(super) fn fields(
    store: &Store,
    object: &'static Object,
    names: &[String],
) -> Result<Vec<&'static str>, Wrong> {
    let mut fields = Vec::new();
    for name in names {
        let field = store.field(object, name)?;
        if fields.contains(&field.name) {
            let message = format!("duplicate field selected: {name}");
            return Err(wrong(400, "MALFORMED_QUERY", message));
        }
        fields.push(field.name);
    }
    Ok(fields)
}

/// A record with some fields, as Salesforce answers it.
pub(super) fn record(
    store: &Store,
    object: &Object,
    row: &Row,
    fields: &[&'static str],
) -> Map<String, Json> {
    let url = format!("/services/data/v62.0/sobjects/{}/{}", object.name, row.id);
    let mut record = Map::new();
    record.insert(
        "attributes".to_owned(),
        json!({"type": object.name, "url": url}),
    );
    for name in fields {
        record.insert((*name).to_owned(), store.value(row, name));
    }
    record
}

/// Checks what comes with each record: the one relation that this org knows of.
fn children(store: &Store, object: &Object, child: &Query) -> Result<(), Wrong> {
    if object.name != "Opportunity" || child.from != "OpportunityContactRoles" {
        let message = format!("Didn't understand relationship '{}'", child.from);
        return Err(wrong(400, "INVALID_TYPE", message));
    }
    if child.condition.is_some() || !child.order.is_empty() || child.limit.is_some() {
        return Err(wrong(
            400,
            "MALFORMED_QUERY",
            "this org has plain child relations only",
        ));
    }
    fields(
        store,
        store.object("OpportunityContactRole")?,
        &child.fields,
    )
    .map(drop)
}

fn related(store: &Store, row: &Row, child: &Query) -> Result<Json, Wrong> {
    let roles = store.object("OpportunityContactRole")?;
    let fields = fields(store, roles, &child.fields)?;
    let mut found: Vec<Json> = Vec::new();
    for id in store.roles_of(&row.id) {
        if let Some(role) = store.table("OpportunityContactRole").live(id) {
            found.push(Json::Object(record(store, roles, role, &fields)));
        }
    }
    if found.is_empty() {
        return Ok(Json::Null);
    }
    let total = found.len();
    let rest = found.split_off(store.children_at_once.min(total));
    Ok(list(total, found, store.kept(rest)))
}

fn rows<'a>(
    store: &'a Store,
    object: &'static Object,
    query: &Query,
    everywhere: bool,
) -> Result<Vec<&'a Row>, Wrong> {
    let mut joins = 0;
    let test = match &query.condition {
        Some(condition) => test(store, object, condition, true, &mut joins)?,
        None => Test::All(Vec::new()),
    };
    let mut order = Vec::new();
    for name in &query.order {
        order.push(store.field(object, name)?.name);
    }
    let limit = query.limit.unwrap_or(50_000);
    let table = store.table(object.name);
    let (mut after, mut since) = (None, i64::MIN);
    bounds(&test, &mut after, &mut since);
    let fits = |row: &&Row| (everywhere || row.deleted.is_none()) && holds(store, row, &test);
    match order.as_slice() {
        ["Id"] | [] => Ok(table
            .after(after.as_deref())
            .filter(fits)
            .take(limit)
            .collect()),
        ["SystemModstamp", "Id"] => Ok(table.since(since).filter(fits).take(limit).collect()),
        order => {
            let mut rows: Vec<&Row> = table.after(None).filter(fits).collect();
            rows.sort_by(|one, other| {
                let keys = order
                    .iter()
                    .map(|it| key(store, one, it).cmp(&key(store, other, it)));
                keys.fold(Ordering::Equal, Ordering::then)
            });
            rows.truncate(limit);
            Ok(rows)
        }
    }
}

/// Where the records begin that can meet a condition.
fn bounds(test: &Test, after: &mut Option<String>, since: &mut i64) {
    match test {
        Test::All(parts) => parts.iter().for_each(|it| bounds(it, after, since)),
        Test::Compare("Id", Operator::More, Key::Text(id)) => *after = Some(id.clone()),
        Test::Compare("SystemModstamp", Operator::AtLeast, Key::Number(at)) => *since = *at,
        _ => {}
    }
}

/// Reads a condition; a join may be one of several conditions that all hold, and no more than two of them.
fn test(
    store: &Store,
    object: &'static Object,
    condition: &Condition,
    may_join: bool,
    joins: &mut usize,
) -> Result<Test, Wrong> {
    let mut each = |parts: &[Condition], may_join: bool| {
        let parts = parts
            .iter()
            .map(|it| test(store, object, it, may_join, joins));
        parts.collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        Condition::And(parts) => Test::All(each(parts, may_join)?),
        Condition::Or(parts) => Test::Any(each(parts, false)?),
        Condition::Not(part) => {
            let mut parts = each(std::slice::from_ref(&**part), false)?;
            Test::Not(Box::new(parts.remove(0)))
        }
        Condition::Compare(name, operator, value) => {
            let field = filterable(store, object, name)?;
            if *operator == Operator::Like {
                let Value::Text(text) = value else {
                    return Err(wrong(400, "MALFORMED_QUERY", "LIKE needs a text"));
                };
                if !matches!(field.form, Form::Text(_) | Form::Email | Form::Pick(_)) {
                    let message = format!("invalid operator on {} field", field.name);
                    return Err(wrong(400, "INVALID_QUERY_FILTER_OPERATOR", message));
                }
                return Ok(Test::Like(field.name, pattern(text)));
            }
            Test::Compare(
                field.name,
                *operator,
                literal(field.name, field.form, value)?,
            )
        }
        Condition::In(name, values) => {
            let field = filterable(store, object, name)?;
            let keys = values.iter().map(|it| literal(field.name, field.form, it));
            Test::In(field.name, keys.collect::<Result<_, _>>()?)
        }
        Condition::Join(name, query) => {
            *joins += 1;
            if !may_join || 2 < *joins {
                let message = "Semi join sub-selects are not supported here";
                return Err(wrong(400, "MALFORMED_QUERY", message));
            }
            let field = filterable(store, object, name)?;
            let of = store.object(&query.from)?;
            if of.name == object.name {
                let message = "The inner and outer selects should not be on the same object type";
                return Err(wrong(400, "MALFORMED_QUERY", message));
            }
            let ([theirs], None, []) =
                (query.fields.as_slice(), query.limit, query.order.as_slice())
            else {
                return Err(wrong(
                    400,
                    "MALFORMED_QUERY",
                    "a semi join selects one field",
                ));
            };
            let theirs = filterable(store, of, theirs)?.name;
            let mut found = HashSet::new();
            for row in rows(store, of, query, false)? {
                found.insert(key(store, row, theirs));
            }
            found.remove(&Key::Null);
            Test::In(field.name, found)
        }
    })
}

fn filterable(
    store: &Store,
    object: &'static Object,
    name: &str,
) -> Result<&'static super::schema::Field, Wrong> {
    let field = store.field(object, name)?;
    if matches!(field.form, Form::Long(_) | Form::Ids) {
        let message = format!("field '{name}' can not be filtered in a query call");
        return Err(wrong(400, "INVALID_FIELD", message));
    }
    Ok(field)
}

/// Reads a literal as a field has it.
fn literal(name: &str, form: Form, value: &Value) -> Result<Key, Wrong> {
    let mismatch = |must: &str| {
        let message =
            format!("value of filter criterion for field '{name}' must be of type {must}");
        wrong(400, "INVALID_FIELD", message)
    };
    match (form, value) {
        (_, Value::Null) => Ok(Key::Null),
        (Form::Truth, Value::Truth(it)) => Ok(Key::Truth(*it)),
        (Form::Truth, _) => Err(mismatch("boolean")),
        (Form::Time, Value::Bare(it)) => {
            let has_millis = it.contains('.');
            let time = Office::parse(it).filter(|_| !has_millis);
            time.map(Key::Number).ok_or_else(|| mismatch("dateTime"))
        }
        (Form::Time, _) => Err(mismatch("dateTime and should not be enclosed in quotes")),
        (Form::Date, Value::Bare(it)) if it.len() == 10 => Ok(Key::Text(it.clone())),
        (Form::Date, _) => Err(mismatch("date and should not be enclosed in quotes")),
        (Form::Number, Value::Bare(it)) => {
            it.parse().map(Key::Number).map_err(|_| mismatch("number"))
        }
        (Form::Number, _) => Err(mismatch("number")),
        (Form::Id(_), value) => {
            let text = value.text().ok_or_else(|| mismatch("string"))?;
            let known = id(&text).map(Key::Text);
            let message = format!("invalid ID field: {text}");
            known.ok_or_else(|| wrong(400, "INVALID_QUERY_FILTER_OPERATOR", message))
        }
        (_, value) => {
            let text = value.text().ok_or_else(|| mismatch("string"))?;
            // An empty text is what an empty field has.
            Ok(if text.is_empty() {
                Key::Null
            } else {
                Key::Text(text.to_lowercase())
            })
        }
    }
}

fn key(store: &Store, row: &Row, name: &str) -> Key {
    match name {
        "Id" => return Key::Text(row.id.clone()),
        "IsDeleted" => return Key::Truth(row.deleted.is_some()),
        "CreatedDate" => return Key::Number(row.created / 1_000 * 1_000),
        "SystemModstamp" | "LastModifiedDate" => return Key::Number(row.modified / 1_000 * 1_000),
        _ => {}
    }
    let form = store.form(row, name);
    match row.fields.get(name) {
        None | Some(Json::Null | Json::Array(_) | Json::Object(_)) => match form {
            Form::Truth => Key::Truth(false),
            _ => Key::Null,
        },
        Some(Json::Bool(it)) => Key::Truth(*it),
        Some(Json::Number(it)) => Key::Number(it.as_i64().unwrap_or_default()),
        Some(Json::String(it)) => match form {
            Form::Time => Key::Number(time_of(it).unwrap_or_default()),
            Form::Id(_) => Key::Text(it.clone()),
            _ => Key::Text(it.to_lowercase()),
        },
    }
}

fn holds(store: &Store, row: &Row, test: &Test) -> bool {
    match test {
        Test::All(parts) => parts.iter().all(|it| holds(store, row, it)),
        Test::Any(parts) => parts.iter().any(|it| holds(store, row, it)),
        Test::Not(part) => !holds(store, row, part),
        Test::In(name, keys) => keys.contains(&key(store, row, name)),
        Test::Like(name, parts) => match key(store, row, name) {
            Key::Text(text) => matches(&text.chars().collect::<Vec<_>>(), parts),
            _ => false,
        },
        Test::Compare(name, operator, value) => {
            let key = key(store, row, name);
            let order = key.cmp(value);
            match operator {
                Operator::Equal => order == Ordering::Equal,
                Operator::Unequal => order != Ordering::Equal,
                _ if key == Key::Null || *value == Key::Null => false,
                Operator::Less => order == Ordering::Less,
                Operator::AtMost => order != Ordering::Greater,
                Operator::More => order == Ordering::Greater,
                Operator::AtLeast => order != Ordering::Less,
                Operator::Like => false,
            }
        }
    }
}
