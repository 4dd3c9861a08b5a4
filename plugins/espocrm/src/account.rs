//! Accounts in EspoCRM's words and the contract's.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, InvalidField, NewAccount, Result, domain, extra};

use crate::api::Present;
use crate::map::{copy, instant, link, owned, set_extra, text, version};

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

pub(crate) fn account(it: Object<'_>, site: &str, wanted: &[String]) -> Account {
    let id = it.id("id");
    // Many companies have no web site in EspoCRM, but an address that says the same.
    let mut domains = sites(it);
    domains.extend(text(it, "emailAddress").and_then(domain::of));
    Account {
        domains,
        kind: owned(it, "type"),
        owner: owned(it, "assignedUserId"),
        created_at: instant(it, "createdAt"),
        modified_at: instant(it, "modifiedAt"),
        version: version(it),
        url: Some(link(site, "Account", &id)),
        extra: it.pick(wanted),
        ..Account::new(id, text(it, "name").unwrap_or_default())
    }
}

/// The body that creates an account, and what of it has no place.
pub(crate) fn new(account: NewAccount) -> Result<(Body, Vec<InvalidField>)> {
    let mut body = Body::from(extra::to_map(&account.extra)?)
        .with("name", account.name)
        .with_some("assignedUserId", account.owner);
    let incomplete = set_domains(&mut body, &account.domains);
    Ok((body, incomplete))
}

/// The body that changes an account, and what of the patch has no place.
pub(crate) fn changes(
    mut fields: Fields,
    present: &Present<'_>,
) -> Result<(Body, Vec<InvalidField>)> {
    let mut body = Body::new();
    let mut incomplete = Vec::new();
    let texts = [
        ("name", "name"),
        ("owner", "assignedUserId"),
        ("kind", "type"),
    ];
    copy(&mut body, &mut fields, &texts)?;
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = present.list(&edits, sites)?;
        let same = |one: &String, other: &String| domain::of(one) == domain::of(other);
        incomplete = set_domains(&mut body, &edits.apply(now, same));
    }
    set_extra(&mut body, &mut fields)?;
    incomplete.extend(fields.rest());
    Ok((body, incomplete))
}

fn sites(it: Object<'_>) -> Vec<String> {
    Vec::from_iter(owned(it, "website"))
}

fn set_domains(body: &mut Body, domains: &[String]) -> Vec<InvalidField> {
    body.set("website", domains.first().cloned().into());
    let mut incomplete = Vec::new();
    for it in domains.iter().skip(1) {
        let reason = format!("EspoCRM keeps one web site, so {it} has no place");
        incomplete.push(InvalidField::new("domains", reason));
    }
    incomplete
}
