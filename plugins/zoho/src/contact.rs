//! Contacts in Zoho's words and the contract's.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::{Fields, ListEdits};
use brightsync_sdk::{Affiliation, Contact, ContactPoint, Error, NewContact, Ref, Result};

use crate::coql::Condition;
use crate::list::{Kind, owner};
use crate::map::{Draft, linked, lookup, stamp, text};
use crate::org::Scene;

pub(crate) const KIND: Kind<Contact> = Kind {
    module: "Contacts",
    object: "contact",
    columns: &[
        "Full_Name",
        "First_Name",
        "Last_Name",
        "Email",
        "Secondary_Email",
        "Phone",
        "Mobile",
        "Home_Phone",
        "Other_Phone",
        "Account_Name",
        "Title",
        "Owner",
        "Created_Time",
        "Modified_Time",
        "Last_Activity_Time",
    ],
    read,
};

/// The fields for addresses, the main one first.
pub(crate) const EMAILS: [&str; 2] = ["Email", "Secondary_Email"];

/// The fields for numbers, and what they are for.
const PHONES: [(&str, &str); 4] = [
    ("Phone", "work"),
    ("Other_Phone", "other"),
    ("Mobile", "mobile"),
    ("Home_Phone", "home"),
];

/// The most words of a name for which all ways to split it fit into one query.
const MOST_WORDS: usize = 12;

fn read(it: Object<'_>, scene: &Scene) -> Contact {
    let id = it.id("id");
    let modified_at = it.time("Modified_Time");
    let account = linked(it, "Account_Name");
    Contact {
        full_name: text(it, "Full_Name"),
        given_name: text(it, "First_Name"),
        family_name: text(it, "Last_Name"),
        emails: points(it, EMAILS.map(|name| (name, None))),
        phones: points(it, PHONES.map(|(name, label)| (name, Some(label)))),
        accounts: account.map(Affiliation::primary).into_iter().collect(),
        title: text(it, "Title"),
        owner: owner(it),
        created_at: it.time("Created_Time"),
        modified_at,
        last_activity_at: it.time("Last_Activity_Time"),
        version: modified_at.map(stamp),
        url: scene.url("Contacts", &id),
        extra: it.pick(&scene.wanted),
        ..Contact::new(Ref::contact(id))
    }
}

fn points<const N: usize>(it: Object<'_>, fields: [(&str, Option<&str>); N]) -> Vec<ContactPoint> {
    let mut points = Vec::new();
    for (name, label) in fields {
        if let Some(value) = text(it, name) {
            points.push(ContactPoint {
                value,
                primary: points.is_empty(),
                label: label.map(str::to_owned),
            });
        }
    }
    points
}

/// The condition that people of this whole name meet: it may be split between given and family name at every blank.
pub(crate) fn named(name: &str) -> Condition {
    let name = name.trim();
    let mut ways = vec![Condition::is("Last_Name", name)];
    let blanks = name.char_indices().filter(|(_, it)| it.is_whitespace());
    for (at, _) in blanks {
        let (given, family) = name.split_at(at);
        let (given, family) = (given.trim_end(), family.trim_start());
        // Of several blanks in a row, one is enough.
        if given.len() == at {
            let given = Condition::is("First_Name", given);
            ways.push(Condition::all(vec![
                given,
                Condition::is("Last_Name", family),
            ]));
        }
    }
    if ways.len() <= MOST_WORDS {
        return Condition::one_of(ways);
    }
    let last = name.split_whitespace().last().unwrap_or_default();
    Condition::ends_with("Last_Name", last)
}

/// The fields of a new contact, which has to have a family name.
pub(crate) fn new(contact: NewContact) -> Result<NewContact> {
    let address = contact.emails.first().map(|it| it.value.clone());
    let (given, family) = contact.name_parts();
    let (given, family) = (given.map(str::to_owned), family.map(str::to_owned));
    let (given, family) = match family {
        Some(_) => (given, family),
        None => (None, given.or(address)),
    };
    if family.as_deref().is_none_or(|it| it.trim().is_empty()) {
        return Err(Error::invalid(
            "family-name",
            "Zoho asks for a name of a contact",
        ));
    }
    Ok(NewContact {
        full_name: None,
        given_name: given,
        family_name: family,
        ..contact
    })
}

