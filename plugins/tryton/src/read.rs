//! Reading lists: pages by id, look-ups, what has changed and what has gone.

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Change, DepartureKind, Detail, Error, Id, Opportunity, Owner, Page, PageRequest, ReadRequest,
    Result, Scope, Timestamp, User, Window, http, settings, time,
};
use serde_json::Value;

use crate::api::{LARGEST_PAGE, PARTY, Party, Search};
use crate::query::is;
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

/// Records in the order of their ids.
struct Rows {
    rows: Vec<Value>,
    more: bool,
    /// When the read began, by the server's clock.
    began: Option<Timestamp>,
}

type Map<T> = fn(Object<'_>, &Setup, &[String]) -> Result<T>;

impl Tryton {
    /// Reads the first record of a domain.
    pub(crate) fn first<T>(
        &self,
        model: &str,
        domain: Vec<Value>,
        fields: &[&str],
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Option<T>> {
        let search = Search::new(domain.into(), fields, 1);
        Ok(self.api.search(model, search).send()?.each(map)?.pop())
    }

    /// Reads a party, if it is of this kind.
    fn one(&self, kind: Kind, id: i64, wanted: &[String]) -> Result<Value> {
        let domain = query::all(vec![is("id", "=", id), query::archived_too()]);
        let search = Search::new(domain, &self.setup.fields(), 1).with(wanted);
        if let Some(party) = self.api.search(PARTY, search).send()?.list()?.pop()
            && Object::read(&party, |it| Ok(map::kind(it, &self.setup)))? == kind
        {
            return Ok(party);
        }
        let (word, person) = (kind.word(), &self.setup.person);
        Err(Error::not_found(format!(
            "there is no {word} {id} (people are the parties of the category {person:?})"
        )))
    }

    pub(crate) fn party(&self, kind: Kind, id: &str) -> Result<Party> {
        let party = self.one(kind, number(id)?, &[])?;
        Object::read(&party, |it| Ok(Party::read(it)))
    }

    /// Reads a party, or the one that it was merged into.
    pub(crate) fn survivor<T>(&self, kind: Kind, id: &str, map: Map<T>) -> Result<T> {
        let wanted = settings::wanted_fields(kind.word());
        let mut party = self.one(kind, number(id)?, &wanted)?;
        let mut seen = Vec::new();
        while let Some(next) = party.get("replaced_by").and_then(Value::as_i64)
            && !seen.contains(&next)
        {
            seen.push(next);
            party = self.one(kind, next, &wanted)?;
        }
        Object::read(&party, |it| map(it, &self.setup, &wanted))
    }

    /// Returns those of the ids that are parties of this kind.
    pub(crate) fn existing(&self, kind: Kind, ids: &[i64]) -> Result<Vec<i64>> {
        let domain = self.parties(kind, query::among(ids));
        let search = Search::new(domain, &["id"], MOST_IDS);
        self.api
            .search(PARTY, search)
            .send()?
            .each(|it| it.need("id"))
    }

    pub(crate) fn get_all<T>(&self, kind: Kind, ids: &[Id], map: Map<T>) -> Result<Page<T>> {
        let ids = numbers(ids);
        if ids.is_empty() {
            return Ok(Page::empty());
        }
        let wanted = settings::wanted_fields(kind.word());
        let domain = self.parties(kind, query::among(&ids));
        let search = Search::new(domain, &self.setup.fields(), MOST_IDS).with(&wanted);
        let found = self.api.search(PARTY, search).send()?.list()?;
        let map = |it: Object<'_>| map(it, &self.setup, &wanted);
        Ok(Page::read(&found, "id", map))
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
        let mut domains = Vec::new();
        for condition in conditions {
            domains.push(self.parties(kind, condition));
        }
        let found = self.rows(PARTY, &domains, &self.setup.fields(), &wanted, page)?;
        Ok(found.page(&|it| map(it, &self.setup, &wanted)))
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
            Scope::All => (query::all(Vec::new()), None),
            Scope::Updated(window) => (query::changed(&window, kind, &self.setup), Some(window)),
            Scope::Departed(window) => return self.departed(kind, &window, &request.page),
            Scope::ChangedSince(_) | Scope::DepartedSince(_) => {
                return Err(Error::unsupported("Tryton has no change tokens"));
            }
        };
        let (fields, wanted) = match request.detail {
            Detail::Ids => (vec!["id"], Vec::new()),
            Detail::Full => (self.setup.fields(), settings::wanted_fields(kind.word())),
        };
        let domain = self.parties(kind, condition);
        let found = self.rows(PARTY, &[domain], &fields, &wanted, &request.page)?;
        let complete = found.complete(window);
        let page = found.page(&|it| {
            Ok(match request.detail {
                Detail::Ids => Change::IdOnly(it.id("id")),
                Detail::Full => Change::Present(map(it, &self.setup, &wanted)?),
            })
        });
        Ok(page.with_complete_until(complete))
    }

    pub(crate) fn users(&self, domains: &[Value], page: &PageRequest) -> Result<Page<User>> {
        let wanted = settings::wanted_fields("user");
        // The user 0 is Tryton itself.
        let found = self.rows("res.user", domains, USER, &wanted, page)?;
        Ok(found.page(&|it| Ok(map::user(it, &wanted))))
    }

    pub(crate) fn opportunities(
        &self,
        condition: Value,
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        let wanted = settings::wanted_fields("opportunity");
        let model = "sale.opportunity";
        let found = self.rows(model, &[condition], OPPORTUNITY, &wanted, page)?;
        let mut employees = Vec::new();
        for row in &found.rows {
            if let Some(employee) = row.get("employee").and_then(Value::as_i64)
                && let Err(place) = employees.binary_search(&employee)
            {
                employees.insert(place, employee);
            }
        }
        let owners = self.owners(&employees)?;
        Ok(found.page(&|it| map::opportunity(it, &owners, &self.setup, &wanted)))
    }

    /// Finds the users of employees, which is what opportunities belong to.
    ///
    /// The first pair of an employee counts: the user that acts as it now, else the first that may.
    fn owners(&self, employees: &[i64]) -> Result<Vec<(i64, i64)>> {
        if employees.is_empty() {
            return Ok(Vec::new());
        }
        let among = is("employees", "in", employees);
        let domain = query::all(vec![among, query::archived_too()]);
        let search = Search::new(domain, &["employee", "employees"], MOST_IDS);
        let users = self.api.search("res.user", search).send()?.each(|it| {
            let id: i64 = it.need("id");
            let acts_as: Option<i64> = it.get("employee");
            let employees: Vec<i64> = it.need("employees");
            (id, acts_as, employees)
        })?;
        let mut owners = Vec::new();
        for (id, acts_as, _) in &users {
            owners.extend(acts_as.map(|it| (it, *id)));
        }
        for (id, _, employees) in users {
            owners.extend(employees.into_iter().map(|it| (it, id)));
        }
        Ok(owners)
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
            Some(token) => (member(token, "merged")?, member(token, "after")?),
            None => (false, 0),
        };
        if merged {
            return self.merged(kind, window, after, size);
        }
        let entries = departure::page(&self.api, window, after, size)?;
        let mut page = Page::empty();
        for entry in &entries {
            // An entry without an id was removed from the log between two requests.
            if !entry.party.is_empty() {
                let id = entry.party.clone();
                let gone = map::departure(id.clone(), entry.at.as_ref(), DepartureKind::Deleted);
                page.push(Some(id), gone);
            }
        }
        let last = entries.last().filter(|_| entries.len() == size as usize);
        let next = match last {
            Some(last) => departures(false, last.id),
            None => departures(true, 0),
        };
        Ok(page.with_next(Some(next)))
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
            is("replaced_by", "!=", Value::Null),
            query::within("last_modified_at", window),
            query::after(after),
        ]);
        let search = Search::new(domain, &["replaced_by", "last_modified_at"], size);
        let found = self.api.search(PARTY, search).send()?.list()?;
        let found = Rows::cut(found, size, None);
        let next = found.more.then(|| departures(true, found.last()));
        Ok(found.page(&map::merged).with_next(next))
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
        domains: &[Value],
        fields: &[&str],
        wanted: &[String],
        page: &PageRequest,
    ) -> Result<Rows> {
        let size = page.size_within(LARGEST_PAGE);
        let (after, began) = match &page.token {
            Some(token) => (member(token, "after")?, member(token, "began")?),
            None => (0, None),
        };
        let request = |domain: &[Value]| {
            let domain = query::all(vec![query::after(after), domain.into()]);
            let search = Search::new(domain, fields, size).with(wanted);
            self.api.search(model, search)
        };
        let answers = http::send_batches(domains, 1, request)?;
        let date = answers.first().and_then(|it| it.header("date"));
        let now = date.and_then(|it| time::parse_http_date(it).ok());
        let mut found = Vec::new();
        for answer in &answers {
            found.extend(answer.list()?);
        }
        Ok(Rows::cut(found, size, began.or(now)))
    }
}

