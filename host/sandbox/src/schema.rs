//! The shape of every record's fields, and the strict check of a body against it.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::clock;
use crate::failure::{Failure, FieldFailure};

/// The fields of a record, by name.
pub(crate) type Body = Map<String, Value>;

/// One field of a record or of a part of one.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) rule: Rule,
}

/// When a field may and must be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// May be absent, and may change.
    Optional,
    /// Must be given on creation, and cannot be cleared.
    Required,
    /// May be given on creation, and never changes.
    Fixed,
}

/// What values a field takes.
pub(crate) enum Shape {
    /// Text of at most so many characters.
    Text(usize),
    Bool,
    /// A whole number, not negative.
    Count,
    /// RFC 3339.
    Time,
    /// `YYYY-MM-DD`.
    Date,
    /// A time or a date.
    Moment,
    Address,
    Domain,
    /// A decimal number as text, such as `"1250.00"`.
    Decimal,
    /// Three capital letters, as ISO 4217 has them.
    Currency,
    Base64,
    OneOf(&'static [&'static str]),
    /// The id of a record of this kind.
    Id(&'static str),
    /// `{kind, id}` of a record of any kind that can be linked.
    Link,
    Object(&'static [Field]),
    /// A list whose elements are told apart by the member named here, or by themselves.
    List(&'static Self, Option<&'static str>),
    /// Custom fields: names of the customer's own with plain values.
    Custom,
}

/// The longest list that a field takes.
pub(crate) const LONGEST_LIST: usize = 500;

const LINKED: &[&str] = &["account", "contact", "opportunity", "user"];

impl Field {
    pub(crate) const fn optional(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            rule: Rule::Optional,
        }
    }

    pub(crate) const fn required(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            rule: Rule::Required,
        }
    }

    pub(crate) const fn fixed(name: &'static str, shape: Shape) -> Self {
        Self {
            name,
            shape,
            rule: Rule::Fixed,
        }
    }
}

/// What a check has found: the faults, and the records that have to exist.
#[derive(Default)]
pub(crate) struct Check {
    faults: Vec<FieldFailure>,
    /// (field, kind, id)
    pub(crate) references: Vec<(String, String, String)>,
}

impl Check {
    /// Checks a whole body, and returns it with its times in the API's own form.
    pub(crate) fn body(&mut self, fields: &[Field], body: Body) -> Body {
        self.object(fields, body, "")
    }

    /// Checks the value of one field.
    pub(crate) fn value(&mut self, shape: &Shape, value: Value, path: &str) -> Value {
        let checked = match (shape, value) {
            (Shape::Object(fields), Value::Object(members)) => {
                return Value::Object(self.object(fields, members, path));
            }
            (Shape::List(element, key), Value::Array(values)) => {
                return self.list(element, *key, values, path);
            }
            (Shape::Custom, Value::Object(members)) => {
                for (name, value) in &members {
                    self.custom(name, value, path);
                }
                return Value::Object(members);
            }
            (Shape::Link, Value::Object(members)) => return self.link(members, path),
            (Shape::Bool, value @ Value::Bool(_)) => Ok(value),
            (Shape::Count, Value::Number(number)) if number.is_u64() => Ok(Value::Number(number)),
            (Shape::Id(kind), Value::String(id)) => {
                self.references
                    .push((path.to_owned(), (*kind).to_owned(), id.clone()));
                Ok(Value::String(id))
            }
            (_, Value::String(text)) => scalar(shape, text),
            _ => Err("is of the wrong type"),
        };
        checked.unwrap_or_else(|expected| {
            let message = format!("{path} {expected}");
            self.fault(path, "invalid", message);
            Value::Null
        })
    }

    /// Checks one custom field.
    pub(crate) fn custom(&mut self, name: &str, value: &Value, path: &str) {
        let named = !name.is_empty()
            && name.len() <= 40
            && name
                .bytes()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
        if !named {
            self.fault(
                &join(path, name),
                "invalid",
                "the name of a custom field has 1 to 40 of a-z, 0-9 and _",
            );
        }
        let plain = match value {
            Value::String(text) => text.chars().count() <= 2000,
            Value::Bool(_) | Value::Number(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !plain {
            let message = "a custom field takes text of up to 2000 characters, a number or a bool";
            self.fault(&join(path, name), "invalid", message);
        }
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.faults.push(FieldFailure {
            field: field.to_owned(),
            code,
            message,
        });
    }

    /// Ends the check: refuses if anything was wrong.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Failure::invalid(self.faults))
        }
    }

