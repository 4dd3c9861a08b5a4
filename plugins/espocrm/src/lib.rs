//! The connector to EspoCRM.
//!
//! Lists answer rows, and rows lack what costs EspoCRM a query each: all addresses but the main one, above all.
//! So people are listed by id and then read one by one, many at once.

mod account;
mod api;
mod batch;
mod contact;
mod email;
mod map;
mod meeting;
mod opportunity;
#[cfg(test)]
mod tests;
mod user;

use brightsync_sdk::http::Response;
use brightsync_sdk::json::Object;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, Detail, EmailKey, Error, Id, InvalidField, MeetingKey,
    NewAccount, NewContact, NewEmail, NewMeeting, Opportunity, Owner, Page, PageRequest, Patch,
    ReadRequest, Result, Scope, User, Whoami, Written, settings, time,
};
use serde_json::Value;

use api::{Api, Present, Search, any, is, named, pattern};
use batch::Batch;
use map::{Draft, unlinked};

/// People on a page: each is one more request, ten of them at a time.
const PEOPLE: u32 = 100;

/// Names what of a draft EspoCRM did not keep, from the record that it answers.
type Lost = fn(Object<'_>, &Draft) -> Vec<InvalidField>;

struct EspoCrm {
    api: Api,
    site: String,
}

brightsync_sdk::export!(EspoCrm);

impl Connector for EspoCrm {
    fn open() -> Result<Self> {
        Ok(Self {
            api: Api::new(),
            site: settings::required("site")?,
        })
    }

    fn get_me(&self) -> Result<Whoami> {
        let wanted = settings::wanted_fields("user");
        self.api.me(|it| user::whoami(it, &self.site, &wanted))
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let search = Search::new("User", &["id"], Vec::new());
        self.people(search, &page, self.user())
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.people_by_email("User", emails, &page, self.user())
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.create("Account", &account::new(account)?, |_, _| Vec::new())
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        let map = self.account();
        self.api.read("Account", id, |it| Ok(map(it)))
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        let search = |ids: &[Id]| accounts(vec![is("in", "id", ids)]);
        self.api.batches(ids, search, self.account())
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let draft = account::changes(Fields::from(&patch), &self.present("Account", id))?;
        self.update("Account", id, &patch, &draft, |_, _| Vec::new())
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete("Account", id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        let search = scoped(accounts(Vec::new()), &request)?;
        let map = self.account();
        self.api
            .page(search, &request.page, |it| match request.detail {
                Detail::Ids => Change::IdOnly(it.id("id")),
                Detail::Full => Change::Present(map(it)),
            })
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find_accounts(named(name), &page)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        let domain = pattern(domain);
        let mail = is("endsWith", "emailAddress", format!("@{domain}"));
        self.find_accounts(any(vec![is("contains", "website", domain), mail]), &page)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.create("Contact", &contact::new(&contact)?, contact::lost)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        let map = self.contact();
        self.api.read("Contact", id, |it| Ok(map(it)))
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.api.details("Contact", ids, self.contact())
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let draft = contact::changes(Fields::from(&patch), &self.present("Contact", id))?;
        self.update("Contact", id, &patch, &draft, contact::lost)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete("Contact", id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        let search = scoped(Search::new("Contact", &["id"], Vec::new()), &request)?;
        match request.detail {
            Detail::Ids => {
                let id = |it: Object<'_>| Change::IdOnly(it.id("id"));
                self.api.page(search, &request.page, id)
            }
            Detail::Full => {
                let people = self.people(search, &request.page, self.contact())?;
                Ok(people.map(Change::Present))
            }
        }
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find_contacts(named(name), &page)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.people_by_email("Contact", emails, &page, self.contact())
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        let domain = format!("@{}", pattern(domain));
        self.find_contacts(is("endsWith", "emailAddress", domain), &page)
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let draft = email::new(&email, key_field().as_deref())?;
        self.create("Email", &draft, |it, draft| unlinked(it, &draft.about, &[]))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        let draft = email::changes(Fields::from(&patch), &self.present("Email", id))?;
        self.update("Email", id, &patch, &draft, email::lost)
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.api.delete("Email", id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.find("Email", email::found(&key, key_field().as_deref()))
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let user = match &meeting.owner {
            Some(owner) => owner.clone(),
            // EspoCRM asks for one.
            None => self.api.me(|it| it.need_object("user", |it| it.id("id")))?,
        };
        let draft = meeting::new(&meeting, &user, key_field().as_deref(), time::now())?;
        self.create("Meeting", &draft, meeting::lost)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        let fields = Fields::from(&patch);
        let present = self
            .api
            .read("Meeting", id, |it| Ok(meeting::present(it)))?;
        let draft = meeting::changes(fields, present, time::now())?;
        self.update("Meeting", id, &patch, &draft, meeting::lost)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete("Meeting", id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        self.find("Meeting", meeting::found(&key, key_field().as_deref()))
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.opportunities("linkedWith", "contacts", contacts, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.opportunities("in", "accountId", accounts, &page)
    }
}

impl EspoCrm {
    fn user(&self) -> impl Fn(Object<'_>) -> User {
        let wanted = settings::wanted_fields("user");
        move |it| user::user(it, &wanted)
    }

    fn account(&self) -> impl Fn(Object<'_>) -> Account {
        let wanted = settings::wanted_fields("account");
        move |it| account::account(it, &self.site, &wanted)
    }

    fn contact(&self) -> impl Fn(Object<'_>) -> Contact {
        let wanted = settings::wanted_fields("contact");
        move |it| contact::contact(it, &self.site, &wanted)
    }

    fn present<'a>(&'a self, entity: &'static str, id: &'a str) -> Present<'a> {
        let api = &self.api;
        Present { api, entity, id }
    }

    fn create(&self, entity: &str, draft: &Draft, lost: Lost) -> Result<Written> {
        let answer = self.api.create(entity, &draft.body)?;
        self.written(entity, &answer, draft, lost)
    }

    fn update(
        &self,
        entity: &str,
        id: &str,
        patch: &Patch,
        draft: &Draft,
        lost: Lost,
    ) -> Result<Written> {
        let version = patch.if_version.as_deref();
        let answer = self.api.change(entity, id, &draft.body, version)?;
        self.written(entity, &answer, draft, lost)
    }

    /// Says what a write has done, from the record that it answers.
    fn written(
        &self,
        entity: &str,
        answer: &Response,
        draft: &Draft,
        lost: Lost,
    ) -> Result<Written> {
        answer.read(|it| {
            let mut written = map::written(it, &self.site, entity);
            written.incomplete.extend_from_slice(&draft.incomplete);
            written.incomplete.extend(lost(it, draft));
            Ok(written)
        })
    }

    fn find_accounts(&self, condition: Value, page: &PageRequest) -> Result<Page<Account>> {
        let search = accounts(vec![condition]);
        self.api.page(search, page, self.account())
    }

    fn find_contacts(&self, condition: Value, page: &PageRequest) -> Result<Page<Contact>> {
        let search = Search::new("Contact", &["id"], vec![condition]);
        self.people(search, page, self.contact())
    }

    /// Reads the people that a search for ids finds.
    fn people<T>(
        &self,
        mut search: Search,
        page: &PageRequest,
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Page<T>> {
        let entity = search.entity;
        search.size = PEOPLE;
        let ids = self.api.page(search, page, |it| it.id("id"))?;
        let people = self.api.details(entity, &ids.items, map)?;
        Ok(people.with_next(ids.end.next))
    }

    fn people_by_email<T>(
        &self,
        entity: &'static str,
        emails: &[String],
        page: &PageRequest,
        map: impl Fn(Object<'_>) -> T,
    ) -> Result<Page<T>> {
        // EspoCRM compares a list with addresses in lower case.
        let emails: Vec<String> = emails.iter().map(|it| it.to_lowercase()).collect();
        let Some(batch) = Batch::of(&emails, page)? else {
            return Ok(Page::empty());
        };
        let condition = is("in", "emailAddress", batch.values);
        let search = Search::new(entity, &["id"], vec![condition]);
        let mut people = self.people(search, &batch.page, map)?;
        people.end.next = batch.next(people.end.next);
        Ok(people)
    }

    fn opportunities(
        &self,
        kind: &str,
        attribute: &str,
        ids: &[Id],
        page: &PageRequest,
    ) -> Result<Page<Opportunity>> {
        let Some(batch) = Batch::of(ids, page)? else {
            return Ok(Page::empty());
        };
        let wanted = settings::wanted_fields("opportunity");
        let condition = is(kind, attribute, batch.values);
        let mut search = Search::new("Opportunity", &opportunity::SELECT, vec![condition]);
        search.select.extend_from_slice(&wanted);
        let map = |it: Object<'_>| opportunity::opportunity(it, &self.site, &wanted);
        let mut page = self.api.page(search, &batch.page, map)?;
        // One that an earlier batch found is answered already.
        let is_new = |it: &Opportunity| {
            let mut before = batch.before.iter();
            !before.any(|id| opportunity::takes_part(it, id))
        };
        page.items.retain(is_new);
        page.end.next = batch.next(page.end.next);
        Ok(page)
    }

    fn find(&self, entity: &'static str, condition: Value) -> Result<Vec<Id>> {
        let first = PageRequest::first(100);
        let search = Search::new(entity, &["id"], vec![condition]);
        Ok(self.api.page(search, &first, |it| it.id("id"))?.items)
    }
}

fn accounts(conditions: Vec<Value>) -> Search {
    let mut search = Search::new("Account", &account::SELECT, conditions);
    search.select.extend(settings::wanted_fields("account"));
    search
}

/// Narrows a search to what a read asks for.
fn scoped(mut search: Search, request: &ReadRequest) -> Result<Search> {
    match &request.owner {
        Owner::Me => search.only_mine = true,
        Owner::User(id) => {
            let owner = is("equals", "assignedUserId", id.as_str());
            search.conditions.push(owner);
        }
        Owner::Anyone => {}
    }
    match &request.scope {
        Scope::All => {}
        Scope::Updated(window) => {
            let since = map::seconds(window.since);
            let since = is("greaterThanOrEquals", "modifiedAt", since);
            search.conditions.push(since);
            if let Some(until) = window.until {
                // A second that has only begun is still in the window.
                let until = map::seconds(time::ceil_to_second(until));
                search.conditions.push(is("before", "modifiedAt", until));
            }
            search.select.push("modifiedAt".to_owned());
            search.by_time = true;
        }
        Scope::ChangedSince(_) | Scope::Departed(_) | Scope::DepartedSince(_) => {
            return Err(Error::unsupported(
                "EspoCRM does not tell which records were deleted, and has no tokens for changes",
            ));
        }
    }
    Ok(search)
}

/// The field of the site's own that keeps the host's key of an e-mail or a meeting, if there is one.
fn key_field() -> Option<String> {
    settings::get("key-field")
}
