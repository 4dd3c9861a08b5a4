//! The connector to Zoho CRM.

mod account;
mod api;
mod contact;
mod coql;
mod email;
mod list;
mod map;
mod meeting;
mod note;
mod opportunity;
mod org;
#[cfg(test)]
mod tests;

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::page::Number;
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Error, Id, InvalidField, MeetingKey, NewAccount,
    NewContact, NewEmail, NewMeeting, Opportunity, OrFind, Page, PageRequest, Patch, ReadRequest,
    Reason, Result, User, Whoami, Written, http, settings,
};

use api::{Api, Done};
use coql::{Condition, LONGEST, MOST_IN_QUERY};
use list::Batch;
use map::{Draft, is_id, stamp};
use org::Scene;

/// The largest page of users.
const USERS: u32 = 200;

/// The connector.
pub struct Zoho {
    api: Api,
}

brightsync_sdk::export!(Zoho);

impl Connector for Zoho {
    fn open() -> Result<Self> {
        Ok(Self { api: Api::new() })
    }

    fn get_me(&self) -> Result<Whoami> {
        let asked = vec![self.api.users("CurrentUser"), self.api.get("org")];
        let mut answers = http::send_all(asked).into_iter();
        let mut next = || {
            answers
                .next()
                .unwrap_or_else(|| Err(Error::other("no answer")))
        };
        org::whoami(&next()?, &next()?)
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let at = Number::of(&page, USERS)?;
        let users = self.api.users("AllUsers").query("page", at.number);
        let answer = users.query("per_page", at.size).send()?;
        let wanted = settings::wanted_fields("user");
        let read = api::unless_empty(&answer, |it| {
            let more = it.object("info", |it| it.get("more_records")).flatten();
            let user = |it: Object<'_>| Ok(org::user(it, &wanted));
            let users = Page::read(it.items("users"), "id", user);
            Ok(users.with_next(at.next(more.unwrap_or_default())))
        })?;
        Ok(read.unwrap_or_else(Page::empty))
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        if emails.is_empty() {
            return Ok(Page::empty());
        }
        let wanted: Vec<String> = emails.iter().map(|it| it.to_lowercase()).collect();
        // Zoho finds no user by an address.
        let mut users = self.get_users(PageRequest {
            size: USERS,
            ..page
        })?;
        let is_wanted = |it: &String| wanted.contains(&it.to_lowercase());
        users.items.retain(|it| it.emails.iter().any(is_wanted));
        Ok(users)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        let name = account.name.clone();
        let nothing = || Err(Error::other("a new account has nothing yet"));
        let draft = account::write(account.into(), Draft::default(), &nothing)?;
        let done = self.api.create(account::KIND.module, draft.body);
        let done = done.map_err(|error| {
            let alike = || self.get_accounts_by_name(&name, PageRequest::first(10));
            existing(error, || Ok(ids(alike()?, |it| it.id)))
        });
        self.written("Accounts", done?, draft.incomplete)
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        account::KIND.get(&self.api, id)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        account::KIND.get_all(&self.api, ids)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let present = || self.get_account(id);
        let draft = account::write(Fields::from(&patch), existing_record(), &present)?;
        self.update("Accounts", id, draft, patch.if_version.as_deref())
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(account::KIND.module, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        account::KIND.mine(&self.api, &request)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        if is_endless(name) {
            return Ok(Page::empty());
        }
        let named = Condition::is("Account_Name", name.trim());
        account::KIND.find(&self.api, named, &page, &Body::new())
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        if is_endless(domain) {
            return Ok(Page::empty());
        }
        let site = Condition::contains("Website", domain);
        account::KIND.find(&self.api, site, &page, &Body::new())
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        let contact = contact::new(contact)?;
        let emails: Vec<String> = contact.emails.iter().map(|it| it.value.clone()).collect();
        let nothing = || Err(Error::other("a new contact has nothing yet"));
        let draft = contact::write(contact.into(), Draft::default(), &nothing)?;
        let done = self.api.create(contact::KIND.module, draft.body);
        let done = done.map_err(|error| {
            let alike = || self.get_contacts_by_email(&emails, PageRequest::first(10));
            existing(error, || Ok(ids(alike()?, |it| it.ref_.id)))
        });
        self.written("Contacts", done?, draft.incomplete)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        contact::KIND.get(&self.api, id)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        contact::KIND.get_all(&self.api, ids)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let present = || self.get_contact(id);
        let draft = contact::write(Fields::from(&patch), existing_record(), &present)?;
        self.update("Contacts", id, draft, patch.if_version.as_deref())
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.delete(contact::KIND.module, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        contact::KIND.mine(&self.api, &request)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        if is_endless(name) {
            return Ok(Page::empty());
        }
        contact::KIND.find(&self.api, contact::named(name), &page, &Body::new())
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        let emails = emails.iter().map(String::as_str);
        let emails: Vec<&str> = emails.filter(|it| !is_endless(it)).collect();
        let most = MOST_IN_QUERY / contact::EMAILS.len();
        let Some(batch) = Batch::of(&emails, most, &page)? else {
            return Ok(Page::empty());
        };
        let fields = contact::EMAILS.map(|field| Condition::is_in(field, batch.values));
        let found = Condition::one_of(Vec::from(fields));
        let page = contact::KIND.find(&self.api, found, &page, &batch.carried())?;
        Ok(batch.end(page))
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        if is_endless(domain) {
            return Ok(Page::empty());
        }
        let domain = format!("@{domain}");
        let fields = contact::EMAILS.map(|field| Condition::ends_with(field, &domain));
        let found = Condition::one_of(Vec::from(fields));
        contact::KIND.find(&self.api, found, &page, &Body::new())
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let written = email::create(&self.api, email)?;
        Ok(self.with_url_of_email(written))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        let written = note::update(&self.api, id, &patch)?;
        Ok(self.with_url_of_email(written))
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        email::find(&self.api, &key)
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let key = meeting.key.clone();
        let (done, incomplete) = meeting::create(&self.api, meeting).or_find(|| {
            let found = meeting::find(&self.api, &key)?.into_iter().next();
            let done = |id| Done {
                id,
                modified_at: None,
            };
            Ok(found.map(|id| (done(id), Vec::new())))
        })?;
        self.written("Events", done, incomplete)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        check(id)?;
        let (done, incomplete) = meeting::update(&self.api, id, &patch)?;
        self.written("Events", done, incomplete)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.delete("Events", id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        meeting::find(&self.api, &key)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        opportunity::find(&self.api, "Contact_Name", contacts, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        opportunity::find(&self.api, "Account_Name", accounts, &page)
    }
}

impl Zoho {
    fn update(
        &self,
        module: &str,
        id: &str,
        draft: Draft,
        version: Option<&str>,
    ) -> Result<Written> {
        check(id)?;
        let done = match draft.body.is_empty() {
            false => self.api.change(module, id, draft.body, version)?,
            true => meeting::unchanged(&self.api, module, id, version)?,
        };
        self.written(module, done, draft.incomplete)
    }

    fn delete(&self, module: &str, id: &str) -> Result<()> {
        check(id)?;
        self.api.delete(module, id)
    }

    /// Says what a write has done; what has been written stays so even if nothing is known of the organisation.
    fn written(&self, tab: &str, done: Done, incomplete: Vec<InvalidField>) -> Result<Written> {
        let scene = Scene::of(&self.api, "").unwrap_or_default();
        Ok(Written {
            version: done.modified_at.map(stamp),
            modified_at: done.modified_at,
            url: scene.url(tab, &done.id),
            incomplete,
            ..Written::new(done.id)
        })
    }

    /// An e-mail has no page of its own, so that its record stands in for it.
    fn with_url_of_email(&self, written: Written) -> Written {
        let scene = Scene::of(&self.api, "").unwrap_or_default();
        let place = email::Place::parse(&written.id).ok();
        let url = place.and_then(|(place, _)| scene.url(place.tab, place.record));
        Written { url, ..written }
    }
}

fn existing_record() -> Draft {
    Draft {
        exists: true,
        ..Draft::default()
    }
}

/// Refuses what can be the id of no record.
fn check(id: &str) -> Result<()> {
    match is_id(id) {
        true => Ok(()),
        false => Err(Error::not_found("no record in Zoho has such an id")),
    }
}

/// Whether a text is longer than any field that it is looked for in, or nothing.
fn is_endless(text: &str) -> bool {
    let count = text.trim().chars().take(LONGEST + 1).count();
    count == 0 || count > LONGEST
}

/// Looks up what is there already, if Zoho does not name it.
fn existing(error: Error, look: impl FnOnce() -> Result<Vec<Id>>) -> Error {
    match &error.reason {
        Reason::Duplicate(known) if known.is_empty() => {
            let found = look().unwrap_or_default();
            error.with_existing(found)
        }
        _ => error,
    }
}

fn ids<T>(page: Page<T>, id: impl Fn(T) -> Id) -> Vec<Id> {
    page.items.into_iter().map(id).collect()
}
