//! Creating, changing, linking and deleting records, by the server's own rules.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::field;
use super::schema::{Entity, Link};
use super::store::{Record, Store};

/// Who makes a request.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) id: String,
    pub(super) admin: bool,
    /// Whether its role has the scope Import, which lifts the rule on the sender of an e-mail.
    pub(super) import: bool,
}

/// The user that the server's own jobs, such as fetching mail, act as.
const SYSTEM: &str = "system";

pub(super) fn create(
    store: &mut Store,
    actor: &Actor,
    entity: Entity,
    body: &Value,
    skip_duplicates: bool,
    violations: &mut Vec<String>,
) -> Result<Value, Refusal> {
    let mut record = Record {
        entity,
        id: String::new(),
        deleted: false,
        fields: defaults(entity),
    };
    field::assign(store, &mut record, body, violations)?;
    validate(store, &record)?;
    relate(store, &record)?;
    if !skip_duplicates {
        let found = duplicates(store, &record);
        if !found.is_empty() {
            return Err(Refusal::conflict("duplicate", Value::Array(found)));
        }
    }
    match entity {
        Entity::Email => archive(store, actor, &mut record, violations)?,
        Entity::Meeting => attend(&mut record),
        Entity::User => return Err(Refusal::forbidden("No create access.").violating()),
        Entity::Account | Entity::Contact | Entity::Opportunity => {}
    }
    record.id = store.next_id();
    for (name, value) in [
        ("createdAt", store.stamp().into()),
        ("modifiedAt", store.stamp().into()),
        ("createdById", actor.id.clone().into()),
        ("modifiedById", Value::Null),
        ("versionNumber", 1.into()),
    ] {
        record.fields.insert(name.to_owned(), value);
    }
    let seen = store.detail(&record);
    store.push(record);
    Ok(seen)
}

pub(super) fn update(
    store: &mut Store,
    actor: &Actor,
    (entity, id): (Entity, &str),
    body: &Value,
    version: Option<i64>,
    violations: &mut Vec<String>,
) -> Result<Value, Refusal> {
    let before = store.live(entity, id).ok_or_else(|| Refusal::missing(id))?;
    let before = before.clone();
    let mut record = before.clone();
    if entity == Entity::User {
        return Err(Refusal::forbidden("No edit access.").violating());
    }
    field::assign(store, &mut record, body, violations)?;
    let current = before.stored("versionNumber").as_i64();
    if entity.versioned() && version.is_some_and(|it| Some(it) != current) {
        let names = body.as_object().into_iter().flat_map(Map::keys);
        let changed = names.filter(|it| store.value(&before, it) != store.value(&record, it));
        let values = changed.map(|it| (it.clone(), store.value(&before, it)));
        let values = values.collect::<Map<_, _>>();
        if !values.is_empty() {
            let body = json!({"values": values, "versionNumber": current});
            return Err(Refusal::conflict("modified", body));
        }
    }
    if entity == Entity::Email {
        rewrite(store, actor, &before, &mut record)?;
    }
    validate(store, &record)?;
    relate(store, &record)?;
    if entity == Entity::Meeting {
        attend(&mut record);
    }
    for (name, value) in [
        ("modifiedAt", store.stamp().into()),
        ("modifiedById", actor.id.clone().into()),
        ("versionNumber", (current.unwrap_or(0) + 1).into()),
    ] {
        record.fields.insert(name.to_owned(), value);
    }
    let seen = store.detail(&record);
    if let Some(place) = store.live_mut(entity, id) {
        *place = record;
    }
    Ok(seen)
}

pub(super) fn delete(store: &mut Store, (entity, id): (Entity, &str)) -> Result<Value, Refusal> {
    let stamp = store.stamp();
    let record = store
        .live_mut(entity, id)
        .ok_or_else(|| Refusal::missing(id))?;
    record.deleted = true;
    record.fields.insert("modifiedAt".to_owned(), stamp.into());
    Ok(true.into())
}

