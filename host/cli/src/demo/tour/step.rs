//! One step of the tour: the call of each function, and what its answer has to be.

use brightsync_core::crm::account::{Account, NewAccount};
use brightsync_core::crm::contact::{Affiliation, Contact, ContactPoint, NewContact};
use brightsync_core::crm::email::{Direction, NewEmail};
use brightsync_core::crm::meeting::{Attendee, NewMeeting};
use brightsync_core::crm::page::{Change, Owner, Page, PageRequest, ReadRequest};
use brightsync_core::crm::write::{Edit, Patch};
use brightsync_core::crm::{Id, Moment, Party, Ref};
use brightsync_core::domain::Domain;
use brightsync_core::function::Function;
use serde_json::json;

use super::{Failure, Tour};
use crate::text;

/// How many records a list is asked for.
const SOME: u32 = 50;

type Answer = Result<String, Failure>;

impl Tour<'_> {
    /// Calls one function and says what came of it.
    pub(super) async fn step(&mut self, function: Function) -> Answer {
        match function {
            Function::GetMe | Function::GetUsers | Function::GetUsersByEmail => {
                self.user(function).await
            }
            Function::CreateAccount
            | Function::GetAccount
            | Function::GetAccounts
            | Function::UpdateAccount
            | Function::DeleteAccount
            | Function::GetMyAccounts
            | Function::GetAccountsByName
            | Function::GetAccountsByDomain => self.account(function).await,
            Function::CreateContact
            | Function::GetContact
            | Function::GetContacts
            | Function::UpdateContact
            | Function::DeleteContact => self.contact(function).await,
            Function::GetMyContacts
            | Function::GetContactsByName
            | Function::GetContactsByEmail
            | Function::GetContactsByEmailDomain => self.contacts(function).await,
            Function::CreateEmail
            | Function::UpdateEmail
            | Function::DeleteEmail
            | Function::FindEmail => self.email(function).await,
            Function::CreateMeeting
            | Function::UpdateMeeting
            | Function::DeleteMeeting
            | Function::FindMeeting => self.meeting(function).await,
            Function::GetOpportunitiesForContacts | Function::GetOpportunitiesForAccounts => {
                self.opportunities(function).await
            }
        }
    }

    async fn user(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        match function {
            Function::GetMe => {
                let me = connection.get_me().await?;
                self.user = me.user;
                self.capabilities = me.capabilities;
                let name = self.user.as_ref().map_or("nobody", |it| &it.name);
                let org = me.org_name.unwrap_or_else(|| me.org_id.to_string());
                Ok(format!(
                    "{} of {}",
                    text::outside(name),
                    text::outside(&org)
                ))
            }
            Function::GetUsers => {
                let users = connection.get_users(some()).await?.items;
                let me = self.user.as_ref().map(|it| &it.id);
                right(
                    me.is_none() || users.iter().any(|it| Some(&it.id) == me),
                    "the connected user is not among the users",
                )?;
                if self.user.as_ref().is_none_or(|it| it.emails.is_empty()) {
                    self.user = users.iter().find(|it| !it.emails.is_empty()).cloned();
                }
                Ok(text::count(users.len(), "user"))
            }
            _ => {
                let user = self.user.as_ref().ok_or(Failure::Needs("a user"))?;
                let address = user.emails.first().ok_or(Failure::Needs("an address"))?;
                let shouted = vec![address.to_uppercase()];
                let found = connection.get_users_by_email(shouted, some()).await?.items;
                right(
                    found.iter().any(|it| it.id == user.id),
                    "the user was not found by their address",
                )?;
                Ok(format!("{} found", text::outside(&user.name)))
            }
        }
    }

    async fn account(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        match function {
            Function::CreateAccount => {
                let account = NewAccount {
                    name: format!("Demonstration {}", self.stamp),
                    domains: vec![self.domain()],
                    ..NewAccount::default()
                };
                let id = connection.create_account(account).await?.id;
                self.account = Some(id.clone());
                Ok(shown(&id))
            }
            Function::GetAccount => {
                let account = connection.get_account(made(&self.account)?).await?;
                let name = format!("Demonstration {}", self.stamp);
                right(account.name == name, "its name is another one")?;
                Ok(text::outside(&account.name).into_owned())
            }
            Function::GetAccounts => {
                let id = made(&self.account)?;
                let found = connection.get_accounts(vec![id.clone()]).await?;
                right(
                    ids_of_accounts(&found) == [id],
                    "it is not the one asked for",
                )?;
                Ok("the one asked for".to_owned())
            }
            Function::UpdateAccount => {
                let name = self.account_name();
                let patch = edit("name", Edit::Set(json!(name)));
                connection
                    .update_account(made(&self.account)?, patch)
                    .await?;
                Ok(format!("now {name}"))
            }
            Function::GetMyAccounts => {
                let page = connection.get_my_accounts(self.read(function)).await?;
                self.some_accounts = ids_of_accounts(&page);
                Ok(format!(
                    "{} on the first page",
                    text::count(page.items.len(), "account")
                ))
            }
            Function::GetAccountsByName => {
                let page = connection.get_accounts_by_name(self.account_name(), some());
                self.is_found(&ids_of_accounts(&page.await?), &self.account)
            }
            Function::GetAccountsByDomain => {
                let page = connection.get_accounts_by_domain(self.parsed_domain()?, some());
                let found = self.is_found(&ids_of_accounts(&page.await?), &self.account)?;
                let by_host = if connection.has(function) {
                    ""
                } else {
                    " through its contact, by the host"
                };
                Ok(format!("{found}{by_host}"))
            }
            _ => {
                let id = made(&self.account)?;
                connection.delete_account(id.clone()).await?;
                if connection.has(Function::GetAccounts) {
                    let left = connection.get_accounts(vec![id]).await?;
                    right(left.items.is_empty(), "it is still there")?;
                }
                Ok("gone".to_owned())
            }
        }
    }

    async fn contact(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        match function {
            Function::CreateContact => {
                let account = self.account.clone().map(|account| Affiliation {
                    account,
                    primary: true,
                    role: None,
                });
                let contact = NewContact {
                    full_name: Some(self.contact_name()),
                    given_name: Some("Ada".to_owned()),
                    family_name: Some(format!("Demo{}", self.stamp)),
                    emails: vec![ContactPoint {
                        value: self.address("ada"),
                        primary: true,
                        label: None,
                    }],
                    accounts: account.into_iter().collect(),
                    ..NewContact::default()
                };
                let id = connection.create_contact(contact).await?.id;
                self.contact = Some(id.clone());
                Ok(shown(&id))
            }
            Function::GetContact => {
                let contact = connection.get_contact(made(&self.contact)?).await?;
                let address = self.address("ada");
                right(
                    contact.emails.iter().any(|it| it.value == address),
                    "its address is missing",
                )?;
                right(
                    self.account.is_none()
                        || contact
                            .accounts
                            .iter()
                            .any(|it| Some(&it.account) == self.account.as_ref()),
                    "it does not belong to the account",
                )?;
                Ok(text::outside(contact.full_name.as_deref().unwrap_or("no name")).into_owned())
            }
            Function::GetContacts => {
                let id = made(&self.contact)?;
                let found = connection.get_contacts(vec![id.clone()]).await?;
                right(
                    ids_of_contacts(&found) == [id],
                    "it is not the one asked for",
                )?;
                Ok("the one asked for".to_owned())
            }
            Function::UpdateContact => {
                let address = self.address("ada.second");
                let second = Edit::Add(json!({"value": address, "primary": false}));
                let patch = edit("emails", second);
                connection
                    .update_contact(made(&self.contact)?, patch)
                    .await?;
                Ok(format!("{address} added"))
            }
            _ => {
                let id = made(&self.contact)?;
                connection.delete_contact(id.clone()).await?;
                if connection.has(Function::GetContacts) {
                    let left = connection.get_contacts(vec![id]).await?;
                    right(left.items.is_empty(), "it is still there")?;
                }
                Ok("gone".to_owned())
            }
        }
    }

    async fn contacts(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        let found = match function {
            Function::GetMyContacts => {
                let page = connection.get_my_contacts(self.read(function)).await?;
                self.some_contacts = ids_of_contacts(&page);
                return Ok(format!(
                    "{} on the first page",
                    text::count(page.items.len(), "contact")
                ));
            }
            Function::GetContactsByName => {
                let name = self.contact_name().to_uppercase();
                connection.get_contacts_by_name(name, some()).await?
            }
            Function::GetContactsByEmail => {
                let address = if connection.has(Function::UpdateContact) {
                    "ada.second"
                } else {
                    "ada"
                };
                let addresses = vec![self.address("nobody"), self.address(address)];
                connection.get_contacts_by_email(addresses, some()).await?
            }
            _ => {
                let domain = self.parsed_domain()?;
                connection
                    .get_contacts_by_email_domain(domain, some())
                    .await?
            }
        };
        self.is_found(&ids_of_contacts(&found), &self.contact)
    }

    async fn email(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        match function {
            Function::CreateEmail => {
                let email = NewEmail {
                    key: self.email_key(),
                    thread: None,
                    direction: Direction::Incoming,
                    sender: self.ada(),
                    to: vec![self.me()],
                    cc: Vec::new(),
                    bcc: Vec::new(),
                    text: Some("Dear all,\n\nplease find our offer below.\n".to_owned()),
                    html: None,
                    attachments: Vec::new(),
                    owner: None,
                    extra: Default::default(),
                };
                let id = connection.create_email(email).await?.id;
                self.email = Some(id.clone());
                Ok(shown(&id))
            }
            Function::FindEmail => {
                let found = connection.find_email(self.email_key()).await?;
                self.is_found(&found, &self.email)
            }
            Function::UpdateEmail => {
                let address = self.address("ada.second");
                let patch = edit("cc", Edit::Add(json!({"address": address})));
                connection.update_email(made(&self.email)?, patch).await?;
                Ok(format!("{address} in copy"))
            }
            _ => {
                connection.delete_email(made(&self.email)?).await?;
                let left = connection.find_email(self.email_key()).await?;
                right(left.is_empty(), "it is still there")?;
                Ok("gone".to_owned())
            }
        }
    }

    async fn meeting(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        match function {
            Function::CreateMeeting => {
                let key = self.meeting_key();
                let end = match &key.start {
                    Moment::At(start) => Moment::At(start + 1_800_000),
                    Moment::On(day) => Moment::On(day.clone()),
                };
                let meeting = NewMeeting {
                    key,
                    end,
                    timezone: Some("Europe/Berlin".to_owned()),
                    status: "confirmed".to_owned(),
                    location: Some("Room 1".to_owned()),
                    text: None,
                    organiser: self.me(),
                    attendees: vec![Attendee {
                        party: self.ada(),
                        response: Some("accepted".to_owned()),
                        role: Some("required".to_owned()),
                    }],
                    owner: None,
                    extra: Default::default(),
                };
                let id = connection.create_meeting(meeting).await?.id;
                self.meeting = Some(id.clone());
                Ok(shown(&id))
            }
            Function::FindMeeting => {
                let found = connection.find_meeting(self.meeting_key()).await?;
                self.is_found(&found, &self.meeting)
            }
            Function::UpdateMeeting => {
                let patch = edit("location", Edit::Set(json!("Room 2")));
                connection
                    .update_meeting(made(&self.meeting)?, patch)
                    .await?;
                Ok("now in Room 2".to_owned())
            }
            _ => {
                connection.delete_meeting(made(&self.meeting)?).await?;
                let left = connection.find_meeting(self.meeting_key()).await?;
                right(left.is_empty(), "it is still there")?;
                Ok("gone".to_owned())
            }
        }
    }

    async fn opportunities(&mut self, function: Function) -> Answer {
        let connection = self.connection;
        let found = if function == Function::GetOpportunitiesForContacts {
            let contacts = self.some_contacts.clone();
            let found = connection
                .get_opportunities_for_contacts(contacts, some())
                .await?;
            right(
                found.items.iter().all(|it| {
                    it.participants
                        .iter()
                        .any(|it| self.some_contacts.contains(&it.contact))
                }),
                "one has none of the contacts",
            )?;
            found
        } else {
            let accounts = self.some_accounts.clone();
            let found = connection
                .get_opportunities_for_accounts(accounts, some())
                .await?;
            right(
                found.items.iter().all(|it| {
                    it.account
                        .as_ref()
                        .is_some_and(|it| self.some_accounts.contains(it))
                }),
                "one is of none of the accounts",
            )?;
            found
        };
        let count = found.items.len();
        let plural = if count == 1 { "y" } else { "ies" };
        Ok(format!("{count} opportunit{plural} on the first page"))
    }

    /// The records that the e-mail and the meeting are logged with.
    pub(super) fn about(&self) -> Vec<Ref> {
        let to = |kind: &str, id: &Option<Id>| {
            let id = id.clone()?;
            Some(Ref {
                kind: kind.to_owned(),
                id,
            })
        };
        [to("contact", &self.contact), to("account", &self.account)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn ada(&self) -> Party {
        Party {
            address: Some(self.address("ada")),
            name: Some(self.contact_name()),
            link: self.about().into_iter().find(|it| it.kind == "contact"),
            ..Party::default()
        }
    }

    fn me(&self) -> Party {
        let user = self.user.as_ref();
        Party {
            address: user.and_then(|it| it.emails.first().cloned()),
            name: user.map(|it| it.name.clone()),
            ..Party::default()
        }
    }

    fn read(&self, function: Function) -> ReadRequest {
        let owner = if self.knows_me(function) {
            Owner::Me
        } else {
            Owner::Anyone
        };
        ReadRequest {
            owner,
            page: some(),
            ..ReadRequest::default()
        }
    }

    fn parsed_domain(&self) -> Result<Domain, Failure> {
        self.domain()
            .parse()
            .map_err(|_| Failure::Answer("the domain is none".to_owned()))
    }

    fn is_found(&self, found: &[Id], wanted: &Option<Id>) -> Answer {
        let id = made(wanted)?;
        right(found.contains(&id), "what was created was not found")?;
        Ok("found".to_owned())
    }
}

fn some() -> PageRequest {
    PageRequest {
        size: SOME,
        ..PageRequest::default()
    }
}

fn edit(field: &str, edit: Edit) -> Patch {
    Patch {
        edits: vec![(field.to_owned(), edit)],
        if_version: None,
    }
}

fn made(id: &Option<Id>) -> Result<Id, Failure> {
    id.clone().ok_or(Failure::Needs("the record"))
}

fn right(is_right: bool, problem: &str) -> Result<(), Failure> {
    if is_right {
        return Ok(());
    }
    Err(Failure::Answer(problem.to_owned()))
}

fn shown(id: &Id) -> String {
    format!("{} created", text::outside(id.as_str()))
}

fn ids_of_accounts(page: &Page<Change<Account>>) -> Vec<Id> {
    ids(page, |it| &it.id)
}

fn ids_of_contacts(page: &Page<Change<Contact>>) -> Vec<Id> {
    ids(page, |it| &it.ref_.id)
}

fn ids<T>(page: &Page<Change<T>>, id: impl Fn(&T) -> &Id) -> Vec<Id> {
    let ids = page.items.iter().map(|it| match it {
        Change::Present(record) => id(record).clone(),
        Change::IdOnly(id) => id.clone(),
        Change::Departed(departure) => departure.id.clone(),
    });
    ids.collect()
}
