//! Look-ups with the host's own eyes: every match that a connector answers is compared again, and accounts of a domain are found through contacts where a CRM has no better way.

use brightsync_core::crm::Id;
use brightsync_core::crm::account::Account;
use brightsync_core::crm::contact::Contact;
use brightsync_core::crm::page::{Change, Page, PageEnd, PageRequest};
use brightsync_core::crm::user::User;
use brightsync_core::domain::Domain;
use brightsync_core::email_address::EmailAddress;
use brightsync_core::function::Function;
use brightsync_core::matching::{self, Affiliation, Extent, Subdomains};
use brightsync_core::rule::Rule;
use futures::TryStreamExt as _;

use crate::call::MOST_AT_ONCE;
use crate::connection::Connection;
use crate::end::CallError;

impl Connection {
    /// Finds the accounts of an internet domain; domains below it do not count.
    ///
    /// Where the connector cannot look accounts up by domain, they are derived from the contacts with an address at exactly this domain: the account with the most contacts comes first.
    /// For a public mail domain nothing is derived, since its users have nothing in common. A derived answer comes in one page.
    pub async fn get_accounts_by_domain(
        &self,
        domain: Domain,
        page: PageRequest,
    ) -> Result<Page<Change<Account>>, CallError> {
        if self.has(Function::GetAccountsByDomain) {
            return self.ask_accounts_by_domain(domain, page).await;
        }
        if self.shared.public_mail.is_public(&domain) {
            return Ok(Page {
                items: Vec::new(),
                end: PageEnd::default(),
            });
        }
        let pages = self.pages(
            Function::GetContactsByEmailDomain,
            page,
            |connection, page| {
                let domain = domain.clone();
                async move { connection.get_contacts_by_email_domain(domain, page).await }
            },
        );
        let contacts: Vec<Page<Change<Contact>>> = pages.try_collect().await?;
        let (contacts, ends): (Vec<_>, Vec<_>) = contacts
            .into_iter()
            .map(|page| (page.items, page.end))
            .unzip();
        let ids = self.derive(&domain, &contacts.concat());
        let mut items = Vec::new();
        for ids in ids.chunks(MOST_AT_ONCE) {
            items.extend(self.accounts(ids).await?);
        }
        Ok(Page {
            items,
            end: PageEnd {
                skipped: ends.into_iter().flat_map(|end| end.skipped).collect(),
                ..PageEnd::default()
            },
        })
    }

    /// Whether the manifest of the version that serves the connection lists a function.
    pub fn has(&self, function: Function) -> bool {
        let connector = self.shared.connector(&self.link);
        connector.is_ok_and(|it| it.manifest().functions().contains(&function))
    }

    /// The accounts that the contacts of a domain belong to, best first.
    fn derive(&self, domain: &Domain, contacts: &[Change<Contact>]) -> Vec<Id> {
        let contacts: Vec<_> = contacts.iter().filter_map(present).collect();
        let parts: Vec<(Vec<&str>, Vec<&str>)> = contacts
            .iter()
            .map(|contact| {
                let addresses = contact.emails.iter().map(|it| it.value.as_str());
                let accounts = contact.accounts.iter().map(|it| it.account.as_str());
                (addresses.collect(), accounts.collect())
            })
            .collect();
        let affiliations = contacts
            .iter()
            .zip(&parts)
            .map(|(contact, (addresses, accounts))| Affiliation {
                contact: contact.ref_.id.as_str(),
                addresses,
                accounts,
            });
        matching::accounts_for_domain(domain, affiliations, &self.shared.public_mail)
            .into_iter()
            .filter_map(|it| it.account.parse().ok())
            .collect()
    }

    /// Reads accounts and answers them in the order of the ids.
    async fn accounts(&self, ids: &[Id]) -> Result<Vec<Change<Account>>, CallError> {
        if !self.has(Function::GetAccounts) {
            let mut found = Vec::new();
            for id in ids {
                found.push(Change::Present(self.get_account(id.clone()).await?));
            }
            return Ok(found);
        }
        let mut found = self.get_accounts(ids.to_vec()).await?.items;
        found.sort_by_key(|change| {
            let id = present(change).map(|account| &account.id);
            ids.iter().position(|it| Some(it) == id)
        });
        Ok(found)
    }
}

pub(crate) fn users_by_email(found: &mut Page<User>, emails: &[String]) -> u32 {
    let asked = parse(emails);
    keep(&mut found.items, |user| {
        asked
            .iter()
            .any(|it| matching::emails_match(it, user.emails.iter().map(String::as_str)))
    })
}

pub(crate) fn contacts_by_email(found: &mut Page<Change<Contact>>, emails: &[String]) -> u32 {
    let asked = parse(emails);
    keep_present(found, |contact| {
        let addresses = || contact.emails.iter().map(|it| it.value.as_str());
        asked
            .iter()
            .any(|it| matching::emails_match(it, addresses()))
    })
}

pub(crate) fn contacts_by_domain(found: &mut Page<Change<Contact>>, domain: &Domain) -> u32 {
    keep_present(found, |contact| {
        let mut addresses = contact.emails.iter();
        addresses.any(|it| matching::domain_matches(domain, &it.value, Subdomains::Exact))
    })
}

pub(crate) fn contacts_by_name(
    found: &mut Page<Change<Contact>>,
    name: &str,
    extent: Extent,
) -> u32 {
    keep_present(found, |contact| {
        let parts = [
            contact.given_name.as_deref(),
            contact.family_name.as_deref(),
        ];
        let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let whole = contact.full_name.as_deref();
        whole.is_some_and(|it| matching::name_matches(name, it, extent))
            || matching::name_matches(name, &joined, extent)
    })
}

pub(crate) fn accounts_by_name(
    found: &mut Page<Change<Account>>,
    name: &str,
    extent: Extent,
) -> u32 {
    keep_present(found, |account| {
        matching::name_matches(name, &account.name, extent)
    })
}

pub(crate) fn accounts_by_domain(found: &mut Page<Change<Account>>, domain: &Domain) -> u32 {
    keep_present(found, |account| {
        matching::account_has_domain(
            domain,
            account.domains.iter().map(String::as_str),
            Subdomains::Exact,
        )
    })
}

/// What cannot be read as an address can be nobody's.
fn parse(emails: &[String]) -> Vec<EmailAddress> {
    emails
        .iter()
        .filter_map(|it| EmailAddress::parse(it).ok())
        .collect()
}

fn present<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Present(record) => Some(record),
        Change::IdOnly(_) | Change::Departed(_) => None,
    }
}

/// Keeps records that match. A look-up has no use for an entry that is not a record, since nothing can be compared.
fn keep_present<T>(found: &mut Page<Change<T>>, matches: impl Fn(&T) -> bool) -> u32 {
    keep(&mut found.items, |change| {
        present(change).is_some_and(&matches)
    })
}

/// Keeps what matches and counts the rest.
fn keep<T>(items: &mut Vec<T>, matches: impl Fn(&T) -> bool) -> u32 {
    let before = items.len();
    items.retain(|item| !Rule::Match.refuses(!matches(item)));
    u32::try_from(before - items.len()).unwrap_or(u32::MAX)
}
