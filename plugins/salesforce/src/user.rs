//! The people who use the org, and who is connected.

use brightsync_sdk::http::{self, Response};
use brightsync_sdk::json::Object;
use brightsync_sdk::{Reason, Result, User, Whoami};

use crate::api::Api;
use crate::kind::{ACCOUNT, CONTACT, EVENT, Kind, OPPORTUNITY, USER};
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

pub(crate) fn whoami(api: &Api, email: Kind, wanted: &[String]) -> Result<Whoami> {
    let (org, me) = api.me()?;
    let query = Query::new("User", FIELDS).with(wanted)?;
    let user = api.records(USER, &[me], query, |it| user(it, wanted))?;
    let kinds = [ACCOUNT, CONTACT, email, EVENT, OPPORTUNITY];
    let mut requests = vec![api.query(&Query::new("Organization", "Id,Name"))];
    requests.extend(kinds.map(|it| api.rights(it)));
    let mut answers = http::send_all(requests).into_iter();
    let mut whoami = Whoami {
        user: user.items.into_iter().next(),
        ..Whoami::new(org)
    };
    // A connection without a right to see the org has all others.
    if let Some(Ok(answer)) = answers.next() {
        let names = answer.read(|it| Ok(it.each("records", |it| it.get("Name"))))?;
        whoami.org_name = names.into_iter().next().flatten();
    }
    for (kind, answer) in kinds.into_iter().zip(answers) {
        for function in forbidden(kind, answer)? {
            let forbidden = (function, "forbidden".to_owned());
            whoami.capabilities.push(forbidden);
        }
    }
    Ok(whoami)
}

/// Names the functions for which the user lacks a right to an object.
fn forbidden(kind: Kind, answer: Result<Response>) -> Result<Vec<String>> {
    let rights = ["createable", "updateable", "deletable", "queryable"];
    let rights = match answer {
        Ok(answer) => answer.read(|it| {
            let has = |it: Object<'_>| rights.map(|name| it.get(name) == Some(true));
            Ok(it.need_object("objectDescribe", has))
        })?,
        // Of an object that somebody may not even see, Salesforce says that it is not there.
        Err(error) if error.reason == Reason::NotFound => [false; 4],
        Err(error) => return Err(error),
    };
    let word = kind.word;
    let functions = match word {
        "opportunity" => ["contacts", "accounts"]
            .map(|it| (3, format!("opportunities.get-opportunities-for-{it}")))
            .to_vec(),
        _ => vec![
            (0, format!("{word}s.create-{word}")),
            (1, format!("{word}s.update-{word}")),
            (2, format!("{word}s.delete-{word}")),
            (3, format!("{word}s.get-my-{word}s")),
        ],
    };
    // E-mails and meetings are not read.
    let is_there = |it: &str| !matches!(it, "emails.get-my-emails" | "meetings.get-my-meetings");
    let lacking = functions
        .into_iter()
        .filter(|(right, function)| rights.get(*right) == Some(&false) && is_there(function));
    Ok(lacking.map(|it| it.1).collect())
}
