//! Reads of a connection's rows: all, those that changed, and those that are gone.
//!
//! Where Dataverse tracks changes, a read of all rows ends in a delta link, from which changes and deletions are read later.
//! Such a list takes no condition, so whose rows are wanted is looked at here; and its links say for ever which columns they have, so rows of an older or a shorter list are read again by their ids.
//!
//! A list in the order of time is one in the order of (time, id), and its next link names the last row of the page: what changes meanwhile moves to the end, and rows of one second are split between pages without loss.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Detail, Error, Owner, Page, PageEnd, ReadRequest, Reason,
    Result, Scope, Timestamp, Token, Window, time,
};
use serde_json::Value;

use crate::api::{Api, LARGEST_PAGE, LOOKUP_KIND, Table, began, following};
use crate::odata::{Filter, Guid, Query};

/// The largest page of whole rows, which have a kilobyte each and must fit into the memory of a call.
const LARGEST_FULL_PAGE: u32 = 2_000;

/// Where a page of a read is.
struct Place {
    /// None for the first page.
    link: Option<String>,
    /// When the first page was read.
    began: Option<Timestamp>,
    /// Whose rows are wanted; none for everybody's.
    owner: Option<Guid>,
}

/// How a row concerns a read.
enum Row {
    Here,
    /// Deleted, merged into another row, or of somebody else.
    Gone(Departure),
}

impl Api {
    /// Reads the rows of an owner.
    pub(crate) fn read<T>(
        &self,
        table: &Table,
        request: &ReadRequest,
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        // Nobody owns rows by an id that is no guid.
        let Some(place) = self.place(request)? else {
            return Ok(Page::empty());
        };
        match &request.scope {
            Scope::All => self.all(table, request, &place, &map),
            Scope::Updated(window) => self.updated(table, request, place, *window, &map),
            Scope::ChangedSince(token) | Scope::DepartedSince(token) => {
                let link = match &place.link {
                    Some(link) => table.checked(link)?,
                    None => table.checked(&member::<String>(token, "delta")?)?,
                };
                self.tracked(table, request, &place, link, &map)
            }
            Scope::Departed(_) => Err(Error::unsupported(
                "Dataverse tells what was deleted since a token, and not since a time",
            )),
        }
    }

    fn place(&self, request: &ReadRequest) -> Result<Option<Place>> {
        let (link, began, known) = match &request.page.token {
            Some(token) => (
                Some(member(token, "link")?),
                member(token, "began")?,
                member::<Option<String>>(token, "owner")?,
            ),
            None => (None, None, None),
        };
        let owner = match (&request.owner, known) {
            (Owner::Anyone, _) => None,
            (Owner::User(id), _) => Some(id.clone()),
            (Owner::Me, Some(me)) => Some(me),
            (Owner::Me, None) => Some(self.me()?),
        };
        let owner = match owner {
            None => None,
            Some(id) => match Guid::parse(&id) {
                None => return Ok(None),
                owner => owner,
            },
        };
        Ok(Some(Place { link, began, owner }))
    }

    /// The id of the connected user.
    fn me(&self) -> Result<String> {
        let answer = self.get("WhoAmI").send()?;
        answer.read(|it| Ok(it.id("UserId")))
    }

    /// Reads all rows, with changes tracked from here on if this user may have that.
    fn all<T>(
        &self,
        table: &Table,
        request: &ReadRequest,
        place: &Place,
        map: &dyn Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        match &place.link {
            // Only a list that is not tracked has an order.
            Some(link) if link.contains("orderby=") => {
                let link = table.checked(link)?;
                self.plain(table, request, place, link, map)
            }
            Some(link) => self.tracked(table, request, place, table.checked(link)?, map),
            None => {
                let query = Query::new(table.set, &select(table, request.detail));
                let tracked = self.tracked(table, request, place, query.into_address(), map);
                match tracked.as_ref().map_err(|it| &it.reason) {
                    // It takes the right to read everybody's rows, and a table whose changes are tracked.
                    Err(Reason::Forbidden(_) | Reason::Invalid(_)) => {
                        let query = Query::new(table.set, &select(table, request.detail));
                        let query = query.filter(owned(place).as_ref()).order_by(table.id);
                        self.plain(table, request, place, query.into_address(), map)
                    }
                    Ok(_) | Err(_) => tracked,
                }
            }
        }
    }

    fn updated<T>(
        &self,
        table: &Table,
        request: &ReadRequest,
        mut place: Place,
        window: Window,
        map: &dyn Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        let address = match &place.link {
            Some(link) => table.checked(link)?,
            None => {
                let mut parts = vec![Filter::since("modifiedon", window.since)];
                parts.extend(window.until.map(|it| Filter::before("modifiedon", it)));
                parts.extend(owned(&place));
                let query = Query::new(table.set, &select(table, request.detail));
                let query = query.filter(Some(&Filter::all(parts)));
                let order = format!("modifiedon,{}", table.id);
                query.order_by(&order).into_address()
            }
        };
        let until = |began: Timestamp| window.until.map_or(began, |it| it.min(began));
        place.began = Some(place.began.unwrap_or_else(time::now));
        let page = self.plain(table, request, &place, address, map)?;
        let complete = page.end.complete_until.map(until);
        Ok(page.with_complete_until(complete))
    }

