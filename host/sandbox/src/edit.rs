//! Patches: what to set, clear, add and remove; what is not named is left alone.

use serde_json::Value;

use crate::failure::Failure;
use crate::resource::Resource;
use crate::schema::{Body, Check, Field, LONGEST_LIST, Rule, Shape, identity};

const CUSTOM: &str = "custom.";

/// Applies a patch to a body: first `clear`, then `set`, `remove` and `add`.
///
/// A refused patch may leave the body half changed, so the caller must not keep it then.
pub(crate) fn apply(
    resource: &Resource,
    body: &mut Body,
    mut patch: Body,
) -> Result<Check, Failure> {
    let mut edit = Edit {
        fields: resource.fields,
        body,
        check: Check::default(),
    };
    let clear = match patch.remove("clear") {
        None => Vec::new(),
        Some(Value::Array(names)) => names,
        Some(_) => edit.malformed("clear", "clear takes a list of names"),
    };
    for name in clear {
        match name {
            Value::String(name) => edit.clear(&name),
            _ => edit
                .check
                .fault("clear", "invalid", "clear takes a list of names"),
        }
    }
    for (name, value) in edit.part(&mut patch, "set") {
        edit.set(name, value);
    }
    for (name, value) in edit.part(&mut patch, "remove") {
        edit.remove(&name, &value);
    }
    for (name, value) in edit.part(&mut patch, "add") {
        edit.add(&name, value);
    }
    for name in patch.keys() {
        let message = "a patch has the members set, clear, add and remove";
        edit.check.fault(name, "unknown_field", message);
    }
    Ok(edit.check)
}

struct Edit<'a> {
    fields: &'static [Field],
    body: &'a mut Body,
    check: Check,
}

