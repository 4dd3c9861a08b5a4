//! The CRM in which a scenario plays, with a customer's connection to it: what people in its office do, what goes wrong, and what is seen afterwards.
//!
//! A scene hides which CRM it is; a scenario tells the same story in all of them.

mod cloud;
mod espocrm;
mod sandbox;
mod tryton;

use brightsync_core::manifest::Manifest;
use brightsync_crms::{Colleague, Company, Deal, Kind, Logged, Person, Trouble};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::customer::Customer;

pub use cloud::Cloud;
pub use espocrm::Espo;
pub use sandbox::Sandbox;
pub use tryton::Tryton;

/// A CRM with a customer's connection to it.
pub trait Scene: Send + Sync {
    /// The connection.
    fn customer(&self) -> &Customer;

    /// The connector's manifest, as vendors get it.
    fn manifest(&self) -> &Manifest;

    /// The user whose connection it is.
    fn me(&self) -> BoxFuture<'_, String>;

    /// What time it is in the CRM, in milliseconds since the Unix epoch.
    fn now(&self) -> i64;

    /// Lets time go by, where the CRM's clock can be moved.
    fn pass(&self, milliseconds: i64);

    /// Lets the slow indexes of a CRM that has such fall behind by so much.
    fn fall_behind(&self, milliseconds: i64);

    /// Lets so many requests go wrong from now on.
    fn trouble(&self, times: u32, trouble: Trouble);

    /// Ends all troubles.
    fn calm(&self);

    /// Takes the connection's access away.
    fn revoke(&self);

    /// Takes a scope or a right from the connection, and answers a call that it prevents, and what the refusal names.
    fn restrict(&self) -> Restricted;

    /// What no connector should have done.
    fn violations(&self) -> Vec<String>;

    /// Puts a user there.
    fn add_user(&self, user: Colleague) -> BoxFuture<'_, String>;

    /// Puts companies there.
    fn add_companies(&self, companies: Vec<Company>) -> BoxFuture<'_, Vec<String>>;

    /// Puts people there.
    fn add_people(&self, people: Vec<Person>) -> BoxFuture<'_, Vec<String>>;

    /// Puts opportunities there.
    fn add_deals(&self, deals: Vec<Deal>) -> BoxFuture<'_, Vec<String>>;

    /// Gives people another family name.
    fn rename<'a>(&'a self, people: &'a [String], family: &'a str) -> BoxFuture<'a, ()>;

    /// Gives people to another user.
    fn give<'a>(&'a self, people: &'a [String], owner: &'a str) -> BoxFuture<'a, ()>;

    /// Deletes records.
    fn remove<'a>(&'a self, kind: Kind, ids: &'a [String]) -> BoxFuture<'a, ()>;

    /// The ids of all people who are there.
    fn people(&self) -> BoxFuture<'_, Vec<String>>;

    /// What was logged.
    fn logged(&self, kind: Kind) -> BoxFuture<'_, Vec<Logged>>;
}

/// A call that a restricted connection may not make.
pub struct Restricted {
    /// The function.
    pub function: &'static str,
    /// Its arguments.
    pub arguments: Value,
    /// What the refusal's message names: the scope or the right.
    pub names: String,
}

impl Restricted {
    /// Reading contacts is what is prevented.
    pub fn reading(names: impl Into<String>) -> Self {
        Self {
            function: "get-my-contacts",
            arguments: json!({"request": {"owner": "anyone"}}),
            names: names.into(),
        }
    }
}
