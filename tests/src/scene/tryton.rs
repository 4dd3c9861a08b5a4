//! A scene in a real Tryton, and two connections to it: the administrator's, and that of a user who may see less.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use brightsync_core::manifest::Manifest;
use brightsync_crms::{Colleague, Company, Deal, Kind, Logged, Outcome, Person, Trouble};
use brightsync_sandbox::tryton::{Environment, Options, Server};
use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Value, json};

use super::{Restricted, Scene, cloud};
use crate::connector;
use crate::customer::Customer;
use crate::gate::Gate;
use crate::world::bytes;

/// Which of the connections is in use.
const FULL: u8 = 0;
const LESSER: u8 = 1;
const REVOKED: u8 = 2;

/// A Tryton of its own.
pub struct Tryton {
    gate: Gate,
    server: Server,
    /// How far its clock is ahead of this machine's, in milliseconds.
    ahead: Arc<AtomicI64>,
    customers: [Customer; 3],
    in_use: AtomicU8,
    manifest: Manifest,
    /// The id of the category of people, and that of the relation from a person to a company.
    words: (i64, i64),
}

impl Tryton {
    /// Starts one and connects.
    pub async fn open() -> Self {
        Self::open_with(&bytes(connector::TRYTON)).await
    }

    /// Likewise with a component of the connector that is not the one of today.
    pub async fn open_with(component: &[u8]) -> Self {
        let server = tokio::task::spawn_blocking(|| {
            #[expect(
                clippy::print_stdout,
                reason = "the first time takes minutes, and a test has no other way to say so"
            )]
            let environment = Environment::prepare(&target(), &mut |line| println!("{line}"));
            let environment = environment.unwrap_or_else(|error| panic!("{error}"));
            Server::start(&environment, &Options::default())
                .unwrap_or_else(|error| panic!("{error}"))
        });
        let server = server.await.expect("no panic");
        let gate = Gate::before(server.address()).await;
        let ahead = Arc::new(AtomicI64::new(0));
        let key = |login: &str| server.key(login).expect("a known user").to_owned();
        let customers = [
            connect(component, gate.address(), &key("admin"), &ahead).await,
            connect(component, gate.address(), &key("dora"), &ahead).await,
            connect(
                component,
                gate.address(),
                "a-key-that-was-taken-back-0123456789",
                &ahead,
            )
            .await,
        ];
        let first = |model: &str, name: &str| {
            let order = json!({"do": "search", "model": model, "domain": [["name", "=", name]]});
            let found = server.order(&order).expect("Tryton searches");
            found[0].as_i64().expect("the preparation made it")
        };
        Self {
            words: (
                first("party.category", "Person"),
                first("party.relation.type", "Employee of"),
            ),
            gate,
            server,
            ahead,
            customers,
            in_use: AtomicU8::new(FULL),
            manifest: cloud::shipped(component),
        }
    }

    fn order(&self, order: Value) -> Value {
        let answer = tokio::task::block_in_place(|| self.server.order(&order));
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    fn create(&self, model: &str, values: Vec<Value>) -> Vec<String> {
        let order = json!({"do": "create", "model": model, "values": values});
        let ids = self.order(order);
        let ids = ids.as_array().expect("ids").iter();
        ids.map(Value::to_string).collect()
    }

    fn write(&self, ids: &[String], values: Value) {
        let order =
            json!({"do": "write", "model": "party.party", "ids": numbers(ids), "values": values});
        self.order(order);
    }
}

async fn connect(
    component: &[u8],
    address: SocketAddr,
    key: &str,
    ahead: &Arc<AtomicI64>,
) -> Customer {
    let ahead = ahead.clone();
    Customer::at_time(
        connector::TRYTON,
        component,
        &format!("http://{address}"),
        move || now() + ahead.load(Ordering::Relaxed),
        ("application-key", &[("token", key)]),
        &[("database", "tryton")],
    )
    .await
}

/// The time of this machine.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().as_millis();
    i64::try_from(since).unwrap_or(i64::MAX)
}

/// Cargo's target folder, in which there is one environment for all tests.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    )
}

fn numbers(ids: &[String]) -> Vec<i64> {
    let ids = ids.iter().map(|it| it.parse());
    ids.map(|it| it.expect("Tryton's ids are numbers"))
        .collect()
}

impl Scene for Tryton {
    fn customer(&self) -> &Customer {
        &self.customers[usize::from(self.in_use.load(Ordering::Relaxed))]
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn me(&self) -> BoxFuture<'_, String> {
        let admin = self.server.login("admin").expect("the administrator");
        ready(admin.user.to_string()).boxed()
    }

    fn now(&self) -> i64 {
        now() + self.ahead.load(Ordering::Relaxed)
    }

    fn pass(&self, milliseconds: i64) {
        self.ahead.fetch_add(milliseconds, Ordering::Relaxed);
        self.order(json!({"do": "pass", "milliseconds": milliseconds}));
    }

    fn fall_behind(&self, _: i64) {}

    fn trouble(&self, times: u32, trouble: Trouble) {
        self.gate.close_for(times, trouble);
    }

