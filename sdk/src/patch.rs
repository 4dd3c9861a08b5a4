//! Typed reading of patches.
//!
//! Take what the CRM can write, field by field; [`Fields::rest`] names what was not taken, for `incomplete`:
//!
//! ```
//! use brightsync_sdk::{ContactPoint, Edit, Patch, Written};
//! use brightsync_sdk::patch::{Change, Fields};
//!
//! #[derive(Default, serde::Serialize)]
//! struct Body {
//!     #[serde(skip_serializing_if = "Option::is_none")]
//!     job: Option<Change<String>>,
//!     #[serde(skip_serializing_if = "Option::is_none")]
//!     mails: Option<Vec<String>>,
//! }
//!
//! # let patch = Patch::new(vec![
//! #     ("title".to_owned(), Edit::Clear),
//! #     ("emails".to_owned(), Edit::Add(r#"{"value":"ann@b.example"}"#.to_owned())),
//! #     ("extra.tier".to_owned(), Edit::Set("3".to_owned())),
//! # ]);
//! let mut fields = Fields::from(&patch);
//! let mut body = Body { job: fields.value("title")?, ..Body::default() };
//! if let Some(edits) = fields.list::<ContactPoint>("emails")? {
//!     // Read from the CRM, unless `edits.is_whole()`.
//!     let now = vec![ContactPoint::primary("ann@a.example")];
//!     let then = edits.apply(now, |one, other| one.value == other.value);
//!     body.mails = Some(then.into_iter().map(|it| it.value).collect());
//! }
//! let written = Written { incomplete: fields.rest(), ..Written::new("7") };
//!
//! assert_eq!(serde_json::to_string(&body)?, r#"{"job":null,"mails":["ann@a.example","ann@b.example"]}"#);
//! assert_eq!(written.incomplete[0].field.as_deref(), Some("extra.tier"));
//! # Ok::<(), brightsync_sdk::Error>(())
//! ```
//!
//! A CRM that takes changes as they are needs no more than a [`Draft`], which serves creations as well.

mod draft;
mod fresh;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::draft::{Changes, Draft};
use crate::json::{FromJson, Notes};
use crate::{Attachment, Edit, Error, InvalidField, Patch, Result, json};

/// The edits of a patch that have not been taken yet, or the values of a new record.
#[derive(Debug, Default)]
pub struct Fields {
    /// In the order of their first occurrence.
    given: Vec<(String, Given)>,
    attachments: Vec<Attachment>,
    left_out: Vec<InvalidField>,
}

/// What is given for one field.
#[derive(Debug)]
enum Given {
    /// By a patch.
    Edits(Vec<Edit>),
    /// By a new record, which has nothing to be edited.
    Value(Value),
}

/// Maps one value of a patch to what the CRM has for it.
type Map<'a> = dyn Fn(&Value, &Notes) -> Option<Value> + 'a;

/// Additions (true) and removals, in order.
type Steps = Vec<(bool, Value)>;

/// What is to become of a field with one value.
///
/// Serialised, `Clear` is `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// It gets this value.
    Set(T),
    /// It becomes empty.
    Clear,
}

/// What is to become of a field with a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListEdits<T> {
    /// Whether nothing is left of the present list.
    whole: bool,
    /// Additions (true) and removals, in order.
    steps: Vec<(bool, T)>,
}

/// What becomes of a list in the end, for CRMs whose requests say "add" and "remove" themselves.
#[derive(Debug, Clone, PartialEq)]
pub enum ListChange<T> {
    /// It is replaced by this one.
    Whole(Vec<T>),
    /// Elements are removed and added; none is in both lists.
    Parts {
        /// What is added, unless it is there.
        add: Vec<T>,
        /// What is removed, if it is there.
        remove: Vec<T>,
    },
}

