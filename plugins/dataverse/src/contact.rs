//! Contacts: people, in Dataverse's words and the contract's.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::{Draft, Fields, ListEdits};
use brightsync_sdk::{Affiliation, Contact, ContactPoint, NewContact, Ref, Result};

use crate::api::{Api, Record, Table};
use crate::read::looked_up;
use crate::write::{Row, bound, text};

pub(crate) const CONTACTS: Table = Table {
    set: "contacts",
    name: "contact",
    id: "contactid",
    columns: "contactid,fullname,firstname,lastname,emailaddress1,emailaddress2,emailaddress3,telephone1,telephone2,telephone3,mobilephone,jobtitle,_parentcustomerid_value,_ownerid_value,_owninguser_value,statecode,createdon,modifiedon,merged,_masterid_value",
    expand: None,
};

/// The columns with addresses, the main one first.
pub(crate) const EMAILS: [&str; 3] = ["emailaddress1", "emailaddress2", "emailaddress3"];

/// Places for a list: columns, and what those in each are called.
type Places = [(&'static str, Option<&'static str>)];

const ADDRESSES: &Places = &[(EMAILS[0], None), (EMAILS[1], None), (EMAILS[2], None)];

const NUMBERS: &Places = &[
    ("telephone1", Some("work")),
    ("mobilephone", Some("mobile")),
    ("telephone2", Some("home")),
    ("telephone3", Some("other")),
];

impl Record for Contact {
    const TABLE: &'static Table = &CONTACTS;

    fn read(it: Object<'_>, api: &Api, wanted: &[String]) -> Self {
        let id = it.id(CONTACTS.id);
        Self {
            full_name: text(it, "fullname"),
            given_name: text(it, "firstname"),
            family_name: text(it, "lastname"),
            emails: points(columns(it, ADDRESSES), ADDRESSES),
            phones: points(columns(it, NUMBERS), NUMBERS),
            accounts: accounts(it),
            title: text(it, "jobtitle"),
            owner: text(it, "_owninguser_value"),
            active: it.get("statecode").map(|it: i64| it == 0),
            created_at: it.time("createdon"),
            modified_at: it.time("modifiedon"),
            version: it.get("@odata.etag"),
            url: Some(api.link(&CONTACTS, &id)),
            extra: it.pick(wanted),
            ..Self::new(Ref::contact(id))
        }
    }
}

/// What stands in the columns of a contact's lists.
#[derive(Default)]
pub(crate) struct Present {
    emails: Vec<Option<String>>,
    phones: Vec<Option<String>>,
    accounts: Vec<Affiliation>,
}

pub(crate) fn present(it: Object<'_>) -> Present {
    Present {
        emails: columns(it, ADDRESSES).collect(),
        phones: columns(it, NUMBERS).collect(),
        accounts: accounts(it),
    }
}

/// Turns fields into a row; the present one is read only for a list of which something stays.
pub(crate) fn row(mut fields: Fields, read: impl Fn() -> Result<Present>) -> Result<Row> {
    let full_name = fields.value::<String>("full-name")?;
    let emails = fields.list::<ContactPoint>("emails")?;
    let phones = fields.list::<ContactPoint>("phones")?;
    let accounts = fields.list::<Affiliation>("accounts")?;
    let mut row = Row::finish(Draft::from(fields).texts(&[
        ("given-name", "firstname"),
        ("family-name", "lastname"),
        ("title", "jobtitle"),
    ]))?;
    if let Some(full_name) = full_name {
        set_name(&mut row, full_name.into_option());
    }
    let stays = [
        emails.as_ref().is_some_and(|it| !it.is_whole()),
        phones.as_ref().is_some_and(|it| !it.is_whole()),
        accounts.as_ref().is_some_and(|it| !it.is_whole()),
    ];
    let now = match stays.contains(&true) {
        true => read()?,
        false => Present::default(),
    };
    if let Some(edits) = emails {
        place(&mut row, "emails", ADDRESSES, &now.emails, edits);
    }
    if let Some(edits) = phones {
        place(&mut row, "phones", NUMBERS, &now.phones, edits);
    }
    if let Some(edits) = accounts {
        let then = edits.apply(now.accounts, |one, other| one.account == other.account);
        set_accounts(&mut row, then);
    }
    Ok(row)
}

