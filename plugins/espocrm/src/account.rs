//! Accounts in EspoCRM's words and the contract's.

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, InvalidField, NewAccount, Result, domain, extra};

use crate::api::Object;
use crate::map::{instant, link, set_extra, text, version};

/// What a list has to name for [`account`] to read.
pub(crate) const SELECT: [&str; 8] = [
    "name",
    "website",
    "emailAddress",
    "type",
    "assignedUserId",
    "createdAt",
    "modifiedAt",
    "versionNumber",
];

pub(crate) fn account(record: &Object, site: &str, wanted: &[String]) -> Result<Account> {
    let id = text(record, "id").unwrap_or_default();
    // Many companies have no web site in EspoCRM, but an address that says the same.
    let mail = text(record, "emailAddress").and_then(domain::of);
    Ok(Account {
        domains: text(record, "website")
            .map(str::to_owned)
            .into_iter()
            .chain(mail)
            .collect(),
        kind: text(record, "type").map(str::to_owned),
        owner: text(record, "assignedUserId").map(str::to_owned),
        created_at: instant(text(record, "createdAt"))?,
        modified_at: instant(text(record, "modifiedAt"))?,
        version: version(record),
        url: Some(link(site, "Account", id)),
        extra: extra::pick(record, wanted),
        ..Account::new(id, text(record, "name").unwrap_or_default())
    })
}

/// The body that creates an account, and what of it has no place.
pub(crate) fn new(account: &NewAccount) -> Result<(Object, Vec<InvalidField>)> {
    let mut body = extra::to_map(&account.extra)?;
    body.insert("name".to_owned(), account.name.clone().into());
    if let Some(owner) = &account.owner {
        body.insert("assignedUserId".to_owned(), owner.clone().into());
    }
    let incomplete = set_domains(&mut body, &account.domains);
    Ok((body, incomplete))
}

/// The body that changes an account; `present` reads what it has now.
pub(crate) fn changes(
    fields: &mut Fields,
    present: impl Fn() -> Result<Object>,
) -> Result<(Object, Vec<InvalidField>)> {
    let mut body = Object::new();
    let mut incomplete = Vec::new();
    for (field, attribute) in [
        ("name", "name"),
        ("owner", "assignedUserId"),
        ("kind", "type"),
    ] {
        if let Some(change) = fields.value::<String>(field)? {
            body.insert(attribute.to_owned(), change.into_option().into());
        }
    }
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = if edits.is_whole() {
            None
        } else {
            text(&present()?, "website").map(str::to_owned)
        };
        let same = |one: &String, other: &String| domain::of(one) == domain::of(other);
        incomplete = set_domains(&mut body, &edits.apply(now.into_iter().collect(), same));
    }
    set_extra(&mut body, fields)?;
    Ok((body, incomplete))
}

fn set_domains(body: &mut Object, domains: &[String]) -> Vec<InvalidField> {
    body.insert("website".to_owned(), domains.first().cloned().into());
    let rest = domains.iter().skip(1);
    rest.map(|it| {
        InvalidField::new(
            "domains",
            format!("EspoCRM keeps one web site, so {it} has no place"),
        )
    })
    .collect()
}
