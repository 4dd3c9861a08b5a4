//! Contacts.

use std::collections::BTreeSet;

use brightsync_sdk::json::Body;
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::patch::{Fields, ListChange, ListEdits};
use brightsync_sdk::{
    Affiliation, Contact, ContactPoint, Error, Id, NewContact, Page, PageRequest, Patch, Reason,
    Ref, Result, Written,
};
use serde_json::Value;

use crate::HubSpot;
use crate::account::checked_domain;
use crate::api::{COMPANY, CONTACT, is_id};
use crate::link::{self, Change};
use crate::record::{Row, Table, ids_of, property};
use crate::search::{Group, Search, checked_name, packed, split};
use crate::write::Properties;

pub(crate) const TABLE: Table<Contact> = Table {
    kind: &CONTACT,
    properties: &[
        "firstname",
        "lastname",
        "email",
        FURTHER,
        "phone",
        "mobilephone",
        "fax",
        "jobtitle",
        "hubspot_owner_id",
        "associatedcompanyid",
        "notes_last_updated",
        "lastmodifieddate",
    ],
    object: "contact",
    linked: Some(&COMPANY),
    map: contact,
};

/// HubSpot's types of the link from a person to a company, and to the main one.
const AT: &[u32] = &[279];
const MAINLY_AT: &[u32] = &[279, 1];

/// HubSpot's telephone numbers and what they are for, the main one first.
const PHONES: [(&str, Option<&str>); 3] = [
    ("phone", None),
    ("mobilephone", Some("mobile")),
    ("fax", Some("fax")),
];

/// The property with all addresses but the main one.
const FURTHER: &str = "hs_additional_emails";

/// Addresses that are looked up for one page; some may have several contacts.
const ADDRESSES: usize = 100;

fn contact(row: &Row<'_>) -> Contact {
    let (given, family) = (row.text("firstname"), row.text("lastname"));
    let parts: Vec<&str> = given.iter().chain(&family).map(String::as_str).collect();
    Contact {
        full_name: Some(parts.join(" ")).filter(|it| !it.is_empty()),
        given_name: given,
        family_name: family,
        emails: emails(row),
        phones: phones(row),
        accounts: affiliations(row),
        title: row.text("jobtitle"),
        owner: row.text("hubspot_owner_id"),
        active: row.active(),
        created_at: row.created(),
        modified_at: row.modified(),
        last_activity_at: row.time("notes_last_updated"),
        url: row.url(),
        extra: row.extra(),
        ..Contact::new(Ref::contact(row.id.clone()))
    }
}

fn emails(row: &Row<'_>) -> Vec<ContactPoint> {
    let main = row.text("email");
    let mut emails: Vec<_> = main.iter().cloned().map(ContactPoint::primary).collect();
    for further in row.texts(FURTHER) {
        if Some(&further) != main.as_ref() {
            emails.push(ContactPoint::further(further));
        }
    }
    emails
}

fn phones(row: &Row<'_>) -> Vec<ContactPoint> {
    let mut phones = Vec::new();
    for (property, label) in PHONES {
        phones.extend(row.text(property).map(|value| ContactPoint {
            primary: label.is_none(),
            label: label.map(str::to_owned),
            value,
        }));
    }
    phones
}

/// The companies; which is the main one stands in a property.
fn affiliations(row: &Row<'_>) -> Vec<Affiliation> {
    let main = row.text("associatedcompanyid");
    let mut accounts: Vec<_> = main.iter().cloned().map(Affiliation::primary).collect();
    for link in row.links {
        if Some(&link.id) != main.as_ref() {
            accounts.push(Affiliation {
                account: link.id.clone(),
                primary: false,
                role: None,
            });
        }
    }
    accounts
}

impl HubSpot {
    pub(crate) fn new_contact(&self, contact: NewContact) -> Result<Written> {
        let (given, family) = contact.name_parts();
        let (given_name, family_name) = (given.map(str::to_owned), family.map(str::to_owned));
        let mut fields = Fields::from(NewContact {
            full_name: None,
            given_name,
            family_name,
            ..contact
        });
        let mut properties = Properties::default();
        let nothing = || Ok(Contact::new(Ref::contact("")));
        set_points(&mut fields, &mut properties, nothing)?;
        let accounts = fields.list::<Affiliation>("accounts")?;
        let mut links = Vec::new();
        for it in accounts
            .map(|it| it.apply(Vec::new(), same_account))
            .unwrap_or_default()
        {
            if let Some((account, types)) = employer(it, &mut properties) {
                links.push(link::inline(&account, types).into());
            }
        }
        let properties = finish(fields, properties)?;
        let address = address(&properties);
        let created = self.create(&CONTACT, properties, links);
        created.map_err(|error| self.with_existing(error, address))
    }

