//! Reads of whole collections: what is there, what has changed, and what has left.
//!
//! Lists are sorted by id, which never changes, so the cursor is a place that no change of a record moves: nothing is
//! passed over however many records have one time, and what changes meanwhile is left to the next read.

use brightsync_sdk::http::Response;
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Owner, Page, PageEnd, ReadRequest, Result, Scope, Timestamp,
    Window, time,
};

use crate::Pipedrive;
use crate::api::{LARGEST_PAGE, next_cursor};
use crate::read::{Kind, is_deleted};
use crate::value::number;

/// Whose records are read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Whose {
    Anyones,
    Users(u64),
    /// Those of somebody who is no user of Pipedrive.
    Nobodys,
}

impl Pipedrive {
    /// Reads one page of an owner's records.
    pub(crate) fn mine<T>(&self, kind: &Kind<T>, request: &ReadRequest) -> Result<Page<Change<T>>> {
        let window = request.scope.window()?;
        let whose = self.whose(request)?;
        if whose == Whose::Nobodys {
            return Ok(Page::empty());
        }
        match (&request.scope, window) {
            (Scope::Departed(_), Some(window)) => self.departed(kind, request, whose, window),
            _ => self.listed(kind, request, whose, window),
        }
    }

    fn listed<T>(
        &self,
        kind: &Kind<T>,
        request: &ReadRequest,
        whose: Whose,
        window: Option<Window>,
    ) -> Result<Page<Change<T>>> {
        let place = match &request.page.token {
            Some(token) => Some((
                member::<String>(token, "cursor")?,
                member::<Timestamp>(token, "began")?,
            )),
            None => None,
        };
        let (cursor, began) = place.unzip();
        let view = self.view(kind.object);
        let size = request.page.size_within(LARGEST_PAGE);
        let list = self.api.list(kind.path).query("sort_by", "id");
        let list = list.query("limit", size).query_some("cursor", cursor);
        let list = list.query_some("owner_id", whose.user());
        let list = list.query_some("updated_since", window.map(|it| seconds(it.since)));
        let until = window.and_then(|it| it.until);
        let until = until.map(|it| seconds(time::ceil_to_second(it)));
        let sent = time::now();
        let answer = list.query_some("updated_until", until).send()?;
        let began = began.unwrap_or_else(|| begun(&answer, sent));
        answer.read(|it| {
            let page = Page::read(it.items("data"), "id", |it| {
                if !is_deleted(it) {
                    let map = |it: Object<'_>| Ok((kind.map)(it, &view));
                    return Change::read(it, "id", request.detail, map).map(Some);
                }
                // Whether lists have such rows is not said anywhere; one of a read of changes is a change.
                Ok(window.map(|_| {
                    Change::Departed(Departure {
                        id: it.id("id"),
                        at: it.time("update_time"),
                        how: DepartureKind::Deleted,
                    })
                }))
            });
            let next = next_cursor(it).map(|cursor| {
                let place = Body::new().with("cursor", cursor).with("began", began);
                to_token(&place.with("owner", whose.user()))
            });
            Ok(kept(page).with_end(end(next, window, began)))
        })
    }

    /// Finds out whose records are asked for; who the connected user is, once for each read.
    fn whose(&self, request: &ReadRequest) -> Result<Whose> {
        match &request.owner {
            Owner::Anyone => Ok(Whose::Anyones),
            Owner::User(id) => Ok(number(id).map_or(Whose::Nobodys, Whose::Users)),
            Owner::Me => match &request.page.token {
                Some(token) => Ok(Whose::Users(member(token, "owner")?)),
                None => {
                    let me = self.api.me().send()?;
                    me.read(|it| Ok(it.need_object("data", |it| Whose::Users(it.need("id")))))
                }
            },
        }
    }
}

impl Whose {
    pub(crate) fn user(self) -> Option<u64> {
        match self {
            Self::Users(user) => Some(user),
            Self::Anyones | Self::Nobodys => None,
        }
    }
}

/// Leaves out what is not to be answered.
pub(crate) fn kept<T>(page: Page<Option<T>>) -> Page<T> {
    Page {
        items: page.items.into_iter().flatten().collect(),
        end: page.end,
    }
}

/// The end of a page: a read by time is complete up to when it began, by Pipedrive's clock.
pub(crate) fn end(next: Option<String>, window: Option<Window>, began: Timestamp) -> PageEnd {
    PageEnd {
        next,
        complete_until: window.map(|it| it.until.map_or(began, |until| until.min(began))),
        ..PageEnd::default()
    }
}

/// When the first page of a read was asked for, by Pipedrive's clock, which tells when it answered.
pub(crate) fn begun(answer: &Response, sent: Timestamp) -> Timestamp {
    let answered = answer.header("date").map(time::parse_http_date);
    match answered {
        Some(Ok(answered)) => answered - time::now().saturating_sub(sent).max(0),
        _ => sent,
    }
}

/// Writes a time as Pipedrive takes it: one with a fraction is refused.
pub(crate) fn seconds(at: Timestamp) -> String {
    // Nothing is older than Pipedrive, and not every server knows the year 0.
    let text = time::local(at.max(0), 0).replace(' ', "T");
    format!("{text}Z")
}
