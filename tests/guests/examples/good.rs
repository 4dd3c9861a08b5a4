//! A connector as it should be: it asks the CRM who it is, and creates what it is told to.

use brightsync_sdk::http::Client;
use brightsync_sdk::{Connector, NewAccount, Result, User, Whoami, Written};
use serde::Deserialize;

struct Good(Client);

#[derive(Deserialize)]
struct Person {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Connector for Good {
    fn open() -> Result<Self> {
        Ok(Self(Client::new().header("Accept", "application/json")))
    }

    fn get_me(&self) -> Result<Whoami> {
        let me: Person = self.0.get("me").send()?.json()?;
        Ok(Whoami {
            user: Some(User::new(me.id, me.name)),
            ..Whoami::new("org")
        })
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        let body = serde_json::json!({ "name": account.name });
        let created: Created = self.0.post("accounts").json(&body).send()?.json()?;
        Ok(Written::new(created.id))
    }
}

brightsync_sdk::export!(Good);
