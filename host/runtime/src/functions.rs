//! The functions of the contract, each listed once: as typed calls, and by name with JSON.

use std::sync::{Arc, Mutex, PoisonError};

use brightsync_core::crm::Id;
use brightsync_core::crm::account::{Account, NewAccount};
use brightsync_core::crm::contact::{Contact, NewContact};
use brightsync_core::crm::email::{EmailKey, NewEmail};
use brightsync_core::crm::meeting::{MeetingKey, NewMeeting};
use brightsync_core::crm::opportunity::Opportunity;
use brightsync_core::crm::page::{Change, Page, PageRequest, ReadRequest};
use brightsync_core::crm::user::{User, Whoami};
use brightsync_core::crm::write::{Patch, Written};
use brightsync_core::domain::Domain;
use brightsync_core::function::Function;
use brightsync_core::matching::Extent;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings as wit;
use crate::broker::{Mode, PlannedRequest};
use crate::connection::Connection;
use crate::convert::Lower;
use crate::end::CallError;
use crate::lookup;

/// A call by name that did not answer.
#[derive(Debug, thiserror::Error)]
pub enum JsonCallError {
    /// An argument is missing, unknown, or not of the contract's form.
    #[error("argument {name:?} of {function}: {problem}")]
    Argument {
        /// The function.
        function: Function,
        /// The argument.
        name: String,
        /// What is wrong with it, and what it should be.
        problem: String,
    },
    /// The call was made and did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a dry run would have sent, and how the call ended without it.
#[derive(Debug)]
pub struct DryRun {
    /// The requests that would change something. What depends on their answers is not among them.
    pub planned: Vec<PlannedRequest>,
    /// The end of the call. Where requests were held back, it is an error that means nothing.
    pub result: Result<Value, JsonCallError>,
}

/// Calls one export with arguments in the bindings' form, and reviews the answer.
macro_rules! invoke {
    ($connection:expr, $mode:expr, $function:ident, $interface:ident.$call:ident, [$($arg:ident: $wit:ty),*], $review:expr) => {{
        let given: &[usize] = &[$(Passed::count(&$arg)),*];
        let given = given.iter().copied().max().unwrap_or(0);
        $(let $arg: $wit = Lower::lower($arg.clone());)*
        $connection
            .call(
                given,
                Function::$function,
                $mode,
                move |guest, store| {
                    Box::pin(async move { guest.$interface().$call(store, $(&$arg),*).await })
                },
                $review,
            )
            .await
    }};
}

macro_rules! functions {
    ($(
        $(#[$doc:meta])*
        $visibility:vis fn $name:ident($($arg:ident: $type:ty as $wit:ty),*) -> $answer:ty
            = $function:ident, $interface:ident.$call:ident $(, review |$found:ident| $review:expr)?;
    )*) => {
        impl Connection {
            $(
                $(#[$doc])*
                $visibility async fn $name(&self, $($arg: $type),*) -> Result<$answer, CallError> {
                    let review = functions!(@review $answer $(, |$found| $review)?);
                    invoke!(self, Mode::Live, $function, $interface.$call, [$($arg: $wit),*], review)
                }
            )*

            async fn by_name(&self, function: Function, arguments: Map<String, Value>, mode: Mode) -> Result<Value, JsonCallError> {
                let mut arguments = Arguments { function, given: arguments };
                match function {
                    $(Function::$function => {
                        $(let $arg: $type = arguments.take(stringify!($arg))?;)*
                        arguments.finish()?;
                        let review = functions!(@review $answer $(, |$found| $review)?);
                        let answer =
                            invoke!(self, mode, $function, $interface.$call, [$($arg: $wit),*], review)?;
                        Ok(serde_json::to_value::<$answer>(answer).unwrap_or(Value::Null))
                    })*
                }
            }
        }
    };
    (@review $answer:ty) => { |_: &mut $answer| 0 };
    (@review $answer:ty, |$found:ident| $review:expr) => { |$found: &mut $answer| $review };
}

functions! {
    /// Says who the connection is; also the way to test a credential.
    pub fn get_me() -> Whoami = GetMe, brightsync_crm_users.call_get_me;

    /// Lists the users of the CRM.
    pub fn get_users(page: PageRequest as wit::types::PageRequest) -> Page<User>
        = GetUsers, brightsync_crm_users.call_get_users;

    /// Finds users by any of their e-mail addresses.
    pub fn get_users_by_email(emails: Vec<String> as Vec<String>, page: PageRequest as wit::types::PageRequest) -> Page<User>
        = GetUsersByEmail, brightsync_crm_users.call_get_users_by_email,
        review |found| lookup::users_by_email(found, &emails);

    /// Creates an account.
    pub fn create_account(account: NewAccount as wit::accounts::NewAccount) -> Written
        = CreateAccount, brightsync_crm_accounts.call_create_account;

    /// Reads one account.
    pub fn get_account(id: Id as String) -> Account = GetAccount, brightsync_crm_accounts.call_get_account;

    /// Reads several accounts by id, at most 1,000; those that are not there are left out.
    pub fn get_accounts(ids: Vec<Id> as Vec<String>) -> Page<Change<Account>>
        = GetAccounts, brightsync_crm_accounts.call_get_accounts;

    /// Changes fields of one account.
    pub fn update_account(id: Id as String, patch: Patch as wit::types::Patch) -> Written
        = UpdateAccount, brightsync_crm_accounts.call_update_account;

    /// Deletes one account.
    pub fn delete_account(id: Id as String) -> () = DeleteAccount, brightsync_crm_accounts.call_delete_account;

    /// Reads one page of the accounts of a user, or all, or what has changed among them; [`Connection::my_accounts`] goes over all pages.
    pub fn get_my_accounts(request: ReadRequest as wit::types::ReadRequest) -> Page<Change<Account>>
        = GetMyAccounts, brightsync_crm_accounts.call_get_my_accounts;

    /// Finds accounts by their whole name, case and accents aside.
    pub fn get_accounts_by_name(name: String as String, page: PageRequest as wit::types::PageRequest) -> Page<Change<Account>>
        = GetAccountsByName, brightsync_crm_accounts.call_get_accounts_by_name,
        review |found| lookup::accounts_by_name(found, &name, Extent::Whole);

    pub(crate) fn ask_accounts_by_domain(domain: Domain as String, page: PageRequest as wit::types::PageRequest) -> Page<Change<Account>>
        = GetAccountsByDomain, brightsync_crm_accounts.call_get_accounts_by_domain,
        review |found| lookup::accounts_by_domain(found, &domain);

    /// Creates a contact.
    pub fn create_contact(contact: NewContact as wit::contacts::NewContact) -> Written
        = CreateContact, brightsync_crm_contacts.call_create_contact;

    /// Reads one contact.
    pub fn get_contact(id: Id as String) -> Contact = GetContact, brightsync_crm_contacts.call_get_contact;

    /// Reads several contacts by id, at most 1,000; those that are not there are left out.
    pub fn get_contacts(ids: Vec<Id> as Vec<String>) -> Page<Change<Contact>>
        = GetContacts, brightsync_crm_contacts.call_get_contacts;

    /// Changes fields of one contact.
    pub fn update_contact(id: Id as String, patch: Patch as wit::types::Patch) -> Written
        = UpdateContact, brightsync_crm_contacts.call_update_contact;

    /// Deletes one contact.
    pub fn delete_contact(id: Id as String) -> () = DeleteContact, brightsync_crm_contacts.call_delete_contact;

    /// Reads one page of the contacts of a user, or all, or what has changed among them; [`Connection::my_contacts`] goes over all pages.
    pub fn get_my_contacts(request: ReadRequest as wit::types::ReadRequest) -> Page<Change<Contact>>
        = GetMyContacts, brightsync_crm_contacts.call_get_my_contacts;

    /// Finds contacts by their whole name, case and accents aside.
    pub fn get_contacts_by_name(name: String as String, page: PageRequest as wit::types::PageRequest) -> Page<Change<Contact>>
        = GetContactsByName, brightsync_crm_contacts.call_get_contacts_by_name,
        review |found| lookup::contacts_by_name(found, &name, Extent::Whole);

    /// Finds contacts by any of their e-mail addresses.
    pub fn get_contacts_by_email(emails: Vec<String> as Vec<String>, page: PageRequest as wit::types::PageRequest) -> Page<Change<Contact>>
        = GetContactsByEmail, brightsync_crm_contacts.call_get_contacts_by_email,
        review |found| lookup::contacts_by_email(found, &emails);

    /// Finds contacts by the domain of any of their e-mail addresses; domains below it do not count.
    pub fn get_contacts_by_email_domain(domain: Domain as String, page: PageRequest as wit::types::PageRequest) -> Page<Change<Contact>>
        = GetContactsByEmailDomain, brightsync_crm_contacts.call_get_contacts_by_email_domain,
        review |found| lookup::contacts_by_domain(found, &domain);

    /// Logs an e-mail.
    pub fn create_email(email: NewEmail as wit::emails::NewEmail) -> Written
        = CreateEmail, brightsync_crm_emails.call_create_email;

    /// Changes a logged e-mail.
    pub fn update_email(id: Id as String, patch: Patch as wit::types::Patch) -> Written
        = UpdateEmail, brightsync_crm_emails.call_update_email;

    /// Deletes a logged e-mail.
    pub fn delete_email(id: Id as String) -> () = DeleteEmail, brightsync_crm_emails.call_delete_email;

    /// Finds a logged e-mail by whatever the CRM has kept of its key.
    pub fn find_email(key: EmailKey as wit::emails::EmailKey) -> Vec<Id>
        = FindEmail, brightsync_crm_emails.call_find_email;

    /// Logs a meeting.
    pub fn create_meeting(meeting: NewMeeting as wit::meetings::NewMeeting) -> Written
        = CreateMeeting, brightsync_crm_meetings.call_create_meeting;

    /// Changes a logged meeting.
    pub fn update_meeting(id: Id as String, patch: Patch as wit::types::Patch) -> Written
        = UpdateMeeting, brightsync_crm_meetings.call_update_meeting;

    /// Deletes a logged meeting.
    pub fn delete_meeting(id: Id as String) -> () = DeleteMeeting, brightsync_crm_meetings.call_delete_meeting;

    /// Finds a logged meeting by whatever the CRM has kept of its key.
    pub fn find_meeting(key: MeetingKey as wit::meetings::MeetingKey) -> Vec<Id>
        = FindMeeting, brightsync_crm_meetings.call_find_meeting;

    /// Finds the opportunities in which at least one of these contacts, at most 1,000, takes part.
    pub fn get_opportunities_for_contacts(contacts: Vec<Id> as Vec<String>, page: PageRequest as wit::types::PageRequest) -> Page<Opportunity>
        = GetOpportunitiesForContacts, brightsync_crm_opportunities.call_get_opportunities_for_contacts;

    /// Finds the opportunities of these accounts, at most 1,000.
    pub fn get_opportunities_for_accounts(accounts: Vec<Id> as Vec<String>, page: PageRequest as wit::types::PageRequest) -> Page<Opportunity>
        = GetOpportunitiesForAccounts, brightsync_crm_opportunities.call_get_opportunities_for_accounts;
}

impl Connection {
    /// Finds accounts whose name contains these words, case and accents aside.
    pub async fn search_accounts_by_name(
        &self,
        words: String,
        page: PageRequest,
    ) -> Result<Page<Change<Account>>, CallError> {
        let review = |found: &mut Page<Change<Account>>| {
            lookup::accounts_by_name(found, &words, Extent::Contains)
        };
        invoke!(self, Mode::Live, GetAccountsByName, brightsync_crm_accounts.call_get_accounts_by_name,
            [words: String, page: wit::types::PageRequest], review)
    }

    /// Finds contacts whose name contains these words, case and accents aside.
    pub async fn search_contacts_by_name(
        &self,
        words: String,
        page: PageRequest,
    ) -> Result<Page<Change<Contact>>, CallError> {
        let review = |found: &mut Page<Change<Contact>>| {
            lookup::contacts_by_name(found, &words, Extent::Contains)
        };
        invoke!(self, Mode::Live, GetContactsByName, brightsync_crm_contacts.call_get_contacts_by_name,
            [words: String, page: wit::types::PageRequest], review)
    }

    /// Calls a function by its name, with its arguments by their names and everything in the contract's JSON form. `page` and `request` may be left out.
    pub async fn call_json(
        &self,
        function: Function,
        arguments: Map<String, Value>,
    ) -> Result<Value, JsonCallError> {
        if function == Function::GetAccountsByDomain && !self.has(function) {
            let mut arguments = Arguments {
                function,
                given: arguments,
            };
            let domain = arguments.take("domain")?;
            let page = arguments.take("page")?;
            arguments.finish()?;
            let found = self.get_accounts_by_domain(domain, page).await?;
            return Ok(serde_json::to_value(found).unwrap_or(Value::Null));
        }
        self.by_name(function, arguments, Mode::Live).await
    }

    /// Does the same without sending what would change something.
    pub async fn dry_run(&self, function: Function, arguments: Map<String, Value>) -> DryRun {
        let planned = Arc::new(Mutex::default());
        let result = self
            .by_name(function, arguments, Mode::DryRun(planned.clone()))
            .await;
        let mut planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
        DryRun {
            planned: std::mem::take(&mut *planned),
            result,
        }
    }
}

/// How many ids or addresses an argument passes at once.
trait Passed {
    fn count(&self) -> usize {
        1
    }
}

impl<T> Passed for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }
}

/// Names arguments that are one thing each.
macro_rules! single {
    ($($argument:ty),* $(,)?) => { $(impl Passed for $argument {})* };
}

single!(
    Domain,
    EmailKey,
    Id,
    MeetingKey,
    NewAccount,
    NewContact,
    NewEmail,
    NewMeeting,
    PageRequest,
    Patch,
    ReadRequest,
    String,
);

/// The arguments of a call by name.
struct Arguments {
    function: Function,
    given: Map<String, Value>,
}

impl Arguments {
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, JsonCallError> {
        let value = match self.given.remove(name) {
            Some(value) => value,
            // Those have a default for every member.
            None if matches!(name, "page" | "request") => Value::Object(Map::new()),
            None => return Err(self.error(name, "it is missing".to_owned())),
        };
        serde_json::from_value(value).map_err(|error| self.error(name, error.to_string()))
    }

    fn finish(self) -> Result<(), JsonCallError> {
        match self.given.keys().next() {
            Some(name) => Err(self.error(name, "the function has no such argument".to_owned())),
            None => Ok(()),
        }
    }

    fn error(&self, name: &str, problem: String) -> JsonCallError {
        JsonCallError::Argument {
            function: self.function,
            name: name.to_owned(),
            problem,
        }
    }
}
