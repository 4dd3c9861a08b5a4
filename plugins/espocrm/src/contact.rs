//! Contacts in EspoCRM's words and the contract's.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Affiliation, Contact, ContactPoint, Error, InvalidField, NewContact, Ref, Result, extra,
};
use serde_json::{Value, json};

use crate::api::Object;
use crate::map::{column, instant, link, set_extra, text, texts, version};

const PHONE_TYPES: [&str; 5] = ["Mobile", "Office", "Home", "Fax", "Other"];

pub(crate) fn contact(record: &Object, site: &str, wanted: &[String]) -> Result<Contact> {
    let id = text(record, "id").unwrap_or_default();
    let owned = |name: &str| text(record, name).map(str::to_owned);
    Ok(Contact {
        full_name: owned("name"),
        given_name: owned("firstName"),
        family_name: owned("lastName"),
        emails: points(record, "emailAddress"),
        phones: points(record, "phoneNumber"),
        accounts: affiliations(record),
        title: owned("title"),
        owner: owned("assignedUserId"),
        created_at: instant(text(record, "createdAt"))?,
        modified_at: instant(text(record, "modifiedAt"))?,
        version: version(record),
        url: Some(link(site, "Contact", id)),
        extra: extra::pick(record, wanted),
        ..Contact::new(Ref::contact(id))
    })
}

/// Reads e-mail addresses or telephone numbers, the main one first.
pub(crate) fn points(record: &Object, member: &str) -> Vec<ContactPoint> {
    let rows = record
        .get(&format!("{member}Data"))
        .and_then(Value::as_array);
    let point = |row: &Value| {
        Some(ContactPoint {
            value: row.get(member)?.as_str()?.to_owned(),
            primary: row
                .get("primary")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            label: row.get("type").and_then(Value::as_str).map(str::to_owned),
        })
    };
    let mut points: Vec<ContactPoint> = rows.into_iter().flatten().filter_map(point).collect();
    if points.is_empty() {
        points.extend(text(record, member).map(ContactPoint::primary));
    }
    points.sort_by_key(|it| !it.primary);
    points
}

/// The body that creates a contact, and what of it has no place.
pub(crate) fn new(contact: &NewContact) -> Result<(Object, Vec<InvalidField>)> {
    let mut body = extra::to_map(&contact.extra)?;
    let (given, family) = contact.name_parts();
    let address = contact.emails.first().map(|it| it.value.as_str());
    // The family name is required.
    let (given, family) = if family.is_some() {
        (given, family)
    } else {
        (None, given.or(address))
    };
    let family = family
        .ok_or_else(|| Error::invalid("family-name", "EspoCRM asks for a name of a contact"))?;
    for (name, value) in [
        ("firstName", given),
        ("lastName", Some(family)),
        ("assignedUserId", contact.owner.as_deref()),
        ("title", contact.title.as_deref()),
    ] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.into());
        }
    }
    for (member, points) in [
        ("emailAddress", &contact.emails),
        ("phoneNumber", &contact.phones),
    ] {
        if !points.is_empty() {
            body.insert(
                format!("{member}Data"),
                rows(points, &Object::new(), member),
            );
        }
    }
    if !contact.accounts.is_empty() {
        set_accounts(&mut body, &contact.accounts);
    }
    Ok((body, Vec::new()))
}

