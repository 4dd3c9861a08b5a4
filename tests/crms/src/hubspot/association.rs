//! Associations v4: which records belong together, and by which types.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::refusal::{Refused, known_members, members};
use super::{HubSpot, Object, Served};
use crate::{Answer, Request};

/// How two records belong together: HubSpot's own types, and the labels of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Types {
    pub(super) ids: BTreeSet<u64>,
    pub(super) labels: BTreeSet<String>,
}

/// The types of HubSpot's own, from one side and from the other; the first of a pair is the one without a label.
const TYPES: [(Object, Object, u64, u64); 11] = [
    (Object::Contact, Object::Company, 279, 280),
    (Object::Contact, Object::Company, 1, 2),
    (Object::Contact, Object::Deal, 4, 3),
    (Object::Deal, Object::Company, 341, 342),
    (Object::Deal, Object::Company, 5, 6),
    (Object::Email, Object::Contact, 198, 197),
    (Object::Email, Object::Company, 186, 185),
    (Object::Email, Object::Deal, 210, 209),
    (Object::Meeting, Object::Contact, 200, 199),
    (Object::Meeting, Object::Company, 188, 187),
    (Object::Meeting, Object::Deal, 212, 211),
];

/// The types that say "the main one", of which a record has one at the most.
const PRIMARY: [u64; 2] = [1, 5];

/// How many links of one record are answered at once.
const PAGE: usize = 500;

impl HubSpot {
    /// Links two records, by the type without a label and by this one.
    pub fn link(&mut self, from: (Object, &str), to: (Object, &str), id: u64) {
        self.join(from, to, id);
        let both = |it: &&(Object, Object, u64, u64)| {
            (it.0, it.1) == (from.0, to.0) || (it.1, it.0) == (from.0, to.0)
        };
        let Some(plain) = TYPES.iter().find(both) else {
            return;
        };
        let plain = if (plain.0, plain.1) == (from.0, to.0) {
            plain.2
        } else {
            plain.3
        };
        self.join(from, to, plain);
        // The first company of a record is its main one.
        for (one, other) in [(from, to), (to, from)] {
            let primary = match (one.0, other.0) {
                (Object::Contact, Object::Company) => 1,
                (Object::Deal, Object::Company) => 5,
                _ => continue,
            };
            if !self
                .linked(one.0, one.1, other.0)
                .any(|it| it.1.ids.contains(&primary))
            {
                self.join(one, other, primary);
            }
            self.tell_main(one.1, one.0);
        }
    }

    /// Gives a link a label of the account's own.
    pub fn label(&mut self, from: (Object, &str), to: (Object, &str), label: &str) {
        for (one, other) in [(from, to), (to, from)] {
            let links = self
                .links
                .entry((one.0, one.1.to_owned(), other.0))
                .or_default();
            let types = links.entry(other.1.to_owned()).or_default();
            types.labels.insert(label.to_owned());
        }
    }

    /// The records that a record is linked with.
    pub(super) fn linked(
        &self,
        from: Object,
        id: &str,
        to: Object,
    ) -> impl Iterator<Item = (&String, &Types)> {
        self.links
            .get(&(from, id.to_owned(), to))
            .into_iter()
            .flatten()
    }

    fn join(&mut self, from: (Object, &str), to: (Object, &str), id: u64) {
        for (one, other) in [(from, to), (to, from)] {
            let id = match one == from {
                true => Some(id),
                false => inverse(id),
            };
            let links = self
                .links
                .entry((one.0, one.1.to_owned(), other.0))
                .or_default();
            if let Some(id) = id.filter(|it| PRIMARY.contains(it)) {
                for types in links.values_mut() {
                    types.ids.remove(&id);
                }
            }
            links.entry(other.1.to_owned()).or_default().ids.extend(id);
        }
    }

    fn unlink(&mut self, from: (Object, &str), to: (Object, &str)) {
        for (one, other) in [(from, to), (to, from)] {
            if let Some(links) = self.links.get_mut(&(one.0, one.1.to_owned(), other.0)) {
                links.remove(other.1);
            }
            self.tell_main(one.1, one.0);
        }
    }

