//! Opportunities, with the contacts that have a role in them.

use brightsync_sdk::http;
use brightsync_sdk::json::Object;
use brightsync_sdk::{
    Id, Moment, Money, Opportunity, OpportunityStatus, Page, PageRequest, Participant, Reason,
    Result, settings, state, time,
};

use crate::api::{Api, instant, midnight, some};
use crate::kind::{Kind, OPPORTUNITY};
use crate::soql::{self, Condition, Literal, Query};

const FIELDS: &str = "Id,Name,StageName,IsClosed,IsWon,Type,Amount,CloseDate,AccountId,OwnerId,CreatedDate,LastActivityDate";

/// A page of them, which come with all their roles.
const PAGE: u32 = 500;

/// For how long is believed what an org is like, in milliseconds.
const HOUR: i64 = 3_600_000;

/// What an org is like.
struct Org {
    /// Whether records have a currency of their own.
    currencies: bool,
    /// The stages in their order.
    stages: Vec<String>,
}

/// Finds the opportunities that have to do with some of these records, each once.
pub(crate) fn find(
    api: &Api,
    kind: Kind,
    ids: &[Id],
    condition: impl Fn(&[Literal]) -> Condition,
    page: &PageRequest,
) -> Result<Page<Opportunity>> {
    let mut ids: Vec<&String> = ids.iter().filter(|it| kind.has(it)).collect();
    ids.sort();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Page::empty());
    }
    let org = org(api)?;
    let wanted = settings::wanted_fields("opportunity");
    let (mut queries, mut begins, mut begin) = (Vec::new(), Vec::new(), 0);
    for batch in soql::batches(ids.iter().filter_map(|it| Literal::text(it))) {
        let mut query = Query::new("Opportunity", FIELDS).with(&wanted)?;
        query = query.each_with("OpportunityContactRoles", "ContactId,Role,IsPrimary");
        if org.currencies {
            query = query.with(&["CurrencyIsoCode".to_owned()])?;
        }
        queries.push(query.and(condition(&batch)));
        begins.push(begin);
        begin += batch.len();
    }
    let size = page.size_within(PAGE);
    let page = PageRequest {
        size,
        ..page.clone()
    };
    let found = api.page(queries, &page, |number, it| {
        let found = opportunity(api, it, &org, &wanted)?;
        let people = found.participants.iter();
        let first = people
            .filter_map(|it| ids.binary_search(&&it.contact).ok())
            .min();
        // One in which somebody of an earlier batch takes part was found there.
        let is_new = first.is_none_or(|it| begins.get(number as usize).is_none_or(|b| *b <= it));
        Ok(is_new.then_some(found))
    })?;
    Ok(some(found))
}

/// Learns what the org is like, and keeps it for a while.
fn org(api: &Api) -> Result<Org> {
    let now = time::now();
    if let Some((at, currencies, stages)) = state::get::<(i64, bool, Vec<String>)>("org")
        && (at..at + HOUR).contains(&now)
    {
        return Ok(Org { currencies, stages });
    }
    let mut stages = Query::new("OpportunityStage", "MasterLabel");
    stages.order = "SortOrder";
    let mut currency = Query::new("Opportunity", "CurrencyIsoCode");
    currency.size = 1;
    let mut answers = http::send_all(vec![api.query(&stages), api.query(&currency)]).into_iter();
    let stages = answers.next().transpose()?.map_or_else(
        || Ok(Vec::new()),
        |it| it.read(|it| Ok(it.each("records", |it| it.need::<String>("MasterLabel")))),
    )?;
    let currencies = match answers.next().transpose() {
        // In an org with one currency there is no such field.
        Err(error) if matches!(error.reason, Reason::Invalid(_)) => false,
        asked => asked.map(|_| true)?,
    };
    state::set("org", &(now, currencies, &stages))?;
    Ok(Org { currencies, stages })
}

fn opportunity(api: &Api, it: Object<'_>, org: &Org, wanted: &[String]) -> Result<Opportunity> {
    let id = it.id("Id");
    let is = |name: &str| it.get::<bool>(name) == Some(true);
    let status = match (is("IsWon"), is("IsClosed")) {
        (true, _) => OpportunityStatus::Won,
        (false, true) => OpportunityStatus::Lost,
        (false, false) => OpportunityStatus::Open,
    };
    let stage: Option<String> = it.get("StageName");
    let order = org.stages.iter().position(|it| Some(it) == stage.as_ref());
    let currency = it
        .get("CurrencyIsoCode")
        .or_else(|| settings::get("currency"));
    let closes: Option<String> = it.get("CloseDate");
    let closes = closes.and_then(|day| it.fit("CloseDate", time::parse_date(&day)));
    Ok(Opportunity {
        stage_order: order.and_then(|it| it.try_into().ok()),
        stage,
        kind: it.get("Type"),
        amount: it
            .decimal("Amount")
            .map(|amount| Money { amount, currency }),
        created_at: instant(it, "CreatedDate"),
        closed: closes.clone().filter(|_| is("IsClosed")).map(Moment::On),
        closes: closes.map(Moment::On),
        last_activity_at: midnight(it, "LastActivityDate"),
        owner: it.get("OwnerId"),
        account: it.get("AccountId"),
        participants: participants(api, it)?,
        url: Some(api.link(OPPORTUNITY, &id)),
        extra: it.pick(wanted),
        ..Opportunity::new(id, it.need::<String>("Name"), status)
    })
}

/// Reads the roles, which are a list of their own within the record: a long one goes on elsewhere.
fn participants(api: &Api, it: Object<'_>) -> Result<Vec<Participant>> {
    let read = |it: Object<'_>| {
        let roles = it.each("records", |it| Participant {
            contact: it.id("ContactId"),
            primary: it.get("IsPrimary"),
            role: it.get("Role"),
        });
        (roles, it.get::<String>("nextRecordsUrl"))
    };
    let roles = it.object("OpportunityContactRoles", read);
    let (mut roles, mut next) = roles.unwrap_or_default();
    while let Some(path) = next {
        let (more, then) = api.follow(&path)?.read(|it| Ok(read(it)))?;
        roles.extend(more);
        next = then.filter(|it| *it != path);
    }
    Ok(roles)
}