impl Rows {
    /// Orders records of one or more answers, and keeps a page of them, each once.
    fn cut(mut rows: Vec<Value>, size: u32, began: Option<Timestamp>) -> Self {
        let more = rows.len() >= size as usize;
        rows.sort_by_key(id_of);
        rows.dedup_by_key(|it| id_of(it));
        rows.truncate(size as usize);
        Self { rows, more, began }
    }

    fn last(&self) -> i64 {
        self.rows.last().map_or(0, id_of)
    }

    /// Before which instant all changes are in this read; what changes while it runs may be behind its back.
    fn complete(&self, window: Option<Window>) -> Option<Timestamp> {
        let (window, began) = (window?, self.began?);
        Some(window.until.map_or(began, |until| until.min(began)))
    }

    fn page<T>(&self, map: &dyn Fn(Object<'_>) -> Result<T>) -> Page<T> {
        let next = Body::new()
            .with("after", self.last())
            .with("began", self.began);
        let next = self.more.then(|| to_token(&next));
        Page::read(&self.rows, "id", map).with_next(next)
    }
}

fn id_of(row: &Value) -> i64 {
    row.get("id").and_then(Value::as_i64).unwrap_or_default()
}

/// The token of the departures behind this entry of the log or this party.
fn departures(merged: bool, after: i64) -> String {
    to_token(&Body::new().with("merged", merged).with("after", after))
}
