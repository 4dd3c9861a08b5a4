//! Writes into a CRM that takes everything, and finds it again; told to, it settles by itself what it is in doubt about.

use brightsync_guests::{deed, done};
use brightsync_sdk::http::Client;
use brightsync_sdk::{
    Account, Connector, Contact, ContactPoint, EmailKey, Id, NewAccount, NewContact, NewEmail,
    OrFind as _, Page, PageRequest, Ref, Result, Whoami, Written,
};
use serde::Deserialize;
use serde_json::{Value, json};

struct Clerk(Client);

/// What the CRM has of a person, a company or a message.
#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    name: String,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Clerk {
    fn write(&self, kind: &str, body: &Value) -> Result<Written> {
        let created: Created = self.0.post(kind).json(body).send()?.json()?;
        Ok(Written::new(created.id))
    }

    fn find(&self, kind: &str, matches: impl Fn(&Record) -> bool) -> Result<Vec<Record>> {
        let mut records: Vec<Record> = self.0.get(kind).send()?.json()?;
        records.retain(matches);
        Ok(records)
    }

    fn people(&self, emails: &[String]) -> Result<Vec<Record>> {
        self.find("contacts", |it| {
            it.keys.iter().any(|key| emails.contains(key))
        })
    }
}

impl Connector for Clerk {
    fn open() -> Result<Self> {
        Ok(Self(Client::new()))
    }

    fn get_me(&self) -> Result<Whoami> {
        Ok(done())
    }

    fn create_contact(&self, contact: NewContact) -> Result<Written> {
        let emails: Vec<String> = contact.emails.into_iter().map(|it| it.value).collect();
        let written = self.write("contacts", &json!({ "keys": emails }));
        if deed() != "settle" {
            return written;
        }
        written.or_find(|| {
            let found = self.people(&emails)?.into_iter().next();
            Ok(found.map(|it| Written::new(it.id)))
        })
    }

    fn get_contacts_by_email(
        &self,
        emails: &[String],
        _page: PageRequest,
    ) -> Result<Page<Contact>> {
        let contact = |it: Record| Contact {
            emails: it.keys.into_iter().map(ContactPoint::primary).collect(),
            ..Contact::new(Ref::contact(it.id))
        };
        let people = self.people(emails)?;
        Ok(Page::last(people.into_iter().map(contact).collect()))
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        self.write(
            "accounts",
            &json!({ "name": account.name, "keys": account.domains }),
        )
    }

    fn get_accounts_by_name(&self, name: &str, _page: PageRequest) -> Result<Page<Account>> {
        let found = self.find("accounts", |it| it.name == name)?;
        Ok(Page::last(found.into_iter().map(account).collect()))
    }

    fn get_accounts_by_domain(&self, domain: &str, _page: PageRequest) -> Result<Page<Account>> {
        let found = self.find("accounts", |it| it.keys.iter().any(|key| key == domain))?;
        Ok(Page::last(found.into_iter().map(account).collect()))
    }

    fn create_email(&self, email: NewEmail) -> Result<Written> {
        self.write("emails", &json!({ "keys": [email.key.key] }))
    }

    fn find_email(&self, key: EmailKey) -> Result<Vec<Id>> {
        let found = self.find("emails", |it| it.keys.contains(&key.key))?;
        Ok(found.into_iter().map(|it| it.id).collect())
    }
}

fn account(it: Record) -> Account {
    Account {
        domains: it.keys,
        ..Account::new(it.id, it.name)
    }
}

brightsync_sdk::export!(Clerk);
