//! A connector to the sandbox CRM: the functions of the contract, each as the request that it takes.

mod api;
mod read;
#[cfg(test)]
mod tests;
mod write;

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::{member, to_token};
use brightsync_sdk::{
    Account, Change, Connector, Contact, Detail, EmailKey, Error, Id, InvalidField, MeetingKey,
    NewAccount, NewContact, NewEmail, NewMeeting, Opportunity, Owner, Page, PageRequest, Patch,
    ReadRequest, Result, Scope, Timestamp, Token, User, Whoami, Window, Written, http, time,
};

use api::{Api, LARGEST_PAGE};
use write::Draft;

/// The connector.
pub struct Sandbox {
    api: Api,
}

impl Connector for Sandbox {
    fn open() -> Result<Self> {
        Ok(Self { api: Api::new() })
    }

    fn get_me(&self) -> Result<Whoami> {
        self.api.me().send()?.read(read::whoami)
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.list("users", Body::new(), &page, None, read::user)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.find("users", "email", emails, &page, read::user)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.create("accounts", write::account(account)?)
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.api.read("accounts", id).send()?.read(read::account)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.get_all("accounts", ids, read::account)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("accounts", id, &patch, write::account_patch(&patch)?)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete("accounts", id).send().map(drop)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read("accounts", request, read::account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", "name", &[name.to_owned()], &page, read::account)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find(
            "accounts",
            "domain",
            &[domain.to_owned()],
            &page,
            read::account,
        )
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.create("contacts", write::contact(contact)?)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.api.read("contacts", id).send()?.read(read::contact)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.get_all("contacts", ids, read::contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("contacts", id, &patch, write::contact_patch(&patch)?)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete("contacts", id).send().map(drop)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read("contacts", request, read::contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "name", &[name.to_owned()], &page, read::contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "email", emails, &page, read::contact)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.find(
            "contacts",
            "email_domain",
            &[domain.to_owned()],
            &page,
            read::contact,
        )
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        self.create("emails", write::email(email)?)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("emails", id, &patch, write::email_patch(&patch)?)
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.api.delete("emails", id).send().map(drop)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.ids(
            "emails",
            Body::new().with("message_id", write::message_id(&key)),
        )
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        self.create("meetings", write::meeting(meeting)?)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("meetings", id, &patch, write::meeting_patch(&patch)?)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete("meetings", id).send().map(drop)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        let occurrence = key.occurrence.as_ref().map(time::moment);
        let filters = Body::new().with("ical_uid", key.ical_uid).with(
            "occurrence",
            occurrence.unwrap_or_else(|| "none".to_owned()),
        );
        self.ids("meetings", filters)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.find(
            "opportunities",
            "contact",
            contacts,
            &page,
            read::opportunity,
        )
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.find(
            "opportunities",
            "account",
            accounts,
            &page,
            read::opportunity,
        )
    }
}

brightsync_sdk::export!(Sandbox);

impl Sandbox {
    fn create(&self, kind: &str, (record, left_out): Draft) -> Result<Written> {
        let written = self.api.create(kind, &record).send()?;
        incomplete(written.read(read::written)?, left_out)
    }

    fn update(
        &self,
        kind: &str,
        id: &str,
        patch: &Patch,
        (theirs, left_out): Draft,
    ) -> Result<Written> {
        let version = patch.if_version.as_deref();
        let written = self.api.change(kind, id, &theirs, version).send()?;
        incomplete(written.read(read::written)?, left_out)
    }