/// The body that changes a contact; `present` reads what it has now.
pub(crate) fn changes(fields: &mut Fields, present: impl Fn() -> Result<Object>) -> Result<Object> {
    let mut body = Object::new();
    if let Some(full) = fields.value::<String>("full-name")? {
        let whole = NewContact {
            full_name: full.into_option(),
            ..NewContact::default()
        };
        let (given, family) = whole.name_parts();
        body.insert("firstName".to_owned(), given.into());
        body.insert("lastName".to_owned(), family.into());
    }
    for (field, attribute) in [
        ("given-name", "firstName"),
        ("family-name", "lastName"),
        ("title", "title"),
        ("owner", "assignedUserId"),
    ] {
        if let Some(change) = fields.value::<String>(field)? {
            body.insert(attribute.to_owned(), change.into_option().into());
        }
    }
    for (field, member) in [("emails", "emailAddress"), ("phones", "phoneNumber")] {
        if let Some(edits) = fields.list::<ContactPoint>(field)? {
            // Also where the whole list is replaced: what stays keeps its marks, such as an opt-out.
            let now = present()?;
            let same = |one: &ContactPoint, other: &ContactPoint| {
                one.value.eq_ignore_ascii_case(&other.value)
            };
            let then = edits.apply(points(&now, member), same);
            body.insert(format!("{member}Data"), rows(&then, &now, member));
        }
    }
    if let Some(edits) = fields.list::<Affiliation>("accounts")? {
        let now = if edits.is_whole() {
            Vec::new()
        } else {
            affiliations(&present()?)
        };
        set_accounts(
            &mut body,
            &edits.apply(now, |one, other| one.account == other.account),
        );
    }
    set_extra(&mut body, fields)?;
    Ok(body)
}

/// Says if a title was not kept: EspoCRM keeps it as the role at the main account, and without one drops it.
pub(crate) fn lost_title(body: &Object, record: &Object) -> Vec<InvalidField> {
    if text(body, "title") == text(record, "title") || !body.contains_key("title") {
        return Vec::new();
    }
    vec![InvalidField::new(
        "title",
        "EspoCRM keeps the title of a contact with its account, and this one has none",
    )]
}

fn affiliations(record: &Object) -> Vec<Affiliation> {
    let main = text(record, "accountId");
    let affiliation = |id: String| Affiliation {
        primary: main == Some(id.as_str()),
        role: column(record, "accountsColumns", &id, "role").map(str::to_owned),
        account: id,
    };
    let mut all: Vec<Affiliation> = texts(record, "accountsIds")
        .into_iter()
        .map(affiliation)
        .collect();
    if all.is_empty() {
        all.extend(main.map(Affiliation::primary));
    }
    all.sort_by_key(|it| !it.primary);
    all
}

fn set_accounts(body: &mut Object, accounts: &[Affiliation]) {
    let main = accounts
        .iter()
        .rev()
        .find(|it| it.primary)
        .or(accounts.first());
    let ids: Vec<&str> = accounts.iter().map(|it| it.account.as_str()).collect();
    let roles = accounts
        .iter()
        .filter_map(|it| Some((it.account.clone(), json!({"role": it.role.as_ref()?}))));
    body.insert(
        "accountId".to_owned(),
        main.map(|it| it.account.clone()).into(),
    );
    body.insert("accountsIds".to_owned(), ids.into());
    body.insert("accountsColumns".to_owned(), Value::Object(roles.collect()));
}

/// Writes addresses or numbers: exactly one is the main one, the last that claims it, and those that are there keep their marks.
fn rows(points: &[ContactPoint], present: &Object, member: &str) -> Value {
    let main = points.iter().rposition(|it| it.primary).unwrap_or(0);
    let row = |(index, point): (usize, &ContactPoint)| {
        let mut row = known(present, member, &point.value);
        row.insert(member.to_owned(), point.value.clone().into());
        row.insert("primary".to_owned(), (index == main).into());
        if let (Some(kind), "phoneNumber") = (point.label.as_deref().and_then(phone_type), member) {
            row.insert("type".to_owned(), kind.into());
        }
        Value::Object(row)
    };
    points.iter().enumerate().map(row).collect()
}

fn known(present: &Object, member: &str, value: &str) -> Object {
    let rows = present
        .get(&format!("{member}Data"))
        .and_then(Value::as_array);
    let is_it = |it: &&Value| {
        it.get(member)
            .and_then(Value::as_str)
            .is_some_and(|it| it.eq_ignore_ascii_case(value))
    };
    rows.into_iter()
        .flatten()
        .find(is_it)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

fn phone_type(label: &str) -> Option<&'static str> {
    match label.to_lowercase().as_str() {
        "work" => Some("Office"),
        "cell" => Some("Mobile"),
        label => PHONE_TYPES
            .into_iter()
            .find(|it| it.eq_ignore_ascii_case(label)),
    }
}
