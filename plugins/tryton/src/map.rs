//! Tryton's words in the contract's; it makes no requests.

use brightsync_sdk::json::Object;
use brightsync_sdk::{
    Account, Affiliation, Change, Contact, ContactPoint, Departure, DepartureKind, Moment, Money,
    Opportunity, OpportunityStatus, Participant, Ref, Result, User, Whoami, Written, domain, time,
};

use crate::api::{self, Flag, Instant, Mechanism, Party, flag, joined};
use crate::setup::{Kind, Setup};

/// What only an administrator can do: Tryton searches its log and its notes for nobody else.
const FOR_ADMINISTRATORS: &[&str] = &[
    "accounts.get-my-accounts.departed",
    "contacts.get-my-contacts.departed",
    "emails.update-email",
    "emails.delete-email",
    "meetings.update-meeting",
    "meetings.delete-meeting",
];

const OPPORTUNITIES: &[&str] = &[
    "opportunities.get-opportunities-for-contacts",
    "opportunities.get-opportunities-for-accounts",
];

/// What Tryton says of the user whose key it is.
pub(crate) struct Preferences {
    /// The ids of the user's keys: the only thing here that leads to the user's own id.
    pub(crate) applications: Vec<i64>,
    administrator: Flag,
    company: Option<String>,
}

pub(crate) fn preferences(it: Object<'_>) -> Result<Preferences> {
    Ok(Preferences {
        applications: it.need("applications"),
        administrator: it.need("administrator"),
        company: it.get("company.rec_name"),
    })
}

/// The connection; `opportunities` says why there are none to be read, if so.
pub(crate) fn whoami(
    me: Preferences,
    user: User,
    opportunities: Option<&str>,
    setup: &Setup,
) -> Whoami {
    let mut capabilities = Vec::new();
    let mut lacks = |names: &[&str], why: &str| {
        for name in names {
            capabilities.push(((*name).to_owned(), why.to_owned()));
        }
    };
    if !me.administrator.0 {
        lacks(FOR_ADMINISTRATORS, "forbidden");
    }
    if let Some(why) = opportunities {
        lacks(OPPORTUNITIES, why);
    }
    Whoami {
        org_name: me.company,
        user: Some(user),
        capabilities,
        ..Whoami::new(setup.home.as_str())
    }
}

pub(crate) fn user(it: Object<'_>, wanted: &[String]) -> User {
    let email: Option<String> = it.get("email");
    let timezone = it.object("company.", |it| it.get("timezone"));
    let name: Option<String> = it.get("name");
    let login: String = it.need("login");
    User {
        emails: email.into_iter().filter(|it| !it.is_empty()).collect(),
        timezone: timezone.flatten(),
        active: flag(it, "active"),
        extra: it.pick(wanted),
        ..User::new(it.id("id"), name.unwrap_or(login))
    }
}

/// What a party is, by its categories.
pub(crate) fn kind(it: Object<'_>, setup: &Setup) -> Kind {
    let categories = joined(it, "categories", |it| it.need::<String>("name"));
    if categories.contains(&setup.person) {
        Kind::Contact
    } else {
        Kind::Account
    }
}

pub(crate) fn account(it: Object<'_>, setup: &Setup, wanted: &[String]) -> Result<Account> {
    let party = Party::read(it);
    let mut domains = Vec::new();
    for it in of_kind(&party, &["website"]) {
        domains.push(domain::of(&it.value).unwrap_or_else(|| it.value.clone()));
    }
    Ok(Account {
        domains,
        active: party.active,
        created_at: millis(party.created.as_ref())?,
        modified_at: millis(party.changed.as_ref())?,
        version: party.changed.map(|it| it.0),
        url: setup.link(api::PARTY, party.id),
        extra: it.pick(wanted),
        ..Account::new(party.id.to_string(), party.name.unwrap_or_default())
    })
}

pub(crate) fn contact(it: Object<'_>, setup: &Setup, wanted: &[String]) -> Result<Contact> {
    let party = Party::read(it);
    Ok(Contact {
        emails: points(&party, &["email"]),
        phones: points(&party, &["phone", "mobile"]),
        accounts: affiliations(&party, setup),
        full_name: party.name,
        active: party.active,
        created_at: millis(party.created.as_ref())?,
        modified_at: millis(party.changed.as_ref())?,
        version: party.changed.map(|it| it.0),
        url: setup.link(api::PARTY, party.id),
        extra: it.pick(wanted),
        ..Contact::new(Ref::contact(party.id.to_string()))
    })
}

/// A merged party, which lives on as another.
pub(crate) fn merged<T>(it: Object<'_>) -> Result<Change<T>> {
    let how = it
        .get("replaced_by")
        .map_or(DepartureKind::Unknown, |it: i64| {
            DepartureKind::Merged(it.to_string())
        });
    departure(it.id("id"), it.get("last_modified_at").as_ref(), how)
}

pub(crate) fn departure<T>(
    id: String,
    at: Option<&Instant>,
    how: DepartureKind,
) -> Result<Change<T>> {
    let at = millis(at)?;
    Ok(Change::Departed(Departure { id, at, how }))
}

