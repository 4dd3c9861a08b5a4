//! What stands between the generated exports and a [`Connector`]: a fresh connector for each call, and pages and changes in their generated form.

use std::marker::PhantomData;

use crate::bindings::exports::brightsync::crm::{
    accounts, contacts, emails, meetings, opportunities, users,
};
use crate::{
    Account, Change, Connector, Contact, EmailKey, Id, MeetingKey, NewAccount, NewContact,
    NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Result, User, Whoami,
    Written,
};

/// The exported functions of the connector `C`.
pub struct Exports<C>(PhantomData<C>);

/// Opens the connector for the one call of this instance.
fn open<C: Connector>() -> Result<C> {
    #[cfg(target_family = "wasm")]
    log_panics();
    C::open()
}

/// Has a panic's text and place logged before the instance ends: the host sees no more than a trap.
#[cfg(target_family = "wasm")]
fn log_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        crate::log::error(&panic.to_string());
        default(panic);
    }));
}

impl<C: Connector> users::Guest for Exports<C> {
    fn get_me() -> Result<Whoami> {
        open::<C>()?.get_me()
    }

    fn get_users(page: PageRequest) -> Result<users::UserPage> {
        open::<C>()?.get_users(page).map(Into::into)
    }

    fn get_users_by_email(emails: Vec<String>, page: PageRequest) -> Result<users::UserPage> {
        open::<C>()?
            .get_users_by_email(&emails, page)
            .map(Into::into)
    }
}

impl<C: Connector> accounts::Guest for Exports<C> {
    fn create_account(account: NewAccount) -> Result<Written> {
        open::<C>()?.create_account(account)
    }

    fn get_account(id: Id) -> Result<Account> {
        open::<C>()?.get_account(&id)
    }

    fn get_accounts(ids: Vec<Id>) -> Result<accounts::AccountPage> {
        open::<C>()?.get_accounts(&ids).map(Into::into)
    }

    fn update_account(id: Id, patch: Patch) -> Result<Written> {
        open::<C>()?.update_account(&id, patch)
    }

    fn delete_account(id: Id) -> Result<()> {
        open::<C>()?.delete_account(&id)
    }

    fn get_my_accounts(request: ReadRequest) -> Result<accounts::AccountPage> {
        open::<C>()?.get_my_accounts(request).map(Into::into)
    }

    fn get_accounts_by_name(name: String, page: PageRequest) -> Result<accounts::AccountPage> {
        open::<C>()?
            .get_accounts_by_name(&name, page)
            .map(Into::into)
    }

    fn get_accounts_by_domain(domain: String, page: PageRequest) -> Result<accounts::AccountPage> {
        open::<C>()?
            .get_accounts_by_domain(&domain, page)
            .map(Into::into)
    }
}

impl<C: Connector> contacts::Guest for Exports<C> {
    fn create_contact(contact: NewContact) -> Result<Written> {
        open::<C>()?.create_contact(contact)
    }

    fn get_contact(id: Id) -> Result<Contact> {
        open::<C>()?.get_contact(&id)
    }

    fn get_contacts(ids: Vec<Id>) -> Result<contacts::ContactPage> {
        open::<C>()?.get_contacts(&ids).map(Into::into)
    }

    fn update_contact(id: Id, patch: Patch) -> Result<Written> {
        open::<C>()?.update_contact(&id, patch)
    }

    fn delete_contact(id: Id) -> Result<()> {
        open::<C>()?.delete_contact(&id)
    }

    fn get_my_contacts(request: ReadRequest) -> Result<contacts::ContactPage> {
        open::<C>()?.get_my_contacts(request).map(Into::into)
    }

    fn get_contacts_by_name(name: String, page: PageRequest) -> Result<contacts::ContactPage> {
        open::<C>()?
            .get_contacts_by_name(&name, page)
            .map(Into::into)
    }

    fn get_contacts_by_email(
        emails: Vec<String>,
        page: PageRequest,
    ) -> Result<contacts::ContactPage> {
        open::<C>()?
            .get_contacts_by_email(&emails, page)
            .map(Into::into)
    }