    /// Keeps the property of a contact that names its main company; it is no change of the contact.
    fn tell_main(&mut self, id: &str, object: Object) {
        if object == Object::Contact {
            let main = {
                let mut links = self.linked(Object::Contact, id, Object::Company);
                links
                    .find(|it| it.1.ids.contains(&1))
                    .map(|it| it.0.clone())
            };
            self.table(Object::Contact).touch(id, |it| match main {
                Some(main) => drop(
                    it.fields
                        .insert("associatedcompanyid".to_owned(), main.into()),
                ),
                None => drop(it.fields.remove("associatedcompanyid")),
            });
        }
    }

    /// Reads the links that a record is made with: targets that are there, and types of this pair.
    pub(super) fn new_links(
        &self,
        from: Object,
        links: &Value,
    ) -> Result<Vec<(Object, String, u64)>, Refused> {
        let mut read = Vec::new();
        for link in links
            .as_array()
            .ok_or_else(|| Refused::unknown("associations is no list"))?
        {
            let link = link
                .as_object()
                .ok_or_else(|| Refused::unknown("an association is no object"))?;
            known_members(link, &["to", "types"])?;
            let id = id_of(link.get("to"))?;
            for (to, type_id) in types_of(from, link.get("types"))? {
                if self.tables[&to].live(&id).is_none() {
                    return Err(Refused::invalid(format!(
                        "No {} with ID {id} exists",
                        to.word()
                    )));
                }
                read.push((to, id.clone(), type_id));
            }
        }
        Ok(read)
    }

    pub(super) fn associations(
        &mut self,
        request: &Request,
        from: Object,
        to: Object,
        verb: &str,
    ) -> Served {
        let body = members(request, &["inputs"])?;
        let inputs = body.get("inputs").and_then(Value::as_array);
        let inputs = inputs.ok_or_else(|| Refused::unknown("inputs is no list"))?;
        let most = match verb {
            "read" => 1_000,
            "create" => 2_000,
            "archive" => 100,
            _ => return Err(Refused::NoPath),
        };
        if inputs.is_empty() || most < inputs.len() {
            return Err(Refused::unknown(format!(
                "inputs has {} elements, and 1 to {most} are allowed",
                inputs.len()
            )));
        }
        match verb {
            "read" => self.read_links(from, to, inputs),
            "create" => self.create_links(from, to, inputs),
            _ => self.archive_links(from, to, inputs),
        }
    }

