//! Reads of what has left: the recent changes of version 1, in which deleted records are marked.
//!
//! These are read from a time on and by position, and a record that changes while they are read moves to their end and
//! shifts all behind it. So a page goes on from the time of the last row where that is possible, and elsewhere begins
//! with the row that ended the page before: if that is not there, the time is read anew.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Page, ReadRequest, Result, Timestamp, Token, Window, time,
};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::{Kind, LARGEST_PAGE};
use crate::mine::{Whose, begun, end, kept, too_early};

/// How long Pipedrive tells of what was deleted, in any month (changelog of December 2024: "1 month").
const KEPT: i64 = 28 * 24 * 3_600 * 1_000;
const SECOND: i64 = 1_000;

/// Where a read of recent changes stands.
struct Place {
    /// Whole seconds.
    since: Timestamp,
    /// The last row of the page before, if this one begins with it: its position and its id.
    behind: Option<(u64, u64)>,
    began: Option<Timestamp>,
    /// How often a time was read anew, so that no two tokens are equal.
    turn: u64,
}

impl Pipedrive {
    pub(crate) fn departed<T>(
        &self,
        kind: &Kind,
        request: &ReadRequest,
        whose: Whose,
        window: Window,
    ) -> Result<Page<Change<T>>> {
        let mut place = Place::of(request, window)?;
        let size = request.page.size_within(LARGEST_PAGE);
        loop {
            let sent = time::now();
            let since = time::local(place.since, 0);
            let list = self.api.recents(kind.item, &since);
            let start = place.behind.map_or(0, |it| it.0);
            // With room for the row that is there already.
            let limit = LARGEST_PAGE.min(size + u32::from(place.behind.is_some()));
            let answer = list.query("start", start).query("limit", limit).send()?;
            let began = *place.began.get_or_insert_with(|| begun(&answer, sent));
            check_reach(&answer, place.since)?;
            let page = answer.read(|it| {
                let rows = it.items("data");
                let rows = match (place.behind, rows.split_first()) {
                    (Some((_, id)), Some((first, rest))) if id_of(first) == Some(id) => rest,
                    (Some(_), _) => return Ok(None),
                    (None, _) => rows,
                };
                let page = Page::read(rows, "id", |it| departure(it, whose, window));
                let page = kept(page).map(Change::Departed);
                let next = place.next(it, rows).map(|it| it.token(whose, began));
                Ok(Some(page.with_end(end(next, Some(window), began))))
            })?;
            match page {
                Some(page) => return Ok(page),
                None => {
                    place.behind = None;
                    place.turn += 1;
                }
            }
        }
    }
}

impl Place {
    fn of(request: &ReadRequest, window: Window) -> Result<Self> {
        let Some(token) = &request.page.token else {
            if window.since < time::now() - KEPT {
                return Err(too_early());
            }
            return Ok(Self {
                since: time::floor_to_second(window.since),
                behind: None,
                began: None,
                turn: 0,
            });
        };
        let position: Option<u64> = member(token, "position")?;
        Ok(Self {
            since: member(token, "since")?,
            behind: position.zip(member(token, "row")?),
            began: Some(member(token, "began")?),
            turn: member(token, "turn")?,
        })
    }

    /// Where the page behind this answer begins, if there is one.
    fn next(&self, answer: Object<'_>, rows: &[Value]) -> Option<Self> {
        let (last, more) = answer.object("additional_data", |it| {
            let more = it.object("pagination", |it| it.get("more_items_in_collection"));
            (it.get::<String>("last_timestamp_on_page"), more.flatten())
        })?;
        let row = rows.last()?;
        if more != Some(true) {
            return None;
        }
        let last = last.and_then(|it| time::parse_local(&it, 0).ok());
        // A second earlier, since it is not said whether that second itself is told again.
        let since = last.filter(|_| is_sorted(rows, last)).map(|it| it - SECOND);
        if let Some(since) = since.filter(|it| self.since < *it) {
            let behind = None;
            return Some(Self {
                since,
                behind,
                ..*self
            });
        }
        // The row that this page begins with counts too.
        let before = self.behind.map_or(0, |it| it.0 + 1);
        let behind = Some((before + rows.len() as u64 - 1, id_of(row)?));
        Some(Self { behind, ..*self })
    }

    fn token(&self, whose: Whose, began: Timestamp) -> Token {
        let (position, row) = self.behind.unzip();
        let place = Body::new()
            .with("since", self.since)
            .with("position", position)
            .with("row", row)
            .with("began", began)
            .with("turn", self.turn);
        to_token(&place.with("owner", whose.user()))
    }
}

/// Refuses an answer that begins later than asked: Pipedrive moves a time that is too early in silence.
fn check_reach(answer: &Response, since: Timestamp) -> Result<()> {
    let from = answer.read(|it| {
        let from = it.object("additional_data", |it| it.get::<String>("since_timestamp"));
        Ok(from.flatten())
    })?;
    let from = from.and_then(|it| time::parse_local(&it, 0).ok());
    match from {
        Some(from) if from > since => Err(too_early()),
        _ => Ok(()),
    }
}

/// Whether the times of rows rise up to the one that the page ends with.
fn is_sorted(rows: &[Value], last: Option<Timestamp>) -> bool {
    let mut times = rows.iter().map(|row| {
        let text = row.get("data")?.get("update_time")?.as_str()?;
        time::parse_local(text, 0).ok()
    });
    let mut before = None;
    times.all(|at| {
        let rises = at.is_some() && before <= at;
        before = at;
        rises
    }) && before == last
}

/// Reads a row as a departure, if it is one.
///
/// What a deleted record looks like is not said anywhere: it is taken for one if it is marked, in either version's way, or if there is nothing left of it.
fn departure(row: Object<'_>, whose: Whose, window: Window) -> Result<Option<Departure>> {
    let id = row.id("id");
    let Some((is_gone, owner, at)) = row.object("data", |it| {
        let is_gone = *it.value("active_flag") == false || *it.value("is_deleted") == true;
        let at = it.value("update_time").as_str();
        let at = at.and_then(|it| time::parse_local(it, 0).ok());
        (is_gone, owner(it), at)
    }) else {
        let how = DepartureKind::Deleted;
        return Ok(Some(Departure { id, at: None, how }));
    };
    let belongs_to = |user| owner.is_none_or(|it| it == user);
    let how = match whose.user() {
        _ if at.is_some_and(|at| window.until.is_some_and(|until| until <= at)) => return Ok(None),
        Some(user) if !belongs_to(user) && !is_gone => DepartureKind::Reassigned,
        Some(user) if !belongs_to(user) => return Ok(None),
        _ if is_gone => DepartureKind::Deleted,
        _ => return Ok(None),
    };
    // The time of a change before the deletion, if that did not count as one.
    let at = at.filter(|it| time::floor_to_second(window.since) <= *it);
    Ok(Some(Departure { id, at, how }))
}

/// The owner, which version 1 has as an id or as a whole user.
fn owner(it: Object<'_>) -> Option<u64> {
    let owner = it.value("owner_id");
    let of = |name: &str| owner.get(name)?.as_u64();
    owner.as_u64().or_else(|| of("id")).or_else(|| of("value"))
}

fn id_of(row: &Value) -> Option<u64> {
    row.get("id")?.as_u64()
}
