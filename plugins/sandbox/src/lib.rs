//! A connector to the sandbox CRM: the functions of the contract, each as the request that it takes.

mod api;
mod edit;
mod map;
#[cfg(test)]
mod tests;

use brightsync_sdk::page::{from_token, to_token};
use brightsync_sdk::{
    Account, Change, Connector, Contact, Detail, EmailKey, Error, Id, MeetingKey, NewAccount,
    NewContact, NewEmail, NewMeeting, Opportunity, Owner, Page, PageRequest, Patch, ReadRequest,
    Result, Scope, User, Whoami, Window, Written, http, time,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use api::{Api, LARGEST_PAGE};

/// The connector.
pub struct Sandbox {
    api: Api,
}

/// The query of a list, as the body of a search has it.
type Filters = Map<String, Value>;

/// Where a page of a list begins: the cursor, and the time of the server at the first page.
type Place = (String, String);

impl Connector for Sandbox {
    fn open() -> Result<Self> {
        Ok(Self { api: Api::new() })
    }

    fn get_me(&self) -> Result<Whoami> {
        Ok(map::whoami(self.api.me().send()?.json()?))
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.find("users", Filters::new(), &page, |it| Ok(map::user(it)))
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.find_any("users", "email", emails, &page, |it| Ok(map::user(it)))
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        let created = self
            .api
            .create("accounts", &map::new_account(account)?)
            .send()?;
        map::written(created.json()?, Vec::new())
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        map::account(self.api.read("accounts", id).send()?.json()?)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.get_all("accounts", ids, map::account)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("accounts", id, &patch, edit::account(&patch)?)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete("accounts", id).send().map(drop)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read("accounts", request, map::account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", filter("name", name), &page, map::account)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", filter("domain", domain), &page, map::account)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        let created = self
            .api
            .create("contacts", &map::new_contact(contact)?)
            .send()?;
        map::written(created.json()?, Vec::new())
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        map::contact(self.api.read("contacts", id).send()?.json()?)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.get_all("contacts", ids, map::contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("contacts", id, &patch, edit::contact(&patch)?)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete("contacts", id).send().map(drop)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read("contacts", request, map::contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", filter("name", name), &page, map::contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.find_any("contacts", "email", emails, &page, map::contact)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.find(
            "contacts",
            filter("email_domain", domain),
            &page,
            map::contact,
        )
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let (email, incomplete) = map::new_email(email)?;
        map::written(
            self.api.create("emails", &email).send()?.json()?,
            incomplete,
        )
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("emails", id, &patch, edit::email(&patch)?)
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.api.delete("emails", id).send().map(drop)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.ids("emails", filter("message_id", map::message_id(&key)))
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let (meeting, incomplete) = map::new_meeting(meeting)?;
        map::written(
            self.api.create("meetings", &meeting).send()?.json()?,
            incomplete,
        )
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("meetings", id, &patch, edit::meeting(&patch)?)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete("meetings", id).send().map(drop)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        let occurrence = key
            .occurrence
            .as_ref()
            .map_or_else(|| "none".to_owned(), time::moment);
        let mut filters = filter("ical_uid", key.ical_uid);
        filters.insert("occurrence".to_owned(), occurrence.into());
        self.ids("meetings", filters)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.find_any(
            "opportunities",
            "contact",
            contacts,
            &page,
            map::opportunity,
        )
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.find_any(
            "opportunities",
            "account",
            accounts,
            &page,
            map::opportunity,
        )
    }
}

brightsync_sdk::export!(Sandbox);

impl Sandbox {
    /// Reads records of an owner: all, those that have changed, or those that have left.
    fn read<R: DeserializeOwned, T>(
        &self,
        kind: &str,
        request: ReadRequest,
        map: impl Fn(R) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        let owner = match request.owner {
            Owner::Me => Some("me".to_owned()),
            Owner::User(id) => Some(id),
            Owner::Anyone => None,
        };
        let mut filters = Filters::new();
        filters.extend(owner.clone().map(|it| ("owner".to_owned(), it.into())));
        let window = match request.scope {
            Scope::All => None,
            Scope::Updated(window) => {
                filters.insert(
                    "updated_since".to_owned(),
                    time::rfc3339(window.since).into(),
                );
                let until = window
                    .until
                    .map(|it| ("updated_until".to_owned(), time::rfc3339(it).into()));
                filters.extend(until);
                Some(window)
            }
            Scope::Departed(window) => return self.departed(kind, owner, window, &request.page),
            Scope::ChangedSince(_) | Scope::DepartedSince(_) => {
                return Err(Error::unsupported("the sandbox has no change tokens"));
            }
        };
        match request.detail {
            Detail::Ids => {
                filters.insert("view".to_owned(), "ids".into());
                let id = |it: api::Stub| Ok(Change::IdOnly(it.id));
                self.list(kind, filters, &request.page, window, id)
            }
            Detail::Full => self.list(kind, filters, &request.page, window, |it| {
                Ok(Change::Present(map(it)?))
            }),
        }
    }

    fn departed<T>(
        &self,
        kind: &str,
        owner: Option<String>,
        window: Window,
        page: &PageRequest,
    ) -> Result<Page<Change<T>>> {
        let place = place(page)?;
        // What is given to another user has not left a read of everybody's records.
        let how: &[&str] = if owner.is_some() {
            &[]
        } else {
            &["deleted", "merged"]
        };
        let request = self
            .api
            .departures(kind)
            .query("since", time::rfc3339(window.since))
            .query_some("until", window.until.map(time::rfc3339))
            .query_some("owner", owner)
            .query_each("how", how)
            .query("limit", page.size_within(LARGEST_PAGE))
            .query_some("cursor", place.as_ref().map(|it| &it.0));
        turn(request.send()?.json()?, place, Some(window), map::departure)
    }

    /// Looks records up, of any of these values.
    fn find_any<R: DeserializeOwned, T>(
        &self,
        kind: &str,
        name: &str,
        values: &[String],
        page: &PageRequest,
        map: impl Fn(R) -> Result<T>,
    ) -> Result<Page<T>> {
        if values.is_empty() {
            return Ok(Page::empty());
        }
        self.find(kind, filter(name, values), page, map)
    }

    fn find<R: DeserializeOwned, T>(
        &self,
        kind: &str,
        filters: Filters,
        page: &PageRequest,
        map: impl Fn(R) -> Result<T>,
    ) -> Result<Page<T>> {
        self.list(kind, filters, page, None, map)
    }

    /// Reads one page of a list.
    fn list<R: DeserializeOwned, T>(
        &self,
        kind: &str,
        mut filters: Filters,
        page: &PageRequest,
        window: Option<Window>,
        map: impl Fn(R) -> Result<T>,
    ) -> Result<Page<T>> {
        let place = place(page)?;
        filters.insert("limit".to_owned(), page.size_within(LARGEST_PAGE).into());
        filters.extend(
            place
                .iter()
                .map(|it| ("cursor".to_owned(), it.0.clone().into())),
        );
        turn(
            self.api.search(kind, &filters).send()?.json()?,
            place,
            window,
            map,
        )
    }

    /// Reads all records of these ids in one page; a request has room for a page's worth of them.
    fn get_all<R: DeserializeOwned, T>(
        &self,
        kind: &str,
        ids: &[Id],
        map: impl Fn(R) -> Result<T>,
    ) -> Result<Page<T>> {
        let mut all = Page::empty();
        let size = LARGEST_PAGE as usize;
        let request = |ids: &[Id]| {
            let mut filters = filter("id", ids);
            filters.insert("limit".to_owned(), LARGEST_PAGE.into());
            self.api.search(kind, &filters)
        };
        for answer in http::send_batches(ids, size, request)? {
            let list: api::List = answer.json()?;
            let page = Page::read(list.data, "id", &map);
            all.items.extend(page.items);
            all.end.skipped.extend(page.end.skipped);
        }
        Ok(all)
    }

    /// Finds at most 100 ids.
    fn ids(&self, kind: &str, mut filters: Filters) -> Result<Vec<Id>> {
        filters.insert("view".to_owned(), "ids".into());
        let id = |it: api::Stub| Ok(it.id);
        Ok(self
            .find(kind, filters, &PageRequest::first(100), id)?
            .items)
    }

    fn update(
        &self,
        kind: &str,
        id: &str,
        patch: &Patch,
        (theirs, incomplete): edit::Edited,
    ) -> Result<Written> {
        let request = self
            .api
            .change(kind, id, &theirs, patch.if_version.as_deref());
        map::written(request.send()?.json()?, incomplete)
    }
}

fn filter(name: &str, value: impl Into<Value>) -> Filters {
    Filters::from_iter([(name.to_owned(), value.into())])
}

fn place(page: &PageRequest) -> Result<Option<Place>> {
    page.token.as_deref().map(from_token).transpose()
}

/// Turns an answer into a page.
///
/// A read by time is complete up to the time at which its first page was read, so that time travels in the token.
fn turn<R: DeserializeOwned, T>(
    list: api::List,
    place: Option<Place>,
    window: Option<Window>,
    map: impl Fn(R) -> Result<T>,
) -> Result<Page<T>> {
    let began = place.map_or(list.as_of, |it| it.1);
    let complete = match window {
        Some(window) => {
            let began = time::parse(&began)?;
            Some(window.until.map_or(began, |until| until.min(began)))
        }
        None => None,
    };
    let next = list.next_cursor.map(|cursor| to_token(&(cursor, began)));
    Ok(Page::read(list.data, "id", map)
        .with_complete_until(complete)
        .with_next(next))
}
