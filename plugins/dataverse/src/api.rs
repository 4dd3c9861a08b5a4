//! Dataverse's Web API: its requests, its pages, and what its refusals mean.

use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Error, Id, Page, PageRequest, Reason, Result, Token, Written, log, settings, time,
};

use serde_json::Value;

use crate::odata::{self, Filter, Guid, Query};
use crate::read::merged_into;
use crate::refusal;

/// The largest page.
pub(crate) const LARGEST_PAGE: u32 = 5_000;
/// The path of the API, behind which every address of it begins anew.
const ROOT: &str = "/api/data/v9.2/";
/// The name of what a look-up leads to, which those of several kinds need.
pub(crate) const LOOKUP_KIND: &str = "@Microsoft.Dynamics.CRM.lookuplogicalname";

/// A table, by the names that it has in various places.
#[derive(Debug)]
pub(crate) struct Table {
    /// In addresses.
    pub(crate) set: &'static str,
    /// In links for humans, and in the contract.
    pub(crate) name: &'static str,
    /// Of the column with the id.
    pub(crate) id: &'static str,
    /// What is read of each row.
    pub(crate) columns: &'static str,
    /// What is read of the rows that it leads to.
    pub(crate) expand: Option<&'static str>,
}

/// A record of the contract that is a row.
pub(crate) trait Record: Sized {
    const TABLE: &'static Table;

    /// Reads a row, with the columns that the tenant wants.
    fn read(it: Object<'_>, api: &Api, wanted: &[String]) -> Self;
}

/// The API of one organisation.
pub(crate) struct Api {
    client: Client,
    /// Where humans see it.
    site: String,
}

impl Table {
    /// The columns that are read: those that the contract has a field for, and those that the tenant wants.
    pub(crate) fn select(&self) -> String {
        let mut select = self.columns.to_owned();
        for name in self.wanted() {
            if !select.split(',').any(|it| it == name) {
                select.push(',');
                select.push_str(&name);
            }
        }
        select
    }

    /// The columns that the tenant wants; what is no name of a column never gets into an address.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let mut wanted = settings::wanted_fields(self.name);
        wanted.retain(|name| {
            let is_column = odata::is_column(name);
            if !is_column {
                log::warn(&format!(
                    "{name:?} is no name of a column, so it is not read"
                ));
            }
            is_column
        });
        wanted
    }

    fn row(&self, id: &Guid) -> String {
        format!("{}({id})", self.set)
    }
}

impl Api {
    pub(crate) fn new() -> Result<Self> {
        let organisation = settings::required("organisation")?;
        let region = settings::required("region")?;
        Ok(Self {
            client: Client::new()
                .header("Accept", "application/json")
                .header("OData-MaxVersion", "4.0")
                .header("OData-Version", "4.0")
                .header("If-None-Match", "null")
                .refine(refusal::refine),
            site: format!("https://{organisation}.{region}.dynamics.com"),
        })
    }

    /// Where a human sees a row.
    pub(crate) fn link(&self, table: &Table, id: &str) -> String {
        let (site, name) = (&self.site, table.name);
        format!("{site}/main.aspx?pagetype=entityrecord&etn={name}&id={id}")
    }

    /// Asks for something that is no list.
    pub(crate) fn get(&self, address: impl Into<String>) -> Request {
        let annotations = preferences(None, false);
        self.client.get(address).header("Prefer", annotations)
    }

    /// Makes something that nothing is asked of afterwards.
    pub(crate) fn post(&self, address: &str) -> Request {
        self.client.post(address)
    }

    /// Asks for a page of a list, which may have changes tracked.
    pub(crate) fn list(&self, address: String, size: u32, tracked: bool) -> Request {
        let preferences = preferences(Some(size), tracked);
        self.client.get(address).header("Prefer", preferences)
    }

    /// Asks for one row.
    pub(crate) fn row(&self, table: &Table, id: &Guid) -> Request {
        let query = Query::new(&table.row(id), &table.select()).expand(table.expand);
        self.get(query.into_address())
    }

    /// Reads all rows of these ids in one page, those that are there; the address of each request has room for some of them.
    pub(crate) fn rows<T: Record>(&self, ids: &[Id]) -> Result<Page<T>> {
        let table = T::TABLE;
        let is_guid = |id: &&Id| Guid::parse(id).is_some();
        let ids: Vec<Id> = ids.iter().filter(is_guid).cloned().collect();
        let request = |ids: &Vec<Id>| {
            let among = Filter::among(&[table.id], ids);
            let query = Query::new(table.set, &table.select()).expand(table.expand);
            self.list(
                query.filter(Some(&among)).into_address(),
                LARGEST_PAGE,
                false,
            )
        };
        let mut all = Page::empty();
        for answer in http::send_all(odata::parts(&ids).iter().map(request).collect()) {
            all.append(answer?.read(|it| Ok(self.living(it)))?);
        }
        Ok(all)
    }

