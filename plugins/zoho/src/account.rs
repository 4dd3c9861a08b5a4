//! Accounts in Zoho's words and the contract's.

use brightsync_sdk::json::Object;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{Account, Result, domain};

use crate::list::{Kind, owner};
use crate::map::{Draft, linked, stamp, text};
use crate::org::Scene;

pub(crate) const KIND: Kind<Account> = Kind {
    module: "Accounts",
    object: "account",
    columns: &[
        "Account_Name",
        "Website",
        "Account_Type",
        "Parent_Account",
        "Owner",
        "Created_Time",
        "Modified_Time",
        "Last_Activity_Time",
    ],
    read,
};

fn read(it: Object<'_>, scene: &Scene) -> Account {
    let id = it.id("id");
    let modified_at = it.time("Modified_Time");
    Account {
        domains: Vec::from_iter(text(it, "Website")),
        kind: text(it, "Account_Type"),
        parent: linked(it, "Parent_Account"),
        owner: owner(it),
        created_at: it.time("Created_Time"),
        modified_at,
        last_activity_at: it.time("Last_Activity_Time"),
        version: modified_at.map(stamp),
        url: scene.url("Accounts", &id),
        extra: it.pick(&scene.wanted),
        ..Account::new(id, it.need::<String>("Account_Name"))
    }
}

/// A new account, or what becomes of one; `present` reads it where an edit needs what it has now.
pub(crate) fn write(
    mut fields: Fields,
    mut draft: Draft,
    present: &dyn Fn() -> Result<Account>,
) -> Result<Draft> {
    draft.texts(&mut fields, &[("name", "Account_Name")])?;
    draft.owner(&mut fields)?;
    if let Some(edits) = fields.list::<String>("domains")? {
        let now = match edits.is_whole() {
            true => Vec::new(),
            false => present()?.domains,
        };
        let host = |it: &String| domain::of(it).unwrap_or_else(|| it.to_lowercase());
        let mut then = edits
            .apply(now, |one, other| host(one) == host(other))
            .into_iter();
        draft.put("Website", then.next());
        draft.leave_some("domains", then.len());
    }
    draft.finish(fields)
}
