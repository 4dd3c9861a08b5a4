//! Users, and who the connection is.

use brightsync_sdk::http;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, Reason, Result, User, Whoami};
use windows_timezones::WindowsTimezone;

use crate::account::ACCOUNTS;
use crate::api::{Api, Record, Table, known};
use crate::contact::CONTACTS;
use crate::odata::{Filter, Query};
use crate::write::text;

pub(crate) const USERS: Table = Table {
    set: "systemusers",
    name: "user",
    id: "systemuserid",
    columns: "systemuserid,fullname,internalemailaddress,personalemailaddress,domainname,isdisabled",
    expand: None,
};

/// The columns with addresses: the main one, a private one, and the name for logging in, which has the form of one.
pub(crate) const ADDRESSES: [&str; 3] =
    ["internalemailaddress", "personalemailaddress", "domainname"];

impl Record for User {
    const TABLE: &'static Table = &USERS;

    fn read(it: Object<'_>, _: &Api, wanted: &[String]) -> Self {
        let mut emails: Vec<String> = Vec::new();
        for address in ADDRESSES.iter().filter_map(|it_is| text(it, it_is)) {
            let is_known = |it: &String| it.eq_ignore_ascii_case(&address);
            if address.contains('@') && !emails.iter().any(is_known) {
                emails.push(address);
            }
        }
        Self {
            emails,
            active: it.get("isdisabled").map(|it: bool| !it),
            extra: it.pick(wanted),
            ..Self::new(
                it.id(USERS.id),
                it.get::<String>("fullname").unwrap_or_default(),
            )
        }
    }
}

impl Api {
    /// Says who the connection is, and what it may read.
    pub(crate) fn whoami(&self) -> Result<Whoami> {
        let (user_id, org_id) = (self.get("WhoAmI").send()?)
            .read(|it| Ok((it.id("UserId"), it.id("OrganizationId"))))?;
        let me = known(&user_id)?;
        let zone = Filter::is("systemuserid", &me);
        let zone = Query::new("usersettingscollection", "timezonecode").filter(Some(&zone));
        let organisation = format!("organizations({})", known(&org_id)?);
        let tracked = |table: &Table| {
            let query = Query::new(table.set, table.id);
            self.list(query.into_address(), 1, true)
        };
        let mut answers = http::send_all(vec![
            self.row(&USERS, &me),
            self.get(zone.into_address()),
            self.get(Query::new(&organisation, "name").into_address()),
            tracked(&CONTACTS),
            tracked(&ACCOUNTS),
        ])
        .into_iter();
        let mut next = || {
            let none = || Err(Error::other("an answer is missing"));
            answers.next().unwrap_or_else(none)
        };
        let wanted = USERS.wanted();
        let mut user = next()?.read(|it| Ok(User::read(it, self, &wanted)))?;
        let zone = allowed(next())?
            .map(|it| it.read(|it| Ok(it.each("value", |it| it.get::<i64>("timezonecode")))));
        let zone = zone
            .transpose()?
            .and_then(|it| it.into_iter().flatten().next());
        if let Some(number) = zone {
            user.timezone = self.time_zone(number)?;
        }
        let name = allowed(next())?.map(|it| it.read(|it| Ok(text(it, "name"))));
        let mut capabilities = Vec::new();
        for function in ["contacts.get-my-contacts", "accounts.get-my-accounts"] {
            if allowed(next())?.is_none() {
                for scope in ["changed-since", "departed-since"] {
                    let capability = format!("{function}.{scope}");
                    capabilities.push((capability, "unsupported".to_owned()));
                }
            }
        }
        Ok(Whoami {
            org_name: name.transpose()?.flatten(),
            user: Some(user),
            capabilities,
            ..Whoami::new(org_id)
        })
    }

    /// The IANA name of a time zone, whose number leads to its name in Windows.
    fn time_zone(&self, number: i64) -> Result<Option<String>> {
        let is_it = Filter::counts("timezonecode", number);
        let query = Query::new("timezonedefinitions", "standardname").filter(Some(&is_it));
        let Some(answer) = allowed(self.get(query.into_address()).send())? else {
            return Ok(None);
        };
        let names = answer.read(|it| Ok(it.each("value", |it| text(it, "standardname"))))?;
        let name = names.into_iter().flatten().next();
        Ok(name.and_then(|it| iana(&it)).map(str::to_owned))
    }
}

/// Leaves out what a user may not read and can do without.
fn allowed<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.reason {
            Reason::Forbidden(_) | Reason::Invalid(_) | Reason::NotFound | Reason::Unsupported => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

/// The IANA name for Windows' name of a time zone.
pub(crate) fn iana(standard_name: &str) -> Option<&'static str> {
    // Dataverse has this one by its long name.
    if standard_name == "Coordinated Universal Time" {
        return Some("Etc/UTC");
    }
    let zone: WindowsTimezone = standard_name.parse().ok()?;
    Some(zone.tzdb_id())
}