    /// Reads records of an owner: all, those that have changed, or those that have left.
    fn read<T>(
        &self,
        kind: &str,
        request: ReadRequest,
        map: fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<Change<T>>> {
        if let Scope::Departed(window) = request.scope {
            return self.departed(kind, request.owner, window, &request.page);
        }
        let (filters, window) = scope(&request)?;
        self.list(kind, filters, &request.page, window, |it| {
            Ok(match request.detail {
                Detail::Ids => Change::IdOnly(it.id("id")),
                Detail::Full => Change::Present(map(it)?),
            })
        })
    }

    fn departed<T>(
        &self,
        kind: &str,
        owner: Owner,
        window: Window,
        page: &PageRequest,
    ) -> Result<Page<Change<T>>> {
        let owner = owner_id(owner);
        // What is given to another user has not left a read of everybody's records.
        let how: &[&str] = match owner {
            Some(_) => &[],
            None => &["deleted", "merged"],
        };
        let request = self
            .api
            .departures(kind)
            .query("since", time::rfc3339(window.since))
            .query_some("until", window.until.map(time::rfc3339))
            .query_some("owner", owner)
            .query_each("how", how)
            .query("limit", page.size_within(LARGEST_PAGE))
            .query_some("cursor", cursor(page)?);
        let answer = request.send()?;
        answer.read(|it| turn(it, page, Some(window), &read::departure))
    }

    /// Looks records up, of any of these values.
    fn find<T>(
        &self,
        kind: &str,
        name: &str,
        values: &[String],
        page: &PageRequest,
        map: fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        if values.is_empty() {
            return Ok(Page::empty());
        }
        self.list(kind, Body::new().with(name, values), page, None, map)
    }

    /// Reads one page of a list.
    fn list<T>(
        &self,
        kind: &str,
        filters: Body,
        page: &PageRequest,
        window: Option<Window>,
        map: impl Fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let filters = filters
            .with("limit", page.size_within(LARGEST_PAGE))
            .with_some("cursor", cursor(page)?);
        let answer = self.api.search(kind, &filters).send()?;
        answer.read(|it| turn(it, page, window, &map))
    }

    /// Reads all records of these ids in one page; a request has room for a page's worth of them.
    fn get_all<T>(
        &self,
        kind: &str,
        ids: &[Id],
        map: fn(Object<'_>) -> Result<T>,
    ) -> Result<Page<T>> {
        let mut all = Page::empty();
        let request = |ids: &[Id]| {
            let filters = Body::new().with("id", ids).with("limit", LARGEST_PAGE);
            self.api.search(kind, &filters)
        };
        for answer in http::send_batches(ids, LARGEST_PAGE as usize, request)? {
            all.append(answer.read(|it| Ok(Page::read(it.items("data"), "id", map)))?);
        }
        Ok(all)
    }

    /// Finds at most 100 ids.
    fn ids(&self, kind: &str, filters: Body) -> Result<Vec<Id>> {
        let page = PageRequest::first(100);
        let found = self.list(kind, filters.with("view", "ids"), &page, None, |it| {
            Ok(it.id("id"))
        })?;
        Ok(found.items)
    }
}

/// The filters of a read by owner and time, and the window that it has.
fn scope(request: &ReadRequest) -> Result<(Body, Option<Window>)> {
    let filters = Body::new().with_some("owner", owner_id(request.owner.clone()));
    let filters = match request.detail {
        Detail::Ids => filters.with("view", "ids"),
        Detail::Full => filters,
    };
    match request.scope {
        Scope::All => Ok((filters, None)),
        Scope::Updated(window) => {
            let filters = filters
                .with("updated_since", time::rfc3339(window.since))
                .with_some("updated_until", window.until.map(time::rfc3339));
            Ok((filters, Some(window)))
        }
        Scope::Departed(_) | Scope::ChangedSince(_) | Scope::DepartedSince(_) => {
            Err(Error::unsupported("the sandbox has no change tokens"))
        }
    }
}

fn owner_id(owner: Owner) -> Option<Id> {
    match owner {
        Owner::Me => Some("me".to_owned()),
        Owner::User(id) => Some(id),
        Owner::Anyone => None,
    }
}

fn incomplete(written: Written, incomplete: Vec<InvalidField>) -> Result<Written> {
    Ok(Written {
        incomplete,
        ..written
    })
}

fn cursor(page: &PageRequest) -> Result<Option<String>> {
    let token = page.token.as_deref();
    token.map(|it| member(it, "cursor")).transpose()
}

/// Turns an answer into a page.
fn turn<T>(
    list: Object<'_>,
    page: &PageRequest,
    window: Option<Window>,
    map: &dyn Fn(Object<'_>) -> Result<T>,
) -> Result<Page<T>> {
    let mut read = Page::read(list.items("data"), "id", map);
    (read.end.next, read.end.complete_until) = end(list, page, window)?;
    Ok(read)
}

/// The token of the next page, and up to when a read by time is complete.
///
/// That is the time at which its first page was read, so that time travels in the token.
fn end(
    list: Object<'_>,
    page: &PageRequest,
    window: Option<Window>,
) -> Result<(Option<Token>, Option<Timestamp>)> {
    let began: String = match &page.token {
        Some(token) => member(token, "began")?,
        None => list.need("as_of"),
    };
    let complete = match window {
        Some(window) => {
            let began = time::parse(&began)?;
            Some(window.until.map_or(began, |until| until.min(began)))
        }
        None => None,
    };
    let token = |cursor: String| to_token(&Body::new().with("cursor", cursor).with("began", began));
    Ok((list.get("next_cursor").map(token), complete))
}
