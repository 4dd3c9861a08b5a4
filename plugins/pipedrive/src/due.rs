//! When an activity takes place: a day, and whole minutes in UTC unless it is all day.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::{Moment, time};

use crate::write::Draft;

const MINUTE: i64 = 60_000;

/// Reads when an activity begins and ends.
pub(crate) fn read(it: Object<'_>) -> (Option<Moment>, Option<Moment>) {
    let text = |name: &str| it.value(name).as_str();
    let start = text("due_date").map(|day| moment(day, text("due_time")));
    let length = text("duration").and_then(minutes);
    let end = match &start {
        Some(Moment::At(start)) => length.map(|it| Moment::At(start + it * MINUTE)),
        day => day.clone(),
    };
    (start, end)
}

pub(crate) fn set_start(body: &mut Body, start: &Moment) {
    let (day, minute) = match start {
        Moment::At(at) => {
            let text = time::local(*at, 0);
            let part = |range| text.get(range).map(str::to_owned);
            (part(0..10), part(11..16))
        }
        Moment::On(day) => (Some(day.clone()), None),
    };
    body.set("due_date", day.into());
    body.set("due_time", minute.into());
}

pub(crate) fn set_duration(draft: &mut Draft, start: &Moment, end: Option<&Moment>) {
    const HUNDRED_HOURS: i64 = 6_000;
    let length = match (to_minute(start), end) {
        (Moment::At(start), Some(Moment::At(end))) => {
            Some(end.saturating_sub(start).div_euclid(MINUTE))
        }
        _ => None,
    };
    let length = length.filter(|it| (1..HUNDRED_HOURS).contains(it));
    let fits = length.is_some() || end.is_none_or(|it| it == start);
    draft.leave_some("end", usize::from(!fits));
    let length = length.map(|it| format!("{:02}:{:02}", it / 60, it % 60));
    draft.body.set("duration", length.into());
}

pub(crate) fn to_minute(moment: &Moment) -> Moment {
    match moment {
        Moment::At(at) => Moment::At(at.div_euclid(MINUTE).saturating_mul(MINUTE)),
        day @ Moment::On(_) => day.clone(),
    }
}

fn moment(day: &str, minute: Option<&str>) -> Moment {
    let midnight = time::parse_local(&format!("{day} 00:00:00"), 0);
    match (minute.and_then(minutes), midnight) {
        (Some(minutes), Ok(midnight)) => Moment::At(midnight + minutes * MINUTE),
        _ => Moment::On(day.to_owned()),
    }
}

/// Reads `15:00`, which Pipedrive answers as `15:00:00`.
fn minutes(text: &str) -> Option<i64> {
    let (hours, rest) = text.split_once(':')?;
    let minutes: u16 = rest.get(..2)?.parse().ok()?;
    Some(i64::from(hours.parse::<u16>().ok()?) * 60 + i64::from(minutes))
}