/// A new contact, or what becomes of one; `present` reads it where an edit needs what it has now.
pub(crate) fn write(
    mut fields: Fields,
    mut draft: Draft,
    present: &dyn Fn() -> Result<Contact>,
) -> Result<Draft> {
    if let Some(full) = fields.value::<String>("full-name")? {
        let whole = NewContact {
            full_name: full.into_option(),
            ..NewContact::default()
        };
        let (given, family) = whole.name_parts();
        draft.put("First_Name", given);
        draft.put("Last_Name", family);
    }
    let names = [
        ("given-name", "First_Name"),
        ("family-name", "Last_Name"),
        ("title", "Title"),
    ];
    draft.texts(&mut fields, &names)?;
    draft.owner(&mut fields)?;
    let emails = fields.list::<ContactPoint>("emails")?;
    let phones = fields.list::<ContactPoint>("phones")?;
    let accounts = fields.list::<Affiliation>("accounts")?;
    let whole = emails.as_ref().is_none_or(ListEdits::is_whole)
        && phones.as_ref().is_none_or(ListEdits::is_whole)
        && accounts.as_ref().is_none_or(ListEdits::is_whole);
    let now = match whole {
        true => Contact::new(Ref::contact("")),
        false => present()?,
    };
    if let Some(edits) = emails {
        put_emails(&mut draft, now.emails, edits);
    }
    if let Some(edits) = phones {
        put_phones(&mut draft, edits.apply(now.phones, same));
    }
    if let Some(edits) = accounts {
        let then = edits.apply(now.accounts, |one, other| one.account == other.account);
        put_account(&mut draft, &then);
    }
    draft.finish(fields)
}

fn same(one: &ContactPoint, other: &ContactPoint) -> bool {
    one.value.to_lowercase() == other.value.to_lowercase()
}

/// Writes addresses, the main one first; where there is no room for all, those that are there already stay.
fn put_emails(draft: &mut Draft, now: Vec<ContactPoint>, edits: ListEdits<ContactPoint>) {
    let mut then = ContactPoint::main_first(edits.apply(now.clone(), same));
    let count = then.len();
    while then.len() > EMAILS.len() {
        let is_new = |it: &ContactPoint| !now.iter().any(|other| same(it, other));
        let place = then.iter().rposition(is_new).unwrap_or(then.len() - 1);
        then.remove(place);
    }
    draft.leave_some("emails", count - then.len());
    let mut then = then.into_iter();
    for field in EMAILS {
        draft.put(field, then.next().map(|it| it.value));
    }
}

/// Writes numbers into the fields that their labels mean, and the others into those that are left.
fn put_phones(draft: &mut Draft, then: Vec<ContactPoint>) {
    let mut fields: [Option<String>; PHONES.len()] = Default::default();
    let mut others = Vec::new();
    for point in ContactPoint::main_first(then) {
        let label = point.label.unwrap_or_default().to_lowercase();
        let label = if label == "cell" { "mobile" } else { &label };
        let place = PHONES.iter().position(|it| it.1 == label);
        match place.and_then(|it| fields.get_mut(it)) {
            Some(field @ None) => *field = Some(point.value),
            _ => others.push(point.value),
        }
    }
    let mut others = others.into_iter();
    for field in fields.iter_mut().filter(|it| it.is_none()) {
        *field = others.next();
    }
    draft.leave_some("phones", others.len());
    for ((field, _), value) in PHONES.iter().zip(fields) {
        draft.put(field, value);
    }
}

/// Writes the main account, since a contact has one; for what somebody does there is no place.
fn put_account(draft: &mut Draft, accounts: &[Affiliation]) {
    let main = accounts.iter().rfind(|it| it.primary).or(accounts.first());
    draft.put("Account_Name", main.map(|it| lookup(&it.account)));
    draft.leave_some("accounts", accounts.len().saturating_sub(1));
    if main.is_some_and(|it| it.role.is_some()) {
        draft.leave("accounts", "Zoho keeps no role of a contact in its account");
    }
}