    /// Looks values up in columns, part by part: each part has its pages, and then the next one begins.
    ///
    /// `has` tells whether a record has a value, so that what an earlier part found is answered once.
    pub(crate) fn look_up<T: Record>(
        &self,
        columns: &[&str],
        values: &[String],
        page: &PageRequest,
        has: impl Fn(&T, &str) -> bool,
    ) -> Result<Page<T>> {
        let parts = odata::parts(values);
        let part = match &page.token {
            Some(token) => member::<u64>(token, "part")?,
            None => 0,
        };
        let place = usize::try_from(part).unwrap_or(usize::MAX);
        let Some((before, rest)) = parts.split_at_checked(place) else {
            return Err(expired());
        };
        let Some(values) = rest.first() else {
            return Ok(Page::empty());
        };
        let among = Filter::among(columns, values);
        let mut found: Page<T> = self.find(Some(&among), page, part)?;
        let is_new = |it: &T| !before.iter().flatten().any(|value| has(it, value));
        found.items.retain(is_new);
        if found.end.next.is_none() && 1 < rest.len() {
            found.end.next = Some(next(None, part + 1));
        }
        Ok(found)
    }

    /// Answers one page of the rows that meet a condition, without those that were merged into others.
    pub(crate) fn find<T: Record>(
        &self,
        filter: Option<&Filter>,
        page: &PageRequest,
        part: u64,
    ) -> Result<Page<T>> {
        let table = T::TABLE;
        let link = match &page.token {
            Some(token) => member::<Option<String>>(token, "link")?,
            None => None,
        };
        let address = match &link {
            Some(link) => table.checked(link)?,
            None => {
                let query = Query::new(table.set, &table.select()).filter(filter);
                query.order_by(table.id).expand(table.expand).into_address()
            }
        };
        let size = page.size_within(LARGEST_PAGE);
        let answer = self.list(address, size, false).send();
        following(link.is_some(), answer)?.read(|it| {
            let next = table.link(it, "@odata.nextLink")?;
            let rows = self.living(it);
            Ok(rows.with_next(next.map(|it| self::next(Some(it), part))))
        })
    }

    /// Reads the rows of an answer, without those that were merged into others.
    fn living<T: Record>(&self, it: Object<'_>) -> Page<T> {
        let wanted = T::TABLE.wanted();
        let mut page = Page::empty();
        for row in it.items("value") {
            if row.get("merged").is_none_or(|it| it != true) {
                let id = row.get(T::TABLE.id).and_then(Value::as_str);
                let record = Object::read(row, |it| Ok(T::read(it, self, &wanted)));
                page.push(id.map(str::to_owned), record);
            }
        }
        page
    }

    /// Reads one row, or of one that was merged, the row that it was merged into.
    pub(crate) fn survivor<T: Record>(&self, id: &str) -> Result<T> {
        const MERGES: usize = 8;
        let mut id = known(id)?;
        for _ in 0..MERGES {
            let answer = self.row(T::TABLE, &id).send()?;
            match answer.read(|it| Ok(merged_into(it)))? {
                None => {
                    let wanted = T::TABLE.wanted();
                    return answer.read(|it| Ok(T::read(it, self, &wanted)));
                }
                Some(master) => id = known(&master)?,
            }
        }
        Err(Error::not_found("the row was merged again and again"))
    }

    /// Finds at most 100 ids.
    pub(crate) fn ids(&self, table: &Table, filter: &Filter) -> Result<Vec<Id>> {
        let query = Query::new(table.set, table.id)
            .filter(Some(filter))
            .order_by(table.id);
        let answer = self.list(query.into_address(), 100, false).send()?;
        answer.read(|it| Ok(it.each("value", |it| it.id(table.id))))
    }

    /// Creates a row; the organisation's rules against duplicates count, which they do not unless one says so.
    pub(crate) fn create(&self, table: &Table, row: &Body) -> Result<Written> {
        let query = Query::new(table.set, &written_columns(table));
        let request = self.client.post(query.into_address()).json(row);
        let request = request.header("MSCRM.SuppressDuplicateDetection", "false");
        let answer = request.header("Prefer", "return=representation").send();
        // What is missing is not this row, which did not exist before, but one that it should lead to.
        let answer = answer.map_err(|error| refusal::of_a_link(error, None))?;
        answer.read(|it| Ok(self.written(table, it)))
    }

