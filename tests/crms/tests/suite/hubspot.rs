//! The connector to HubSpot.

mod find;
mod log;
mod read;
mod write;

use brightsync_crms::Crm as _;
use brightsync_crms::hubspot::HubSpot as Account;
use brightsync_sdk::{Change, Connector as _, Edit, Page, PageRequest, Patch, Result};
use hubspot::HubSpot;

use crate::desk::Desk;

/// The account, with a connection by sign-in.
struct Hub(Desk<Account>);

impl Hub {
    fn new() -> Self {
        let mut account = Account::new();
        let token = account.private_app();
        let user = account.user().to_string();
        let bearer = format!("Bearer {token}");
        let desk = Desk::new(
            account,
            "https://api.hubapi.com/",
            ("authorization", &bearer),
        );
        let desk = desk.setting("user-id", &user);
        Self(desk.setting("hub-domain", "our.example"))
    }

    /// Has custom fields read.
    fn wanting(self, object: &str, fields: &[&str]) -> Self {
        Self(self.0.wanted(object, fields))
    }

    /// Makes a call, after which nothing may have been asked that HubSpot does not know.
    #[track_caller]
    fn call<T>(&self, call: impl FnOnce(&HubSpot) -> Result<T>) -> Result<T> {
        let result = self.0.run(|| call(&HubSpot::open()?));
        assert_eq!(self.crm().office.violations(), [] as [String; 0]);
        result
    }

    fn crm(&self) -> std::cell::RefMut<'_, Account> {
        self.0.crm()
    }

    /// Reads a list to its end.
    #[track_caller]
    fn all<T>(
        &self,
        size: u32,
        read: impl Fn(&HubSpot, PageRequest) -> Result<Page<T>>,
    ) -> Result<Page<T>> {
        self.call(|hub| {
            let (mut all, mut token) = (Page::empty(), None);
            loop {
                let request = PageRequest {
                    token,
                    ..PageRequest::first(size)
                };
                let page = read(hub, request)?;
                assert!(page.items.len() <= 200, "{}", page.items.len());
                token = page.end.next.clone();
                let end = page.end.clone();
                all.append(page);
                if token.is_none() {
                    return Ok(all.with_end(end));
                }
            }
        })
    }

    /// How many requests were made of these paths since the last count.
    fn count(&self, path: &str) -> usize {
        let mut crm = self.crm();
        let count = crm
            .office
            .seen()
            .iter()
            .filter(|it| it.path.contains(path))
            .count();
        crm.office.forget();
        count
    }
}

/// The id of an entry of a read.
fn id<T>(change: &Change<T>, of: impl Fn(&T) -> String) -> String {
    match change {
        Change::Present(it) => of(it),
        Change::IdOnly(id) => id.clone(),
        Change::Departed(it) => it.id.clone(),
    }
}

fn patch(edits: &[(&str, Edit)]) -> Patch {
    let edits = edits.iter().map(|it| (it.0.to_owned(), it.1.clone()));
    Patch::new(edits.collect())
}

fn set(json: &str) -> Edit {
    Edit::Set(json.to_owned())
}

fn fields(incomplete: &[brightsync_sdk::InvalidField]) -> Vec<&str> {
    incomplete
        .iter()
        .filter_map(|it| it.field.as_deref())
        .collect()
}

/// A person by given name, family name and address.
fn person(hub: &Hub, given: &str, family: &str, email: &str) -> String {
    hub.crm().add_person(&brightsync_crms::Person {
        given: given.to_owned(),
        family: family.to_owned(),
        email: Some(email.to_owned()).filter(|it| !it.is_empty()),
        ..brightsync_crms::Person::default()
    })
}
