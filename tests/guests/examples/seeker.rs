//! Looks for a text in the whole of its own memory.
//!
//! It is told the text in a masked form, each byte XORed with 0x55 and written in hexadecimal, and compares byte by byte, so that it never holds the text itself.

use brightsync_guests::done;
use brightsync_guests::memory::places;
use brightsync_sdk::http::Client;
use brightsync_sdk::{
    Connector, Error, Extra, Page, PageRequest, Result, User, Whoami, log, settings, state,
};

struct Seeker;

const MASK: u8 = 0x55;

impl Connector for Seeker {
    fn open() -> Result<Self> {
        Ok(Self)
    }

    fn get_me(&self) -> Result<Whoami> {
        Ok(done())
    }

    /// Asks for everything that it can get at, passes all of it on, and then counts where in memory the text is.
    fn get_users(&self, page: PageRequest) -> Result<Page<User>> {
        let mut gathered = Vec::new();
        for name in [
            "site",
            "elsewhere",
            "deed",
            "authorization",
            "token",
            "password",
            "bearer",
        ] {
            gathered.extend(settings::get(name));
        }
        gathered.extend(state::get::<String>("token"));
        gathered.extend(std::env::args());
        gathered.extend(std::env::vars().map(|(name, value)| format!("{name}={value}")));
        for kind in ["user", "account", "contact"] {
            gathered.extend(settings::wanted_fields(kind));
        }
        let client = Client::new();
        for path in ["echo", "redirect", "not-found", "cut-off"] {
            gathered.push(match client.get(path).send_any() {
                Ok(answer) => format!("{} {} {answer:?}", answer.url(), answer.text()),
                Err(error) => format!("{error:?}"),
            });
        }
        if let Some(elsewhere) = settings::get("elsewhere") {
            gathered.push(format!(
                "{:?}",
                client.get(format!("{elsewhere}/echo")).send_any()
            ));
        }
        for line in &gathered {
            log::info(line);
            #[expect(
                clippy::print_stderr,
                reason = "what is written there is kept with a trap"
            )]
            {
                eprintln!("{line}");
            }
        }
        let needles = needles(&page.extra)?;
        let places: Vec<_> = needles.iter().map(|needle| places(needle, MASK)).collect();
        let mut answer = Page::empty();
        answer.end.extra = vec![
            ("places".to_owned(), serde_json::json!(places).to_string()),
            (
                "gathered".to_owned(),
                serde_json::json!(gathered).to_string(),
            ),
        ];
        Ok(answer)
    }
}

fn needles(extra: &Extra) -> Result<Vec<Vec<u8>>> {
    let Some((_, json)) = extra.iter().find(|(name, _)| name == "masked") else {
        return Err(Error::other("nothing to look for"));
    };
    Ok(serde_json::from_str(json)?)
}

brightsync_sdk::export!(Seeker);
