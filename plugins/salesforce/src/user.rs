//! The people who use the org, and who is connected.

use brightsync_sdk::json::Object;
use brightsync_sdk::{Result, User, Whoami};

use crate::api::Api;
use crate::kind::USER;
use crate::soql::{Condition, Literal, Query, compare};

pub(crate) const FIELDS: &str = "Id,Name,Email,TimeZoneSidKey,IsActive";

/// Says that somebody works in the org: customers and partners who log in to a portal are users as well.
pub(crate) fn works_here() -> Condition {
    compare("UserType", "=", &Literal::of("Standard"))
}

pub(crate) fn user(it: Object<'_>, wanted: &[String]) -> Result<User> {
    Ok(User {
        emails: it.get("Email").into_iter().collect(),
        timezone: it.get("TimeZoneSidKey"),
        active: it.get("IsActive"),
        extra: it.pick(wanted),
        ..User::new(it.id("Id"), it.need::<String>("Name"))
    })
}

pub(crate) fn whoami(api: &Api, wanted: &[String]) -> Result<Whoami> {
    let (org, me) = api.me()?;
    let query = Query::new("User", FIELDS).with(wanted)?;
    let user = api.records(USER, &[me], query, |it| user(it, wanted))?;
    let name = api.query(&Query::new("Organization", "Id,Name")).send();
    let names = name.and_then(|it| it.read(|it| Ok(it.each("records", |it| it.get("Name")))));
    Ok(Whoami {
        // A connection without a right to that has all others.
        org_name: names.ok().and_then(|it| it.into_iter().next().flatten()),
        user: user.items.into_iter().next(),
        ..Whoami::new(org)
    })
}
