//! Setting the attributes of a record, those that change others with them included.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::schema::{Attribute, Entity, Kind, attribute, check_text};
use super::store::{Record, Store};

/// Sets what a request's body names; what is not to be written is ignored, as the server does, and noted.
pub(super) fn assign(
    store: &Store,
    record: &mut Record,
    body: &Value,
    violations: &mut Vec<String>,
) -> Result<(), Refusal> {
    let Some(members) = body.as_object() else {
        return Err(Refusal::bad("The body is no object.").violating());
    };
    // The title belongs to the primary account, so that one comes first.
    let (late, early): (Vec<_>, Vec<_>) = members.iter().partition(|it| it.0 == "title");
    for (name, value) in early.into_iter().chain(late) {
        let entity = record.entity.as_str();
        match attribute(record.entity, &store.custom, name) {
            None => violations.push(format!("body with unknown {entity}.{name}")),
            Some(it) if !it.writable => {
                violations.push(format!(
                    "body with {entity}.{name}, which is not to be written"
                ));
            }
            Some(it) => {
                check(record.entity, &it, value)?;
                set(record, name, value, violations)?;
            }
        }
    }
    let accounts = record.ids("accountsIds");
    if record
        .text("accountId")
        .is_some_and(|it| !accounts.contains(&it.to_owned()))
        && record.entity == Entity::Contact
    {
        return Err(Refusal::bad("accountId is not among accountsIds").violating());
    }
    if record.entity == Entity::Contact
        && record.text("accountId").is_none()
        && !accounts.is_empty()
    {
        return Err(Refusal::bad("accountsIds without an accountId").violating());
    }
    Ok(())
}

/// Whether a text looks like an address to the server.
pub(super) fn is_address(text: &str) -> bool {
    let plain = |it: &str| !it.is_empty() && !it.contains(['@', ' ', ';', ',', '<', '>']);
    text.rsplit_once('@')
        .is_some_and(|(local, domain)| plain(local) && plain(domain) && domain.contains('.'))
}

