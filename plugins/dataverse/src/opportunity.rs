//! Opportunities in the contract's words.

use brightsync_sdk::json::Object;
use brightsync_sdk::{Moment, Money, Opportunity, OpportunityStatus, Participant};

use crate::api::{Api, Record, Table};
use crate::read::looked_up;
use crate::write::text;

pub(crate) const OPPORTUNITIES: Table = Table {
    set: "opportunities",
    name: "opportunity",
    id: "opportunityid",
    columns: "opportunityid,name,statecode,stepname,estimatedvalue,createdon,estimatedclosedate,actualclosedate,_owninguser_value,_parentaccountid_value,_parentcontactid_value,_customerid_value",
    expand: Some("transactioncurrencyid($select=isocurrencycode)"),
};

impl Record for Opportunity {
    const TABLE: &'static Table = &OPPORTUNITIES;

    fn read(it: Object<'_>, api: &Api, wanted: &[String]) -> Self {
        let id = it.id(OPPORTUNITIES.id);
        let status = match it.need::<i64>("statecode") {
            0 => OpportunityStatus::Open,
            1 => OpportunityStatus::Won,
            2 => OpportunityStatus::Lost,
            _ => OpportunityStatus::Unknown,
        };
        let currency = it.object("transactioncurrencyid", |it| text(it, "isocurrencycode"));
        let amount = it.decimal("estimatedvalue").map(|amount| Money {
            amount,
            currency: currency.flatten(),
        });
        Self {
            stage: text(it, "stepname"),
            amount,
            created_at: it.time("createdon"),
            closes: it.moment("estimatedclosedate").map(day),
            closed: it.moment("actualclosedate").map(day),
            owner: text(it, "_owninguser_value"),
            account: text(it, "_parentaccountid_value")
                .or_else(|| looked_up(it, "_customerid_value", "account")),
            participants: participants(it),
            url: Some(api.link(&OPPORTUNITIES, &id)),
            extra: it.pick(wanted),
            ..Self::new(id, it.get::<String>("name").unwrap_or_default(), status)
        }
    }
}

/// The contact of an opportunity, and the customer if that is another one: the customer is an account or a contact.
fn participants(it: Object<'_>) -> Vec<Participant> {
    let contact = text(it, "_parentcontactid_value");
    let customer = looked_up(it, "_customerid_value", "contact");
    let customer = customer.filter(|it| contact.as_ref() != Some(it));
    let mut participants = Vec::new();
    for contact in contact.into_iter().chain(customer) {
        participants.push(Participant {
            contact,
            primary: Some(participants.is_empty()),
            role: None,
        });
    }
    participants
}

/// These are days, which some organisations show with a time.
fn day(moment: Moment) -> Moment {
    match moment {
        Moment::At(at) => Moment::On(brightsync_sdk::time::rfc3339(at).chars().take(10).collect()),
        on @ Moment::On(_) => on,
    }
}
