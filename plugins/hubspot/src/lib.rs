//! The connector to HubSpot.
//!
//! A search finds ids, and a batch or a list reads the records: only those do not lag behind what was written.

mod account;
mod activity;
mod api;
mod contact;
mod email;
mod error;
mod link;
mod meeting;
mod opportunity;
mod read;
mod record;
mod search;
mod site;
#[cfg(test)]
mod tests;
mod user;
mod write;

use std::cell::OnceCell;

use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Id, MeetingKey, NewAccount, NewContact,
    NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Result, User, Whoami,
    Written,
};

use api::{Api, COMPANY, CONTACT, EMAIL, MEETING};
use site::Site;

/// The connector.
pub struct HubSpot {
    api: Api,
    /// Once it is known.
    site: OnceCell<Site>,
}

brightsync_sdk::export!(HubSpot);

impl Connector for HubSpot {
    fn open() -> Result<Self> {
        Ok(Self {
            api: Api::new(),
            site: OnceCell::new(),
        })
    }

    fn get_me(&self) -> Result<Whoami> {
        self.whoami()
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.users(&page, |_| true)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        if emails.is_empty() {
            return Ok(Page::empty());
        }
        // The list of all is shorter than one look-up for each address.
        self.users(&page, |user| {
            let is_it = |one: &String| user.emails.iter().any(|it| it.eq_ignore_ascii_case(one));
            emails.iter().any(is_it)
        })
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        let nothing = || Ok(Account::new("", ""));
        let properties = account::write(Fields::from(account), nothing)?;
        self.create(&COMPANY, properties, Vec::new())
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.get(&account::TABLE, id)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.get_all(&account::TABLE, ids)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let present = || self.get(&account::TABLE, id);
        let properties = account::write(Fields::from(&patch), present)?;
        self.change(&COMPANY, id, properties, ("", &[]))
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(&COMPANY, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read(&account::TABLE, request)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.accounts_named(name, &page)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        self.accounts_at(domain, &page)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        self.new_contact(contact)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.get(&contact::TABLE, id)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.get_all(&contact::TABLE, ids)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        self.changed_contact(id, &patch)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.delete(&CONTACT, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read(&contact::TABLE, request)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.contacts_named(name, &page)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.contacts_with(emails, &page)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        self.contacts_at(domain, &page)
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        self.log_email(email)
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.changed_email(id, &patch)
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.delete(&EMAIL, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.emails_like(&key)
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        self.log_meeting(meeting)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.changed_meeting(id, &patch)
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.delete(&MEETING, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        self.meetings_like(&key)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.deals_of(&CONTACT, contacts, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        self.deals_of(&COMPANY, accounts, &page)
    }
}