/// An opportunity; `owners` has the users of the employees.
pub(crate) fn opportunity(
    it: Object<'_>,
    owners: &[(i64, i64)],
    setup: &Setup,
    wanted: &[String],
) -> Result<Opportunity> {
    let state: String = it.need("state");
    let (status, order) = match state.as_str() {
        "lead" => (OpportunityStatus::Open, Some(0)),
        "opportunity" => (OpportunityStatus::Open, Some(1)),
        // It has become a quotation, which may still be won or lost.
        "converted" => (OpportunityStatus::Open, Some(2)),
        "won" => (OpportunityStatus::Won, Some(3)),
        "lost" | "cancelled" => (OpportunityStatus::Lost, Some(3)),
        _ => (OpportunityStatus::Unknown, None),
    };
    let end = it.object("end_date", api::day);
    let end = end.and_then(|day| it.fit("end_date", time::parse_date(&day)));
    let end = end.map(Moment::On);
    let (closes, closed) = match status {
        OpportunityStatus::Open => (end, None),
        OpportunityStatus::Won | OpportunityStatus::Lost | OpportunityStatus::Unknown => {
            (None, end)
        }
    };
    let (mut people, mut account) = (Vec::new(), None);
    match it.object("party.", |it| (kind(it, setup), it.id("id"))) {
        Some((Kind::Contact, id)) => people.push(id),
        Some((Kind::Account, id)) => account = Some(id),
        None => {}
    }
    // The contact may be an address of the company itself, which is nobody in particular.
    if let Some(person) = it.object("contact.", |it| it.id("party"))
        && account.as_ref() != Some(&person)
        && !people.contains(&person)
    {
        people.push(person);
    }
    let mut participants = Vec::new();
    for contact in people {
        participants.push(Participant {
            contact,
            primary: None,
            role: None,
        });
    }
    let amount = it.object("amount", |it| it.decimal("decimal")).flatten();
    let employee: Option<i64> = it.get("employee");
    let owner = owners.iter().find(|it| Some(it.0) == employee);
    let name: String = it.need("rec_name");
    let description: Option<String> = it.get("description");
    let id: i64 = it.need("id");
    Ok(Opportunity {
        stage: Some(state),
        stage_order: order,
        amount: amount.map(|amount| Money {
            amount,
            currency: it.object("currency.", |it| it.need("code")),
        }),
        created_at: millis(it.get("create_date").as_ref())?,
        closes,
        closed,
        owner: owner.map(|it| it.1.to_string()),
        account,
        participants,
        url: setup.link("sale.opportunity", id),
        extra: it.pick(wanted),
        ..Opportunity::new(
            id.to_string(),
            description.filter(|it| !it.is_empty()).unwrap_or(name),
            status,
        )
    })
}

pub(crate) fn written(it: Object<'_>, setup: &Setup) -> Result<Written> {
    wrote(Party::read(it), setup)
}

/// Says what a write has done, from the party that it leaves.
pub(crate) fn wrote(party: Party, setup: &Setup) -> Result<Written> {
    Ok(Written {
        modified_at: millis(party.changed.as_ref())?,
        version: party.changed.map(|it| it.0),
        url: setup.link(api::PARTY, party.id),
        ..Written::new(party.id.to_string())
    })
}

/// The mechanisms of these types, in the order in which Tryton shows them.
pub(crate) fn of_kind<'a>(party: &'a Party, kinds: &[&str]) -> Vec<&'a Mechanism> {
    let mut mechanisms = Vec::new();
    for it in &party.mechanisms {
        if kinds.contains(&it.kind.as_str()) {
            mechanisms.push(it);
        }
    }
    mechanisms
}

/// The addresses or numbers of these types, of which the first is the main one.
pub(crate) fn points(party: &Party, kinds: &[&str]) -> Vec<ContactPoint> {
    let mut points = Vec::new();
    for it in of_kind(party, kinds) {
        let name = it.name.clone().filter(|it| !it.is_empty());
        let mobile = || (it.kind == "mobile").then(|| "mobile".to_owned());
        points.push(ContactPoint {
            value: it.value.clone(),
            primary: points.is_empty(),
            label: name.or_else(mobile),
        });
    }
    points
}

/// The companies that a person works for; Tryton has no main one, so it is the one that was linked first.
pub(crate) fn affiliations(party: &Party, setup: &Setup) -> Vec<Affiliation> {
    let mut affiliations: Vec<Affiliation> = Vec::new();
    for (_, to) in employments(party, setup) {
        let account = to.to_string();
        if affiliations.iter().all(|it| it.account != account) {
            affiliations.push(Affiliation {
                account,
                primary: affiliations.is_empty(),
                role: None,
            });
        }
    }
    affiliations
}

/// The ids of the relations that say where somebody works, and the companies, in the order of the ids.
pub(crate) fn employments(party: &Party, setup: &Setup) -> Vec<(i64, i64)> {
    let mut employments = Vec::new();
    for it in &party.relations {
        if it.kind == setup.employment {
            employments.push((it.id, it.to));
        }
    }
    employments
}

fn millis(at: Option<&Instant>) -> Result<Option<brightsync_sdk::Timestamp>> {
    at.map(Instant::millis).transpose()
}