/// Adds records to a link or takes them from it; neither touches `modifiedAt`.
pub(super) fn link(
    store: &mut Store,
    (entity, id): (Entity, &str),
    name: &str,
    body: &Value,
    add: bool,
) -> Result<Value, Refusal> {
    let (Entity::Meeting | Entity::Opportunity, Some(Link::Own(attribute, target))) =
        (entity, entity.link(name))
    else {
        return Err(Refusal::forbidden(&format!("Link '{name}' cannot be written.")).violating());
    };
    let ids = match (body.get("id"), body.get("ids")) {
        (Some(Value::String(one)), None) => vec![one.clone()],
        (None, Some(Value::Array(list))) => list
            .iter()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect(),
        _ => return Err(Refusal::bad("No 'id' or 'ids'.").violating()),
    };
    if store.live(entity, id).is_none() {
        return Err(Refusal::missing(id));
    }
    for one in &ids {
        if store.live(target, one).is_none() {
            return Err(Refusal::missing(one));
        }
    }
    if let Some(record) = store.live_mut(entity, id) {
        let mut linked = record.ids(attribute);
        linked.retain(|it| !ids.contains(it));
        if add {
            linked.extend(ids);
        }
        record.fields.insert(attribute.to_owned(), linked.into());
    }
    Ok(true.into())
}

fn defaults(entity: Entity) -> Map<String, Value> {
    let values = match entity {
        Entity::Email => json!({"status": "Archived", "isHtml": true}),
        Entity::Meeting => json!({"status": "Planned", "isAllDay": false}),
        Entity::Opportunity => json!({"stage": "Prospecting"}),
        Entity::User => json!({"isActive": true, "type": "regular"}),
        Entity::Account | Entity::Contact => json!({}),
    };
    values.as_object().cloned().unwrap_or_default()
}

