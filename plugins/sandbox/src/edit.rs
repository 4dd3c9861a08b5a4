//! The contract's patches as the sandbox's, which also say what to clear, set, add and remove.

use brightsync_sdk::patch::{Change, Fields, ListChange};
use brightsync_sdk::{
    Affiliation, Attendee, ContactPoint, Direction, Id, InvalidField, Moment, Party, Patch, Ref,
    Result, Timestamp, time,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, to_value};

use crate::{api, map};

/// A patch for the sandbox, and what of the caller's patch it leaves out.
pub(crate) type Edited = (api::Patch, Vec<InvalidField>);

struct Edits {
    fields: Fields,
    patch: api::Patch,
    incomplete: Vec<InvalidField>,
}

pub(crate) fn account(patch: &Patch) -> Result<Edited> {
    let mut edits = Edits::of(patch)?;
    edits.text("name", "name")?;
    edits.list("domains", "domains", Some::<String>, |a, b| {
        a.eq_ignore_ascii_case(b)
    })?;
    edits.finish()
}

pub(crate) fn contact(patch: &Patch) -> Result<Edited> {
    let mut edits = Edits::of(patch)?;
    edits.text("full-name", "full_name")?;
    edits.text("given-name", "given_name")?;
    edits.text("family-name", "family_name")?;
    edits.text("title", "title")?;
    let same = |a: &ContactPoint, b: &ContactPoint| a.value.eq_ignore_ascii_case(&b.value);
    edits.list("emails", "emails", |it| Some(map::address(it)), same)?;
    edits.list("phones", "phones", |it| Some(map::number(it)), same)?;
    let same = |a: &Affiliation, b: &Affiliation| a.account == b.account;
    edits.list("accounts", "accounts", |it| Some(map::employment(it)), same)?;
    edits.finish()
}

pub(crate) fn email(patch: &Patch) -> Result<Edited> {
    let mut edits = Edits::of(patch)?;
    for field in ["subject", "thread", "text", "html"] {
        edits.text(field, field)?;
    }
    edits.value("sent-at", "sent_at", |it: Timestamp| {
        Some(time::rfc3339(it))
    })?;
    edits.value("direction", "direction", |it: Direction| {
        Some(map::direction(it))
    })?;
    edits.value("sender", "from", map::party)?;
    for field in ["to", "cc", "bcc"] {
        edits.list(field, field, map::party, same_party)?;
    }
    edits.list("about", "about", map::link, |a: &Ref, b| a == b)?;
    edits.finish()
}

pub(crate) fn meeting(patch: &Patch) -> Result<Edited> {
    let mut edits = Edits::of(patch)?;
    for field in ["subject", "timezone", "status", "location", "text"] {
        edits.text(field, field)?;
    }
    edits.value("start", "start", |it: Moment| Some(time::moment(&it)))?;
    edits.value("end", "end", |it: Moment| Some(time::moment(&it)))?;
    edits.value("organiser", "organiser", map::party)?;
    let same = |a: &Attendee, b: &Attendee| same_party(&a.party, &b.party);
    edits.list("attendees", "attendees", map::attendee, same)?;
    edits.list("about", "about", map::link, |a: &Ref, b| a == b)?;
    edits.finish()
}

impl Edits {
    fn of(patch: &Patch) -> Result<Self> {
        let fields = Fields::of(patch)?;
        Ok(Self {
            fields,
            patch: api::Patch::default(),
            incomplete: Vec::new(),
        })
    }

    fn text(&mut self, field: &str, theirs: &str) -> Result<()> {
        self.value(field, theirs, Some::<String>)
    }

    /// Takes a field with one value; a value that maps to none has no place in the sandbox.
    fn value<T: DeserializeOwned, U: Serialize>(
        &mut self,
        field: &str,
        theirs: &str,
        map: impl Fn(T) -> Option<U>,
    ) -> Result<()> {
        match self.fields.value(field)? {
            None => {}
            Some(Change::Clear) => self.patch.clear.push(theirs.to_owned()),
            Some(Change::Set(value)) => {
                if let Some(value) = self.kept(field, vec![value], map)?.pop() {
                    self.patch.set.insert(theirs.to_owned(), value);
                }
            }
        }
        Ok(())
    }

