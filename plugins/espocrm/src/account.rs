//! Accounts in EspoCRM's words and the contract's.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, NewAccount, Result, domain};

use crate::api::Present;
use crate::map::{Draft, instant, link, owned, text, version};

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

pub(crate) fn new(account: NewAccount) -> Result<Draft> {
    let mut draft = Draft::new(&account.extra)?;
    draft.body.set("name", account.name.into());
    if let Some(owner) = account.owner {
        draft.body.set("assignedUserId", owner.into());
    }
    set_domains(&mut draft, &account.domains);
    Ok(draft)
}

pub(crate) fn changes(mut fields: Fields, present: &Present<'_>) -> Result<Draft> {
    let mut draft = Draft::default();
    let texts = [
        ("name", "name"),
        ("owner", "assignedUserId"),
        ("kind", "type"),
    ];
    draft.copy(&mut fields, &texts)?;
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = present.list(&edits, sites)?;
        let same = |one: &String, other: &String| domain::of(one) == domain::of(other);
        set_domains(&mut draft, &edits.apply(now, same));
    }
    draft.finish(fields)
}

fn sites(it: Object<'_>) -> Vec<String> {
    Vec::from_iter(owned(it, "website"))
}

fn set_domains(draft: &mut Draft, domains: &[String]) {
    draft.body.set("website", domains.first().cloned().into());
    for it in domains.iter().skip(1) {
        let reason = format!("EspoCRM keeps one web site, so {it} has no place");
        draft.leave("domains", reason);
    }
}
