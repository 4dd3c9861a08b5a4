//! Opportunities in the contract's words.

use brightsync_sdk::json::Object;
use brightsync_sdk::{Moment, Money, Opportunity, OpportunityStatus, Participant, time};

use crate::map::{column, instant, link, owned, text, texts};

/// What a list has to name for [`opportunity`] to read.
pub(crate) const SELECT: [&str; 11] = [
    "name",
    "amount",
    "amountCurrency",
    "stage",
    "probability",
    "closeDate",
    "accountId",
    "contactsIds",
    "contactsColumns",
    "assignedUserId",
    "createdAt",
];

pub(crate) fn opportunity(it: Object<'_>, site: &str, wanted: &[String]) -> Opportunity {
    let id = it.id("id");
    let mut participants = Vec::new();
    for contact in texts(it, "contactsIds") {
        participants.push(Participant {
            role: column(it, "contactsColumns", &contact, "role").map(str::to_owned),
            primary: None,
            contact,
        });
    }
    let amount = it.decimal("amount").map(|amount| Money {
        amount,
        currency: owned(it, "amountCurrency"),
    });
    let closes = |day| it.fit("closeDate", time::parse_date(day));
    Opportunity {
        stage: owned(it, "stage"),
        amount,
        created_at: instant(it, "createdAt"),
        closes: text(it, "closeDate").and_then(closes).map(Moment::On),
        owner: owned(it, "assignedUserId"),
        account: owned(it, "accountId"),
        participants,
        url: Some(link(site, "Opportunity", &id)),
        extra: it.pick(wanted),
        ..Opportunity::new(id, text(it, "name").unwrap_or_default(), status(it))
    }
}

/// Whether a record, an account or a contact, has to do with an opportunity.
pub(crate) fn takes_part(opportunity: &Opportunity, id: &String) -> bool {
    let mut people = opportunity.participants.iter();
    opportunity.account.as_ref() == Some(id) || people.any(|it| it.contact == *id)
}

/// The two last stages of a new site, or what a stage of a site's own is worth: EspoCRM counts 100 % as won and 0 % as lost.
fn status(it: Object<'_>) -> OpportunityStatus {
    match (text(it, "stage"), it.value("probability").as_i64()) {
        (Some("Closed Won"), _) | (_, Some(100)) => OpportunityStatus::Won,
        (Some("Closed Lost"), _) | (_, Some(0)) => OpportunityStatus::Lost,
        (None, None) => OpportunityStatus::Unknown,
        _ => OpportunityStatus::Open,
    }
}
