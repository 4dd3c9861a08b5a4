//! A connector to Tryton 8.2: the functions of the contract, each as the requests that it takes.

mod api;
mod departure;
mod edit;
mod html;
mod log;
mod map;
mod note;
mod query;
mod read;
mod setup;
#[cfg(test)]
mod tests;

use brightsync_sdk::{
    Account, Change, Connector, Contact, EmailKey, Error, Id, InvalidField, MeetingKey, NewAccount,
    NewContact, NewEmail, NewMeeting, Opportunity, Page, PageRequest, Patch, ReadRequest, Reason,
    Result, User, Whoami, Written, http,
};

use api::{Api, PARTY, Party};
use note::Log;
use query::is;
use setup::{Kind, Setup, number, numbers};

struct Tryton {
    api: Api,
    setup: Setup,
}

impl Connector for Tryton {
    fn open() -> Result<Self> {
        Ok(Self {
            api: Api::new(),
            setup: Setup::open()?,
        })
    }

    fn get_me(&self) -> Result<Whoami> {
        let requests = vec![self.api.preferences(), self.api.probe("sale.opportunity")];
        let [me, opportunities] = <[_; 2]>::try_from(http::send_all(requests))
            .map_err(|_| Error::other("an answer is missing"))?;
        let me = me?.read(map::preferences)?;
        let opportunities = match opportunities.map_err(|it| it.reason) {
            Ok(_) => None,
            Err(Reason::Forbidden(_)) => Some("forbidden"),
            // Without the module there is no such model.
            Err(Reason::Other) => Some("unsupported"),
            Err(reason) => return Err(Error::new(reason, "Tryton does not say what it has")),
        };
        let mine = vec![is("applications", "in", me.applications.as_slice())];
        let user = self.first("res.user", mine, read::USER, |it| map::user(it, &[]))?;
        let user = user.ok_or_else(|| {
            Error::unauthorized("Tryton does not say whose key this is: make a new one")
        })?;
        Ok(map::whoami(me, user, opportunities, &self.setup))
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        self.users(&[query::archived_too()], &page)
    }

    fn get_users_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<User>> {
        let mut domains = Vec::new();
        for emails in emails.chunks(read::ALTERNATIVES) {
            let any = query::any_of("email", emails);
            domains.push(query::all(vec![any, query::archived_too()]));
        }
        self.users(&domains, &page)
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.create(edit::new_account(account)?)
    }

    fn get_account(&self, id: &str) -> Result<Account> {
        self.survivor(Kind::Account, id, map::account)
    }

    fn get_accounts(&self, ids: &[Id]) -> Result<Page<Account>> {
        self.get_all(Kind::Account, ids, map::account)
    }

    fn update_account(&self, id: &str, patch: Patch) -> Result<Written> {
        let party = self.current(Kind::Account, id, &patch)?;
        let draft = edit::account(&patch, &party)?;
        self.update(party, draft)
    }

    fn delete_account(&self, id: &str) -> Result<()> {
        self.delete(Kind::Account, id)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        self.read(Kind::Account, request, map::account)
    }

    fn get_accounts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Account>> {
        self.find(Kind::Account, vec![query::name(name)], &page, map::account)
    }

    fn get_accounts_by_domain(&self, domain: &str, page: PageRequest) -> Result<Page<Account>> {
        let condition = query::website(domain);
        self.find(Kind::Account, vec![condition], &page, map::account)
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        let accounts = contact.accounts.iter().map(|it| it.account.clone());
        let accounts: Vec<Id> = accounts.collect();
        let person = self.term("party.category", &self.setup.person, "person-category")?;
        let employment = self.employment(&accounts)?;
        self.create(edit::new_contact(contact, person, employment)?)
    }

    fn get_contact(&self, id: &str) -> Result<Contact> {
        self.survivor(Kind::Contact, id, map::contact)
    }

    fn get_contacts(&self, ids: &[Id]) -> Result<Page<Contact>> {
        self.get_all(Kind::Contact, ids, map::contact)
    }

    fn update_contact(&self, id: &str, patch: Patch) -> Result<Written> {
        let party = self.current(Kind::Contact, id, &patch)?;
        let employment = match edit::named_accounts(&patch)? {
            Some(accounts) => self.employment(&accounts)?,
            None => None,
        };
        let draft = edit::contact(&patch, &party, &self.setup, employment)?;
        self.update(party, draft)
    }

    fn delete_contact(&self, id: &str) -> Result<()> {
        self.delete(Kind::Contact, id)
    }

    fn get_my_contacts(&self, request: ReadRequest) -> Result<Page<Change<Contact>>> {
        self.read(Kind::Contact, request, map::contact)
    }

    fn get_contacts_by_name(&self, name: &str, page: PageRequest) -> Result<Page<Contact>> {
        self.find(Kind::Contact, vec![query::name(name)], &page, map::contact)
    }

    fn get_contacts_by_email(&self, emails: &[String], page: PageRequest) -> Result<Page<Contact>> {
        let conditions = emails.chunks(read::ALTERNATIVES).map(query::emails);
        self.find(Kind::Contact, conditions.collect(), &page, map::contact)
    }