    fn get_contacts_by_email_domain(
        domain: String,
        page: PageRequest,
    ) -> Result<contacts::ContactPage> {
        open::<C>()?
            .get_contacts_by_email_domain(&domain, page)
            .map(Into::into)
    }
}

impl<C: Connector> emails::Guest for Exports<C> {
    fn create_email(email: NewEmail) -> Result<Written> {
        open::<C>()?.create_email(email)
    }

    fn update_email(id: Id, patch: Patch) -> Result<Written> {
        open::<C>()?.update_email(&id, patch)
    }

    fn delete_email(id: Id) -> Result<()> {
        open::<C>()?.delete_email(&id)
    }

    fn find_email(key: EmailKey) -> Result<Vec<Id>> {
        open::<C>()?.find_email(key)
    }
}

impl<C: Connector> meetings::Guest for Exports<C> {
    fn create_meeting(meeting: NewMeeting) -> Result<Written> {
        open::<C>()?.create_meeting(meeting)
    }

    fn update_meeting(id: Id, patch: Patch) -> Result<Written> {
        open::<C>()?.update_meeting(&id, patch)
    }

    fn delete_meeting(id: Id) -> Result<()> {
        open::<C>()?.delete_meeting(&id)
    }

    fn find_meeting(key: MeetingKey) -> Result<Vec<Id>> {
        open::<C>()?.find_meeting(key)
    }
}

impl<C: Connector> opportunities::Guest for Exports<C> {
    fn get_opportunities_for_contacts(
        contacts: Vec<Id>,
        page: PageRequest,
    ) -> Result<opportunities::OpportunityPage> {
        open::<C>()?
            .get_opportunities_for_contacts(&contacts, page)
            .map(Into::into)
    }

    fn get_opportunities_for_accounts(
        accounts: Vec<Id>,
        page: PageRequest,
    ) -> Result<opportunities::OpportunityPage> {
        open::<C>()?
            .get_opportunities_for_accounts(&accounts, page)
            .map(Into::into)
    }
}

impl From<Page<User>> for users::UserPage {
    fn from(page: Page<User>) -> Self {
        Self {
            items: page.items,
            end: page.end,
        }
    }
}

impl From<Page<Opportunity>> for opportunities::OpportunityPage {
    fn from(page: Page<Opportunity>) -> Self {
        Self {
            items: page.items,
            end: page.end,
        }
    }
}

impl From<Page<Account>> for accounts::AccountPage {
    fn from(page: Page<Account>) -> Self {
        let items = page
            .items
            .into_iter()
            .map(accounts::Change::Present)
            .collect();
        Self {
            items,
            end: page.end,
        }
    }
}

impl From<Page<Contact>> for contacts::ContactPage {
    fn from(page: Page<Contact>) -> Self {
        let items = page
            .items
            .into_iter()
            .map(contacts::Change::Present)
            .collect();
        Self {
            items,
            end: page.end,
        }
    }
}

impl From<Page<Change<Account>>> for accounts::AccountPage {
    fn from(page: Page<Change<Account>>) -> Self {
        let items = page.items.into_iter().map(Into::into).collect();
        Self {
            items,
            end: page.end,
        }
    }
}

impl From<Page<Change<Contact>>> for contacts::ContactPage {
    fn from(page: Page<Change<Contact>>) -> Self {
        let items = page.items.into_iter().map(Into::into).collect();
        Self {
            items,
            end: page.end,
        }
    }
}

impl From<Change<Account>> for accounts::Change {
    fn from(change: Change<Account>) -> Self {
        match change {
            Change::Present(account) => Self::Present(account),
            Change::IdOnly(id) => Self::IdOnly(id),
            Change::Departed(departure) => Self::Departed(departure),
        }
    }
}

impl From<Change<Contact>> for contacts::Change {
    fn from(change: Change<Contact>) -> Self {
        match change {
            Change::Present(contact) => Self::Present(contact),
            Change::IdOnly(id) => Self::IdOnly(id),
            Change::Departed(departure) => Self::Departed(departure),
        }
    }
}