/// Splits a whole name, unless its parts are given as well.
fn set_name(row: &mut Row, full_name: Option<String>) {
    if row.body.get("firstname").is_some() || row.body.get("lastname").is_some() {
        return;
    }
    let whole = NewContact {
        full_name,
        ..NewContact::default()
    };
    let (given, family) = whole.name_parts();
    row.body.set("firstname", given.into());
    row.body.set("lastname", family.into());
}

fn columns<'a>(it: Object<'a>, places: &'a Places) -> impl Iterator<Item = Option<String>> + 'a {
    places.iter().map(move |(column, _)| text(it, column))
}

/// Reads addresses or numbers, each with the name of its column.
fn points(columns: impl Iterator<Item = Option<String>>, places: &Places) -> Vec<ContactPoint> {
    let mut points: Vec<ContactPoint> = Vec::new();
    for (value, (_, label)) in columns.zip(places) {
        points.extend(value.map(|value| ContactPoint {
            value,
            primary: points.is_empty(),
            label: label.map(str::to_owned),
        }));
    }
    points
}

/// Puts a list into its columns: each element where it was or where it is called so, the main one of those without a name first, and the rest where there is room.
fn place(
    row: &mut Row,
    field: &str,
    places: &Places,
    now: &[Option<String>],
    edits: ListEdits<ContactPoint>,
) {
    let is_whole = edits.is_whole();
    let same =
        |one: &ContactPoint, other: &ContactPoint| one.value.eq_ignore_ascii_case(&other.value);
    let listed = edits.apply(points(now.iter().cloned(), places), same);
    let listed = ContactPoint::main_first(listed);
    let mut then: Vec<Option<String>> = vec![None; places.len()];
    let mut rest = Vec::new();
    for (rank, point) in listed.into_iter().enumerate() {
        let called = |(_, label): &(&str, Option<&str>)| {
            let both = label.zip(point.label.as_deref());
            both.is_some_and(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs))
        };
        let was = |it: &Option<String>| it.as_ref().is_some_and(|it| *it == point.value);
        let own = match places.first() {
            Some((_, None)) if rank == 0 => Some(0),
            _ => (places.iter().position(called)).or_else(|| now.iter().position(was)),
        };
        match own.and_then(|it| then.get_mut(it)) {
            Some(column) if column.is_none() => *column = Some(point.value),
            _ => rest.push(point.value),
        }
    }
    let mut left = 0;
    for value in rest {
        match then.iter_mut().find(|it| it.is_none()) {
            Some(column) => *column = Some(value),
            None => left += 1,
        }
    }
    for (index, ((column, _), value)) in places.iter().zip(then).enumerate() {
        if is_whole || now.get(index) != Some(&value) {
            row.body.set(column, value.into());
        }
    }
    row.leave_out(field, left);
}

fn accounts(it: Object<'_>) -> Vec<Affiliation> {
    let account = looked_up(it, "_parentcustomerid_value", "account");
    account.map(Affiliation::primary).into_iter().collect()
}

/// A contact belongs to one account, and there is no column for its role there.
fn set_accounts(row: &mut Row, accounts: Vec<Affiliation>) {
    let accounts = Affiliation::main_first(accounts);
    let is_kept = |it: &&Affiliation| bound("accounts", &it.account).is_some();
    let main = accounts.iter().find(is_kept);
    let left = accounts.len() - usize::from(main.is_some_and(|it| it.role.is_none()));
    let main = main.and_then(|it| bound("accounts", &it.account));
    row.body
        .set("parentcustomerid_account@odata.bind", main.into());
    row.leave_out("accounts", left);
}
