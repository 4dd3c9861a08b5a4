//! Looks for a text in the whole of its own memory.
//!
//! It is told the text in a masked form, each byte XORed with 0x55 and written in hexadecimal, and compares byte by byte, so that it never holds the text itself.

use brightsync_guests::done;
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
        let places: Vec<_> = needles.iter().map(|needle| places(needle)).collect();
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

/// How often the text that is masked like this is in memory.
#[cfg(target_family = "wasm")]
fn places(masked: &[u8]) -> usize {
    #[expect(unsafe_code, reason = "to read all memory is what this guest is for")]
    // SAFETY: every address below the size of the memory can be read, and this is the only thread.
    fn byte(address: usize) -> u8 {
        unsafe { std::ptr::read_volatile(std::ptr::without_provenance(address)) }
    }
    let size = core::arch::wasm32::memory_size(0) << 16;
    let ends = size.saturating_sub(masked.len());
    // Address 0 is a place as good as any, but not to a pointer.
    (1..ends)
        .filter(|start| {
            let mut offsets = masked.iter().enumerate();
            offsets.all(|(offset, it)| byte(start + offset) == it ^ MASK)
        })
        .count()
}

#[cfg(not(target_family = "wasm"))]
fn places(masked: &[u8]) -> usize {
    usize::from(masked.contains(&MASK))
}

brightsync_sdk::export!(Seeker);
