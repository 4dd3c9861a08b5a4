//! Reading lists: pages by id, look-ups, what has changed and what has gone.

use std::collections::{BTreeMap, BTreeSet};

use brightsync_sdk::page::{from_token, to_token};
use brightsync_sdk::{
    Change, Departure, DepartureKind, Detail, Error, Id, Opportunity, Owner, Page, PageRequest,
    ReadRequest, Result, Scope, Timestamp, User, Window, http, settings, time,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{Acting, Deletion, LARGEST_PAGE, PARTY, Party, Search, Stub};
use crate::setup::{Kind, Setup, number, numbers};
use crate::{Tryton, departure, map, query};

/// How many alternatives one search has; SQLite gives up at a thousand.
pub(crate) const ALTERNATIVES: usize = 200;

pub(crate) const USER: &[&str] = &["login", "name", "email", "active", "company.timezone"];

const OPPORTUNITY: &[&str] = &[
    "rec_name",
    "description",
    "state",
    "amount",
    "create_date",
    "end_date",
    "employee",
    "currency.code",
    "party.categories.name",
    "contact.party",
];

/// The largest number of ids that the contract asks for at once.
const MOST_IDS: u32 = 1000;

/// Where a page begins: behind this id, in a read that began at this time of the server.
type Place = (i64, Option<Timestamp>);

/// Records in the order of their ids, and where the next ones begin.
struct Rows {
    rows: Vec<Value>,
    place: Place,
    more: bool,
}

type Map<T> = fn(Party, &Setup, &[String]) -> Result<T>;

impl Tryton {
    /// Reads the first record of a domain.
    pub(crate) fn first<T: DeserializeOwned>(
        &self,
        model: &str,
        domain: Value,
        fields: &[&str],
    ) -> Result<Option<T>> {
        let search = Search::new(domain, fields, 1);
        let mut found: Vec<T> = self.api.search(model, &search).send()?.json()?;
        Ok(found.pop())
    }

    /// Reads a party, if it is of this kind.
    pub(crate) fn one(&self, kind: Kind, id: i64, wanted: &[String]) -> Result<Party> {
        let domain = json!([["id", "=", id], query::archived_too()]);
        let search = Search::new(domain, &self.setup.fields(), 1).with(wanted);
        let mut found: Vec<Party> = self.api.search(PARTY, &search).send()?.json()?;
        found
            .pop()
            .filter(|it| map::kind(it, &self.setup) == kind)
            .ok_or_else(|| {
                let (word, person) = (kind.word(), &self.setup.person);
                Error::not_found(format!(
                    "there is no {word} {id} (people are the parties of the category {person:?})"
                ))
            })
    }

    /// Reads a party, or the one that it was merged into.
    pub(crate) fn survivor(&self, kind: Kind, id: &str, wanted: &[String]) -> Result<Party> {
        let mut party = self.one(kind, number(id)?, wanted)?;
        let mut seen = BTreeSet::new();
        while let Some(next) = party.replaced_by
            && seen.insert(next)
        {
            party = self.one(kind, next, wanted)?;
        }
        Ok(party)
    }

    /// Returns those of the ids that are parties of this kind.
    pub(crate) fn existing(&self, kind: Kind, ids: &[i64]) -> Result<BTreeSet<i64>> {
        let domain = self.parties(kind, query::among(ids));
        let search = Search::new(domain, &["id"], MOST_IDS);
        let found: Vec<Stub> = self.api.search(PARTY, &search).send()?.json()?;
        Ok(found.into_iter().map(|it| it.id).collect())
    }

    pub(crate) fn get_all<T>(&self, kind: Kind, ids: &[Id], map: Map<T>) -> Result<Page<T>> {
        let ids = numbers(ids);
        if ids.is_empty() {
            return Ok(Page::empty());
        }
        let wanted = settings::wanted_fields(kind.word());
        let domain = self.parties(kind, query::among(&ids));
        let search = Search::new(domain, &self.setup.fields(), MOST_IDS).with(&wanted);
        let found: Vec<Value> = self.api.search(PARTY, &search).send()?.json()?;
        Ok(Page::read(&found, "id", |it| {
            map(it.parse()?, &self.setup, &wanted)
        }))
    }

    /// Looks parties up that meet any of these conditions.
    pub(crate) fn find<T>(
        &self,
        kind: Kind,
        conditions: Vec<Value>,
        page: &PageRequest,
        map: Map<T>,
    ) -> Result<Page<T>> {
        let wanted = settings::wanted_fields(kind.word());
        let domains = conditions.into_iter().map(|it| self.parties(kind, it));
        let found = self.rows(
            PARTY,
            domains.collect(),
            &self.setup.fields(),
            &wanted,
            page,
        )?;
        Ok(found.page(|it| map(it, &self.setup, &wanted)))
    }

    /// Reads all parties, those that have changed, or those that have gone.
    ///
    /// Nobody owns a party, so those of the user are those that the user sees.
    pub(crate) fn read<T>(
        &self,
        kind: Kind,
        request: ReadRequest,
        map: Map<T>,
    ) -> Result<Page<Change<T>>> {
        if let Owner::User(_) = request.owner {
            return Err(Error::unsupported("a party of Tryton has no owner"));
        }
        let (condition, window) = match request.scope {
            Scope::All => (json!([]), None),
            Scope::Updated(window) => (query::changed(&window, kind, &self.setup), Some(window)),
            Scope::Departed(window) => return self.departed(kind, &window, &request.page),
            Scope::ChangedSince(_) | Scope::DepartedSince(_) => {
                return Err(Error::unsupported("Tryton has no change tokens"));
            }
        };
        let domains = vec![self.parties(kind, condition)];
        let page = &request.page;
        match request.detail {
            Detail::Ids => {
                let found = self.rows(PARTY, domains, &["id"], &[], page)?;
                let complete = found.complete(window);
                let id = |it: Stub| Ok(Change::IdOnly(it.id.to_string()));
                Ok(found.page(id).with_complete_until(complete))
            }
            Detail::Full => {
                let wanted = settings::wanted_fields(kind.word());
                let fields = self.setup.fields();
                let found = self.rows(PARTY, domains, &fields, &wanted, page)?;
                let complete = found.complete(window);
                let change = |it| map(it, &self.setup, &wanted).map(Change::Present);
                Ok(found.page(change).with_complete_until(complete))
            }
        }
    }

    pub(crate) fn users(&self, domains: Vec<Value>, page: &PageRequest) -> Result<Page<User>> {
        let wanted = settings::wanted_fields("user");
        // The user 0 is Tryton itself.
        let found = self.rows("res.user", domains, USER, &wanted, page)?;
        Ok(found.page(|it| Ok(map::user(it, &wanted))))
    }

    pub(crate) fn opportunities(
        &self,
        condition: Value,
        nothing: bool,
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        if nothing {
            return Ok(Page::empty());
        }
        let wanted = settings::wanted_fields("opportunity");
        let found = self.rows(
            "sale.opportunity",
            vec![condition],
            OPPORTUNITY,
            &wanted,
            page,
        )?;
        let employees = found
            .rows
            .iter()
            .filter_map(|it| it.get("employee")?.as_i64());
        let owners = self.owners(employees.collect())?;
        Ok(found.page(|it| map::opportunity(it, &owners, &self.setup, &wanted)))
    }

    /// Finds the users of employees, which is what opportunities belong to.
    fn owners(&self, employees: BTreeSet<i64>) -> Result<BTreeMap<i64, i64>> {
        if employees.is_empty() {
            return Ok(BTreeMap::new());
        }
        let domain = json!([["employees", "in", employees], query::archived_too()]);
        let search = Search::new(domain, &["employee", "employees"], MOST_IDS);
        let users: Vec<Acting> = self.api.search("res.user", &search).send()?.json()?;
        Ok(map::owners(users))
    }

    /// Reads departures: first what was deleted, then what was merged.
    ///
    /// Deleted parties have no kind any more, so the deletions of accounts and contacts are the same.
    fn departed<T>(
        &self,
        kind: Kind,
        window: &Window,
        request: &PageRequest,
    ) -> Result<Page<Change<T>>> {
        let size = request.size_within(LARGEST_PAGE);
        let (merged, after) = match &request.token {
            Some(token) => from_token::<(bool, i64)>(token)?,
            None => (false, 0),
        };
        if merged {
            return self.merged(kind, window, after, size);
        }
        let search = departure::page(window, after, size);
        let entries: Vec<Deletion> = self.api.search("ir.model.log", &search).send()?.json()?;
        let full = entries.len() == size as usize;
        let ids = departure::parties(&self.api, &entries)?;
        let mut page = Page::empty();
        for entry in &entries {
            // An entry without an id was removed from the log between two requests.
            let Some(id) = ids.get(&entry.id) else {
                continue;
            };
            let at = entry.create_date.map(|it| it.millis()).transpose();
            let departure = at.map(|at| {
                Change::Departed(Departure {
                    id: id.clone(),
                    at,
                    how: DepartureKind::Deleted,
                })
            });
            page.push(Some(id.clone()), departure);
        }
        let last = entries.last().map_or(after, |it| it.id);
        let next = if full { (false, last) } else { (true, 0) };
        Ok(page.with_next(Some(to_token(&next))))
    }

    fn merged<T>(
        &self,
        kind: Kind,
        window: &Window,
        after: i64,
        size: u32,
    ) -> Result<Page<Change<T>>> {
        let domain = query::all(vec![
            query::parties(kind, &self.setup),
            json!(["replaced_by", "!=", null]),
            query::within("last_modified_at", window),
            query::after(after),
        ]);
        let search = Search::new(domain, &["replaced_by", "last_modified_at"], size);
        let found: Vec<Value> = self.api.search(PARTY, &search).send()?.json()?;
        let rows = Rows::cut(found, size, None);
        let next = rows.more.then(|| to_token(&(true, rows.place.0)));
        Ok(rows.page(|it: Party| map::merged(&it)).with_next(next))
    }

    fn parties(&self, kind: Kind, condition: Value) -> Value {
        let kind = query::parties(kind, &self.setup);
        query::all(vec![kind, query::alive(), condition])
    }

    /// Reads one page of the records that are in any of these domains.
    ///
    /// Pages follow the ids, so that a record that comes or goes meanwhile shifts none of the others.
    fn rows(
        &self,
        model: &str,
        domains: Vec<Value>,
        fields: &[&str],
        wanted: &[String],
        page: &PageRequest,
    ) -> Result<Rows> {
        let size = page.size_within(LARGEST_PAGE);
        let place: Option<Place> = page.token.as_deref().map(from_token).transpose()?;
        let (after, began) = place.unwrap_or_default();
        let request = |domain: &[Value]| {
            let domain = query::all(vec![query::after(after), domain.to_vec().into()]);
            let search = Search::new(domain, fields, size).with(wanted);
            self.api.search(model, &search)
        };
        let answers = http::send_batches(&domains, 1, request)?;
        let date = answers.first().and_then(|it| it.header("date"));
        let now = date.and_then(|it| time::parse_http_date(it).ok());
        let mut found: Vec<Value> = Vec::new();
        for answer in &answers {
            found.extend(answer.json::<Vec<Value>>()?);
        }
        Ok(Rows::cut(found, size, began.or(now)))
    }
}

impl Rows {
    /// Orders records of one or more answers, and keeps a page of them, each once.
    fn cut(mut rows: Vec<Value>, size: u32, began: Option<Timestamp>) -> Self {
        let id = |it: &Value| it.get("id").and_then(Value::as_i64).unwrap_or_default();
        let more = rows.len() >= size as usize;
        rows.sort_by_key(id);
        rows.dedup_by_key(|it| id(it));
        rows.truncate(size as usize);
        let last = rows.last().map_or(0, id);
        Self {
            rows,
            place: (last, began),
            more,
        }
    }

    /// Before which instant all changes are in this read; what changes while it runs may be behind its back.
    fn complete(&self, window: Option<Window>) -> Option<Timestamp> {
        let (window, began) = (window?, self.place.1?);
        Some(window.until.map_or(began, |until| until.min(began)))
    }

    fn page<R: DeserializeOwned, T>(self, map: impl Fn(R) -> Result<T>) -> Page<T> {
        let next = self.more.then(|| to_token(&self.place));
        Page::read(&self.rows, "id", |it| map(it.parse()?)).with_next(next)
    }
}
