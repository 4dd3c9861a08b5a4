//! Accounts: companies, in Dataverse's words and the contract's.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::{Draft, Fields};
use brightsync_sdk::{Account, Result, domain};

use crate::api::{Api, Record, Table};
use crate::odata::Filter;
use crate::write::{Row, text};

pub(crate) const ACCOUNTS: Table = Table {
    set: "accounts",
    name: "account",
    id: "accountid",
    columns: "accountid,name,websiteurl,emailaddress1,customertypecode,_parentaccountid_value,_ownerid_value,_owninguser_value,statecode,createdon,modifiedon,merged,_masterid_value",
    expand: None,
};

/// The types that every organisation has, in the order of their numbers from 1 on; those of its own have no words here.
const KINDS: [&str; 12] = [
    "Competitor",
    "Consultant",
    "Customer",
    "Investor",
    "Partner",
    "Influencer",
    "Press",
    "Prospect",
    "Reseller",
    "Supplier",
    "Vendor",
    "Other",
];

impl Record for Account {
    const TABLE: &'static Table = &ACCOUNTS;

    fn read(it: Object<'_>, api: &Api, wanted: &[String]) -> Self {
        let id = it.id(ACCOUNTS.id);
        let kind: Option<u64> = it.get("customertypecode");
        let kind = kind.and_then(|it| usize::try_from(it).ok()?.checked_sub(1));
        Self {
            domains: domains(it),
            kind: kind.and_then(|it| Some((*KINDS.get(it)?).to_owned())),
            parent: text(it, "_parentaccountid_value"),
            owner: text(it, "_owninguser_value"),
            active: it.get("statecode").map(|it: i64| it == 0),
            created_at: it.time("createdon"),
            modified_at: it.time("modifiedon"),
            version: it.get("@odata.etag"),
            url: Some(api.link(&ACCOUNTS, &id)),
            extra: it.pick(wanted),
            ..Self::new(id, it.get::<String>("name").unwrap_or_default())
        }
    }
}

/// Turns fields into a row; the present web site is read only if something of it may stay.
pub(crate) fn row(mut fields: Fields, read: impl Fn() -> Result<Vec<String>>) -> Result<Row> {
    let domains = fields.list::<String>("domains")?;
    let mut row = Row::finish(Draft::from(fields).texts(&[("name", "name")]))?;
    if let Some(edits) = domains {
        let now = if edits.is_whole() {
            Vec::new()
        } else {
            read()?
        };
        let same = |one: &String, other: &String| domain::of(one) == domain::of(other);
        let mut then = edits.apply(now, same).into_iter();
        row.body.set("websiteurl", then.next().into());
        row.leave_out("domains", then.count());
    }
    Ok(row)
}

/// What stands in the column that `domains` are written to.
pub(crate) fn web_site(it: Object<'_>) -> Vec<String> {
    text(it, "websiteurl").into_iter().collect()
}

/// The condition that an account of a domain meets, and others that only mention it.
pub(crate) fn of_domain(domain: &str) -> Filter {
    Filter::any(vec![
        Filter::contains("websiteurl", domain),
        Filter::ends_with("emailaddress1", &format!("@{domain}")),
    ])
}

/// The web site, and the domain of the address.
fn domains(it: Object<'_>) -> Vec<String> {
    let mut domains = web_site(it);
    let address = text(it, "emailaddress1").and_then(|it| domain::of(&it));
    domains.extend(address.filter(|it| {
        !domains
            .iter()
            .any(|known| domain::of(known).as_ref() == Some(it))
    }));
    domains
}