    /// Answers a page of a list whose rows are all wanted.
    fn plain<T>(
        &self,
        table: &Table,
        request: &ReadRequest,
        place: &Place,
        address: String,
        map: &dyn Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        let answer = self.list(address, size(request), false).send();
        let answer = following(place.link.is_some(), answer)?;
        // The first page says when the read began, the others have it in their token.
        let start = match (place.began, &place.link) {
            (Some(start), None) => Some(began(start, &answer)),
            (start, _) => start,
        };
        answer.read(|it| {
            let mut page = Page::empty();
            for row in it.items("value") {
                if let Row::Here = Object::read(row, |it| Ok(row_of(it, table, None)))? {
                    let entry = |it: Object<'_>| Change::read(it, table.id, request.detail, map);
                    page.push(id_of(row, table), Object::read(row, entry));
                }
            }
            page.end.next = next(table.link(it, "@odata.nextLink")?, start, place);
            Ok(page.with_complete_until(start))
        })
    }

    /// Answers a page of a tracked list.
    fn tracked<T>(
        &self,
        table: &Table,
        request: &ReadRequest,
        place: &Place,
        link: String,
        map: &dyn Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        let is_all = request.scope == Scope::All;
        let is_short = request.detail == Detail::Full && !has_columns(&link, &table.select());
        let answer = self.list(link, size(request), is_all).send();
        let answer = following(!is_all || place.link.is_some(), answer)?;
        let only_gone = matches!(request.scope, Scope::DepartedSince(_));
        let (mut page, short) = answer.read(|it| {
            let mut page = Page::empty();
            let mut ids = Vec::new();
            for row in it.items("value") {
                let what = Object::read(row, |it| Ok(row_of(it, table, place.owner.as_ref())));
                match what {
                    Ok(Row::Here) if only_gone => {}
                    Ok(Row::Here) if is_short => ids.extend(id_of(row, table)),
                    Ok(Row::Here) => {
                        let entry =
                            |it: Object<'_>| Change::read(it, table.id, request.detail, map);
                        page.push(id_of(row, table), Object::read(row, entry));
                    }
                    Ok(Row::Gone(_)) if is_all => {}
                    Ok(Row::Gone(departure)) => page.items.push(Change::Departed(departure)),
                    Err(error) => page.push(id_of(row, table), Err(error)),
                }
            }
            page.end = PageEnd {
                next: next(table.link(it, "@odata.nextLink")?, None, place),
                resume: table.link(it, "@odata.deltaLink")?.map(resume),
                ..page.end
            };
            Ok((page, ids))
        })?;
        page.append(self.rows(table, &short, map)?.map(Change::Present));
        Ok(page)
    }
}

/// The token of a later read.
fn resume(link: String) -> Token {
    to_token(&Body::new().with("delta", link))
}

fn next(link: Option<String>, began: Option<Timestamp>, place: &Place) -> Option<Token> {
    let owner = place.owner.as_ref().map(Guid::as_str);
    let place = |link| Body::new().with("link", link).with("began", began);
    link.map(|it| to_token(&place(it).with("owner", owner)))
}

fn owned(place: &Place) -> Option<Filter> {
    let owner = place.owner.as_ref();
    owner.map(|it| Filter::is("_ownerid_value", it))
}

fn size(request: &ReadRequest) -> u32 {
    request.page.size_within(match request.detail {
        Detail::Ids => LARGEST_PAGE,
        Detail::Full => LARGEST_FULL_PAGE,
    })
}

/// The columns of a read; those of an id alone tell whether it is still there, and whose it is.
fn select(table: &Table, detail: Detail) -> String {
    match detail {
        Detail::Ids => format!("{},_ownerid_value,merged,_masterid_value", table.id),
        Detail::Full => table.select(),
    }
}

/// Tells whether a link has these columns.
fn has_columns(link: &str, select: &str) -> bool {
    let link = link.replace("%2C", ",").replace("%2c", ",");
    let has = link.split_once("select=").map(|(_, it)| it);
    let has = has.and_then(|it| it.split('&').next()).unwrap_or_default();
    let has: Vec<&str> = has.split(',').collect();
    select.split(',').all(|it| has.contains(&it))
}

fn id_of(row: &Value, table: &Table) -> Option<String> {
    let id = row.get(table.id).or_else(|| row.get("id"))?;
    id.as_str().map(str::to_owned)
}

fn row_of(it: Object<'_>, table: &Table, owner: Option<&Guid>) -> Row {
    let context: String = it.get("@odata.context").unwrap_or_default();
    let departure = |id, how| Departure { id, at: None, how };
    if context.ends_with("/$deletedEntity") {
        let how = match it.get::<String>("reason").as_deref() {
            Some("deleted") => DepartureKind::Deleted,
            _ => DepartureKind::Unknown,
        };
        return Row::Gone(departure(it.id("id"), how));
    }
    let id = it.id(table.id);
    // Of two rows that were merged one stays behind, switched off, and names the other.
    if let (Some(true), Some(master)) = (it.get("merged"), it.get("_masterid_value")) {
        return Row::Gone(departure(id, DepartureKind::Merged(master)));
    }
    match owner {
        Some(owner) if it.get::<String>("_ownerid_value").as_deref() != Some(owner.as_str()) => {
            Row::Gone(departure(id, DepartureKind::Reassigned))
        }
        Some(_) | None => Row::Here,
    }
}

/// The kind of what a look-up of several kinds leads to.
pub(crate) fn look_up_kind(it: Object<'_>, column: &str) -> Option<String> {
    it.get(&format!("{column}{LOOKUP_KIND}"))
}

/// What a look-up leads to, if that is of this kind.
pub(crate) fn looked_up(it: Object<'_>, column: &str, kind: &str) -> Option<String> {
    let found = look_up_kind(it, column);
    it.get(column).filter(|_| found.is_none_or(|it| it == kind))
}

/// Whether a row was merged into another one, and which.
pub(crate) fn merged_into(it: Object<'_>) -> Option<String> {
    let master = it.get("_masterid_value");
    master.filter(|_| it.get("merged") == Some(true))
}
