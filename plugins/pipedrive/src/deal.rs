//! Deals of people and of organisations, those in the archive included.

use std::collections::BTreeSet;

use brightsync_sdk::json::Object;
use brightsync_sdk::{Id, Opportunity, Page, PageRequest, Result, state, time};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{ARCHIVED, DEALS, LARGEST_PAGE, rows, to_the_end};
use crate::lookup::{Plan, id_of};
use crate::mine::kept;
use crate::read::{self, Progress, is_deleted};
use crate::value::number;

impl Pipedrive {
    /// Finds the deals whose `member` is one of these records.
    pub(crate) fn deals_of(
        &self,
        member: &str,
        ids: &[Id],
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        let ids: BTreeSet<u64> = ids.iter().filter_map(|it| number(it)).collect();
        let wanted: Vec<String> = ids.iter().map(u64::to_string).collect();
        let owner = |deal: &Value| deal.get(member).and_then(Value::as_u64);
        let plan = Plan {
            lists: &[DEALS, ARCHIVED],
            ask: &|path, id| {
                let list = self.api.list(path).query("sort_by", "id");
                Ok(list.query("limit", LARGEST_PAGE).query(member, id))
            },
            rows,
            // One page of the deals, and one of the archive, which costs twice as much.
            pages: 3,
            is_match: &|deal| owner(deal).is_some_and(|it| ids.contains(&it)),
        };
        let (mut deals, _, next) = self.look_up(&plan, &wanted, page)?;
        let view = self.view("opportunity");
        let stages = match deals.is_empty() {
            true => Vec::new(),
            false => self.stages()?,
        };
        // Should deals come for those who only take part, one may come for several.
        let mut seen = BTreeSet::new();
        deals.retain(|it| id_of(it).is_none_or(|id| seen.insert(id)));
        let deals = Page::read(&deals, "id", |it| {
            let deal = || read::opportunity(it, &view, progress(&stages, it));
            Ok((!is_deleted(it)).then(deal))
        });
        Ok(kept(deals).with_next(next))
    }

    /// The company's pipelines and stages, which seldom change.
    fn stages(&self) -> Result<Vec<Vec<Value>>> {
        const KEY: &str = "stages";
        const FRESH: i64 = 600_000;
        let now = time::now();
        if let Some((at, stages)) = state::get::<(i64, Vec<Vec<Value>>)>(KEY)
            && (at..at + FRESH).contains(&now)
        {
            return Ok(stages);
        }
        let mut all = Vec::new();
        for path in ["v2/pipelines", "v2/stages"] {
            let list = self.api.list(path).query("limit", LARGEST_PAGE);
            all.push(to_the_end(vec![list], rows)?);
        }
        state::set(KEY, &(now, &all))?;
        Ok(all)
    }
}

/// How far a deal is: its number of a stage counts deleted stages too, so those before it are counted.
fn progress(stages: &[Vec<Value>], deal: Object<'_>) -> Progress {
    let [pipelines, stages] = stages else {
        return Progress::default();
    };
    let find = |all: &[Value], id: &Value| all.iter().find(|it| it.get("id") == Some(id)).cloned();
    let name = |it: &Value| Some(it.get("name")?.as_str()?.to_owned());
    let number = |it: &Value| it.get("order_nr").and_then(Value::as_i64);
    let pipeline = deal.value("pipeline_id");
    let stage = find(stages, deal.value("stage_id"));
    let is_before = |it: &&Value| {
        let is_there = it.get("is_deleted").is_none_or(|it| *it == false);
        let is_same = it.get("pipeline_id") == Some(pipeline);
        is_there && is_same && number(it) < stage.as_ref().and_then(number)
    };
    let order = u32::try_from(stages.iter().filter(is_before).count()).ok();
    Progress {
        stage: stage.as_ref().and_then(name),
        order: stage.as_ref().and(order),
        pipeline: find(pipelines, pipeline).as_ref().and_then(name),
    }
}
