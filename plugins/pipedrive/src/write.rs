//! New people and organisations, and patches of them, in Pipedrive's words; it makes no requests.

use brightsync_sdk::json::Body;
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Affiliation, Contact, ContactPoint, Error, InvalidField, NewContact, Result, Written,
};
use serde_json::Value;

use crate::lookup::lower;
use crate::read::is_key;
use crate::value::named;

/// What is written of a record, and what of the caller's wish has no place in it.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) body: Body,
    /// The job title, which only companies with contact sync have.
    pub(crate) title: Option<Value>,
    pub(crate) incomplete: Vec<InvalidField>,
}

impl Draft {
    /// All that is to be written.
    pub(crate) fn whole(&self) -> Body {
        let body = self.body.clone();
        body.with_some("job_title", self.title.clone())
    }

    /// All that is to be written of a new record, in which nothing is to be emptied.
    pub(crate) fn filled(&self) -> Value {
        let mut body = Value::from(self.whole());
        if let Some(body) = body.as_object_mut() {
            body.retain(|_, value| !value.is_null());
        }
        body
    }

    pub(crate) fn done(self, written: Written) -> Result<Written> {
        let incomplete = self.incomplete;
        Ok(Written {
            incomplete,
            ..written
        })
    }

    pub(crate) fn leave(&mut self, field: &str, reason: &str) {
        self.incomplete.push(InvalidField::new(field, reason));
    }

    /// Names how many elements of a field have no place.
    pub(crate) fn leave_some(&mut self, field: &str, count: usize) {
        self.incomplete
            .extend(InvalidField::without_place(field, count));
    }

    pub(crate) fn owner(&mut self, fields: &mut Fields) -> Result<()> {
        match fields.value::<String>("owner")? {
            Some(Change::Set(id)) => self.body.set("owner_id", named("owner", &id)?.into()),
            Some(Change::Clear) => self.leave("owner", "nothing in Pipedrive is without an owner"),
            None => {}
        }
        Ok(())
    }

    fn name(&mut self, field: &str, name: Option<String>) -> Result<()> {
        let name = name.filter(|it| !it.trim().is_empty());
        let name = name.ok_or_else(|| Error::invalid(field, "Pipedrive asks for a name"))?;
        self.body.set("name", name.into());
        Ok(())
    }

    /// Takes the custom fields, which have keys for names, and names what is left.
    fn finish(mut self, mut fields: Fields) -> Result<Self> {
        let mut custom = Body::new();
        for (name, change) in fields.extra()? {
            match is_key(&name) {
                true => custom.set(&name, change.into()),
                false => {
                    let reason = "a custom field of Pipedrive has a key of 40 characters";
                    self.leave(&format!("extra.{name}"), reason);
                }
            }
        }
        if !custom.is_empty() {
            self.body.set("custom_fields", custom.into());
        }
        self.incomplete.extend(fields.rest());
        Ok(self)
    }
}

pub(crate) fn account(mut fields: Fields) -> Result<Draft> {
    let mut draft = Draft::default();
    if let Some(name) = fields.value::<String>("name")? {
        draft.name("name", name.into_option())?;
    }
    draft.owner(&mut fields)?;
    draft.finish(fields)
}

/// A new person, who gets a whole name: Pipedrive takes it apart by itself.
pub(crate) fn new_contact(it: NewContact) -> Result<Draft> {
    let address = it.emails.first().map(|it| it.value.clone());
    let name = it.whole_name().or(address).unwrap_or_default();
    let whole = NewContact {
        full_name: Some(name),
        given_name: None,
        family_name: None,
        ..it
    };
    contact(Fields::from(whole), || Err(Error::other("it is new")))
}

/// Changes of a person, who is only read where an edit needs what is there.
pub(crate) fn contact(mut fields: Fields, present: impl Fn() -> Result<Contact>) -> Result<Draft> {
    let mut draft = Draft::default();
    let full = fields.value::<String>("full-name")?;
    let given = fields.value::<String>("given-name")?;
    let family = fields.value::<String>("family-name")?;
    if let Some(full) = full {
        draft.name("full-name", full.into_option())?;
    } else if given.is_some() || family.is_some() {
        let now = present()?;
        let name = NewContact {
            given_name: given.map_or(now.given_name, Change::into_option),
            family_name: family.map_or(now.family_name, Change::into_option),
            ..NewContact::default()
        };
        draft.name("family-name", name.whole_name())?;
    }
    draft.owner(&mut fields)?;
    draft.title = fields.value::<String>("title")?.map(Value::from);
    for field in ["emails", "phones"] {
        if let Some(edits) = fields.list::<ContactPoint>(field)? {
            let now = match edits.is_whole() {
                true => Vec::new(),
                false if field == "emails" => present()?.emails,
                false => present()?.phones,
            };
            let then = edits.apply(now, |one, other| lower(&one.value) == lower(&other.value));
            draft.body.set(field, points(then));
        }
    }
    if let Some(edits) = fields.list::<Affiliation>("accounts")? {
        let now = match edits.is_whole() {
            true => Vec::new(),
            false => present()?.accounts,
        };
        let before = now.first().cloned();
        let then = edits.apply(now, |one, other| one.account == other.account);
        // There is room for one organisation: the one that was there, or the main one.
        let stays = then.iter().find(|it| Some(*it) == before.as_ref());
        let main = then.iter().rfind(|it| it.primary);
        let kept = stays.or(main).or(then.first());
        let id = kept.map(|it| named("accounts", &it.account)).transpose()?;
        draft.body.set("org_id", id.into());
        let roles = kept.and_then(|it| it.role.as_ref()).iter().len();
        draft.leave_some("accounts", then.len().saturating_sub(1) + roles);
    }
    draft.finish(fields)
}

/// Addresses or numbers as Pipedrive has them: the first is the main one.
fn points(points: Vec<ContactPoint>) -> Value {
    let row = |(index, it): (usize, ContactPoint)| {
        let row = Body::new()
            .with("value", it.value)
            .with("primary", index == 0);
        Value::from(row.with_some("label", it.label))
    };
    let points = ContactPoint::main_first(points).into_iter().enumerate();
    points.map(row).collect::<Vec<_>>().into()
}
