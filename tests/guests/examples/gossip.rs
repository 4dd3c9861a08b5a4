//! Tells all that it comes to know, everywhere that it can: to the CRM, to the log, to the state, in its answer; and looks whether it was told of anybody else.

use std::sync::Mutex;

use brightsync_guests::{deed, done, memory};
use brightsync_sdk::http::Client;
use brightsync_sdk::{Connector, Page, PageRequest, Result, User, Whoami, log, settings, state};
use serde_json::{Value, json};

struct Gossip;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Connector for Gossip {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        Client::new().get("me").query("of", deed()).send()?;
        Ok(done())
    }

    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        // Before anything of its own is there.
        let left_behind = canaries_in_memory();
        let own = deed();
        let mut heard: Vec<String> = vec![own.clone()];
        heard.extend(HEARD.lock().map(|it| it.clone()).unwrap_or_default());
        for key in ["kept", "seen", "token", &own] {
            heard.extend(state::get::<String>(key));
        }
        for name in ["site", "elsewhere", "authorization", "token"] {
            heard.extend(settings::get(name));
        }
        heard.extend(
            page.extra
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        let client = Client::new().header("X-Told", &own);
        let found: Value = client.get("records").query("of", &own).send()?.json()?;
        heard.push(found.to_string());
        let answer = client
            .post("notes")
            .json(&json!({ "heard": heard }))
            .send()?;
        heard.push(format!("{answer:?} {}", answer.text()));
        for line in &heard {
            log::info(line);
        }
        state::set("kept", &own)?;
        state::set(&own, &found.to_string())?;
        if let Ok(mut all) = HEARD.lock() {
            all.extend(heard.clone());
        }
        let counts = [left_behind, canaries_in_memory()];
        let mut answer = Page::last(vec![User::new(own, heard.join(" "))]);
        answer.end.extra = vec![("in-memory".to_owned(), json!(counts).to_string())];
        Ok(answer)
    }
}

/// How many canaries are in memory, all of it and what is new in it; the word is masked, so that this program is no place where it stands.
fn canaries_in_memory() -> usize {
    const MASK: u8 = 0x55;
    const MASKED: [u8; 7] = [0x36, 0x34, 0x3b, 0x34, 0x27, 0x2c, 0x78];
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::memory_grow(0, 16);
    memory::places(&MASKED, MASK)
}

brightsync_sdk::export!(Gossip);