    pub(crate) fn changed_contact(&self, id: &str, patch: &Patch) -> Result<Written> {
        let mut fields = Fields::from(patch);
        let mut properties = Properties::default();
        if let Some(full) = fields.value::<String>("full-name")? {
            let whole = NewContact {
                full_name: full.into_option(),
                ..NewContact::default()
            };
            let (given, family) = whole.name_parts();
            properties.set("firstname", given.unwrap_or_default());
            properties.set("lastname", family.unwrap_or_default());
        }
        set_points(&mut fields, &mut properties, || self.get(&TABLE, id))?;
        let mut links = Vec::new();
        if let Some(edits) = fields.list::<Affiliation>("accounts")? {
            links.push(self.employers(id, edits, &mut properties)?);
        }
        let properties = finish(fields, properties)?;
        let address = address(&properties);
        let changed = self.change(&CONTACT, id, properties, ("accounts", &links));
        changed.map_err(|error| self.with_existing(error, address))
    }

    /// Names the contact that has the address already, if HubSpot has not.
    fn with_existing(&self, error: Error, address: Option<String>) -> Error {
        match (&error.reason, address) {
            (Reason::Duplicate(known), Some(address)) if known.is_empty() => {
                // The error is what the caller has to learn, whatever becomes of this.
                let found = self.batch(&CONTACT, Some("email"), &[address], &[]);
                error.with_existing(found.map(|it| ids_of(&it.0)).unwrap_or_default())
            }
            _ => error,
        }
    }

    fn employers(
        &self,
        id: &str,
        edits: ListEdits<Affiliation>,
        properties: &mut Properties,
    ) -> Result<Change> {
        let (add, remove) = match edits.sum(same_account) {
            ListChange::Parts { add, remove } => {
                (add, remove.into_iter().map(|it| it.account).collect())
            }
            ListChange::Whole(list) => {
                let links = self.links(&CONTACT, &COMPANY, &[id.to_owned()])?;
                let gone = |it: &Id| list.iter().all(|kept| kept.account != *it);
                let remove: Vec<Id> = links.ids().into_iter().filter(gone).collect();
                (list, remove)
            }
        };
        let mut change = Change {
            to: &COMPANY,
            add: Vec::new(),
            remove: remove.into_iter().filter(|it: &Id| is_id(it)).collect(),
        };
        for it in add {
            change.add.extend(employer(it, properties));
        }
        Ok(change)
    }

    /// Finds contacts of which given and family name make this whole name, wherever the one ends.
    pub(crate) fn contacts_named(&self, name: &str, page: &PageRequest) -> Result<Page<Contact>> {
        let name = checked_name(name)?;
        if name.is_empty() {
            return Ok(Page::empty());
        }
        let is = Group::default;
        let mut groups = vec![
            is().is("lastname", name).without("firstname"),
            is().is("firstname", name).without("lastname"),
        ];
        for (at, _) in name.match_indices(' ') {
            if let (Some(given), Some(family)) = (name.get(..at), name.get(at + 1..)) {
                groups.push(is().is("firstname", given).is("lastname", family));
            }
        }
        self.find(&TABLE, packed("name", groups)?, page)
    }

    /// Finds contacts by their main addresses without the search, and by all others with it.
    pub(crate) fn contacts_with(
        &self,
        emails: &[String],
        page: &PageRequest,
    ) -> Result<Page<Contact>> {
        let start = match &page.token {
            Some(token) => member::<u32>(token, "start")? as usize,
            None => 0,
        };
        let count = ADDRESSES.min(page.size.max(1) as usize);
        let part = emails.iter().skip(start).take(count);
        // What is none would fail all others, and no contact has it.
        let wanted = part.filter(|it| is_address(it)).map(|it| it.to_lowercase());
        let wanted = Vec::from_iter(BTreeSet::from_iter(wanted));
        let properties = TABLE.all_properties();
        let (mut records, skipped) = self.batch(&CONTACT, Some("email"), &wanted, &properties)?;
        let mut rest = wanted;
        rest.retain(|it| !records.iter().any(|record| has_address(record, it)));
        let ids = self.with_further_address(&rest)?;
        let known = ids_of(&records);
        let new: Vec<Id> = ids.into_iter().filter(|it| !known.contains(it)).collect();
        let (further, more) = self.batch(&CONTACT, None, &new, &properties)?;
        records.extend(further);
        // Two of the addresses may be one contact's.
        let mut seen = BTreeSet::new();
        records.retain(|it| seen.insert(it.get("id").map(Value::to_string)));
        let mut found = self.rows_without_links(&TABLE, &records)?;
        found.end.skipped.extend(skipped.into_iter().chain(more));
        let next = start + count;
        let next = (next < emails.len()).then(|| to_token(&Body::new().with("start", next)));
        Ok(found.with_next(next))
    }

