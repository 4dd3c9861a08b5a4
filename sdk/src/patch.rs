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
//! let mut fields = Fields::of(&patch)?;
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

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{Edit, Error, InvalidField, Patch, Result, json};

/// The edits of a patch that have not been taken yet.
#[derive(Debug)]
pub struct Fields {
    /// In the order of their first occurrence.
    edits: Vec<(String, Vec<Edit>)>,
}

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
    /// What the list begins with; none if it is the present one.
    start: Option<Vec<T>>,
    steps: Vec<Step<T>>,
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

#[derive(Debug, Clone, PartialEq)]
enum Step<T> {
    Add(T),
    Remove(T),
}

impl Fields {
    /// Groups the edits of a patch by field.
    pub fn of(patch: &Patch) -> Result<Self> {
        let mut edits: Vec<(String, Vec<Edit>)> = Vec::new();
        for (field, edit) in &patch.edits {
            match edits.iter_mut().find(|(name, _)| name == field) {
                Some((_, of_field)) => of_field.push(edit.clone()),
                None => edits.push((field.clone(), vec![edit.clone()])),
            }
        }
        Ok(Self { edits })
    }

    /// Whether nothing is left to take.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Takes the edits of a field with one value; none if the patch leaves it alone.
    ///
    /// Edits are applied in order, so the last one counts; `add` and `remove` are `invalid` here.
    pub fn value<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<Change<T>>> {
        let Some(edits) = self.take(field) else {
            return Ok(None);
        };
        let mut change = None;
        for edit in edits {
            change = Some(match edit {
                Edit::Set(json) => {
                    read::<Option<T>>(field, &json)?.map_or(Change::Clear, Change::Set)
                }
                Edit::Clear => Change::Clear,
                Edit::Add(_) | Edit::Remove(_) => {
                    return Err(Error::invalid(
                        field,
                        "this field has one value and is no list",
                    ));
                }
            });
        }
        Ok(change)
    }

    /// Takes the edits of a field with a list; none if the patch leaves it alone.
    pub fn list<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<ListEdits<T>>> {
        let Some(edits) = self.take(field) else {
            return Ok(None);
        };
        let mut list = ListEdits {
            start: None,
            steps: Vec::new(),
        };
        for edit in edits {
            match edit {
                Edit::Set(json) => {
                    list = ListEdits {
                        start: Some(read(field, &json)?),
                        steps: Vec::new(),
                    };
                }
                Edit::Clear => {
                    list = ListEdits {
                        start: Some(Vec::new()),
                        steps: Vec::new(),
                    }
                }
                Edit::Add(json) => list.steps.push(Step::Add(read(field, &json)?)),
                Edit::Remove(json) => list.steps.push(Step::Remove(read(field, &json)?)),
            }
        }
        Ok(Some(list))
    }

    /// Takes the edits of all custom fields, by the CRM's own names.
    pub fn extra(&mut self) -> Result<BTreeMap<String, Change<Value>>> {
        let is_custom =
            |name: &str| name.starts_with("extra.") && !name.starts_with("extra.brightsync.");
        let fields: Vec<String> = self.edits.iter().map(|(name, _)| name.clone()).collect();
        let mut extra = BTreeMap::new();
        for field in fields.into_iter().filter(|it| is_custom(it)) {
            if let (Some(name), Some(change)) = (field.strip_prefix("extra."), self.value(&field)?)
            {
                extra.insert(name.to_owned(), change);
            }
        }
        Ok(extra)
    }

    /// Names the fields that were not taken, for `incomplete`.
    pub fn rest(self) -> Vec<InvalidField> {
        let reason = "this CRM has no such field, or it cannot be changed";
        self.edits
            .into_iter()
            .map(|(field, _)| InvalidField::new(field, reason))
            .collect()
    }

    fn take(&mut self, field: &str) -> Option<Vec<Edit>> {
        let place = self.edits.iter().position(|(name, _)| name == field)?;
        Some(self.edits.remove(place).1)
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
        self.start.is_some()
    }

    /// Applies the edits to the present list; `same` says which elements are equal in this CRM.
    ///
    /// An element that is there is not added again, and one that is missing is removed in peace.
    pub fn apply(self, present: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Vec<T> {
        let mut list = self.start.unwrap_or(present);
        for step in self.steps {
            match step {
                Step::Add(element) => {
                    if !list.iter().any(|it| same(it, &element)) {
                        list.push(element);
                    }
                }
                Step::Remove(element) => list.retain(|it| !same(it, &element)),
            }
        }
        list
    }

    /// Sums the edits up; `same` says which elements are equal in this CRM.
    pub fn sum(self, same: impl Fn(&T, &T) -> bool) -> ListChange<T> {
        if self.start.is_some() {
            return ListChange::Whole(self.apply(Vec::new(), same));
        }
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for step in self.steps {
            // Of several edits of one element the last one counts.
            let (Step::Add(element) | Step::Remove(element)) = &step;
            add.retain(|it| !same(it, element));
            remove.retain(|it| !same(it, element));
            match step {
                Step::Add(element) => add.push(element),
                Step::Remove(element) => remove.push(element),
            }
        }
        ListChange::Parts { add, remove }
    }
}

fn read<T: DeserializeOwned>(field: &str, text: &str) -> Result<T> {
    json::read(text.as_bytes())
        .map_err(|error| Error::invalid(field, format!("the value is {error}")))
}

#[cfg(test)]
mod tests {
    use super::{Change, Fields, ListChange};
    use crate::{Edit, Patch, Reason};

    fn fields(edits: &[(&str, Edit)]) -> Fields {
        let edits = edits
            .iter()
            .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
        Fields::of(&Patch::new(edits.collect())).unwrap()
    }

    fn set(json: &str) -> Edit {
        Edit::Set(json.to_owned())
    }

    #[track_caller]
    fn check_list(edits: &[Edit], present: &[i32], expected: &[i32]) {
        let edits: Vec<_> = edits.iter().map(|it| ("n", it.clone())).collect();
        let list = fields(&edits).list::<i32>("n").unwrap().unwrap();
        assert_eq!(list.apply(present.to_vec(), |a, b| a == b), expected);
    }

    #[test]
    fn to_leave_alone_and_to_clear_are_different() {
        let mut fields = fields(&[("a", set("1")), ("b", Edit::Clear), ("c", set("null"))]);
        assert_eq!(fields.value::<i32>("a").unwrap(), Some(Change::Set(1)));
        assert_eq!(fields.value::<i32>("b").unwrap(), Some(Change::Clear));
        assert_eq!(fields.value::<i32>("c").unwrap(), Some(Change::Clear));
        assert_eq!(fields.value::<i32>("d").unwrap(), None);
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
        assert_eq!(twice.value::<i32>("a").unwrap(), Some(Change::Set(2)));
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
                .list::<i32>("n")
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
            let error = fields(&[("age", edit)]).value::<i32>("age").unwrap_err();
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
