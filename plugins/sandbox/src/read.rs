//! The sandbox's records in the contract's words; it makes no requests.

use brightsync_sdk::json::Object;
use brightsync_sdk::{
    Account, Contact, ContactPoint, Departure, DepartureKind, Opportunity, Ref, Result, User,
    Whoami, Written,
};

/// What cannot be done without the scope `write`.
const WRITES: [&str; 12] = [
    "accounts.create-account",
    "accounts.update-account",
    "accounts.delete-account",
    "contacts.create-contact",
    "contacts.update-contact",
    "contacts.delete-contact",
    "emails.create-email",
    "emails.update-email",
    "emails.delete-email",
    "meetings.create-meeting",
    "meetings.update-meeting",
    "meetings.delete-meeting",
];

pub(crate) fn whoami(it: Object<'_>) -> Result<Whoami> {
    let (id, name) = it.need_object("organisation", |it| (it.id("id"), it.get("name")));
    let scopes: Vec<String> = it.list("scopes");
    let forbidden = if scopes.iter().any(|it| it == "write") {
        &[]
    } else {
        &WRITES[..]
    };
    Ok(Whoami {
        org_name: name,
        user: it.object("user", person),
        capabilities: forbidden
            .iter()
            .map(|it| ((*it).to_owned(), "forbidden".to_owned()))
            .collect(),
        ..Whoami::new(id)
    })
}

pub(crate) fn user(it: Object<'_>) -> Result<User> {
    Ok(person(it))
}

fn person(it: Object<'_>) -> User {
    User {
        emails: it.list("emails"),
        timezone: it.get("timezone"),
        active: it.get("active"),
        ..User::new(it.id("id"), it.need::<String>("name"))
    }
}

pub(crate) fn account(it: Object<'_>) -> Result<Account> {
    Ok(Account {
        domains: it.list("domains"),
        kind: it.get("kind"),
        parent: it.get("parent"),
        owner: it.get("owner"),
        active: it.get("active"),
        created_at: it.time("created_at"),
        modified_at: it.time("modified_at"),
        last_activity_at: it.time("last_activity_at"),
        version: it.get("version"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Account::new(it.id("id"), it.need::<String>("name"))
    })
}

pub(crate) fn contact(it: Object<'_>) -> Result<Contact> {
    Ok(Contact {
        full_name: it.get("full_name"),
        given_name: it.get("given_name"),
        family_name: it.get("family_name"),
        emails: points(it, "emails", "address"),
        phones: points(it, "phones", "number"),
        accounts: it.list("accounts"),
        title: it.get("title"),
        owner: it.get("owner"),
        active: it.get("active"),
        created_at: it.time("created_at"),
        modified_at: it.time("modified_at"),
        last_activity_at: it.time("last_activity_at"),
        version: it.get("version"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Contact::new(Ref::contact(it.id("id")))
    })
}

pub(crate) fn opportunity(it: Object<'_>) -> Result<Opportunity> {
    Ok(Opportunity {
        stage: it.get("stage"),
        stage_order: it.get("stage_order"),
        kind: it.get("kind"),
        amount: it.get("value"),
        created_at: it.time("created_at"),
        closes: it.moment("closes"),
        closed: it.moment("closed_at"),
        last_activity_at: it.time("last_activity_at"),
        owner: it.get("owner"),
        members: it.list("members"),
        account: it.get("account"),
        participants: it.list("participants"),
        url: it.get("url"),
        extra: it.extra("custom"),
        ..Opportunity::new(it.id("id"), it.need::<String>("name"), it.need("status"))
    })
}

pub(crate) fn departure(it: Object<'_>) -> Departure {
    let how: String = it.need("how");
    let how = match (how.as_str(), it.get("into")) {
        ("deleted", _) => DepartureKind::Deleted,
        ("merged", Some(survivor)) => DepartureKind::Merged(survivor),
        ("reassigned", _) => DepartureKind::Reassigned,
        _ => DepartureKind::Unknown,
    };
    Departure {
        id: it.id("id"),
        at: it.time("at"),
        how,
    }
}

pub(crate) fn written(it: Object<'_>) -> Result<Written> {
    Ok(Written {
        version: it.get("version"),
        modified_at: it.time("modified_at"),
        url: it.get("url"),
        ..Written::new(it.id("id"))
    })
}

/// The sandbox marks the main one, wherever it stands.
fn points(it: Object<'_>, list: &str, value: &str) -> Vec<ContactPoint> {
    ContactPoint::main_first(it.each(list, |it| ContactPoint {
        value: it.need(value),
        primary: it.get("primary").unwrap_or_default(),
        label: it.get("label"),
    }))
}