impl Fields {
    /// Whether nothing is left to take.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.attachments.is_empty()
    }

    /// Takes the edits of a field with one value; none if the patch leaves it alone.
    ///
    /// Edits are applied in order, so the last one counts; `add` and `remove` are `invalid` here.
    pub fn value<T: FromJson>(&mut self, field: &str) -> Result<Option<Change<T>>> {
        Ok(match self.last(field)? {
            None => None,
            Some(Value::Null) => Some(Change::Clear),
            Some(value) => {
                let notes = Notes::default();
                let value = T::from_json(&value, &notes);
                fit(field, notes)?;
                Some(Change::Set(value))
            }
        })
    }

    /// Takes the edits of a field with a list; none if the patch leaves it alone.
    pub fn list<T: FromJson>(&mut self, field: &str) -> Result<Option<ListEdits<T>>> {
        let Some((whole, values)) = self.steps(field)? else {
            return Ok(None);
        };
        let notes = Notes::default();
        let mut steps = Vec::with_capacity(values.len());
        for (adds, value) in &values {
            steps.push((*adds, T::from_json(value, &notes)));
        }
        fit(field, notes)?;
        Ok(Some(ListEdits { whole, steps }))
    }

    /// Takes the edits of a field with one value, as what the CRM's JSON has for it.
    ///
    /// A value that maps to none has no place in this CRM: it is left alone, and [`rest`](Self::rest) names it.
    pub fn value_as<T: FromJson, U: Into<Value>>(
        &mut self,
        field: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Result<Option<Change<Value>>> {
        self.mapped_value(field, &|value, notes| {
            map(T::from_json(value, notes)).map(Into::into)
        })
    }

    /// Takes the edits of a field with a list likewise, element by element.
    pub fn list_as<T: FromJson, U: Into<Value>>(
        &mut self,
        field: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Result<Option<ListEdits<Value>>> {
        self.mapped_list(field, &|value, notes| {
            map(T::from_json(value, notes)).map(Into::into)
        })
    }

    /// Takes the edits of all custom fields, by the CRM's own names.
    pub fn extra(&mut self) -> Result<BTreeMap<String, Change<Value>>> {
        let is_custom =
            |name: &str| name.starts_with("extra.") && !name.starts_with("extra.brightsync.");
        let fields: Vec<String> = self.given.iter().map(|(name, _)| name.clone()).collect();
        let mut extra = BTreeMap::new();
        for field in fields.into_iter().filter(|it| is_custom(it)) {
            if let (Some(name), Some(change)) = (field.strip_prefix("extra."), self.value(&field)?)
            {
                extra.insert(name.to_owned(), change);
            }
        }
        Ok(extra)
    }

    fn mapped_value(&mut self, field: &str, map: &Map<'_>) -> Result<Option<Change<Value>>> {
        let value = match self.last(field)? {
            None => return Ok(None),
            Some(Value::Null) => return Ok(Some(Change::Clear)),
            Some(value) => value,
        };
        let notes = Notes::default();
        let mapped = map(&value, &notes);
        fit(field, notes)?;
        let gone = usize::from(mapped.is_none());
        self.left_out
            .extend(InvalidField::without_place(field, gone));
        Ok(mapped.map(Change::Set))
    }

    fn mapped_list(&mut self, field: &str, map: &Map<'_>) -> Result<Option<ListEdits<Value>>> {
        let Some((whole, values)) = self.steps(field)? else {
            return Ok(None);
        };
        let notes = Notes::default();
        let mut steps = Vec::with_capacity(values.len());
        for (adds, value) in &values {
            if let Some(value) = map(value, &notes) {
                steps.push((*adds, value));
            }
        }
        fit(field, notes)?;
        let gone = values.len() - steps.len();
        self.left_out
            .extend(InvalidField::without_place(field, gone));
        Ok(Some(ListEdits { whole, steps }))
    }

    /// Names the fields that were not taken or were left out, for `incomplete`.
    pub fn rest(self) -> Vec<InvalidField> {
        let reason = "this CRM has no such field, or it cannot be changed";
        let mut rest = self.left_out;
        for (field, _) in self.given {
            rest.push(InvalidField::new(field, reason));
        }
        rest.extend(InvalidField::without_place(
            "attachments",
            self.attachments.len(),
        ));
        rest
    }

    /// The value of a field after the last of its edits; `null` if it is cleared.
    fn last(&mut self, field: &str) -> Result<Option<Value>> {
        let edits = match self.take(field) {
            None => return Ok(None),
            Some(Given::Value(value)) => return Ok(Some(value)),
            Some(Given::Edits(edits)) => edits,
        };
        let mut last = Value::Null;
        for edit in edits {
            last = match edit {
                Edit::Set(json) => parsed(field, &json)?,
                Edit::Clear => Value::Null,
                Edit::Add(_) | Edit::Remove(_) => {
                    return Err(Error::invalid(
                        field,
                        "this field has one value and is no list",
                    ));
                }
            };
        }
        Ok(Some(last))
    }

    /// Whether the edits of a list replace it, and what they add and remove.
    fn steps(&mut self, field: &str) -> Result<Option<(bool, Steps)>> {
        let edits = match self.take(field) {
            None => return Ok(None),
            Some(Given::Value(value)) => return Ok(Some((true, added(field, value)?))),
            Some(Given::Edits(edits)) => edits,
        };
        let (mut whole, mut steps) = (false, Vec::new());
        for edit in edits {
            match edit {
                Edit::Add(json) => steps.push((true, parsed(field, &json)?)),
                Edit::Remove(json) => steps.push((false, parsed(field, &json)?)),
                Edit::Clear => (whole, steps) = (true, Vec::new()),
                Edit::Set(json) => (whole, steps) = (true, added(field, parsed(field, &json)?)?),
            }
        }
        Ok(Some((whole, steps)))
    }

    /// Adds an edit to those of its field.
    fn edit(&mut self, field: &str, edit: Edit) {
        match self.given.iter_mut().find(|(name, _)| name == field) {
            Some((_, Given::Edits(edits))) => edits.push(edit),
            _ => self.give(field, Given::Edits(vec![edit])),
        }
    }

    fn give(&mut self, field: &str, given: Given) {
        self.given.push((field.to_owned(), given));
    }

    fn take(&mut self, field: &str) -> Option<Given> {
        let place = self.given.iter().position(|(name, _)| name == field)?;
        Some(self.given.remove(place).1)
    }
}

/// The edits of a patch, grouped by field.
impl From<&Patch> for Fields {
    fn from(patch: &Patch) -> Self {
        let mut fields = Self::default();
        for (field, edit) in &patch.edits {
            fields.edit(field, edit.clone());
        }
        fields
    }
}

impl<T> Change<T> {
    /// The new value; none for `Clear`.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Clear => None,
        }
    }

    /// Maps the new value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Set(value) => Change::Set(map(value)),
            Self::Clear => Change::Clear,
        }
    }
}

