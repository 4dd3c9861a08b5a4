//! A scene in the sandbox CRM: the real server, and a connection to it.

use std::sync::atomic::{AtomicBool, Ordering};

use brightsync_core::manifest::Manifest;
use brightsync_crms::{Colleague, Company, Deal, Kind, Logged, Outcome, Person, Trouble};
use brightsync_sandbox::{Fault, Options, Rule, Server};
use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Map, Value, json};

use super::{Restricted, Scene, cloud};
use crate::connector;
use crate::customer::Customer;
use crate::ways::Time;
use crate::world::bytes;

/// The sandbox with nothing but its users, and two connections: one of the first user, and one that only reads.
pub struct Sandbox {
    server: Server,
    time: Time,
    customer: Customer,
    reader: Customer,
    restricted: AtomicBool,
    manifest: Manifest,
}

impl Sandbox {
    /// Starts it and connects.
    pub async fn open() -> Self {
        Self::open_with(&bytes(connector::SANDBOX)).await
    }

    /// Likewise with a component of the connector that is not the one of today.
    pub async fn open_with(component: &[u8]) -> Self {
        let time = Time::at(brightsync_crms::START);
        let told = time.clone();
        let options = Options {
            clock: brightsync_sandbox::Clock::new(move || told.now()),
            ..Options::empty(1, 2)
        };
        let server = Server::start(options).await.expect("the sandbox starts");
        let credentials = server.credentials();
        let key = credentials.users[0].key.clone();
        let reader = credentials.read_only_key.clone();
        let connect = |key: String| {
            let (url, told) = (server.url().to_owned(), time.clone());
            let clock = move || told.now();
            async move {
                let fields: &[(&str, &str)] = &[("key", &key)];
                Customer::at_time(
                    connector::SANDBOX,
                    component,
                    &url,
                    clock,
                    ("api-key", fields),
                    &[],
                )
                .await
            }
        };
        Self {
            customer: connect(key).await,
            reader: connect(reader).await,
            restricted: AtomicBool::new(false),
            manifest: cloud::shipped(component),
            server,
            time,
        }
    }

    async fn put(&self, kind: &str, records: Vec<Value>) -> Vec<String> {
        let put = self
            .server
            .put(kind, records.into_iter().map(members).collect());
        put.await.expect("the sandbox takes records")
    }

    async fn edit(&self, people: &[String], fields: Value) {
        let edit = self.server.edit("contact", people, &members(fields)).await;
        edit.expect("the contacts are there");
    }

    fn owner(&self, owner: Option<String>) -> String {
        owner.unwrap_or_else(|| self.server.credentials().users[0].id.clone())
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no record"),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Company => "account",
        Kind::Person => "contact",
        Kind::Email => "email",
        Kind::Meeting => "meeting",
    }
}

impl Scene for Sandbox {
    fn customer(&self) -> &Customer {
        match self.restricted.load(Ordering::Relaxed) {
            true => &self.reader,
            false => &self.customer,
        }
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn me(&self) -> BoxFuture<'_, String> {
        ready(self.owner(None)).boxed()
    }

    fn now(&self) -> i64 {
        self.time.now()
    }

    fn pass(&self, milliseconds: i64) {
        self.time.pass((milliseconds + 999) / 1_000);
    }

    fn fall_behind(&self, _: i64) {}

