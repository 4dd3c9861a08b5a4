//! Makes the requests that it is told to make, whatever they are, and tells what came of each.
//!
//! `get-users` takes its orders from the page's `extra`, `create-account` from the account's; the second makes one request and does not care what comes of it.

use brightsync_guests::ask::Ask;
use brightsync_guests::deed;
use brightsync_sdk::http::{self, Client, Response};
use brightsync_sdk::{
    Connector, Error, Extra, NewAccount, Page, PageRequest, Reason, Result, User, Whoami, Written,
};
use serde_json::{Value, json};

struct Asker;

impl Connector for Asker {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        Client::new().get("me").send()?;
        Ok(brightsync_guests::done())
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let mut told = Vec::new();
        for order in orders(&page.extra)? {
            for _ in 0..order.times {
                told.push(tell(order.request()?.send_any()));
            }
        }
        Ok(answer(&told))
    }

    fn get_users_by_email(&self, _emails: &[String], page: PageRequest) -> Result<Page<User>> {
        let mut requests = Vec::new();
        for order in orders(&page.extra)? {
            for _ in 0..order.times {
                requests.push(order.request()?);
            }
        }
        let told: Vec<_> = http::send_all(requests).into_iter().map(tell).collect();
        Ok(answer(&told))
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        for order in orders(&account.extra)? {
            if order.request()?.send().is_err() && deed() == "excuse" {
                return Err(Error::other("something else was the matter"));
            }
        }
        Ok(Written::new("written"))
    }
}

fn orders(extra: &Extra) -> Result<Vec<Ask>> {
    let Some((_, json)) = extra.iter().find(|(name, _)| name == "orders") else {
        return Ok(Vec::new());
    };
    Ok(serde_json::from_str(json)?)
}

fn tell(answer: Result<Response>) -> Value {
    match answer {
        Ok(response) => json!({
            "status": response.status(),
            "location": response.header("location"),
            "body": response.text().chars().take(1000).collect::<String>(),
        }),
        Err(error) => json!({
            "code": error.code,
            "message": error.message,
            "limited": matches!(error.reason, Reason::RateLimited(_)),
        }),
    }
}

fn answer(told: &[Value]) -> Page<User> {
    let mut page = Page::empty();
    page.end.extra = vec![("answers".to_owned(), Value::from(told.to_vec()).to_string())];
    page
}

brightsync_sdk::export!(Asker);