impl Edit<'_> {
    fn part(&mut self, patch: &mut Body, name: &str) -> Body {
        match patch.remove(name) {
            None => Body::new(),
            Some(Value::Object(part)) => part,
            Some(_) => self.malformed(name, "set, add and remove take an object of fields"),
        }
    }

    fn malformed<T: Default>(&mut self, name: &str, message: &str) -> T {
        self.check.fault(name, "invalid", message);
        T::default()
    }

    fn clear(&mut self, name: &str) {
        if let Some(custom) = name.strip_prefix(CUSTOM) {
            if let Some(Value::Object(fields)) = self.body.get_mut("custom") {
                fields.remove(custom);
            }
            return;
        }
        match self.field(name) {
            Some(field) if field.rule == Rule::Required => {
                self.check
                    .fault(name, "required", format!("{name} cannot be cleared"));
            }
            Some(_) => {
                self.body.remove(name);
            }
            None => {}
        }
    }

    fn set(&mut self, name: String, value: Value) {
        if value.is_null() {
            self.check.fault(
                &name,
                "invalid",
                format!("{name} is null: name it under `clear` instead"),
            );
            return;
        }
        if let Some(custom) = name.strip_prefix(CUSTOM)
            && self.fields.iter().any(|it| it.name == "custom")
        {
            self.check.custom(custom, &value, "custom");
            if let Value::Object(fields) = self
                .body
                .entry("custom")
                .or_insert_with(|| Value::Object(Body::new()))
            {
                fields.insert(custom.to_owned(), value);
            }
            return;
        }
        if let Some(field) = self.field(&name) {
            let value = self.check.value(&field.shape, value, &name);
            self.body.insert(name, value);
        }
    }

    fn remove(&mut self, name: &str, value: &Value) {
        let Some((_, key)) = self.list(name) else {
            return;
        };
        let gone: Vec<_> = elements(value)
            .iter()
            .filter_map(|it| identity(it, key))
            .collect();
        if gone.len() != elements(value).len() {
            self.check.fault(
                name,
                "invalid",
                format!("what to remove from {name} is not told by its key"),
            );
        }
        if let Some(Value::Array(values)) = self.body.get_mut(name) {
            values.retain(|it| identity(it, key).is_none_or(|it| !gone.contains(&it)));
        }
    }

    fn add(&mut self, name: &str, value: Value) {
        let Some((shape, key)) = self.list(name) else {
            return;
        };
        let value = if value.is_array() {
            value
        } else {
            Value::Array(vec![value])
        };
        let Value::Array(added) = self.check.value(shape, value, name) else {
            return;
        };
        let list = self
            .body
            .entry(name.to_owned())
            .or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(values) = list else { return };
        for element in added {
            // One that is there already is replaced, so that adding twice is adding once.
            let same = values
                .iter_mut()
                .find(|it| identity(it, key) == identity(&element, key));
            match same {
                Some(there) => *there = element,
                None => values.push(element),
            }
        }
        if LONGEST_LIST < values.len() {
            self.check.fault(
                name,
                "too_long",
                format!("{name} takes at most {LONGEST_LIST} elements"),
            );
        }
    }

    fn list(&mut self, name: &str) -> Option<(&'static Shape, Option<&'static str>)> {
        let field = self.field(name)?;
        if let Shape::List(_, key) = &field.shape {
            return Some((&field.shape, *key));
        }
        self.check.fault(
            name,
            "invalid",
            format!("{name} is no list: set it instead"),
        );
        None
    }

    fn field(&mut self, name: &str) -> Option<&'static Field> {
        let field = self.fields.iter().find(|it| it.name == name);
        match field {
            None => self
                .check
                .fault(name, "unknown_field", format!("there is no field {name}")),
            Some(field) if field.rule == Rule::Fixed => {
                self.check
                    .fault(name, "read_only", format!("{name} cannot change"));
                return None;
            }
            Some(_) => {}
        }
        field
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::apply;
    use crate::contact::CONTACT;
    use crate::schema::Body;

    fn ada() -> Body {
        let body = json!({
            "full_name": "Ada", "title": "Dr",
            "emails": [{"address": "ada@example.com"}], "custom": {"tier": "gold", "seats": 4}
        });
        serde_json::from_value(body).unwrap()
    }

    fn patched(patch: Value) -> Result<Body, Value> {
        let mut body = ada();
        let patch = serde_json::from_value(patch).unwrap();
        let outcome = apply(&CONTACT, &mut body, patch).and_then(super::Check::finish);
        outcome
            .map(|()| body)
            .map_err(|it| serde_json::to_value(it).unwrap())
    }

    /// Checks which fields of the body a patch changes, and to what; null stands for none.
    #[track_caller]
    fn check(patch: Value, expected: Value) {
        let mut whole = ada();
        for (name, value) in serde_json::from_value::<Body>(expected).unwrap() {
            if value.is_null() {
                whole.remove(&name);
            } else {
                whole.insert(name, value);
            }
        }
        assert_eq!(patched(patch), Ok(whole));
    }

    /// Checks what is wrong with a patch, as `field: code`.
    #[track_caller]
    fn check_refused(patch: Value, expected: &[&str]) {
        let failure = patched(patch).unwrap_err();
        let faults = failure["fields"].as_array().unwrap().iter();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let mut faults: Vec<_> = faults
            .map(|it| format!("{}: {}", text(&it["field"]), text(&it["code"])))
            .collect();
        faults.sort();
        assert_eq!(faults, expected);
    }

    #[test]
    fn what_is_not_named_is_left_alone() {
        check(json!({}), json!({}));
        check(
            json!({"clear": ["title", "custom.tier"]}),
            json!({"title": null, "custom": {"seats": 4}}),
        );
        check(
            json!({"set": {"custom.tier": "iron", "title": "Prof"}}),
            json!({"title": "Prof", "custom": {"tier": "iron", "seats": 4}}),
        );
        check(
            json!({"clear": ["title"], "set": {"title": "Prof"}}),
            json!({"title": "Prof"}),
        );
    }

    #[test]
    fn an_element_is_added_once_and_removed_by_its_key() {
        check(
            json!({"add": {"emails": {"address": "ADA@example.com", "label": "work"}}}),
            json!({"emails": [{"address": "ADA@example.com", "label": "work"}]}),
        );
        check(
            json!({"remove": {"emails": [{"address": "ada@EXAMPLE.com"}]}}),
            json!({"emails": []}),
        );
        check(
            json!({"remove": {"emails": [{"address": "bob@example.com"}]}}),
            json!({}),
        );
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        check_refused(
            json!({"set": {"colour": "red", "title": null, "emails": [{"adress": "a@b.c"}]}}),
            &[
                "colour: unknown_field",
                "emails[0].address: required",
                "emails[0].adress: unknown_field",
                "title: invalid",
            ],
        );
        check_refused(
            json!({"clear": ["full_name", "colour", "custom.x", 5], "shout": {}}),
            &[
                "clear: invalid",
                "colour: unknown_field",
                "full_name: required",
                "shout: unknown_field",
            ],
        );
        check_refused(
            json!({"add": {"title": "Dr"}, "remove": {"emails": "ada"}, "set": []}),
            &["emails: invalid", "set: invalid", "title: invalid"],
        );
    }
}