    fn trouble(&self, times: u32, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Limit => Fault::TooManyRequests {
                retry_after: Some("1".to_owned()),
            },
            Trouble::Outage => Fault::Unavailable { retry_after: None },
            Trouble::Cut => Fault::Truncated,
        };
        self.server.faults().add(Rule {
            method: None,
            path: None,
            times,
            fault,
        });
    }

    fn calm(&self) {
        self.server.faults().clear();
    }

    fn revoke(&self) {
        self.server.faults().add(Rule {
            method: None,
            path: None,
            times: u32::MAX,
            fault: Fault::Unauthorized,
        });
    }

    fn restrict(&self) -> Restricted {
        self.restricted.store(true, Ordering::Relaxed);
        Restricted {
            function: "create-contact",
            arguments: json!({"contact": {"full-name": "Ann Lee"}}),
            names: "write".to_owned(),
        }
    }

    fn violations(&self) -> Vec<String> {
        Vec::new()
    }

    fn add_user(&self, user: Colleague) -> BoxFuture<'_, String> {
        let user = json!({"name": user.name, "emails": [user.email], "active": true});
        self.put("user", vec![user]).map(|it| it.concat()).boxed()
    }

    fn add_companies(&self, companies: Vec<Company>) -> BoxFuture<'_, Vec<String>> {
        let record = |it: Company| {
            let domains: Vec<String> = it.domain.into_iter().collect();
            json!({"name": it.name, "domains": domains, "owner": self.owner(it.owner)})
        };
        let records = companies.into_iter().map(record).collect();
        self.put("account", records).boxed()
    }

    fn add_people(&self, people: Vec<Person>) -> BoxFuture<'_, Vec<String>> {
        let record = |it: Person| {
            let emails = it.email.map(|it| json!({"address": it, "primary": true}));
            let accounts = it.company.map(|it| json!({"account": it, "primary": true}));
            json!({
                "full_name": format!("{} {}", it.given, it.family), "given_name": it.given, "family_name": it.family,
                "emails": Vec::from_iter(emails), "accounts": Vec::from_iter(accounts), "owner": self.owner(it.owner),
            })
        };
        let records = people.into_iter().map(record).collect();
        self.put("contact", records).boxed()
    }

    fn add_deals(&self, deals: Vec<Deal>) -> BoxFuture<'_, Vec<String>> {
        let record = |it: Deal| {
            let status = match it.outcome {
                Outcome::Open => "open",
                Outcome::Won => "won",
                Outcome::Lost => "lost",
            };
            let person = it.person.map(|it| json!({"contact": it, "primary": true}));
            json!({
                "name": it.name, "status": status, "value": {"amount": it.amount, "currency": "EUR"},
                "account": it.company, "participants": Vec::from_iter(person), "owner": self.owner(None),
            })
        };
        let records = deals.into_iter().map(record).collect();
        self.put("opportunity", records).boxed()
    }

    fn rename<'a>(&'a self, people: &'a [String], family: &'a str) -> BoxFuture<'a, ()> {
        let fields = json!({"full_name": format!("Anybody {family}"), "family_name": family});
        self.edit(people, fields).boxed()
    }

    fn give<'a>(&'a self, people: &'a [String], owner: &'a str) -> BoxFuture<'a, ()> {
        self.edit(people, json!({ "owner": owner })).boxed()
    }

    fn remove<'a>(&'a self, kind: Kind, ids: &'a [String]) -> BoxFuture<'a, ()> {
        let removed = self.server.remove(word(kind), ids);
        removed.map(|it| it.expect("the records are there")).boxed()
    }

    fn people(&self) -> BoxFuture<'_, Vec<String>> {
        let ids = |records: Vec<Value>| records.iter().map(|it| text(it, "id")).collect();
        let records = self.server.records("contact");
        records.map(move |it| ids(it.expect("it lists"))).boxed()
    }

    fn logged(&self, kind: Kind) -> BoxFuture<'_, Vec<Logged>> {
        let logged = |it: &Value| Logged {
            id: text(it, "id"),
            subject: text(it, "subject"),
            body: format!("{} {}", text(it, "text"), text(it, "html")),
            about: list(it, "about").iter().map(|it| text(it, "id")).collect(),
        };
        let records = self.server.records(word(kind));
        records
            .map(move |it| it.expect("it lists").iter().map(logged).collect())
            .boxed()
    }
}

fn text(record: &Value, name: &str) -> String {
    let text = record.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn list<'a>(record: &'a Value, name: &str) -> &'a [Value] {
    let list = record.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}
