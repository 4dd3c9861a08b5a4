//! Logging e-mails and meetings, and finding them again.
//!
//! Pipedrive does not search activities, but lists those of a record, and of these only what was changed since a time.

use brightsync_sdk::http::Request;
use brightsync_sdk::json::Object;
use brightsync_sdk::{Error, Id, OrFind, Ref, Result, Timestamp, Written, time};

use crate::Pipedrive;
use crate::activity::{Present, Sign, present};
use crate::api::{ACTIVITIES, LARGEST_PAGE, rows, to_the_end};
use crate::mine::seconds;
use crate::note::{Log, is_key};
use crate::read::{self, is_deleted};
use crate::value::number;
use crate::write::Draft;

/// How far the clock of a sender may be ahead, in milliseconds.
const AHEAD: i64 = 7 * 24 * 3_600 * 1_000;

/// Most ids that are answered.
const MOST: usize = 100;

impl Pipedrive {
    pub(crate) fn log(
        &self,
        sign: &Sign,
        about: &[Ref],
        since: Option<Timestamp>,
        draft: Draft,
    ) -> Result<Written> {
        if !is_key(&sign.key) {
            return Err(Error::invalid("key", "it is no key of the host"));
        }
        let request = self.api.create(ACTIVITIES, &draft.body);
        let created = request.send().and_then(|it| it.read(written));
        let written = created.or_find(|| {
            let found = self.logged(sign, about, since)?;
            Ok(found.into_iter().next().map(Written::new))
        })?;
        Ok(Written {
            incomplete: draft.incomplete,
            ..written
        })
    }

    /// Finds an activity among those of the records that it is about, and of these only the newer ones if it cannot be older.
    pub(crate) fn logged(
        &self,
        sign: &Sign,
        about: &[Ref],
        since: Option<Timestamp>,
    ) -> Result<Vec<Id>> {
        if !is_key(&sign.key) {
            return Ok(Vec::new());
        }
        let since = since.filter(|it| *it <= time::now());
        let since = since.map(|it| seconds(it - AHEAD));
        let list = self.api.list(ACTIVITIES).query("sort_by", "id");
        let list = list.query("limit", LARGEST_PAGE);
        let list = list.query_some("updated_since", since);
        let lists = match about {
            [] => vec![list],
            about => about.iter().filter_map(|it| of(&list, it)).collect(),
        };
        let mut found: Vec<Id> = Vec::new();
        for row in to_the_end(lists, rows)? {
            let id = Object::read(&row, |it| {
                let is_it = !is_deleted(it) && sign.is_of(it);
                Ok(is_it.then(|| it.id("id")))
            })?;
            found.extend(id.filter(|id| !found.contains(id)));
        }
        found.truncate(MOST);
        Ok(found)
    }

    pub(crate) fn relog(
        &self,
        log: Log,
        id: &str,
        edit: impl Fn(Present) -> Result<Draft>,
    ) -> Result<Written> {
        let number = number(id).ok_or_else(|| unknown(id))?;
        let now = self.api.read(ACTIVITIES, number).send()?;
        let present = now.read(|it| {
            let read = |it: Object<'_>| (!is_deleted(it)).then(|| present(it, log));
            it.need_object("data", read).ok_or_else(|| unknown(id))
        })?;
        let draft = edit(present)?;
        let written = match draft.body.is_empty() {
            true => now.read(written)?,
            false => {
                let change = self.api.change(ACTIVITIES, number, &draft.body);
                change.send()?.read(written)?
            }
        };
        Ok(Written {
            incomplete: draft.incomplete,
            ..written
        })
    }
}

/// Says that a text is no id of a record, or that of none any more.
pub(crate) fn unknown(id: &str) -> Error {
    Error::not_found(format!("Pipedrive has no record with the id {id:?}"))
}

/// Narrows a list down to the activities of one record; of a person, those in which it is the main one.
fn of(list: &Request, about: &Ref) -> Option<Request> {
    let name = match about.kind.as_str() {
        "contact" => "person_id",
        "account" => "org_id",
        "opportunity" => "deal_id",
        _ => return None,
    };
    Some(list.clone().query(name, number(&about.id)?))
}

fn written(answer: Object<'_>) -> Result<Written> {
    Ok(answer.need_object("data", |it| read::written(it, |_| None)))
}
