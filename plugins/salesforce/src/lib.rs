//! Connects BrightSync to Salesforce over its REST API.

mod account;
mod activity;
mod api;
mod contact;
mod kind;
mod memo;
mod message;
mod opportunity;
mod refusal;
mod soql;
#[cfg(test)]
mod tests;
mod user;

use brightsync_sdk::json::{Body, Object};
use brightsync_sdk::patch::Fields;
use brightsync_sdk::{
    Account, Change, Connector, Contact, Detail, EmailKey, Error, Id, MeetingKey, NewAccount,
    NewContact, NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Result,
    Scope, User, Whoami, Written, settings,
};

use api::Api;
use kind::{ACCOUNT, CONTACT, EVENT, Kind, MESSAGE, TASK};
use soql::{Condition, Literal, Query, all, among, compare, found_in, like};

/// A connection to an org.
pub struct Salesforce {
    api: Api,
}

brightsync_sdk::export!(Salesforce);

impl Connector for Salesforce {
    fn open() -> Result<Self> {
        Ok(Self { api: Api::open()? })
    }

    fn get_me(&self) -> Result<Whoami> {
        let email = if are_messages() { MESSAGE } else { TASK };
        user::whoami(&self.api, email, &settings::wanted_fields("user"))
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.users(vec![user::works_here()], &page)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        let theirs = by_email(emails).into_iter();
        let theirs = theirs.map(|it| all(&[it, user::works_here()]));
        self.users(theirs.collect(), &page)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        account::write(&self.api, None, account.into())
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        one(
            self.get_accounts(&[ACCOUNT.id(id)?.to_owned()])?,
            ACCOUNT,
            id,
        )
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        let (wanted, query) = all_of("Account", account::FIELDS)?;
        let map = |it: Object<'_>| account::account(&self.api, it, &wanted);
        self.api.records(ACCOUNT, ids, query, map)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        account::write(&self.api, Some(id), Fields::from(&patch))
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.api.delete(ACCOUNT, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        let (wanted, full) = all_of("Account", account::FIELDS)?;
        let query = in_scope("Account", full, &request);
        let map = |it: Object<'_>| account::account(&self.api, it, &wanted);
        self.api.changes(query, &request, map)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.accounts(named(name), &page, |_| true)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        let mut ways = Vec::from_iter(like("Website", domain, "%"));
        let people = like("Email", &format!("@{domain}"), "");
        ways.extend(people.map(|it| found_in("Id", "AccountId", "Contact", &it)));
        // Those with the web site are what the first way finds.
        let has_site = |it: &Account| {
            it.domains
                .iter()
                .any(|it| it.to_lowercase().contains(domain))
        };
        self.accounts(ways, &page, |it| !has_site(it))
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        contact::write(&self.api, None, contact.into())
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        one(
            self.get_contacts(&[CONTACT.id(id)?.to_owned()])?,
            CONTACT,
            id,
        )
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        let (wanted, query) = all_of("Contact", contact::FIELDS)?;
        let map = |it: Object<'_>| contact::contact(&self.api, it, &wanted);
        self.api.records(CONTACT, ids, query, map)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        contact::write(&self.api, Some(id), Fields::from(&patch))
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.api.delete(CONTACT, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        let (wanted, full) = all_of("Contact", contact::FIELDS)?;
        let query = in_scope("Contact", full, &request);
        let map = |it: Object<'_>| contact::contact(&self.api, it, &wanted);
        self.api.changes(query, &request, map)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.contacts(named(name), &page)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        self.contacts(by_email(emails), &page)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        let there = like("Email", &format!("@{domain}"), "");
        self.contacts(Vec::from_iter(there), &page)
    }

    fn create_email(&self, mut email: NewEmail) -> Result<Written> {
        if are_messages() {
            return message::create(&self.api, email);
        }
        if email.text.is_none() {
            email.text = email.html.take().map(|it| memo::plain(&it));
        }
        let fixed = Body::new()
            .with("Status", "Completed")
            .with("TaskSubtype", "Email");
        let key = email.key.key.clone();
        activity::write(&self.api, TASK, None, email.into(), keyed(fixed, key))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        let fields = Fields::from(&patch);
        if MESSAGE.has(id) {
            return message::change(&self.api, id, fields);
        }
        activity::write(&self.api, TASK, Some(id), fields, Body::new())
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        let kind = if MESSAGE.has(id) { MESSAGE } else { TASK };
        self.api.delete(kind, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        if are_messages() {
            return message::find(&self.api, &key);
        }
        activity::find_email(&self.api, &key)
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let fixed = keyed(Body::new(), meeting.key.key.clone());
        activity::write(&self.api, EVENT, None, meeting.into(), fixed)
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        let fields = Fields::from(&patch);
        activity::write(&self.api, EVENT, Some(id), fields, Body::new())
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.api.delete(EVENT, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        activity::find_meeting(&self.api, &key)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let theirs = |ids: &[Literal]| {
            let role = among("ContactId", ids);
            found_in("Id", "OpportunityId", "OpportunityContactRole", &role)
        };
        opportunity::find(&self.api, CONTACT, contacts, theirs, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let theirs = |ids: &[Literal]| among("AccountId", ids);
        opportunity::find(&self.api, ACCOUNT, accounts, theirs, &page)
    }
}

impl Salesforce {
    fn users(&self, ways: Vec<Condition>, page: &PageRequest) -> Result<Page<User>> {
        let (wanted, queries) = found_by(ways, "User", user::FIELDS)?;
        self.api
            .page(queries, page, |_, it| user::user(it, &wanted))
    }

    fn contacts(&self, ways: Vec<Condition>, page: &PageRequest) -> Result<Page<Contact>> {
        let (wanted, queries) = found_by(ways, "Contact", contact::FIELDS)?;
        let map = |_, it: Object<'_>| contact::contact(&self.api, it, &wanted);
        self.api.page(queries, page, map)
    }

    /// Finds accounts in several ways; `is_new` says which were not found in the first one.
    fn accounts(
        &self,
        ways: Vec<Condition>,
        page: &PageRequest,
        is_new: impl Fn(&Account) -> bool,
    ) -> Result<Page<Account>> {
        let (wanted, queries) = found_by(ways, "Account", account::FIELDS)?;
        let found = self.api.page(queries, page, |way, it| {
            let account = account::account(&self.api, it, &wanted)?;
            Ok(Some(account).filter(|it| way == 0 || is_new(it)))
        })?;
        Ok(api::some(found))
    }
}

/// Asks for whole records, and says which fields people want besides.
fn all_of(object: &'static str, fields: &'static str) -> Result<(Vec<String>, Query)> {
    let wanted = settings::wanted_fields(&object.to_lowercase());
    let query = Query::new(object, fields).with(&wanted)?;
    Ok((wanted, query))
}

/// Asks likewise for the records that meet each of these conditions.
fn found_by(
    ways: Vec<Condition>,
    object: &'static str,
    fields: &'static str,
) -> Result<(Vec<String>, Vec<Query>)> {
    let mut queries = Vec::new();
    for way in ways {
        queries.push(all_of(object, fields)?.1.and(way));
    }
    Ok((all_of(object, fields)?.0, queries))
}

/// Asks for what a read needs of each record.
fn in_scope(object: &'static str, full: Query, request: &ReadRequest) -> Query {
    match (&request.scope, request.detail) {
        (Scope::Departed(_), _) => Query::new(object, "Id,SystemModstamp,MasterRecordId"),
        (_, Detail::Ids) => Query::new(object, "Id,SystemModstamp"),
        (_, Detail::Full) => full,
    }
}

/// The records with this name; Salesforce keeps none with blanks around it.
fn named(name: &str) -> Vec<Condition> {
    let name = Some(name.trim()).filter(|it| !it.is_empty());
    let name = name.and_then(Literal::text);
    Vec::from_iter(name.map(|it| compare("Name", "=", &it)))
}

/// The records with one of these addresses; an empty one would find those without an address.
fn by_email(emails: &[String]) -> Vec<Condition> {
    let emails = emails
        .iter()
        .map(|it| it.trim())
        .filter(|it| !it.is_empty());
    let batches = soql::batches(emails.filter_map(Literal::text));
    batches.iter().map(|it| among("Email", it)).collect()
}

fn one<T>(found: Page<T>, kind: Kind, id: &str) -> Result<T> {
    let skipped = found.end.skipped.into_iter().next();
    let missing = || match skipped {
        Some(it) => Error::other(it.reason),
        None => Error::not_found(format!("Salesforce has no {} {id}", kind.name)),
    };
    found.items.into_iter().next().ok_or_else(missing)
}

/// Whether e-mails are logged as e-mail messages, and not as tasks.
fn are_messages() -> bool {
    settings::get("email-as").as_deref() == Some("email-message")
}

/// A new activity with the host's key, if the org has a field for it.
fn keyed(mut body: Body, key: String) -> Body {
    if let Some(field) = activity::key_field() {
        body.set(&field, key.into());
    }
    body
}
