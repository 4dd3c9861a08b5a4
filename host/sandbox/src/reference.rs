//! The ids that a record's fields hold of other records, found by the fields' shapes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::{Body, Field, Shape, identity};

/// Returns the ids that a body refers to.
pub(crate) fn ids(fields: &[Field], body: &Body) -> Vec<String> {
    let mut found = Vec::new();
    for field in fields {
        if let Some(value) = body.get(field.name) {
            collect(&field.shape, value, &mut found);
        }
    }
    found
}

/// Puts one id in the place of another; an element of a list that becomes a second one is dropped.
pub(crate) fn replace(fields: &[Field], body: &mut Body, old: &str, new: &str) {
    for field in fields {
        if let Some(value) = body.get_mut(field.name) {
            exchange(&field.shape, value, old, new);
        }
    }
}

fn collect(shape: &Shape, value: &Value, found: &mut Vec<String>) {
    match (shape, value) {
        (Shape::Id(_), Value::String(id)) => found.push(id.clone()),
        (Shape::Link, Value::Object(link)) => {
            found.extend(
                link.get("id")
                    .and_then(Value::as_str)
                    .map(ToOwned::to_owned),
            );
        }
        (Shape::Object(fields), Value::Object(body)) => found.extend(ids(fields, body)),
        (Shape::List(element, _), Value::Array(values)) => {
            for value in values {
                collect(element, value, found);
            }
        }
        _ => {}
    }
}

fn exchange(shape: &Shape, value: &mut Value, old: &str, new: &str) {
    match (shape, value) {
        (Shape::Id(_), Value::String(id)) if id == old => new.clone_into(id),
        (Shape::Link, Value::Object(link)) => {
            if let Some(Value::String(id)) = link.get_mut("id")
                && id == old
            {
                new.clone_into(id);
            }
        }
        (Shape::Object(fields), Value::Object(body)) => replace(fields, body, old, new),
        (Shape::List(element, key), Value::Array(values)) => {
            for value in values.iter_mut() {
                exchange(element, value, old, new);
            }
            let mut seen = BTreeSet::new();
            values.retain(|value| identity(value, *key).is_none_or(|it| seen.insert(it)));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ids, replace};
    use crate::opportunity::OPPORTUNITY;

    #[test]
    fn a_replaced_contact_takes_part_once() {
        let Value::Object(mut body) = json!({
            "name": "con_a",
            "account": "acc_a",
            "participants": [{"contact": "con_b", "role": "buyer"}, {"contact": "con_a"}]
        }) else {
            panic!("an object")
        };
        replace(OPPORTUNITY.fields, &mut body, "con_a", "con_b");
        assert_eq!(
            body["participants"],
            json!([{"contact": "con_b", "role": "buyer"}])
        );
        assert_eq!(body["name"], "con_a", "a text is not a reference");
        assert_eq!(ids(OPPORTUNITY.fields, &body), ["acc_a", "con_b"]);
    }
}
