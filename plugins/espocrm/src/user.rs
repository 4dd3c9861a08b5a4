//! Users, and who the connection is.

use brightsync_sdk::{Result, User, Whoami, extra};
use serde::Deserialize;
use serde_json::Value;

use crate::api::Object;
use crate::contact::points;
use crate::map::{text, texts};

/// What `App/user` answers, but for the token in it: that is nobody's business here.
#[derive(Deserialize)]
pub(crate) struct Me {
    pub(crate) user: Object,
    #[serde(default)]
    preferences: Object,
    #[serde(default)]
    settings: Object,
    #[serde(default)]
    acl: Acl,
}

#[derive(Default, Deserialize)]
struct Acl {
    #[serde(default)]
    table: Object,
}

/// What needs which right.
const RIGHTS: [(&str, &str, &[&str]); 14] = [
    (
        "User",
        "read",
        &["users.get-users", "users.get-users-by-email"],
    ),
    ("Account", "create", &["accounts.create-account"]),
    ("Account", "edit", &["accounts.update-account"]),
    ("Account", "delete", &["accounts.delete-account"]),
    ("Contact", "create", &["contacts.create-contact"]),
    ("Contact", "edit", &["contacts.update-contact"]),
    ("Contact", "delete", &["contacts.delete-contact"]),
    ("Email", "create", &["emails.create-email"]),
    ("Email", "edit", &["emails.update-email"]),
    ("Email", "delete", &["emails.delete-email"]),
    ("Meeting", "create", &["meetings.create-meeting"]),
    ("Meeting", "edit", &["meetings.update-meeting"]),
    ("Meeting", "delete", &["meetings.delete-meeting"]),
    (
        "Opportunity",
        "read",
        &[
            "opportunities.get-opportunities-for-contacts",
            "opportunities.get-opportunities-for-accounts",
        ],
    ),
];

pub(crate) fn user(record: &Object, wanted: &[String]) -> Result<User> {
    let listed = texts(record, "emailAddressList");
    let mut emails: Vec<String> = points(record, "emailAddress")
        .into_iter()
        .map(|it| it.value)
        .collect();
    emails.extend(
        listed
            .into_iter()
            .filter(|it| !emails.contains(it))
            .collect::<Vec<_>>(),
    );
    let id = text(record, "id").unwrap_or_default();
    let name = text(record, "name")
        .or(text(record, "userName"))
        .unwrap_or_default();
    Ok(User {
        emails,
        active: record.get("isActive").and_then(Value::as_bool),
        extra: extra::pick(record, wanted),
        ..User::new(id, name)
    })
}

pub(crate) fn whoami(me: &Me, site: &str, wanted: &[String]) -> Result<Whoami> {
    let zone = text(&me.preferences, "timeZone").or(text(&me.settings, "timeZone"));
    let user = User {
        timezone: zone.map(str::to_owned),
        ..user(&me.user, wanted)?
    };
    let refused = RIGHTS.iter().filter(|(entity, action, _)| {
        let rights = me.acl.table.get(*entity);
        let right = rights.and_then(|it| it.get(action)).and_then(Value::as_str);
        right == Some("no") || rights == Some(&Value::Bool(false))
    });
    let names = refused.flat_map(|it| it.2);
    Ok(Whoami {
        org_name: text(&me.settings, "applicationName").map(str::to_owned),
        user: Some(user),
        capabilities: names
            .map(|it| ((*it).to_owned(), "forbidden".to_owned()))
            .collect(),
        // There is no id of a customer, only the site.
        ..Whoami::new(site.trim_end_matches('/'))
    })
}