/// What a CRM's JSON has for it; `Clear` is `null`.
impl<T: Into<Self>> From<Change<T>> for Value {
    fn from(change: Change<T>) -> Self {
        change.into_option().map_or(Self::Null, Into::into)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(to),
            Self::Clear => to.serialize_none(),
        }
    }
}

impl<T> ListEdits<T> {
    /// Whether the whole list is replaced, so that the present one need not be read.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Applies the edits to the present list; `same` says which elements are equal in this CRM.
    ///
    /// An element that is there is not added again, and one that is missing is removed in peace.
    pub fn apply(self, present: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Vec<T> {
        let mut list = if self.whole { Vec::new() } else { present };
        for (adds, element) in self.steps {
            if !adds {
                list.retain(|it| !same(it, &element));
            } else if !list.iter().any(|it| same(it, &element)) {
                list.push(element);
            }
        }
        list
    }

    /// Sums the edits up; `same` says which elements are equal in this CRM.
    pub fn sum(self, same: impl Fn(&T, &T) -> bool) -> ListChange<T> {
        let steps = &self.steps;
        let last = last_of_each(
            steps.len(),
            &|one, other| match (steps.get(one), steps.get(other)) {
                (Some((_, one)), Some((_, other))) => same(one, other),
                _ => false,
            },
        );
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for ((adds, element), last) in self.steps.into_iter().zip(last) {
            if last {
                if adds { &mut add } else { &mut remove }.push(element);
            }
        }
        if self.whole {
            return ListChange::Whole(add);
        }
        ListChange::Parts { add, remove }
    }
}

/// Of several edits of one element the last one counts: says of each whether it is that.
fn last_of_each(count: usize, same: &dyn Fn(usize, usize) -> bool) -> Vec<bool> {
    let is_last = |one| !(one + 1..count).any(|other| same(one, other));
    (0..count).map(is_last).collect()
}

/// A whole list as additions.
fn added(field: &str, list: Value) -> Result<Steps> {
    let Value::Array(list) = list else {
        return Err(Error::invalid(field, "the value is no list"));
    };
    let mut steps = Vec::with_capacity(list.len());
    for it in list {
        steps.push((true, it));
    }
    Ok(steps)
}

fn parsed(field: &str, text: &str) -> Result<Value> {
    json::parse(text.as_bytes())
        .map_err(|error| Error::invalid(field, format!("the value is no JSON: {error}")))
}

fn fit(field: &str, notes: Notes) -> Result<()> {
    match notes.end() {
        None => Ok(()),
        Some(error) => Err(Error::invalid(field, error.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Fields, ListChange};
    use crate::{Edit, Patch, Reason};

    fn fields(edits: &[(&str, Edit)]) -> Fields {
        let edits = edits
            .iter()
            .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
        Fields::from(&Patch::new(edits.collect()))
    }

    fn set(json: &str) -> Edit {
        Edit::Set(json.to_owned())
    }

    #[track_caller]
    fn check_list(edits: &[Edit], present: &[i64], expected: &[i64]) {
        let edits: Vec<_> = edits.iter().map(|it| ("n", it.clone())).collect();
        let list = fields(&edits).list::<i64>("n").unwrap().unwrap();
        assert_eq!(list.apply(present.to_vec(), |a, b| a == b), expected);
    }

    #[test]
    fn to_leave_alone_and_to_clear_are_different() {
        let mut fields = fields(&[("a", set("1")), ("b", Edit::Clear), ("c", set("null"))]);
        assert_eq!(fields.value::<i64>("a").unwrap(), Some(Change::Set(1)));
        assert_eq!(fields.value::<i64>("b").unwrap(), Some(Change::Clear));
        assert_eq!(fields.value::<i64>("c").unwrap(), Some(Change::Clear));
        assert_eq!(fields.value::<i64>("d").unwrap(), None);
        let json = [Change::Set(1), Change::Clear].map(serde_json::Value::from);
        assert_eq!(json, [serde_json::json!(1), serde_json::Value::Null]);
        assert!(fields.is_empty());
    }

    #[test]
    fn edits_of_one_field_are_applied_in_order() {
        let add = |n: &str| Edit::Add(n.to_owned());
        let remove = |n: &str| Edit::Remove(n.to_owned());
        check_list(
            &[add("3"), add("1"), remove("2"), remove("9")],
            &[1, 2],
            &[1, 3],
        );
        check_list(&[add("3"), set("[5]"), add("6")], &[1], &[5, 6]);
        check_list(&[Edit::Clear, add("1"), remove("1")], &[7], &[]);
        let mut twice = fields(&[("a", set("1")), ("a", set("2"))]);
        assert_eq!(twice.value::<i64>("a").unwrap(), Some(Change::Set(2)));
    }

    #[test]
    fn a_sum_has_each_element_once() {
        let edits = [
            ("n", "add", 1),
            ("n", "add", 2),
            ("n", "remove", 1),
            ("n", "remove", 3),
            ("n", "add", 3),
        ];
        let edits = edits.map(|(field, verb, n)| match verb {
            "add" => (field, Edit::Add(n.to_string())),
            _ => (field, Edit::Remove(n.to_string())),
        });
        let sum = |edits: &[(&str, Edit)]| {
            fields(edits)
                .list::<i64>("n")
                .unwrap()
                .unwrap()
                .sum(|a, b| a == b)
        };
        assert_eq!(
            sum(&edits),
            ListChange::Parts {
                add: vec![2, 3],
                remove: vec![1]
            }
        );
        let whole = [("n", set("[7]")), ("n", Edit::Add("8".to_owned()))];
        assert_eq!(sum(&whole), ListChange::Whole(vec![7, 8]));
    }

    #[test]
    fn a_value_of_the_wrong_form_names_its_field() {
        for edit in [set("\"x\""), set("{"), Edit::Add("1".to_owned())] {
            let error = fields(&[("age", edit)]).value::<i64>("age").unwrap_err();
            let Reason::Invalid(invalid) = error.reason else {
                panic!("{error:?}")
            };
            assert_eq!(invalid[0].field.as_deref(), Some("age"));
        }
    }

    #[test]
    fn custom_fields_come_by_the_names_of_the_crm() {
        let mut fields = fields(&[("extra.vip", set("true")), ("extra.brightsync.x", set("1"))]);
        let extra = fields.extra().unwrap();
        assert_eq!(extra["vip"], Change::Set(serde_json::Value::Bool(true)));
        assert_eq!(
            fields.rest()[0].field.as_deref(),
            Some("extra.brightsync.x")
        );
    }
}