    /// Changes a row that exists, if it has this version where one is named.
    pub(crate) fn change(
        &self,
        table: &Table,
        id: &Guid,
        changes: &Body,
        version: Option<&str>,
    ) -> Result<Written> {
        let query = Query::new(&table.row(id), &written_columns(table));
        // Without the header, a row that is gone would be created again.
        let request = self.client.patch(query.into_address());
        let request = request.header("If-Match", version.unwrap_or("*"));
        let request = request.header("Prefer", "return=representation");
        let answer = request.json(changes).send();
        let answer = answer.map_err(|error| refusal::of_a_link(error, Some(id)))?;
        answer.read(|it| Ok(self.written(table, it)))
    }

    /// Replaces a whole list of rows that belong to a row.
    pub(crate) fn replace(
        &self,
        table: &Table,
        id: &Guid,
        list: &str,
        rows: &Body,
    ) -> Result<Response> {
        let address = format!("{}/{list}", table.row(id));
        let answer = self.client.put(address).json(rows).send();
        answer.map_err(|error| refusal::of_a_link(error, Some(id)))
    }

    pub(crate) fn delete(&self, table: &Table, id: &str) -> Result<()> {
        let id = known(id)?;
        self.client.delete(table.row(&id)).send().map(drop)
    }

    /// Says what a write has done, from what it answers of the row.
    pub(crate) fn written(&self, table: &Table, it: Object<'_>) -> Written {
        let id = it.id(table.id);
        Written {
            version: it.get("@odata.etag"),
            modified_at: it.time("modifiedon"),
            url: Some(self.link(table, &id)),
            ..Written::new(id)
        }
    }
}

impl Table {
    /// Reads a link to a further page: what stands behind the path of the API, so that it leads to the same server and fits a token.
    pub(crate) fn link(&self, it: Object<'_>, name: &str) -> Result<Option<String>> {
        let Some(link) = it.get::<String>(name) else {
            return Ok(None);
        };
        let rest = link.split_once(ROOT).map(|(_, rest)| rest.to_owned());
        match rest.filter(|it| self.checked(it).is_ok()) {
            Some(rest) => Ok(Some(rest)),
            None => Err(Error::other(format!(
                "{name} does not lead to {}",
                self.set
            ))),
        }
    }

    /// Passes a link on if it leads to this table.
    pub(crate) fn checked(&self, link: &str) -> Result<String> {
        let query = link.strip_prefix(self.set);
        match query.is_some_and(|it| it.starts_with('?')) {
            true => Ok(link.to_owned()),
            false => Err(expired()),
        }
    }
}

/// Reads the id of a row; what is no guid is the id of none.
pub(crate) fn known(id: &str) -> Result<Guid> {
    Guid::parse(id).ok_or_else(|| Error::not_found("no row has such an id, which is no guid"))
}

/// Reads the version of a row, as it stands in a header; one of another form is not the present one.
pub(crate) fn version(version: Option<&str>) -> Result<Option<&str>> {
    let fits = |it: &str| {
        let number = it.strip_prefix("W/\"").and_then(|it| it.strip_suffix('"'));
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    };
    match version {
        Some(other) if !fits(other) => Err(Error::stale("the row has no such version")),
        version => Ok(version),
    }
}

/// Says of an answer to a link that is not accepted any more that the list has to be begun again.
pub(crate) fn following(link: bool, answer: Result<Response>) -> Result<Response> {
    answer.map_err(|error| match error.reason {
        Reason::Invalid(_) | Reason::NotFound if link => Error {
            reason: Reason::CursorExpired,
            ..error
        },
        _ => error,
    })
}

pub(crate) fn expired() -> Error {
    Error::cursor_expired("this token is not one of this list: begin the read again")
}

/// The time of the server, or, if that is earlier, of the host before the request: what changes later may be missing.
pub(crate) fn began(before: i64, answer: &Response) -> i64 {
    let date = answer
        .header("date")
        .and_then(|it| time::parse_http_date(it).ok());
    date.map_or(before, |it| it.min(before))
}

fn next(link: Option<String>, part: u64) -> Token {
    to_token(&Body::new().with("link", link).with("part", part))
}

fn written_columns(table: &Table) -> String {
    format!("{},modifiedon", table.id)
}

fn preferences(size: Option<u32>, tracked: bool) -> String {
    let mut preferences = String::new();
    if tracked {
        preferences.push_str("odata.track-changes,");
    }
    if let Some(size) = size {
        preferences.push_str(&format!("odata.maxpagesize={size},"));
    }
    let annotation = LOOKUP_KIND.trim_start_matches('@');
    preferences + &format!("odata.include-annotations=\"{annotation}\"")
}
