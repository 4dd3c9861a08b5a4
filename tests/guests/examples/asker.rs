//! Makes the requests that it is told to make, whatever they are, and tells what came of each.
//!
//! `get-users` takes its orders from the page's `extra`, `create-account` from the account's; the second makes one request and does not care what comes of it.

use brightsync_guests::deed;
use brightsync_sdk::http::{self, Client, Request, Response};
use brightsync_sdk::{
    Connector, Error, Extra, NewAccount, Page, PageRequest, Reason, Result, User, Whoami, Written,
};
use serde::Deserialize;
use serde_json::{Value, json};

struct Asker;

/// One request, or many of the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// The size of a body of zeros.
    #[serde(default)]
    zeros: usize,
    #[serde(default = "one")]
    times: usize,
    #[serde(default)]
    repeatable: bool,
    #[serde(default = "one_point")]
    cost: u32,
    bucket: Option<String>,
}

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
                told.push(tell(request(&order)?.send_any()));
            }
        }
        Ok(answer(&told))
    }

    fn get_users_by_email(&self, _emails: &[String], page: PageRequest) -> Result<Page<User>> {
        let mut requests = Vec::new();
        for order in orders(&page.extra)? {
            for _ in 0..order.times {
                requests.push(request(&order)?);
            }
        }
        let told: Vec<_> = http::send_all(requests).into_iter().map(tell).collect();
        Ok(answer(&told))
    }

    fn create_account(&self, account: NewAccount) -> Result<Written> {
        for order in orders(&account.extra)? {
            if request(&order)?.send().is_err() && deed() == "excuse" {
                return Err(Error::other("something else was the matter"));
            }
        }
        Ok(Written::new("written"))
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn one() -> usize {
    1
}

fn one_point() -> u32 {
    1
}

fn orders(extra: &Extra) -> Result<Vec<Order>> {
    let Some((_, json)) = extra.iter().find(|(name, _)| name == "orders") else {
        return Ok(Vec::new());
    };
    Ok(serde_json::from_str(json)?)
}

fn request(order: &Order) -> Result<Request> {
    let client = Client::new();
    let url = order.url.as_str();
    let mut request = match order.method.as_str() {
        "GET" => client.get(url),
        "POST" => client.post(url),
        "PUT" => client.put(url),
        "PATCH" => client.patch(url),
        "DELETE" => client.delete(url),
        other => return Err(Error::other(format!("the SDK has no method {other}"))),
    };
    for (name, value) in &order.headers {
        request = request.header(name, value);
    }
    if order.repeatable {
        request = request.repeatable();
    }
    if let Some(bucket) = &order.bucket {
        request = request.cost(order.cost, bucket);
    }
    if 0 < order.zeros {
        return Ok(request.body(vec![0; order.zeros], "application/octet-stream"));
    }
    Ok(match &order.body {
        Some(body) => request.body(body.clone().into_bytes(), "text/plain"),
        None => request,
    })
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