fn validate(store: &Store, record: &Record) -> Result<(), Refusal> {
    let entity = record.entity;
    let invalid = |field: &str, kind: &str| Err(Refusal::invalid(entity.as_str(), field, kind));
    for name in entity.required() {
        if matches!(store.value(record, name), Value::Null) {
            return invalid(name, "required");
        }
    }
    for (name, value) in &record.fields {
        let Some(text) = value.as_str() else { continue };
        if entity.options(name).is_some_and(|it| !it.contains(&text)) {
            return invalid(name, "valid");
        }
        if entity
            .limit(name)
            .is_some_and(|it| text.chars().count() > it)
        {
            return invalid(name, "maxLength");
        }
        if entity.guarded().contains(&name.as_str()) && text.contains(['<', '>', '=']) {
            return invalid(name, "pattern");
        }
    }
    if entity == Entity::Email {
        for name in ["from", "to", "cc", "bcc"] {
            let list = record.text(name).into_iter().flat_map(|it| it.split(';'));
            for one in list {
                if !field::is_address(one.trim()) {
                    return invalid(name, "valid");
                }
            }
        }
    }
    if entity == Entity::Meeting {
        let pairs = [("dateStart", "dateEnd"), ("dateStartDate", "dateEndDate")];
        if pairs.iter().all(|(start, _)| record.text(start).is_none()) {
            return invalid("dateStart", "required");
        }
        for (start, end) in pairs {
            match (record.text(start), record.text(end)) {
                (Some(start), Some(end)) if end < start => return invalid("dateEnd", "after"),
                (Some(_), None) => return invalid("dateEnd", "required"),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Refuses links to what is not there.
fn relate(store: &Store, record: &Record) -> Result<(), Refusal> {
    if let Some(user) = record.text("assignedUserId") {
        let known = store.live(Entity::User, user);
        if known.is_none_or(|it| it.stored("isActive") == &Value::Bool(false)) {
            let reason = "Assignment failure: assigned user or team not allowed.";
            return Err(Refusal::forbidden(reason));
        }
    }
    let links = [
        ("accountId", Entity::Account),
        ("accountsIds", Entity::Account),
        ("contactsIds", Entity::Contact),
        ("usersIds", Entity::User),
    ];
    for (name, target) in links {
        if record
            .ids(name)
            .iter()
            .any(|it| store.live(target, it).is_none())
        {
            return Err(Refusal::unrelated(target.as_str()));
        }
    }
    if !record.ids("teamsIds").is_empty() {
        return Err(Refusal::unrelated("Team"));
    }
    match (record.text("parentType"), record.text("parentId")) {
        (None, None) => Ok(()),
        (Some(kind), Some(id)) => match Entity::parse(kind) {
            Some(Entity::Email | Entity::Meeting | Entity::User) | None => {
                Err(Refusal::bad(&format!("parentType {kind}")).violating())
            }
            Some(parent) if store.live(parent, id).is_some() => Ok(()),
            Some(_) => Err(Refusal::unrelated(kind)),
        },
        _ => Err(Refusal::bad("parentType and parentId go together").violating()),
    }
}

/// Finds records with the same name or an address in common.
fn duplicates(store: &Store, record: &Record) -> Vec<Value> {
    if !matches!(record.entity, Entity::Account | Entity::Contact) {
        return Vec::new();
    }
    let name = |it: &Record| {
        let parts = ["firstName", "lastName", "name"].map(|part| it.text(part).unwrap_or_default());
        parts.join("\0").to_lowercase()
    };
    let addresses = record.addresses();
    store
        .all(record.entity)
        .filter(|it| {
            name(it) == name(record) || it.addresses().iter().any(|one| addresses.contains(one))
        })
        .map(|it| store.detail(it))
        .collect()
}

/// The rules for an e-mail that a client writes down as having been sent or received.
fn archive(
    store: &mut Store,
    actor: &Actor,
    record: &mut Record,
    violations: &mut Vec<String>,
) -> Result<(), Refusal> {
    if record.text("status") != Some("Archived") {
        let reason = "any other status than Archived sends or drafts an e-mail";
        return Err(Refusal::forbidden(reason).violating());
    }
    if record.text("dateSent").is_none() {
        violations.push("an archived e-mail without dateSent".to_owned());
    }
    check_sender(store, actor, record)?;
    if !actor.admin || record.text("messageId").is_none() {
        let dummy = format!("dummy:{}", store.next_id());
        record.fields.insert("messageId".to_owned(), dummy.into());
    }
    Ok(())
}

fn check_sender(store: &Store, actor: &Actor, record: &Record) -> Result<(), Refusal> {
    let sender = record.text("from").unwrap_or_default().to_lowercase();
    let own = store.live(Entity::User, &actor.id);
    if actor.admin || actor.import || own.is_some_and(|it| it.addresses().contains(&sender)) {
        return Ok(());
    }
    Err(Refusal::forbidden("Not allowed 'from' address."))
}

/// Undoes silently what may not change in an e-mail.
fn rewrite(
    store: &Store,
    actor: &Actor,
    before: &Record,
    record: &mut Record,
) -> Result<(), Refusal> {
    if record.stored("from") != before.stored("from") {
        check_sender(store, actor, record)?;
    }
    let fetched = before.text("createdById") == Some(SYSTEM);
    let mut kept = vec!["messageId", "status"];
    if fetched && !actor.admin {
        kept.extend([
            "name", "from", "to", "cc", "bcc", "body", "isHtml", "dateSent",
        ]);
    }
    for name in kept {
        if actor.admin && name == "messageId" {
            continue;
        }
        let value = before.stored(name).clone();
        record.fields.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The assigned user attends, and a date without a time makes a meeting an all-day one.
fn attend(record: &mut Record) {
    let mut users = record.ids("usersIds");
    if let Some(assigned) = record.text("assignedUserId").map(str::to_owned)
        && !users.contains(&assigned)
    {
        users.push(assigned);
    }
    let all_day = record.text("dateStartDate").is_some();
    record.fields.insert("usersIds".to_owned(), users.into());
    record.fields.insert("isAllDay".to_owned(), all_day.into());
}
