//! Contacts in EspoCRM's words and the contract's.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Affiliation, Contact, ContactPoint, Error, InvalidField, NewContact, Ref, Result,
};
use serde_json::Value;

use crate::api::Present;
use crate::map::{Draft, column, instant, link, owned, text, texts, version};

const PHONE_TYPES: [&str; 5] = ["Mobile", "Office", "Home", "Fax", "Other"];

pub(crate) fn contact(it: Object<'_>, site: &str, wanted: &[String]) -> Contact {
    let id = it.id("id");
    Contact {
        full_name: owned(it, "name"),
        given_name: owned(it, "firstName"),
        family_name: owned(it, "lastName"),
        emails: points(it, "emailAddress"),
        phones: points(it, "phoneNumber"),
        accounts: affiliations(it),
        title: owned(it, "title"),
        owner: owned(it, "assignedUserId"),
        created_at: instant(it, "createdAt"),
        modified_at: instant(it, "modifiedAt"),
        version: version(it),
        url: Some(link(site, "Contact", &id)),
        extra: it.pick(wanted),
        ..Contact::new(Ref::contact(id))
    }
}

/// Reads e-mail addresses or telephone numbers, the main one first.
pub(crate) fn points(it: Object<'_>, member: &str) -> Vec<ContactPoint> {
    let text = |row: &Value, name: &str| Some(row.get(name)?.as_str()?.to_owned());
    let mut points = Vec::new();
    for row in rows(it, member) {
        if let Some(value) = text(row, member) {
            points.push(ContactPoint {
                value,
                primary: row.get("primary").is_some_and(|it| it == true),
                label: text(row, "type"),
            });
        }
    }
    if points.is_empty() {
        points.extend(owned(it, member).map(ContactPoint::primary));
    }
    ContactPoint::main_first(points)
}

pub(crate) fn new(contact: &NewContact) -> Result<Draft> {
    let (given, family) = contact.name_parts();
    let address = contact.emails.first().map(|it| it.value.as_str());
    // The family name is required.
    let (given, family) = match family {
        Some(_) => (given, family),
        None => (None, given.or(address)),
    };
    let family = family
        .ok_or_else(|| Error::invalid("family-name", "EspoCRM asks for a name of a contact"))?;
    let mut draft = Draft::new(&contact.extra)?;
    draft.body = (draft.body.with_some("firstName", given))
        .with("lastName", family)
        .with_some("assignedUserId", contact.owner.as_deref())
        .with_some("title", contact.title.as_deref());
    for (member, points) in [
        ("emailAddress", &contact.emails),
        ("phoneNumber", &contact.phones),
    ] {
        if !points.is_empty() {
            set_points(&mut draft.body, member, points, &[]);
        }
    }
    if !contact.accounts.is_empty() {
        set_accounts(&mut draft.body, &contact.accounts);
    }
    Ok(draft)
}

pub(crate) fn changes(mut fields: Fields, present: &Present<'_>) -> Result<Draft> {
    let mut draft = Draft::default();
    if let Some(full) = fields.value::<String>("full-name")? {
        let whole = NewContact {
            full_name: full.into_option(),
            ..NewContact::default()
        };
        let (given, family) = whole.name_parts();
        draft.body.set("firstName", given.into());
        draft.body.set("lastName", family.into());
    }
    let texts = [
        ("given-name", "firstName"),
        ("family-name", "lastName"),
        ("title", "title"),
        ("owner", "assignedUserId"),
    ];
    draft.copy(&mut fields, &texts)?;
    for (field, member) in [("emails", "emailAddress"), ("phones", "phoneNumber")] {
        if let Some(edits) = fields.list::<ContactPoint>(field)? {
            // Also where the whole list is replaced: what stays keeps its marks, such as an opt-out.
            let (now, known) =
                present.read(|it| Ok((points(it, member), rows(it, member).to_vec())))?;
            let same = |one: &ContactPoint, other: &ContactPoint| {
                one.value.eq_ignore_ascii_case(&other.value)
            };
            set_points(&mut draft.body, member, &edits.apply(now, same), &known);
        }
    }
    if let Some(edits) = fields.list::<Affiliation>("accounts")? {
        let now = present.list(&edits, affiliations)?;
        let then = edits.apply(now, |one, other| one.account == other.account);
        set_accounts(&mut draft.body, &then);
    }
    draft.finish(fields)
}

/// Says if a title was not kept: EspoCRM keeps it as the role at the main account, and without one drops it.
pub(crate) fn lost(it: Object<'_>, draft: &Draft) -> Vec<InvalidField> {
    let sent = draft
        .body
        .get("title")
        .map(|it| it.as_str().unwrap_or_default());
    if sent.is_none_or(|sent| sent == text(it, "title").unwrap_or_default()) {
        return Vec::new();
    }
    vec![InvalidField::new(
        "title",
        "EspoCRM keeps the title of a contact with its account, and this one has none",
    )]
}

fn affiliations(it: Object<'_>) -> Vec<Affiliation> {
    let main = text(it, "accountId");
    let mut all = Vec::new();
    for account in texts(it, "accountsIds") {
        all.push(Affiliation {
            primary: main == Some(&account),
            role: column(it, "accountsColumns", &account, "role").map(str::to_owned),
            account,
        });
    }
    if all.is_empty() {
        all.extend(main.map(Affiliation::primary));
    }
    Affiliation::main_first(all)
}

fn set_accounts(body: &mut Body, accounts: &[Affiliation]) {
    let main = accounts.iter().rfind(|it| it.primary);
    let main = main.or(accounts.first()).map(|it| it.account.as_str());
    let mut ids: Vec<&str> = Vec::new();
    let mut roles = Body::new();
    for it in accounts {
        ids.push(&it.account);
        if let Some(role) = it.role.as_deref() {
            roles.set(&it.account, Body::new().with("role", role).into());
        }
    }
    body.set("accountId", main.into());
    body.set("accountsIds", ids.into());
    body.set("accountsColumns", roles.into());
}

/// Writes addresses or numbers: exactly one is the main one, the last that claims it, and those that are there keep their marks.
fn set_points(body: &mut Body, member: &str, points: &[ContactPoint], known: &[Value]) {
    let main = points.iter().rposition(|it| it.primary).unwrap_or(0);
    let mut rows: Vec<Value> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let is_it = |row: &&Value| {
            let value = row.get(member).and_then(Value::as_str);
            value.is_some_and(|it| it.eq_ignore_ascii_case(&point.value))
        };
        let row = known.iter().find(is_it).and_then(Value::as_object);
        let kind = point.label.as_deref().and_then(phone_type);
        let row = Body::from(row.cloned().unwrap_or_default())
            .with(member, point.value.as_str())
            .with("primary", index == main)
            .with_some("type", kind.filter(|_| member == "phoneNumber"));
        rows.push(row.into());
    }
    body.set(&format!("{member}Data"), rows.into());
}

/// The rows of addresses or numbers, with their marks.
fn rows<'a>(it: Object<'a>, member: &str) -> &'a [Value] {
    let rows = it.value(&format!("{member}Data"));
    rows.as_array().map_or(&[], Vec::as_slice)
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
