//! The CRM's JSON, read and written member by member.
//!
//! An answer is read as an [`Object`], each member by its name and as the type that is due:
//!
//! ```
//! use brightsync_sdk::json::{Body, Object};
//! use brightsync_sdk::{Contact, ContactPoint, Ref, Result};
//! use serde_json::json;
//!
//! fn contact(it: Object<'_>) -> Result<Contact> {
//!     Ok(Contact {
//!         full_name: it.get("name"),
//!         emails: it.each("mails", |it| ContactPoint::further(it.need::<String>("address"))),
//!         created_at: it.time("created"),
//!         ..Contact::new(Ref::contact(it.id("id")))
//!     })
//! }
//!
//! let answer = json!({"id": 7, "name": "Ann", "mails": [{"address": "ann@a.example"}], "created": "2026-01-31T08:30:00Z"});
//! let ann = Object::read(&answer, contact)?;
//! assert_eq!((ann.ref_.id.as_str(), ann.emails.len()), ("7", 1));
//!
//! let broken = json!({"id": 7, "mails": [{"address": "ann@a.example"}, {}]});
//! let error = Object::read(&broken, contact).unwrap_err();
//! assert_eq!(error.message, "mails: 1: address: a text was due, and there is none");
//!
//! let body = Body::new().with("name", ann.full_name).with_some("owner", None::<String>);
//! assert_eq!(serde_json::to_value(&body)?, json!({"name": "Ann"}));
//! # Ok::<(), brightsync_sdk::Error>(())
//! ```
//!
//! What does not fit is noted and not returned at each member, which keeps the reading short, in the source and in the component.
//! Whoever hands an object out ([`Object::read`], [`Response::read`](crate::http::Response::read), [`Page::read`](crate::Page::read)) looks at the note, so a record that does not fit never passes for one that does.
//!
//! One parser and one writer serve a whole connector in this way.
//! Types with serde's derives work as well, by [`Object::parse`] and [`Response::json`](crate::http::Response::json), at about six kilobytes of the component for each.

mod body;
mod decimal;

use std::cell::RefCell;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::body::Body;
use crate::{Error, Extra, Id, Moment, Result, Timestamp, extra, time};

/// A JSON object that is read.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// None of a value that is no object.
    members: Option<&'a Map<String, Value>>,
    notes: &'a Notes,
}

/// What does not fit: the first such thing, with its place.
#[derive(Debug, Default)]
pub struct Notes(RefCell<Option<String>>);

/// Reads one kind of record.
pub type Reader<T> = fn(Object<'_>) -> Result<T>;

/// A type that a JSON value is read as.
pub trait FromJson: Sized {
    /// Reads the value; one that does not fit is noted, and anything may be answered in its place.
    fn from_json(value: &Value, notes: &Notes) -> Self;
}

impl<'a> Object<'a> {
    /// Reads a value that is an object; what does not fit is an `other` error.
    pub fn read<T>(value: &Value, map: impl Fn(Object<'_>) -> Result<T>) -> Result<T> {
        Notes::read(|notes| map(notes.object(value)))
    }

    /// Reads a member that must be there.
    pub fn need<T: FromJson>(self, name: &str) -> T {
        let before = self.notes.is_empty();
        let value = T::from_json(self.value(name), self.notes);
        self.notes.place(before, name);
        value
    }

    /// Reads a member, if it is there and not `null`.
    pub fn get<T: FromJson>(self, name: &str) -> Option<T> {
        match self.value(name) {
            Value::Null => None,
            _ => Some(self.need(name)),
        }
    }

    /// Reads a member that is a list; none and `null` are an empty one.
    pub fn list<T: FromJson>(self, name: &str) -> Vec<T> {
        self.get(name).unwrap_or_default()
    }

    /// Maps each object of a member that is a list; none and `null` are an empty one.
    pub fn each<T>(self, name: &str, map: impl Fn(Self) -> T) -> Vec<T> {
        let before = self.notes.is_empty();
        let read = self.notes.objects(self.items(name), map);
        self.notes.place(before, name);
        read
    }

    /// The values of a member that is a list, as they are; none and `null` are an empty one.
    pub fn items(self, name: &str) -> &'a [Value] {
        match self.value(name) {
            Value::Null => &[],
            Value::Array(items) => items,
            other => {
                self.unfit(name, "a list", other);
                &[]
            }
        }
    }

    /// Maps a member that is an object, if it is there and not `null`.
    pub fn object<T>(self, name: &str, map: impl FnOnce(Self) -> T) -> Option<T> {
        match self.value(name) {
            Value::Null => None,
            _ => Some(self.need_object(name, map)),
        }
    }

    /// Maps a member that must be there and is an object.
    pub fn need_object<T>(self, name: &str, map: impl FnOnce(Self) -> T) -> T {
        let before = self.notes.is_empty();
        let read = map(self.notes.object(self.value(name)));
        self.notes.place(before, name);
        read
    }

    /// Reads an id that must be there; some CRMs give theirs as numbers.
    pub fn id(self, name: &str) -> Id {
        let value = self.value(name);
        text_of(value).unwrap_or_else(|| {
            self.unfit(name, "an id", value);
            Id::new()
        })
    }

    /// Reads an RFC 3339 time, if there is one.
    pub fn time(self, name: &str) -> Option<Timestamp> {
        let text: String = self.get(name)?;
        self.fit(name, time::parse(&text))
    }

    /// Reads an RFC 3339 time that must be there.
    pub fn need_time(self, name: &str) -> Timestamp {
        let time = self.fit(name, time::parse(&self.need::<String>(name)));
        time.unwrap_or_default()
    }

    /// Reads an RFC 3339 time or a date, if there is one.
    pub fn moment(self, name: &str) -> Option<Moment> {
        let text: String = self.get(name)?;
        self.fit(name, time::parse_moment(&text))
    }

    /// Takes the members of a member for custom fields, all of them.
    pub fn extra(self, name: &str) -> Extra {
        let members = self.object(name, |it| it.members.map(extra::from_map));
        members.flatten().unwrap_or_default()
    }

    /// Takes the named members for custom fields, those that it has: `it.pick(&settings::wanted_fields("contact"))`.
    pub fn pick(self, names: &[String]) -> Extra {
        let members = self.members.map(|it| extra::pick(it, names));
        members.unwrap_or_default()
    }

    /// Reads an amount, which CRMs give as numbers or as texts, as the contract wants it: without an exponent; none if it is no number.
    pub fn decimal(self, name: &str) -> Option<String> {
        let value = self.value(name);
        let text = text_of(value)?;
        // What a writer of JSON puts behind every whole number that may be broken.
        let whole = text.strip_suffix(".0").filter(|_| value.is_number());
        decimal::plain(whole.unwrap_or(&text))
    }

    /// Passes on what was made of a member, or notes why nothing could be.
    pub fn fit<T>(self, name: &str, made: Result<T>) -> Option<T> {
        made.map_err(|error| self.notes.add(&format!("{name}: {}", error.message)))
            .ok()
    }

    /// Reads all of it as a type with serde's derive.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T> {
        let members = self.members.ok_or_else(|| Error::other("no object"))?;
        Ok(T::deserialize(members)?)
    }

    /// The members by name.
    pub fn members(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.members.into_iter().flatten()
    }

    /// A member; `null` if there is none.
    pub fn value(self, name: &str) -> &'a Value {
        const NULL: &Value = &Value::Null;
        self.members.and_then(|it| it.get(name)).unwrap_or(NULL)
    }

    fn unfit(self, name: &str, due: &str, value: &Value) {
        let before = self.notes.is_empty();
        self.notes.unfit(due, value);
        self.notes.place(before, name);
    }
}