    fn calm(&self) {
        self.gate.open();
    }

    fn revoke(&self) {
        self.in_use.store(REVOKED, Ordering::Relaxed);
    }

    fn restrict(&self) -> Restricted {
        self.in_use.store(LESSER, Ordering::Relaxed);
        Restricted {
            function: "get-opportunities-for-contacts",
            arguments: json!({"contacts": ["1"]}),
            names: "opportunit".to_owned(),
        }
    }

    fn violations(&self) -> Vec<String> {
        Vec::new()
    }

    fn add_user(&self, user: Colleague) -> BoxFuture<'_, String> {
        let values = json!({"name": user.name, "login": "olga", "email": user.email});
        ready(self.create("res.user", vec![values]).concat()).boxed()
    }

    fn add_companies(&self, companies: Vec<Company>) -> BoxFuture<'_, Vec<String>> {
        let values = companies.into_iter().map(|it| {
            let site = it
                .domain
                .map(|it| json!({"type": "website", "value": format!("https://{it}")}));
            json!({"name": it.name, "contact_mechanisms": [["create", Vec::from_iter(site)]]})
        });
        ready(self.create("party.party", values.collect())).boxed()
    }

    fn add_people(&self, people: Vec<Person>) -> BoxFuture<'_, Vec<String>> {
        let (person, employee) = self.words;
        let companies: Vec<_> = people.iter().map(|it| it.company.clone()).collect();
        let values = people.into_iter().map(|it| {
            let email = it.email.map(|it| json!({"type": "email", "value": it}));
            json!({
                "name": format!("{} {}", it.given, it.family), "categories": [["add", [person]]],
                "contact_mechanisms": [["create", Vec::from_iter(email)]],
            })
        });
        let ids = self.create("party.party", values.collect());
        let links = ids.iter().zip(companies).filter_map(|(id, company)| {
            let (from, to) = (numbers(std::slice::from_ref(id)), numbers(&[company?]));
            Some(json!({"from_": from[0], "to": to[0], "type": employee}))
        });
        let links: Vec<Value> = links.collect();
        if !links.is_empty() {
            self.create("party.relation", links);
        }
        ready(ids).boxed()
    }

    fn add_deals(&self, deals: Vec<Deal>) -> BoxFuture<'_, Vec<String>> {
        let order =
            json!({"do": "read", "model": "company.company", "domain": [], "fields": ["currency"]});
        let currency = self.order(order)[0]["currency"].clone();
        let values = deals.into_iter().map(|it| {
            let state = match it.outcome {
                Outcome::Open => "opportunity",
                Outcome::Won => "won",
                Outcome::Lost => "lost",
            };
            let amount: f64 = it.amount.parse().expect("an amount");
            let person = it.person.and_then(|it| {
                let domain = json!([["party", "=", numbers(&[it])[0]]]);
                let order =
                    json!({"do": "search", "model": "party.contact_mechanism", "domain": domain});
                self.order(order).get(0).cloned()
            });
            json!({
                "party": it.company.map(|it| numbers(&[it])[0]), "company": 1, "currency": currency,
                "amount": amount, "description": it.name, "contact": person, "state": state,
            })
        });
        let values = values.collect();
        ready(self.create("sale.opportunity", values)).boxed()
    }

    fn rename<'a>(&'a self, people: &'a [String], family: &'a str) -> BoxFuture<'a, ()> {
        self.write(people, json!({"name": format!("Anybody {family}")}));
        ready(()).boxed()
    }

    fn give<'a>(&'a self, _: &'a [String], _: &'a str) -> BoxFuture<'a, ()> {
        panic!("nobody owns a party")
    }

    fn remove<'a>(&'a self, _: Kind, ids: &'a [String]) -> BoxFuture<'a, ()> {
        self.order(json!({"do": "delete", "model": "party.party", "ids": numbers(ids)}));
        ready(()).boxed()
    }

    fn people(&self) -> BoxFuture<'_, Vec<String>> {
        let domain = json!([["categories", "=", self.words.0]]);
        let ids = self.order(json!({"do": "search", "model": "party.party", "domain": domain}));
        let ids = ids.as_array().expect("ids").iter().map(Value::to_string);
        ready(ids.collect()).boxed()
    }

    fn logged(&self, kind: Kind) -> BoxFuture<'_, Vec<Logged>> {
        let order = json!({"do": "read", "model": "ir.note", "domain": [], "fields": ["message", "resource"]});
        let notes = self.order(order);
        let word = match kind {
            Kind::Meeting => "[brightsync:meeting:",
            Kind::Company | Kind::Person | Kind::Email => "[brightsync:email:",
        };
        let logged = |note: &Value| {
            let message = note["message"].as_str()?.to_owned();
            let subject = message.lines().next()?.split_once(": ")?.1.to_owned();
            let about = note["resource"].as_str()?.split_once(',')?.1.to_owned();
            message.contains(word).then(|| Logged {
                id: note["id"].to_string(),
                subject,
                body: message,
                about: vec![about],
            })
        };
        let notes = notes.as_array().expect("notes").iter();
        ready(notes.filter_map(logged).collect()).boxed()
    }
}
