//! Creates what is not there yet, and once: looks for it, creates it, and looks again where the answer was lost.

use std::future::Future;

use brightsync_core::crm::account::{Account, NewAccount};
use brightsync_core::crm::contact::{Contact, NewContact};
use brightsync_core::crm::email::NewEmail;
use brightsync_core::crm::error::Reason;
use brightsync_core::crm::page::{Change, Page, PageRequest};
use brightsync_core::crm::write::Written;
use brightsync_core::crm::{Id, Ref};
use brightsync_core::function::Function;
use brightsync_core::matching;
use futures::{Stream, TryStreamExt as _};

use crate::connection::Connection;
use crate::end::CallError;

/// What has come of creating a record that may be there already.
#[derive(Clone, Debug, PartialEq)]
pub enum Creation {
    /// It was not there, and was created.
    Created(Written),
    /// It was there, and nothing was created.
    Found {
        /// The record; if several match, the one that the connector answered first.
        id: Id,
        /// The others that match.
        others: Vec<Id>,
    },
    /// It was created, the answer to that was lost, and it was found.
    Recovered {
        /// The record.
        id: Id,
        /// Others that match, of which one may be another caller's.
        others: Vec<Id>,
    },
}

impl Creation {
    /// The record, whoever created it.
    pub fn id(&self) -> &Id {
        match self {
            Self::Created(written) => &written.id,
            Self::Found { id, .. } | Self::Recovered { id, .. } => id,
        }
    }
}

/// Creation in steps that can be taken again at any time without making a second record:
///
/// 1. It is looked for. If it is there, that is the answer, and nothing is written.
/// 2. It is created, once. If the CRM refuses a duplicate, the record that it names is the answer.
/// 3. If nobody knows whether it was created, it is looked for again. What is there now and was not before is the answer. If nothing is, the error stays `in-doubt`, since many a CRM finds a record only a while after it was written: whoever calls again later begins with step 1.
///
/// If the first look does not work, nothing is written, and its error is the answer; a connector that cannot look at all answers `unsupported`.
/// Two calls for one record at the same time may both find nothing; to keep those apart is the caller's.
impl Connection {
    /// Creates a contact, unless one has one of its e-mail addresses. One without an address cannot be looked for, and is created.
    pub async fn find_or_create_contact(&self, contact: NewContact) -> Result<Creation, CallError> {
        let emails: Vec<_> = contact.emails.iter().map(|it| it.value.clone()).collect();
        let look = || self.contacts_with(emails.clone());
        create(look, self.create_contact(contact)).await
    }

    /// Creates an account, unless one has one of its domains, or its name where one of the two has no domain.
    ///
    /// Public mail domains do not count, and neither do accounts that are only derived from the domains of contacts.
    pub async fn find_or_create_account(&self, account: NewAccount) -> Result<Creation, CallError> {
        let look = || self.accounts_like(account.clone());
        create(look, self.create_account(account.clone())).await
    }

    /// Logs an e-mail, unless `find-email` finds it by its key.
    pub async fn find_or_create_email(&self, email: NewEmail) -> Result<Creation, CallError> {
        let look = || self.find_email(email.key.clone());
        create(look, self.create_email(email.clone())).await
    }

    async fn contacts_with(&self, emails: Vec<String>) -> Result<Vec<Id>, CallError> {
        if emails.is_empty() {
            return Ok(Vec::new());
        }
        let function = Function::GetContactsByEmail;
        let pages = self.pages(function, PageRequest::default(), |connection, page| {
            let emails = emails.clone();
            async move { connection.get_contacts_by_email(emails, page).await }
        });
        first(pages, |contact: Contact| {
            let Ref { id, .. } = contact.ref_;
            Some(id)
        })
        .await
    }

    async fn accounts_like(&self, account: NewAccount) -> Result<Vec<Id>, CallError> {
        let public_mail = &self.shared.public_mail;
        let same =
            |it: Account| matching::is_same_account(&account, &it, public_mail).then_some(it.id);
        let by_domain = Function::GetAccountsByDomain;
        if self.has(by_domain) {
            for domain in matching::own_domains(&account.domains, public_mail) {
                let pages = self.pages(by_domain, PageRequest::default(), |connection, page| {
                    let domain = domain.clone();
                    async move { connection.get_accounts_by_domain(domain, page).await }
                });
                let found = first(pages, same).await?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
        let by_name = Function::GetAccountsByName;
        let pages = self.pages(by_name, PageRequest::default(), |connection, page| {
            let name = account.name.clone();
            async move { connection.get_accounts_by_name(name, page).await }
        });
        first(pages, same).await
    }
}

/// Takes the steps.
async fn create<L>(
    look: impl Fn() -> L,
    write: impl Future<Output = Result<Written, CallError>>,
) -> Result<Creation, CallError>
where
    L: Future<Output = Result<Vec<Id>, CallError>>,
{
    if let Some((id, others)) = split(look().await?) {
        return Ok(Creation::Found { id, others });
    }
    let error = match write.await {
        Ok(written) => return Ok(Creation::Created(written)),
        Err(error) => error,
    };
    let reason = error.connector_error().map(|it| &it.reason);
    if error.report.in_doubt || matches!(reason, Some(Reason::InDoubt(_))) {
        // If it cannot be looked for now, the write is as much in doubt as before.
        let found = look().await.unwrap_or_default();
        let (id, others) = split(found).ok_or(error)?;
        return Ok(Creation::Recovered { id, others });
    }
    let Some(Reason::Duplicate(existing)) = reason else {
        return Err(error);
    };
    let existing = match existing.as_slice() {
        // The CRM says that it is there, and not which it is.
        [] => look().await.unwrap_or_default(),
        existing => existing.to_vec(),
    };
    let (id, others) = split(existing).ok_or(error)?;
    Ok(Creation::Found { id, others })
}

/// The ids on the first page that has any.
async fn first<T>(
    pages: impl Stream<Item = Result<Page<Change<T>>, CallError>>,
    id: impl Fn(T) -> Option<Id>,
) -> Result<Vec<Id>, CallError> {
    let mut pages = std::pin::pin!(pages);
    while let Some(page) = pages.try_next().await? {
        let records = page.items.into_iter().filter_map(|change| match change {
            Change::Present(record) => Some(record),
            Change::IdOnly(_) | Change::Departed(_) => None,
        });
        let found: Vec<_> = records.filter_map(&id).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn split(ids: Vec<Id>) -> Option<(Id, Vec<Id>)> {
    let mut ids = ids.into_iter();
    let id = ids.next()?;
    Some((id, ids.collect()))
}