    fn object(&mut self, fields: &[Field], members: Body, path: &str) -> Body {
        for field in fields.iter().filter(|it| it.rule == Rule::Required) {
            if members.get(field.name).is_none_or(Value::is_null) {
                let path = join(path, field.name);
                self.fault(&path, "required", format!("{path} is missing"));
            }
        }
        let mut checked = Body::new();
        // A member that is null is one that is not there.
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
            let path = join(path, &name);
            match fields.iter().find(|it| it.name == name) {
                Some(field) => {
                    let value = self.value(&field.shape, value, &path);
                    checked.insert(name, value);
                }
                None => self.fault(&path, "unknown_field", format!("there is no field {path}")),
            }
        }
        checked
    }

    fn list(
        &mut self,
        element: &Shape,
        key: Option<&str>,
        values: Vec<Value>,
        path: &str,
    ) -> Value {
        if LONGEST_LIST < values.len() {
            self.fault(
                path,
                "too_long",
                format!("{path} takes at most {LONGEST_LIST} elements"),
            );
            return Value::Null;
        }
        let mut seen = BTreeSet::new();
        let mut checked = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            let value = self.value(element, value, &path);
            if let Some(identity) = identity(&value, key)
                && !seen.insert(identity)
            {
                self.fault(
                    &path,
                    "repeated",
                    format!("{path} stands in the list twice"),
                );
            }
            checked.push(value);
        }
        Value::Array(checked)
    }

    fn link(&mut self, members: Body, path: &str) -> Value {
        const FIELDS: &[Field] = &[
            Field::required("kind", Shape::OneOf(LINKED)),
            Field::required("id", Shape::Text(64)),
        ];
        let members = self.object(FIELDS, members, path);
        if let (Some(Value::String(kind)), Some(Value::String(id))) =
            (members.get("kind"), members.get("id"))
        {
            self.references
                .push((path.to_owned(), kind.clone(), id.clone()));
        }
        Value::Object(members)
    }
}

/// What tells an element of a list from the others, without regard to case.
pub(crate) fn identity(element: &Value, key: Option<&str>) -> Option<String> {
    let value = match key {
        Some(key) => element.get(key)?,
        None => element,
    };
    match value {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn scalar(shape: &Shape, text: String) -> Result<Value, &'static str> {
    let fits = |fits: bool, expected: &'static str| if fits { Ok(()) } else { Err(expected) };
    match shape {
        Shape::Text(longest) => {
            fits(text.chars().count() <= *longest, "is too long")?;
            fits(!text.contains('\0'), "must not hold a NUL character")?;
        }
        Shape::Time => return time(&text).ok_or("takes a time in RFC 3339 with an offset"),
        Shape::Date => fits(clock::is_date(&text), "takes a date, YYYY-MM-DD")?,
        Shape::Moment if clock::is_date(&text) => {}
        Shape::Moment => return time(&text).ok_or("takes a time in RFC 3339 or a date"),
        Shape::Address => {
            let sound = text.len() <= 254
                && text
                    .rsplit_once('@')
                    .is_some_and(|(local, host)| !local.is_empty() && is_host(host))
                && !text.chars().any(|it| it.is_control() || it == ' ');
            fits(sound, "takes an e-mail address")?;
        }
        Shape::Domain => fits(is_host(&text), "takes a domain such as example.com")?,
        Shape::Decimal => fits(
            is_decimal(&text),
            "takes a decimal number as text, such as \"12.50\"",
        )?,
        Shape::Currency => {
            let sound = text.len() == 3 && text.bytes().all(|it| it.is_ascii_uppercase());
            fits(sound, "takes a currency code of ISO 4217, such as \"EUR\"")?;
        }
        Shape::Base64 => {
            let sound = base64::engine::general_purpose::STANDARD
                .decode(&text)
                .is_ok();
            fits(sound, "takes base64 with padding")?;
        }
        Shape::OneOf(values) => fits(
            values.contains(&text.as_str()),
            "takes one of a fixed list of words",
        )?,
        Shape::Bool
        | Shape::Count
        | Shape::Id(_)
        | Shape::Link
        | Shape::Object(_)
        | Shape::List(..)
        | Shape::Custom => return Err("is of the wrong type"),
    }
    Ok(Value::String(text))
}

fn time(text: &str) -> Option<Value> {
    clock::parse(text).map(|it| Value::String(clock::format(it)))
}

fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|it| it.is_alphanumeric() || it == '-' || it == '_')
        })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    text.len() <= 24 && all(whole) && all(fraction)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
