//! People in Salesforce's words and the contract's.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::{Change, Fields};
use brightsync_sdk::{
    Affiliation, Contact, ContactPoint, Error, InvalidField, NewContact, Ref, Result, Written,
};

use crate::account::{set_custom, set_owner, set_texts, with_existing};
use crate::api::{Api, instant, midnight};
use crate::kind::{ACCOUNT, CONTACT};

pub(crate) const FIELDS: &str = "Id,Name,FirstName,LastName,Email,Phone,MobilePhone,HomePhone,OtherPhone,AccountId,Title,OwnerId,CreatedDate,SystemModstamp,LastActivityDate";

/// Salesforce's four numbers, with what each is for.
const PHONES: [(&str, &str); 4] = [
    ("Phone", "work"),
    ("MobilePhone", "mobile"),
    ("HomePhone", "home"),
    ("OtherPhone", "other"),
];

pub(crate) fn contact(api: &Api, it: Object<'_>, wanted: &[String]) -> Result<Contact> {
    let id = it.id("Id");
    Ok(Contact {
        full_name: it.get("Name"),
        given_name: it.get("FirstName"),
        family_name: it.get("LastName"),
        emails: emails(it),
        phones: phones(it),
        accounts: accounts(it),
        title: it.get("Title"),
        owner: it.get("OwnerId"),
        created_at: instant(it, "CreatedDate"),
        modified_at: instant(it, "SystemModstamp"),
        last_activity_at: midnight(it, "LastActivityDate"),
        url: Some(api.link(CONTACT, &id)),
        extra: it.pick(wanted),
        ..Contact::new(Ref::contact(id))
    })
}

fn emails(it: Object<'_>) -> Vec<ContactPoint> {
    let email = it.get::<String>("Email").map(ContactPoint::primary);
    email.into_iter().collect()
}

/// The first number that there is is the main one.
fn phones(it: Object<'_>) -> Vec<ContactPoint> {
    let mut phones = Vec::new();
    for (field, label) in PHONES {
        phones.extend(it.get(field).map(|value| ContactPoint {
            value,
            primary: phones.is_empty(),
            label: Some(label.to_owned()),
        }));
    }
    phones
}

fn accounts(it: Object<'_>) -> Vec<Affiliation> {
    let account = it.get::<String>("AccountId").map(Affiliation::primary);
    account.into_iter().collect()
}

/// Creates a contact, or changes the one with this id.
pub(crate) fn write(api: &Api, id: Option<&str>, mut fields: Fields) -> Result<Written> {
    let mut body = Body::new();
    let emails = fields.list::<ContactPoint>("emails")?;
    let numbers = fields.list::<ContactPoint>("phones")?;
    let employers = fields.list::<Affiliation>("accounts")?;
    let mut now = Contact::new(Ref::contact(""));
    if let Some(id) = id.filter(|_| emails.is_some() || numbers.is_some() || employers.is_some()) {
        now = api
            .record(CONTACT, id, FIELDS)?
            .read(|it| contact(api, it, &[]))?;
    }
    let mut gone = Vec::new();
    let mut leave = |field, count| gone.extend(InvalidField::without_place(field, count));
    let mut address = None;
    if let Some(edits) = emails {
        let same = |a: &ContactPoint, b: &ContactPoint| a.value.eq_ignore_ascii_case(&b.value);
        let then = ContactPoint::main_first(edits.apply(now.emails, same));
        leave("emails", then.len().saturating_sub(1));
        address = then.into_iter().next().map(|it| it.value);
        body.set("Email", address.clone().into());
    }
    if let Some(edits) = numbers {
        let same = |a: &ContactPoint, b: &ContactPoint| a.value == b.value;
        let then = edits.apply(now.phones.clone(), same);
        leave("phones", set_phones(&mut body, &now.phones, then));
    }
    if let Some(edits) = employers {
        let same = |a: &Affiliation, b: &Affiliation| a.account == b.account;
        let then = Affiliation::main_first(edits.apply(now.accounts, same));
        leave("accounts", then.len().saturating_sub(1));
        let account = then
            .first()
            .map(|it| ACCOUNT.value("accounts", &it.account));
        body.set("AccountId", account.transpose()?.into());
    }
    set_name(&mut body, &mut fields, id.is_none(), address)?;
    set_texts(&mut body, &mut fields, &[("title", "Title")])?;
    set_owner(&mut body, &mut fields)?;
    set_custom(&mut body, &mut fields)?;
    gone.extend(fields.rest());
    let written = api.write(CONTACT, id, &body, gone);
    written.map_err(|it| with_existing(api, "Contact", "Email", &body, it))
}

/// Takes the name; a new contact has to have a family name, for which the given name or the address stands in.
fn set_name(
    body: &mut Body,
    fields: &mut Fields,
    is_new: bool,
    address: Option<String>,
) -> Result<()> {
    let full = fields.value::<String>("full-name")?;
    let mut given = fields.value::<String>("given-name")?;
    let mut family = fields.value::<String>("family-name")?;
    if let (Some(full), None, None) = (full, &given, &family) {
        let whole = NewContact {
            full_name: full.into_option(),
            ..NewContact::default()
        };
        let change = |it: Option<&str>| it.map_or(Change::Clear, |it| Change::Set(it.to_owned()));
        let (first, last) = whole.name_parts();
        (given, family) = (Some(change(first)), Some(change(last)));
    }
    let is_there = |it: &String| !it.trim().is_empty();
    let named = matches!(&family, Some(Change::Set(name)) if is_there(name));
    if is_new && !named {
        let name = given.take().and_then(Change::into_option).filter(is_there);
        let missing = || Error::invalid("family-name", "Salesforce asks for a name of a contact");
        family = Some(Change::Set(name.or(address).ok_or_else(missing)?));
    }
    for (theirs, change) in [("FirstName", given), ("LastName", family)] {
        if let Some(change) = change {
            body.set(theirs, change.into());
        }
    }
    Ok(())
}

/// Puts each number where its label says, or where there is room, and answers how many have none.
fn set_phones(body: &mut Body, now: &[ContactPoint], then: Vec<ContactPoint>) -> usize {
    let mut rest = ContactPoint::main_first(then);
    let mut slots = PHONES.map(|(_, label)| {
        let is_it = |it: &ContactPoint| it.label.as_deref() == Some(label);
        let place = rest.iter().position(is_it)?;
        Some(rest.remove(place).value)
    });
    let mut rest = rest.into_iter();
    for slot in slots.iter_mut().filter(|it| it.is_none()) {
        *slot = rest.next().map(|it| it.value);
    }
    for ((field, label), value) in PHONES.into_iter().zip(slots) {
        let is_it = |it: &&ContactPoint| it.label.as_deref() == Some(label);
        if now.iter().find(is_it).map(|it| &it.value) != value.as_ref() {
            body.set(field, value.into());
        }
    }
    rest.count()
}
