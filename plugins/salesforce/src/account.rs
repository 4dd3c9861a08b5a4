//! Companies in Salesforce's words and the contract's.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, Error, InvalidField, PageRequest, Reason, Result, Written, domain};

use crate::api::{Api, instant, midnight};
use crate::kind::{ACCOUNT, USER};
use crate::soql::{Literal, Query, compare};

pub(crate) const FIELDS: &str =
    "Id,Name,Website,Type,ParentId,OwnerId,CreatedDate,SystemModstamp,LastActivityDate";

pub(crate) fn account(api: &Api, it: Object<'_>, wanted: &[String]) -> Result<Account> {
    let id = it.id("Id");
    Ok(Account {
        domains: it.get("Website").into_iter().collect(),
        kind: it.get("Type"),
        parent: it.get("ParentId"),
        owner: it.get("OwnerId"),
        created_at: instant(it, "CreatedDate"),
        modified_at: instant(it, "SystemModstamp"),
        last_activity_at: midnight(it, "LastActivityDate"),
        url: Some(api.link(ACCOUNT, &id)),
        extra: it.pick(wanted),
        ..Account::new(id, it.need::<String>("Name"))
    })
}

/// Creates an account, or changes the one with this id.
pub(crate) fn write(api: &Api, id: Option<&str>, mut fields: Fields) -> Result<Written> {
    let mut body = Body::new();
    set_texts(&mut body, &mut fields, &[("name", "Name")])?;
    set_owner(&mut body, &mut fields)?;
    let mut gone = 0;
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = match id.filter(|_| !edits.is_whole()) {
            Some(id) => {
                let answer = api.record(ACCOUNT, id, "Website")?;
                answer.read(|it| Ok(it.get::<String>("Website")))?
            }
            None => None,
        };
        let host = |it: &str| domain::of(it).unwrap_or_else(|| it.to_lowercase());
        let then = edits.apply(now.into_iter().collect(), |a, b| host(a) == host(b));
        gone = then.len().saturating_sub(1);
        body.set("Website", then.into_iter().next().into());
    }
    set_custom(&mut body, &mut fields)?;
    let mut incomplete = fields.rest();
    incomplete.extend(InvalidField::without_place("domains", gone));
    let written = api.write(ACCOUNT, id, &body, incomplete);
    written.map_err(|it| with_existing(api, "Account", "Name", &body, it))
}

/// Takes fields with one text each, by the contract's name and Salesforce's.
pub(crate) fn set_texts(
    body: &mut Body,
    fields: &mut Fields,
    names: &[(&str, &str)],
) -> Result<()> {
    for (field, theirs) in names {
        if let Some(change) = fields.value::<String>(field)? {
            body.set(theirs, change.into());
        }
    }
    Ok(())
}

/// Takes the owner, who is always a user.
pub(crate) fn set_owner(body: &mut Body, fields: &mut Fields) -> Result<()> {
    if let Some(owner) = fields.value::<String>("owner")? {
        let owner = owner.into_option().unwrap_or_default();
        body.set("OwnerId", USER.value("owner", &owner)?.into());
    }
    Ok(())
}

pub(crate) fn set_custom(body: &mut Body, fields: &mut Fields) -> Result<()> {
    for (name, change) in fields.extra()? {
        body.set(&name, change.into());
    }
    Ok(())
}

/// Looks for what a new record is a duplicate of, if Salesforce does not name it.
pub(crate) fn with_existing(
    api: &Api,
    object: &'static str,
    field: &'static str,
    record: &Body,
    error: Error,
) -> Error {
    let value = record.get(field).and_then(|it| Literal::text(it.as_str()?));
    let unknown = error.reason == Reason::Duplicate(Vec::new());
    let Some(value) = value.filter(|_| unknown) else {
        return error;
    };
    let query = Query::new(object, "Id").and(compare(field, "=", &value));
    let found = api.page(vec![query], &PageRequest::first(100), |_, it| {
        Ok(it.id("Id"))
    });
    // That it was refused is the answer, whatever becomes of the search.
    error.with_existing(found.map_or_else(|_| Vec::new(), |it| it.items))
}