fn check(entity: Entity, known: &Attribute, value: &Value) -> Result<(), Refusal> {
    let fits = match (known.kind, value) {
        (_, Value::Null)
        | (Kind::Number, Value::Number(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Json, Value::Array(_) | Value::Object(_)) => true,
        (Kind::Ids, Value::Array(list)) => list.iter().all(Value::is_string),
        (Kind::Address, Value::String(text)) => is_address(text),
        (Kind::Text | Kind::Phone, Value::String(_)) => true,
        (Kind::Time | Kind::Date, Value::String(text)) => check_text(known.kind, text).is_ok(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Refusal::invalid(entity.as_str(), known.name, "valid"))
    }
}

/// Sets one attribute.
pub(super) fn set(
    record: &mut Record,
    name: &str,
    value: &Value,
    violations: &mut Vec<String>,
) -> Result<(), Refusal> {
    let value = match value {
        Value::String(text) if text.is_empty() => Value::Null,
        other => other.clone(),
    };
    match (record.entity, name) {
        (_, "emailAddress") => set_primary(record, "emailAddressData", name, &value)?,
        (_, "phoneNumber") => set_primary(record, "phoneNumberData", name, &value)?,
        (_, "emailAddressData") => set_list(record, name, "emailAddress", &value, violations)?,
        (_, "phoneNumberData") => set_list(record, name, "phoneNumber", &value, violations)?,
        (Entity::Contact, "accountId") => set_account(record, value),
        (Entity::Contact, "title") => {
            // Without an account there is no place for a title, and the server says nothing.
            if let Some(account) = record.text("accountId").map(str::to_owned) {
                let column = json!({account: {"role": value}});
                merge_columns(record, "accountsColumns", &column);
            }
        }
        (_, "accountsColumns" | "contactsColumns" | "usersColumns") => {
            merge_columns(record, name, &value);
        }
        _ => {
            record.fields.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// A new primary takes the place of the old one.
fn set_primary(
    record: &mut Record,
    list: &str,
    member: &str,
    value: &Value,
) -> Result<(), Refusal> {
    let mut rows = record.stored(list).as_array().cloned().unwrap_or_default();
    rows.retain(|it| {
        it.get("primary") != Some(&Value::Bool(true)) && it.get(member) != Some(value)
    });
    if !value.is_null() {
        rows.insert(0, json!({member: value, "primary": true}));
    } else if let Some(Value::Object(first)) = rows.first_mut() {
        first.insert("primary".to_owned(), true.into());
    }
    set_list(record, list, member, &Value::Array(rows), &mut Vec::new())
}

fn set_list(
    record: &mut Record,
    list: &str,
    member: &str,
    value: &Value,
    violations: &mut Vec<String>,
) -> Result<(), Refusal> {
    let invalid = || Refusal::invalid(record.entity.as_str(), member, "valid");
    let rows = match value {
        Value::Null => &Vec::new(),
        Value::Array(rows) => rows,
        _ => return Err(invalid()),
    };
    let primary = |it: &Value| it.get("primary") == Some(&Value::Bool(true));
    if !rows.is_empty() && rows.iter().filter(|it| primary(it)).count() != 1 {
        violations.push(format!("{list} wants exactly one primary"));
    }
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let text = row
            .get(member)
            .and_then(Value::as_str)
            .ok_or_else(invalid)?;
        for name in row.as_object().into_iter().flat_map(Map::keys) {
            let known = [member, "primary", "optOut", "invalid", "lower", "type"];
            if !known.contains(&name.as_str()) {
                violations.push(format!("unknown member {name} in {list}"));
            }
        }
        let flag = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or(false);
        let mut seen = Map::from_iter([
            (member.to_owned(), text.into()),
            ("primary".to_owned(), primary(row).into()),
            ("optOut".to_owned(), flag("optOut").into()),
            ("invalid".to_owned(), flag("invalid").into()),
        ]);
        if member == "emailAddress" {
            if !is_address(text) {
                return Err(invalid());
            }
            seen.insert("lower".to_owned(), text.to_lowercase().into());
        } else {
            let kind = row.get("type").and_then(Value::as_str).unwrap_or("Office");
            let kinds: &[&str] = match record.entity {
                Entity::Account => &["Office", "Mobile", "Fax", "Other"],
                _ => &["Mobile", "Office", "Home", "Fax", "Other"],
            };
            let loose = |it: char| it.is_ascii_alphanumeric() || "_@:#+()-. ".contains(it);
            if !kinds.contains(&kind) || !text.chars().all(loose) || text.is_empty() {
                return Err(invalid());
            }
            seen.insert("type".to_owned(), kind.into());
        }
        kept.push(Value::Object(seen));
    }
    record.fields.insert(list.to_owned(), kept.into());
    Ok(())
}

/// A new primary account joins the list; clearing it takes the old one off the list.
fn set_account(record: &mut Record, value: Value) {
    let mut accounts = record.ids("accountsIds");
    match value.as_str() {
        Some(id) if !accounts.iter().any(|it| it == id) => accounts.push(id.to_owned()),
        Some(_) => {}
        None => accounts.retain(|it| Some(it.as_str()) != record.text("accountId")),
    }
    record
        .fields
        .insert("accountsIds".to_owned(), accounts.into());
    record.fields.insert("accountId".to_owned(), value);
}

fn merge_columns(record: &mut Record, name: &str, value: &Value) {
    let mut columns = record.stored(name).as_object().cloned().unwrap_or_default();
    for (id, given) in value.as_object().into_iter().flatten() {
        let row = columns.entry(id.clone()).or_insert_with(|| json!({}));
        for (column, value) in given.as_object().into_iter().flatten() {
            if let Some(row) = row.as_object_mut() {
                row.insert(column.clone(), value.clone());
            }
        }
    }
    record.fields.insert(name.to_owned(), columns.into());
}
