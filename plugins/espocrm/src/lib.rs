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

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, Detail, EmailKey, Error, Id, MeetingKey, NewAccount,
    NewContact, NewEmail, NewMeeting, Opportunity, Owner, Page, PageRequest, Patch, ReadRequest,
    Ref, Result, Scope, User, Whoami, Written, settings, time,
};
use serde_json::Value;

use api::{Api, LARGEST_PAGE, Object, Search, any, is, pattern};
use batch::Batch;
use map::{text, unlinked, written};

/// People on a page: each is one more request, ten of them at a time.
const PEOPLE: u32 = 100;

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
        user::whoami(
            &self.api.me()?,
            &self.site,
            &settings::wanted_fields("user"),
        )
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.people(Search::new("User", &[], Vec::new()), &page, user::user)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        self.people_by_email("User", emails, &page, user::user)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        let (body, incomplete) = account::new(&account)?;
        written(
            &self.site,
            "Account",
            &self.api.create("Account", &body)?,
            incomplete,
        )
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        account::account(
            &self.api.read("Account", id)?,
            &self.site,
            &settings::wanted_fields("account"),
        )
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        let rows = self
            .api
            .batches(ids, |ids| self.accounts(vec![is("in", "id", ids)]))?;
        Ok(self.read_accounts(rows))
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let mut fields = Fields::of(&patch)?;
        let (body, mut incomplete) =
            account::changes(&mut fields, || self.api.read("Account", id))?;
        incomplete.extend(fields.rest());
        let record = self
            .api
            .change("Account", id, &body, patch.if_version.as_deref())?;
        written(&self.site, "Account", &record, incomplete)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete("Account", id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        let search = scoped(self.accounts(Vec::new()), &request)?;
        let (rows, next) = self.api.page(search, &request.page)?;
        let page = if request.detail == Detail::Ids {
            Page::last(ids_of(&rows)).map(Change::IdOnly)
        } else {
            self.read_accounts(rows).map(Change::Present)
        };
        Ok(page.with_next(next))
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find_accounts(is("contains", "name", pattern(name)), &page)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        let domain = pattern(domain);
        let mail = is("endsWith", "emailAddress", format!("@{domain}"));
        self.find_accounts(any(vec![is("contains", "website", domain), mail]), &page)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        let (body, mut incomplete) = contact::new(&contact)?;
        let record = self.api.create("Contact", &body)?;
        incomplete.extend(contact::lost_title(&body, &record));
        written(&self.site, "Contact", &record, incomplete)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        contact::contact(
            &self.api.read("Contact", id)?,
            &self.site,
            &settings::wanted_fields("contact"),
        )
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.contacts(ids)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let mut fields = Fields::of(&patch)?;
        let body = contact::changes(&mut fields, || self.api.read("Contact", id))?;
        let record = self
            .api
            .change("Contact", id, &body, patch.if_version.as_deref())?;
        let mut incomplete = fields.rest();
        incomplete.extend(contact::lost_title(&body, &record));
        written(&self.site, "Contact", &record, incomplete)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete("Contact", id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        let full = request.detail == Detail::Full;
        let ids = Search {
            size: if full { PEOPLE } else { LARGEST_PAGE },
            ..Search::new("Contact", &["id"], Vec::new())
        };
        let (rows, next) = self.api.page(scoped(ids, &request)?, &request.page)?;
        let ids = ids_of(&rows);
        let page = if full {
            self.contacts(&ids)?.map(Change::Present)
        } else {
            Page::last(ids).map(Change::IdOnly)
        };
        Ok(page.with_next(next))
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find_contacts(is("contains", "name", pattern(name)), &page)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        let map = |record: &Object, wanted: &[String]| contact::contact(record, &self.site, wanted);
        self.people_by_email("Contact", emails, &page, map)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.find_contacts(
            is("endsWith", "emailAddress", format!("@{}", pattern(domain))),
            &page,
        )
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let (body, mut incomplete) = email::new(&email, key_field().as_deref())?;
        let record = self.api.create("Email", &body)?;
        incomplete.extend(unlinked(
            &record,
            &email.key.about,
            &email::partaking(&email),
        ));
        written(&self.site, "Email", &record, incomplete)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        let mut fields = Fields::of(&patch)?;
        let (body, about, mut incomplete) =
            email::changes(&mut fields, || self.api.read("Email", id))?;
        incomplete.extend(fields.rest());
        let record = self
            .api
            .change("Email", id, &body, patch.if_version.as_deref())?;
        incomplete.extend(email::taken_back(&body, &record));
        incomplete.extend(unlinked(&record, &about.unwrap_or_default(), &[]));
        written(&self.site, "Email", &record, incomplete)
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
            None => text(&self.api.me::<user::Me>()?.user, "id")
                .unwrap_or_default()
                .to_owned(),
        };
        let (body, mut incomplete) =
            meeting::new(&meeting, &user, key_field().as_deref(), time::now())?;
        let record = self.api.create("Meeting", &body)?;
        incomplete.extend(unlinked(
            &record,
            &meeting.key.about,
            &meeting::partaking(&record),
        ));
        written(&self.site, "Meeting", &record, incomplete)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        let mut fields = Fields::of(&patch)?;
        let present = self.api.read("Meeting", id)?;
        let (body, about, mut incomplete) = meeting::changes(&mut fields, &present, time::now())?;
        incomplete.extend(fields.rest());
        let record = self
            .api
            .change("Meeting", id, &body, patch.if_version.as_deref())?;
        let partaking: Vec<Ref> = meeting::partaking(&record);
        incomplete.extend(unlinked(&record, &about.unwrap_or_default(), &partaking));
        written(&self.site, "Meeting", &record, incomplete)
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
    fn accounts(&self, conditions: Vec<Value>) -> Search {
        let mut search = Search::new("Account", &account::SELECT, conditions);
        search.select.extend(settings::wanted_fields("account"));
        search
    }

    fn find_accounts(&self, condition: Value, page: &PageRequest) -> Result<Page<Account>> {
        let (rows, next) = self.api.page(self.accounts(vec![condition]), page)?;
        Ok(self.read_accounts(rows).with_next(next))
    }

    fn read_accounts(&self, rows: Vec<Value>) -> Page<Account> {
        let wanted = settings::wanted_fields("account");
        Page::read(&rows, "id", |it| {
            account::account(&it.parse()?, &self.site, &wanted)
        })
    }

    fn contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        let wanted = settings::wanted_fields("contact");
        self.api.details("Contact", ids, |record| {
            contact::contact(&record, &self.site, &wanted)
        })
    }

    fn find_contacts(&self, condition: Value, page: &PageRequest) -> Result<Page<Contact>> {
        let map = |record: &Object, wanted: &[String]| contact::contact(record, &self.site, wanted);
        self.people(Search::new("Contact", &[], vec![condition]), page, map)
    }

    fn people<T>(
        &self,
        search: Search,
        page: &PageRequest,
        map: impl Fn(&Object, &[String]) -> Result<T>,
    ) -> Result<Page<T>> {
        let entity = search.entity;
        let search = Search {
            select: vec!["id".to_owned()],
            size: PEOPLE,
            ..search
        };
        let (rows, next) = self.api.page(search, page)?;
        let wanted = settings::wanted_fields(&entity.to_lowercase());
        let people = self
            .api
            .details(entity, &ids_of(&rows), |record| map(&record, &wanted))?;
        Ok(people.with_next(next))
    }

    fn people_by_email<T>(
        &self,
        entity: &'static str,
        emails: &[String],
        page: &PageRequest,
        map: impl Fn(&Object, &[String]) -> Result<T>,
    ) -> Result<Page<T>> {
        // EspoCRM compares a list with addresses in lower case.
        let emails: Vec<String> = emails.iter().map(|it| it.to_lowercase()).collect();
        let Some(batch) = Batch::of(&emails, page)? else {
            return Ok(Page::empty());
        };
        let search = Search::new(entity, &[], vec![is("in", "emailAddress", batch.values)]);
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
        let mut search = Search::new(
            "Opportunity",
            &opportunity::SELECT,
            vec![is(kind, attribute, batch.values)],
        );
        search.select.extend(wanted.clone());
        let (mut rows, next) = self.api.page(search, &batch.page)?;
        // One that an earlier batch found is answered already.
        rows.retain(|it| !batch.before.iter().any(|id| takes_part(it, id)));
        let page = Page::read(&rows, "id", |it| {
            opportunity::opportunity(&it.parse()?, &self.site, &wanted)
        });
        Ok(page.with_next(batch.next(next)))
    }

    fn find(&self, entity: &'static str, condition: Value) -> Result<Vec<Id>> {
        const MOST: u32 = 100;
        let search = Search {
            size: MOST,
            ..Search::new(entity, &["id"], vec![condition])
        };
        let (rows, _) = self.api.page(search, &PageRequest::first(MOST))?;
        Ok(ids_of(&rows))
    }
}