    fn with_further_address(&self, emails: &[String]) -> Result<Vec<Id>> {
        let mut ids = Vec::new();
        for part in split(FURTHER, emails) {
            let group = Group::default().among(FURTHER, part);
            let search = Search::new(vec![group]);
            ids.extend(ids_of(&self.all_found(&CONTACT, search)?));
        }
        Ok(ids)
    }

    pub(crate) fn contacts_at(&self, domain: &str, page: &PageRequest) -> Result<Page<Contact>> {
        let end = format!("@{}", checked_domain(domain)?);
        let groups = ["email", FURTHER].map(|it| Group::default().ends_with(it, &end));
        let groups = groups
            .into_iter()
            .chain([Group::default().is("hs_email_domain", domain)]);
        self.find(&TABLE, packed("domain", groups.collect())?, page)
    }
}

/// Takes addresses and numbers, of which HubSpot has room for one address and three numbers.
fn set_points(
    fields: &mut Fields,
    properties: &mut Properties,
    present: impl Fn() -> Result<Contact>,
) -> Result<()> {
    let same =
        |one: &ContactPoint, other: &ContactPoint| one.value.eq_ignore_ascii_case(&other.value);
    if let Some(edits) = fields.list::<ContactPoint>("emails")? {
        let now = present()?.emails;
        let then = ContactPoint::main_first(edits.apply(now.clone(), same));
        let (main, further) = then.split_first().unzip();
        let main = main.map_or("", |it| it.value.as_str());
        if now.first().map_or("", |it| it.value.as_str()) != main {
            properties.set("email", main);
        }
        let (before, after) = (now.get(1..), further);
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let missing = |of: &[ContactPoint], list: &[ContactPoint]| {
            let is_new = |it: &&ContactPoint| !list.iter().any(|other| same(it, other));
            of.iter().filter(is_new).count()
        };
        let (added, removed) = (missing(after, before), missing(before, &then));
        if 0 < added + removed {
            let reason = "HubSpot lets the main address be written and no further ones";
            let reason = format!("{reason}: {added} not added, {removed} not removed");
            properties.leave("emails", reason);
        }
    }
    if let Some(edits) = fields.list::<ContactPoint>("phones")? {
        let now = present()?.phones;
        let mut then = ContactPoint::main_first(edits.apply(now.clone(), same));
        for (property, label) in PHONES {
            let place = then.iter().position(|it| purpose(it) == label);
            let number = place.map(|it| then.remove(it).value);
            if number.is_some() || now.iter().any(|it| purpose(it) == label) {
                properties.set(property, number.unwrap_or_default());
            }
        }
        if !then.is_empty() {
            let reason = "HubSpot has one telephone number, one mobile number and one fax number";
            properties.leave("phones", format!("{reason}: no place for {}", then.len()));
        }
    }
    Ok(())
}

/// Takes the rest of a contact.
fn finish(mut fields: Fields, mut properties: Properties) -> Result<Properties> {
    let names = [
        ("given-name", "firstname"),
        ("family-name", "lastname"),
        ("title", "jobtitle"),
        ("owner", "hubspot_owner_id"),
    ];
    properties.copy(&mut fields, &names)?;
    properties.finish(fields)
}

/// The address that is written, by which a contact that has it already is found.
fn address(properties: &Properties) -> Option<String> {
    let address = properties.body.get("email")?.as_str()?;
    Some(address.to_lowercase()).filter(|it| is_address(it))
}

fn employer(it: Affiliation, properties: &mut Properties) -> Option<(Id, &'static [u32])> {
    if it.role.is_some() {
        properties.leave("accounts", "HubSpot has no role of a person at a company");
    }
    if !is_id(&it.account) {
        properties.leave("accounts", format!("there is no company {:?}", it.account));
        return None;
    }
    Some((it.account, if it.primary { MAINLY_AT } else { AT }))
}

fn same_account(one: &Affiliation, other: &Affiliation) -> bool {
    one.account == other.account
}

/// Which of HubSpot's numbers it is.
fn purpose(it: &ContactPoint) -> Option<&'static str> {
    match it.label.as_deref()?.to_lowercase().as_str() {
        "mobile" | "cell" => Some("mobile"),
        "fax" => Some("fax"),
        _ => None,
    }
}

fn has_address(record: &Value, address: &str) -> bool {
    let all = ["email", FURTHER].map(|it| property(record, it).unwrap_or_default());
    let mut all = all.into_iter().flat_map(|it| it.split(';'));
    all.any(|it| it.trim().eq_ignore_ascii_case(address))
}

fn is_address(text: &str) -> bool {
    let plain = |it: char| !it.is_control() && !it.is_whitespace() && !matches!(it, ',' | ';');
    text.len() <= 320 && text.contains('@') && text.chars().all(plain)
}
