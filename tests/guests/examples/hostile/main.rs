//! Tries what a hostile connector would try. The catalogue of attacks says which deed, and what has to come of it.
//!
//! `get-users` takes its orders from the page's `extra`; what it was told is masked, byte by byte, so that the host does not find in it what it would cut out. The other functions answer lies of their own, by the setting `deed`.

mod lie;
mod raw;
mod search;
mod take;

use brightsync_guests::ask::Ask;
use brightsync_guests::deed;
use brightsync_sdk::http::{self, Client, Response};
use brightsync_sdk::{
    Account, Change, Connector, Contact, Error, Extra, NewAccount, Page, PageRequest, ReadRequest,
    Reason, Result, User, Whoami, Written, log, settings, state,
};
use serde::Deserialize;
use serde_json::{Value, json};

struct Hostile;

/// Every byte of what it tells is combined with this.
const MASK: u8 = 0xa5;

/// Headers of an answer that it would like to see.
const SHOWN: [&str; 5] = [
    "location",
    "set-cookie",
    "www-authenticate",
    "x-internal-address",
    "x-request-id",
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// A request, and what came of it.
    Request(Ask),
    /// Many of the same request at once.
    Together(Ask),
    /// A setting, or a kept value.
    Setting(String),
    Kept(String),
    /// To keep a value.
    Keep(String, String),
    /// To keep so many values of so many bytes.
    Hoard(usize, usize),
    /// What the program's surroundings hold.
    Surroundings,
    /// To look through all memory for a text that is told masked.
    Search(Vec<u8>),
    /// To log a text so many times.
    Log(String, usize),
    /// To write a text to standard error and give up.
    Shout(String),
    /// To take: each a kind of the host's goods, and how much.
    Compute(u64),
    Sleep(u64),
    Memory(usize),
    Depth(u64),
    Handles(usize),
    Calls(usize),
    Random(u32),
    Pass(usize),
    /// To end in another way than by an answer.
    Panic,
    Exit(i32),
    Abort,
    /// To call the host with arguments that no compiler would pass.
    Raw(String),
}

impl Connector for Hostile {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        lie::about_me(&deed())
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let mut told = Vec::new();
        for order in orders(&page.extra)? {
            told.push(obey(order)?);
        }
        let mut answer = Page::empty().with_next(lie::token(&deed()));
        answer.end.extra = vec![("told".to_owned(), masked(&Value::from(told).to_string()))];
        Ok(answer)
    }

    fn get_my_accounts(&self, request: ReadRequest) -> Result<Page<Change<Account>>> {
        Ok(lie::endless(&deed(), request))
    }

    fn get_contacts_by_email(
        &self,
        _emails: &[String],
        _page: PageRequest,
    ) -> Result<Page<Contact>> {
        Ok(lie::of_somebody_else())
    }

    /// Writes, and says that nothing was written.
    fn create_account(&self, _account: NewAccount) -> Result<Written> {
        match Client::new()
            .post("write")
            .body(b"{}".to_vec(), "application/json")
            .send()
        {
            Ok(_) => Ok(Written::new("written")),
            Err(_) => Err(Error::new(
                Reason::Unavailable,
                "nothing was sent, do it again",
            )),
        }
    }
}

fn obey(order: Order) -> Result<Value> {
    Ok(match order {
        Order::Request(ask) => (0..ask.times)
            .map(|_| tell(ask.request()?.send_any()))
            .collect::<Result<_>>()?,
        Order::Together(ask) => {
            let requests = (0..ask.times)
                .map(|_| ask.request())
                .collect::<Result<_>>()?;
            http::send_all(requests)
                .into_iter()
                .map(tell)
                .collect::<Result<_>>()?
        }
        Order::Setting(name) => json!(settings::get(&name)),
        Order::Kept(key) => json!(state::get::<String>(&key)),
        Order::Keep(key, value) => json!(state::set(&key, &value).map_err(|it| it.message).err()),
        Order::Hoard(count, size) => take::keep(count, size),
        Order::Surroundings => {
            let variables = std::env::vars().map(|(name, value)| format!("{name}={value}"));
            json!(std::env::args().chain(variables).collect::<Vec<_>>())
        }
        Order::Search(masked) => search::all(&masked),
        Order::Log(text, times) => {
            (0..times).for_each(|_| log::error(&text));
            Value::Null
        }
        Order::Shout(text) => take::shout(&text),
        Order::Compute(loops) => take::compute(loops),
        Order::Sleep(millis) => take::sleep(millis),
        Order::Memory(mib) => take::memory(mib),
        Order::Depth(depth) => json!(take::depth(depth)),
        Order::Handles(count) => raw::handles(count),
        Order::Calls(count) => take::calls(count),
        Order::Random(length) => raw::random(length),
        Order::Pass(length) => take::pass(length),
        Order::Panic => take::panic(),
        Order::Exit(status) => std::process::exit(status),
        Order::Abort => std::process::abort(),
        Order::Raw(what) => raw::call(&what),
    })
}

fn orders(extra: &Extra) -> Result<Vec<Order>> {
    let Some((_, json)) = extra.iter().find(|(name, _)| name == "orders") else {
        return Ok(Vec::new());
    };
    Ok(serde_json::from_str(json)?)
}

/// All that the host lets it know of an answer.
fn tell(answer: Result<Response>) -> Result<Value> {
    Ok(match answer {
        Ok(response) => json!({
            "status": response.status(),
            "url": response.url(),
            "headers": SHOWN.map(|name| response.header(name).unwrap_or_default().to_owned()),
            "length": response.text().len(),
            "body": response.text().chars().take(4096).collect::<String>(),
        }),
        Err(error) => match error.code {
            Some(code) => json!({ "code": code }),
            None => json!({ "message": error.message }),
        },
    })
}

fn masked(text: &str) -> String {
    let hex: String = text
        .bytes()
        .map(|it| format!("{:02x}", it ^ MASK))
        .collect();
    Value::from(hex).to_string()
}

brightsync_sdk::export!(Hostile);
