//! Opportunities, in HubSpot's words deals.

use std::collections::BTreeMap;

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Id, Moment, Money, Opportunity, OpportunityStatus, Page, PageRequest, Participant, Result,
};

use crate::HubSpot;
use crate::api::{self, COMPANY, CONTACT, DEAL, Kind, is_id};
use crate::record::{Row, Table};

const TABLE: Table<Opportunity> = Table {
    kind: &DEAL,
    properties: &[
        "dealname",
        "amount",
        "deal_currency_code",
        "dealstage",
        "pipeline",
        "closedate",
        "hs_is_closed",
        "hs_is_closed_won",
        "hubspot_owner_id",
        "hs_all_collaborator_owner_ids",
        "notes_last_updated",
        "hs_lastmodifieddate",
    ],
    object: "opportunity",
    linked: Some(&CONTACT),
    map: opportunity,
};

/// HubSpot's type of the link from a deal to its main company.
const PRIMARY: i64 = 5;

/// A stage of a pipeline.
#[derive(Debug, Default)]
struct Stage {
    label: Option<String>,
    order: Option<u32>,
    pipeline: Option<String>,
    status: Option<OpportunityStatus>,
}

/// The stages by the ids of their pipelines and their own.
type Stages = BTreeMap<(Id, Id), Stage>;

fn opportunity(row: &Row<'_>) -> Opportunity {
    let currency = || {
        row.text("deal_currency_code")
            .or_else(|| row.site.currency.clone())
    };
    let amount = row.decimal("amount").map(|amount| Money {
        amount,
        currency: currency(),
    });
    let owner = row.text("hubspot_owner_id");
    let mut members = row.texts("hs_all_collaborator_owner_ids");
    members.retain(|it| Some(it) != owner.as_ref());
    let mut participants = Vec::new();
    for link in row.links {
        participants.push(Participant {
            contact: link.id.clone(),
            primary: None,
            role: link.label.clone(),
        });
    }
    let is = |property: &str| row.text(property).as_deref() == Some("true");
    let status = match (is("hs_is_closed_won"), is("hs_is_closed")) {
        (true, _) => OpportunityStatus::Won,
        (false, true) => OpportunityStatus::Lost,
        (false, false) => OpportunityStatus::Open,
    };
    let name = row.text("dealname").unwrap_or_default();
    Opportunity {
        stage: row.text("dealstage"),
        kind: row.text("pipeline"),
        amount,
        created_at: row.created(),
        closes: row.time("closedate").map(Moment::At),
        last_activity_at: row.time("notes_last_updated"),
        owner,
        members,
        participants,
        url: row.url(),
        extra: row.extra(),
        ..Opportunity::new(row.id.clone(), name, status)
    }
}

impl HubSpot {
    /// Finds the deals of these records, page by page in the order of their ids.
    pub(crate) fn deals_of(
        &self,
        kind: &Kind,
        ids: &[Id],
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        let ids: Vec<Id> = ids.iter().filter(|it| is_id(it)).cloned().collect();
        let behind: u64 = match &page.token {
            Some(token) => member(token, "behind")?,
            None => 0,
        };
        let links = self.links(kind, &DEAL, &ids)?;
        let mut deals = links.ids();
        let number = |it: &Id| it.parse::<u64>().unwrap_or(u64::MAX);
        deals.retain(|it| behind < number(it));
        let size = page.size_within(api::PAGE) as usize;
        let next = (size < deals.len())
            .then(|| deals.get(size - 1).map(number))
            .flatten();
        deals.truncate(size);
        let mut found = self.get_all(&TABLE, &deals)?;
        if behind == 0 {
            found.end.skipped.extend(links.skipped());
        }
        if !found.items.is_empty() {
            self.complete(&mut found)?;
        }
        let next = next.map(|it| to_token(&Body::new().with("behind", it)));
        Ok(found.with_next(next))
    }

    /// Adds what a deal does not say itself: the company, and what its stage is called and means.
    fn complete(&self, page: &mut Page<Opportunity>) -> Result<()> {
        let ids: Vec<Id> = page.items.iter().map(|it| it.id.clone()).collect();
        let companies = self.links(&DEAL, &COMPANY, &ids)?;
        let stages = self.stages()?;
        for mut deal in std::mem::take(&mut page.items) {
            let id = deal.id.clone();
            let deal = companies.of(&id).map(|links| {
                let main = links.iter().find(|it| it.types.contains(&PRIMARY));
                deal.account = main.or(links.first()).map(|it| it.id.clone());
                staged(&mut deal, &stages);
                deal
            });
            page.push(Some(id), deal);
        }
        Ok(())
    }

    fn stages(&self) -> Result<Stages> {
        let answer = self.api.pipelines().send()?;
        answer.read(|it| {
            let mut all = Stages::new();
            for mut pipeline in it.each("results", pipeline) {
                all.append(&mut pipeline);
            }
            Ok(all)
        })
    }
}

/// Gives a deal the names of its stage and its pipeline, and what they mean.
fn staged(deal: &mut Opportunity, stages: &Stages) {
    let place = deal.kind.clone().zip(deal.stage.clone());
    if let Some(stage) = place.and_then(|it| stages.get(&it)) {
        deal.status = stage.status.unwrap_or(deal.status);
        deal.stage = stage.label.clone().or(deal.stage.take());
        deal.stage_order = stage.order;
        deal.kind = stage.pipeline.clone().or(deal.kind.take());
    }
    if matches!(
        deal.status,
        OpportunityStatus::Won | OpportunityStatus::Lost
    ) {
        deal.closed = deal.closes.take();
    }
}

/// Reads the stages of a pipeline, in their order.
fn pipeline(it: Object<'_>) -> Stages {
    let (of, name) = (it.id("id"), it.get::<String>("label"));
    let mut stages = it.each("stages", |it| {
        let order: i64 = it.get("displayOrder").unwrap_or_default();
        (order, it.id("id"), it.get::<String>("label"), status(it))
    });
    stages.sort_by_key(|it| it.0);
    let mut all = Stages::new();
    for (place, (_, id, label, status)) in stages.into_iter().enumerate() {
        let stage = Stage {
            label,
            order: u32::try_from(place).ok(),
            pipeline: name.clone(),
            status,
        };
        all.insert((of.clone(), id), stage);
    }
    all
}

/// What a stage means: HubSpot calls a closed one won if it is certain and lost if it is impossible.
fn status(it: Object<'_>) -> Option<OpportunityStatus> {
    let (closed, probability) = it.object("metadata", |it| {
        let text = |name: &str| it.get::<String>(name);
        (text("isClosed"), text("probability"))
    })?;
    let probability: Option<f64> = probability.and_then(|it| it.parse().ok());
    Some(match (closed.as_deref() == Some("true"), probability) {
        (false, _) => OpportunityStatus::Open,
        (true, Some(it)) if 1.0 <= it => OpportunityStatus::Won,
        (true, Some(_)) => OpportunityStatus::Lost,
        (true, None) => return None,
    })
}
