//! The trait that a connector implements, and the macro that makes a component of it.

use crate::json::Object;
use crate::{
    Account, Contact, Departure, Detail, EmailKey, Error, Id, MeetingKey, NewAccount, NewContact,
    NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Result, User, Whoami,
    Written,
};

/// A connector to one CRM: one method for every function of the contract.
///
/// Only [`open`](Self::open) and [`get_me`](Self::get_me) must be written.
/// Every other method has a default that answers `unsupported`; leave it out of the manifest too.
///
/// Every call runs in a fresh instance: the host creates it, `open` runs, one method runs, and everything in memory is gone.
/// So a connector is built anew for every call, and what shall outlive it goes into [`state`](crate::state).
pub trait Connector: Sized {
    /// Prepares for one call: reads the settings, builds the client of the CRM's API.
    ///
    /// It should make no request, since each call would pay for it.
    fn open() -> Result<Self>;

    /// Says who the connection is; it is also how the host tests a credential.
    fn get_me(&self) -> Result<Whoami>;

    /// Lists the users of the CRM, those without a login included where the CRM lists them.
    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        unsupported("get-users", page)
    }

    /// Finds users by any of their e-mail addresses, which come in any case.
    ///
    /// More than was asked may be answered: the host compares again.
    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        unsupported("get-users-by-email", (emails, page))
    }

    /// Creates an account; where the CRM refuses a duplicate, that is [`Error::duplicate`].
    fn create_account(&self, account: NewAccount) -> Result<Written> {
        unsupported("create-account", account)
    }

    /// Reads one account; a deleted one is [`Error::not_found`].
    fn get_account(&self, id: &str) -> Result<Account> {
        unsupported("get-account", id)
    }

    /// Reads several accounts, at most 1,000, in one page; ids without an account are left out.
    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        unsupported("get-accounts", ids)
    }

    /// Changes fields of one account; see [`patch`](crate::patch).
    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        unsupported("update-account", (id, patch))
    }

    /// Deletes one account, into the CRM's recycle bin if it has one.
    fn delete_account(&self, id: &str) -> Result<()> {
        unsupported("delete-account", id)
    }

    /// Reads the accounts of a user, or all, or what has changed among them.
    ///
    /// An owner or a scope that the manifest does not list is [`Error::unsupported`].
    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        unsupported("get-my-accounts", request)
    }

    /// Finds accounts by name: all with exactly this name in any case, and more at will.
    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        unsupported("get-accounts-by-name", (name, page))
    }

    /// Finds accounts by internet domain: lower case, in A-label form, without `www.`.
    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        unsupported("get-accounts-by-domain", (domain, page))
    }

    /// Creates a contact; where the CRM refuses a duplicate, that is [`Error::duplicate`].
    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        unsupported("create-contact", contact)
    }

    /// Reads one contact; a deleted one is [`Error::not_found`].
    fn get_contact(&self, id: &str) -> Result<Contact> {
        unsupported("get-contact", id)
    }

    /// Reads several contacts, at most 1,000, in one page; ids without a contact are left out.
    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        unsupported("get-contacts", ids)
    }

    /// Changes fields of one contact; see [`patch`](crate::patch).
    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        unsupported("update-contact", (id, patch))
    }

    /// Deletes one contact, into the CRM's recycle bin if it has one.
    fn delete_contact(&self, id: &str) -> Result<()> {
        unsupported("delete-contact", id)
    }

    /// Reads the contacts of a user, or all, or what has changed among them.
    ///
    /// An owner or a scope that the manifest does not list is [`Error::unsupported`].
    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        unsupported("get-my-contacts", request)
    }

    /// Finds contacts by name: all with exactly this whole name in any case, and more at will.
    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        unsupported("get-contacts-by-name", (name, page))
    }

    /// Finds contacts by any of their e-mail addresses, several addresses at once.
    ///
    /// Every contact that has one of them must be among the answers, second addresses included.
    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        unsupported("get-contacts-by-email", (emails, page))
    }

    /// Finds contacts by the domain of any of their e-mail addresses.
    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        unsupported("get-contacts-by-email-domain", (domain, page))
    }

    /// Logs an e-mail with the records in `key.about`; it must not send it.
    fn create_email(&self, email: NewEmail) -> Result<Written> {
        unsupported("create-email", email)
    }

    /// Changes a logged e-mail; `to`, `cc`, `bcc` and `about` take additions and removals.
    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        unsupported("update-email", (id, patch))
    }

    /// Deletes a logged e-mail; one that is gone already is [`Error::not_found`].
    fn delete_email(&self, id: &str) -> Result<()> {
        unsupported("delete-email", id)
    }

    /// Finds a logged e-mail by whatever of its key this CRM has kept: at most 100 ids, or none.
    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        unsupported("find-email", key)
    }

    /// Logs a meeting with the records in `key.about`; it must not invite anybody.
    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        unsupported("create-meeting", meeting)
    }

    /// Changes a logged meeting; `attendees` and `about` take additions and removals.
    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        unsupported("update-meeting", (id, patch))
    }

    /// Deletes a logged meeting; one that is gone already is [`Error::not_found`].
    fn delete_meeting(&self, id: &str) -> Result<()> {
        unsupported("delete-meeting", id)
    }

    /// Finds a logged meeting by whatever of its key this CRM has kept: at most 100 ids, or none.
    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        unsupported("find-meeting", key)
    }

    /// Finds the opportunities, open and closed, in which one of at most 1,000 contacts takes part.
    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        unsupported("get-opportunities-for-contacts", (contacts, page))
    }

    /// Finds the opportunities, open and closed, of at most 1,000 accounts.
    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        unsupported("get-opportunities-for-accounts", (accounts, page))
    }
}

/// One entry of a read of the connection's records.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<T> {
    /// The record as it is now.
    Present(T),
    /// It exists; only ids were asked for.
    IdOnly(Id),
    /// It is gone for this connection.
    Departed(Departure),
}

impl<T> Change<T> {
    /// Reads an entry as the request wants it: whole, or its id alone, which is in this member.
    pub fn read(
        it: Object<'_>,
        id: &str,
        detail: Detail,
        map: impl FnOnce(Object<'_>) -> Result<T>,
    ) -> Result<Self> {
        Ok(match detail {
            Detail::Ids => Self::IdOnly(it.id(id)),
            Detail::Full => Self::Present(map(it)?),
        })
    }
}

/// Makes a component of a [`Connector`]: `brightsync_sdk::export!(MyConnector);`, once in a crate.
///
/// Compiled for the machine at hand, where `cargo test` runs, it exports nothing and only checks the type.
#[macro_export]
macro_rules! export {
    ($connector:ty) => {
        // A native linker refuses the names of a component's exports.
        #[cfg(target_family = "wasm")]
        $crate::export_functions!($connector);
        const _: fn() -> $crate::Result<$connector> = <$connector as $crate::Connector>::open;
    };
}

/// Answers for a function that the connector leaves out; takes its arguments so that they have names in the trait.
fn unsupported<A, T>(function: &str, _arguments: A) -> Result<T> {
    Err(Error::unsupported(format!(
        "this connector does not have {function}"
    )))
}