    fn list<T: DeserializeOwned, U: Serialize>(
        &mut self,
        field: &str,
        theirs: &str,
        map: impl Fn(T) -> Option<U>,
        same: impl Fn(&T, &T) -> bool,
    ) -> Result<()> {
        match self.fields.list(field)?.map(|it| it.sum(same)) {
            None => {}
            Some(ListChange::Whole(list)) => {
                let list = self.kept(field, list, map)?;
                self.patch.set.insert(theirs.to_owned(), list.into());
            }
            Some(ListChange::Parts { add, remove }) => {
                let add = self.kept(field, add, &map)?;
                let remove = self.kept(field, remove, &map)?;
                self.patch.add.insert(theirs.to_owned(), add.into());
                self.patch.remove.insert(theirs.to_owned(), remove.into());
            }
        }
        Ok(())
    }

    fn kept<T, U: Serialize>(
        &mut self,
        field: &str,
        values: Vec<T>,
        map: impl Fn(T) -> Option<U>,
    ) -> Result<Vec<Value>> {
        let kept = map::kept(field, values, map, &mut self.incomplete);
        Ok(kept
            .into_iter()
            .map(to_value)
            .collect::<std::result::Result<_, _>>()?)
    }

    /// Takes what all kinds of records have, and names what is left.
    fn finish(mut self) -> Result<Edited> {
        self.value("owner", "owner", Some::<Id>)?;
        for (name, change) in self.fields.extra()? {
            let field = format!("custom.{name}");
            match change {
                Change::Clear => self.patch.clear.push(field),
                Change::Set(value) => {
                    self.patch.set.insert(field, value);
                }
            }
        }
        self.incomplete.extend(self.fields.rest());
        Ok((self.patch, self.incomplete))
    }
}

fn same_party(one: &Party, other: &Party) -> bool {
    let lower = |it: &Party| it.address.as_deref().map(str::to_lowercase);
    lower(one) == lower(other)
}

#[cfg(test)]
mod tests {
    use brightsync_sdk::{Edit, Patch, Result};
    use serde_json::{Value, json};

    use super::Edited;

    #[track_caller]
    fn check(edit: fn(&Patch) -> Result<Edited>, edits: &[(&str, Edit)], expected: Value) {
        let edits = edits
            .iter()
            .map(|(field, edit)| ((*field).to_owned(), edit.clone()));
        let (patch, incomplete) = edit(&Patch::new(edits.collect())).unwrap();
        let incomplete: Vec<_> = incomplete.into_iter().filter_map(|it| it.field).collect();
        assert_eq!(json!([patch, incomplete]), expected);
    }

    fn party(address: &str) -> String {
        json!({"address": address}).to_string()
    }

    #[test]
    fn the_last_edit_of_a_participant_counts() {
        check(
            super::email,
            &[
                ("to", Edit::Add(party("a@x.example"))),
                ("to", Edit::Remove(party("A@x.example"))),
                ("to", Edit::Add(party("b@x.example"))),
            ],
            json!([{
                "clear": [], "set": {},
                "add": {"to": [{"address": "b@x.example"}]},
                "remove": {"to": [{"address": "A@x.example"}]},
            }, []]),
        );
    }

    #[test]
    fn a_list_that_is_set_is_replaced() {
        let attendees = json!([
            {"party": {"address": "a@x.example"}, "response": "needs-action"},
            {"party": {"name": "Somebody"}},
        ]);
        check(
            super::meeting,
            &[
                ("attendees", Edit::Set(attendees.to_string())),
                ("end", Edit::Set(r#"{"at":0}"#.to_owned())),
            ],
            json!([{
                "clear": [], "add": {}, "remove": {},
                "set": {
                    "attendees": [{"address": "a@x.example", "response": "none"}],
                    "end": "1970-01-01T00:00:00.000Z",
                },
            }, ["attendees"]]),
        );
    }

    #[test]
    fn custom_fields_are_set_and_cleared_one_by_one() {
        check(
            super::account,
            &[
                ("extra.tier", Edit::Set("3".to_owned())),
                ("extra.vip", Edit::Clear),
                ("owner", Edit::Clear),
                ("kind", Edit::Set("\"partner\"".to_owned())),
            ],
            json!([{
                "clear": ["owner", "custom.vip"], "set": {"custom.tier": 3}, "add": {}, "remove": {},
            }, ["kind"]]),
        );
    }
}
