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
    Result, Scope, Timestamp, Token, time,
};
use serde_json::Value;

use crate::api::{Api, LARGEST_PAGE, LOOKUP_KIND, Record, Table, began, following};
use crate::odata::{Filter, Guid, Query};

/// The largest page of whole rows, which have a kilobyte each and must fit into the memory of a call.
const LARGEST_FULL_PAGE: u32 = 2_000;

/// Where a page of a read is.
struct Place {
    /// None for the first page.
    link: Option<String>,
    /// When the first page was read.
    began: Timestamp,
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
    pub(crate) fn read<T: Record>(&self, request: &ReadRequest) -> Result<Page<Change<T>>> {
        let table = T::TABLE;
        // Nobody owns rows by an id that is no guid.
        let Some(place) = self.place(table, request)? else {
            return Ok(Page::empty());
        };
        let query = |detail| Query::new(table.set, &select(table, detail));
        let link = place.link.as_ref();
        match &request.scope {
            Scope::All => {
                // Most rows of a tracked list are not this owner's; those that are, are read by their ids.
                let detail = match place.owner {
                    Some(_) => Detail::Ids,
                    None => request.detail,
                };
                let address = link
                    .cloned()
                    .unwrap_or_else(|| query(detail).into_address());
                // Only a list that is not tracked has an order.
                let tracked = !address.contains("orderby=");
                let page = self.page(request, &place, address, tracked);
                match page.as_ref().map_err(|it| &it.reason) {
                    // It takes the right to read everybody's rows, and a table whose changes are tracked.
                    Err(Reason::Forbidden(_) | Reason::Invalid(_) | Reason::Unsupported)
                        if link.is_none() =>
                    {
                        let owned = owned(&place);
                        let query = query(request.detail).filter(owned.as_ref());
                        let query = query.order_by(table.id);
                        self.page(request, &place, query.into_address(), false)
                    }
                    Ok(_) | Err(_) => page,
                }
            }
            Scope::Updated(window) => {
                let mut parts = vec![Filter::since("modifiedon", window.since)];
                parts.extend(window.until.map(|it| Filter::before("modifiedon", it)));
                parts.extend(owned(&place));
                let order = format!("modifiedon,{}", table.id);
                let query = query(request.detail).filter(Some(&Filter::all(parts)));
                let query = query.order_by(&order);
                let address = link.cloned().unwrap_or_else(|| query.into_address());
                let page: Page<Change<T>> = self.page(request, &place, address, false)?;
                let began = page.end.complete_until;
                let until = |it: Timestamp| window.until.map_or(it, |until| until.min(it));
                Ok(page.with_complete_until(began.map(until)))
            }
            Scope::ChangedSince(token) | Scope::DepartedSince(token) => {
                let delta = || member::<String>(token, "delta");
                let address = table.checked(&link.cloned().map_or_else(delta, Ok)?)?;
                self.page(request, &place, address, true)
            }
            Scope::Departed(_) => Err(Error::unsupported(
                "Dataverse tells what was deleted since a token, and not since a time",
            )),
        }
    }

    /// Reads where a page is; none if nobody can own its rows.
    fn place(&self, table: &Table, request: &ReadRequest) -> Result<Option<Place>> {
        let (link, began, known) = match &request.page.token {
            Some(token) => (
                Some(table.checked(&member::<String>(token, "link")?)?),
                member(token, "began")?,
                member::<Option<String>>(token, "owner")?,
            ),
            None => (None, time::now(), None),
        };
        let owner = match (&request.owner, known) {
            (Owner::Anyone, _) => None,
            (Owner::User(id), _) => Some(id.clone()),
            (Owner::Me, Some(me)) => Some(me),
            (Owner::Me, None) => {
                let answer = self.get("WhoAmI").send()?;
                Some(answer.read(|it| Ok(it.id("UserId")))?)
            }
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

    /// Answers a page of a list; of a tracked one, everybody's rows come.
    fn page<T: Record>(
        &self,
        request: &ReadRequest,
        place: &Place,
        address: String,
        tracked: bool,
    ) -> Result<Page<Change<T>>> {
        let (table, wanted) = (T::TABLE, T::TABLE.wanted());
        let read = |it: Object<'_>| Ok(T::read(it, self, &wanted));
        let only_gone = matches!(request.scope, Scope::DepartedSince(_));
        let since = only_gone || matches!(request.scope, Scope::ChangedSince(_));
        let is_short = request.detail == Detail::Full && !has_columns(&address, &table.select());
        let owner = place.owner.as_ref().filter(|_| tracked);
        let answer = self.list(address, size(request), tracked && !since).send();
        let answer = following(since || place.link.is_some(), answer)?;
        // The first page says when the read began, the others have it in their token.
        let began = match &place.link {
            None => began(place.began, &answer),
            Some(_) => place.began,
        };
        let (mut page, short) = answer.read(|it| {
            let mut page = Page::empty();
            let mut short = Vec::new();
            for row in it.items("value") {
                let id = id_of(row, table);
                match Object::read(row, |it| Ok(row_of(it, table, owner))) {
                    Ok(Row::Here) if only_gone => {}
                    Ok(Row::Here) if is_short => short.extend(id),
                    Ok(Row::Here) => {
                        let entry =
                            |it: Object<'_>| Change::read(it, table.id, request.detail, read);
                        page.push(id, Object::read(row, entry));
                    }
                    Ok(Row::Gone(departure)) if since => {
                        page.items.push(Change::Departed(departure));
                    }
                    Ok(Row::Gone(_)) => {}
                    Err(error) => page.push(id, Err(error)),
                }
            }
            page.end = PageEnd {
                next: next(table.link(it, "@odata.nextLink")?, began, place),
                resume: table.link(it, "@odata.deltaLink")?.map(resume),
                complete_until: matches!(request.scope, Scope::Updated(_)).then_some(began),
                ..page.end
            };
            Ok((page, short))
        })?;
        page.append(self.rows(&short)?.map(Change::Present));
        Ok(page)
    }
}

/// The token of a later read.
fn resume(link: String) -> Token {
    to_token(&Body::new().with("delta", link))
}

fn next(link: Option<String>, began: Timestamp, place: &Place) -> Option<Token> {
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