    fn read_links(&self, from: Object, to: Object, inputs: &[Value]) -> Served {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let input = input
                .as_object()
                .ok_or_else(|| Refused::unknown("an input is no object"))?;
            known_members(input, &["id", "after"])?;
            let id = id_of(Some(&Value::Object(input.clone())))?;
            if self.broken.contains(&id) {
                errors.push(json!({
                    "status": "error", "category": "INTERNAL_ERROR", "message": "internal error",
                    "context": { "fromObjectId": [id] },
                }));
                continue;
            }
            let after = input
                .get("after")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let mut links = self
                .linked(from, &id, to)
                .filter(|it| it.0.as_str() > after && self.tables[&to].live(it.0).is_some());
            let page: Vec<Value> = links
                .by_ref()
                .take(PAGE)
                .map(|(id, types)| answered(id, types))
                .collect();
            let last = page.last().map(|it| it["toObjectId"].to_string());
            let more = links.next().is_some();
            if page.is_empty() {
                errors.push(json!({
                    "status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": format!("No {} is associated with {} {id}.", to.word(), from.word()),
                    "context": { "fromObjectId": [id], "fromObjectType": [from.word()], "toObjectType": [to.word()] },
                }));
                continue;
            }
            let mut result = json!({ "from": { "id": id }, "to": page });
            if let (true, Some(last)) = (more, last) {
                result["paging"] = json!({ "next": { "after": last, "link": "" } });
            }
            results.push(result);
        }
        Ok(super::object::batch(results, errors, 200))
    }

    fn create_links(&mut self, from: Object, to: Object, inputs: &[Value]) -> Served {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let input = input
                .as_object()
                .ok_or_else(|| Refused::unknown("an input is no object"))?;
            known_members(input, &["from", "to", "types"])?;
            let (one, other) = (id_of(input.get("from"))?, id_of(input.get("to"))?);
            let types = types_of(from, input.get("types"))?;
            if types.iter().any(|it| it.0 != to) {
                return Err(Refused::invalid("the type is not one of these two kinds"));
            }
            if self.tables[&from].live(&one).is_none() || self.tables[&to].live(&other).is_none() {
                errors.push(json!({
                    "status": "error", "category": "VALIDATION_ERROR", "context": { "fromObjectId": [one] },
                    "message": format!("One of the records {one} and {other} does not exist"),
                }));
                continue;
            }
            for (_, id) in types {
                self.link((from, &one), (to, &other), id);
            }
            results.push(json!({ "fromObjectTypeId": from.type_id(), "fromObjectId": one, "toObjectTypeId": to.type_id(), "toObjectId": other, "labels": [] }));
        }
        Ok(super::object::batch(results, errors, 201))
    }

    fn archive_links(&mut self, from: Object, to: Object, inputs: &[Value]) -> Served {
        for input in inputs {
            let input = input
                .as_object()
                .ok_or_else(|| Refused::unknown("an input is no object"))?;
            known_members(input, &["from", "to"])?;
            let one = id_of(input.get("from"))?;
            let others = input.get("to").and_then(Value::as_array);
            for other in others.ok_or_else(|| Refused::unknown("to is no list"))? {
                let other = id_of(Some(other))?;
                self.unlink((from, &one), (to, &other));
            }
        }
        Ok(Answer::empty(204))
    }
}

fn answered(id: &str, types: &Types) -> Value {
    let own = types.ids.iter().map(|id| {
        let label = PRIMARY.contains(id).then_some("Primary");
        json!({ "category": "HUBSPOT_DEFINED", "typeId": id, "label": label })
    });
    let labels = types
        .labels
        .iter()
        .map(|it| json!({ "category": "USER_DEFINED", "typeId": 37, "label": it }));
    // As a number, unlike everywhere else.
    let number: u64 = id.parse().unwrap_or_default();
    json!({ "toObjectId": number, "associationTypes": own.chain(labels).collect::<Vec<_>>() })
}

fn inverse(id: u64) -> Option<u64> {
    TYPES.iter().find_map(|it| match id {
        id if it.2 == id => Some(it.3),
        id if it.3 == id => Some(it.2),
        _ => None,
    })
}

fn id_of(value: Option<&Value>) -> Result<String, Refused> {
    let id = value.and_then(|it| it.get("id")).and_then(Value::as_str);
    let id = id.ok_or_else(|| Refused::unknown("there is no id, or it is no text"))?;
    if id.is_empty() || !id.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Refused::unknown(format!("{id:?} is no id")));
    }
    Ok(id.to_owned())
}

/// Reads types, and to which kinds they lead.
fn types_of(from: Object, types: Option<&Value>) -> Result<Vec<(Object, u64)>, Refused> {
    let types = types.and_then(Value::as_array).filter(|it| !it.is_empty());
    let mut read = Vec::new();
    for it in types.ok_or_else(|| Refused::unknown("there are no types"))? {
        let it = it
            .as_object()
            .ok_or_else(|| Refused::unknown("a type is no object"))?;
        known_members(it, &["associationCategory", "associationTypeId"])?;
        let id = it
            .get("associationTypeId")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        let known = TYPES.iter().find_map(|known| match from {
            from if (known.0, known.2) == (from, id) => Some(known.1),
            from if (known.1, known.3) == (from, id) => Some(known.0),
            _ => None,
        });
        let is_own = it.get("associationCategory") == Some(&json!("HUBSPOT_DEFINED"));
        let to = known.filter(|_| is_own && 0 < id);
        let to =
            to.ok_or_else(|| Refused::unknown(format!("{} has no type {it:?}", from.word())))?;
        read.push((to, id));
    }
    Ok(read)
}
