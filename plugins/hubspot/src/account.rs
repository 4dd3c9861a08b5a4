//! Accounts, in HubSpot's words companies.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, Error, Page, PageRequest, Result};

use crate::HubSpot;
use crate::api::COMPANY;
use crate::record::{Row, Table};
use crate::search::{Group, checked_name, packed};
use crate::write::Properties;

pub(crate) const TABLE: Table<Account> = Table {
    kind: &COMPANY,
    properties: &[
        "name",
        "domain",
        FURTHER,
        "website",
        "type",
        "hs_parent_company_id",
        "hubspot_owner_id",
        "notes_last_updated",
        "hs_lastmodifieddate",
    ],
    object: "account",
    linked: None,
    map: account,
};

/// The property with all domains but the main one.
const FURTHER: &str = "hs_additional_domains";

fn account(row: &Row<'_>) -> Account {
    let mut domains = Vec::from_iter(row.text("domain"));
    for further in row.texts(FURTHER) {
        if !domains.contains(&further) {
            domains.push(further);
        }
    }
    if domains.is_empty() {
        domains.extend(row.text("website"));
    }
    // A company may have a domain and no name.
    let name = row.text("name").or_else(|| row.text("domain"));
    Account {
        domains,
        kind: row.text("type"),
        parent: row.text("hs_parent_company_id"),
        owner: row.text("hubspot_owner_id"),
        active: row.active(),
        created_at: row.created(),
        modified_at: row.modified(),
        last_activity_at: row.time("notes_last_updated"),
        url: row.url(),
        extra: row.extra(),
        ..Account::new(row.id.clone(), name.unwrap_or_default())
    }
}

/// Writes an account; what its domains are now is asked for only if they change.
pub(crate) fn write(
    mut fields: Fields,
    present: impl Fn() -> Result<Account>,
) -> Result<Properties> {
    let mut properties = Properties::default();
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = match edits.is_whole() {
            true => Vec::new(),
            false => present()?.domains,
        };
        let domains = edits.apply(now, |one, other| one.eq_ignore_ascii_case(other));
        let (main, further) = domains.split_first().unzip();
        properties.set("domain", main.cloned().unwrap_or_default());
        properties.set(FURTHER, further.unwrap_or_default().join(";"));
    }
    let names = [("name", "name"), ("owner", "hubspot_owner_id")];
    properties.copy(&mut fields, &names)?;
    properties.finish(fields)
}

impl HubSpot {
    pub(crate) fn accounts_named(&self, name: &str, page: &PageRequest) -> Result<Page<Account>> {
        let name = checked_name(name)?;
        if name.is_empty() {
            return Ok(Page::empty());
        }
        let groups = vec![Group::default().is("name", name)];
        self.find(&TABLE, packed("name", groups)?, page)
    }

    pub(crate) fn accounts_at(&self, domain: &str, page: &PageRequest) -> Result<Page<Account>> {
        let domain = checked_domain(domain)?;
        let group = Group::default;
        let groups = vec![
            group().is("domain", domain),
            group().among(FURTHER, &[domain.to_owned()]),
            group().ends_with("website", domain),
        ];
        self.find(&TABLE, packed("domain", groups)?, page)
    }
}

/// Passes a domain on if it has nothing in it that the search would take for a wildcard, or no domain has.
pub(crate) fn checked_domain(domain: &str) -> Result<&str> {
    let plain = |it: char| it.is_alphanumeric() || matches!(it, '.' | '-' | '_');
    if !domain.is_empty() && domain.len() <= 253 && domain.chars().all(plain) {
        return Ok(domain);
    }
    Err(Error::invalid("domain", "this is no internet domain"))
}
