//! The connector to Microsoft Dynamics 365, whose records are the rows of Dataverse.

mod account;
mod activity;
mod api;
mod contact;
mod email;
mod meeting;
mod odata;
mod opportunity;
mod read;
mod refusal;
#[cfg(test)]
mod tests;
mod user;
mod write;

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Error, Id, MeetingKey, NewAccount, NewContact,
    NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Reason, Result, User,
    Whoami, Written, settings,
};

use account::ACCOUNTS;
use api::{Api, Record, Table, known, version};
use contact::CONTACTS;
use email::EMAILS;
use meeting::MEETINGS;
use odata::{Filter, is_storable};
use write::{Row, check_new, check_patch};

/// The connector.
pub struct Dataverse {
    api: Api,
}

brightsync_sdk::export!(Dataverse);

impl Connector for Dataverse {
    fn open() -> Result<Self> {
        Ok(Self { api: Api::new()? })
    }

    fn get_me(&self) -> Result<Whoami> {
        self.api.whoami()
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.api.find(None, &page, 0)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        let has = |it: &User, email: &str| has_text(&it.emails, email);
        self.api.look_up(&user::ADDRESSES, emails, &page, has)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        check_new(&account.extra)?;
        let name = account.name.clone();
        let row = account::row(account.into(), || Ok(Vec::new()))?;
        let alike = || self.api.ids(&ACCOUNTS, &Filter::equals("name", &name));
        self.create(&ACCOUNTS, row, alike)
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.api.survivor(id)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.api.rows(ids)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let read = || {
            let row = self.api.row(&ACCOUNTS, &known(id)?).send()?;
            row.read(|it| Ok(account::web_site(it)))
        };
        let row = |fields| account::row(fields, read);
        self.update(&ACCOUNTS, id, &patch, row)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete(&ACCOUNTS, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.api.read(&request)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.search(name, &page, |name| Filter::equals("name", name))
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.search(domain, &page, account::of_domain)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        check_new(&contact.extra)?;
        let emails: Vec<String> = contact.emails.iter().map(|it| it.value.clone()).collect();
        let name = contact.whole_name().unwrap_or_default();
        let row = contact::row(contact.into(), || Ok(contact::Present::default()))?;
        // The rules compare addresses or names, and Dataverse does not say which it was.
        let alike = || {
            let emails = odata::parts(&emails).into_iter().take(1);
            let by_email = emails.map(|it| Filter::among(&contact::EMAILS, &it));
            for filter in by_email.chain([Filter::equals("fullname", &name)]) {
                let ids = self.api.ids(&CONTACTS, &filter)?;
                if !ids.is_empty() {
                    return Ok(ids);
                }
            }
            Ok(Vec::new())
        };
        self.create(&CONTACTS, row, alike)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.api.survivor(id)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.api.rows(ids)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let read = || {
            let row = self.api.row(&CONTACTS, &known(id)?).send()?;
            row.read(|it| Ok(contact::present(it)))
        };
        let row = |fields| contact::row(fields, read);
        self.update(&CONTACTS, id, &patch, row)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete(&CONTACTS, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.api.read(&request)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.search(name, &page, |name| Filter::equals("fullname", name))
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        let has = |it: &Contact, email: &str| {
            let mut emails = it.emails.iter();
            emails.any(|it| it.value.eq_ignore_ascii_case(email))
        };
        self.api.look_up(&contact::EMAILS, emails, &page, has)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.search(domain, &page, |domain| {
            let end = format!("@{domain}");
            let ends = |column: &&str| Filter::ends_with(column, &end);
            Filter::any(contact::EMAILS.iter().map(ends).collect())
        })
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        check_new(&email.extra)?;
        let found = email::found(&email.key);
        let logged = self.api.log(&EMAILS, email::new(email)?);
        self.with_existing(logged, || self.api.ids(&EMAILS.table, &found))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        check_patch(&patch)?;
        let id = known(id)?;
        let present = self.api.activity(&EMAILS, &id)?;
        let draft = email::changes(&patch, &present)?;
        let if_version = patch.if_version.as_deref();
        self.api.relog(&EMAILS, &id, present, draft, if_version)
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.api.delete(&EMAILS.table, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.api.ids(&EMAILS.table, &email::found(&key))
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        check_new(&meeting.extra)?;
        let draft = meeting::new(meeting, key_column().as_deref())?;
        self.api.log(&MEETINGS, draft)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        check_patch(&patch)?;
        let id = known(id)?;
        let present = self.api.activity(&MEETINGS, &id)?;
        let draft = meeting::changes(&patch, &present)?;
        let if_version = patch.if_version.as_deref();
        self.api.relog(&MEETINGS, &id, present, draft, if_version)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete(&MEETINGS.table, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        let found = meeting::found(&key, key_column().as_deref());
        self.api.ids(&MEETINGS.table, &found)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let has = |it: &Opportunity, contact: &str| {
            let mut contacts = it.participants.iter();
            contacts.any(|it| it.contact.eq_ignore_ascii_case(contact))
        };
        self.opportunities("parentcontactid", contacts, &page, has)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let has = |it: &Opportunity, account: &str| {
            let of = it.account.as_deref();
            of.is_some_and(|it| it.eq_ignore_ascii_case(account))
        };
        self.opportunities("parentaccountid", accounts, &page, has)
    }
}

impl Dataverse {
    /// Creates a row; of a duplicate, the existing rows are named if they are found.
    fn create(
        &self,
        table: &Table,
        row: Row,
        alike: impl FnOnce() -> Result<Vec<Id>>,
    ) -> Result<Written> {
        let created = self.with_existing(self.api.create(table, &row.body), alike)?;
        Ok(Written {
            incomplete: row.incomplete,
            ..created
        })
    }

    fn with_existing(
        &self,
        created: Result<Written>,
        alike: impl FnOnce() -> Result<Vec<Id>>,
    ) -> Result<Written> {
        created.map_err(|error| match &error.reason {
            // Dataverse says that there is one, and not which.
            Reason::Duplicate(_) => error.with_existing(alike().unwrap_or_default()),
            _ => error,
        })
    }

    fn update(
        &self,
        table: &Table,
        id: &str,
        patch: &Patch,
        row: impl FnOnce(Fields) -> Result<Row>,
    ) -> Result<Written> {
        check_patch(patch)?;
        let id = known(id)?;
        let version = version(patch.if_version.as_deref())?;
        let row = row(Fields::from(patch))?;
        let changed = match row.body.is_empty() {
            false => self.api.change(table, &id, &row.body, version)?,
            true => {
                let present = self.api.row(table, &id).send()?;
                present.read(|it| Ok(self.api.written(table, it)))?
            }
        };
        if version.is_some() && row.body.is_empty() && version != changed.version.as_deref() {
            return Err(Error::stale("the row was changed meanwhile"));
        }
        Ok(Written {
            incomplete: row.incomplete,
            ..changed
        })
    }

    /// Answers one page of what is found by a text; what no column could hold is in none.
    fn search<T: Record>(
        &self,
        text: &str,
        page: &PageRequest,
        filter: impl FnOnce(&str) -> Filter,
    ) -> Result<Page<T>> {
        if !is_storable(text) {
            return Ok(Page::empty());
        }
        self.api.find(Some(&filter(text)), page, 0)
    }

    fn opportunities(
        &self,
        column: &str,
        ids: &[Id],
        page: &PageRequest,
        has: impl Fn(&Opportunity, &str) -> bool,
    ) -> Result<Page<Opportunity>> {
        // The customer is an account or a contact.
        let columns = [column, "customerid"];
        let is_guid = |id: &&Id| odata::Guid::parse(id).is_some();
        let ids: Vec<Id> = ids.iter().filter(is_guid).cloned().collect();
        self.api.look_up(&columns, &ids, page, has)
    }
}

/// The column of the organisation's own that keeps the host's key of a meeting, if there is one.
fn key_column() -> Option<String> {
    settings::get("key-column").filter(|it| odata::is_column(it))
}

fn has_text(texts: &[String], text: &str) -> bool {
    texts.iter().any(|it| it.eq_ignore_ascii_case(text))
}
