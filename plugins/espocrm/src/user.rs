//! Users, and who the connection is.

use brightsync_sdk::json::Object;
use brightsync_sdk::{User, Whoami};
use serde_json::Value;

use crate::contact::points;
use crate::map::{said, text, texts};

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

pub(crate) fn user(it: Object<'_>, wanted: &[String]) -> User {
    let mut emails = Vec::new();
    for point in points(it, "emailAddress") {
        emails.push(point.value);
    }
    for listed in texts(it, "emailAddressList") {
        if !emails.contains(&listed) {
            emails.push(listed);
        }
    }
    let name = text(it, "name").or(text(it, "userName"));
    User {
        emails,
        active: it.value("isActive").as_bool(),
        extra: it.pick(wanted),
        ..User::new(it.id("id"), name.unwrap_or_default())
    }
}

/// Reads what `App/user` answers, but for the token in it: that is nobody's business here.
pub(crate) fn whoami(it: Object<'_>, site: &str, wanted: &[String]) -> Whoami {
    let within = |member: &str, name: &str| {
        let value = it.value(member).get(name).and_then(said);
        value.map(str::to_owned)
    };
    let zone = within("preferences", "timeZone").or_else(|| within("settings", "timeZone"));
    let user = User {
        timezone: zone,
        ..it.need_object("user", |it| user(it, wanted))
    };
    let mut capabilities = Vec::new();
    for (entity, action, names) in RIGHTS {
        let rights = it.value("acl").get("table").and_then(|it| it.get(entity));
        let is_refused = |it: &Value| *it == false || it.get(action).is_some_and(|it| it == "no");
        if rights.is_some_and(is_refused) {
            for name in names {
                capabilities.push(((*name).to_owned(), "forbidden".to_owned()));
            }
        }
    }
    Whoami {
        org_name: within("settings", "applicationName"),
        user: Some(user),
        capabilities,
        // There is no id of a customer, only the site.
        ..Whoami::new(site.trim_end_matches('/'))
    }
}
