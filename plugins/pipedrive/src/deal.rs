//! Deals of people and of organisations, those in the archive included.

use brightsync_sdk::http::Request;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Id, Opportunity, Page, PageRequest, Result, state, time};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{ARCHIVED, DEALS, LARGEST_PAGE, next_cursor, rows, to_the_end};
use crate::lookup::id_of;
use crate::mine::kept;
use crate::read::{self, Progress, is_deleted};
use crate::route::Route;
use crate::value::number;

/// The lists that deals are in.
const LISTS: [&str; 2] = [DEALS, ARCHIVED];

/// To ask for one record's deals costs as much as three pages of a list.
const PAGES_PER_RECORD: usize = 3;

/// How long the names of stages and pipelines are kept, in milliseconds.
const FRESH: i64 = 600_000;

/// Stages and pipelines, as far as deals tell of them.
struct Stages {
    stages: Vec<Value>,
    pipelines: Vec<Value>,
}

impl Pipedrive {
    /// Finds the deals whose `member` is one of these records.
    pub(crate) fn deals_of(
        &self,
        member: &str,
        ids: &[Id],
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        let mut wanted: Vec<u64> = ids.iter().filter_map(|it| number(it)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Ok(Page::empty());
        }
        let route = Route::of(page, wanted.len())?;
        let (deals, next) = match route.asked {
            Some(asked) => {
                let deals = self.ask_for_deals(&route, asked, member, &wanted)?;
                (deals, route.after_asking(asked, wanted.len()))
            }
            None => self.compare_deals(route, member, &wanted, page)?,
        };
        let view = self.view("opportunity");
        let stages = match deals.is_empty() {
            true => Stages::none(),
            false => self.stages()?,
        };
        let deals = Page::read(&deals, "id", |it| {
            let deal = || read::opportunity(it, &view, stages.of(it));
            Ok((!is_deleted(it)).then(deal))
        });
        Ok(kept(deals).with_next(next))
    }

    fn ask_for_deals(
        &self,
        route: &Route,
        asked: u64,
        member: &str,
        wanted: &[u64],
    ) -> Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        for (list, path) in (0..).zip(LISTS) {
            let ask = |id: &u64| {
                let deals = self.deals(path, LARGEST_PAGE);
                deals.query(member, id)
            };
            let requests = Route::batch(asked, wanted).iter().map(ask).collect();
            for deal in to_the_end(requests, rows)? {
                let id = id_of(&deal);
                let is_new = id.is_none_or(|id| route.is_new(list, id));
                // Should deals come for those who only take part, one may come for several.
                let before = wanted.get(..usize::try_from(asked).unwrap_or_default());
                let owner = deal.get(member).and_then(Value::as_u64);
                let was_asked = owner.zip(before);
                let is_answered = was_asked.is_some_and(|(it, all)| all.contains(&it))
                    || all.iter().any(|it| id.is_some() && id_of(it) == id);
                if is_new && !is_answered {
                    all.push(deal);
                }
            }
        }
        Ok(all)
    }

    fn compare_deals(
        &self,
        route: Route,
        member: &str,
        wanted: &[u64],
        page: &PageRequest,
    ) -> Result<(Vec<Value>, Option<String>)> {
        let index = usize::try_from(route.list).unwrap_or_default();
        let path = LISTS.get(index).copied().unwrap_or(DEALS);
        let list = self.deals(path, page.size_within(LARGEST_PAGE).max(100));
        let answer = list.query_some("cursor", route.cursor.as_deref()).send()?;
        let (mut deals, next) = answer.read(|it| Ok((rows(it), next_cursor(it))))?;
        let last = deals.last().and_then(id_of);
        deals.retain(|it| {
            let owner = it.get(member).and_then(Value::as_u64);
            owner.is_some_and(|it| wanted.binary_search(&it).is_ok())
        });
        let most = wanted.len() * PAGES_PER_RECORD;
        let next = route.after_reading(next, last, LISTS.len() as u64, most);
        Ok((deals, next))
    }

    fn deals(&self, path: &str, size: u32) -> Request {
        let list = self.api.list(path).query("sort_by", "id");
        let list = list.query("limit", size);
        list.query_some("custom_fields", self.view("opportunity").custom_fields())
    }

    /// The company's stages and pipelines, which seldom change.
    fn stages(&self) -> Result<Stages> {
        const KEY: &str = "stages";
        let now = time::now();
        if let Some((at, stages, pipelines)) = state::get::<(i64, Vec<Value>, Vec<Value>)>(KEY)
            && (at..at + FRESH).contains(&now)
        {
            return Ok(Stages { stages, pipelines });
        }
        let list = |path: &str| self.api.list(path).query("limit", LARGEST_PAGE);
        let stages = to_the_end(vec![list("v2/stages")], rows)?;
        let pipelines = to_the_end(vec![list("v2/pipelines")], rows)?;
        state::set(KEY, &(now, &stages, &pipelines))?;
        Ok(Stages { stages, pipelines })
    }
}

impl Stages {
    fn none() -> Self {
        Self {
            stages: Vec::new(),
            pipelines: Vec::new(),
        }
    }

    fn of(&self, deal: Object<'_>) -> Progress {
        let stage = find(&self.stages, deal.value("stage_id"));
        let pipeline = find(&self.pipelines, deal.value("pipeline_id"));
        Progress {
            stage: stage.and_then(name),
            order: stage.and_then(|it| self.order(it)),
            pipeline: pipeline.and_then(name),
        }
    }

    /// The place of a stage among those of its pipeline: its number counts deleted ones too.
    fn order(&self, stage: &Value) -> Option<u32> {
        let is_before = |it: &&Value| {
            it.get("pipeline_id") == stage.get("pipeline_id")
                && it.get("is_deleted").is_none_or(|it| *it == false)
                && number_of(it) < number_of(stage)
        };
        u32::try_from(self.stages.iter().filter(is_before).count()).ok()
    }
}

fn find<'a>(all: &'a [Value], id: &Value) -> Option<&'a Value> {
    all.iter().find(|it| !id.is_null() && it.get("id") == Some(id))
}

fn name(it: &Value) -> Option<String> {
    Some(it.get("name")?.as_str()?.to_owned())
}

fn number_of(stage: &Value) -> Option<i64> {
    stage.get("order_nr")?.as_i64()
}