    fn get_contacts_by_email_domain(
        &self,
        domain: &str,
        page: PageRequest,
    ) -> Result<Page<Contact>> {
        let condition = query::email_domain(domain);
        self.find(Kind::Contact, vec![condition], &page, map::contact)
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        let key = email.key.key.clone();
        self.log(Log::Email, &key, note::email(email))
    }

    fn update_email(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Email, id, |note, about| {
            note::edit_email(&patch, note, about)
        })
    }

    fn delete_email(&self, id: &str) -> Result<()> {
        self.unlog(Log::Email, id)
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        self.logged(Log::Email, &key.key, &key.about)
    }

    fn create_meeting(&self, meeting: NewMeeting) -> Result<Written> {
        let key = meeting.key.key.clone();
        self.log(Log::Meeting, &key, note::meeting(meeting))
    }

    fn update_meeting(&self, id: &str, patch: Patch) -> Result<Written> {
        self.relog(Log::Meeting, id, |note, about| {
            note::edit_meeting(&patch, note, about)
        })
    }

    fn delete_meeting(&self, id: &str) -> Result<()> {
        self.unlog(Log::Meeting, id)
    }

    fn find_meeting(&self, key: MeetingKey) -> Result<Vec<Id>> {
        self.logged(Log::Meeting, &key.key, &key.about)
    }

    fn get_opportunities_for_contacts(
        &self,
        contacts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let contacts = numbers(contacts);
        if contacts.is_empty() {
            return Ok(Page::empty());
        }
        let condition = query::any(vec![
            is("party", "in", contacts.as_slice()),
            is("contact.party", "in", contacts),
        ]);
        self.opportunities(condition, &page)
    }

    fn get_opportunities_for_accounts(
        &self,
        accounts: &[Id],
        page: PageRequest,
    ) -> Result<Page<Opportunity>> {
        let accounts = numbers(accounts);
        if accounts.is_empty() {
            return Ok(Page::empty());
        }
        let condition = query::all(vec![is("party", "in", accounts)]);
        self.opportunities(condition, &page)
    }
}

brightsync_sdk::export!(Tryton);

impl Tryton {
    fn create(&self, (values, incomplete): edit::Draft) -> Result<Written> {
        let request = self.api.create(&values, &self.setup.fields());
        self.written(request, incomplete)
    }

    /// Writes a party, unless there is nothing to write: that would make it look changed.
    fn update(&self, party: Party, (values, incomplete): edit::Draft) -> Result<Written> {
        if values.is_empty() {
            return Ok(Written {
                incomplete,
                ..map::wrote(party, &self.setup)?
            });
        }
        let fields = self.setup.fields();
        let request = self.api.change(party.id, &values, &fields);
        self.written(request, incomplete)
    }

    fn written(&self, request: http::Request, incomplete: Vec<InvalidField>) -> Result<Written> {
        let written = request.send()?.read(|it| map::written(it, &self.setup))?;
        Ok(Written {
            incomplete,
            ..written
        })
    }

    /// Deletes a party, but only as what it is.
    fn delete(&self, kind: Kind, id: &str) -> Result<()> {
        let party = self.party(kind, id)?;
        self.api.delete(PARTY, party.id).send().map(drop)
    }

    /// Reads the party that a patch is for, and compares its version.
    ///
    /// Tryton's REST API has no conditional write, so a change within the next moments goes unseen.
    fn current(&self, kind: Kind, id: &str, patch: &Patch) -> Result<Party> {
        let party = self.party(kind, id)?;
        let version = party.changed.as_ref().map(|it| &it.0);
        if patch.if_version.is_some() && patch.if_version.as_ref() != version {
            let word = kind.word();
            let message = format!("the {word} {id} has changed: read it again");
            return Err(Error::stale(message));
        }
        Ok(party)
    }

    /// Finds the relation type for these companies, which must exist: Tryton does not look.
    fn employment(&self, accounts: &[Id]) -> Result<Option<i64>> {
        let Some(employment) = &self.setup.employment else {
            return Ok(None);
        };
        if !accounts.is_empty() {
            let there = self.existing(Kind::Account, &numbers(accounts))?;
            let is_there = |it: &Id| number(it).is_ok_and(|it| there.contains(&it));
            if let Some(account) = accounts.iter().find(|it| !is_there(it)) {
                let reason = format!("there is no account {account}");
                return Err(Error::invalid("accounts", reason));
            }
        }
        let kind = self.term("party.relation.type", employment, "employment");
        kind.map(Some)
    }

    /// Finds a category or a relation type by its name.
    fn term(&self, model: &str, name: &str, setting: &str) -> Result<i64> {
        let named = vec![is("name", "=", name)];
        let term = self.first(model, named, &["id"], |it| it.need("id"))?;
        term.ok_or_else(|| {
            let reason = format!(
                "Tryton has no {model} named {name:?}: have an administrator create it, or set another name"
            );
            Error::invalid(format!("settings.{setting}"), reason)
        })
    }
}
