//! Reads of what has left: the recent changes of version 1, in which deleted records are marked.
//!
//! These are read from a time on and by position, and a record that changes meanwhile moves to their end and shifts all behind it.
//! So a page goes on from the time at which the page before ended, and where that is the time at which it began, it takes some rows again.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Error, Page, ReadRequest, Result, Timestamp, Token, Window,
    time,
};
use serde_json::Value;

use crate::Pipedrive;
use crate::api::LARGEST_PAGE;
use crate::mine::{Whose, begun, end, kept};
use crate::read::Kind;

/// How long Pipedrive tells of what was deleted, in any month (changelog of December 2024: "1 month").
const KEPT: i64 = 28 * 24 * HOUR;
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

impl Pipedrive {
    pub(crate) fn departed<T>(
        &self,
        kind: &Kind<T>,
        request: &ReadRequest,
        whose: Whose,
        window: Window,
    ) -> Result<Page<Change<T>>> {
        let (since, start, began): (Timestamp, u64, _) = match &request.page.token {
            Some(it) => (
                member(it, "since")?,
                member(it, "start")?,
                Some(member(it, "began")?),
            ),
            None if window.since < time::now() - KEPT => return Err(too_early()),
            None => (time::floor_to_second(window.since), 0, None),
        };
        let sent = time::now();
        let list = self.api.recents(kind.item, &time::local(since, 0));
        let size = request.page.size_within(LARGEST_PAGE);
        let answer = list.query("start", start).query("limit", size).send()?;
        let began = began.unwrap_or_else(|| begun(&answer, sent));
        answer.read(|it| {
            // A time that is too early is moved in silence; one that is only told in another way is not.
            let added = it.need_object("additional_data", Ok::<_, Error>)?;
            if instant(added.value("since_timestamp")).is_some_and(|it| since < it - HOUR) {
                return Err(too_early());
            }
            let rows = it.items("data");
            let page = kept(Page::read(rows, "id", |it| departure(it, whose, window)));
            let next = next(added, rows, since, start).map(|(since, start)| -> Token {
                let place = Body::new().with("since", since).with("start", start);
                to_token(&place.with("began", began).with("owner", whose.user()))
            });
            let page = page.map(Change::Departed);
            Ok(page.with_end(end(next, Some(window), began)))
        })
    }
}

fn too_early() -> Error {
    Error::cursor_expired("Pipedrive tells of the departures of one month: read everything anew")
}

/// From which time and which position on the next page is read, if there is one.
fn next(
    added: Object<'_>,
    rows: &[Value],
    since: Timestamp,
    start: u64,
) -> Option<(Timestamp, u64)> {
    let more = added.object("pagination", |it| {
        *it.value("more_items_in_collection") == true
    });
    let changed = |row: &Value| instant(row.get("data")?.get("update_time")?);
    let (first, last) = (rows.first()?, changed(rows.last()?));
    // A second earlier, since it is not said whether that second itself is told again; and only if times rise at all.
    let rises = changed(first) <= last && last == instant(added.value("last_timestamp_on_page"));
    let later = last.filter(|_| rises).map(|it| it - SECOND);
    let count = rows.len() as u64;
    let next = match later.filter(|it| since < *it) {
        Some(later) => (later, 0),
        None => (since, start.saturating_add(count - count / 10)),
    };
    more?.then_some(next)
}

/// Reads a row as a departure, if it is one.
///
/// What a deleted record looks like is not said anywhere: it is taken for one if it is marked in either version's way, or if there is nothing left of it.
fn departure(row: Object<'_>, whose: Whose, window: Window) -> Result<Option<Departure>> {
    let told = row.object("data", |it| {
        let is_gone = *it.value("active_flag") == false || *it.value("is_deleted") == true;
        (
            is_gone,
            owner(it.value("owner_id")),
            instant(it.value("update_time")),
        )
    });
    let (is_gone, owner, at) = told.unwrap_or((true, None, None));
    let is_anothers = whose
        .user()
        .is_some_and(|it| owner.is_some_and(|owner| owner != it));
    let is_later = at.is_some_and(|at| window.until.is_some_and(|until| until <= at));
    let how = match (is_gone, is_anothers) {
        (true, false) => DepartureKind::Deleted,
        (false, true) => DepartureKind::Reassigned,
        _ => return Ok(None),
    };
    let id = row.id("id");
    // An earlier time is that of a change before the deletion.
    let at = at.filter(|it| time::floor_to_second(window.since) <= *it);
    Ok((!is_later).then_some(Departure { id, at, how }))
}

/// The owner, which version 1 has as an id or as a whole user.
fn owner(owner: &Value) -> Option<u64> {
    let of = |name: &str| owner.get(name)?.as_u64();
    owner.as_u64().or_else(|| of("id")).or_else(|| of("value"))
}

/// Reads a time of version 1.
fn instant(value: &Value) -> Option<Timestamp> {
    time::parse_local(value.as_str()?, 0).ok()
}