/// Narrows a search to what a read asks for.
fn scoped(search: Search, request: &ReadRequest) -> Result<Search> {
    let mut search = search;
    match &request.owner {
        Owner::Me => search.only_mine = true,
        Owner::User(id) => search
            .conditions
            .push(is("equals", "assignedUserId", id.clone())),
        Owner::Anyone => {}
    }
    match &request.scope {
        Scope::All => {}
        Scope::Updated(window) => {
            let since = map::seconds(window.since);
            search
                .conditions
                .push(is("greaterThanOrEquals", "modifiedAt", since));
            // A second that has only begun is still in the window.
            let until = window
                .until
                .map(|it| map::seconds(time::ceil_to_second(it)));
            search
                .conditions
                .extend(until.map(|it| is("before", "modifiedAt", it)));
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

fn ids_of(rows: &[Value]) -> Vec<Id> {
    let id = |it: &Value| Some(it.get("id")?.as_str()?.to_owned());
    rows.iter().filter_map(id).collect()
}

fn takes_part(opportunity: &Value, id: &str) -> bool {
    let contacts = opportunity.get("contactsIds").and_then(Value::as_array);
    let account = opportunity.get("accountId");
    contacts
        .into_iter()
        .flatten()
        .chain(account)
        .any(|it| it.as_str() == Some(id))
}

/// The field of the site's own that keeps the host's key of an e-mail or a meeting, if there is one.
fn key_field() -> Option<String> {
    settings::get("key-field")
}
