//! Opportunities in the contract's words.

use brightsync_sdk::{
    Moment, Money, Opportunity, OpportunityStatus, Participant, Result, extra, time,
};
use serde_json::Value;

use crate::api::Object;
use crate::map::{column, instant, link, text, texts};

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

pub(crate) fn opportunity(record: &Object, site: &str, wanted: &[String]) -> Result<Opportunity> {
    let id = text(record, "id").unwrap_or_default();
    let owned = |name: &str| text(record, name).map(str::to_owned);
    let participant = |contact: String| Participant {
        role: column(record, "contactsColumns", &contact, "role").map(str::to_owned),
        primary: None,
        contact,
    };
    let amount = record.get("amount").and_then(decimal);
    Ok(Opportunity {
        stage: owned("stage"),
        amount: amount.map(|amount| Money {
            amount,
            currency: owned("amountCurrency"),
        }),
        created_at: instant(text(record, "createdAt"))?,
        closes: text(record, "closeDate")
            .map(|it| time::parse_date(it).map(Moment::On))
            .transpose()?,
        owner: owned("assignedUserId"),
        account: owned("accountId"),
        participants: texts(record, "contactsIds")
            .into_iter()
            .map(participant)
            .collect(),
        url: Some(link(site, "Opportunity", id)),
        extra: extra::pick(record, wanted),
        ..Opportunity::new(id, text(record, "name").unwrap_or_default(), status(record))
    })
}

/// The two last stages of a new site, or what a stage of a site's own is worth: EspoCRM counts 100 % as won and 0 % as lost.
fn status(record: &Object) -> OpportunityStatus {
    let probability = record.get("probability").and_then(Value::as_i64);
    match (text(record, "stage"), probability) {
        (Some("Closed Won"), _) | (_, Some(100)) => OpportunityStatus::Won,
        (Some("Closed Lost"), _) | (_, Some(0)) => OpportunityStatus::Lost,
        (None, None) => OpportunityStatus::Unknown,
        _ => OpportunityStatus::Open,
    }
}

/// A number without an exponent; sites that keep exact amounts send texts.
fn decimal(amount: &Value) -> Option<String> {
    match amount {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.as_i64().map_or_else(
            || {
                number
                    .as_f64()
                    .map_or_else(|| number.to_string(), |it| it.to_string())
            },
            |it| it.to_string(),
        )),
        _ => None,
    }
}
