//! Tryton's words in the contract's; it makes no requests.

use std::collections::BTreeMap;

use brightsync_sdk::{
    Account, Affiliation, Change, Contact, ContactPoint, Departure, DepartureKind, Id,
    InvalidField, Moment, Money, Opportunity, OpportunityStatus, Participant, Ref, Result, User,
    Whoami, Written, domain, extra, time,
};

use crate::api::{self, Instant, Mechanism, Party};
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

pub(crate) const OPPORTUNITIES: &[&str] = &[
    "opportunities.get-opportunities-for-contacts",
    "opportunities.get-opportunities-for-accounts",
];

/// The connection; `opportunities` says why there are none to be read, if so.
pub(crate) fn whoami(
    me: api::Preferences,
    user: api::User,
    opportunities: Option<&str>,
    setup: &Setup,
) -> Whoami {
    let lacks = |names: &[&str], why: &str| -> Vec<(String, String)> {
        names
            .iter()
            .map(|it| ((*it).to_owned(), why.to_owned()))
            .collect()
    };
    let mut capabilities = Vec::new();
    if !me.administrator.0 {
        capabilities.extend(lacks(FOR_ADMINISTRATORS, "forbidden"));
    }
    if let Some(why) = opportunities {
        capabilities.extend(lacks(OPPORTUNITIES, why));
    }
    Whoami {
        org_name: me.company,
        user: Some(self::user(user, &[])),
        capabilities,
        ..Whoami::new(setup.home.clone())
    }
}

pub(crate) fn user(it: api::User, wanted: &[String]) -> User {
    User {
        emails: it.email.into_iter().filter(|it| !it.is_empty()).collect(),
        timezone: it.company.and_then(|it| it.timezone),
        active: it.active.map(|it| it.0),
        extra: extra::pick(&it.rest, wanted),
        ..User::new(it.id.to_string(), it.name.unwrap_or(it.login))
    }
}

pub(crate) fn kind(party: &Party, setup: &Setup) -> Kind {
    if party.categories.iter().any(|it| it.name == setup.person) {
        Kind::Contact
    } else {
        Kind::Account
    }
}

pub(crate) fn account(it: Party, setup: &Setup, wanted: &[String]) -> Result<Account> {
    let domain = |it: &Mechanism| domain::of(&it.value).unwrap_or_else(|| it.value.clone());
    let changed = last_change(&it);
    Ok(Account {
        domains: of_kind(&it, &["website"]).into_iter().map(domain).collect(),
        active: it.active.map(|it| it.0),
        created_at: it.create_date.map(Instant::millis).transpose()?,
        modified_at: changed.map(Instant::millis).transpose()?,
        version: changed.map(|it| it.to_string()),
        url: setup.link(api::PARTY, it.id),
        extra: extra::pick(&it.rest, wanted),
        ..Account::new(it.id.to_string(), it.name.unwrap_or_default())
    })
}

pub(crate) fn contact(it: Party, setup: &Setup, wanted: &[String]) -> Result<Contact> {
    let changed = last_change(&it);
    Ok(Contact {
        full_name: it.name.clone(),
        emails: points(&it, &["email"]),
        phones: points(&it, &["phone", "mobile"]),
        accounts: affiliations(&it, setup),
        active: it.active.map(|it| it.0),
        created_at: it.create_date.map(Instant::millis).transpose()?,
        modified_at: changed.map(Instant::millis).transpose()?,
        version: changed.map(|it| it.to_string()),
        url: setup.link(api::PARTY, it.id),
        extra: extra::pick(&it.rest, wanted),
        ..Contact::new(Ref::contact(it.id.to_string()))
    })
}

/// A merged party, which lives on as another.
pub(crate) fn merged<T>(it: &Party) -> Result<Change<T>> {
    let how = it.replaced_by.map_or(DepartureKind::Unknown, |survivor| {
        DepartureKind::Merged(survivor.to_string())
    });
    Ok(Change::Departed(Departure {
        id: it.id.to_string(),
        at: it.last_modified_at.map(Instant::millis).transpose()?,
        how,
    }))
}

