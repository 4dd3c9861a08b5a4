//! Pipedrive's records in the contract's words; it makes no requests.

use brightsync_sdk::json::Object;
use brightsync_sdk::{
    Account, Affiliation, Contact, ContactPoint, Extra, Id, Moment, Money, Opportunity,
    OpportunityStatus, Participant, Ref, Result, User, Whoami, Written, time,
};

/// One of the two kinds of records that are read as a whole.
pub(crate) struct Kind<T> {
    /// Its list.
    pub(crate) path: &'static str,
    /// What it is called in addresses for people, and among recent changes.
    pub(crate) item: &'static str,
    /// What the contract calls it.
    pub(crate) object: &'static str,
    /// Reads one.
    pub(crate) map: fn(Object<'_>, &View) -> T,
}

pub(crate) const PERSON: Kind<Contact> = Kind {
    path: "v2/persons",
    item: "person",
    object: "contact",
    map: contact,
};

pub(crate) const ORGANIZATION: Kind<Account> = Kind {
    path: "v2/organizations",
    item: "organization",
    object: "account",
    map: account,
};

/// What a record is read with, besides its JSON.
pub(crate) struct View {
    /// The company's name in addresses.
    pub(crate) company: String,
    /// The fields that the tenant wants.
    pub(crate) wanted: Vec<String>,
}

impl View {
    /// Where a human sees a record.
    pub(crate) fn link(&self, item: &str, id: &str) -> String {
        format!("https://{}.pipedrive.com/{item}/{id}", self.company)
    }

    fn extra(&self, it: Object<'_>) -> Extra {
        let custom = it.object("custom_fields", |it| it.pick(&self.wanted));
        let mut extra = custom.unwrap_or_default();
        // Fields that are Pipedrive's own have names, and stand beside the custom ones.
        let own: Vec<String> = self
            .wanted
            .iter()
            .filter(|it| !is_key(it))
            .cloned()
            .collect();
        extra.extend(it.pick(&own));
        extra
    }
}

/// Whether a name is the key of a custom field: 40 digits of a hash.
pub(crate) fn is_key(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|it| it.is_ascii_hexdigit())
}

/// Whether a record is deleted: for a month it can still be read.
pub(crate) fn is_deleted(it: Object<'_>) -> bool {
    *it.value("is_deleted") == true
}

pub(crate) fn whoami(it: Object<'_>, wanted: &[String]) -> Result<Whoami> {
    it.need_object("data", |it| {
        Ok(Whoami {
            org_name: it.get("company_name"),
            user: Some(user(it, wanted)),
            ..Whoami::new(it.id("company_id"))
        })
    })
}

pub(crate) fn user(it: Object<'_>, wanted: &[String]) -> User {
    let is_gone = *it.value("is_deleted") == true;
    User {
        emails: it.get("email").into_iter().collect(),
        timezone: it.get("timezone_name"),
        active: it.get("active_flag").map(|is: bool| is && !is_gone),
        extra: it.pick(wanted),
        ..User::new(it.id("id"), it.need::<String>("name"))
    }
}

fn account(it: Object<'_>, view: &View) -> Account {
    let id = it.id("id");
    Account {
        // There since May 2026, in companies that have it, and cannot be searched for.
        domains: it.get("website").into_iter().collect(),
        owner: reference(it, "owner_id"),
        created_at: it.time("add_time"),
        modified_at: it.time("update_time"),
        url: Some(view.link("organization", &id)),
        extra: view.extra(it),
        ..Account::new(id, it.need::<String>("name"))
    }
}

fn contact(it: Object<'_>, view: &View) -> Contact {
    let id = it.id("id");
    Contact {
        full_name: it.get("name"),
        given_name: it.get("first_name"),
        family_name: it.get("last_name"),
        emails: points(it, "emails"),
        phones: points(it, "phones"),
        accounts: affiliations(it),
        title: it.get("job_title"),
        owner: reference(it, "owner_id"),
        created_at: it.time("add_time"),
        modified_at: it.time("update_time"),
        url: Some(view.link("person", &id)),
        extra: view.extra(it),
        ..Contact::new(Ref::contact(id))
    }
}

/// The addresses or numbers of a person, the main one first; a row may be empty.
fn points(it: Object<'_>, list: &str) -> Vec<ContactPoint> {
    let mut points = it.each(list, |it| ContactPoint {
        value: it.get("value").unwrap_or_default(),
        primary: it.get("primary").unwrap_or_default(),
        label: it.get("label").filter(|it: &String| !it.is_empty()),
    });
    points.retain(|it| !it.value.is_empty());
    ContactPoint::main_first(points)
}

fn affiliations(it: Object<'_>) -> Vec<Affiliation> {
    let account = reference(it, "org_id");
    account.map(Affiliation::primary).into_iter().collect()
}

/// What a deal is read with besides: its stage and its pipeline.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) stage: Option<String>,
    pub(crate) order: Option<u32>,
    pub(crate) pipeline: Option<String>,
}

pub(crate) fn opportunity(it: Object<'_>, view: &View, progress: Progress) -> Opportunity {
    let id = it.id("id");
    let main = reference(it, "person_id").map(|contact| Participant {
        contact,
        primary: Some(true),
        role: None,
    });
    let amount = it.decimal("value").map(|amount| Money {
        amount,
        currency: it.get("currency"),
    });
    let status = it.get::<OpportunityStatus>("status");
    Opportunity {
        stage: progress.stage,
        stage_order: progress.order,
        kind: progress.pipeline,
        amount,
        created_at: it.time("add_time"),
        closes: it.get::<String>("expected_close_date").and_then(|day| {
            it.fit("expected_close_date", time::parse_date(&day))
                .map(Moment::On)
        }),
        closed: it.time("close_time").map(Moment::At),
        owner: reference(it, "owner_id"),
        account: reference(it, "org_id"),
        participants: main.into_iter().collect(),
        url: Some(view.link("deal", &id)),
        extra: view.extra(it),
        ..Opportunity::new(
            id,
            it.get::<String>("title").unwrap_or_default(),
            status.unwrap_or(OpportunityStatus::Unknown),
        )
    }
}

/// The id of another record, if there is one.
pub(crate) fn reference(it: Object<'_>, name: &str) -> Option<Id> {
    let id: u64 = it.get(name)?;
    Some(id.to_string())
}

/// Says what a write has done, from the record that it answers.
pub(crate) fn written(answer: Object<'_>, url: impl Fn(&str) -> Option<String>) -> Result<Written> {
    answer.need_object("data", |it| {
        let id = it.id("id");
        Ok(Written {
            modified_at: it.time("update_time"),
            url: url(&id),
            ..Written::new(id)
        })
    })
}
