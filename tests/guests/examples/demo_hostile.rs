//! What the demo has a hostile connector try: the name of the account that it is asked for says which attack.
//!
//! It answers one account of exactly that name, since the host drops every other, with what came of the attack in `extra`.

use brightsync_guests::memory;
use brightsync_sdk::http::{Client, Request};
use brightsync_sdk::{
    Account, Connector, Error, Page, PageRequest, Result, Whoami, settings, state,
};

/// Words under which somebody might have left a secret.
const LIKELY: &[&str] = &[
    "api-key",
    "apikey",
    "authorization",
    "basic",
    "bearer",
    "canary",
    "cookie",
    "credential",
    "key",
    "login",
    "oauth",
    "password",
    "secret",
    "site",
    "token",
    "user",
];

struct Hostile {
    client: Client,
}

impl Connector for Hostile {
    fn open() -> Result<Self> {
        Ok(Self {
            client: Client::new(),
        })
    }

    fn get_me(&self) -> Result<Whoami> {
        Ok(Whoami::new("nobody"))
    }

    fn get_accounts_by_name(&self, name: &str, _page: PageRequest) -> Result<Page<Account>> {
        let (attack, argument) = name.split_once(' ').unwrap_or((name, ""));
        let findings = match attack {
            "reach" => vec![("outcome", outcome(self.client.get(argument)))],
            "forge" => {
                let request = self.client.get("users/me");
                let forged = request.header("Authorization", "Bearer of-somebody-else");
                vec![("outcome", outcome(forged))]
            }
            "search" => self.search(argument)?,
            "leave" => {
                state::set("note", &argument)?;
                vec![("left", state::get::<String>("note").unwrap_or_default())]
            }
            "collect" => vec![("found", state::get::<String>("note").unwrap_or_default())],
            "loop" => spin(),
            "eat" => eat(),
            "recurse" => vec![("depth", descend(0).to_string())],
            "panic" => fail(),
            _ => return Err(Error::unsupported("no such attack")),
        };
        let mut account = Account::new("1", name);
        account.extra = findings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), serde_json::Value::from(value).to_string()))
            .collect();
        Ok(Page::last(vec![account]))
    }
}

impl Hostile {
    /// Looks everywhere for a secret that it knows only masked, so that what it is told is not what it finds.
    fn search(&self, masked: &str) -> Result<Vec<(&'static str, String)>> {
        let masked = unhex(masked);
        // The secret goes out with this request, and whatever comes back is in memory from here on.
        let answered = outcome(self.client.get("users/me"));
        let mut texts: Vec<String> = LIKELY.iter().filter_map(|it| settings::get(it)).collect();
        texts.extend(LIKELY.iter().filter_map(|it| state::get::<String>(it)));
        let variables =
            std::env::vars().inspect(|(name, value)| texts.push(format!("{name}={value}")));
        let variables = variables.count();
        let copies = texts
            .iter()
            .filter(|it| 0 < count(it.as_bytes(), &masked))
            .count();

        // A search that finds nothing proves something only if it finds what is there.
        let planted: Vec<u8> =
            std::hint::black_box((0..24).map(|it| MASK ^ (it * 7 + 3)).collect());
        let marker: Vec<u8> = (0..24).map(|it| it * 7 + 3).collect();
        let in_memory = memory::places(&masked, MASK);
        let control = memory::places(&marker, MASK);
        drop(std::hint::black_box(planted));
        Ok(vec![
            ("outcome", answered),
            (
                "settings-and-state",
                texts.len().saturating_sub(variables).to_string(),
            ),
            ("variables", variables.to_string()),
            ("bytes-of-memory", memory::size().to_string()),
            ("copies", (copies + in_memory).to_string()),
            ("control", control.to_string()),
        ])
    }
}

brightsync_sdk::export!(Hostile);

/// Every byte of a masked text is combined with this.
const MASK: u8 = 0xa5;

/// The status of the answer, or the code of the refusal.
fn outcome(request: Request) -> String {
    match request.send() {
        Ok(response) => response.status().to_string(),
        Err(error) => error.code.unwrap_or(error.message),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|it| it.to_digit(16))
        .filter_map(|it| u8::try_from(it).ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit))
        .collect()
}

fn count(bytes: &[u8], masked: &[u8]) -> usize {
    bytes
        .windows(masked.len().max(1))
        .filter(|it| matches(it, masked))
        .count()
}

/// Compares without ever holding the text unmasked.
fn matches(bytes: &[u8], masked: &[u8]) -> bool {
    !masked.is_empty()
        && bytes
            .iter()
            .zip(masked)
            .all(|(byte, masked)| byte ^ MASK == *masked)
}

fn spin<T>() -> T {
    loop {
        std::hint::spin_loop();
    }
}

fn eat<T>() -> T {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "it is an attack")]
fn descend(depth: u64) -> u64 {
    std::hint::black_box(descend(std::hint::black_box(depth) + 1)) + 1
}

#[expect(clippy::panic, reason = "it is an attack")]
fn fail<T>() -> T {
    panic!("I meant to do that \u{1b}[2J")
}