/// An opportunity; `owners` has the users of the employees.
pub(crate) fn opportunity(
    it: api::Opportunity,
    owners: &BTreeMap<i64, i64>,
    setup: &Setup,
    wanted: &[String],
) -> Result<Opportunity> {
    let (status, order) = match it.state.as_str() {
        "lead" => (OpportunityStatus::Open, Some(0)),
        "opportunity" => (OpportunityStatus::Open, Some(1)),
        // It has become a quotation, which may still be won or lost.
        "converted" => (OpportunityStatus::Open, Some(2)),
        "won" => (OpportunityStatus::Won, Some(3)),
        "lost" | "cancelled" => (OpportunityStatus::Lost, Some(3)),
        _ => (OpportunityStatus::Unknown, None),
    };
    let end = it
        .end_date
        .map(|it| time::parse_date(&it.to_string()).map(Moment::On))
        .transpose()?;
    let (closes, closed) = match status {
        OpportunityStatus::Open => (end, None),
        OpportunityStatus::Won | OpportunityStatus::Lost | OpportunityStatus::Unknown => {
            (None, end)
        }
    };
    let (mut people, mut account) = (Vec::new(), None);
    if let Some(party) = it.party {
        if party.categories.iter().any(|it| it.name == setup.person) {
            people.push(party.id);
        } else {
            account = Some(party.id.to_string());
        }
    }
    // The contact may be an address of the company itself, which is nobody in particular.
    if let Some(point) = it.contact {
        let person = point.party.to_string();
        if account.as_deref() != Some(person.as_str()) && !people.contains(&point.party) {
            people.push(point.party);
        }
    }
    let participant = |contact: i64| Participant {
        contact: contact.to_string(),
        primary: None,
        role: None,
    };
    let currency = it.currency.map(|it| it.code);
    let money = |it: api::Decimal| {
        plain(&it.decimal).map(|amount| Money {
            amount,
            currency: currency.clone(),
        })
    };
    Ok(Opportunity {
        stage: Some(it.state),
        stage_order: order,
        amount: it.amount.and_then(money),
        created_at: it.create_date.map(Instant::millis).transpose()?,
        closes,
        closed,
        owner: it
            .employee
            .and_then(|it| owners.get(&it))
            .map(ToString::to_string),
        account,
        participants: people.into_iter().map(participant).collect(),
        url: setup.link("sale.opportunity", it.id),
        extra: extra::pick(&it.rest, wanted),
        ..Opportunity::new(
            it.id.to_string(),
            it.description
                .filter(|it| !it.is_empty())
                .unwrap_or(it.rec_name),
            status,
        )
    })
}

/// The user of each employee: the one that acts as it now, else the first that may.
pub(crate) fn owners(users: Vec<api::Acting>) -> BTreeMap<i64, i64> {
    let mut owners = BTreeMap::new();
    for user in users.iter().rev() {
        owners.extend(user.employees.iter().map(|it| (*it, user.id)));
    }
    for user in users.iter().rev() {
        owners.extend(user.employee.map(|it| (it, user.id)));
    }
    owners
}

pub(crate) fn written(it: &Party, incomplete: Vec<InvalidField>, setup: &Setup) -> Result<Written> {
    let changed = last_change(it);
    Ok(Written {
        version: changed.map(|it| it.to_string()),
        modified_at: changed.map(Instant::millis).transpose()?,
        url: setup.link(api::PARTY, it.id),
        incomplete,
        ..Written::new(it.id.to_string())
    })
}

/// When the party or an address of it was last changed, which Tryton keeps apart.
///
/// The times of relations cannot be read, only searched: read, they are always now (trytond 8.2).
pub(crate) fn last_change(party: &Party) -> Option<Instant> {
    let mechanisms = party.mechanisms.iter().map(|it| it.last_modified_at);
    mechanisms.fold(party.last_modified_at, Option::max)
}

/// The mechanisms of these types, in the order in which Tryton shows them.
pub(crate) fn of_kind<'a>(party: &'a Party, kinds: &[&str]) -> Vec<&'a Mechanism> {
    let mut mechanisms: Vec<&Mechanism> = party
        .mechanisms
        .iter()
        .filter(|it| kinds.contains(&it.kind.as_str()))
        .collect();
    mechanisms.sort_by_key(|it| (it.sequence.is_none(), it.sequence, it.id));
    mechanisms
}

/// The addresses or numbers of these types, of which the first is the main one.
pub(crate) fn points(party: &Party, kinds: &[&str]) -> Vec<ContactPoint> {
    let mobile = |it: &Mechanism| (it.kind == "mobile").then(|| "mobile".to_owned());
    let point = |(place, it): (usize, &Mechanism)| ContactPoint {
        value: it.value.clone(),
        primary: place == 0,
        label: it
            .name
            .clone()
            .filter(|it| !it.is_empty())
            .or_else(|| mobile(it)),
    };
    let mechanisms = of_kind(party, kinds);
    mechanisms.into_iter().enumerate().map(point).collect()
}

/// The companies that a person works for; Tryton has no main one, so it is the one that was linked first.
pub(crate) fn affiliations(party: &Party, setup: &Setup) -> Vec<Affiliation> {
    let mut accounts: Vec<Id> = Vec::new();
    for relation in employments(party, setup) {
        let account = relation.to.to_string();
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    let affiliation = |(place, account)| Affiliation {
        account,
        primary: place == 0,
        role: None,
    };
    accounts.into_iter().enumerate().map(affiliation).collect()
}

pub(crate) fn employments<'a>(party: &'a Party, setup: &Setup) -> Vec<&'a api::Relation> {
    let is_employment =
        |it: &&api::Relation| it.kind.as_ref().map(|it| &it.name) == setup.employment.as_ref();
    let mut relations: Vec<&api::Relation> = party.relations.iter().filter(is_employment).collect();
    relations.sort_by_key(|it| it.id);
    relations
}
