//! A connector to the sandbox CRM: the functions of the contract, each as the request that it takes.

mod api;
mod read;
#[cfg(test)]
mod tests;
mod write;

use brightsync_sdk::http;
use brightsync_sdk::json::{Body, Object, Reader};
use brightsync_sdk::page::Cursor;
use brightsync_sdk::patch::Draft;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Id, MeetingKey, NewAccount, NewContact,
    NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Result, Scope, User,
    Whoami, Written,
};

use api::{Api, LARGEST_PAGE};

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
        self.list("users", Body::new(), page, read::user)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.find("users", "email", emails, page, read::user)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.create("accounts", write::account(account.into()))
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.api.read("accounts", id).send()?.read(read::account)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.get_all("accounts", ids, read::account)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("accounts", id, write::account(patch.into()))
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete("accounts", id).send().map(drop)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read("accounts", request, read::account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", "name", &[name], page, read::account)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find("accounts", "domain", &[domain], page, read::account)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.create("contacts", write::new_contact(contact))
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.api.read("contacts", id).send()?.read(read::contact)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.get_all("contacts", ids, read::contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("contacts", id, write::contact(patch.into()))
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete("contacts", id).send().map(drop)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read("contacts", request, read::contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "name", &[name], page, read::contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.find("contacts", "email", emails, page, read::contact)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.find("contacts", "email_domain", &[domain], page, read::contact)
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        self.create("emails", write::new_email(email))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("emails", id, write::email(patch.into()))
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.api.delete("emails", id).send().map(drop)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        let filters = Body::new().with("message_id", write::message_id(&key));
        self.ids("emails", filters)
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        self.create("meetings", write::new_meeting(meeting))
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.update("meetings", id, write::meeting(patch.into()))
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete("meetings", id).send().map(drop)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        let occurrence = write::occurrence(&key).unwrap_or_else(|| "none".to_owned());
        let filters = Body::new()
            .with("ical_uid", key.ical_uid)
            .with("occurrence", occurrence);
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
            page,
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
            page,
            read::opportunity,
        )
    }
}

brightsync_sdk::export!(Sandbox);

impl Sandbox {
    fn create(&self, kind: &str, draft: Draft) -> Result<Written> {
        let it = draft.custom_in("custom").finish()?;
        let written = self.api.create(kind, &it.set).send()?.read(read::written)?;
        Ok(Written {
            incomplete: it.incomplete,
            ..written
        })
    }

    fn update(&self, kind: &str, id: &str, draft: Draft) -> Result<Written> {
        let it = draft.custom("custom.").finish()?;
        let body = Body::new()
            .with("clear", it.clear)
            .with("set", it.set)
            .with("remove", it.remove)
            .with("add", it.add);
        let version = it.if_version.as_deref();
        let answer = self.api.change(kind, id, &body, version).send()?;
        Ok(Written {
            incomplete: it.incomplete,
            ..answer.read(read::written)?
        })
    }

    /// Reads records of an owner: all, those that have changed, or those that have left.
    fn read<T>(&self, kind: &str, request: ReadRequest, map: Reader<T>) -> Result<Page<Change<T>>> {
        let window = request.scope.window()?;
        let at = Cursor::of(&request.page, LARGEST_PAGE)?.within(window);
        let owner = request.owner.into_id("me");
        let departed = matches!(request.scope, Scope::Departed(_));
        let list = match departed {
            true => self.api.departures(kind, owner, window, &at),
            false => self.api.owned(kind, owner, window, request.detail, &at),
        };
        list.send()?.read(|list| {
            page(list, &at, &|it| match departed {
                true => Ok(Change::Departed(read::departure(it))),
                false => Change::read(it, "id", request.detail, map),
            })
        })
    }

    /// Looks records up, of any of these values.
    fn find<T>(
        &self,
        kind: &str,
        name: &str,
        values: &[impl AsRef<str>],
        page: PageRequest,
        map: Reader<T>,
    ) -> Result<Page<T>> {
        if values.is_empty() {
            return Ok(Page::empty());
        }
        let values: Vec<_> = values.iter().map(AsRef::as_ref).collect();
        self.list(kind, Body::new().with(name, values), page, map)
    }

    /// Reads one page of a list.
    fn list<T>(
        &self,
        kind: &str,
        filters: Body,
        request: PageRequest,
        map: Reader<T>,
    ) -> Result<Page<T>> {
        let at = Cursor::of(&request, LARGEST_PAGE)?;
        let answer = self.api.list(kind, filters, &at).send()?;
        answer.read(|it| page(it, &at, &map))
    }

    /// Reads all records of these ids in one page; a request has room for a page's worth of them.
    fn get_all<T>(&self, kind: &str, ids: &[Id], map: Reader<T>) -> Result<Page<T>> {
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
        let filters = filters.with("view", "ids");
        let found = self.list(kind, filters, PageRequest::first(100), |it| Ok(it.id("id")))?;
        Ok(found.items)
    }
}

/// Turns an answer into a page.
fn page<T>(
    list: Object<'_>,
    at: &Cursor,
    map: &dyn Fn(Object<'_>) -> Result<T>,
) -> Result<Page<T>> {
    let end = at.end(list.get("next_cursor"), list.need_time("as_of"));
    Ok(Page::read(list.items("data"), "id", map).with_end(end))
}