impl Notes {
    /// Reads something, and answers the error instead if there is a note in the end.
    pub(crate) fn read<T>(read: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let notes = Self::default();
        let read = read(&notes);
        match notes.end() {
            None => read,
            Some(error) => {
                // Not freed, since the call ends soon, and the code to free each kind of record would be large.
                std::mem::forget(read);
                Err(error)
            }
        }
    }

    /// Notes that something else was due; never the value itself, which may be long and somebody's.
    pub fn unfit(&self, due: &str, value: &Value) {
        let found = match value {
            Value::Null => "none",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.add(&format!("{due} was due, and there is {found}"));
    }

    /// Takes a value for an object; of another one, no member is there.
    pub fn object<'a>(&'a self, value: &'a Value) -> Object<'a> {
        let members = value.as_object();
        if members.is_none() {
            self.unfit("an object", value);
        }
        Object {
            members,
            notes: self,
        }
    }

    pub(crate) fn objects<'a, T>(
        &'a self,
        items: &'a [Value],
        map: impl Fn(Object<'a>) -> T,
    ) -> Vec<T> {
        self.each(items, |value| map(self.object(value)))
    }

    fn each<'a, T>(&self, items: &'a [Value], read: impl Fn(&'a Value) -> T) -> Vec<T> {
        let mut all = Vec::with_capacity(items.len());
        for (place, value) in items.iter().enumerate() {
            let before = self.is_empty();
            all.push(read(value));
            self.place(before, &place.to_string());
        }
        all
    }

    fn add(&self, note: &str) {
        self.0.borrow_mut().get_or_insert_with(|| note.to_owned());
    }

    fn is_empty(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// Says where a note belongs, if it was made after `before`, when there was none.
    fn place(&self, before: bool, name: &str) {
        if let Some(note) = self.0.borrow_mut().as_mut().filter(|_| before) {
            note.insert_str(0, ": ");
            note.insert_str(0, name);
        }
    }

    /// The error that a note makes.
    pub(crate) fn end(self) -> Option<Error> {
        self.0.into_inner().map(Error::other)
    }
}

impl FromJson for Value {
    fn from_json(value: &Value, _: &Notes) -> Self {
        value.clone()
    }
}

impl FromJson for String {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let text = value.as_str().map(str::to_owned);
        due(text, "a text", value, notes)
    }
}

impl FromJson for bool {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        due(value.as_bool(), "true or false", value, notes)
    }
}

impl FromJson for i64 {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        due(value.as_i64(), "a whole number", value, notes)
    }
}

impl FromJson for u64 {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        due(value.as_u64(), "a count", value, notes)
    }
}

impl FromJson for u32 {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        let number = value.as_u64().and_then(|it| it.try_into().ok());
        due(number, "a count", value, notes)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        match value {
            Value::Null => None,
            value => Some(T::from_json(value, notes)),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Value, notes: &Notes) -> Self {
        match value {
            Value::Array(items) => notes.each(items, |it| T::from_json(it, notes)),
            other => {
                notes.unfit("a list", other);
                Self::new()
            }
        }
    }
}

fn due<T: Default>(read: Option<T>, due: &str, value: &Value, notes: &Notes) -> T {
    if read.is_none() {
        notes.unfit(due, value);
    }
    read.unwrap_or_default()
}

/// Reads a text.
pub(crate) fn parse(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text)
}

/// Reads a text as a type with serde's derive, by way of a value, so that there is one parser and not one for each type.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    T::deserialize(parse(text)?)
}

/// Writes a value as text.
pub(crate) fn write(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

/// The text of a value, by the one writer that requests have as well.
pub(crate) fn text(value: &Value) -> String {
    // Writing a value into memory cannot fail.
    write(value).unwrap_or_default()
}

/// The text of an id, which some CRMs give as a number.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(_) => Some(text(value)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
