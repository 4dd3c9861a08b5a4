//! A scene in an EspoCRM: its stand-in, and a connection to it.

use brightsync_core::manifest::Manifest;
use brightsync_crms::{Colleague, Company, Deal, Kind, Logged, Outcome, Person, Trouble};
use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Value, json};

use super::{Restricted, Scene, cloud};
use crate::connector;
use crate::customer::Customer;
use crate::espocrm::{Entity, EspoCrm, Fault, Options};
use crate::world::bytes;

/// A site of EspoCRM, and a connection of its API user.
pub struct Espo {
    site: EspoCrm,
    customer: Customer,
    manifest: Manifest,
}

impl Espo {
    /// Starts a site that has the field for BrightSync's key, as the connector's page recommends, and connects.
    pub async fn open() -> Self {
        Self::open_with(&bytes(connector::ESPOCRM)).await
    }

    /// Likewise with a component of the connector that is not the one of today.
    pub async fn open_with(component: &[u8]) -> Self {
        let options = Options {
            custom: vec![
                (Entity::Email, "cBrightsyncKey"),
                (Entity::Meeting, "cBrightsyncKey"),
            ],
            import_access: true,
            ..Options::default()
        };
        let site = EspoCrm::start(options).await.expect("a port is free");
        let customer = Customer::at_time(
            connector::ESPOCRM,
            component,
            &site.url(),
            site.clock(),
            ("api-key", &[("key", &site.api_key())]),
            &[("key-field", "cBrightsyncKey")],
        )
        .await;
        Self {
            site,
            customer,
            manifest: cloud::shipped(component),
        }
    }

    fn owner(&self, owner: Option<String>) -> String {
        owner.unwrap_or_else(|| self.site.api_user())
    }

    fn seed<T>(
        &self,
        entity: Entity,
        things: Vec<T>,
        fields: impl Fn(T) -> Value,
    ) -> BoxFuture<'static, Vec<String>> {
        let ids = things
            .into_iter()
            .map(|it| self.site.seed(entity, &fields(it)));
        ready(ids.collect()).boxed()
    }
}

fn entity(kind: Kind) -> Entity {
    match kind {
        Kind::Company => Entity::Account,
        Kind::Person => Entity::Contact,
        Kind::Email => Entity::Email,
        Kind::Meeting => Entity::Meeting,
    }
}

impl Scene for Espo {
    fn customer(&self) -> &Customer {
        &self.customer
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn me(&self) -> BoxFuture<'_, String> {
        ready(self.site.api_user()).boxed()
    }

    fn now(&self) -> i64 {
        (self.site.clock())()
    }

    fn pass(&self, milliseconds: i64) {
        self.site.pass((milliseconds + 999) / 1_000);
    }

    fn fall_behind(&self, _: i64) {}

    fn trouble(&self, times: u32, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Limit => Fault::Status(429),
            Trouble::Outage => Fault::Status(503),
            Trouble::Cut => Fault::CloseAfterCommit,
        };
        for _ in 0..times {
            self.site.fail("GET", fault);
        }
    }

    fn calm(&self) {
        self.site.calm();
    }

    fn revoke(&self) {
        self.site.lock_out(true);
    }

    fn restrict(&self) -> Restricted {
        self.site.deny(Entity::Contact, "read");
        Restricted::reading("EspoCRM")
    }

    fn violations(&self) -> Vec<String> {
        self.site.violations()
    }

    fn add_user(&self, user: Colleague) -> BoxFuture<'_, String> {
        self.seed(Entity::User, vec![user], |it| {
            json!({"userName": "olga", "lastName": it.name, "type": "regular", "emailAddress": it.email})
        })
        .map(|it| it.concat())
        .boxed()
    }

    fn add_companies(&self, companies: Vec<Company>) -> BoxFuture<'_, Vec<String>> {
        self.seed(Entity::Account, companies, |it| {
            json!({"name": it.name, "website": it.domain, "assignedUserId": self.owner(it.owner)})
        })
    }

    fn add_people(&self, people: Vec<Person>) -> BoxFuture<'_, Vec<String>> {
        self.seed(Entity::Contact, people, |it| {
            let mut fields = json!({
                "firstName": it.given, "lastName": it.family, "emailAddress": it.email,
                "assignedUserId": self.owner(it.owner),
            });
            if let (Some(company), Some(fields)) = (it.company, fields.as_object_mut()) {
                fields.insert("accountId".to_owned(), company.into());
            }
            fields
        })
    }

    fn add_deals(&self, deals: Vec<Deal>) -> BoxFuture<'_, Vec<String>> {
        self.seed(Entity::Opportunity, deals, |it| {
            let stage = match it.outcome {
                Outcome::Open => "Negotiation",
                Outcome::Won => "Closed Won",
                Outcome::Lost => "Closed Lost",
            };
            let amount: f64 = it.amount.parse().expect("an amount");
            json!({
                "name": it.name, "stage": stage, "amount": amount, "amountCurrency": "EUR",
                "accountId": it.company, "contactsIds": Vec::from_iter(it.person),
                "assignedUserId": self.owner(None),
            })
        })
    }

    fn rename<'a>(&'a self, people: &'a [String], family: &'a str) -> BoxFuture<'a, ()> {
        for id in people {
            let fields = json!({ "lastName": family });
            self.site.edit(Entity::Contact, id, &fields);
        }
        ready(()).boxed()
    }

    fn give<'a>(&'a self, people: &'a [String], owner: &'a str) -> BoxFuture<'a, ()> {
        for id in people {
            let fields = json!({ "assignedUserId": owner });
            self.site.edit(Entity::Contact, id, &fields);
        }
        ready(()).boxed()
    }

    fn remove<'a>(&'a self, kind: Kind, ids: &'a [String]) -> BoxFuture<'a, ()> {
        for id in ids {
            self.site.remove(entity(kind), id);
        }
        ready(()).boxed()
    }

    fn people(&self) -> BoxFuture<'_, Vec<String>> {
        ready(self.site.ids(Entity::Contact)).boxed()
    }

    fn logged(&self, kind: Kind) -> BoxFuture<'_, Vec<Logged>> {
        let text = |it: &Value, name: &str| {
            let text = it.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let logged = |it: &Value| Logged {
            id: text(it, "id"),
            subject: text(it, "name"),
            body: format!("{} {}", text(it, "body"), text(it, "bodyPlain")),
            about: linked(it),
        };
        let all = self.site.records(entity(kind));
        ready(all.iter().map(logged).collect()).boxed()
    }
}

/// The records that an e-mail or a meeting is linked with: its parent, and its contacts.
fn linked(record: &Value) -> Vec<String> {
    let parent = record.get("parentId").and_then(Value::as_str);
    let contacts = record.get("contactsIds").and_then(Value::as_array);
    let contacts = contacts.into_iter().flatten().filter_map(Value::as_str);
    parent
        .into_iter()
        .chain(contacts)
        .map(str::to_owned)
        .collect()
}
